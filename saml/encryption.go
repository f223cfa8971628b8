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

// Decryptions of unauthenticated ciphertext that fail are counted by
// connection and hour: a padding oracle needs hundreds for each byte.
const (
	maxFailures   = 16
	failureWindow = time.Hour
)

// Block encryption algorithms that we send, most preferred first.
var sendable = []string{xmlenc.AES256GCM, xmlenc.AES128GCM, xmlenc.AES192GCM, xmlenc.AES256CBC, xmlenc.AES128CBC, xmlenc.AES192CBC}

// encryptAssertion encrypts for the peer's first RSA key, by the first
// algorithm that both sides know. Without a key the assertion stays in clear.
func encryptAssertion(assertion []byte, keys []Key, algorithm string) ([]byte, error) {
	i := slices.IndexFunc(keys, func(k Key) bool { _, ok := k.PublicKey.(*rsa.PublicKey); return ok })
	if i < 0 {
		return assertion, nil
	}
	k := keys[i]
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

// chooseAlgorithm takes the best of what metadata lists: the list is the
// peer's order, but authenticated algorithms come before others.
func chooseAlgorithm(listed []string) string {
	for _, gcm := range []bool{true, false} {
		for _, a := range listed {
			i := slices.Index(sendable, a)
			if i >= 0 && (i < 3) == gcm {
				return a
			}
		}
	}
	return xmlenc.AES256GCM
}

// decryptAssertion decrypts an EncryptedAssertion. covered says that a
// verified signature covers the ciphertext, solicited that a request was taken
// for this attempt: unauthenticated ciphertext needs one of them, so that
// nobody can try variants of a message for free.
func (s *ServiceProvider) decryptAssertion(ctx context.Context, e xmltree.Node, c *Connection, covered, solicited bool) (xmltree.Node, error) {
	info, err := xmlenc.Inspect(e)
	if err != nil {
		return e, decryptError(err)
	}
	charged := !info.Authenticated && !covered
	if charged {
		if !solicited {
			return e, refuse(CheckDecryptPolicy, "%s neither signed nor asked for", info.Algorithm)
		}
		if err := s.failures(ctx, c); err != nil {
			return e, err
		}
	}
	n, err := s.decrypt(e, c)
	if charged && CheckOf(err) == CheckDecrypt {
		s.failed(ctx, c)
	}
	return n, err
}

// decryptElement decrypts an EncryptedID or EncryptedAttribute, which a
// verified signature covers.
func (s *ServiceProvider) decryptElement(e xmltree.Node, c *Connection, local string) (xmltree.Node, error) {
	n, err := s.decrypt(e, c)
	if err == nil && !n.Is(nsSAML, local) {
		return n, refuse(CheckStructure, "an encrypted <%s> where %s is expected", name(n), local)
	}
	return n, err
}

func (s *ServiceProvider) decrypt(e xmltree.Node, c *Connection) (xmltree.Node, error) {
	o := xmlenc.Options{AllowCBC: !c.Policy.RefuseCBC, AllowTripleDES: c.Policy.AllowTripleDES && !c.Policy.RefuseCBC}
	for _, k := range s.cfg.DecryptionKeys {
		o.Keys = append(o.Keys, xmlenc.Key{Decrypter: k.Decrypter, Certificate: k.Certificate})
	}
	doc, _, err := xmlenc.Decrypt(e, o)
	if err != nil {
		return e, decryptError(err)
	}
	return doc.Root(), nil
}

func decryptError(err error) error {
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

// failures refuses if the connection's slots of this hour are taken; failed
// takes one. Slots are plain inserts, so that no count is lost.
func (s *ServiceProvider) failures(ctx context.Context, c *Connection) error {
	now := s.cfg.Now()
	_, err := s.cfg.Store.Get(ctx, KindFailure, failureSlot(c, now, maxFailures-1), now)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return refuse(CheckStore, "get: %w", err)
	}
	return refuse(CheckDecryptPolicy, "%d decryptions failed within the hour", maxFailures)
}

func (s *ServiceProvider) failed(ctx context.Context, c *Connection) {
	now := s.cfg.Now()
	for i := range maxFailures {
		err := s.cfg.Store.Put(ctx, Record{
			Kind: KindFailure, Key: failureSlot(c, now, i), Connection: c.ID, Data: []byte{}, Expires: now.Add(2 * failureWindow),
		}, now)
		if !errors.Is(err, ErrExists) {
			return
		}
	}
}

func failureSlot(c *Connection, now time.Time, i int) string {
	return hashKey("failure", c.ID, strconv.FormatInt(now.Unix()/int64(failureWindow/time.Second), 10), strconv.Itoa(i))
}
