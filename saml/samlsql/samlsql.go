// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package samlsql keeps package saml's records in SQLite or PostgreSQL.
//
// [New] wraps a *sql.DB; the tables come from [Migrations], goose SQL files
// that run on both as they are. The package imports no driver.
package samlsql

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"io/fs"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/sqltx"
	"github.com/gatehouse-id/gatehouse/saml"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations holds the goose migrations at its root.
func Migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the directory is embedded
	}
	return sub
}

// Store is a [saml.Store] and [saml.ParticipantStore]. It is safe for
// concurrent use by any number of processes.
type Store struct{ db *sql.DB }

// New returns a store over db, whose tables exist already. SQLite wants
// _txlock=immediate and a busy timeout in its connection string.
func New(db *sql.DB) *Store { return &Store{db: db} }

// InTx runs fn in a transaction; other stores of the same db join it.
func (s *Store) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return sqltx.InTx(ctx, s.db, fn)
}

// TxFrom returns the transaction that ctx carries, for the application's own
// rows: in a commit, its session's. The *sql.DB itself is no part of it, and on
// SQLite would wait for it. ok is false outside of one, and after it has ended.
func (s *Store) TxFrom(ctx context.Context) (tx *sql.Tx, ok bool) { return sqltx.TxFrom(ctx, s.db) }

// Put inserts r; an expired record of its key gives way.
func (s *Store) Put(ctx context.Context, r saml.Record, now time.Time) error {
	if r.Data == nil {
		r.Data = []byte{}
	}
	return one(saml.ErrExists)(sqltx.From(ctx, s.db).ExecContext(ctx, `
		INSERT INTO saml_records (kind, record_key, connection, data, expires_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (kind, record_key) DO UPDATE
		SET connection = excluded.connection, data = excluded.data, expires_at = excluded.expires_at
		WHERE saml_records.expires_at <= $6`,
		string(r.Kind), r.Key, r.Connection, r.Data, r.Expires.UnixMicro(), now.UnixMicro()))
}

// Get returns the record.
func (s *Store) Get(ctx context.Context, kind saml.Kind, key string, now time.Time) (*saml.Record, error) {
	return scan(sqltx.From(ctx, s.db).QueryRowContext(ctx, `
		SELECT kind, record_key, connection, data, expires_at FROM saml_records
		WHERE kind = $1 AND record_key = $2 AND expires_at > $3`, string(kind), key, now.UnixMicro()))
}

// Take removes the record and returns it, in one statement.
func (s *Store) Take(ctx context.Context, kind saml.Kind, key string, now time.Time) (*saml.Record, error) {
	var out *saml.Record
	err := s.InTx(ctx, func(ctx context.Context) error {
		var err error
		out, err = scan(sqltx.From(ctx, s.db).QueryRowContext(ctx, `
			DELETE FROM saml_records WHERE kind = $1 AND record_key = $2 AND expires_at > $3
			RETURNING kind, record_key, connection, data, expires_at`, string(kind), key, now.UnixMicro()))
		return err
	})
	return out, err
}

// DeleteExpired removes expired rows of both tables.
func (s *Store) DeleteExpired(ctx context.Context, now time.Time, limit int) (int, error) {
	total := 0
	for _, stmt := range []string{
		`DELETE FROM saml_records WHERE (kind, record_key) IN
			(SELECT kind, record_key FROM saml_records WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
		`DELETE FROM saml_participants WHERE (sp, session_index) IN
			(SELECT sp, session_index FROM saml_participants WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
	} {
		res, err := sqltx.From(ctx, s.db).ExecContext(ctx, stmt, now.UnixMicro(), limit-total)
		if err != nil {
			return total, err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return total, err
		}
		total += int(n)
	}
	return total, nil
}

// AddParticipant inserts p; an expired one of its key gives way.
func (s *Store) AddParticipant(ctx context.Context, p saml.Participant, now time.Time) error {
	name, err := json.Marshal(p.NameID)
	if err != nil {
		return err
	}
	return one(saml.ErrExists)(sqltx.From(ctx, s.db).ExecContext(ctx, `
		INSERT INTO saml_participants (sp, session_index, session_id, name_id, name_key, added_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (sp, session_index) DO UPDATE
		SET session_id = excluded.session_id, name_id = excluded.name_id, name_key = excluded.name_key,
			added_at = excluded.added_at, expires_at = excluded.expires_at
		WHERE saml_participants.expires_at <= $8`,
		p.SP, p.SessionIndex, p.Session, string(name), p.NameKey, now.UnixMicro(), p.Expires.UnixMicro(), now.UnixMicro()))
}

// Participants returns the participants of a session.
func (s *Store) Participants(ctx context.Context, session string, now time.Time) ([]saml.Participant, error) {
	return s.participants(ctx, `WHERE session_id = $1 AND expires_at > $2`, session, now.UnixMicro())
}

// FindParticipants returns the participants of a service provider by NameID.
func (s *Store) FindParticipants(ctx context.Context, sp, nameKey string, now time.Time) ([]saml.Participant, error) {
	return s.participants(ctx, `WHERE sp = $1 AND name_key = $2 AND expires_at > $3`, sp, nameKey, now.UnixMicro())
}

func (s *Store) participants(ctx context.Context, where string, args ...any) ([]saml.Participant, error) {
	rows, err := sqltx.From(ctx, s.db).QueryContext(ctx,
		`SELECT sp, session_index, session_id, name_id, name_key, expires_at FROM saml_participants `+where+` ORDER BY added_at, session_index`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []saml.Participant
	for rows.Next() {
		var p saml.Participant
		var name string
		var expires int64
		if err := rows.Scan(&p.SP, &p.SessionIndex, &p.Session, &name, &p.NameKey, &expires); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(name), &p.NameID); err != nil {
			return nil, err
		}
		p.Expires = time.UnixMicro(expires).UTC()
		out = append(out, p)
	}
	return out, rows.Err()
}

// RemoveParticipant removes a participant.
func (s *Store) RemoveParticipant(ctx context.Context, sp, sessionIndex string) error {
	return one(saml.ErrNotFound)(sqltx.From(ctx, s.db).ExecContext(ctx,
		`DELETE FROM saml_participants WHERE sp = $1 AND session_index = $2`, sp, sessionIndex))
}

// one turns "no row was affected" into none.
func one(none error) func(sql.Result, error) error {
	return func(res sql.Result, err error) error {
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 {
			return none
		}
		return nil
	}
}

func scan(row *sql.Row) (*saml.Record, error) {
	var r saml.Record
	var kind string
	var expires int64
	err := row.Scan(&kind, &r.Key, &r.Connection, &r.Data, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, saml.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	r.Kind, r.Expires = saml.Kind(kind), time.UnixMicro(expires).UTC()
	return &r, nil
}
