// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"crypto/x509"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/internal/dsig"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// MetadataOptions say how metadata is read.
type MetadataOptions struct {
	// Certificates, if any, make a signature by one of their keys on the root
	// element a must. Without them a signature is not looked at.
	Certificates []*x509.Certificate
	// EntityID, if set, must be the one that is read.
	EntityID string
	// MaxBytes bounds the document; 0 is 2 MiB for ParseMetadata and 128 MiB
	// for ParseAggregate.
	MaxBytes int
	// InsecureAllowSHA1 accepts RSA-SHA1. It MUST stay false unless the
	// publisher cannot be changed.
	InsecureAllowSHA1 bool
	// Now is the clock for validUntil; nil is time.Now.
	Now func() time.Time
}

// ParseMetadata reads one entity's metadata: an EntityDescriptor, or an
// EntitiesDescriptor that holds the one that o.EntityID asks for, or one only.
// Elements may come in any order. Metadata past its validUntil is refused, and
// so are endpoints that are neither https nor loopback http.
func ParseMetadata(data []byte, o MetadataOptions) (*Entity, error) {
	if o.MaxBytes == 0 {
		o.MaxBytes = 2 << 20
	}
	var found *Entity
	for e, err := range ParseAggregate(data, o) {
		if err != nil {
			return nil, err
		}
		if found != nil {
			return nil, refuse(CheckMetadata, "several entities; say which by EntityID")
		}
		found = e
	}
	if found == nil {
		return nil, refuse(CheckMetadata, "no entity %q", o.EntityID)
	}
	return found, nil
}

// ParseAggregate yields the entities of an EntitiesDescriptor, nested ones
// too, or the one EntityDescriptor. The document is verified whole before the
// first is yielded. An entity that is refused is yielded as an error and the
// others follow; with o.EntityID only that entity is read.
func ParseAggregate(data []byte, o MetadataOptions) iter.Seq2[*Entity, error] {
	return func(yield func(*Entity, error) bool) {
		root, err := o.root(data)
		if err != nil {
			yield(nil, err)
			return
		}
		o.walk(root, time.Time{}, 0, yield)
	}
}

func (o *MetadataOptions) now() time.Time {
	if o.Now != nil {
		return o.Now()
	}
	return time.Now()
}

func (o *MetadataOptions) root(data []byte) (xmltree.Node, error) {
	lim := xmltree.Limits{Bytes: o.MaxBytes, Namespaces: 128}
	if lim.Bytes == 0 {
		lim.Bytes = 128 << 20
	}
	if lim.Bytes > 2<<20 {
		lim.Elements, lim.Comments, lim.Signatures = lim.Bytes/16, lim.Bytes/64, lim.Bytes/1024
	}
	doc, err := xmltree.Parse(data, lim)
	if err != nil {
		return xmltree.Node{}, xmlError(err)
	}
	root := doc.Root()
	if !root.Is(nsMD, "EntityDescriptor") && !root.Is(nsMD, "EntitiesDescriptor") {
		return root, refuse(CheckMetadata, "<%s> is no metadata", name(root))
	}
	if len(o.Certificates) == 0 {
		return root, nil
	}
	var keys []dsig.Key
	for _, c := range o.Certificates {
		keys = append(keys, dsig.Key{Public: c.PublicKey, Certificate: c})
	}
	return verifyEnveloped(root, keys, o.InsecureAllowSHA1)
}

func (o *MetadataOptions) walk(n xmltree.Node, until time.Time, depth int, yield func(*Entity, error) bool) bool {
	if n.Is(nsMD, "EntityDescriptor") {
		if o.EntityID != "" && attr(n, "entityID") != o.EntityID {
			return true
		}
		return yield(o.entity(n, until))
	}
	until, err := o.validUntil(n, until)
	if err != nil {
		return yield(nil, err)
	}
	for c := range n.Children() {
		if c.Is(nsMD, "EntityDescriptor") || c.Is(nsMD, "EntitiesDescriptor") {
			if !o.walk(c, until, depth+1, yield) {
				return false
			}
		}
	}
	return true
}

// validUntil returns the earlier of the element's and its parents' end.
func (o *MetadataOptions) validUntil(n xmltree.Node, until time.Time) (time.Time, error) {
	v, has := n.Attr("validUntil")
	if !has {
		return until, nil
	}
	t, err := parseTime(v)
	if err != nil {
		return until, refuse(CheckMetadata, "validUntil: %w", err)
	}
	if !o.now().Before(t) {
		return until, refuse(CheckExpired, "metadata ended at %v", t)
	}
	if until.IsZero() || t.Before(until) {
		return t, nil
	}
	return until, nil
}

func (o *MetadataOptions) entity(n xmltree.Node, until time.Time) (*Entity, error) {
	e := &Entity{EntityID: attr(n, "entityID")}
	if e.EntityID == "" || len(e.EntityID) > 1024 {
		return nil, refuse(CheckMetadata, "an entityID of %d bytes", len(e.EntityID))
	}
	var err error
	if e.ValidUntil, err = o.validUntil(n, until); err != nil {
		return nil, err
	}
	if v, has := n.Attr("cacheDuration"); has {
		if e.CacheDuration, err = parseDuration(v); err != nil {
			return nil, refuse(CheckMetadata, "cacheDuration: %w", err)
		}
	}
	for c := range n.Children() {
		switch {
		case c.Is(nsMD, "IDPSSODescriptor") && e.IdP == nil && speaksSAML2(c):
			e.IdP, err = e.readIdP(c)
		case c.Is(nsMD, "SPSSODescriptor") && e.SP == nil && speaksSAML2(c):
			e.SP, err = e.readSP(c)
		case c.Is(nsMD, "Organization"):
			e.Organization = &Organization{
				Names: localized(c, nsMD, "OrganizationName"), DisplayNames: localized(c, nsMD, "OrganizationDisplayName"),
				URLs: localized(c, nsMD, "OrganizationURL"),
			}
		case c.Is(nsMD, "ContactPerson"):
			e.Contacts = append(e.Contacts, readContact(c))
		case c.Is(nsMD, "Extensions"):
			err = e.readEntityAttributes(c)
		}
		if err != nil {
			return nil, err
		}
	}
	return e, nil
}

func speaksSAML2(n xmltree.Node) bool {
	return slices.Contains(strings.Fields(attr(n, "protocolSupportEnumeration")), nsSAMLP)
}

func (e *Entity) readIdP(n xmltree.Node) (*IdPRole, error) {
	r := &IdPRole{Keys: e.readKeys(n), NameIDFormats: texts(n, "NameIDFormat"), UI: readUI(n)}
	var err error
	if r.WantAuthnRequestsSigned, err = parseBool(attr(n, "WantAuthnRequestsSigned")); err != nil {
		return nil, refuse(CheckMetadata, "WantAuthnRequestsSigned: %w", err)
	}
	for _, x := range []struct {
		name string
		to   *[]Endpoint
	}{{"SingleSignOnService", &r.SSO}, {"SingleLogoutService", &r.SLO}, {"ArtifactResolutionService", &r.Artifact}} {
		if *x.to, err = e.readEndpoints(n, x.name); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (e *Entity) readSP(n xmltree.Node) (*SPRole, error) {
	r := &SPRole{Keys: e.readKeys(n), NameIDFormats: texts(n, "NameIDFormat"), UI: readUI(n)}
	var err error
	if r.AuthnRequestsSigned, err = parseBool(attr(n, "AuthnRequestsSigned")); err != nil {
		return nil, refuse(CheckMetadata, "AuthnRequestsSigned: %w", err)
	}
	if r.WantAssertionsSigned, err = parseBool(attr(n, "WantAssertionsSigned")); err != nil {
		return nil, refuse(CheckMetadata, "WantAssertionsSigned: %w", err)
	}
	for _, x := range []struct {
		name string
		to   *[]Endpoint
	}{{"AssertionConsumerService", &r.ACS}, {"SingleLogoutService", &r.SLO}, {"ArtifactResolutionService", &r.Artifact}} {
		if *x.to, err = e.readEndpoints(n, x.name); err != nil {
			return nil, err
		}
	}
	for c := range n.Named(nsMD, "AttributeConsumingService") {
		s, err := readService(c)
		if err != nil {
			return nil, err
		}
		r.Services = append(r.Services, s)
	}
	return r, nil
}

// readEndpoints reads the endpoints of the bindings that we know. One at an
// address that a browser must not be sent to refuses the entity: somebody
// wrote it there.
func (e *Entity) readEndpoints(n xmltree.Node, local string) ([]Endpoint, error) {
	var out []Endpoint
	for c := range n.Named(nsMD, local) {
		p := Endpoint{Binding: attr(c, "Binding"), Location: attr(c, "Location"), ResponseLocation: attr(c, "ResponseLocation")}
		switch p.Binding {
		case BindingRedirect, BindingPOST, BindingArtifact, BindingSOAP:
		default:
			continue
		}
		for _, u := range []string{p.Location, p.response()} {
			if err := checkLocation(u); err != nil {
				return nil, refuse(CheckLocation, "%s %.200q of %.200q: %w", local, u, e.EntityID, err)
			}
		}
		var err error
		if v, has := c.Attr("index"); has {
			if p.Index, err = parseIndex(v); err != nil {
				return nil, refuse(CheckMetadata, "%s: %w", local, err)
			}
		}
		if p.Default, err = parseBool(attr(c, "isDefault")); err != nil {
			return nil, refuse(CheckMetadata, "%s isDefault: %w", local, err)
		}
		if len(out) == 256 {
			return nil, refuse(CheckMetadata, "more than 256 %s", local)
		}
		out = append(out, p)
	}
	return out, nil
}

func (e *Entity) warn(s string) {
	if len(e.warnings) < 32 {
		e.warnings = append(e.warnings, s)
	}
}
