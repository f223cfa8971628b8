// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gatehouse-id/gatehouse/scim"
)

// A server of one tenant in memory, and what a client sends to it.
func Example() {
	store := scim.NewMemoryStore(10_000)
	tokens, err := scim.NewTokens(store, nil)
	if err != nil {
		panic(err)
	}
	h, err := scim.New(scim.Config{
		BaseURL: "https://app.example.com/scim/v2",
		Users:   store.Users(),
		Groups:  store.Groups(),
		Tokens:  tokens,
	})
	if err != nil {
		panic(err)
	}
	secret, _, err := tokens.Issue(context.Background(), "acme", scim.TokenOptions{Name: "Okta", Profile: scim.Okta})
	if err != nil {
		panic(err)
	}

	r := httptest.NewRequest("POST", "/scim/v2/Users", strings.NewReader(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"anna"}`))
	r.Header.Set("Authorization", "Bearer "+secret)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code)
	// Output: 201
}

// A disabled person loses their sessions in the transaction that disables
// them; what the application may not allow is vetoed.
func ExampleConfig_onChange() {
	store := scim.NewMemoryStore(10_000)
	_, err := scim.New(scim.Config{
		BaseURL:      "https://app.example.com/scim/v2",
		Users:        store.Users(),
		Authenticate: func(*http.Request) (scim.Caller, error) { return scim.Caller{Tenant: "acme"}, nil },
		OnChange: func(ctx context.Context, c scim.Change) error {
			before, _ := c.Before.(*scim.User)
			after, _ := c.After.(*scim.User)
			switch {
			case c.Op == scim.Deleted, after != nil && !after.IsActive():
				return endSessions(ctx, c.ID)
			case before != nil && after != nil && !before.IsActive() && blocked(c.ID):
				return &scim.Error{Check: scim.CheckMutability, Public: "an administrator has blocked this person"}
			}
			return nil
		},
	})
	fmt.Println(err)
	// Output: <nil>
}

func endSessions(context.Context, string) error { return nil }

func blocked(string) bool { return false }
