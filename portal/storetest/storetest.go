// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package storetest is the contract of the portal's stores as a suite.
//
// [TestStore] runs every [Case] against a store; [BrokenStores] are stores with
// one deliberate fault each, and a test shows that the suite names every one of
// them. Run it for a store of your own as sqlstore's tests do:
//
//	storetest.TestStore(t, func(t *testing.T) storetest.Store { return open(t) })
package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/app"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/session"
	"github.com/gatehouse-id/gatehouse/portal/signin"
	"github.com/gatehouse-id/gatehouse/scim"
	"github.com/gatehouse-id/gatehouse/scim/filter"
)

// Store is what is tested: the portal's store with its SCIM tokens.
type Store interface {
	portal.Store
	portal.TokenStore
}

// Case is one clause of the contract.
type Case struct {
	Name string
	// Check returns what is broken, nil if nothing is. The store is empty or
	// holds rows of other cases only.
	Check func(ctx context.Context, s Store) error
}

// TestStore runs every case as a subtest.
func TestStore(t *testing.T, open func(t *testing.T) Store) {
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.Check(t.Context(), open(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// Cases returns the contract, clause by clause.
func Cases() []Case {
	return []Case{
		{"transaction rolls back", rollsBack},
		{"transaction commits with nested ones", commits},
		{"transaction's context ends", ends},
		{"login names are unique over sources", loginUnique},
		{"a person is found through its source", foundThroughSource},
		{"people are found by address", foundByAddress},
		{"person is compared and swapped", personSwapped},
		{"parallel updates of one version", parallelUpdates},
		{"members are of one source", membersOfOneSource},
		{"deleted people leave nothing", deletedLeaveNothing},
		{"session follows its person", sessionFollowsPerson},
		{"session rotates once", sessionRotatesOnce},
		{"session of another person", sessionOfAnother},
		{"epoch ends all sessions", epochEndsAll},
		{"notices are a person's own", noticesOwn},
		{"notices are bounded", noticesBounded},
		{"notice commits with its cause", noticeCommits},
		{"clock goes forward", clockGoesForward},
		{"grants by person and group", grants},
		{"applications by person and group", applications},
		{"flow is taken once", flowTakenOnce},
		{"flow expires", flowExpires},
		{"limit admits a burst", limitBurst},
		{"parallel limits each count", limitParallel},
		{"ticket is taken once", ticketTakenOnce},
		{"refusals are aggregated", refusalsAggregated},
		{"events of a person", eventsOfPerson},
		{"old events are deleted", oldEventsDeleted},
		{"tokens are capped and bound", tokens},
	}
}

const parallel = 16

// base is a time with the precision that stores keep.
var base = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

func want(what string, got, want any) error {
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%s: got %+v, want %+v", what, got, want)
	}
	return nil
}

func wantErr(what string, err, want error) error {
	if !errors.Is(err, want) {
		return fmt.Errorf("%s: error %v, want %v", what, err, want)
	}
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// race runs do in parallel and counts those that return nil; other errors than
// lost are an error.
func race(lost error, do func() error) (won int, err error) {
	var wg sync.WaitGroup
	var n atomic.Int64
	errs := make(chan error, parallel)
	for range parallel {
		wg.Go(func() {
			switch err := do(); {
			case err == nil:
				n.Add(1)
			case !errors.Is(err, lost):
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		return int(n.Load()), err
	}
	return int(n.Load()), nil
}

// fixture is a source with people.
type fixture struct {
	source string
	people []*directory.Person
}

func newSource(ctx context.Context, s Store, people int) (fixture, error) {
	f := fixture{source: directory.NewID("src")}
	if err := s.PutSource(ctx, &directory.Source{ID: f.source, Kind: directory.BuiltIn, Name: f.source, Owner: directory.OwnerAdmin}); err != nil {
		return f, err
	}
	for range people {
		p, err := addPerson(ctx, s, f.source, directory.NewID("login"))
		if err != nil {
			return f, err
		}
		f.people = append(f.people, p)
	}
	return f, nil
}

func addPerson(ctx context.Context, s Store, source, login string) (*directory.Person, error) {
	id := directory.NewID("p")
	p := &directory.Person{
		ID: id, SourceID: source, Subject: id, UserName: login, DisplayName: "Name", Email: login + "@example.test", Active: true,
		Attributes: map[string]string{"department": "x"}, Raw: []byte(`{"a":1}`), Owner: directory.OwnerAdmin, Created: base, Modified: base,
	}
	return p, s.CreatePerson(ctx, p, directory.FoldLogin(login))
}

var errRollBack = errors.New("storetest: roll back")

func rollsBack(ctx context.Context, s Store) error {
	source := directory.NewID("src")
	event := audit.Event{ID: directory.NewID("EVENT"), Time: base, Type: audit.Other, Count: 1}
	err := s.InTx(ctx, func(ctx context.Context) error {
		if err := s.PutSource(ctx, &directory.Source{ID: source, Kind: directory.BuiltIn, Name: "x"}); err != nil {
			return err
		}
		if _, err := addPerson(ctx, s, source, directory.NewID("login")); err != nil {
			return err
		}
		if err := s.AppendEvent(ctx, event); err != nil {
			return err
		}
		return errRollBack
	})
	if err := wantErr("InTx", err, errRollBack); err != nil {
		return err
	}
	_, err = s.Source(ctx, source)
	if err := wantErr("the source after a roll-back", err, directory.ErrNotFound); err != nil {
		return err
	}
	if err := s.AppendEvent(ctx, event); err != nil {
		return fmt.Errorf("the event was not rolled back: %w", err)
	}
	return nil
}

func commits(ctx context.Context, s Store) error {
	source := directory.NewID("src")
	err := s.InTx(ctx, func(ctx context.Context) error {
		return s.InTx(ctx, func(ctx context.Context) error {
			return s.PutSource(ctx, &directory.Source{ID: source, Kind: directory.BuiltIn, Name: "x", Domains: []string{"a.test"}})
		})
	})
	if err != nil {
		return err
	}
	got, err := s.Source(ctx, source)
	if err != nil {
		return err
	}
	return want("domains", got.Domains, []string{"a.test"})
}

func ends(ctx context.Context, s Store) error {
	var kept context.Context
	if err := s.InTx(ctx, func(ctx context.Context) error { kept = ctx; return nil }); err != nil {
		return err
	}
	if err := s.PutSource(kept, &directory.Source{ID: directory.NewID("src"), Kind: directory.BuiltIn, Name: "x"}); err == nil {
		return errors.New("a statement passed with the context of a transaction that had ended")
	}
	if _, err := s.Sources(kept); err == nil {
		return errors.New("a query passed with the context of a transaction that had ended")
	}
	return nil
}

func loginUnique(ctx context.Context, s Store) error {
	a, err1 := newSource(ctx, s, 1)
	b, err2 := newSource(ctx, s, 1)
	if err := first(err1, err2); err != nil {
		return err
	}
	_, err := addPerson(ctx, s, b.source, a.people[0].UserName)
	if err := wantErr("the same login in another source", err, directory.ErrConflict); err != nil {
		return err
	}
	renamed := *b.people[0]
	renamed.UserName = a.people[0].UserName
	err = s.UpdatePerson(ctx, &renamed, directory.FoldLogin(renamed.UserName))
	return wantErr("renaming to a taken login", err, directory.ErrConflict)
}

func foundThroughSource(ctx context.Context, s Store) error {
	a, err1 := newSource(ctx, s, 1)
	b, err2 := newSource(ctx, s, 1)
	if err := first(err1, err2); err != nil {
		return err
	}
	p := a.people[0]
	got, err := s.PersonBySubject(ctx, a.source, p.Subject)
	if err != nil {
		return err
	}
	if err := want("person", *got, *p); err != nil {
		return err
	}
	_, err = s.PersonBySubject(ctx, b.source, p.Subject)
	if err := wantErr("subject in another source", err, directory.ErrNotFound); err != nil {
		return err
	}
	if err := wantErr("deleting through another source", s.DeletePerson(ctx, b.source, p.ID), directory.ErrNotFound); err != nil {
		return err
	}
	people, total, err := s.FindPeople(ctx, b.source, scim.Query{Start: 1, Count: 10})
	if err != nil {
		return err
	}
	return first(want("total of the other source", total, 1), want("person of the other source", people[0].ID, b.people[0].ID))
}

// foundByAddress asks by every address of a person, and by parts of one.
func foundByAddress(ctx context.Context, s Store) error {
	f, err1 := newSource(ctx, s, 2)
	other, err2 := newSource(ctx, s, 1)
	if err := first(err1, err2); err != nil {
		return err
	}
	anna := f.people[0]
	long := "" // for an index too
	for len(long) < 1<<14 {
		long += rand.Text()
	}
	anna.Raw = []byte(`{"user":{"emails":[{"value":"Anna@x.test","type":"work","primary":true},{"value":"` + long + `"},{"value":"a@home.test","type":"home"}]}}`)
	if err := s.UpdatePerson(ctx, anna, directory.FoldLogin(anna.UserName)); err != nil {
		return err
	}
	value := func(text string) filter.Expr {
		return &filter.Compare{Path: filter.Path{Name: "value"}, Op: filter.Eq, Value: filter.TextValue(text)}
	}
	kind := func(text string) filter.Expr {
		return &filter.Compare{Path: filter.Path{Name: "type"}, Op: filter.Eq, Value: filter.TextValue(text)}
	}
	within := func(terms ...filter.Expr) filter.Expr {
		return &filter.Within{Path: filter.Path{Name: "emails"}, Filter: &filter.And{Terms: terms}}
	}
	eq := func(text string) filter.Expr {
		return &filter.Compare{Path: filter.Path{Name: "emails", Sub: "value"}, Op: filter.Eq, Value: filter.TextValue(text)}
	}
	for _, c := range []struct {
		source string
		filter filter.Expr
		want   int
	}{
		{f.source, eq("anna@X.test"), 1},
		{f.source, eq("a@home.test"), 1},
		{f.source, eq(long), 0},
		{other.source, eq("anna@x.test"), 0},
		{f.source, eq(anna.Email), 0}, // the source's own addresses took its place
		{f.source, eq(f.people[1].Email), 1},
		{f.source, within(kind("work"), value("anna@x.test")), 1},
		{f.source, within(kind("home"), value("anna@x.test")), 0},
		{f.source, within(kind("home"), &filter.Compare{Path: filter.Path{Name: "primary"}, Op: filter.Eq, Value: filter.BoolValue(true)}), 0},
		{f.source, &filter.Not{Term: eq("anna@x.test")}, 1},
		{f.source, &filter.Present{Path: filter.Path{Name: "emails"}}, 2},
	} {
		_, total, err := s.FindPeople(ctx, c.source, scim.Query{Filter: c.filter, Start: 1, Count: 10})
		if err := first(err, want("people with "+c.filter.String(), total, c.want)); err != nil {
			return err
		}
	}
	return nil
}

func personSwapped(ctx context.Context, s Store) error {
	f, err := newSource(ctx, s, 1)
	if err != nil {
		return err
	}
	one, two := *f.people[0], *f.people[0]
	one.DisplayName, two.DisplayName = "One", "Two"
	if err := s.UpdatePerson(ctx, &one, directory.FoldLogin(one.UserName)); err != nil {
		return err
	}
	if err := want("version", one.Version, int64(2)); err != nil {
		return err
	}
	if err := wantErr("an update of an old version", s.UpdatePerson(ctx, &two, directory.FoldLogin(two.UserName)), directory.ErrVersion); err != nil {
		return err
	}
	got, err := s.Person(ctx, one.ID)
	if err != nil {
		return err
	}
	return want("name", got.DisplayName, "One")
}

func parallelUpdates(ctx context.Context, s Store) error {
	f, err := newSource(ctx, s, 1)
	if err != nil {
		return err
	}
	won, err := race(directory.ErrVersion, func() error {
		p := *f.people[0]
		return s.UpdatePerson(ctx, &p, directory.FoldLogin(p.UserName))
	})
	return first(err, want("winners", won, 1))
}

func membersOfOneSource(ctx context.Context, s Store) error {
	a, err1 := newSource(ctx, s, 2)
	b, err2 := newSource(ctx, s, 1)
	if err := first(err1, err2); err != nil {
		return err
	}
	g := &directory.Group{ID: directory.NewID("g"), SourceID: a.source, DisplayName: "G", Created: base, Modified: base}
	if err := s.CreateGroup(ctx, g); err != nil {
		return err
	}
	dup := &directory.Group{ID: directory.NewID("g"), SourceID: a.source, DisplayName: "G", Created: base, Modified: base}
	if err := wantErr("a second group of the name", s.CreateGroup(ctx, dup), directory.ErrConflict); err != nil {
		return err
	}
	ids := []string{a.people[0].ID, a.people[1].ID}
	for range 2 { // idempotent
		if err := s.AddMembers(ctx, g.ID, ids); err != nil {
			return err
		}
	}
	if err := wantErr("a member of another source", s.AddMembers(ctx, g.ID, []string{b.people[0].ID}), directory.ErrNotFound); err != nil {
		return err
	}
	have, err := s.AreMembers(ctx, g.ID, []string{ids[0], b.people[0].ID})
	if err != nil {
		return err
	}
	if err := want("AreMembers", have, map[string]bool{ids[0]: true, b.people[0].ID: false}); err != nil {
		return err
	}
	if err := s.RemoveMembers(ctx, g.ID, []string{ids[0], "nobody"}); err != nil {
		return err
	}
	left, err := s.Members(ctx, g.ID)
	return first(err, want("members", left, []string{ids[1]}), wantErr("deleting through another source", s.DeleteGroup(ctx, b.source, g.ID), directory.ErrNotFound))
}

func deletedLeaveNothing(ctx context.Context, s Store) error {
	f, err := newSource(ctx, s, 1)
	if err != nil {
		return err
	}
	id := f.people[0].ID
	account, set, err := newAccess(ctx, s)
	if err != nil {
		return err
	}
	err = first(
		s.SetPasswordHash(ctx, id, "phc"), s.SetAdministrator(ctx, id, true),
		s.PutAssignment(ctx, &access.Assignment{ID: directory.NewID("a"), AccountID: account, PermissionSetID: set, PrincipalKind: access.User, PrincipalID: id}),
		s.DeletePerson(ctx, f.source, id),
	)
	if err != nil {
		return err
	}
	_, err = s.PasswordHash(ctx, id)
	if err := wantErr("the password", err, directory.ErrNotFound); err != nil {
		return err
	}
	admins, err1 := s.AdministratorPrincipals(ctx)
	assigned, err2 := s.Assignments(ctx)
	if err := first(err1, err2); err != nil {
		return err
	}
	for _, a := range admins {
		if a == id {
			return errors.New("the deleted person is still an administrator")
		}
	}
	for _, a := range assigned {
		if a.PrincipalID == id {
			return errors.New("the deleted person still has an assignment")
		}
	}
	return nil
}

func newSession(ctx context.Context, s Store, personID string) (session.Session, string, error) {
	epoch, err := s.Epoch(ctx)
	x := session.Session{
		ID: directory.NewID("s"), PersonID: personID, SourceID: "src", Level: session.Full, AuthTime: base, MFATime: base, AMR: []string{"pwd", "otp"},
		Evidence: []byte(`[{"kind":"x"}]`), Network: "192.0.2.1", UserAgent: "Firefox", Created: base, LastSeen: base, Expires: base.Add(time.Hour), Epoch: epoch,
	}
	hash := directory.NewID("hash")
	return x, hash, first(err, s.CreateSession(ctx, &x, hash))
}

func sessionFollowsPerson(ctx context.Context, s Store) error {
	f, err := newSource(ctx, s, 1)
	if err != nil {
		return err
	}
	x, hash, err := newSession(ctx, s, f.people[0].ID)
	if err != nil {
		return err
	}
	got, err := s.LookupSession(ctx, hash)
	if err != nil {
		return err
	}
	if err := want("session", *got, x); err != nil {
		return err
	}
	for _, change := range []func(p *directory.Person, on bool){
		func(p *directory.Person, on bool) { p.Active = !on },
		func(p *directory.Person, on bool) { p.Blocked = on },
	} {
		for _, on := range []bool{true, false} {
			change(f.people[0], on)
			if err := s.UpdatePerson(ctx, f.people[0], directory.FoldLogin(f.people[0].UserName)); err != nil {
				return err
			}
			_, err1 := s.LookupSession(ctx, hash)
			_, err2 := s.SessionByID(ctx, x.ID)
			if on {
				if err := first(wantErr("session of a disabled person", err1, session.ErrNotFound), wantErr("by ID", err2, session.ErrNotFound)); err != nil {
					return err
				}
			} else if err := first(err1, err2); err != nil {
				return err
			}
		}
	}
	return nil
}

func sessionRotatesOnce(ctx context.Context, s Store) error {
	f, err := newSource(ctx, s, 1)
	if err != nil {
		return err
	}
	x, hash, err := newSession(ctx, s, f.people[0].ID)
	if err != nil {
		return err
	}
	x.Level, x.MFATime = session.Full, base.Add(time.Minute)
	won, err := race(session.ErrNotFound, func() error { return s.RotateSession(ctx, hash, directory.NewID("hash"), &x) })
	if err := first(err, want("winners", won, 1)); err != nil {
		return err
	}
	_, err = s.LookupSession(ctx, hash)
	return wantErr("the old cookie", err, session.ErrNotFound)
}

func sessionOfAnother(ctx context.Context, s Store) error {
	f, err := newSource(ctx, s, 2)
	if err != nil {
		return err
	}
	x, hash, err := newSession(ctx, s, f.people[0].ID)
	if err != nil {
		return err
	}
	if err := wantErr("revoking another person's session", s.RevokeSession(ctx, f.people[1].ID, x.ID, base), session.ErrNotFound); err != nil {
		return err
	}
	if n, err := s.RevokeSessions(ctx, f.people[0].ID, x.ID, base); err != nil || n != 0 {
		return fmt.Errorf("the excepted session was revoked: %d, %v", n, err)
	}
	if err := s.RevokeSession(ctx, f.people[0].ID, x.ID, base); err != nil {
		return err
	}
	_, err = s.LookupSession(ctx, hash)
	return wantErr("a revoked session", err, session.ErrNotFound)
}

func epochEndsAll(ctx context.Context, s Store) error {
	f, err := newSource(ctx, s, 1)
	if err != nil {
		return err
	}
	_, hash, err := newSession(ctx, s, f.people[0].ID)
	if err != nil {
		return err
	}
	before, err1 := s.Epoch(ctx)
	after, err2 := s.RaiseEpoch(ctx)
	if err := first(err1, err2); err != nil {
		return err
	}
	if after <= before {
		return fmt.Errorf("epoch %d after %d", after, before)
	}
	_, err = s.LookupSession(ctx, hash)
	return wantErr("a session of an older epoch", err, session.ErrNotFound)
}

func newNotice(personID string, after time.Duration) session.Notice {
	return session.Notice{ID: directory.NewID("n"), PersonID: personID, Kind: session.RefreshReused, Client: "client", Time: base.Add(after)}
}

func noticesOwn(ctx context.Context, s Store) error {
	f, err := newSource(ctx, s, 2)
	if err != nil {
		return err
	}
	mine, theirs := newNotice(f.people[0].ID, 0), newNotice(f.people[1].ID, 0)
	again := mine
	again.Client = "again"
	if err := first(s.AddNotice(ctx, mine), s.AddNotice(ctx, theirs), s.AddNotice(ctx, again), s.AddNotice(ctx, newNotice(directory.NewID("p"), 0))); err != nil {
		return err
	}
	got, err := s.NoticesOf(ctx, f.people[0].ID)
	if err := first(err, want("notices", got, []session.Notice{mine})); err != nil {
		return err
	}
	if err := wantErr("dismissing another's notice", s.DismissNotice(ctx, f.people[1].ID, mine.ID), session.ErrNotFound); err != nil {
		return err
	}
	if err := s.DismissNotice(ctx, f.people[0].ID, mine.ID); err != nil {
		return err
	}
	if err := wantErr("dismissing twice", s.DismissNotice(ctx, f.people[0].ID, mine.ID), session.ErrNotFound); err != nil {
		return err
	}
	got, err = s.NoticesOf(ctx, f.people[0].ID)
	if err := first(err, want("notices left", len(got), 0)); err != nil {
		return err
	}
	if err := s.DeletePerson(ctx, f.source, f.people[1].ID); err != nil {
		return err
	}
	got, err = s.NoticesOf(ctx, f.people[1].ID)
	return first(err, want("notices of a deleted person", len(got), 0))
}

func noticesBounded(ctx context.Context, s Store) error {
	f, err := newSource(ctx, s, 2)
	if err != nil {
		return err
	}
	other := newNotice(f.people[1].ID, 0)
	if err := s.AddNotice(ctx, other); err != nil {
		return err
	}
	var wanted []session.Notice // newest first
	for i := range session.MaxNotices + 3 {
		n := newNotice(f.people[0].ID, time.Duration(i+1)*time.Minute)
		if err := s.AddNotice(ctx, n); err != nil {
			return err
		}
		wanted = append([]session.Notice{n}, wanted...)
	}
	mine, err1 := s.NoticesOf(ctx, f.people[0].ID)
	others, err2 := s.NoticesOf(ctx, f.people[1].ID)
	return first(err1, err2, want("the newest notices", mine, wanted[:session.MaxNotices]), want("notices of another", others, []session.Notice{other}))
}

func noticeCommits(ctx context.Context, s Store) error {
	f, err := newSource(ctx, s, 1)
	if err != nil {
		return err
	}
	err = s.InTx(ctx, func(ctx context.Context) error {
		return first(s.AddNotice(ctx, newNotice(f.people[0].ID, 0)), errRollBack)
	})
	if err := wantErr("InTx", err, errRollBack); err != nil {
		return err
	}
	got, err := s.NoticesOf(ctx, f.people[0].ID)
	return first(err, want("notices after a roll-back", len(got), 0))
}

func newAccess(ctx context.Context, s Store) (account, set string, err error) {
	account, set = fmt.Sprintf("%012d", time.Now().UnixNano()%1e12), directory.NewID("ps")
	return account, set, first(
		s.PutAccount(ctx, &access.Account{ID: account, Name: "A", Partition: "aws", Region: "us-east-1", Roles: map[string]string{"x": "arn"}}),
		s.PutPermissionSet(ctx, &access.PermissionSet{ID: set, Name: set, SessionDuration: 2 * time.Hour, MFA: true}),
	)
}

func grants(ctx context.Context, s Store) error {
	f, err := newSource(ctx, s, 2)
	if err != nil {
		return err
	}
	account, set, err := newAccess(ctx, s)
	if err != nil {
		return err
	}
	g := &directory.Group{ID: directory.NewID("g"), SourceID: f.source, DisplayName: "G", Created: base, Modified: base}
	byGroup := access.Assignment{ID: directory.NewID("a"), AccountID: account, PermissionSetID: set, PrincipalKind: access.Group, PrincipalID: g.ID}
	direct := access.Assignment{ID: directory.NewID("a"), AccountID: account, PermissionSetID: set, PrincipalKind: access.User, PrincipalID: f.people[0].ID}
	again := direct
	again.ID = directory.NewID("a")
	err = first(s.CreateGroup(ctx, g), s.AddMembers(ctx, g.ID, []string{f.people[0].ID}), s.PutAssignment(ctx, &byGroup), s.PutAssignment(ctx, &direct), s.PutAssignment(ctx, &again))
	if err != nil {
		return err
	}
	if err := want("the same assignment twice", again.ID, direct.ID); err != nil {
		return err
	}
	got, err := s.GrantsOf(ctx, f.people[0].ID, "")
	if err != nil {
		return err
	}
	if len(got) != 2 || got[0].Assignment.ID != direct.ID || got[1].GroupName != "G" || got[1].PermissionSet.SessionDuration != 2*time.Hour || got[1].Account.Roles["x"] != "arn" {
		return fmt.Errorf("grants: %+v", got)
	}
	other, err1 := s.GrantsOf(ctx, f.people[1].ID, "")
	elsewhere, err2 := s.GrantsOf(ctx, f.people[0].ID, "000000000000")
	return first(err1, err2, want("grants of another person", len(other), 0), want("grants in another account", len(elsewhere), 0))
}

func applications(ctx context.Context, s Store) error {
	f, err := newSource(ctx, s, 2)
	if err != nil {
		return err
	}
	a := &app.App{ID: directory.NewID("app"), Name: "A", EntityID: directory.NewID("entity"), Metadata: "<x/>", Attributes: []app.Attribute{{Name: "n", From: "email"}}, IdPInitiated: true}
	if err := first(s.PutApp(ctx, a), s.PutAppAssignment(ctx, app.Assignment{AppID: a.ID, PrincipalID: f.people[0].ID})); err != nil {
		return err
	}
	dup := *a
	dup.ID = directory.NewID("app")
	if err := wantErr("a second application with the entity ID", s.PutApp(ctx, &dup), app.ErrConflict); err != nil {
		return err
	}
	mine, err1 := s.AppsOf(ctx, f.people[0].ID)
	others, err2 := s.AppsOf(ctx, f.people[1].ID)
	if err := first(err1, err2, want("applications", mine, []app.App{*a}), want("applications of another", len(others), 0)); err != nil {
		return err
	}
	if err := s.DeleteApp(ctx, a.ID); err != nil {
		return err
	}
	_, err = s.AppByEntityID(ctx, a.EntityID)
	return wantErr("a deleted application", err, app.ErrNotFound)
}

func flowTakenOnce(ctx context.Context, s Store) error {
	hash := directory.NewID("flow")
	if err := s.CreateFlow(ctx, hash, []byte(`{"a":1}`), base.Add(time.Minute)); err != nil {
		return err
	}
	got, err := s.Flow(ctx, hash, base)
	if err := first(err, want("state", string(got), `{"a":1}`)); err != nil {
		return err
	}
	won, err := race(signin.ErrNotFound, func() error {
		_, err := s.TakeFlow(ctx, hash, base)
		return err
	})
	return first(err, want("winners", won, 1))
}

func flowExpires(ctx context.Context, s Store) error {
	hash := directory.NewID("flow")
	if err := s.CreateFlow(ctx, hash, []byte("{}"), base); err != nil {
		return err
	}
	_, err1 := s.Flow(ctx, hash, base)
	_, err2 := s.TakeFlow(ctx, hash, base)
	if err := first(wantErr("an expired flow", err1, signin.ErrNotFound), wantErr("taking it", err2, signin.ErrNotFound)); err != nil {
		return err
	}
	_, err := s.DeleteExpiredSignIns(ctx, base, 100)
	return err
}

func limitBurst(ctx context.Context, s Store) error {
	key := directory.NewID("limit")
	for i := range 3 {
		ok, _, err := s.TakeLimit(ctx, key, base, time.Minute, 3)
		if err != nil || !ok {
			return fmt.Errorf("event %d: %v, %v", i, ok, err)
		}
	}
	ok, retry, err := s.TakeLimit(ctx, key, base, time.Minute, 3)
	if err != nil || ok || retry <= 0 || retry > time.Minute {
		return fmt.Errorf("one too many: %v, retry %v, %v", ok, retry, err)
	}
	if ok, _, err = s.TakeLimit(ctx, key, base.Add(time.Minute), time.Minute, 3); err != nil || !ok {
		return fmt.Errorf("a minute later: %v, %v", ok, err)
	}
	if err := s.RefundLimit(ctx, key, time.Minute); err != nil {
		return err
	}
	if ok, _, err = s.TakeLimit(ctx, key, base.Add(time.Minute), time.Minute, 3); err != nil || !ok {
		return fmt.Errorf("after a refund: %v, %v", ok, err)
	}
	return nil
}

func limitParallel(ctx context.Context, s Store) error {
	key := directory.NewID("limit")
	errLimited := errors.New("limited")
	won, err := race(errLimited, func() error {
		ok, _, err := s.TakeLimit(ctx, key, base, time.Minute, 5)
		if err == nil && !ok {
			err = errLimited
		}
		return err
	})
	return first(err, want("admitted", won, 5))
}

func ticketTakenOnce(ctx context.Context, s Store) error {
	f, err := newSource(ctx, s, 1)
	if err != nil {
		return err
	}
	older, newer, id := directory.NewID("t"), directory.NewID("t"), f.people[0].ID
	if err := first(s.CreateTicket(ctx, older, id, "reset", base.Add(time.Hour)), s.CreateTicket(ctx, newer, id, "reset", base.Add(time.Hour))); err != nil {
		return err
	}
	_, err1 := s.TakeTicket(ctx, older, "reset", base)
	_, err2 := s.TakeTicket(ctx, newer, "invite", base)
	_, err3 := s.TakeTicket(ctx, newer, "reset", base.Add(time.Hour))
	err = first(wantErr("a replaced ticket", err1, signin.ErrNotFound), wantErr("another purpose", err2, signin.ErrNotFound), wantErr("an expired ticket", err3, signin.ErrNotFound))
	if err != nil {
		return err
	}
	won, err := race(signin.ErrNotFound, func() error {
		got, err := s.TakeTicket(ctx, newer, "reset", base)
		return first(err, want("whose", got, id))
	})
	return first(err, want("winners", won, 1))
}

func eventsOfPerson(ctx context.Context, s Store) error {
	ann, bob := directory.NewID("p"), directory.NewID("p")
	at := strings.ToUpper(directory.NewID("at")) // ids that begin with the same
	var mine []string
	for i, person := range []string{ann, bob, ann, "", ann, ann} {
		e := audit.Event{ID: fmt.Sprintf("%s%d", at, i), Time: base, Type: audit.Federate, Outcome: audit.Success, Actor: bob, Person: person, Count: 1, Details: map[string]string{"of": ann}}
		if err := s.AppendEvent(ctx, e); err != nil {
			return err
		}
		if person == ann {
			mine = append([]string{e.ID}, mine...)
		}
	}
	ids := func(from, before string, limit int) []string {
		events, err := s.EventsOf(ctx, ann, from, before, limit)
		if err != nil {
			return []string{err.Error()}
		}
		out := []string{}
		for _, e := range events {
			out = append(out, e.ID)
		}
		return out
	}
	none, err := s.EventsOf(ctx, directory.NewID("p"), at, "", 100)
	return first(
		err, want("events of nobody", len(none), 0),
		want("all", ids(at, "", 100), mine), want("the newest", ids(at, "", 2), mine[:2]), want("the next page", ids(at, mine[1], 100), mine[2:]),
		want("since the second", ids(mine[2], "", 100), mine[:3]), want("a range", ids(mine[2], mine[1], 100), mine[2:3]),
	)
}

func refusalsAggregated(ctx context.Context, s Store) error {
	key := directory.NewID("key")
	id := "~" // sorts first, newest
	for i := range 3 {
		e := audit.Event{ID: fmt.Sprintf("%s%s%d", id, key, i), Time: base, Type: audit.InputRefused, Outcome: audit.Refused, Count: 1}
		if err := s.CountRefusal(ctx, key, e); err != nil {
			return err
		}
	}
	events, err := s.Events(ctx, "~~", 100)
	if err != nil {
		return err
	}
	n := 0
	for _, e := range events {
		if e.ID == id+key+"0" {
			n++
			if err := want("count", e.Count, 3); err != nil {
				return err
			}
		}
		if e.ID == id+key+"1" {
			return errors.New("a second refusal was stored beside the first")
		}
	}
	return want("stored refusals", n, 1)
}

// Events of a year before all others go, some at a time; newer ones stay, and
// what was counted goes with its event.
func oldEventsDeleted(ctx context.Context, s Store) error {
	id := func(kind string) string { return "0" + kind + strings.ToUpper(directory.NewID("")[1:]) } // sorts before real ones
	old, counted, kept := id("A"), id("B"), id("D")
	key := directory.NewID("198001010000-")
	err := first(
		s.AppendEvent(ctx, audit.Event{ID: old, Time: base, Type: audit.Other, Count: 1}),
		s.CountRefusal(ctx, key, audit.Event{ID: counted, Time: base, Type: audit.InputRefused, Outcome: audit.Refused, Count: 1}),
		s.AppendEvent(ctx, audit.Event{ID: kept, Time: base, Type: audit.Other, Count: 1}),
	)
	if err != nil {
		return err
	}
	n, err := s.Strangers(ctx, "198001010000", "198001010001", 10)
	if err := first(err, want("strangers of the minute", n, 1)); err != nil {
		return err
	}
	if n, err = s.Strangers(ctx, "198001010001", "198001010002", 10); err != nil || n != 0 {
		return fmt.Errorf("strangers of the next minute: %d, %v", n, err)
	}
	for _, step := range []struct{ limit, deleted, left int }{{1, 1, 2}, {10, 1, 1}, {10, 0, 1}} {
		if n, err = s.DeleteEvents(ctx, "0C", step.limit); err != nil || n != step.deleted {
			return fmt.Errorf("at most %d: deleted %d, %v, want %d", step.limit, n, err, step.deleted)
		}
		events, err := s.Events(ctx, "0E", 10)
		if err := first(err, want("events left", len(events), step.left)); err != nil {
			return err
		}
	}
	if n, err = s.Strangers(ctx, "198001010000", "198001010001", 10); err != nil || n != 0 {
		return fmt.Errorf("the count outlived its event: %d, %v", n, err)
	}
	_, err = s.DeleteEvents(ctx, "0E", 10)
	return err
}

func tokens(ctx context.Context, s Store) error {
	f, err := newSource(ctx, s, 0)
	if err != nil {
		return err
	}
	token := func(n byte) scim.Token {
		t := scim.Token{ID: directory.NewID("t"), Tenant: f.source, Name: "n", Created: base}
		copy(t.Hash[:], t.ID)
		t.Hash[31] = n
		return t
	}
	won, err := race(scim.ErrConflict, func() error { return s.CreateToken(ctx, token(1), 2, base) })
	if err := first(err, want("tokens", won, 2)); err != nil {
		return err
	}
	made, err := s.TokensOf(ctx, f.source)
	if err != nil {
		return err
	}
	got, err := s.TokenByHash(ctx, made[0].Hash)
	if err := first(err, want("token", got, made[0])); err != nil {
		return err
	}
	if err := wantErr("another source's token", s.DeleteToken(ctx, "other", got.ID), scim.ErrNotFound); err != nil {
		return err
	}
	if err := s.DeleteToken(ctx, f.source, got.ID); err != nil {
		return err
	}
	_, err = s.TokenByHash(ctx, got.Hash)
	return wantErr("a deleted token", err, scim.ErrNotFound)
}
