// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package scimsql keeps SCIM resources and tokens in SQLite or PostgreSQL.
//
// [New] wraps a *sql.DB with a driver of the application's choice; the tables
// come from [Migrations], goose files that run on both databases. Store.Users
// and Store.Groups are what scim.Config takes, and a Store is the
// scim.TokenStore too.
//
// Every value of a resource has a row of its own, so that filters and orders
// on any attribute are answered by the database from an index. Statements join
// the transaction in the context.
//
// Open SQLite with _txlock=immediate, journal_mode WAL and a busy timeout.
package scimsql

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/sqltx"
	"github.com/gatehouse-id/gatehouse/scim"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations holds the goose migrations at its root.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the directory is embedded
	}
	return sub
}

// maxStatements bounds what filters of many shapes leave behind.
const maxStatements = 200

// Store keeps everything in one database. It is safe for concurrent use.
type Store struct {
	db         *sql.DB
	statements *sqltx.Statements
	now        func() time.Time
}

// New returns a store over db, whose tables [Migrations] has made. A nil now
// is time.Now.
func New(db *sql.DB, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{db: db, statements: sqltx.NewStatements(db, maxStatements), now: now}
}

// InTx implements scim.Transactor. An error inside must be returned by fn, or
// what failed may commit by half.
func (s *Store) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return busy(s.statements.InTx(ctx, fn))
}

// TxFrom returns the transaction that ctx carries, for the application's own
// rows: in OnChange, those that follow from the change. The *sql.DB itself is no
// part of it, and on SQLite would wait for it. ok is false outside of one, and
// after it has ended.
func (s *Store) TxFrom(ctx context.Context) (tx *sql.Tx, ok bool) { return sqltx.TxFrom(ctx, s.db) }

// q runs prepared statements. The tenant, which every index begins with, and
// limits are compared with a CAST: SQLite would look at the values to plan with
// its statistics, and compile anew for other values.
func (s *Store) q(ctx context.Context) sqltx.Querier { return s.statements.From(ctx) }

func (s *Store) micros() int64 { return s.now().UnixMicro() }

// busy says of a database that is locked or overloaded that it is.
func busy(err error) error {
	var e *scim.Error
	if err == nil || errors.As(err, &e) || !sqltx.IsBusy(err) {
		return err
	}
	return &scim.Error{Check: scim.CheckBusy, Public: "the database is busy", Err: errors.Join(scim.ErrBusy, err), RetryAfter: time.Second}
}

// Users returns the users, with extensions beside the enterprise extension.
func (s *Store) Users(extensions ...scim.Schema) (scim.Store[scim.User], error) {
	return Of[scim.User](s, extend(scim.UserType(), extensions))
}

// Groups returns the groups, with extensions.
func (s *Store) Groups(extensions ...scim.Schema) (scim.Store[scim.Group], error) {
	return Of[scim.Group](s, extend(scim.GroupType(), extensions))
}

// Of returns the resources of an application's own type. Values of unique
// attributes have an index of their own: an attribute that becomes unique, or
// is so no more, is found by its new values only.
func Of[R any, P interface {
	*R
	scim.Resource
}](s *Store, c scim.TypeConfig) (scim.Store[R], error) {
	codec, err := scim.NewCodec[R, P](c)
	if err != nil {
		return nil, err
	}
	return &resources[R]{Store: s, codec: codec}, nil
}

func extend(c scim.TypeConfig, extensions []scim.Schema) scim.TypeConfig {
	for _, e := range extensions {
		c.Extensions = append(c.Extensions, scim.Extension{Schema: e})
	}
	return c
}
