// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package dsig verifies and makes XML signatures in the one form that SAML
// uses: enveloped, a child of the element that it signs, over that element
// (SAML Core section 5.4).
//
// [Verify] returns a [Verified], whose [Verified.Element] is a view of the
// nodes that were digested and of nothing else: claims are read from there.
// [Sign] inserts a signature. [VerifyBytes] and [SignBytes] are for
// signatures over octets, such as those of the HTTP Redirect binding.
package dsig
