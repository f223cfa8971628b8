// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// ParseRequest reads and verifies the AuthnRequest in r, by Redirect, POST or
// artifact (Profiles 4.1.4.1). The Request's ACS is an endpoint of the service
// provider's metadata and nothing else. A refusal has no one to be sent to:
// show its Public text.
//
// A POST is cross-site and brings no Lax cookie: [IdentityProvider.Park] the
// request and answer 303 to a GET of the own origin, where the session shows.
func (p *IdentityProvider) ParseRequest(r *http.Request) (*Request, error) {
	req, err := p.parseRequest(r)
	if err != nil {
		p.refused(r.Context(), err)
	}
	return req, err
}

func (p *IdentityProvider) refused(ctx context.Context, err error) {
	var e *Error
	if errors.As(err, &e) {
		emit(ctx, p.cfg.OnEvent, Event{Type: EventRefused, At: p.cfg.Now(), Check: e.Check, Detail: e.Error()})
	}
}

func (p *IdentityProvider) parseRequest(r *http.Request) (*Request, error) {
	art, relay, err := receiveArtifact(r, p.cfg.MaxMessage)
	if err != nil {
		return nil, err
	}
	var m *message
	var peer *Peer
	signed := art != ""
	if art != "" {
		m, peer, err = p.resolve(r.Context(), art)
	} else {
		m, peer, relay, signed, err = p.arrived(r)
	}
	if err != nil {
		return nil, err
	}
	if len(relay) > maxRelayState {
		return nil, refuse(CheckRelayState, "RelayState of %d bytes", len(relay))
	}
	role := peer.Entity.SP
	if !signed && (p.cfg.WantAuthnRequestsSigned || peer.RequireSignedRequests || role.AuthnRequestsSigned) {
		return nil, refuse(CheckUnsigned, "requests of %.200q must be signed", m.issuer)
	}
	if m.destination != p.cfg.SSO && (m.destination != "" || signed && art == "") {
		return nil, refuse(CheckDestination, "Destination %.200q is not %q", m.destination, p.cfg.SSO)
	}
	now := p.cfg.Now()
	if m.issueInstant.After(now.Add(p.cfg.Skew)) || now.Sub(m.issueInstant) > p.cfg.RequestLifetime+p.cfg.Skew {
		return nil, refuse(CheckIssueInstant, "a request of %v", m.issueInstant)
	}
	req := &Request{
		ID: m.id, SP: m.issuer, Signed: signed, RelayState: relay, IssueInstant: m.issueInstant,
		ProviderName: attr(m.root, "ProviderName"), AttributeService: -1,
	}
	d := p.decrypter(m.issuer)
	err = req.read(r.Context(), m, d)
	d.settle(r.Context(), err)
	if err != nil {
		return nil, err
	}
	req.ACS, err = chooseACS(role.ACS, m.root, p.responseBindings())
	return req, err
}

// arrived reads and verifies an AuthnRequest by Redirect or POST.
func (p *IdentityProvider) arrived(r *http.Request) (m *message, peer *Peer, relay string, signed bool, err error) {
	in, err := receive(r, p.cfg.MaxMessage, true)
	if err != nil {
		return nil, nil, "", false, err
	}
	if in.field != "SAMLRequest" {
		return nil, nil, "", false, refuse(CheckInput, "a SAMLResponse at the single sign-on service")
	}
	if m, err = readMessage(in.xml, "AuthnRequest"); err != nil {
		return nil, nil, "", false, err
	}
	if peer, err = p.peer(r.Context(), m.issuer); err != nil {
		return nil, nil, "", false, err
	}
	signed, err = m.verify(in, peer.keys(p.cfg.Now()), peer.InsecureAllowSHA1)
	return m, peer, in.relayState, signed, err
}

// read reads an AuthnRequest's own parts (Core 3.4.1).
func (req *Request) read(ctx context.Context, m *message, d *decrypter) error {
	var err error
	if req.ForceAuthn, err = parseBool(attr(m.root, "ForceAuthn")); err != nil {
		return refuse(CheckStructure, "ForceAuthn: %w", err)
	}
	if req.IsPassive, err = parseBool(attr(m.root, "IsPassive")); err != nil {
		return refuse(CheckStructure, "IsPassive: %w", err)
	}
	if v, has := m.root.Attr("AttributeConsumingServiceIndex"); has {
		if req.AttributeService, err = parseIndex(v); err != nil {
			return refuse(CheckStructure, "AttributeConsumingServiceIndex: %w", err)
		}
	}
	for c := range m.root.Children() {
		switch {
		case c.Is(nsSAML, "Subject"):
			err = req.readSubject(ctx, c, d)
		case c.Is(nsSAMLP, "NameIDPolicy"):
			var create bool
			create, err = parseBool(attr(c, "AllowCreate"))
			req.NameIDPolicy = &NameIDPolicy{Format: attr(c, "Format"), SPNameQualifier: attr(c, "SPNameQualifier"), AllowCreate: create}
			if err != nil {
				err = refuse(CheckStructure, "AllowCreate: %w", err)
			}
		case c.Is(nsSAMLP, "RequestedAuthnContext"):
			err = req.readContext(c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readSubject reads whom the service provider expects, by an EncryptedID only
// if the request is signed.
func (req *Request) readSubject(ctx context.Context, e xmltree.Node, d *decrypter) error {
	for c := range e.Children() {
		switch {
		case !c.Is(nsSAML, "NameID") && !c.Is(nsSAML, "EncryptedID"):
			continue
		case req.Subject != nil:
			return refuse(CheckSubject, "a Subject with two names")
		case !c.Is(nsSAML, "NameID") && !req.Signed:
			return refuse(CheckDecryptPolicy, "an encrypted Subject in an unsigned request")
		}
		id, err := d.nameID(ctx, c)
		if err != nil {
			return err
		}
		req.Subject = &id
	}
	if req.Subject == nil {
		return refuse(CheckSubject, "a Subject that cannot be read")
	}
	return nil
}

func (req *Request) readContext(e xmltree.Node) error {
	rc := &RequestedContext{Comparison: attr(e, "Comparison")}
	switch rc.Comparison {
	case "":
		rc.Comparison = "exact"
	case "exact", "minimum", "maximum", "better":
	default:
		return refuse(CheckAuthnContext, "comparison %.20q", rc.Comparison)
	}
	for c := range e.Children() {
		// AuthnContextDeclRef names what we cannot satisfy: with no class
		// left, NoAuthnContext is the answer.
		if c.Is(nsSAML, "AuthnContextClassRef") {
			v, err := text(c)
			if err != nil {
				return err
			}
			rc.ClassRefs = append(rc.ClassRefs, v)
		}
	}
	req.Context = rc
	return nil
}

// chooseACS finds the endpoint that the request names, in metadata only: an
// address that is not there is an attempt to have the assertion sent to a
// stranger.
func chooseACS(es []Endpoint, root xmltree.Node, bindings []string) (Endpoint, error) {
	loc, hasLoc := root.Attr("AssertionConsumerServiceURL")
	idx, hasIdx := root.Attr("AssertionConsumerServiceIndex")
	binding := attr(root, "ProtocolBinding")
	if binding != "" {
		if !slices.Contains(bindings, binding) {
			return Endpoint{}, refuse(CheckBinding, "a Response by %.200q is asked for", binding)
		}
		bindings = []string{binding}
	}
	switch {
	case hasIdx && (hasLoc || binding != ""):
		return Endpoint{}, refuse(CheckACS, "an index beside an address or binding") // Core 3.4.1
	case hasIdx:
		n, err := parseIndex(idx)
		if err != nil {
			return Endpoint{}, refuse(CheckACS, "AssertionConsumerServiceIndex: %w", err)
		}
		for _, e := range es {
			if e.Index == n && slices.Contains(bindings, e.Binding) {
				return e, nil
			}
		}
		return Endpoint{}, refuse(CheckACS, "metadata has no assertion consumer service %d by %v", n, bindings)
	case hasLoc:
		if e, ok := located(es, loc, bindings...); ok {
			return e, nil
		}
		return Endpoint{}, refuse(CheckACS, "%.200q is no assertion consumer service of metadata", loc)
	}
	e, ok := defaultACS(es, bindings...)
	if !ok {
		return e, refuse(CheckACS, "metadata has no assertion consumer service by %v", bindings)
	}
	return e, nil
}

// located returns the endpoint at the address, by the first of the bindings
// that occurs there.
func located(es []Endpoint, location string, bindings ...string) (Endpoint, bool) {
	return pick(slices.DeleteFunc(slices.Clone(es), func(e Endpoint) bool { return e.Location != location }), bindings...)
}

// Requested returns the attributes that the service provider's metadata asks
// for: those of the AttributeConsumingService that the request names, else of
// the default one (Metadata 2.4.4.1). It is a wish; Peer.Release decides.
func (req *Request) Requested(sp *Entity) []RequestedAttribute {
	if sp == nil || sp.SP == nil || len(sp.SP.Services) == 0 {
		return nil
	}
	i := slices.IndexFunc(sp.SP.Services, func(s AttributeService) bool { return s.Index == req.AttributeService })
	if req.AttributeService < 0 {
		i = max(0, slices.IndexFunc(sp.SP.Services, func(s AttributeService) bool { return s.Default }))
	}
	if i < 0 {
		return nil
	}
	return sp.SP.Services[i].Requested
}

// NameIDFormat returns the format that the service provider wants: of the
// request, else the first of its metadata that is among the offered ones,
// else the first offered one. ok is false if the request wants another:
// answer StatusInvalidNameID.
func (req *Request) NameIDFormat(sp *Entity, offered ...string) (format string, ok bool) {
	if p := req.NameIDPolicy; p != nil && p.Format != "" && p.Format != NameIDUnspecified {
		return p.Format, slices.Contains(offered, p.Format)
	}
	return PreferredNameID(sp, offered...)
}

// PreferredNameID returns the first format of the service provider's metadata
// that is among the offered ones, else the first offered one.
func PreferredNameID(sp *Entity, offered ...string) (format string, ok bool) {
	if len(offered) == 0 {
		return "", false
	}
	if sp != nil && sp.SP != nil {
		for _, f := range sp.SP.NameIDFormats {
			if slices.Contains(offered, f) {
				return f, true
			}
		}
	}
	return offered[0], true
}

// maxParked bounds what a stranger's request may make the store keep.
const maxParked = 16 << 10

// Park keeps the request in the store while the person signs in and returns
// an unguessable handle for [IdentityProvider.Resume]. A request of more than
// 16 KiB is refused: anybody can send one that is small on the wire.
func (p *IdentityProvider) Park(ctx context.Context, req *Request) (string, error) {
	handle, err := p.park(ctx, req)
	if err != nil {
		p.refused(ctx, err)
	}
	return handle, err
}

func (p *IdentityProvider) park(ctx context.Context, req *Request) (string, error) {
	data, err := json.Marshal(req)
	if err != nil {
		return "", refuse(CheckStore, "encode parked: %w", err)
	}
	if len(data) > maxParked {
		return "", refuse(CheckInput, "a request of %d bytes to be parked", len(data))
	}
	handle, now := randomToken(), p.cfg.Now()
	err = p.cfg.Store.Put(ctx, Record{
		Kind: KindParked, Key: hashToken("parked", handle), Connection: req.SP, Data: data, Expires: now.Add(p.cfg.RequestLifetime),
	}, now)
	if err != nil {
		return "", refuse(CheckStore, "put parked: %w", err)
	}
	req.handle = handle
	return handle, nil
}

// Resume returns a parked request. It may be called again; Respond or Fail
// end the request, and only one of them succeeds, under whatever handle: a
// request that arrives again has another.
func (p *IdentityProvider) Resume(ctx context.Context, handle string) (*Request, error) {
	rec, err := p.cfg.Store.Get(ctx, KindParked, hashToken("parked", handle), p.cfg.Now())
	if errors.Is(err, ErrNotFound) {
		return nil, refuse(CheckRequest, "no parked request")
	}
	if err != nil {
		return nil, refuse(CheckStore, "get parked: %w", err)
	}
	var req Request
	if err := json.Unmarshal(rec.Data, &req); err != nil {
		return nil, refuse(CheckStore, "decode parked: %w", err)
	}
	req.handle = handle
	return &req, nil
}

// spend ends a request: an answer is given once. The mark of its ID lasts as
// long as it can arrive and then be parked.
func (p *IdentityProvider) spend(ctx context.Context, req *Request) error {
	now := p.cfg.Now()
	if req.handle != "" {
		var ignored Request
		if err := takeRecord(ctx, p.cfg.Store, now, KindParked, hashToken("parked", req.handle), &ignored, CheckRequest); err != nil {
			return err
		}
	}
	err := p.cfg.Store.Put(ctx, Record{
		Kind: KindReplay, Key: hashKey("authn-request", p.cfg.EntityID, req.SP, req.ID), Connection: req.SP, Data: []byte{},
		Expires: req.IssueInstant.Add(2*p.cfg.RequestLifetime + 2*p.cfg.Skew),
	}, now)
	if errors.Is(err, ErrExists) {
		return refuse(CheckReplay, "request %.80q has been answered", req.ID)
	}
	if err != nil {
		return refuse(CheckStore, "put: %w", err)
	}
	return nil
}
