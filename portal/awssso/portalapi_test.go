// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/sqltx"
	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/awssso/awsssotest"
)

// TestEnvironment: the one member of a listing that AWS does not have is there
// for accounts that have it only.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	p.SetRoles(ann, awssso.Account{ID: "444455556666", Name: "Staging", Environment: "test"}, "Admin")
	c := p.Client().Register(t)
	a := c.Get(t, "/assignment/accounts", c.Login(t, b).Text("accessToken"))
	const want = `{"accountList":[{"accountId":"111122223333","accountName":"Production","emailAddress":"aws-prod@example.com"},` +
		`{"accountId":"444455556666","accountName":"Staging","emailAddress":"","environment":"test"}],"nextToken":null}`
	if got := strings.TrimSpace(string(a.Raw)); got != want {
		t.Errorf("%s", got)
	}
}

func TestPaging(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	for i := range 250 {
		p.SetRoles(ann, awssso.Account{ID: fmt.Sprintf("%012d", i), Name: fmt.Sprintf("same name %d", i%2)}, "Admin")
	}
	c := p.Client().Register(t)
	token := c.Login(t, b).Text("accessToken")
	seen, next, pages := map[string]bool{}, "", 0
	for {
		q := url.Values{}
		if next != "" {
			q.Set("next_token", next)
		}
		a := c.Get(t, "/assignment/accounts?"+q.Encode(), token)
		if a.Status != http.StatusOK {
			t.Fatalf("page: %d %s", a.Status, a.Raw)
		}
		for _, item := range a.Body["accountList"].([]any) {
			id := item.(map[string]any)["accountId"].(string)
			if seen[id] {
				t.Errorf("%s twice", id)
			}
			seen[id] = true
		}
		pages++
		if next = a.Text("nextToken"); next == "" {
			break
		}
	}
	if len(seen) != 251 || pages != 3 {
		t.Errorf("%d accounts in %d pages", len(seen), pages)
	}
	for _, q := range []string{
		"next_token=MQ", "next_token=MWFiYw", "max_result=0", "max_result=-1", "max_result=1001", "max_result=x", "max_result=99999999999", "next_token=%00", "next_token=AAAA", "next_token=MQ&next_token=MQ",
		"next_token=" + strings.Repeat("A", 2000),
	} {
		refused(t, p, c.Get(t, "/assignment/accounts?"+q, token), 400, "InvalidRequestException", "invalid_request", awssso.CheckRequest)
	}
	// A cursor of ours for something that has gone is still a place in the order.
	if a := c.Get(t, "/assignment/roles?account_id=111122223333&next_token=MUI", token); a.Status != 200 || !strings.Contains(string(a.Raw), "ReadOnly") || strings.Contains(string(a.Raw), "Admin") {
		t.Errorf("after B: %s", a.Raw)
	}
}

func TestCredentialsRefuses(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	p.SetRoles("bob", awssso.Account{ID: "999988887777", Name: "bob's"}, "Admin")
	c := p.Client().Register(t)
	token := c.Login(t, b).Text("accessToken")
	get := func(account, role string) awsssotest.Answer {
		return c.Get(t, "/federation/credentials?"+url.Values{"account_id": {account}, "role_name": {role}}.Encode(), token)
	}
	foreign := get("999988887777", "Admin")
	refused(t, p, foreign, 403, "ForbiddenException", "access_denied", awssso.CheckRole)
	events := p.Events()
	if last := events[len(events)-1]; last.Name != awssso.EventGetRoleCredentials || last.Check != awssso.CheckRole || last.AccountID != "999988887777" ||
		last.RoleName != "Admin" || last.PersonID != ann || last.FamilyID == "" || last.RequestID != foreign.Header.Get("X-Amzn-Requestid") {
		t.Errorf("event: %+v", last)
	}
	unknown := get("123412341234", "Admin")
	refused(t, p, unknown, 403, "ForbiddenException", "access_denied", awssso.CheckRole)
	if strings.ReplaceAll(foreign.Text("message"), "999988887777", "123412341234") != unknown.Text("message") {
		t.Errorf("an account that exists is told from one that does not: %q, %q", foreign.Text("message"), unknown.Text("message"))
	}
	refused(t, p, c.Get(t, "/assignment/roles?account_id=999988887777", token), 403, "ForbiddenException", "access_denied", awssso.CheckRole)
	for _, bad := range [][2]string{{"", "Admin"}, {"12", "Admin"}, {"11112222333x", "Admin"}, {"1111222233334", "Admin"}, {"111122223333", ""}, {"111122223333", "a b"}, {"111122223333", strings.Repeat("a", 65)}, {"111122223333", "é"}} {
		refused(t, p, get(bad[0], bad[1]), 400, "InvalidRequestException", "invalid_request", awssso.CheckRequest)
	}
	refused(t, p, c.Get(t, "/federation/credentials?account_id=111122223333&role_name=Admin&role_name=ReadOnly", token), 400, "InvalidRequestException", "invalid_request", awssso.CheckRequest)

	for check, want := range map[awssso.Check]struct {
		status      int
		code, oauth string
	}{
		awssso.CheckDeviceRole:  {403, "ForbiddenException", "access_denied"},
		awssso.CheckStrength:    {401, "UnauthorizedException", "insufficient_user_authentication"},
		awssso.CheckExchange:    {400, "InvalidRequestException", "invalid_request"},
		awssso.CheckThrottled:   {429, "TooManyRequestsException", "slow_down"},
		awssso.CheckUnavailable: {503, "ServiceUnavailableException", "temporarily_unavailable"},
	} {
		p.SetIssue(func(g awssso.Grant, _, _ string) (awssso.Credentials, error) {
			if g.Flow != awssso.FlowDevice || g.Session.PersonID != ann || len(g.AMR) != 3 || g.AuthTime.IsZero() {
				t.Errorf("grant: %+v", g)
			}
			return awssso.Credentials{}, fmt.Errorf("wrapped: %w", &awssso.Error{Check: check, Public: "Do this."})
		})
		a := get("111122223333", "Admin")
		refused(t, p, a, want.status, want.code, want.oauth, check)
		if a.Text("message") != "Do this." {
			t.Errorf("message %q", a.Text("message"))
		}
	}
	p.SetIssue(func(awssso.Grant, string, string) (awssso.Credentials, error) {
		return awssso.Credentials{}, errors.New("the secret thing broke")
	})
	a := get("111122223333", "Admin")
	refused(t, p, a, 500, "InternalServerException", "server_error", awssso.CheckInternal)
	if strings.Contains(string(a.Raw), "secret thing") {
		t.Errorf("the answer tells the cause: %s", a.Raw)
	}
}

// TestRemovedAssignment: access ends at the next call.
func TestRemovedAssignment(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().Register(t)
	token := c.Login(t, b).Text("accessToken")
	const path = "/federation/credentials?account_id=111122223333&role_name=Admin"
	if a := c.Get(t, path, token); a.Status != http.StatusOK {
		t.Fatalf("at first: %d", a.Status)
	}
	p.SetRoles(ann, prod, "ReadOnly")
	a := c.Get(t, path, token)
	refused(t, p, a, 403, "ForbiddenException", "access_denied", awssso.CheckRole)
	if !strings.Contains(a.Text("message"), "Your roles there: ReadOnly.") {
		t.Errorf("message %q", a.Text("message"))
	}
}

func TestAccessTokenExpires(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().Register(t)
	token := c.Login(t, b)
	p.Advance(time.Hour)
	for _, path := range []string{"/assignment/accounts", "/assignment/roles?account_id=111122223333", "/federation/credentials?account_id=111122223333&role_name=Admin"} {
		a := c.Get(t, path, token.Text("accessToken"))
		refused(t, p, a, 401, "UnauthorizedException", "invalid_token", awssso.CheckToken)
		if a.Text("message") != "Session token not found or invalid" {
			t.Errorf("message %q", a.Text("message"))
		}
	}
	refused(t, p, c.Logout(t, token.Text("accessToken")), 401, "UnauthorizedException", "invalid_token", awssso.CheckToken)
	refused(t, p, c.Get(t, "/assignment/accounts", ""), 401, "UnauthorizedException", "invalid_token", awssso.CheckToken)
	refused(t, p, c.Get(t, "/assignment/accounts", strings.Repeat("x", 300)), 401, "UnauthorizedException", "invalid_token", awssso.CheckToken)
}

// TestUnrecordedIsUndone: without its event nothing happens.
func TestUnrecordedIsUndone(t *testing.T) {
	t.Parallel()
	var failing bool
	p, b := portal(t, awsssotest.Options{Configure: func(c *awssso.Config) {
		record := c.OnEvent
		c.OnEvent = func(ctx context.Context, e awssso.Event) error {
			if failing {
				return sqltx.ErrBusy
			}
			return record(ctx, e)
		}
	}})
	c := p.Client().Register(t)
	start := c.Start(t)
	approval := b.Device(t, start.Text("verificationUriComplete"))
	token := c.Login(t, b)
	failing = true
	busy := func(a awsssotest.Answer, code string) {
		t.Helper()
		refused(t, p, a, 503, code, "temporarily_unavailable", awssso.CheckUnavailable)
		if a.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	busy(c.Start(t), "InternalServerException")
	busy(c.Refresh(t, token.Text("refreshToken")), "InternalServerException")
	busy(c.Logout(t, token.Text("accessToken")), "ServiceUnavailableException")
	busy(c.Get(t, "/federation/credentials?account_id=111122223333&role_name=Admin", token.Text("accessToken")), "ServiceUnavailableException")
	refusedPage(t, b.Answer(t, approval, true), http.StatusServiceUnavailable, awssso.CheckUnavailable)
	failing = false
	refused(t, p, c.Poll(t, start.Text("deviceCode")), 400, "AuthorizationPendingException", "authorization_pending", awssso.CheckPending)
	if page := b.Answer(t, approval, true); page.Name != "DonePage" {
		t.Errorf("the same page again: %d %s", page.Status, page.Name)
	}
	failing = true
	busy(c.Poll(t, start.Text("deviceCode")), "InternalServerException")
	failing = false
	if a := c.Poll(t, start.Text("deviceCode")); a.Status != http.StatusOK {
		t.Errorf("the same code again: %d %s", a.Status, a.Raw)
	}
	p.Advance(time.Minute)
	if a := c.Refresh(t, token.Text("refreshToken")); a.Status != http.StatusOK || p.Events()[len(p.Events())-1].Repeated {
		t.Errorf("the failed refresh had rotated: %d %s", a.Status, a.Raw)
	}
}

func TestHeadAlias(t *testing.T) {
	t.Parallel()
	const alias = "https://example-owned.awsapps.com/start"
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	for name, tt := range map[string]struct {
		alias, method string
		status        int
		location      string
	}{
		"HEAD":              {alias, http.MethodHead, http.StatusFound, alias},
		"GET":               {alias, http.MethodGet, http.StatusTeapot, ""},
		"POST":              {alias, http.MethodPost, http.StatusTeapot, ""},
		"HEAD by default":   {"", http.MethodHead, http.StatusTeapot, ""},
		"OPTIONS of course": {alias, http.MethodOptions, http.StatusTeapot, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := portal(t, awsssotest.Options{Configure: func(c *awssso.Config) {
				c.StartURLs, c.HeadAlias = append(c.StartURLs, alias), tt.alias
			}})
			w := httptest.NewRecorder()
			p.SSO.StartURL(next).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), tt.method, "/start", nil))
			if w.Code != tt.status || w.Header().Get("Location") != tt.location || tt.location != "" && w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%d %v", w.Code, w.Header())
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	p, _ := portal(t, awsssotest.Options{})
	if _, err := awssso.New(p.Config); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*awssso.Config){
		"http API":         func(c *awssso.Config) { c.APIURL = "http://portal.example.com/aws" },
		"relative pages":   func(c *awssso.Config) { c.PagesURL = "/x" },
		"query":            func(c *awssso.Config) { c.APIURL += "?x=1" },
		"no start URL":     func(c *awssso.Config) { c.StartURLs = nil },
		"bad start URL":    func(c *awssso.Config) { c.StartURLs = []string{"portal"} },
		"alias not listed": func(c *awssso.Config) { c.HeadAlias = "https://x.awsapps.com/start" },
		"alias over http":  func(c *awssso.Config) { c.HeadAlias = c.StartURLs[0] },
		"no store":         func(c *awssso.Config) { c.Store = nil },
		"no sessions":      func(c *awssso.Config) { c.Sessions = nil },
		"no access":        func(c *awssso.Config) { c.Access = nil },
		"no keys":          func(c *awssso.Config) { c.Keys = nil },
		"no browser":       func(c *awssso.Config) { c.Browser = nil },
		"no sign-in":       func(c *awssso.Config) { c.SignIn = nil },
		"no pages":         func(c *awssso.Config) { c.Render = nil },
		"no address":       func(c *awssso.Config) { c.ClientAddr = nil },
		"no region":        func(c *awssso.Config) { c.Region = "" },
		"negative":         func(c *awssso.Config) { c.AccessLifetime = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			c := p.Config
			change(&c)
			if _, err := awssso.New(c); err == nil {
				t.Error("accepted")
			}
		})
	}
}

// pager hands out pages by itself.
type pager struct{ *awsssotest.Portal }

func (pager) AccountsPage(_ context.Context, person, name, id string, limit int) (out []awssso.Account, err error) {
	for i := range 5 {
		if a := (awssso.Account{ID: fmt.Sprintf("%012d", i), Name: person}); (name == "" || a.ID > id) && len(out) < limit {
			out = append(out, a)
		}
	}
	return out, nil
}

func TestAccountPager(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().Register(t)
	token := c.Login(t, b).Text("accessToken")
	p.Restart(awsssotest.Options{Store: p.Config.Store, Configure: func(c *awssso.Config) { c.Access = pager{p} }})
	next, sizes := "", []int(nil)
	for {
		a := c.Get(t, "/assignment/accounts?max_result=2&next_token="+next, token)
		if a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Raw)
		}
		sizes = append(sizes, len(a.Body["accountList"].([]any)))
		if next = a.Text("nextToken"); next == "" {
			break
		}
	}
	if fmt.Sprint(sizes) != "[2 2 1]" {
		t.Errorf("pages of %v", sizes)
	}
}
