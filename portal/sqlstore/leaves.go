// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"io/fs"

	"github.com/gatehouse-id/gatehouse/mfa/mfasql"
	"github.com/gatehouse-id/gatehouse/saml/samlsql"
)

// leaves are the migrations of the leaf packages that the portal uses.
func leaves() []fs.FS { return []fs.FS{mfasql.Migrations(), samlsql.Migrations()} }
