// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
	"github.com/gatehouse-id/gatehouse/mfa/webauthn"
)

func TestSecondFactor(t *testing.T) {
	for _, c := range []struct {
		name string
		a    *mfatest.Authenticator
		alg  webauthn.Algorithm
		amr  string
	}{
		{"ES256", &mfatest.Authenticator{Algorithms: []int{mfatest.ES256}}, webauthn.ES256, "pop user mfa"},
		{"EdDSA", &mfatest.Authenticator{Algorithms: []int{mfatest.EdDSA}}, webauthn.EdDSA, "pop user mfa"},
		{"RS256", &mfatest.Authenticator{Algorithms: []int{mfatest.RS256}}, webauthn.RS256, "pop user mfa"},
		{"self attestation", &mfatest.Authenticator{SelfAttest: true}, webauthn.ES256, "pop user mfa"},
		{"self attestation, EdDSA", &mfatest.Authenticator{SelfAttest: true, Algorithms: []int{mfatest.EdDSA}}, webauthn.EdDSA, "pop user mfa"},
		{"self attestation, RS256", &mfatest.Authenticator{SelfAttest: true, Algorithms: []int{mfatest.RS256}}, webauthn.RS256, "pop user mfa"},
		{"without verification", &mfatest.Authenticator{NoVerification: true}, webauthn.ES256, "pop user"},
		{"without a counter", &mfatest.Authenticator{NoCounter: true, Synced: true}, webauthn.ES256, "pop user mfa"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			a := c.a
			a.Origin = origin
			rec := r.mustEnrol("ann", a)
			d, err := webauthn.DetailsOf(rec)
			if err != nil || d.Algorithm != c.alg || d.Syncable != a.Synced || !d.Passkey || d.Attested || rec.Strength != mfa.PhishingResistant {
				t.Errorf("details %+v, strength %v, %v", d, rec.Strength, err)
			}
			for range 2 {
				res, err := r.login(mfa.BeginInput{Subject: person("ann"), Purpose: mfa.Second, Strength: mfa.PhishingResistant}, a)
				if err != nil {
					t.Fatal(err)
				}
				if res.Subject != person("ann") || res.RecordID != rec.ID || strings.Join(res.Evidence.AMR, " ") != c.amr ||
					res.Evidence.UserVerified == a.NoVerification {
					t.Errorf("%+v", res)
				}
			}
		})
	}
}

func TestFirstFactor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ann, bob := mfatest.NewAuthenticator(origin), mfatest.NewAuthenticator(origin)
	r.mustEnrol("ann", ann)
	r.mustEnrol("bob", bob)
	for _, c := range []struct {
		name string
		in   mfa.BeginInput
	}{
		{"by name", mfa.BeginInput{Subject: person("ann"), Hint: "ann@example.org"}},
		{"usernameless", mfa.BeginInput{Subject: mfa.Subject{Tenant: "t"}}},
	} {
		res, err := r.login(c.in, ann)
		if err != nil || res.Subject != person("ann") || !res.Evidence.UserVerified {
			t.Errorf("%s: %+v, %v", c.name, res, err)
		}
	}
	// A first factor verifies the person whatever the client leaves out.
	_, err := r.login(mfa.BeginInput{Subject: person("ann")}, ann, mfatest.Tamper{Flags: func(f byte) byte { return f &^ mfatest.FlagUV }})
	wantCheck(t, err, webauthn.CheckUserVerification)
	// Another tenant's passkey is nobody's here.
	_, err = r.login(mfa.BeginInput{Subject: mfa.Subject{Tenant: "other"}}, ann)
	wantCheck(t, err, mfa.CheckCredential)
}

func TestTamperedSignIn(t *testing.T) {
	t.Parallel()
	member := func(name string, value any) mfatest.Tamper {
		return mfatest.Tamper{ClientData: func(m map[string]any) { m[name] = value }}
	}
	flags := func(set, clear byte) mfatest.Tamper {
		return mfatest.Tamper{Flags: func(f byte) byte { return f&^clear | set }}
	}
	response := func(name string, value any) mfatest.Tamper {
		return mfatest.Tamper{Answer: func(m map[string]any) { m["response"].(map[string]any)[name] = value }}
	}
	top := func(name string, value any) mfatest.Tamper {
		return mfatest.Tamper{Answer: func(m map[string]any) { m[name] = value }}
	}
	text := func(old, new string) mfatest.Tamper {
		return mfatest.Tamper{JSON: func(b []byte) []byte { return []byte(strings.Replace(string(b), old, new, 1)) }}
	}
	client := func(old, new string) mfatest.Tamper {
		return mfatest.Tamper{RawClientData: func(b []byte) []byte { return []byte(strings.Replace(string(b), old, new, 1)) }}
	}
	zero := uint32(0)
	for _, c := range []struct {
		name string
		t    mfatest.Tamper
		want mfa.Check
	}{
		{"type create", member("type", "webauthn.create"), webauthn.CheckType},
		{"type payment", member("type", "payment.get"), webauthn.CheckType},
		{"type in capitals", member("type", "WEBAUTHN.GET"), webauthn.CheckType},
		{"challenge of another", member("challenge", strings.Repeat("A", 43)), webauthn.CheckClientChallenge},
		{"challenge cut", client(`"challenge":"`, `"challenge":"A`), webauthn.CheckClientChallenge},
		{"challenge empty", member("challenge", ""), webauthn.CheckClientChallenge},
		{"challenge no string", member("challenge", 1), webauthn.CheckJSON},
		{"challenge twice", client(`"challenge":`, `"challenge":"x","challenge":`), webauthn.CheckJSON},
		{"challenge twice by escape", client(`"challenge":`, `"ch\u0061llenge":"x","challenge":`), webauthn.CheckJSON},
		{"challenge in capitals", client(`"challenge":`, `"Challenge":`), webauthn.CheckJSON},
		{"origin of another host", member("origin", "https://example.com"), webauthn.CheckOrigin},
		{"origin of a subdomain", member("origin", "https://a.example.org"), webauthn.CheckOrigin},
		{"origin with a prefix", member("origin", "https://example.org.evil.example"), webauthn.CheckOrigin},
		{"origin with a port", member("origin", "https://example.org:443"), webauthn.CheckOrigin},
		{"origin with a slash", member("origin", "https://example.org/"), webauthn.CheckOrigin},
		{"origin in capitals", member("origin", "https://EXAMPLE.org"), webauthn.CheckOrigin},
		{"origin without TLS", member("origin", "http://example.org"), webauthn.CheckOrigin},
		{"origin null", member("origin", "null"), webauthn.CheckOrigin},
		{"cross-origin", member("crossOrigin", true), webauthn.CheckCrossOrigin},
		{"cross-origin as text", member("crossOrigin", "true"), webauthn.CheckJSON},
		{"top origin alone", member("topOrigin", origin), webauthn.CheckTopOrigin},
		{"client data with a tail", client("}", "} {}"), webauthn.CheckJSON},
		{"client data with a BOM", client("{", "\ufeff{"), webauthn.CheckJSON},
		{"client data not UTF-8", client("{", "{\"x\":\"\xff\","), webauthn.CheckJSON},
		{"RP ID of another", mfatest.Tamper{RPID: "example.com"}, webauthn.CheckRPID},
		{"RP ID is the origin", mfatest.Tamper{RPID: origin}, webauthn.CheckRPID},
		{"not present", flags(0, mfatest.FlagUP), webauthn.CheckUserPresence},
		{"not verified", flags(0, mfatest.FlagUV), webauthn.CheckUserVerification},
		{"backed up, not eligible", flags(mfatest.FlagBS, 0), webauthn.CheckBackup},
		{"became eligible", flags(mfatest.FlagBE, 0), webauthn.CheckBackup},
		{"attested data", flags(mfatest.FlagAT, 0), webauthn.CheckAuthData},
		{"extensions missing", flags(mfatest.FlagED, 0), webauthn.CheckCBOR},
		{"authenticator data with a tail", mfatest.Tamper{AuthData: func(b []byte) []byte { return append(b, 0) }}, webauthn.CheckAuthData},
		{"authenticator data cut", mfatest.Tamper{AuthData: func(b []byte) []byte { return b[:36] }}, webauthn.CheckAuthData},
		{"extensions no map", mfatest.Tamper{AuthData: func(b []byte) []byte { b[32] |= mfatest.FlagED; return append(b, 1) }}, webauthn.CheckAuthData},
		{"extensions with a repeated key", mfatest.Tamper{AuthData: func(b []byte) []byte {
			b[32] |= mfatest.FlagED
			return append(b, 0xa2, 0x61, 'a', 1, 0x61, 'a', 2)
		}}, webauthn.CheckCBOR},
		{"counter back", mfatest.Tamper{Counter: &zero}, webauthn.CheckCounter},
		{"signature changed", mfatest.Tamper{Signature: func(b []byte) []byte { b[len(b)-1] ^= 1; return b }}, webauthn.CheckSignature},
		{"signature with a tail", mfatest.Tamper{Signature: func(b []byte) []byte { return append(b, 0) }}, webauthn.CheckSignature},
		{"signature empty", mfatest.Tamper{Signature: func([]byte) []byte { return []byte{} }}, webauthn.CheckSignature},
		{"client data not signed", response("clientDataJSON", b64([]byte(`{"type":"webauthn.get"}`))), webauthn.CheckJSON},
		{"user handle of another", mfatest.Tamper{UserHandle: func(b []byte) []byte { b[0] ^= 1; return b }}, webauthn.CheckUserHandle},
		{"user handle missing", mfatest.Tamper{UserHandle: func([]byte) []byte { return nil }}, webauthn.CheckUserHandle},
		{"user handle empty", mfatest.Tamper{UserHandle: func([]byte) []byte { return []byte{} }}, webauthn.CheckUserHandle},
		{"credential unknown", mfatest.Tamper{CredentialID: []byte("unknown")}, mfa.CheckCredential},
		{"credential id too long", mfatest.Tamper{CredentialID: make([]byte, 1024)}, webauthn.CheckCredentialID},
		{"id is not rawId", top("rawId", "AAAA"), webauthn.CheckCredentialID},
		{"id empty", mfatest.Tamper{CredentialID: []byte{}}, webauthn.CheckCredentialID},
		{"id padded", mfatest.Tamper{Answer: func(m map[string]any) { m["id"] = m["id"].(string) + "="; m["rawId"] = m["id"] }}, webauthn.CheckCredentialID},
		{"id with a line break", mfatest.Tamper{Answer: func(m map[string]any) { m["id"] = m["id"].(string) + "\n"; m["rawId"] = m["id"] }}, webauthn.CheckCredentialID},
		{"type of another credential", top("type", "password"), webauthn.CheckJSON},
		{"no response", top("response", nil), webauthn.CheckJSON},
		{"no signature", response("signature", nil), webauthn.CheckJSON},
		{"signature in standard base64", response("signature", "+/+/"), webauthn.CheckJSON},
		{"no JSON", mfatest.Tamper{JSON: func([]byte) []byte { return []byte("x") }}, webauthn.CheckJSON},
		{"empty", mfatest.Tamper{JSON: func([]byte) []byte { return nil }}, webauthn.CheckJSON},
		{"array", mfatest.Tamper{JSON: func(b []byte) []byte { return []byte("[" + string(b) + "]") }}, webauthn.CheckJSON},
		{"two values", mfatest.Tamper{JSON: func(b []byte) []byte { return append(b, b...) }}, webauthn.CheckJSON},
		{"a tail", mfatest.Tamper{JSON: func(b []byte) []byte { return append(b, "null"...) }}, webauthn.CheckJSON},
		{"response twice", text(`"response":`, `"response":{},"response":`), webauthn.CheckJSON},
		{"signature twice", text(`"signature":`, `"signature":"AA","signature":`), webauthn.CheckJSON},
		{"deep", text(`{`, `{"x":`+strings.Repeat("[", 500)+strings.Repeat("]", 500)+`,`), webauthn.CheckJSON},
		{"large", text(`{`, `{"x":"`+strings.Repeat("x", mfa.MaxAnswer)+`",`), mfa.CheckInput},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			a := mfatest.NewAuthenticator(origin)
			r.mustEnrol("ann", a)
			usernameless := mfa.BeginInput{Subject: mfa.Subject{Tenant: "t"}}
			if _, err := r.login(usernameless, a); err != nil {
				t.Fatal(err)
			}
			_, err := r.login(usernameless, a, c.t)
			wantCheck(t, err, c.want)
			var e *mfa.Error
			if errors.As(err, &e) && e.Check != mfa.CheckInput && e.Public != mfa.PublicWrong {
				t.Errorf("people are told %q", e.Public)
			}
			if _, err := r.login(usernameless, a); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestTamperedRegistration(t *testing.T) {
	t.Parallel()
	member := func(name string, value any) mfatest.Tamper {
		return mfatest.Tamper{ClientData: func(m map[string]any) { m[name] = value }}
	}
	flags := func(set, clear byte) mfatest.Tamper {
		return mfatest.Tamper{Flags: func(f byte) byte { return f&^clear | set }}
	}
	object := func(f func([]byte) []byte) mfatest.Tamper { return mfatest.Tamper{AttestationObject: f} }
	replace := func(old, new string) func([]byte) []byte {
		return func(b []byte) []byte { return []byte(strings.Replace(string(b), old, new, 1)) }
	}
	for _, c := range []struct {
		name string
		t    mfatest.Tamper
		want mfa.Check
	}{
		{"type get", member("type", "webauthn.get"), webauthn.CheckType},
		{"challenge", member("challenge", strings.Repeat("A", 43)), webauthn.CheckClientChallenge},
		{"origin", member("origin", "https://evil.example"), webauthn.CheckOrigin},
		{"cross-origin", member("crossOrigin", true), webauthn.CheckCrossOrigin},
		{"RP ID", mfatest.Tamper{RPID: "evil.example"}, webauthn.CheckRPID},
		{"not present", flags(0, mfatest.FlagUP), webauthn.CheckUserPresence},
		{"backed up, not eligible", flags(mfatest.FlagBS, 0), webauthn.CheckBackup},
		{"no attested data", flags(0, mfatest.FlagAT), webauthn.CheckAuthData},
		{"extensions missing", flags(mfatest.FlagED, 0), webauthn.CheckCBOR},
		{"a tail on the authenticator data", mfatest.Tamper{AuthData: func(b []byte) []byte { return append(b, 0xa0) }}, webauthn.CheckAuthData},
		{"authenticator data cut in the key", mfatest.Tamper{AuthData: func(b []byte) []byte { return b[:len(b)-1] }}, webauthn.CheckCBOR},
		{"authenticator data cut in the id", mfatest.Tamper{AuthData: func(b []byte) []byte { return b[:60] }}, webauthn.CheckAuthData},
		{"authenticator data cut in the AAGUID", mfatest.Tamper{AuthData: func(b []byte) []byte { return b[:50] }}, webauthn.CheckAuthData},
		{"credential id of 1024 bytes", mfatest.Tamper{CredentialID: make([]byte, 1024)}, webauthn.CheckCredentialID},
		{"credential id empty", mfatest.Tamper{CredentialID: []byte{}}, webauthn.CheckCredentialID},
		{"id is another's", mfatest.Tamper{Answer: func(m map[string]any) { m["id"], m["rawId"] = "AAAA", "AAAA" }}, webauthn.CheckCredentialID},
		{"repeated authenticator data differ", mfatest.Tamper{Answer: func(m map[string]any) {
			m["response"].(map[string]any)["authenticatorData"] = "AAAA"
		}}, webauthn.CheckAuthData},
		{"a tail on the object", object(func(b []byte) []byte { return append(b, 0) }), webauthn.CheckCBOR},
		{"object cut", object(func(b []byte) []byte { return b[:len(b)-1] }), webauthn.CheckCBOR},
		{"object of indefinite length", object(func(b []byte) []byte { b[0] = 0xbf; return append(b, 0xff) }), webauthn.CheckCBOR},
		{"a length of nine bytes", object(replace("\x63fmt", "\x7b\x00\x00\x00\x00\x00\x00\x00\x03fmt")), webauthn.CheckCBOR},
		{"object tagged", object(func(b []byte) []byte { return append([]byte{0xc1}, b...) }), webauthn.CheckCBOR},
		{"fmt twice", object(func(b []byte) []byte { b[0]++; return append(b, "\x63fmt\x64none"...) }), webauthn.CheckCBOR},
		{"no fmt", object(replace("\x63fmt", "\x63fmu")), webauthn.CheckCBOR},
		{"no statement", object(replace("attStmt", "attStmu")), webauthn.CheckCBOR},
		{"format unknown", mfatest.Tamper{Format: "evil"}, webauthn.CheckFormat},
		{"format retired", mfatest.Tamper{Format: "android-safetynet"}, webauthn.CheckFormat},
		{"statement empty", mfatest.Tamper{Format: "packed"}, webauthn.CheckAttestation},
		{"apple statement empty", mfatest.Tamper{Format: "apple"}, webauthn.CheckAttestation},
		{"android statement empty", mfatest.Tamper{Format: "android-key"}, webauthn.CheckAttestation},
		{"tpm statement empty", mfatest.Tamper{Format: "tpm"}, webauthn.CheckAttestation},
		{"u2f statement empty", mfatest.Tamper{Format: "fido-u2f", Flags: func(b byte) byte { return b &^ mfatest.FlagUV }}, webauthn.CheckAttestation},
		{"u2f key that verifies people", mfatest.Tamper{Format: "fido-u2f"}, webauthn.CheckAuthData},
		{"compound of nothing", mfatest.Tamper{Format: "compound"}, webauthn.CheckCBOR},
		{"none with a statement", object(replace("attStmt\xa0", "attStmt\xa1\x61a\x01")), webauthn.CheckAttestation},
		{"statement no map", object(replace("attStmt\xa0", "attStmt\x80")), webauthn.CheckAttestation},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			_, err := r.enrol("ann", mfatest.NewAuthenticator(origin), c.t)
			wantCheck(t, err, c.want)
			if records, err := r.flow.Records(context.Background(), person("ann")); err != nil || len(records) > 0 {
				t.Errorf("%d records, %v", len(records), err)
			}
		})
	}
	t.Run("not verified", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, func(c *webauthn.Config) { c.UserVerification = webauthn.Required })
		_, err := r.enrol("ann", mfatest.NewAuthenticator(origin), flags(0, mfatest.FlagUV))
		wantCheck(t, err, webauthn.CheckUserVerification)
	})
	t.Run("self attestation by another key", func(t *testing.T) {
		t.Parallel()
		r, a := newRig(t), mfatest.NewAuthenticator(origin)
		a.SelfAttest = true
		_, err := r.enrol("ann", a, mfatest.Tamper{Signature: func(b []byte) []byte { b[len(b)-1] ^= 1; return b }})
		wantCheck(t, err, webauthn.CheckAttestation)
	})
}

// TestSingleUse: a challenge is taken by one answer, right or wrong.
func TestSingleUse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := mfatest.NewAuthenticator(origin)
	a.NoCounter = true // so that only the challenge stands against a replay
	r.mustEnrol("ann", a)
	usernameless := mfa.BeginInput{Subject: mfa.Subject{Tenant: "t"}}
	replayed := func(ch *mfa.Challenge, answer []byte) {
		t.Helper()
		_, err := r.finish(ch, answer)
		wantCheck(t, err, mfa.CheckChallenge)
	}

	ch := r.begin(usernameless)
	answer, err := a.Login(ch.Public)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.finish(ch, answer); err != nil {
		t.Fatal(err)
	}
	replayed(ch, answer)

	ch = r.begin(usernameless)
	if answer, err = a.Login(ch.Public); err != nil {
		t.Fatal(err)
	}
	_, err = r.finish(ch, []byte("{}"))
	wantCheck(t, err, webauthn.CheckJSON)
	replayed(ch, answer) // a wrong answer uses it up too

	for _, in := range []mfa.BeginInput{usernameless, {Subject: person("ann")}} {
		ch = r.begin(in)
		if answer, err = a.Login(ch.Public); err != nil {
			t.Fatal(err)
		}
		var passed, refused atomic.Int32
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				switch _, err := r.finish(ch, answer); {
				case err == nil:
					passed.Add(1)
				case mfa.CheckOf(err) == mfa.CheckChallenge:
					refused.Add(1)
				}
			})
		}
		wg.Wait()
		if passed.Load() != 1 || refused.Load() != 49 {
			t.Errorf("of 50 at once %d passed and %d were refused", passed.Load(), refused.Load())
		}
	}

	ech := r.beginEnrol("bob", webauthn.Options{})
	if answer, err = mfatest.NewAuthenticator(origin).Register(ech.Public); err != nil {
		t.Fatal(err)
	}
	_, err = r.finishEnrol("bob", ech, []byte("{}"))
	wantCheck(t, err, webauthn.CheckJSON)
	_, err = r.finishEnrol("bob", ech, answer) // a wrong answer uses up this one too
	wantCheck(t, err, mfa.CheckChallenge)

	ech = r.beginEnrol("bob", webauthn.Options{})
	if answer, err = mfatest.NewAuthenticator(origin).Register(ech.Public); err != nil {
		t.Fatal(err)
	}
	var passed atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := r.finishEnrol("bob", ech, answer); err == nil {
				passed.Add(1)
			}
		})
	}
	wg.Wait()
	if passed.Load() != 1 {
		t.Errorf("of 50 registrations at once %d passed", passed.Load())
	}
}

// TestBinding: a challenge belongs to a browser, a ceremony, a person, a
// relying party and an origin.
func TestBinding(t *testing.T) {
	t.Parallel()
	store, sealer := mfa.NewMemoryStore(1000), newSealer(t)
	configured := func(id string, origins ...string) *rig {
		f, err := webauthn.New(webauthn.Config{RPID: id, RPName: "x", Origins: origins, Key: make([]byte, 32)})
		if err != nil {
			t.Fatal(err)
		}
		return rigOver(t, f, store, sealer)
	}
	r := configured("example.org", origin, "https://b.example.org")
	ann, bob := mfatest.NewAuthenticator(origin), mfatest.NewAuthenticator(origin)
	r.mustEnrol("ann", ann)
	r.mustEnrol("bob", bob)
	usernameless := mfa.BeginInput{Subject: mfa.Subject{Tenant: "t"}}
	answered := func(in mfa.BeginInput, a *mfatest.Authenticator, tamper ...mfatest.Tamper) (*mfa.Challenge, []byte) {
		t.Helper()
		ch := r.begin(in)
		answer, err := a.Login(ch.Public, tamper...)
		if err != nil {
			t.Fatal(err)
		}
		return ch, answer
	}

	ch, answer := answered(usernameless, ann)
	_, err := r.flow.Finish(context.Background(), ch.ID, mfa.Answer{Session: "another", Data: answer}, nil)
	wantCheck(t, err, mfa.CheckBinding)

	ch, answer = answered(usernameless, ann)
	_, err = r.finishEnrol("ann", ch, answer)
	if got := mfa.CheckOf(err); got != mfa.CheckBinding && got != mfa.CheckChallenge {
		t.Errorf("a sign-in's challenge at a registration: %v", err)
	}

	ch, answer = answered(usernameless, ann)
	_, err = configured("evil.example", "https://evil.example").finish(ch, answer)
	wantCheck(t, err, webauthn.CheckState)

	// An answer of one challenge is none to another.
	_, answer = answered(usernameless, ann)
	_, err = r.finish(r.begin(usernameless), answer)
	wantCheck(t, err, webauthn.CheckClientChallenge)

	// Bob's passkey at Ann's challenge, which did not list it.
	ch = r.begin(mfa.BeginInput{Subject: person("ann")})
	var o map[string]any
	if err := json.Unmarshal(ch.Public, &o); err != nil {
		t.Fatal(err)
	}
	o["allowCredentials"] = []any{}
	open, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err = bob.Login(open); err != nil {
		t.Fatal(err)
	}
	_, err = r.finish(ch, answer)
	wantCheck(t, err, webauthn.CheckAllowed)

	// Pinned to one of two origins.
	pinned := usernameless
	pinned.Options = webauthn.Options{Origin: origin}.JSON()
	elsewhere := mfatest.Tamper{ClientData: func(m map[string]any) { m["origin"] = "https://b.example.org" }}
	ch, answer = answered(usernameless, ann, elsewhere)
	if _, err := r.finish(ch, answer); err != nil {
		t.Error(err)
	}
	ch, answer = answered(pinned, ann, elsewhere)
	_, err = r.finish(ch, answer)
	wantCheck(t, err, webauthn.CheckOrigin)
}

// TestUniqueCredentials: a credential id is registered once, by one person.
func TestUniqueCredentials(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := mfatest.NewAuthenticator(origin)
	r.mustEnrol("ann", a)
	ch := r.beginEnrol("ann", webauthn.Options{})
	if _, err := a.Register(ch.Public); !errors.Is(err, mfatest.ErrExcluded) {
		t.Errorf("the second registration is offered: %v", err)
	}
	fixed := mfatest.Tamper{CredentialID: []byte("the same everywhere")}
	if _, err := r.enrol("bob", mfatest.NewAuthenticator(origin), fixed); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"bob", "eve"} {
		_, err := r.enrol(id, mfatest.NewAuthenticator(origin), fixed)
		wantCheck(t, err, mfa.CheckDuplicate)
	}
}

func TestMaxCredentials(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *webauthn.Config) { c.MaxCredentials = 2 })
	for _, want := range []mfa.Check{"", "", mfa.CheckLimit} {
		_, err := r.enrol("ann", mfatest.NewAuthenticator(origin))
		wantCheck(t, err, want)
	}
}

// TestAlgorithms registers and signs in with each of them, under attestation by
// the key itself.
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	for _, alg := range []webauthn.Algorithm{
		webauthn.ES256, webauthn.ES384, webauthn.ES512, webauthn.EdDSA, webauthn.RS256, webauthn.PS256,
		webauthn.ESP256, webauthn.ESP384, webauthn.ESP512, webauthn.Ed25519,
	} {
		t.Run(strconv.Itoa(int(alg)), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(c *webauthn.Config) { c.Algorithms = []webauthn.Algorithm{alg} })
			a := mfatest.NewAuthenticator(origin)
			a.SelfAttest = true
			rec := r.mustEnrol("ann", a)
			if d, err := webauthn.DetailsOf(rec); err != nil || d.Algorithm != alg {
				t.Errorf("%+v, %v", d, err)
			}
			in := mfa.BeginInput{Subject: person("ann")}
			if _, err := r.login(in, a); err != nil {
				t.Error(err)
			}
			_, err := r.login(in, a, mfatest.Tamper{Signature: func(b []byte) []byte { b[len(b)-1] ^= 1; return b }})
			wantCheck(t, err, webauthn.CheckSignature)
		})
	}
}

func TestClone(t *testing.T) {
	t.Parallel()
	usernameless := mfa.BeginInput{Subject: mfa.Subject{Tenant: "t"}}
	r := newRig(t)
	a := mfatest.NewAuthenticator(origin)
	r.mustEnrol("ann", a)
	clone := a.Clone()
	for range 2 {
		if _, err := r.login(usernameless, a); err != nil {
			t.Fatal(err)
		}
	}
	_, err := r.login(usernameless, clone)
	wantCheck(t, err, webauthn.CheckCounter)

	r = newRig(t, func(c *webauthn.Config) { c.InsecureAcceptClones = true })
	r.mustEnrol("ann", a)
	clone = a.Clone()
	for range 3 {
		if res, err := r.login(usernameless, a); err != nil || len(res.Notices) > 0 {
			t.Fatal(res.Notices, err)
		}
	}
	for range 2 {
		if res, err := r.login(usernameless, clone); err != nil || len(res.Notices) != 1 {
			t.Errorf("a clone has notices %q, %v", res.Notices, err)
		}
	}
}

func TestBackup(t *testing.T) {
	t.Parallel()
	second := mfa.BeginInput{Subject: person("ann"), Purpose: mfa.Second}
	r := newRig(t)
	a := mfatest.NewAuthenticator(origin)
	a.Synced = true
	r.mustEnrol("ann", a)
	if _, err := r.login(second, a, mfatest.Tamper{Flags: func(f byte) byte { return f &^ mfatest.FlagBS }}); err != nil {
		t.Fatal(err)
	}
	records, err := r.flow.Records(context.Background(), person("ann"))
	if err != nil {
		t.Fatal(err)
	}
	if d, err := webauthn.DetailsOf(records[0]); err != nil || d.Synced || !d.Syncable {
		t.Errorf("%+v, %v", d, err)
	}
	_, err = r.login(second, a, mfatest.Tamper{Flags: func(f byte) byte { return f &^ (mfatest.FlagBS | mfatest.FlagBE) }})
	wantCheck(t, err, webauthn.CheckBackup)

	strict := newRig(t, func(c *webauthn.Config) { c.RefuseSynced = true })
	_, err = strict.enrol("ann", a)
	wantCheck(t, err, webauthn.CheckBackup)
	store, sealer := mfa.NewMemoryStore(1000), newSealer(t)
	rigOver(t, r.factor, store, sealer).mustEnrol("ann", a)
	_, err = rigOver(t, strict.factor, store, sealer).login(second, a) // enrolled before they were refused
	wantCheck(t, err, webauthn.CheckBackup)
}

// TestUnknownPeople: beginning tells nobody who is here.
func TestUnknownPeople(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ann := mfatest.NewAuthenticator(origin)
	r.mustEnrol("ann", ann)
	shape := func(in mfa.BeginInput) (ids []string, names []string) {
		t.Helper()
		var o map[string]json.RawMessage
		if err := json.Unmarshal(r.begin(in).Public, &o); err != nil {
			t.Fatal(err)
		}
		var allowed []struct{ ID, Type string }
		if err := json.Unmarshal(o["allowCredentials"], &allowed); err != nil {
			t.Fatal(err)
		}
		for _, a := range allowed {
			ids = append(ids, a.ID)
		}
		for name := range o {
			names = append(names, name)
		}
		slices.Sort(names)
		return ids, names
	}
	real, names := shape(mfa.BeginInput{Subject: person("ann"), Hint: "ann"})
	if len(real) != 1 {
		t.Fatalf("ann has %v", real)
	}
	seen := map[string]bool{}
	for _, hint := range []string{"bob", "eve", "mallory"} {
		in := mfa.BeginInput{Subject: mfa.Subject{Tenant: "t"}, Hint: hint}
		fake, fakeNames := shape(in)
		again, _ := shape(in)
		if len(fake) == 0 || !slices.Equal(fake, again) || !slices.Equal(names, fakeNames) || seen[fake[0]] {
			t.Errorf("%s: %v, then %v", hint, fake, again)
		}
		seen[fake[0]] = true
	}
	// Someone who is known but has none looks like one who is not.
	none, _ := shape(mfa.BeginInput{Subject: person("bob"), Hint: "bob"})
	fake, _ := shape(mfa.BeginInput{Subject: mfa.Subject{Tenant: "t"}, Hint: "bob"})
	if !slices.Equal(none, fake) {
		t.Errorf("bob without a credential has %v, nobody %v", none, fake)
	}
	// And no passkey passes there, not even one that is right elsewhere.
	ch := r.begin(mfa.BeginInput{Subject: mfa.Subject{Tenant: "t"}, Hint: "bob"})
	open := strings.ReplaceAll(string(ch.Public), fake[0], real[0])
	answer, err := ann.Login([]byte(open))
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.finish(ch, answer)
	wantCheck(t, err, mfa.CheckWrong)
}

func TestUserHandle(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	handle := func(id string) string {
		var o struct{ User struct{ ID string } }
		if err := json.Unmarshal(r.beginEnrol(id, webauthn.Options{}).Public, &o); err != nil {
			t.Fatal(err)
		}
		return o.User.ID
	}
	if a, b := handle("ann"), handle("bob"); a == b || len(a) != 43 {
		t.Errorf("handles %q and %q", a, b)
	}
	ch := r.beginEnrol("ann", webauthn.Options{})
	answer, err := mfatest.NewAuthenticator(origin).Register(ch.Public)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.finishEnrol("ann", ch, answer); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(ch.Public), handle("ann")) {
		t.Error("the second registration has another user handle")
	}
}

func TestConditionalCreate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	absent := mfatest.Tamper{Flags: func(f byte) byte { return f &^ mfatest.FlagUP }}
	ch := r.beginEnrol("ann", webauthn.Options{Conditional: true})
	answer, err := mfatest.NewAuthenticator(origin).Register(ch.Public, absent)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.finishEnrol("ann", ch, answer); err != nil {
		t.Error(err)
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	f, err := webauthn.New(webauthn.Config{
		RPID: rpID, RPName: "x", Origins: []string{origin}, Key: make([]byte, 32), Timeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	var offset atomic.Int64
	flow, err := mfa.New(mfa.Config{
		Store: mfa.NewMemoryStore(100), Sealer: newSealer(t), Factors: []mfa.Factor{f},
		Now: func() time.Time { return time.Now().Add(time.Duration(offset.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, flow: flow, factor: f}
	a := mfatest.NewAuthenticator(origin)
	r.mustEnrol("ann", a)
	ch := r.begin(mfa.BeginInput{Subject: person("ann")})
	answer, err := a.Login(ch.Public)
	if err != nil {
		t.Fatal(err)
	}
	offset.Store(int64(61 * time.Second))
	_, err = r.finish(ch, answer)
	wantCheck(t, err, mfa.CheckChallenge)
}

// TestUnknownPeopleAlike: two credentials of nobody have nothing in common, as
// those of a person have not.
func TestUnknownPeopleAlike(t *testing.T) {
	t.Parallel()
	f := newRig(t).factor
	pairs := 0
	for i := range 500 {
		begun, err := f.Begin(context.Background(), mfa.BeginRequest{Hint: fmt.Sprint("name", i)})
		if err != nil {
			t.Fatal(err)
		}
		var o struct{ AllowCredentials []struct{ ID string } }
		if err := json.Unmarshal(begun.Public, &o); err != nil {
			t.Fatal(err)
		}
		if len(o.AllowCredentials) < 2 {
			continue
		}
		pairs++
		one, two := o.AllowCredentials[0].ID, o.AllowCredentials[1].ID
		if one[:8] == two[:8] || one[len(one)-8:] == two[len(two)-8:] {
			t.Errorf("%s and %s share an end", one, two)
		}
	}
	if pairs < 50 {
		t.Errorf("only %d of 500 have two", pairs)
	}
}
