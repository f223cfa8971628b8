// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package hotp_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/hotp"
	"github.com/gatehouse-id/gatehouse/mfa/internal/otp"
	"github.com/gatehouse-id/gatehouse/mfa/totp"
)

// rfcCodes are those of RFC 4226 appendix D.
var (
	rfcSecret = []byte("12345678901234567890")
	rfcCodes  = []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"}
)

func TestRFC4226(t *testing.T) {
	t.Parallel()
	g, err := otp.NewGenerator(rfcSecret, otp.SHA1, 6)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range rfcCodes {
		if got := g.String(uint64(i)); got != want {
			t.Errorf("counter %d: %s, want %s", i, got, want)
		}
	}
}

// token is a provisioned hardware token.
type token struct {
	t *testing.T
	f *hotp.Factor
	g *otp.Generator
	c mfa.Credential
}

func newToken(t *testing.T, counter uint64) *token {
	t.Helper()
	f, err := hotp.New(hotp.Config{Issuer: "Example"})
	if err != nil {
		t.Fatal(err)
	}
	s := hotp.Seed{Kind: mfa.KindHOTP, Serial: "A1", Secret: rfcSecret, Algorithm: hotp.SHA1, Digits: 6, Counter: counter}
	e, _, err := f.Provision(t.Context(), mfa.EnrolRequest{Options: s.Options()})
	if err != nil || !strings.HasPrefix(e.Key, "A1:") || e.Proof {
		t.Fatalf("%+v, %v", e, err)
	}
	g, err := otp.NewGenerator(rfcSecret, otp.SHA1, 6)
	if err != nil {
		t.Fatal(err)
	}
	return &token{t, f, g, mfa.Credential{Record: mfa.Record{ID: "r"}, Secret: e.Secret}}
}

func (k *token) want(what, answer string, c mfa.Check) {
	k.t.Helper()
	v, err := k.f.Verify(k.t.Context(), mfa.VerifyRequest{Credentials: []mfa.Credential{k.c}, Answer: []byte(answer)})
	if mfa.CheckOf(err) != c {
		k.t.Errorf("%s: %v, want %q", what, err, c)
	}
	if err == nil {
		k.c.Secret = v.Secret
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	k := newToken(t, 0)
	k.want("the first", rfcCodes[0], "")
	k.want("the first again", rfcCodes[0], mfa.CheckReused)
	k.want("a jump", rfcCodes[5], "")
	k.want("one that was jumped", rfcCodes[3], mfa.CheckReused)
	k.want("one long gone", rfcCodes[0], mfa.CheckWrong)
	k.want("the last of the window", k.g.String(15), "")
	k.want("beyond the window", k.g.String(26), mfa.CheckWrong)
	k.want("malformed", "12345", mfa.CheckWrong)
}

func TestResync(t *testing.T) {
	t.Parallel()
	k := newToken(t, 1000)
	k.want("far ahead", k.g.String(1150), mfa.CheckWrong)
	k.want("two not in a row", k.g.String(1150)+","+k.g.String(1152), mfa.CheckWrong)
	k.want("two in the wrong order", k.g.String(1151)+","+k.g.String(1150), mfa.CheckWrong)
	k.want("two of the past", k.g.String(998)+","+k.g.String(999), mfa.CheckWrong)
	k.want("two too far", k.g.String(1200)+","+k.g.String(1201), mfa.CheckWrong)
	k.want("malformed", k.g.String(1150)+",", mfa.CheckWrong)
	k.want("two in a row", k.g.String(1199)+", "+k.g.String(1200), "")
	k.want("one of the two", k.g.String(1200), mfa.CheckReused)
	k.want("the next", k.g.String(1201), "")
}

func TestEnrol(t *testing.T) {
	t.Parallel()
	f, err := hotp.New(hotp.Config{Issuer: "Example", Digits: 8})
	if err != nil {
		t.Fatal(err)
	}
	req := mfa.EnrolRequest{Account: "alice"}
	b, err := f.BeginEnrol(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	var p hotp.Public
	if err := json.Unmarshal(b.Public, &p); err != nil || !strings.HasPrefix(p.URI, "otpauth://hotp/Example:alice?secret="+p.Secret) {
		t.Fatalf("%s, %v", b.Public, err)
	}
	var state struct{ Secret []byte }
	if err := json.Unmarshal(b.State, &state); err != nil {
		t.Fatal(err)
	}
	g, err := otp.NewGenerator(state.Secret, otp.SHA1, 8)
	if err != nil {
		t.Fatal(err)
	}
	finish := func(code string) (mfa.Enrolled, error) {
		return f.FinishEnrol(t.Context(), mfa.FinishEnrolRequest{EnrolRequest: req, State: b.State, Answer: []byte(code)})
	}
	if _, err := finish("00000000"); mfa.CheckOf(err) != mfa.CheckWrong {
		t.Errorf("a wrong code: %v", err)
	}
	e, err := finish(g.String(0))
	if err != nil || !e.Proof {
		t.Fatal(e, err)
	}
	k := &token{t, f, g, mfa.Credential{Record: mfa.Record{ID: "r"}, Secret: e.Secret}}
	k.want("the code of the enrolment", g.String(0), mfa.CheckReused)
	k.want("the next", g.String(1), "")
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]hotp.Config{
		"issuer": {}, "colon": {Issuer: "a:b"}, "digits": {Issuer: "x", Digits: 5},
		"window": {Issuer: "x", Window: 51}, "resync": {Issuer: "x", Resync: 9999},
	} {
		if _, err := hotp.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	f, err := hotp.New(hotp.Config{Issuer: "x"})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []string{"", "[", `{"serial":"","secret":"00"}`, `{"serial":"x","secret":"0011"}`, `{"serial":"x","secret":"zz"}`, `{"serial":"\u0000","secret":"` + seedHex + `"}`} {
		if _, _, err := f.Provision(t.Context(), mfa.EnrolRequest{Options: json.RawMessage(o)}); mfa.CheckOf(err) != mfa.CheckInput {
			t.Errorf("%q: %v", o, err)
		}
	}
}

const seedHex = "3132333435363738393031323334353637383930"

func TestReadCSV(t *testing.T) {
	t.Parallel()
	got, err := hotp.ReadCSV(strings.NewReader("Serial,Seed\nA1," + seedHex + "\n A2 , " + strings.ToUpper(seedHex) + ",hotp,8,77\nB1," + seedHex + ",TOTP,6,60\n"))
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	if got[1].Serial != "A2" || got[1].Digits != 8 || got[1].Counter != 77 || !bytes.Equal(got[1].Secret, rfcSecret) {
		t.Errorf("got %+v", got[1])
	}
	if got[2].Kind != mfa.KindTOTP || got[2].Period != time.Minute {
		t.Errorf("got %+v", got[2])
	}
	f, err := totp.New(totp.Config{Issuer: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if e, _, err := f.Provision(t.Context(), mfa.EnrolRequest{Options: got[2].Options()}); err != nil || !strings.HasPrefix(e.Key, "B1:") {
		t.Errorf("%+v, %v", e, err)
	}
	for _, bad := range []string{
		"A1", "A1,zz", "A1,0011", "A1," + seedHex + ",email", "A1," + seedHex + ",hotp,x", "A1," + seedHex + ",hotp,9",
		"A1," + seedHex + ",hotp,6,-1", "A1," + seedHex + ",totp,6,1", "A1," + seedHex + ",totp,6,30,x", "\"",
		"A1," + seedHex + "\nA1," + seedHex, "," + seedHex,
	} {
		if got, err := hotp.ReadCSV(strings.NewReader(bad)); err == nil || strings.Contains(err.Error(), seedHex) {
			t.Errorf("%q: %v, %v", bad, got, err)
		}
	}
}

// A file over the limit is refused, though it would read well if it were cut
// there.
func TestSeedFileTooLong(t *testing.T) {
	t.Parallel()
	const limit = 16 << 20
	full := "A1," + seedHex + "\n"
	full = strings.Repeat("\n", limit-len(full)) + full
	if got, err := hotp.ReadCSV(strings.NewReader(full)); err != nil || len(got) != 1 {
		t.Errorf("at the limit: %v, %v", got, err)
	}
	for what, err := range map[string]error{
		"csv":  second(hotp.ReadCSV(strings.NewReader(full + "A2," + seedHex))),
		"pskc": second(hotp.ReadPSKC(strings.NewReader(pskc + strings.Repeat(" ", limit)))),
	} {
		if _, ok := errors.AsType[*http.MaxBytesError](err); !ok {
			t.Errorf("%s: %v, want http.MaxBytesError", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

const pskc = `<?xml version="1.0" encoding="UTF-8"?>
<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">
 <KeyPackage>
  <DeviceInfo><Manufacturer>Manufacturer</Manufacturer><SerialNo>987654321</SerialNo></DeviceInfo>
  <Key Id="12345678" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp">
   <Issuer>Issuer</Issuer>
   <AlgorithmParameters><ResponseFormat Length="8" Encoding="DECIMAL"/></AlgorithmParameters>
   <Data><Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret><Counter><PlainValue>5</PlainValue></Counter></Data>
  </Key>
 </KeyPackage>
 <KeyPackage>
  <DeviceInfo><SerialNo>2</SerialNo></DeviceInfo>
  <Key Id="2" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:totp">
   <AlgorithmParameters><Suite>HMAC-SHA256</Suite><ResponseFormat Length="6" Encoding="DECIMAL"/></AlgorithmParameters>
   <Data><Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret><TimeInterval><PlainValue>30</PlainValue></TimeInterval></Data>
  </Key>
 </KeyPackage>
</KeyContainer>`

func TestReadPSKC(t *testing.T) {
	t.Parallel()
	got, err := hotp.ReadPSKC(strings.NewReader(pskc))
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	a, b := got[0], got[1]
	if a.Kind != mfa.KindHOTP || a.Serial != "987654321" || a.Manufacturer != "Manufacturer" || a.Digits != 8 || a.Counter != 5 ||
		hex.EncodeToString(a.Secret) != seedHex {
		t.Errorf("got %+v", a)
	}
	if b.Kind != mfa.KindTOTP || b.Algorithm != hotp.SHA256 || b.Period != 30*time.Second {
		t.Errorf("got %+v", b)
	}
	for what, change := range map[string][2]string{
		"namespace": {"keyprov:pskc\">", "keyprov:other\">"},
		"algorithm": {"pskc:hotp", "pskc:other"},
		"encoding":  {`Length="8" Encoding="DECIMAL"`, `Length="8" Encoding="HEXADECIMAL"`},
		"digits":    {`Length="8"`, `Length="12"`},
		"suite":     {"HMAC-SHA256", "HMAC-MD5"},
		"seed":      {"MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "!"},
		"encrypted": {"<PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue>", "<EncryptedValue/>"},
		"counter":   {"<PlainValue>5<", "<PlainValue>x<"},
		"interval":  {"<PlainValue>30<", "<PlainValue>1<"},
		"twice":     {"<SerialNo>2<", "<SerialNo>987654321<"},
		"xml":       {"</KeyContainer>", ""},
	} {
		if got, err := hotp.ReadPSKC(strings.NewReader(strings.Replace(pskc, change[0], change[1], 1))); err == nil {
			t.Errorf("%s: accepted %+v", what, got)
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add("serial,seed\nA1," + seedHex + ",totp,6,60\n")
	f.Fuzz(func(t *testing.T, s string) {
		seeds, err := hotp.ReadCSV(strings.NewReader(s))
		if err != nil {
			return
		}
		provisionable(t, seeds)
	})
}

// provisionable: whatever is read can be given to a person.
func provisionable(t *testing.T, seeds []hotp.Seed) {
	h, err := hotp.New(hotp.Config{Issuer: "x"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := totp.New(totp.Config{Issuer: "x"})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range seeds {
		var f mfa.Provisioner = h
		if s.Kind == mfa.KindTOTP {
			f = p
		}
		if _, _, err := f.Provision(t.Context(), mfa.EnrolRequest{Options: s.Options()}); err != nil {
			t.Fatalf("%+v: %v", s, err)
		}
	}
}
