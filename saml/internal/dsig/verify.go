// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package dsig

import (
	"bytes"
	"crypto"
	"crypto/subtle"
	"crypto/x509"
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// Key is a key whose signatures are trusted.
type Key struct {
	// Public is an *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey.
	// Required.
	Public crypto.PublicKey
	// Certificate, if known, is compared with those in KeyInfo to try the
	// likely key first. Nothing else in it is looked at.
	Certificate *x509.Certificate
}

// Options says whose signatures are trusted, and which.
type Options struct {
	// Keys are tried in turn; KeyInfo only hints at the order. Required.
	Keys []Key
	// AllowInclusive accepts Canonical XML 1.0 as a transform of what is
	// signed; SAML Core 5.4.3 asks for the exclusive form.
	AllowInclusive bool
	// InsecureAllowSHA1 accepts SHA-1. It MUST stay false unless the signer
	// cannot be changed.
	InsecureAllowSHA1 bool
	// Algorithms, if any, are the only signature algorithms accepted.
	Algorithms []string
}

// Bounds on keys that are tried, and on X509Data that are looked at for a hint.
const (
	maxKeys  = 32
	maxHints = 8
)

// Verified is an element whose signature was verified. Only [Verify] makes
// one.
type Verified struct {
	element   xmltree.Node
	form      xmltree.Form
	id        string
	algorithm string
	key       Key
}

// Element returns the element as it was signed: without the signature, and
// without anything around it.
func (v *Verified) Element() xmltree.Node { return v.element }

// ID returns the element's ID.
func (v *Verified) ID() string { return v.id }

// Algorithm returns the signature algorithm's identifier.
func (v *Verified) Algorithm() string { return v.algorithm }

// Key returns the key that verified the signature.
func (v *Verified) Key() Key { return v.key }

// Canonical returns the octets that were digested.
func (v *Verified) Canonical() ([]byte, error) {
	var b bytes.Buffer
	b.Grow(v.element.End() - v.element.Offset())
	err := v.element.Canonical(&b, v.form)
	return b.Bytes(), err
}

// Signed reports whether the element has a Signature among its children. It
// says nothing of its worth.
func Signed(el xmltree.Node) bool { return el.Child(ns, "Signature").Exists() }

// signature is what a Signature says, all of it read from nodes whose
// canonical form is verified.
type signature struct {
	info          xmltree.Node
	infoForm      xmltree.Form
	form          xmltree.Form
	algorithm     string
	scheme        scheme
	hash          crypto.Hash
	digest, value []byte
}

// Verify verifies the signature that is a child of el and covers el.
func Verify(el xmltree.Node, o Options) (*Verified, error) {
	sig, err := find(el)
	if err != nil {
		return nil, err
	}
	s, err := read(sig, el, &o)
	if err != nil {
		return nil, err
	}
	keys := fitting(s.scheme, o.Keys)
	if len(keys) == 0 {
		return nil, refuse(CheckKey, "no key of %d fits %s", len(o.Keys), s.algorithm)
	}
	var info bytes.Buffer
	if err := s.info.Canonical(&info, s.infoForm); err != nil {
		return nil, refuse(CheckCanonical, "SignedInfo: %w", err)
	}
	keys = hint(sig, keys)
	key, ok := s.verifiedBy(keys[:min(len(keys), maxKeys)], info.Bytes())
	if !ok {
		return nil, refuse(CheckSignature, "the signature by %s was made by none of %d keys", s.algorithm, len(keys))
	}
	v := &Verified{
		element: el.Without(sig), form: s.form, algorithm: s.algorithm, key: key,
	}
	v.id, _ = el.Attr("ID")
	h := s.hash.New()
	if err := v.element.Canonical(h, s.form); err != nil {
		return nil, refuse(CheckCanonical, "%w", err)
	}
	if subtle.ConstantTimeCompare(h.Sum(nil), s.digest) != 1 {
		return nil, refuse(CheckDigest, "the element is not what was signed")
	}
	return v, nil
}

// find returns the one Signature of an element, which must be where the SAML
// schemas put it.
func find(el xmltree.Node) (xmltree.Node, error) {
	first := el.First()
	sig := first
	if first.Is(nsAssertion, "Issuer") {
		sig = first.Next()
	}
	var found xmltree.Node
	for c := range el.Named(ns, "Signature") {
		if found.Exists() {
			return c, refuse(CheckPosition, "a second signature")
		}
		found = c
	}
	switch {
	case !found.Exists():
		return found, refuse(CheckUnsigned, "%q has no signature", el.Local())
	case !found.Same(sig):
		return found, refuse(CheckPosition, "the signature is neither first nor right after Issuer")
	}
	return found, nil
}

// read reads a Signature of exactly the shape that SAML Core 5.4 describes.
func read(sig, el xmltree.Node, o *Options) (*signature, error) {
	parts, err := children(sig, "SignedInfo", "SignatureValue", "KeyInfo?")
	if err != nil {
		return nil, err
	}
	if err := attributes(sig, "Id"); err != nil {
		return nil, err
	}
	s := &signature{info: parts[0]}
	if s.value, err = value(parts[1], "Id"); err != nil {
		return nil, err
	}
	// What a comment hides from the signature must not split what it says.
	if s.info.Commented() {
		return nil, refuse(CheckShape, "a comment in SignedInfo")
	}
	if err := attributes(s.info, "Id"); err != nil {
		return nil, err
	}
	parts, err = children(s.info, "CanonicalizationMethod", "SignatureMethod", "Reference")
	if err != nil {
		return nil, err
	}
	if s.infoForm, err = form(parts[0], true); err != nil {
		return nil, err
	}
	if err := s.readMethod(parts[1], o); err != nil {
		return nil, err
	}
	return s, s.readReference(parts[2], el, o)
}

func (s *signature) readMethod(m xmltree.Node, o *Options) error {
	if err := attributes(m, "Algorithm"); err != nil {
		return err
	}
	if !m.Leaf() || m.Mixed() { // also HMACOutputLength, CVE-2009-0217
		return refuse(CheckAlgorithm, "parameters of a signature algorithm")
	}
	s.algorithm, _ = m.Attr("Algorithm")
	var err error
	s.scheme, err = o.scheme(s.algorithm)
	return err
}

// scheme returns an algorithm that is allowed.
func (o *Options) scheme(algorithm string) (scheme, error) {
	s, known := schemeOf(algorithm)
	switch {
	case !known, len(o.Algorithms) > 0 && !slices.Contains(o.Algorithms, algorithm):
		return s, refuse(CheckAlgorithm, "signature algorithm %q is not allowed", algorithm)
	case s.hash == crypto.SHA1 && !o.InsecureAllowSHA1:
		return s, refuse(CheckAlgorithm, "signatures with SHA-1 are not allowed")
	}
	return s, nil
}

func (s *signature) readReference(ref, el xmltree.Node, o *Options) error {
	if err := attributes(ref, "URI", "Id", "Type"); err != nil {
		return err
	}
	id, _ := el.Attr("ID")
	uri, _ := ref.Attr("URI")
	if fragment, ok := strings.CutPrefix(uri, "#"); !ok || id == "" || fragment != id {
		return refuse(CheckReference, "%q does not refer to the element, whose ID is %q", uri, id)
	}
	parts, err := children(ref, "Transforms", "DigestMethod", "DigestValue")
	if err != nil {
		return err
	}
	if err := s.readTransforms(parts[0], o); err != nil {
		return err
	}
	if err := attributes(parts[1], "Algorithm"); err != nil {
		return err
	}
	if !parts[1].Leaf() || parts[1].Mixed() {
		return refuse(CheckShape, "content in DigestMethod")
	}
	algorithm, _ := parts[1].Attr("Algorithm")
	var known bool
	if s.hash, known = digestOf(algorithm); !known || s.hash == crypto.SHA1 && !o.InsecureAllowSHA1 {
		return refuse(CheckAlgorithm, "digest algorithm %q is not allowed", algorithm)
	}
	s.digest, err = value(parts[2])
	return err
}

// readTransforms allows enveloped-signature, then at most one
// canonicalisation.
func (s *signature) readTransforms(t xmltree.Node, o *Options) error {
	if err := attributes(t); err != nil {
		return err
	}
	if t.Mixed() {
		return refuse(CheckShape, "text in Transforms")
	}
	first := t.First()
	second := first.Next()
	switch a, _ := first.Attr("Algorithm"); {
	case !first.Is(ns, "Transform") || a != enveloped || !first.Leaf() || first.Mixed():
		return refuse(CheckTransform, "the first transform is not enveloped-signature")
	case second.Exists() && (!second.Is(ns, "Transform") || second.Next().Exists()):
		return refuse(CheckTransform, "more than two transforms")
	}
	if err := attributes(first, "Algorithm"); err != nil {
		return err
	}
	if !second.Exists() {
		// XMLDSig 4.4.3.2: octets are made of nodes by Canonical XML 1.0.
		if !o.AllowInclusive {
			return refuse(CheckTransform, "no canonicalisation")
		}
		return nil
	}
	var err error
	s.form, err = form(second, o.AllowInclusive)
	// XMLDSig 4.4.3.3: "#ID" refers to the nodes without comments, whatever
	// the transform would do with them.
	s.form.Comments = false
	return err
}

// form reads a canonicalisation method.
func form(m xmltree.Node, allowInclusive bool) (xmltree.Form, error) {
	var f xmltree.Form
	if err := attributes(m, "Algorithm"); err != nil {
		return f, err
	}
	switch a, _ := m.Attr("Algorithm"); {
	case a == exclusive:
		f.Exclusive = true
	case a == exclusiveWith:
		f.Exclusive, f.Comments = true, true
	case a == inclusive && allowInclusive:
	case a == inclusiveWith && allowInclusive:
		f.Comments = true
	default:
		return f, refuse(CheckTransform, "canonicalisation %q is not allowed", a)
	}
	list := m.First()
	if !list.Exists() && !m.Mixed() {
		return f, nil
	}
	if !f.Exclusive || !list.Is(nsExclusive, "InclusiveNamespaces") || list.Next().Exists() || m.Mixed() || !list.Leaf() || list.Mixed() {
		return f, refuse(CheckTransform, "other parameters of a canonicalisation than InclusiveNamespaces")
	}
	if err := attributes(list, "PrefixList"); err != nil {
		return f, err
	}
	prefixes, _ := list.Attr("PrefixList")
	if len(prefixes) > 1024 {
		return f, refuse(CheckTransform, "a PrefixList of %d bytes", len(prefixes))
	}
	f.Prefixes = strings.FieldsFunc(prefixes, func(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' })
	return f, nil
}

// children returns the children of n, which must be those named, in order; a
// name that ends in "?" may be missing.
func children(n xmltree.Node, names ...string) (found [3]xmltree.Node, err error) {
	if n.Mixed() {
		return found, refuse(CheckShape, "text in %q", n.Local())
	}
	c := n.First()
	for i, name := range names {
		name, optional := strings.CutSuffix(name, "?")
		if c.Is(ns, name) {
			found[i] = c
			c = c.Next()
		} else if !optional {
			return found, refuse(CheckShape, "no %s in its place in %q", name, n.Local())
		}
	}
	if c.Exists() {
		return found, refuse(CheckShape, "an unexpected %q in %q", c.Local(), n.Local())
	}
	return found, nil
}

// attributes refuses other attributes than those named.
func attributes(n xmltree.Node, names ...string) error {
	for a := range n.Attrs() {
		if a.Space != "" || !slices.Contains(names, a.Local) {
			return refuse(CheckShape, "attribute %q of %q", a.Local, n.Local())
		}
	}
	return nil
}

// value reads an element of base64.
func value(n xmltree.Node, allowed ...string) ([]byte, error) {
	if err := attributes(n, allowed...); err != nil {
		return nil, err
	}
	s, err := n.PlainText()
	if err != nil {
		return nil, refuse(CheckShape, "%w", err)
	}
	b, err := xmltree.Base64(s)
	if err != nil || len(b) == 0 {
		return nil, refuse(CheckShape, "%q is not base64", n.Local())
	}
	return b, nil
}

// fitting returns the keys that may serve.
func fitting(s scheme, keys []Key) []Key {
	i := slices.IndexFunc(keys, func(k Key) bool { return !s.fits(k.Public) })
	if i < 0 {
		return keys
	}
	fit := slices.Clone(keys[:i])
	for _, k := range keys[i:] {
		if s.fits(k.Public) {
			fit = append(fit, k)
		}
	}
	return fit
}

// hint moves the key whose certificate is in KeyInfo to the front. Whatever
// else KeyInfo has is of no consequence.
func hint(sig xmltree.Node, keys []Key) []Key {
	if len(keys) < 2 {
		return keys
	}
	looked := 0
	for data := range sig.Child(ns, "KeyInfo").Named(ns, "X509Data") {
		if looked++; looked > maxHints {
			break
		}
		text, err := data.Child(ns, "X509Certificate").Text()
		if err != nil || len(text) > 64<<10 {
			continue
		}
		der, err := xmltree.Base64(text)
		if err != nil {
			continue
		}
		for i, k := range keys {
			if k.Certificate != nil && bytes.Equal(k.Certificate.Raw, der) {
				keys = slices.Clone(keys)
				keys[0], keys[i] = keys[i], keys[0]
				return keys
			}
		}
	}
	return keys
}

func (s *signature) verifiedBy(keys []Key, info []byte) (Key, bool) {
	sum := s.scheme.sum(info)
	for _, k := range keys {
		if s.scheme.verify(k.Public, sum, s.value) {
			return k, true
		}
	}
	return Key{}, false
}

// VerifyBytes verifies a signature over octets, such as the query of the HTTP
// Redirect binding (SAML Bindings 3.4.4.1), and returns the key that made it.
// ECDSA signatures are r and s, as in XML.
func VerifyBytes(algorithm string, message, signature []byte, o Options) (Key, error) {
	scheme, err := o.scheme(algorithm)
	if err != nil {
		return Key{}, err
	}
	keys := fitting(scheme, o.Keys)
	if len(keys) == 0 {
		return Key{}, refuse(CheckKey, "no key of %d fits %s", len(o.Keys), algorithm)
	}
	sum := scheme.sum(message)
	for _, k := range keys[:min(len(keys), maxKeys)] {
		if scheme.verify(k.Public, sum, signature) {
			return k, nil
		}
	}
	return Key{}, refuse(CheckSignature, "the signature by %s was made by none of %d keys", algorithm, len(keys))
}
