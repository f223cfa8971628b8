// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package radius

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// TestRequest: what servers are told beside the password.
func TestRequest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, nas, addr      string
		wantNAS, wantStation string
	}{
		{"by default", "", "", "gatehouse", ""},
		{"a name of its own", "portal", "192.0.2.1", "portal", "192.0.2.1"},
		{"an address with a zone", "", "fe80::1%eth0", "gatehouse", "fe80::1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, accepts("x"))
			f, err := New(Config{
				Method: PAP, NASIdentifier: c.nas, Servers: []Server{{Addr: s.addr(), Secret: testSecret}},
				UserName: func(_ context.Context, s mfa.Subject) (string, error) { return "acme\\" + s.ID, nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			r := mfa.VerifyRequest{Subject: mfa.Subject{ID: "alice"}, Answer: []byte("x")}
			if c.addr != "" {
				r.Client.Addr = netip.MustParseAddr(c.addr)
			}
			if _, err := f.Verify(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			p, err := parse(<-s.raws)
			if err != nil {
				t.Fatal(err)
			}
			for kind, want := range map[byte]string{
				typeUserName: "acme\\alice", typeNASIdentifier: c.wantNAS, typeCallingStationID: c.wantStation, typeState: "",
			} {
				if got, ok := p.get(kind); string(got) != want || ok != (want != "") {
					t.Errorf("attribute %d is %q, want %q", kind, got, want)
				}
			}
		})
	}
}

// TestRequestsDiffer: nothing that an observer could guess or replay is the
// same in two requests.
func TestRequestsDiffer(t *testing.T) {
	t.Parallel()
	const n = 8
	k := newKey(testSecret)
	for _, m := range []Method{PAP, CHAP, MSCHAPv2} {
		ids := map[byte]bool{}
		seen := map[string]int{}
		for range n {
			b, _ := attempt{name: "alice", password: "x", method: m, nas: "n"}.request(k)
			p, err := parse(b)
			if err != nil {
				t.Fatal(err)
			}
			ids[p.id] = true
			parts := map[string][]byte{"authenticator": p.authenticator[:]}
			switch m {
			case PAP:
				parts["password"], _ = p.get(typeUserPassword)
			case CHAP:
				parts["challenge"], _ = p.get(typeCHAPChallenge)
				parts["password"], _ = p.get(typeCHAPPassword)
			case MSCHAPv2:
				parts["challenge"], _ = p.microsoft(msCHAPChallenge)
				v, _ := p.microsoft(msCHAP2Response)
				if len(v) != 50 {
					t.Fatalf("MS-CHAP2-Response of %d bytes", len(v))
				}
				parts["peer challenge"], parts["response"] = v[2:18], v[26:]
			}
			for name, v := range parts {
				if len(v) < 16 {
					t.Errorf("%s: %s of %d bytes", m, name, len(v))
				}
				if seen[name+string(v)]++; seen[name+string(v)] > 1 {
					t.Errorf("%s: the %s comes twice", m, name)
				}
			}
		}
		if len(ids) == 1 { // by chance once in 2^56
			t.Errorf("%s: the identifier is always the same", m)
		}
	}
}

// TestInfo: what the configuration says of the servers reaches the flow.
func TestInfo(t *testing.T) {
	t.Parallel()
	s := serve(t, func(packet) reply { return reply{code: codeAccept} })
	c := Config{
		Method: PAP, Servers: []Server{{Addr: s.addr(), Secret: testSecret}},
		UserName: func(_ context.Context, s mfa.Subject) (string, error) { return s.ID, nil },
	}
	for _, want := range []struct {
		fallback bool
		prompt   string
		amr      []string
	}{
		{false, "Passcode", nil},
		{true, "Token", []string{"otp", "hwk"}},
	} {
		c.Fallback, c.AMR = want.fallback, slices.Clone(want.amr)
		if want.fallback {
			c.Prompt = want.prompt
		}
		f, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.AMR) > 0 {
			c.AMR[0] = "changed"
		}
		in := f.Info()
		if in.Kind != mfa.KindRADIUS || in.Fallback != want.fallback || !in.Implicit || in.FirstFactor || in.Strength != mfa.Any || in.Tries > 1 {
			t.Errorf("%+v", in)
		}
		b, err := f.Begin(t.Context(), mfa.BeginRequest{Subject: mfa.Subject{ID: "alice"}})
		var p Public
		if err != nil || json.Unmarshal(b.Public, &p) != nil || p.Prompt != want.prompt || len(b.State) != 0 {
			t.Errorf("begun %s %q, %v; want prompt %q", b.Public, b.State, err, want.prompt)
		}
		if v, err := f.answer(t, b.State, "x"); err != nil || !slices.Equal(v.AMR, want.amr) || v.Strength != mfa.Any {
			t.Errorf("%+v, %v; want %q", v, err, want.amr)
		}
	}
}

// TestNobody: who lost their name on the servers meanwhile is refused before
// anything is sent.
func TestNobody(t *testing.T) {
	t.Parallel()
	s := serve(t, func(packet) reply { t.Error("an answer of nobody was sent"); return reply{code: codeAccept} })
	f := newFactor(t, PAP, s.addr())
	f.cfg.UserName = func(context.Context, mfa.Subject) (string, error) { return "", nil }
	if _, err := f.answer(t, nil, "x"); mfa.CheckOf(err) != mfa.CheckCredential {
		t.Errorf("got %v", err)
	}
	if ok, err := f.Available(t.Context(), mfa.Subject{ID: "alice"}); ok || err != nil {
		t.Errorf("available: %v, %v", ok, err)
	}
}

// TestPAP: it goes where nobody listens, or where the configuration says so.
func TestPAP(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		addr     string
		tls      *tls.Config
		insecure bool
		ok       bool
	}{
		{"192.0.2.1:1812", nil, false, false},
		{"radius.example.com:1812", nil, false, false},
		{"localhost.example.com:1812", nil, false, false},
		{"192.0.2.1:1812", nil, true, true},
		{"192.0.2.1:2083", &tls.Config{}, false, true},
		{"127.0.0.1:1812", nil, false, true},
		{"[::1]:1812", nil, false, true},
		{"localhost:1812", nil, false, true},
	} {
		conf := Config{
			Method: PAP, InsecurePAP: c.insecure, Servers: []Server{{Addr: c.addr, TLS: c.tls, Secret: testSecret}},
			UserName: func(context.Context, mfa.Subject) (string, error) { return "alice", nil },
		}
		if _, err := New(conf); (err == nil) != c.ok {
			t.Errorf("PAP to %s, TLS %t, insecure %t: %v", c.addr, c.tls != nil, c.insecure, err)
		}
		for _, conf.Method = range []Method{CHAP, MSCHAPv2} {
			if _, err := New(conf); err != nil {
				t.Errorf("%s to %s: %v", conf.Method, c.addr, err)
			}
		}
	}
}

// TestDeadTime: a server that failed comes last for that long, and no longer.
func TestDeadTime(t *testing.T) {
	t.Parallel()
	const first, second = "192.0.2.1:1812", "192.0.2.2:1812"
	for _, c := range []struct{ set, want time.Duration }{{0, time.Minute}, {time.Hour, time.Hour}} {
		synctest.Test(t, func(t *testing.T) {
			f, err := New(Config{
				Method: CHAP, DeadTime: c.set, Servers: []Server{{Addr: first, Secret: testSecret}, {Addr: second, Secret: testSecret}},
				UserName: func(context.Context, mfa.Subject) (string, error) { return "alice", nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			order := func(want ...string) {
				t.Helper()
				var got []string
				for _, s := range f.order("") {
					got = append(got, s.Addr)
				}
				if !slices.Equal(got, want) {
					t.Errorf("order %q, want %q", got, want)
				}
			}
			order(first, second)
			f.bury(first)
			<-time.After(c.want - 1)
			order(second, first)
			<-time.After(1)
			order(first, second)
		})
	}
}
