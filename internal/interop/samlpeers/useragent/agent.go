// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package useragent is a person's browser for tests with real SAML peers.
//
// [New] makes an [Agent]: it keeps cookies, follows redirects and refreshes,
// fills in forms and submits those that a script would. It writes down every
// SAML message that it carries, so that a test can say by which binding and how
// protected a message went.
package useragent

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Agent is one person's browser. It is not safe for concurrent use.
type Agent struct {
	At     *url.URL
	Status int
	Body   string
	Header http.Header

	t       testing.TB
	client  *http.Client
	carried []Message
}

// New returns a browser without cookies.
func New(t testing.TB) *Agent {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &Agent{t: t}
	a.client = &http.Client{Jar: jar, Timeout: time.Minute, Transport: recorder{a}}
	return a
}

// Get opens an address and follows to where it leads.
func (a *Agent) Get(address string) *Agent {
	a.t.Helper()
	return a.do(http.MethodGet, address, nil)
}

// Post sends a form.
func (a *Agent) Post(address string, form url.Values) *Agent {
	a.t.Helper()
	return a.do(http.MethodPost, address, form)
}

func (a *Agent) do(method, address string, form url.Values) *Agent {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		a.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := a.client.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	a.At, a.Status, a.Body, a.Header = resp.Request.URL, resp.StatusCode, string(text), resp.Header
	if _, target, ok := strings.Cut(a.Header.Get("Refresh"), "url="); ok {
		return a.Get(target)
	}
	return a
}

var (
	formTag  = regexp.MustCompile(`(?s)<form[^>]*>.*?</form>`)
	action   = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
	inputTag = regexp.MustCompile(`<input[^>]*>`)
	nameOf   = regexp.MustCompile(`\sname="([^"]*)"`)
	valueOf  = regexp.MustCompile(`\svalue="([^"]*)"`)
)

// form finds the first form that has the field.
func (a *Agent) form(field string) (target string, values url.Values) {
	a.t.Helper()
	for _, f := range formTag.FindAllString(a.Body, -1) {
		values := url.Values{}
		for _, in := range inputTag.FindAllString(f, -1) {
			if m := nameOf.FindStringSubmatch(in); m != nil {
				value := ""
				if v := valueOf.FindStringSubmatch(in); v != nil {
					value = html.UnescapeString(v[1])
				}
				values.Set(html.UnescapeString(m[1]), value)
			}
		}
		if _, ok := values[field]; field != "" && !ok {
			continue
		}
		target := a.At
		if m := action.FindStringSubmatch(f); m != nil {
			var err error
			if target, err = a.At.Parse(html.UnescapeString(m[1])); err != nil {
				a.t.Fatal(err)
			}
		}
		return target.String(), values
	}
	a.t.Fatalf("%s (%d) has no form with %q:\n%s", a.At, a.Status, field, tail(a.Body))
	return "", nil
}

// Submit sends the first form that has the field, any form if field is empty,
// filled in.
func (a *Agent) Submit(field string, fill map[string]string) *Agent {
	a.t.Helper()
	target, values := a.form(field)
	for k, v := range fill {
		values.Set(k, v)
	}
	return a.Post(target, values)
}

// Through submits the forms that carry SAML messages, as their scripts would,
// until a page has none.
func (a *Agent) Through() *Agent {
	a.t.Helper()
	for range 8 {
		field := Field(a.Body)
		if field == "" {
			return a
		}
		a.Submit(field, nil)
	}
	a.t.Fatalf("%s: messages go round and round", a.At)
	return a
}

// Field names the field of the SAML message that the page carries, "" if there
// is none.
func Field(body string) string {
	for _, f := range []string{"SAMLResponse", "SAMLRequest"} {
		if strings.Contains(body, `name="`+f+`"`) {
			return f
		}
	}
	return ""
}

// Expect fails the test unless the page has status 200 and the text.
func (a *Agent) Expect(text string) *Agent {
	a.t.Helper()
	return a.ExpectStatus(http.StatusOK, text)
}

// ExpectStatus fails the test unless the page has the status and the text.
func (a *Agent) ExpectStatus(status int, text string) *Agent {
	a.t.Helper()
	if a.Status != status || !strings.Contains(a.Body, text) {
		a.t.Fatalf("%s: status %d, want %d with %q:\n%s", a.At, a.Status, status, text, tail(a.Body))
	}
	return a
}

// ExpectText fails the test unless the page has the text, whatever its status:
// PHP applications show errors with status 200.
func (a *Agent) ExpectText(text string) *Agent {
	a.t.Helper()
	return a.ExpectStatus(a.Status, text)
}

func tail(s string) string { return s[max(0, len(s)-3000):] }
