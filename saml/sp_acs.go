// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
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

// ACS is the handler of the assertion consumer service at the URL at, which
// must be the ACS of the connection that a Response is for: what is for
// another endpoint is refused here. at is configuration, never made of the
// Host header; making a handler costs nothing, so a program with an ACS for
// each customer makes one for each request:
//
//	mux.HandleFunc("POST /{customer}/acs", func(w http.ResponseWriter, r *http.Request) {
//		sp.ACS(base+"/"+r.PathValue("customer")+"/acs").ServeHTTP(w, r)
//	})
//
// The handler verifies the Response, ends the request that it answers, and
// sends the browser to Connection.Finish with a ticket. It sees no cookie: the
// cross-site POST brings none. GET is for artifacts only.
func (s *ServiceProvider) ACS(at string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		location, err := s.accept(r, at)
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

func (s *ServiceProvider) accept(r *http.Request, at string) (string, error) {
	ctx := r.Context()
	resp, relay, err := s.arrived(r, at)
	if err != nil {
		return "", err
	}
	c, l, a, err := s.verify(ctx, resp, relay, at)
	if err != nil && c != nil {
		err = c.of(err)
	}
	if err != nil {
		return "", err
	}
	return s.park(ctx, c, l, a)
}

// arrived reads the Response that was posted, or fetches the one that an
// artifact stands for.
func (s *ServiceProvider) arrived(r *http.Request, at string) (resp *response, relay string, err error) {
	art, relay, err := receiveArtifact(r, s.cfg.MaxMessage)
	if err != nil {
		return nil, "", err
	}
	if art != "" {
		resp, err = s.resolve(r.Context(), art, relay, at)
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
func (s *ServiceProvider) verify(ctx context.Context, resp *response, relay, at string) (*Connection, *login, *Assertion, error) {
	var c *Connection
	var l *login
	var err error
	if resp.inResponseTo != "" {
		c, l, err = s.solicited(ctx, resp.inResponseTo)
	} else {
		c, err = s.unsolicited(ctx, resp, at)
	}
	if err != nil {
		return c, nil, nil, err
	}
	if err := c.arrivedAt(at); err != nil {
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

// arrivedAt refuses what came to an endpoint that is not the connection's: one
// customer's messages are of no use at another's.
func (c *Connection) arrivedAt(at string) error {
	if c.ACS == at {
		return nil
	}
	return c.of(refuse(CheckDestination, "a message to %q arrived at %.200q", c.ACS, at))
}

func (s *ServiceProvider) unsolicited(ctx context.Context, resp *response, at string) (*Connection, error) {
	if resp.destination != at {
		return nil, refuse(CheckDestination, "an unsolicited Response to %.200q arrived at %.200q", resp.destination, at)
	}
	issuer := resp.anyIssuer()
	if issuer == "" {
		return nil, refuse(CheckIssuer, "an unsolicited Response names no Issuer in clear")
	}
	cs, err := s.cfg.Connections.ConnectionsByIssuer(ctx, at, issuer)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, refuse(CheckStore, "connections of %q: %w", issuer, err)
	}
	cs = slices.DeleteFunc(slices.Clone(cs), func(c *Connection) bool { return c.ACS != at || c.IdP.EntityID != issuer })
	switch len(cs) {
	case 0:
		return nil, refuse(CheckConnection, "no connection at %q with %q", at, issuer)
	case 1:
	default:
		return nil, refuse(CheckConnection, "%d connections at %q with %q", len(cs), at, issuer)
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
	data, err := tokenCipher{"ticket", ticket}.seal(plain)
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
		if CheckOf(err) == "" {
			err = refuse(CheckStore, "park: %w", err)
		}
		return "", c.of(err)
	}
	return withQuery(c.Finish, ticketParameter+"="+url.QueryEscape(ticket)), nil
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
