// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// UserVerification says whether the authenticator must verify the person
// itself, by PIN or biometrics.
type UserVerification string

// The requirements of 5.8.6.
const (
	Required    UserVerification = "required"
	Preferred   UserVerification = "preferred"
	Discouraged UserVerification = "discouraged"
)

// Config is what a [Factor] is made of.
type Config struct {
	// RPID is the domain that credentials are for, such as "example.com" or
	// "localhost". It can never change. Required.
	RPID string
	// RPName is shown by authenticators. Required.
	RPName string
	// Origins are where ceremonies run, such as "https://login.example.com",
	// compared exactly; native applications have origins such as
	// "android:apk-key-hash:...". Required.
	Origins []string
	// AllowCrossOrigin accepts ceremonies in pages that are embedded in
	// another origin. By default they are refused, against clickjacking.
	AllowCrossOrigin bool
	// TopOrigins are the origins that may embed. If there are any, answers of
	// browsers that do not tell who embeds are refused; if there are none,
	// those of browsers that do.
	TopOrigins []string
	// Key makes the answer about people who do not exist the same every time:
	// at least 32 random bytes, kept and shared by all replicas. A new key
	// changes those answers once and nothing else. Required.
	Key []byte
	// UserVerification is asked for at registration and as a second factor,
	// Preferred by default. A first factor requires it whatever this says.
	UserVerification UserVerification
	// ResidentKey asks for passkeys that work without a name typed: Required,
	// Preferred by default, or Discouraged.
	ResidentKey UserVerification
	// Attachment narrows registration to "platform" or "cross-platform"
	// authenticators; both by default.
	Attachment string
	// Algorithms are offered at registration, best first: by default ES256,
	// EdDSA and RS256, which all authenticators have one of.
	Algorithms []Algorithm
	// Attestation is the policy for authenticators.
	Attestation Attestation
	// AttestationFor chooses the policy in place of Attestation at every
	// ceremony: by person, such as by group, or with newer metadata.
	AttestationFor func(ctx context.Context, s mfa.Subject) (Attestation, error)
	// RefuseSynced refuses credentials that may be copied between devices,
	// by their backup eligibility.
	RefuseSynced bool
	// InsecureAcceptClones lets a credential pass whose signature counter
	// went back, with the notice "possible clone". Whoever sets it MUST act on
	// the notice; the one safe case is a fleet of authenticators whose
	// counters are known to be broken.
	InsecureAcceptClones bool
	// Timeout is how long a challenge lives, here and in the browser: 5
	// minutes by default.
	Timeout time.Duration
	// MaxCredentials caps the credentials of a person, 10 by default.
	MaxCredentials int
	// Rand makes challenges and user handles; crypto/rand by default.
	Rand io.Reader
}

// Factor is the WebAuthn factor. It is immutable, safe for concurrent use, and
// keeps no state.
type Factor struct {
	cfg      Config
	rpIDHash [32]byte
	fakeKey  []byte
	info     mfa.Info
}

var (
	_ mfa.Enroller   = (*Factor)(nil)
	_ mfa.Discoverer = (*Factor)(nil)
)

// New returns a factor over a valid configuration.
func New(c Config) (*Factor, error) {
	if err := validRPID(c.RPID); err != nil {
		return nil, err
	}
	if c.RPName == "" {
		return nil, errors.New("webauthn: Config.RPName is empty")
	}
	if len(c.Origins) == 0 {
		return nil, errors.New("webauthn: Config.Origins is empty")
	}
	c.Origins, c.TopOrigins = slices.Clone(c.Origins), slices.Clone(c.TopOrigins)
	for _, o := range slices.Concat(c.Origins, c.TopOrigins) {
		if err := validOrigin(o); err != nil {
			return nil, err
		}
	}
	if len(c.TopOrigins) > 0 && !c.AllowCrossOrigin {
		return nil, errors.New("webauthn: Config.TopOrigins without AllowCrossOrigin")
	}
	if len(c.Key) < 32 {
		return nil, fmt.Errorf("webauthn: Config.Key has %d bytes, not 32 or more", len(c.Key))
	}
	if err := c.preferences(); err != nil {
		return nil, err
	}
	if err := c.Attestation.validate(); err != nil {
		return nil, err
	}
	c.Attestation.Roots = slices.Clone(c.Attestation.Roots)
	c.Attestation.Formats = slices.Clone(c.Attestation.Formats)
	c.Attestation.Permitted = slices.Clone(c.Attestation.Permitted)
	c.Attestation.Denied = slices.Clone(c.Attestation.Denied)
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	f := &Factor{cfg: c, rpIDHash: sha256.Sum256([]byte(c.RPID)), fakeKey: slices.Clone(c.Key)}
	f.cfg.Key = nil
	f.info = mfa.Info{
		Kind: mfa.KindWebAuthn, Strength: mfa.PhishingResistant, FirstFactor: true, Tries: 1,
		TTL: c.Timeout, MaxRecords: c.MaxCredentials,
	}
	if len(c.Attestation.Roots) > 0 || c.Attestation.Metadata != nil || c.AttestationFor != nil {
		f.info.Strength = mfa.Attested
	}
	return f, nil
}

func (c *Config) preferences() error {
	if c.UserVerification == "" {
		c.UserVerification = Preferred
	}
	if c.ResidentKey == "" {
		c.ResidentKey = Preferred
	}
	for _, v := range []UserVerification{c.UserVerification, c.ResidentKey} {
		if v != Required && v != Preferred && v != Discouraged {
			return fmt.Errorf("webauthn: unknown requirement %q", v)
		}
	}
	if c.Attachment != "" && c.Attachment != "platform" && c.Attachment != "cross-platform" {
		return fmt.Errorf("webauthn: unknown attachment %q", c.Attachment)
	}
	if len(c.Algorithms) == 0 {
		c.Algorithms = []Algorithm{ES256, EdDSA, RS256}
	}
	c.Algorithms = slices.Clone(c.Algorithms)
	for _, a := range c.Algorithms {
		if _, ok := a.spec(); !ok {
			return fmt.Errorf("webauthn: unknown algorithm %d", a)
		}
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Minute
	}
	if c.Timeout < 15*time.Second || c.Timeout > time.Hour {
		return fmt.Errorf("webauthn: Config.Timeout %v is not between 15 seconds and an hour", c.Timeout)
	}
	if c.MaxCredentials == 0 {
		c.MaxCredentials = 10
	}
	if c.MaxCredentials < 1 || c.MaxCredentials > 64 {
		return fmt.Errorf("webauthn: Config.MaxCredentials %d is not between 1 and 64", c.MaxCredentials)
	}
	return nil
}

// Info describes the factor to the flow.
func (f *Factor) Info() mfa.Info { return f.info }

// random returns n random bytes.
func (f *Factor) random(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(f.cfg.Rand, b)
	return b, err
}
