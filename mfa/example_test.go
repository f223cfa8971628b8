// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
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

// site is a program with sessions of its own. In SQL its rows are written in the
// transaction of the context ([mfasql.Store.TxFrom]).
//
// [mfasql.Store.TxFrom]: https://pkg.go.dev/github.com/gatehouse-id/gatehouse/mfa/mfasql#Store.TxFrom
type site struct {
	flow     *mfa.Flow
	mu       sync.Mutex
	sessions map[string]*signedIn // by the cookie's value
}

type signedIn struct {
	person mfa.Subject
	proved []mfa.Evidence
}

const (
	cookieSession = "__Host-session"
	cookieTrust   = "__Host-trust"
)

func (s *site) session(r *http.Request) (string, error) {
	c, err := r.Cookie(cookieSession)
	if err != nil {
		return "", err
	}
	return c.Value, nil
}

func (s *site) current(r *http.Request) (signedIn, error) {
	id, err := s.session(r)
	if err != nil {
		return signedIn{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sessions[id] == nil {
		return signedIn{}, errors.New("no such session")
	}
	return *s.sessions[id], nil
}

// client has the token of a trusted browser.
func (s *site) client(r *http.Request) mfa.Client {
	c := mfa.Client{Browser: "Firefox on Linux"} // from r, and the address behind your proxies
	if t, err := r.Cookie(cookieTrust); err == nil {
		c.TrustToken = t.Value
	}
	return c
}

// commit adds a proof to the session, or makes one of a first factor.
func (s *site) commit(_ context.Context, r *http.Request, res mfa.Result) error {
	id, err := s.session(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.sessions[id]
	if res.Purpose == mfa.First || old == nil {
		old = &signedIn{person: res.Subject}
	}
	s.sessions[next(r)] = &signedIn{old.person, append(slices.Clone(old.proved), res.Evidence)}
	delete(s.sessions, id)
	return nil
}

type nextKey struct{}

// withNext gives a request the id that its session has after a proof: the commit
// writes it and the cookie has it.
func withNext(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), nextKey{}, rand.Text())))
	})
}

func next(r *http.Request) string { return r.Context().Value(nextKey{}).(string) }

// done sets the cookies that a proof leaves.
func (s *site) done(w http.ResponseWriter, r *http.Request, res mfa.Result) {
	http.SetCookie(w, &http.Cookie{Name: cookieSession, Value: next(r), Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	if res.TrustToken != "" {
		http.SetCookie(w, &http.Cookie{
			Name: cookieTrust, Value: res.TrustToken, Expires: res.TrustUntil,
			Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
	}
}

// protect lets in whom policy allows, and keeps where they came from: then a
// rule of mode [mfa.Contextual] does not ask them there again.
func (s *site) protect(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in, err := s.current(r)
		if err != nil {
			http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
			return
		}
		c := s.client(r)
		d, err := s.flow.Decide(r.Context(), mfa.Request{Subject: in.person, Client: c, Authenticated: in.proved})
		if err == nil && d.Outcome == mfa.Allow {
			err = s.flow.Saw(r.Context(), in.person, c, d) // once a session will do
		}
		switch {
		case err != nil:
			http.Error(w, "Something went wrong.", http.StatusInternalServerError)
		case d.Outcome != mfa.Allow:
			http.Redirect(w, r, "/second-factor", http.StatusSeeOther) // which shows GET /decision
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// One configuration serves the page of a signed-in person and the one where
// nobody is yet.
func ExampleNewHandler() {
	s := &site{flow: exampleFlow(time.Now), sessions: map[string]*signedIn{}}
	config := mfa.HandlerConfig{
		Flow: s.flow,
		Identify: func(r *http.Request) (mfa.Subject, error) {
			in, err := s.current(r)
			return in.person, err
		},
		Session: s.session,
		Evidence: func(r *http.Request) ([]mfa.Evidence, error) {
			in, err := s.current(r)
			return in.proved, err
		},
		Client: s.client,
		Commit: s.commit,
		Done:   s.done,
		Lookup: func(*http.Request, string) (mfa.Subject, error) {
			return mfa.Subject{}, nil // nobody has a name here: passkeys only
		},
		OnError: func(w http.ResponseWriter, r *http.Request, err error) {
			if id := mfa.WriteError(w, r, err); id != "" {
				log.Printf("mfa: fault %s: %v", id, err)
			}
		},
	}
	account, err := mfa.NewHandler(config)
	if err != nil {
		log.Fatal(err)
	}
	signIn, err := mfa.NewSignInHandler(config)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/account/mfa/", http.StripPrefix("/account/mfa", withNext(account)))
	mux.Handle("/sign-in/mfa/", http.StripPrefix("/sign-in/mfa", withNext(signIn))) // behind a limit by address
	mux.Handle("/", s.protect(http.NotFoundHandler()))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/account/mfa/decision", nil))
	fmt.Println(w.Code, w.Body)
	// Output:
	// 401 {"error":"identify","message":"Sign in first."}
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
