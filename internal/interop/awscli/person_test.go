// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awscli

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238
	"encoding/base32"
	"encoding/binary"
	"fmt"
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

// person is somebody of the sample organisation at a browser without
// JavaScript: it reads the pages' forms and sends them.
type person struct {
	t      *testing.T
	base   *url.URL
	client *http.Client
	shown  string // the page
}

func newPerson(t *testing.T, base string) *person {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t: t, base: u, client: &http.Client{Jar: jar, Timeout: 20 * time.Second}}
}

func (p *person) do(method, target string, form url.Values) {
	p.t.Helper()
	u, err := p.base.Parse(target)
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(p.t.Context(), method, u.String(), strings.NewReader(form.Encode()))
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
	p.shown = string(body)
	if resp.StatusCode != http.StatusOK {
		p.t.Fatalf("%s %s: %s\n%s", method, u, resp.Status, p.shown)
	}
}

func (p *person) open(target string) {
	p.t.Helper()
	p.do(http.MethodGet, target, nil)
}

var (
	forms  = regexp.MustCompile(`(?s)<form[^>]* action="([^"]*)"[^>]*>(.*?)</form>`)
	inputs = regexp.MustCompile(`<input[^>]*>`)
	names  = regexp.MustCompile(` name="([^"]*)"`)
	values = regexp.MustCompile(` value="([^"]*)"`)
)

// submit fills in and sends the form that has a field or button with name.
func (p *person) submit(name, value string) {
	p.t.Helper()
	for _, f := range forms.FindAllStringSubmatch(p.shown, -1) {
		if !strings.Contains(f[2], ` name="`+name+`"`) {
			continue
		}
		filled := url.Values{}
		for _, input := range inputs.FindAllString(f[2], -1) {
			n, v := names.FindStringSubmatch(input), values.FindStringSubmatch(input)
			if n == nil || strings.Contains(input, "checkbox") {
				continue
			}
			filled.Set(n[1], "")
			if v != nil {
				filled.Set(n[1], html.UnescapeString(v[1]))
			}
		}
		if value != "" || !filled.Has(name) {
			filled.Set(name, value)
		}
		p.do(http.MethodPost, html.UnescapeString(f[1]), filled)
		return
	}
	p.t.Fatalf("no form with %s in\n%s", name, p.shown)
}

// signIn signs in with a password and a TOTP code.
func (p *person) signIn(username, password, secret string) {
	p.t.Helper()
	p.open("/sign-in")
	p.submit("username", username)
	p.submit("password", password)
	p.submit("code", totp(p.t, secret))
}

// approve follows the CLI's link and allows, or not.
func (p *person) approve(link, decision string) {
	p.t.Helper()
	p.open(link)
	p.submit("user_code", "")
	p.submit("decision", decision)
}

func totp(t *testing.T, secret string) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	h := hmac.New(sha1.New, key)
	_ = binary.Write(h, binary.BigEndian, time.Now().Unix()/30)
	sum := h.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1_000_000)
}
