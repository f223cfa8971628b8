// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqltx

import (
	"context"
	"database/sql"
	"sync"
)

// Statements keeps the prepared statements of one database by their text:
// SQLite takes as long to compile a statement as to run it. They are closed
// with the database. It is safe for concurrent use.
//
// The rows of one run must be closed before the same statement runs again in
// the same transaction.
type Statements struct {
	db     *sql.DB
	most   int
	mu     sync.RWMutex
	ready  map[string]*sql.Stmt
	wanted map[string]bool
}

// NewStatements keeps at most so many statements of db; others run as they are.
func NewStatements(db *sql.DB, most int) *Statements {
	return &Statements{db: db, most: most, ready: map[string]*sql.Stmt{}, wanted: map[string]bool{}}
}

// InTx is [InTx]. What was first asked for inside a transaction is prepared
// before the next one begins: a second connection must not be needed while one
// is held.
func (s *Statements) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	if ctx.Value(key{s.db}) == nil {
		s.prepareWanted(ctx)
	}
	return InTx(ctx, s.db, fn)
}

// From is [From], and runs statements prepared where that is possible.
func (s *Statements) From(ctx context.Context) Querier {
	return preparing{s, From(ctx, s.db)}
}

func (s *Statements) get(query string) (st *sql.Stmt, full bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.ready[query], len(s.ready) >= s.most
}

func (s *Statements) prepare(ctx context.Context, query string) *sql.Stmt {
	st, err := s.db.PrepareContext(ctx, query)
	if err != nil {
		return nil // running it says why
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.ready[query]; other != nil || len(s.ready) >= s.most {
		_ = st.Close() //nolint:sqlclosecheck // the other one is used
		return other
	}
	s.ready[query] = st
	return st
}

func (s *Statements) want(query string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.wanted)+len(s.ready) < s.most {
		s.wanted[query] = true
	}
}

func (s *Statements) prepareWanted(ctx context.Context) {
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
		s.prepare(ctx, query)
	}
}

// preparing runs statements on q, those that are ready as they were prepared.
type preparing struct {
	s *Statements
	q Querier
}

// stmt returns the statement prepared for q, or nil to run it plainly.
func (p preparing) stmt(ctx context.Context, query string) *sql.Stmt {
	st, full := p.s.get(query)
	switch q := p.q.(type) {
	case *sql.DB:
		if st == nil && !full {
			st = p.s.prepare(ctx, query)
		}
		return st
	case *sql.Tx:
		if st != nil {
			return q.StmtContext(ctx, st)
		}
		if !full {
			p.s.want(query)
		}
	}
	return nil
}

func (p preparing) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if st := p.stmt(ctx, query); st != nil { //nolint:sqlclosecheck // kept for the next call
		return st.ExecContext(ctx, args...)
	}
	return p.q.ExecContext(ctx, query, args...)
}

func (p preparing) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if st := p.stmt(ctx, query); st != nil { //nolint:sqlclosecheck // kept for the next call
		return st.QueryContext(ctx, args...)
	}
	return p.q.QueryContext(ctx, query, args...)
}

func (p preparing) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if st := p.stmt(ctx, query); st != nil { //nolint:sqlclosecheck // kept for the next call
		return st.QueryRowContext(ctx, args...)
	}
	return p.q.QueryRowContext(ctx, query, args...)
}
