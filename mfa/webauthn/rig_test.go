// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/seal"
	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
	"github.com/gatehouse-id/gatehouse/mfa/webauthn"
)

const (
	rpID   = "example.org"
	origin = "https://example.org"
)

// rig is a flow with this factor alone.
type rig struct {
	t      testing.TB
	flow   *mfa.Flow
	factor *webauthn.Factor
}

func newRig(t testing.TB, change ...func(*webauthn.Config)) *rig {
	t.Helper()
	c := webauthn.Config{RPID: rpID, RPName: "Example", Origins: []string{origin}, Key: bytes.Repeat([]byte{7}, 32)}
	for _, f := range change {
		f(&c)
	}
	factor, err := webauthn.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return rigOver(t, factor, mfa.NewMemoryStore(10_000), newSealer(t))
}

func newSealer(t testing.TB) mfa.Sealer {
	t.Helper()
	keyring, err := seal.NewKeyring("1", map[string][]byte{"1": bytes.Repeat([]byte{1}, seal.KeySize)})
	if err != nil {
		t.Fatal(err)
	}
	return keyring
}

func rigOver(t testing.TB, factor *webauthn.Factor, store mfa.Store, sealer mfa.Sealer) *rig {
	t.Helper()
	r := &rig{t: t, factor: factor}
	flow, err := mfa.New(mfa.Config{Store: store, Sealer: sealer, Factors: []mfa.Factor{factor}})
	if err != nil {
		t.Fatal(err)
	}
	r.flow = flow
	return r
}

func person(id string) mfa.Subject { return mfa.Subject{Tenant: "t", ID: id} }

// proved is a first factor of someone, and a fresh factor of ours.
func proved() []mfa.Evidence {
	return []mfa.Evidence{{Kind: mfa.KindPassword, At: time.Now()}, {Kind: mfa.KindTOTP, At: time.Now(), Factor: true}}
}

func (r *rig) beginEnrol(id string, o webauthn.Options) *mfa.Challenge {
	r.t.Helper()
	ch, err := r.flow.BeginEnrol(context.Background(), mfa.EnrolInput{
		Subject: person(id), Kind: mfa.KindWebAuthn, Account: id, Session: "s-" + id, Authenticated: proved(), Options: o.JSON(),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return ch
}

// enrol registers the authenticator for someone.
func (r *rig) enrol(id string, a *mfatest.Authenticator, tamper ...mfatest.Tamper) (mfa.Record, error) {
	r.t.Helper()
	ch := r.beginEnrol(id, webauthn.Options{})
	answer, err := a.Register(ch.Public, tamper...)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.finishEnrol(id, ch, answer)
}

func (r *rig) finishEnrol(id string, ch *mfa.Challenge, answer []byte) (mfa.Record, error) {
	return r.flow.FinishEnrol(context.Background(), ch.ID, mfa.EnrolAnswer{Session: "s-" + id, Data: answer}, nil)
}

func (r *rig) mustEnrol(id string, a *mfatest.Authenticator) mfa.Record {
	r.t.Helper()
	rec, err := r.enrol(id, a)
	if err != nil {
		r.t.Fatal(err)
	}
	return rec
}

// begin starts a sign-in: of someone with a passkey, or usernameless if id is
// empty.
func (r *rig) begin(in mfa.BeginInput) *mfa.Challenge {
	r.t.Helper()
	in.Kind, in.Session = mfa.KindWebAuthn, "browser"
	if in.Purpose == "" {
		in.Purpose = mfa.First
	}
	if in.Purpose != mfa.First {
		in.Authenticated = proved()
	}
	ch, err := r.flow.Begin(context.Background(), in)
	if err != nil {
		r.t.Fatal(err)
	}
	return ch
}

func (r *rig) finish(ch *mfa.Challenge, answer []byte) (mfa.Result, error) {
	return r.flow.Finish(context.Background(), ch.ID, mfa.Answer{Session: "browser", Data: answer}, nil)
}

// login signs in with the authenticator.
func (r *rig) login(in mfa.BeginInput, a *mfatest.Authenticator, tamper ...mfatest.Tamper) (mfa.Result, error) {
	r.t.Helper()
	ch := r.begin(in)
	answer, err := a.Login(ch.Public, tamper...)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.finish(ch, answer)
}

func wantCheck(t testing.TB, err error, want mfa.Check) {
	t.Helper()
	if got := mfa.CheckOf(err); got != want {
		t.Errorf("refused by %q (%v), want %q", got, err, want)
	}
}
