// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/awssso/awsssotest"
)

func TestRegisterRefuses(t *testing.T) {
	t.Parallel()
	p, _ := portal(t, awsssotest.Options{})
	with := func(name string, value any) map[string]any {
		m := map[string]any{"clientName": "x", "clientType": "public"}
		m[name] = value
		return m
	}
	redirect := func(uri string) map[string]any { return with("redirectUris", []string{uri}) }
	for name, tt := range map[string]struct {
		body  any
		code  string
		oauth string
		check awssso.Check
	}{
		"not JSON":             {"grant_type=x", "InvalidRequestException", "invalid_request", awssso.CheckRequest},
		"empty":                {"", "InvalidRequestException", "invalid_request", awssso.CheckRequest},
		"wrong type":           {`{"clientName":1}`, "InvalidRequestException", "invalid_request", awssso.CheckRequest},
		"too large":            {`{"clientName":"` + strings.Repeat("x", 40_000) + `"}`, "InvalidRequestException", "invalid_request", awssso.CheckRequest},
		"no name":              {with("clientName", ""), "InvalidClientMetadataException", "invalid_client_metadata", awssso.CheckMetadata},
		"long name":            {with("clientName", strings.Repeat("x", 257)), "InvalidClientMetadataException", "invalid_client_metadata", awssso.CheckMetadata},
		"confidential":         {with("clientType", "confidential"), "InvalidClientMetadataException", "invalid_client_metadata", awssso.CheckMetadata},
		"scope":                {with("scopes", []string{"openid"}), "InvalidScopeException", "invalid_scope", awssso.CheckScope},
		"grant":                {with("grantTypes", []string{"password"}), "InvalidClientMetadataException", "invalid_client_metadata", awssso.CheckMetadata},
		"code without URI":     {with("grantTypes", []string{"authorization_code"}), "InvalidRedirectUriException", "invalid_redirect_uri", awssso.CheckRedirect},
		"foreign issuer":       {with("issuerUrl", "https://evil.example/start"), "InvalidRequestException", "invalid_request", awssso.CheckStartURL},
		"nine redirects":       {with("redirectUris", strings.Split(strings.Repeat("http://127.0.0.1/x ", 9), " ")[:9]), "InvalidRedirectUriException", "invalid_redirect_uri", awssso.CheckRedirect},
		"long redirects":       {with("redirectUris", longRedirects()), "InvalidRedirectUriException", "invalid_redirect_uri", awssso.CheckRedirect},
		"https redirect":       {redirect("https://127.0.0.1/cb"), "InvalidRedirectUriException", "invalid_redirect_uri", awssso.CheckRedirect},
		"other host":           {redirect("http://evil.example/cb"), "InvalidRedirectUriException", "invalid_redirect_uri", awssso.CheckRedirect},
		"localhost":            {redirect("http://localhost/cb"), "InvalidRedirectUriException", "invalid_redirect_uri", awssso.CheckRedirect},
		"other loopback":       {redirect("http://127.0.0.2/cb"), "InvalidRedirectUriException", "invalid_redirect_uri", awssso.CheckRedirect},
		"number":               {redirect("http://2130706433/cb"), "InvalidRedirectUriException", "invalid_redirect_uri", awssso.CheckRedirect},
		"mapped":               {redirect("http://[::ffff:127.0.0.1]/cb"), "InvalidRedirectUriException", "invalid_redirect_uri", awssso.CheckRedirect},
		"user":                 {redirect("http://127.0.0.1@evil.example/cb"), "InvalidRedirectUriException", "invalid_redirect_uri", awssso.CheckRedirect},
		"user before loopback": {redirect("http://x@127.0.0.1/cb"), "InvalidRedirectUriException", "invalid_redirect_uri", awssso.CheckRedirect},
		"query":                {redirect("http://127.0.0.1/cb?x=1"), "InvalidRedirectUriException", "invalid_redirect_uri", awssso.CheckRedirect},
		"empty query":          {redirect("http://127.0.0.1/cb?"), "InvalidRedirectUriException", "invalid_redirect_uri", awssso.CheckRedirect},
		"fragment":             {redirect("http://127.0.0.1/cb#x"), "InvalidRedirectUriException", "invalid_redirect_uri", awssso.CheckRedirect},
		"backslash":            {redirect(`http://127.0.0.1\@evil.example/cb`), "InvalidRedirectUriException", "invalid_redirect_uri", awssso.CheckRedirect},
		"encoded path":         {redirect("http://127.0.0.1/%2e%2e"), "InvalidRedirectUriException", "invalid_redirect_uri", awssso.CheckRedirect},
		"line break":           {redirect("http://127.0.0.1/cb\r\nX: y"), "InvalidRedirectUriException", "invalid_redirect_uri", awssso.CheckRedirect},
		"script":               {redirect("javascript:alert(1)"), "InvalidRedirectUriException", "invalid_redirect_uri", awssso.CheckRedirect},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, p, p.Client().Post(t, "/client/register", tt.body), 400, tt.code, tt.oauth, tt.check)
		})
	}
}

// longRedirects are eight of the longest.
func longRedirects() (uris []string) {
	for i := range 8 {
		uris = append(uris, "http://127.0.0.1/"+strings.Repeat(string(rune('a'+i)), 480))
	}
	return uris
}

func TestRegisterToleratesUnknownAndDuplicateMembers(t *testing.T) {
	t.Parallel()
	p, _ := portal(t, awsssotest.Options{})
	a := p.Client().Post(t, "/client/register", `{"clientName":"a","clientName":"b","clientType":"public","entitledApplicationArn":"arn:aws:x","new":{"deep":[1]}}`)
	if a.Status != http.StatusOK {
		t.Errorf("answer: %d %s", a.Status, a.Raw)
	}
}

// TestRegistrationSurvives shows that a client keeps its registration through
// restarts with an empty store and through key rotation, and loses it with the
// key, by expiry, recall of one, and recall of all.
func TestRegistrationSurvives(t *testing.T) {
	t.Parallel()
	store := awssso.NewMemoryStore(100)
	p, _ := portal(t, awsssotest.Options{Store: store})
	c := p.Client().Register(t)
	start := func() awsssotest.Answer { return c.Start(t) }
	works := func(when string) {
		t.Helper()
		if a := start(); a.Status != http.StatusOK {
			t.Errorf("%s: %d %s", when, a.Status, a.Raw)
		}
	}
	gone := func(check awssso.Check) {
		t.Helper()
		refused(t, p, start(), 401, "InvalidClientException", "invalid_client", check)
	}
	works("at first")
	p.Restart(awsssotest.Options{})
	works("after a restart with an empty store")
	p.Restart(awsssotest.Options{Store: store, Keys: awsssotest.Keyring("k2", "k1")})
	works("after rotation")
	p.Restart(awsssotest.Options{Store: store, Keys: awsssotest.Keyring("k2")})
	gone(awssso.CheckClient)

	p.Restart(awsssotest.Options{Store: store})
	works("with the key again")
	other := p.Client().Register(t)
	if err := p.SSO.DenyClient(t.Context(), other.ID); err != nil {
		t.Fatal(err)
	}
	works("while another is denied")
	refused(t, p, other.Start(t), 401, "InvalidClientException", "invalid_client", awssso.CheckClientDenied)
	if err := store.RaiseEpoch(t.Context(), awssso.EpochGrants); err != nil {
		t.Fatal(err)
	}
	works("after the end of all grants")
	if err := store.RaiseEpoch(t.Context(), awssso.EpochClients); err != nil {
		t.Fatal(err)
	}
	gone(awssso.CheckClientEpoch)
	c = p.Client().Register(t)
	works("registered anew")
	p.Advance(90 * 24 * time.Hour)
	gone(awssso.CheckClient)
}

func TestClientAuthentication(t *testing.T) {
	t.Parallel()
	p, _ := portal(t, awsssotest.Options{})
	good, other := p.Client().Register(t), p.Client().Register(t)
	for name, c := range map[string]struct{ id, secret string }{
		"nothing":              {"", ""},
		"another's secret":     {good.ID, other.Secret},
		"secret for id":        {good.ID, good.ID},
		"id for secret":        {good.Secret, good.Secret},
		"cut":                  {good.ID[:len(good.ID)-1], good.Secret},
		"longer":               {good.ID + "A", good.Secret},
		"other case":           {strings.ToUpper(good.ID), good.Secret},
		"payload of another":   {swap(good.ID, other.ID, 2), good.Secret},
		"no key":               {strings.Replace(good.ID, "gc1.", "gc1.AAAA", 1), good.Secret},
		"future version":       {"gc2" + good.ID[3:], good.Secret},
		"secret of no version": {good.ID, good.Secret[4:]},
		"huge":                 {strings.Repeat("a.", 3000), strings.Repeat("b", 1000)},
	} {
		t.Run(name, func(t *testing.T) {
			c2 := p.Client()
			c2.ID, c2.Secret = c.id, c.secret
			refused(t, p, c2.Start(t), 401, "InvalidClientException", "invalid_client", awssso.CheckClient)
			refused(t, p, c2.Poll(t, "gd_x"), 401, "InvalidClientException", "invalid_client", awssso.CheckClient)
		})
	}
}

// swap replaces one part of a with that of b.
func swap(a, b string, part int) string {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	as[part] = bs[part]
	return strings.Join(as, ".")
}

func TestAnonymousCallsAreLimited(t *testing.T) {
	t.Parallel()
	p, _ := portal(t, awsssotest.Options{Configure: func(c *awssso.Config) { c.CallsPerMinute = 3 }})
	c := p.Client()
	for range 3 {
		c.Register(t)
	}
	refused(t, p, c.Post(t, "/client/register", `{}`), 400, "SlowDownException", "slow_down", awssso.CheckThrottled)
	c.Addr = "2001:db8::1"
	for range 3 {
		c.Register(t)
	}
	c.Addr = "2001:db8::2" // the same /64
	refused(t, p, c.Post(t, "/client/register", `{}`), 400, "SlowDownException", "slow_down", awssso.CheckThrottled)
	p.Advance(time.Minute)
	c.Register(t)
}

func TestPathsAndMethods(t *testing.T) {
	t.Parallel()
	p, _ := portal(t, awsssotest.Options{})
	refused(t, p, p.Client().Post(t, "/nothing", ""), 404, "UnknownOperationException", "invalid_request", awssso.CheckPath)
	a := p.Client().Get(t, "/token", "")
	refused(t, p, a, 405, "InvalidRequestException", "invalid_request", awssso.CheckMethod)
	if a.Header.Get("Allow") != "POST" {
		t.Errorf("Allow: %q", a.Header.Get("Allow"))
	}
	refused(t, p, p.Client().Post(t, "/assignment/accounts", ""), 405, "InvalidRequestException", "invalid_request", awssso.CheckMethod)
	refused(t, p, p.Client().Post(t, "/authorize", ""), 405, "InvalidRequestException", "invalid_request", awssso.CheckMethod)
}

func TestStartURLs(t *testing.T) {
	t.Parallel()
	const alias = "https://example-owned.awsapps.com/start"
	p, _ := portal(t, awsssotest.Options{Configure: func(c *awssso.Config) {
		c.StartURLs = append(c.StartURLs, alias)
		c.HeadAlias = alias
	}})
	c := p.Client().Register(t)
	for url, ok := range map[string]bool{
		p.StartURL: true, p.StartURL + "/": true, p.StartURL + "/#/": true, p.StartURL + "?x=1": true, strings.ToUpper(p.StartURL[:4]) + p.StartURL[4:]: true,
		alias: true, "https://Example-Owned.awsapps.com/start#/": true,
		"http://example-owned.awsapps.com/start": false, "https://x.awsapps.com/start": false, p.URL: false, p.StartURL + "/x": false, "": false, "/start": false,
		"https://" + strings.Repeat("x", 600): false, strings.Replace(p.StartURL, "http://", "http://u:p@", 1): false,
	} {
		a := c.Post(t, "/device_authorization", map[string]any{"clientId": c.ID, "clientSecret": c.Secret, "startUrl": url})
		if (a.Status == http.StatusOK) != ok {
			t.Errorf("%q: %d %s", url, a.Status, a.Raw)
		}
		if !ok && p.LastRefusal() != awssso.CheckStartURL {
			t.Errorf("%q: refused by %s", url, p.LastRefusal())
		}
	}
}
