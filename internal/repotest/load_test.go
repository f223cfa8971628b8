// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package repotest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// module is the import path that every package begins with.
const module = "github.com/gatehouse-id/gatehouse"

// root is the checkout: tests run in their package's folder.
const root = "../.."

// pkg is what go list says of a package.
type pkg struct {
	ImportPath   string
	Name         string
	Dir          string
	Doc          string
	Standard     bool
	GoFiles      []string
	Imports      []string
	Deps         []string
	TestImports  []string
	XTestImports []string
	Module       *moduleOf
}

type moduleOf struct {
	Path string
	Main bool
}

// rel is the path within the module, "" for the root.
func (p *pkg) rel() string { return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/") }

func (p *pkg) ours() bool { return p.Module != nil && p.Module.Main }

// graph is every package that the module needs, by import path.
type graph map[string]*pkg

var load = sync.OnceValues(func() (graph, error) {
	out, err := goCommand(root, nil, "list", "-deps", "-json=ImportPath,Name,Dir,Doc,Standard,GoFiles,Imports,Deps,TestImports,XTestImports,Module", "./...")
	if err != nil {
		return nil, err
	}
	g := graph{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		p := new(pkg)
		if err := d.Decode(p); errors.Is(err, io.EOF) {
			return g, nil
		} else if err != nil {
			return nil, err
		}
		g[p.ImportPath] = p
	}
})

func packages(t *testing.T) graph {
	t.Helper()
	g, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// own are the module's packages.
func (g graph) own() []*pkg {
	var list []*pkg
	for _, p := range g {
		if p.ours() {
			list = append(list, p)
		}
	}
	return list
}

// get finds one of the module's packages; nil if it does not exist.
func (g graph) get(rel string) *pkg { return g[path.Join(module, rel)] }

// modules are the third-party modules that a package links.
func (g graph) modules(p *pkg) map[string]string {
	linked := map[string]string{}
	for _, dep := range append([]string{p.ImportPath}, p.Deps...) {
		if d := g[dep]; d != nil && d.Module != nil && !d.Module.Main {
			linked[d.Module.Path] = dep
		}
	}
	return linked
}

// goCommand runs go without the network.
func goCommand(dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "GOPROXY=off", "GOWORK=off", "GOTOOLCHAIN=local"), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, errs.Bytes())
	}
	return out.Bytes(), nil
}

// goFiles calls fn with every Go file of the checkout, nested modules and
// examples included.
func goFiles(t *testing.T, fn func(rel string, text []byte)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch d.Name() {
			case ".git", "testdata", "gatehouse-data", "node_modules":
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		fn(filepath.ToSlash(rel), text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// under tells whether a path within the module is one of the folders or below.
func under(rel string, folders ...string) bool {
	for _, f := range folders {
		if rel == f || strings.HasPrefix(rel, f+"/") {
			return true
		}
	}
	return false
}

// isKit tells a test kit by its name: samltest, storetest, testkeys.
func isKit(rel string) bool {
	base := path.Base(rel)
	return strings.HasSuffix(base, "test") && base != "test" || base == "testkeys"
}

// importable tells whether users can import the package.
func (p *pkg) importable() bool {
	rel := p.rel()
	return p.ours() && p.Name != "main" && !under(rel, "internal") && !strings.Contains(rel, "/internal/") && !under(rel, "examples")
}
