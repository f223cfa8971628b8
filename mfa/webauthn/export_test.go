// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

// Created is the state of a registration with the given challenge, for test
// vectors that fix it.
func (f *Factor) Created(challenge, handle []byte, verify bool) []byte {
	st := state{mode: modeCreate, verify: verify, rpIDHash: f.rpIDHash[:], challenge: challenge, handle: handle}
	return st.encode()
}

// Requested is the state of a sign-in with the given challenge.
func (f *Factor) Requested(challenge []byte, verify bool, keys ...string) []byte {
	st := state{mode: modeKnown, verify: verify, rpIDHash: f.rpIDHash[:], challenge: challenge}
	for _, k := range keys {
		st.allowed = append(st.allowed, []byte(k))
	}
	return st.encode()
}
