// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package totp_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
	"github.com/gatehouse-id/gatehouse/mfa/totp"
)

// phone is a person with a flow over one configuration and a clock.
type phone struct {
	t    *testing.T
	flow *mfa.Flow
	now  time.Time
}

var anna = mfa.Subject{Tenant: "t", ID: "anna"}

func newPhone(t *testing.T, c totp.Config) *phone {
	t.Helper()
	p := &phone{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	f, err := totp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	k, err := mfa.NewKeyring("1", map[string][]byte{"1": make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	p.flow, err = mfa.New(mfa.Config{Store: mfa.NewMemoryStore(100), Sealer: k, Factors: []mfa.Factor{f}, Now: func() time.Time { return p.now }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// enrol scans the key that is shown, and answers with its first code.
func (p *phone) enrol() (*mfatest.TOTPDevice, totp.Public, error) {
	p.t.Helper()
	ctx := p.t.Context()
	ticket, err := p.flow.IssueTicket(ctx, mfa.TicketInput{Subject: anna, WithFactors: true, Actor: "admin"})
	if err != nil {
		p.t.Fatal(err)
	}
	ch, err := p.flow.BeginEnrol(ctx, mfa.EnrolInput{Subject: anna, Kind: mfa.KindTOTP, Account: "anna", Session: "s", Ticket: ticket})
	if err != nil {
		return nil, totp.Public{}, err
	}
	var shown totp.Public
	if err := json.Unmarshal(ch.Public, &shown); err != nil {
		p.t.Fatal(err)
	}
	d, err := mfatest.ScanTOTP(ch)
	if err != nil {
		p.t.Fatal(err)
	}
	_, err = p.flow.FinishEnrol(ctx, ch.ID, mfa.EnrolAnswer{Session: "s", Data: []byte(d.Code(p.now))}, nil)
	return d, shown, err
}

func (p *phone) want(what, code string, check mfa.Check) {
	p.t.Helper()
	ctx := p.t.Context()
	ch, err := p.flow.Begin(ctx, mfa.BeginInput{
		Subject: anna, Kind: mfa.KindTOTP, Purpose: mfa.Second, Session: "s", Authenticated: []mfa.Evidence{{Kind: mfa.KindPassword, At: p.now}},
	})
	if err == nil {
		_, err = p.flow.Finish(ctx, ch.ID, mfa.Answer{Session: "s", Data: []byte(code)}, nil)
	}
	if mfa.CheckOf(err) != check || check == "" && err != nil {
		p.t.Errorf("%s: %v, want %q", what, err, check)
	}
}

// TestFlow: keys of every hash, length and period are enrolled and answered.
func TestFlow(t *testing.T) {
	t.Parallel()
	for _, a := range []totp.Algorithm{totp.SHA1, totp.SHA256, totp.SHA512} {
		for digits, period := range map[int]time.Duration{6: 30 * time.Second, 7: 20 * time.Second, 8: time.Minute} {
			t.Run(fmt.Sprint(a, digits), func(t *testing.T) {
				t.Parallel()
				p := newPhone(t, totp.Config{Issuer: "Example", Algorithm: a, Digits: digits, Period: period})
				d, shown, err := p.enrol()
				if err != nil {
					t.Fatal(err)
				}
				if shown.Algorithm != a || shown.Digits != digits || time.Duration(shown.Period)*time.Second != period {
					t.Errorf("shown %+v", shown)
				}
				size := map[totp.Algorithm]int{totp.SHA1: 20, totp.SHA256: 32, totp.SHA512: 64}[a]
				if k := d.Key; k.Algorithm != a || k.Digits != digits || k.Period != period || len(k.Secret) != size {
					t.Errorf("scanned %s, %d digits, %v, %d bytes", k.Algorithm, k.Digits, k.Period, len(k.Secret))
				}
				code := d.Code(p.now)
				if len(code) != digits {
					t.Errorf("code %q", code)
				}
				p.want("the code that enrolled", code, mfa.CheckReused)
				p.now = p.now.Add(period)
				code = d.Code(p.now)
				p.want("one digit fewer", code[1:], mfa.CheckWrong)
				p.want("the next code", code, "")
				p.want("the code again", code, mfa.CheckReused)
				late := d.Code(p.now.Add(period))
				p.now = p.now.Add(3 * period)
				p.want("a code of two periods ago", late, mfa.CheckWrong)
				p.want("a code of a period ago", d.Code(p.now.Add(-period)), "")
			})
		}
	}
}

// TestMaxRecords: a person has as many keys as the configuration says, and any
// of them answers.
func TestMaxRecords(t *testing.T) {
	t.Parallel()
	for set, want := range map[int]int{0: 2, 1: 1, 3: 3} {
		p := newPhone(t, totp.Config{Issuer: "Example", MaxRecords: set})
		var devices []*mfatest.TOTPDevice
		for range want {
			d, _, err := p.enrol()
			if err != nil {
				t.Fatalf("MaxRecords %d: %v", set, err)
			}
			devices = append(devices, d)
		}
		if _, _, err := p.enrol(); mfa.CheckOf(err) != mfa.CheckLimit {
			t.Errorf("MaxRecords %d, one more: %v", set, err)
		}
		p.now = p.now.Add(time.Minute)
		for i, d := range devices {
			p.want(fmt.Sprint("device ", i), d.Code(p.now), "")
		}
	}
}
