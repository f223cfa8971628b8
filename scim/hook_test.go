// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/scim"
)

// serve sends a request from any goroutine.
func serve(h http.Handler, method, path, body string) int {
	r := httptest.NewRequest(method, "https://app.example/scim/v2"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer acme")
	r.Header.Set("Content-Type", "application/scim+json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func TestOnChangeIsPartOfTheChange(t *testing.T) {
	t.Parallel()
	var seen []scim.Change
	var veto error
	s := newServer(t, func(c *scim.Config) {
		c.OnChange = func(_ context.Context, ch scim.Change) error {
			if veto == nil {
				seen = append(seen, ch)
			}
			return veto
		}
	})
	u := s.user("anna", "")
	g := s.group("staff")
	s.do("PATCH", "/Groups/"+g, patchBody(`{"op":"add","path":"members","value":[{"value":"`+u+`"}]}`)).want(204)
	s.do("PATCH", "/Users/"+u, patchBody(`{"op":"replace","path":"active","value":false}`)).want(200)
	var ops []string
	for _, ch := range seen {
		ops = append(ops, string(ch.Op)+" "+ch.Type)
		if ch.Caller.Tenant != "acme" {
			t.Errorf("tenant %q", ch.Caller.Tenant)
		}
	}
	if got, want := strings.Join(ops, ", "), "created User, created Group, membersChanged Group, updated User"; got != want {
		t.Errorf("changes %s, not %s", got, want)
	}
	if before, after := seen[3].Before.(*scim.User), seen[3].After.(*scim.User); !before.IsActive() || after.IsActive() {
		t.Error("before and after are wrong")
	}
	user, group := s.do("GET", "/Users/"+u, "").text, s.do("GET", "/Groups/"+g, "").text
	veto = &scim.Error{Check: scim.CheckForbidden, Public: "not now"}
	for _, r := range []*reply{
		s.do("PATCH", "/Users/"+u, patchBody(`{"op":"replace","path":"active","value":true}`)),
		s.do("PUT", "/Users/"+u, `{`+userSchemas+`,"userName":"anna","active":true}`),
		s.do("DELETE", "/Users/"+u, ""),
		s.do("DELETE", "/Groups/"+g, ""),
		s.do("POST", "/Users", `{`+userSchemas+`,"userName":"bob"}`),
		s.do("PATCH", "/Groups/"+g, patchBody(`{"op":"remove","path":"members[value eq \"`+u+`\"]"}`)),
		s.do("PUT", "/Groups/"+g, `{"schemas":["`+scim.GroupURN+`"],"displayName":"x"}`),
	} {
		r.want(403).has("not now", "detail")
	}
	if u2, g2 := s.do("GET", "/Users/"+u, "").text, s.do("GET", "/Groups/"+g, "").text; u2 != user || g2 != group {
		t.Errorf("a vetoed change was made:\n%s\n%s\n%s\n%s", user, u2, group, g2)
	}
	s.do("GET", "/Users", "").want(200).has("1", "totalResults")
	veto = errors.New("secret: the database is at 10.0.0.1")
	if r := s.do("DELETE", "/Users/"+u, "").want(500); strings.Contains(r.text, "secret") {
		t.Error("the cause was shown")
	}
}

// bare is a store without transactions; wrapped shows them through Unwrap.
type bare struct{ scim.Store[scim.User] }

type wrapped struct{ scim.Store[scim.User] }

func (w wrapped) Unwrap() any { return w.Store }

func TestOnChangeNeedsTransactions(t *testing.T) {
	t.Parallel()
	store := scim.NewMemoryStore(1)
	c := scim.Config{
		BaseURL: "https://app.example", Users: bare{store.Users()},
		Authenticate: func(*http.Request) (scim.Caller, error) { return scim.Caller{}, nil },
		OnChange:     func(context.Context, scim.Change) error { return nil },
	}
	if _, err := scim.New(c); err == nil {
		t.Error("a store without transactions was accepted")
	}
	c.Users = wrapped{store.Users()}
	if _, err := scim.New(c); err != nil {
		t.Error(err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	store := scim.NewMemoryStore(1)
	good := func() scim.Config {
		return scim.Config{
			BaseURL: "https://app.example", Users: store.Users(),
			Authenticate: func(*http.Request) (scim.Caller, error) { return scim.Caller{}, nil },
		}
	}
	if _, err := scim.New(good()); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*scim.Config){
		"no base":       func(c *scim.Config) { c.BaseURL = "" },
		"relative base": func(c *scim.Config) { c.BaseURL = "/scim" },
		"no store":      func(c *scim.Config) { c.Users = nil },
		"nobody":        func(c *scim.Config) { c.Authenticate = nil },
		"profile":       func(c *scim.Config) { c.Profile = "x" },
		"rule": func(c *scim.Config) {
			c.Rules = []scim.AttributeRule{{Type: "User", Path: "userName", Rule: scim.Ignore}}
		},
		"unknown rule":   func(c *scim.Config) { c.Rules = []scim.AttributeRule{{Type: "User", Path: "x", Rule: scim.Ignore}} },
		"bad extension":  func(c *scim.Config) { c.UserExtensions = []scim.Schema{{ID: "x"}} },
		"same extension": func(c *scim.Config) { c.UserExtensions = []scim.Schema{scim.EnterpriseSchema()} },
	} {
		c := good()
		change(&c)
		if _, err := scim.New(c); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestThrottling(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *scim.Config) {
		c.Allow = func(context.Context, scim.Caller) time.Duration { return 1500 * time.Millisecond }
	})
	r := s.do("GET", "/Users", "")
	s.refused(r, 429, scim.CheckThrottled)
	if got := r.header.Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After %q", got)
	}
}

func TestNoTenantIsNoAnswer(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *scim.Config) {
		c.Authenticate = func(*http.Request) (scim.Caller, error) { return scim.Caller{}, nil }
	})
	s.do("GET", "/Users", "").want(500)
}
