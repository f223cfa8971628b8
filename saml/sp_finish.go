// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
)

// Finish ends a login in the GET that ACS sent the browser to: it takes the
// ticket, checks that this is the browser that began the login, and runs
// commit in a transaction of the store. Begin a new session there, with a new
// ID; the session's rows commit with it or not at all. commit may run again
// after a serialization failure.
func (s *ServiceProvider) Finish(ctx context.Context, r *http.Request, commit func(ctx context.Context, a *Assertion) error) error {
	a, err := s.finish(ctx, r, commit)
	if err != nil {
		s.refused(ctx, err)
		return err
	}
	emit(ctx, s.cfg.OnEvent, Event{Type: EventAccepted, At: s.cfg.Now(), Connection: a.Connection, Peer: a.Issuer, ID: a.ID})
	return nil
}

func (s *ServiceProvider) finish(ctx context.Context, r *http.Request, commit func(ctx context.Context, a *Assertion) error) (*Assertion, error) {
	ticket := r.URL.Query().Get(ticketParameter)
	if r.Method != http.MethodGet || len(ticket) != 43 {
		return nil, refuse(CheckTicket, "no ticket in a %.10q", r.Method)
	}
	rec, err := s.cfg.Store.Take(ctx, KindTicket, hashToken("ticket", ticket), s.cfg.Now())
	if errors.Is(err, ErrNotFound) {
		return nil, refuse(CheckTicket, "no such ticket")
	}
	if err != nil {
		return nil, refuse(CheckStore, "take ticket: %w", err)
	}
	plain, err := tokenCipher{"ticket", ticket}.open(rec.Data)
	if err != nil {
		return nil, refuse(CheckTicket, "the ticket's record was changed: %w", err)
	}
	var p parked
	if err := json.Unmarshal(plain, &p); err != nil {
		return nil, refuse(CheckTicket, "decode: %w", err)
	}
	a := &p.Assertion
	fail := func(c Check, format string, args ...any) (*Assertion, error) {
		e := refuse(c, format, args...)
		e.Connection = a.Connection
		return nil, e
	}
	if !a.Unsolicited {
		cookie, err := r.Cookie(p.Cookie)
		if err != nil || subtle.ConstantTimeCompare([]byte(hashToken("browser", cookie.Value)), []byte(p.Browser)) != 1 {
			return fail(CheckBrowser, "cookie %q is missing or another", p.Cookie)
		}
	}
	c, err := s.connection(ctx, a.Connection) // it may have been disabled
	if err != nil {
		return nil, err
	}
	if c.IdP.EntityID != p.IdP || a.Unsolicited && !c.AllowIdPInitiated {
		return fail(CheckConnection, "the connection changed while the login was under way")
	}
	if err := s.cfg.Store.InTx(ctx, func(ctx context.Context) error { return commit(ctx, a) }); err != nil {
		return fail(CheckCommit, "commit: %w", err)
	}
	return a, nil
}

// tokenCipher seals a record under the token that finds it, of which the store
// holds a hash only: who reads or writes the store cannot read or make one.
type tokenCipher struct{ purpose, token string }

func (t tokenCipher) aead() (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(t.token), nil, "gatehouse/saml/"+t.purpose+"-seal/1", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (t tokenCipher) seal(plain []byte) ([]byte, error) {
	a, err := t.aead()
	if err != nil {
		return nil, err
	}
	return a.Seal(nil, nil, plain, nil), nil
}

func (t tokenCipher) open(b []byte) ([]byte, error) {
	a, err := t.aead()
	if err != nil {
		return nil, err
	}
	return a.Open(nil, nil, b, nil)
}
