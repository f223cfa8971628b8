// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package samltest

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/internal/dsig"
)

// RequestBreak is one thing that is wrong with an AuthnRequest, and nothing
// else is.
type RequestBreak struct {
	name  string
	check saml.Check
	apply func(r *request)
}

// String returns the name, such as "consumer that is not in metadata".
func (b RequestBreak) String() string { return b.name }

// Check is what must refuse the request.
func (b RequestBreak) Check() saml.Check { return b.check }

type request struct {
	edit   func(xml string) string // before signing
	key    saml.KeyPair
	signed bool
	after  func(xml string) string
}

var requestBreaks = []RequestBreak{
	{"unsigned", saml.CheckUnsigned, func(r *request) { r.signed = false }},
	{"signed with another key", saml.CheckSignature, func(r *request) { r.key = OtherKey() }},
	{"changed after signing", saml.CheckSignature, func(r *request) { r.after = exchange(`Version="2.0"`, `ForceAuthn="true" Version="2.0"`) }},
	{"consumer that is not in metadata", saml.CheckACS, func(r *request) { r.edit = exchange("/acs", "/evil") }},
	{"wrong destination", saml.CheckDestination, func(r *request) { r.edit = exchange(`Destination="`, `Destination="https://other.test/`) }},
	{"unknown service provider", saml.CheckPeer, func(r *request) { r.edit = exchange("</saml:Issuer>", "/evil</saml:Issuer>") }},
	{"another binding for the answer", saml.CheckBinding, func(r *request) { r.edit = exchange("bindings:HTTP-POST", "bindings:PAOS") }},
	{"old", saml.CheckIssueInstant, func(r *request) {
		r.edit = func(x string) string { return issueYear.ReplaceAllString(x, `IssueInstant="2020-`) }
	}},
	{"version 1.1", saml.CheckVersion, func(r *request) { r.edit = exchange(`Version="2.0"`, `Version="1.1"`) }},
	{"document type", saml.CheckXML, func(r *request) { r.after = func(x string) string { return "<!DOCTYPE x>" + x } }},
}

var issueYear = regexp.MustCompile(`IssueInstant="[0-9]+-`)

func exchange(old, with string) func(string) string {
	return func(x string) string { return strings.Replace(x, old, with, 1) }
}

// RequestBreaks returns all of them. Each must be refused by an identity
// provider that requires signed requests of the service provider.
func RequestBreaks() []RequestBreak { return append([]RequestBreak(nil), requestBreaks...) }

// Request returns a signed AuthnRequest by POST as the identity provider
// receives it, broken as told.
func (s *SP) Request(o saml.LoginOptions, breaks ...RequestBreak) *http.Request {
	s.tb.Helper()
	o.Binding = saml.BindingPOST
	out := s.Start(o)
	x, err := Decode(out.Value)
	if err != nil {
		s.tb.Fatal(err)
	}
	x = signatureElement.ReplaceAllString(x, "")
	r := request{key: SPKey(), signed: true}
	for _, b := range breaks {
		b.apply(&r)
	}
	if r.edit != nil {
		x = r.edit(x)
	}
	if r.signed {
		signed, err := dsig.Sign([]byte(x), dsig.SignOptions{Signer: r.key.Signer, Certificate: r.key.Certificate})
		if err != nil {
			s.tb.Fatal(err)
		}
		x = string(signed)
	}
	if r.after != nil {
		x = r.after(x)
	}
	form := url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(x))}, "RelayState": {out.RelayState}}
	req := httptest.NewRequest(http.MethodPost, out.Destination, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req
}
