// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

// WithChallenge is the state with another challenge, for the one test vector
// whose challenge is longer than those that the factor makes.
func WithChallenge(encoded, challenge []byte) ([]byte, error) {
	st, err := decodeState(encoded)
	st.challenge = challenge
	return st.encode(), err
}
