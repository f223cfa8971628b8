// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package bench holds the benchmarks that compare Gatehouse with the bare work
// underneath it and with other libraries.
package bench
