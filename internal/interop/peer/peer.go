// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package peer finds the programs and servers that tests talk to.
//
// [Command] finds a program, [Postgres] a database server. Where there is none
// the test is skipped with the name of the Debian package to install; with
// GATEHOUSE_PEERS=require in the environment, as .ci/run sets it, the test
// fails instead.
package peer

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Required tells whether a missing peer fails a test.
func Required() bool { return os.Getenv("GATEHOUSE_PEERS") == "require" }

// Missing ends the test: it fails if peers are required and is skipped
// otherwise. What names the peer, debianPackage what to install.
func Missing(tb testing.TB, what, debianPackage string) {
	tb.Helper()
	if Required() {
		tb.Fatalf("%s is missing: install the Debian package %s", what, debianPackage)
	}
	tb.Skipf("%s is missing: install the Debian package %s", what, debianPackage)
}

// Command returns the path of a program: name itself if it is a path, else what
// PATH, /usr/sbin or /usr/bin has under it.
func Command(tb testing.TB, name, debianPackage string) string {
	tb.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	// A user's PATH lacks the folder of the servers.
	for _, dir := range []string{"/usr/sbin", "/usr/bin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	Missing(tb, name, debianPackage)
	return ""
}

// Path returns path if there is a file or folder.
func Path(tb testing.TB, path, debianPackage string) string {
	tb.Helper()
	if _, err := os.Stat(path); err != nil {
		Missing(tb, path, debianPackage)
	}
	return path
}

// DefaultPostgres is the server that Postgres looks for.
const DefaultPostgres = "postgres://root@127.0.0.1:5432/postgres?sslmode=disable"

// Postgres returns the connection URL of a PostgreSQL server that listens:
// GATEHOUSE_TEST_POSTGRES or DefaultPostgres. A test uses a schema or a database
// of its own there.
func Postgres(tb testing.TB) string {
	tb.Helper()
	dsn := os.Getenv("GATEHOUSE_TEST_POSTGRES")
	if dsn == "" {
		dsn = DefaultPostgres
	}
	u, err := url.Parse(dsn)
	if err != nil {
		tb.Fatalf("GATEHOUSE_TEST_POSTGRES is not a URL")
	}
	port := u.Port()
	if port == "" {
		port = "5432"
	}
	dialer := net.Dialer{Timeout: 5 * time.Second}
	conn, err := dialer.DialContext(tb.Context(), "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		Missing(tb, "a PostgreSQL server at "+u.Host, "postgresql")
		return ""
	}
	_ = conn.Close()
	return dsn
}
