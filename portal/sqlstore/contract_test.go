// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"path/filepath"
	"testing"

	"github.com/gatehouse-id/gatehouse/portal/sqlstore"
	"github.com/gatehouse-id/gatehouse/portal/storetest"
)

func open(t *testing.T) storetest.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: filepath.Join(t.TempDir(), "portal.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestContract(t *testing.T) {
	t.Parallel()
	s := open(t)
	storetest.TestStore(t, func(*testing.T) storetest.Store { return s })
}

// TestBrokenStores shows that the suite names every fault, by the case that it
// is meant for.
func TestBrokenStores(t *testing.T) {
	t.Parallel()
	cases := map[string]storetest.Case{}
	for _, c := range storetest.Cases() {
		cases[c.Name] = c
	}
	for _, b := range storetest.BrokenStores() {
		t.Run(b.Fault, func(t *testing.T) {
			if err := cases[b.Case].Check(t.Context(), b.Wrap(open(t))); err == nil {
				t.Errorf("case %q passed", b.Case)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]sqlstore.Config{
		"nothing": {}, "both": {Path: "x", DSN: "postgres://x"}, "not PostgreSQL": {DSN: "mysql://x"}, "no such folder": {Path: filepath.Join(t.TempDir(), "no", "x.db")},
	} {
		if s, err := sqlstore.Open(t.Context(), c); err == nil {
			_ = s.Close()
			t.Errorf("%s: opened", name)
		}
	}
}
