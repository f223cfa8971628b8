// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/internal/dsig"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// verifyResponse runs every check of Profiles 4.1.4.3 and Core over a
// Response. l is the request that it answers, nil if there is none.
func (s *ServiceProvider) verifyResponse(ctx context.Context, r *response, c *Connection, l *login) (out *Assertion, err error) {
	now := s.cfg.Now()
	d := s.decrypter(c)
	defer func() { d.settle(ctx, err) }()
	keys := c.peerKeys(now)
	// The ArtifactResponse was signed by the same connection's keys, and root is
	// what its signature shows: as good as a signature of the Response.
	top, covered := r.root, r.artifact
	if r.signature.Exists() {
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
	authenticated := true
	if r.encrypted {
		if root, authenticated, err = d.assertion(ctx, root, covered, l != nil); err != nil {
			return nil, err
		}
	} else if c.Policy.RequireEncryption {
		return nil, refuse(CheckDecryptPolicy, "an assertion in clear")
	}
	a := &assertionReader{sp: s, c: c, login: l, now: now, root: root, unbound: r.unbound, decrypter: d, ctx: ctx}
	if err := a.open(keys, covered); err != nil {
		if !authenticated && (!covered || CheckOf(err) != CheckUnsigned) {
			// What was altered on the way is told from what cannot be
			// decrypted by nothing that the sender sees.
			return nil, refuse(CheckDecrypt, "decrypted: %w", err)
		}
		return nil, err
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
	return signingAt(c.IdP.IdP.Keys, c.Policy.RefuseExpiredCertificates, now)
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

	decrypter *decrypter
	ctx       context.Context // of the one message

	signature                  xmltree.Node
	issuer, subject, condition xmltree.Node
	authn, attributes          []xmltree.Node
	out                        Assertion
}

// open checks the frame and the signature of the Assertion, or that the
// Response's covers it.
func (a *assertionReader) open(keys []dsig.Key, covered bool) error {
	if err := a.frame(); err != nil {
		return err
	}
	if !a.signature.Exists() {
		if !covered || a.c.Policy.RequireSignedAssertion {
			return refuse(CheckUnsigned, "no signature covers the assertion as the connection wants it")
		}
		return nil
	}
	var err error
	if a.root, err = verifyEnveloped(a.root, keys, a.c.Policy.InsecureAllowSHA1); err != nil {
		return err
	}
	return a.frame() // now of what the signature covers
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
