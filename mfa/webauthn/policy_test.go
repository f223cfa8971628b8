// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
	"github.com/gatehouse-id/gatehouse/mfa/webauthn"
)

func TestModels(t *testing.T) {
	t.Parallel()
	one, other, zero := webauthn.AAGUID{1}, webauthn.AAGUID{2}, webauthn.AAGUID{}
	for _, c := range []struct {
		name   string
		policy webauthn.Attestation
		model  webauthn.AAGUID
		want   mfa.Check
	}{
		{"any", webauthn.Attestation{}, one, ""},
		{"any, none named", webauthn.Attestation{}, zero, ""},
		{"permitted", webauthn.Attestation{Permitted: []webauthn.AAGUID{one}}, one, ""},
		{"not permitted", webauthn.Attestation{Permitted: []webauthn.AAGUID{one}}, other, webauthn.CheckAAGUID},
		{"none named, not permitted", webauthn.Attestation{Permitted: []webauthn.AAGUID{one}}, zero, webauthn.CheckAAGUID},
		{"none named, permitted", webauthn.Attestation{Permitted: []webauthn.AAGUID{one}, PermitZero: true}, zero, ""},
		{"denied", webauthn.Attestation{Denied: []webauthn.AAGUID{one}}, one, webauthn.CheckAAGUID},
		{"none named, denied", webauthn.Attestation{Denied: []webauthn.AAGUID{zero}}, zero, webauthn.CheckAAGUID},
		{"denied and permitted", webauthn.Attestation{Denied: []webauthn.AAGUID{one}, Permitted: []webauthn.AAGUID{one}}, one, webauthn.CheckAAGUID},
		{"format not accepted", webauthn.Attestation{Formats: []webauthn.Format{webauthn.FormatPacked}}, one, webauthn.CheckFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := mfatest.NewAuthenticator(origin)
			a.AAGUID = c.model
			_, err := newRig(t, func(cfg *webauthn.Config) { cfg.Attestation = c.policy }).enrol("ann", a)
			wantCheck(t, err, c.want)
			// The same policy, for one person only.
			byPerson := func(cfg *webauthn.Config) {
				cfg.AttestationFor = func(_ context.Context, s mfa.Subject) (webauthn.Attestation, error) {
					if s == person("ann") {
						return c.policy, nil
					}
					return webauthn.Attestation{}, nil
				}
			}
			b := a.Clone()
			_, err = newRig(t, byPerson).enrol("ann", b)
			wantCheck(t, err, c.want)
			_, err = newRig(t, byPerson).enrol("bob", b)
			wantCheck(t, err, "")
		})
	}
}

// TestU2FModel: U2F statements do not sign the AAGUID, so it counts for
// nothing.
func TestU2FModel(t *testing.T) {
	v := readVectors(t)
	claimed, err := webauthn.ParseAAGUID("afb3c2ef-c054-df42-5013-d5c88e79c3c1")
	if err != nil {
		t.Fatal(err)
	}
	f := vectorFactor(t, v, func(c *webauthn.Config) { c.Attestation.Permitted = []webauthn.AAGUID{claimed} })
	_, err = v.named(t, "fido-u2f-es256").register(t, f)
	wantCheck(t, err, webauthn.CheckAAGUID)
}

func TestOptions(t *testing.T) {
	t.Parallel()
	get := func(raw json.RawMessage) map[string]any {
		var m map[string]any
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	r := newRig(t, func(c *webauthn.Config) {
		c.ResidentKey, c.UserVerification, c.Attachment = webauthn.Required, webauthn.Required, "platform"
	})
	m := get(r.beginEnrol("ann", webauthn.Options{Hints: []string{"client-device"}}).Public)
	selection := m["authenticatorSelection"].(map[string]any)
	if selection["residentKey"] != "required" || selection["requireResidentKey"] != true || selection["userVerification"] != "required" ||
		selection["authenticatorAttachment"] != "platform" || m["attestation"] != "none" || m["rp"].(map[string]any)["id"] != rpID ||
		m["timeout"] != 300_000.0 || len(m["challenge"].(string)) != 43 || len(m["pubKeyCredParams"].([]any)) != 3 {
		t.Errorf("creation options %v", m)
	}
	m = get(r.begin(mfa.BeginInput{Subject: mfa.Subject{Tenant: "t"}}).Public)
	if m["userVerification"] != "required" || m["rpId"] != rpID || len(m["allowCredentials"].([]any)) != 0 {
		t.Errorf("request options %v", m)
	}
	a := mfatest.NewAuthenticator(origin)
	r.mustEnrol("ann", a)
	m = get(r.begin(mfa.BeginInput{Subject: person("ann"), Purpose: mfa.Second}).Public)
	allowed := m["allowCredentials"].([]any)[0].(map[string]any)
	if m["userVerification"] != "required" || allowed["transports"].([]any)[0] != "internal" {
		t.Errorf("request options %v", m)
	}
	for _, c := range []struct {
		policy     webauthn.Attestation
		conveyance string
		formats    any
	}{
		{webauthn.Attestation{Ask: true}, "direct", nil},
		{webauthn.Attestation{Enterprise: true}, "enterprise", nil},
		{
			webauthn.Attestation{Formats: []webauthn.Format{webauthn.FormatTPM, webauthn.FormatPacked}}, "direct", []any{"tpm", "packed"},
		},
	} {
		m := get(newRig(t, func(cfg *webauthn.Config) { cfg.Attestation = c.policy }).beginEnrol("ann", webauthn.Options{}).Public)
		if m["attestation"] != c.conveyance || !reflect.DeepEqual(m["attestationFormats"], c.formats) {
			t.Errorf("%+v: creation options %v", c.policy, m)
		}
	}
	discouraged := webauthn.Options{UserVerification: webauthn.Discouraged}.JSON()
	lenient := newRig(t)
	lenient.mustEnrol("ann", mfatest.NewAuthenticator(origin))
	m = get(lenient.begin(mfa.BeginInput{Subject: person("ann"), Purpose: mfa.Second, Options: discouraged}).Public)
	if m["userVerification"] != "discouraged" {
		t.Errorf("request options %v", m)
	}
	for _, bad := range []string{`{"origin":"https://evil.example"}`, `{"userVerification":"maybe"}`, `{"x":1}`, `[]`, string(discouraged)} {
		_, err := r.flow.Begin(context.Background(), mfa.BeginInput{
			Subject: person("ann"), Kind: mfa.KindWebAuthn, Purpose: mfa.First, Session: "s", Options: json.RawMessage(bad),
		})
		var refused *mfa.Error
		if err == nil || errors.As(err, &refused) {
			t.Errorf("options %s: %v", bad, err)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*webauthn.Config)
	}{
		{"no RP ID", func(c *webauthn.Config) { c.RPID = "" }},
		{"RP ID with a scheme", func(c *webauthn.Config) { c.RPID = "https://example.org" }},
		{"RP ID in capitals", func(c *webauthn.Config) { c.RPID = "Example.org" }},
		{"RP ID is an address", func(c *webauthn.Config) { c.RPID = "127.0.0.1" }},
		{"no name", func(c *webauthn.Config) { c.RPName = "" }},
		{"no origin", func(c *webauthn.Config) { c.Origins = nil }},
		{"origin with a path", func(c *webauthn.Config) { c.Origins = []string{"https://example.org/"} }},
		{"origin in capitals", func(c *webauthn.Config) { c.Origins = []string{"https://Example.org"} }},
		{"origin with the default port", func(c *webauthn.Config) { c.Origins = []string{"https://example.org:443"} }},
		{"origin without TLS", func(c *webauthn.Config) { c.Origins = []string{"http://example.org"} }},
		{"origin with a name and password", func(c *webauthn.Config) { c.Origins = []string{"https://u:p@example.org"} }},
		{"origin is an address", func(c *webauthn.Config) { c.Origins = []string{"https://127.0.0.1"} }},
		{"top origins unused", func(c *webauthn.Config) { c.TopOrigins = []string{origin} }},
		{"short key", func(c *webauthn.Config) { c.Key = make([]byte, 31) }},
		{"requirement", func(c *webauthn.Config) { c.UserVerification = "maybe" }},
		{"resident key", func(c *webauthn.Config) { c.ResidentKey = "maybe" }},
		{"attachment", func(c *webauthn.Config) { c.Attachment = "usb" }},
		{"algorithm", func(c *webauthn.Config) { c.Algorithms = []webauthn.Algorithm{-65535} }},
		{"timeout", func(c *webauthn.Config) { c.Timeout = 1 }},
		{"too many credentials", func(c *webauthn.Config) { c.MaxCredentials = 1000 }},
		{"trust without roots", func(c *webauthn.Config) { c.Attestation.RequireTrusted = true }},
		{"nil root", func(c *webauthn.Config) { c.Attestation.Roots = []*x509.Certificate{nil} }},
		{"format", func(c *webauthn.Config) { c.Attestation.Formats = []webauthn.Format{"x"} }},
	} {
		cfg := webauthn.Config{RPID: rpID, RPName: "x", Origins: []string{origin}, Key: make([]byte, 32)}
		if _, err := webauthn.New(cfg); err != nil {
			t.Fatal(err)
		}
		c.change(&cfg)
		if _, err := webauthn.New(cfg); err == nil {
			t.Errorf("%s: accepted", c.name)
		}
	}
	for _, o := range []string{"http://localhost:8080", "http://a.localhost", "https://example.org:8443", "https://xn--bcher-kva.example", androidApp, "ios:bundle-id:org.example"} {
		cfg := webauthn.Config{RPID: rpID, RPName: "x", Origins: []string{o}, Key: make([]byte, 32)}
		if _, err := webauthn.New(cfg); err != nil {
			t.Error(err)
		}
	}
}

const androidApp = "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"

// TestConfigMatches: an RP ID or an origin that no browser sends is refused,
// with what is wrong with it.
func TestConfigMatches(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"127.1": "address", "2130706433": "address", "0x7f000001": "address", "example.08": "address",
		"a..b": "empty label", "example.org.": "empty label", ".org": "empty label",
		"bücher.example": "xn--", "-a.b": "hyphen", "a-.b": "hyphen",
		strings.Repeat("a", 64) + ".b": "no domain", strings.Repeat("a.", 127) + "b": "no domain",
	} {
		_, err := webauthn.New(webauthn.Config{RPID: id, RPName: "x", Origins: []string{origin}, Key: make([]byte, 32)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("RP ID %s: %v, want %q", id, err, want)
		}
	}
	for o, want := range map[string]string{
		"https://127.1": "address", "https://0x7f000001": "address", "https://[::1]": "address",
		"https://example.org.": "empty label", "https://a..b": "empty label",
		"https://bücher.example": "xn--", "https://*.example.org": "xn--",
		"https://example.org:": "port", "https://example.org:0443": "port", "https://example.org:99999": "port", "https://example.org:0": "port",
		"android:apk-key-hash:": "SHA-256", androidApp + "=": "SHA-256", "android:apk-key-hash:abc": "SHA-256",
		"ios:bundle-id:": "no origin",
	} {
		_, err := webauthn.New(webauthn.Config{RPID: rpID, RPName: "x", Origins: []string{o}, Key: make([]byte, 32)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("origin %s: %v, want %q", o, err, want)
		}
	}
}

func TestRelatedOrigins(t *testing.T) {
	t.Parallel()
	f, err := webauthn.New(webauthn.Config{
		RPID: rpID, RPName: "x", Key: make([]byte, 32),
		Origins: []string{origin, "https://example.co.uk", androidApp},
	})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	f.RelatedOrigins().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/.well-known/webauthn", nil))
	if got := w.Body.String(); got != `{"origins":["https://example.org","https://example.co.uk"]}` || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%s, %v", got, w.Header())
	}
	w = httptest.NewRecorder()
	f.RelatedOrigins().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/.well-known/webauthn", strings.NewReader("")))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
	// A related origin is an origin like the others.
	r := rigOver(t, f, mfa.NewMemoryStore(100), newSealer(t))
	a := mfatest.NewAuthenticator("https://example.co.uk")
	r.mustEnrol("ann", a)
	if _, err := r.login(mfa.BeginInput{Subject: person("ann")}, a); err != nil {
		t.Error(err)
	}
}

func TestAAGUID(t *testing.T) {
	t.Parallel()
	a, err := webauthn.ParseAAGUID("0132d110-bf4e-4208-a403-ab4f5f12efe5")
	if err != nil || a.String() != "0132d110-bf4e-4208-a403-ab4f5f12efe5" || a.IsZero() {
		t.Errorf("%v, %v", a, err)
	}
	for _, s := range []string{"", "0132d110bf4e4208a403ab4f5f12efe5", "0132d110-bf4e-4208-a403-ab4f5f12efe", "x"} {
		if _, err := webauthn.ParseAAGUID(s); err == nil {
			t.Errorf("%q is accepted", s)
		}
	}
}

// TestQuietErrors: neither what was expected nor the guest library's words
// reach people.
func TestQuietErrors(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ch := r.beginEnrol("ann", webauthn.Options{})
	var o struct{ Challenge string }
	if err := json.Unmarshal(ch.Public, &o); err != nil {
		t.Fatal(err)
	}
	answer, err := mfatest.NewAuthenticator(origin).Register(ch.Public, mfatest.Tamper{
		ClientData: func(m map[string]any) { m["challenge"] = "AAAA" },
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.finishEnrol("ann", ch, answer)
	var e *mfa.Error
	if !errors.As(err, &e) || strings.Contains(e.Public, o.Challenge) || strings.Contains(e.Error(), o.Challenge) {
		t.Errorf("%v", err)
	}
}

// TestCompound: every statement of a compound must verify (8.9).
func TestCompound(t *testing.T) {
	t.Parallel()
	compound := func(change func(one, two []byte) [][]byte) mfatest.Tamper {
		return mfatest.Tamper{AttestationObject: func(object []byte) []byte {
			_, rest, _ := bytes.Cut(object, []byte("\x67attStmt"))
			i := bytes.Index(rest, []byte("\x68authData"))
			sub := slices.Concat([]byte("\xa2\x63fmt\x66packed\x67attStmt"), rest[:i])
			subs := change(sub, slices.Clone(sub))
			out := []byte("\xa3\x63fmt\x68compound\x67attStmt")
			out = append(out, 0x80|byte(len(subs)))
			return slices.Concat(out, slices.Concat(subs...), rest[i:])
		}}
	}
	for _, c := range []struct {
		name   string
		change func(one, two []byte) [][]byte
		want   mfa.Check
	}{
		{"two", func(one, two []byte) [][]byte { return [][]byte{one, two} }, ""},
		{"one", func(one, _ []byte) [][]byte { return [][]byte{one} }, webauthn.CheckAttestation},
		{"five", func(one, _ []byte) [][]byte { return [][]byte{one, one, one, one, one} }, webauthn.CheckAttestation},
		{"one bad", func(one, two []byte) [][]byte { two[len(two)-1] ^= 1; return [][]byte{one, two} }, webauthn.CheckAttestation},
		{"one of none", func(one, _ []byte) [][]byte {
			return [][]byte{one, []byte("\xa2\x63fmt\x64none\x67attStmt\xa0")}
		}, webauthn.CheckAttestation},
		{"one unknown", func(one, _ []byte) [][]byte {
			return [][]byte{one, []byte("\xa2\x63fmt\x64evil\x67attStmt\xa0")}
		}, webauthn.CheckFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := mfatest.NewAuthenticator(origin)
			a.SelfAttest, a.Algorithms = true, []int{mfatest.ES256}
			_, err := newRig(t).enrol("ann", a, compound(c.change))
			wantCheck(t, err, c.want)
		})
	}
}

// compoundOf makes an attestation object a compound of its own statement,
// twice.
func compoundOf(object []byte, format webauthn.Format) []byte {
	_, rest, _ := bytes.Cut(object, []byte("\x67attStmt"))
	i := bytes.Index(rest, []byte("\x68authData"))
	sub := slices.Concat([]byte("\xa2\x63fmt"), []byte{0x60 | byte(len(format))}, []byte(format), []byte("\x67attStmt"), rest[:i])
	return slices.Concat([]byte("\xa3\x63fmt\x68compound\x67attStmt\x82"), sub, sub, rest[i:])
}

// TestCompoundOfU2F: a U2F statement signs no AAGUID, so a compound of it
// would prove any.
func TestCompoundOfU2F(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	u2f, packed := v.named(t, "fido-u2f-es256"), v.named(t, "packed-es256")
	u2f.Registration.AttestationObject = compoundOf(u2f.Registration.AttestationObject, webauthn.FormatU2F)
	packed.Registration.AttestationObject = compoundOf(packed.Registration.AttestationObject, webauthn.FormatPacked)
	for _, c := range []struct {
		name    string
		v       *vector
		formats []webauthn.Format
		want    mfa.Check
	}{
		{"fido-u2f", u2f, nil, webauthn.CheckAttestation},
		{"packed", packed, nil, ""},
		{"packed, accepted", packed, []webauthn.Format{webauthn.FormatCompound, webauthn.FormatPacked}, ""},
		{"packed, not accepted", packed, []webauthn.Format{webauthn.FormatCompound, webauthn.FormatTPM}, webauthn.CheckFormat},
	} {
		_, err := c.v.register(t, vectorFactor(t, v, func(cfg *webauthn.Config) { cfg.Attestation.Formats = c.formats }))
		if got := mfa.CheckOf(err); got != c.want {
			t.Errorf("%s: refused by %q (%v), want %q", c.name, got, err, c.want)
		}
	}
}

// TestAttested: what a rule asks for is what was proved.
func TestAttested(t *testing.T) {
	t.Parallel()
	root := readVectors(t).AttestationRoot.Cert
	cert, err := x509.ParseCertificate(root)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(c *webauthn.Config) { c.Attestation.Roots = []*x509.Certificate{cert} })
	a := mfatest.NewAuthenticator(origin)
	a.SelfAttest = true
	r.mustEnrol("ann", a)
	_, err = r.login(mfa.BeginInput{Subject: person("ann"), Purpose: mfa.Second, Strength: mfa.Attested}, a)
	wantCheck(t, err, mfa.CheckStrength)
	if !strings.Contains(string(r.beginEnrol("ann", webauthn.Options{}).Public), `"attestation":"direct"`) {
		t.Error("roots do not ask for attestation")
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, ok := r.factor.Signals(nil, "ann", "Ann"); ok {
		t.Error("signals of nobody")
	}
	a, b := mfatest.NewAuthenticator(origin), mfatest.NewAuthenticator(origin)
	one, two := r.mustEnrol("ann", a), r.mustEnrol("ann", b)
	other := r.mustEnrol("bob", mfatest.NewAuthenticator(origin))
	got, ok := r.factor.Signals([]mfa.Record{one, two}, "ann", "Ann")
	d, err := webauthn.DetailsOf(one)
	if err != nil {
		t.Fatal(err)
	}
	accepted := `{"rpId":"example.org","userId":"` + d.UserHandle + `","allAcceptedCredentialIds":["` + one.Key + `","` + two.Key + `"]}`
	details := `{"rpId":"example.org","userId":"` + d.UserHandle + `","name":"ann","displayName":"Ann"}`
	if !ok || string(got.Accepted) != accepted || string(got.Details) != details {
		t.Errorf("%s\n%s", got.Accepted, got.Details)
	}
	if _, ok := r.factor.Signals([]mfa.Record{one, other}, "ann", "Ann"); ok {
		t.Error("signals of two people")
	}
}

// TestSignalUnknown: only what is nobody's anywhere is to be deleted.
func TestSignalUnknown(t *testing.T) {
	t.Parallel()
	store := mfa.NewMemoryStore(1000)
	r := rigOver(t, newRig(t).factor, store, newSealer(t))
	a := mfatest.NewAuthenticator(origin)
	rec := r.mustEnrol("ann", a)
	ch := r.begin(mfa.BeginInput{Subject: mfa.Subject{Tenant: "another"}})
	answer, err := a.Login(ch.Public)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.finish(ch, answer)
	wantCheck(t, err, mfa.CheckCredential)
	if got, ok := r.factor.SignalUnknown(t.Context(), store, answer); ok {
		t.Errorf("%s, which is alive", got)
	}
	if err := r.flow.Reset(t.Context(), mfa.ResetInput{Subject: person("ann"), Actor: "test"}, nil); err != nil {
		t.Fatal(err)
	}
	if got, ok := r.factor.SignalUnknown(t.Context(), store, answer); !ok || string(got) != `{"rpId":"example.org","credentialId":"`+rec.Key+`"}` {
		t.Errorf("%s, %v", got, ok)
	}
	if got, ok := r.factor.SignalUnknown(t.Context(), silent{store}, answer); ok {
		t.Errorf("%s, which the store did not say", got)
	}
	if _, ok := r.factor.SignalUnknown(t.Context(), store, []byte("{}")); ok {
		t.Error("a signal of no answer")
	}
}

// silent is a store that does not answer.
type silent struct{ mfa.RecordStore }

func (silent) RecordByKey(context.Context, mfa.Kind, string) (mfa.Record, error) {
	return mfa.Record{}, errors.New("no answer")
}
