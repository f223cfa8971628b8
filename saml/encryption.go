// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"crypto/rsa"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmlenc"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// Decryptions of unauthenticated ciphertext that fail are counted by content
// key: a padding oracle needs hundreds for each byte, all under the one key of
// what was intercepted. Whoever has no such message has keys of their own, and
// uses up nobody's. Those that are under way count with them.
const (
	maxFailures   = 8
	failureWindow = 15 * time.Minute
)

// Block encryption algorithms that we send, most preferred first.
var sendable = []string{xmlenc.AES256GCM, xmlenc.AES128GCM, xmlenc.AES192GCM, xmlenc.AES256CBC, xmlenc.AES128CBC, xmlenc.AES192CBC}

// encryptAssertion encrypts for the peer's first RSA key, by the first
// algorithm that both sides know. Without a key the assertion stays in clear.
func encryptAssertion(assertion []byte, keys []Key, algorithm string) ([]byte, error) {
	k, ok := recipient(keys)
	if !ok {
		return assertion, nil
	}
	o := xmlenc.EncryptOptions{Public: k.PublicKey.(*rsa.PublicKey), Certificate: k.Certificate, Algorithm: algorithm}
	if o.Algorithm == "" {
		o.Algorithm = chooseAlgorithm(k.Encryption)
	}
	if slices.Contains(k.Encryption, xmlenc.RSAOAEP) && !slices.Contains(k.Encryption, xmlenc.RSAOAEPMGF1P) {
		o.Transport = xmlenc.RSAOAEP
	}
	data, err := xmlenc.Encrypt(assertion, o)
	if err != nil {
		return nil, refuse(CheckConfig, "encrypt: %w", err)
	}
	w := &writer{b: make([]byte, 0, len(data)+128)}
	w.open("saml:EncryptedAssertion", "xmlns:saml", nsSAML)
	w.raw(data)
	w.close("saml:EncryptedAssertion")
	return w.b, nil
}

// recipient is the key that we encrypt for.
func recipient(keys []Key) (Key, bool) {
	i := slices.IndexFunc(keys, func(k Key) bool { _, ok := k.PublicKey.(*rsa.PublicKey); return ok })
	if i < 0 {
		return Key{}, false
	}
	return keys[i], true
}

// authenticates tells whether a block encryption algorithm that we send does.
func authenticates(algorithm string) bool { return slices.Contains(sendable[:3], algorithm) }

// weakerEncryption tells whether assertions would go out in clear, or without
// authentication, by other keys of the peer.
func weakerEncryption(old, fetched []Key) bool {
	a, had := recipient(encryption(old))
	b, has := recipient(encryption(fetched))
	return had && (!has || authenticates(chooseAlgorithm(a.Encryption)) && !authenticates(chooseAlgorithm(b.Encryption)))
}

// chooseAlgorithm takes the best of what metadata lists: the list is the
// peer's order, but authenticated algorithms come before others.
func chooseAlgorithm(listed []string) string {
	for _, gcm := range []bool{true, false} {
		for _, a := range listed {
			if slices.Contains(sendable, a) && authenticates(a) == gcm {
				return a
			}
		}
	}
	return xmlenc.AES256GCM
}

// decrypter decrypts what one peer encrypted for us, for one message.
type decrypter struct {
	store Store
	now   time.Time
	keys  []DecryptionKey
	who   string            // a connection's ID or a peer's entityID: whose message it is
	cbc   bool              // AES-CBC is accepted
	des   bool              // and 3DES
	slots map[string]string // claimed, by the hash of the content key
}

func (s *ServiceProvider) decrypter(c *Connection) *decrypter {
	return &decrypter{
		store: s.cfg.Store, now: s.cfg.Now(), keys: s.cfg.DecryptionKeys, who: c.ID,
		cbc: !c.Policy.RefuseCBC, des: c.Policy.AllowTripleDES && !c.Policy.RefuseCBC,
	}
}

func (p *IdentityProvider) decrypter(sp string) *decrypter {
	return &decrypter{store: p.cfg.Store, now: p.cfg.Now(), keys: p.cfg.DecryptionKeys, who: sp, cbc: true}
}

// assertion decrypts an EncryptedAssertion. covered says that a verified
// signature covers the ciphertext, solicited that a request was taken for this
// attempt: unauthenticated ciphertext needs one of them, so that nobody can try
// variants of a message for free.
func (d *decrypter) assertion(ctx context.Context, e xmltree.Node, covered, solicited bool) (n xmltree.Node, authenticated bool, err error) {
	info, err := xmlenc.Inspect(e)
	if err != nil {
		return e, false, decryptError(err)
	}
	if !info.Authenticated && !covered && !solicited {
		return e, false, refuse(CheckDecryptPolicy, "%s neither signed nor asked for", info.Algorithm)
	}
	n, err = d.element(ctx, e, "Assertion")
	return n, info.Authenticated, err
}

// element decrypts an element and returns it if it is the one that is
// expected. Unauthenticated ciphertext takes one of its key's slots first, also
// if it is signed: whoever signed for it may have it from elsewhere.
func (d *decrypter) element(ctx context.Context, e xmltree.Node, local string) (xmltree.Node, error) {
	o := xmlenc.Options{AllowCBC: d.cbc, AllowTripleDES: d.des, Attempt: func(key []byte) error { return d.claim(ctx, key) }}
	for _, k := range d.keys {
		o.Keys = append(o.Keys, xmlenc.Key{Decrypter: k.Decrypter, Certificate: k.Certificate})
	}
	doc, info, err := xmlenc.Decrypt(e, o)
	if err != nil {
		return e, decryptError(err)
	}
	n := doc.Root()
	switch {
	case n.Is(nsSAML, local):
		return n, nil
	case !info.Authenticated:
		return e, refuse(CheckDecrypt, "it cannot be decrypted")
	}
	return e, refuse(CheckStructure, "an encrypted <%s> where %s is expected", name(n), local)
}

// nameID reads a NameID, or an EncryptedID that a verified signature covers.
func (d *decrypter) nameID(ctx context.Context, e xmltree.Node) (NameID, error) {
	if e.Is(nsSAML, "EncryptedID") {
		var err error
		if e, err = d.element(ctx, e, "NameID"); err != nil {
			return NameID{}, err
		}
	}
	return readNameID(e)
}

// claim takes a slot of the content key before anything is decrypted with it,
// so that parallel attempts count too. The store learns a hash of the key.
func (d *decrypter) claim(ctx context.Context, key []byte) error {
	sum := hashKey("content-key", string(key))
	if _, claimed := d.slots[sum]; claimed {
		return nil
	}
	for i := range maxFailures {
		slot := hashKey("failure", sum, strconv.Itoa(i))
		err := d.store.Put(ctx, Record{Kind: KindFailure, Key: slot, Connection: d.who, Data: []byte{}, Expires: d.now.Add(failureWindow)}, d.now)
		switch {
		case err == nil:
			if d.slots == nil {
				d.slots = map[string]string{}
			}
			d.slots[sum] = slot
			return nil
		case !errors.Is(err, ErrExists):
			return refuse(CheckStore, "put: %w", err)
		}
	}
	return refuse(CheckDecryptPolicy, "%d decryptions with one content key failed within %v", maxFailures, failureWindow)
}

// settle gives the slots back unless the message could not be decrypted.
func (d *decrypter) settle(ctx context.Context, err error) {
	if CheckOf(err) == CheckDecrypt {
		return
	}
	for _, slot := range d.slots {
		// A slot that stays taken is one attempt less, and no harm.
		_, _ = d.store.Take(context.WithoutCancel(ctx), KindFailure, slot, d.now)
	}
	d.slots = nil
}

func decryptError(err error) error {
	if CheckOf(err) != "" { // of claim
		return err
	}
	var e *xmlenc.Error
	if errors.As(err, &e) {
		switch e.Check {
		case xmlenc.CheckAlgorithm:
			return refuse(CheckAlgorithm, "%w", err)
		case xmlenc.CheckPlaintext:
			return refuse(CheckXML, "decrypted: %w", err)
		case xmlenc.CheckShape:
			return refuse(CheckStructure, "%w", err)
		}
	}
	return refuse(CheckDecrypt, "%w", err)
}
