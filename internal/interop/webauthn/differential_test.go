// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	guest "github.com/go-webauthn/webauthn/webauthn"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
	"github.com/gatehouse-id/gatehouse/mfa/webauthn"
)

const (
	rpID   = "example.org"
	origin = "https://example.org"
)

// oracle judges the same ceremonies with go-webauthn.
type oracle struct {
	w          *guest.WebAuthn
	handle     []byte
	credential guest.Credential
}

func (o *oracle) WebAuthnID() []byte                      { return o.handle }
func (o *oracle) WebAuthnName() string                    { return "ann" }
func (o *oracle) WebAuthnDisplayName() string             { return "ann" }
func (o *oracle) WebAuthnCredentials() []guest.Credential { return []guest.Credential{o.credential} }

func (o *oracle) register(options, answer []byte) error {
	var c struct {
		Challenge        string
		User             struct{ ID string }
		PubKeyCredParams []protocol.CredentialParameter
	}
	if err := json.Unmarshal(options, &c); err != nil {
		return err
	}
	var err error
	if o.handle, err = base64.RawURLEncoding.DecodeString(c.User.ID); err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return err
	}
	got, err := o.w.CreateCredential(o, guest.SessionData{
		Challenge: c.Challenge, RelyingPartyID: rpID, UserID: o.handle, UserVerification: protocol.VerificationPreferred, CredParams: c.PubKeyCredParams,
		Extensions: protocol.SessionExtensions{Requested: []string{"credProps"}},
	}, parsed)
	if err == nil {
		o.credential = *got
	}
	return err
}

func (o *oracle) login(options, answer []byte) error {
	var c struct{ Challenge string }
	if err := json.Unmarshal(options, &c); err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return err
	}
	_, err = o.w.ValidateLogin(o, guest.SessionData{
		Challenge: c.Challenge, RelyingPartyID: rpID, UserID: o.handle, UserVerification: protocol.VerificationRequired,
		AllowedCredentialIDs: [][]byte{o.credential.ID},
	}, parsed)
	return err
}

// mutation changes one part of an answer somewhere.
func mutation(r *rand.Rand, registration bool) mfatest.Tamper {
	f := func(b []byte) []byte {
		if len(b) == 0 {
			return append(b, byte(r.Uint32()))
		}
		i := r.IntN(len(b))
		switch r.IntN(5) {
		case 0:
			b[i] ^= 1 << r.IntN(8)
		case 1:
			b[i] = byte(r.Uint32())
		case 2:
			b = append(b[:i], b[i+1:]...)
		case 3:
			b = append(b[:i], append([]byte{byte(r.Uint32())}, b[i:]...)...)
		case 4:
			b = b[:i]
		}
		return b
	}
	kinds := 6
	if registration {
		kinds = 8
	}
	switch r.IntN(kinds) {
	case 0:
		return mfatest.Tamper{RawClientData: f}
	case 1, 2:
		return mfatest.Tamper{AuthData: f}
	case 3:
		return mfatest.Tamper{Signature: f}
	case 4:
		return mfatest.Tamper{JSON: f}
	case 6:
		return mfatest.Tamper{Key: f}
	case 7:
		return mfatest.Tamper{AttestationObject: f}
	}
	return mfatest.Tamper{UserHandle: f}
}

// TestNoLaxerThanGoWebAuthn: whatever passes here passes there too, of
// thousands of answers with a change somewhere.
func TestNoLaxerThanGoWebAuthn(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	f, err := webauthn.New(webauthn.Config{RPID: rpID, RPName: "x", Origins: []string{origin}, Key: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	w, err := guest.New(&guest.Config{
		RPID: rpID, RPDisplayName: "x", RPOrigins: []string{origin},
		// Outputs that nobody asked for are to be expected (7.1 step 19).
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	register := func(a *mfatest.Authenticator, tamper ...mfatest.Tamper) (e mfa.Enrolled, o *oracle, ours, theirs error) {
		begun, err := f.BeginEnrol(ctx, mfa.EnrolRequest{Subject: ann, Account: "ann", Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		answer, err := a.Register(begun.Public, tamper...)
		if err != nil {
			t.Fatal(err)
		}
		o = &oracle{w: w}
		theirs = o.register(begun.Public, answer)
		e, ours = f.FinishEnrol(ctx, mfa.FinishEnrolRequest{
			EnrolRequest: mfa.EnrolRequest{Subject: ann, Now: time.Now()}, State: begun.State, Answer: answer,
		})
		return e, o, ours, theirs
	}
	for _, alg := range []int{mfatest.ES256, mfatest.EdDSA} {
		a := mfatest.NewAuthenticator(origin)
		a.Algorithms, a.NoCounter = []int{alg}, true
		e, o, ours, theirs := register(a)
		if ours != nil || theirs != nil {
			t.Fatal(ours, theirs)
		}
		creds := []mfa.Credential{{Record: mfa.Record{ID: "r", Kind: mfa.KindWebAuthn, Key: e.Key, Public: e.Public}, Secret: e.Secret}}
		passed := 0
		for i := range 1500 {
			begun, err := f.Begin(ctx, mfa.BeginRequest{Subject: ann, Credentials: creds, Purpose: mfa.First, Now: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			answer, err := a.Login(begun.Public, mutation(r, false))
			if err != nil {
				t.Fatal(err)
			}
			_, ours := f.Verify(ctx, mfa.VerifyRequest{
				Subject: ann, Credentials: creds, Purpose: mfa.First, State: begun.State, Answer: answer, Now: time.Now(),
			})
			if ours == nil {
				passed++
				if theirs := o.login(begun.Public, answer); theirs != nil {
					t.Errorf("sign-in %d passes here, there %v: %s", i, theirs, answer)
				}
			} else if mfa.CheckOf(ours) == "" {
				t.Errorf("sign-in %d is a fault: %v", i, ours)
			}
		}
		t.Logf("algorithm %d: %d of 1500 changed sign-ins pass", alg, passed)

		for i := range 700 {
			b := mfatest.NewAuthenticator(origin)
			b.Algorithms, b.SelfAttest = a.Algorithms, i%2 == 0
			_, _, ours, theirs := register(b, mutation(r, true))
			if ours == nil && theirs != nil {
				t.Errorf("registration %d passes here, there %v", i, theirs)
			} else if ours != nil && mfa.CheckOf(ours) == "" {
				t.Errorf("registration %d is a fault: %v", i, ours)
			}
		}
	}
}
