// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package simplesaml holds the tests of the portal against SimpleSAMLphp, which
// package ssp runs: as the external identity provider of a source, and as a
// service provider of the application identity provider.
package simplesaml
