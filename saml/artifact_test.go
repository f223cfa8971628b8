// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml_test

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/internal/dsig"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

var artifactYear = regexp.MustCompile(`(ID="_ar" Version="2.0" IssueInstant=")[0-9]+-`)

var (
	issueYear  = regexp.MustCompile(`IssueInstant="[0-9]+-`)
	messageRE  = regexp.MustCompile(`(?s)<samlp:ArtifactResponse.*</samlp:ArtifactResponse>`)
	requestRE  = regexp.MustCompile(`(?s)<samlp:AuthnRequest.*</samlp:AuthnRequest>`)
	artifactRE = regexp.MustCompile(`>AAQ[^<]*<`)
)

func sign(t testing.TB, x string, key saml.KeyPair) string {
	t.Helper()
	signed, err := dsig.Sign([]byte(x), dsig.SignOptions{Signer: key.Signer, Certificate: key.Certificate})
	if err != nil {
		t.Error(err)
	}
	return string(signed)
}

func envelope(x string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>` + x + `</s:Body></s:Envelope>`
}

func artifact(entityID string, index byte) string {
	sum := sha1.Sum([]byte(entityID))
	raw := append([]byte{0, 4, 0, index}, sum[:]...)
	return base64.StdEncoding.EncodeToString(append(raw, make([]byte, 20)...))
}

// TestArtifact resolves artifacts at an identity provider that answers in
// several ways.
func TestArtifact(t *testing.T) {
	t.Parallel()
	unsigned := func(f *samltest.Forge) { f.SignAssertion, f.SignResponse = false, false }
	for _, tt := range []struct {
		name   string
		policy saml.Policy
		spoil  func(f *samltest.Forge)
		answer func(x string) string // before it is signed
		tamper func(x string) string
		key    saml.KeyPair
		send   func(v url.Values)
		post   bool
		want   saml.Check
	}{
		{name: "control"},
		{name: "control: by POST", post: true},
		{name: "control: no Destination", spoil: func(f *samltest.Forge) { f.Destination = "" }},
		{name: "control: signed by its answer", spoil: unsigned},
		{name: "assertion unsigned", spoil: unsigned, policy: saml.Policy{RequireSignedAssertion: true}, want: saml.CheckUnsigned},
		{name: "nothing signed", spoil: unsigned, tamper: func(x string) string { return strings.Replace(x, sigRE.FindString(x), "", 1) }, want: saml.CheckUnsigned},
		{name: "signed by its answer and changed", spoil: unsigned, tamper: replace("alice@example.test", "mallory@example.test"), want: saml.CheckSignature},
		{name: "signed by a stranger's answer", spoil: unsigned, key: samltest.OtherKey(), want: saml.CheckSignature},
		{name: "wrong audience", spoil: func(f *samltest.Forge) { f.Audiences = nil }, want: saml.CheckAudience},
		{name: "unsolicited", spoil: func(f *samltest.Forge) { f.InResponseTo, f.ConfirmInResponseTo = "", "" }, want: saml.CheckUnsolicited},
		{name: "another request", spoil: func(f *samltest.Forge) { f.InResponseTo = "_x" }, want: saml.CheckRequest},
		{name: "answer to another question", answer: replace(` InResponseTo="`, ` InResponseTo="x`), want: saml.CheckInResponseTo},
		{name: "unsigned answer", tamper: func(x string) string { return strings.Replace(x, sigRE.FindString(x), "", 1) }, want: saml.CheckUnsigned},
		{name: "answer signed by a stranger", key: samltest.OtherKey(), want: saml.CheckSignature},
		{name: "answer changed", tamper: replace("alice@example.test", "mallory@example.test"), want: saml.CheckSignature},
		{name: "answer of another issuer", answer: replace("https://idp.test/metadata</saml:Issuer>", "https://evil.test</saml:Issuer>"), want: saml.CheckIssuer},
		{name: "old answer", answer: func(x string) string { return artifactYear.ReplaceAllString(x, `${1}2020-`) }, want: saml.CheckIssueInstant},
		{name: "version", answer: replace(`ID="_ar" Version="2.0"`, `ID="_ar" Version="1.1"`), want: saml.CheckVersion},
		{name: "refused", answer: replace(saml.StatusSuccess, saml.StatusResponder), want: saml.CheckStatus},
		{name: "two messages", answer: replace("</samlp:ArtifactResponse>", "<x/></samlp:ArtifactResponse>"), want: saml.CheckStructure},
		{name: "a LogoutResponse", answer: func(x string) string { return strings.ReplaceAll(x, "samlp:ArtifactResponse", "samlp:LogoutResponse") }, want: saml.CheckStructure},
		{name: "no SOAP", tamper: func(string) string { return "<x/>" }, want: saml.CheckStructure},
		{name: "nothing", answer: func(x string) string {
			return regexp.MustCompile(`(?s)<samlp:Response .*</samlp:Response>`).ReplaceAllString(x, "")
		}, want: saml.CheckRequest},
		{name: "of another identity provider", send: func(v url.Values) { v.Set("SAMLart", artifact("https://evil.test", 1)) }, want: saml.CheckIssuer},
		{name: "unknown endpoint", send: func(v url.Values) { v.Set("SAMLart", artifact("https://idp.test/metadata", 9)) }, want: saml.CheckBinding},
		{name: "another relay state", send: func(v url.Values) { v.Set("RelayState", "x") }, want: saml.CheckRequest},
		{name: "not an artifact", send: func(v url.Values) { v.Set("SAMLart", "AAAA") }, want: saml.CheckInput},
		{name: "two", send: func(v url.Values) { v.Add("SAMLart", v.Get("SAMLart")) }, want: saml.CheckInput},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			idp := samltest.NewIdP(t)
			entity := idp.Entity()
			entity.IdP.Artifact = []saml.Endpoint{{Binding: saml.BindingSOAP, Location: "https://idp.test/artifact", Index: 1}}
			var out *saml.Outgoing
			var sp *samltest.SP
			asked := 0
			sp = samltest.NewSP(t, entity, func(c *saml.SPConfig, conn *saml.Connection) {
				conn.Policy = tt.policy
				c.Client = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					asked++
					body, err := io.ReadAll(r.Body)
					if err != nil {
						return nil, err
					}
					id := regexp.MustCompile(`ArtifactResolve [^>]* ID="([^"]*)"`).FindSubmatch(body)[1]
					f := idp.Forge(sp.Connection, out, samltest.Alice())
					if tt.spoil != nil {
						tt.spoil(f)
					}
					x, err := f.XML()
					if err != nil {
						return nil, err
					}
					x = fmt.Sprintf(`<samlp:ArtifactResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" InResponseTo="%s" ID="_ar" Version="2.0" IssueInstant="%s"><saml:Issuer %s>%s</saml:Issuer><samlp:Status><samlp:StatusCode Value="%s"/></samlp:Status>%s</samlp:ArtifactResponse>`,
						id, time.Now().UTC().Format(time.RFC3339), assertNS, idp.EntityID, saml.StatusSuccess, x)
					if tt.answer != nil {
						x = tt.answer(x)
					}
					key := samltest.Key()
					if tt.key.Signer != nil {
						key = tt.key
					}
					x = envelope(sign(t, x, key))
					if tt.tamper != nil {
						x = tt.tamper(x)
					}
					w := httptest.NewRecorder()
					_, _ = w.WriteString(x)
					return w.Result(), nil
				})}
			})
			out = sp.Start(saml.LoginOptions{ByArtifact: true})
			v := url.Values{"SAMLart": {artifact(idp.EntityID, 1)}, "RelayState": {out.RelayState}}
			if tt.send != nil {
				tt.send(v)
			}
			receive := func() error {
				r := httptest.NewRequest(http.MethodGet, sp.Connection.ACS+"?"+v.Encode(), nil)
				if tt.post {
					r = formRequest(v)
				}
				_, err := sp.Bring(r, out)
				return err
			}
			if err := receive(); saml.CheckOf(err) != tt.want || (err == nil) != (tt.want == "") {
				t.Errorf("refused by %q, want %q: %v", saml.CheckOf(err), tt.want, err)
			}
			before := asked
			if err := receive(); err == nil || asked != before {
				t.Errorf("the artifact again: %v, asked %d times", err, asked-before)
			}
			if strings.HasPrefix(tt.name, "control") && asked != 1 {
				t.Errorf("asked %d times", asked)
			}
		})
	}
}
