// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"net/netip"
	"time"
)

// Subject is the person who is to be authenticated: an immutable id inside a
// tenant. A program with one tenant leaves Tenant empty everywhere.
type Subject struct {
	Tenant string `json:"tenant,omitempty"`
	ID     string `json:"id"`
}

// Resource is what the person wants to reach, as far as policy tells
// resources apart. The zero Resource is the sign-in itself.
type Resource struct {
	Kind string `json:"kind,omitempty"`
	ID   string `json:"id,omitempty"`
}

// Place is a position on the earth with the country it lies in, as a [Geo]
// finds it. The zero Place is unknown.
type Place struct {
	Country string  `json:"country,omitempty"` // ISO 3166-1 alpha-2
	Lat     float64 `json:"lat,omitempty"`
	Lon     float64 `json:"lon,omitempty"`
	// Located says that Lat and Lon are known.
	Located bool `json:"located,omitempty"`
}

// Client is what is known about the browser or program that asks. All of it
// is a hint except Addr, which the caller takes from its trusted proxies only.
type Client struct {
	Addr netip.Addr `json:"addr"`
	// Device is a long-lived random id of the browser, from a cookie of the
	// application; it is stored as a hash. Empty is a new device.
	Device string `json:"device,omitempty"`
	// Browser is the browser's family and platform, such as "Firefox on
	// Linux", without versions.
	Browser string `json:"browser,omitempty"`
	// TrustToken is the secret from [Flow.TrustDevice], from its cookie.
	TrustToken string `json:"-"`
	// Place overrides what Config.Geo finds for Addr.
	Place Place `json:"place,omitzero"`
}

// Request asks whether the person may go on to the resource, given what they
// have proved so far.
type Request struct {
	Subject  Subject
	Groups   []string
	Resource Resource
	Client   Client
	// Authenticated is what the person's session has proved, oldest first:
	// what [Result] returned, and what the first factor was. A proof counts if
	// another factor stands beside it: any first factor, or a second of another
	// kind that is no fallback or that the rule names. A link and a code by
	// mail are one factor.
	Authenticated []Evidence
	// Since is when the person could first have enrolled, such as when the
	// account was made: a grace period runs from it.
	Since time.Time
}

// Evidence is one proof that the person has given. The caller keeps it in its
// session and hands it back in [Request]. It encodes as JSON.
type Evidence struct {
	// Kind is the factor, or [KindPassword], or any name of the caller's for
	// another first factor.
	Kind Kind `json:"kind"`
	// RecordID is the credential that was used: a proof counts only while the
	// person has it. It is empty if there was none, and if this proof spent
	// it, such as a pass for one use or the last recovery code.
	RecordID string `json:"record,omitempty"`
	// At is when it was proved.
	At time.Time `json:"at"`
	// Strength is what the proof is worth.
	Strength Strength `json:"strength,omitempty"`
	// Factor says that one of this package's factors verified it. Without it
	// evidence is a first factor only.
	Factor bool `json:"factor,omitempty"`
	// UserVerified says that the authenticator itself verified the person
	// (WebAuthn UV), so the proof is two factors in one.
	UserVerified bool `json:"uv,omitempty"`
	// Fallback marks proofs that are weak by their nature, such as a code by
	// mail: they count only where a rule names their kind.
	Fallback bool `json:"fallback,omitempty"`
	// AMR are RFC 8176 method names for tokens and assertions.
	AMR []string `json:"amr,omitempty"`
	// Source names the upstream identity provider that asserts this, empty
	// for what was verified here. Upstream evidence counts only as
	// [PolicyConfig].Upstream says, whatever else it claims.
	Source string `json:"source,omitempty"`
	// Class is the upstream's authentication context class (SAML
	// AuthnContextClassRef, OIDC acr).
	Class string `json:"class,omitempty"`
}
