// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/awssso/awsssotest"
)

func TestPolling(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().Register(t)
	start := c.Start(t)
	pending := func() {
		t.Helper()
		refused(t, p, c.Poll(t, start.Text("deviceCode")), 400, "AuthorizationPendingException", "authorization_pending", awssso.CheckPending)
	}
	// The CLI polls twice at once, then every second.
	pending()
	pending()
	for range 30 {
		p.Advance(time.Second)
		pending()
	}
	var last awsssotest.Answer
	for range 10 {
		last = c.Poll(t, start.Text("deviceCode"))
	}
	refused(t, p, last, 400, "SlowDownException", "slow_down", awssso.CheckSlowDown)
	b.ApproveDevice(t, start.Text("verificationUriComplete"), true)
	if a := c.Poll(t, start.Text("deviceCode")); a.Status != http.StatusOK || a.Text("refreshToken") == "" {
		t.Errorf("after approval: %d %s", a.Status, a.Raw)
	}
}

func TestDeviceDenied(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().Register(t)
	start := c.Start(t)
	page := b.ApproveDevice(t, start.Text("verificationUriComplete"), false)
	if done := awsssotest.As[awssso.DonePage](t, page); done.Allowed || page.Name != "DonePage" {
		t.Errorf("page: %+v", done)
	}
	refused(t, p, c.Poll(t, start.Text("deviceCode")), 400, "AccessDeniedException", "access_denied", awssso.CheckDenied)
	if a := b.Post(t, "/device", url.Values{"user_code": {start.Text("userCode")}}); a.Status != http.StatusBadRequest {
		t.Errorf("an answered code: %d %s", a.Status, a.Name)
	}
}

func TestDeviceExpires(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().Register(t)
	start, approved := c.Start(t), c.Start(t)
	page := b.Device(t, start.Text("verificationUriComplete"))
	b.ApproveDevice(t, approved.Text("verificationUriComplete"), true)
	p.Advance(10 * time.Minute)
	if a := b.Answer(t, page, true); a.Status == http.StatusOK {
		t.Errorf("approval after the end: %d %s", a.Status, a.Name)
	}
	for _, s := range []awsssotest.Answer{start, approved} {
		refused(t, p, c.Poll(t, s.Text("deviceCode")), 400, "ExpiredTokenException", "expired_token", awssso.CheckExpired)
	}
	p.Advance(2 * awssso.Grace)
	if _, err := p.SSO.DeleteExpired(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	refused(t, p, c.Poll(t, start.Text("deviceCode")), 400, "InvalidGrantException", "invalid_grant", awssso.CheckCode)
}

func TestDeviceCodeIsTheClients(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c, other := p.Client().Register(t), p.Client().Register(t)
	start := c.Start(t)
	b.ApproveDevice(t, start.Text("verificationUriComplete"), true)
	refused(t, p, other.Poll(t, start.Text("deviceCode")), 400, "InvalidGrantException", "invalid_grant", awssso.CheckCode)
	refused(t, p, c.Poll(t, start.Text("userCode")), 400, "InvalidGrantException", "invalid_grant", awssso.CheckCode)
	refused(t, p, c.Poll(t, ""), 400, "InvalidRequestException", "invalid_request", awssso.CheckRequest)
	refused(t, p, c.Poll(t, strings.Repeat("x", 300)), 400, "InvalidRequestException", "invalid_request", awssso.CheckRequest)
	if a := c.Poll(t, start.Text("deviceCode")); a.Status != http.StatusOK {
		t.Errorf("the client itself: %d %s", a.Status, a.Raw)
	}
}

func TestDeviceCodeReuseRevokes(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().Register(t)
	start := c.Start(t)
	b.ApproveDevice(t, start.Text("verificationUriComplete"), true)
	token := c.Poll(t, start.Text("deviceCode"))
	refused(t, p, c.Poll(t, start.Text("deviceCode")), 400, "InvalidGrantException", "invalid_grant", awssso.CheckCodeReused)
	refused(t, p, c.Get(t, "/assignment/accounts", token.Text("accessToken")), 401, "UnauthorizedException", "invalid_token", awssso.CheckToken)
	refused(t, p, c.Refresh(t, token.Text("refreshToken")), 400, "InvalidGrantException", "invalid_grant", awssso.CheckRefresh)
	events := p.Events()
	if last := events[len(events)-1]; last.Name != awssso.EventRevoke || last.Check != awssso.CheckCodeReused || !last.Notice || last.PersonID != ann {
		t.Errorf("event: %+v", last)
	}
}

// TestDeviceCodeAtOnce polls with ten processes after the approval: one token
// family is made at most, and a second taker ends it.
func TestDeviceCodeAtOnce(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().Register(t)
	start := c.Start(t)
	b.ApproveDevice(t, start.Text("verificationUriComplete"), true)
	var wg sync.WaitGroup
	answers := make([]awsssotest.Answer, 10)
	for i := range answers {
		wg.Go(func() { answers[i] = c.Poll(t, start.Text("deviceCode")) })
	}
	wg.Wait()
	won := slices.DeleteFunc(answers, func(a awsssotest.Answer) bool { return a.Status != http.StatusOK })
	if len(won) != 1 {
		t.Fatalf("%d of 10 got a token", len(won))
	}
	if a := c.Get(t, "/assignment/accounts", won[0].Text("accessToken")); a.Status != http.StatusUnauthorized {
		t.Errorf("the token lives after reuse: %d", a.Status)
	}
}

func TestDeviceCap(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{Configure: func(c *awssso.Config) { c.DevicesPerNetwork = 2 }})
	c := p.Client().Register(t)
	first := c.Start(t)
	c.Start(t)
	refused(t, p, c.Start(t), 400, "SlowDownException", "slow_down", awssso.CheckOutstanding)
	c.Addr = "198.51.100.7"
	if a := c.Start(t); a.Status != http.StatusOK {
		t.Errorf("another network: %d %s", a.Status, a.Raw)
	}
	c.Addr = ""
	b.ApproveDevice(t, first.Text("verificationUriComplete"), true)
	if a := c.Start(t); a.Status != http.StatusOK {
		t.Errorf("after an answer: %d %s", a.Status, a.Raw)
	}
}

func TestDevicePolicies(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().Register(t)
	token := c.Login(t, b)
	start := c.Start(t)
	p.SetPolicy(awssso.Policy{Device: awssso.DeviceOff})
	refused(t, p, c.Start(t), 400, "AccessDeniedException", "access_denied", awssso.CheckFlow)
	refused(t, p, c.Refresh(t, token.Text("refreshToken")), 400, "AccessDeniedException", "access_denied", awssso.CheckFlow)
	for _, page := range []awsssotest.Page{
		b.Get(t, start.Text("verificationUriComplete")), b.Post(t, "/device", url.Values{"user_code": {start.Text("userCode")}}), b.Post(t, "/device/approve", nil),
	} {
		if got := awsssotest.As[awssso.RefusalPage](t, page); page.Status != http.StatusForbidden || got.Check != awssso.CheckFlow {
			t.Errorf("page: %d %+v", page.Status, got)
		}
	}
	p.SetPolicy(awssso.Policy{Device: awssso.DeviceSameNetwork})
	b.Addr = "203.0.113.9"
	page := b.Post(t, "/device", url.Values{"user_code": {start.Text("userCode")}})
	if got := awsssotest.As[awssso.RefusalPage](t, page); page.Status != http.StatusForbidden || got.Check != awssso.CheckNetwork {
		t.Errorf("page: %d %+v", page.Status, got)
	}
	b.Addr = ""
	if page := b.ApproveDevice(t, start.Text("verificationUriComplete"), true); page.Name != "DonePage" {
		t.Errorf("same network: %d %s", page.Status, page.Name)
	}
}

// TestDeviceClientTells checks what of a client's words reaches the page.
func TestDeviceClientTells(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().RegisterAs(t, map[string]any{
		"clientName": "<b>AWS Support</b>\u202e\n" + strings.Repeat("x", 80), "clientType": "public",
	})
	c.UserAgent = "aws-cli/2.36.7 md/awscrt#0.1 ua/2.1 os/macos#24.1 md/arch#arm64"
	page := b.Device(t, c.Start(t).Text("verificationUriComplete"))
	if want := "bAWS Support/b" + strings.Repeat("x", 50); page.ClientSays != want || len(page.ClientSays) != 64 {
		t.Errorf("ClientSays %q, want %q", page.ClientSays, want)
	}
	if page.DeviceSays != "aws-cli/2.36.7 on macOS" || page.Network != "this computer" || page.SignedIn != ann || page.OtherNetwork {
		t.Errorf("page: %+v", page)
	}
	if d := p.Now().Sub(page.Started); d < 0 || d > time.Minute || !page.Expires.Equal(page.Started.Add(10*time.Minute)) {
		t.Errorf("Started %v ago, expires %v", d, page.Expires)
	}
}

func TestUserCodesAreReadKindly(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	start := p.Client().Register(t).Start(t)
	code := start.Text("userCode")
	for typed, ok := range map[string]bool{
		code: true, strings.ToLower(code): true, strings.ReplaceAll(code, "-", ""): true, " " + code[:4] + "  " + code[5:] + " ": true,
		"": false, code + "B": false, code[:8]: false, strings.Repeat("B", 100): false, "ΑΒΓΔ-ΕΖΗΘ": false,
	} {
		page := b.Post(t, "/device", url.Values{"user_code": {typed}})
		if (page.Name == "ApprovalPage") != ok {
			t.Errorf("%q: %d %s", typed, page.Status, page.Name)
		}
	}
}

func TestWrongUserCodesAreCapped(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{Configure: func(c *awssso.Config) { c.WrongUserCodes = 3 }})
	start := p.Client().Register(t).Start(t)
	right := url.Values{"user_code": {start.Text("userCode")}}
	for range 5 { // right codes cost nothing
		if page := b.Post(t, "/device", right); page.Name != "ApprovalPage" {
			t.Fatalf("right code: %d %s", page.Status, page.Name)
		}
	}
	for i := range 3 {
		page := b.Post(t, "/device", url.Values{"user_code": {fmt.Sprintf("BBBB-BBB%c", "CDF"[i])}})
		if page.Status != http.StatusBadRequest || page.Name != "EntryPage" || awsssotest.As[awssso.EntryPage](t, page).Problem == "" {
			t.Fatalf("wrong code: %d %s", page.Status, page.Name)
		}
	}
	page := b.Post(t, "/device", right)
	if got := awsssotest.As[awssso.RefusalPage](t, page); page.Status != http.StatusTooManyRequests || got.Check != awssso.CheckGuesses {
		t.Errorf("capped: %d %+v", page.Status, got)
	}
	if page := p.SignIn("bob").Post(t, "/device", right); page.Name != "ApprovalPage" {
		t.Errorf("another person: %d %s", page.Status, page.Name)
	}
	p.Advance(10*time.Minute + time.Second)
	fresh := p.Client().Register(t).Start(t)
	if page := b.Post(t, "/device", url.Values{"user_code": {fresh.Text("userCode")}}); page.Name != "ApprovalPage" {
		t.Errorf("later: %d %s", page.Status, page.Name)
	}
}
