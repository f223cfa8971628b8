// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"math/big"
	"strconv"
	"time"
)

// Encryption algorithms that we decrypt, in the order in which peers shall
// prefer them: some take the first one listed.
var encryptionMethods = []string{
	"http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2009/xmlenc11#aes128-gcm",
	"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", "http://www.w3.org/2009/xmlenc11#rsa-oaep",
}

// Marshal returns the entity's metadata as XML, unsigned, with its elements in
// the order of the schema.
func (e *Entity) Marshal() ([]byte, error) { return e.marshal("") }

// Sign returns the entity's metadata as XML with a signature by key.
func (e *Entity) Sign(key KeyPair) ([]byte, error) {
	if err := key.check(); err != nil {
		return nil, refuse(CheckConfig, "%w", err)
	}
	doc, err := e.marshal(newID())
	if err != nil {
		return nil, err
	}
	if doc, err = signMessage(doc, key); err != nil {
		return nil, refuse(CheckConfig, "sign metadata: %w", err)
	}
	return doc, nil
}

func (e *Entity) marshal(id string) ([]byte, error) {
	if e.EntityID == "" || e.IdP == nil && e.SP == nil {
		return nil, refuse(CheckConfig, "an entity without entityID or role")
	}
	w := &writer{b: make([]byte, 0, 4096)}
	w.open("md:EntityDescriptor", "xmlns:md", nsMD, "ID", id, "cacheDuration", formatDuration(e.CacheDuration),
		"entityID", e.EntityID, "validUntil", formatTime(e.ValidUntil))
	if len(e.Attributes) > 0 {
		w.open("md:Extensions")
		w.open("mdattr:EntityAttributes", "xmlns:mdattr", nsMDAttr)
		for _, a := range e.Attributes {
			w.attribute(a, "xmlns:saml", nsSAML)
		}
		w.close("mdattr:EntityAttributes")
		w.close("md:Extensions")
	}
	if e.IdP != nil {
		w.idpRole(e.IdP)
	}
	if e.SP != nil {
		w.spRole(e.SP)
	}
	if o := e.Organization; o != nil {
		w.open("md:Organization")
		w.localized("md:OrganizationName", o.Names)
		w.localized("md:OrganizationDisplayName", o.DisplayNames)
		w.localized("md:OrganizationURL", o.URLs)
		w.close("md:Organization")
	}
	for _, c := range e.Contacts {
		w.contact(c)
	}
	w.close("md:EntityDescriptor")
	if w.err != nil {
		return nil, refuse(CheckConfig, "%w", w.err)
	}
	return w.b, nil
}

func (w *writer) idpRole(r *IdPRole) {
	w.open("md:IDPSSODescriptor", "WantAuthnRequestsSigned", strconv.FormatBool(r.WantAuthnRequestsSigned), "protocolSupportEnumeration", nsSAMLP)
	w.ui(r.UI)
	w.keys(r.Keys)
	w.endpoints("md:ArtifactResolutionService", r.Artifact, true)
	w.endpoints("md:SingleLogoutService", r.SLO, false)
	for _, f := range r.NameIDFormats {
		w.leaf("md:NameIDFormat", f)
	}
	w.endpoints("md:SingleSignOnService", r.SSO, false)
	w.close("md:IDPSSODescriptor")
}

func (w *writer) spRole(r *SPRole) {
	w.open("md:SPSSODescriptor", "AuthnRequestsSigned", strconv.FormatBool(r.AuthnRequestsSigned),
		"WantAssertionsSigned", strconv.FormatBool(r.WantAssertionsSigned), "protocolSupportEnumeration", nsSAMLP)
	w.ui(r.UI)
	w.keys(r.Keys)
	w.endpoints("md:ArtifactResolutionService", r.Artifact, true)
	w.endpoints("md:SingleLogoutService", r.SLO, false)
	for _, f := range r.NameIDFormats {
		w.leaf("md:NameIDFormat", f)
	}
	w.endpoints("md:AssertionConsumerService", r.ACS, true)
	for _, s := range r.Services {
		w.open("md:AttributeConsumingService", "index", strconv.Itoa(s.Index), "isDefault", boolAttr(s.Default))
		w.localized("md:ServiceName", s.Names)
		for _, a := range s.Requested {
			w.open("md:RequestedAttribute", "FriendlyName", a.FriendlyName, "Name", a.Name, "NameFormat", a.Format, "isRequired", boolAttr(a.Required))
			for _, v := range a.Values {
				w.leaf("saml:AttributeValue", v, "xmlns:saml", nsSAML)
			}
			w.close("md:RequestedAttribute")
		}
		w.close("md:AttributeConsumingService")
	}
	w.close("md:SPSSODescriptor")
}

func (w *writer) endpoints(name string, es []Endpoint, indexed bool) {
	for _, e := range es {
		index, def := "", ""
		if indexed {
			index, def = strconv.Itoa(e.Index), boolAttr(e.Default)
		}
		w.open(name, "Binding", e.Binding, "Location", e.Location, "ResponseLocation", e.ResponseLocation, "index", index, "isDefault", def)
		w.close(name)
	}
}

func (w *writer) keys(keys []Key) {
	for _, k := range keys {
		w.open("md:KeyDescriptor", "use", k.Use)
		w.open("ds:KeyInfo", "xmlns:ds", nsDS)
		switch pub := k.PublicKey.(type) {
		case *rsa.PublicKey:
			if k.Certificate == nil {
				w.open("ds:KeyValue")
				w.open("ds:RSAKeyValue")
				w.leaf("ds:Modulus", base64.StdEncoding.EncodeToString(pub.N.Bytes()))
				w.leaf("ds:Exponent", base64.StdEncoding.EncodeToString(big.NewInt(int64(pub.E)).Bytes()))
				w.close("ds:RSAKeyValue")
				w.close("ds:KeyValue")
			}
		case *ecdsa.PublicKey:
			if k.Certificate == nil {
				w.ecKey(pub)
			}
		}
		if k.Certificate != nil {
			w.open("ds:X509Data")
			w.leaf("ds:X509Certificate", base64.StdEncoding.EncodeToString(k.Certificate.Raw))
			w.close("ds:X509Data")
		}
		w.close("ds:KeyInfo")
		for _, m := range k.Encryption {
			w.open("md:EncryptionMethod", "Algorithm", m)
			w.close("md:EncryptionMethod")
		}
		w.close("md:KeyDescriptor")
	}
}

func (w *writer) ecKey(pub *ecdsa.PublicKey) {
	oid := map[string]string{"P-256": "1.2.840.10045.3.1.7", "P-384": "1.3.132.0.34", "P-521": "1.3.132.0.35"}[pub.Curve.Params().Name]
	point, err := pub.Bytes()
	if err != nil || oid == "" {
		w.fail("an ECDSA key")
		return
	}
	w.open("ds:KeyValue")
	w.open("dsig11:ECKeyValue", "xmlns:dsig11", "http://www.w3.org/2009/xmldsig11#")
	w.open("dsig11:NamedCurve", "URI", "urn:oid:"+oid)
	w.close("dsig11:NamedCurve")
	w.leaf("dsig11:PublicKey", base64.StdEncoding.EncodeToString(point))
	w.close("dsig11:ECKeyValue")
	w.close("ds:KeyValue")
}

func (w *writer) localized(name string, ls []Localized) {
	for _, l := range ls {
		lang := l.Lang
		if lang == "" {
			lang = "en"
		}
		w.leaf(name, l.Text, "xml:lang", lang)
	}
}

func (w *writer) contact(c Contact) {
	w.open("md:ContactPerson", "contactType", c.Type)
	for _, x := range [][2]string{{"md:Company", c.Company}, {"md:GivenName", c.GivenName}, {"md:SurName", c.SurName}} {
		if x[1] != "" {
			w.leaf(x[0], x[1])
		}
	}
	for _, m := range c.Emails {
		w.leaf("md:EmailAddress", m)
	}
	for _, p := range c.Phones {
		w.leaf("md:TelephoneNumber", p)
	}
	w.close("md:ContactPerson")
}

func (w *writer) ui(u *UIInfo) {
	if u == nil {
		return
	}
	w.open("md:Extensions")
	w.open("mdui:UIInfo", "xmlns:mdui", nsMDUI)
	w.localized("mdui:DisplayName", u.DisplayNames)
	w.localized("mdui:Description", u.Descriptions)
	for _, l := range u.Logos {
		w.leaf("mdui:Logo", l.URL, "height", strconv.Itoa(l.Height), "width", strconv.Itoa(l.Width), "xml:lang", l.Lang)
	}
	w.localized("mdui:InformationURL", u.InformationURLs)
	w.localized("mdui:PrivacyStatementURL", u.PrivacyURLs)
	w.close("mdui:UIInfo")
	w.close("md:Extensions")
}

func signingKeys(keys []KeyPair) []Key {
	var out []Key
	for _, k := range keys {
		out = append(out, Key{Use: "signing", Certificate: k.Certificate, PublicKey: k.Certificate.PublicKey})
	}
	return out
}

// encryptionKey is the first key, to which peers shall encrypt.
func encryptionKey(keys []DecryptionKey) []Key {
	if len(keys) == 0 {
		return nil
	}
	cert := keys[0].Certificate
	return []Key{{Use: "encryption", Certificate: cert, PublicKey: cert.PublicKey, Encryption: encryptionMethods}}
}

// Entity returns our own metadata as a value, for a peer in the same program.
func (p *IdentityProvider) Entity() *Entity {
	c := p.cfg
	e := &Entity{
		EntityID: c.EntityID, ValidUntil: c.Now().Add(c.MetadataLifetime).Truncate(time.Millisecond), CacheDuration: min(24*time.Hour, c.MetadataLifetime/2),
		Organization: c.Organization, Contacts: c.Contacts, Attributes: c.Attributes,
		IdP: &IdPRole{
			Keys: signingKeys(c.Keys), NameIDFormats: c.NameIDFormats, WantAuthnRequestsSigned: c.WantAuthnRequestsSigned, UI: c.UI,
			SSO: []Endpoint{{Binding: BindingRedirect, Location: c.SSO}, {Binding: BindingPOST, Location: c.SSO}},
		},
	}
	e.IdP.Keys = append(e.IdP.Keys, encryptionKey(c.DecryptionKeys)...)
	e.IdP.SLO, e.IdP.Artifact = logoutEndpoints(c.SLO, c.SLOSOAP), artifactEndpoints(c.Artifact)
	if _, ok := p.requestsByArtifact(); ok {
		e.IdP.SSO = append(e.IdP.SSO, Endpoint{Binding: BindingArtifact, Location: c.SSO})
	}
	return e
}

// artifactEndpoints has the one index that our artifacts name.
func artifactEndpoints(soap string) []Endpoint {
	if soap == "" {
		return nil
	}
	return []Endpoint{{Binding: BindingSOAP, Location: soap, Default: true}}
}

func logoutEndpoints(browser, soap string) []Endpoint {
	var out []Endpoint
	if browser != "" {
		out = append(out, Endpoint{Binding: BindingRedirect, Location: browser}, Endpoint{Binding: BindingPOST, Location: browser})
	}
	if soap != "" {
		out = append(out, Endpoint{Binding: BindingSOAP, Location: soap})
	}
	return out
}

// Metadata returns our metadata, signed with the first key.
func (p *IdentityProvider) Metadata() ([]byte, error) { return p.Entity().Sign(p.cfg.Keys[0]) }

// Entity returns our own metadata in the connection as a value, for a peer in
// the same program.
func (s *ServiceProvider) Entity(c *Connection) *Entity {
	cfg := s.cfg
	e := &Entity{
		EntityID: c.EntityID, ValidUntil: cfg.Now().Add(cfg.MetadataLifetime).Truncate(time.Millisecond), CacheDuration: min(24*time.Hour, cfg.MetadataLifetime/2),
		Organization: cfg.Organization, Contacts: cfg.Contacts, Attributes: cfg.Attributes,
		SP: &SPRole{
			Keys: signingKeys(cfg.Keys), NameIDFormats: c.Policy.NameIDFormats, UI: cfg.UI, Services: cfg.Services,
			AuthnRequestsSigned:  c.Policy.SignRequests || c.IdP != nil && c.IdP.IdP != nil && c.IdP.IdP.WantAuthnRequestsSigned,
			WantAssertionsSigned: c.Policy.RequireSignedAssertion,
			ACS:                  []Endpoint{{Binding: BindingPOST, Location: c.ACS, Default: true}},
		},
	}
	if c.IdP != nil && c.IdP.IdP != nil && len(c.IdP.IdP.Artifact) > 0 {
		e.SP.ACS = append(e.SP.ACS, Endpoint{Binding: BindingArtifact, Location: c.ACS, Index: 1})
	}
	if len(cfg.Keys) > 0 {
		e.SP.SLO, e.SP.Artifact = logoutEndpoints(c.SLO, c.SLOSOAP), artifactEndpoints(c.Artifact)
	}
	if !c.Policy.NoEncryptionKey {
		e.SP.Keys = append(e.SP.Keys, encryptionKey(cfg.DecryptionKeys)...)
	}
	return e
}

// Metadata returns our metadata for the connection, signed with the first key
// if there is one.
func (s *ServiceProvider) Metadata(ctx context.Context, connection string) ([]byte, error) {
	c, err := s.connection(ctx, connection)
	if err != nil {
		return nil, err
	}
	if len(s.cfg.Keys) == 0 {
		return s.Entity(c).Marshal()
	}
	return s.Entity(c).Sign(s.cfg.Keys[0])
}
