// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package access

// Config is what an [Access] stands on.
type Config struct {
	Store Store
}

// Access answers who may use what.
type Access struct{ c Config }
