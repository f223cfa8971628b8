// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"strconv"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// readKeys reads the KeyDescriptors. One without use serves both uses
// (Metadata 2.4.1.1). One that cannot be used is left out and reported by
// Describe: the others may do.
func (e *Entity) readKeys(n xmltree.Node) []Key {
	var out []Key
	for c := range n.Named(nsMD, "KeyDescriptor") {
		k := Key{Use: attr(c, "use")}
		if k.Use != "" && k.Use != "signing" && k.Use != "encryption" {
			e.warn("a key for the unknown use " + strconv.Quote(k.Use[:min(len(k.Use), 40)]) + " is left out")
			continue
		}
		for m := range c.Named(nsMD, "EncryptionMethod") {
			if len(k.Encryption) < 32 {
				k.Encryption = append(k.Encryption, attr(m, "Algorithm"))
			}
		}
		info := c.Child(nsDS, "KeyInfo")
		n := len(out)
		for x := range info.Named(nsDS, "X509Data") {
			s, err := x.Child(nsDS, "X509Certificate").Text()
			if err != nil || len(s) > 64<<10 {
				continue
			}
			der, err := xmltree.Base64(s)
			if err != nil {
				e.warn("a certificate is not base64")
				continue
			}
			if k.Certificate, err = x509.ParseCertificate(der); err != nil {
				e.warn("a certificate cannot be read: " + err.Error())
				continue
			}
			k.PublicKey = k.Certificate.PublicKey
			out = e.addKey(out, k)
		}
		if len(out) == n {
			if v := info.Child(nsDS, "KeyValue"); v.Exists() {
				k.Certificate = nil
				k.PublicKey = keyValue(v)
				out = e.addKey(out, k)
			}
		}
	}
	return out
}

func (e *Entity) addKey(out []Key, k Key) []Key {
	if len(out) >= 32 {
		return out
	}
	if err := checkPublicKey(k.PublicKey); err != nil {
		e.warn("a key is left out: " + err.Error())
		return out
	}
	return append(out, k)
}

// keyValue reads an RSAKeyValue or a named-curve ECKeyValue, or returns nil.
func keyValue(v xmltree.Node) any {
	if r := v.Child(nsDS, "RSAKeyValue"); r.Exists() {
		m, e := number(r.Child(nsDS, "Modulus")), number(r.Child(nsDS, "Exponent"))
		if len(m) == 0 || len(m) > 1025 || len(e) == 0 || len(e) > 4 {
			return nil
		}
		exp := new(big.Int).SetBytes(e)
		if exp.BitLen() > 31 {
			return nil
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(m), E: int(exp.Int64())}
	}
	const nsDS11 = "http://www.w3.org/2009/xmldsig11#"
	ec := v.Child(nsDS11, "ECKeyValue")
	var curve elliptic.Curve
	switch attr(ec.Child(nsDS11, "NamedCurve"), "URI") {
	case "urn:oid:1.2.840.10045.3.1.7":
		curve = elliptic.P256()
	case "urn:oid:1.3.132.0.34":
		curve = elliptic.P384()
	case "urn:oid:1.3.132.0.35":
		curve = elliptic.P521()
	default:
		return nil
	}
	k, err := ecdsa.ParseUncompressedPublicKey(curve, number(ec.Child(nsDS11, "PublicKey")))
	if err != nil {
		return nil
	}
	return k
}

func number(n xmltree.Node) []byte {
	s, err := n.Text()
	if err != nil {
		return nil
	}
	b, err := xmltree.Base64(s)
	if err != nil {
		return nil
	}
	return b
}
