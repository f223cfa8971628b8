// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/scim"
)

// wire carries requests to a handler without a network, and lets tests break
// it.
type wire struct {
	h http.Handler
	// before may answer in the handler's place; after may lose its answer.
	before func(r *http.Request) (*http.Response, error)
	after  func(r *http.Request) error
	sent   atomic.Int64
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.sent.Add(1)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if w.before != nil {
		if res, err := w.before(r); res != nil || err != nil {
			return res, err
		}
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	if w.after != nil {
		if err := w.after(r); err != nil {
			return nil, err
		}
	}
	return rec.Result(), nil
}

func says(status int, body string, headers ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func clientServer(t testing.TB) (*wire, *scim.MemoryStore) {
	t.Helper()
	m := scim.NewMemoryStore(200_000)
	h, err := scim.New(scim.Config{
		BaseURL: "https://app.example/scim/v2", Users: m.Users(), Groups: m.Groups(),
		Authenticate: func(r *http.Request) (scim.Caller, error) {
			if scim.Bearer(r) != "good" {
				return scim.Caller{}, &scim.Error{Check: scim.CheckUnauthorized}
			}
			return scim.Caller{Tenant: "acme"}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &wire{h: h}, m
}

// fakeTime is a clock that sleepers move.
type fakeTime struct {
	mu   sync.Mutex
	now  time.Time
	naps []time.Duration
}

func (f *fakeTime) Now() time.Time { f.mu.Lock(); defer f.mu.Unlock(); return f.now }

func (f *fakeTime) Sleep(ctx context.Context, d time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
	f.naps = append(f.naps, d)
	return ctx.Err()
}

func clientOver(t testing.TB, w http.RoundTripper, change func(*scim.ClientConfig)) (*scim.Client, *fakeTime) {
	t.Helper()
	clock := &fakeTime{now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	c := scim.ClientConfig{
		BaseURL: "https://app.example/scim/v2/", Token: "good", Transport: w,
		Now: clock.Now, Sleep: clock.Sleep, Jitter: func() float64 { return 0 },
	}
	if change != nil {
		change(&c)
	}
	client, err := scim.NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	return client, clock
}

func wantCheck(t testing.TB, err error, c scim.Check) {
	t.Helper()
	var e *scim.Error
	if !errors.As(err, &e) || e.Check != c {
		t.Fatalf("error %v, want check %s", err, c)
	}
}

func TestNewClientRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []scim.ClientConfig{
		{BaseURL: "http://app.example/scim", Token: "t"},
		{BaseURL: "https://app.example/scim"},
		{BaseURL: "https://app.example/scim", Token: "a b"},
		{BaseURL: "https://u:p@app.example/scim", Token: "t"},
		{BaseURL: "https://app.example/scim?x=1", Token: "t"},
		{BaseURL: "/scim", Token: "t"},
		{BaseURL: "https://app.example/scim", Token: "t", Profile: "x"},
		{BaseURL: "https://app.example/scim", Token: "t", TokenSource: func(context.Context) (string, error) { return "", nil }},
	} {
		if _, err := scim.NewClient(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
	for base, p := range map[string]scim.Profile{"http://127.0.0.1:1/x": "", "https://scim.eu-west-1.amazonaws.com/T/scim/v2/": scim.AWS} {
		c, err := scim.NewClient(scim.ClientConfig{BaseURL: base, Token: "t"})
		if err != nil || c.Profile() != p {
			t.Errorf("%s: %v %q", base, err, c.Profile())
		}
	}
}

func TestClientRoundTrip(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w, _ := clientServer(t)
	c, _ := clientOver(t, w, nil)
	u, err := c.Users().Create(ctx, &scim.User{UserName: `o"brien\`, DisplayName: "O"})
	if err != nil {
		t.Fatal(err)
	}
	found, err := c.Users().Find(ctx, `userName eq "O\"BRIEN\\"`)
	if err != nil || found.ID != u.ID {
		t.Fatal(found, err)
	}
	p, err := c.Users().Patch(ctx, u.ID, u.Meta.Version, scim.PatchOp{Op: "replace", Path: "title", Value: "Lead"})
	if err != nil || p.Title != "Lead" {
		t.Fatal(p, err)
	}
	_, err = c.Users().Patch(ctx, u.ID, u.Meta.Version, scim.PatchOp{Op: "replace", Path: "title", Value: "x"})
	wantCheck(t, err, scim.CheckVersion)
	if !errors.Is(err, scim.ErrVersion) {
		t.Fatal(err)
	}
	p.Title = "Boss"
	if p, err = c.Users().Replace(ctx, p); err != nil || p.Title != "Boss" {
		t.Fatal(p, err)
	}
	_, err = c.Users().Create(ctx, &scim.User{UserName: `o"brien\`})
	if !errors.Is(err, scim.ErrConflict) {
		t.Fatal(err)
	}
	if err := c.Users().Delete(ctx, u.ID, p.Meta.Version); err != nil {
		t.Fatal(err)
	}
	_, err = c.Users().Get(ctx, u.ID)
	if !errors.Is(err, scim.ErrNotFound) {
		t.Fatal(err)
	}
	for _, id := range []string{"", ".", "..", strings.Repeat("x", 2000)} {
		_, err := c.Users().Get(ctx, id)
		wantCheck(t, err, scim.CheckInvalidPath)
	}
	for _, path := range []string{"Users", "/../x", "/a/..", "/a?b", "/a#b"} {
		_, err := c.Do(ctx, scim.Request{Method: "GET", Path: path})
		wantCheck(t, err, scim.CheckInvalidPath)
	}
	bad, _ := clientOver(t, w, func(c *scim.ClientConfig) { c.Token = "bad" })
	_, err = bad.Users().Get(ctx, "x")
	wantCheck(t, err, scim.CheckUnauthorized)
}

func TestClientRetries(t *testing.T) {
	t.Parallel()
	dropped := errors.New("connection reset")
	for _, tc := range []struct {
		name  string
		says  []func() (*http.Response, error)
		naps  []time.Duration
		check scim.Check
	}{
		{"429 with seconds", []func() (*http.Response, error){func() (*http.Response, error) { return says(429, "", "Retry-After", "7"), nil }}, []time.Duration{7*time.Second + 250*time.Millisecond/4}, ""},
		{"503 with a date", []func() (*http.Response, error){func() (*http.Response, error) {
			return says(503, "", "Retry-After", "Tue, 24 Nov 2026 12:00:09 GMT"), nil
		}}, []time.Duration{9*time.Second + 250*time.Millisecond/4}, ""},
		{"500 twice", []func() (*http.Response, error){func() (*http.Response, error) { return says(500, ""), nil }, func() (*http.Response, error) { return says(502, "<html>"), nil }}, []time.Duration{250 * time.Millisecond, 500 * time.Millisecond}, ""},
		{"dropped", []func() (*http.Response, error){func() (*http.Response, error) { return nil, dropped }}, []time.Duration{250 * time.Millisecond}, ""},
		{"400 is final", []func() (*http.Response, error){func() (*http.Response, error) { return says(400, `{"scimType":"invalidFilter","status":400}`), nil }}, nil, scim.CheckInvalidFilter},
		{"too long a wait", []func() (*http.Response, error){func() (*http.Response, error) { return says(429, "", "Retry-After", "86400"), nil }}, nil, scim.CheckThrottled},
		{"redirect", []func() (*http.Response, error){func() (*http.Response, error) { return says(302, "", "Location", "https://evil.example/"), nil }}, nil, scim.CheckAnswer},
	} {
		w, _ := clientServer(t)
		n := 0
		w.before = func(r *http.Request) (*http.Response, error) {
			if n < len(tc.says) {
				n++
				return tc.says[n-1]()
			}
			return nil, nil
		}
		c, clock := clientOver(t, w, nil)
		_, err := c.Do(t.Context(), scim.Request{Method: "GET", Path: "/Users"})
		if tc.check != "" {
			wantCheck(t, err, tc.check)
		} else if err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if fmt.Sprint(clock.naps) != fmt.Sprint(tc.naps) {
			t.Errorf("%s: waited %v, want %v", tc.name, clock.naps, tc.naps)
		}
	}
	w, _ := clientServer(t)
	w.before = func(*http.Request) (*http.Response, error) { return says(500, ""), nil }
	c, clock := clientOver(t, w, nil)
	_, err := c.Do(t.Context(), scim.Request{Method: "GET", Path: "/Users"})
	wantCheck(t, err, scim.CheckInternal)
	if len(clock.naps) != 5 || w.sent.Load() != 6 {
		t.Fatal(clock.naps, w.sent.Load())
	}
}

// A 429 that one request gets holds the others off too.
func TestClientHoldsAllRequests(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	w.before = func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/scim/v2/Groups" {
			return says(429, "", "Retry-After", "60"), nil
		}
		return nil, nil
	}
	c, clock := clientOver(t, w, func(c *scim.ClientConfig) {
		c.Sleep = func(context.Context, time.Duration) error { return errors.New("not now") }
	})
	_, err := c.Do(t.Context(), scim.Request{Method: "GET", Path: "/Groups"})
	wantCheck(t, err, scim.CheckConnection)
	sent := w.sent.Load()
	_, err = c.Do(t.Context(), scim.Request{Method: "GET", Path: "/Users"})
	wantCheck(t, err, scim.CheckConnection)
	if w.sent.Load() != sent {
		t.Fatal("a request was sent while the server wanted none")
	}
	clock.now = clock.now.Add(time.Hour)
	if _, err := c.Do(t.Context(), scim.Request{Method: "GET", Path: "/Users"}); err != nil {
		t.Fatal(err)
	}
}

func TestClientSlowAndLongAnswers(t *testing.T) {
	t.Parallel()
	slow := func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }
	c, _ := clientOver(t, &wire{before: slow}, func(c *scim.ClientConfig) { c.Timeout, c.Attempts = time.Millisecond, 2 })
	_, err := c.Do(t.Context(), scim.Request{Method: "GET", Path: "/Users"})
	wantCheck(t, err, scim.CheckConnection)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	long := func(*http.Request) (*http.Response, error) { return says(200, strings.Repeat("x", 101)), nil }
	c, _ = clientOver(t, &wire{before: long}, func(c *scim.ClientConfig) { c.MaxBody = 100 })
	_, err = c.Do(t.Context(), scim.Request{Method: "GET", Path: "/Users"})
	wantCheck(t, err, scim.CheckAnswer)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Do(ctx, scim.Request{Method: "GET", Path: "/Users"})
	wantCheck(t, err, scim.CheckConnection)
}

// An answer is lost after the server did what was asked.
func TestClientEnsureAfterLostAnswer(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	lost := false
	w.after = func(r *http.Request) error {
		if r.Method == "POST" && !lost {
			lost = true
			return errors.New("dropped")
		}
		return nil
	}
	c, _ := clientOver(t, w, nil)
	u, created, err := c.EnsureUser(t.Context(), &scim.User{Base: scim.Base{ExternalID: "1"}, UserName: "ann"})
	if err != nil || created || u.UserName != "ann" {
		t.Fatal(u, created, err)
	}
	lost = false
	_, err = c.Users().Create(t.Context(), &scim.User{UserName: "ben"})
	wantCheck(t, err, scim.CheckConnection) // may have been made; not sent twice
	_, _, err = c.EnsureUser(t.Context(), &scim.User{Base: scim.Base{ExternalID: "2"}, UserName: "ANN"})
	wantCheck(t, err, scim.CheckUniqueness) // another person of the same name
	lost = true
	w.after = func(r *http.Request) error {
		if r.Method == "DELETE" && lost {
			lost = false
			return errors.New("dropped")
		}
		return nil
	}
	if err := c.Users().Delete(t.Context(), u.ID, u.Meta.Version); err != nil {
		t.Fatal(err)
	}
}

func TestClientPaging(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	c, _ := clientOver(t, w, nil)
	for i := range 25 {
		if _, err := c.Users().Create(t.Context(), &scim.User{UserName: fmt.Sprint("u", i)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, paging := range []scim.Paging{scim.PagingAuto, scim.PagingIndex, scim.PagingCursor} {
		for _, size := range []int{1, 5, 7, 25, 100} {
			n := 0
			for _, err := range c.Users().All(t.Context(), scim.ListOptions{Paging: paging, Size: size}) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			if n != 25 {
				t.Errorf("paging %d, size %d: %d", paging, size, n)
			}
		}
	}
}

// What servers get wrong in lists is an error or read all the same, never a
// short list.
func TestClientListsOfOtherServers(t *testing.T) {
	t.Parallel()
	item := func(id string) string { return `{"id":"` + id + `","userName":"` + id + `","active":"True"}` }
	for _, tc := range []struct {
		name    string
		answers []string // the last repeats
		paging  scim.Paging
		n       int
		check   scim.Check
	}{
		{"empty without Resources", []string{`{"totalResults":0}`}, scim.PagingIndex, 0, ""},
		{"null Resources", []string{`{"totalResults":"0","Resources":null}`}, scim.PagingIndex, 0, ""},
		{"ignores startIndex", []string{`{"totalResults":9,"Resources":[` + item("a") + `,` + item("b") + `]}`}, scim.PagingIndex, 0, scim.CheckAnswer},
		{"ignores startIndex, one page", []string{`{"totalResults":2,"Resources":[` + item("a") + `,` + item("b") + `]}`}, scim.PagingIndex, 2, ""},
		{"total of the page", []string{`{"totalResults":2,"Resources":[` + item("a") + `,` + item("b") + `]}`, `{"totalResults":1,"Resources":[` + item("c") + `]}`}, scim.PagingIndex, 3, ""},
		{"short", []string{`{"totalResults":3,"Resources":[` + item("a") + `]}`, `{"totalResults":3,"Resources":[]}`}, scim.PagingIndex, 0, scim.CheckAnswer},
		{"cursor circle", []string{`{"Resources":[` + item("a") + `],"nextCursor":"x"}`}, scim.PagingCursor, 0, scim.CheckAnswer},
		{"no id", []string{`{"totalResults":1,"Resources":[{"userName":"x"}]}`}, scim.PagingIndex, 0, scim.CheckAnswer},
		{"no list", []string{`{"hello":1}`}, scim.PagingIndex, 0, scim.CheckAnswer},
		{"HTML", []string{`<html>`}, scim.PagingIndex, 0, scim.CheckAnswer},
		{"text Resources", []string{`{"Resources":"x"}`}, scim.PagingIndex, 0, scim.CheckAnswer},
	} {
		i := 0
		c, _ := clientOver(t, &wire{before: func(*http.Request) (*http.Response, error) {
			a := tc.answers[min(i, len(tc.answers)-1)]
			i++
			return says(200, a), nil
		}}, nil)
		n := 0
		var last error
		for u, err := range c.Users().All(t.Context(), scim.ListOptions{Paging: tc.paging, Size: 2}) {
			if last = err; err == nil {
				if n++; !u.IsActive() {
					t.Errorf("%s: active as text is lost", tc.name)
				}
			}
		}
		if tc.check != "" {
			wantCheck(t, last, tc.check)
		} else if last != nil || n != tc.n {
			t.Errorf("%s: %d, %v", tc.name, n, last)
		}
	}
}

func TestClientCapabilities(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]scim.Capabilities{
		`{"patch":{"supported":true},"filter":{"supported":true}}`: {Known: true, Patch: true, Filter: true},
		`{}`:       {Known: true, Patch: true, Filter: true},
		`nonsense`: {Patch: true, Filter: true},
		`{"patch":{"supported":"false"},"bulk":{"supported":"true","maxOperations":"10"},"filter":null,"etag":{"supported":true}}`: {Known: true, Filter: true, Bulk: true, MaxOperations: 10, ETag: true},
		`{"filter":{"supported":true,"maxResults":500},"pagination":{"cursor":true,"maxPageSize":50}}`:                             {Known: true, Patch: true, Filter: true, Cursor: true, MaxResults: 50},
	} {
		c, _ := clientOver(t, &wire{before: func(*http.Request) (*http.Response, error) { return says(200, body), nil }}, nil)
		got, err := c.Capabilities(t.Context())
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

// AWS sends schema beside schemas and its own request id.
func TestClientErrorOfAWS(t *testing.T) {
	t.Parallel()
	body := `{"schema":["urn:ietf:params:scim:api:messages:2.0:Error"],"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"Request is unparsable","status":"400","exceptionRequestId":"r-1","timeStamp":"2026"}`
	c, _ := clientOver(t, &wire{before: func(*http.Request) (*http.Response, error) { return says(400, body), nil }}, nil)
	_, err := c.Users().Get(t.Context(), "x")
	wantCheck(t, err, scim.CheckInvalidSyntax)
	var a *scim.AnswerError
	if !errors.As(err, &a) || a.RequestID != "r-1" || a.Detail != "Request is unparsable" {
		t.Fatal(err)
	}
}

type badge struct {
	scim.Base
	Label string `json:"label"`
}

func TestResourcesOf(t *testing.T) {
	t.Parallel()
	var sent string
	c, _ := clientOver(t, &wire{before: func(r *http.Request) (*http.Response, error) {
		b, _ := io.ReadAll(r.Body)
		sent = r.Method + " " + r.URL.Path + " " + string(b)
		return says(201, `{"id":"7","label":"red"}`), nil
	}}, nil)
	badges, err := scim.ResourcesOf[badge](c, scim.TypeConfig{Name: "Badge", Schema: scim.Schema{ID: "urn:example:Badge", Name: "Badge", Attributes: []scim.Attribute{{Name: "label"}}}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := badges.Create(t.Context(), &badge{Label: "red"})
	if err != nil || b.ID != "7" || b.Label != "red" || sent != `POST /scim/v2/Badges {"schemas":["urn:example:Badge"],"label":"red"}` {
		t.Fatal(b, err, sent)
	}
}
