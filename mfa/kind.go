// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import "fmt"

// Kind names a factor. It is part of stored rows: it never changes.
type Kind string

// The kinds of Gatehouse's own factors, and of a password, which is not one.
const (
	KindPassword  Kind = "password"
	KindTOTP      Kind = "totp"
	KindHOTP      Kind = "hotp"
	KindWebAuthn  Kind = "webauthn"
	KindRecovery  Kind = "recovery"
	KindMail      Kind = "mail"
	KindSMS       Kind = "sms"
	KindVoice     Kind = "voice"
	KindMagicLink Kind = "link"
	KindPass      Kind = "pass"
	KindRADIUS    Kind = "radius"
)

// Strength orders what a proof is worth, weakest first.
type Strength int

const (
	// Any is any factor that is not a fallback.
	Any Strength = iota
	// PhishingResistant is bound to the site's origin, as WebAuthn is.
	PhishingResistant
	// Attested is phishing-resistant by a device whose make was proved to an
	// attestation policy.
	Attested
)

var strengthNames = [...]string{"any", "phishing-resistant", "attested"}

func (s Strength) valid() bool { return s >= Any && s <= Attested }

// String is "any", "phishing-resistant" or "attested".
func (s Strength) String() string {
	if !s.valid() {
		return fmt.Sprintf("strength(%d)", int(s))
	}
	return strengthNames[s]
}

// MarshalText writes the name.
func (s Strength) MarshalText() ([]byte, error) {
	if !s.valid() {
		return nil, fmt.Errorf("mfa: unknown strength %d", int(s))
	}
	return []byte(strengthNames[s]), nil
}

// UnmarshalText reads a name that [Strength.MarshalText] wrote.
func (s *Strength) UnmarshalText(b []byte) error {
	for i, n := range strengthNames {
		if n == string(b) {
			*s = Strength(i)
			return nil
		}
	}
	return fmt.Errorf("mfa: unknown strength %q", b)
}
