// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/gatehouse-id/gatehouse/mfa/mfasql"
	"github.com/gatehouse-id/gatehouse/mfa/totp"
	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
	"github.com/gatehouse-id/gatehouse/portal/sqlstore"
	"github.com/gatehouse-id/gatehouse/portal/storetest"
	"github.com/gatehouse-id/gatehouse/saml/samlsql"
)

// Releases N and N-1 run on one database at the same time: a release migrates
// the schema while replicas of the one before still serve. testdata holds what
// an earlier release did to a database: the migrations that it had, rows that
// it wrote while people used it, and every statement that it ran in its own
// tests. These files are never changed; a release that changes statements adds
// its own.

// release1Migrations are the migrations that release 1 knew.
var release1Migrations = []string{
	"20261124120000_settings.sql", "20261124120100_directory.sql", "20261124120200_sessions.sql", "20261124120300_access.sql", "20261124120400_apps.sql",
	"20261124120450_saml.sql", "20261124120500_awssso.sql", "20261124120600_audit.sql", "20261124120700_signin.sql", "20261124120800_tokens.sql",
	"20261124192000_mfa.sql", "20261124203000_mfa_push.sql",
}

// release is what an earlier release left in a database, with secrets of the
// people in it. They are nobody's: portaltest made them.
type release struct {
	Made     int64    `json:"made"`    // microseconds
	Session  string   `json:"session"` // alice's cookie
	Password string   `json:"password"`
	TOTP     totp.Key `json:"totp"`
	Ticket   string   `json:"ticket"` // bob's invitation
	SCIM     string   `json:"scim"`
	Tables   []struct {
		Table   string   `json:"table"`
		Columns []string `json:"columns"`
		Rows    [][]any  `json:"rows"`
	} `json:"tables"`
}

func readRelease(t *testing.T, name string) *release {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var r release
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// write inserts the rows as the release did, naming its columns alone.
func (r *release) write(t *testing.T, db *sql.DB) {
	t.Helper()
	for _, table := range r.Tables {
		marks := make([]string, len(table.Columns))
		for i := range marks {
			marks[i] = fmt.Sprintf("$%d", i+1)
		}
		insert := fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table.Table, strings.Join(table.Columns, ", "), strings.Join(marks, ", "))
		for _, row := range table.Rows {
			for i, v := range row {
				row[i] = argument(t, v)
			}
			if _, err := db.ExecContext(t.Context(), insert, row...); err != nil {
				t.Fatalf("%s: %v", table.Table, err)
			}
		}
	}
}

func argument(t *testing.T, v any) any {
	t.Helper()
	switch v := v.(type) {
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			t.Fatal(err)
		}
		return n
	case map[string]any:
		text, _ := v["base64"].(string)
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	return v
}

// migrationFiles are all migrations of the portal and its leaves.
func migrationFiles(t *testing.T) fstest.MapFS {
	t.Helper()
	all := fstest.MapFS{}
	for _, dir := range []fs.FS{os.DirFS("../../../portal/sqlstore/migrations"), mfasql.Migrations(), samlsql.Migrations()} {
		names, err := fs.Glob(dir, "*.sql")
		if err != nil || len(names) == 0 {
			t.Fatalf("%d migrations, %v", len(names), err)
		}
		for _, name := range names {
			text, err := fs.ReadFile(dir, name)
			if err != nil {
				t.Fatal(err)
			}
			all[name] = &fstest.MapFile{Data: text}
		}
	}
	return all
}

// place is a database that nothing has been done to.
type place struct {
	config  sqlstore.Config
	db      *sql.DB
	dialect goose.Dialect
}

func inEmptyDatabases(t *testing.T, test func(t *testing.T, p place)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "portal.db")
		db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		test(t, place{sqlstore.Config{Path: path}, db, database.DialectSQLite3})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		dsn, db := freshDatabase(t)
		test(t, place{sqlstore.Config{DSN: dsn}, db, database.DialectPostgres})
	})
}

func (p place) migrate(t *testing.T, files fs.FS) {
	t.Helper()
	g, err := goose.NewProvider(p.dialect, p.db, files, goose.WithAllowOutofOrder(true), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (p place) open(t *testing.T) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), p.config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestUpgrade: what people had in a database of release 1 they have after it
// was brought up to date, and the stores keep their contracts on it.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	inEmptyDatabases(t, func(t *testing.T, p place) {
		old, files := fstest.MapFS{}, migrationFiles(t)
		for _, name := range release1Migrations {
			if files[name] == nil {
				t.Fatalf("migration %s is gone or was renamed: databases know it by its name", name)
			}
			old[name] = files[name]
		}
		p.migrate(t, old)
		r := readRelease(t, "release-1")
		r.write(t, p.db)
		store := p.open(t)
		r.live(t, store)
		storetest.TestStore(t, func(*testing.T) storetest.Store { return store })
	})
}

// live uses everything that people had.
func (r *release) live(t *testing.T, store *sqlstore.Store) {
	t.Helper()
	now := time.UnixMicro(r.Made).Add(time.Minute)
	s := portaltest.NewServerWith(t, portaltest.Options{Store: store, Empty: true, Config: func(c *portal.Config) { c.Now = func() time.Time { return now } }})
	alice := newPerson(t, s.URL)
	base, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	// A cookie's name depends on the port.
	alice.open("/sign-in").expect(http.StatusOK, "Sign in")
	cookies := alice.client.Jar.Cookies(base)
	if len(cookies) != 1 {
		t.Fatalf("cookies %v", cookies)
	}
	name := strings.Replace(cookies[0].Name, "-browser-", "-session-", 1)
	alice.client.Jar.SetCookies(base, []*http.Cookie{{Name: name, Value: r.Session, Path: "/"}})
	alice.open("/").expect(http.StatusOK, portaltest.AccountDev)
	alice.open("/security").expect(http.StatusOK, "Authenticator app")
	alice.post("/sign-out", nil).expect(http.StatusOK, "Signed out")

	alice.open("/apps")
	alice.submit("username", "alice").expect(http.StatusOK, "Enter your password")
	alice.submit("password", r.Password).expect(http.StatusOK, "Confirm it is you")
	code, err := r.TOTP.Code(now)
	if err != nil {
		t.Fatal(err)
	}
	alice.submit("code", code).expect(http.StatusOK, "Demo")

	bob := newPerson(t, s.URL)
	bob.post("/enrol", url.Values{"ticket": {r.Ticket}}).expect(http.StatusOK, "Set your password")
	const password = "tulip lantern orbit"
	bob.post("/enrol/password", url.Values{"flow": {r.Ticket}, "password": {password}, "password2": {password}}).expect(http.StatusOK, "Your password is set")

	c := &provisioner{t: t, base: s.URL + "/scim/v2", token: r.SCIM}
	if found := c.do(http.StatusOK, http.MethodGet, "/Users", nil); fmt.Sprint(found["totalResults"]) != "2" {
		t.Errorf("people: %v", found)
	}
	events, err := store.Events(t.Context(), "", 1000)
	if err != nil || len(events) < 7 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

// TestOldReleaseOnNewSchema: release 1 goes on after a newer one has migrated.
// Its rows go in as it writes them, and the database takes every statement
// that it has.
func TestOldReleaseOnNewSchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "release-1.statements"))
	if err != nil {
		t.Fatal(err)
	}
	statements := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(statements) < 100 {
		t.Fatalf("%d statements only", len(statements))
	}
	inEmptyDatabases(t, func(t *testing.T, p place) {
		p.open(t)
		readRelease(t, "release-1").write(t, p.db)
		conn, err := p.db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for _, text := range statements {
			s, err := conn.PrepareContext(t.Context(), text)
			if err != nil {
				t.Errorf("%s\n%v", text, err)
				continue
			}
			_ = s.Close()
		}
	})
}

// contracted are tables, columns and constraints that a migration may remove or
// add since no supported release needs them as they were, and why.
var contracted = map[string]string{}

// TestMigrationsExpand: each migration leaves what was there as the release
// before it knows it. Tables, columns and their types stay; a column that is
// new in an old table can be left out; and no new rule forbids rows that were
// good.
func TestMigrationsExpand(t *testing.T) {
	t.Parallel()
	inEmptyDatabases(t, func(t *testing.T, p place) {
		all := migrationFiles(t)
		var names []string
		for name := range all {
			names = append(names, name)
		}
		slices.Sort(names)
		done := fstest.MapFS{}
		before := p.schema(t)
		for _, name := range names {
			done[name] = all[name]
			p.migrate(t, done)
			after := p.schema(t)
			for _, fault := range narrowed(before, after) {
				if contracted[fault] == "" {
					t.Errorf("%s: %s", name, fault)
				}
			}
			before = after
		}
		if len(before.columns) < 200 {
			t.Errorf("%d columns only", len(before.columns))
		}
	})
}

// schema is what a database lets its users do.
type schema struct {
	columns map[string]column // by table.column
	unique  map[string]bool   // definitions of unique indexes, with their tables
	tables  map[string]bool
}

type column struct {
	kind     string
	required bool // must be given by who inserts
}

func (p place) schema(t *testing.T) schema {
	t.Helper()
	columns := `SELECT table_name, column_name, data_type, is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO' FROM information_schema.columns WHERE table_schema = 'public'`
	unique := `SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexdef LIKE 'CREATE UNIQUE%' UNION ALL
		SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype IN ('c', 'f') AND connamespace = 'public'::regnamespace`
	if p.dialect == database.DialectSQLite3 {
		columns = `SELECT m.name, c.name, c.type, c."notnull" = 1 AND c.dflt_value IS NULL FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`
		unique = `SELECT m.name, m.name || ' ' || i.name || ' ' || COALESCE((SELECT group_concat(x.name) FROM pragma_index_info(i.name) x), '') FROM sqlite_master m JOIN pragma_index_list(m.name) i
			WHERE m.type = 'table' AND i."unique" = 1
			UNION ALL SELECT m.name, m.name || ' ' || f."from" || ' references ' || f."table" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'`
	}
	s := schema{columns: map[string]column{}, unique: map[string]bool{}, tables: map[string]bool{}}
	p.each(t, columns, func(scan func(...any) error) error {
		var table, name string
		var c column
		if err := scan(&table, &name, &c.kind, &c.required); err != nil {
			return err
		}
		s.tables[table], s.columns[table+"."+name] = true, c
		return nil
	})
	p.each(t, unique, func(scan func(...any) error) error {
		var table, definition string
		err := scan(&table, &definition)
		s.unique[table+": "+definition] = true
		return err
	})
	return s
}

func (p place) each(t *testing.T, query string, row func(scan func(...any) error) error) {
	t.Helper()
	rows, err := p.db.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// narrowed says how a schema allows less than it did.
func narrowed(before, after schema) (faults []string) {
	for name, c := range before.columns {
		now, ok := after.columns[name]
		switch {
		case !ok:
			faults = append(faults, "removes "+name)
		case now.kind != c.kind:
			faults = append(faults, "changes the type of "+name)
		case now.required && !c.required:
			faults = append(faults, "requires "+name)
		}
	}
	for name, c := range after.columns {
		table, _, _ := strings.Cut(name, ".")
		if _, old := before.columns[name]; !old && before.tables[table] && c.required {
			faults = append(faults, "requires the new column "+name)
		}
	}
	for rule := range after.unique {
		table, _, _ := strings.Cut(rule, ": ")
		if before.tables[table] && !before.unique[rule] {
			faults = append(faults, "forbids rows of an old table: "+rule)
		}
	}
	slices.Sort(faults)
	return faults
}

// TestNarrowed shows that each kind of narrowing is seen.
func TestNarrowed(t *testing.T) {
	t.Parallel()
	const first = "-- +goose Up\nCREATE TABLE a (id TEXT PRIMARY KEY, x TEXT, y BIGINT NOT NULL DEFAULT 0);\n-- +goose Down\nDROP TABLE a;\n"
	for want, change := range map[string]string{
		"":                             "ALTER TABLE a ADD COLUMN z TEXT; CREATE TABLE b (id TEXT PRIMARY KEY, n BIGINT NOT NULL, UNIQUE (n));",
		"removes a.x":                  "ALTER TABLE a DROP COLUMN x;",
		"changes the type of a.y":      "ALTER TABLE a DROP COLUMN y; ALTER TABLE a ADD COLUMN y TEXT;",
		"requires the new column":      "DROP TABLE a; CREATE TABLE a (id TEXT PRIMARY KEY, x TEXT, y BIGINT NOT NULL DEFAULT 0, z TEXT NOT NULL);",
		"requires a.x":                 "DROP TABLE a; CREATE TABLE a (id TEXT PRIMARY KEY, x TEXT NOT NULL, y BIGINT NOT NULL DEFAULT 0);",
		"forbids rows of an old table": "CREATE UNIQUE INDEX a_x ON a (x);",
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			inEmptyDatabases(t, func(t *testing.T, p place) {
				files := fstest.MapFS{"1_a.sql": {Data: []byte(first)}}
				p.migrate(t, files)
				before := p.schema(t)
				files["2_b.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + change + "\n-- +goose Down\nSELECT 1;\n")}
				p.migrate(t, files)
				faults := narrowed(before, p.schema(t))
				if want == "" && len(faults) > 0 || want != "" && (len(faults) != 1 || !strings.HasPrefix(faults[0], want)) {
					t.Errorf("faults %q, want one %q", faults, want)
				}
			})
		})
	}
}
