// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package xmldsig holds the tests of saml/xmldsig against goxmldsig and
// xmlsec1: who signs is verified by the others, over many shapes of documents,
// and each difference of verdict is explained.
package xmldsig
