// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package hotp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"strconv"
)

// hashes are the HMACs that containers name.
var hashes = map[string]func() hash.Hash{
	"http://www.w3.org/2000/09/xmldsig#hmac-sha1":        sha1.New, // RFC 6030's own; its collisions do not touch HMAC
	"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256": sha256.New,
	"http://www.w3.org/2001/04/xmldsig-more#hmac-sha384": sha512.New384,
	"http://www.w3.org/2001/04/xmldsig-more#hmac-sha512": sha512.New,
}

// errWrongKey says no more: whoever has a file must not learn from us which
// part of it a key fits.
var errWrongKey = errors.New("the key or password does not fit, or the file was changed")

// unsealer opens the values of one container.
type unsealer struct {
	key    []byte
	mac    func() hash.Hash
	macKey []byte
}

func newUnsealer(k *PSKCKey, wrapped, method *element) (*unsealer, error) {
	u := &unsealer{mac: hashes[method.attr("Algorithm")]}
	if u.mac == nil {
		return nil, fmt.Errorf("MAC %q is not known", method.attr("Algorithm"))
	}
	var err error
	if u.key, err = k.resolve(wrapped); err != nil {
		return nil, err
	}
	sealed, err := method.child("MACKey")
	if err != nil {
		return nil, err
	}
	value, err := u.value(sealed)
	if err != nil {
		return nil, err
	}
	// Nothing vouches for the MAC key but that MACs under it are right. One
	// that does not decrypt becomes one under which none is, so that what
	// follows does not tell whether its padding was well-formed.
	u.macKey = make([]byte, 32)
	_, _ = rand.Read(u.macKey) // never fails
	if k, err := u.decrypt(value); err == nil && len(k) >= 16 {
		u.macKey = k
	}
	return u, nil
}

// resolve returns the key that the container names: exactly a pre-shared one
// or one from a password (RFC 6030 6.1, 6.2).
func (k *PSKCKey) resolve(e *element) ([]byte, error) {
	if len(e.children) != 1 {
		return nil, errors.New("EncryptionKey wants one form of key")
	}
	switch form := e.children[0]; form.name.Local {
	case "KeyName":
		if len(k.Key) != 16 && len(k.Key) != 32 {
			return nil, fmt.Errorf("the file wants a pre-shared key of 16 or 32 bytes, not %d", len(k.Key))
		}
		return k.Key, nil
	case "DerivedKey":
		if k.Password == "" {
			return nil, errors.New("the file wants a password")
		}
		return k.derive(form)
	default:
		return nil, fmt.Errorf("key transport by %q is not known", form.name.Local)
	}
}

// derive is PBKDF2 (RFC 8018 5.2) within limits.
func (k *PSKCKey) derive(form *element) ([]byte, error) {
	m, err := form.child("KeyDerivationMethod")
	if err != nil {
		return nil, err
	}
	switch m.attr("Algorithm") {
	case "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2", "http://www.w3.org/2009/xmlenc11#pbkdf2":
	default:
		return nil, fmt.Errorf("key derivation %q is not known", m.attr("Algorithm"))
	}
	p, err := m.child("PBKDF2-params")
	if err != nil {
		return nil, err
	}
	specified, err := p.child("Salt", "Specified")
	if err != nil {
		return nil, err
	}
	salt, err := decodeBase64(specified.data)
	if err != nil {
		return nil, err
	}
	count, err := p.number("IterationCount")
	if err != nil {
		return nil, err
	}
	size, err := p.number("KeyLength")
	if err != nil {
		return nil, err
	}
	prf, err := p.option("PRF")
	if err != nil {
		return nil, err
	}
	h := sha1.New // the default of RFC 8018 A.2
	if name := prf.attr("Algorithm"); name != "" {
		h = hashes[name]
	}
	switch {
	case h == nil:
		return nil, fmt.Errorf("PRF %q is not known", prf.attr("Algorithm"))
	case len(salt) < 8 || len(salt) > 64:
		return nil, fmt.Errorf("a salt of %d bytes is not 8 to 64", len(salt))
	case count < 1 || count > k.MaxIterations:
		return nil, fmt.Errorf("%d iterations are not 1 to %d", count, k.MaxIterations)
	case size != 16 && size != 32:
		return nil, fmt.Errorf("a key of %d bytes is not 16 or 32", size)
	}
	return pbkdf2.Key(h, k.Password, salt, count, size)
}

func (e *element) number(name string) (int, error) {
	text, err := e.text(name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%s is no number", name)
	}
	return int(n), nil
}

// value returns the initialisation vector and the ciphertext of an encrypted
// value, in AES-CBC under a key of our length.
func (u *unsealer) value(e *element) ([]byte, error) {
	m, err := e.child("EncryptionMethod")
	if err != nil {
		return nil, err
	}
	size := map[string]int{
		"http://www.w3.org/2001/04/xmlenc#aes128-cbc": 16,
		"http://www.w3.org/2001/04/xmlenc#aes256-cbc": 32,
	}[m.attr("Algorithm")]
	if size == 0 {
		return nil, fmt.Errorf("encryption %q is not AES-CBC with 128 or 256 bits", m.attr("Algorithm"))
	}
	if size != len(u.key) {
		return nil, fmt.Errorf("the key has %d bytes, the file wants %d", len(u.key), size)
	}
	c, err := e.child("CipherData", "CipherValue")
	if err != nil {
		return nil, err
	}
	b, err := decodeBase64(c.data)
	if err != nil {
		return nil, err
	}
	if len(b) < 2*aes.BlockSize || len(b)%aes.BlockSize != 0 || len(b) > 1024 {
		return nil, fmt.Errorf("an encrypted value of %d bytes", len(b))
	}
	return b, nil
}

// open checks the MAC over vector and ciphertext, and only then decrypts
// (RFC 6030 6.1.1).
func (u *unsealer) open(e *element, mac string) ([]byte, error) {
	value, err := u.value(e)
	if err != nil {
		return nil, err
	}
	want, err := decodeBase64(mac)
	if err != nil {
		return nil, errors.New("the seed has no MAC (RFC 6030 6.1.1)")
	}
	h := hmac.New(u.mac, u.macKey)
	h.Write(value)
	if !hmac.Equal(h.Sum(nil), want) {
		return nil, errWrongKey
	}
	return u.decrypt(value)
}

// decrypt undoes AES-CBC and its padding, whose last byte is its length (XML
// Encryption 5.2).
func (u *unsealer) decrypt(value []byte) ([]byte, error) {
	b, err := aes.NewCipher(u.key)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(value)-aes.BlockSize)
	cipher.NewCBCDecrypter(b, value[:aes.BlockSize]).CryptBlocks(plain, value[aes.BlockSize:])
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > aes.BlockSize {
		return nil, errWrongKey
	}
	return plain[:len(plain)-pad], nil
}
