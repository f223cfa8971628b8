// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gatehouse-id/gatehouse/sts"
)

// source hands out credentials that live for life and counts.
type source struct {
	life  time.Duration
	took  time.Duration
	calls atomic.Int64
	mu    sync.Mutex
	err   error
}

func (s *source) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *source) fetch(ctx context.Context) (aws.Credentials, error) {
	n := s.calls.Add(1)
	if s.took > 0 {
		select {
		case <-time.After(s.took):
		case <-ctx.Done():
			return aws.Credentials{}, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return aws.Credentials{}, s.err
	}
	return aws.Credentials{
		AccessKeyID: fmt.Sprint("key-", n), SecretAccessKey: "secret", SessionToken: "token",
		CanExpire: true, Expires: time.Now().Add(s.life),
	}, nil
}

func newProvider(t testing.TB, c sts.ProviderConfig) *sts.Provider {
	t.Helper()
	p, err := sts.NewProvider(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func retrieve(t *testing.T, p *sts.Provider) string {
	t.Helper()
	c, err := p.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c.AccessKeyID
}

func TestProviderOneExchangeForThousandCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour, took: time.Second}
		p := newProvider(t, sts.ProviderConfig{Fetch: s.fetch})
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if c, err := p.Retrieve(t.Context()); err != nil || c.AccessKeyID != "key-1" {
					t.Errorf("%q, %v", c.AccessKeyID, err)
				}
			})
		}
		wg.Wait()
		if n := s.calls.Load(); n != 1 {
			t.Errorf("%d exchanges", n)
		}
	})
}

// TestProviderLateCallers: one that looked before the fetch landed and asks
// after it must not begin another.
func TestProviderLateCallers(t *testing.T) {
	s := &source{life: time.Hour}
	const herds = 300
	for range herds {
		p := newProvider(t, sts.ProviderConfig{Fetch: s.fetch})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { _, _ = p.Retrieve(t.Context()) })
		}
		wg.Wait()
	}
	if n := s.calls.Load(); n != herds {
		t.Errorf("%d exchanges for %d herds", n, herds)
	}
}

func TestProviderRefreshesAheadWithoutWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour, took: 10 * time.Second}
		p := newProvider(t, sts.ProviderConfig{Fetch: s.fetch, Jitter: -1})
		retrieve(t, p)
		time.Sleep(54 * time.Minute)
		if retrieve(t, p); s.calls.Load() != 1 {
			t.Fatal("refreshed too early")
		}
		time.Sleep(time.Minute + time.Second)
		before := time.Now()
		if got := retrieve(t, p); got != "key-1" || time.Since(before) != 0 {
			t.Errorf("the caller waited or got %s", got)
		}
		time.Sleep(11 * time.Second)
		if got := retrieve(t, p); got != "key-2" || s.calls.Load() != 2 {
			t.Errorf("got %s after the refresh", got)
		}
		p.Close()
	})
}

func TestProviderKeepsLastGoodUntilItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour}
		p := newProvider(t, sts.ProviderConfig{Fetch: s.fetch, Jitter: -1})
		retrieve(t, p)
		s.fail(errors.New("outage"))
		time.Sleep(56 * time.Minute)
		for range 60 {
			if got := retrieve(t, p); got != "key-1" {
				t.Fatalf("got %s", got)
			}
			synctest.Wait()
			time.Sleep(3 * time.Second)
		}
		time.Sleep(2 * time.Minute)
		if _, err := p.Retrieve(t.Context()); err == nil {
			t.Fatal("expired credentials were returned")
		}
		s.fail(nil)
		time.Sleep(time.Second)
		retrieve(t, p)
	})
}

func TestProviderRemembersErrorsBriefly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour, err: errors.New("outage")}
		p := newProvider(t, sts.ProviderConfig{Fetch: s.fetch})
		for range 100 {
			if _, err := p.Retrieve(t.Context()); err == nil || err.Error() != "outage" {
				t.Fatal(err)
			}
		}
		if n := s.calls.Load(); n != 1 {
			t.Errorf("%d fetches in no time", n)
		}
		time.Sleep(time.Second)
		s.fail(nil)
		retrieve(t, p)
	})
}

func TestProviderFetchOutlivesTheCallerThatBeganIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour, took: time.Second}
		p := newProvider(t, sts.ProviderConfig{Fetch: s.fetch})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := p.Retrieve(ctx); sts.CheckOf(err) != sts.CheckCanceled || !errors.Is(err, context.Canceled) {
				t.Errorf("canceled caller: %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if got := retrieve(t, p); got != "key-1" {
				t.Errorf("the other caller got %s", got)
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
	})
}

func TestProviderFetchIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour, took: time.Hour}
		p := newProvider(t, sts.ProviderConfig{Fetch: s.fetch})
		if _, err := p.Retrieve(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		p.Close()
		time.Sleep(time.Second)
		if _, err := p.Retrieve(t.Context()); !errors.Is(err, sts.ErrClosed) {
			t.Error(err)
		}
	})
}

func TestProviderClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour, took: 10 * time.Second}
		p := newProvider(t, sts.ProviderConfig{Fetch: s.fetch, Jitter: -1})
		retrieve(t, p)
		time.Sleep(56 * time.Minute)
		retrieve(t, p) // begins a refresh
		synctest.Wait()
		before := time.Now()
		p.Close()
		if time.Since(before) != 0 {
			t.Error("Close waits for a fetch instead of canceling it")
		}
		if got := retrieve(t, p); got != "key-1" {
			t.Error(got)
		}
		time.Sleep(5 * time.Minute)
		if _, err := p.Retrieve(t.Context()); !errors.Is(err, sts.ErrClosed) {
			t.Errorf("after Close and expiry: %v", err)
		}
	})
}

func TestProviderJitterSpreads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour}
		var ps []*sts.Provider
		for range 50 {
			p := newProvider(t, sts.ProviderConfig{Fetch: s.fetch})
			retrieve(t, p)
			ps = append(ps, p)
		}
		time.Sleep(54*time.Minute + 30*time.Second) // within the jitter of five minutes and a fifth
		for _, p := range ps {
			retrieve(t, p)
		}
		synctest.Wait()
		if n := s.calls.Load() - 50; n == 0 || n == 50 {
			t.Errorf("%d of 50 refreshed at one moment", n)
		}
	})
}

func TestProviderFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour}
		p := newProvider(t, sts.ProviderConfig{Fetch: s.fetch, ErrorTTL: -1})
		fresh := func() string {
			c, err := p.Fresh(t.Context(), 10*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			return c.AccessKeyID
		}
		if got := fresh(); got != "key-1" {
			t.Error(got)
		}
		time.Sleep(51 * time.Minute)
		s.fail(errors.New("outage"))
		if got := fresh(); got != "key-1" {
			t.Error(got)
		}
		s.fail(nil)
		if got := fresh(); got != "key-3" {
			t.Error(got)
		}
		if err := p.Invalidate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := fresh(); got != "key-4" {
			t.Error(got)
		}
	})
}

func TestProviderSharesTheCacheAtRest(t *testing.T) {
	vault, err := sts.NewVault(t.TempDir(), make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	s := &source{life: time.Hour, took: 20 * time.Millisecond}
	key := sts.Key{Portal: "https://portal.example.com/", RoleARN: "arn:aws:iam::111122223333:role/Admin"}
	var wg sync.WaitGroup
	for range 50 { // each its own provider, as fifty processes have
		p := newProvider(t, sts.ProviderConfig{Fetch: s.fetch, Key: key, Cache: sts.VaultCache{Vault: vault}})
		wg.Go(func() {
			if got := retrieve(t, p); got != "key-1" {
				t.Errorf("got %s", got)
			}
		})
	}
	wg.Wait()
	if n := s.calls.Load(); n != 1 {
		t.Errorf("%d exchanges", n)
	}
	other := key
	other.Session = "bob"
	p := newProvider(t, sts.ProviderConfig{Fetch: s.fetch, Key: other, Cache: sts.VaultCache{Vault: vault}})
	if got := retrieve(t, p); got != "key-2" {
		t.Errorf("another session got %s", got)
	}
}

func TestPool(t *testing.T) {
	var calls atomic.Int64
	denied := &sts.Error{Check: sts.CheckDenied, Public: "no"}
	pool, err := sts.NewPool(sts.PoolConfig{Max: 3, Fetch: func(_ context.Context, k sts.Key) (aws.Credentials, error) {
		calls.Add(1)
		if k.RoleName == "c" {
			return aws.Credentials{}, denied
		}
		return aws.Credentials{AccessKeyID: k.RoleName, SecretAccessKey: "s", CanExpire: true, Expires: time.Now().Add(time.Hour)}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	keys := []sts.Key{{RoleName: "a"}, {RoleName: "b"}, {RoleName: "c"}, {RoleName: "a"}}
	for range 2 {
		for i, r := range pool.All(t.Context(), keys, 2) {
			if i == 2 {
				if sts.CheckOf(r.Err) != sts.CheckDenied {
					t.Error(r.Err)
				}
				continue
			}
			if r.Err != nil || r.Credentials.AccessKeyID != keys[i].RoleName {
				t.Errorf("%+v", r)
			}
		}
	}
	if n := calls.Load(); n != 3 {
		t.Errorf("%d fetches for three roles", n)
	}
	if _, err := pool.Provider(sts.Key{RoleName: "d"}); sts.CheckOf(err) != sts.CheckInput {
		t.Errorf("beyond the bound: %v", err)
	}
	pool.Drop(sts.Key{RoleName: "c"})
	if _, err := pool.Provider(sts.Key{RoleName: "d"}); err != nil {
		t.Errorf("after Drop: %v", err)
	}
}

func BenchmarkCachedCredentials(b *testing.B) {
	s := &source{life: 24 * time.Hour}
	p := newProvider(b, sts.ProviderConfig{Fetch: s.fetch})
	if _, err := p.Retrieve(b.Context()); err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Retrieve(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkThousandColdCallers(b *testing.B) {
	s := &source{life: time.Hour}
	n := int64(0)
	for b.Loop() {
		n++
		p := newProvider(b, sts.ProviderConfig{Fetch: s.fetch})
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() { _, _ = p.Retrieve(b.Context()) })
		}
		wg.Wait()
	}
	if got := s.calls.Load(); got != n {
		b.Errorf("%d exchanges for %d herds", got, n)
	}
}
