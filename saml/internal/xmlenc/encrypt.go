// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmlenc

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
)

// EncryptOptions says for whom to encrypt, and how.
type EncryptOptions struct {
	// Public is the recipient's key, of 2048 bits or more. Required unless
	// there is a Certificate.
	Public *rsa.PublicKey
	// Certificate, if not nil, goes into the EncryptedKey's KeyInfo, and its
	// key is used if Public is nil.
	Certificate *x509.Certificate
	// Algorithm is the block encryption algorithm, by default AES256GCM.
	// TripleDES is refused.
	Algorithm string
	// Transport is RSAOAEPMGF1P, the default, or RSAOAEP.
	Transport string
	// Digest of RSA-OAEP is DigestSHA1, the default, which every peer knows,
	// or another. With RSAOAEP the mask generation uses the same.
	Digest string
}

// Encrypt encrypts an element and returns an EncryptedData, in its exclusive
// canonical form, that holds its EncryptedKey. The element declares the
// prefixes that it uses.
func Encrypt(element []byte, o EncryptOptions) ([]byte, error) {
	public, err := o.public()
	if err != nil {
		return nil, err
	}
	uri := or(o.Algorithm, AES256GCM)
	a, ok := algorithmOf(uri)
	if !ok || uri == TripleDES {
		return nil, refuse(CheckEncrypt, "cannot encrypt by %q", uri)
	}
	transport, oaep, params, err := o.transport()
	if err != nil {
		return nil, err
	}
	key, data, err := a.seal(element)
	if err != nil {
		return nil, refuse(CheckEncrypt, "%w", err)
	}
	wrapped, err := rsa.EncryptOAEPWithOptions(rand.Reader, public, key, oaep)
	if err != nil {
		return nil, refuse(CheckEncrypt, "%w", err)
	}
	var b bytes.Buffer
	b.Grow(4096 + len(data)*4/3)
	b.WriteString(`<xenc:EncryptedData xmlns:xenc="` + ns + `" Type="` + typeElement + `"><xenc:EncryptionMethod Algorithm="` + uri + `"></xenc:EncryptionMethod>`)
	b.WriteString(`<ds:KeyInfo xmlns:ds="` + nsDSig + `"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="` + transport + `">` + params + `</xenc:EncryptionMethod>`)
	if o.Certificate != nil {
		b.WriteString(`<ds:KeyInfo><ds:X509Data><ds:X509Certificate>`)
		b.WriteString(base64.StdEncoding.EncodeToString(o.Certificate.Raw))
		b.WriteString(`</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`)
	}
	writeCipher(&b, wrapped)
	b.WriteString(`</xenc:EncryptedKey></ds:KeyInfo>`)
	writeCipher(&b, data)
	b.WriteString(`</xenc:EncryptedData>`)
	return b.Bytes(), nil
}

func writeCipher(b *bytes.Buffer, data []byte) {
	b.WriteString(`<xenc:CipherData><xenc:CipherValue>`)
	b.WriteString(base64.StdEncoding.EncodeToString(data))
	b.WriteString(`</xenc:CipherValue></xenc:CipherData>`)
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

func (o *EncryptOptions) public() (*rsa.PublicKey, error) {
	k := o.Public
	if k == nil && o.Certificate != nil {
		k, _ = o.Certificate.PublicKey.(*rsa.PublicKey)
	}
	if k == nil {
		return nil, refuse(CheckEncrypt, "no RSA key to encrypt for")
	}
	if n := k.N.BitLen(); n < 2048 || n > 8192 {
		return nil, refuse(CheckEncrypt, "an RSA key of %d bits", n)
	}
	return k, nil
}

// transport returns the key transport and its parameters as XML.
func (o *EncryptOptions) transport() (uri string, oaep *rsa.OAEPOptions, params string, err error) {
	uri = or(o.Transport, RSAOAEPMGF1P)
	d := or(o.Digest, DigestSHA1)
	h, ok := digest(d)
	if !ok || uri != RSAOAEPMGF1P && uri != RSAOAEP {
		return "", nil, "", refuse(CheckEncrypt, "cannot encrypt by %q with %q", uri, d)
	}
	oaep = &rsa.OAEPOptions{Hash: h, MGFHash: crypto.SHA1}
	params = `<ds:DigestMethod Algorithm="` + d + `"></ds:DigestMethod>`
	if uri == RSAOAEP {
		oaep.MGFHash = h
		params += `<xenc11:MGF xmlns:xenc11="` + ns11 + `" Algorithm="` + mgfURI(h) + `"></xenc11:MGF>`
	}
	return uri, oaep, params, nil
}

func mgfURI(h crypto.Hash) string {
	switch h {
	case crypto.SHA256:
		return ns11 + "mgf1sha256"
	case crypto.SHA384:
		return ns11 + "mgf1sha384"
	case crypto.SHA512:
		return ns11 + "mgf1sha512"
	}
	return ns11 + "mgf1sha1"
}
