// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package useragent

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Message is a SAML message as the browser carried it.
type Message struct {
	// Method and URL are those of the HTTP request; Form is what a POST sent.
	Method string
	URL    *url.URL
	Form   url.Values
	// XML is the message.
	XML string
}

var rootName = regexp.MustCompile(`^\s*(?:<\?[^>]*\?>\s*)?<(?:[A-Za-z0-9_.-]+:)?([A-Za-z]+)`)

// Name is the name of the message's root element, such as AuthnRequest.
func (m Message) Name() string {
	if n := rootName.FindStringSubmatch(m.XML); n != nil {
		return n[1]
	}
	return ""
}

// Binding is the binding's last word: HTTP-POST or HTTP-Redirect.
func (m Message) Binding() string {
	if m.Method == http.MethodPost {
		return "HTTP-POST"
	}
	return "HTTP-Redirect"
}

// Signed tells whether the message itself has a signature: in the query, or as
// a child of its root element.
func (m Message) Signed() bool {
	if m.Method != http.MethodPost {
		return m.URL.Query().Get("Signature") != ""
	}
	// The signature stands right after Issuer.
	end := issuerEnd.FindStringIndex(m.XML)
	return end != nil && signatureFirst.MatchString(m.XML[end[1]:])
}

var (
	issuerEnd      = regexp.MustCompile(`</(?:[A-Za-z0-9]+:)?Issuer\s*>`)
	signatureFirst = regexp.MustCompile(`^\s*<(?:[A-Za-z0-9]+:)?Signature[\s>]`)
)

// Encrypted tells whether the message carries an assertion that only its
// recipient can read, and none in clear.
func (m Message) Encrypted() bool {
	return strings.Contains(m.XML, "EncryptedAssertion") && !clearAssertion.MatchString(m.XML)
}

var clearAssertion = regexp.MustCompile(`<(?:[A-Za-z0-9]+:)?Assertion[\s>]`)

// Has tells whether the message's XML has the text.
func (m Message) Has(text string) bool { return strings.Contains(m.XML, text) }

// Last is the last message with that root element that the browser carried.
func (a *Agent) Last(name string) Message {
	a.t.Helper()
	for i := len(a.carried) - 1; i >= 0; i-- {
		if a.carried[i].Name() == name {
			return a.carried[i]
		}
	}
	a.t.Fatalf("the browser carried no %s", name)
	return Message{}
}

// Forget forgets the messages.
func (a *Agent) Forget() { a.carried = nil }

// Replay sends the HTTP request of a message again.
func (a *Agent) Replay(m Message) *Agent {
	a.t.Helper()
	return a.do(m.Method, m.URL.String(), m.Form)
}

// recorder writes down the messages that pass.
type recorder struct{ a *Agent }

func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	values := req.URL.Query()
	m := Message{Method: req.Method, URL: req.URL}
	if req.Method == http.MethodPost && req.Body != nil {
		body, err := io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		if values, err = url.ParseQuery(string(body)); err != nil {
			return nil, err
		}
		m.Form = values
	}
	for _, field := range []string{"SAMLRequest", "SAMLResponse"} {
		if v := values.Get(field); v != "" {
			m.XML = decode(v, req.Method != http.MethodPost)
			r.a.carried = append(r.a.carried, m)
		}
	}
	return http.DefaultTransport.RoundTrip(req)
}

func decode(value string, deflated bool) string {
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value), ""))
	if err == nil && deflated {
		b, err = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b)), 1<<20))
	}
	if err != nil {
		return ""
	}
	return string(b)
}
