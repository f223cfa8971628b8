// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/awssso/awsssotest"
)

const ann = "ann"

var prod = awssso.Account{ID: "111122223333", Name: "Production", Email: "aws-prod@example.com"}

// portal starts one with ann, who has two roles in one account.
func portal(t testing.TB, o awsssotest.Options) (*awsssotest.Portal, *awsssotest.Browser) {
	t.Helper()
	p := awsssotest.New(t, o)
	p.SetRoles(ann, prod, "ReadOnly", "Admin")
	return p, p.SignIn(ann)
}

// refused checks an answer in every shape that clients look for.
func refused(t testing.TB, p *awsssotest.Portal, a awsssotest.Answer, status int, code, oauth string, check awssso.Check) {
	t.Helper()
	if a.Status != status || a.Header.Get("X-Amzn-Errortype") != code || a.Text("__type") != code || a.Text("error") != oauth ||
		a.Text("message") == "" || a.Text("error_description") != a.Text("message") {
		t.Errorf("answer is %d %s %s, want %d %s %s", a.Status, a.Header.Get("X-Amzn-Errortype"), a.Raw, status, code, oauth)
	}
	if got := p.LastRefusal(); got != check {
		t.Errorf("%s refused, want %s", got, check)
	}
	if a.Header.Get("X-Amzn-Requestid") == "" || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("headers: %v", a.Header)
	}
}

// TestGolden speaks the requests of real clients, byte by byte, and compares
// the answers with files. Values that are drawn anew appear as <name>.
func TestGolden(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	values := map[string]string{"start": p.StartURL, "url": p.URL}
	fill := func(text string) string {
		for name, v := range values {
			text = strings.ReplaceAll(text, "<"+name+">", v)
		}
		return text
	}
	for _, step := range []struct {
		file   string
		before func()
	}{
		{file: "01-register-cli-2.9"},
		{file: "02-device-authorization"},
		{file: "03-token-pending"},
		{file: "04-token", before: func() { b.ApproveDevice(t, values["verificationUriComplete"], true) }},
		{file: "05-accounts"},
		{file: "06-accounts-page-2"},
		{file: "07-roles"},
		{file: "08-credentials-cli"},
		{file: "09-credentials-go"},
		{file: "10-credentials-not-yours"},
		{file: "11-refresh"},
		{file: "12-logout"},
		{file: "13-accounts-after-logout"},
		{file: "14-register-cli-2.22"},
		{file: "15-register-granted"},
		{file: "16-register-legacy"},
		{file: "17-register-aws-sso-cli"},
	} {
		raw, err := os.ReadFile(filepath.Join("testdata", "wire", step.file+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		if step.before != nil {
			step.before()
		}
		request, want, ok := strings.Cut(string(raw), "\n---\n")
		if !ok {
			t.Fatalf("%s: no --- line", step.file)
		}
		got := send(t, p.URL, fill(request), values)
		if want = strings.TrimSpace(want); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", step.file, got, want)
		}
		p.SetRoles(ann, awssso.Account{ID: "444455556666", Name: "staging", Email: "aws-staging@example.com"}, "Admin")
	}
}

// send sends "METHOD PATH", header lines, an empty line and a body, and returns
// status, error header and body with drawn values by name.
func send(t *testing.T, url, request string, values map[string]string) string {
	t.Helper()
	head, body, _ := strings.Cut(request, "\n\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	method, path, _ := strings.Cut(lines[0], " ")
	r, err := http.NewRequestWithContext(t.Context(), method, url+"/aws"+path, strings.NewReader(strings.TrimSpace(body)))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	out := resp.Status
	if code := resp.Header.Get("X-Amzn-Errortype"); code != "" {
		out += " " + code
	}
	var answer map[string]any
	dec := json.NewDecoder(resp.Body)
	dec.UseNumber()
	if err := dec.Decode(&answer); err != nil {
		return out
	}
	remember(answer, values)
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(answer); err != nil {
		t.Fatal(err)
	}
	return out + "\n" + strings.TrimSpace(regexp.MustCompile(`http://127\.0\.0\.1:\d+`).ReplaceAllString(text.String(), "<url>"))
}

// remember keeps what is drawn anew and puts its name in its place.
func remember(answer map[string]any, values map[string]string) {
	for name, v := range answer {
		switch v := v.(type) {
		case map[string]any:
			remember(v, values)
		case string:
			switch name {
			case "clientId", "clientSecret", "deviceCode", "userCode", "accessToken", "refreshToken", "nextToken", "accessKeyId":
				values[name], answer[name] = v, "<"+name+">"
			case "verificationUriComplete":
				values[name] = v
				answer[name] = v[:len(v)-len("XXXX-XXXX")] + "<userCode>"
			}
		case json.Number:
			n, _ := v.Int64()
			switch now := time.Now(); {
			case name == "clientIdIssuedAt" && now.Unix()-n < 60:
				answer[name] = "<now in seconds>"
			case name == "clientSecretExpiresAt" && n-now.Unix() > 89*24*3600 && n-now.Unix() <= 90*24*3600:
				answer[name] = "<in 90 days in seconds>"
			case name == "expiration" && n-now.UnixMilli() > 3_500_000 && n-now.UnixMilli() <= 3_600_000:
				answer[name] = "<in an hour in milliseconds>"
			}
		}
	}
}

func mustJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}
