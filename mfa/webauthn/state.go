// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"encoding/binary"
	"errors"
)

const challengeSize = 32

// mode is whom a sign-in's challenge was made for.
type mode byte

const (
	modeKnown        mode = iota // one person, whose credentials were listed
	modeUsernameless             // anyone, none were listed
	modeFake                     // a person who does not exist: nothing passes
	modeCreate                   // a registration
	modes
)

// state is what a challenge is bound to, besides the person and the browser
// session, which the flow keeps.
type state struct {
	mode        mode
	verify      bool // the person must be verified
	conditional bool // a registration without asking, so without presence
	rpIDHash    []byte
	challenge   []byte
	origin      []byte // pins the origin, if not empty
	handle      []byte // user handle of a registration
	allowed     [][]byte
}

var errState = errors.New("webauthn: stored challenge state is malformed")

const stateVersion = 1

func (s *state) encode() []byte {
	b := make([]byte, 0, 256)
	b = append(b, stateVersion, byte(s.mode), bit(s.verify)|bit(s.conditional)<<1)
	for _, part := range [][]byte{s.rpIDHash, s.challenge, s.origin, s.handle} {
		b = appendPart(b, part)
	}
	for _, id := range s.allowed {
		b = appendPart(b, id)
	}
	return b
}

func decodeState(b []byte) (state, error) {
	if len(b) < 3 || b[0] != stateVersion || b[1] >= byte(modes) {
		return state{}, errState
	}
	s := state{mode: mode(b[1]), verify: b[2]&1 != 0, conditional: b[2]&2 != 0}
	b = b[3:]
	var err error
	for _, part := range []*[]byte{&s.rpIDHash, &s.challenge, &s.origin, &s.handle} {
		if *part, b, err = cutPart(b); err != nil {
			return s, err
		}
	}
	for len(b) > 0 {
		var id []byte
		if id, b, err = cutPart(b); err != nil {
			return s, err
		}
		s.allowed = append(s.allowed, id)
	}
	if len(s.challenge) < 16 {
		return s, errState
	}
	return s, nil
}

func bit(v bool) byte {
	if v {
		return 1
	}
	return 0
}

func appendPart(b, part []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(part)))
	return append(b, part...)
}

func cutPart(b []byte) (part, rest []byte, err error) {
	if len(b) < 2 {
		return nil, nil, errState
	}
	n := int(binary.BigEndian.Uint16(b))
	if b = b[2:]; n > len(b) {
		return nil, nil, errState
	}
	return b[:n:n], b[n:], nil
}
