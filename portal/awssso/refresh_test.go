// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/awssso/awsssotest"
)

// TestParallelRefresh is what a terminal with ten panes does: all get the same
// working tokens.
func TestParallelRefresh(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().Register(t)
	token := c.Login(t, b)
	answers := make([]awsssotest.Answer, 10)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = c.Refresh(t, token.Text("refreshToken")) })
	}
	wg.Wait()
	for _, a := range answers {
		if a.Status != http.StatusOK || a.Text("accessToken") != answers[0].Text("accessToken") || a.Text("refreshToken") != answers[0].Text("refreshToken") {
			t.Fatalf("answers differ: %d %s, %s", a.Status, a.Raw, answers[0].Raw)
		}
	}
	if answers[0].Text("refreshToken") == token.Text("refreshToken") || answers[0].Text("accessToken") == token.Text("accessToken") {
		t.Error("the tokens were not rotated")
	}
	for name, access := range map[string]string{"old": token.Text("accessToken"), "new": answers[0].Text("accessToken")} {
		if a := c.Get(t, "/assignment/accounts", access); a.Status != http.StatusOK {
			t.Errorf("%s access token: %d", name, a.Status)
		}
	}
	if a := c.Refresh(t, answers[0].Text("refreshToken")); a.Status != http.StatusOK {
		t.Errorf("next refresh: %d %s", a.Status, a.Raw)
	}
}

func TestRefreshReuse(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string]func(p *awsssotest.Portal, c *awsssotest.Client, first awsssotest.Answer){
		"the predecessor after the window": func(p *awsssotest.Portal, c *awsssotest.Client, first awsssotest.Answer) {
			c.Refresh(t, first.Text("refreshToken"))
			p.Advance(20 * time.Second)
		},
		"an older one within it": func(p *awsssotest.Portal, c *awsssotest.Client, first awsssotest.Answer) {
			second := c.Refresh(t, first.Text("refreshToken"))
			c.Refresh(t, second.Text("refreshToken"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, b := portal(t, awsssotest.Options{})
			c := p.Client().Register(t)
			first := c.Login(t, b)
			steps(p, c, first)
			refused(t, p, c.Refresh(t, first.Text("refreshToken")), 400, "InvalidGrantException", "invalid_grant", awssso.CheckRefreshReused)
			events := p.Events()
			if last := events[len(events)-1]; last.Name != awssso.EventRevoke || !last.Notice || last.Check != awssso.CheckRefreshReused || last.PersonID != ann {
				t.Errorf("event: %+v", last)
			}
			refused(t, p, c.Get(t, "/assignment/accounts", first.Text("accessToken")), 401, "UnauthorizedException", "invalid_token", awssso.CheckToken)
			refused(t, p, c.Refresh(t, first.Text("refreshToken")), 400, "InvalidGrantException", "invalid_grant", awssso.CheckRefresh)
			if a := c.Login(t, b); a.Status != http.StatusOK {
				t.Errorf("signing in anew: %d", a.Status)
			}
		})
	}
}

func TestReuseWindowOutlivesRestartAndRotation(t *testing.T) {
	t.Parallel()
	store := awssso.NewMemoryStore(100)
	p, b := portal(t, awsssotest.Options{Store: store})
	c := p.Client().Register(t)
	first := c.Login(t, b)
	second := c.Refresh(t, first.Text("refreshToken"))
	p.Advance(10 * time.Second)
	p.Restart(awsssotest.Options{Store: store, Keys: awsssotest.Keyring("k2", "k1")})
	again := c.Refresh(t, first.Text("refreshToken"))
	if again.Text("accessToken") != second.Text("accessToken") || again.Text("refreshToken") != second.Text("refreshToken") {
		t.Fatalf("the successor changed: %s, %s", again.Raw, second.Raw)
	}
	if left, _ := again.Body["expiresIn"].(float64); left > 3590 || left < 3500 {
		t.Errorf("expiresIn %v, not what is left", left)
	}
	events := p.Events()
	if !events[len(events)-1].Repeated {
		t.Errorf("event: %+v", events[len(events)-1])
	}
	if a := c.Refresh(t, again.Text("refreshToken")); a.Status != http.StatusOK {
		t.Errorf("refresh under the new key: %d %s", a.Status, a.Raw)
	}
	p.Restart(awsssotest.Options{Store: store})
	if a := c.Refresh(t, second.Text("refreshToken")); a.Status != 400 || p.LastRefusal() != awssso.CheckRefresh {
		t.Errorf("successor under a key that is gone: %d %s by %s", a.Status, a.Raw, p.LastRefusal())
	}
}

func TestRefreshIsTheClients(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c, other := p.Client().Register(t), p.Client().Register(t)
	token := c.Login(t, b)
	refused(t, p, other.Refresh(t, token.Text("refreshToken")), 400, "InvalidGrantException", "invalid_grant", awssso.CheckRefresh)
	if err := p.SSO.DenyClient(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	refused(t, p, c.Refresh(t, token.Text("refreshToken")), 401, "InvalidClientException", "invalid_client", awssso.CheckClientDenied)
}

// TestTokenKinds presents every secret where every other belongs.
func TestTokenKinds(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c, pkce := p.Client().Register(t), p.Client().RegisterPKCE(t)
	start := c.Start(t)
	token := c.Login(t, b)
	code := consent(t, p, b, authorizeQuery(pkce), true).Get("code")
	secrets := map[string]string{
		"access": token.Text("accessToken"), "refresh": token.Text("refreshToken"), "device": start.Text("deviceCode"), "code": code,
		"user code": start.Text("userCode"), "client secret": c.Secret, "session": "session-" + ann,
	}
	for kind, secret := range secrets {
		if kind != "access" {
			if a := c.Get(t, "/assignment/accounts", secret); a.Status != 401 || p.LastRefusal() != awssso.CheckToken {
				t.Errorf("%s as access token: %d by %s", kind, a.Status, p.LastRefusal())
			}
		}
		if kind != "refresh" {
			if a := c.Refresh(t, secret); a.Status != 400 || p.LastRefusal() != awssso.CheckRefresh {
				t.Errorf("%s as refresh token: %d by %s", kind, a.Status, p.LastRefusal())
			}
		}
		if kind != "device" {
			if a := c.Poll(t, secret); a.Status != 400 || p.LastRefusal() != awssso.CheckCode {
				t.Errorf("%s as device code: %d by %s", kind, a.Status, p.LastRefusal())
			}
		}
		if kind != "code" {
			if a := redeem(t, pkce, secret); a.Status != 400 || p.LastRefusal() != awssso.CheckCode {
				t.Errorf("%s as code: %d by %s", kind, a.Status, p.LastRefusal())
			}
		}
	}
}

// TestEndOfSession: nothing outlives the browser session.
func TestEndOfSession(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().Register(t)
	p.Advance(7*time.Hour + 30*time.Minute)
	token := c.Login(t, b)
	if left, _ := token.Body["expiresIn"].(float64); left > 1800 || left < 1700 {
		t.Errorf("expiresIn %v past the session's end", left)
	}
	refreshed := c.Refresh(t, token.Text("refreshToken"))
	if left, _ := refreshed.Body["expiresIn"].(float64); left > 1800 {
		t.Errorf("refreshed: expiresIn %v", left)
	}
	p.EndSession("session-" + ann)
	refused(t, p, c.Get(t, "/assignment/accounts", refreshed.Text("accessToken")), 401, "UnauthorizedException", "invalid_token", awssso.CheckSession)
	refused(t, p, c.Refresh(t, refreshed.Text("refreshToken")), 400, "InvalidGrantException", "invalid_grant", awssso.CheckSession)
	start := c.Start(t)
	p.SignIn(ann).ApproveDevice(t, start.Text("verificationUriComplete"), true)
	p.EndSession("session-" + ann)
	refused(t, p, c.Poll(t, start.Text("deviceCode")), 400, "InvalidGrantException", "invalid_grant", awssso.CheckSession)
}

func TestPolicyLength(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	p.SetPolicy(awssso.Policy{Length: 2 * time.Hour})
	c := p.Client().Register(t)
	token := c.Login(t, b)
	p.Advance(90 * time.Minute)
	refreshed := c.Refresh(t, token.Text("refreshToken"))
	if left, _ := refreshed.Body["expiresIn"].(float64); left > 1800 {
		t.Errorf("expiresIn %v past the policy's length", left)
	}
	p.SetPolicy(awssso.Policy{Length: time.Hour})
	refused(t, p, c.Refresh(t, refreshed.Text("refreshToken")), 400, "InvalidGrantException", "invalid_grant", awssso.CheckSession)
	p.SetPolicy(awssso.Policy{})
	p.Advance(30 * time.Minute)
	refused(t, p, c.Refresh(t, refreshed.Text("refreshToken")), 400, "InvalidGrantException", "invalid_grant", awssso.CheckRefresh)
}

// TestLegacyProfile registers without scopes: one long access token, and
// nothing to refresh it with.
func TestLegacyProfile(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().RegisterAs(t, map[string]any{"clientName": "botocore-client-1700000000", "clientType": "public"})
	p.Advance(time.Hour)
	token := c.Login(t, b)
	if left, _ := token.Body["expiresIn"].(float64); left < 6.9*3600 || left > 7*3600 {
		t.Errorf("expiresIn %v, not the session's end", left)
	}
	if _, ok := token.Body["refreshToken"]; ok {
		t.Error("a refresh token")
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().Register(t)
	one, two := c.Login(t, b), c.Login(t, b)
	families, err := p.SSO.Families(t.Context(), ann)
	if err != nil || len(families) != 2 || families[0].ClientName != "botocore-client-gatehouse" {
		t.Fatalf("Families: %+v, %v", families, err)
	}
	if err := p.SSO.RevokeFamily(t.Context(), "bob", families[0].ID); !errors.Is(err, awssso.ErrNotFound) {
		t.Errorf("another person's: %v", err)
	}
	works := func(token awsssotest.Answer) bool {
		return c.Get(t, "/assignment/accounts", token.Text("accessToken")).Status == http.StatusOK
	}
	if !works(one) || !works(two) {
		t.Fatal("a token does not work")
	}
	for _, f := range families {
		if err := p.SSO.RevokeFamily(t.Context(), ann, f.ID); err != nil {
			t.Fatal(err)
		}
	}
	if works(one) || works(two) {
		t.Error("a revoked token works")
	}
	three := c.Login(t, b)
	if n, err := p.SSO.RevokeSession(t.Context(), ann, "session-"+ann); n != 1 || err != nil || works(three) {
		t.Errorf("RevokeSession: %d, %v", n, err)
	}
	four := c.Login(t, b)
	if n, err := p.SSO.RevokePerson(t.Context(), ann); n != 1 || err != nil || works(four) {
		t.Errorf("RevokePerson: %d, %v", n, err)
	}
}
