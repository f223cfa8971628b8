// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/internal/dsig"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// message is the frame of an AuthnRequest, LogoutRequest or LogoutResponse:
// what all of them share. Until verify returns true it is untrusted.
type message struct {
	root         xmltree.Node
	id           string
	inResponseTo string
	destination  string
	issuer       string
	issueInstant time.Time
	signature    xmltree.Node
}

// readMessage reads the message if it is one of the named ones.
func readMessage(data []byte, names ...string) (*message, error) {
	doc, err := parseDocument(data, xmltree.Limits{Bytes: len(data) + 1})
	if err != nil {
		return nil, err
	}
	return newMessage(doc.Root(), names...)
}

func newMessage(root xmltree.Node, names ...string) (*message, error) {
	m := &message{root: root}
	known := false
	for _, n := range names {
		known = known || m.root.Is(nsSAMLP, n)
	}
	if !known {
		return nil, refuse(CheckStructure, "<%s> where %v is expected", name(m.root), names)
	}
	if v := attr(m.root, "Version"); v != "2.0" {
		return nil, refuse(CheckVersion, "version %.20q", v)
	}
	if m.id = attr(m.root, "ID"); m.id == "" || len(m.id) > 1024 {
		return nil, refuse(CheckStructure, "a message with an ID of %d bytes", len(m.id))
	}
	m.inResponseTo, m.destination = attr(m.root, "InResponseTo"), attr(m.root, "Destination")
	var err error
	if m.issueInstant, err = parseTime(attr(m.root, "IssueInstant")); err != nil {
		return nil, refuse(CheckIssueInstant, "IssueInstant: %w", err)
	}
	n := 0
	for c := range m.root.Children() {
		switch {
		case c.Is(nsSAML, "Issuer"):
			if n != 0 {
				return nil, refuse(CheckStructure, "an Issuer out of place")
			}
			if m.issuer, err = readIssuer(c); err != nil {
				return nil, err
			}
		case c.Is(nsDS, "Signature"):
			if n != 1 || m.issuer == "" {
				return nil, refuse(CheckStructure, "a Signature out of place")
			}
			m.signature = c
		}
		n++
	}
	if m.issuer == "" {
		return nil, refuse(CheckIssuer, "a message without Issuer")
	}
	for e := range m.root.Descendants() {
		if e.Is(nsDS, "Signature") && !e.Same(m.signature) {
			return nil, refuse(CheckSignature, "a Signature inside of <%s>", name(e.Parent()))
		}
	}
	return m, nil
}

// verify checks the signature that the binding calls for: over the raw query
// (Bindings 3.4.4.1), or in the document. It reports whether there was one. An
// unusable signature is never passed over for another, and a document in a
// query may not bring one (Bindings 3.4.4.1).
func (m *message) verify(in *incoming, keys []dsig.Key, sha1 bool) (bool, error) {
	if in.query != nil {
		if m.signature.Exists() {
			return false, refuse(CheckSignature, "a document in a query brings a Signature")
		}
		if in.query.signature == nil {
			return false, nil
		}
		return true, verifyOctets(keys, in.query.sigAlg, in.query.octets, in.query.signature, sha1)
	}
	if !m.signature.Exists() {
		return false, nil
	}
	root, err := verifyEnveloped(m.root, keys, sha1)
	if err != nil {
		return false, err
	}
	m.root = root
	return true, nil
}

// trust checks what logout messages and questions for artifacts are checked
// for. They are never taken unsigned: whoever can make one ends sessions at
// will. destinations are the acceptable ones; nil asks for none.
func (m *message) trust(in *incoming, keys []dsig.Key, sha1 bool, issuer string, destinations []string, now time.Time, skew time.Duration) error {
	if m.issuer != issuer {
		return refuse(CheckIssuer, "issuer %.200q is not %q", m.issuer, issuer)
	}
	signed, err := m.verify(in, keys, sha1)
	if err != nil {
		return err
	}
	if !signed {
		return refuse(CheckUnsigned, "an unsigned %s of %.200q", m.root.Local(), m.issuer)
	}
	// The answer on an open connection needs no address.
	if destinations != nil && !slices.Contains(destinations, m.destination) {
		return refuse(CheckDestination, "Destination %.200q is none of %q", m.destination, destinations)
	}
	if m.issueInstant.After(now.Add(skew)) || now.Sub(m.issueInstant) > 10*time.Minute+skew {
		return refuse(CheckIssueInstant, "a message of %v", m.issueInstant)
	}
	if v, has := m.root.Attr("NotOnOrAfter"); has {
		t, err := parseTime(v)
		if err != nil || !now.Before(t.Add(skew)) {
			return refuse(CheckTime, "a message until %.40q", v)
		}
	}
	return nil
}
