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
	"net/url"
	"slices"
	"strings"
	"time"
)

// ticketParameter is the query parameter of the redirect from ACS to Finish.
const ticketParameter = "saml_ticket"

// parked is a verified Assertion that waits for its browser.
type parked struct {
	Assertion Assertion
	Browser   string // "" if unsolicited
	Cookie    string
	IdP       string
}

// ACS is the handler of the assertion consumer service. It verifies the
// Response, ends the request that it answers, and sends the browser to
// Connection.Finish with a ticket. It sees no cookie: the cross-site POST
// brings none.
func (s *ServiceProvider) ACS() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		location, err := s.accept(r)
		if err != nil {
			s.refused(r.Context(), err)
			s.cfg.OnError(w, r, err)
			return
		}
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Location", location)
		w.WriteHeader(http.StatusSeeOther)
	})
}

func (s *ServiceProvider) refused(ctx context.Context, err error) {
	var e *Error
	if errors.As(err, &e) {
		emit(ctx, s.cfg.OnEvent, Event{Type: EventRefused, At: s.cfg.Now(), Connection: e.Connection, Check: e.Check, Detail: e.Error()})
	}
}

func (s *ServiceProvider) accept(r *http.Request) (string, error) {
	ctx := r.Context()
	resp, relay, err := s.arrived(r)
	if err != nil {
		return "", err
	}
	c, l, a, err := s.verify(ctx, resp, relay)
	if err != nil {
		var e *Error
		if errors.As(err, &e) && c != nil && e.Connection == "" {
			e.Connection = c.ID
		}
		return "", err
	}
	return s.park(ctx, c, l, a)
}

// arrived reads the Response that was posted, or fetches the one that an
// artifact stands for.
func (s *ServiceProvider) arrived(r *http.Request) (resp *response, relay string, err error) {
	art, relay, err := receiveArtifact(r, s.cfg.MaxMessage)
	if err != nil {
		return nil, "", err
	}
	if art != "" {
		resp, err = s.resolve(r.Context(), art, relay)
		return resp, relay, err
	}
	if r.Method != http.MethodPost {
		return nil, "", refuse(CheckInput, "method %.20q at the assertion consumer service", r.Method)
	}
	in, err := receive(r, s.cfg.MaxMessage, false)
	if err != nil {
		return nil, "", err
	}
	if in.field != "SAMLResponse" {
		return nil, "", refuse(CheckInput, "a SAMLRequest at the assertion consumer service")
	}
	resp, err = readResponse(in.xml)
	return resp, in.relayState, err
}

// verify takes the request that the Response answers and checks the Response
// by the connection of that request. l is nil if it is unsolicited.
func (s *ServiceProvider) verify(ctx context.Context, resp *response, relay string) (*Connection, *login, *Assertion, error) {
	var c *Connection
	var l *login
	var err error
	if resp.inResponseTo != "" {
		c, l, err = s.solicited(ctx, resp.inResponseTo)
	} else {
		c, err = s.unsolicited(ctx, resp)
	}
	if err != nil {
		return c, nil, nil, err
	}
	if l != nil && subtle.ConstantTimeCompare([]byte(hashToken("relay-state", relay)), []byte(l.RelayState)) != 1 {
		return c, nil, nil, refuse(CheckRelayState, "RelayState is not what was sent")
	}
	if len(relay) > maxRelayState {
		return c, nil, nil, refuse(CheckRelayState, "RelayState of %d bytes", len(relay))
	}
	a, err := s.verifyResponse(ctx, resp, c, l)
	if err != nil {
		return c, nil, nil, err
	}
	if l == nil {
		a.Unsolicited, a.RelayState = true, relay
	} else {
		a.RequestID, a.Target = resp.inResponseTo, l.Target
	}
	return c, l, a, nil
}

// solicited takes the request out of the store before anything is verified:
// nobody has two attempts at one request.
func (s *ServiceProvider) solicited(ctx context.Context, id string) (*Connection, *login, error) {
	if len(id) > 128 {
		return nil, nil, refuse(CheckRequest, "InResponseTo of %d bytes", len(id))
	}
	var l login
	if err := takeRecord(ctx, s.cfg.Store, s.cfg.Now(), KindRequest, id, &l, CheckRequest); err != nil {
		return nil, nil, err
	}
	c, err := s.connection(ctx, l.Connection)
	if err != nil {
		return nil, nil, err
	}
	if c.IdP.EntityID != l.IdP || c.EntityID != l.EntityID || c.ACS != l.ACS {
		return c, nil, refuse(CheckConnection, "the connection changed while the login was under way")
	}
	l.id = id
	return c, &l, nil
}

func takeRecord(ctx context.Context, st Store, now time.Time, kind Kind, key string, v any, missing Check) error {
	rec, err := st.Take(ctx, kind, key, now)
	if errors.Is(err, ErrNotFound) {
		return refuse(missing, "no outstanding %s %.80q", kind, key)
	}
	if err != nil {
		return refuse(CheckStore, "take %s: %w", kind, err)
	}
	if err := json.Unmarshal(rec.Data, v); err != nil {
		return refuse(CheckStore, "decode %s: %w", kind, err)
	}
	return nil
}

func (s *ServiceProvider) unsolicited(ctx context.Context, resp *response) (*Connection, error) {
	if resp.destination == "" {
		return nil, refuse(CheckDestination, "an unsolicited Response without Destination")
	}
	issuer := resp.anyIssuer()
	if issuer == "" {
		return nil, refuse(CheckIssuer, "an unsolicited Response names no Issuer in clear")
	}
	cs, err := s.cfg.Connections.ConnectionsByIssuer(ctx, resp.destination, issuer)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, refuse(CheckStore, "connections of %q: %w", issuer, err)
	}
	cs = slices.DeleteFunc(slices.Clone(cs), func(c *Connection) bool { return c.ACS != resp.destination || c.IdP.EntityID != issuer })
	switch len(cs) {
	case 0:
		return nil, refuse(CheckConnection, "no connection at %q with %q", resp.destination, issuer)
	case 1:
	default:
		return nil, refuse(CheckConnection, "%d connections at %q with %q", len(cs), resp.destination, issuer)
	}
	c := cs[0]
	if !c.AllowIdPInitiated {
		return c, refuse(CheckUnsolicited, "connection does not allow unsolicited Responses")
	}
	return c, c.check(s.cfg.Now())
}

// park keeps the assertion under a ticket, together with the mark that it has
// been used, and returns where the browser goes.
func (s *ServiceProvider) park(ctx context.Context, c *Connection, l *login, a *Assertion) (string, error) {
	now := s.cfg.Now()
	p := parked{Assertion: *a, IdP: c.IdP.EntityID}
	if l != nil {
		p.Browser, p.Cookie = l.Browser, l.Cookie
	}
	plain, err := json.Marshal(p)
	if err != nil {
		return "", refuse(CheckStore, "encode ticket: %w", err)
	}
	ticket := randomToken()
	data, err := ticketCipher(ticket).seal(plain)
	if err != nil {
		return "", refuse(CheckStore, "seal ticket: %w", err)
	}
	err = s.cfg.Store.InTx(ctx, func(ctx context.Context) error {
		if err := s.use(ctx, c, a, now); err != nil {
			return err
		}
		return s.cfg.Store.Put(ctx, Record{
			Kind: KindTicket, Key: hashToken("ticket", ticket), Connection: c.ID, Data: data, Expires: now.Add(s.cfg.TicketLifetime),
		}, now)
	})
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			e.Connection = c.ID
			return "", e
		}
		return "", refuse(CheckStore, "park: %w", err)
	}
	sep := "?"
	if strings.Contains(c.Finish, "?") {
		sep = "&"
	}
	return c.Finish + sep + ticketParameter + "=" + url.QueryEscape(ticket), nil
}

// use marks an assertion as used, until it could not pass anyhow.
func (s *ServiceProvider) use(ctx context.Context, c *Connection, a *Assertion, now time.Time) error {
	err := s.cfg.Store.Put(ctx, Record{
		Kind: KindReplay, Key: hashKey("assertion", c.ID, a.Issuer, a.ID), Connection: c.ID, Data: []byte{},
		// One skew for the assertion's end, one for a replica's clock.
		Expires: a.NotOnOrAfter.Add(2 * s.cfg.Skew),
	}, now)
	if errors.Is(err, ErrExists) {
		return refuse(CheckReplay, "assertion %q has been used", a.ID)
	}
	return err
}

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

func getRecord(ctx context.Context, st Store, now time.Time, kind Kind, key string, v any) error {
	if key == "" || len(key) > 128 {
		return refuse(CheckRequest, "InResponseTo of %d bytes", len(key))
	}
	rec, err := st.Get(ctx, kind, key, now)
	if errors.Is(err, ErrNotFound) {
		return refuse(CheckRequest, "no outstanding %s %.80q", kind, key)
	}
	if err != nil {
		return refuse(CheckStore, "get %s: %w", kind, err)
	}
	if err := json.Unmarshal(rec.Data, v); err != nil {
		return refuse(CheckStore, "decode %s: %w", kind, err)
	}
	return nil
}
