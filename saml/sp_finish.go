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

// InsecureVerifyUnbound verifies an encoded Response of the connection and
// marks its assertion as used, but asks neither whether it answers a request
// nor whether this browser made one. It MUST NOT be used for new programs:
// anybody with an account at the identity provider can sign other people in as
// himself. It is for interfaces that know no requests, such as gosaml2's;
// everything else is checked. Assertion.Unsolicited is always true.
func (s *ServiceProvider) InsecureVerifyUnbound(ctx context.Context, connection, encoded string) (*Assertion, error) {
	c, err := s.connection(ctx, connection)
	if err != nil {
		return nil, err
	}
	if len(encoded)/4*3 > s.cfg.MaxMessage+s.cfg.MaxMessage/16 {
		return nil, refuse(CheckInput, "a message of %d base64 bytes", len(encoded))
	}
	data, err := decodeBase64(encoded)
	if err != nil {
		return nil, refuse(CheckInput, "the message is not base64")
	}
	resp, err := readResponse(data)
	if err != nil {
		return nil, err
	}
	resp.unbound = true
	a, err := s.verifyResponse(ctx, resp, c, nil)
	if err != nil {
		return nil, err
	}
	a.Unsolicited = true
	now := s.cfg.Now()
	if err := s.use(ctx, c, a, now); err != nil {
		if CheckOf(err) == "" {
			err = refuse(CheckStore, "mark as used: %w", err)
		}
		return nil, err
	}
	emit(ctx, s.cfg.OnEvent, Event{Type: EventAccepted, At: now, Connection: a.Connection, Peer: a.Issuer, ID: a.ID})
	return a, nil
}

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
	plain, err := ticketCipher(ticket).open(rec.Data)
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

// ticketCipher seals a parked assertion under its ticket, of which the store
// holds a hash only: who reads or writes the store cannot read or make one.
type ticketCipher string

func (t ticketCipher) aead() (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(t), nil, "gatehouse/saml/ticket-seal/1", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (t ticketCipher) seal(plain []byte) ([]byte, error) {
	a, err := t.aead()
	if err != nil {
		return nil, err
	}
	return a.Seal(nil, nil, plain, nil), nil
}

func (t ticketCipher) open(b []byte) ([]byte, error) {
	a, err := t.aead()
	if err != nil {
		return nil, err
	}
	return a.Open(nil, nil, b, nil)
}
