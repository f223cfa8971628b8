// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scimsql

import (
	"context"
	"database/sql"
	"sync"

	"github.com/gatehouse-id/gatehouse/internal/sqltx"
)

// statements keeps prepared statements by their text, because to prepare one
// costs as much as to run it. For the same reason the tenant, which every index
// begins with, and limits are compared with a CAST: SQLite would look at the
// values to plan with its statistics, and do so again for other values. What is first asked for inside a transaction is
// prepared before the next one begins: a second connection must not be needed
// while one is held.
type statements struct {
	mu     sync.RWMutex
	ready  map[string]*sql.Stmt
	wanted map[string]bool
}

// maxStatements bounds what filters of many shapes leave behind.
const maxStatements = 200

func (s *statements) get(query string) *sql.Stmt {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.ready[query]
}

func (s *statements) prepare(ctx context.Context, db *sql.DB, query string) *sql.Stmt {
	s.mu.RLock()
	full := len(s.ready) >= maxStatements
	s.mu.RUnlock()
	if full {
		return nil
	}
	st, err := db.PrepareContext(ctx, query)
	if err != nil {
		return nil // running it says why
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.ready[query]; other != nil {
		_ = st.Close() //nolint:sqlclosecheck // the other one is used
		return other
	}
	s.ready[query] = st
	return st
}

func (s *statements) want(query string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.wanted)+len(s.ready) < maxStatements {
		s.wanted[query] = true
	}
}

// prepareWanted is called while no transaction is open.
func (s *statements) prepareWanted(ctx context.Context, db *sql.DB) {
	s.mu.RLock()
	n := len(s.wanted)
	s.mu.RUnlock()
	if n == 0 {
		return
	}
	s.mu.Lock()
	wanted := s.wanted
	s.wanted = map[string]bool{}
	s.mu.Unlock()
	for query := range wanted {
		s.prepare(ctx, db, query)
	}
}

// querier runs statements, prepared where that is possible.
type querier struct {
	s *Store
	q sqltx.Querier
}

func (x querier) stmt(ctx context.Context, query string) *sql.Stmt {
	st := x.s.statements.get(query)
	switch q := x.q.(type) {
	case *sql.DB:
		if st == nil {
			st = x.s.statements.prepare(ctx, q, query)
		}
		return st
	case *sql.Tx:
		if st == nil {
			x.s.statements.want(query)
			return nil
		}
		return q.StmtContext(ctx, st)
	}
	return nil
}

func (x querier) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if st := x.stmt(ctx, query); st != nil { //nolint:sqlclosecheck // kept for the next call
		return st.ExecContext(ctx, args...)
	}
	return x.q.ExecContext(ctx, query, args...)
}

func (x querier) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if st := x.stmt(ctx, query); st != nil { //nolint:sqlclosecheck // kept for the next call
		return st.QueryContext(ctx, args...)
	}
	return x.q.QueryContext(ctx, query, args...)
}

func (x querier) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if st := x.stmt(ctx, query); st != nil { //nolint:sqlclosecheck // kept for the next call
		return st.QueryRowContext(ctx, args...)
	}
	return x.q.QueryRowContext(ctx, query, args...)
}
