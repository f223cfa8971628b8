// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-id/gatehouse/scim"
)

const table = `userName,externalId,name.givenName,name.familyName,displayName,email,active,department,groups
ann@example.com,1,Ann,A,Ann A,ann@example.com,true,R&D,Admins;Staff
ben@example.com,2,Ben,B,Ben B,ben@example.com,yes,Sales,Staff
cy@example.com,3,Cy,C,Cy C,cy@example.com,no,Sales,
`

func readTable(t testing.TB, s string) *scim.Snapshot {
	t.Helper()
	out, err := scim.ReadCSV(strings.NewReader(s), scim.CSVConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func newSync(t testing.TB, source scim.SyncSource, target *scim.Client, change func(*scim.SyncConfig)) *scim.Sync {
	t.Helper()
	c := scim.SyncConfig{Source: source, Target: target}
	if change != nil {
		change(&c)
	}
	s, err := scim.NewSync(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func planOf(t testing.TB, s *scim.Sync) *scim.Plan {
	t.Helper()
	p, err := s.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// converge applies and shows that nothing is left to do.
func converge(t testing.TB, s *scim.Sync, o scim.ApplyOptions) *scim.Plan {
	t.Helper()
	p := planOf(t, s)
	if res, err := s.Apply(t.Context(), p, o); err != nil {
		t.Fatalf("%v\n%+v\n%s", err, res, p)
	}
	if again := planOf(t, s); !again.Empty() {
		t.Fatalf("left to do: %s", again)
	}
	return p
}

func TestSyncCSV(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	c, _ := clientOver(t, w, nil)
	p := converge(t, newSync(t, readTable(t, table), c, nil), scim.ApplyOptions{})
	if n := p.Counts(); n.Create != 2 || n.CreateGroups != 2 || n.AddMembers != 3 {
		t.Fatal(p)
	}
	changed := strings.NewReplacer("R&D", "Legal", "Admins;Staff", "Staff", "ben@example.com,2", "benny@example.com,2").Replace(table)
	p = converge(t, newSync(t, readTable(t, changed), c, nil), scim.ApplyOptions{})
	if n := p.Counts(); n.Update != 2 || n.EmptyGroups != 1 || n.RemoveMembers != 1 || n.Create != 0 {
		t.Fatal(p)
	}
	if s := p.String(); !strings.Contains(s, `userName: "ben@example.com" -> "benny@example.com"`) || !strings.Contains(s, `- member "ann@example.com"`) {
		t.Fatal(s)
	}
	// Who leaves the table is deactivated; what was made by hand stays.
	if _, err := c.Users().Create(t.Context(), &scim.User{UserName: "by-hand"}); err != nil {
		t.Fatal(err)
	}
	p = converge(t, newSync(t, readTable(t, strings.SplitAfter(table, "Staff\n")[0]), c, nil), scim.ApplyOptions{})
	if n := p.Counts(); n.Deactivate != 1 || n.Delete != 0 || p.Unmanaged != 1 {
		t.Fatal(p)
	}
	ben, err := c.Users().Find(t.Context(), `externalId eq "2"`)
	if err != nil || ben.IsActive() {
		t.Fatal(ben, err)
	}
}

func TestSyncFromServer(t *testing.T) {
	t.Parallel()
	from, _ := clientServer(t)
	to, _ := clientServer(t)
	source, _ := clientOver(t, from, nil)
	target, _ := clientOver(t, to, nil)
	converge(t, newSync(t, readTable(t, table), source, nil), scim.ApplyOptions{})
	p := converge(t, newSync(t, scim.ClientSource(source), target, nil), scim.ApplyOptions{})
	if n := p.Counts(); n.Create != 2 || n.AddMembers != 3 {
		t.Fatal(p)
	}
}

func people(n int) *scim.Snapshot {
	s := &scim.Snapshot{People: []*scim.User{}}
	for i := range n {
		id := fmt.Sprint(i)
		s.People = append(s.People, &scim.User{
			Base: scim.Base{ID: id}, UserName: "user" + id + "@example.com", DisplayName: "User " + id,
			Name:   &scim.Name{GivenName: "User", FamilyName: id},
			Emails: []scim.Value{{Value: "user" + id + "@example.com", Type: "work", Primary: true}},
		})
	}
	return s
}

func TestSyncHolds(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	c, _ := clientOver(t, w, nil)
	all := people(100)
	converge(t, newSync(t, all, c, nil), scim.ApplyOptions{})
	for _, tc := range []struct {
		keep    int
		orphans scim.Orphans
		check   scim.Check
		confirm scim.ApplyOptions
	}{
		{0, scim.DeactivateOrphans, scim.CheckEmptySource, scim.ApplyOptions{}},
		{0, scim.DeactivateOrphans, scim.CheckMassDeactivation, scim.ApplyOptions{ConfirmEmptySource: true}},
		{80, scim.DeactivateOrphans, scim.CheckMassDeactivation, scim.ApplyOptions{}},
		{80, scim.DeactivateOrphans, scim.CheckMassDeactivation, scim.ApplyOptions{ConfirmDeactivations: 19}},
		{80, scim.DeleteOrphans, scim.CheckDeletionCap, scim.ApplyOptions{ConfirmDeactivations: 20}},
		{80, scim.DeleteOrphans, "", scim.ApplyOptions{ConfirmDeactivations: 20, ConfirmDeletions: 20}},
	} {
		s := newSync(t, &scim.Snapshot{People: all.People[:tc.keep]}, c, func(c *scim.SyncConfig) { c.Orphans = tc.orphans })
		p := planOf(t, s)
		_, err := s.Apply(t.Context(), p, tc.confirm)
		if tc.check == "" {
			if err != nil {
				t.Fatal(err)
			}
			continue
		}
		wantCheck(t, err, tc.check)
	}
	// Being inactive in the source counts too.
	for _, u := range all.People[:40] {
		no := false
		u.Active = &no
	}
	s := newSync(t, &scim.Snapshot{People: all.People[:80]}, c, nil)
	wantCheck(t, s.Hold(planOf(t, s)), scim.CheckMassDeactivation)
}

func TestSyncProblems(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	c, _ := clientOver(t, w, nil)
	converge(t, newSync(t, readTable(t, table), c, nil), scim.ApplyOptions{})
	// A userName that was given to another person does not give the account away.
	s := newSync(t, readTable(t, "userName,externalId\nann@example.com,9\ndee,4\ndee,5\n"), c, nil)
	p := planOf(t, s)
	if len(p.Problems) != 3 {
		t.Fatal(p)
	}
	for _, u := range p.Users {
		if u.Name != "ben@example.com" {
			t.Fatal(p)
		}
	}
}

// Half of the requests fail in some way; plans made again and again end it.
func TestSyncThroughFailures(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	var n atomic.Int64
	w.before = func(*http.Request) (*http.Response, error) {
		switch n.Add(1) % 7 {
		case 0:
			return says(429, "", "Retry-After", "1"), nil
		case 2:
			return says(500, ""), nil
		case 4:
			return nil, errors.New("refused")
		}
		return nil, nil
	}
	w.after = func(*http.Request) error {
		if n.Load()%5 == 0 {
			return errors.New("dropped")
		}
		return nil
	}
	c, _ := clientOver(t, w, func(c *scim.ClientConfig) { c.Attempts = 20 })
	src := people(60)
	src.Teams = []*scim.Group{{Base: scim.Base{ID: "g"}, DisplayName: "All"}}
	for _, u := range src.People {
		src.Teams[0].Members = append(src.Teams[0].Members, scim.Member{Value: u.ID, Type: "User"})
	}
	var last scim.Progress
	converge(t, newSync(t, src, c, nil), scim.ApplyOptions{Progress: func(p scim.Progress) { last = p }})
	if last.Done != 61 || last.Total != 61 {
		t.Fatal(last)
	}
}

func TestSyncAppliesAKeptPlanTwice(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	c, _ := clientOver(t, w, nil)
	s := newSync(t, readTable(t, table), c, nil)
	b, err := json.Marshal(planOf(t, s))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p, err := scim.ParsePlan(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Apply(t.Context(), p, scim.ApplyOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if p := planOf(t, s); !p.Empty() {
		t.Fatal(p)
	}
	other, _ := clientOver(t, w, func(c *scim.ClientConfig) { c.BaseURL = "https://other.example" })
	p, _ := scim.ParsePlan(b)
	_, err = newSync(t, readTable(t, table), other, nil).Apply(t.Context(), p, scim.ApplyOptions{})
	wantCheck(t, err, scim.CheckPlan)
}

func TestReadCSVRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "email\na\n", "userName,shoe\na,b\n", "userName,userName\na,b\n", "userName\n\"\"\n", "userName,active\na,maybe\n", "userName\n\"a\x00\"\n", "userName\n\xff\n", "userName,title\na\n", "userName\n\"a\n"} {
		_, err := scim.ReadCSV(strings.NewReader(s), scim.CSVConfig{})
		wantCheck(t, err, scim.CheckSyncSource)
	}
	_, err := scim.ReadCSV(strings.NewReader(table), scim.CSVConfig{MaxBytes: 50})
	wantCheck(t, err, scim.CheckSyncSource)
	_, err = scim.ReadCSV(strings.NewReader(table), scim.CSVConfig{MaxRows: 2})
	wantCheck(t, err, scim.CheckSyncSource)
}

func FuzzReadCSV(f *testing.F) {
	f.Add(table)
	for _, s := range []string{
		"userName;groups\na;x", "\ufeffuserName,id,manager,active\na,1,2,yes\nb,2,,inactive\n", "userName,email,phone\n\"a\nb\",x@y,+1\n",
		"userName,groups\na,x;;x; y\n", "USERNAME,Department\na,\"R\"\"D\"\n", "userName\n \n", "userName,userName\n", "userName\na,b\n", "userName,active\na,maybe\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out, err := scim.ReadCSV(strings.NewReader(s), scim.CSVConfig{MaxRows: 100})
		if err == nil {
			for _, u := range out.People {
				if u.ID == "" || u.UserName == "" {
					t.Fatalf("%+v", u)
				}
			}
		}
	})
}

func FuzzParsePlan(f *testing.F) {
	f.Add([]byte(`{"format":1,"target":"https://x","users":[{"action":"create","key":"1","name":"a","user":{"userName":"a"}},{"action":"deactivate","id":"1","name":"a","changes":[{"path":"active","old":true,"new":false}]}],"groups":[{"action":"empty","id":"1","name":"g","remove":[{"id":"2"}]}]}`))
	for _, s := range []string{
		`{"format":1,"users":[{"action":"update","id":"1","name":"a","changes":[{"path":"active","new":false}]}]}`,
		`{"format":1,"users":[{"action":"update","key":"1","id":"1","name":"a","manager":{"old":{"id":"2","name":"b"},"new":{"key":"3"}}},{"action":"create","key":"3","name":"c","user":{"userName":"c","emails":[{"value":"x","primary":true}]},"manager":{"old":{},"new":{"id":"1"}}}]}`,
		`{"format":1,"groups":[{"action":"create","key":"g","name":"g","externalId":"g","add":[{"key":"h","group":true},{"id":"1"}]},{"action":"delete","id":"2","name":"h","remove":[{"id":"1","name":"a"}]},{"action":"update","id":"3","name":"i","oldName":"j"}]}`,
		`{"format":1,"users":[{"action":"delete","id":"1","name":"\u001b[2J","version":"W/\"1\""}],"problems":[{"type":"User","reason":"x"}],"memberships":-1}`,
		`{"format":2}`, `{"format":1,"users":[{"action":"purge"}]}`, `[`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := scim.ParsePlan(b)
		if err != nil {
			wantCheck(t, err, scim.CheckPlan)
			return
		}
		_ = p.String()
		again, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := scim.ParsePlan(again); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkPlanUnchanged(b *testing.B) {
	w, m := clientServer(b)
	src := people(50_000)
	users := m.Users()
	for _, u := range src.People {
		c := *u
		c.ID, c.ExternalID = "", u.ID
		yes := true
		c.Active = &yes
		if _, err := users.Create(b.Context(), "acme", &c); err != nil {
			b.Fatal(err)
		}
	}
	c, _ := clientOver(b, w, nil)
	s := newSync(b, src, c, nil)
	for b.Loop() {
		if p := planOf(b, s); !p.Empty() {
			b.Fatal(p.Summary())
		}
	}
}

func ExampleSync() {
	// See examples/scimsync for a whole program.
	people, err := scim.ReadCSV(strings.NewReader("userName,displayName\nann,Ann\n"), scim.CSVConfig{})
	if err != nil {
		panic(err)
	}
	target, err := scim.NewClient(scim.ClientConfig{BaseURL: "https://app.example.com/scim/v2", Token: "s3cret"})
	if err != nil {
		panic(err)
	}
	_, err = scim.NewSync(scim.SyncConfig{Source: people, Target: target})
	fmt.Println(len(people.People), people.Attributes, err)
	// Output: 1 [userName displayName] <nil>
}
