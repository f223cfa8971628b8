// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package storetest is the contract of [awssso.Store] as tests.
//
// [Run] is what an implementation calls from its own tests. [Contract] is the
// same as data, so that a test of the contract itself can show that a store
// with a known fault is named by the rule that it breaks.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/awssso"
)

// Rule is one rule of the contract. Check returns what is wrong, or nil; it
// is given a store of its own.
type Rule struct {
	Name  string
	Check func(ctx context.Context, s awssso.Store) error
}

// Run checks every rule, one after the other, on an empty store.
func Run(t *testing.T, newStore func(t *testing.T) awssso.Store) {
	t.Helper()
	for _, r := range Contract() {
		t.Run(r.Name, func(t *testing.T) {
			if err := r.Check(t.Context(), newStore(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// Contract are the rules.
func Contract() []Rule {
	return []Rule{
		{"device round trip", deviceRoundTrip},
		{"device cap counts pending codes of the network", deviceCap},
		{"device user code is unique", deviceUnique},
		{"device remembers whom it was shown to last", deviceShown},
		{"device is answered once", deviceAnsweredOnce},
		{"device is not answered after its end", deviceExpiry},
		{"device is taken once", deviceTakenOnce},
		{"code round trip", codeRoundTrip},
		{"code is taken once", codeTakenOnce},
		{"code is not bound after a reuse", codeBind},
		{"family round trip", familyRoundTrip},
		{"token kinds are apart", tokenKinds},
		{"family rotates once", rotateOnce},
		{"family is revoked once and for all", revoke},
		{"families are the person's own", families},
		{"attempts are counted exactly", charge},
		{"client deny list and epoch", clients},
		{"epoch of grants hides older rows", grantsEpoch},
		{"a transaction commits or rolls back as a whole", transaction},
		{"a transaction's context ends with it", transactionEnds},
		{"expired rows are deleted and others kept", deleteExpired},
	}
}

var t0 = time.Date(2026, 11, 24, 12, 0, 0, 123456000, time.UTC)

func device(n string) awssso.DeviceCode {
	return awssso.DeviceCode{
		Hash: "hash-" + n, UserHash: "user-" + n, Client: "client", ClientName: "botocore-client-x", Device: "aws-cli on Linux",
		Scopes: []string{"sso:account:access"}, Network: "192.0.2.1", Created: t0, Expires: t0.Add(10 * time.Minute), State: awssso.DevicePending,
	}
}

func approval(n string) awssso.Approval {
	return awssso.Approval{SessionID: "session-" + n, PersonID: "person-" + n, AuthTime: t0.Add(-time.Hour), AMR: []string{"pwd", "otp", "mfa"}}
}

func code(n string) awssso.AuthCode {
	return awssso.AuthCode{
		Hash: "hash-" + n, Client: "client", ClientName: "name", RedirectURI: "http://127.0.0.1:1/cb", Challenge: "challenge",
		Scopes: []string{"a", "b"}, Created: t0, Expires: t0.Add(time.Minute), Approval: approval(n),
	}
}

func family(n string) awssso.Family {
	return awssso.Family{
		ID: "family-" + n, Flow: awssso.FlowDevice, Client: "client", ClientName: "name", Network: "192.0.2.1", Scopes: []string{"a"},
		Approval: approval(n), Created: t0, Expires: t0.Add(8 * time.Hour), Rotated: t0, KeyID: "k1",
	}
}

func token(n string, kind awssso.TokenKind, gen int64) awssso.Token {
	return awssso.Token{
		Hash: fmt.Sprintf("%s-%s-%d", kind, n, gen), Kind: kind, FamilyID: "family-" + n, Generation: gen, Expires: t0.Add(time.Hour),
	}
}

// run returns the first error of some steps.
func run(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func is(what string, err, want error) error {
	if !errors.Is(err, want) {
		return fmt.Errorf("%s: error %v, want %v", what, err, want)
	}
	return nil
}

func same[T any](what string, got, want T) error {
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		return fmt.Errorf("%s: got %s, want %s", what, g, w)
	}
	return nil
}

// race runs fn n times at once and returns how many succeeded; the others must
// fail with want.
func race(n int, want error, fn func(i int) error) (int, error) {
	var wg sync.WaitGroup
	start, errs := make(chan struct{}), make([]error, n)
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, want):
			return won, fmt.Errorf("a loser got %w, want %w", err, want)
		}
	}
	return won, nil
}

func onlyOne(what string, want error, fn func(i int) error) error {
	won, err := race(8, want, fn)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if won != 1 {
		return fmt.Errorf("%s: %d of 8 at once succeeded", what, won)
	}
	return nil
}

func deviceRoundTrip(ctx context.Context, s awssso.Store) error {
	want := device("a")
	if err := s.InsertDevice(ctx, want, 10); err != nil {
		return err
	}
	got, err := s.Device(ctx, want.Hash)
	if err != nil {
		return err
	}
	byUser, err := s.DeviceByUserCode(ctx, want.UserHash)
	if err != nil {
		return err
	}
	_, err = s.Device(ctx, want.UserHash)
	_, err2 := s.DeviceByUserCode(ctx, "user-b")
	answered := want
	answered.State, answered.Approval = awssso.DeviceApproved, approval("a")
	return run(
		func() error { return same("Device", got, want) },
		func() error { return same("DeviceByUserCode", byUser, want) },
		func() error { return is("unknown hash", err, awssso.ErrNotFound) },
		func() error { return is("unknown user code", err2, awssso.ErrNotFound) },
		func() error { return s.AnswerDevice(ctx, want.Hash, awssso.DeviceApproved, approval("a"), t0) },
		func() error { got, err = s.Device(ctx, want.Hash); return err },
		func() error { return same("answered", got, answered) },
	)
}

func deviceCap(ctx context.Context, s awssso.Store) error {
	other, late := device("other"), device("late")
	other.Network = "192.0.2.2"
	late.Created = t0.Add(time.Hour)
	return run(
		func() error { return s.InsertDevice(ctx, device("a"), 2) },
		func() error { return s.InsertDevice(ctx, device("b"), 2) },
		func() error { return is("third", s.InsertDevice(ctx, device("c"), 2), awssso.ErrTooMany) },
		func() error { return s.InsertDevice(ctx, other, 2) },
		func() error { return s.AnswerDevice(ctx, "hash-a", awssso.DeviceDenied, approval("a"), t0) },
		func() error { return s.InsertDevice(ctx, device("d"), 2) },
		func() error { return is("full again", s.InsertDevice(ctx, device("e"), 2), awssso.ErrTooMany) },
		func() error { return s.InsertDevice(ctx, late, 2) },
	)
}

func deviceUnique(ctx context.Context, s awssso.Store) error {
	twin := device("b")
	twin.UserHash = "user-a"
	return run(
		func() error { return s.InsertDevice(ctx, device("a"), 10) },
		func() error { return is("same user code", s.InsertDevice(ctx, twin, 10), awssso.ErrTaken) },
		func() error { return is("same code", s.InsertDevice(ctx, device("a"), 10), awssso.ErrTaken) },
	)
}

func deviceShown(ctx context.Context, s awssso.Store) error {
	want := device("a")
	show := func(session string, typed bool, now time.Time) func() error {
		return func() error { return s.ShowDevice(ctx, want.Hash, session, typed, now) }
	}
	return run(
		func() error { return s.InsertDevice(ctx, want, 10) },
		show("session-a", true, t0),
		show("session-b", false, t0),
		show("session-c", true, t0),
		func() error {
			got, err := s.Device(ctx, want.Hash)
			want.ShownTo, want.Typed = "session-c", true
			return errors.Join(err, same("shown", got, want))
		},
		func() error { return is("at the end", show("session-d", true, want.Expires)(), awssso.ErrTaken) },
		func() error { return s.AnswerDevice(ctx, want.Hash, awssso.DeviceDenied, approval("a"), t0) },
		func() error { return is("answered", show("session-d", true, t0)(), awssso.ErrTaken) },
	)
}

func deviceAnsweredOnce(ctx context.Context, s awssso.Store) error {
	if err := s.InsertDevice(ctx, device("a"), 10); err != nil {
		return err
	}
	err := onlyOne("answers", awssso.ErrTaken, func(i int) error {
		to := awssso.DeviceApproved
		if i%2 == 1 {
			to = awssso.DeviceDenied
		}
		return s.AnswerDevice(ctx, "hash-a", to, approval(fmt.Sprint(i)), t0)
	})
	if err != nil {
		return err
	}
	return is("unknown code", s.AnswerDevice(ctx, "hash-z", awssso.DeviceApproved, approval("z"), t0), awssso.ErrTaken)
}

func deviceExpiry(ctx context.Context, s awssso.Store) error {
	d := device("a")
	return run(
		func() error { return s.InsertDevice(ctx, d, 10) },
		func() error {
			return is("at the end", s.AnswerDevice(ctx, d.Hash, awssso.DeviceApproved, approval("a"), d.Expires), awssso.ErrTaken)
		},
		func() error {
			return s.AnswerDevice(ctx, d.Hash, awssso.DeviceApproved, approval("a"), d.Expires.Add(-time.Microsecond))
		},
	)
}

func deviceTakenOnce(ctx context.Context, s awssso.Store) error {
	err := run(
		func() error { return s.InsertDevice(ctx, device("a"), 10) },
		func() error { return is("pending", s.TakeDevice(ctx, "hash-a", "family-a"), awssso.ErrTaken) },
		func() error { return s.AnswerDevice(ctx, "hash-a", awssso.DeviceApproved, approval("a"), t0) },
		func() error {
			return onlyOne("takers", awssso.ErrTaken, func(i int) error { return s.TakeDevice(ctx, "hash-a", fmt.Sprint("family-", i)) })
		},
	)
	if err != nil {
		return err
	}
	got, err := s.Device(ctx, "hash-a")
	if err != nil {
		return err
	}
	if got.State != awssso.DeviceTaken || got.FamilyID == "" {
		return fmt.Errorf("taken code is %+v", got)
	}
	return nil
}

func codeRoundTrip(ctx context.Context, s awssso.Store) error {
	want := code("a")
	if err := s.InsertCode(ctx, want); err != nil {
		return err
	}
	got, err := s.TakeCode(ctx, want.Hash)
	if err != nil {
		return err
	}
	_, err = s.TakeCode(ctx, "hash-z")
	return run(
		func() error { return same("TakeCode", got, want) },
		func() error { return is("unknown", err, awssso.ErrNotFound) },
	)
}

func codeTakenOnce(ctx context.Context, s awssso.Store) error {
	if err := s.InsertCode(ctx, code("a")); err != nil {
		return err
	}
	return onlyOne("takers", awssso.ErrTaken, func(int) error {
		got, err := s.TakeCode(ctx, "hash-a")
		if got.Approval.PersonID != "person-a" {
			return fmt.Errorf("a taker was given %+v", got)
		}
		return err
	})
}

func codeBind(ctx context.Context, s awssso.Store) error {
	return run(
		func() error { return s.InsertCode(ctx, code("a")) },
		func() error { return is("not taken", s.BindCode(ctx, "hash-a", "family-a"), awssso.ErrTaken) },
		func() error { _, err := s.TakeCode(ctx, "hash-a"); return err },
		func() error { return s.BindCode(ctx, "hash-a", "family-a") },
		func() error { return is("bound", s.BindCode(ctx, "hash-a", "family-b"), awssso.ErrTaken) },
		func() error {
			got, err := s.TakeCode(ctx, "hash-a")
			if got.FamilyID != "family-a" {
				return fmt.Errorf("a reuse was told of family %q", got.FamilyID)
			}
			return is("reuse", err, awssso.ErrTaken)
		},
		func() error { return s.InsertCode(ctx, code("b")) },
		func() error { _, err := s.TakeCode(ctx, "hash-b"); return err },
		func() error { _, err := s.TakeCode(ctx, "hash-b"); return is("reuse", err, awssso.ErrTaken) },
		func() error {
			return is("reused before it was bound", s.BindCode(ctx, "hash-b", "family-b"), awssso.ErrTaken)
		},
	)
}

func familyRoundTrip(ctx context.Context, s awssso.Store) error {
	want, access := family("a"), token("a", awssso.AccessToken, 0)
	if err := s.InsertFamily(ctx, want, access, token("a", awssso.RefreshToken, 0)); err != nil {
		return err
	}
	gotToken, gotFamily, err := s.Token(ctx, awssso.AccessToken, access.Hash)
	if err != nil {
		return err
	}
	_, _, err = s.Token(ctx, awssso.AccessToken, "unknown")
	return run(
		func() error { return same("token", gotToken, access) },
		func() error { return same("family", gotFamily, want) },
		func() error { return is("unknown", err, awssso.ErrNotFound) },
		func() error { return is("again", s.InsertFamily(ctx, want), awssso.ErrTaken) },
	)
}

func tokenKinds(ctx context.Context, s awssso.Store) error {
	access := token("a", awssso.AccessToken, 0)
	if err := s.InsertFamily(ctx, family("a"), access); err != nil {
		return err
	}
	_, _, err := s.Token(ctx, awssso.RefreshToken, access.Hash)
	return is("access token as refresh token", err, awssso.ErrNotFound)
}

func rotateOnce(ctx context.Context, s awssso.Store) error {
	if err := s.InsertFamily(ctx, family("a"), token("a", awssso.RefreshToken, 0)); err != nil {
		return err
	}
	later := t0.Add(time.Minute)
	err := onlyOne("rotations", awssso.ErrTaken, func(int) error {
		return s.Rotate(ctx, "family-a", 0, "k2", later, token("a", awssso.AccessToken, 1), token("a", awssso.RefreshToken, 1))
	})
	if err != nil {
		return err
	}
	want := family("a")
	want.Generation, want.KeyID, want.Rotated = 1, "k2", later
	old, got, err := s.Token(ctx, awssso.RefreshToken, token("a", awssso.RefreshToken, 0).Hash)
	if err != nil {
		return err
	}
	fresh, _, err := s.Token(ctx, awssso.RefreshToken, token("a", awssso.RefreshToken, 1).Hash)
	if err != nil {
		return err
	}
	return run(
		func() error { return same("family", got, want) },
		func() error { return same("generation of the old token", old.Generation, 0) },
		func() error { return same("generation of the new token", fresh.Generation, 1) },
	)
}

func revoke(ctx context.Context, s awssso.Store) error {
	other := family("other")
	other.Approval = approval("a")
	other.Approval.SessionID = "session-other"
	ended := func(what string, want int, fn func() (int, error)) func() error {
		return func() error {
			n, err := fn()
			if err != nil {
				return err
			}
			return same(what, n, want)
		}
	}
	return run(
		func() error { return s.InsertFamily(ctx, family("a"), token("a", awssso.AccessToken, 0)) },
		func() error { return s.InsertFamily(ctx, other) },
		func() error { return s.InsertFamily(ctx, family("b"), token("b", awssso.AccessToken, 0)) },
		ended("RevokeFamily", 1, func() (int, error) { return s.RevokeFamily(ctx, "family-a", t0.Add(time.Minute)) }),
		ended("RevokeFamily again", 0, func() (int, error) { return s.RevokeFamily(ctx, "family-a", t0.Add(time.Hour)) }),
		ended("RevokePerson", 1, func() (int, error) { return s.RevokePerson(ctx, "person-a", t0.Add(time.Hour)) }),
		func() error {
			_, f, err := s.Token(ctx, awssso.AccessToken, token("a", awssso.AccessToken, 0).Hash)
			if err != nil {
				return fmt.Errorf("a revoked family must be found: %w", err)
			}
			return same("Revoked", f.Revoked, t0.Add(time.Minute))
		},
		func() error { return is("rotation", s.Rotate(ctx, "family-a", 0, "k", t0), awssso.ErrTaken) },
		func() error {
			_, f, err := s.Token(ctx, awssso.AccessToken, token("b", awssso.AccessToken, 0).Hash)
			if err != nil {
				return err
			}
			return same("another person's family", f.Revoked.IsZero(), true)
		},
		ended("RevokeSession", 1, func() (int, error) { return s.RevokeSession(ctx, "session-b", t0) }),
	)
}

func families(ctx context.Context, s awssso.Store) error {
	ids := func(fs []awssso.Family) (out []string) {
		for _, f := range fs {
			out = append(out, f.ID)
		}
		return out
	}
	for i, n := range []string{"one", "two", "three", "ended", "revoked"} {
		f := family(n)
		f.Approval, f.Created = approval("a"), t0.Add(time.Duration(i)*time.Minute)
		if n == "ended" {
			f.Expires = t0.Add(time.Hour)
		}
		if err := s.InsertFamily(ctx, f); err != nil {
			return err
		}
	}
	if err := s.InsertFamily(ctx, family("foreign")); err != nil {
		return err
	}
	if _, err := s.RevokeFamily(ctx, "family-revoked", t0); err != nil {
		return err
	}
	got, err := s.Families(ctx, "person-a", t0.Add(time.Hour), 2)
	if err != nil {
		return err
	}
	if want := []string{"family-three", "family-two"}; !slices.Equal(ids(got), want) {
		return fmt.Errorf("Families: %v, want %v", ids(got), want)
	}
	return nil
}

func charge(ctx context.Context, s awssso.Store) error {
	won, err := race(12, awssso.ErrTooMany, func(int) error { return s.Charge(ctx, "k", 5, time.Minute, t0) })
	if err != nil {
		return err
	}
	later := t0.Add(time.Minute)
	return run(
		func() error { return same("attempts at once", won, 5) },
		func() error { return s.Charge(ctx, "other", 5, time.Minute, t0) },
		func() error { return s.Refund(ctx, "k") },
		func() error { return s.Charge(ctx, "k", 5, time.Minute, t0) },
		func() error {
			return is("full", s.Charge(ctx, "k", 5, time.Minute, later.Add(-time.Microsecond)), awssso.ErrTooMany)
		},
		func() error { return s.Charge(ctx, "k", 1, time.Minute, later) },
		func() error { return is("new window", s.Charge(ctx, "k", 1, time.Minute, later), awssso.ErrTooMany) },
		func() error { return s.Refund(ctx, "unknown") },
	)
}

func clients(ctx context.Context, s awssso.Store) error {
	before, err := s.Client(ctx, "c")
	if err != nil {
		return err
	}
	var after, other awssso.ClientState
	return run(
		func() error { return same("at first", before, awssso.ClientState{Epoch: 1}) },
		func() error { return s.DenyClient(ctx, "c", t0.Add(time.Hour)) },
		func() error { return s.DenyClient(ctx, "c", t0.Add(2*time.Hour)) },
		func() error { return s.RaiseEpoch(ctx, awssso.EpochClients) },
		func() error { after, err = s.Client(ctx, "c"); return err },
		func() error { other, err = s.Client(ctx, "d"); return err },
		func() error { return same("denied", after, awssso.ClientState{Epoch: 2, Denied: true}) },
		func() error { return same("another", other, awssso.ClientState{Epoch: 2}) },
	)
}

func grantsEpoch(ctx context.Context, s awssso.Store) error {
	access := token("a", awssso.AccessToken, 0)
	return run(
		func() error { return s.InsertDevice(ctx, device("a"), 10) },
		func() error { return s.InsertCode(ctx, code("a")) },
		func() error { return s.InsertFamily(ctx, family("a"), access) },
		func() error { return s.RaiseEpoch(ctx, awssso.EpochClients) },
		func() error { _, err := s.Device(ctx, "hash-a"); return err },
		func() error { return s.RaiseEpoch(ctx, awssso.EpochGrants) },
		func() error { _, err := s.Device(ctx, "hash-a"); return is("Device", err, awssso.ErrNotFound) },
		func() error {
			_, err := s.DeviceByUserCode(ctx, "user-a")
			return is("DeviceByUserCode", err, awssso.ErrNotFound)
		},
		func() error {
			return is("AnswerDevice", s.AnswerDevice(ctx, "hash-a", awssso.DeviceApproved, approval("a"), t0), awssso.ErrTaken)
		},
		func() error { _, err := s.TakeCode(ctx, "hash-a"); return is("TakeCode", err, awssso.ErrNotFound) },
		func() error {
			_, _, err := s.Token(ctx, awssso.AccessToken, access.Hash)
			return is("Token", err, awssso.ErrNotFound)
		},
		func() error {
			fs, err := s.Families(ctx, "person-a", t0, 10)
			if err != nil {
				return err
			}
			return same("Families", len(fs), 0)
		},
		func() error { return s.InsertFamily(ctx, family("b"), token("b", awssso.AccessToken, 0)) },
		func() error {
			_, _, err := s.Token(ctx, awssso.AccessToken, token("b", awssso.AccessToken, 0).Hash)
			return err
		},
	)
}

var errUndo = errors.New("undo")

func transaction(ctx context.Context, s awssso.Store) error {
	steps := func(ctx context.Context) error {
		return run(
			func() error { return s.InsertDevice(ctx, device("a"), 10) },
			func() error { return s.AnswerDevice(ctx, "hash-a", awssso.DeviceApproved, approval("a"), t0) },
			func() error { return s.TakeDevice(ctx, "hash-a", "family-a") },
			func() error { return s.InsertCode(ctx, code("a")) },
			func() error { _, err := s.TakeCode(ctx, "hash-a"); return err },
			func() error { return s.BindCode(ctx, "hash-a", "family-a") },
			func() error { return s.InsertFamily(ctx, family("a"), token("a", awssso.AccessToken, 0)) },
			func() error { return s.Rotate(ctx, "family-a", 0, "k2", t0, token("a", awssso.AccessToken, 1)) },
			func() error { _, err := s.RevokeFamily(ctx, "family-a", t0); return err },
			func() error { return s.Charge(ctx, "k", 1, time.Hour, t0) },
			func() error { return s.DenyClient(ctx, "c", t0.Add(time.Hour)) },
		)
	}
	err := s.InTx(ctx, func(ctx context.Context) error {
		return errors.Join(s.InTx(ctx, steps), errUndo)
	})
	if err := is("InTx", err, errUndo); err != nil {
		return err
	}
	if err := run(
		func() error {
			_, err := s.Device(ctx, "hash-a")
			return is("Device after roll-back", err, awssso.ErrNotFound)
		},
		func() error {
			_, err := s.TakeCode(ctx, "hash-a")
			return is("TakeCode after roll-back", err, awssso.ErrNotFound)
		},
		func() error {
			_, _, err := s.Token(ctx, awssso.AccessToken, token("a", awssso.AccessToken, 0).Hash)
			return is("Token after roll-back", err, awssso.ErrNotFound)
		},
		func() error { return s.Charge(ctx, "k", 1, time.Hour, t0) },
		func() error { return s.Refund(ctx, "k") },
		func() error {
			c, err := s.Client(ctx, "c")
			return errors.Join(err, same("Client after roll-back", c.Denied, false))
		},
		func() error { return s.InTx(ctx, steps) },
	); err != nil {
		return err
	}
	_, f, err := s.Token(ctx, awssso.AccessToken, token("a", awssso.AccessToken, 1).Hash)
	if err != nil {
		return fmt.Errorf("after commit: %w", err)
	}
	return same("revoked after commit", f.Revoked.IsZero(), false)
}

func transactionEnds(ctx context.Context, s awssso.Store) error {
	var kept context.Context
	if err := s.InTx(ctx, func(ctx context.Context) error { kept = ctx; return nil }); err != nil {
		return err
	}
	if err := s.InsertCode(kept, code("a")); err == nil {
		return errors.New("a write with an ended transaction's context succeeded")
	}
	_, err := s.TakeCode(ctx, "hash-a")
	return is("the row", err, awssso.ErrNotFound)
}

func deleteExpired(ctx context.Context, s awssso.Store) error {
	short := family("short")
	short.Expires = t0.Add(time.Minute)
	now := t0.Add(10*time.Minute + awssso.Grace)
	long := device("long")
	long.Expires = now
	return run(
		func() error { return s.InsertDevice(ctx, device("a"), 10) },
		func() error { return s.InsertDevice(ctx, long, 10) },
		func() error { return s.InsertCode(ctx, code("a")) },
		func() error { return s.InsertFamily(ctx, short, token("short", awssso.AccessToken, 0)) },
		func() error { return s.InsertFamily(ctx, family("a"), token("a", awssso.AccessToken, 0)) },
		func() error { return s.Charge(ctx, "k", 1, time.Minute, t0) },
		func() error { return s.DenyClient(ctx, "c", t0.Add(time.Minute)) },
		func() error {
			n, err := s.DeleteExpired(ctx, t0, 100)
			return errors.Join(err, same("too early", n, 0))
		},
		func() error {
			n, err := s.DeleteExpired(ctx, now, 100)
			return errors.Join(err, same("device, code, family, attempt, denied client", n, 5))
		},
		func() error { _, err := s.Device(ctx, "hash-a"); return is("expired device", err, awssso.ErrNotFound) },
		func() error { _, err := s.Device(ctx, "hash-long"); return err },
		func() error {
			_, _, err := s.Token(ctx, awssso.AccessToken, token("short", awssso.AccessToken, 0).Hash)
			return is("expired family", err, awssso.ErrNotFound)
		},
		func() error {
			_, _, err := s.Token(ctx, awssso.AccessToken, token("a", awssso.AccessToken, 0).Hash)
			return err
		},
		func() error {
			return run(
				func() error { return s.InsertFamily(ctx, short) },
				func() error { f := short; f.ID = "family-2"; return s.InsertFamily(ctx, f) },
				func() error {
					n, err := s.DeleteExpired(ctx, now, 1)
					return errors.Join(err, same("limit", n, 1))
				},
			)
		},
	)
}
