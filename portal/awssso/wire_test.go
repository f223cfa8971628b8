// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
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
	staging := func() {
		p.SetRoles(ann, awssso.Account{ID: "444455556666", Name: "staging", Email: "aws-staging@example.com"}, "Admin")
	}
	speak(t, p, values, []step{
		{file: "01-register-cli-2.9"},
		{file: "02-device-authorization"},
		{file: "03-token-pending"},
		{file: "04-token", before: func() { b.ApproveDevice(t, values["verificationUriComplete"], true) }},
		{file: "05-accounts", before: staging},
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
	})
}

// TestGoldenCode is the sign-in of AWS CLI 2.22 and later, by authorization
// code with PKCE.
func TestGoldenCode(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	values := map[string]string{"start": p.StartURL, "url": p.URL, "verifier": verifier, "challenge": challenge(verifier)}
	speak(t, p, values, []step{
		{file: "14-register-cli-2.22"},
		{file: "18-authorize"},
		{file: "19-token-code", before: func() {
			back, err := url.Parse(b.Consent(t, values["location"], true).Location)
			if err != nil || back.Host != "127.0.0.1:50505" || back.Path != "/oauth/callback" || back.Query().Get("state") != "6f5c7f0e-1d6b-4b39-9a41-0d7c2a5b8e11" {
				t.Errorf("back to %v, %v", back, err)
			}
			values["code"] = back.Query().Get("code")
		}},
		{file: "21-refresh-code"},
		{file: "20-token-code-again"},
	})
}

// TestGoldenRefusals has every error that the portal answers with.
func TestGoldenRefusals(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	values := map[string]string{"start": p.StartURL, "url": p.URL, "verifier": verifier}
	client := p.Client().Register(t)
	use := func(c *awsssotest.Client) { values["clientId"], values["clientSecret"] = c.ID, c.Secret }
	use(client)
	values["accessToken"] = client.Login(t, b).Text("accessToken")
	start := func() {
		device := client.Start(t)
		values["deviceCode"], values["verificationUriComplete"] = device.Text("deviceCode"), device.Text("verificationUriComplete")
	}
	issue := func(check awssso.Check) func() {
		return func() {
			p.SetIssue(func(awssso.Grant, string, string) (awssso.Credentials, error) {
				if check == "" {
					return awssso.Credentials{}, errors.New("a secret cause")
				}
				return awssso.Credentials{}, &awssso.Error{Check: check, Public: "What to do."}
			})
		}
	}
	speak(t, p, values, []step{
		{file: "30-register-type"},
		{file: "31-register-scope"},
		{file: "32-register-redirect"},
		{file: "33-register-issuer"},
		{file: "34-device-start-url"},
		{file: "35-device-client"},
		{file: "36-token-grant-type"},
		{file: "37-device-client-grant", before: func() { use(p.Client().RegisterPKCE(t)) }},
		{file: "38-token-iam", before: func() { use(client) }},
		{file: "39-token-denied", before: func() { start(); b.ApproveDevice(t, values["verificationUriComplete"], false) }},
		{file: "41-token-slow-down", before: func() {
			start()
			for range 10 {
				client.Poll(t, values["deviceCode"])
			}
		}},
		{file: "43-refresh-unknown"},
		{file: "44-token-not-json"},
		{file: "45-no-such-operation"},
		{file: "50-accounts-no-token"},
		{file: "51-accounts-page-size"},
		{file: "52-roles-foreign"},
		{file: "53-credentials-throttled", before: issue(awssso.CheckThrottled)},
		{file: "54-credentials-exchange", before: issue(awssso.CheckExchange)},
		{file: "55-credentials-strength", before: issue(awssso.CheckStrength)},
		{file: "56-credentials-unavailable", before: issue(awssso.CheckUnavailable)},
		{file: "57-credentials-failed", before: issue("")},
		{file: "58-logout-no-token"},
		{file: "40-token-expired", before: func() { start(); p.Advance(11 * time.Minute) }},
	})
}

// TestGoldenIsWhole: every operation and every error of the AWS models has a
// pair of files. InvalidRequestRegionException and ResourceNotFoundException
// are never answered.
func TestGoldenIsWhole(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "wire", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(raw)
	}
	for _, want := range []string{
		"POST /client/register", "POST /device_authorization", "POST /token\n", "POST /token?aws_iam=t", "GET /authorize?", "GET /assignment/accounts", "GET /assignment/roles?",
		"GET /federation/credentials?", "POST /logout", "grant-type:device_code", `"authorization_code"`, `"refresh_token"`,
		"400 Bad Request AuthorizationPendingException", "400 Bad Request SlowDownException", "400 Bad Request ExpiredTokenException", "400 Bad Request AccessDeniedException",
		"400 Bad Request InvalidGrantException", "400 Bad Request UnauthorizedClientException", "400 Bad Request InvalidRequestException", "400 Bad Request InvalidScopeException",
		"400 Bad Request UnsupportedGrantTypeException", "400 Bad Request InvalidClientMetadataException", "400 Bad Request InvalidRedirectUriException",
		"401 Unauthorized InvalidClientException", "500 Internal Server Error InternalServerException", "401 Unauthorized UnauthorizedException", "403 Forbidden ForbiddenException",
		"429 Too Many Requests TooManyRequestsException",
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no pair with %q", want)
		}
	}
}

// step is one pair of files, before which something may happen.
type step struct {
	file   string
	before func()
}

// speak sends the request of each step and compares the answer.
func speak(t *testing.T, p *awsssotest.Portal, values map[string]string, steps []step) {
	t.Helper()
	fill := func(text string) string {
		for name, v := range values {
			text = strings.ReplaceAll(text, "<"+name+">", v)
		}
		return text
	}
	for _, step := range steps {
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
	}
}

// send sends "METHOD PATH", header lines, an empty line and a body, and returns
// status, error header and body with drawn values by name.
func send(t *testing.T, base, request string, values map[string]string) string {
	t.Helper()
	head, body, _ := strings.Cut(request, "\n\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	method, path, _ := strings.Cut(lines[0], " ")
	r, err := http.NewRequestWithContext(t.Context(), method, base+"/aws"+path, strings.NewReader(strings.TrimSpace(body)))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	out := resp.Status
	if code := resp.Header.Get("X-Amzn-Errortype"); code != "" {
		out += " " + code
	}
	if to := resp.Header.Get("Location"); to != "" {
		values["location"] = to
		return out + "\nLocation: " + strings.NewReplacer(values["clientId"], "<clientId>", values["challenge"], "<challenge>", base, "<url>").Replace(to)
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
