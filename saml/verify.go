// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/internal/dsig"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// verifyResponse runs every check of Profiles 4.1.4.3 and Core over a
// Response. l is the request that it answers, nil if there is none.
func (s *ServiceProvider) verifyResponse(ctx context.Context, r *response, c *Connection, l *login) (*Assertion, error) {
	now := s.cfg.Now()
	keys := c.peerKeys(now)
	top, covered := r.root, false
	if r.signature.Exists() {
		var err error
		if top, err = verifyEnveloped(r.root, keys, c.Policy.InsecureAllowSHA1); err != nil {
			return nil, err
		}
		covered = true
	}
	if err := s.responseHeader(r, c, now); err != nil {
		return nil, err
	}
	if r.status.Code != StatusSuccess {
		e := refuse(CheckStatus, "the identity provider answered %.200q %.200q: %.200q", r.status.Code, r.status.SubCode, r.status.Message)
		e.Status = &r.status
		return nil, e
	}
	if !r.assertion.Exists() {
		return nil, refuse(CheckStructure, "a successful Response without assertion")
	}
	root := r.assertion
	if covered {
		root = top.Child(r.assertion.Space(), r.assertion.Local()) // as the signature's view shows it
	}
	if r.encrypted {
		var err error
		if root, err = s.decryptAssertion(ctx, root, c, covered, l != nil); err != nil {
			return nil, err
		}
	} else if c.Policy.RequireEncryption {
		return nil, refuse(CheckDecryptPolicy, "an assertion in clear")
	}
	a := &assertionReader{sp: s, c: c, login: l, now: now, root: root, unbound: r.unbound}
	if err := a.frame(); err != nil {
		return nil, err
	}
	if a.signature.Exists() {
		var err error
		if a.root, err = verifyEnveloped(root, keys, c.Policy.InsecureAllowSHA1); err != nil {
			return nil, err
		}
		if err := a.frame(); err != nil { // now of what the signature covers
			return nil, err
		}
	} else if !covered || c.Policy.RequireSignedAssertion {
		return nil, refuse(CheckUnsigned, "no signature covers the assertion as the connection wants it")
	}
	// Claims are read from here on only: everything below root is signed.
	if err := a.read(); err != nil {
		return nil, err
	}
	a.out.Connection, a.out.Revision, a.out.EntityID, a.out.Encrypted = c.ID, c.Revision, c.EntityID, r.encrypted
	return &a.out, nil
}

// peerKeys are the keys that may sign for the connection's IdP.
func (c *Connection) peerKeys(now time.Time) []dsig.Key {
	if !c.Policy.RefuseExpiredCertificates {
		return signing(c.IdP.IdP.Keys)
	}
	return signing(slices.DeleteFunc(slices.Clone(c.IdP.IdP.Keys), func(k Key) bool {
		return k.Certificate == nil || now.After(k.Certificate.NotAfter) || now.Before(k.Certificate.NotBefore)
	}))
}

func (s *ServiceProvider) responseHeader(r *response, c *Connection, now time.Time) error {
	if r.issuer != "" && r.issuer != c.IdP.EntityID {
		return refuse(CheckIssuer, "the Response's issuer %.200q is not %q", r.issuer, c.IdP.EntityID)
	}
	// Bindings 3.5.5.2: a signed message must carry it.
	if r.destination != c.ACS && (r.destination != "" || r.signature.Exists() && !r.artifact) {
		return refuse(CheckDestination, "Destination %.200q is not %q", r.destination, c.ACS)
	}
	return s.instant("Response", r.issueInstant, now)
}

func (s *ServiceProvider) instant(what string, t, now time.Time) error {
	if t.After(now.Add(s.cfg.Skew)) {
		return refuse(CheckIssueInstant, "the %s of %v is from the future", what, t)
	}
	if now.Sub(t) > s.cfg.MaxAssertionAge+s.cfg.Skew {
		return refuse(CheckIssueInstant, "the %s of %v is too old", what, t)
	}
	return nil
}

// assertionReader reads one Assertion in two steps: its frame before the
// signature is checked, its claims after.
type assertionReader struct {
	sp      *ServiceProvider
	c       *Connection
	login   *login
	now     time.Time
	root    xmltree.Node
	unbound bool

	signature                  xmltree.Node
	issuer, subject, condition xmltree.Node
	authn, attributes          []xmltree.Node
	out                        Assertion
}

// frame checks the order of the children (Core 2.3.3) and that no second
// assertion and no stray signature hide below.
func (a *assertionReader) frame() error {
	if !a.root.Is(nsSAML, "Assertion") {
		return refuse(CheckStructure, "<%s> where an Assertion is expected", name(a.root))
	}
	a.issuer, a.subject, a.condition, a.signature = xmltree.Node{}, xmltree.Node{}, xmltree.Node{}, xmltree.Node{}
	a.authn, a.attributes = nil, nil
	step := 0
	for c := range a.root.Children() {
		at := 0
		switch {
		case c.Is(nsSAML, "Issuer"):
			at, a.issuer = 1, c
		case c.Is(nsDS, "Signature"):
			at, a.signature = 2, c
		case c.Is(nsSAML, "Subject"):
			at, a.subject = 3, c
		case c.Is(nsSAML, "Conditions"):
			at, a.condition = 4, c
		case c.Is(nsSAML, "Advice"):
			at = 5
		case c.Is(nsSAML, "AuthnStatement"):
			at = 6
			a.authn = append(a.authn, c)
		case c.Is(nsSAML, "AttributeStatement"):
			at = 6
			a.attributes = append(a.attributes, c)
		case c.Is(nsSAML, "AuthzDecisionStatement"), c.Is(nsSAML, "Statement"):
			at = 6
		}
		if at < step || at == step && at != 6 {
			return refuse(CheckStructure, "<%s> is out of place in the Assertion", name(c))
		}
		step = at
	}
	for e := range a.root.Descendants() {
		switch {
		case e.Is(nsSAML, "Assertion"), e.Is(nsSAML, "EncryptedAssertion"), e.Is(nsSAMLP, "Response"):
			return refuse(CheckStructure, "<%s> inside of the Assertion", name(e))
		case e.Is(nsDS, "Signature") && !e.Same(a.signature):
			return refuse(CheckSignature, "a Signature inside of <%s>", name(e.Parent()))
		}
	}
	return nil
}

func (a *assertionReader) read() error {
	for _, step := range []func() error{
		a.header, a.readSubject, a.readConditions, a.readAuthn, a.readAttributes, a.againstRequest,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (a *assertionReader) header() error {
	if v := attr(a.root, "Version"); v != "2.0" {
		return refuse(CheckVersion, "version %.20q", v)
	}
	if a.out.ID = attr(a.root, "ID"); a.out.ID == "" || len(a.out.ID) > 1024 {
		return refuse(CheckStructure, "an Assertion with an ID of %d bytes", len(a.out.ID))
	}
	if !a.issuer.Exists() {
		return refuse(CheckIssuer, "an Assertion without Issuer")
	}
	issuer, err := readIssuer(a.issuer)
	if err != nil {
		return err
	}
	if issuer != a.c.IdP.EntityID {
		return refuse(CheckIssuer, "the Assertion's issuer %.200q is not %q", issuer, a.c.IdP.EntityID)
	}
	a.out.Issuer = issuer
	t, err := parseTime(attr(a.root, "IssueInstant"))
	if err != nil {
		return refuse(CheckIssueInstant, "IssueInstant: %w", err)
	}
	return a.sp.instant("Assertion", t, a.now)
}

// readSubject wants a NameID and one bearer confirmation that holds
// (Profiles 4.1.4.2); others may fail beside it.
func (a *assertionReader) readSubject() error {
	if !a.subject.Exists() {
		return refuse(CheckSubject, "an Assertion without Subject")
	}
	named, confirmed := false, false
	var reason error
	for c := range a.subject.Children() {
		switch {
		case c.Is(nsSAML, "NameID"), c.Is(nsSAML, "EncryptedID"):
			if named {
				return refuse(CheckSubject, "a Subject with two names")
			}
			named = true
			id, err := a.sp.nameID(c, a.c)
			if err != nil {
				return err
			}
			a.out.NameID = id
		case c.Is(nsSAML, "SubjectConfirmation"):
			if attr(c, "Method") != methodBearer {
				continue
			}
			end, err := a.confirm(c)
			if err != nil {
				reason = err
				continue
			}
			confirmed = true
			if end.After(a.out.NotOnOrAfter) {
				a.out.NotOnOrAfter = end
			}
		default:
			return refuse(CheckSubject, "<%s> in a Subject", name(c))
		}
	}
	if !named {
		return refuse(CheckSubject, "a Subject without NameID")
	}
	if !confirmed {
		if reason != nil {
			return reason
		}
		return refuse(CheckSubject, "a Subject without bearer confirmation")
	}
	return nil
}

func (a *assertionReader) confirm(e xmltree.Node) (time.Time, error) {
	var zero time.Time
	var data xmltree.Node
	for c := range e.Children() {
		if c.Is(nsSAML, "SubjectConfirmationData") {
			if data.Exists() {
				return zero, refuse(CheckSubject, "two SubjectConfirmationData")
			}
			data = c
		}
	}
	if !data.Exists() {
		return zero, refuse(CheckSubject, "a bearer confirmation without data")
	}
	if r := attr(data, "Recipient"); r != a.c.ACS {
		return zero, refuse(CheckRecipient, "Recipient %.200q is not %q", r, a.c.ACS)
	}
	irt, has := data.Attr("InResponseTo")
	if a.login == nil && has && !a.unbound {
		return zero, refuse(CheckInResponseTo, "an unsolicited assertion answers %.80q", irt)
	}
	if a.login != nil && irt != a.requestID() {
		return zero, refuse(CheckInResponseTo, "the assertion answers %.80q", irt)
	}
	if _, has := data.Attr("NotBefore"); has {
		return zero, refuse(CheckTime, "a bearer confirmation with NotBefore")
	}
	end, err := parseTime(attr(data, "NotOnOrAfter"))
	if err != nil {
		return zero, refuse(CheckTime, "SubjectConfirmationData NotOnOrAfter: %w", err)
	}
	if !a.now.Before(end.Add(a.sp.cfg.Skew)) {
		return zero, refuse(CheckTime, "the confirmation ended at %v", end)
	}
	if end.Sub(a.now) > 24*time.Hour {
		return zero, refuse(CheckTime, "a confirmation that lasts until %v", end)
	}
	return end, nil
}

func (a *assertionReader) readConditions() error {
	if !a.condition.Exists() {
		return refuse(CheckAudience, "an Assertion without Conditions")
	}
	if err := a.window(a.condition); err != nil {
		return err
	}
	restricted := false
	for c := range a.condition.Children() {
		switch {
		case c.Is(nsSAML, "AudienceRestriction"):
			if err := a.audience(c); err != nil {
				return err
			}
			restricted = true
		case c.Is(nsSAML, "OneTimeUse"): // every assertion is used once here
		case c.Is(nsSAML, "ProxyRestriction"): // binds who issues further assertions
		default:
			return refuse(CheckCondition, "condition <%s> is not understood", name(c))
		}
	}
	if !restricted {
		return refuse(CheckAudience, "an Assertion for no audience in particular")
	}
	return nil
}

func (a *assertionReader) window(e xmltree.Node) error {
	if v, has := e.Attr("NotBefore"); has {
		t, err := parseTime(v)
		if err != nil {
			return refuse(CheckTime, "NotBefore: %w", err)
		}
		if a.now.Add(a.sp.cfg.Skew).Before(t) {
			return refuse(CheckTime, "not valid before %v", t)
		}
	}
	if v, has := e.Attr("NotOnOrAfter"); has {
		t, err := parseTime(v)
		if err != nil {
			return refuse(CheckTime, "NotOnOrAfter: %w", err)
		}
		if !a.now.Before(t.Add(a.sp.cfg.Skew)) {
			return refuse(CheckTime, "not valid since %v", t)
		}
	}
	return nil
}

// audience: one restriction is a disjunction, several are a conjunction
// (Core 2.5.1.4).
func (a *assertionReader) audience(e xmltree.Node) error {
	var last string
	for c := range e.Children() {
		if !c.Is(nsSAML, "Audience") {
			return refuse(CheckAudience, "<%s> in an AudienceRestriction", name(c))
		}
		v, err := text(c)
		if err != nil {
			return err
		}
		if v == a.c.EntityID || slices.Contains(a.c.Policy.ExtraAudiences, v) {
			return nil
		}
		last = v
	}
	return refuse(CheckAudience, "audience %.200q is not %q", last, a.c.EntityID)
}

func (a *assertionReader) readAuthn() error {
	if len(a.authn) == 0 {
		return refuse(CheckAuthn, "an Assertion without AuthnStatement")
	}
	for i, e := range a.authn {
		if err := a.authnStatement(e, i == 0); err != nil {
			return err
		}
	}
	return nil
}

// authnStatement reads the first statement; further ones may only shorten the
// session.
func (a *assertionReader) authnStatement(e xmltree.Node, first bool) error {
	at, err := parseTime(attr(e, "AuthnInstant"))
	if err != nil {
		return refuse(CheckAuthn, "AuthnInstant: %w", err)
	}
	if at.After(a.now.Add(a.sp.cfg.Skew)) {
		return refuse(CheckAuthn, "an authentication at %v, in the future", at)
	}
	if v, has := e.Attr("SessionNotOnOrAfter"); has {
		end, err := parseTime(v)
		if err != nil {
			return refuse(CheckTime, "SessionNotOnOrAfter: %w", err)
		}
		if !a.now.Before(end.Add(a.sp.cfg.Skew)) {
			return refuse(CheckTime, "the session ended at %v", end)
		}
		if a.out.SessionNotOnOrAfter.IsZero() || end.Before(a.out.SessionNotOnOrAfter) {
			a.out.SessionNotOnOrAfter = end
		}
	}
	if !first {
		return nil
	}
	a.out.AuthnInstant, a.out.SessionIndex = at, attr(e, "SessionIndex")
	for c := range e.Children() {
		if !c.Is(nsSAML, "AuthnContext") {
			continue
		}
		for x := range c.Children() {
			switch {
			case x.Is(nsSAML, "AuthnContextClassRef") && a.out.AuthnContext == "":
				a.out.AuthnContext, err = text(x)
			case x.Is(nsSAML, "AuthenticatingAuthority"):
				var s string
				s, err = text(x)
				a.out.Authorities = append(a.out.Authorities, s)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *assertionReader) readAttributes() error {
	n := 0
	for _, st := range a.attributes {
		for range st.Children() {
			n++
		}
	}
	a.out.Attributes = make(Attributes, 0, n)
	index := make(map[[2]string]int, n)
	for _, st := range a.attributes {
		for e := range st.Children() {
			if e.Is(nsSAML, "EncryptedAttribute") {
				var err error
				if e, err = a.sp.decryptElement(e, a.c, "Attribute"); err != nil {
					return err
				}
			}
			if !e.Is(nsSAML, "Attribute") {
				return refuse(CheckStructure, "<%s> in an AttributeStatement", name(e))
			}
			at, err := readAttribute(e)
			if err != nil {
				return err
			}
			k := [2]string{at.Name, at.Format}
			if i, ok := index[k]; ok {
				a.out.Attributes[i].Values = append(a.out.Attributes[i].Values, at.Values...)
				continue
			}
			index[k] = len(a.out.Attributes)
			a.out.Attributes = append(a.out.Attributes, at)
		}
	}
	return nil
}

func readAttribute(e xmltree.Node) (Attribute, error) {
	at := Attribute{Name: attr(e, "Name"), Format: attr(e, "NameFormat"), FriendlyName: attr(e, "FriendlyName")}
	if at.Name == "" {
		return at, refuse(CheckStructure, "an Attribute without Name")
	}
	if at.Format == AttrUnspecified {
		at.Format = ""
	}
	n := 0
	for range e.Children() {
		n++
	}
	at.Values = make([]string, 0, n)
	for v := range e.Children() {
		if !v.Is(nsSAML, "AttributeValue") {
			return at, refuse(CheckStructure, "<%s> in an Attribute", name(v))
		}
		s, err := attributeValue(v)
		if err != nil {
			return at, err
		}
		at.Values = append(at.Values, s)
	}
	return at, nil
}

// attributeValue returns a value's text. Of a value that holds elements it is
// their text if there is one NameID, which is what eduPersonTargetedID is,
// else the elements as they are in canonical form.
func attributeValue(v xmltree.Node) (string, error) {
	if v.Leaf() {
		return text(v)
	}
	var only xmltree.Node
	n := 0
	for c := range v.Children() {
		only = c
		n++
	}
	if n == 1 && only.Is(nsSAML, "NameID") && only.Leaf() {
		return text(only)
	}
	return innerXML(v)
}

// againstRequest compares what came with what was asked for.
func (a *assertionReader) againstRequest() error {
	p := a.c.Policy
	format := a.out.NameID.Format
	if format == "" {
		format = NameIDUnspecified
	}
	if len(p.NameIDFormats) > 0 && !slices.Contains(p.NameIDFormats, format) {
		return refuse(CheckNameIDPolicy, "a NameID of format %.200q", format)
	}
	if p.MaxAuthnAge > 0 && a.now.Sub(a.out.AuthnInstant) > p.MaxAuthnAge+a.sp.cfg.Skew {
		return refuse(CheckForceAuthn, "authenticated at %v", a.out.AuthnInstant)
	}
	l := a.login
	if l == nil {
		return nil
	}
	if l.ForceAuthn && a.out.AuthnInstant.Before(l.IssuedAt.Add(-a.sp.cfg.Skew)) {
		return refuse(CheckForceAuthn, "authenticated at %v, asked to at %v", a.out.AuthnInstant, l.IssuedAt)
	}
	if c := l.Context; c != nil && (c.Comparison == "" || c.Comparison == "exact") && !slices.Contains(c.ClassRefs, a.out.AuthnContext) {
		return refuse(CheckAuthnContext, "authenticated by %.200q", a.out.AuthnContext)
	}
	if n := l.NameIDPolicy; n != nil && n.Format != "" && n.Format != NameIDUnspecified && n.Format != nameIDEncrypted && n.Format != format {
		return refuse(CheckNameIDPolicy, "a NameID of format %.200q, %q was asked for", format, n.Format)
	}
	if sub := l.Subject; sub != nil && (sub.Value != a.out.NameID.Value || sub.Format != "" && sub.Format != format) {
		return refuse(CheckSubject, "another person than was asked for")
	}
	return nil
}

func (a *assertionReader) requestID() string { return a.login.id }

// nameID reads a NameID or EncryptedID.
func (s *ServiceProvider) nameID(e xmltree.Node, c *Connection) (NameID, error) {
	if e.Is(nsSAML, "EncryptedID") {
		var err error
		if e, err = s.decryptElement(e, c, "NameID"); err != nil {
			return NameID{}, err
		}
	}
	return readNameID(e)
}

func readNameID(e xmltree.Node) (NameID, error) {
	v, err := text(e)
	if err != nil {
		return NameID{}, err
	}
	if v == "" || len(v) > 1024 {
		return NameID{}, refuse(CheckSubject, "a NameID of %d bytes", len(v))
	}
	return NameID{
		Value: v, Format: attr(e, "Format"), NameQualifier: attr(e, "NameQualifier"),
		SPNameQualifier: attr(e, "SPNameQualifier"), SPProvidedID: attr(e, "SPProvidedID"),
	}, nil
}
