// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/awssso/awsssotest"
)

// serve sends a request past the network, for speed.
func serve(h http.Handler, method, target, body string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	r.URL = &url.URL{Path: target}
	if path, q, ok := strings.Cut(target, "?"); ok {
		r.URL = &url.URL{Path: path, RawQuery: q}
	}
	maps.Copy(r.Header, header)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// whole checks that an answer is a complete one of the protocol: never an
// internal error, and never a success without the expected members.
func whole(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code == http.StatusOK {
		return
	}
	if w.Code >= 500 || w.Header().Get("X-Amzn-Errortype") == "" || !strings.Contains(w.Body.String(), `"error"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func unlimited(c *awssso.Config) { c.CallsPerMinute = 60_000_000 }

// FuzzBodies posts every kind of body to every operation that takes one.
func FuzzBodies(f *testing.F) {
	p, _ := portal(f, awsssotest.Options{Configure: unlimited})
	c := p.Client().Register(f)
	api := p.SSO.API()
	auth := `"clientId":"` + c.ID + `","clientSecret":"` + c.Secret + `"`
	f.Add(0, `{"clientName":"x","clientType":"public","scopes":["sso:account:access"],"grantTypes":["refresh_token"],"redirectUris":["http://127.0.0.1/cb"],"issuerUrl":"`+p.StartURL+`"}`)
	f.Add(1, `{`+auth+`,"startUrl":"`+p.StartURL+`"}`)
	f.Add(2, `{`+auth+`,"grantType":"urn:ietf:params:oauth:grant-type:device_code","deviceCode":"gd_x"}`)
	f.Add(2, `{`+auth+`,"grantType":"authorization_code","code":"gc_x","codeVerifier":"`+verifier+`","redirectUri":"http://127.0.0.1:1/cb"}`)
	f.Add(2, `{`+auth+`,"grantType":"refresh_token","refreshToken":"gr_x"}`)
	f.Add(2, `{"clientId":"gc1.a.b.c","clientSecret":"gs1.a.b"}`)
	f.Add(3, "")
	f.Add(0, `[[[[[[`)
	f.Add(1, `{"clientId":{}}`)
	paths := []string{"/client/register", "/device_authorization", "/token", "/logout"}
	f.Fuzz(func(t *testing.T, path int, body string) {
		whole(t, serve(api, http.MethodPost, paths[uint(path)%uint(len(paths))], body, nil))
	})
}

// FuzzQueries calls the portal operations with a good token and any query.
func FuzzQueries(f *testing.F) {
	p, b := portal(f, awsssotest.Options{})
	token := p.Client().Register(f).Login(f, b).Text("accessToken")
	api := p.SSO.API()
	for i, q := range []string{"next_token=MQ&max_result=5", "account_id=111122223333", "role_name=Admin&account_id=111122223333", "account_id=%zz", "max_result=-0", "next_token=" + strings.Repeat("A", 3000)} {
		f.Add(i, q)
	}
	paths := []string{"/assignment/accounts", "/assignment/roles", "/federation/credentials"}
	f.Fuzz(func(t *testing.T, path int, q string) {
		whole(t, serve(api, http.MethodGet, paths[uint(path)%3]+"?"+q, "", http.Header{"X-Amz-Sso_bearer_token": {token}}))
	})
}

// FuzzAuthorize asserts the one thing that matters at /authorize: whatever the
// query, the browser is only ever sent to the registered redirect URI.
func FuzzAuthorize(f *testing.F) {
	p, _ := portal(f, awsssotest.Options{})
	c := p.Client().RegisterPKCE(f)
	pages := p.SSO.Pages()
	good := authorizeQuery(c).Encode()
	f.Add(good)
	f.Add(strings.Replace(good, "S256", "plain", 1))
	f.Add(strings.Replace(good, url.QueryEscape(callback), url.QueryEscape("http://127.0.0.1:1@evil.example/oauth/callback"), 1))
	f.Add(strings.Replace(good, url.QueryEscape(callback), url.QueryEscape(`http://127.0.0.1:1\@evil.example/oauth/callback`), 1))
	f.Add("client_id=%zz;&redirect_uri=javascript:alert(1)")
	cookies := http.Header{"Cookie": {"awsssotest=session-" + ann}}
	f.Fuzz(func(t *testing.T, q string) {
		form := url.Values{"request": {q}, "decision": {"approve"}}.Encode()
		post := http.Header{"Cookie": cookies["Cookie"], "Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"}}
		for _, w := range []*httptest.ResponseRecorder{serve(pages, http.MethodGet, "/authorize?"+q, "", cookies), serve(pages, http.MethodPost, "/authorize", form, post)} {
			if w.Code >= 500 || w.Header().Get("Location") != "" {
				t.Errorf("%d %v", w.Code, w.Header())
			}
			if w.Header().Get("Test-Page") != "ReturnPage" {
				continue
			}
			back := awsssotest.As[awssso.ReturnPage](t, awsssotest.PageOf(w))
			if u, err := url.Parse(back.Location); err != nil || u.Scheme != "http" || u.Hostname() != "127.0.0.1" || u.Path != "/oauth/callback" || u.User != nil {
				t.Errorf("sent to %q", back.Location)
			}
		}
	})
}

// FuzzRedirect registers any redirect URI: what is accepted is loopback.
func FuzzRedirect(f *testing.F) {
	for _, uri := range []string{
		"http://127.0.0.1/cb", "http://[::1]:80/cb", "http://127.0.0.1", "http://127.0.0.1:/", "http://127.0.0.1:99999/", "http://[::1%25eth0]/", "http://127.0.0.1/a%2fb", "HTTP://127.0.0.1/",
	} {
		f.Add(uri)
	}
	p, _ := portal(f, awsssotest.Options{Configure: unlimited})
	api := p.SSO.API()
	f.Fuzz(func(t *testing.T, uri string) {
		w := serve(api, http.MethodPost, "/client/register", mustJSON(map[string]any{"clientName": "x", "clientType": "public", "redirectUris": []string{uri}}), nil)
		whole(t, w)
		if w.Code != http.StatusOK {
			return
		}
		u, err := url.Parse(uri)
		if err != nil || u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Hostname() != "127.0.0.1" && u.Hostname() != "::1" {
			t.Errorf("%q accepted", uri)
		}
	})
}

// FuzzForms posts any form to the device pages.
func FuzzForms(f *testing.F) {
	p, b := portal(f, awsssotest.Options{Configure: func(c *awssso.Config) { c.WrongUserCodes = 1 << 30 }})
	start := p.Client().Register(f).Start(f)
	b.Device(f, start.Text("verificationUriComplete"))
	pages := p.SSO.Pages()
	f.Add(true, "user_code="+start.Text("userCode"))
	f.Add(false, "user_code=BBBB-BBBB&decision=approve")
	f.Add(false, "user_code=%zz")
	f.Add(true, "user_code="+strings.Repeat("B-", 40))
	header := http.Header{"Cookie": {"awsssotest=session-" + ann}, "Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"}}
	f.Fuzz(func(t *testing.T, look bool, form string) {
		path := "/device/approve"
		if look {
			path = "/device"
		}
		if w := serve(pages, http.MethodPost, path, form, header); w.Code >= 500 || w.Header().Get("Test-Page") == "" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
