// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package repotest

import (
	"go/ast"
	"go/parser"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestDomainStores: the domain packages are useful one by one because each
// knows its own store alone; what another keeps it is told in values.
func TestDomainStores(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, p := range packages(t).own() {
		if !domain(p.rel()) {
			continue
		}
		seen++
		for _, name := range p.GoFiles {
			for _, found := range foreignStores(parse(t, filepath.Join(p.Dir, name))) {
				t.Errorf("%s/%s mentions %s, a store of another domain package", p.rel(), name, found)
			}
		}
	}
	if seen != 5 {
		t.Errorf("looked at %d packages, want 5", seen)
	}
}

// foreignStores are the names ending in Store that a file takes from a domain
// package. Its own have no package before them.
func foreignStores(f *ast.File) []string {
	domains := map[string]bool{}
	for _, i := range f.Imports {
		full, err := strconv.Unquote(i.Path.Value)
		if err != nil || !domain(strings.TrimPrefix(full, module+"/")) {
			continue
		}
		name := path.Base(full)
		if i.Name != nil {
			name = i.Name.Name
		}
		domains[name] = true
	}
	var found []string
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok || !strings.HasSuffix(s.Sel.Name, "Store") {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && domains[x.Name] {
			found = append(found, x.Name+"."+s.Sel.Name)
		}
		return true
	})
	return found
}

func TestDomainStoresBite(t *testing.T) {
	t.Parallel()
	const imports = "package access\nimport \"" + module + "/portal/directory\"\nimport who \"" + module + "/portal/session\"\nimport \"" + module + "/scim\"\n"
	for text, want := range map[string]string{
		"type c struct { s directory.Store }":                       "directory.Store",
		"type c interface { who.NoticeStore }":                      "who.NoticeStore",
		"func f(d *directory.Directory) { var _ directory.Person }": "",
		"type Store interface { scim.TokenStore }":                  "",
	} {
		f, err := parser.ParseFile(fileSet, "x.go", imports+text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(foreignStores(f), " "); got != want {
			t.Errorf("%s: found %q, want %q", text, got, want)
		}
	}
}
