// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package code_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/code"
)

// phone is a person with a telephone and a flow over one factor.
type phone struct {
	t    *testing.T
	flow *mfa.Flow
	kind mfa.Kind
	now  time.Time
	sent []code.Message
}

var anna = mfa.Subject{Tenant: "t", ID: "anna"}

func newPhone(t *testing.T, factor func(code.Config) (mfa.Factor, error), c code.Config) *phone {
	t.Helper()
	p := &phone{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	c.Sender = code.SenderFunc(func(_ context.Context, m code.Message) error {
		p.sent = append(p.sent, m)
		return nil
	})
	f, err := factor(c)
	if err != nil {
		t.Fatal(err)
	}
	p.kind = f.Info().Kind
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

func (p *phone) begin() (string, error) {
	ch, err := p.flow.Begin(p.t.Context(), mfa.BeginInput{
		Subject: anna, Kind: p.kind, Purpose: mfa.Second, Session: "s", Authenticated: []mfa.Evidence{{Kind: mfa.KindPassword, At: p.now}},
	})
	if err != nil {
		return "", err
	}
	return ch.ID, nil
}

func (p *phone) must() string {
	p.t.Helper()
	id, err := p.begin()
	if err != nil {
		p.t.Fatal(err)
	}
	return id
}

func (p *phone) finish(id, answer string) (mfa.Result, error) {
	return p.flow.Finish(p.t.Context(), id, mfa.Answer{Session: "s", Data: []byte(answer)}, nil)
}

func (p *phone) want(what string, err error, c mfa.Check) {
	p.t.Helper()
	if mfa.CheckOf(err) != c || c == "" && err != nil {
		p.t.Errorf("%s: %v, want %q", what, err, c)
	}
}

// last is the last message, which must be of the configuration.
func (p *phone) last(digits int, ttl time.Duration, to string, purpose mfa.Purpose) string {
	p.t.Helper()
	m := p.sent[len(p.sent)-1]
	if m.Kind != p.kind || m.To != to || m.Purpose != purpose || m.Subject != anna || m.Link != "" || !m.ExpiresAt.Equal(p.now.Add(ttl)) ||
		len(m.Code) != digits || strings.Trim(m.Code, "0123456789") != "" {
		p.t.Errorf("message %+v", m)
	}
	return m.Code
}

func (p *phone) enrol(number string) (*mfa.Challenge, error) {
	ctx := p.t.Context()
	ticket, err := p.flow.IssueTicket(ctx, mfa.TicketInput{Subject: anna})
	if err != nil {
		p.t.Fatal(err)
	}
	return p.flow.BeginEnrol(ctx, mfa.EnrolInput{
		Subject: anna, Kind: p.kind, Session: "s", Ticket: ticket, Options: json.RawMessage(`{"number":"` + number + `"}`),
	})
}

// TestNumbers: SMS and calls, to numbers of the directory and to those that
// people enrol, with codes of every length and any number of tries.
func TestNumbers(t *testing.T) {
	t.Parallel()
	const known, own = "+41441111111", "+41442222222"
	for _, c := range []struct {
		name   string
		factor func(code.Config) (mfa.Factor, error)
		kind   mfa.Kind
		amr    string
	}{
		{"sms", code.NewSMS, mfa.KindSMS, "sms"},
		{"voice", code.NewVoice, mfa.KindVoice, "tel"},
	} {
		for _, enrolled := range []bool{false, true} {
			for _, v := range []struct {
				digits, tries         int
				ttl                   time.Duration
				wantDigits, wantTries int
				wantTTL               time.Duration
			}{
				{0, 0, 0, 6, 5, 10 * time.Minute},
				{7, 1, time.Minute, 7, 1, time.Minute},
				{8, 3, 5 * time.Minute, 8, 3, 5 * time.Minute},
			} {
				t.Run(fmt.Sprintf("%s enrolled=%t digits=%d", c.name, enrolled, v.wantDigits), func(t *testing.T) {
					t.Parallel()
					conf, to := code.Config{Digits: v.digits, Tries: v.tries, TTL: v.ttl}, own
					if !enrolled {
						conf.Address, to = func(_ context.Context, s mfa.Subject) (string, error) {
							return map[string]string{"anna": known}[s.ID], nil
						}, known
					}
					p := newPhone(t, c.factor, conf)
					in, _ := p.flow.Info(c.kind)
					if p.kind != c.kind || in.Strength != mfa.Any || in.Implicit == enrolled || in.Fallback || in.FirstFactor ||
						!in.Newest || !in.Sends || in.Tries != v.wantTries || in.TTL != v.wantTTL {
						t.Errorf("%+v", in)
					}
					ch, err := p.enrol(own)
					if !enrolled {
						p.want("to enrol what the directory knows", err, mfa.CheckKind)
					} else {
						if err != nil {
							t.Fatal(err)
						}
						_, err := p.begin()
						p.want("before a number is enrolled", err, mfa.CheckCredential)
						r, err := p.flow.FinishEnrol(t.Context(), ch.ID, mfa.EnrolAnswer{Session: "s", Data: []byte(p.last(v.wantDigits, v.wantTTL, to, mfa.Enrol))}, nil)
						if e, ok := r.Proof(); err != nil || !ok || r.Name != "***22" || !slices.Equal(e.AMR, []string{c.amr, "otp"}) {
							t.Fatalf("enrolled %+v, %v", r, err)
						}
					}

					id := p.must()
					right := p.last(v.wantDigits, v.wantTTL, to, mfa.Second)
					for range v.wantTries - 1 {
						_, err := p.finish(id, right[1:])
						p.want("a wrong code", err, mfa.CheckWrong)
					}
					res, err := p.finish(id, right[:3]+" "+right[3:])
					if err != nil || res.Evidence.Fallback || !res.Evidence.Factor || !slices.Equal(res.Evidence.AMR, []string{c.amr, "otp"}) || (res.RecordID != "") != enrolled {
						t.Errorf("the last try: %+v, %v", res, err)
					}

					id = p.must()
					right = p.last(v.wantDigits, v.wantTTL, to, mfa.Second)
					for range v.wantTries {
						_, err := p.finish(id, right[1:])
						p.want("a wrong code", err, mfa.CheckWrong)
					}
					_, err = p.finish(id, right)
					p.want("after the last try", err, mfa.CheckChallenge)

					p.now = p.now.Add(24 * time.Hour)
					id = p.must()
					right = p.last(v.wantDigits, v.wantTTL, to, mfa.Second)
					p.now = p.now.Add(v.wantTTL)
					_, err = p.finish(id, right)
					p.want("too late", err, mfa.CheckChallenge)
					id = p.must()
					right = p.last(v.wantDigits, v.wantTTL, to, mfa.Second)
					p.now = p.now.Add(v.wantTTL - time.Microsecond)
					_, err = p.finish(id, right)
					p.want("just in time", err, "")
				})
			}
		}
	}
}

// TestNoAddress: whom the directory knows no number of is sent nothing.
func TestNoAddress(t *testing.T) {
	t.Parallel()
	for _, factor := range []func(code.Config) (mfa.Factor, error){code.NewSMS, code.NewVoice} {
		p := newPhone(t, factor, code.Config{Address: func(context.Context, mfa.Subject) (string, error) { return "", nil }})
		_, err := p.begin()
		p.want("without a number", err, mfa.CheckCredential)
		if len(p.sent) != 0 {
			t.Errorf("sent %+v", p.sent)
		}
	}
}
