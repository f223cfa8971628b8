// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqltx

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

// endedDB exists because a *sql.Row can only be made by database/sql: every
// query on it fails with ErrDone before any connection is made. It is never
// mutated.
var endedDB = sql.OpenDB(endedConnector{})

type endedConnector struct{}

func (endedConnector) Connect(context.Context) (driver.Conn, error) { return nil, ErrDone }

func (endedConnector) Driver() driver.Driver { return nil }
