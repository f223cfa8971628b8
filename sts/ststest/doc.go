// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package ststest is a strict double of AWS STS for tests and for the sample
// portal: it verifies an assertion as AWS does and answers with AWS's own
// error codes and texts.
//
// Start with [NewServer] in a test, or with [New] and [Double.Listen] in a
// program. A [Config] names the SAML providers with their metadata and the
// roles that trust them; AssumeRoleWithSAML then checks signature, issuer,
// conditions, audience, recipient, confirmation, role pair, session name,
// tags, source identity and durations, and hands out credentials that the
// double's own GetCallerIdentity and AssumeRole accept by SigV4. [Double.Calls]
// counts, [Double.Inject] throttles and fails.
//
// The key ids begin with [KeyIDPrefix], whose digits no AWS key id can have,
// and the double answers on loopback only. Emulators such as moto verify
// nothing of SAML; this one refuses the table of attacks in its own tests. Its
// verdict is still only a double's: check assertions with another XML
// signature implementation too, before real AWS does.
package ststest
