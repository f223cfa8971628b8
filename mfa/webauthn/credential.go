// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// credential is what is kept sealed of a registered credential: everything
// that a sign-in is judged by.
type credential struct {
	key      publicKey
	handle   []byte
	model    AAGUID
	counter  uint32
	eligible bool // BE, never changes
	backedUp bool // BS
	attested bool
	hardware bool // attested, and not by software alone
}

const (
	credentialVersion = 1
	credentialHead    = 1 + 1 + 4 + 4 + 16

	credentialEligible = 1 << 0
	credentialBackedUp = 1 << 1
	credentialAttested = 1 << 2
	credentialHardware = 1 << 3
)

func (c *credential) encode() ([]byte, error) {
	key, err := c.key.encode()
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, credentialHead+4+len(c.handle)+len(key))
	b = append(b, credentialVersion,
		bit(c.eligible)*credentialEligible|bit(c.backedUp)*credentialBackedUp|
			bit(c.attested)*credentialAttested|bit(c.hardware)*credentialHardware)
	b = binary.BigEndian.AppendUint32(b, c.counter)
	b = binary.BigEndian.AppendUint32(b, uint32(int32(c.key.alg)))
	b = append(b, c.model[:]...)
	return appendPart(appendPart(b, c.handle), key), nil
}

// decodeCredential reads what encode wrote. The key is checked again.
func decodeCredential(b []byte) (credential, error) {
	var c credential
	if len(b) < credentialHead || b[0] != credentialVersion {
		return c, errors.New("webauthn: stored credential is malformed")
	}
	c.eligible = b[1]&credentialEligible != 0
	c.backedUp = b[1]&credentialBackedUp != 0
	c.attested = b[1]&credentialAttested != 0
	c.hardware = b[1]&credentialHardware != 0
	c.counter = binary.BigEndian.Uint32(b[2:])
	alg := Algorithm(int32(binary.BigEndian.Uint32(b[6:])))
	copy(c.model[:], b[10:])
	var err error
	if c.handle, b, err = cutPart(b[credentialHead:]); err != nil {
		return c, err
	}
	key, b, err := cutPart(b)
	if err != nil || len(b) > 0 {
		return c, errors.New("webauthn: stored credential is malformed")
	}
	if c.key, err = newKey(alg, key); err != nil {
		return c, fmt.Errorf("webauthn: stored credential: %w", err)
	}
	return c, nil
}

// Details are a credential's metadata for listings: the Public of its record.
// Nothing is decided by them.
type Details struct {
	AAGUID AAGUID `json:"aaguid"`
	// Attested says that the attestation led to a trusted root.
	Attested bool   `json:"attested,omitempty"`
	Format   Format `json:"format"`
	// Passkey says that the authenticator signs in without a name typed, as
	// far as the browser told.
	Passkey bool `json:"passkey,omitempty"`
	// Syncable says that the credential may be copied between devices, Synced
	// that it was at the last sign-in at which that changed.
	Syncable   bool      `json:"syncable,omitempty"`
	Synced     bool      `json:"synced,omitempty"`
	Algorithm  Algorithm `json:"alg"`
	Attachment string    `json:"attachment,omitempty"`
	Transports []string  `json:"transports,omitempty"`
	// UserHandle is the person's user.id at authenticators, in base64url.
	UserHandle string `json:"userHandle"`
}

// DetailsOf reads the metadata of a record of this factor.
func DetailsOf(r mfa.Record) (Details, error) {
	var d Details
	if r.Kind != mfa.KindWebAuthn {
		return d, fmt.Errorf("webauthn: a record of kind %q", r.Kind)
	}
	err := json.Unmarshal(r.Public, &d)
	return d, err
}
