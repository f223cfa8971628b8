// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package webauthn is the WebAuthn factor of package mfa: security keys,
// platform authenticators and passkeys, as a second factor or as the first.
//
// Start with [New], hand the [Factor] to mfa.New, and let the flow run the
// ceremonies:
//
//	factor, err := webauthn.New(webauthn.Config{
//		RPID:    "example.com",
//		RPName:  "Example",
//		Origins: []string{"https://login.example.com"},
//		Key:     key, // 32 random bytes, the same on every replica
//	})
//	flow, err := mfa.New(mfa.Config{Factors: []mfa.Factor{factor}, ...})
//
//	ch, err := flow.BeginEnrol(ctx, mfa.EnrolInput{Kind: mfa.KindWebAuthn, ...}) // registration
//	rec, err := flow.FinishEnrol(ctx, ch.ID, mfa.EnrolAnswer{Data: body, ...}, commit)
//
//	ch, err := flow.Begin(ctx, mfa.BeginInput{Kind: mfa.KindWebAuthn, Purpose: mfa.First, ...}) // sign-in
//	res, err := flow.Finish(ctx, ch.ID, mfa.Answer{Data: body, ...}, commit)
//
// A challenge's Public is the standard's PublicKeyCredentialCreationOptionsJSON
// or PublicKeyCredentialRequestOptionsJSON, for
// PublicKeyCredential.parseCreationOptionsFromJSON and its sibling in the
// browser; an answer's Data is the RegistrationResponseJSON or
// AuthenticationResponseJSON that credential.toJSON() makes.
//
// Sign-in takes three forms. With a known Subject the request lists the
// person's credentials. With an empty Subject and a Hint, a name that nobody
// has, it lists credentials that look as plausible and are the same every
// time, and no answer to it passes. With neither it lists none: usernameless,
// from a button or, with mediation "conditional", from the browser's autofill.
//
// # What is checked
//
// Everything of WebAuthn Level 3, 7.1 and 7.2, and what the standard leaves
// to the application: one strict JSON value without duplicate members, strict
// CBOR, exact origins, embedding refused unless configured, keys that are what
// their algorithm says (a point on the curve, an RSA modulus of 2048 bits),
// credentials unique over all people, a backup eligibility that never changes,
// and clones refused. Every refusal is an mfa.Error whose Check is one of this
// package's constants or mfa's; what people see at sign-in tells none of them
// apart.
//
// Attestation statements are verified whenever there is one. Whether the
// maker is trusted is decided by the Roots and Metadata of [Attestation] alone:
// no vendor is trusted unless configured. github.com/go-webauthn/webauthn verifies the
// statements of formats whose trust it leaves to its caller (packed, fido-u2f);
// those of Apple, Android and TPMs, whose makers it fixes, and the whole of
// sign-in are verified here.
//
// # What it stops, and what not
//
// A signature is made for one origin and one challenge, so a phishing page, a
// proxy in between, a leaked database or a recorded answer gains nothing, and
// strangers can lock nobody out: there is nothing to guess. It does not stop
// malware in the person's own browser, which acts in their session after they
// have signed in; whoever holds an unlocked device with a passkey, or the
// account that syncs it (see RefuseSynced); or a person who is talked into
// approving a sign-in on this very site. Without trusted attestation nothing
// is known about how a key is kept: it may be in software. Losing the last
// credential leaves recovery to the other factors of package mfa, and the
// account is then as strong as the weakest of them.
package webauthn
