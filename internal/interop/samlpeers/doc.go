// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package samlpeers runs examples/sp and examples/idp as processes against
// SimpleSAMLphp, in both roles, and mod_auth_mellon: by Redirect and POST, with
// signed requests, encrypted assertions, logout from either side and sign-in
// that begins at the identity provider; and brings them what they must refuse.
// Its tests are all there is of it.
package samlpeers
