// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package totp_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/totp"
)

// seed repeats the digits of RFC 6238 appendix B to a length (erratum 2866).
func seed(n int) []byte { return []byte(strings.Repeat("1234567890", 7)[:n]) }

func TestRFC6238(t *testing.T) {
	t.Parallel()
	keys := map[totp.Algorithm][]byte{totp.SHA1: seed(20), totp.SHA256: seed(32), totp.SHA512: seed(64)}
	for _, v := range []struct {
		at   int64
		alg  totp.Algorithm
		code string
	}{
		{59, totp.SHA1, "94287082"},
		{59, totp.SHA256, "46119246"},
		{59, totp.SHA512, "90693936"},
		{1111111109, totp.SHA1, "07081804"},
		{1111111109, totp.SHA256, "68084774"},
		{1111111109, totp.SHA512, "25091201"},
		{1111111111, totp.SHA1, "14050471"},
		{1111111111, totp.SHA256, "67062674"},
		{1111111111, totp.SHA512, "99943326"},
		{1234567890, totp.SHA1, "89005924"},
		{1234567890, totp.SHA256, "91819424"},
		{1234567890, totp.SHA512, "93441116"},
		{2000000000, totp.SHA1, "69279037"},
		{2000000000, totp.SHA256, "90698825"},
		{2000000000, totp.SHA512, "38618901"},
		{20000000000, totp.SHA1, "65353130"},
		{20000000000, totp.SHA256, "77737706"},
		{20000000000, totp.SHA512, "47863826"},
	} {
		k := totp.Key{Secret: keys[v.alg], Algorithm: v.alg, Digits: 8, Period: 30 * time.Second}
		got, err := k.Code(time.Unix(v.at, 0))
		if err != nil || got != v.code {
			t.Errorf("%s at %d: %q, %v, want %q", v.alg, v.at, got, err, v.code)
		}
		step, ok, err := k.Find([]byte(v.code), v.at/30, 1)
		if err != nil || !ok || step != v.at/30 {
			t.Errorf("%s at %d: found %d, %v, %v", v.alg, v.at, step, ok, err)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	k := totp.Key{Secret: seed(20), Algorithm: totp.SHA1, Digits: 6, Period: 30 * time.Second}
	now := time.Unix(1_700_000_000, 0)
	center := k.Step(now)
	for off := int64(-3); off <= 3; off++ {
		code, err := k.Code(now.Add(time.Duration(off) * k.Period))
		if err != nil {
			t.Fatal(err)
		}
		step, ok, err := k.Find([]byte(code), center, 1)
		if want := off >= -1 && off <= 1; err != nil || ok != want || ok && step != center+off {
			t.Errorf("offset %d: step %d, %v, %v", off, step-center, ok, err)
		}
		if _, ok, _ := k.Find([]byte(code[:3]+" "+code[3:]), center, 3); !ok {
			t.Errorf("offset %d: a code typed in groups is refused", off)
		}
	}
	good, _ := k.Code(now)
	for _, bad := range []string{"", good[:5], good + "0", "０" + good[1:], "+" + good[1:], good + "\n", strings.Repeat(" ", 100) + good} {
		if _, ok, err := k.Find([]byte(bad), center, 1); ok || err != nil {
			t.Errorf("%q: %v, %v", bad, ok, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]totp.Config{
		"issuer":    {},
		"colon":     {Issuer: "a:b"},
		"algorithm": {Issuer: "x", Algorithm: "MD5"},
		"digits":    {Issuer: "x", Digits: 9},
		"period":    {Issuer: "x", Period: time.Millisecond},
		"skew":      {Issuer: "x", Skew: 11},
		"resync":    {Issuer: "x", Resync: 2881},
	} {
		if _, err := totp.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// holder enrols directly with the factor.
type holder struct {
	t *testing.T
	f *totp.Factor
	k totp.Key
	c mfa.Credential
}

func enrol(t *testing.T, c totp.Config, at time.Time) *holder {
	t.Helper()
	f, err := totp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	req := mfa.EnrolRequest{Account: "alice@example.com", Now: at}
	b, err := f.BeginEnrol(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	var p totp.Public
	if err := json.Unmarshal(b.Public, &p); err != nil {
		t.Fatal(err)
	}
	k, issuer, account, err := totp.ParseURI(p.URI)
	if err != nil || issuer != c.Issuer || account != "alice@example.com" {
		t.Fatalf("uri %q: %q, %q, %v", p.URI, issuer, account, err)
	}
	h := &holder{t: t, f: f, k: k}
	e, err := f.FinishEnrol(context.Background(), mfa.FinishEnrolRequest{EnrolRequest: req, State: b.State, Answer: []byte(h.code(at))})
	if err != nil {
		t.Fatal(err)
	}
	h.c = mfa.Credential{Record: mfa.Record{ID: "r"}, Secret: e.Secret}
	return h
}

// provision gives the holder a hardware token.
func provision(t *testing.T, c totp.Config) *holder {
	t.Helper()
	f, err := totp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	o, err := json.Marshal(totp.Options{Serial: "T1", Secret: hex.EncodeToString(seed(20))})
	if err != nil {
		t.Fatal(err)
	}
	e, _, err := f.Provision(t.Context(), mfa.EnrolRequest{Options: o})
	if err != nil {
		t.Fatal(err)
	}
	return &holder{
		t: t, f: f, k: totp.Key{Secret: seed(20), Algorithm: totp.SHA1, Digits: 6, Period: 30 * time.Second},
		c: mfa.Credential{Record: mfa.Record{ID: "r", Key: e.Key}, Secret: e.Secret},
	}
}

func (h *holder) code(at time.Time) string {
	h.t.Helper()
	code, err := h.k.Code(at)
	if err != nil {
		h.t.Fatal(err)
	}
	return code
}

func (h *holder) answer(code string, at time.Time) error {
	v, err := h.f.Verify(context.Background(), mfa.VerifyRequest{Credentials: []mfa.Credential{h.c}, Answer: []byte(code), Now: at})
	if err == nil {
		h.c.Secret = v.Secret
	}
	return err
}

func TestStepsAreSpent(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	h := enrol(t, totp.Config{Issuer: "Example Inc & Söhne"}, now)
	want := func(what, code string, at time.Time, c mfa.Check) {
		t.Helper()
		if err := h.answer(code, at); mfa.CheckOf(err) != c {
			t.Errorf("%s: %v, want check %q", what, err, c)
		}
	}
	want("the code of the enrolment", h.code(now), now, mfa.CheckReused)
	next := now.Add(30 * time.Second)
	want("the next code", h.code(next), next, "")
	want("the same again", h.code(next), next, mfa.CheckReused)
	want("an older code in the window", h.code(now), next, mfa.CheckReused)
	want("a wrong code", "000000", next, mfa.CheckWrong)
	wrong, _ := errors.AsType[*mfa.Error](h.answer("000000", next))
	reused, _ := errors.AsType[*mfa.Error](h.answer(h.code(next), next))
	if wrong == nil || reused == nil || wrong.Public != reused.Public {
		t.Errorf("wrong and reused codes are told apart: %v, %v", wrong, reused)
	}
}

func TestDriftIsLearnt(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	h := enrol(t, totp.Config{Issuer: "x", MaxDrift: 3}, now)
	lag := time.Duration(0)
	for i := 1; i <= 3; i++ { // the clock loses a step a month
		now = now.Add(30 * 24 * time.Hour)
		lag += 30 * time.Second
		if err := h.answer(h.code(now.Add(-lag)), now); err != nil {
			t.Fatalf("lag %v: %v", lag, err)
		}
	}
	now = now.Add(time.Hour)
	if err := h.answer(h.code(now), now); mfa.CheckOf(err) != mfa.CheckWrong {
		t.Errorf("the window is as wide as the drift: %v", err)
	}
	now = now.Add(time.Hour)
	if err := h.answer(h.code(now.Add(-lag-30*time.Second)), now); err != nil {
		t.Fatalf("at the edge: %v", err)
	}
	now = now.Add(time.Hour)
	if err := h.answer(h.code(now.Add(-lag-2*30*time.Second)), now); mfa.CheckOf(err) != mfa.CheckWrong {
		t.Errorf("drift beyond MaxDrift was learnt: %v", err)
	}
}

func TestResync(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	h := provision(t, totp.Config{Issuer: "x"})
	step := 30 * time.Second
	want := func(what, answer string, c mfa.Check) {
		t.Helper()
		if err := h.answer(answer, now); mfa.CheckOf(err) != c {
			t.Errorf("%s: %v, want check %q", what, err, c)
		}
	}
	now = now.Add(365 * 24 * time.Hour)
	far := now.Add(-40 * time.Minute) // what the token believes
	want("one code", h.code(far), mfa.CheckWrong)
	want("two in the wrong order", h.code(far.Add(step))+","+h.code(far), mfa.CheckWrong)
	want("two not in a row", h.code(far)+","+h.code(far.Add(2*step)), mfa.CheckWrong)
	want("two too far", h.code(now.Add(-2*time.Hour))+","+h.code(now.Add(-2*time.Hour+step)), mfa.CheckWrong)
	want("malformed", h.code(far)+",x", mfa.CheckWrong)
	want("two in a row", h.code(far)+", "+h.code(far.Add(step)), "")
	want("the second of them", h.code(far.Add(step)), mfa.CheckReused)
	want("both again", h.code(far)+","+h.code(far.Add(step)), mfa.CheckReused)
	for range 3 {
		now = now.Add(time.Hour)
		want("one code from then on", h.code(now.Add(-40*time.Minute)), "")
	}
	h = provision(t, totp.Config{Issuer: "x", Resync: -1})
	want("resync that is off", h.code(now)+","+h.code(now.Add(step)), mfa.CheckWrong)
}

// Two codes in a row of an app, such as a phisher has in half a minute, are
// worth nothing, later or at once, and do not move where its codes are looked
// for.
func TestAppsAreNotResynced(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	h := enrol(t, totp.Config{Issuer: "x"}, now)
	now = now.Add(time.Hour)
	pair := h.code(now) + "," + h.code(now.Add(30*time.Second))
	for _, later := range []time.Duration{0, 30 * time.Second, 59 * time.Minute} {
		if err := h.answer(pair, now.Add(later)); mfa.CheckOf(err) != mfa.CheckWrong {
			t.Errorf("%v later: %v, want check %q", later, err, mfa.CheckWrong)
		}
	}
	now = now.Add(time.Hour)
	if err := h.answer(h.code(now), now); err != nil {
		t.Errorf("the person's own code: %v", err)
	}
	req := mfa.EnrolRequest{Account: "alice", Now: now}
	b, err := h.f.BeginEnrol(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	var p totp.Public
	if err := json.Unmarshal(b.Public, &p); err != nil {
		t.Fatal(err)
	}
	if h.k, _, _, err = totp.ParseURI(p.URI); err != nil {
		t.Fatal(err)
	}
	_, err = h.f.FinishEnrol(t.Context(), mfa.FinishEnrolRequest{
		EnrolRequest: req, State: b.State, Answer: []byte(h.code(now) + "," + h.code(now.Add(30*time.Second))),
	})
	if mfa.CheckOf(err) != mfa.CheckWrong {
		t.Errorf("enrolment by two codes: %v", err)
	}
}

func TestParseURIRefuses(t *testing.T) {
	t.Parallel()
	good := "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	if _, _, _, err := totp.ParseURI(good); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"", "https://example.com", "otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
		"otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ", // 80 bits
		"otpauth://totp/x", good + "&secret=AAAA", good + "&digits=9", good + "&digits=x", good + "&period=0",
		good + "&period=99999", good + "&algorithm=MD5", good + "#x", "otpauth://totp/x?secret=!!!", good + strings.Repeat("&x", 2000),
	} {
		if k, _, _, err := totp.ParseURI(bad); err == nil {
			t.Errorf("%.80q: accepted as %+v", bad, k)
		}
	}
}

func FuzzParseURI(f *testing.F) {
	f.Add("otpauth://totp/Example:alice@example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example&algorithm=SHA256&digits=8&period=60")
	f.Add("otpauth://totp/a%3Ab?secret=gezdgnbvgy3tqojqgezdgnbvgy3tqojq%3D%3D")
	f.Fuzz(func(t *testing.T, s string) {
		k, issuer, account, err := totp.ParseURI(s)
		if err != nil {
			return
		}
		k2, issuer2, account2, err := totp.ParseURI(k.URI(issuer, account))
		if err != nil {
			if len(k.URI(issuer, account)) > 2048 {
				return
			}
			t.Fatalf("%q: %v", k.URI(issuer, account), err)
		}
		if fmt.Sprint(k) != fmt.Sprint(k2) {
			t.Fatalf("%q: %v, then %v", s, k, k2)
		}
		if issuer != "" && !strings.ContainsAny(issuer+account, ":") && (issuer != issuer2 || strings.TrimLeft(account, " ") != account2) {
			t.Fatalf("%q: %q %q, then %q %q", s, issuer, account, issuer2, account2)
		}
	})
}

func FuzzFind(f *testing.F) {
	k := totp.Key{Secret: seed(20), Algorithm: totp.SHA1, Digits: 6, Period: 30 * time.Second}
	f.Add([]byte("287 082"), int64(1))
	f.Fuzz(func(t *testing.T, code []byte, center int64) {
		step, ok, err := k.Find(code, center&0xffffffff, 1)
		if err != nil {
			t.Fatal(err)
		}
		if ok && (step < center&0xffffffff-1 || step > center&0xffffffff+1) {
			t.Fatalf("step %d is outside of the window", step)
		}
	})
}
