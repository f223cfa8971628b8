// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package secret_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/mfa/internal/secret"
)

func TestText(t *testing.T) {
	t.Parallel()
	a, b := secret.Text(10), secret.Text(10)
	if a == b || len(a) != 10 {
		t.Errorf("%q, %q", a, b)
	}
	if d := secret.Digits(8); len(d) != 8 || strings.Trim(d, "0123456789") != "" {
		t.Errorf("digits %q", d)
	}
	if got := secret.Group("ABCDEFG", 3); got != "ABC-DEF-G" {
		t.Errorf("group %q", got)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"abc12": "ABC12", "AB-C1 2": "ABC12", "oIlL0": "01110", "abc1": "", "abc123": "", "abcu1": "", "abç12": "", "": "",
	} {
		if got, ok := secret.Read([]byte(in), 5); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v", in, got, ok)
		}
	}
	for in, ok := range map[string]bool{"123456": true, "123 456": true, "12345": false, "1234567": false, "12345a": false} {
		if _, got := secret.ReadDigits([]byte(in), 6); got != ok {
			t.Errorf("%q: %v", in, got)
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	key := secret.NewKey()
	macs := [][]byte{secret.MAC(key, "A"), secret.MAC(key, "B"), secret.MAC(secret.NewKey(), "C")}
	for code, want := range map[string]int{"A": 0, "B": 1, "C": -1, "": -1} {
		if got := secret.Match(key, code, macs); got != want {
			t.Errorf("%q: %d, want %d", code, got, want)
		}
	}
	if got := secret.Match(key, "A", nil); got != -1 {
		t.Errorf("among none: %d", got)
	}
}

// FuzzRead: what is read is in its one spelling.
func FuzzRead(f *testing.F) {
	f.Add([]byte("ol-AB cdEF1"), uint8(10))
	f.Fuzz(func(t *testing.T, b []byte, n uint8) {
		if s, ok := secret.Read(b, int(n)); ok {
			again, ok := secret.Read([]byte(secret.Group(s, 4)), int(n))
			if !ok || again != s || len(s) != int(n) {
				t.Fatalf("%q: %q, then %q", b, s, again)
			}
		}
		if s, ok := secret.ReadDigits(b, int(n)); ok && (len(s) != int(n) || bytes.ContainsFunc([]byte(s), func(r rune) bool { return r < '0' || r > '9' })) {
			t.Fatalf("%q: %q", b, s)
		}
	})
}
