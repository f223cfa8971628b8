// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// AAGUID names a model of authenticators. The zero AAGUID is what
// authenticators say that have none (U2F keys) or do not tell.
type AAGUID [16]byte

// ParseAAGUID reads the usual form of a UUID.
func ParseAAGUID(s string) (AAGUID, error) {
	var a AAGUID
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(b) != len(a) {
		return a, fmt.Errorf("webauthn: AAGUID %q is malformed", s)
	}
	copy(a[:], b)
	if a.String() != strings.ToLower(s) {
		return AAGUID{}, fmt.Errorf("webauthn: AAGUID %q is malformed", s)
	}
	return a, nil
}

// String is the usual form of a UUID.
func (a AAGUID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", a[:4], a[4:6], a[6:8], a[8:10], a[10:])
}

// IsZero reports whether the authenticator names no model.
func (a AAGUID) IsZero() bool { return a == AAGUID{} }

// MarshalText writes the usual form.
func (a AAGUID) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the usual form.
func (a *AAGUID) UnmarshalText(b []byte) (err error) {
	*a, err = ParseAAGUID(string(b))
	return err
}
