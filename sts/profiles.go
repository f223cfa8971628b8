// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Section is one section of ~/.aws/config.
type Section struct {
	// Kind is profile, sso-session or services.
	Kind string
	// Name is of [A-Za-z0-9._-]; see [ProfileName].
	Name     string
	Settings []Setting
}

// Setting is one line of a section; with Nested it is a heading such as "sts"
// in a services section.
type Setting struct {
	Key    string
	Value  string
	Nested []Setting
}

// Merge is what [MergeProfiles] would make of a file.
type Merge struct {
	// Content is the whole new file.
	Content []byte
	// Added, Changed, Removed and Unchanged name sections; Stale ones are gone
	// from what is wanted, but were not pruned.
	Added, Changed, Removed, Unchanged, Stale []string
	// Conflicts are wanted sections that exist in the part of the file that is
	// not ours; they were left alone and not written.
	Conflicts []string
	old       []byte
	diff      []string
}

// Differs tells whether the file would change.
func (m *Merge) Differs() bool { return !bytes.Equal(m.old, m.Content) }

// Diff is the change as lines that begin with - and +.
func (m *Merge) Diff() string { return strings.Join(m.diff, "\n") }

const maxConfig = 8 << 20

// MergeProfiles puts the wanted sections into a configuration file, inside a
// marked block of the owner, and leaves every byte outside of it as it is.
// Sections of the block that are no longer wanted stay, unless prune is set.
// The same input gives the same bytes.
func MergeProfiles(old []byte, owner string, want []Section, prune bool) (*Merge, error) {
	if owner == "" || owner != ProfileName(owner) {
		return nil, refuse(CheckProfile, "The portal's name cannot be used in a file.", "owner %q", owner)
	}
	if len(old) > maxConfig {
		return nil, refuse(CheckProfile, "The configuration file is too large.", "%d bytes", len(old))
	}
	before, block, after, err := cutBlock(old, owner)
	if err != nil {
		return nil, err
	}
	m := &Merge{old: old}
	ours, err := parseSections(block)
	if err != nil {
		return nil, err
	}
	foreign := map[string]bool{}
	for _, part := range [][]byte{before, after} {
		for _, line := range lines(part) {
			if h, ok := header(line); ok {
				foreign[h] = true
			}
		}
	}
	merged, err := m.plan(ours, want, foreign, prune)
	if err != nil {
		return nil, err
	}
	m.Content = assemble(before, render(owner, merged, eol(old)), after, eol(old))
	return m, nil
}

// text is a section as it stands in the file.
type text struct{ header, body string }

// plan decides for every section and returns those of the new block, sorted.
func (m *Merge) plan(ours []text, want []Section, foreign map[string]bool, prune bool) ([]text, error) {
	had := map[string]text{}
	for _, t := range ours {
		had[t.header] = t
	}
	wanted := map[string]bool{}
	var out []text
	for _, s := range want {
		t, err := s.text()
		if err != nil {
			return nil, err
		}
		if wanted[t.header] {
			return nil, refuse(CheckProfile, "Two profiles would have the same name. Use a template that tells them apart.", "%s is wanted twice", t.header)
		}
		wanted[t.header] = true
		if foreign[t.header] {
			m.Conflicts = append(m.Conflicts, t.header)
			continue
		}
		out = append(out, t)
	}
	for _, t := range ours {
		if !wanted[t.header] && !prune {
			m.Stale = append(m.Stale, t.header)
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b text) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.header, b.header)) })
	m.compare(had, out)
	return out, nil
}

// rank puts sso-session and services before the profiles that name them.
func rank(t text) int {
	if strings.HasPrefix(t.header, "[profile ") {
		return 1
	}
	return 0
}

func (m *Merge) compare(had map[string]text, out []text) {
	kept := map[string]bool{}
	for _, t := range out {
		kept[t.header] = true
		old, ok := had[t.header]
		switch {
		case !ok:
			m.Added = append(m.Added, t.header)
			m.mark("+", t)
		case old != t:
			m.Changed = append(m.Changed, t.header)
			m.mark("-", old)
			m.mark("+", t)
		case !slices.Contains(m.Stale, t.header):
			m.Unchanged = append(m.Unchanged, t.header)
		}
	}
	for h, t := range had {
		if !kept[h] {
			m.Removed = append(m.Removed, t.header)
		}
	}
	slices.Sort(m.Removed)
	for _, h := range m.Removed {
		m.mark("-", had[h])
	}
}

func (m *Merge) mark(sign string, t text) {
	m.diff = append(m.diff, sign+t.header)
	for line := range strings.Lines(t.body) {
		m.diff = append(m.diff, sign+strings.TrimSuffix(line, "\n"))
	}
}

func (s Section) text() (text, error) {
	if s.Kind != "profile" && s.Kind != "sso-session" && s.Kind != "services" {
		return text{}, refuse(CheckProfile, "", "section kind %q", s.Kind)
	}
	if s.Name == "" || s.Name == "default" || s.Name != ProfileName(s.Name) {
		return text{}, refuse(CheckProfile, "A profile's name may have letters, digits, dots, hyphens and underscores only.", "section name %q", s.Name)
	}
	var b strings.Builder
	if err := writeSettings(&b, s.Settings, ""); err != nil {
		return text{}, fmt.Errorf("%s %s: %w", s.Kind, s.Name, err)
	}
	return text{"[" + s.Kind + " " + s.Name + "]", b.String()}, nil
}

func writeSettings(b *strings.Builder, settings []Setting, indent string) error {
	for _, st := range settings {
		if st.Key == "" || strings.ContainsFunc(st.Key, func(r rune) bool { return r != '_' && r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
			return refuse(CheckProfile, "", "setting %q", st.Key)
		}
		if st.Nested != nil {
			if indent != "" || st.Value != "" {
				return refuse(CheckProfile, "", "setting %q is nested too deep", st.Key)
			}
			b.WriteString(st.Key + " =\n")
			if err := writeSettings(b, st.Nested, "  "); err != nil {
				return err
			}
			continue
		}
		if err := checkValue(st.Value); err != nil {
			return err
		}
		b.WriteString(indent + st.Key + " = " + st.Value + "\n")
	}
	return nil
}

// checkValue refuses what some reader of the file would take for the end of
// the line, a comment or a blank to trim.
func checkValue(v string) error {
	if v == "" || hasControl(v) || strings.TrimSpace(v) != v || strings.Contains(v, " #") || strings.Contains(v, " ;") || v[0] == '#' || v[0] == ';' || len(v) > 4096 {
		return refuse(CheckProfile, "A value cannot stand in a configuration file.", "value %q", v[:min(len(v), 80)])
	}
	return nil
}

func beginMark(owner string) string {
	return "# >>> gatehouse " + owner + " >>> (this block is generated; changes in it are lost)"
}
func endMark(owner string) string { return "# <<< gatehouse " + owner + " <<<" }

// cutBlock finds the owner's block. Anything that would make "ours" doubtful
// is an error with its line.
func cutBlock(b []byte, owner string) (before, block, after []byte, err error) {
	begin, end := -1, -1
	var from, to, afterEnd int
	pos := 0
	for i, line := range lines(b) {
		switch trimmed := strings.TrimRight(line, " \t\r\n"); {
		case strings.HasPrefix(trimmed, "# >>> gatehouse "+owner+" >>>"):
			if begin >= 0 {
				return nil, nil, nil, profileError(i, "a second block of %s begins", owner)
			}
			begin, from = i, pos
		case trimmed == endMark(owner):
			if begin < 0 || end >= 0 {
				return nil, nil, nil, profileError(i, "a block of %s ends that did not begin", owner)
			}
			end, to, afterEnd = i, pos, pos+len(line)
		case begin >= 0 && end < 0 && strings.HasPrefix(trimmed, "# >>> gatehouse "), begin >= 0 && end < 0 && strings.HasPrefix(trimmed, "# <<< gatehouse "):
			return nil, nil, nil, profileError(i, "another block stands in that of %s", owner)
		}
		pos += len(line)
	}
	switch {
	case begin < 0:
		return b, nil, nil, nil
	case end < 0:
		return nil, nil, nil, profileError(begin, "the block of %s does not end", owner)
	}
	after = b[afterEnd:]
	for i, line := range lines(after) {
		t := strings.TrimSpace(line)
		if t == "" || t[0] == '#' || t[0] == ';' {
			continue
		}
		if _, ok := header(line); !ok {
			return nil, nil, nil, profileError(end+1+i, "a setting after the block of %s belongs to no section of its own", owner)
		}
		break
	}
	return b[:from], b[from:to], after, nil
}

func profileError(line int, format string, args ...any) error {
	return refuse(CheckProfile, "The configuration file was changed by hand where it is generated. Correct it first.", "line %d: %s", line+1, fmt.Sprintf(format, args...))
}

// parseSections reads the inside of a block.
func parseSections(block []byte) ([]text, error) {
	var out []text
	for i, line := range lines(block) {
		if i == 0 {
			continue // the mark
		}
		line = strings.TrimRight(line, " \t\r\n")
		switch h, ok := header(line); {
		case ok:
			if slices.ContainsFunc(out, func(t text) bool { return t.header == h }) {
				return nil, refuse(CheckProfile, "The configuration file was changed by hand where it is generated. Correct it first.", "%s occurs twice", h)
			}
			out = append(out, text{header: h})
		case line == "":
		case len(out) > 0:
			out[len(out)-1].body += line + "\n"
		}
	}
	return out, nil
}

// header reads a section's header in one form: [profile NAME]; a bare [NAME]
// as well as [profile NAME] is NAME's profile to some readers.
func header(line string) (string, bool) {
	s := strings.TrimSpace(line)
	if !strings.HasPrefix(s, "[") || line[0] == ' ' || line[0] == '\t' {
		return "", false
	}
	inside, _, ok := strings.Cut(s[1:], "]")
	if !ok {
		return "", false
	}
	f := strings.Fields(inside)
	for i := range f {
		f[i] = strings.Trim(f[i], "\"'")
	}
	if len(f) == 1 {
		f = []string{"profile", f[0]}
	}
	return "[" + strings.Join(f, " ") + "]", true
}

func render(owner string, sections []text, eol string) []byte {
	if len(sections) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString(beginMark(owner) + "\n")
	for _, t := range sections {
		b.WriteString(t.header + "\n" + t.body + "\n")
	}
	b.WriteString(endMark(owner) + "\n")
	return []byte(strings.ReplaceAll(b.String(), "\n", eol))
}

// assemble separates a new block from what stands before it.
func assemble(before, block, after []byte, eol string) []byte {
	out := slices.Clone(before)
	if len(block) > 0 && len(before) > 0 && !bytes.HasSuffix(before, []byte("\n")) {
		out = append(out, eol...)
	}
	return append(append(out, block...), after...)
}

// eol is the file's line end; a lone one at the end counts, since a line break
// is about to follow it.
func eol(b []byte) string {
	if bytes.Contains(b, []byte("\r\n")) || bytes.HasSuffix(b, []byte("\r")) {
		return "\r\n"
	}
	return "\n"
}

func lines(b []byte) []string { return slices.Collect(strings.Lines(string(b))) }

// UpdateProfiles merges into a file, such as ~/.aws/config, under a lock and
// in one rename; a symbolic link stays one. With dryRun nothing is written. A
// missing file is an empty one.
func UpdateProfiles(ctx context.Context, path, owner string, want []Section, prune, dryRun bool) (*Merge, error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if !dryRun {
		unlock, err := lockFile(ctx, filepath.Dir(path), filepath.Base(path))
		if err != nil {
			return nil, err
		}
		defer unlock()
	}
	old, mode, err := readConfig(path)
	if err != nil {
		return nil, err
	}
	m, err := MergeProfiles(old, owner, want, prune)
	if err != nil || dryRun || !m.Differs() {
		return m, err
	}
	return m, replaceFile(path, m.Content, mode)
}

func readConfig(path string) ([]byte, fs.FileMode, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0o600, nil
	}
	if err != nil {
		return nil, 0, &Error{Check: CheckProfile, Public: "The configuration file cannot be read.", Err: err}
	}
	if !info.Mode().IsRegular() || info.Size() > maxConfig {
		return nil, 0, refuse(CheckProfile, "The configuration file cannot be used.", "%s is no file of at most %d bytes", path, maxConfig)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, &Error{Check: CheckProfile, Public: "The configuration file cannot be read.", Err: err}
	}
	return b, info.Mode().Perm(), nil
}
