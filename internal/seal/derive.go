// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
)

func hkdfExpand(key []byte, purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, key, nil, "gatehouse|"+purpose, KeySize)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// bind makes the key id part of the associated data.
func bind(id string, aad []byte) []byte {
	out := make([]byte, 0, 1+len(id)+len(aad))
	out = append(out, byte(len(id)))
	out = append(out, id...)
	return append(out, aad...)
}
