// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"time"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// response is a Response's frame: what may be read before a signature is
// checked, and where the rest is. Nothing in it is trusted.
type response struct {
	root         xmltree.Node
	id           string
	inResponseTo string
	destination  string
	issuer       string
	issueInstant time.Time
	signature    xmltree.Node
	status       Status
	assertion    xmltree.Node // Assertion or EncryptedAssertion; absent with an error status
	encrypted    bool
	unbound      bool // whoever asked for it is not known: InResponseTo is not compared
	artifact     bool // it was fetched from the IdP, which may leave out Destination
}

// readResponse checks the shape of a Response (Core 3.3.3): children in their
// order, exactly one assertion if it succeeded, and no assertion or signature
// anywhere else in the document, where somebody might look for one.
func readResponse(data []byte) (*response, error) {
	doc, err := parseDocument(data, xmltree.Limits{Bytes: len(data) + 1})
	if err != nil {
		return nil, err
	}
	return newResponse(doc.Root())
}

func newResponse(root xmltree.Node) (*response, error) {
	r := &response{root: root}
	if !r.root.Is(nsSAMLP, "Response") {
		return nil, refuse(CheckStructure, "<%s> where a Response is expected", name(r.root))
	}
	if err := r.header(); err != nil {
		return nil, err
	}
	step := 0 // Issuer 1, Signature 2, Extensions 3, Status 4, assertion 5
	var err error
	for c := range r.root.Children() {
		at := 0
		switch {
		case c.Is(nsSAML, "Issuer"):
			at = 1
			r.issuer, err = readIssuer(c)
		case c.Is(nsDS, "Signature"):
			at = 2
			r.signature = c
		case c.Is(nsSAMLP, "Extensions"):
			at = 3
		case c.Is(nsSAMLP, "Status"):
			at = 4
			r.status, err = readStatus(c)
		case c.Is(nsSAML, "Assertion"), c.Is(nsSAML, "EncryptedAssertion"):
			at = 5
			r.assertion, r.encrypted = c, c.Is(nsSAML, "EncryptedAssertion")
		}
		if err != nil {
			return nil, err
		}
		if at <= step {
			return nil, refuse(CheckStructure, "<%s> is out of place in the Response", name(c))
		}
		step = at
	}
	if r.status.Code == "" {
		return nil, refuse(CheckStructure, "a Response without Status")
	}
	return r, r.onlyOne()
}

func (r *response) header() error {
	var err error
	if v := attr(r.root, "Version"); v != "2.0" {
		return refuse(CheckVersion, "version %.20q", v)
	}
	if r.id = attr(r.root, "ID"); r.id == "" {
		return refuse(CheckStructure, "a Response without ID")
	}
	r.inResponseTo, r.destination = attr(r.root, "InResponseTo"), attr(r.root, "Destination")
	if _, has := r.root.Attr("InResponseTo"); has && r.inResponseTo == "" {
		return refuse(CheckInResponseTo, "an empty InResponseTo")
	}
	if r.issueInstant, err = parseTime(attr(r.root, "IssueInstant")); err != nil {
		return refuse(CheckIssueInstant, "IssueInstant: %w", err)
	}
	return nil
}

// onlyOne refuses assertions and signatures in hidden places. Those inside of
// an EncryptedAssertion are looked for after decryption.
func (r *response) onlyOne() error {
	for e := range r.root.Descendants() {
		switch {
		case e.Is(nsSAML, "Assertion"), e.Is(nsSAML, "EncryptedAssertion"):
			if !e.Same(r.assertion) {
				return refuse(CheckStructure, "an assertion that is not the Response's only one")
			}
		case e.Is(nsDS, "Signature"):
			p := e.Parent()
			if !p.Same(r.root) && (!p.Same(r.assertion) || r.encrypted) {
				return refuse(CheckSignature, "a Signature inside of <%s>", name(p))
			}
		case e.Is(nsSAMLP, "Response"):
			return refuse(CheckStructure, "a Response inside of the Response")
		}
	}
	return nil
}

// anyIssuer returns the Response's Issuer or its assertion's, for finding the
// connection.
func (r *response) anyIssuer() string {
	if r.issuer != "" || !r.assertion.Exists() || r.encrypted {
		return r.issuer
	}
	for c := range r.assertion.Children() {
		if c.Is(nsSAML, "Issuer") {
			s, err := readIssuer(c)
			if err != nil {
				return ""
			}
			return s
		}
	}
	return ""
}

// readIssuer reads an Issuer, which must name an entity (Core 2.2.5).
func readIssuer(e xmltree.Node) (string, error) {
	if f := attr(e, "Format"); f != "" && f != nameIDEntity {
		return "", refuse(CheckIssuer, "an Issuer of format %.80q", f)
	}
	for _, q := range []string{"NameQualifier", "SPNameQualifier", "SPProvidedID"} {
		if attr(e, q) != "" {
			return "", refuse(CheckIssuer, "an Issuer with %s", q)
		}
	}
	s, err := text(e)
	if err != nil {
		return "", err
	}
	if s == "" || len(s) > 1024 {
		return "", refuse(CheckIssuer, "an Issuer of %d bytes", len(s))
	}
	return s, nil
}

func readStatus(e xmltree.Node) (Status, error) {
	var s Status
	for c := range e.Children() {
		switch {
		case c.Is(nsSAMLP, "StatusCode"):
			if s.Code != "" {
				return s, refuse(CheckStructure, "two StatusCodes")
			}
			if s.Code = attr(c, "Value"); s.Code == "" {
				return s, refuse(CheckStructure, "a StatusCode without Value")
			}
			for sub := range c.Children() {
				if sub.Is(nsSAMLP, "StatusCode") && s.SubCode == "" {
					s.SubCode = attr(sub, "Value")
				}
			}
		case c.Is(nsSAMLP, "StatusMessage"):
			m, err := text(c)
			if err != nil {
				return s, err
			}
			s.Message = m[:min(len(m), 1024)]
		}
	}
	if s.Code == "" {
		return s, refuse(CheckStructure, "a Status without StatusCode")
	}
	return s, nil
}
