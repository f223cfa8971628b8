// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package simplesaml runs SimpleSAMLphp, from Debian's package, against the
// portal: as the external identity provider of a source, and as a service
// provider of the application identity provider. It checks every message that
// it gets against the OASIS schemas.
package simplesaml
