// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package repotest

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const header = "// Copyright 2026 The Gatehouse Authors\n// SPDX-License-Identifier: Apache-2.0\n\n"

func TestLicenceHeader(t *testing.T) {
	t.Parallel()
	count := 0
	goFiles(t, func(rel string, text []byte) {
		count++
		if !strings.HasPrefix(string(text), header) {
			t.Errorf("%s does not begin with the licence header and a blank line", rel)
		}
	})
	if count < 100 {
		t.Errorf("looked at %d files only", count)
	}
}

// What is left undone is missing and said so, not marked in the code.
func TestNoLooseEnds(t *testing.T) {
	t.Parallel()
	loose := regexp.MustCompile(`//.*\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)
	goFiles(t, func(rel string, text []byte) {
		for n, line := range strings.Split(string(text), "\n") {
			if loose.MatchString(line) {
				t.Errorf("%s:%d: %s", rel, n+1, strings.TrimSpace(line))
			}
		}
	})
}

func TestPackageComments(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t).own() {
		if len(p.GoFiles) == 0 { // tests only
			continue
		}
		rel := p.rel()
		if p.Doc == "" {
			t.Errorf("%s has no package comment", rel)
			continue
		}
		want := "Package " + p.Name + " "
		if p.Name == "main" {
			want = "Command " + path.Base(rel) + " "
		}
		if !strings.HasPrefix(p.Doc, want) {
			t.Errorf("%s: the package comment begins with %q, not with %q", rel, p.Doc, want)
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t).own() {
		if !p.importable() {
			continue
		}
		for _, name := range p.GoFiles {
			f := parse(t, filepath.Join(p.Dir, name))
			for _, d := range f.Decls {
				undocumented(d, func(pos token.Pos, what string) {
					t.Errorf("%s/%s:%d: %s has no comment", p.rel(), name, fileSet.Position(pos).Line, what)
				})
			}
		}
	}
}

var fileSet = token.NewFileSet()

func parse(t *testing.T, name string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(fileSet, name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// undocumented reports the exported names of a declaration that have neither a
// comment of their own nor one on their group.
func undocumented(d ast.Decl, report func(pos token.Pos, what string)) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) && !conventional(d) {
			report(d.Pos(), d.Name.Name)
		}
	case *ast.GenDecl:
		said := comments(d)
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && s.Doc == nil && d.Doc == nil {
					report(s.Pos(), s.Name.Name)
				}
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if n.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil && !strings.Contains(said, n.Name) {
						report(n.Pos(), n.Name)
					}
				}
			}
		}
	}
}

// comments are all comments of a group: one may speak of several names.
func comments(d *ast.GenDecl) string {
	var b strings.Builder
	for _, s := range d.Specs {
		if v, ok := s.(*ast.ValueSpec); ok {
			b.WriteString(v.Doc.Text())
		}
	}
	return b.String()
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	switch x := typ.(type) {
	case *ast.IndexExpr:
		typ = x.X
	case *ast.IndexListExpr:
		typ = x.X
	}
	name, ok := typ.(*ast.Ident)
	return ok && name.IsExported()
}

// conventional methods say everything by their name and signature.
func conventional(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return false
	}
	switch d.Name.Name {
	case "Error", "Unwrap", "String", "ServeHTTP", "Len", "Less", "Swap", "Is", "MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText":
		return true
	}
	return false
}

// The import of a package does nothing by itself, and nothing in one program
// reaches another part of it behind the caller's back.
func TestNothingAmbient(t *testing.T) {
	t.Parallel()
	forbidden := map[string]string{
		"http.Handle": "a mux is the caller's", "http.HandleFunc": "a mux is the caller's", "http.DefaultServeMux": "a mux is the caller's",
		"http.ListenAndServe": "a listener is the caller's", "http.DefaultClient": "clients come in by Config", "http.Get": "clients come in by Config",
		"http.Post": "clients come in by Config", "http.PostForm": "clients come in by Config",
		"log.Print": "logs come in by Config", "log.Printf": "logs come in by Config", "log.Println": "logs come in by Config",
		"log.Fatal": "a library ends no program", "log.Fatalf": "a library ends no program", "os.Exit": "a library ends no program",
		"slog.Default": "logs come in by Config", "slog.SetDefault": "logs come in by Config", "slog.Info": "logs come in by Config",
		"slog.Warn": "logs come in by Config", "slog.Error": "logs come in by Config", "slog.Debug": "logs come in by Config",
		"os.Getenv": "settings come in by Config", "os.LookupEnv": "settings come in by Config",
		"flag.Parse": "flags are a program's", "flag.String": "flags are a program's", "expvar.Publish": "it is process-wide",
	}
	except := map[string]string{
		"sts/client.go http.DefaultClient": "for an aws.Config without a client, as the SDK itself does",
	}
	for _, p := range packages(t).own() {
		if p.Name == "main" || under(p.rel(), "internal/interop", "internal/repotest", "examples") || isKit(p.rel()) {
			continue
		}
		for _, name := range p.GoFiles {
			f := parse(t, filepath.Join(p.Dir, name))
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncDecl:
					if n.Recv == nil && n.Name.Name == "init" {
						t.Errorf("%s/%s: func init: importing a package does nothing", p.rel(), name)
					}
				case *ast.SelectorExpr:
					x, ok := n.X.(*ast.Ident)
					if !ok {
						return true
					}
					use := x.Name + "." + n.Sel.Name
					if why := forbidden[use]; why != "" && except[path.Join(p.rel(), name)+" "+use] == "" {
						t.Errorf("%s/%s:%d: %s.%s: %s", p.rel(), name, fileSet.Position(n.Pos()).Line, x.Name, n.Sel.Name, why)
					}
				}
				return true
			})
		}
	}
}

// A replace would not reach those who import the module, so what is tested here
// would not be what they get.
func TestGoMod(t *testing.T) {
	t.Parallel()
	out, err := goCommand(root, nil, "mod", "edit", "-json")
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Module    struct{ Path string }
		Toolchain string
		Replace   []any
		Exclude   []any
		Tool      []any
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	if mod.Module.Path != module {
		t.Errorf("module %s", mod.Module.Path)
	}
	if len(mod.Replace)+len(mod.Exclude) > 0 {
		t.Errorf("go.mod replaces or excludes: %v %v", mod.Replace, mod.Exclude)
	}
	if len(mod.Tool) > 0 {
		t.Errorf("tools belong in internal/tools/go.mod: %v", mod.Tool)
	}
	if mod.Toolchain != "" {
		t.Errorf("go.mod asks for toolchain %s: users choose theirs", mod.Toolchain)
	}
}

// The files that a newcomer or a security researcher looks for.
func TestRootFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"README.md", "LICENSE", "CHANGELOG.md", "MIGRATION.md", "SECURITY.md", "CONTRIBUTING.md", ".ci/run", ".golangci.yml", "doc.go"} {
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if name == ".ci/run" && info.Mode()&0o111 == 0 {
			t.Errorf("%s is not executable", name)
		}
	}
}
