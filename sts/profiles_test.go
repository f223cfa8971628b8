// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/sts"
)

func profile(name, role string) sts.Section {
	return sts.Section{Kind: "profile", Name: name, Settings: []sts.Setting{{Key: "sso_role_name", Value: role}, {Key: "region", Value: "eu-central-1"}}}
}

const foreign = "[default]\nregion = us-east-1\n\n# mine\n[profile mine]\nsso_role_name=Keep  \n"

func merge(t *testing.T, old string, prune bool, want ...sts.Section) *sts.Merge {
	t.Helper()
	m, err := sts.MergeProfiles([]byte(old), "corp", want, prune)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMergeProfiles(t *testing.T) {
	first := merge(t, foreign, false, profile("prod-admin", "Admin"), profile("dev-admin", "Admin"), sts.Section{Kind: "services", Name: "corp", Settings: []sts.Setting{{Key: "sts", Nested: []sts.Setting{{Key: "endpoint_url", Value: "http://127.0.0.1:1/"}}}}})
	want := foreign + `# >>> gatehouse corp >>> (this block is generated; changes in it are lost)
[services corp]
sts =
  endpoint_url = http://127.0.0.1:1/

[profile dev-admin]
sso_role_name = Admin
region = eu-central-1

[profile prod-admin]
sso_role_name = Admin
region = eu-central-1

# <<< gatehouse corp <<<
`
	if string(first.Content) != want {
		t.Fatalf("got\n%s", first.Content)
	}
	if len(first.Added) != 3 || !first.Differs() {
		t.Errorf("%+v", first)
	}

	// The order of what is wanted does not matter; a repeat changes nothing.
	again := merge(t, want, true, profile("dev-admin", "Admin"), sts.Section{Kind: "services", Name: "corp", Settings: []sts.Setting{{Key: "sts", Nested: []sts.Setting{{Key: "endpoint_url", Value: "http://127.0.0.1:1/"}}}}}, profile("prod-admin", "Admin"))
	if again.Differs() || len(again.Unchanged) != 3 || again.Diff() != "" {
		t.Errorf("%+v\n%s", again, again.Diff())
	}

	// What is gone stays without prune, goes with it.
	kept := merge(t, want, false, profile("dev-admin", "ReadOnly"))
	if !slices.Equal(kept.Stale, []string{"[services corp]", "[profile prod-admin]"}) || !slices.Equal(kept.Changed, []string{"[profile dev-admin]"}) {
		t.Errorf("%+v", kept)
	}
	pruned := merge(t, want, true, profile("dev-admin", "ReadOnly"))
	if !slices.Equal(pruned.Removed, []string{"[profile prod-admin]", "[services corp]"}) || strings.Contains(string(pruned.Content), "prod-admin") {
		t.Errorf("%+v", pruned)
	}
	if d := pruned.Diff(); !strings.Contains(d, "-sso_role_name = Admin") || !strings.Contains(d, "+sso_role_name = ReadOnly") || !strings.Contains(d, "-[profile prod-admin]") {
		t.Errorf("diff\n%s", d)
	}
	if none := merge(t, want, true); string(none.Content) != foreign {
		t.Errorf("all pruned leaves\n%s", none.Content)
	}
}

func TestMergeLeavesForeignBytes(t *testing.T) {
	for _, old := range []string{
		"", "\n\n", "no newline at the end", "[profile x]\r\nregion=us-east-1\r\n", "\xff\xfe binary \x00 [x\n", "# >>> gatehouse other >>> (x)\n[profile o]\na=b\n# <<< gatehouse other <<<\n",
	} {
		m := merge(t, old, true, profile("p", "R"))
		if !strings.HasPrefix(string(m.Content), old) {
			t.Errorf("%q: %q", old, m.Content)
		}
		tail := "; a comment of mine\n[profile after]\nregion = x\n"
		both := string(m.Content) + tail
		m2 := merge(t, both, true, profile("q", "R"))
		if !strings.HasPrefix(string(m2.Content), old) || !strings.HasSuffix(string(m2.Content), tail) || strings.Contains(string(m2.Content), "[profile p]") {
			t.Errorf("%q: %q", old, m2.Content)
		}
	}
}

func TestMergeConflict(t *testing.T) {
	for _, old := range []string{foreign, "[mine]\n", "[profile 'mine'] # x\n", "[profile\tmine]\n"} {
		m := merge(t, old, false, profile("mine", "Evil"), profile("ok", "R"))
		if !slices.Equal(m.Conflicts, []string{"[profile mine]"}) || strings.Contains(string(m.Content), "Evil") || !strings.Contains(string(m.Content), "[profile ok]") {
			t.Errorf("%q: %+v\n%s", old, m, m.Content)
		}
	}
}

func TestMergeRefuses(t *testing.T) {
	const begin, end = "# >>> gatehouse corp >>> x\n", "# <<< gatehouse corp <<<\n"
	for name, old := range map[string]string{
		"no end":          begin + "[profile a]\n",
		"end alone":       end,
		"two blocks":      begin + end + begin + end,
		"nested":          begin + "# >>> gatehouse other >>>\n" + end,
		"orphan setting":  begin + "[profile a]\n" + end + "region = x\n[profile b]\n",
		"twice in block":  begin + "[profile a]\n[profile a]\n" + end,
		"begin in begin":  begin + begin + end,
		"larger than 8 M": strings.Repeat("#", 8<<20+1),
	} {
		if _, err := sts.MergeProfiles([]byte(old), "corp", nil, false); sts.CheckOf(err) != sts.CheckProfile {
			t.Errorf("%s: %v", name, err)
		}
	}
	set := func(k, v string) sts.Section {
		return sts.Section{Kind: "profile", Name: "p", Settings: []sts.Setting{{Key: k, Value: v}}}
	}
	for name, s := range map[string]sts.Section{
		"newline in value":  set("region", "x\ncredential_process = evil"),
		"return in value":   set("region", "x\rcredential_process = evil"),
		"comment in value":  set("region", "x #y"),
		"value is comment":  set("region", "#y"),
		"blank at the end":  set("region", "x "),
		"empty value":       set("region", ""),
		"newline in key":    set("region\nx", "y"),
		"bracket in name":   {Kind: "profile", Name: "a]\n[profile b"},
		"blank in name":     {Kind: "profile", Name: "a b"},
		"no name":           {Kind: "profile"},
		"default":           {Kind: "profile", Name: "default"},
		"kind":              {Kind: "plugins", Name: "x"},
		"nested two levels": {Kind: "services", Name: "x", Settings: []sts.Setting{{Key: "a", Nested: []sts.Setting{{Key: "b", Nested: []sts.Setting{{Key: "c", Value: "d"}}}}}}},
	} {
		if _, err := sts.MergeProfiles(nil, "corp", []sts.Section{s}, false); sts.CheckOf(err) != sts.CheckProfile {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := sts.MergeProfiles(nil, "corp", []sts.Section{profile("a", "x"), profile("a", "y")}, false); sts.CheckOf(err) != sts.CheckProfile {
		t.Errorf("same name: %v", err)
	}
	if _, err := sts.MergeProfiles(nil, "co\nrp", nil, false); sts.CheckOf(err) != sts.CheckProfile {
		t.Errorf("owner: %v", err)
	}
}

func TestUpdateProfiles(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "config")
	if err := os.WriteFile(real, []byte(foreign), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	update := func(path string, dry bool) *sts.Merge {
		t.Helper()
		m, err := sts.UpdateProfiles(t.Context(), path, "corp", []sts.Section{profile("a", "R")}, true, dry)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if m := update(link, true); !m.Differs() {
		t.Error("a dry run finds nothing to do")
	}
	if b, _ := os.ReadFile(real); string(b) != foreign {
		t.Errorf("a dry run wrote %q", b)
	}
	m := update(link, false)
	b, err := os.ReadFile(real)
	if err != nil || string(b) != string(m.Content) {
		t.Errorf("%q, %v", b, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
	if info, err := os.Stat(real); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if update(link, false).Differs() {
		t.Error("a repeat changes the file")
	}
	fresh := filepath.Join(dir, "new", "config")
	update(fresh, false)
	if info, err := os.Stat(fresh); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}

func FuzzMergeProfiles(f *testing.F) {
	f.Add([]byte(foreign))
	f.Add([]byte("# >>> gatehouse corp >>> x\n[profile a]\nx = y\n# <<< gatehouse corp <<<\n[profile b]\n"))
	f.Add([]byte("[profile p]\r\n# <<< gatehouse corp <<<"))
	f.Fuzz(func(t *testing.T, old []byte) {
		m, err := sts.MergeProfiles(old, "corp", []sts.Section{profile("p", "R")}, true)
		if err != nil {
			if sts.CheckOf(err) == "" {
				t.Fatalf("untyped: %v", err)
			}
			return
		}
		again, err := sts.MergeProfiles(m.Content, "corp", []sts.Section{profile("p", "R")}, true)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%q", err, m.Content)
		}
		if again.Differs() {
			t.Fatalf("a repeat changes\n%q\nto\n%q", m.Content, again.Content)
		}
	})
}
