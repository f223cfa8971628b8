// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ststest_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/xmldsig"
	"github.com/gatehouse-id/gatehouse/sts/ststest"
)

const (
	entityID    = "https://idp.example.com/aws"
	roleARN     = "arn:aws:iam::111122223333:role/team/Admin"
	roleARN2    = "arn:aws:iam::111122223333:role/ReadOnly"
	reserved    = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef"
	chained     = "arn:aws:iam::444455556666:role/Chained"
	providerARN = "arn:aws:iam::111122223333:saml-provider/Gatehouse"
	otherIdPARN = "arn:aws:iam::111122223333:saml-provider/Other"
)

var now = time.Date(2026, 11, 24, 12, 0, 30, 0, time.UTC)

// signer is a key with a certificate.
type signer struct {
	key  crypto.Signer
	cert *x509.Certificate
}

func newSigner(t testing.TB) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return signer{key, cert}
}

func (s signer) metadata(entityID, use string) []byte {
	return fmt.Appendf(nil, `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="%s"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor%s><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>%s</X509Certificate></X509Data></KeyInfo></KeyDescriptor></IDPSSODescriptor></EntityDescriptor>`,
		entityID, use, base64.StdEncoding.EncodeToString(s.cert.Raw))
}

func (s signer) sign(t testing.TB, doc string) string {
	t.Helper()
	out, err := xmldsig.Sign([]byte(doc), xmldsig.SignOptions{Signer: s.key, Certificate: s.cert})
	if err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	return string(out)
}

// message is a Response in parts that tests change before they are signed.
type message struct {
	assertion string
	response  string // %s is the assertion
	noSign    bool
	by        signer
	whole     bool                    // sign the Response too
	after     func(doc string) string // after signing
}

func newMessage(by signer) *message {
	return &message{
		by: by,
		response: `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r1" Version="2.0" IssueInstant="2026-11-24T12:00:00Z" Destination="https://signin.aws.amazon.com/saml">` +
			`<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://idp.example.com/aws</saml:Issuer>` +
			`<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>%s</samlp:Response>`,
		assertion: `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a1" Version="2.0" IssueInstant="2026-11-24T12:00:00Z">` +
			`<saml:Issuer>https://idp.example.com/aws</saml:Issuer>` +
			`<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">p-1</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="2026-11-24T12:05:00Z" Recipient="https://signin.aws.amazon.com/saml"/></saml:SubjectConfirmation></saml:Subject>` +
			`<saml:Conditions NotBefore="2026-11-24T12:00:00Z" NotOnOrAfter="2026-11-24T12:05:00Z"><saml:AudienceRestriction><saml:Audience>urn:amazon:webservices</saml:Audience></saml:AudienceRestriction></saml:Conditions>` +
			`<saml:AuthnStatement AuthnInstant="2026-11-24T11:59:00Z" SessionIndex="_s1"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>` +
			`<saml:AttributeStatement>` +
			attribute("Role", roleARN+","+providerARN) + attribute("RoleSessionName", "alice@example.com") + attribute("SessionDuration", "7200") +
			`</saml:AttributeStatement></saml:Assertion>`,
	}
}

func attribute(name string, values ...string) string {
	return `<saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/` + name + `"><saml:AttributeValue>` + strings.Join(values, "</saml:AttributeValue><saml:AttributeValue>") + `</saml:AttributeValue></saml:Attribute>`
}

// in replaces in the assertion, and fails if there is nothing to replace.
func (m *message) in(t testing.TB, old, new string) {
	t.Helper()
	if !strings.Contains(m.assertion, old) {
		t.Fatalf("nothing to replace: %s", old)
	}
	m.assertion = strings.Replace(m.assertion, old, new, 1)
}

func (m *message) add(attributes string) {
	m.assertion = strings.Replace(m.assertion, "</saml:AttributeStatement>", attributes+"</saml:AttributeStatement>", 1)
}

func (m *message) document(t testing.TB) string {
	t.Helper()
	a := m.assertion
	if !m.noSign {
		a = m.by.sign(t, a)
	}
	doc := strings.Replace(m.response, "%s", a, 1)
	if m.whole {
		doc = m.by.sign(t, doc)
	}
	if m.after != nil {
		doc = m.after(doc)
	}
	return doc
}

type lab struct {
	*ststest.Server
	idp, other signer
	clock      time.Time
}

func newLab(t testing.TB, change func(*ststest.Config)) *lab {
	t.Helper()
	l := &lab{idp: newSigner(t), other: newSigner(t), clock: now}
	c := ststest.Config{
		Now:       func() time.Time { return l.clock },
		Providers: []ststest.Provider{{ARN: providerARN, Metadata: l.idp.metadata(entityID, "")}, {ARN: otherIdPARN, Metadata: l.other.metadata("https://other.example.com", ` use="signing"`)}},
		Roles: []ststest.Role{
			{ARN: roleARN, Provider: providerARN, MaxSessionDuration: 4 * time.Hour, TagSession: true, TagKeys: []string{"Team", "Cost"}, SetSourceIdentity: true},
			{ARN: roleARN2, Provider: providerARN},
			{ARN: reserved, Provider: providerARN},
			{ARN: chained, TrustedRoles: []string{roleARN}, MaxSessionDuration: 12 * time.Hour},
		},
	}
	if change != nil {
		change(&c)
	}
	l.Server = ststest.NewServer(t, c)
	return l
}

// answer is what came over the wire.
type answer struct {
	status int
	Code   string `xml:"Error>Code"`
	Msg    string `xml:"Error>Message"`
	Type   string `xml:"Error>Type"`

	Result struct {
		KeyID         string    `xml:"Credentials>AccessKeyId"`
		Secret        string    `xml:"Credentials>SecretAccessKey"`
		Token         string    `xml:"Credentials>SessionToken"`
		Expiration    time.Time `xml:"Credentials>Expiration"`
		ARN           string    `xml:"AssumedRoleUser>Arn"`
		RoleID        string    `xml:"AssumedRoleUser>AssumedRoleId"`
		Subject       string
		SubjectType   string
		Issuer        string
		Audience      string
		NameQualifier string
		Source        string `xml:"SourceIdentity"`
	} `xml:"AssumeRoleWithSAMLResult"`
	Chain struct {
		KeyID      string    `xml:"Credentials>AccessKeyId"`
		Secret     string    `xml:"Credentials>SecretAccessKey"`
		Token      string    `xml:"Credentials>SessionToken"`
		Expiration time.Time `xml:"Credentials>Expiration"`
		ARN        string    `xml:"AssumedRoleUser>Arn"`
	} `xml:"AssumeRoleResult"`
	Identity struct {
		ARN     string `xml:"Arn"`
		UserID  string `xml:"UserId"`
		Account string
	} `xml:"GetCallerIdentityResult"`
	RequestID  string `xml:"RequestId"`
	ResponseID string `xml:"ResponseMetadata>RequestId"`
}

func (l *lab) post(t testing.TB, form url.Values, edit ...func(*http.Request)) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.URL+"/", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	for _, e := range edit {
		e(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode}
	if err := xml.Unmarshal(b, &a); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	if id := resp.Header.Get("X-Amzn-Requestid"); len(id) != 36 || id != a.RequestID+a.ResponseID {
		t.Errorf("request id %q: %s", id, b)
	}
	return a
}

func (l *lab) form(t testing.TB, m *message) url.Values {
	return url.Values{
		"Action": {"AssumeRoleWithSAML"}, "Version": {"2011-06-15"}, "RoleArn": {roleARN}, "PrincipalArn": {providerARN},
		"SAMLAssertion": {base64.StdEncoding.EncodeToString([]byte(m.document(t)))},
	}
}

func (l *lab) assume(t testing.TB, m *message) answer {
	t.Helper()
	return l.post(t, l.form(t, m))
}

func TestAssumeRoleWithSAML(t *testing.T) {
	l := newLab(t, nil)
	m := newMessage(l.idp)
	m.add(attribute("PrincipalTag:Team", "blue") + attribute("TransitiveTagKeys", "Team") + attribute("SourceIdentity", "p-1") +
		`<saml:Attribute Name="mail"><saml:AttributeValue>a</saml:AttributeValue></saml:Attribute>`)
	a := l.assume(t, m)
	if a.status != 200 {
		t.Fatalf("%+v\n%+v", a, l.Log())
	}
	r := a.Result
	if !strings.HasPrefix(r.KeyID, ststest.KeyIDPrefix) || len(r.KeyID) != 20 || len(r.Secret) != 40 || r.Token == "" {
		t.Errorf("credentials %+v", r)
	}
	if r.ARN != "arn:aws:sts::111122223333:assumed-role/Admin/alice@example.com" || !strings.HasSuffix(r.RoleID, ":alice@example.com") || !strings.HasPrefix(r.RoleID, "AROA") {
		t.Errorf("%+v", r)
	}
	if r.Subject != "p-1" || r.SubjectType != "persistent" || r.Issuer != entityID || r.Audience != "https://signin.aws.amazon.com/saml" || r.Source != "p-1" {
		t.Errorf("%+v", r)
	}
	// base64(sha1(Issuer + account + "/" + provider name)), computed apart.
	if r.NameQualifier != "B+1q/zJqimUUzLBdnzeyrx4DJaw=" {
		t.Errorf("NameQualifier %s", r.NameQualifier)
	}
	if want := now.Add(time.Hour); !r.Expiration.Equal(want) {
		t.Errorf("expires %v, not the default hour", r.Expiration)
	}
	log := l.Log()
	if c := log[0]; c.Tags["Team"] != "blue" || c.Transitive[0] != "Team" || c.SourceIdentity != "p-1" || c.AssertionID != "_a1" || c.Code != "" || c.RequestID != a.ResponseID {
		t.Errorf("%+v", c)
	}
	if l.Calls("AssumeRoleWithSAML") != 1 || l.Calls("") != 1 {
		t.Error("calls are not counted")
	}
}

func TestSignatures(t *testing.T) {
	l := newLab(t, nil)
	for name, change := range map[string]func(*message){
		"assertion alone": func(*message) {},
		"both":            func(m *message) { m.whole = true },
		"response alone":  func(m *message) { m.whole, m.noSign = true, true },
	} {
		m := newMessage(l.idp)
		change(m)
		if a := l.assume(t, m); a.status != 200 {
			t.Errorf("%s: %+v %+v", name, a, l.Log()[len(l.Log())-1])
		}
	}
}

func TestDurations(t *testing.T) {
	l := newLab(t, nil)
	for _, tc := range []struct {
		asked, attribute string
		end              string
		want             time.Duration
		code             string
	}{
		{"", "", "", time.Hour, ""},
		{"", "1800", "", 30 * time.Minute, ""},
		{"14400", "43200", "", 4 * time.Hour, ""},
		{"14400", "7200", "", 2 * time.Hour, ""},
		{"14401", "", "", 0, "ValidationError"},
		{"43200", "", "", 0, "ValidationError"},
		{"43201", "", "", 0, "ValidationError"},
		{"899", "", "", 0, "ValidationError"},
		{"1h", "", "", 0, "ValidationError"},
		{"14400", "", "2026-11-24T12:30:30Z", 30 * time.Minute, ""},
		{"", "99999", "", 0, "InvalidIdentityToken"},
		{"", "899", "", 0, "InvalidIdentityToken"},
	} {
		m := newMessage(l.idp)
		if tc.attribute == "" {
			m.in(t, attribute("SessionDuration", "7200"), "")
		} else {
			m.in(t, ">7200<", ">"+tc.attribute+"<")
		}
		if tc.end != "" {
			m.in(t, "<saml:AuthnStatement ", `<saml:AuthnStatement SessionNotOnOrAfter="`+tc.end+`" `)
		}
		form := l.form(t, m)
		if tc.asked != "" {
			form.Set("DurationSeconds", tc.asked)
		}
		a := l.post(t, form)
		if a.Code != tc.code {
			t.Errorf("%+v: %+v", tc, a)
		}
		if got := a.Result.Expiration.Sub(now); tc.code == "" && got != tc.want {
			t.Errorf("%+v: %v", tc, got)
		}
	}
}

func TestReplay(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		l := newLab(t, func(c *ststest.Config) { c.RefuseReplay = refuse })
		form := l.form(t, newMessage(l.idp))
		if a := l.post(t, form); a.status != 200 {
			t.Fatalf("%+v", a)
		}
		if a := l.post(t, form); (a.Code == "InvalidIdentityToken") != refuse || (a.status == 200) == refuse {
			t.Errorf("RefuseReplay %v: %+v", refuse, a)
		}
	}
}

// sign signs a request by Signature Version 4, written out once more here.
func sign(keyID, secret, token, region string, at time.Time) func(*http.Request) {
	return func(r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		stamp, date := at.Format("20060102T150405Z"), at.Format("20060102")
		r.Header.Set("X-Amz-Date", stamp)
		r.Header.Set("X-Amz-Security-Token", token)
		sum := sha256.Sum256(body)
		canonical := "POST\n/\n\ncontent-type:" + r.Header.Get("Content-Type") + "\nhost:" + r.URL.Host + "\nx-amz-date:" + stamp + "\nx-amz-security-token:" + token + "\n\ncontent-type;host;x-amz-date;x-amz-security-token\n" + hex.EncodeToString(sum[:])
		hash := sha256.Sum256([]byte(canonical))
		scope := date + "/" + region + "/sts/aws4_request"
		key := []byte("AWS4" + secret)
		for _, s := range []string{date, region, "sts", "aws4_request"} {
			key = mac(key, s)
		}
		sig := mac(key, "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+hex.EncodeToString(hash[:]))
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+keyID+"/"+scope+", SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature="+hex.EncodeToString(sig))
	}
}

func mac(key []byte, s string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(s))
	return h.Sum(nil)
}

func TestGetCallerIdentity(t *testing.T) {
	l := newLab(t, func(c *ststest.Config) { c.StrictRegion = true })
	r := l.assume(t, newMessage(l.idp)).Result
	who := url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}}
	a := l.post(t, who, sign(r.KeyID, r.Secret, r.Token, "us-east-1", now))
	if a.status != 200 || a.Identity.ARN != r.ARN || a.Identity.Account != "111122223333" || a.Identity.UserID != r.RoleID {
		t.Fatalf("%+v", a)
	}
	other := l.assume(t, newMessage(l.idp)).Result
	for _, tc := range []struct {
		name string
		edit func(*http.Request)
		code string
	}{
		{"unsigned", func(*http.Request) {}, "MissingAuthenticationToken"},
		{"wrong secret", sign(r.KeyID, r.Secret+"x", r.Token, "us-east-1", now), "SignatureDoesNotMatch"},
		{"unknown key", sign("AKIAIOSFODNN7EXAMPLE", r.Secret, r.Token, "us-east-1", now), "InvalidClientTokenId"},
		{"token of another key", sign(r.KeyID, r.Secret, other.Token, "us-east-1", now), "InvalidClientTokenId"},
		{"no token", sign(r.KeyID, r.Secret, "", "us-east-1", now), "InvalidClientTokenId"},
		{"changed token", sign(r.KeyID, r.Secret, r.Token[:len(r.Token)-8]+"AAAAAAA=", "us-east-1", now), "InvalidClientTokenId"},
		{"old", sign(r.KeyID, r.Secret, r.Token, "us-east-1", now.Add(-16*time.Minute)), "SignatureDoesNotMatch"},
		{"of tomorrow", sign(r.KeyID, r.Secret, r.Token, "us-east-1", now.Add(24*time.Hour)), "SignatureDoesNotMatch"},
		{"other region", sign(r.KeyID, r.Secret, r.Token, "eu-west-1", now), "SignatureDoesNotMatch"},
		{"unsigned x-amz header", func(q *http.Request) {
			sign(r.KeyID, r.Secret, r.Token, "us-east-1", now)(q)
			q.Header.Set("X-Amz-Target", "x")
		}, "SignatureDoesNotMatch"},
		{"changed body", func(q *http.Request) {
			sign(r.KeyID, r.Secret, r.Token, "us-east-1", now)(q)
			body := who.Encode() + "&Extra=1"
			q.Body, q.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		}, "SignatureDoesNotMatch"},
		{"no algorithm", func(q *http.Request) {
			sign(r.KeyID, r.Secret, r.Token, "us-east-1", now)(q)
			q.Header.Set("Authorization", strings.Replace(q.Header.Get("Authorization"), "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1", 1))
		}, "IncompleteSignature"},
	} {
		if a := l.post(t, who, tc.edit); a.Code != tc.code || a.Type != "Sender" {
			t.Errorf("%s: %+v", tc.name, a)
		}
	}
	l.clock = now.Add(time.Hour)
	if a := l.post(t, who, sign(r.KeyID, r.Secret, r.Token, "us-east-1", l.clock)); a.Code != "ExpiredToken" || a.status != 403 {
		t.Errorf("expired: %+v", a)
	}
}

func TestRoleChaining(t *testing.T) {
	l := newLab(t, nil)
	m := newMessage(l.idp)
	m.add(attribute("PrincipalTag:Team", "blue") + attribute("PrincipalTag:Cost", "1") + attribute("TransitiveTagKeys", "Team") + attribute("SourceIdentity", "p-1"))
	r := l.assume(t, m).Result
	form := url.Values{"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {chained}, "RoleSessionName": {"second"}}
	signed := sign(r.KeyID, r.Secret, r.Token, "us-east-1", now)
	a := l.post(t, form, signed)
	if a.status != 200 || a.Chain.ARN != "arn:aws:sts::444455556666:assumed-role/Chained/second" || !a.Chain.Expiration.Equal(now.Add(time.Hour)) {
		t.Fatalf("%+v", a)
	}
	last := l.Log()[len(l.Log())-1]
	if last.Tags["Team"] != "blue" || len(last.Tags) != 1 || last.SourceIdentity != "p-1" {
		t.Errorf("%+v", last)
	}
	form.Set("DurationSeconds", "3601")
	if a := l.post(t, form, signed); a.Code != "ValidationError" || !strings.Contains(a.Msg, "1 hour session limit") {
		t.Errorf("longer than an hour: %+v", a)
	}
	form.Del("DurationSeconds")
	form.Set("RoleArn", roleARN2)
	if a := l.post(t, form, signed); a.Code != "AccessDenied" || a.status != 403 {
		t.Errorf("not trusted: %+v", a)
	}
	form.Set("RoleArn", chained)
	if a := l.post(t, form); a.Code != "MissingAuthenticationToken" {
		t.Errorf("unsigned: %+v", a)
	}
}

func TestFaults(t *testing.T) {
	l := newLab(t, nil)
	m := newMessage(l.idp)
	l.Throttle("AssumeRoleWithSAML", 2)
	for i := range 3 {
		if a := l.assume(t, m); (a.Code == "Throttling") != (i < 2) {
			t.Errorf("call %d: %+v", i, a)
		}
	}
	l.Inject(ststest.Fault{Status: 503, Code: "ServiceUnavailable", Message: "down", Times: -1})
	for range 3 {
		if a := l.assume(t, m); a.status != 503 || a.Type != "Receiver" {
			t.Errorf("%+v", a)
		}
	}
	l.ClearFaults()
	l.Outage(1)
	if _, err := http.PostForm(l.URL, l.form(t, m)); err == nil {
		t.Error("an outage answers")
	}
	if a := l.assume(t, m); a.status != 200 {
		t.Errorf("%+v", a)
	}
	if n := l.Calls("AssumeRoleWithSAML"); n != 8 && n != 9 { // the client may ask again after an outage
		t.Errorf("%d calls", n)
	}
}

func TestMetadataIsFetchedAtEachExchange(t *testing.T) {
	l := newLab(t, nil)
	var current []byte
	if err := l.PutProvider(ststest.Provider{ARN: providerARN, Fetch: func(context.Context) ([]byte, error) {
		if current == nil {
			return nil, errors.New("down")
		}
		return current, nil
	}}); err != nil {
		t.Fatal(err)
	}
	m := newMessage(l.idp)
	if a := l.assume(t, m); a.Code != "IDPCommunicationError" {
		t.Errorf("%+v", a)
	}
	current = l.idp.metadata(entityID, "")
	if a := l.assume(t, m); a.status != 200 {
		t.Errorf("%+v", a)
	}
	current = l.other.metadata(entityID, "")
	if a := l.assume(t, m); a.Msg != "Response signature invalid" {
		t.Errorf("a key that was taken away: %+v", a)
	}
}

func TestMint(t *testing.T) {
	l := newLab(t, nil)
	k, err := l.Mint(roleARN2, "alice", 20*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	a := l.post(t, url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}}, sign(k.AccessKeyID, k.SecretAccessKey, k.SessionToken, "us-east-1", now))
	if a.Identity.ARN != "arn:aws:sts::111122223333:assumed-role/ReadOnly/alice" {
		t.Errorf("%+v", a)
	}
	if _, err := l.Mint("arn:aws:iam::111122223333:role/None", "alice", time.Hour); err == nil {
		t.Error("credentials of no role")
	}
}

func TestTokensOutliveARestart(t *testing.T) {
	key := bytes.Repeat([]byte{1}, 32)
	with := func(c *ststest.Config) { c.Key = key }
	k, err := newLab(t, with).Mint(roleARN2, "alice", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	who := url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}}
	signed := sign(k.AccessKeyID, k.SecretAccessKey, k.SessionToken, "us-east-1", now)
	if a := newLab(t, with).post(t, who, signed); a.status != 200 {
		t.Errorf("same key: %+v", a)
	}
	if a := newLab(t, nil).post(t, who, signed); a.Code != "InvalidClientTokenId" {
		t.Errorf("another key: %+v", a)
	}
}

func TestLoopbackOnly(t *testing.T) {
	l := newLab(t, nil)
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0"} {
		if _, err := l.Listen(t.Context(), addr); !errors.Is(err, ststest.ErrNotLoopback) {
			t.Errorf("%s: %v", addr, err)
		}
	}
	u, err := l.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(u)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("GET answers %d", resp.StatusCode)
	}
	// A handler that somebody serves elsewhere refuses too.
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.ParseIP("192.0.2.7"), Port: 80}), http.MethodPost, "/", nil)
	l.ServeHTTP(w, r)
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "loopback") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestConfigRefuses(t *testing.T) {
	s := newSigner(t)
	md := s.metadata(entityID, "")
	for name, c := range map[string]ststest.Config{
		"region":         {Region: "moon"},
		"key":            {Key: make([]byte, 16)},
		"skew":           {Skew: time.Hour},
		"no metadata":    {Providers: []ststest.Provider{{ARN: providerARN}}},
		"not metadata":   {Providers: []ststest.Provider{{ARN: providerARN, Metadata: []byte("<x/>")}}},
		"BOM":            {Providers: []ststest.Provider{{ARN: providerARN, Metadata: append([]byte("\xef\xbb\xbf"), md...)}}},
		"encryption key": {Providers: []ststest.Provider{{ARN: providerARN, Metadata: s.metadata(entityID, ` use="encryption"`)}}},
		"role":           {Roles: []ststest.Role{{ARN: "x", Provider: providerARN}}},
		"trusts nobody":  {Roles: []ststest.Role{{ARN: roleARN}}},
		"maximum":        {Roles: []ststest.Role{{ARN: roleARN, Provider: providerARN, MaxSessionDuration: 13 * time.Hour}}},
	} {
		if _, err := ststest.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestFederation(t *testing.T) {
	l := newLab(t, nil)
	k, err := l.Mint(roleARN2, "alice", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	session := fmt.Sprintf(`{"sessionId":%q,"sessionKey":%q,"sessionToken":%q}`, k.AccessKeyID, k.SecretAccessKey, k.SessionToken)
	for _, tc := range []struct {
		form url.Values
		want int
	}{
		{url.Values{"Action": {"getSigninToken"}, "Session": {session}}, 200},
		{url.Values{"Action": {"getSigninToken"}, "Session": {session}, "SessionDuration": {"43200"}}, 200},
		{url.Values{"Action": {"getSigninToken"}, "Session": {session}, "SessionDuration": {"60"}}, 400},
		{url.Values{"Action": {"getSigninToken"}, "Session": {strings.Replace(session, k.SecretAccessKey, "x", 1)}}, 403},
		{url.Values{"Action": {"login"}, "Session": {session}}, 400},
		{url.Values{"Action": {"getSigninToken"}}, 400},
	} {
		resp, err := http.PostForm(l.URL+"/federation", tc.form)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != tc.want || (tc.want == 200) != bytes.Contains(b, []byte("SigninToken")) {
			t.Errorf("%v: %d %s", tc.form, resp.StatusCode, b)
		}
	}
	resp, err := http.Get(l.URL + "/federation?" + url.Values{"Action": {"getSigninToken"}, "Session": {session}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 400 {
		t.Errorf("GET: %d", resp.StatusCode)
	}
}
