// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package mfatest is for the tests of programs that use mfa: devices that
// people would hold, and the contract of stores.
//
// [Authenticator] answers WebAuthn ceremonies without a browser and
// [TOTPDevice] shows codes; [TestStore] holds an implementation of
// [mfa.Store] to its contract and names what is broken. [Meet] has parallel
// answers really meet.
package mfatest
