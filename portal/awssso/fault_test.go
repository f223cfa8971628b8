// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/sqltx"
	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/awssso/awsssotest"
)

// faulty fails one of its calls, the n-th from arming it, as a busy database
// does.
type faulty struct {
	awssso.Store
	left int
}

func (s *faulty) fail() error {
	s.left--
	if s.left == 0 {
		return sqltx.ErrBusy
	}
	return nil
}

// after runs fn unless this is the call that fails.
func after[T any](s *faulty, fn func() (T, error)) (T, error) {
	if err := s.fail(); err != nil {
		var none T
		return none, err
	}
	return fn()
}

func (s *faulty) do(fn func() error) error {
	_, err := after(s, func() (struct{}, error) { return struct{}{}, fn() })
	return err
}

func (s *faulty) InTx(ctx context.Context, fn func(context.Context) error) error {
	return s.do(func() error { return s.Store.InTx(ctx, fn) })
}

func (s *faulty) InsertDevice(ctx context.Context, d awssso.DeviceCode, n int) error {
	return s.do(func() error { return s.Store.InsertDevice(ctx, d, n) })
}

func (s *faulty) Device(ctx context.Context, hash string) (awssso.DeviceCode, error) {
	return after(s, func() (awssso.DeviceCode, error) { return s.Store.Device(ctx, hash) })
}

func (s *faulty) DeviceByUserCode(ctx context.Context, hash string) (awssso.DeviceCode, error) {
	return after(s, func() (awssso.DeviceCode, error) { return s.Store.DeviceByUserCode(ctx, hash) })
}

func (s *faulty) ShowDevice(ctx context.Context, hash, session string, typed bool, now time.Time) error {
	return s.do(func() error { return s.Store.ShowDevice(ctx, hash, session, typed, now) })
}

func (s *faulty) AnswerDevice(ctx context.Context, hash string, to awssso.DeviceState, a awssso.Approval, now time.Time) error {
	return s.do(func() error { return s.Store.AnswerDevice(ctx, hash, to, a, now) })
}

func (s *faulty) TakeDevice(ctx context.Context, hash, family string) error {
	return s.do(func() error { return s.Store.TakeDevice(ctx, hash, family) })
}

func (s *faulty) InsertFamily(ctx context.Context, f awssso.Family, tokens ...awssso.Token) error {
	return s.do(func() error { return s.Store.InsertFamily(ctx, f, tokens...) })
}

func (s *faulty) Token(ctx context.Context, kind awssso.TokenKind, hash string) (t awssso.Token, f awssso.Family, err error) {
	err = s.do(func() error {
		t, f, err = s.Store.Token(ctx, kind, hash)
		return err
	})
	return t, f, err
}

func (s *faulty) Rotate(ctx context.Context, id string, from int64, key string, now time.Time, tokens ...awssso.Token) error {
	return s.do(func() error { return s.Store.Rotate(ctx, id, from, key, now, tokens...) })
}

func (s *faulty) RevokeFamily(ctx context.Context, id string, now time.Time) (int, error) {
	return after(s, func() (int, error) { return s.Store.RevokeFamily(ctx, id, now) })
}

func (s *faulty) Client(ctx context.Context, client string) (awssso.ClientState, error) {
	return after(s, func() (awssso.ClientState, error) { return s.Store.Client(ctx, client) })
}

func (s *faulty) Charge(ctx context.Context, key string, limit int, window time.Duration, now time.Time) error {
	return s.do(func() error { return s.Store.Charge(ctx, key, limit, window, now) })
}

func (s *faulty) Refund(ctx context.Context, key string) error {
	return s.do(func() error { return s.Store.Refund(ctx, key) })
}

// TestEveryFault fails every single call of the store, in turn, during one
// sign-in from registration to logout. The step that is hit answers 503, and
// the same step again succeeds, as if the fault had never been.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	for n, done := 1, false; !done; n++ {
		store := &faulty{Store: awssso.NewMemoryStore(100), left: n}
		p, b := portal(t, awsssotest.Options{Store: store})
		c := p.Client()
		faults := 0
		call := func(step string, fn func() awsssotest.Answer) awsssotest.Answer {
			t.Helper()
			a := fn()
			if a.Status == http.StatusServiceUnavailable {
				faults++
				a = fn()
			}
			if a.Status != http.StatusOK {
				t.Fatalf("fault %d, %s: %d %s", n, step, a.Status, a.Raw)
			}
			return a
		}
		page := func(step, want string, fn func() awsssotest.Page) awsssotest.Page {
			t.Helper()
			got := fn()
			if got.Status == http.StatusServiceUnavailable {
				faults++
				got = fn()
			}
			if got.Name != want {
				t.Fatalf("fault %d, %s: %d %s", n, step, got.Status, got.Name)
			}
			return got
		}
		reg := call("register", func() awsssotest.Answer {
			return c.Post(t, "/client/register", map[string]any{"clientName": "x", "clientType": "public", "scopes": []string{"sso:account:access"}})
		})
		c.ID, c.Secret = reg.Text("clientId"), reg.Text("clientSecret")
		start := call("start", func() awsssotest.Answer { return c.Start(t) })
		approval := awsssotest.As[awssso.ApprovalPage](t, page("look up", "ApprovalPage", func() awsssotest.Page {
			return b.Post(t, "/device", url.Values{"user_code": {start.Text("userCode")}})
		}))
		page("approve", "DonePage", func() awsssotest.Page { return b.Answer(t, approval, true) })
		token := call("token", func() awsssotest.Answer { return c.Poll(t, start.Text("deviceCode")) })
		p.Advance(30 * time.Second)
		next := call("refresh", func() awsssotest.Answer { return c.Refresh(t, token.Text("refreshToken")) })
		call("credentials", func() awsssotest.Answer {
			return c.Get(t, "/federation/credentials?account_id=111122223333&role_name=Admin", next.Text("accessToken"))
		})
		call("logout", func() awsssotest.Answer { return c.Logout(t, next.Text("accessToken")) })
		if done = faults == 0; !done && faults != 1 {
			t.Fatalf("fault %d was met %d times", n, faults)
		}
		if done && n < 20 {
			t.Errorf("only %d calls of the store", n-1)
		}
	}
}
