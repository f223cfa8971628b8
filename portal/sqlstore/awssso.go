// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/sqltx"
	"github.com/gatehouse-id/gatehouse/portal/awssso"
)

// SSOStore is the [awssso.Store] of this database: device codes, authorization
// codes and token families of the AWS command line.
type SSOStore struct {
	db    *sql.DB
	often *sqltx.Statements
}

// NewSSOStore returns the store on a database whose migrations are applied.
func NewSSOStore(db *sql.DB) *SSOStore { return &SSOStore{db: db, often: often(db)} }

// SSO is the store of the AWS command line in this database.
func (s *Store) SSO() *SSOStore { return &SSOStore{db: s.db, often: s.often} }

var _ awssso.Store = (*SSOStore)(nil)

// grantsEpoch is the current epoch as a part of a statement.
const grantsEpoch = "(SELECT value FROM portal_sso_epochs WHERE kind = 'grants')"

// InTx implements [awssso.Store].
func (s *SSOStore) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.often.InTx(ctx, fn)
}

func (s *SSOStore) q(ctx context.Context) sqltx.Querier { return sqltx.From(ctx, s.db) }

// one runs a statement that must change exactly one row.
func (s *SSOStore) one(ctx context.Context, query string, args ...any) error {
	n, err := s.exec(ctx, query, args...)
	if err == nil && n != 1 {
		return awssso.ErrTaken
	}
	return err
}

func (s *SSOStore) exec(ctx context.Context, query string, args ...any) (int, error) {
	r, err := s.q(ctx).ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	n, err := r.RowsAffected()
	return int(n), err
}

func (s *SSOStore) row(ctx context.Context, query string, args []any, into ...any) error {
	err := s.q(ctx).QueryRowContext(ctx, query, args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return awssso.ErrNotFound
	}
	return err
}

// InsertDevice implements [awssso.Store].
func (s *SSOStore) InsertDevice(ctx context.Context, d awssso.DeviceCode, perNetwork int) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		var pending int
		err := s.row(ctx, "SELECT COUNT(*) FROM portal_sso_devices WHERE network = $1 AND state = 'pending' AND expires > $2",
			[]any{d.Network, micros(d.Created)}, &pending)
		if err != nil {
			return err
		}
		if pending >= perNetwork {
			return awssso.ErrTooMany
		}
		return s.one(ctx, `INSERT INTO portal_sso_devices (hash, user_hash, epoch, client, client_name, device, scopes, network, created, expires,
			state, shown_to, typed, session_id, person_id, auth_time, amr, family_id)
			VALUES ($1, $2, `+grantsEpoch+`, $3, $4, $5, $6, $7, $8, $9, $10, '', 0, '', '', 0, '', '') ON CONFLICT DO NOTHING`,
			d.Hash, d.UserHash, d.Client, d.ClientName, d.Device, joinWords(d.Scopes), d.Network, micros(d.Created), micros(d.Expires), string(d.State))
	})
}

// Device implements [awssso.Store].
func (s *SSOStore) Device(ctx context.Context, hash string) (awssso.DeviceCode, error) {
	return s.device(ctx, "hash", hash)
}

// DeviceByUserCode implements [awssso.Store].
func (s *SSOStore) DeviceByUserCode(ctx context.Context, userHash string) (awssso.DeviceCode, error) {
	return s.device(ctx, "user_hash", userHash)
}

func (s *SSOStore) device(ctx context.Context, column, value string) (d awssso.DeviceCode, err error) {
	var created, expires, typed, authTime int64
	var scopes, amr string
	err = s.row(ctx, `SELECT hash, user_hash, client, client_name, device, scopes, network, created, expires, state, shown_to, typed,
		session_id, person_id, auth_time, amr, family_id FROM portal_sso_devices WHERE `+column+` = $1 AND epoch = `+grantsEpoch, []any{value},
		&d.Hash, &d.UserHash, &d.Client, &d.ClientName, &d.Device, &scopes, &d.Network, &created, &expires, &d.State, &d.ShownTo, &typed,
		&d.Approval.SessionID, &d.Approval.PersonID, &authTime, &amr, &d.FamilyID)
	d.Typed, d.Scopes, d.Approval.AMR = typed != 0, splitWords(scopes), splitWords(amr)
	d.Created, d.Expires, d.Approval.AuthTime = fromMicros(created), fromMicros(expires), fromMicros(authTime)
	return d, err
}

// ShowDevice implements [awssso.Store].
func (s *SSOStore) ShowDevice(ctx context.Context, hash, sessionID string, typed bool, now time.Time) error {
	return s.one(ctx, `UPDATE portal_sso_devices SET shown_to = $1, typed = CASE WHEN $2 THEN 1 ELSE 0 END
		WHERE hash = $3 AND state = 'pending' AND expires > $4 AND epoch = `+grantsEpoch, sessionID, typed, hash, micros(now))
}

// AnswerDevice implements [awssso.Store].
func (s *SSOStore) AnswerDevice(ctx context.Context, hash string, to awssso.DeviceState, a awssso.Approval, now time.Time) error {
	return s.one(ctx, `UPDATE portal_sso_devices SET state = $1, session_id = $2, person_id = $3, auth_time = $4, amr = $5
		WHERE hash = $6 AND state = 'pending' AND expires > $7 AND epoch = `+grantsEpoch,
		string(to), a.SessionID, a.PersonID, micros(a.AuthTime), joinWords(a.AMR), hash, micros(now))
}

// TakeDevice implements [awssso.Store].
func (s *SSOStore) TakeDevice(ctx context.Context, hash, familyID string) error {
	return s.one(ctx, "UPDATE portal_sso_devices SET state = 'taken', family_id = $1 WHERE hash = $2 AND state = 'approved' AND epoch = "+grantsEpoch,
		familyID, hash)
}

// InsertCode implements [awssso.Store].
func (s *SSOStore) InsertCode(ctx context.Context, c awssso.AuthCode) error {
	return s.one(ctx, `INSERT INTO portal_sso_codes (hash, epoch, client, client_name, redirect_uri, challenge, scopes, created, expires,
		session_id, person_id, auth_time, amr, taken, family_id)
		VALUES ($1, `+grantsEpoch+`, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, '') ON CONFLICT DO NOTHING`,
		c.Hash, c.Client, c.ClientName, c.RedirectURI, c.Challenge, joinWords(c.Scopes), micros(c.Created), micros(c.Expires),
		c.Approval.SessionID, c.Approval.PersonID, micros(c.Approval.AuthTime), joinWords(c.Approval.AMR))
}

// TakeCode implements [awssso.Store]: the column taken counts 0, 1 (once) and 2
// (again), and the statement that counts also tells.
func (s *SSOStore) TakeCode(ctx context.Context, hash string) (c awssso.AuthCode, err error) {
	var created, expires, authTime, taken int64
	var scopes, amr string
	err = s.row(ctx, `UPDATE portal_sso_codes SET taken = CASE WHEN taken = 0 THEN 1 ELSE 2 END WHERE hash = $1 AND epoch = `+grantsEpoch+`
		RETURNING hash, client, client_name, redirect_uri, challenge, scopes, created, expires, session_id, person_id, auth_time, amr, taken, family_id`,
		[]any{hash}, &c.Hash, &c.Client, &c.ClientName, &c.RedirectURI, &c.Challenge, &scopes, &created, &expires,
		&c.Approval.SessionID, &c.Approval.PersonID, &authTime, &amr, &taken, &c.FamilyID)
	c.Scopes, c.Approval.AMR = splitWords(scopes), splitWords(amr)
	c.Created, c.Expires, c.Approval.AuthTime = fromMicros(created), fromMicros(expires), fromMicros(authTime)
	if err == nil && taken != 1 {
		err = awssso.ErrTaken
	}
	return c, err
}

// BindCode implements [awssso.Store].
func (s *SSOStore) BindCode(ctx context.Context, hash, familyID string) error {
	return s.one(ctx, "UPDATE portal_sso_codes SET family_id = $1 WHERE hash = $2 AND taken = 1 AND family_id = ''", familyID, hash)
}

// InsertFamily implements [awssso.Store].
func (s *SSOStore) InsertFamily(ctx context.Context, f awssso.Family, tokens ...awssso.Token) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		err := s.one(ctx, `INSERT INTO portal_sso_families (id, epoch, flow, client, client_name, network, scopes, session_id, person_id,
			auth_time, amr, created, expires, generation, rotated, key_id, revoked)
			VALUES ($1, `+grantsEpoch+`, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING`,
			f.ID, string(f.Flow), f.Client, f.ClientName, f.Network, joinWords(f.Scopes), f.Approval.SessionID, f.Approval.PersonID,
			micros(f.Approval.AuthTime), joinWords(f.Approval.AMR), micros(f.Created), micros(f.Expires), f.Generation, micros(f.Rotated), f.KeyID, micros(f.Revoked))
		if err != nil {
			return err
		}
		return s.insertTokens(ctx, tokens)
	})
}

func (s *SSOStore) insertTokens(ctx context.Context, tokens []awssso.Token) error {
	for _, t := range tokens {
		err := s.one(ctx, "INSERT INTO portal_sso_tokens (hash, kind, family_id, generation, expires) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
			t.Hash, string(t.Kind), t.FamilyID, t.Generation, micros(t.Expires))
		if err != nil {
			return err
		}
	}
	return nil
}

const familyColumns = `f.id, f.flow, f.client, f.client_name, f.network, f.scopes, f.session_id, f.person_id, f.auth_time, f.amr,
	f.created, f.expires, f.generation, f.rotated, f.key_id, f.revoked`

// scanFamily scans familyColumns and then more.
func scanFamily(scan func(...any) error, more ...any) (f awssso.Family, err error) {
	var authTime, created, expires, rotated, revoked int64
	var scopes, amr string
	err = scan(append([]any{
		&f.ID, &f.Flow, &f.Client, &f.ClientName, &f.Network, &scopes, &f.Approval.SessionID, &f.Approval.PersonID, &authTime, &amr,
		&created, &expires, &f.Generation, &rotated, &f.KeyID, &revoked,
	}, more...)...)
	f.Scopes, f.Approval.AMR, f.Approval.AuthTime = splitWords(scopes), splitWords(amr), fromMicros(authTime)
	f.Created, f.Expires, f.Rotated, f.Revoked = fromMicros(created), fromMicros(expires), fromMicros(rotated), fromMicros(revoked)
	return f, err
}

// Token implements [awssso.Store].
func (s *SSOStore) Token(ctx context.Context, kind awssso.TokenKind, hash string) (t awssso.Token, f awssso.Family, err error) {
	var expires int64
	row := s.often.From(ctx).QueryRowContext(ctx, "SELECT "+familyColumns+`, t.hash, t.kind, t.family_id, t.generation, t.expires
		FROM portal_sso_tokens t JOIN portal_sso_families f ON f.id = t.family_id
		WHERE t.hash = $1 AND t.kind = $2 AND f.epoch = `+grantsEpoch, hash, string(kind))
	f, err = scanFamily(row.Scan, &t.Hash, &t.Kind, &t.FamilyID, &t.Generation, &expires)
	t.Expires = fromMicros(expires)
	if errors.Is(err, sql.ErrNoRows) {
		err = awssso.ErrNotFound
	}
	return t, f, err
}

// Rotate implements [awssso.Store].
func (s *SSOStore) Rotate(ctx context.Context, familyID string, from int64, keyID string, now time.Time, tokens ...awssso.Token) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		err := s.one(ctx, `UPDATE portal_sso_families SET generation = generation + 1, key_id = $1, rotated = $2
			WHERE id = $3 AND generation = $4 AND revoked = 0`, keyID, micros(now), familyID, from)
		if err != nil {
			return err
		}
		return s.insertTokens(ctx, tokens)
	})
}

// RevokeFamily implements [awssso.Store].
func (s *SSOStore) RevokeFamily(ctx context.Context, id string, now time.Time) (int, error) {
	return s.exec(ctx, "UPDATE portal_sso_families SET revoked = $1 WHERE id = $2 AND revoked = 0", micros(now), id)
}

// RevokeSession implements [awssso.Store].
func (s *SSOStore) RevokeSession(ctx context.Context, sessionID string, now time.Time) (int, error) {
	return s.exec(ctx, "UPDATE portal_sso_families SET revoked = $1 WHERE session_id = $2 AND revoked = 0", micros(now), sessionID)
}

// RevokePerson implements [awssso.Store].
func (s *SSOStore) RevokePerson(ctx context.Context, personID string, now time.Time) (int, error) {
	return s.exec(ctx, "UPDATE portal_sso_families SET revoked = $1 WHERE person_id = $2 AND revoked = 0", micros(now), personID)
}

// Families implements [awssso.Store].
func (s *SSOStore) Families(ctx context.Context, personID string, now time.Time, limit int) ([]awssso.Family, error) {
	rows, err := s.q(ctx).QueryContext(ctx, "SELECT "+familyColumns+` FROM portal_sso_families f
		WHERE f.person_id = $1 AND f.revoked = 0 AND f.expires > $2 AND f.epoch = `+grantsEpoch+" ORDER BY f.created DESC, f.id LIMIT $3",
		personID, micros(now), limit)
	return collect(rows, err, func(scan func(...any) error) (awssso.Family, error) { return scanFamily(scan) })
}

// Client implements [awssso.Store].
func (s *SSOStore) Client(ctx context.Context, client string) (c awssso.ClientState, err error) {
	var denied int
	err = s.row(ctx, `SELECT value, (SELECT COUNT(*) FROM portal_sso_denied WHERE client = $1) FROM portal_sso_epochs WHERE kind = 'clients'`,
		[]any{client}, &c.Epoch, &denied)
	c.Denied = denied != 0
	return c, err
}

// DenyClient implements [awssso.Store].
func (s *SSOStore) DenyClient(ctx context.Context, client string, until time.Time) error {
	_, err := s.exec(ctx, "INSERT INTO portal_sso_denied (client, until) VALUES ($1, $2) ON CONFLICT (client) DO UPDATE SET until = excluded.until",
		client, micros(until))
	return err
}

// RaiseEpoch implements [awssso.Store].
func (s *SSOStore) RaiseEpoch(ctx context.Context, kind awssso.EpochKind) error {
	return s.one(ctx, "UPDATE portal_sso_epochs SET value = value + 1 WHERE kind = $1", string(kind))
}

// Charge implements [awssso.Store] in one conditional statement.
func (s *SSOStore) Charge(ctx context.Context, key string, limit int, window time.Duration, now time.Time) error {
	if limit < 1 {
		return awssso.ErrTooMany
	}
	err := s.one(ctx, `INSERT INTO portal_sso_attempts (key, count, until) VALUES ($1, 1, $2)
		ON CONFLICT (key) DO UPDATE SET
			count = CASE WHEN portal_sso_attempts.until <= $3 THEN 1 ELSE portal_sso_attempts.count + 1 END,
			until = CASE WHEN portal_sso_attempts.until <= $3 THEN excluded.until ELSE portal_sso_attempts.until END
		WHERE portal_sso_attempts.until <= $3 OR portal_sso_attempts.count < $4`, key, micros(now.Add(window)), micros(now), limit)
	if errors.Is(err, awssso.ErrTaken) {
		return awssso.ErrTooMany
	}
	return err
}

// Refund implements [awssso.Store].
func (s *SSOStore) Refund(ctx context.Context, key string) error {
	_, err := s.exec(ctx, "UPDATE portal_sso_attempts SET count = count - 1 WHERE key = $1 AND count > 0", key)
	return err
}

// DeleteExpired implements [awssso.Store].
func (s *SSOStore) DeleteExpired(ctx context.Context, now time.Time, limit int) (n int, err error) {
	stale := now.Add(-awssso.Grace)
	for _, d := range []struct {
		query  string
		before time.Time
	}{
		{"DELETE FROM portal_sso_devices WHERE hash IN (SELECT hash FROM portal_sso_devices WHERE expires <= $1 LIMIT $2)", stale},
		{"DELETE FROM portal_sso_codes WHERE hash IN (SELECT hash FROM portal_sso_codes WHERE expires <= $1 LIMIT $2)", stale},
		{"DELETE FROM portal_sso_denied WHERE client IN (SELECT client FROM portal_sso_denied WHERE until <= $1 LIMIT $2)", now},
		{"DELETE FROM portal_sso_attempts WHERE key IN (SELECT key FROM portal_sso_attempts WHERE until <= $1 LIMIT $2)", now},
	} {
		m, err := s.exec(ctx, d.query, micros(d.before), limit)
		if err != nil {
			return n, err
		}
		n += m
	}
	m, err := s.deleteFamilies(ctx, now, limit)
	return n + m, err
}

func (s *SSOStore) deleteFamilies(ctx context.Context, now time.Time, limit int) (n int, err error) {
	const expired = "(SELECT id FROM portal_sso_families WHERE expires <= $1 ORDER BY expires, id LIMIT $2)"
	err = s.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.exec(ctx, "DELETE FROM portal_sso_tokens WHERE family_id IN "+expired, micros(now), limit); err != nil {
			return err
		}
		n, err = s.exec(ctx, "DELETE FROM portal_sso_families WHERE id IN "+expired, micros(now), limit)
		return err
	})
	return n, err
}

// joinWords and splitWords keep short words without spaces in one column.
func joinWords(words []string) string { return strings.Join(words, " ") }

func splitWords(column string) []string { return strings.Fields(column) }
