// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package mfa asks people for a second factor, or for a passkey instead of a
// password, and owns the duties that factor libraries leave to applications:
// challenges are single use and bound to the browser, codes work once,
// attempts are counted and locked out durably, credentials are unique and
// sealed, and a policy says who must prove what.
//
// Start with [New], which makes a [Flow] from a [Store], a [Sealer] and the
// factors, and its three calls:
//
//	d, err := flow.Decide(ctx, req)            // what policy asks for, and why
//	ch, err := flow.Begin(ctx, mfa.BeginInput{...}) // a challenge for the client
//	res, err := flow.Finish(ctx, ch.ID, answer, func(ctx context.Context, res mfa.Result) error {
//		return sessions.Upgrade(ctx, res.Evidence) // commits with the spent code, or not at all
//	})
//
// Finish charges the attempt and takes the challenge in a committed
// transaction, then verifies without one, then commits the spent code, the
// cleared count, the known context and whatever the callback does together. So no
// crash, roll-back or parallel guess is free.
//
// The factors are in the packages below: webauthn, totp, hotp, recovery, code
// (mail, SMS, voice, link, pass), push, radius and, if it must be, question;
// totp/totpqr draws the QR code of an app's key. Stores over SQL are in mfasql,
// tools for tests in mfatest; the key that seals secrets comes from
// [NewKeyring]. [NewHandler] and [NewSignInHandler] are JSON endpoints over a
// flow. docs/mfa/second-factor.md leads from a service with passwords to all
// of it, docs/mfa/threat-model.md says what each factor stops. mfa has no sessions of its own and links nothing
// outside of the standard library.
package mfa
