// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/internal/dsig"
)

// NewIdentityProvider checks the configuration whole and copies it.
func NewIdentityProvider(cfg IdPConfig) (*IdentityProvider, error) {
	switch {
	case cfg.EntityID == "" || len(cfg.EntityID) > 1024:
		return nil, refuse(CheckConfig, "EntityID of %d bytes", len(cfg.EntityID))
	case cfg.Peers == nil || cfg.Store == nil:
		return nil, refuse(CheckConfig, "Peers and Store are required")
	case len(cfg.Keys) == 0:
		return nil, refuse(CheckConfig, "Keys are required")
	case (cfg.SLO != "" || cfg.SLOSOAP != "") && cfg.Participants == nil:
		return nil, refuse(CheckConfig, "Participants are required for logout")
	}
	cfg.Keys = slices.Clone(cfg.Keys)
	for i, k := range cfg.Keys {
		if err := k.check(); err != nil {
			return nil, refuse(CheckConfig, "Keys[%d]: %w", i, err)
		}
	}
	cfg.DecryptionKeys = slices.Clone(cfg.DecryptionKeys)
	for i, k := range cfg.DecryptionKeys {
		if err := k.check(); err != nil {
			return nil, refuse(CheckConfig, "DecryptionKeys[%d]: %w", i, err)
		}
	}
	for _, u := range []string{cfg.SSO, cfg.SLO, cfg.SLOSOAP, cfg.Artifact} {
		if u == "" {
			continue
		}
		if err := checkLocation(u); err != nil {
			return nil, refuse(CheckConfig, "%q: %w", u, err)
		}
	}
	if cfg.SSO == "" {
		return nil, refuse(CheckConfig, "SSO is required")
	}
	var err error
	if cfg.Skew, err = skew(cfg.Skew); err != nil {
		return nil, err
	}
	if cfg.RequestLifetime < 0 || cfg.AssertionLifetime < 0 || cfg.MetadataLifetime < 0 {
		return nil, refuse(CheckConfig, "a lifetime is negative")
	}
	if cfg.RequestLifetime == 0 {
		cfg.RequestLifetime = 15 * time.Minute
	}
	if cfg.AssertionLifetime == 0 {
		cfg.AssertionLifetime = 5 * time.Minute
	}
	if cfg.MetadataLifetime == 0 {
		cfg.MetadataLifetime = 14 * 24 * time.Hour
	}
	if cfg.MaxMessage <= 0 {
		cfg.MaxMessage = 1 << 20
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Client == nil {
		cfg.Client = NewClient()
	}
	return &IdentityProvider{cfg: cfg}, nil
}

// peer finds and checks a service provider.
func (p *IdentityProvider) peer(ctx context.Context, entityID string) (*Peer, error) {
	peer, err := p.cfg.Peers.Peer(ctx, entityID)
	if errors.Is(err, ErrNotFound) {
		return nil, refuse(CheckPeer, "service provider %.200q is not known", entityID)
	}
	if err != nil {
		return nil, refuse(CheckStore, "peer %.200q: %w", entityID, err)
	}
	return peer, p.checkPeer(peer, entityID)
}

func (p *IdentityProvider) checkPeer(peer *Peer, entityID string) error {
	switch e := peer.Entity; {
	case e == nil || e.SP == nil:
		return refuse(CheckConfig, "peer %.200q has no SP role", entityID)
	case e.EntityID != entityID:
		return refuse(CheckPeer, "asked for peer %.200q, got %.200q", entityID, e.EntityID)
	case !e.ValidUntil.IsZero() && !p.cfg.Now().Before(e.ValidUntil):
		return refuse(CheckExpired, "metadata of %.200q ended at %v", entityID, e.ValidUntil)
	}
	return nil
}

// keys are those that may sign for the service provider.
func (peer *Peer) keys(now time.Time) []dsig.Key {
	return signingAt(peer.Entity.SP.Keys, peer.RefuseExpiredCertificates, now)
}

// defaultACS is the endpoint for Responses by one of the bindings that metadata
// prefers (Metadata 2.2.3).
func defaultACS(es []Endpoint, bindings ...string) (Endpoint, bool) {
	for _, e := range es {
		if e.Default && slices.Contains(bindings, e.Binding) {
			return e, true
		}
	}
	return pick(es, bindings...)
}

// PairwiseID returns a persistent NameID that differs between service
// providers, so that they cannot join their records (Core 8.3.7). key is a
// secret of 32 bytes or more that is kept for ever; person an immutable id.
func PairwiseID(key []byte, idp, sp, person string) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(hashKey("pairwise", idp, sp, person)))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(m.Sum(nil)))
}
