// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package httpx

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// Text reports whether every string is text that any database can keep and
// compare: UTF-8 without NUL. PostgreSQL fails on other strings, and SQLite
// keeps them.
func Text(s ...string) bool {
	for _, v := range s {
		if !utf8.ValidString(v) || strings.IndexByte(v, 0) >= 0 {
			return false
		}
	}
	return true
}

// TextValues is [Text] for the names and values of a form or query.
func TextValues(v url.Values) bool {
	for name, values := range v {
		if !Text(name) || !Text(values...) {
			return false
		}
	}
	return true
}

// Cut returns the longest prefix of s that has at most n bytes and ends where a
// character does.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
