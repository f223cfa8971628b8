// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package dsig

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
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
	return insert(doc, root, render(info, value, o.Certificate)), nil
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

// signedInfo writes a SignedInfo that is its own canonical form.
func signedInfo(algorithm, digestURI, id string, prefixes []string, digest []byte) []byte {
	var b bytes.Buffer
	b.Grow(1024)
	b.WriteString(`<ds:SignedInfo xmlns:ds="` + ns + `"><ds:CanonicalizationMethod Algorithm="` + exclusive + `"></ds:CanonicalizationMethod>`)
	b.WriteString(`<ds:SignatureMethod Algorithm="` + algorithm + `"></ds:SignatureMethod><ds:Reference URI="#`)
	writeValue(&b, id)
	b.WriteString(`"><ds:Transforms><ds:Transform Algorithm="` + enveloped + `"></ds:Transform><ds:Transform Algorithm="` + exclusive + `">`)
	if len(prefixes) > 0 {
		b.WriteString(`<ec:InclusiveNamespaces xmlns:ec="` + nsExclusive + `" PrefixList="` + strings.Join(prefixes, " ") + `"></ec:InclusiveNamespaces>`)
	}
	b.WriteString(`</ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="` + digestURI + `"></ds:DigestMethod><ds:DigestValue>`)
	b.WriteString(base64.StdEncoding.EncodeToString(digest))
	b.WriteString(`</ds:DigestValue></ds:Reference></ds:SignedInfo>`)
	return b.Bytes()
}

// writeValue writes a canonical attribute value.
func writeValue(b *bytes.Buffer, s string) {
	valueEscaper.WriteString(b, s) //nolint:errcheck // a bytes.Buffer does not fail
}

var valueEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "\t", "&#x9;", "\n", "&#xA;", "\r", "&#xD;")

func render(info, value []byte, cert *x509.Certificate) []byte {
	var b bytes.Buffer
	b.Grow(len(info) + 1024 + certLen(cert)*4/3)
	b.WriteString(`<ds:Signature xmlns:ds="` + ns + `">`)
	// Declared on the Signature already, as the canonical form sees it.
	b.Write(bytes.Replace(info, []byte(` xmlns:ds="`+ns+`"`), nil, 1))
	b.WriteString(`<ds:SignatureValue>`)
	b.WriteString(base64.StdEncoding.EncodeToString(value))
	b.WriteString(`</ds:SignatureValue>`)
	if cert != nil {
		b.WriteString(`<ds:KeyInfo><ds:X509Data><ds:X509Certificate>`)
		b.WriteString(base64.StdEncoding.EncodeToString(cert.Raw))
		b.WriteString(`</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`)
	}
	b.WriteString(`</ds:Signature>`)
	return b.Bytes()
}

func certLen(c *x509.Certificate) int {
	if c == nil {
		return 0
	}
	return len(c.Raw)
}

// insert puts the signature where the SAML schemas want it.
func insert(doc []byte, root xmltree.Node, sig []byte) []byte {
	at := root.ContentOffset()
	if issuer := root.First(); issuer.Is(nsAssertion, "Issuer") {
		at = issuer.End()
	}
	out := make([]byte, 0, len(doc)+len(sig)+64)
	if at < 0 { // an empty-element tag
		end := root.End()
		out = append(out, doc[:end-2]...)
		out = append(append(out, '>'), sig...)
		out = fmt.Appendf(out, "</%s>", root.Name())
		return append(out, doc[end:]...)
	}
	out = append(append(out, doc[:at]...), sig...)
	return append(out, doc[at:]...)
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
