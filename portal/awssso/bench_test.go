// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/gatehouse-id/gatehouse/internal/seal"
	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/awssso/awsssotest"
)

// pendingOnly has one pending device code and no other method: a call of one
// would panic.
type pendingOnly struct {
	awssso.Store
	d     awssso.DeviceCode
	reads int
}

func (s *pendingOnly) Device(_ context.Context, hash string) (awssso.DeviceCode, error) {
	s.reads++
	if hash != s.d.Hash {
		return awssso.DeviceCode{}, awssso.ErrNotFound
	}
	return s.d, nil
}

// TestPollingIsOneRead: while nobody has answered, a poll reads one row and
// writes nothing.
func TestPollingIsOneRead(t *testing.T) {
	t.Parallel()
	p, _ := portal(t, awsssotest.Options{})
	c := p.Client().Register(t)
	code := c.Start(t).Text("deviceCode")
	d, err := p.Config.Store.Device(t.Context(), seal.Hash("awssso device code", code))
	if err != nil {
		t.Fatal(err)
	}
	store := &pendingOnly{d: d}
	p.Restart(awsssotest.Options{Store: store})
	refused(t, p, c.Poll(t, code), 400, "AuthorizationPendingException", "authorization_pending", awssso.CheckPending)
	refused(t, p, c.Poll(t, "gd_unknown"), 400, "InvalidGrantException", "invalid_grant", awssso.CheckCode)
	if store.reads != 2 {
		t.Errorf("%d reads for 2 polls", store.reads)
	}
}

// BenchmarkListAccounts asks for a page of 100 of 2,000 accounts.
func BenchmarkListAccounts(b *testing.B) {
	p, browser := portal(b, awsssotest.Options{})
	accounts := make([]awssso.Account, 2000)
	for i := range accounts {
		accounts[i] = awssso.Account{ID: fmt.Sprintf("%012d", i), Name: fmt.Sprintf("Account %d of the organisation", i*7919%2000), Email: fmt.Sprintf("aws+%d@example.com", i)}
	}
	access := fixed{Portal: p, accounts: accounts}
	token := p.Client().Register(b).Login(b, browser).Text("accessToken")
	p.Restart(awsssotest.Options{Store: p.Config.Store, Configure: func(c *awssso.Config) { c.Access = access }})
	api, header := p.SSO.API(), http.Header{"X-Amz-Sso_bearer_token": {token}}
	b.ReportAllocs()
	for b.Loop() {
		if w := serve(api, http.MethodGet, "/assignment/accounts", "", header); w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}

type fixed struct {
	*awsssotest.Portal
	accounts []awssso.Account
}

func (f fixed) Accounts(context.Context, string) ([]awssso.Account, error) { return f.accounts, nil }
