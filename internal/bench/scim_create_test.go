// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// peopleTables is what an application would make for the same people without a
// SCIM library: columns for what it knows of them, and addresses in a table of
// their own. It keeps no other attributes, and counts by scanning.
const peopleTables = `
	CREATE TABLE NAME (
		id TEXT NOT NULL PRIMARY KEY, tenant TEXT NOT NULL, user_name TEXT NOT NULL, external_id TEXT NOT NULL,
		given_name TEXT NOT NULL, family_name TEXT NOT NULL, display_name TEXT NOT NULL, active BIGINT NOT NULL,
		version BIGINT NOT NULL, created BIGINT NOT NULL, modified BIGINT NOT NULL);
	CREATE UNIQUE INDEX NAME_user_name ON NAME (tenant, user_name);
	CREATE INDEX NAME_external_id ON NAME (tenant, external_id);
	CREATE TABLE NAME_emails (
		person TEXT NOT NULL, tenant TEXT NOT NULL, value TEXT NOT NULL, type TEXT NOT NULL, is_primary BIGINT NOT NULL,
		PRIMARY KEY (person, value));
	CREATE INDEX NAME_emails_value ON NAME_emails (tenant, value);`

// filterIndexes answer filters on the other attributes, as the store does and
// as an application must that scans for none.
const filterIndexes = `
	CREATE INDEX NAME_given_name ON NAME (tenant, given_name);
	CREATE INDEX NAME_family_name ON NAME (tenant, family_name);
	CREATE INDEX NAME_display_name ON NAME (tenant, display_name);
	CREATE INDEX NAME_active ON NAME (tenant, active);
	CREATE INDEX NAME_emails_type ON NAME_emails (tenant, type);
	CREATE INDEX NAME_emails_primary ON NAME_emails (tenant, is_primary);`

// Creating a user, from the request to the answer, costs at most 1.5 times what
// bare inserts with the same durability cost: a transaction on the same file
// (WAL, synchronous=NORMAL) with prepared statements. The inserts are of the
// very rows that the store writes ("same-rows", the bar), of an application's
// own tables with an index for the same filters ("own-indexed"), and of those
// with indexes for nothing but userName, externalId and addresses ("own-lean").
// All take turns, so that noise and checkpoints meet them alike.
func BenchmarkSCIMCreateAndBareInserts(b *testing.B) {
	bed := scimOnSQLite(b, 10_000, 10)
	made := 2_000_000
	of := []struct {
		name string
		one  func(n int)
		took time.Duration
	}{
		{name: "create", one: func(n int) {
			if got := scimDo(bed.h, "POST", "/Users", scimPersonBody(n)); got != 201 {
				b.Fatal(got)
			}
		}},
		{name: "same-rows", one: storeRows(b, bed)},
		{name: "own-indexed", one: ownRows(b, bed.db, "indexed", peopleTables+filterIndexes)},
		{name: "own-lean", one: ownRows(b, bed.db, "lean", peopleTables)},
	}
	for b.Loop() {
		made++
		for i := range of {
			start := time.Now()
			of[i].one(made)
			of[i].took += time.Since(start)
		}
	}
	b.ReportMetric(0, "ns/op")
	for i := range of {
		b.ReportMetric(float64(of[i].took.Nanoseconds())/float64(b.N), of[i].name+"-ns")
		if i > 0 {
			b.ReportMetric(float64(of[0].took)/float64(of[i].took), "x-"+of[i].name)
		}
	}
}

func orderedID(n int) string {
	return fmt.Sprintf("%08x-%04x-7000-8000-%012x", time.Now().UnixMilli()>>16, time.Now().UnixMilli()&0xffff, n)
}

func prepare(b *testing.B, db *sql.DB, query string) *sql.Stmt {
	st, err := db.Prepare(query)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { st.Close() })
	return st
}

// inTx runs statements in a transaction.
func inTx(b *testing.B, db *sql.DB, fn func(tx *sql.Tx) error) {
	tx, err := db.Begin()
	if err == nil {
		err = fn(tx)
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		b.Fatal(err)
	}
}

func ownRows(b *testing.B, db *sql.DB, table, schema string) func(n int) {
	if _, err := db.Exec(strings.ReplaceAll(schema, "NAME", table)); err != nil {
		b.Fatal(err)
	}
	person := prepare(b, db, "INSERT INTO "+table+" (id, tenant, user_name, external_id, given_name, family_name, display_name, active, version, created, modified) VALUES ($1,'acme',$2,$3,$4,$5,$6,1,1,$7,$7)")
	email := prepare(b, db, "INSERT INTO "+table+"_emails (person, tenant, value, type, is_primary) VALUES ($1,'acme',$2,'work',1)")
	one := func(n int) {
		u, id, now := scimPerson(n), orderedID(n), time.Now().UnixMicro()
		inTx(b, db, func(tx *sql.Tx) error {
			if _, err := tx.Stmt(person).Exec(id, u.UserName, u.ExternalID, u.Name.GivenName, u.Name.FamilyName, u.DisplayName, now); err != nil {
				return err
			}
			_, err := tx.Stmt(email).Exec(id, u.Emails[0].Value)
			return err
		})
	}
	for i := range 10_000 {
		one(i)
	}
	return one
}

// storeRows inserts what the store writes for a person of another tenant with
// as many people.
func storeRows(b *testing.B, bed *scimBed) func(n int) {
	if err := bed.tx.InTx(context.Background(), func(ctx context.Context) error {
		for i := range 10_000 {
			if _, err := bed.users.Create(ctx, "other", scimPerson(i)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	const sample = 999_999_999
	made, err := bed.users.Create(context.Background(), "other", scimPerson(sample))
	if err != nil {
		b.Fatal(err)
	}
	var doc string
	if err := bed.db.QueryRow("SELECT doc FROM scim_resources WHERE id = $1", made.ID).Scan(&doc); err != nil {
		b.Fatal(err)
	}
	type value struct {
		path, ord, fold  string
		elem, lead, uniq int64
	}
	var list []value
	found, err := bed.db.Query("SELECT path, elem, ord, fold, lead, uniq FROM scim_values WHERE owner = $1", made.ID)
	if err != nil {
		b.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		var v value
		var ord []byte
		if err := found.Scan(&v.path, &v.elem, &ord, &v.fold, &v.lead, &v.uniq); err != nil {
			b.Fatal(err)
		}
		v.ord = string(ord)
		list = append(list, v)
	}
	if found.Err() != nil || len(list) < 5 {
		b.Fatal(found.Err(), list)
	}
	resource := prepare(b, bed.db, "INSERT INTO scim_resources (tenant, kind, id, version, created, modified, name, doc) VALUES ('other','User',$1,1,$2,$2,NULL,$3)")
	count := prepare(b, bed.db, "UPDATE scim_counts SET n = n + 1 WHERE tenant = 'other' AND kind = 'User' AND shard = (SELECT MIN(shard) FROM scim_counts WHERE tenant = 'other' AND kind = 'User')")
	var text []string
	for i := range list {
		p := 2 + 6*i
		text = append(text, fmt.Sprintf("('other','User',$1,$%d,$%d,$%d,$%d,$%d,$%d)", p, p+1, p+2, p+3, p+4, p+5))
	}
	values := prepare(b, bed.db, "INSERT INTO scim_values (tenant, kind, owner, path, elem, ord, fold, lead, uniq) VALUES "+strings.Join(text, ",")+" ON CONFLICT DO NOTHING")
	return func(n int) {
		id, now, digits := orderedID(n), time.Now().UnixMicro(), strconv.Itoa(1_000_000+n)
		with := func(s string) string { return strings.ReplaceAll(s, strconv.Itoa(sample), digits) }
		args := []any{id}
		for _, v := range list {
			args = append(args, v.path, v.elem, []byte(with(v.ord)), with(v.fold), v.lead, v.uniq)
		}
		inTx(b, bed.db, func(tx *sql.Tx) error {
			if _, err := tx.Stmt(resource).Exec(id, now, with(doc)); err != nil {
				return err
			}
			if _, err := tx.Stmt(values).Exec(args...); err != nil {
				return err
			}
			_, err := tx.Stmt(count).Exec()
			return err
		})
	}
}
