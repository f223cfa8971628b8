// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
)

// forgetful is a store that fails on the n-th page of events.
type forgetful struct {
	portal.Store
	good *atomic.Int64
}

func (f forgetful) Events(ctx context.Context, before string, limit int) ([]audit.Event, error) {
	if f.good.Add(-1) < 0 {
		return nil, errors.New("the disk is gone")
	}
	return f.Store.Events(ctx, before, limit)
}

// An export that cannot be finished does not end as one that could.
func TestAuditExportFails(t *testing.T) {
	var good atomic.Int64
	good.Store(1000)
	s := portaltest.NewServerWith(t, portaltest.Options{Config: func(c *portal.Config) { c.Store = forgetful{c.Store, &good} }})
	err := s.Store.InTx(context.Background(), func(ctx context.Context) error {
		for range 600 {
			if err := s.Portal.Audit().Record(ctx, audit.Event{Type: audit.Other, Actor: "test"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	admin := s.SignedIn(t, "admin")
	get := func(pages int64) (status int, lines []string, err error) {
		good.Store(pages)
		resp, err := admin.Get(s.URL + "/admin/audit.jsonl")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return resp.StatusCode, strings.Split(strings.TrimSpace(string(b)), "\n"), err
	}
	status, lines, err := get(1000)
	if status != http.StatusOK || err != nil || len(lines) < 600 {
		t.Fatalf("whole: %d, %d lines, %v", status, len(lines), err)
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
	if status, lines, err = get(1); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut off: %d, %d lines, %v", status, len(lines), err)
	}
	if status, lines, err = get(0); status != http.StatusInternalServerError || err != nil || !strings.HasPrefix(lines[0], "<!doctype html>") {
		t.Errorf("not begun: %d, %v, %v", status, lines[0], err)
	}
}

// Events go when they are older than the portal keeps them, however many there
// are.
func TestAuditRetention(t *testing.T) {
	now := time.Now()
	s := portaltest.NewServerWith(t, portaltest.Options{Config: func(c *portal.Config) { c.Now = func() time.Time { return now } }})
	ctx, start := context.Background(), now
	write := func(at time.Time, n int) {
		now = at
		err := s.Store.InTx(ctx, func(ctx context.Context) error {
			for range n {
				if err := s.Portal.Audit().Record(ctx, audit.Event{Type: audit.Other, Actor: "test"}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	count := func() (n int) {
		for before := ""; ; {
			events, err := s.Portal.Audit().Events(ctx, before, 1000)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if e.Actor == "test" {
					n++
				}
			}
			if len(events) < 1000 {
				return n
			}
			before = events[len(events)-1].ID
		}
	}
	const day = 24 * time.Hour
	write(start.Add(-401*day), 4_100)
	write(start.Add(-399*day), 3)
	now = start
	if err := s.Portal.DeleteExpired(ctx); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != 3 {
		t.Errorf("%d events are left, want 3", n)
	}
}

func TestAuditRetentionIsNoAccident(t *testing.T) {
	s := portaltest.NewServer(t)
	c, err := portaltest.Config(t, s.Store, "https://portal.example")
	if err != nil {
		t.Fatal(err)
	}
	for keep, want := range map[time.Duration]bool{time.Hour: false, -1: false, 24 * time.Hour: true, portal.KeepAudit: true} {
		c.AuditRetention = keep
		if _, err := portal.New(c); (err == nil) != want {
			t.Errorf("%v: %v", keep, err)
		}
	}
	c.AuditRetention = portal.KeepAudit
	p, err := portal.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.DeleteExpired(context.Background()); err != nil {
		t.Error(err)
	}
}

// A search that finds nothing among the newest events leads further back.
func TestAuditSearchGoesOn(t *testing.T) {
	s := portaltest.NewServer(t)
	err := s.Store.InTx(context.Background(), func(ctx context.Context) error {
		for i := range 501 {
			actor := "test"
			if i == 0 {
				actor = "needle"
			}
			if err := s.Portal.Audit().Record(ctx, audit.Event{Type: audit.Other, Actor: actor}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, s, s.SignedIn(t, "admin"))
	b.get("/admin/audit?q=needle").expect(http.StatusOK, "Older events").lacks("<td>needle")
	before := regexp.MustCompile(`name="before" value="([^"]+)"`).FindStringSubmatch(b.body)
	b.get("/admin/audit?q=needle&before="+before[1]).expect(http.StatusOK, "needle").lacks("Older events")
}

// patient is an answer that keeps count of its deadlines.
type patient struct {
	*httptest.ResponseRecorder
	deadlines int
}

func (p *patient) SetWriteDeadline(time.Time) error {
	p.deadlines++
	return nil
}

// An export has time for each page, however many there are.
func TestAuditExportTakesItsTime(t *testing.T) {
	s := portaltest.NewServer(t)
	err := s.Store.InTx(context.Background(), func(ctx context.Context) error {
		for range 1100 {
			if err := s.Portal.Audit().Record(ctx, audit.Event{Type: audit.Other, Actor: "test"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, s.URL+"/admin/audit.jsonl", nil)
	for _, c := range s.SignedIn(t, "admin").Jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	w := &patient{ResponseRecorder: httptest.NewRecorder()}
	s.Portal.ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.deadlines != 3 {
		t.Errorf("status %d, %d deadlines, want 3", w.Code, w.deadlines)
	}
}
