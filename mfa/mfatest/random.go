// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfatest

import "crypto/rand"

func random() string { return rand.Text() }

func hash() (h [32]byte) {
	_, _ = rand.Read(h[:]) // never fails
	return h
}
