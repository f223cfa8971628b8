// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/webauthn"
)

type siteConfig struct {
	Port        uint16
	Log         *slog.Logger
	NoRateLimit bool
	Now         func() time.Time // time.Now if nil
}

// site is the whole website.
type site struct {
	origin   string
	port     uint16
	log      *slog.Logger
	now      func() time.Time
	factor   *webauthn.Factor
	flow     *mfa.Flow
	accounts *accounts
	sessions *sessions
	limit    *limiter // nil without a limit
	pages    *pages
}

const maxRows = 1 << 20

func newSite(c siteConfig) (*site, error) {
	s := &site{
		origin: fmt.Sprintf("http://localhost:%d", c.Port), port: c.Port, log: c.Log, now: c.Now,
		accounts: newAccounts(maxRows),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if c.Port == 80 {
		s.origin = "http://localhost"
	}
	s.sessions = newSessions(maxRows, s.now)
	if !c.NoRateLimit {
		s.limit = newLimiter(s.now)
	}
	var err error
	if s.pages, err = newPages(); err != nil {
		return nil, err
	}
	s.factor, err = webauthn.New(webauthn.Config{
		RPID:             "localhost",
		RPName:           "Gatehouse passkeys",
		Origins:          []string{s.origin},
		Key:              randomKey(),
		UserVerification: webauthn.Required,
		ResidentKey:      webauthn.Required,
		Algorithms:       []webauthn.Algorithm{webauthn.ES256, webauthn.EdDSA, webauthn.RS256},
	})
	if err != nil {
		return nil, err
	}
	keyring, err := mfa.NewKeyring("1", map[string][]byte{"1": randomKey()})
	if err != nil {
		return nil, err
	}
	s.flow, err = mfa.New(mfa.Config{
		Store: mfa.NewMemoryStore(4 * maxRows), Sealer: keyring, Factors: []mfa.Factor{s.factor}, OnEvent: s.event, Now: s.now,
	})
	return s, err
}

// randomKey is good for as long as the process: as long as what it keeps.
func randomKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return key
}

// event writes what happened to the log. It keeps the last passkey, for there
// is no other way in: its refusal undoes the removal, also if two passkeys are
// removed at once.
func (s *site) event(ctx context.Context, e mfa.Event) error {
	if e.Type == mfa.EventRemovedLast {
		return errOnly
	}
	level := slog.LevelDebug
	if e.Type == mfa.EventRefused || e.Type == mfa.EventLocked {
		level = slog.LevelInfo
	}
	s.log.LogAttrs(ctx, level, string(e.Type), slog.String("subject", e.Subject.ID), slog.String("check", string(e.Check)),
		slog.String("detail", e.Detail), slog.String("addr", e.Addr.String()))
	return nil
}

// run forgets what has expired, until ctx ends.
func (s *site) run(ctx context.Context) {
	go s.sessions.run(ctx, time.Minute)
	if s.limit != nil {
		go s.limit.run(ctx, time.Minute)
	}
	_ = s.flow.Run(ctx, time.Minute) // returns when ctx ends
}

func (s *site) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.home)
	mux.Handle("GET /static/", s.pages.static())
	mux.Handle("GET /static/webauthn.js", webauthn.Script())
	mux.HandleFunc("POST /webauthn/register/begin", s.json(s.registerBegin))
	mux.HandleFunc("POST /webauthn/register/finish", s.json(s.registerFinish))
	mux.HandleFunc("POST /webauthn/login/begin", s.json(s.loginBegin))
	mux.HandleFunc("POST /webauthn/login/finish", s.json(s.loginFinish))
	mux.HandleFunc("POST /sign-out", s.signOut)
	mux.HandleFunc("POST /passkeys/rename", s.change(s.rename))
	mux.HandleFunc("POST /passkeys/remove", s.change(s.remove))
	crossOrigin := http.NewCrossOriginProtection()
	if err := crossOrigin.AddTrustedOrigin(s.origin); err != nil {
		panic(err) // the origin is ours
	}
	return s.guard(crossOrigin.Handler(mux))
}

// registerBegin starts to make an account, or another passkey for one's own.
func (s *site) registerBegin(r *http.Request, body []byte) (answer, error) {
	name, err := usernameIn(body)
	if err != nil {
		return answer{}, err
	}
	secret, ses, err := s.sessions.getOrAdd(r)
	if err != nil {
		return answer{}, err
	}
	in := mfa.EnrolInput{Kind: mfa.KindWebAuthn, Session: secret, Client: client(r), Account: name, DisplayName: name}
	switch {
	case ses.account != nil && (name == "" || name == ses.account.Name):
		in.Subject, in.Account, in.DisplayName = ses.account.Subject, ses.account.Name, ses.account.Name
		in.Authenticated = ses.evidence // which must be fresh
	case name == "":
		return answer{}, &httpError{http.StatusBadRequest, "Choose a username."}
	case s.accounts.taken(name):
		return answer{}, errTaken
	default:
		// A new person has no factor to prove: a ticket stands in for it.
		in.Subject = newSubject()
		if in.Ticket, err = s.flow.IssueTicket(r.Context(), mfa.TicketInput{Subject: in.Subject}); err != nil {
			return answer{}, err
		}
	}
	ch, err := s.flow.BeginEnrol(r.Context(), in)
	if err != nil {
		return answer{}, err
	}
	s.sessions.change(secret, func(ses *session) {
		ses.registration = ch.ID
		ses.newcomer = account{Name: in.Account, Subject: in.Subject}
	})
	return answer{cookie: secret, body: publicKey{ch.Public}}, nil
}

// registerFinish keeps the passkey and, with it or not at all, the account.
func (s *site) registerFinish(r *http.Request, body []byte) (answer, error) {
	secret, ses, ok := s.sessions.get(r)
	if !ok {
		return answer{}, errNoSession
	}
	newcomer := ses.newcomer
	own := ses.account != nil && ses.account.Subject == newcomer.Subject
	record, err := s.flow.FinishEnrol(r.Context(), ses.registration, mfa.EnrolAnswer{Session: secret, Data: body, Client: client(r)},
		func(context.Context, mfa.Record) error {
			if own {
				return nil
			}
			return s.accounts.add(newcomer)
		})
	if err != nil {
		return answer{}, err
	}
	// Making a passkey proves as much as signing in with it.
	proof, ok := record.Proof()
	if !ok {
		return answer{}, errors.New("a registration that proves nothing")
	}
	return s.signIn(secret, newcomer, proof)
}

// loginBegin starts a sign-in, by name or without one.
func (s *site) loginBegin(r *http.Request, body []byte) (answer, error) {
	name, err := usernameIn(body)
	if err != nil {
		return answer{}, err
	}
	secret, _, err := s.sessions.getOrAdd(r)
	if err != nil {
		return answer{}, err
	}
	in := mfa.BeginInput{Kind: mfa.KindWebAuthn, Purpose: mfa.First, Session: secret, Client: client(r), Hint: name}
	if a, ok := s.accounts.get(name); ok {
		in.Subject = a.Subject
	}
	ch, err := s.flow.Begin(r.Context(), in)
	if err != nil {
		return answer{}, err
	}
	s.sessions.change(secret, func(ses *session) { ses.login = ch.ID })
	return answer{cookie: secret, body: publicKey{ch.Public}}, nil
}

func (s *site) loginFinish(r *http.Request, body []byte) (answer, error) {
	secret, ses, ok := s.sessions.get(r)
	if !ok {
		return answer{}, errNoSession
	}
	res, err := s.flow.Finish(r.Context(), ses.login, mfa.Answer{Session: secret, Data: body, Client: client(r)}, nil)
	if err != nil {
		return answer{}, err
	}
	a, ok := s.accounts.of(res.Subject)
	if !ok {
		return answer{}, errors.New("a passkey of no account")
	}
	return s.signIn(secret, a, res.Evidence)
}

// signIn ends the session that asked and begins another: its id must not be
// one that somebody could have planted.
func (s *site) signIn(old string, a account, proof mfa.Evidence) (answer, error) {
	s.sessions.end(old)
	secret, err := s.sessions.add(session{account: &a, evidence: []mfa.Evidence{proof}})
	if err != nil {
		return answer{}, err
	}
	return answer{cookie: secret, body: signedIn{a.Name}}, nil
}
