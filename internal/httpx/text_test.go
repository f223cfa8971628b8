// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package httpx_test

import (
	"net/url"
	"testing"

	"github.com/gatehouse-id/gatehouse/internal/httpx"
)

func TestText(t *testing.T) {
	for s, want := range map[string]bool{"": true, "Zoë\n\t": true, "\ufffd": true, "a\x00": false, "\xff": false, "a\xc3": false, "\xed\xa0\x80": false} {
		if got := httpx.Text("fine", s); got != want {
			t.Errorf("Text(%q) = %v", s, got)
		}
		if got := httpx.TextValues(url.Values{"a": {"fine", s}}); got != want {
			t.Errorf("TextValues with value %q = %v", s, got)
		}
		if got := httpx.TextValues(url.Values{s: {"fine"}}); got != want {
			t.Errorf("TextValues with name %q = %v", s, got)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		s    string
		n    int
		want string
	}{{"abc", 3, "abc"}, {"abc", 2, "ab"}, {"aë", 2, "a"}, {"aë", 3, "aë"}, {"日本", 5, "日"}, {"\x80\x80", 1, ""}, {"x", 0, ""}} {
		if got := httpx.Cut(c.s, c.n); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.s, c.n, got, c.want)
		}
	}
}
