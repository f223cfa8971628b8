// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package directory_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/portal/directory"
)

func TestFoldLogin(t *testing.T) {
	for in, want := range map[string]string{
		"Alice": "alice", " alice ": "alice", "ALICE@Example.Test": "alice@example.test", "straße": "strasse", "ﬁsh": "fish", "Ａlice": "alice",
		"": "", "   ": "", "a\x00b": "", "a\nb": "", "\xff": "", strings.Repeat("x", 257): "", "a\u200bb": "",
		directory.NewID("p"): "", strings.ToUpper(directory.NewID("p")): "",
	} {
		if got := directory.FoldLogin(in); got != want {
			t.Errorf("FoldLogin(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzFoldLogin(f *testing.F) {
	f.Add("Alice")
	f.Add("ﬁsh\u0130")
	f.Fuzz(func(t *testing.T, s string) {
		once := directory.FoldLogin(s)
		if once != "" && len(once) <= directory.MaxName && directory.FoldLogin(once) != once {
			t.Errorf("%q folds to %q, which folds to %q", s, once, directory.FoldLogin(once))
		}
	})
}

func TestDomainOf(t *testing.T) {
	for in, want := range map[string]string{"a@b.test": "b.test", "a@x@B.test": "b.test", "a": "", "@": ""} {
		if got := directory.DomainOf(in); got != want {
			t.Errorf("DomainOf(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestPasswords(t *testing.T) {
	p := directory.NewPasswords(1)
	hash, err := p.Hash(t.Context(), "correct horse")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatal(hash, err)
	}
	for _, c := range []struct {
		hash, password string
		want           bool
	}{
		{hash, "correct horse", true},
		{hash, "Correct horse", false},
		{hash, "", false},
		{"", "correct horse", false},
		{"", "", false},
		{hash, strings.Repeat("x", 100_000), false},
	} {
		if got, err := p.Verify(t.Context(), c.hash, c.password); got != c.want || err != nil {
			t.Errorf("Verify(%.10q, %.10q) = %v, %v", c.hash, c.password, got, err)
		}
	}
	for _, bad := range []string{"plain", "$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=99999999,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"} {
		if _, err := p.Verify(t.Context(), bad, "x"); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestCheckPassword(t *testing.T) {
	for in, ok := range map[string]bool{
		"short": false, "password123": false, "P@ssw0rd2026": false, "qwertyuiop123": false, "Summer2026!!": false, "abcdefghijkl": false, "1029384756": true, "letmein letmein": false,
		"correct horse battery": true, "bicycle-9-stove": true, "alice.example.alice": false, "ALICE-example-1": false, "aaaaaaaaaaaaaaaa": false, "alice.example": false, "tulip lantern orbit": true, strings.Repeat("tulip lantern ", 30): false,
	} {
		if err := directory.CheckPassword(in, "alice.example"); (err == nil) != ok {
			t.Errorf("CheckPassword(%q) = %v", in, err)
		}
	}
}
