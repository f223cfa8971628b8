// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"errors"
	"net/http"
)

// SourcePeers is what [Peers] implement too where service providers send
// AuthnRequests by artifact: the artifact names its issuer by a hash only.
type SourcePeers interface {
	Peers
	// PeerBySource returns the service provider whose entityID has the
	// [SourceID], or ErrNotFound.
	PeerBySource(ctx context.Context, source [20]byte) (*Peer, error)
}

// PeerBySource returns the peer whose entity ID has the SourceID.
func (l PeerList) PeerBySource(_ context.Context, source [20]byte) (*Peer, error) {
	for _, p := range l {
		if p.Entity != nil && SourceID(p.Entity.EntityID) == source {
			return p, nil
		}
	}
	return nil, ErrNotFound
}

// requestsByArtifact tells whether AuthnRequests may come by artifact.
func (p *IdentityProvider) requestsByArtifact() (SourcePeers, bool) {
	sp, ok := p.cfg.Peers.(SourcePeers)
	return sp, ok && p.cfg.Artifact != ""
}

// responseBindings are those by which Responses go out, most preferred first.
func (p *IdentityProvider) responseBindings() []string {
	if p.cfg.Artifact == "" {
		return []string{BindingPOST}
	}
	return []string{BindingPOST, BindingArtifact}
}

// resolve fetches the AuthnRequest that an artifact stands for from the service
// provider that issued it. The signed ArtifactResponse covers it.
func (p *IdentityProvider) resolve(ctx context.Context, art string) (*message, *Peer, error) {
	peers, ok := p.requestsByArtifact()
	if !ok {
		return nil, nil, refuse(CheckBinding, "a request by artifact, which is not offered")
	}
	a, err := parseArtifact(art)
	if err != nil {
		return nil, nil, err
	}
	peer, err := peers.PeerBySource(ctx, a.source)
	if errors.Is(err, ErrNotFound) || err == nil && (peer.Entity == nil || SourceID(peer.Entity.EntityID) != a.source) {
		return nil, nil, refuse(CheckPeer, "an artifact of an unknown service provider")
	}
	if err != nil {
		return nil, nil, refuse(CheckStore, "peer by source: %w", err)
	}
	if err := p.checkPeer(peer, peer.Entity.EntityID); err != nil {
		return nil, nil, err
	}
	location, err := a.endpoint(peer.Entity.SP.Artifact)
	if err != nil {
		return nil, nil, err
	}
	keys := peer.keys(p.cfg.Now())
	inner, err := question{
		client: p.cfg.Client, location: location, issuer: p.cfg.EntityID, key: p.cfg.Keys[0], limit: p.cfg.MaxMessage, now: p.cfg.Now(), skew: p.cfg.Skew,
		peer: peer.Entity.EntityID, keys: keys, sha1: peer.InsecureAllowSHA1,
	}.resolve(ctx, a)
	if err != nil {
		return nil, nil, err
	}
	m, err := newMessage(inner, "AuthnRequest")
	if err != nil {
		return nil, nil, err
	}
	if m.issuer != peer.Entity.EntityID {
		return nil, nil, refuse(CheckIssuer, "a request of %.200q from %q", m.issuer, peer.Entity.EntityID)
	}
	_, err = m.verify(&incoming{binding: BindingArtifact}, keys, peer.InsecureAllowSHA1)
	return m, peer, err
}

// send makes the Outgoing that brings a Response to the endpoint. By artifact
// the Response stays in the store until the service provider asks for it.
func (p *IdentityProvider) send(ctx context.Context, to string, acs Endpoint, id string, msg []byte, relay string) (*Outgoing, error) {
	if acs.Binding != BindingArtifact {
		return &Outgoing{ID: id, Binding: BindingPOST, Destination: acs.Location, Field: "SAMLResponse", Value: encodeMessage(msg), RelayState: relay}, nil
	}
	a, err := hold(ctx, p.cfg.Store, p.cfg.Now(), p.cfg.EntityID, held{To: to, Message: msg})
	if err != nil {
		return nil, err
	}
	return a.outgoing(acs.Location, id, relay), nil
}

// ArtifactResolution is the handler of the artifact resolution service; mount
// it at IdPConfig.Artifact. It answers signed questions of the service provider
// that the artifact was made for, once, and anybody else with nothing.
func (p *IdentityProvider) ArtifactResolution() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := p.resolved(r)
		if err != nil {
			p.refused(r.Context(), err)
		}
		serveSOAP(w, body, err)
	})
}

func (p *IdentityProvider) resolved(r *http.Request) ([]byte, error) {
	ctx := r.Context()
	if p.cfg.Artifact == "" {
		return nil, refuse(CheckConfig, "artifacts are not configured")
	}
	m, err := receiveResolve(r, p.cfg.MaxMessage)
	if err != nil {
		return nil, err
	}
	peer, err := p.peer(ctx, m.issuer)
	if err != nil {
		return nil, err
	}
	now := p.cfg.Now()
	err = m.trust(&incoming{binding: BindingSOAP}, peer.keys(p.cfg.Now()), peer.InsecureAllowSHA1, peer.Entity.EntityID, []string{p.cfg.Artifact, ""}, now, p.cfg.Skew)
	if err != nil {
		return nil, err
	}
	art, err := m.artifact()
	if err != nil {
		return nil, err
	}
	h, err := release(ctx, p.cfg.Store, now, p.cfg.EntityID, art)
	if err != nil {
		return nil, err
	}
	if h.To != m.issuer {
		h.Message = nil
	}
	return m.reply(p.cfg.EntityID, p.cfg.Keys[0], now, h.Message)
}
