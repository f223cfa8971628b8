// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package webauthn holds the tests of mfa/webauthn and examples/passkeys that
// need a browser: Chromium with its virtual authenticator.
package webauthn
