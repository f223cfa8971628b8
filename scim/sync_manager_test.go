// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/scim"
)

// report makes person i of the source report to person j, or to nobody.
func report(s *scim.Snapshot, i, j int) {
	u := s.People[i]
	if u.Enterprise == nil {
		u.Enterprise = &scim.EnterpriseUser{Department: "R&D"}
	}
	u.Enterprise.Manager = nil
	if j >= 0 {
		u.Enterprise.Manager = &scim.Manager{Value: s.People[j].ID}
	}
}

// managers says who reports to whom in the target, by externalId.
func managers(t testing.TB, c *scim.Client) string {
	t.Helper()
	external, boss := map[string]string{}, map[string]string{}
	var order []string
	for u, err := range c.Users().All(t.Context(), scim.ListOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		external[u.ID] = u.ExternalID
		if u.Enterprise != nil && u.Enterprise.Manager != nil {
			boss[u.ExternalID] = u.Enterprise.Manager.Value
		}
		order = append(order, u.ExternalID)
	}
	var out []string
	for _, id := range order {
		if boss[id] != "" {
			out = append(out, id+">"+external[boss[id]])
		}
	}
	return strings.Join(out, " ")
}

// Managers are the source's people, named by the target's ids: made before
// they are referred to, in circles too.
func TestSyncManagers(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	c, _ := clientOver(t, w, nil)
	src := people(6)
	one := scim.ApplyOptions{Concurrency: 1} // people are made in order
	report(src, 0, 1)                        // who is made later
	report(src, 1, 2)
	report(src, 2, 0) // a circle
	report(src, 3, 3) // themselves
	p := converge(t, newSync(t, src, c, nil), one)
	if n := p.Counts(); n.Create != 6 || n.Update != 0 {
		t.Fatal(p)
	}
	if got := managers(t, c); got != "0>1 1>2 2>0 3>3" {
		t.Fatal(got)
	}
	// One changes, one goes, one comes, one is new and reports to one who is known.
	report(src, 0, 2)
	report(src, 3, -1)
	report(src, 4, 0)
	src.People = append(src.People, people(7).People[6])
	report(src, 6, 5)
	report(src, 5, 6)
	p = converge(t, newSync(t, src, c, nil), one)
	if n := p.Counts(); n.Create != 1 || n.Update != 4 {
		t.Fatal(p)
	}
	if got := managers(t, c); got != "0>2 1>2 2>0 4>0 5>6 6>5" {
		t.Fatal(got)
	}
	if s := p.String(); !strings.Contains(s, `manager: "user1@example.com" -> "user2@example.com"`) || !strings.Contains(s, `manager: "user3@example.com" -> (none)`) {
		t.Fatal(s)
	}
	// From server to server, whose ids are others.
	to, _ := clientServer(t)
	target, _ := clientOver(t, to, nil)
	converge(t, newSync(t, scim.ClientSource(c), target, nil), one)
	if got := managers(t, target); got != "0>2 1>2 2>0 4>0 5>6 6>5" {
		t.Fatal(got)
	}
}

// A manager who is not in the source is a problem, one who is but cannot be
// synchronised changes nothing, and so does one of a source that does not know
// managers.
func TestSyncManagersThatAreMissing(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	c, _ := clientOver(t, w, nil)
	src := people(4)
	report(src, 0, 1)
	report(src, 2, 3)
	converge(t, newSync(t, src, c, nil), scim.ApplyOptions{})
	src.People[0].Enterprise.Manager.Value = "ceo"
	src.People[3].UserName = "" // a problem of its own
	p := planOf(t, newSync(t, src, c, nil))
	if len(p.Users) != 0 || len(p.Problems) != 2 || !strings.Contains(p.String(), `the manager "ceo" is not in the source`) {
		t.Fatal(p)
	}
	src = people(4)
	src.Attributes = []string{"userName", "displayName"}
	if p := planOf(t, newSync(t, src, c, nil)); !p.Empty() || len(p.Problems) != 0 {
		t.Fatal(p)
	}
}

// Half of the two steps is done when a manager cannot be made; a new plan does
// the other.
func TestSyncManagerThatCannotBeMade(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	c, _ := clientOver(t, w, nil)
	src := people(3)
	report(src, 0, 1)
	w.before = func(r *http.Request) (*http.Response, error) {
		if r.Method == "POST" && strings.Contains(bodyOf(r), `"user1@`) {
			return says(400, `{"status":"400"}`), nil
		}
		return nil, nil
	}
	s := newSync(t, src, c, nil)
	res, err := s.Apply(t.Context(), planOf(t, s), scim.ApplyOptions{})
	wantCheck(t, err, scim.CheckIncomplete)
	if res.Failed != 2 || res.Done != 1 {
		t.Fatal(res)
	}
	w.before = nil
	converge(t, s, scim.ApplyOptions{})
	if got := managers(t, c); got != "0>1" {
		t.Fatal(got)
	}
}

// The table names managers by the id of their row.
func TestSyncManagersOfATable(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	c, _ := clientOver(t, w, nil)
	converge(t, newSync(t, readTable(t, "userName,externalId,manager\nann,1,2\nben,2,\ncy,3,2\n"), c, nil), scim.ApplyOptions{Concurrency: 1})
	if got := managers(t, c); got != "1>2 3>2" {
		t.Fatal(got)
	}
}

// An account that was there already gets its manager too, when the answer to
// its creation was lost.
func TestSyncManagerOfTheAdopted(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	c, _ := clientOver(t, w, nil)
	src := people(3)
	converge(t, newSync(t, &scim.Snapshot{People: src.People[:2]}, c, nil), scim.ApplyOptions{})
	report(src, 2, 0)
	s := newSync(t, src, c, nil)
	p := planOf(t, s)
	if _, err := c.Users().Create(t.Context(), &scim.User{Base: scim.Base{ExternalID: "2"}, UserName: src.People[2].UserName}); err != nil {
		t.Fatal(err)
	}
	w.after = func(r *http.Request) error {
		if r.Method == "POST" {
			return errors.New("dropped")
		}
		return nil
	}
	if _, err := s.Apply(t.Context(), p, scim.ApplyOptions{}); err == nil {
		t.Fatal("POST never came through")
	}
	w.after = nil
	if _, err := s.Apply(t.Context(), p, scim.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	if again := planOf(t, s); !again.Empty() {
		t.Fatal(again)
	}
	if got := managers(t, c); got != "2>0" {
		t.Fatal(fmt.Sprint(got))
	}
}
