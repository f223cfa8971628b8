// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso_test

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/awssso/awsssotest"
)

const (
	verifier = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
	callback = "http://127.0.0.1:49152/oauth/callback"
)

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// authorizeQuery is what the AWS CLI opens.
func authorizeQuery(c *awsssotest.Client) url.Values {
	return url.Values{
		"response_type": {"code"}, "client_id": {c.ID}, "redirect_uri": {callback}, "state": {"7e2d4e7e-64b0-4a2c-b7a0-000000000000"},
		"code_challenge_method": {"S256"}, "scopes": {"sso:account:access"}, "code_challenge": {challenge(verifier)},
	}
}

// consent returns the query of the redirect to the program.
func consent(t *testing.T, p *awsssotest.Portal, b *awsssotest.Browser, q url.Values, allow bool) url.Values {
	t.Helper()
	page := b.Consent(t, p.URL+"/aws/authorize?"+q.Encode(), allow)
	if page.Name != "ReturnPage" || !strings.HasPrefix(page.Location, callback+"?") {
		t.Fatalf("consent: %d %s to %q", page.Status, page.Name, page.Location)
	}
	u, err := url.Parse(page.Location)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

func redeem(t *testing.T, c *awsssotest.Client, code string) awsssotest.Answer {
	t.Helper()
	return c.Token(t, map[string]any{"grantType": "authorization_code", "code": code, "codeVerifier": verifier, "redirectUri": callback})
}

func TestAuthorizationCode(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().RegisterPKCE(t)
	q := consent(t, p, b, authorizeQuery(c), true)
	if q.Get("state") != "7e2d4e7e-64b0-4a2c-b7a0-000000000000" || q.Has("error") {
		t.Errorf("redirect: %v", q)
	}
	token := redeem(t, c, q.Get("code"))
	if token.Status != http.StatusOK || token.Text("refreshToken") == "" {
		t.Fatalf("token: %d %s", token.Status, token.Raw)
	}
	if a := c.Get(t, "/assignment/accounts", token.Text("accessToken")); a.Status != http.StatusOK {
		t.Errorf("accounts: %d %s", a.Status, a.Raw)
	}
	// The code again ends what it became.
	refused(t, p, redeem(t, c, q.Get("code")), 400, "InvalidGrantException", "invalid_grant", awssso.CheckCodeReused)
	refused(t, p, c.Get(t, "/assignment/accounts", token.Text("accessToken")), 401, "UnauthorizedException", "invalid_token", awssso.CheckToken)
	refused(t, p, c.Refresh(t, token.Text("refreshToken")), 400, "InvalidGrantException", "invalid_grant", awssso.CheckRefresh)
}

func TestConsentIsAskedEveryTime(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().RegisterPKCE(t)
	for range 2 {
		page := b.Get(t, p.URL+"/authorize?"+authorizeQuery(c).Encode())
		ask := awsssotest.As[awssso.ConsentPage](t, page)
		if page.Name != "ConsentPage" || ask.ClientSays != "botocore-client-gatehouse" || ask.Callback != "http://127.0.0.1:49152" || ask.SignedIn != ann {
			t.Fatalf("page: %s %+v", page.Name, ask)
		}
		consent(t, p, b, authorizeQuery(c), true)
	}
	if q := consent(t, p, b, authorizeQuery(c), false); q.Get("error") != "access_denied" || q.Has("code") || q.Get("state") == "" {
		t.Errorf("refusal: %v", q)
	}
}

// TestAuthorizeRefuses separates what may be told to the program from what
// must never redirect.
func TestAuthorizeRefuses(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().RegisterPKCE(t)
	device := p.Client().Register(t)
	with := func(change func(url.Values)) url.Values {
		q := authorizeQuery(c)
		change(q)
		return q
	}
	for name, tt := range map[string]struct {
		q     url.Values
		check awssso.Check // without a redirect
		oauth string       // by a redirect
	}{
		"no client":        {with(func(q url.Values) { q.Del("client_id") }), awssso.CheckClient, ""},
		"altered client":   {with(func(q url.Values) { q.Set("client_id", c.ID+"A") }), awssso.CheckClient, ""},
		"secret as client": {with(func(q url.Values) { q.Set("client_id", c.Secret) }), awssso.CheckClient, ""},
		"no redirect":      {with(func(q url.Values) { q.Del("redirect_uri") }), awssso.CheckRedirect, ""},
		"other path":       {with(func(q url.Values) { q.Set("redirect_uri", "http://127.0.0.1:1/other") }), awssso.CheckRedirect, ""},
		"longer path":      {with(func(q url.Values) { q.Set("redirect_uri", callback+"/x") }), awssso.CheckRedirect, ""},
		"other host":       {with(func(q url.Values) { q.Set("redirect_uri", "http://evil.example/oauth/callback") }), awssso.CheckRedirect, ""},
		"other loopback":   {with(func(q url.Values) { q.Set("redirect_uri", "http://[::1]:1/oauth/callback") }), awssso.CheckRedirect, ""},
		"localhost":        {with(func(q url.Values) { q.Set("redirect_uri", "http://localhost:1/oauth/callback") }), awssso.CheckRedirect, ""},
		"https":            {with(func(q url.Values) { q.Set("redirect_uri", "https://127.0.0.1:1/oauth/callback") }), awssso.CheckRedirect, ""},
		"two redirects":    {with(func(q url.Values) { q.Add("redirect_uri", callback) }), awssso.CheckRequest, ""},
		"device client":    {with(func(q url.Values) { q.Set("client_id", device.ID) }), awssso.CheckRedirect, ""},
		"implicit":         {with(func(q url.Values) { q.Set("response_type", "token") }), "", "unsupported_response_type"},
		"no challenge":     {with(func(q url.Values) { q.Del("code_challenge") }), "", "invalid_request"},
		"plain":            {with(func(q url.Values) { q.Set("code_challenge_method", "plain") }), "", "invalid_request"},
		"no method":        {with(func(q url.Values) { q.Del("code_challenge_method") }), "", "invalid_request"},
		"padded challenge": {with(func(q url.Values) { q.Set("code_challenge", challenge(verifier)+"=") }), "", "invalid_request"},
		"no state":         {with(func(q url.Values) { q.Del("state") }), "", "invalid_request"},
		"scope":            {with(func(q url.Values) { q.Set("scopes", "openid") }), "", "invalid_scope"},
	} {
		t.Run(name, func(t *testing.T) {
			form := url.Values{"decision": {"approve"}, "request": {tt.q.Encode()}}
			for _, page := range []awsssotest.Page{b.Get(t, "/authorize?"+tt.q.Encode()), b.Post(t, "/authorize", form)} {
				if tt.check != "" {
					refusedPage(t, page, http.StatusBadRequest, tt.check)
					if page.Location != "" {
						t.Errorf("redirects to %q", page.Location)
					}
					continue
				}
				u, _ := url.Parse(page.Location)
				if page.Name != "ReturnPage" || !strings.HasPrefix(page.Location, callback+"?") || u.Query().Get("error") != tt.oauth || u.Query().Has("code") {
					t.Errorf("%d to %q", page.Status, page.Location)
				}
			}
		})
	}
}

// TestCodeIsBound shows what a code is bound to; a wrong try costs it.
func TestCodeIsBound(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c, other := p.Client().RegisterPKCE(t), p.Client().RegisterPKCE(t)
	fields := func(code string) map[string]any {
		return map[string]any{"grantType": "authorization_code", "code": code, "codeVerifier": verifier, "redirectUri": callback}
	}
	for name, tt := range map[string]struct {
		client *awsssotest.Client
		change map[string]any
		after  time.Duration
		check  awssso.Check
	}{
		"verifier":       {c, map[string]any{"codeVerifier": strings.Repeat("x", 64)}, 0, awssso.CheckVerifier},
		"short verifier": {c, map[string]any{"codeVerifier": "x"}, 0, awssso.CheckVerifier},
		"challenge":      {c, map[string]any{"codeVerifier": challenge(verifier)}, 0, awssso.CheckVerifier},
		"redirect URI":   {c, map[string]any{"redirectUri": "http://127.0.0.1:1/oauth/callback"}, 0, awssso.CheckCode},
		"client":         {other, nil, 0, awssso.CheckCode},
		"time":           {c, nil, time.Minute, awssso.CheckCode},
	} {
		code := consent(t, p, b, authorizeQuery(c), true).Get("code")
		wrong := fields(code)
		maps.Copy(wrong, tt.change)
		p.Advance(tt.after)
		a := tt.client.Token(t, wrong)
		if a.Status != 400 || a.Text("__type") != "InvalidGrantException" || p.LastRefusal() != tt.check {
			t.Errorf("%s: %d %s by %s", name, a.Status, a.Raw, p.LastRefusal())
		}
		if a := c.Token(t, fields(code)); a.Status != 400 || p.LastRefusal() != awssso.CheckCodeReused {
			t.Errorf("%s, then right: %d %s by %s", name, a.Status, a.Raw, p.LastRefusal())
		}
	}
	for _, missing := range []string{"code", "codeVerifier", "redirectUri"} {
		some := fields("gc_x")
		delete(some, missing)
		refused(t, p, c.Token(t, some), 400, "InvalidRequestException", "invalid_request", awssso.CheckRequest)
	}
	refused(t, p, redeem(t, c, "gc_unknown"), 400, "InvalidGrantException", "invalid_grant", awssso.CheckCode)
}

func TestCodeNeedsItsSession(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().RegisterPKCE(t)
	code := consent(t, p, b, authorizeQuery(c), true).Get("code")
	p.EndSession("session-" + ann)
	refused(t, p, redeem(t, c, code), 400, "InvalidGrantException", "invalid_grant", awssso.CheckSession)
}

func TestGrantTypes(t *testing.T) {
	t.Parallel()
	p, _ := portal(t, awsssotest.Options{})
	c, pkce := p.Client().Register(t), p.Client().RegisterPKCE(t)
	refused(t, p, c.Token(t, map[string]any{"grantType": "urn:ietf:params:oauth:grant-type:jwt-bearer"}), 400, "UnsupportedGrantTypeException", "unsupported_grant_type", awssso.CheckGrantType)
	refused(t, p, c.Token(t, nil), 400, "InvalidRequestException", "invalid_request", awssso.CheckRequest)
	refused(t, p, c.Post(t, "/token?aws_iam=t", map[string]any{}), 400, "UnsupportedGrantTypeException", "unsupported_grant_type", awssso.CheckGrantType)
	refused(t, p, pkce.Start(t), 400, "UnauthorizedClientException", "unauthorized_client", awssso.CheckClientGrant)
}
