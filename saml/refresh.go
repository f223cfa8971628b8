// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// CheckUpdate reports what fetched metadata may not change by itself: the
// entityID, a new key, an endpoint on a new host, a requirement, the last
// signing key or encryption that falls away. Whoever can answer for the address
// could else make themselves the peer. Metadata with a verified signature needs
// no such check; all other waits for an administrator, who calls
// [Entity.Describe].
func CheckUpdate(old, fetched *Entity) error {
	if old.EntityID != fetched.EntityID {
		return refuse(CheckRefresh, "entity %.200q in place of %q", fetched.EntityID, old.EntityID)
	}
	if (old.IdP == nil) != (fetched.IdP == nil) || (old.SP == nil) != (fetched.SP == nil) {
		return refuse(CheckRefresh, "%q changed its roles", old.EntityID)
	}
	if a, b := old.IdP, fetched.IdP; a != nil {
		if err := noNewKeys(a.Keys, b.Keys); err != nil {
			return err
		}
		if err := noNewHosts(slices.Concat(a.SSO, a.SLO, a.Artifact), slices.Concat(b.SSO, b.SLO, b.Artifact)); err != nil {
			return err
		}
		if len(signing(a.Keys)) > 0 && len(signing(b.Keys)) == 0 {
			return refuse(CheckRefresh, "no signing key is left")
		}
		if a.WantAuthnRequestsSigned && !b.WantAuthnRequestsSigned {
			return refuse(CheckRefresh, "WantAuthnRequestsSigned falls away")
		}
	}
	if a, b := old.SP, fetched.SP; a != nil {
		if err := noNewKeys(a.Keys, b.Keys); err != nil {
			return err
		}
		if err := noNewHosts(slices.Concat(a.ACS, a.SLO, a.Artifact), slices.Concat(b.ACS, b.SLO, b.Artifact)); err != nil {
			return err
		}
		switch {
		case a.AuthnRequestsSigned && !b.AuthnRequestsSigned:
			return refuse(CheckRefresh, "AuthnRequestsSigned falls away")
		case a.WantAssertionsSigned && !b.WantAssertionsSigned:
			return refuse(CheckRefresh, "WantAssertionsSigned falls away")
		case weakerEncryption(a.Keys, b.Keys):
			return refuse(CheckRefresh, "encryption falls away, or its authentication")
		}
	}
	return nil
}

// noNewKeys: a key may be dropped, but none added and none put to another use.
func noNewKeys(old, fetched []Key) error {
	for _, k := range fetched {
		if !slices.ContainsFunc(old, func(o Key) bool { return sameKey(o.PublicKey, k.PublicKey) && (o.Use == "" || o.Use == k.Use) }) {
			return refuse(CheckRefresh, "a new key for %q", k.Use)
		}
	}
	return nil
}

func noNewHosts(old, fetched []Endpoint) error {
	known := map[string]bool{}
	for _, e := range old {
		known[origin(e.Location)], known[origin(e.response())] = true, true
	}
	for _, e := range fetched {
		for _, u := range []string{e.Location, e.response()} {
			if !known[origin(u)] {
				return refuse(CheckRefresh, "an endpoint on the new host of %.200q", u)
			}
		}
	}
	return nil
}

func origin(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}

// MDQ returns the address of an entity at a metadata query service. Fetch it
// with MetadataOptions.EntityID set and the service's certificate.
func MDQ(base, entityID string) string {
	id := strings.ReplaceAll(url.QueryEscape(entityID), "+", "%20")
	return strings.TrimSuffix(base, "/") + "/entities/" + id
}

// FetchMetadata gets metadata from an address and parses it. client nil is
// [NewClient]. The raw bytes are what was parsed, to be kept.
func FetchMetadata(ctx context.Context, client *http.Client, address string, o MetadataOptions) (raw []byte, e *Entity, err error) {
	if err := checkLocation(address); err != nil {
		return nil, nil, refuse(CheckLocation, "%q: %w", address, err)
	}
	if client == nil {
		client = NewClient()
		defer client.CloseIdleConnections()
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 2 << 20
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, refuse(CheckFetch, "%w", err)
	}
	r.Header.Set("Accept", "application/samlmetadata+xml, application/xml;q=0.8, text/xml;q=0.8")
	resp, err := client.Do(r)
	if err != nil {
		return nil, nil, refuse(CheckFetch, "%w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, refuse(CheckFetch, "%q answered %s", address, resp.Status)
	}
	raw, err = io.ReadAll(io.LimitReader(resp.Body, int64(o.MaxBytes)+1))
	if err != nil {
		return nil, nil, refuse(CheckFetch, "read: %w", err)
	}
	if len(raw) > o.MaxBytes {
		return nil, nil, refuse(CheckFetch, "more than %d bytes", o.MaxBytes)
	}
	e, err = ParseMetadata(raw, o)
	if err != nil {
		return nil, nil, err
	}
	return raw, e, nil
}

// SourceConfig says where an entity's metadata is kept up to date from.
type SourceConfig struct {
	// URL is fetched: https or loopback http. Required.
	URL string
	// Entity is what is trusted now: what an administrator looked at, or the
	// last good copy. Required.
	Entity *Entity
	// Certificates, if any, must have signed what is fetched; then any change
	// is taken. Without them CheckUpdate decides.
	Certificates []*x509.Certificate
	// Interval between refreshes if cacheDuration does not say; 0 is 6 h.
	// Either way it lies between a minute and a day.
	Interval time.Duration
	// Client fetches; nil is NewClient.
	Client *http.Client
	// OnChange learns of each copy that is taken, to keep raw for the next
	// start. An error keeps the old one in use.
	OnChange func(ctx context.Context, e *Entity, raw []byte) error
	// OnEvent, if set, learns of refreshes and refusals.
	OnEvent func(ctx context.Context, e Event)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Source keeps one entity's metadata up to date. A fetch that fails, or is
// refused, leaves the last good copy in use until its validUntil. It is safe
// for concurrent use.
type Source struct {
	cfg SourceConfig

	refreshing sync.Mutex // one fetch at a time

	mu      sync.Mutex
	current *Entity
	pending *Entity
}

// NewSource checks the configuration. Nothing is fetched before Refresh or
// Run.
func NewSource(cfg SourceConfig) (*Source, error) {
	if cfg.Entity == nil {
		return nil, refuse(CheckConfig, "Entity is required")
	}
	if err := checkLocation(cfg.URL); err != nil {
		return nil, refuse(CheckConfig, "URL %q: %w", cfg.URL, err)
	}
	if cfg.Interval < 0 {
		return nil, refuse(CheckConfig, "Interval is negative")
	}
	if cfg.Interval == 0 {
		cfg.Interval = 6 * time.Hour
	}
	if cfg.Client == nil {
		cfg.Client = NewClient()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Certificates = slices.Clone(cfg.Certificates)
	return &Source{cfg: cfg, current: cfg.Entity}, nil
}

// Entity returns the metadata in use. It is the caller's part to refuse it
// after its validUntil, as both roles do.
func (s *Source) Entity() *Entity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// Pending returns what was fetched and waits for an administrator, or nil. To
// accept it, keep it and make a new Source of it.
func (s *Source) Pending() *Entity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending
}

// Refresh fetches once.
func (s *Source) Refresh(ctx context.Context) error {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	err := s.refresh(ctx)
	ev := Event{Type: EventMetadata, At: s.cfg.Now(), Peer: s.cfg.Entity.EntityID, Check: CheckOf(err)}
	if err != nil {
		ev.Detail = err.Error()
	}
	emit(ctx, s.cfg.OnEvent, ev)
	return err
}

func (s *Source) refresh(ctx context.Context) error {
	raw, e, err := FetchMetadata(ctx, s.cfg.Client, s.cfg.URL, MetadataOptions{
		Certificates: s.cfg.Certificates, EntityID: s.cfg.Entity.EntityID, Now: s.cfg.Now, MaxBytes: 8 << 20,
	})
	if err != nil {
		return err
	}
	if len(s.cfg.Certificates) == 0 {
		if err := CheckUpdate(s.Entity(), e); err != nil {
			s.mu.Lock()
			s.pending = e
			s.mu.Unlock()
			return err
		}
	}
	if s.cfg.OnChange != nil {
		if err := s.cfg.OnChange(ctx, e, raw); err != nil {
			return refuse(CheckStore, "keep metadata: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current, s.pending = e, nil
	return nil
}

// Run refreshes until ctx ends, at first at once. It may run on every
// replica.
func (s *Source) Run(ctx context.Context) error {
	for {
		wait := s.cfg.Interval
		if err := s.Refresh(ctx); err != nil && !errors.Is(err, context.Canceled) {
			wait = min(wait, 10*time.Minute)
		} else if d := s.Entity().CacheDuration; d > 0 {
			wait = d
		}
		t := time.NewTimer(min(max(wait, time.Minute), 24*time.Hour))
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}
