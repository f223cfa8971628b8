// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmlenc

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// Key decrypts what was encrypted for it.
type Key struct {
	// Decrypter is an *rsa.PrivateKey or stands in for one; it is called with
	// *rsa.OAEPOptions. Required.
	Decrypter crypto.Decrypter
	// Certificate, if known, is compared with those in EncryptedKey to try
	// the likely key first.
	Certificate *x509.Certificate
}

// Options says what to decrypt with.
type Options struct {
	// Keys are tried in turn. Required.
	Keys []Key
	// AllowCBC accepts AES-CBC, which does not authenticate: whoever can
	// alter the message and see how it fares can decrypt it. Allow it only
	// inside of a verified signature, or where attempts are few.
	AllowCBC bool
	// AllowTripleDES accepts 3DES-CBC, under the same conditions.
	AllowTripleDES bool
	// Attempt, if not nil, is told of each content key before it decrypts what
	// does not authenticate. Its error ends the decryption and is returned as
	// it is.
	Attempt func(key []byte) error
	// Limits bounds the decrypted document.
	Limits xmltree.Limits
}

// Bounds on work: EncryptedKeys looked at, and RSA operations in all.
const (
	maxEncryptedKeys = 8
	maxAttempts      = 16
)

// Info describes an encrypted element.
type Info struct {
	// Algorithm is the block encryption algorithm's identifier.
	Algorithm string
	// Authenticated algorithms notice every alteration; others are open to
	// padding oracles.
	Authenticated bool
}

// Inspect returns how the element is encrypted, before anything is decrypted.
// Algorithms that are never allowed are refused.
func Inspect(el xmltree.Node) (Info, error) {
	data, err := encryptedData(el)
	if err != nil {
		return Info{}, err
	}
	uri, a, err := method(data)
	if err != nil {
		return Info{}, err
	}
	return Info{Algorithm: uri, Authenticated: a.authenticated}, nil
}

// encryptedData returns the one EncryptedData of an EncryptedElementType
// (SAML Core 2.2.4).
func encryptedData(el xmltree.Node) (xmltree.Node, error) {
	if el.Mixed() {
		return el, refuse(CheckShape, "text beside EncryptedData")
	}
	var data xmltree.Node
	for c := range el.Children() {
		switch {
		case c.Is(ns, "EncryptedKey"):
		case !c.Is(ns, "EncryptedData"):
			return data, refuse(CheckShape, "%q beside EncryptedData", c.Local())
		case data.Exists():
			return data, refuse(CheckShape, "more than one EncryptedData")
		default:
			data = c
		}
	}
	if !data.Exists() {
		return data, refuse(CheckShape, "no EncryptedData in %q", el.Local())
	}
	return data, nil
}

func method(data xmltree.Node) (string, algorithm, error) {
	uri, _ := data.Child(ns, "EncryptionMethod").Attr("Algorithm")
	a, ok := algorithmOf(uri)
	if !ok {
		return uri, a, refuse(CheckAlgorithm, "encryption algorithm %q is not allowed", uri)
	}
	return uri, a, nil
}

// Decrypt decrypts an EncryptedAssertion, EncryptedID or EncryptedAttribute.
// Prefixes that are in scope in el resolve in the element it returns, which is
// the root of a document of its own.
func Decrypt(el xmltree.Node, o Options) (*xmltree.Document, Info, error) {
	data, err := encryptedData(el)
	if err != nil {
		return nil, Info{}, err
	}
	uri, a, err := method(data)
	if err != nil {
		return nil, Info{}, err
	}
	info := Info{Algorithm: uri, Authenticated: a.authenticated}
	switch {
	case uri == TripleDES && !o.AllowTripleDES, uri != TripleDES && !a.authenticated && !o.AllowCBC:
		return nil, info, refuse(CheckAlgorithm, "encryption algorithm %q is not allowed here", uri)
	case len(o.Keys) == 0:
		return nil, info, refuse(CheckDecrypt, "there is no key to decrypt with")
	}
	if t, ok := data.Attr("Type"); ok && t != typeElement {
		return nil, info, refuse(CheckShape, "what is encrypted is not an element but %q", t)
	}
	keys, err := encryptedKeys(el, data)
	if err != nil {
		return nil, info, err
	}
	ciphertext, err := cipherValue(data)
	if err != nil {
		return nil, info, err
	}
	doc, err := open(el, a, keys, ciphertext, o)
	return doc, info, err
}

// open tries each key that decrypts an EncryptedKey.
func open(el xmltree.Node, a algorithm, keys []transport, ciphertext []byte, o Options) (*xmltree.Document, error) {
	attempts := 0
	for _, k := range keys {
		for _, key := range likely(k.certificates, o.Keys) {
			if attempts++; attempts > maxAttempts {
				return nil, failed()
			}
			secret, err := key.Decrypter.Decrypt(rand.Reader, k.ciphertext, k.options())
			if err != nil {
				continue
			}
			if !a.authenticated && o.Attempt != nil {
				if err := o.Attempt(secret); err != nil {
					return nil, err
				}
			}
			plain, ok := a.open(secret, slices.Clone(ciphertext))
			switch {
			case !ok && !a.authenticated: // one content key is one attempt
				return nil, failed()
			case !ok:
				continue
			}
			doc, err := xmltree.ParseIn(plain, el, o.Limits)
			switch {
			case err == nil:
				return doc, nil
			case !a.authenticated:
				return nil, failed()
			}
			return nil, refuse(CheckPlaintext, "%w", err)
		}
	}
	return nil, failed()
}

// transport is an EncryptedKey.
type transport struct {
	ciphertext   []byte
	oaep         rsa.OAEPOptions
	certificates [][]byte // DER; hints
}

func (t *transport) options() *rsa.OAEPOptions {
	o := t.oaep
	return &o
}

// encryptedKeys finds the EncryptedKeys for data: in its KeyInfo, where its
// RetrievalMethods point, or beside it.
func encryptedKeys(el, data xmltree.Node) ([]transport, error) {
	var found []xmltree.Node
	add := func(n xmltree.Node) {
		for _, f := range found {
			if f.Same(n) {
				return
			}
		}
		found = append(found, n)
	}
	info := data.Child(nsDSig, "KeyInfo")
	for c := range info.Children() {
		switch {
		case c.Is(ns, "EncryptedKey"):
			add(c)
		case c.Is(nsDSig, "RetrievalMethod"):
			n, err := retrieve(el, c)
			if err != nil {
				return nil, err
			}
			add(n)
		}
		if len(found) > maxEncryptedKeys {
			break
		}
	}
	for c := range el.Named(ns, "EncryptedKey") {
		if len(found) > maxEncryptedKeys {
			break
		}
		add(c)
	}
	switch {
	case len(found) == 0:
		return nil, refuse(CheckShape, "no EncryptedKey")
	case len(found) > maxEncryptedKeys:
		return nil, refuse(CheckShape, "more than %d EncryptedKeys", maxEncryptedKeys)
	}
	keys := make([]transport, 0, len(found))
	var refused error
	for _, n := range found {
		k, err := readKey(n)
		if err != nil {
			refused = err
			continue
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, refused
	}
	return keys, nil
}

// retrieve follows a RetrievalMethod within the element that is encrypted and
// nowhere else (XMLDSig 4.5.3).
func retrieve(el, m xmltree.Node) (xmltree.Node, error) {
	uri, _ := m.Attr("URI")
	id, ok := strings.CutPrefix(uri, "#")
	if t, typed := m.Attr("Type"); !ok || typed && t != typeKey || !m.Leaf() {
		return m, refuse(CheckShape, "a RetrievalMethod that is not of an EncryptedKey in this document")
	}
	n, ok := el.ByID(id)
	if !ok || !n.Is(ns, "EncryptedKey") {
		return m, refuse(CheckShape, "a RetrievalMethod of %q, which is no EncryptedKey here", uri)
	}
	return n, nil
}

// readKey reads an EncryptedKey by RSA-OAEP (XML Encryption 1.1 section
// 5.5.2).
func readKey(n xmltree.Node) (transport, error) {
	var t transport
	m := n.Child(ns, "EncryptionMethod")
	uri, _ := m.Attr("Algorithm")
	if uri != RSAOAEPMGF1P && uri != RSAOAEP {
		return t, refuse(CheckAlgorithm, "key transport algorithm %q is not allowed", uri)
	}
	t.oaep.Hash, t.oaep.MGFHash = crypto.SHA1, crypto.SHA1
	for c := range m.Children() {
		a, _ := c.Attr("Algorithm")
		ok := true
		switch {
		case c.Is(nsDSig, "DigestMethod"):
			t.oaep.Hash, ok = digest(a)
		case c.Is(ns11, "MGF"):
			t.oaep.MGFHash, ok = mgf(a)
			ok = ok && (uri == RSAOAEP || t.oaep.MGFHash == crypto.SHA1)
		case c.Is(ns, "OAEPparams"):
			s, err := c.PlainText()
			if err == nil {
				t.oaep.Label, err = xmltree.Base64(s)
			}
			ok = err == nil
		case c.Is(ns, "KeySize"):
		default:
			ok = false
		}
		if !ok {
			return t, refuse(CheckAlgorithm, "parameter %s %q of %s", c.Local(), a, uri)
		}
	}
	for d := range n.Child(nsDSig, "KeyInfo").Named(nsDSig, "X509Data") {
		s, err := d.Child(nsDSig, "X509Certificate").Text()
		if err != nil || len(s) > 64<<10 || len(t.certificates) > 4 {
			continue
		}
		if der, err := xmltree.Base64(s); err == nil {
			t.certificates = append(t.certificates, der)
		}
	}
	var err error
	t.ciphertext, err = cipherValue(n)
	return t, err
}

// cipherValue reads the octets that are in place; a CipherReference is not
// followed.
func cipherValue(n xmltree.Node) ([]byte, error) {
	v := n.Child(ns, "CipherData").First()
	if !v.Is(ns, "CipherValue") || v.Next().Exists() {
		return nil, refuse(CheckShape, "no CipherValue in %q", n.Local())
	}
	s, err := v.PlainText()
	if err != nil {
		return nil, refuse(CheckShape, "%w", err)
	}
	b, err := xmltree.Base64(s)
	if err != nil || len(b) == 0 {
		return nil, refuse(CheckShape, "CipherValue is not base64")
	}
	return b, nil
}

// likely returns the keys with those that the certificates name in front.
func likely(certificates [][]byte, keys []Key) []Key {
	named := func(k Key) bool {
		return k.Certificate != nil && slices.ContainsFunc(certificates, func(der []byte) bool {
			return string(der) == string(k.Certificate.Raw)
		})
	}
	i := slices.IndexFunc(keys, named)
	if i <= 0 {
		return keys
	}
	keys = slices.Clone(keys)
	keys[0], keys[i] = keys[i], keys[0]
	return keys
}
