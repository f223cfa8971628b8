// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package dsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"strings"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// SignOptions says how to sign.
type SignOptions struct {
	// Signer signs digests, or with Ed25519 messages. It may stand for a key
	// in a KMS or HSM. Required.
	Signer crypto.Signer
	// Certificate, if not nil, goes into KeyInfo.
	Certificate *x509.Certificate
	// Algorithm is one of this package's, by default RSASHA256, Ed25519, or
	// the ECDSA one for the size of the curve. SHA-1 is refused.
	Algorithm string
	// Prefixes are covered even where only values use them: the PrefixList of
	// exclusive canonicalisation, such as "xs" for xsi:type="xs:string".
	Prefixes []string
	// Limits bounds the document.
	Limits xmltree.Limits
}

// Algorithm returns the default algorithm for a signer, or "".
func Algorithm(signer crypto.Signer) string {
	switch k := signer.Public().(type) {
	case *rsa.PublicKey:
		return RSASHA256
	case *ecdsa.PublicKey:
		switch curveBytes(k) {
		case 32:
			return ECDSASHA256
		case 48:
			return ECDSASHA384
		case 66:
			return ECDSASHA512
		}
	case ed25519.PublicKey:
		return Ed25519
	}
	return ""
}

// choose returns the algorithm to sign with.
func (o *SignOptions) choose() (string, scheme, error) {
	if o.Signer == nil {
		return "", scheme{}, refuse(CheckSign, "no signer")
	}
	algorithm := o.Algorithm
	if algorithm == "" {
		algorithm = Algorithm(o.Signer)
	}
	s, ok := schemeOf(algorithm)
	if !ok || s.hash == crypto.SHA1 {
		return "", s, refuse(CheckSign, "cannot sign by %q", algorithm)
	}
	if !s.fits(o.Signer.Public()) {
		return "", s, refuse(CheckSign, "the key does not fit %q", algorithm)
	}
	return algorithm, s, nil
}

// Sign signs the root element of a document by its ID attribute and returns
// the document with the signature in it: right after the Issuer if that is the
// first child, else as the first child. Elements that will stand in another
// document declare their namespaces themselves and are signed by Sign before
// they are put there.
func Sign(doc []byte, o SignOptions) ([]byte, error) {
	algorithm, scheme, err := o.choose()
	if err != nil {
		return nil, err
	}
	d, err := xmltree.Parse(doc, o.Limits)
	if err != nil {
		return nil, refuse(CheckSign, "%w", err)
	}
	root := d.Root()
	id, _ := root.Attr("ID")
	switch {
	case id == "":
		return nil, refuse(CheckSign, "%q has no ID", root.Local())
	case Signed(root):
		return nil, refuse(CheckSign, "%q is signed already", root.Local())
	}
	for _, p := range o.Prefixes {
		if p == "" || strings.ContainsAny(p, " \t\r\n<>&\"'") {
			return nil, refuse(CheckSign, "%q is no prefix", p)
		}
	}
	hash, digestURI := digestFor(scheme)
	h := hash.New()
	if err := root.Canonical(h, xmltree.Form{Exclusive: true, Prefixes: o.Prefixes}); err != nil {
		return nil, refuse(CheckSign, "%w", err)
	}
	info := signedInfo(algorithm, digestURI, id, o.Prefixes, h.Sum(nil))
	value, err := scheme.sign(o.Signer, info)
	if err != nil {
		return nil, err
	}
	return insert(doc, root, info, value, o.Certificate), nil
}

// SignCanonical is Sign without reading the document: the caller wrote it in
// its exclusive canonical form, gave its root element the ID, and puts the
// signature at an offset. What is not canonical nobody can verify. Prefixes and
// Limits do not apply.
func SignCanonical(doc []byte, id string, at int, o SignOptions) ([]byte, error) {
	algorithm, scheme, err := o.choose()
	if err != nil {
		return nil, err
	}
	if id == "" || at <= 0 || at >= len(doc) {
		return nil, refuse(CheckSign, "no ID, or no place for a signature")
	}
	hash, digestURI := digestFor(scheme)
	h := hash.New()
	h.Write(doc)
	info := signedInfo(algorithm, digestURI, id, nil, h.Sum(nil))
	value, err := scheme.sign(o.Signer, info)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, signedSize(doc, info, value, o.Certificate))
	out = appendSignature(append(out, doc[:at]...), info, value, o.Certificate)
	return append(out, doc[at:]...), nil
}

// signedSize is at least the size of the signed document.
func signedSize(doc, info, value []byte, cert *x509.Certificate) int {
	size := len(doc) + len(info) + 2*len(value) + 512
	if cert != nil {
		size += base64.StdEncoding.EncodedLen(len(cert.Raw))
	}
	return size
}

// digestFor returns the digest that goes with a scheme.
func digestFor(s scheme) (crypto.Hash, string) {
	switch s.hash {
	case crypto.SHA384:
		return crypto.SHA384, DigestSHA384
	case crypto.SHA512:
		return crypto.SHA512, DigestSHA512
	}
	return crypto.SHA256, DigestSHA256
}

// A SignedInfo begins so in its canonical form, and without the declaration
// within the Signature, which has it.
const (
	infoAlone  = `<ds:SignedInfo xmlns:ds="` + ns + `">`
	infoWithin = `<ds:SignedInfo>`
)

// signedInfo writes a SignedInfo that is its own canonical form.
func signedInfo(algorithm, digestURI, id string, prefixes []string, digest []byte) []byte {
	b := make([]byte, 0, 1024)
	b = append(b, infoAlone+`<ds:CanonicalizationMethod Algorithm="`+exclusive+`"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="`...)
	b = append(b, algorithm...)
	b = append(b, `"></ds:SignatureMethod><ds:Reference URI="#`...)
	b = appendValue(b, id)
	b = append(b, `"><ds:Transforms><ds:Transform Algorithm="`+enveloped+`"></ds:Transform><ds:Transform Algorithm="`+exclusive+`">`...)
	if len(prefixes) > 0 {
		b = append(b, `<ec:InclusiveNamespaces xmlns:ec="`+nsExclusive+`" PrefixList="`...)
		b = append(b, strings.Join(prefixes, " ")...)
		b = append(b, `"></ec:InclusiveNamespaces>`...)
	}
	b = append(b, `</ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="`...)
	b = append(b, digestURI...)
	b = append(b, `"></ds:DigestMethod><ds:DigestValue>`...)
	b = base64.StdEncoding.AppendEncode(b, digest)
	return append(b, `</ds:DigestValue></ds:Reference></ds:SignedInfo>`...)
}

// appendValue appends a canonical attribute value.
func appendValue(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; c {
		case '&':
			b = append(b, "&amp;"...)
		case '<':
			b = append(b, "&lt;"...)
		case '"':
			b = append(b, "&quot;"...)
		case '\t':
			b = append(b, "&#x9;"...)
		case '\n':
			b = append(b, "&#xA;"...)
		case '\r':
			b = append(b, "&#xD;"...)
		default:
			b = append(b, c)
		}
	}
	return b
}

// insert puts the signature where the SAML schemas want it.
func insert(doc []byte, root xmltree.Node, info, value []byte, cert *x509.Certificate) []byte {
	out := make([]byte, 0, signedSize(doc, info, value, cert))
	at := root.ContentOffset()
	if issuer := root.First(); issuer.Is(nsAssertion, "Issuer") {
		at = issuer.End()
	}
	if at < 0 { // an empty-element tag
		end := root.End()
		out = append(append(out, doc[:end-2]...), '>')
		out = appendSignature(out, info, value, cert)
		out = append(append(append(out, "</"...), root.Name()...), '>')
		return append(out, doc[end:]...)
	}
	out = appendSignature(append(out, doc[:at]...), info, value, cert)
	return append(out, doc[at:]...)
}

func appendSignature(b, info, value []byte, cert *x509.Certificate) []byte {
	b = append(b, `<ds:Signature xmlns:ds="`+ns+`">`+infoWithin...)
	b = append(b, info[len(infoAlone):]...)
	b = append(b, `<ds:SignatureValue>`...)
	b = base64.StdEncoding.AppendEncode(b, value)
	b = append(b, `</ds:SignatureValue>`...)
	if cert != nil {
		b = append(b, `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>`...)
		b = base64.StdEncoding.AppendEncode(b, cert.Raw)
		b = append(b, `</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`...)
	}
	return append(b, `</ds:Signature>`...)
}

// sign signs a message by a key that fits.
func (s scheme) sign(signer crypto.Signer, message []byte) ([]byte, error) {
	var opts crypto.SignerOpts = s.hash
	if s.family == familyPSS {
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: s.hash}
	}
	sig, err := signer.Sign(rand.Reader, s.sum(message), opts)
	if err != nil {
		return nil, refuse(CheckSign, "%w", err)
	}
	if s.family != familyECDSA {
		return sig, nil
	}
	var rs struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(sig, &rs); err != nil || len(rest) > 0 {
		return nil, refuse(CheckSign, "the signer's ECDSA signature is not ASN.1")
	}
	n := curveBytes(signer.Public().(*ecdsa.PublicKey))
	if rs.R.Sign() <= 0 || rs.S.Sign() <= 0 || rs.R.BitLen() > 8*n || rs.S.BitLen() > 8*n {
		return nil, refuse(CheckSign, "the signer's ECDSA signature is out of range")
	}
	out := make([]byte, 2*n)
	rs.R.FillBytes(out[:n])
	rs.S.FillBytes(out[n:])
	return out, nil
}

// SignBytes signs octets and returns the algorithm's identifier. ECDSA
// signatures are r and s, as in XML.
func SignBytes(message []byte, o SignOptions) (algorithm string, signature []byte, err error) {
	algorithm, scheme, err := o.choose()
	if err != nil {
		return "", nil, err
	}
	signature, err = scheme.sign(o.Signer, message)
	return algorithm, signature, err
}
