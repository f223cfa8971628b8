// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package xmlenc decrypts and encrypts elements as SAML does (SAML Core
// section 6, XML Encryption 1.1).
//
// [Decrypt] takes an EncryptedAssertion, EncryptedID or EncryptedAttribute and
// returns the element that was in it, read by the strict parser in the
// namespace context where it stands. [Encrypt] makes an EncryptedData.
// [Inspect] tells the algorithm beforehand, for a policy to judge.
package xmlenc
