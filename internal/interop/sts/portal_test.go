// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
	"github.com/gatehouse-id/gatehouse/saml/awsrole"
	"github.com/gatehouse-id/gatehouse/sts"
	"github.com/gatehouse-id/gatehouse/sts/ststest"
)

// assertion is what Python's reader finds in a Response.
type assertion struct {
	Destination, Issuer, NameID, Recipient string
	Audience                               []string
	Attributes                             map[string][]string
}

// inspect has a Response of the portal verified by xmlsec1, which must refuse a
// changed copy, and returns what Python reads in it.
func inspect(t *testing.T, s *portaltest.Server, doc []byte) (got assertion) {
	t.Helper()
	xmlsec := peer.Command(t, "xmlsec1", "xmlsec1")
	python := peer.Path(t, "/usr/bin/python3", "python3")
	metadata, err := s.Portal.AWSMetadata()
	if err != nil {
		t.Fatal(err)
	}
	certs := certificate.FindAllSubmatch(metadata, -1)
	if len(certs) == 0 {
		t.Fatalf("no certificate in %s", metadata)
	}
	dir := t.TempDir()
	args := []string{"--verify", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response"}
	for i, c := range certs {
		pem := filepath.Join(dir, "idp"+string(rune('0'+i))+".pem")
		write(t, pem, "-----BEGIN CERTIFICATE-----\n"+strings.TrimSpace(string(c[1]))+"\n-----END CERTIFICATE-----\n")
		args = append(args, "--pubkey-cert-pem", pem)
	}
	file, changed := filepath.Join(dir, "response.xml"), filepath.Join(dir, "changed.xml")
	write(t, file, string(doc))
	write(t, changed, strings.Replace(string(doc), ":role/", ":role/x", 1))
	if out, errs, err := run(t, nil, xmlsec, append(args, file)...); err != nil {
		t.Errorf("xmlsec1: %v %s%s", err, out, errs)
	}
	if _, _, err := run(t, nil, xmlsec, append(args, changed)...); err == nil {
		t.Error("xmlsec1 takes another role")
	}
	write(t, filepath.Join(dir, "read.py"), reader)
	if err := json.Unmarshal([]byte(must(t, nil, python, filepath.Join(dir, "read.py"), file)), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

const attribute = "https://aws.amazon.com/SAML/Attributes/"

// TestPortalAssertion: what the portal signs for each partition of AWS, with
// tags and a SourceIdentity, is looked at by xmlsec1, by Python's reader, by the
// linter and by the double.
func TestPortalAssertion(t *testing.T) {
	t.Parallel()
	const hostile = `R&D "<é>" 'x' ]]>`
	s := portaltest.NewServerWith(t, portaltest.Options{Config: func(c *portal.Config) {
		c.Tags = []access.Tag{{Key: "Team Name", Attribute: "team"}}
	}})
	alice := *s.People["alice"]
	alice.Attributes = map[string]string{"team": `R+D / é_@:=.`}
	strange := alice
	strange.UserName = "Zoë Müller"
	for i, c := range []struct {
		partition, region, signIn, audience, session, source string
		who                                                  directory.Person
	}{
		{"aws", "us-east-1", "https://us-east-1.signin.aws.amazon.com/saml", "urn:amazon:webservices", "alice", "", alice},
		{"aws", "eu-central-1", "https://eu-central-1.signin.aws.amazon.com/saml", "urn:amazon:webservices", "alice", alice.ID, alice},
		{"aws", "us-east-1", "https://us-east-1.signin.aws.amazon.com/saml", "urn:amazon:webservices", alice.ID, alice.ID, strange},
		{"aws-cn", "cn-north-1", "https://cn-north-1.signin.amazonaws.cn/saml", "urn:amazon:webservices:cn-north-1", "alice", "", alice},
		{"aws-us-gov", "us-gov-west-1", "https://us-gov-west-1.signin.amazonaws-us-gov.com/saml", "urn:amazon:webservices:govcloud", "alice", alice.ID, alice},
		{"aws-eusc", "eusc-de-east-1", "https://eusc-de-east-1.signin.amazonaws-eusc.eu/saml", "urn:amazon:webservices", "alice", "", alice},
	} {
		t.Run(c.partition+" "+c.region+" "+c.session, func(t *testing.T) {
			account := access.Account{
				ID: fmt.Sprintf("21000000009%d", i), Name: hostile, Partition: c.partition, Region: c.region, SourceIdentity: c.source != "", Owner: directory.OwnerAdmin,
			}
			arn := "arn:" + c.partition + ":iam::" + account.ID + ":"
			account.ProviderARN = arn + "saml-provider/gatehouse"
			if err := errors.Join(
				s.Store.PutAccount(t.Context(), &account),
				s.Store.PutAssignment(t.Context(), &access.Assignment{
					ID: "a-" + account.ID, AccountID: account.ID, PermissionSetID: "ps-developer", PrincipalKind: access.User, PrincipalID: alice.ID, Owner: directory.OwnerAdmin,
				}),
				s.STS.PutProvider(ststest.Provider{ARN: account.ProviderARN, Fetch: func(context.Context) ([]byte, error) { return s.Portal.AWSMetadata() }}),
				s.STS.PutRole(ststest.Role{ARN: arn + "role/" + portaltest.PermissionSet, Provider: account.ProviderARN, TagSession: true, SetSourceIdentity: true}),
			); err != nil {
				t.Fatal(err)
			}
			issued, err := s.Portal.Access().Issue(t.Context(), access.Use{
				Person: &c.who, AccountID: account.ID, RoleName: portaltest.PermissionSet, AuthTime: time.Now(), MFATime: time.Now(), SessionEnds: time.Now().Add(time.Hour),
			})
			if err != nil {
				t.Fatal(err)
			}
			doc, err := base64.StdEncoding.DecodeString(issued.Outgoing.Value)
			if err != nil {
				t.Fatal(err)
			}
			got := inspect(t, s, doc)
			want := assertion{
				Destination: c.signIn, Issuer: got.Issuer, NameID: alice.ID, Recipient: c.signIn, Audience: []string{c.audience},
				Attributes: map[string][]string{
					attribute + "Role":                   {arn + "role/" + portaltest.PermissionSet + "," + account.ProviderARN},
					attribute + "RoleSessionName":        {c.session},
					attribute + "SessionDuration":        {"3600"},
					attribute + "PrincipalTag:Team Name": {alice.Attributes["team"]},
				},
			}
			if c.source != "" {
				want.Attributes[attribute+"SourceIdentity"] = []string{c.source}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("read\n%+v\nnot\n%+v", got, want)
			}
			r, err := awsrole.Decode([]byte(issued.Outgoing.Value))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range awsrole.Lint(r, awsrole.LintOptions{Now: time.Now().Add(time.Second), Issuer: got.Issuer}) {
				if f.Severity == awsrole.Refused {
					t.Errorf("the linter: %+v", f)
				}
			}
			client, err := sts.New(sts.Config{Regions: []string{c.region}, Endpoint: s.STS.URL})
			if err != nil {
				t.Fatal(err)
			}
			out, err := client.Exchange(t.Context(), sts.Request{Assertion: issued.Outgoing.Value, RoleARN: issued.Pair.RoleARN, ProviderARN: issued.Pair.ProviderARN})
			if err != nil {
				t.Fatalf("the double: %v %+v", err, s.STS.Log())
			}
			if out.ARN != "arn:"+c.partition+":sts::"+account.ID+":assumed-role/"+portaltest.PermissionSet+"/"+c.session {
				t.Errorf("the double: %s", out.ARN)
			}
		})
	}
}

var userCode = regexp.MustCompile(`name="user_code" value="([^"]+)"`)

// TestAwscredsAtThePortal: awscreds, the whole portal behind its pages, and
// the double behind that.
func TestAwscredsAtThePortal(t *testing.T) {
	t.Parallel()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	s := portaltest.NewServer(t)
	alice := s.SignedIn(t, "alice")
	post := func(path string, form url.Values) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		return body(t, alice, r)
	}
	approve := func(link string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
		if err != nil {
			t.Fatal(err)
		}
		page := body(t, alice, r)
		m := userCode.FindStringSubmatch(page)
		if m == nil {
			t.Fatalf("no code at %s:\n%s", link, page)
		}
		post("/device", url.Values{"user_code": {m[1]}, "via": {"link"}})
		if page := post("/device/approve", url.Values{"user_code": {m[1]}, "decision": {"approve"}}); !strings.Contains(page, "approved") {
			t.Fatalf("not approved:\n%s", page)
		}
	}
	home := t.TempDir()
	env := []string{"HOME=" + home, "AWSCREDS_HOME=" + filepath.Join(home, "awscreds"), "AWSCREDS_CACHE=key-file", "AWSCREDS_KEY_FILE=" + filepath.Join(home, "key")}
	must(t, env, bin, "setup", s.URL, "--name", "corp", "--sts", s.STS.URL)
	login(t, bin, env, approve)
	if out := must(t, env, bin, "list"); strings.Count(out, portaltest.PermissionSet) != 2 {
		t.Errorf("list: %s", out)
	}
	what := portaltest.AccountDev + "/" + portaltest.PermissionSet
	if out := must(t, env, bin, "whoami", what); !strings.HasPrefix(out, "arn:aws:sts::"+portaltest.AccountDev+":assumed-role/"+portaltest.PermissionSet+"/") {
		t.Errorf("whoami: %s", out)
	}
	must(t, env, bin, "process", "--account", portaltest.AccountProd, "--role", portaltest.PermissionSet)
	if n := s.STS.Calls("AssumeRoleWithSAML"); n != 2 {
		t.Errorf("%d exchanges for two roles", n)
	}
	if _, errs, err := run(t, env, bin, "process", "--account", portaltest.AccountProd, "--role", "Foreign"); err == nil || !strings.Contains(errs, "not yours") {
		t.Errorf("a role of another: %v %s", err, errs)
	}
	must(t, env, bin, "logout")
	if _, errs, err := run(t, env, bin, "list"); err == nil || !strings.Contains(errs, "awscreds login") {
		t.Errorf("after logout: %v %s", err, errs)
	}
}

func body(t *testing.T, c *http.Client, r *http.Request) string {
	t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
