// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
	"github.com/gatehouse-id/gatehouse/mfa/webauthn"
)

// hexBytes are bytes that a vector writes in hexadecimal.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

type vector struct {
	Name, Expect string
	Registration struct {
		Challenge, ClientDataJSON, AttestationObject hexBytes
		CredentialID                                 hexBytes `json:"credential_id"`
	}
	Authentication struct {
		Challenge, ClientDataJSON, AuthenticatorData, Signature hexBytes
	}
}

type vectors struct {
	RPID, Origin, TopOrigin string
	Cases                   []vector
	AttestationRoot         struct {
		Cert hexBytes `json:"attestation_ca_cert"`
	}
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	b, err := os.ReadFile("testdata/w3c-l3.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// named is the vector of that name.
func (v *vectors) named(t testing.TB, name string) *vector {
	t.Helper()
	for i := range v.Cases {
		if v.Cases[i].Name == name {
			return &v.Cases[i]
		}
	}
	t.Fatal(name)
	return nil
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func answer(t testing.TB, id []byte, response map[string]any) []byte {
	t.Helper()
	b, err := json.Marshal(map[string]any{
		"id": b64(id), "rawId": b64(id), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// attests reports whether the vector's root makes it trusted. The description
// of the Android key says neither that the phone made it nor what for (8.4).
func (v *vector) attests() bool {
	return v.Name[:4] != "none" && v.Name != "packed-self-es256" && v.Name != "android-key-es256"
}

func (v *vector) registerAnswer(t testing.TB) []byte {
	r := &v.Registration
	return answer(t, r.CredentialID, map[string]any{
		"clientDataJSON": b64(r.ClientDataJSON), "attestationObject": b64(r.AttestationObject),
	})
}

func (v *vector) loginAnswer(t testing.TB) []byte {
	a := &v.Authentication
	return answer(t, v.Registration.CredentialID, map[string]any{
		"clientDataJSON": b64(a.ClientDataJSON), "authenticatorData": b64(a.AuthenticatorData), "signature": b64(a.Signature),
	})
}

// fed is a factor that makes the challenge that it is told.
type fed struct {
	*webauthn.Factor
	challenge []byte
}

func newFed(t testing.TB, c webauthn.Config) *fed {
	t.Helper()
	f := &fed{}
	c.Rand = f
	var err error
	if f.Factor, err = webauthn.New(c); err != nil {
		t.Fatal(err)
	}
	return f
}

// Read is of Config.Rand.
func (f *fed) Read(b []byte) (int, error) { return copy(b, f.challenge), nil }

func (f *fed) BeginEnrol(ctx context.Context, r mfa.EnrolRequest) (mfa.Begun, error) {
	b, err := f.Factor.BeginEnrol(ctx, r)
	return f.long(b, err)
}

func (f *fed) Begin(ctx context.Context, r mfa.BeginRequest) (mfa.Begun, error) {
	b, err := f.Factor.Begin(ctx, r)
	return f.long(b, err)
}

// long makes a challenge that is longer than the factor's.
func (f *fed) long(b mfa.Begun, err error) (mfa.Begun, error) {
	if err == nil && len(f.challenge) > 32 {
		b.State, err = webauthn.WithChallenge(b.State, f.challenge)
	}
	return b, err
}

// registered is a vector's credential in a store of its own.
type registered struct {
	mfa.Record
	store  mfa.Store
	sealer mfa.Sealer
}

func (e *registered) flow(t testing.TB, f *fed) *mfa.Flow {
	t.Helper()
	flow, err := mfa.New(mfa.Config{
		Store: e.store, Sealer: e.sealer, Factors: []mfa.Factor{f}, Lockout: mfa.Lockout{Tries: 1000},
	})
	if err != nil {
		t.Fatal(err)
	}
	return flow
}

func (v *vector) register(t testing.TB, f *fed) (*registered, error) {
	t.Helper()
	e := &registered{store: mfa.NewMemoryStore(1000), sealer: newSealer(t)}
	flow := e.flow(t, f)
	f.challenge = v.Registration.Challenge
	ch, err := flow.BeginEnrol(t.Context(), mfa.EnrolInput{
		Subject: person("w3c"), Kind: mfa.KindWebAuthn, Session: "browser", Authenticated: proved(),
	})
	if err != nil {
		t.Fatal(err)
	}
	e.Record, err = flow.FinishEnrol(t.Context(), ch.ID, mfa.EnrolAnswer{Session: "browser", Data: v.registerAnswer(t)}, nil)
	return e, err
}

func (v *vector) login(t testing.TB, f *fed, e *registered) (mfa.Evidence, error) {
	t.Helper()
	flow := e.flow(t, f)
	f.challenge = v.Authentication.Challenge
	ch, err := flow.Begin(t.Context(), mfa.BeginInput{
		Subject: person("w3c"), Kind: mfa.KindWebAuthn, Purpose: mfa.Second, Session: "browser", Authenticated: proved(),
	})
	if err != nil {
		t.Fatal(err)
	}
	res, err := flow.Finish(t.Context(), ch.ID, mfa.Answer{Session: "browser", Data: v.loginAnswer(t)}, nil)
	return res.Evidence, err
}

// vectorFactor trusts the vectors' root and accepts all algorithms.
func vectorFactor(t testing.TB, v vectors, change func(*webauthn.Config)) *fed {
	t.Helper()
	root, err := x509.ParseCertificate(v.AttestationRoot.Cert)
	if err != nil {
		t.Fatal(err)
	}
	c := webauthn.Config{
		RPID: v.RPID, RPName: "W3C", Origins: []string{v.Origin}, Key: make([]byte, 32), UserVerification: webauthn.Discouraged,
		Algorithms:  []webauthn.Algorithm{webauthn.ES256, webauthn.ES384, webauthn.ES512, webauthn.RS256, webauthn.EdDSA},
		Attestation: webauthn.Attestation{Roots: []*x509.Certificate{root}, TrustSoftwareKeys: true},
	}
	if change != nil {
		change(&c)
	}
	return newFed(t, c)
}

// TestW3CVectors runs the test vectors of WebAuthn Level 3 (16) through a flow.
func TestW3CVectors(t *testing.T) {
	v := readVectors(t)
	strict := vectorFactor(t, v, nil)
	embedded := vectorFactor(t, v, func(c *webauthn.Config) { c.AllowCrossOrigin = true })
	listed := vectorFactor(t, v, func(c *webauthn.Config) { c.AllowCrossOrigin, c.TopOrigins = true, []string{v.TopOrigin} })
	if len(v.Cases) != 15 {
		t.Fatalf("%d vectors", len(v.Cases))
	}
	for _, c := range v.Cases {
		t.Run(c.Name, func(t *testing.T) {
			f := strict
			switch c.Name {
			case "packed-ed448":
				_, err := c.register(t, f)
				wantCheck(t, err, webauthn.CheckAlgorithm)
				return
			case "none-es256-crossOrigin":
				_, err := c.register(t, f)
				wantCheck(t, err, webauthn.CheckCrossOrigin)
				_, err = c.register(t, listed) // who embeds is not told
				wantCheck(t, err, webauthn.CheckTopOrigin)
				f = embedded
			case "none-es256-topOrigin":
				_, err := c.register(t, f)
				wantCheck(t, err, webauthn.CheckCrossOrigin)
				_, err = c.register(t, embedded)
				wantCheck(t, err, webauthn.CheckTopOrigin)
				f = listed
			}
			e, err := c.register(t, f)
			if err != nil {
				t.Fatal("registration:", err)
			}
			want := mfa.Attested
			if !c.attests() {
				want = mfa.PhishingResistant
			}
			if e.Strength != want {
				t.Errorf("strength %v, want %v", e.Strength, want)
			}
			got, err := c.login(t, f, e)
			if err != nil {
				t.Fatal("sign-in:", err)
			}
			if got.Strength != want {
				t.Errorf("sign-in has strength %v, want %v", got.Strength, want)
			}
			if f != strict {
				_, err := c.login(t, strict, e)
				wantCheck(t, err, webauthn.CheckCrossOrigin)
			}
		})
	}
}

// TestW3CVectorsChanged flips bits all over the vectors: what is signed or
// hashed must not pass with any other value.
func TestW3CVectorsChanged(t *testing.T) {
	v := readVectors(t)
	f := vectorFactor(t, v, nil)
	for _, c := range v.Cases {
		e, err := c.register(t, f)
		if err != nil {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			for _, part := range []hexBytes{c.Authentication.ClientDataJSON, c.Authentication.AuthenticatorData, c.Authentication.Signature} {
				for i := 0; i < len(part); i += 1 + len(part)/40 {
					part[i] ^= 0x10
					if _, err := c.login(t, f, e); err == nil {
						t.Errorf("sign-in passes with byte %d changed", i)
					}
					part[i] ^= 0x10
				}
			}
			if e.Strength != mfa.Attested {
				return
			}
			object := c.Registration.AttestationObject
			for i := 0; i < len(object); i += 1 + len(object)/120 {
				if a := bytes.Index(object, c.Registration.CredentialID); c.Name == "fido-u2f-es256" && i < a-2 && i >= a-18 {
					continue // U2F does not sign the AAGUID, and the factor does not believe it
				}
				object[i] ^= 0x10
				if got, err := c.register(t, f); err == nil && got.Strength == mfa.Attested {
					t.Errorf("registration is attested with byte %d changed", i)
				}
				object[i] ^= 0x10
			}
		})
	}
}

// TestU2FForged: flags and counter, which a U2F statement does not sign, cannot
// claim what no U2F key does.
func TestU2FForged(t *testing.T) {
	v := readVectors(t)
	f := vectorFactor(t, v, nil)
	c := v.named(t, "fido-u2f-es256")
	object := c.Registration.AttestationObject
	flags := bytes.Index(object, c.Registration.CredentialID) - 23
	for _, forged := range []struct {
		name  string
		at    int
		value byte
	}{
		{"verified", flags, mfatest.FlagUP | mfatest.FlagAT | mfatest.FlagUV},
		{"eligible for backup", flags, mfatest.FlagUP | mfatest.FlagAT | mfatest.FlagBE},
		{"counted", flags + 4, 1},
	} {
		honest := object[forged.at]
		object[forged.at] = forged.value
		_, err := c.register(t, f)
		object[forged.at] = honest
		if got := mfa.CheckOf(err); got != webauthn.CheckAuthData {
			t.Errorf("%s: refused by %q (%v)", forged.name, got, err)
		}
	}
}

// TestUntrustedAttestation: a statement without a root is verified, and weak.
func TestUntrustedAttestation(t *testing.T) {
	v := readVectors(t)
	plain := vectorFactor(t, v, func(c *webauthn.Config) { c.Attestation = webauthn.Attestation{} })
	other := vectorFactor(t, v, func(c *webauthn.Config) { c.Attestation.RequireTrusted = true })
	for _, c := range v.Cases {
		if c.Expect != "accept" {
			continue
		}
		e, err := c.register(t, plain)
		if err != nil || e.Strength != mfa.PhishingResistant {
			t.Errorf("%s: %v, %v", c.Name, e.Strength, err)
		}
		_, err = c.register(t, other)
		want := mfa.Check("")
		if !c.attests() {
			want = webauthn.CheckTrust
		}
		wantCheck(t, err, want)
	}
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
