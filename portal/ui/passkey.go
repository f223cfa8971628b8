// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

import "encoding/json"

// The JSON that static/passkey.js exchanges with [PathPasskeyBegin] and
// [PathPasskeyFinish], and with the pair below [PathEnrolPasskey].

// PasskeyBegin asks for a challenge.
type PasskeyBegin struct {
	Flow string `json:"flow"`
	// Autofill is set where the browser offers passkeys in the identifier field,
	// before the person has done anything.
	Autofill bool `json:"autofill,omitempty"`
}

// PasskeyOptions is the answer: PublicKey is what WebAuthn's
// parseRequestOptionsFromJSON or parseCreationOptionsFromJSON takes.
type PasskeyOptions struct {
	ID        string          `json:"id"` // the challenge, returned in [PasskeyFinish]
	PublicKey json.RawMessage `json:"publicKey"`
}

// PasskeyFinish carries the authenticator's answer.
type PasskeyFinish struct {
	Flow       string          `json:"flow"`
	ID         string          `json:"id"`
	Name       string          `json:"name,omitempty"`     // enrolment: what the person calls it
	Remember   bool            `json:"remember,omitempty"` // remember this device
	Credential json.RawMessage `json:"credential"`         // PublicKeyCredential.toJSON()
}

// PasskeyNext is the answer to both calls where they end the ceremony: where
// to go on, or what to tell the person. A refusal has a 4xx status.
type PasskeyNext struct {
	Next    string `json:"next,omitempty"`
	Problem string `json:"problem,omitempty"`
}
