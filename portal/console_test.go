// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/portal/app"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
	"github.com/gatehouse-id/gatehouse/saml/xmldsig"
)

// awsResponse is an independent reading of what is posted to AWS: by
// encoding/xml, with none of the code that wrote it.
type awsResponse struct {
	Destination string `xml:"Destination,attr"`
	Issuer      string `xml:"Issuer"`
	Status      struct {
		Code struct {
			Value string `xml:"Value,attr"`
		} `xml:"StatusCode"`
	} `xml:"Status"`
	Assertions []struct {
		ID      string `xml:"ID,attr"`
		Issuer  string `xml:"Issuer"`
		Subject struct {
			NameID       string `xml:"NameID"`
			Confirmation []struct {
				Method string `xml:"Method,attr"`
				Data   struct {
					Recipient    string    `xml:"Recipient,attr"`
					NotOnOrAfter time.Time `xml:"NotOnOrAfter,attr"`
					InResponseTo string    `xml:"InResponseTo,attr"`
				} `xml:"SubjectConfirmationData"`
			} `xml:"SubjectConfirmation"`
		} `xml:"Subject"`
		Conditions struct {
			NotBefore    time.Time `xml:"NotBefore,attr"`
			NotOnOrAfter time.Time `xml:"NotOnOrAfter,attr"`
			Audience     []string  `xml:"AudienceRestriction>Audience"`
		} `xml:"Conditions"`
		Attributes []struct {
			Name   string   `xml:"Name,attr"`
			Values []string `xml:"AttributeValue"`
		} `xml:"AttributeStatement>Attribute"`
	} `xml:"Assertion"`
}

func TestConsole(t *testing.T) {
	s := portaltest.NewServer(t)
	b := newBrowser(t, s, s.SignedIn(t, "alice"))
	b.post("/console/open", url.Values{"account": {portaltest.AccountDev}, "role": {portaltest.PermissionSet}}).
		expect(http.StatusOK, `action="https://us-east-1.signin.aws.amazon.com/saml"`)
	if got, want := b.header.Get("Content-Security-Policy"), "form-action https://us-east-1.signin.aws.amazon.com/saml https://console.aws.amazon.com"; !strings.Contains(got, want) {
		t.Errorf("policy %q lacks %q", got, want)
	}
	raw, err := base64.StdEncoding.DecodeString(b.field("SAMLResponse"))
	if err != nil {
		t.Fatal(err)
	}
	var r awsResponse
	if err := xml.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Assertions) != 1 || len(r.Assertions[0].Subject.Confirmation) != 1 {
		t.Fatalf("the Response holds %d assertions", len(r.Assertions))
	}
	a, now := r.Assertions[0], time.Now()
	confirmation := a.Subject.Confirmation[0]
	attributes := map[string][]string{}
	for _, at := range a.Attributes {
		attributes[at.Name] = append(attributes[at.Name], at.Values...)
	}
	const ns = "https://aws.amazon.com/SAML/Attributes/"
	for _, c := range []struct{ what, got, want string }{
		{"Destination", r.Destination, "https://us-east-1.signin.aws.amazon.com/saml"},
		{"Response Issuer", r.Issuer, s.URL + "/saml/aws/metadata"},
		{"Status", r.Status.Code.Value, "urn:oasis:names:tc:SAML:2.0:status:Success"},
		{"Issuer", a.Issuer, s.URL + "/saml/aws/metadata"},
		{"NameID", a.Subject.NameID, s.People["alice"].ID},
		{"Method", confirmation.Method, "urn:oasis:names:tc:SAML:2.0:cm:bearer"},
		{"Recipient", confirmation.Data.Recipient, "https://us-east-1.signin.aws.amazon.com/saml"},
		{"InResponseTo", confirmation.Data.InResponseTo, ""},
		{"Audience", strings.Join(a.Conditions.Audience, " "), "urn:amazon:webservices"},
		{"Role", strings.Join(attributes[ns+"Role"], " "), "arn:aws:iam::210000000001:role/Developer,arn:aws:iam::210000000001:saml-provider/gatehouse"},
		{"RoleSessionName", strings.Join(attributes[ns+"RoleSessionName"], " "), "alice"},
		{"SessionDuration", strings.Join(attributes[ns+"SessionDuration"], " "), "3600"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
	if len(attributes) != 3 {
		t.Errorf("attributes %v", attributes)
	}
	for _, end := range []time.Time{a.Conditions.NotOnOrAfter, confirmation.Data.NotOnOrAfter} {
		if left := end.Sub(now); left <= 0 || left > 5*time.Minute+time.Second {
			t.Errorf("the assertion is good for %v", left)
		}
	}
	if !a.Conditions.NotBefore.Before(now) {
		t.Errorf("NotBefore %v is not past", a.Conditions.NotBefore)
	}
	if _, err := xmldsig.Verify(raw, xmldsig.Options{}); err == nil {
		t.Error("verified without keys")
	}
	found := false
	events, err := s.Portal.Audit().Events(context.Background(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		found = found || e.Type == audit.Federate && e.Details["assertion"] == a.ID && e.Person == s.People["alice"].ID
	}
	if !found {
		t.Error("the signature left no event with the assertion ID")
	}
}

func TestConsoleRefuses(t *testing.T) {
	s := portaltest.NewServer(t)
	alice, bob := newBrowser(t, s, s.SignedIn(t, "alice")), newBrowser(t, s, s.SignedIn(t, "bob"))
	role := url.Values{"account": {portaltest.AccountDev}, "role": {portaltest.PermissionSet}}
	bob.post("/console/open", role).expect(http.StatusForbidden, "not assigned").lacks("SAMLResponse")
	alice.post("/console/open", url.Values{"account": {portaltest.AccountDev}, "role": {"Administrator"}}).expect(http.StatusForbidden, "not assigned")
	alice.post("/console/open", url.Values{"account": {"999999999999"}, "role": {portaltest.PermissionSet}}).expect(http.StatusForbidden, "not assigned")
	for _, destination := range []string{
		"https://evil.example/", "http://console.aws.amazon.com/", "https://console.aws.amazon.com@evil.example/", "https://console.aws.amazon.com:8443/",
		"https://evilconsole.aws.amazon.com.evil.example/", `https://console.aws.amazon.com\@evil.example`, "javascript:alert(1)", "https://console.amazonaws.cn/",
	} {
		with := url.Values{"account": role["account"], "role": role["role"], "destination": {destination}}
		alice.post("/console/open", with).expect(http.StatusBadRequest, "").lacks("SAMLResponse")
		link := url.Values{"account_id": role["account"], "role_name": role["role"], "destination": {destination}}
		alice.get("/console?"+link.Encode()).expect(http.StatusBadRequest, "left out")
	}
}

// A deep link survives the sign-in, shows what it would open, and posts
// nothing by itself.
func TestDeepLink(t *testing.T) {
	s := portaltest.NewServer(t)
	alice := s.Enrol(t, "alice")
	destination := "https://us-east-1.console.aws.amazon.com/ec2/home?region=us-east-1#Instances:"
	link := "/console?" + url.Values{"account_id": {portaltest.AccountProd}, "role_name": {portaltest.PermissionSet}, "destination": {destination}}.Encode()
	b := newBrowser(t, s, nil)
	b.password(link, "alice", alice.Password)
	b.totp(alice.TOTP).expect(http.StatusOK, "us-east-1.console.aws.amazon.com/ec2/home?region=us-east-1#Instances:").lacks("SAMLResponse")
	b.post("/console/open", url.Values{"account": {b.field("account")}, "role": {portaltest.PermissionSet}, "destination": {b.field("destination")}}).
		expect(http.StatusOK, "SAMLResponse")
	if got := b.field("RelayState"); got != destination {
		t.Errorf("RelayState %q", got)
	}
}

func TestAccessKeys(t *testing.T) {
	s := portaltest.NewServer(t)
	b := newBrowser(t, s, s.SignedIn(t, "alice"))
	path := "/accounts/" + portaltest.AccountDev + "/roles/" + portaltest.PermissionSet + "/keys"
	b.get(path).expect(http.StatusOK, "").lacks("AWS_SECRET_ACCESS_KEY")
	b.post(path, nil).expect(http.StatusOK, "AWS_SECRET_ACCESS_KEY")
	if b.header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control %q", b.header.Get("Cache-Control"))
	}
	newBrowser(t, s, s.SignedIn(t, "bob")).post(path, nil).expect(http.StatusForbidden, "not assigned")
}

// Whoever is disabled is out on the next request.
func TestDisabledIsOutAtOnce(t *testing.T) {
	s := portaltest.NewServer(t)
	alice, admin := newBrowser(t, s, s.SignedIn(t, "alice")), newBrowser(t, s, s.SignedIn(t, "admin"))
	alice.get("/").expect(http.StatusOK, portaltest.AccountDev)
	admin.post("/admin/people/"+s.People["alice"].ID+"/block", nil).expect(http.StatusOK, "Blocked")
	alice.get("/").expect(http.StatusOK, "Sign in")
	alice.post("/console/open", url.Values{"account": {portaltest.AccountDev}, "role": {portaltest.PermissionSet}}).lacks("SAMLResponse")
}

func TestAdministrationIsForAdministrators(t *testing.T) {
	s := portaltest.NewServer(t)
	alice, admin := newBrowser(t, s, s.SignedIn(t, "alice")), newBrowser(t, s, s.SignedIn(t, "admin"))
	for _, path := range []string{
		"/admin/people", "/admin/groups", "/admin/accounts", "/admin/permission-sets", "/admin/assignments", "/admin/applications", "/admin/sources",
		"/admin/tokens", "/admin/audit", "/admin/audit.jsonl", "/admin/people/" + s.People["bob"].ID, "/admin/groups/" + s.Group.ID, "/admin/accounts/" + portaltest.AccountDev,
		"/admin/sources/" + portaltest.SourcePeople,
	} {
		admin.get(path).expect(http.StatusOK, "")
		alice.get(path).expect(http.StatusForbidden, "Only administrators")
	}
	alice.post("/admin/people/"+s.People["bob"].ID+"/block", nil).expect(http.StatusForbidden, "Only administrators")
}

// A group called Administrators gives nothing: only a named id does.
func TestGroupNameIsNoAdministration(t *testing.T) {
	s := portaltest.NewServer(t)
	s.Group.DisplayName = "Administrators"
	if err := s.Store.UpdateGroup(context.Background(), s.Group); err != nil {
		t.Fatal(err)
	}
	newBrowser(t, s, s.SignedIn(t, "alice")).get("/admin/people").expect(http.StatusForbidden, "Only administrators")
	if err := s.Store.SetAdministrator(context.Background(), s.Group.ID, true); err != nil {
		t.Fatal(err)
	}
	newBrowser(t, s, s.SignedIn(t, "alice")).get("/admin/people").expect(http.StatusOK, "People")
}

// An application that would pass for AWS is refused when it is registered.
func TestHostileApplicationIsRefused(t *testing.T) {
	s := portaltest.NewServer(t)
	admin := newBrowser(t, s, s.SignedIn(t, "admin"))
	for name, form := range map[string]url.Values{
		"AWS's entity ID":  {"name": {"x"}, "entity_id": {"urn:amazon:webservices"}, "acs": {"https://app.example/acs"}},
		"a partition's":    {"name": {"x"}, "entity_id": {"urn:amazon:webservices:govcloud"}, "acs": {"https://app.example/acs"}},
		"AWS's sign-in":    {"name": {"x"}, "entity_id": {"https://app.example"}, "acs": {"https://signin.aws.amazon.com/saml"}},
		"a regional one":   {"name": {"x"}, "entity_id": {"https://app.example"}, "acs": {"https://eu-west-1.signin.aws.amazon.com/saml"}},
		"not https":        {"name": {"x"}, "entity_id": {"https://app.example"}, "acs": {"http://app.example/acs"}},
		"a script":         {"name": {"x"}, "entity_id": {"https://app.example"}, "acs": {"javascript:alert(1)"}},
		"broken metadata":  {"name": {"x"}, "metadata": {"<md:EntityDescriptor"}},
		"DOCTYPE metadata": {"name": {"x"}, "metadata": {"<!DOCTYPE a><a/>"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBrowser(t, s, admin.client)
			b.post("/admin/applications", form).expect(http.StatusUnprocessableEntity, "")
		})
	}
	apps, err := s.Store.Apps(context.Background())
	if err != nil || len(apps) != 0 {
		t.Errorf("%d applications, %v", len(apps), err)
	}
	_, err = s.Portal.Apps().RegisterEndpoint(context.Background(), "", app.App{
		Name: "x", EntityID: "https://app.example", Attributes: []app.Attribute{{Name: "https://aws.amazon.com/SAML/Attributes/Role", From: "email"}},
	}, "https://app.example/acs")
	if err == nil {
		t.Error("an application with AWS's Role attribute was registered")
	}
}

func TestForeignRequests(t *testing.T) {
	s := portaltest.NewServer(t)
	client := s.SignedIn(t, "alice")
	send := func(change func(r *http.Request)) int {
		r, err := http.NewRequest(http.MethodPost, s.URL+"/sign-out", nil)
		if err != nil {
			t.Fatal(err)
		}
		change(r)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := send(func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }); got != http.StatusForbidden {
		t.Errorf("cross-site: %d", got)
	}
	if got := send(func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }); got != http.StatusForbidden {
		t.Errorf("foreign Origin: %d", got)
	}
	if got := send(func(r *http.Request) { r.Host = "evil.example" }); got != http.StatusMisdirectedRequest {
		t.Errorf("foreign Host: %d", got)
	}
	newBrowser(t, s, client).get("/").expect(http.StatusOK, portaltest.AccountDev)
}

func TestPagesOnTheOtherHostRedirect(t *testing.T) {
	s := portaltest.NewServer(t)
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	client := s.Client(t)
	resp, err := client.Get("http://127.0.0.1" + port + "/apps?q=x")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusTemporaryRedirect || resp.Header.Get("Location") != s.URL+"/apps?q=x" {
		t.Errorf("%d to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	for _, path := range []string{"/healthz", "/readyz", "/saml/aws/metadata", "/saml/app/metadata", "/.well-known/gatehouse"} {
		resp, err := client.Get("http://127.0.0.1" + port + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}

// Factors change with a fresh proof only.
func TestFactorChangeNeedsAFreshProof(t *testing.T) {
	s := portaltest.NewServer(t)
	alice := s.Enrol(t, "alice")
	b := newBrowser(t, s, nil)
	b.password("/security", "alice", alice.Password)
	b.totp(alice.TOTP).expect(http.StatusOK, "Authenticator app")
	records, err := s.Portal.MFA().Records(context.Background(), mfa.Subject{ID: s.People["alice"].ID})
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	b.post("/security/factors/"+records[0].ID+"/rename", url.Values{"name": {"Phone"}}).expect(http.StatusOK, "Phone")
}
