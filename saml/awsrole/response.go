// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awsrole

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"time"
)

// Response is a SAML Response as [Lint] looks at it: what it says, not whether
// anybody may believe it. Never decide anything but "will AWS take this" by it.
type Response struct {
	Destination string
	Status      string // the top-level status code
	Signed      bool   // a Signature stands in the Response or the Assertion
	Assertions  int
	Encrypted   int // encrypted assertions; nothing in them can be read
	Size        int // characters of the base64 form

	Issuer        string
	IssueInstant  time.Time
	NameID        string
	NameIDFormat  string
	Confirmations []Confirmation

	NotBefore    time.Time
	NotOnOrAfter time.Time
	Audiences    [][]string // one list for each AudienceRestriction

	AuthnStatements     int
	SessionNotOnOrAfter time.Time

	Attributes []Attribute
}

// Confirmation is one SubjectConfirmation.
type Confirmation struct {
	Method       string
	Recipient    string
	InResponseTo string
	NotBefore    time.Time
	NotOnOrAfter time.Time
}

// Limits of [Decode].
const (
	maxResponse = 1 << 20
	maxDepth    = 64
	maxElements = 20_000
)

const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
)

// Decode reads a Response for [Lint]: XML, or base64 of it as it is posted.
// It verifies nothing.
func Decode(doc []byte) (*Response, error) {
	const public = "This is no SAML Response."
	doc = bytes.TrimSpace(doc)
	if len(doc) > maxResponse {
		return nil, refuse(CheckDocument, public, "a document of %d bytes", len(doc))
	}
	r := &Response{Size: base64.StdEncoding.EncodedLen(len(doc))}
	if !bytes.HasPrefix(doc, []byte("<")) {
		text := strings.Join(strings.Fields(string(doc)), "")
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, refuse(CheckDocument, public, "neither XML nor base64: %w", err)
		}
		r.Size, doc = len(text), raw
	}
	root, err := parseTree(doc)
	if err != nil {
		return nil, refuse(CheckDocument, public, "%w", err)
	}
	if !root.is(nsProtocol, "Response") {
		return nil, refuse(CheckDocument, public, "the document element is %q, not samlp:Response", printable(root.name.Local))
	}
	r.read(root)
	return r, nil
}

func (r *Response) read(root *node) {
	r.Destination = root.attr("Destination")
	r.Signed = root.child(nsSignature, "Signature") != nil
	r.Status = root.path(nsProtocol, "Status", "StatusCode").attr("Value")
	for _, c := range root.children {
		switch {
		case c.is(nsAssertion, "EncryptedAssertion"):
			r.Encrypted++
		case c.is(nsAssertion, "Assertion"):
			r.Assertions++
			if r.Assertions == 1 {
				r.readAssertion(c)
			}
		}
	}
}

func (r *Response) readAssertion(a *node) {
	r.Signed = r.Signed || a.child(nsSignature, "Signature") != nil
	r.IssueInstant = a.time("IssueInstant")
	r.Issuer = a.child(nsAssertion, "Issuer").value()
	subject := a.child(nsAssertion, "Subject")
	r.NameID = subject.child(nsAssertion, "NameID").value()
	r.NameIDFormat = subject.child(nsAssertion, "NameID").attr("Format")
	for _, c := range subject.all(nsAssertion, "SubjectConfirmation") {
		data := c.child(nsAssertion, "SubjectConfirmationData")
		r.Confirmations = append(r.Confirmations, Confirmation{
			Method: c.attr("Method"), Recipient: data.attr("Recipient"), InResponseTo: data.attr("InResponseTo"),
			NotBefore: data.time("NotBefore"), NotOnOrAfter: data.time("NotOnOrAfter"),
		})
	}
	conditions := a.child(nsAssertion, "Conditions")
	r.NotBefore, r.NotOnOrAfter = conditions.time("NotBefore"), conditions.time("NotOnOrAfter")
	for _, ar := range conditions.all(nsAssertion, "AudienceRestriction") {
		var list []string
		for _, au := range ar.all(nsAssertion, "Audience") {
			list = append(list, au.value())
		}
		r.Audiences = append(r.Audiences, list)
	}
	for _, st := range a.all(nsAssertion, "AuthnStatement") {
		r.AuthnStatements++
		r.SessionNotOnOrAfter = st.time("SessionNotOnOrAfter")
	}
	for _, st := range a.all(nsAssertion, "AttributeStatement") {
		for _, at := range st.all(nsAssertion, "Attribute") {
			out := Attribute{Name: at.attr("Name")}
			for _, v := range at.all(nsAssertion, "AttributeValue") {
				out.Values = append(out.Values, string(v.text))
			}
			r.Attributes = append(r.Attributes, out)
		}
	}
}

// node is an element. Its methods take a nil receiver, so that a missing
// element reads as empty.
type node struct {
	name     xml.Name
	attrs    []xml.Attr
	text     []byte
	children []*node
}

// parseTree reads a whole document; DOCTYPE and processing instructions are
// refused as AWS does.
func parseTree(doc []byte) (*node, error) {
	dec := xml.NewDecoder(bytes.NewReader(doc))
	var root *node
	var stack []*node
	for elements := 0; ; {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch t := tok.(type) {
		case xml.Directive:
			return nil, errors.New("a DOCTYPE or other directive")
		case xml.ProcInst:
			if t.Target != "xml" {
				return nil, errors.New("a processing instruction")
			}
		case xml.StartElement:
			elements++
			if elements > maxElements || len(stack) == maxDepth {
				return nil, errors.New("too many or too deep elements")
			}
			n := &node{name: t.Name, attrs: t.Attr}
			switch {
			case len(stack) > 0:
				p := stack[len(stack)-1]
				p.children = append(p.children, n)
			case root != nil:
				return nil, errors.New("two document elements")
			default:
				root = n
			}
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 0 {
				n := stack[len(stack)-1]
				n.text = append(n.text, t...)
			}
		}
	}
	if root == nil {
		return nil, errors.New("no element")
	}
	return root, nil
}

func (n *node) is(space, local string) bool {
	return n.name.Space == space && n.name.Local == local
}

func (n *node) child(space, local string) *node {
	if all := n.all(space, local); len(all) > 0 {
		return all[0]
	}
	return nil
}

func (n *node) all(space, local string) []*node {
	if n == nil {
		return nil
	}
	var out []*node
	for _, c := range n.children {
		if c.is(space, local) {
			out = append(out, c)
		}
	}
	return out
}

func (n *node) path(space string, locals ...string) *node {
	for _, l := range locals {
		n = n.child(space, l)
	}
	return n
}

func (n *node) attr(local string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.attrs {
		if a.Name.Space == "" && a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

func (n *node) value() string {
	if n == nil {
		return ""
	}
	return strings.TrimSpace(string(n.text))
}

func (n *node) time(local string) time.Time {
	t, err := time.Parse(time.RFC3339, n.attr(local))
	if err != nil {
		return time.Time{}
	}
	return t
}
