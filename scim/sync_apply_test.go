// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-id/gatehouse/scim"
)

// team is n people in one group.
func team(n int) *scim.Snapshot {
	s := people(n)
	all := &scim.Group{Base: scim.Base{ID: "g"}, DisplayName: "All"}
	for _, u := range s.People {
		all.Members = append(all.Members, scim.Member{Value: u.ID, Type: "User"})
	}
	s.Teams = []*scim.Group{all}
	return s
}

// A server with PUT only comes to the same end, whether it has versions or not.
func TestSyncWithoutPatch(t *testing.T) {
	t.Parallel()
	for _, etag := range []bool{true, false} {
		w, _ := clientServer(t)
		noPatch(w, etag)
		c, _ := clientOver(t, w, nil)
		src := team(30)
		report(src, 3, 7)
		converge(t, newSync(t, src, c, nil), scim.ApplyOptions{})
		src.People = src.People[:28]
		src.People[0].Title, src.People[1].Name, src.Teams[0].DisplayName = "Lead", nil, "Everybody"
		src.Teams[0].Members = src.Teams[0].Members[4:20]
		lost := map[string]int{}
		var mu sync.Mutex
		w.after = func(r *http.Request) error { // the first answer to each PUT is lost
			mu.Lock()
			defer mu.Unlock()
			if r.Method != "PUT" {
				return nil
			}
			if lost[r.URL.Path]++; lost[r.URL.Path] == 1 {
				return errors.New("dropped")
			}
			return nil
		}
		p := converge(t, newSync(t, src, c, nil), scim.ApplyOptions{})
		if n := p.Counts(); n.Update != 2 || n.Deactivate != 2 || n.UpdateGroups != 1 || n.RemoveMembers != 14 {
			t.Fatal(p)
		}
		// What was put is read, and not put again, where a version tells.
		for path, n := range lost {
			if etag && n > 1 && !strings.Contains(path, "/Groups/") {
				t.Errorf("%s was put %d times", path, n)
			}
		}
		if len(lost) != 5 {
			t.Fatal(lost)
		}
	}
}

// Groups in groups, in a circle too, and a group that was a member and goes.
func TestSyncNestedGroups(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	c, _ := clientOver(t, w, nil)
	src := team(3)
	a := &scim.Group{Base: scim.Base{ID: "a"}, DisplayName: "A", Members: []scim.Member{{Value: "g", Type: "Group"}, {Value: "b"}, {Value: "0"}}}
	b := &scim.Group{Base: scim.Base{ID: "b"}, DisplayName: "B", Members: []scim.Member{{Value: "a", Type: "Group"}, {Value: "nobody"}}}
	src.Teams = append(src.Teams, a, b)
	p := converge(t, newSync(t, src, c, nil), scim.ApplyOptions{})
	if n := p.Counts(); n.CreateGroups != 3 || n.AddMembers != 7 {
		t.Fatal(p)
	}
	got, err := c.Groups().Find(t.Context(), `displayName eq "A"`)
	if err != nil || len(got.Members) != 3 {
		t.Fatal(got, err)
	}
	// The same through a server as the source, whose ids are others.
	to, _ := clientServer(t)
	target, _ := clientOver(t, to, nil)
	converge(t, newSync(t, scim.ClientSource(c), target, nil), scim.ApplyOptions{})
	got, err = target.Groups().Find(t.Context(), `displayName eq "A"`)
	if err != nil || len(got.Members) != 3 {
		t.Fatal(got, err)
	}
	src.Teams = []*scim.Group{src.Teams[0], a}
	a.Members = a.Members[:1]
	p = converge(t, newSync(t, src, c, func(c *scim.SyncConfig) { c.Orphans = scim.DeleteOrphans }), scim.ApplyOptions{})
	if n := p.Counts(); n.DeleteGroups != 1 || !strings.Contains(p.String(), `x delete group "B"`) {
		t.Fatal(p)
	}
}

// More memberships than a part of all, lost by people who stay, are held: a
// column that came empty does not empty the groups.
func TestSyncHoldsRemovals(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	c, _ := clientOver(t, w, nil)
	all := team(200)
	all.Teams = append(all.Teams, &scim.Group{Base: scim.Base{ID: "h"}, DisplayName: "Half", Members: all.Teams[0].Members[:100]})
	converge(t, newSync(t, all, c, nil), scim.ApplyOptions{})
	group := func(g *scim.Group, from, to int) *scim.Group {
		out := *g
		out.Members = g.Members[from:to]
		return &out
	}
	for _, tc := range []struct {
		name     string
		people   int
		teams    []*scim.Group
		change   func(*scim.SyncConfig)
		confirm  int
		removals int
		check    scim.Check
	}{
		{"a fifth", 200, []*scim.Group{group(all.Teams[0], 60, 200), all.Teams[1]}, nil, 0, 60, ""},
		{"more", 200, []*scim.Group{group(all.Teams[0], 61, 200), all.Teams[1]}, nil, 0, 61, scim.CheckMassRemoval},
		{"another number", 200, []*scim.Group{group(all.Teams[0], 61, 200), all.Teams[1]}, nil, 60, 61, scim.CheckMassRemoval},
		{"confirmed", 200, []*scim.Group{group(all.Teams[0], 61, 200), all.Teams[1]}, nil, 61, 61, ""},
		{"no groups at all", 200, []*scim.Group{}, nil, 0, 300, scim.CheckMassRemoval},
		{"groups deleted", 200, []*scim.Group{}, func(c *scim.SyncConfig) { c.Orphans = scim.DeleteOrphans }, 0, 300, scim.CheckMassRemoval},
		{"another part", 200, []*scim.Group{all.Teams[0]}, func(c *scim.SyncConfig) { c.MaxRemovals = 0.4 }, 0, 100, ""},
		{"twenty are free", 200, []*scim.Group{group(all.Teams[0], 20, 200), all.Teams[1]}, func(c *scim.SyncConfig) { c.MaxRemovals = 0.001 }, 0, 20, ""},
		// Those who leave lose their memberships anyhow; they have a cap of their own.
		{"people who leave", 182, []*scim.Group{group(all.Teams[0], 50, 182), group(all.Teams[1], 10, 100)}, nil, 0, 78, ""},
		{"kept", 200, []*scim.Group{}, func(c *scim.SyncConfig) { c.Orphans = scim.KeepOrphans }, 0, 0, ""},
	} {
		s := newSync(t, &scim.Snapshot{People: all.People[:tc.people], Teams: tc.teams}, c, tc.change)
		p := planOf(t, s)
		if n := p.Counts(); p.Memberships != 300 || n.RemoveMembers != tc.removals {
			t.Errorf("%s: %d of %d", tc.name, n.RemoveMembers, p.Memberships)
		}
		refused := errors.New("not called")
		w.before = func(r *http.Request) (*http.Response, error) { return nil, refused }
		_, err := s.Apply(t.Context(), p, scim.ApplyOptions{ConfirmRemovals: tc.confirm})
		w.before = nil
		if tc.check != "" {
			wantCheck(t, err, tc.check)
		} else if tc.removals > 0 {
			if !errors.Is(err, refused) { // it got as far as the server
				t.Errorf("%s: %v", tc.name, err)
			}
		}
	}
}

// diary is a file opened to read and append.
type diary struct {
	text []byte
	read int
}

func (d *diary) Read(b []byte) (int, error) {
	n := copy(b, d.text[d.read:])
	if d.read += n; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (d *diary) Write(b []byte) (int, error) { d.text = append(d.text, b...); return len(b), nil }

// A run that is cut off anywhere goes on from its journal: what was done is
// not asked for again, and the end is the same.
func TestSyncJournal(t *testing.T) {
	t.Parallel()
	for _, after := range []int{1, 7, 20, 23, 26} {
		w, _ := clientServer(t)
		c, _ := clientOver(t, w, nil)
		src := team(20)
		report(src, 0, 1)
		report(src, 5, 6)
		src.Teams = append(src.Teams, &scim.Group{Base: scim.Base{ID: "h"}, DisplayName: "Outer", Members: []scim.Member{{Value: "g", Type: "Group"}, {Value: "19"}}})
		s := newSync(t, src, c, nil)
		p := planOf(t, s)
		var journal diary
		ctx, cancel := context.WithCancel(t.Context())
		writes := 0
		w.after = func(r *http.Request) error {
			if r.Method != "GET" {
				if writes++; writes == after {
					cancel()
				}
			}
			return nil
		}
		res, err := s.Apply(ctx, p, scim.ApplyOptions{Journal: &journal, Concurrency: 1})
		wantCheck(t, err, scim.CheckIncomplete)
		if !errors.Is(err, context.Canceled) || res.Failed != 0 {
			t.Fatal(err, res)
		}
		first := res.Done
		// The process was killed while it wrote a line.
		journal.Write([]byte(`{"step":"user+1`))
		journal.read = 0
		w.after = nil
		sent := w.sent.Load()
		res, err = s.Apply(t.Context(), p, scim.ApplyOptions{Journal: &journal, Concurrency: 1})
		if err != nil || res.Skipped != first || res.Done != 22-first {
			t.Fatal(after, first, res, err)
		}
		// One write each for those who are left and whose manager is known, two for
		// three others and for groups, and what a repeated half costs.
		if n := w.sent.Load() - sent; n > int64(22-first)*2+8 {
			t.Errorf("cut off after %d: %d changes took %d requests", after, 22-first, n)
		}
		if again := planOf(t, s); !again.Empty() {
			t.Fatal(again)
		}
		sent = w.sent.Load()
		journal.read = 0
		res, err = s.Apply(t.Context(), p, scim.ApplyOptions{Journal: &journal})
		if err != nil || res.Skipped != 22 || res.Done != 0 || w.sent.Load() != sent {
			t.Fatal(res, err, w.sent.Load()-sent)
		}
	}
}

// A plan that was kept has the same journal as the one that was made.
func TestSyncJournalOfAKeptPlan(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	c, _ := clientOver(t, w, nil)
	src := team(3)
	report(src, 0, 1)
	s := newSync(t, src, c, nil)
	p := planOf(t, s)
	var journal diary
	if _, err := s.Apply(t.Context(), p, scim.ApplyOptions{Journal: &journal}); err != nil {
		t.Fatal(err)
	}
	b, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := scim.ParsePlan(b)
	if err != nil {
		t.Fatal(err)
	}
	journal.read = 0
	onlyApply := newSync(t, nil, c, nil)
	res, err := onlyApply.Apply(t.Context(), kept, scim.ApplyOptions{Journal: &journal})
	if err != nil || res.Skipped != 4 || res.Done != 0 {
		t.Fatal(res, err)
	}
	_, err = onlyApply.Plan(t.Context())
	wantCheck(t, err, scim.CheckSyncSource)
}

// readOnly is a journal that cannot be written.
type readOnly struct{ *strings.Reader }

func (readOnly) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

// full is one that can be written n times.
type full struct {
	bytes.Buffer
	n int
}

func (f *full) Write(b []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, errors.New("the disk is full")
	}
	return f.Buffer.Write(b)
}

func TestSyncJournalRefuses(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	c, _ := clientOver(t, w, nil)
	s := newSync(t, team(10), c, nil)
	p := planOf(t, s)
	sent := w.sent.Load()
	for name, text := range map[string]string{
		"of another plan": `{"plan":"00"}` + "\n",
		"no journal":      "root:x:0:0:root:/root:/bin/bash\nbin:x:1:1:/bin:/bin/sh\n",
		"no head":         `{"step":"user+1","id":"7"}` + "\n" + `{"step":"user+2","id":"8"}` + "\n",
		"a long line":     strings.Repeat("x", 2<<20),
		"too many lines":  strings.Repeat("\n", 50_000),
	} {
		_, err := s.Apply(t.Context(), p, scim.ApplyOptions{Journal: bytes.NewBufferString(text)})
		wantCheck(t, err, scim.CheckPlan)
		if w.sent.Load() != sent {
			t.Errorf("%s: something was sent", name)
		}
	}
	_, err := s.Apply(t.Context(), p, scim.ApplyOptions{Journal: readOnly{strings.NewReader("")}})
	wantCheck(t, err, scim.CheckPlan)
	res, err := s.Apply(t.Context(), p, scim.ApplyOptions{Journal: &full{n: 4}, Concurrency: 1})
	wantCheck(t, err, scim.CheckIncomplete)
	if res.Done != 4 || !strings.Contains(err.Error(), "disk is full") {
		t.Fatal(res, err)
	}
}

// Refused changes do not keep the others from being done, up to a number.
func TestSyncMaxFailures(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ max, failed, done int }{{5, 5, 0}, {0, 30, 70}} {
		w, _ := clientServer(t)
		n := 0
		w.before = func(r *http.Request) (*http.Response, error) {
			if r.Method == "POST" {
				if n++; n <= 30 {
					return says(400, `{"scimType":"invalidValue","status":"400"}`), nil
				}
			}
			return nil, nil
		}
		c, _ := clientOver(t, w, nil)
		var told int
		res, err := newSync(t, people(100), c, nil).Apply(t.Context(), planOf(t, newSync(t, people(100), c, nil)), scim.ApplyOptions{
			Concurrency: 1, MaxFailures: tc.max, Progress: func(p scim.Progress) {
				if told++; p.Done != told || p.Total != 100 {
					t.Errorf("%+v after %d", p, told)
				}
			},
		})
		wantCheck(t, err, scim.CheckIncomplete)
		if res.Failed != tc.failed || res.Done != tc.done || told != tc.failed+tc.done || len(res.Failures) != tc.failed {
			t.Fatalf("%d failed, %d done, told %d", res.Failed, res.Done, told)
		}
		wantCheck(t, res.Failures[0].Err, scim.CheckInvalidValue)
	}
}

// A token that is refused ends the work at once: no request of the rest would
// do better.
func TestSyncStopsWithoutToken(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	c, _ := clientOver(t, w, nil)
	s := newSync(t, people(100), c, nil)
	p := planOf(t, s)
	n := 0
	w.before = func(r *http.Request) (*http.Response, error) {
		if n++; n > 3 {
			return says(401, ""), nil
		}
		return nil, nil
	}
	res, err := s.Apply(t.Context(), p, scim.ApplyOptions{Concurrency: 1})
	wantCheck(t, err, scim.CheckUnauthorized)
	if res.Failed != 1 || n != 4 {
		t.Fatal(res, n)
	}
}

// A person who was changed after the plan was made is not deactivated by it.
func TestSyncDeactivatesWhomItSaw(t *testing.T) {
	t.Parallel()
	for _, orphans := range []scim.Orphans{scim.DeactivateOrphans, scim.DeleteOrphans} {
		w, _ := clientServer(t)
		c, _ := clientOver(t, w, nil)
		converge(t, newSync(t, people(4), c, nil), scim.ApplyOptions{})
		s := newSync(t, people(2), c, func(c *scim.SyncConfig) { c.Orphans = orphans })
		p := planOf(t, s)
		u, err := c.Users().Find(t.Context(), `externalId eq "2"`)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Users().Patch(t.Context(), u.ID, "", scim.PatchOp{Op: "replace", Path: "title", Value: "Boss"}); err != nil {
			t.Fatal(err)
		}
		res, err := s.Apply(t.Context(), p, scim.ApplyOptions{})
		wantCheck(t, err, scim.CheckIncomplete)
		if res.Done != 1 || res.Failed != 1 {
			t.Fatal(res)
		}
		wantCheck(t, res.Failures[0].Err, scim.CheckVersion)
		if u, err = c.Users().Get(t.Context(), u.ID); err != nil || !u.IsActive() {
			t.Fatal(u, err)
		}
	}
}

func TestNewSyncRefuses(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	c, _ := clientOver(t, w, nil)
	for i, change := range []func(*scim.SyncConfig){
		func(c *scim.SyncConfig) { c.Target = nil },
		func(c *scim.SyncConfig) { c.Orphans = 9 },
		func(c *scim.SyncConfig) { c.MaxDeactivations = 1.1 },
		func(c *scim.SyncConfig) { c.MaxRemovals = -0.1 },
		func(c *scim.SyncConfig) { c.Attributes = []string{"password"} },
		func(c *scim.SyncConfig) { c.Attributes = []string{"groups"} },
	} {
		sc := scim.SyncConfig{Source: people(1), Target: c}
		change(&sc)
		if _, err := scim.NewSync(sc); err == nil {
			t.Errorf("%d was accepted", i)
		}
	}
}

// Plans that nobody should apply are refused when they are read.
func TestParsePlanRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		``, `{}`, `{"format":2}`, `[]`, `{"format":1,"users":[{}]}`,
		`{"format":1,"users":[{"action":"create","id":"1","key":"1","name":"a","user":{"userName":"a"}}]}`,
		`{"format":1,"users":[{"action":"create","key":"1","name":"a","user":{"userName":"b"}}]}`,
		`{"format":1,"users":[{"action":"create","key":"1","name":"a","user":{"userName":"a","password":"x"}}]}`,
		`{"format":1,"users":[{"action":"update","id":"1","name":"a"}]}`,
		`{"format":1,"users":[{"action":"update","id":"1","name":"a","changes":[{"path":"password","new":"x"}]}]}`,
		`{"format":1,"users":[{"action":"update","id":"1","name":"a","changes":[{"path":"active","new":false}]}]}`,
		`{"format":1,"users":[{"action":"update","id":"1","name":"a","changes":[{"path":"userName","new":null}]}]}`,
		`{"format":1,"users":[{"action":"update","id":"1","name":"a","changes":[{"path":"` + scim.EnterpriseURN + `:manager","new":{"value":"2"}}]}]}`,
		`{"format":1,"users":[{"action":"delete","id":"1","name":"a","manager":{"new":{"id":"1"}}}]}`,
		`{"format":1,"users":[{"action":"purge","id":"1","name":"a"}]}`,
		`{"format":1,"groups":[{"action":"create","key":"1"}]}`,
		`{"format":1,"groups":[{"action":"create","key":"1","name":"g","remove":[{"id":"1"}]}]}`,
		`{"format":1,"groups":[{"action":"empty","id":"1","name":"g","add":[{"id":"1"}]}]}`,
		`{"format":1,"groups":[{"action":"update","id":"1","name":"g","add":[{}]}]}`,
		`{"format":1,"groups":[{"action":"update","id":"1","name":"g","remove":[{"key":"1"}]}]}`,
	} {
		if _, err := scim.ParsePlan([]byte(s)); err == nil {
			t.Errorf("%s was accepted", s)
		} else {
			wantCheck(t, err, scim.CheckPlan)
		}
	}
	w, _ := clientServer(t)
	c, _ := clientOver(t, w, nil)
	s := newSync(t, people(1), c, nil)
	for _, p := range []*scim.Plan{nil, {}, {Format: 1, Target: c.BaseURL(), Users: []scim.UserChange{{Action: "purge", ID: "1", Name: "a"}}}} {
		_, err := s.Apply(t.Context(), p, scim.ApplyOptions{})
		wantCheck(t, err, scim.CheckPlan)
	}
}

// A plan on a terminal is text and nothing else.
func TestPlanQuotes(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	c, _ := clientOver(t, w, nil)
	src := team(2)
	src.People[0].UserName = "a\x1b[2J\u202e"
	src.People[1].DisplayName = "b\x1b]0;x\x07"
	src.Teams[0].DisplayName = "g\r\x1b[A"
	report(src, 0, 1)
	text := planOf(t, newSync(t, src, c, nil)).String()
	for _, r := range text {
		if r < ' ' && r != '\n' || r == '\u202e' {
			t.Fatalf("%q has %U", text, r)
		}
	}
	if strings.Count(text, "\n") != 7 {
		t.Fatalf("%q", text)
	}
}
