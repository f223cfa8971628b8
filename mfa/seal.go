// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/gatehouse-id/gatehouse/internal/seal"
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

// NewKeyring returns a Sealer of AES-256-GCM under keys of 32 bytes, by ids of
// up to 32 bytes. It seals with the primary key and opens with any: to rotate,
// add a key, make it the primary everywhere, run [Flow.Reseal], and drop the old
// one an hour later, when the challenges that it sealed have ended.
func NewKeyring(primary string, keys map[string][]byte) (Sealer, error) {
	return seal.NewKeyring(primary, keys)
}

// unseal says whose error it is that a program may have to act on.
func (f *Flow) unseal(sealed, aad []byte) ([]byte, error) {
	plain, err := f.cfg.Sealer.Open(sealed, aad)
	if err != nil {
		err = fmt.Errorf("mfa: Sealer: %w", err)
	}
	return plain, err
}

// Reseal seals every record again that an older key sealed, and returns how
// many. A Sealer says which by a method Current(sealed []byte) bool, as those
// of [NewKeyring] have; without it every record is sealed again. It may run
// while people sign in.
func (f *Flow) Reseal(ctx context.Context) (int, error) {
	current, _ := f.cfg.Sealer.(interface{ Current(sealed []byte) bool })
	n, after := 0, ""
	for {
		records, err := f.store.RecordsAfter(ctx, after, 100)
		if err != nil || len(records) == 0 {
			return n, err
		}
		for _, r := range records {
			after = r.ID
			if current != nil && current.Current(r.Sealed) {
				continue
			}
			if err := f.resealOne(ctx, r); err != nil {
				return n, err
			}
			n++
		}
	}
}

// resealOne leaves a record alone that changes meanwhile: who changed it
// sealed it under the current key.
func (f *Flow) resealOne(ctx context.Context, r Record) error {
	plain, err := f.unseal(r.Sealed, recordAAD(&r))
	if err != nil {
		return err
	}
	if r.Sealed, err = f.cfg.Sealer.Seal(plain, recordAAD(&r)); err != nil {
		return err
	}
	if err := f.store.UpdateRecord(ctx, r); !errors.Is(err, ErrConflict) {
		return err
	}
	return nil
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
