// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package repotest holds the rules of the repository as tests: who may import
// whom and why, what each package links, what its tests import, that exported
// names have comments, and that what README.md shows compiles.
//
// It needs nothing but Go and the checkout; imports_test.go is the map to read
// first.
package repotest
