// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/scim"
)

// busy is a store that is locked, and counts how often it is asked.
type busy struct {
	scim.Store[scim.User]
	err   error
	asked int
}

func (b *busy) fail() error { b.asked++; return b.err }

func (b *busy) Create(context.Context, string, *scim.User) (*scim.User, error) { return nil, b.fail() }

func (b *busy) Get(context.Context, string, string, scim.Omit) (*scim.User, error) {
	return nil, b.fail()
}

func (b *busy) Delete(context.Context, string, string, string) error { return b.fail() }

func (b *busy) Query(context.Context, string, scim.Query) (scim.Page[scim.User], error) {
	return scim.Page[scim.User]{}, b.fail()
}

// A store that gives up is answered for with 503 and Retry-After (RFC 9110
// section 15.6.4), at once and without its cause.
func TestErrBusy(t *testing.T) {
	const user = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"anna"}`
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/Users", user},
		{"GET", "/Users/1", ""},
		{"GET", "/Users", ""},
		{"PUT", "/Users/1", user},
		{"PATCH", "/Users/1", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"title"}]}`},
		{"DELETE", "/Users/1", ""},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			cause := fmt.Errorf("insert: %w: secret cause", scim.ErrBusy)
			for _, err := range []error{cause, &scim.Error{Check: scim.CheckBusy, Public: "the store is busy", Err: cause, RetryAfter: time.Second}} {
				store := &busy{err: err}
				s := newServer(t, func(config *scim.Config) { config.Users, config.Groups = store, nil })
				r := s.do(c.method, c.path, c.body).want(http.StatusServiceUnavailable)
				if r.header.Get("Retry-After") != "1" || r.at("detail") != "the store is busy" || r.at("status") != "503" {
					t.Errorf("Retry-After %q, %s", r.header.Get("Retry-After"), r.text)
				}
				if s.err.Check != scim.CheckBusy || !errors.Is(s.err, scim.ErrBusy) || store.asked != 1 {
					t.Errorf("refused by %v after %d calls", s.err, store.asked)
				}
			}
		})
	}
}
