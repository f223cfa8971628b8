// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"net/http"
	"slices"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// resolve fetches the Response that an artifact stands for (Bindings 3.6.5).
// The RelayState, which only the login's browser has, tells the connection and
// is taken: nobody makes us ask twice. What is fetched is verified like what is
// posted.
func (s *ServiceProvider) resolve(ctx context.Context, art, relay, at string) (resp *response, err error) {
	a, err := parseArtifact(art)
	if err != nil {
		return nil, err
	}
	var id string
	if err := takeRecord(ctx, s.cfg.Store, s.cfg.Now(), KindArtifact, hashToken("artifact", relay), &id, CheckRequest); err != nil {
		return nil, err
	}
	c, err := s.connection(ctx, id)
	if err != nil {
		return nil, err
	}
	defer func() { err = c.of(err) }()
	if err := c.arrivedAt(at); err != nil {
		return nil, err
	}
	if a.source != SourceID(c.IdP.EntityID) {
		return nil, refuse(CheckIssuer, "an artifact of another identity provider than %q", c.IdP.EntityID)
	}
	location, err := a.endpoint(c.IdP.IdP.Artifact)
	if err != nil {
		return nil, err
	}
	if len(s.cfg.Keys) == 0 {
		return nil, refuse(CheckConfig, "artifacts need a signing key")
	}
	now := s.cfg.Now()
	inner, err := question{
		client: s.cfg.Client, location: location, issuer: c.EntityID, key: s.cfg.Keys[0], limit: s.cfg.MaxMessage, now: now, skew: s.cfg.Skew,
		peer: c.IdP.EntityID, keys: c.peerKeys(now), sha1: c.Policy.InsecureAllowSHA1,
	}.resolve(ctx, a)
	if err != nil {
		return nil, err
	}
	return s.artifactResponse(ctx, inner, c)
}

func (s *ServiceProvider) artifactResponse(ctx context.Context, inner xmltree.Node, c *Connection) (*response, error) {
	resp, err := newResponse(inner)
	if err != nil {
		return nil, err
	}
	if resp.inResponseTo == "" {
		return nil, refuse(CheckUnsolicited, "an unsolicited Response by artifact")
	}
	resp.artifact = true
	return resp, s.sameConnection(ctx, resp, c)
}

// sameConnection keeps the Response of one connection from answering the
// request of another: solicited looks at the request, this at who was asked.
func (s *ServiceProvider) sameConnection(ctx context.Context, resp *response, c *Connection) error {
	var l login
	if err := getRecord(ctx, s.cfg.Store, s.cfg.Now(), KindRequest, resp.inResponseTo, &l); err != nil {
		return err
	}
	if l.Connection != c.ID {
		return refuse(CheckConnection, "a Response to connection %q by %q", l.Connection, c.ID)
	}
	return nil
}

// requestByArtifact keeps an AuthnRequest for the identity provider to fetch
// and makes the redirect.
func (s *ServiceProvider) requestByArtifact(ctx context.Context, c *Connection, location, id, relay string, msg []byte, key *KeyPair) (*Outgoing, error) {
	if c.Artifact == "" || len(s.cfg.Keys) == 0 {
		return nil, refuse(CheckConfig, "requests by artifact need Connection.Artifact and a signing key")
	}
	if err := checkLocation(location); err != nil {
		return nil, refuse(CheckLocation, "%q: %w", location, err)
	}
	if key != nil {
		var err error
		if msg, err = signMessage(msg, *key); err != nil {
			return nil, refuse(CheckConfig, "sign: %w", err)
		}
	}
	a, err := hold(ctx, s.cfg.Store, s.cfg.Now(), c.EntityID, held{To: c.IdP.EntityID, Connection: c.ID, Message: msg})
	if err != nil {
		return nil, err
	}
	return a.outgoing(location, id, relay), nil
}

// ArtifactResolution is the handler of the artifact resolution service at the
// URL at, which must be the Artifact of the connection whose AuthnRequest is
// asked for. It answers signed questions of the identity provider that the
// artifact was made for, once, and anybody else with nothing.
func (s *ServiceProvider) ArtifactResolution(at string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := s.resolved(r, at)
		if err != nil {
			s.refused(r.Context(), err)
		}
		serveSOAP(w, body, err)
	})
}

func (s *ServiceProvider) resolved(r *http.Request, at string) ([]byte, error) {
	ctx := r.Context()
	m, err := receiveResolve(r, s.cfg.MaxMessage)
	if err != nil {
		return nil, err
	}
	if len(s.cfg.Keys) == 0 {
		return nil, refuse(CheckConfig, "artifacts need a signing key")
	}
	cs, err := s.connectionsAt(ctx, at, m.issuer, func(c *Connection) string { return c.Artifact })
	if err != nil {
		return nil, err
	}
	now := s.cfg.Now()
	trusted, err := s.trusting(m.message, &incoming{binding: BindingSOAP}, cs, []string{at, ""}, now)
	if err != nil {
		return nil, err
	}
	art, err := m.artifact()
	if err != nil {
		return nil, err
	}
	for _, entityID := range entityIDs(trusted) {
		h, err := release(ctx, s.cfg.Store, now, entityID, art)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(trusted, func(c *Connection) bool { return c.ID == h.Connection && h.To == m.issuer }); i >= 0 {
			return m.reply(entityID, s.cfg.Keys[0], now, h.Message)
		}
	}
	return m.reply(trusted[0].EntityID, s.cfg.Keys[0], now, nil)
}

// entityIDs are ours in the connections, each once.
func entityIDs(cs []*Connection) []string {
	var out []string
	for _, c := range cs {
		if !slices.Contains(out, c.EntityID) {
			out = append(out, c.EntityID)
		}
	}
	return out
}
