// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	guest "github.com/go-webauthn/webauthn/webauthn"

	"github.com/gatehouse-id/gatehouse/internal/seal"
	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
	"github.com/gatehouse-id/gatehouse/mfa/webauthn"
)

const origin = "https://example.org"

// BenchmarkWebAuthnLogin is the finish of a sign-in beside the work that
// nobody can save, and beside go-webauthn, which takes no challenge, charges
// no attempt and keeps nothing.
//
// A machine that does other things at once slows some runs and not others, so
// every finish is measured in turns with the bare work: x-bare is the quotient.
//
//	bar: x-bare <= 1.25, allocations of finish <= those of go-webauthn
func BenchmarkWebAuthnLogin(b *testing.B) {
	b.Run("bare", benchBare)
	b.Run("finish", func(b *testing.B) { benchFinish(b, mfa.BeginInput{Subject: mfa.Subject{ID: "ann"}}, false) })
	b.Run("finish-usernameless", func(b *testing.B) { benchFinish(b, mfa.BeginInput{}, false) })
	b.Run("finish-synced", func(b *testing.B) { benchFinish(b, mfa.BeginInput{Subject: mfa.Subject{ID: "ann"}}, true) })
	b.Run("go-webauthn", benchGuest)
}

// benchBare verifies one ECDSA signature over authenticator data and the hash
// of client data.
func benchBare(b *testing.B) {
	verify := bare(b)
	b.ReportAllocs()
	for b.Loop() {
		if !verify() {
			b.Fatal("refused")
		}
	}
}

func bare(b *testing.B) func() bool {
	b.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	clientData, authData := make([]byte, 130), make([]byte, 37)
	digest := func() [32]byte {
		hash := sha256.Sum256(clientData)
		return sha256.Sum256(append(append(make([]byte, 0, 69), authData...), hash[:]...))
	}
	d := digest()
	sig, err := ecdsa.SignASN1(rand.Reader, k, d[:])
	if err != nil {
		b.Fatal(err)
	}
	return func() bool {
		d := digest()
		return ecdsa.VerifyASN1(&k.PublicKey, d[:], sig)
	}
}

type rig struct {
	flow *mfa.Flow
	a    *mfatest.Authenticator
}

func newRig(b *testing.B, a *mfatest.Authenticator) rig {
	b.Helper()
	factor, err := webauthn.New(webauthn.Config{RPID: "example.org", RPName: "x", Origins: []string{origin}, Key: make([]byte, 32)})
	if err != nil {
		b.Fatal(err)
	}
	keyring, err := seal.NewKeyring("1", map[string][]byte{"1": make([]byte, seal.KeySize)})
	if err != nil {
		b.Fatal(err)
	}
	flow, err := mfa.New(mfa.Config{Store: mfa.NewMemoryStore(1 << 20), Sealer: keyring, Factors: []mfa.Factor{factor}})
	if err != nil {
		b.Fatal(err)
	}
	ch, err := flow.BeginEnrol(context.Background(), mfa.EnrolInput{
		Kind: mfa.KindWebAuthn, Subject: mfa.Subject{ID: "ann"}, Account: "ann", Session: "s",
		Authenticated: []mfa.Evidence{{Kind: mfa.KindTOTP, At: time.Now(), Factor: true}},
	})
	if err != nil {
		b.Fatal(err)
	}
	answer, err := a.Register(ch.Public)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := flow.FinishEnrol(context.Background(), ch.ID, mfa.EnrolAnswer{Session: "s", Data: answer}, nil); err != nil {
		b.Fatal(err)
	}
	return rig{flow, a}
}

func benchFinish(b *testing.B, in mfa.BeginInput, synced bool) {
	a := mfatest.NewAuthenticator(origin)
	a.Algorithms, a.NoCounter, a.Synced = []int{mfatest.ES256}, synced, synced
	r := newRig(b, a)
	in.Kind, in.Purpose, in.Session = mfa.KindWebAuthn, mfa.First, "s"
	const batch, turn = 512, 64 // challenges are made outside of the measured time
	var ids [batch]string
	var answers [batch][]byte
	refill := func() {
		for i := range ids {
			ch, err := r.flow.Begin(context.Background(), in)
			if err != nil {
				b.Fatal(err)
			}
			ids[i] = ch.ID
			if answers[i], err = a.Login(ch.Public); err != nil {
				b.Fatal(err)
			}
		}
	}
	verify := bare(b)
	var bareTime time.Duration
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if i%turn == 0 {
			b.StopTimer()
			if i%batch == 0 {
				refill()
			}
			start := time.Now()
			for range min(turn, b.N-i) {
				verify()
			}
			bareTime += time.Since(start)
			b.StartTimer()
		}
		if _, err := r.flow.Finish(context.Background(), ids[i%batch], mfa.Answer{Session: "s", Data: answers[i%batch]}, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed())/float64(bareTime), "x-bare")
}

type guestUser struct{ credentials []guest.Credential }

func (u *guestUser) WebAuthnID() []byte                      { return bytes.Repeat([]byte{1}, 32) }
func (u *guestUser) WebAuthnName() string                    { return "ann" }
func (u *guestUser) WebAuthnDisplayName() string             { return "ann" }
func (u *guestUser) WebAuthnCredentials() []guest.Credential { return u.credentials }

func benchGuest(b *testing.B) {
	w, err := guest.New(&guest.Config{RPID: "example.org", RPDisplayName: "x", RPOrigins: []string{origin}})
	if err != nil {
		b.Fatal(err)
	}
	u := &guestUser{}
	a := mfatest.NewAuthenticator(origin)
	a.Algorithms = []int{mfatest.ES256}
	creation, session, err := w.BeginRegistration(u)
	if err != nil {
		b.Fatal(err)
	}
	answer, err := a.Register(encode(b, creation), mfatest.Tamper{Answer: func(m map[string]any) { m["clientExtensionResults"] = map[string]any{} }})
	if err != nil {
		b.Fatal(err)
	}
	registered, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		b.Fatal(err)
	}
	credential, err := w.CreateCredential(u, *session, registered)
	if err != nil {
		b.Fatal(err)
	}
	u.credentials = []guest.Credential{*credential}
	request, session, err := w.BeginLogin(u)
	if err != nil {
		b.Fatal(err)
	}
	if answer, err = a.Login(encode(b, request)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.ValidateLogin(u, *session, parsed); err != nil {
			b.Fatal(err)
		}
	}
}

func encode(b *testing.B, v any) []byte {
	b.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	return raw
}
