// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/code"
	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
)

func TestEnrolNeedsTicketOrFreshFactor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	begin := func(change func(*mfa.EnrolInput)) (*mfa.Challenge, error) {
		in := mfa.EnrolInput{Subject: alice, Kind: mfa.KindTOTP, Session: session}
		change(&in)
		return r.flow.BeginEnrol(ctx, in)
	}
	refused := func(what string, c mfa.Check, change func(*mfa.EnrolInput)) {
		t.Helper()
		_, err := begin(change)
		r.want(what, err, c)
	}
	refused("nothing", mfa.CheckFresh, func(*mfa.EnrolInput) {})
	refused("a password", mfa.CheckFresh, func(in *mfa.EnrolInput) { in.Authenticated = r.password() })
	old := r.fresh()
	r.pass(5*time.Minute + time.Microsecond)
	refused("an old factor", mfa.CheckFresh, func(in *mfa.EnrolInput) { in.Authenticated = old })
	refused("an upstream's factor", mfa.CheckFresh, func(in *mfa.EnrolInput) {
		in.Authenticated = []mfa.Evidence{{Kind: "saml", Source: "idp", Factor: true, At: r.clock()}}
	})
	refused("a fallback", mfa.CheckFresh, func(in *mfa.EnrolInput) {
		in.Authenticated = []mfa.Evidence{{Kind: mfa.KindMail, Factor: true, Fallback: true, At: r.clock()}}
	})
	refused("a factor of the future", mfa.CheckFresh, func(in *mfa.EnrolInput) {
		in.Authenticated = []mfa.Evidence{{Kind: mfa.KindTOTP, Factor: true, At: r.clock().Add(time.Hour)}}
	})
	refused("an unknown ticket", mfa.CheckTicket, func(in *mfa.EnrolInput) { in.Ticket = "f.unknown" })
	refused("a huge ticket", mfa.CheckTicket, func(in *mfa.EnrolInput) { in.Ticket = strings.Repeat("x", 4000) })
	refused("a factor that nobody enrols", mfa.CheckKind, func(in *mfa.EnrolInput) { in.Kind, in.Ticket = mfa.KindMail, r.ticket() })
	refused("another's ticket", mfa.CheckTicket, func(in *mfa.EnrolInput) { in.Subject.ID, in.Ticket = "bob", r.ticket() })
	expired := r.ticket()
	r.pass(10 * time.Minute)
	refused("an expired ticket", mfa.CheckTicket, func(in *mfa.EnrolInput) { in.Ticket = expired })
	if _, err := begin(func(in *mfa.EnrolInput) { in.Authenticated = r.fresh() }); err != nil {
		t.Errorf("a fresh factor: %v", err)
	}
}

func TestTicketIsSpentOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	first, err := r.flow.IssueTicket(ctx, mfa.TicketInput{Subject: alice})
	if err != nil {
		t.Fatal(err)
	}
	changed := "a" + first[1:]
	begin := func(ticket string) (*mfa.Challenge, error) {
		return r.flow.BeginEnrol(ctx, mfa.EnrolInput{Subject: alice, Kind: mfa.KindTOTP, Session: session, Ticket: ticket})
	}
	_, err = begin(changed)
	r.want("a ticket made to be good with factors", err, mfa.CheckTicket)
	r.want("a look at the ticket", r.flow.CheckTicket(ctx, alice, first), "")
	one, err := begin(first)
	if err != nil {
		t.Fatal(err)
	}
	two, err := begin(first) // the page was loaded again
	if err != nil {
		t.Fatal(err)
	}
	devices := map[string]*mfatest.TOTPDevice{}
	for _, ch := range []*mfa.Challenge{one, two} {
		if devices[ch.ID], err = mfatest.ScanTOTP(ch); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.finishEnrol(two.ID, "000000"); mfa.CheckOf(err) != mfa.CheckWrong {
		t.Errorf("a wrong code: %v", err)
	}
	rec, err := r.finishEnrol(two.ID, devices[two.ID].Code(r.clock()))
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := rec.Proof(); !ok || e.Kind != mfa.KindTOTP || !e.Factor || e.RecordID != rec.ID {
		t.Errorf("proof %+v, %v", e, ok)
	}
	_, err = r.finishEnrol(one.ID, devices[one.ID].Code(r.clock()))
	r.want("the ticket a second time", err, mfa.CheckTicket)
	_, err = begin(first)
	r.want("the spent ticket", err, mfa.CheckTicket)
	r.want("a look at the spent ticket", r.flow.CheckTicket(ctx, alice, first), mfa.CheckTicket)
	another, err := r.flow.IssueTicket(ctx, mfa.TicketInput{Subject: alice})
	if err != nil {
		t.Fatal(err)
	}
	_, err = begin(another)
	r.want("a ticket for a first factor with a factor", err, mfa.CheckTicket)
}

func TestEnrolmentSpendsItsCode(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ch := r.beginEnrol(mfa.KindTOTP, "")
	d, err := mfatest.ScanTOTP(ch)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.finishEnrol(ch.ID, d.Code(r.clock())); err != nil {
		t.Fatal(err)
	}
	r.want("the code of the enrolment", r.answer(mfa.KindTOTP, d.Code(r.clock())), mfa.CheckReused)
}

func TestLimitAndNames(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.enrolTOTP()
	r.enrolTOTP()
	ch := r.beginEnrol(mfa.KindTOTP, "")
	d, err := mfatest.ScanTOTP(ch)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.finishEnrol(ch.ID, d.Code(r.clock()))
	r.want("a third of two", err, mfa.CheckLimit)
	ch = r.beginEnrol(mfa.KindTOTP, "")
	for _, name := range []string{strings.Repeat("x", 65), "a\nb", "a\u202eb", "\xff"} {
		_, err := r.flow.FinishEnrol(t.Context(), ch.ID, mfa.EnrolAnswer{Session: session, Name: name, Data: []byte("1")}, nil)
		r.want("the name "+name, err, mfa.CheckInput)
	}
}

func TestChangesNeedFreshFactor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	d := r.enrolTOTP()
	r.enrolRecovery()
	ch := r.begin(mfa.KindTOTP)
	res, err := r.finish(ch.ID, d.Code(r.clock()))
	if err != nil {
		t.Fatal(err)
	}
	in := mfa.ChangeInput{Subject: alice, RecordID: res.RecordID, Authenticated: r.password()}
	r.want("remove after a password", r.flow.Remove(ctx, in, nil), mfa.CheckFresh)
	r.want("rename after a password", r.flow.Rename(ctx, in, "phone", nil), mfa.CheckFresh)
	in.Authenticated = append(r.password(), res.Evidence)
	r.want("rename", r.flow.Rename(ctx, in, " my phone ", nil), "")
	r.want("rename to nothing", r.flow.Rename(ctx, in, " ", nil), mfa.CheckInput)
	other := in
	other.RecordID = "unknown"
	r.want("remove what is not there", r.flow.Remove(ctx, other, nil), mfa.CheckCredential)
	other = in
	other.Subject.ID = "bob"
	r.want("remove with another's proof", r.flow.Remove(ctx, other, nil), mfa.CheckFresh)
	other.Authenticated = r.fresh()
	r.want("remove another's", r.flow.Remove(ctx, other, nil), mfa.CheckCredential)
	records, err := r.flow.Records(ctx, alice)
	if err != nil || len(records) != 2 || records[0].Name != "my phone" {
		t.Fatalf("records %+v, %v", records, err)
	}
	r.want("remove", r.flow.Remove(ctx, in, nil), "")
	in.RecordID, in.Authenticated = records[1].ID, r.fresh()
	r.want("remove the last", r.flow.Remove(ctx, in, nil), "")
	if !r.had(mfa.EventRenamed) || !r.had(mfa.EventRemoved) || !r.had(mfa.EventRemovedLast) {
		t.Errorf("events %+v", r.events)
	}
}

// TestChangesEndTrust: browsers trusted by a person's former factors are
// trusted no more.
func TestChangesEndTrust(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(r *rig, res mfa.Result) error{
		"enrolment": func(r *rig, _ mfa.Result) error { r.enrolRecovery(); return nil },
		"provision": func(r *rig, _ mfa.Result) error { r.provision(""); return nil },
		"removal": func(r *rig, res mfa.Result) error {
			return r.flow.Remove(t.Context(), mfa.ChangeInput{Subject: alice, RecordID: res.RecordID, Authenticated: r.fresh()}, nil)
		},
		"reset of one": func(r *rig, res mfa.Result) error {
			return r.flow.Reset(t.Context(), mfa.ResetInput{Subject: alice, RecordID: res.RecordID, Actor: "admin"}, nil)
		},
		"reset": func(r *rig, _ mfa.Result) error {
			return r.flow.Reset(t.Context(), mfa.ResetInput{Subject: alice, Actor: "admin"}, nil)
		},
		"forgetting": func(r *rig, _ mfa.Result) error { return r.flow.Forget(t.Context(), alice) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			d := r.enrolTOTP()
			res, err := r.finish(r.begin(mfa.KindTOTP).ID, d.Code(r.clock()))
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := r.flow.TrustDevice(t.Context(), res, "laptop", time.Hour); err != nil {
				t.Fatal(err)
			}
			if err := change(r, res); err != nil {
				t.Fatal(err)
			}
			if devices, err := r.flow.Devices(t.Context(), alice); err != nil || len(devices) != 0 {
				t.Errorf("trusted devices: %v, %v", devices, err)
			}
		})
	}
}

// TestProofOfGoneFactor: what a factor proved changes factors no more once the
// person or an administrator has removed it.
func TestProofOfGoneFactor(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(*rig, mfa.Result) error{
		"removed": func(r *rig, res mfa.Result) error {
			return r.flow.Remove(t.Context(), mfa.ChangeInput{Subject: alice, RecordID: res.RecordID, Authenticated: []mfa.Evidence{res.Evidence}}, nil)
		},
		"reset": func(r *rig, res mfa.Result) error {
			return r.flow.Reset(t.Context(), mfa.ResetInput{Subject: alice, RecordID: res.RecordID, Actor: "admin"}, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			ctx := t.Context()
			d := r.enrolTOTP()
			r.enrolRecovery()
			res, err := r.finish(r.begin(mfa.KindTOTP).ID, d.Code(r.clock()))
			if err != nil {
				t.Fatal(err)
			}
			thief := append(r.password(), res.Evidence)
			begin := mfa.EnrolInput{Subject: alice, Kind: mfa.KindTOTP, Session: session, Authenticated: thief}
			_, err = r.flow.BeginEnrol(ctx, begin)
			r.want("before", err, "")
			if err := remove(r, res); err != nil {
				t.Fatal(err)
			}
			_, err = r.flow.BeginEnrol(ctx, begin)
			r.want("to enrol", err, mfa.CheckFresh)
			left, err := r.flow.Records(ctx, alice)
			if err != nil || len(left) != 1 {
				t.Fatal(left, err)
			}
			in := mfa.ChangeInput{Subject: alice, RecordID: left[0].ID, Authenticated: thief}
			r.want("to remove the last", r.flow.Remove(ctx, in, nil), mfa.CheckFresh)
			r.want("to rename", r.flow.Rename(ctx, in, "mine", nil), mfa.CheckFresh)
			if ok, err := r.flow.Fresh(ctx, alice, thief); ok || err != nil {
				t.Errorf("fresh: %v, %v", ok, err)
			}
		})
	}
}

// TestRemovalEndsEnrolments: a thief's enrolment that was begun is not finished
// after the person or an administrator stepped in.
func TestRemovalEndsEnrolments(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	begin := func() (*mfa.Challenge, *mfatest.TOTPDevice) {
		t.Helper()
		ch, err := r.flow.BeginEnrol(ctx, mfa.EnrolInput{Subject: alice, Kind: mfa.KindTOTP, Session: session, Authenticated: r.fresh()})
		if err != nil {
			t.Fatal(err)
		}
		d, err := mfatest.ScanTOTP(ch)
		if err != nil {
			t.Fatal(err)
		}
		return ch, d
	}
	for name, end := range map[string]func() error{
		"removal": func() error {
			records, err := r.flow.Records(ctx, alice)
			if err != nil {
				return err
			}
			return r.flow.Remove(ctx, mfa.ChangeInput{Subject: alice, RecordID: records[0].ID, Authenticated: r.fresh()}, nil)
		},
		"reset":  func() error { return r.flow.Reset(ctx, mfa.ResetInput{Subject: alice, Actor: "admin"}, nil) },
		"forget": func() error { return r.flow.Forget(ctx, alice) },
	} {
		r.enrolTOTP()
		ch, d := begin()
		mail := r.begin(mfa.KindMail)
		if err := end(); err != nil {
			t.Fatal(err)
		}
		_, err := r.finishEnrol(ch.ID, d.Code(r.clock()))
		r.want("an enrolment after "+name, err, mfa.CheckChallenge)
		if name == "forget" {
			_, err = r.finish(mail.ID, r.last().Code)
			r.want("a code of who is forgotten", err, mfa.CheckChallenge)
		}
	}
}

func TestResetAndForget(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	r.enrolTOTP()
	r.enrolRecovery()
	r.want("a wrong code", r.answer(mfa.KindTOTP, "000000"), mfa.CheckWrong)
	records, _ := r.flow.Records(ctx, alice)
	if err := r.flow.Reset(ctx, mfa.ResetInput{Subject: alice}, nil); err == nil {
		t.Error("reset by nobody")
	}
	r.want("reset of what is not there", r.flow.Reset(ctx, mfa.ResetInput{Subject: alice, RecordID: "x", Actor: "admin"}, nil), mfa.CheckCredential)
	r.want("reset of one", r.flow.Reset(ctx, mfa.ResetInput{Subject: alice, RecordID: records[0].ID, Actor: "admin"}, nil), "")
	if left, _ := r.flow.Records(ctx, alice); len(left) != 1 {
		t.Errorf("left %v", left)
	}
	r.want("reset of all", r.flow.Reset(ctx, mfa.ResetInput{Subject: alice, Actor: "admin"}, nil), "")
	if left, _ := r.flow.Records(ctx, alice); len(left) != 0 || !r.had(mfa.EventReset) {
		t.Errorf("left %v", left)
	}
	if cs, _ := r.store.Counters(ctx, alice); len(cs) != 0 {
		t.Errorf("counters %v", cs)
	}
	r.enrolTOTP()
	if err := r.flow.Forget(ctx, alice); err != nil {
		t.Fatal(err)
	}
	if left, _ := r.flow.Records(ctx, alice); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// provision makes a temporary pass.
func (r *rig) provision(options string) (mfa.Record, string) {
	r.t.Helper()
	rec, shown, err := r.flow.Provision(r.t.Context(), mfa.ProvisionInput{
		Subject: alice, Kind: mfa.KindPass, Actor: "admin", Options: json.RawMessage(options),
	}, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	var p code.PassShown
	if err := json.Unmarshal(shown, &p); err != nil {
		r.t.Fatal(err)
	}
	return rec, p.Pass
}
