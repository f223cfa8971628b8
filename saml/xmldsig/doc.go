// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package xmldsig verifies and makes XML signatures of the one form that SAML
// uses: enveloped in the element that they sign (SAML Core section 5.4).
//
// [Verify] parses a document strictly, verifies the signature of an element
// and returns a [Signed]: read what was signed from [Signed.XML], which are
// the very octets that were digested, and never from the document again.
// [Sign] puts a signature into a document. Both refuse by an [Error] whose
// [Check] names the rule.
//
// # What is accepted
//
// UTF-8 XML without document type declaration and processing instructions,
// within [Limits]. The signature is the first child of the element that it
// signs or follows its Issuer, has one Reference, by "#" and the value of that
// element's ID attribute, and no transforms but enveloped-signature and
// exclusive canonicalisation. Signatures are RSA (PKCS #1 v1.5 and PSS) of
// 2,048 bits or more, ECDSA on P-256, P-384 and P-521, or Ed25519, digests
// SHA-256, SHA-384 or SHA-512.
//
// Keys come from [Options] alone: a key or certificate in the document proves
// nothing. Work is linear in the size of the document, whatever it holds.
//
// Package saml uses the same engine and reads messages by itself; this package
// is for other documents that are signed in this form.
package xmldsig
