// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
)

// startedLogout is what the store remembers of our LogoutRequest.
type startedLogout struct{ Connection, IdP, Target, RelayState string }

// Logout begins a logout at the identity provider by the browser, always
// signed. End the own session first: the answer may never come.
func (s *ServiceProvider) Logout(ctx context.Context, o LogoutStart) (*Outgoing, error) {
	c, err := s.logoutConnection(ctx, o)
	if err != nil {
		return nil, err
	}
	slo, ok := pick(c.IdP.IdP.SLO, BindingRedirect, BindingPOST)
	if !ok {
		return nil, refuse(CheckBinding, "%q offers no logout by Redirect or POST", c.IdP.EntityID)
	}
	now, id, relay := s.cfg.Now(), newID(), randomToken()
	msg, err := logoutRequest(id, slo.Location, c.EntityID, now, o.NameID, o.SessionIndexes)
	if err != nil {
		return nil, refuse(CheckConfig, "%w", err)
	}
	out, err := outgoing(slo, slo.Location, "SAMLRequest", id, relay, msg, &s.cfg.Keys[0])
	if err != nil {
		return nil, err
	}
	l := startedLogout{c.ID, c.IdP.EntityID, o.Target, hashToken("relay-state", relay)}
	if err := s.put(ctx, KindLogout, id, c.ID, l, now.Add(s.cfg.RequestLifetime)); err != nil {
		return nil, err
	}
	emit(ctx, s.cfg.OnEvent, Event{Type: EventLogout, At: now, Connection: c.ID, Peer: c.IdP.EntityID, ID: id, Detail: "requested"})
	return out, nil
}

// LogoutSOAP is Logout by the back channel, for a session that ends without its
// browser, such as an administrator's doing. The result has the Status of the
// identity provider, which may tell of participants that it could not ask.
func (s *ServiceProvider) LogoutSOAP(ctx context.Context, o LogoutStart) (*LogoutResult, error) {
	res, err := s.logoutSOAP(ctx, o)
	if err != nil {
		s.refused(ctx, err)
	}
	return res, err
}

func (s *ServiceProvider) logoutSOAP(ctx context.Context, o LogoutStart) (res *LogoutResult, err error) {
	c, err := s.logoutConnection(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = c.of(err) }()
	slo, ok := pick(c.IdP.IdP.SLO, BindingSOAP)
	if !ok {
		return nil, refuse(CheckBinding, "%q offers no logout by SOAP", c.IdP.EntityID)
	}
	now := s.cfg.Now()
	q := question{
		client: s.cfg.Client, location: slo.Location, issuer: c.EntityID, key: s.cfg.Keys[0], limit: s.cfg.MaxMessage, now: now, skew: s.cfg.Skew,
		peer: c.IdP.EntityID, keys: c.peerKeys(now), sha1: c.Policy.InsecureAllowSHA1,
	}
	id, st, err := q.logout(ctx, o.NameID, o.SessionIndexes)
	if err != nil {
		return nil, err
	}
	emit(ctx, s.cfg.OnEvent, Event{Type: EventLogout, At: now, Connection: c.ID, Peer: c.IdP.EntityID, ID: id, Detail: st.Code + " " + st.SubCode})
	return &LogoutResult{Status: st, Target: o.Target}, nil
}

// logoutConnection is the connection of the session.
func (s *ServiceProvider) logoutConnection(ctx context.Context, o LogoutStart) (*Connection, error) {
	c, err := s.connection(ctx, o.Connection)
	if err != nil {
		return nil, err
	}
	switch {
	case c.IdP.EntityID != o.Issuer:
		return nil, c.of(refuse(CheckConnection, "the session is of %.200q, the connection of %.200q", o.Issuer, c.IdP.EntityID))
	case len(s.cfg.Keys) == 0:
		return nil, c.of(refuse(CheckConfig, "logout needs a signing key"))
	case len(o.Target) > 4096:
		return nil, c.of(refuse(CheckConfig, "a Target of %d bytes", len(o.Target)))
	}
	return c, nil
}

// HandleLogout takes a logout message by Redirect, POST or SOAP that arrived at
// the URL at, which must be the SLO, or by SOAP the SLOSOAP, of the connection
// that it is for. As with [ServiceProvider.ACS], at is configuration.
//
// Of a LogoutRequest, end ends the sessions that n names, in a transaction of
// the store; ErrNotFound says that there are none. The result's Reply or SOAP
// goes back to the identity provider: serve the result. Of the answer to a
// logout that began here the result has no reply but the Status and Target:
// show a page. A failing end is answered with an error status, and returned
// beside the result.
func (s *ServiceProvider) HandleLogout(r *http.Request, at string, end func(ctx context.Context, n LogoutNotice) error) (*LogoutResult, error) {
	res, err := s.handleLogout(r, at, end)
	if err != nil {
		s.refused(r.Context(), err)
	}
	return res, err
}

func (s *ServiceProvider) handleLogout(r *http.Request, at string, end func(ctx context.Context, n LogoutNotice) error) (res *LogoutResult, err error) {
	ctx := r.Context()
	m, err := receiveLogout(r, s.cfg.MaxMessage)
	if err != nil {
		return nil, err
	}
	if m.response {
		return s.logoutAnswer(ctx, m, at)
	}
	if len(s.cfg.Keys) == 0 {
		return nil, refuse(CheckConfig, "logout needs a signing key")
	}
	cs, err := s.logoutConnections(ctx, m, at)
	if err != nil {
		return nil, err
	}
	now := s.cfg.Now()
	trusted, err := s.trusting(m.message, m.in, cs, []string{at}, now)
	if err != nil {
		return nil, err
	}
	defer func() { err = trusted[0].of(err) }()
	for _, c := range trusted { // of each: their order is not always the same
		if err := once(ctx, s.cfg.Store, now, s.cfg.Skew, c.ID, m); err != nil {
			return nil, err
		}
	}
	id, indexes, err := m.names(ctx, s.decrypter(trusted[0]))
	if err != nil {
		return nil, err
	}
	endErr := s.cfg.Store.InTx(ctx, func(ctx context.Context) error {
		for _, c := range trusted {
			a := Assertion{Connection: c.ID, EntityID: c.EntityID, Issuer: m.issuer, NameID: id}
			err := end(ctx, LogoutNotice{Connection: c.ID, Issuer: m.issuer, Subject: a.Subject(), SessionIndexes: indexes})
			if err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		return nil
	})
	st := Status{Code: StatusSuccess}
	if endErr != nil {
		st = Status{Code: StatusResponder}
		endErr = refuse(CheckCommit, "end sessions: %w", endErr)
	}
	res, err = logoutReply(trusted[0].EntityID, s.cfg.Keys[0], trusted[0].IdP.IdP.SLO, m, now, st)
	if err != nil {
		return nil, errors.Join(err, endErr)
	}
	emit(ctx, s.cfg.OnEvent, Event{Type: EventLogout, At: now, Connection: trusted[0].ID, Peer: m.issuer, ID: m.id, Detail: "by the identity provider"})
	return res, endErr
}

// logoutConnections are those that the message may be for: of its issuer, where
// it arrived, which must be its Destination.
func (s *ServiceProvider) logoutConnections(ctx context.Context, m *logoutMessage, at string) ([]*Connection, error) {
	if m.destination != at {
		return nil, refuse(CheckDestination, "a message to %.200q arrived at %.200q", m.destination, at)
	}
	return s.connectionsAt(ctx, at, m.issuer, m.at)
}

// connectionsAt are the connections with the issuer whose endpoint is at; none
// refuses.
func (s *ServiceProvider) connectionsAt(ctx context.Context, at, issuer string, endpoint func(*Connection) string) ([]*Connection, error) {
	cs, err := s.cfg.Connections.ConnectionsByIssuer(ctx, at, issuer)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, refuse(CheckStore, "connections of %.200q: %w", issuer, err)
	}
	cs = slices.DeleteFunc(slices.Clone(cs), func(c *Connection) bool {
		return c.IdP.EntityID != issuer || endpoint(c) != at || at == ""
	})
	if len(cs) == 0 {
		return nil, refuse(CheckConnection, "no connection at %.200q with %.200q", at, issuer)
	}
	return cs, nil
}

func (m *logoutMessage) at(c *Connection) string {
	if m.soap {
		return c.SLOSOAP
	}
	return c.SLO
}

// trusting returns the connections whose keys the message is signed with; an
// error tells why the first did not trust it, if none does.
func (s *ServiceProvider) trusting(m *message, in *incoming, cs []*Connection, destinations []string, now time.Time) ([]*Connection, error) {
	var out []*Connection
	var reason error
	root := m.root
	view := root
	for _, c := range cs {
		m.root = root
		err := c.check(now)
		if err == nil {
			err = m.trust(in, c.peerKeys(now), c.Policy.InsecureAllowSHA1, c.IdP.EntityID, destinations, now, s.cfg.Skew)
		}
		if err == nil {
			out, view = append(out, c), m.root
		} else if reason == nil {
			reason = c.of(err)
		}
	}
	m.root = view
	if len(out) == 0 {
		return nil, reason
	}
	return out, nil
}

// logoutAnswer takes the LogoutResponse to our LogoutRequest. It is verified
// before the request is taken: a stranger's ends no logout.
func (s *ServiceProvider) logoutAnswer(ctx context.Context, m *logoutMessage, at string) (res *LogoutResult, err error) {
	now := s.cfg.Now()
	var l startedLogout
	if err := getRecord(ctx, s.cfg.Store, now, KindLogout, m.inResponseTo, &l); err != nil {
		return nil, err
	}
	c, err := s.connection(ctx, l.Connection)
	if err != nil {
		return nil, err
	}
	defer func() { err = c.of(err) }()
	if c.IdP.EntityID != l.IdP {
		return nil, refuse(CheckConnection, "the connection changed while the logout was under way")
	}
	if c.SLO != at {
		return nil, refuse(CheckDestination, "an answer to %q arrived at %.200q", c.SLO, at)
	}
	if err := m.trust(m.in, c.peerKeys(now), c.Policy.InsecureAllowSHA1, c.IdP.EntityID, []string{c.SLO}, now, s.cfg.Skew); err != nil {
		return nil, err
	}
	if hashToken("relay-state", m.in.relayState) != l.RelayState && m.in.relayState != "" {
		return nil, refuse(CheckRelayState, "RelayState is not what was sent")
	}
	st, err := m.status()
	if err != nil {
		return nil, err
	}
	if err := takeRecord(ctx, s.cfg.Store, now, KindLogout, m.inResponseTo, &l, CheckRequest); err != nil {
		return nil, err
	}
	emit(ctx, s.cfg.OnEvent, Event{Type: EventLogout, At: now, Connection: c.ID, Peer: m.issuer, ID: m.id, Detail: st.Code + " " + st.SubCode})
	return &LogoutResult{Status: st, Target: l.Target}, nil
}
