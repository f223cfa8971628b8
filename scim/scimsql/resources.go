// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scimsql

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	mathrand "math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-id/gatehouse/scim"
)

// resources is the scim.Store of one type.
type resources[R any] struct {
	*Store
	codec *scim.Codec[R]
}

var errNoTenant = errors.New("scimsql: the tenant is empty")

// apart names the attributes that live in tables of their own.
func (s *resources[R]) apart() []string {
	switch s.codec.Type() {
	case "User":
		return []string{"groups"}
	case "Group":
		return []string{"members"}
	}
	return nil
}

// name is what memberships show of a group, and nil of anything else.
func name(r any) any {
	if g, ok := r.(*scim.Group); ok {
		return g.DisplayName
	}
	return nil
}

// maxName bounds the name of a group, which is in an index; PostgreSQL takes
// 2,704 bytes in all.
const maxName = 1024

func checkName(r any) error {
	if g, ok := r.(*scim.Group); ok && len(g.DisplayName) > maxName {
		return &scim.Error{Check: scim.CheckInvalidValue, Public: "displayName: longer than 1024 bytes"}
	}
	return nil
}

// newID makes an identifier that begins with the time (RFC 9562 version 7, with
// the microseconds of section 6.2 method 3) and has 64 random bits.
func newID(micros int64) string {
	var b [16]byte
	rand.Read(b[8:])
	ms, us := uint64(max(micros, 0))/1000, uint64(max(micros, 0))%1000
	binary.BigEndian.PutUint64(b[:], ms<<16|us<<2)
	b[6], b[8] = b[6]&0x0f|0x70, b[8]&0x3f|0x80
	return uuid(b)
}

func uuid(b [16]byte) string {
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// idBound is not above, or not below, any id of that time.
func idBound(micros int64, above bool) string {
	var b [16]byte
	ms, us := uint64(max(micros, 0))/1000, uint64(max(micros, 0))%1000
	binary.BigEndian.PutUint64(b[:], ms<<16|us<<2)
	b[6] = b[6]&0x0f | 0x70
	if above {
		b[7] |= 3
		for i := 8; i < 16; i++ {
			b[i] = 0xff
		}
	}
	return uuid(b)
}

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }

func format(version int64) string { return strconv.FormatInt(version, 10) }

// isID reports whether a text has the form of an identifier.
func isID(s string) bool {
	return len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' && strings.Trim(s, "0123456789abcdef-") == ""
}

// encode makes what is stored. No row says that a resource has the core schema.
func (s *resources[R]) encode(r *R) (string, []scim.Indexed) {
	doc, values := s.codec.Encode(r, s.apart()...)
	return string(doc), slices.DeleteFunc(values, func(v scim.Indexed) bool { return v.Path == "schemas" && v.Text == s.codec.Schema() })
}

func (s *resources[R]) Create(ctx context.Context, tenant string, r *R) (*R, error) {
	if tenant == "" {
		return nil, errNoTenant
	}
	if err := checkName(r); err != nil {
		return nil, err
	}
	doc, values := s.encode(r)
	var out *R
	err := s.InTx(ctx, func(ctx context.Context) error {
		now := s.micros()
		id := newID(now)
		_, err := s.q(ctx).ExecContext(ctx, `INSERT INTO scim_resources (tenant, kind, id, version, created, modified, name, doc)
			VALUES ($1, $2, $3, 1, $4, $4, $5, $6)`, tenant, s.codec.Type(), id, now, name(r), doc)
		if err != nil {
			return err
		}
		if err := s.insertValues(ctx, tenant, id, values); err != nil {
			return err
		}
		if err := s.count(ctx, tenant, 1); err != nil {
			return err
		}
		if g, ok := any(r).(*scim.Group); ok && len(g.Members) > 0 {
			if _, err := s.addMembers(ctx, tenant, id, g.Members); err != nil {
				return err
			}
		}
		if out, err = s.assemble(ctx, tenant, row{id: id, version: 1, created: now, modified: now, doc: doc}, scim.OmitGroups); err != nil {
			return err
		}
		return nil
	})
	return out, err
}

// row is one row of scim_resources.
type row struct {
	id                         string
	version, created, modified int64
	doc                        string
}

// head fills in what the columns say.
func (s *resources[R]) head(r *R, x *row) {
	base := s.codec.Common(r)
	base.ID = x.id
	base.Meta = scim.Meta{ResourceType: s.codec.Type(), Created: fromMicros(x.created), LastModified: fromMicros(x.modified), Version: format(x.version)}
}

func (s *resources[R]) assemble(ctx context.Context, tenant string, x row, omit scim.Omit) (*R, error) {
	r := new(R)
	s.head(r, &x)
	if err := s.codec.Decode(r, x.doc); err != nil {
		return nil, err
	}
	return r, s.fill(ctx, tenant, []*R{r}, omit, false)
}

// fill adds members or memberships to resources. In a run nothing of the type
// stands between the first and the last of them.
func (s *resources[R]) fill(ctx context.Context, tenant string, list []*R, omit scim.Omit, run bool) error {
	if len(list) == 0 {
		return nil
	}
	switch list := any(list).(type) {
	case []*scim.Group:
		if omit&scim.OmitMembers == 0 {
			return s.fillMembers(ctx, tenant, list)
		}
	case []*scim.User:
		if omit&scim.OmitGroups == 0 {
			return s.fillGroups(ctx, tenant, list, run)
		}
	}
	return nil
}

func (s *resources[R]) load(ctx context.Context, tenant, id string) (row, error) {
	x := row{id: id}
	err := s.q(ctx).QueryRowContext(ctx, `SELECT version, created, modified, doc FROM scim_resources WHERE tenant = CAST($1 AS TEXT) AND kind = $2 AND id = $3`,
		tenant, s.codec.Type(), id).Scan(&x.version, &x.created, &x.modified, &x.doc)
	if errors.Is(err, sql.ErrNoRows) {
		return x, scim.ErrNotFound
	}
	return x, busy(err)
}

func (s *resources[R]) Get(ctx context.Context, tenant, id string, omit scim.Omit) (*R, error) {
	r, doc, err := s.Document(ctx, tenant, id, omit)
	if err != nil {
		return nil, err
	}
	return r, s.codec.Decode(r, doc)
}

// Document reads a resource without decoding its document.
func (s *resources[R]) Document(ctx context.Context, tenant, id string, omit scim.Omit) (*R, string, error) {
	if strings.ContainsRune(id, 0) {
		return nil, "", scim.ErrNotFound
	}
	x, err := s.load(ctx, tenant, id)
	if err != nil {
		return nil, "", err
	}
	r := new(R)
	s.head(r, &x)
	return r, x.doc, busy(s.fill(ctx, tenant, []*R{r}, omit, false))
}

func (s *resources[R]) Replace(ctx context.Context, tenant string, r *R) (*R, error) {
	base := *s.codec.Common(r)
	version, err := strconv.ParseInt(base.Meta.Version, 10, 64)
	if err != nil {
		version = -1
	}
	if err := checkName(r); err != nil {
		return nil, err
	}
	doc, values := s.encode(r)
	var out *R
	err = s.InTx(ctx, func(ctx context.Context) error {
		x := row{id: base.ID, version: version + 1, modified: s.micros(), doc: doc}
		err := s.q(ctx).QueryRowContext(ctx, `UPDATE scim_resources SET version = version + 1, modified = $1, name = $2, doc = $3
			WHERE tenant = CAST($4 AS TEXT) AND kind = $5 AND id = $6 AND version = $7 RETURNING created`,
			x.modified, name(r), x.doc, tenant, s.codec.Type(), base.ID, version).Scan(&x.created)
		if errors.Is(err, sql.ErrNoRows) {
			return s.missing(ctx, tenant, base.ID)
		}
		if err != nil {
			return err
		}
		if err := s.replaceValues(ctx, tenant, base.ID, values); err != nil {
			return err
		}
		if g, ok := any(r).(*scim.Group); ok {
			if err := s.replaceMembers(ctx, tenant, base.ID, g.Members); err != nil {
				return err
			}
		}
		out, err = s.assemble(ctx, tenant, x, 0)
		return err
	})
	return out, err
}

// missing says why a conditional change changed nothing.
func (s *resources[R]) missing(ctx context.Context, tenant, id string) error {
	if _, err := s.load(ctx, tenant, id); err != nil {
		return err
	}
	return scim.ErrVersion
}

func (s *resources[R]) Delete(ctx context.Context, tenant, id, version string) error {
	if strings.ContainsRune(id, 0) {
		return scim.ErrNotFound
	}
	return s.InTx(ctx, func(ctx context.Context) error {
		query, args := `DELETE FROM scim_resources WHERE tenant = CAST($1 AS TEXT) AND kind = $2 AND id = $3`, []any{tenant, s.codec.Type(), id}
		if version != "" {
			n, err := strconv.ParseInt(version, 10, 64)
			if err != nil {
				n = -1
			}
			query, args = query+` AND version = $4`, append(args, n)
		}
		res, err := s.q(ctx).ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, s.missing(ctx, tenant, id))
		}
		if err := s.count(ctx, tenant, -1); err != nil {
			return err
		}
		for _, q := range []string{
			`DELETE FROM scim_values WHERE tenant = CAST($1 AS TEXT) AND kind = $2 AND owner = $3`,
			`UPDATE scim_resources SET version = version + 1, modified = $4 WHERE tenant = CAST($1 AS TEXT) AND kind = 'Group'
				AND id IN (SELECT group_id FROM scim_members WHERE tenant = CAST($1 AS TEXT) AND member = $3) AND $2 <> ''`,
			`DELETE FROM scim_members WHERE tenant = CAST($1 AS TEXT) AND (member = $3 OR group_id = $3) AND $2 <> ''`,
		} {
			args := []any{tenant, s.codec.Type(), id, s.micros()}
			if !strings.Contains(q, "$4") {
				args = args[:3]
			}
			if _, err := s.q(ctx).ExecContext(ctx, q, args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// shards is how many rows a count is spread over, so that transactions that
// create at the same time seldom wait for each other.
const shards = 32

// count adds to the number of resources.
func (s *resources[R]) count(ctx context.Context, tenant string, n int64) error {
	_, err := s.q(ctx).ExecContext(ctx, `INSERT INTO scim_counts (tenant, kind, shard, n) VALUES ($1, $2, $3, $4)
		ON CONFLICT (tenant, kind, shard) DO UPDATE SET n = scim_counts.n + excluded.n`, tenant, s.codec.Type(), mathrand.Int64N(shards), n)
	return err
}

// valueRows is how many rows of values one statement inserts.
const valueRows = 60

func (s *resources[R]) insertValues(ctx context.Context, tenant, id string, values []scim.Indexed) error {
	for chunk := range slices.Chunk(values, valueRows) {
		args := append(make([]any, 0, 3+6*len(chunk)), tenant, s.codec.Type(), id)
		for _, v := range chunk {
			args = append(args, v.Path, v.Element, order(v.Value.Kind, v.Text, v.Value), v.Text, flag(v.Lead), flag(v.Unique))
		}
		res, err := s.q(ctx).ExecContext(ctx, insertValues(len(chunk)), args...)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n < int64(len(chunk)) {
			return cmp.Or(err, scim.ErrConflict)
		}
	}
	return nil
}

var insertStatements sync.Map // number of rows -> text

// insertValues is the statement for n rows, which leaves out those that are
// not unique.
func insertValues(n int) string {
	if s, ok := insertStatements.Load(n); ok {
		return s.(string)
	}
	var b strings.Builder
	b.WriteString(`INSERT INTO scim_values (tenant, kind, owner, path, elem, ord, fold, lead, uniq) VALUES `)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`($1,$2,$3,` + placeholders(4+6*i, 6) + `)`)
	}
	b.WriteString(` ON CONFLICT DO NOTHING`)
	insertStatements.Store(n, b.String())
	return b.String()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// stored is what tells rows of scim_values of one owner apart.
type stored struct {
	path, fold, ord string
	elem            int64
	lead, uniq      int64
}

// replaceValues writes what differs.
func (s *resources[R]) replaceValues(ctx context.Context, tenant, id string, values []scim.Indexed) error {
	old := map[stored]bool{}
	rows, err := s.q(ctx).QueryContext(ctx, `SELECT path, elem, ord, fold, lead, uniq FROM scim_values WHERE tenant = CAST($1 AS TEXT) AND kind = $2 AND owner = $3`, tenant, s.codec.Type(), id)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var x stored
		var ord []byte
		if err := rows.Scan(&x.path, &x.elem, &ord, &x.fold, &x.lead, &x.uniq); err != nil {
			return err
		}
		x.ord = string(ord)
		old[x] = true
	}
	if err := rows.Err(); err != nil {
		return err
	}
	var added []scim.Indexed
	for _, v := range values {
		x := stored{v.Path, v.Text, string(order(v.Value.Kind, v.Text, v.Value)), int64(v.Element), flag(v.Lead), flag(v.Unique)}
		if old[x] {
			delete(old, x)
		} else {
			added = append(added, v)
		}
	}
	for x := range old {
		if _, err := s.q(ctx).ExecContext(ctx, `DELETE FROM scim_values WHERE tenant = CAST($1 AS TEXT) AND kind = $2 AND owner = $3 AND path = $4 AND elem = $5 AND ord = $6 AND fold = $7 AND lead = $8`,
			tenant, s.codec.Type(), id, x.path, x.elem, []byte(x.ord), x.fold, x.lead); err != nil {
			return err
		}
	}
	return s.insertValues(ctx, tenant, id, added)
}
