// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awsrole_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/awsrole"
)

const (
	roleARN     = "arn:aws:iam::111122223333:role/Admin"
	providerARN = "arn:aws:iam::111122223333:saml-provider/Gatehouse"
)

func pair() awsrole.RolePair { return awsrole.RolePair{RoleARN: roleARN, ProviderARN: providerARN} }

func TestParseRolePair(t *testing.T) {
	comma := "arn:aws:iam::111122223333:role/team/a,b=c"
	for _, tc := range []struct{ in, role, provider string }{
		{roleARN + "," + providerARN, roleARN, providerARN},
		{providerARN + "," + roleARN, roleARN, providerARN},
		{" " + roleARN + " ,\n " + providerARN + " ", roleARN, providerARN},
		{comma + "," + providerARN, comma, providerARN},
		{providerARN + "," + comma, comma, providerARN},
		{
			"arn:aws-cn:iam::111122223333:role/x,arn:aws-cn:iam::111122223333:saml-provider/y",
			"arn:aws-cn:iam::111122223333:role/x", "arn:aws-cn:iam::111122223333:saml-provider/y",
		},
		{
			"arn:aws-eusc:iam::111122223333:role/x,arn:aws-eusc:iam::111122223333:saml-provider/y",
			"arn:aws-eusc:iam::111122223333:role/x", "arn:aws-eusc:iam::111122223333:saml-provider/y",
		},
	} {
		p, err := awsrole.ParseRolePair(tc.in)
		if err != nil {
			t.Errorf("%q: %v", tc.in, err)
			continue
		}
		if p.RoleARN != tc.role || p.ProviderARN != tc.provider {
			t.Errorf("%q: %+v", tc.in, p)
		}
		if back, err := awsrole.ParseRolePair(p.String()); err != nil || back != p {
			t.Errorf("%q does not come back: %+v, %v", p, back, err)
		}
	}
}

func TestParseRolePairRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"empty":              "",
		"role alone":         roleARN,
		"two roles":          roleARN + "," + roleARN,
		"two providers":      providerARN + "," + providerARN,
		"three":              roleARN + "," + providerARN + "," + roleARN,
		"other account":      "arn:aws:iam::999999999999:role/Admin," + providerARN,
		"other partition":    "arn:aws-cn:iam::111122223333:role/Admin," + providerARN,
		"unknown partition":  strings.ReplaceAll(roleARN+","+providerARN, "arn:aws:", "arn:awx:"),
		"short account":      strings.ReplaceAll(roleARN+","+providerARN, "111122223333", "11112222333"),
		"not iam":            "arn:aws:sts::111122223333:role/Admin," + providerARN,
		"region in ARN":      "arn:aws:iam:us-east-1:111122223333:role/Admin," + providerARN,
		"role without name":  "arn:aws:iam::111122223333:role/," + providerARN,
		"bad role name":      "arn:aws:iam::111122223333:role/Ad min," + providerARN,
		"comma in path":      "arn:aws:iam::111122223333:role/a,arn:x/b," + providerARN,
		"control character":  "arn:aws:iam::111122223333:role/Admin\x00," + providerARN,
		"name of 65":         "arn:aws:iam::111122223333:role/" + strings.Repeat("a", 65) + "," + providerARN,
		"separator is blank": roleARN + " " + providerARN,
		"long":               strings.Repeat("a", 5000),
	} {
		if _, err := awsrole.ParseRolePair(in); awsrole.CheckOf(err) != awsrole.CheckRole {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSessionAttributes(t *testing.T) {
	s := awsrole.Session{
		Role: pair(), RoleSessionName: "alice@example.com", SessionDuration: time.Hour,
		PrincipalTags:     []awsrole.Tag{{Key: "Team", Value: "blue"}, {Key: "Cost Center", Value: ""}},
		TransitiveTagKeys: []string{"Team"}, SourceIdentity: "p-01234",
	}
	got, err := s.Attributes()
	if err != nil {
		t.Fatal(err)
	}
	want := []awsrole.Attribute{
		{Name: "https://aws.amazon.com/SAML/Attributes/Role", Values: []string{roleARN + "," + providerARN}},
		{Name: "https://aws.amazon.com/SAML/Attributes/RoleSessionName", Values: []string{"alice@example.com"}},
		{Name: "https://aws.amazon.com/SAML/Attributes/SessionDuration", Values: []string{"3600"}},
		{Name: "https://aws.amazon.com/SAML/Attributes/PrincipalTag:Team", Values: []string{"blue"}},
		{Name: "https://aws.amazon.com/SAML/Attributes/PrincipalTag:Cost Center", Values: []string{""}},
		{Name: "https://aws.amazon.com/SAML/Attributes/TransitiveTagKeys", Values: []string{"Team"}},
		{Name: "https://aws.amazon.com/SAML/Attributes/SourceIdentity", Values: []string{"p-01234"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	o, err := awsrole.Parse(got)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(o.PrincipalTags, s.PrincipalTags) || o.Roles[0] != s.Role || o.SessionDuration != time.Hour || o.SourceIdentity != "p-01234" {
		t.Errorf("read back: %+v", o)
	}
}

func TestSessionRefuses(t *testing.T) {
	tags := func(n int) (out []awsrole.Tag) {
		for i := range n {
			out = append(out, awsrole.Tag{Key: fmt.Sprint("k", i)})
		}
		return out
	}
	tag := func(k, v string) func(*awsrole.Session) {
		return func(s *awsrole.Session) { s.PrincipalTags = []awsrole.Tag{{Key: k, Value: v}} }
	}
	for name, tc := range map[string]struct {
		change func(*awsrole.Session)
		want   awsrole.Check
	}{
		"no role":              {func(s *awsrole.Session) { s.Role = awsrole.RolePair{} }, awsrole.CheckRole},
		"swapped":              {func(s *awsrole.Session) { s.Role.RoleARN, s.Role.ProviderARN = s.Role.ProviderARN, s.Role.RoleARN }, awsrole.CheckRole},
		"no name":              {func(s *awsrole.Session) { s.RoleSessionName = "" }, awsrole.CheckSessionName},
		"short name":           {func(s *awsrole.Session) { s.RoleSessionName = "a" }, awsrole.CheckSessionName},
		"name of 65":           {func(s *awsrole.Session) { s.RoleSessionName = strings.Repeat("a", 65) }, awsrole.CheckSessionName},
		"blank in name":        {func(s *awsrole.Session) { s.RoleSessionName = "a b c" }, awsrole.CheckSessionName},
		"umlaut in name":       {func(s *awsrole.Session) { s.RoleSessionName = "jürgen" }, awsrole.CheckSessionName},
		"newline after name":   {func(s *awsrole.Session) { s.RoleSessionName = "alice\n" }, awsrole.CheckSessionName},
		"no duration":          {func(s *awsrole.Session) { s.SessionDuration = 0 }, awsrole.CheckDuration},
		"899 s":                {func(s *awsrole.Session) { s.SessionDuration = 899 * time.Second }, awsrole.CheckDuration},
		"43201 s":              {func(s *awsrole.Session) { s.SessionDuration = 43201 * time.Second }, awsrole.CheckDuration},
		"half a second":        {func(s *awsrole.Session) { s.SessionDuration = time.Hour + time.Second/2 }, awsrole.CheckDuration},
		"51 tags":              {func(s *awsrole.Session) { s.PrincipalTags = tags(51) }, awsrole.CheckTag},
		"empty key":            {tag("", "v"), awsrole.CheckTag},
		"key of 129":           {tag(strings.Repeat("k", 129), "v"), awsrole.CheckTag},
		"value of 257":         {tag("k", strings.Repeat("v", 257)), awsrole.CheckTag},
		"aws: key":             {tag("aws:x", "v"), awsrole.CheckTag},
		"AWS: key":             {tag("AWS:x", "v"), awsrole.CheckTag},
		"star in value":        {tag("k", "*"), awsrole.CheckTag},
		"newline in value":     {tag("k", "a\nb"), awsrole.CheckTag},
		"broken UTF-8":         {tag("k", "a\xff"), awsrole.CheckTag},
		"keys alike":           {func(s *awsrole.Session) { s.PrincipalTags = []awsrole.Tag{{Key: "Team"}, {Key: "team"}} }, awsrole.CheckTag},
		"transitive, no tag":   {func(s *awsrole.Session) { s.TransitiveTagKeys = []string{"x"} }, awsrole.CheckTransitive},
		"transitive twice":     {func(s *awsrole.Session) { s.PrincipalTags, s.TransitiveTagKeys = tags(1), []string{"k0", "k0"} }, awsrole.CheckTransitive},
		"source aws:":          {func(s *awsrole.Session) { s.SourceIdentity = "aws:me" }, awsrole.CheckSourceIdentity},
		"one character source": {func(s *awsrole.Session) { s.SourceIdentity = "x" }, awsrole.CheckSourceIdentity},
	} {
		s := awsrole.Session{Role: pair(), RoleSessionName: "alice", SessionDuration: time.Hour}
		tc.change(&s)
		_, err := s.Attributes()
		var e *awsrole.Error
		if !errors.As(err, &e) || e.Check != tc.want || e.Public == "" {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
	s := awsrole.Session{Role: pair(), RoleSessionName: "alice", SessionDuration: time.Hour, PrincipalTags: tags(50)}
	if err := s.Validate(); err != nil {
		t.Errorf("50 tags: %v", err)
	}
}

func TestSessionName(t *testing.T) {
	for _, tc := range []struct{ preferred, id, want string }{
		{"alice@example.com", "p-1", "alice@example.com"},
		{"jürgen@example.com", "p-1", "p-1"},
		{"alice smith", "p-1", "p-1"},
		{strings.Repeat("a", 65), "p-1", "p-1"},
		{"", "p-1", "p-1"},
	} {
		if got, err := awsrole.SessionName(tc.preferred, tc.id); err != nil || got != tc.want {
			t.Errorf("%q: %q, %v", tc.preferred, got, err)
		}
	}
	if _, err := awsrole.SessionName("a b", "c d"); awsrole.CheckOf(err) != awsrole.CheckSessionName {
		t.Errorf("neither fits: %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	good := func() []awsrole.Attribute {
		a, err := awsrole.Session{Role: pair(), RoleSessionName: "alice", SessionDuration: time.Hour}.Attributes()
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for name, tc := range map[string]struct {
		attrs []awsrole.Attribute
		want  awsrole.Check
	}{
		"nothing":        {nil, awsrole.CheckRole},
		"role twice":     {append(good(), good()[0]), awsrole.CheckAttribute},
		"no name":        {slices.Delete(good(), 1, 2), awsrole.CheckSessionName},
		"unknown":        {append(good(), awsrole.Attribute{Name: awsrole.Namespace + "role", Values: []string{"x"}}), awsrole.CheckAttribute},
		"two names":      {[]awsrole.Attribute{good()[0], {Name: awsrole.AttributeRoleSessionName, Values: []string{"aa", "bb"}}}, awsrole.CheckAttribute},
		"duration text":  {append(good()[:2], awsrole.Attribute{Name: awsrole.AttributeSessionDuration, Values: []string{"1h"}}), awsrole.CheckDuration},
		"duration 99999": {append(good()[:2], awsrole.Attribute{Name: awsrole.AttributeSessionDuration, Values: []string{"99999"}}), awsrole.CheckDuration},
		"1001 roles":     {[]awsrole.Attribute{{Name: awsrole.AttributeRole, Values: make([]string, 1001)}}, awsrole.CheckRole},
	} {
		if _, err := awsrole.Parse(tc.attrs); awsrole.CheckOf(err) != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}

func TestPartitions(t *testing.T) {
	for _, tc := range []struct{ id, region, signIn, regional, federation, console string }{
		{"aws", "eu-central-1", "https://signin.aws.amazon.com/saml", "https://eu-central-1.signin.aws.amazon.com/saml", "https://eu-central-1.signin.aws.amazon.com/federation", "https://console.aws.amazon.com/"},
		{"aws-cn", "cn-northwest-1", "https://signin.amazonaws.cn/saml", "https://cn-northwest-1.signin.amazonaws.cn/saml", "https://cn-northwest-1.signin.amazonaws.cn/federation", "https://console.amazonaws.cn/"},
		{"aws-us-gov", "us-gov-east-1", "https://signin.amazonaws-us-gov.com/saml", "https://us-gov-east-1.signin.amazonaws-us-gov.com/saml", "https://us-gov-east-1.signin.amazonaws-us-gov.com/federation", "https://console.amazonaws-us-gov.com/"},
		{"aws-eusc", "eusc-de-east-1", "https://signin.amazonaws-eusc.eu/saml", "https://eusc-de-east-1.signin.amazonaws-eusc.eu/saml", "https://eusc-de-east-1.signin.amazonaws-eusc.eu/federation", "https://console.amazonaws-eusc.eu/"},
	} {
		p, err := awsrole.PartitionOf(tc.id)
		if err != nil {
			t.Fatal(err)
		}
		byRegion, err := awsrole.PartitionOfRegion(tc.region)
		if err != nil || byRegion.ID != tc.id {
			t.Errorf("%s lies in %s, %v", tc.region, byRegion.ID, err)
		}
		global, err1 := p.SignInURL("")
		regional, err2 := p.SignInURL(tc.region)
		federation, err3 := p.FederationURL(tc.region)
		console, err4 := p.ConsoleURL("")
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
		if global != tc.signIn || regional != tc.regional || federation != tc.federation || console != tc.console {
			t.Errorf("%s: %s %s %s %s", tc.id, global, regional, federation, console)
		}
		if !p.IsSignInURL(global) || !p.IsSignInURL(regional) || !p.IsSignInURL(global+"/acs/ABC-1") {
			t.Errorf("%s does not know its own endpoints", tc.id)
		}
	}
}

func TestPartitionRefuses(t *testing.T) {
	p, err := awsrole.PartitionOf("")
	if err != nil || p.ID != "aws" {
		t.Fatal(p, err)
	}
	for _, region := range []string{"us-gov-west-1", "cn-north-1", "evil.com/#", "us-east-1.evil.com", "US-EAST-1", "us-east-", "us--1", strings.Repeat("us-", 20) + "1", "us-east-1\n"} {
		if _, err := p.SignInURL(region); awsrole.CheckOf(err) != awsrole.CheckPartition {
			t.Errorf("region %q: %v", region, err)
		}
	}
	for _, u := range []string{"http://signin.aws.amazon.com/saml", "https://signin.aws.amazon.com/saml/", "https://signin.aws.amazon.com.evil/saml", "https://x.signin.aws.amazon.com/saml", "https://signin.amazonaws.cn/saml", "https://signin.aws.amazon.com/saml?x", "https://signin.aws.amazon.com/saml/acs/"} {
		if p.IsSignInURL(u) {
			t.Errorf("%s taken for a sign-in endpoint", u)
		}
	}
	if _, err := awsrole.PartitionOf("aws-moon"); awsrole.CheckOf(err) != awsrole.CheckPartition {
		t.Error(err)
	}
	if _, err := awsrole.PartitionOfRegion("moon-base-1"); awsrole.CheckOf(err) != awsrole.CheckPartition {
		t.Error(err)
	}
}

func TestDestination(t *testing.T) {
	p, _ := awsrole.PartitionOf("aws")
	for _, u := range []string{
		"https://console.aws.amazon.com/",
		"https://console.aws.amazon.com/ec2/home?region=us-east-1#Instances:",
		"https://eu-central-1.console.aws.amazon.com/s3/buckets?x=%2F",
		"https://CONSOLE.aws.amazon.com/",
	} {
		if err := p.ValidateDestination(u); err != nil {
			t.Errorf("%s: %v", u, err)
		}
	}
	for _, u := range []string{
		"", "/ec2", "//console.aws.amazon.com/", "http://console.aws.amazon.com/", "javascript:alert(1)",
		"https://console.aws.amazon.com.evil.example/", "https://evilconsole.aws.amazon.com/", "https://console.amazonaws.cn/",
		"https://user@console.aws.amazon.com/", "https://console.aws.amazon.com:443/", "https://console.aws.amazon.com:/",
		"https://evil.example\\@console.aws.amazon.com/", "https://evil.example\\.console.aws.amazon.com/",
		"https://console.aws.amazon.com/\nx", "https://console.aws.amazon.com/ x", "https://console.aws.amazon.com/\u202e",
		"https://.console.aws.amazon.com/", "https://a..console.aws.amazon.com/", "https://console.aws.amazon.com./",
		"https://evil.example%2f.console.aws.amazon.com/", "https://[::1].console.aws.amazon.com/", "https:console.aws.amazon.com",
		"https://console.aws.amazon.com/" + strings.Repeat("x", 2048),
	} {
		if err := p.ValidateDestination(u); awsrole.CheckOf(err) != awsrole.CheckDestination {
			t.Errorf("%q: %v", u, err)
		}
	}
}

func TestReserved(t *testing.T) {
	for _, s := range []string{"urn:amazon:webservices", "URN:Amazon:WebServices:govcloud", " urn:amazon:webservices", "urn:amazon:webservices-x", "https://signin.aws.amazon.com/saml", "https://us-east-1.signin.aws.amazon.com:443/saml", "https://signin.amazonaws-us-gov.com./saml"} {
		if !awsrole.IsAWSAudience(s) {
			t.Errorf("%q is not reserved", s)
		}
	}
	for _, s := range []string{"", "https://app.example.com/saml", "urn:amazon:other", "signin"} {
		if awsrole.IsAWSAudience(s) {
			t.Errorf("%q is reserved", s)
		}
	}
	for host, want := range map[string]bool{"signin.aws.amazon.com": true, "EU-west-1.signin.aws.amazon.com.": true, "signin.amazonaws.cn:8443": true, "us-east-1.signin.aws": true, "signin.amazonaws-eusc.eu": true, "app.example.com": false, "xsignin.aws.amazon.com": false, "": false} {
		if got := awsrole.IsAWSSignInHost(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
	for name, want := range map[string]bool{awsrole.AttributeRole: true, "https://AWS.amazon.com/saml/attributes/x": true, "http://aws.amazon.com/SAML/Attributes/Role": true, "mail": false, "https://example.com/" + awsrole.Namespace: false} {
		if got := awsrole.IsAWSAttribute(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func FuzzRolePair(f *testing.F) {
	f.Add(roleARN + "," + providerARN)
	f.Add(providerARN + " , " + roleARN)
	f.Add("arn:aws:iam::111122223333:role/a,b," + providerARN)
	f.Add(",arn:,arn:")
	f.Fuzz(func(t *testing.T, in string) {
		p, err := awsrole.ParseRolePair(in)
		if err != nil {
			if awsrole.CheckOf(err) == "" {
				t.Fatalf("untyped %v", err)
			}
			return
		}
		back, err := awsrole.ParseRolePair(p.String())
		if err != nil || back != p {
			t.Fatalf("%q -> %+v -> %+v, %v", in, p, back, err)
		}
		if len(p.Account()) != 12 || p.RoleName() == "" {
			t.Fatalf("%+v", p)
		}
	})
}

func ExampleSession_Attributes() {
	name, err := awsrole.SessionName("alice@example.com", "p-7f3a9c")
	if err != nil {
		fmt.Println(err)
		return
	}
	attrs, err := awsrole.Session{
		Role: awsrole.RolePair{
			RoleARN:     "arn:aws:iam::111122223333:role/ReadOnly",
			ProviderARN: "arn:aws:iam::111122223333:saml-provider/Gatehouse",
		},
		RoleSessionName: name,
		SessionDuration: time.Hour,
		PrincipalTags:   []awsrole.Tag{{Key: "CostCenter", Value: "4711"}},
	}.Attributes()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range attrs {
		fmt.Println(strings.TrimPrefix(a.Name, awsrole.Namespace), a.Values)
	}
	// Output:
	// Role [arn:aws:iam::111122223333:role/ReadOnly,arn:aws:iam::111122223333:saml-provider/Gatehouse]
	// RoleSessionName [alice@example.com]
	// SessionDuration [3600]
	// PrincipalTag:CostCenter [4711]
}

// What an assertion offers: the roles in either order, and the session.
func ExampleParse() {
	offer, err := awsrole.Parse([]awsrole.Attribute{
		{Name: awsrole.Namespace + "Role", Values: []string{
			"arn:aws:iam::111122223333:saml-provider/Gatehouse,arn:aws:iam::111122223333:role/team/read,only",
		}},
		{Name: awsrole.Namespace + "RoleSessionName", Values: []string{"alice@example.com"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range offer.Roles {
		fmt.Println(r.Account(), r.RoleName())
	}
	// Output: 111122223333 read,only
}
