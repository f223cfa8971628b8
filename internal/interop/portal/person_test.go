// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"bytes"
	"encoding/base32"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa/totp"
)

// person is somebody at a browser without JavaScript: it reads the pages'
// forms and sends them.
type person struct {
	t      *testing.T
	base   string
	client *http.Client
	// What is on the screen.
	status int
	url    string
	header http.Header
	shown  string
}

func newPerson(t *testing.T, base string) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t: t, base: base, client: &http.Client{Jar: jar, Timeout: patience}}
}

func (p *person) do(method, target string, form url.Values) *person {
	p.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = p.base + target
	}
	r, err := http.NewRequestWithContext(p.t.Context(), method, target, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	resp, err := p.client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	p.status, p.url, p.header, p.shown = resp.StatusCode, resp.Request.URL.String(), resp.Header, string(body)
	return p
}

func (p *person) open(target string) *person {
	p.t.Helper()
	return p.do(http.MethodGet, target, nil)
}

func (p *person) post(target string, form url.Values) *person {
	p.t.Helper()
	return p.do(http.MethodPost, target, form)
}

func (p *person) expect(status int, text string) *person {
	p.t.Helper()
	if p.status != status || !strings.Contains(p.shown, text) {
		p.t.Fatalf("%s: status %d, want %d with %q in:\n%s", p.url, p.status, status, text, p.shown)
	}
	return p
}

var (
	forms  = regexp.MustCompile(`(?s)<form[^>]* action="([^"]*)"[^>]*>(.*?)</form>`)
	inputs = regexp.MustCompile(`<input[^>]*>`)
	names  = regexp.MustCompile(` name="([^"]*)"`)
	values = regexp.MustCompile(` value="([^"]*)"`)
)

// submit fills in and sends the form that has a field or button with name; an
// empty value leaves the field as it is.
func (p *person) submit(name, value string) *person {
	p.t.Helper()
	for _, f := range forms.FindAllStringSubmatch(p.shown, -1) {
		if !strings.Contains(f[2], ` name="`+name+`"`) {
			continue
		}
		filled := fields(f[2])
		if value != "" {
			filled.Set(name, value)
		}
		return p.post(html.UnescapeString(f[1]), filled)
	}
	p.t.Fatalf("%s: no form with %s in\n%s", p.url, name, p.shown)
	return p
}

// fields are the inputs of a form as they stand.
func fields(form string) url.Values {
	out := url.Values{}
	for _, input := range inputs.FindAllString(form, -1) {
		n, v := names.FindStringSubmatch(input), values.FindStringSubmatch(input)
		if n == nil || strings.Contains(input, `type="checkbox"`) {
			continue
		}
		out.Set(n[1], "")
		if v != nil {
			out.Set(n[1], html.UnescapeString(v[1]))
		}
	}
	return out
}

// field is the value of an input on the page.
func (p *person) field(name string) string {
	p.t.Helper()
	f := fields(p.shown)
	if !f.Has(name) {
		p.t.Fatalf("%s: no field %s in\n%s", p.url, name, p.shown)
	}
	return f.Get(name)
}

// signIn signs in with a password and a TOTP code, from any page.
func (p *person) signIn(from string, who somebody) *person {
	p.t.Helper()
	p.open(from).expect(http.StatusOK, "Sign in")
	p.submit("username", who.Username).expect(http.StatusOK, "Enter your password")
	p.submit("password", who.Password).expect(http.StatusOK, "Confirm it is you")
	return p.submit("code", code(p.t, who.TOTPSecret))
}

// approve follows a device's link as its owner would.
func (p *person) approve(link string) *person {
	p.t.Helper()
	p.open(link).expect(http.StatusOK, "Connect a device")
	p.submit("user_code", "").expect(http.StatusOK, "Allow this device?")
	return p.submit("decision", "approve").expect(http.StatusOK, "The request was approved")
}

// code is the current one of an authenticator app.
func code(t *testing.T, secret string) string {
	t.Helper()
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	return codeOf(t, totp.Key{Secret: raw, Algorithm: totp.SHA1, Digits: 6, Period: 30 * time.Second})
}

func codeOf(t *testing.T, k totp.Key) string {
	t.Helper()
	out, err := k.Code(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// provisioner is a SCIM client.
type provisioner struct {
	t     *testing.T
	base  string
	token string
}

// try sends one request; an error is of the connection.
func (c *provisioner) try(method, path string, body any) (status int, header http.Header, answer map[string]any, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, nil, nil, err
	}
	if body == nil {
		text = nil
	}
	r, err := http.NewRequest(method, c.base+path, bytes.NewReader(text))
	if err != nil {
		return 0, nil, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Content-Type", "application/scim+json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && len(raw) > 0 {
		err = json.Unmarshal(raw, &answer)
	}
	return resp.StatusCode, resp.Header, answer, err
}

// do sends one request that has to be answered with the status.
func (c *provisioner) do(want int, method, path string, body any) map[string]any {
	c.t.Helper()
	status, _, answer, err := c.try(method, path, body)
	if err != nil || status != want {
		c.t.Fatalf("%s %s: %d %v, want %d: %v", method, path, status, err, want, answer)
	}
	return answer
}

func newUser(name string) map[string]any {
	return map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": name, "active": true}
}
