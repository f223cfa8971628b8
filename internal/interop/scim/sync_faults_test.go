// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/scim"
)

// fault is what goes wrong with a request.
type fault string

const (
	throttled fault = "429"     // with Retry-After; nothing is done
	before    fault = "500"     // before it is done
	after     fault = "502"     // when it is done
	refused   fault = "drop"    // the connection, before it is done
	lost      fault = "lost"    // the connection, when it is done
	cut       fault = "cut"     // the connection, in the middle of the answer
	slow      fault = "slow"    // done, and no answer until the client gives up
	none      fault = ""        // nothing
	header          = "X-Fault" // tells the server what to do
)

// retryAfter is what a throttled client is told to wait.
const retryAfter = 7 * time.Second

// network is a transport over which requests go wrong at random, and a clock.
type network struct {
	t    *testing.T
	next http.RoundTripper

	mu       sync.Mutex
	rand     *rand.Rand
	rate     float64 // of requests that go wrong
	alone    bool    // one request at a time: Retry-After can be checked
	now      time.Time
	notYet   time.Time
	happened map[fault]int
	stalled  map[string]chan struct{}
	n        int
}

func (n *network) Now() time.Time { n.mu.Lock(); defer n.mu.Unlock(); return n.now }

func (n *network) Sleep(ctx context.Context, d time.Duration) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now = n.now.Add(d)
	return ctx.Err()
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	if n.alone && n.now.Before(n.notYet) {
		n.t.Errorf("%s %s was sent %v before the server wanted it", r.Method, r.URL.Path, n.notYet.Sub(n.now))
	}
	f := none
	if n.rand.Float64() < n.rate {
		all := []fault{throttled, before, after, refused, lost, cut, slow}
		f = all[n.rand.IntN(len(all))]
	}
	n.happened[f]++
	n.n++
	id := strconv.Itoa(n.n)
	stalled := make(chan struct{})
	n.stalled[id] = stalled
	if f == throttled {
		n.notYet = n.now.Add(retryAfter)
	}
	n.mu.Unlock()
	ctx, cancel := context.WithCancel(r.Context())
	r = r.Clone(ctx)
	r.Header.Set(header, string(f))
	r.Header.Set(header+"-Id", id)
	if f != slow {
		res, err := n.next.RoundTrip(r)
		if err != nil {
			cancel()
			return nil, err
		}
		res.Body = closer{res.Body, cancel}
		return res, nil
	}
	// The client's patience ends when the server has done the work.
	go func() {
		select {
		case <-stalled:
		case <-r.Context().Done():
		}
		cancel()
	}()
	res, err := n.next.RoundTrip(r)
	if err == nil {
		res.Body.Close()
	}
	return nil, context.DeadlineExceeded
}

type closer struct {
	io.ReadCloser
	done func()
}

func (c closer) Close() error { defer c.done(); return c.ReadCloser.Close() }

// faulty serves a handler, with the faults that the network asks for. Dropped
// connections are dropped for real.
func (n *network) faulty(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := fault(r.Header.Get(header))
		switch f {
		case throttled:
			w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter/time.Second)))
			w.WriteHeader(429)
			return
		case before:
			w.WriteHeader(500)
			return
		case refused:
			panic(http.ErrAbortHandler)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		// What is done is done, whether the client waits or not.
		done := r.Clone(context.WithoutCancel(r.Context()))
		done.Body = io.NopCloser(bytes.NewReader(body))
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, done)
		switch f {
		case after:
			w.WriteHeader(502)
			return
		case lost:
			panic(http.ErrAbortHandler)
		case slow:
			n.mu.Lock()
			stalled := n.stalled[r.Header.Get(header+"-Id")]
			n.mu.Unlock()
			close(stalled)
			<-r.Context().Done()
			return
		}
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.Header().Set("Content-Length", strconv.Itoa(rec.Body.Len()))
		w.WriteHeader(rec.Code)
		out := rec.Body.Bytes()
		if f == cut {
			_, _ = w.Write(out[:len(out)/2])
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(out)
	})
}

// cloud is a server behind such a network, and clients of it with and without
// faults.
func cloud(t *testing.T, h http.Handler, seed uint64, alone bool) (n *network, through, plain *scim.Client) {
	t.Helper()
	n = &network{
		t: t, rand: rand.New(rand.NewPCG(seed, 1)), alone: alone, now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
		happened: map[fault]int{}, stalled: map[string]chan struct{}{},
	}
	srv := httptest.NewUnstartedServer(n.faulty(h))
	srv.Config.ErrorLog = nil
	srv.Start()
	t.Cleanup(srv.Close)
	n.next = srv.Client().Transport
	var err error
	through, err = scim.NewClient(scim.ClientConfig{BaseURL: srv.URL + "/scim/v2", Token: "acme", Transport: n, Attempts: 25, Now: n.Now, Sleep: n.Sleep})
	if err != nil {
		t.Fatal(err)
	}
	plain, err = scim.NewClient(scim.ClientConfig{BaseURL: srv.URL + "/scim/v2", Token: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	return n, through, plain
}

// company is people with managers, in groups and groups of groups.
func company(n int) *scim.Snapshot {
	s := &scim.Snapshot{People: []*scim.User{}}
	outer := &scim.Group{Base: scim.Base{ID: "outer"}, DisplayName: "Outer"}
	for g := range 3 {
		id := fmt.Sprint("g", g)
		s.Teams = append(s.Teams, &scim.Group{Base: scim.Base{ID: id}, DisplayName: "Team " + id})
		outer.Members = append(outer.Members, scim.Member{Value: id, Type: "Group"})
	}
	for i := range n {
		id := fmt.Sprint(i)
		s.People = append(s.People, &scim.User{
			Base: scim.Base{ID: id}, UserName: "user" + id + "@example.com", DisplayName: "User " + id,
			Emails:     []scim.Value{{Value: "user" + id + "@example.com", Type: "work", Primary: true}},
			Enterprise: &scim.EnterpriseUser{Manager: &scim.Manager{Value: fmt.Sprint((i + 1) % n)}},
		})
		g := s.Teams[i%3]
		g.Members = append(g.Members, scim.Member{Value: id, Type: "User"})
	}
	s.Teams = append(s.Teams, outer)
	return s
}

func reconcile(t *testing.T, source scim.SyncSource, c *scim.Client, o scim.ApplyOptions) (*scim.Plan, error) {
	t.Helper()
	s, err := scim.NewSync(scim.SyncConfig{Source: source, Target: c})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(t.Context())
	if err != nil {
		return nil, err
	}
	_, err = s.Apply(t.Context(), p, o)
	return p, err
}

// agrees shows by a client without faults that the target is the source, with
// nobody twice.
func agrees(t *testing.T, source *scim.Snapshot, c *scim.Client) {
	t.Helper()
	s, err := scim.NewSync(scim.SyncConfig{Source: source, Target: c})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(t.Context())
	if err != nil || !p.Empty() {
		t.Fatalf("%v, left to do: %v", err, p)
	}
	names := map[string]int{}
	for u, err := range c.Users().All(t.Context(), scim.ListOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		names[u.UserName]++
	}
	for g, err := range c.Groups().All(t.Context(), scim.ListOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		names[g.DisplayName]++
		in := map[string]int{}
		for _, m := range g.Members {
			if in[m.Value]++; in[m.Value] > 1 {
				t.Errorf("%s is in %s twice", m.Value, g.DisplayName)
			}
		}
	}
	if len(names) != len(source.People)+len(source.Teams) {
		t.Errorf("%d names", len(names))
	}
	for name, n := range names {
		if n != 1 {
			t.Errorf("%s is there %d times", name, n)
		}
	}
}

// Every third request goes wrong, and a sync comes to the end that it would
// have come to without: nobody twice, nobody lost, and no request before
// Retry-After.
func TestSyncThroughFaults(t *testing.T) {
	for name, h := range backends(t) {
		for _, alone := range []bool{true, false} {
			t.Run(fmt.Sprint(name, " alone ", alone), func(t *testing.T) {
				t.Parallel()
				own := h
				if alone {
					own = backendOf(t, name)
				}
				n, through, plain := cloud(t, own, 42, alone)
				n.rate = 0.33
				o := scim.ApplyOptions{Concurrency: 4}
				if alone {
					o.Concurrency = 1
				}
				src := company(40)
				if _, err := reconcile(t, src, through, o); err != nil {
					t.Fatal(err)
				}
				agrees(t, src, plain)
				// Changes of every kind.
				no := false
				src.People[0].DisplayName, src.People[1].UserName, src.People[2].Active = "Renamed", "renamed@example.com", &no
				src.People[2].Enterprise = nil
				src.People[1].Enterprise = nil
				src.Teams[0].DisplayName, src.Teams[1].Members = "Renamed team", src.Teams[1].Members[3:]
				if _, err := reconcile(t, src, through, o); err != nil {
					t.Fatal(err)
				}
				agrees(t, src, plain)
				for _, f := range []fault{throttled, before, after, refused, lost, cut, slow} {
					if n.happened[f] == 0 {
						t.Errorf("%q never happened in %d requests", f, n.n)
					}
				}
			})
		}
	}
}

func backendOf(t *testing.T, name string) http.Handler {
	t.Helper()
	if name == "memory" {
		m := scim.NewMemoryStore(10_000)
		return handler(t, m.Users(), m.Groups(), nil)
	}
	_, s := stores(t, databases[name](t))
	return handler(t, s.Users, s.Groups, nil)
}

// A run that is cut off after any number of changes, while requests go wrong,
// is resumed by a new plan until it is done.
func TestSyncResumesThroughFaults(t *testing.T) {
	for name, h := range backends(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, through, plain := cloud(t, h, 7, false)
			n.rate = 0.25
			src := company(30)
			s, err := scim.NewSync(scim.SyncConfig{Source: src, Target: through})
			if err != nil {
				t.Fatal(err)
			}
			runs := 0
			for ; ; runs++ {
				p, err := s.Plan(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if p.Empty() {
					break
				}
				ctx, cancel := context.WithCancel(t.Context())
				_, err = s.Apply(ctx, p, scim.ApplyOptions{Progress: func(p scim.Progress) {
					if p.Done >= 8 {
						cancel()
					}
				}})
				cancel()
				if err != nil && !errors.Is(err, context.Canceled) || runs > 30 {
					t.Fatal(runs, err)
				}
			}
			if runs < 3 {
				t.Errorf("%d runs", runs)
			}
			agrees(t, src, plain)
		})
	}
}

// All that the faulty network carries is read, whole, by index and by cursor.
func TestListsThroughFaults(t *testing.T) {
	for name, h := range backends(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, through, plain := cloud(t, h, 3, true)
			for i := range 60 {
				if _, err := plain.Users().Create(t.Context(), &scim.User{UserName: fmt.Sprint("u", i)}); err != nil {
					t.Fatal(err)
				}
			}
			n.rate = 0.4
			for _, paging := range []scim.Paging{scim.PagingIndex, scim.PagingCursor} {
				got := map[string]bool{}
				for u, err := range through.Users().All(t.Context(), scim.ListOptions{Paging: paging, Size: 7}) {
					if err != nil {
						t.Fatal(err)
					}
					got[u.UserName] = true
				}
				if len(got) != 60 {
					t.Errorf("paging %d: %d", paging, len(got))
				}
			}
		})
	}
}

// People who come and go between two pages of a cursor make nobody slip
// through.
func TestCursorsUnderChange(t *testing.T) {
	for name, h := range backends(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(h)
			t.Cleanup(srv.Close)
			c, err := scim.NewClient(scim.ClientConfig{BaseURL: srv.URL + "/scim/v2", Token: "acme"})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 40 {
				if _, err := c.Users().Create(t.Context(), &scim.User{UserName: fmt.Sprint("u", i)}); err != nil {
					t.Fatal(err)
				}
			}
			var read, gone []string
			seen := map[string]bool{}
			for u, err := range c.Users().All(t.Context(), scim.ListOptions{Paging: scim.PagingCursor, Size: 5}) {
				if err != nil {
					t.Fatal(err)
				}
				if seen[u.UserName] {
					t.Errorf("%s came twice", u.UserName)
				}
				seen[u.UserName] = true
				if read = append(read, u.ID); len(read)%5 == 0 && len(read) <= 20 {
					for _, id := range read[len(read)-3:] { // of the page that was just read
						if err := c.Users().Delete(t.Context(), id, ""); err != nil {
							t.Fatal(err)
						}
						gone = append(gone, id)
					}
				}
			}
			if len(seen) != 40 || len(gone) != 12 {
				t.Errorf("%d of 40 were read while %d went", len(seen), len(gone))
			}
		})
	}
}
