// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore

import "io/fs"

// leaves are the migrations of the leaf packages that the portal uses.
func leaves() []fs.FS { return nil }
