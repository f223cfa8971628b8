// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gatehouse-id/gatehouse/saml/awsrole"
	"github.com/gatehouse-id/gatehouse/sts"
	"github.com/gatehouse-id/gatehouse/sts/ststest"
)

const (
	roleARN     = "arn:aws:iam::111122223333:role/Admin"
	roleARN2    = "arn:aws:iam::111122223333:role/ReadOnly"
	chainedARN  = "arn:aws:iam::444455556666:role/Chained"
	providerARN = "arn:aws:iam::111122223333:saml-provider/Gatehouse"
)

type lab struct {
	*ststest.Server
	issuer *ststest.Issuer
	client *sts.Client
}

func newLab(t testing.TB) *lab {
	t.Helper()
	issuer, err := ststest.NewIssuer("https://idp.example.com/aws")
	if err != nil {
		t.Fatal(err)
	}
	srv := ststest.NewServer(t, ststest.Config{
		Skew:      time.Minute,
		Providers: []ststest.Provider{{ARN: providerARN, Metadata: issuer.Metadata()}},
		Roles: []ststest.Role{
			{ARN: roleARN, Provider: providerARN, MaxSessionDuration: 4 * time.Hour},
			{ARN: roleARN2, Provider: providerARN},
			{ARN: chainedARN, TrustedRoles: []string{roleARN}},
		},
	})
	l := &lab{Server: srv, issuer: issuer}
	l.client = l.newClient(t, sts.Config{Regions: []string{"us-east-1"}})
	return l
}

func (l *lab) newClient(t testing.TB, c sts.Config) *sts.Client {
	t.Helper()
	if c.Endpoint == "" {
		c.Endpoint = l.URL
	}
	if c.MaxBackoff == 0 {
		c.MaxBackoff = time.Millisecond
	}
	client, err := sts.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func pair(role string) awsrole.RolePair {
	return awsrole.RolePair{RoleARN: role, ProviderARN: providerARN}
}

func (l *lab) assertion(t testing.TB) string {
	t.Helper()
	a, err := l.issuer.Response("p-1", awsrole.Session{Role: pair(roleARN), RoleSessionName: "alice", SessionDuration: 12 * time.Hour}, time.Now().Add(-time.Second), pair(roleARN2))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (l *lab) request(t testing.TB) sts.Request {
	return sts.Request{Assertion: l.assertion(t), RoleARN: roleARN, ProviderARN: providerARN}
}

func static(c aws.Credentials) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, nil })
}

func TestExchange(t *testing.T) {
	l := newLab(t)
	s, err := l.client.Exchange(t.Context(), l.request(t))
	if err != nil {
		t.Fatal(err)
	}
	c := s.Credentials
	if !strings.HasPrefix(c.AccessKeyID, ststest.KeyIDPrefix) || !c.CanExpire || c.AccountID != "111122223333" || s.ARN != "arn:aws:sts::111122223333:assumed-role/Admin/alice" || s.Subject != "p-1" || s.Region != "us-east-1" {
		t.Errorf("%+v", s)
	}
	id, err := l.client.WhoAmI(t.Context(), static(c))
	if err != nil || id.ARN != s.ARN || id.Account != "111122223333" {
		t.Errorf("%+v, %v", id, err)
	}
}

func TestExchangeNegotiatesTheDuration(t *testing.T) {
	l := newLab(t)
	r := l.request(t)
	r.Duration = 2 * time.Hour
	if s, err := l.client.Exchange(t.Context(), r); err != nil || s.Duration != 2*time.Hour {
		t.Fatalf("%+v, %v", s, err)
	}
	r.Duration = 12 * time.Hour // what was allowed before is no limit
	s, err := l.client.Exchange(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(s.Credentials.Expires).Round(time.Hour); s.Duration != 4*time.Hour || left != 4*time.Hour {
		t.Errorf("%v, %v left", s.Duration, left)
	}
	// It is remembered: the next exchange asks once.
	before := l.Calls("AssumeRoleWithSAML")
	if _, err := l.client.Exchange(t.Context(), r); err != nil || l.Calls("AssumeRoleWithSAML") != before+1 {
		t.Errorf("%v, %d calls more", err, l.Calls("AssumeRoleWithSAML")-before)
	}
	l.client.Forget(roleARN)
	if _, err := l.client.Exchange(t.Context(), r); err != nil || l.Calls("AssumeRoleWithSAML") < before+3 {
		t.Errorf("%v: nothing was forgotten", err)
	}
	r.Exact = true
	if _, err := l.client.Exchange(t.Context(), r); sts.CheckOf(err) != sts.CheckDuration {
		t.Errorf("exact: %v", err)
	}
}

func TestExchangeAll(t *testing.T) {
	l := newLab(t)
	a := l.assertion(t)
	out := l.client.ExchangeAll(t.Context(), []sts.Request{
		{Assertion: a, RoleARN: roleARN, ProviderARN: providerARN},
		{Assertion: a, RoleARN: chainedARN, ProviderARN: providerARN},
		{Assertion: a, RoleARN: roleARN2, ProviderARN: providerARN},
	}, 2)
	if out[0].Err != nil || out[2].Err != nil || out[0].Session.ARN == out[2].Session.ARN {
		t.Errorf("%+v", out)
	}
	if sts.CheckOf(out[1].Err) != sts.CheckDenied {
		t.Errorf("%+v", out[1])
	}
}

func TestChain(t *testing.T) {
	l := newLab(t)
	s, err := l.client.Exchange(t.Context(), l.request(t))
	if err != nil {
		t.Fatal(err)
	}
	from := static(s.Credentials)
	c, err := l.client.Chain(t.Context(), from, sts.ChainRequest{RoleARN: chainedARN, SessionName: "second"})
	if err != nil || c.ARN != "arn:aws:sts::444455556666:assumed-role/Chained/second" || c.Credentials.AccountID != "444455556666" {
		t.Errorf("%+v, %v", c, err)
	}
	before := l.Calls("")
	if _, err := l.client.Chain(t.Context(), from, sts.ChainRequest{RoleARN: chainedARN, SessionName: "second", Duration: 2 * time.Hour}); sts.CheckOf(err) != sts.CheckDuration || l.Calls("") != before {
		t.Errorf("two hours: %v", err)
	}
	if _, err := l.client.Chain(t.Context(), from, sts.ChainRequest{RoleARN: roleARN2, SessionName: "second"}); sts.CheckOf(err) != sts.CheckDenied {
		t.Errorf("not trusted: %v", err)
	}
	if _, err := l.client.Chain(t.Context(), nil, sts.ChainRequest{RoleARN: chainedARN, SessionName: "second"}); sts.CheckOf(err) != sts.CheckInput {
		t.Errorf("no credentials: %v", err)
	}
}

// TestErrors holds every code of the wire to its check, its sentence and how
// often it is asked again.
func TestErrors(t *testing.T) {
	l := newLab(t)
	for _, tc := range []struct {
		code    string
		status  int
		message string
		want    sts.Check
		calls   int
	}{
		{"ExpiredTokenException", 400, "Token must be redeemed within 5 minutes of issuance", sts.CheckExpired, 1},
		{"ExpiredToken", 400, "expired", sts.CheckExpired, 1},
		{"InvalidIdentityToken", 400, "Response signature invalid", sts.CheckSignature, 1},
		{"InvalidIdentityToken", 400, "Issuer not present in specified provider", sts.CheckIssuer, 1},
		{"InvalidIdentityToken", 400, "Specified provider doesn't exist", sts.CheckProvider, 1},
		{"InvalidIdentityToken", 400, "Response does not contain the required audience", sts.CheckAudience, 1},
		{"InvalidIdentityToken", 400, "RoleSessionName is required in AuthnResponse", sts.CheckSessionName, 1},
		{"InvalidIdentityToken", 400, "Source Identity must match ..", sts.CheckSessionName, 1},
		{"InvalidIdentityToken", 400, "something else", sts.CheckAssertion, 1},
		{"IDPRejectedClaim", 403, "no", sts.CheckRejected, 1},
		{"AccessDenied", 403, "Not authorized to perform sts:AssumeRoleWithSAML", sts.CheckDenied, 1},
		{"MalformedPolicyDocument", 400, "bad", sts.CheckPolicy, 1},
		{"PackedPolicyTooLarge", 400, "large", sts.CheckPolicy, 1},
		{"RegionDisabledException", 403, "disabled", sts.CheckRegion, 1},
		{"ValidationError", 400, "1 validation error", sts.CheckService, 1},
		{"ValidationError", 400, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", sts.CheckDuration, 1},
		{"Throttling", 400, "Rate exceeded", sts.CheckThrottled, 3},
		{"IDPCommunicationError", 400, "down", sts.CheckUnavailable, 3},
		{"InternalFailure", 500, "down", sts.CheckUnavailable, 3},
		{"ServiceUnavailable", 503, "down", sts.CheckUnavailable, 3},
	} {
		l.ClearFaults()
		l.Inject(ststest.Fault{Status: tc.status, Code: tc.code, Message: tc.message, Times: -1})
		before := l.Calls("")
		client := l.newClient(t, sts.Config{Regions: []string{"us-east-1"}}) // a new retry budget
		_, err := client.Exchange(t.Context(), l.request(t))
		var e *sts.Error
		if !errors.As(err, &e) || e.Check != tc.want || e.Code != tc.code || e.Public == "" || e.Region != "us-east-1" || len(e.RequestID) != 36 {
			t.Errorf("%s %q: %+v", tc.code, tc.message, e)
		}
		if n := l.Calls("") - before; n != tc.calls {
			t.Errorf("%s was asked %d times, not %d", tc.code, n, tc.calls)
		}
	}
	l.ClearFaults()
	l.Outage(-1)
	if _, err := l.client.Exchange(t.Context(), l.request(t)); sts.CheckOf(err) != sts.CheckUnavailable {
		t.Errorf("outage: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.client.Exchange(ctx, l.request(t)); sts.CheckOf(err) != sts.CheckCanceled {
		t.Errorf("canceled: %v", err)
	}
}

// hosts sends the endpoints of regions to servers of the test.
type hosts map[string]string

func (h hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	to, ok := h[r.URL.Host]
	if !ok {
		return nil, fmt.Errorf("no such host: %s", r.URL.Host)
	}
	u, err := url.Parse(to)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = u.Scheme, u.Host
	return http.DefaultTransport.RoundTrip(r)
}

func TestFailOver(t *testing.T) {
	up, down, refusing := newLab(t), newLab(t), newLab(t)
	down.Inject(ststest.Fault{Status: 503, Code: "ServiceUnavailable", Times: -1})
	refusing.Inject(ststest.Fault{Status: 403, Code: "AccessDenied", Message: "no", Times: -1})
	client := func(h hosts, regions ...string) *sts.Client {
		c, err := sts.New(sts.Config{Regions: regions, MaxBackoff: time.Millisecond, AWS: aws.Config{HTTPClient: &http.Client{Transport: h}}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := client(hosts{"sts.eu-central-1.amazonaws.com": down.URL, "sts.eu-west-1.amazonaws.com": up.URL}, "eu-central-1", "eu-west-1")
	s, err := c.Exchange(t.Context(), up.request(t))
	if err != nil || s.Region != "eu-west-1" || down.Calls("") != 2 {
		t.Errorf("%+v, %v, %d calls to the one that is down", s, err, down.Calls(""))
	}
	// A region that does not resolve is passed over too.
	c = client(hosts{"sts.eu-west-1.amazonaws.com": up.URL}, "eu-central-1", "eu-west-1")
	if s, err := c.Exchange(t.Context(), up.request(t)); err != nil || s.Region != "eu-west-1" {
		t.Errorf("%+v, %v", s, err)
	}
	// The order of one account.
	r := up.request(t)
	r.Regions = []string{"eu-west-1"}
	if s, err := c.Exchange(t.Context(), r); err != nil || s.Region != "eu-west-1" {
		t.Errorf("%+v, %v", s, err)
	}
	r.Regions = []string{"us-east-1"}
	if _, err := c.Exchange(t.Context(), r); sts.CheckOf(err) != sts.CheckInput {
		t.Errorf("a region that is not configured: %v", err)
	}
	// A refusal is final.
	c = client(hosts{"sts.eu-central-1.amazonaws.com": refusing.URL, "sts.eu-west-1.amazonaws.com": up.URL}, "eu-central-1", "eu-west-1")
	before := up.Calls("")
	if _, err := c.Exchange(t.Context(), up.request(t)); sts.CheckOf(err) != sts.CheckDenied || up.Calls("") != before {
		t.Errorf("a refusal went on to the next region: %v", err)
	}
}

// TestEndpoints holds the host of each partition and variant to literals.
func TestEndpoints(t *testing.T) {
	for _, tc := range []struct {
		region     string
		dual, fips bool
		host       string
	}{
		{"us-east-1", false, false, "sts.us-east-1.amazonaws.com"},
		{"eu-central-1", true, false, "sts.eu-central-1.api.aws"},
		{"us-west-2", false, true, "sts-fips.us-west-2.amazonaws.com"},
		{"cn-north-1", false, false, "sts.cn-north-1.amazonaws.com.cn"},
		{"us-gov-west-1", false, false, "sts.us-gov-west-1.amazonaws.com"},
		{"eusc-de-east-1", false, false, "sts.eusc-de-east-1.amazonaws.eu"},
	} {
		var got string
		c, err := sts.New(sts.Config{Regions: []string{tc.region}, DualStack: tc.dual, FIPS: tc.fips, Attempts: 1, AWS: aws.Config{HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			got = r.URL.Scheme + "://" + r.URL.Host
			return nil, errors.New("stop")
		})}}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Exchange(t.Context(), sts.Request{Assertion: "AAAA", RoleARN: roleARN, ProviderARN: providerARN})
		if got != "https://"+tc.host || sts.CheckOf(err) != sts.CheckUnavailable {
			t.Errorf("%+v: %s, %v", tc, got, err)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]sts.Config{
		"no region":       {},
		"hostile region":  {Regions: []string{"evil.example/#"}},
		"two partitions":  {Regions: []string{"us-east-1", "cn-north-1"}},
		"twice":           {Regions: []string{"us-east-1", "us-east-1"}},
		"http endpoint":   {Regions: []string{"us-east-1"}, Endpoint: "http://sts.example.com"},
		"user":            {Regions: []string{"us-east-1"}, Endpoint: "https://a@sts.example.com"},
		"eleven attempts": {Regions: []string{"us-east-1"}, Attempts: 11},
	} {
		if _, err := sts.New(c); sts.CheckOf(err) != sts.CheckInput {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := sts.New(sts.Config{AWS: aws.Config{Region: "us-east-1"}}); err != nil {
		t.Error(err)
	}
	l := newLab(t)
	for name, tc := range map[string]struct {
		change func(*sts.Request)
		want   sts.Check
	}{
		"no assertion":   {func(r *sts.Request) { r.Assertion = "" }, sts.CheckInput},
		"large":          {func(r *sts.Request) { r.Assertion = strings.Repeat("A", 100_001) }, sts.CheckInput},
		"role":           {func(r *sts.Request) { r.RoleARN = "Admin" }, sts.CheckInput},
		"provider":       {func(r *sts.Request) { r.ProviderARN = "" }, sts.CheckInput},
		"899 s":          {func(r *sts.Request) { r.Duration = 899 * time.Second }, sts.CheckDuration},
		"13 h":           {func(r *sts.Request) { r.Duration = 13 * time.Hour }, sts.CheckDuration},
		"policy":         {func(r *sts.Request) { r.Policy = strings.Repeat("x", 2049) }, sts.CheckPolicy},
		"eleven ARNs":    {func(r *sts.Request) { r.PolicyARNs = make([]string, 11) }, sts.CheckPolicy},
		"half a second":  {func(r *sts.Request) { r.Duration = time.Hour + time.Second/2 }, sts.CheckDuration},
		"foreign region": {func(r *sts.Request) { r.Regions = []string{"eu-west-1"} }, sts.CheckInput},
	} {
		r := l.request(t)
		tc.change(&r)
		if _, err := l.client.Exchange(t.Context(), r); sts.CheckOf(err) != tc.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if l.Calls("") != 0 {
		t.Error("a bad request was sent")
	}
}

func TestLargeAnswerIsCut(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 64 {
			_, _ = w.Write([]byte("<" + strings.Repeat("x", 64<<10) + ">"))
		}
	}))
	defer srv.Close()
	c, err := sts.New(sts.Config{Regions: []string{"us-east-1"}, Endpoint: srv.URL, Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exchange(t.Context(), sts.Request{Assertion: "AAAA", RoleARN: roleARN, ProviderARN: providerARN}); err == nil {
		t.Error("accepted")
	}
}

func TestConsole(t *testing.T) {
	l := newLab(t)
	s, err := l.client.Exchange(t.Context(), l.request(t))
	if err != nil {
		t.Fatal(err)
	}
	console := func(region string, global bool) *sts.Console {
		c, err := sts.NewConsole(sts.ConsoleConfig{Region: region, Global: global, Endpoint: l.URL + "/federation"})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, tc := range []struct {
		region, dest string
		global       bool
		host, want   string
	}{
		{"eu-central-1", "", false, "eu-central-1.signin.aws.amazon.com", "https://console.aws.amazon.com/console/home?region=eu-central-1"},
		{"us-east-1", "https://us-east-1.console.aws.amazon.com/ec2/home#x", true, "signin.aws.amazon.com", "https://us-east-1.console.aws.amazon.com/ec2/home#x"},
		{"cn-north-1", "", false, "cn-north-1.signin.amazonaws.cn", "https://console.amazonaws.cn/console/home?region=cn-north-1"},
		{"us-gov-west-1", "", false, "us-gov-west-1.signin.amazonaws-us-gov.com", "https://console.amazonaws-us-gov.com/console/home?region=us-gov-west-1"},
		{"eusc-de-east-1", "", true, "signin.amazonaws-eusc.eu", "https://console.amazonaws-eusc.eu/console/home?region=eusc-de-east-1"},
	} {
		link, err := console(tc.region, tc.global).SignInURL(t.Context(), s.Credentials, sts.ConsoleRequest{Destination: tc.dest, Issuer: "https://portal.example.com/", Duration: time.Hour})
		if err != nil {
			t.Errorf("%+v: %v", tc, err)
			continue
		}
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		if u.Scheme != "https" || u.Host != tc.host || u.Path != "/federation" || q.Get("Action") != "login" || q.Get("Destination") != tc.want || q.Get("SigninToken") == "" || q.Get("Issuer") != "https://portal.example.com/" {
			t.Errorf("%+v: %s", tc, link)
		}
		if strings.Contains(link, s.Credentials.AccessKeyID) {
			t.Error("the address holds credentials")
		}
	}
	c := console("us-east-1", false)
	for name, tc := range map[string]struct {
		r    sts.ConsoleRequest
		want sts.Check
	}{
		"evil host":     {sts.ConsoleRequest{Destination: "https://evil.example/"}, sts.CheckDestination},
		"look-alike":    {sts.ConsoleRequest{Destination: "https://xconsole.aws.amazon.com/"}, sts.CheckDestination},
		"http":          {sts.ConsoleRequest{Destination: "http://console.aws.amazon.com/"}, sts.CheckDestination},
		"user":          {sts.ConsoleRequest{Destination: "https://x@console.aws.amazon.com/"}, sts.CheckDestination},
		"port":          {sts.ConsoleRequest{Destination: "https://console.aws.amazon.com:444/"}, sts.CheckDestination},
		"backslash":     {sts.ConsoleRequest{Destination: `https://evil.example\.console.aws.amazon.com/`}, sts.CheckDestination},
		"newline":       {sts.ConsoleRequest{Destination: "https://console.aws.amazon.com/\n"}, sts.CheckDestination},
		"partition":     {sts.ConsoleRequest{Destination: "https://console.amazonaws.cn/"}, sts.CheckDestination},
		"issuer":        {sts.ConsoleRequest{Issuer: "javascript:alert(1)"}, sts.CheckInput},
		"13 hours":      {sts.ConsoleRequest{Duration: 13 * time.Hour}, sts.CheckDuration},
		"chained, long": {sts.ConsoleRequest{Duration: 2 * time.Hour, Chained: true}, sts.CheckDuration},
	} {
		before := l.Calls("getSigninToken")
		if _, err := c.SignInURL(t.Context(), s.Credentials, tc.r); sts.CheckOf(err) != tc.want || l.Calls("getSigninToken") != before {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := s.Credentials
	bad.SecretAccessKey = "wrong"
	if _, err := c.SignInURL(t.Context(), bad, sts.ConsoleRequest{}); sts.CheckOf(err) != sts.CheckDenied || strings.Contains(err.Error(), bad.SessionToken) {
		t.Errorf("wrong key: %v", err)
	}
	l.Inject(ststest.Fault{Action: "getSigninToken", Status: 503})
	if _, err := c.SignInURL(t.Context(), s.Credentials, sts.ConsoleRequest{}); sts.CheckOf(err) != sts.CheckUnavailable {
		t.Errorf("down: %v", err)
	}
	for _, cc := range []sts.ConsoleConfig{{Region: "x"}, {Region: "us-east-1", Endpoint: "https://evil.example/federation"}} {
		if _, err := sts.NewConsole(cc); sts.CheckOf(err) != sts.CheckInput {
			t.Errorf("%+v: %v", cc, err)
		}
	}
}

func TestEndpoint(t *testing.T) {
	good := static(aws.Credentials{AccessKeyID: "A", SecretAccessKey: "B", SessionToken: "C", CanExpire: true, Expires: time.Now().Add(time.Hour)})
	denied := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, &sts.Error{Check: sts.CheckDenied, Public: "not yours"}
	})
	e, err := sts.NewEndpoint(map[string]aws.CredentialsProvider{"/role/a": good, "/role/b": denied})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		edit func(*http.Request)
		want int
	}{
		{"good", func(*http.Request) {}, 200},
		{"IPv6", func(r *http.Request) { r.Host, r.RemoteAddr = "[::1]:80", "[::1]:1234" }, 200},
		{"no token", func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		{"wrong token", func(r *http.Request) { r.Header.Set("Authorization", e.Token()+"x") }, 401},
		{"rebound name", func(r *http.Request) { r.Host = "evil.example:1234" }, 421},
		{"origin", func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1") }, 403},
		{"fetch", func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "no-cors") }, 403},
		{"proxied", func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.1") }, 403},
		{"remote", func(r *http.Request) { r.RemoteAddr = "192.0.2.1:1" }, 403},
		{"POST", func(r *http.Request) { r.Method = http.MethodPost }, 405},
		{"other path", func(r *http.Request) { r.URL.Path = "/role/c" }, 404},
		{"denied", func(r *http.Request) { r.URL.Path = "/role/b" }, 403},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:1234/role/a", nil)
		r.RemoteAddr = "127.0.0.1:5678"
		r.Header.Set("Authorization", e.Token())
		tc.edit(r)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code != tc.want || (tc.want == 200) != strings.Contains(w.Body.String(), `"SecretAccessKey":"B"`) || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", tc.name, w.Code, w.Body)
		}
	}
	for _, path := range []string{"x", "/a b", "/a\n", "/?x"} {
		if _, err := sts.NewEndpoint(map[string]aws.CredentialsProvider{path: good}); sts.CheckOf(err) != sts.CheckInput {
			t.Errorf("path %q: %v", path, err)
		}
	}
}
