// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"crypto/subtle"
	"encoding/binary"
)

// The flags of authenticator data (6.1).
const (
	flagUP = 1 << 0 // the person was present
	flagUV = 1 << 2 // the person was verified
	flagBE = 1 << 3 // may be backed up
	flagBS = 1 << 4 // is backed up
	flagAT = 1 << 6 // has attested credential data
	flagED = 1 << 7 // has extensions
)

// authData are authenticator data (6.1). All slices alias the input.
type authData struct {
	rpIDHash []byte
	flags    byte
	counter  uint32
	// Attested credential data (6.5.1), at registration only.
	aaguid       AAGUID
	credentialID []byte
	key          item
}

const maxCredentialID = 1023

// parseAuthData reads authenticator data to their last byte. Attested
// credential data are there at registration and not at sign-in.
func parseAuthData(b []byte, attested bool) (authData, error) {
	var a authData
	if len(b) < 37 {
		return a, refusal(CheckAuthData, "authenticator data of %d bytes", len(b))
	}
	a.rpIDHash, a.flags, a.counter = b[:32], b[32], binary.BigEndian.Uint32(b[33:37])
	rest := b[37:]
	if attested != (a.flags&flagAT != 0) {
		return a, refusal(CheckAuthData, "attested credential data: %v, want %v", a.flags&flagAT != 0, attested)
	}
	if attested {
		var err error
		if rest, err = a.attested(rest); err != nil {
			return a, err
		}
	}
	if a.flags&flagED != 0 {
		ext, after, err := parseCBOR(rest)
		if err != nil {
			return a, refusal(CheckCBOR, "extensions: %w", err)
		}
		if ext.major != cborMap {
			return a, refusal(CheckAuthData, "the extensions are no map")
		}
		rest = after
	}
	if len(rest) > 0 {
		return a, refusal(CheckAuthData, "%d bytes follow the authenticator data", len(rest))
	}
	return a, nil
}

func (a *authData) attested(b []byte) ([]byte, error) {
	if len(b) < 18 {
		return nil, refusal(CheckAuthData, "attested credential data of %d bytes", len(b))
	}
	copy(a.aaguid[:], b)
	n := int(binary.BigEndian.Uint16(b[16:]))
	if b = b[18:]; n == 0 || n > maxCredentialID {
		return nil, refusal(CheckCredentialID, "a credential id of %d bytes", n)
	}
	if n > len(b) {
		return nil, refusal(CheckAuthData, "the credential id is cut off")
	}
	a.credentialID = b[:n:n]
	var err error
	if a.key, b, err = parseCBOR(b[n:]); err != nil {
		return nil, refusal(CheckCBOR, "credential public key: %w", err)
	}
	return b, nil
}

// checkAuthData judges what is the same at both ceremonies.
func (f *Factor) checkAuthData(a *authData, presence, verified bool) error {
	switch {
	case subtle.ConstantTimeCompare(a.rpIDHash, f.rpIDHash[:]) != 1:
		return refusal(CheckRPID, "the authenticator data are of another RP ID")
	case presence && a.flags&flagUP == 0:
		return refusal(CheckUserPresence, "the person was not present")
	case verified && a.flags&flagUV == 0:
		return refusal(CheckUserVerification, "the authenticator did not verify the person")
	case a.flags&(flagBE|flagBS) == flagBS:
		return refusal(CheckBackup, "backed up but not eligible for it")
	}
	return nil
}
