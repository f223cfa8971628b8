// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"bytes"
	"cmp"
	"encoding/asn1"
	"errors"
	"slices"
)

var oidAndroidKey = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 1, 17}

// keyDescription is the extension's value. The lists are read by hand: their
// schema grows, and package asn1 drops what follows an element it does not
// know.
type keyDescription struct {
	AttestationVersion       int
	AttestationSecurityLevel asn1.Enumerated
	KeymasterVersion         int
	KeymasterSecurityLevel   asn1.Enumerated
	AttestationChallenge     []byte
	UniqueID                 []byte
	SoftwareEnforced         asn1.RawValue
	TeeEnforced              asn1.RawValue
}

// Tags and values of an AuthorizationList.
const (
	tagPurpose         = 1
	tagAllApplications = 600
	tagOrigin          = 702

	originGenerated = 0
	purposeSign     = 2

	levelSoftware = 0 // of SecurityLevel: above it are the TEE and StrongBox
)

// source is who says of an Android key that the phone made it, for signing.
type source int

const (
	sourceNobody source = iota
	sourceSoftware
	sourceHardware
)

// verifyAndroidKey verifies an Android key attestation statement (8.4) and
// returns who says that the phone made the key, for signing. A statement in
// which nobody says so, such as the test vector, verifies and is never trusted.
func (a *attested) verifyAndroidKey(stmt map[string]any) (source, error) {
	leaf, err := a.leaf(stmt)
	if err != nil {
		return sourceNobody, err
	}
	sig, ok := stmt["sig"].([]byte)
	if alg, isInt := stmt["alg"].(int64); !ok || !isInt || Algorithm(alg) != a.key.alg {
		return sourceNobody, errors.New("alg or sig does not fit the key")
	}
	if !a.key.verify(slices.Concat(a.rawAuthData, a.clientDataHash), sig) {
		return sourceNobody, errors.New("the signature does not verify")
	}
	value, err := extension(leaf, oidAndroidKey)
	if err != nil {
		return sourceNobody, err
	}
	var d keyDescription
	if rest, err := asn1.Unmarshal(value, &d); err != nil || len(rest) > 0 {
		return sourceNobody, errors.New("the key description is malformed")
	}
	if !bytes.Equal(d.AttestationChallenge, a.clientDataHash) {
		return sourceNobody, errors.New("the key description has another challenge")
	}
	soft, err := authorizations(d.SoftwareEnforced)
	if err != nil {
		return sourceNobody, err
	}
	tee, err := authorizations(d.TeeEnforced)
	if err != nil {
		return sourceNobody, err
	}
	origin, purpose := cmp.Or(tee.origin, soft.origin), cmp.Or(tee.purpose, soft.purpose)
	switch {
	case soft.allApplications || tee.allApplications:
		return sourceNobody, errors.New("the key is not bound to one application")
	case origin == wrong:
		return sourceNobody, errors.New("the key was not generated in the phone")
	case purpose == wrong:
		return sourceNobody, errors.New("the key is not for signing")
	case origin == absent || purpose == absent:
		return sourceNobody, nil
	case tee.origin == absent || tee.purpose == absent,
		min(d.AttestationSecurityLevel, d.KeymasterSecurityLevel) <= levelSoftware:
		return sourceSoftware, nil
	}
	return sourceHardware, nil
}

// authorization is what counts of an AuthorizationList.
type authorization struct {
	allApplications bool
	origin, purpose presence
}

// presence is whether a list has a field, and with the value that it must have.
type presence int

const (
	absent presence = iota
	right
	wrong
)

func is(ok bool) presence {
	if ok {
		return right
	}
	return wrong
}

func authorizations(list asn1.RawValue) (authorization, error) {
	var a authorization
	if list.Class != asn1.ClassUniversal || list.Tag != asn1.TagSequence {
		return a, errors.New("an authorization list is malformed")
	}
	seen := map[int]bool{}
	for rest := list.Bytes; len(rest) > 0; {
		var e asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &e); err != nil || e.Class != asn1.ClassContextSpecific || seen[e.Tag] {
			return a, errors.New("an authorization list is malformed")
		}
		seen[e.Tag] = true
		switch e.Tag {
		case tagAllApplications:
			a.allApplications = true
		case tagOrigin:
			origin := -1
			after, err := asn1.Unmarshal(e.Bytes, &origin)
			a.origin = is(err == nil && len(after) == 0 && origin == originGenerated)
		case tagPurpose:
			var purposes []int
			after, err := asn1.UnmarshalWithParams(e.Bytes, &purposes, "set")
			a.purpose = is(err == nil && len(after) == 0 && slices.Contains(purposes, purposeSign))
		}
	}
	return a, nil
}
