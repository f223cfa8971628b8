// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/netip"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
	"github.com/gatehouse-id/gatehouse/mfa/recovery"
	"github.com/gatehouse-id/gatehouse/mfa/totp"
)

// exampleFlow is a flow with authenticator apps and recovery codes. A program
// keeps its key outside of the database and its rows in mfasql.
func exampleFlow(now func() time.Time) *mfa.Flow {
	keys, err := mfa.NewKeyring("2026-11", map[string][]byte{"2026-11": make([]byte, 32)})
	if err != nil {
		log.Fatal(err)
	}
	apps, err := totp.New(totp.Config{Issuer: "Example"})
	if err != nil {
		log.Fatal(err)
	}
	paper, err := recovery.New(recovery.Config{})
	if err != nil {
		log.Fatal(err)
	}
	flow, err := mfa.New(mfa.Config{
		Store: mfa.NewMemoryStore(10_000), Sealer: keys, Factors: []mfa.Factor{apps, paper}, Now: now,
	})
	if err != nil {
		log.Fatal(err)
	}
	return flow
}

// A person enrols an authenticator app with a ticket, and signs in with it.
func Example() {
	ctx := context.Background()
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	flow := exampleFlow(func() time.Time { return now })
	alice := mfa.Subject{ID: "alice"}
	const session = "the value of the session cookie"

	// Enrolment: shown as a QR code, confirmed by a first code.
	ticket, err := flow.IssueTicket(ctx, mfa.TicketInput{Subject: alice})
	if err != nil {
		log.Fatal(err)
	}
	ch, err := flow.BeginEnrol(ctx, mfa.EnrolInput{Subject: alice, Kind: mfa.KindTOTP, Account: "alice", Session: session, Ticket: ticket})
	if err != nil {
		log.Fatal(err)
	}
	app, err := mfatest.ScanTOTP(ch)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := flow.FinishEnrol(ctx, ch.ID, mfa.EnrolAnswer{Session: session, Data: []byte(app.Code(now))}, nil); err != nil {
		log.Fatal(err)
	}

	// Sign-in, after the password.
	now = now.Add(time.Hour)
	proved := []mfa.Evidence{{Kind: mfa.KindPassword, At: now}}
	d, err := flow.Decide(ctx, mfa.Request{Subject: alice, Authenticated: proved})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Outcome, d.Factors)
	ch, err = flow.Begin(ctx, mfa.BeginInput{
		Subject: alice, Kind: d.Factors[0], Purpose: mfa.Second, Session: session, Authenticated: proved,
	})
	if err != nil {
		log.Fatal(err)
	}
	answer := mfa.Answer{Session: session, Data: []byte(app.Code(now))}
	_, err = flow.Finish(ctx, ch.ID, answer, func(_ context.Context, r mfa.Result) error {
		proved = append(proved, r.Evidence) // into the session's row, with ctx
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	d, err = flow.Decide(ctx, mfa.Request{Subject: alice, Authenticated: proved})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Outcome, d.Reasons[0].Code)

	// The code was good once.
	ch, err = flow.Begin(ctx, mfa.BeginInput{
		Subject: alice, Kind: mfa.KindTOTP, Purpose: mfa.Second, Session: session, Authenticated: proved,
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = flow.Finish(ctx, ch.ID, answer, nil)
	fmt.Println(mfa.CheckOf(err))
	// Output:
	// ask [totp]
	// allow proved
	// reused
}

// Administrators need a phishing-resistant factor at most ten minutes old;
// everybody else is asked when the context is new.
func ExampleNewPolicy() {
	policy, err := mfa.NewPolicy(mfa.PolicyConfig{
		Zones: []mfa.Zone{{Name: "office", Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}},
		Rules: []mfa.Rule{
			{Name: "administrators", Groups: []string{"admins"}, Require: mfa.PhishingResistant, MaxAge: 10 * time.Minute},
			{Name: "office", Zones: []string{"office"}, Mode: mfa.Contextual, Trust: 30 * 24 * time.Hour},
		},
		Default: mfa.Rule{NoFactor: mfa.NoFactor{Action: mfa.ActEnrol, Grace: 14 * 24 * time.Hour}},
	})
	if err != nil {
		log.Fatal(err)
	}
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	d := policy.Decide(mfa.Request{
		Groups:        []string{"admins"},
		Authenticated: []mfa.Evidence{{Kind: mfa.KindPassword, At: now}, {Kind: mfa.KindTOTP, At: now, Factor: true}},
	}, mfa.Standing{
		Now:     now,
		Factors: []mfa.Info{{Kind: mfa.KindTOTP}, {Kind: mfa.KindWebAuthn, Strength: mfa.Attested}},
		Records: []mfa.Record{{Kind: mfa.KindTOTP}, {Kind: mfa.KindWebAuthn, Strength: mfa.PhishingResistant}},
	})
	fmt.Println(d.Outcome, d.Rule, d.Factors)
	for _, r := range d.Reasons {
		fmt.Println("because", r.Code, r.Detail)
	}
	// Output:
	// ask administrators [webauthn]
	// because too-weak totp
	// because always administrators
}

// The handlers are told whose session a request belongs to, and keep the
// proofs in it.
func ExampleNewHandler() {
	flow := exampleFlow(time.Now)
	sessions := map[string][]mfa.Evidence{} // a program's own store
	h, err := mfa.NewHandler(mfa.HandlerConfig{
		Flow: flow,
		Identify: func(r *http.Request) (mfa.Subject, error) {
			c, err := r.Cookie("session")
			if err != nil {
				return mfa.Subject{}, err
			}
			return mfa.Subject{ID: "person of " + c.Value}, nil
		},
		Session: func(r *http.Request) (string, error) {
			c, err := r.Cookie("session")
			if err != nil {
				return "", err
			}
			return c.Value, nil
		},
		Evidence: func(r *http.Request) ([]mfa.Evidence, error) {
			c, err := r.Cookie("session")
			if err != nil {
				return nil, err
			}
			return sessions[c.Value], nil
		},
		Commit: func(_ context.Context, r *http.Request, res mfa.Result) error {
			c, err := r.Cookie("session")
			if err != nil {
				return err
			}
			sessions[c.Value] = append(sessions[c.Value], res.Evidence)
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/account/mfa/", http.StripPrefix("/account/mfa", h))
	// Output:
}

// From one capital to another in an hour.
func ExampleImpossibleTravel() {
	bern := mfa.Place{Country: "CH", Lat: 46.95, Lon: 7.45, Located: true}
	tokyo := mfa.Place{Country: "JP", Lat: 35.68, Lon: 139.69, Located: true}
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	kmh, impossible := mfa.ImpossibleTravel(bern, at, tokyo, at.Add(time.Hour), mfa.MaxTravelKmh)
	fmt.Printf("%.0f km/h %v\n", kmh, impossible)
	// Output:
	// 9667 km/h true
}
