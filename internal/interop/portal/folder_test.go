// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestKeysAreNotMadeAnew: with PostgreSQL the data folder holds the keys alone,
// and a mistyped one gets none.
func TestKeysAreNotMadeAnew(t *testing.T) {
	t.Parallel()
	dsn, _ := freshDatabase(t)
	file := write(t, filepath.Join(t.TempDir(), "org.yaml"), smallOrganisation)
	data := t.TempDir()
	if out, err := command(t, "apply", "--data", data, "--database", dsn, file); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	mistyped := filepath.Join(data, "typo")
	for _, args := range [][]string{{"recover", "--username", "ada"}, {"restored"}} {
		out, err := command(t, append(args, "--data", mistyped, "--database", dsn)...)
		if err == nil || !strings.Contains(out, "there are no keys in "+mistyped) {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
		if _, err := os.Stat(mistyped); !os.IsNotExist(err) {
			t.Fatalf("%v: the folder is there (%v)", args, err)
		}
	}
	if err := os.Mkdir(filepath.Join(data, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := command(t, "recover", "--username", "ada", "--data", data, "--database", dsn); err != nil || !strings.Contains(out, "The new password of ada") {
		t.Errorf("%v\n%s", err, out)
	}
}
