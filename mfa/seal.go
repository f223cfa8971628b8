// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"encoding/binary"
)

// Sealer encrypts what the flow stores, bound to where it is stored. A
// keyring with AES-256-GCM, key ids and rotation is the usual one; a KMS can
// stand in. Implementations are safe for concurrent use.
type Sealer interface {
	// Seal returns plain encrypted and bound to aad.
	Seal(plain, aad []byte) ([]byte, error)
	// Open returns what was sealed under the same aad, or an error.
	Open(sealed, aad []byte) ([]byte, error)
}

// aad joins parts without ambiguity: each is preceded by its length.
func aad(parts ...string) []byte {
	n := 0
	for _, p := range parts {
		n += 4 + len(p)
	}
	b := make([]byte, 0, n)
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return b
}

func recordAAD(r *Record) []byte {
	return aad("mfa_records", r.ID, "sealed", r.Subject.Tenant, r.Subject.ID, string(r.Kind), r.Key)
}

func challengeAAD(c *ChallengeRow) []byte {
	return aad("mfa_challenges", string(c.Hash[:]), "sealed", c.Subject.Tenant, c.Subject.ID, string(c.Kind), string(c.Purpose))
}
