// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
	"github.com/gatehouse-id/gatehouse/saml/awsrole"
)

// TestPortalAssertion: what the portal signs for AWS is looked at by xmlsec1,
// by Python's reader, by the linter and by the double.
func TestPortalAssertion(t *testing.T) {
	t.Parallel()
	xmlsec := peer.Command(t, "xmlsec1", "xmlsec1")
	python := peer.Path(t, "/usr/bin/python3", "python3")
	s := portaltest.NewServer(t)
	alice := s.People["alice"]
	use := access.Use{Person: alice, AccountID: portaltest.AccountDev, RoleName: portaltest.PermissionSet, AuthTime: time.Now(), MFATime: time.Now(), SessionEnds: time.Now().Add(time.Hour)}
	issued, err := s.Portal.Access().Issue(t.Context(), use)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := base64.StdEncoding.DecodeString(issued.Outgoing.Value)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "response.xml")
	write(t, file, string(doc))

	metadata, err := s.Portal.AWSMetadata()
	if err != nil {
		t.Fatal(err)
	}
	certs := certificate.FindAllSubmatch(metadata, -1)
	if len(certs) == 0 {
		t.Fatalf("no certificate in %s", metadata)
	}
	args := []string{"--verify", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response"}
	for i, c := range certs {
		pem := filepath.Join(dir, "idp"+string(rune('0'+i))+".pem")
		write(t, pem, "-----BEGIN CERTIFICATE-----\n"+strings.TrimSpace(string(c[1]))+"\n-----END CERTIFICATE-----\n")
		args = append(args, "--pubkey-cert-pem", pem)
	}
	if out, errs, err := run(t, nil, xmlsec, append(args, file)...); err != nil {
		t.Errorf("xmlsec1: %v %s%s", err, out, errs)
	}

	write(t, filepath.Join(dir, "read.py"), reader)
	var got struct {
		Destination, Issuer, NameID, Recipient string
		Audience                               []string
		Attributes                             map[string][]string
	}
	if err := json.Unmarshal([]byte(must(t, nil, python, filepath.Join(dir, "read.py"), file)), &got); err != nil {
		t.Fatal(err)
	}
	const ns = "https://aws.amazon.com/SAML/Attributes/"
	if got.NameID != alice.ID || got.Recipient != got.Destination || !strings.HasSuffix(got.Recipient, "signin.aws.amazon.com/saml") || !slices.Equal(got.Audience, []string{"urn:amazon:webservices"}) {
		t.Errorf("%+v", got)
	}
	if v := got.Attributes[ns+"Role"]; len(v) != 1 || !strings.HasPrefix(v[0], "arn:aws:iam::210000000001:role/Developer,arn:aws:iam::210000000001:saml-provider/") {
		t.Errorf("roles %q", v)
	}
	if v := got.Attributes[ns+"RoleSessionName"]; !slices.Equal(v, []string{"alice"}) && !slices.Equal(v, []string{alice.UserName}) {
		t.Errorf("session name %q", v)
	}
	if v := got.Attributes[ns+"SessionDuration"]; !slices.Equal(v, []string{"3600"}) {
		t.Errorf("duration %q", v)
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
	if _, err := s.Portal.Access().Credentials(t.Context(), use); err != nil {
		t.Errorf("the double: %v %+v", err, s.STS.Log())
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
