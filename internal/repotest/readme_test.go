// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package repotest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages are the documents whose code, commands and links must work.
var pages = []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "MIGRATION.md", "CHANGELOG.md"}

// block is a fenced piece of a page.
type block struct {
	lang, text string
	line       int
}

func blocks(t *testing.T, page string) []block {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	var list []block
	var open *block
	for n, line := range strings.Split(string(text), "\n") {
		// A block in a list is indented.
		fence, found := strings.CutPrefix(strings.TrimLeft(line, " "), "```")
		switch {
		case !found && open != nil:
			open.text += line + "\n"
		case found && open == nil:
			open = &block{lang: strings.TrimSpace(fence), line: n + 1}
		case found:
			list = append(list, *open)
			open = nil
		}
	}
	if open != nil {
		t.Errorf("%s:%d: a fence without an end", page, open.line)
	}
	return list
}

// TestSnippets builds every Go block of the pages as a program of its own, in a
// module that knows Gatehouse as a user's does.
func TestSnippets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	count := map[string]int{}
	for _, page := range pages {
		for _, b := range blocks(t, page) {
			if b.lang != "go" {
				continue
			}
			count[page]++
			name := fmt.Sprintf("%s_line_%d", strings.ToLower(strings.TrimSuffix(page, ".md")), b.line)
			write(t, filepath.Join(dir, name, "main.go"), b.text)
		}
	}
	if count["README.md"] < 4 {
		t.Errorf("README.md shows %d programs", count["README.md"])
	}
	userModule(t, dir)
	if _, err := goCommand(dir, []string{"GOFLAGS=-mod=mod -buildvcs=false"}, "build", "./..."); err != nil {
		t.Error(err)
	}
}

// userModule writes the go.mod of somebody who imports this checkout, with the
// versions and sums that are already here.
func userModule(t *testing.T, dir string) {
	t.Helper()
	checkout, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	out, err := goCommand(root, nil, "mod", "edit", "-json")
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Go      string
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "module example.com/snippets\n\ngo %s\n\nrequire %s v0.0.0\n\nreplace %s => %s\n\nrequire (\n", mod.Go, module, module, checkout)
	for _, r := range mod.Require {
		fmt.Fprintf(&b, "\t%s %s // indirect\n", r.Path, r.Version)
	}
	b.WriteString(")\n")
	write(t, filepath.Join(dir, "go.mod"), b.String())
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.sum"), string(sums))
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

var goRun = regexp.MustCompile(`\bgo (?:run|build|test|vet|doc|install)\b([^\n#|&;` + "`" + `]*)`)

// TestCommands looks for every package that a page tells people to run, and for
// every JSON block to be JSON.
func TestCommands(t *testing.T) {
	t.Parallel()
	for _, page := range pages {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range goRun.FindAllStringSubmatch(string(text), -1) {
			for arg := range strings.FieldsSeq(m[1]) {
				arg, local := strings.CutPrefix(arg, "./")
				if !local || strings.HasPrefix(arg, "...") {
					continue
				}
				arg = strings.TrimRight(strings.TrimSuffix(arg, "/..."), ".,:)")
				if _, err := os.Stat(filepath.Join(root, arg)); err != nil {
					t.Errorf("%s: go ...%s: %v", page, m[1], err)
				}
			}
		}
		for _, b := range blocks(t, page) {
			if b.lang == "json" && !json.Valid([]byte(b.text)) {
				t.Errorf("%s:%d: not JSON", page, b.line)
			}
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)

// TestLinks looks for the files that pages link to.
func TestLinks(t *testing.T) {
	t.Parallel()
	for _, page := range pages {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(m[1]))); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			}
		}
	}
}
