// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmltree

import (
	"strings"
	"unicode/utf8"
)

// reference decodes the character or predefined entity reference at the
// beginning of s, which starts with '&', and returns its length, 0 if it is
// none.
func reference(s string) (r rune, n int) {
	end := strings.IndexByte(s[:min(len(s), 16)], ';')
	if end < 2 {
		return 0, 0
	}
	switch name := s[1:end]; name {
	case "amp":
		return '&', end + 1
	case "lt":
		return '<', end + 1
	case "gt":
		return '>', end + 1
	case "quot":
		return '"', end + 1
	case "apos":
		return '\'', end + 1
	default:
		if name[0] != '#' {
			return 0, 0
		}
		r, ok := number(name[1:])
		if !ok || !isChar(r) {
			return 0, 0
		}
		return r, end + 1
	}
}

// number reads the digits of a character reference.
func number(s string) (rune, bool) {
	base := rune(10)
	if strings.HasPrefix(s, "x") {
		base, s = 16, s[1:]
	}
	if s == "" {
		return 0, false
	}
	var r rune
	for i := range len(s) {
		var d rune
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			d = rune(c - '0')
		case base == 16 && c >= 'a' && c <= 'f':
			d = rune(c-'a') + 10
		case base == 16 && c >= 'A' && c <= 'F':
			d = rune(c-'A') + 10
		default:
			return 0, false
		}
		if r = r*base + d; r > utf8.MaxRune {
			return 0, false
		}
	}
	return r, true
}

// appendText appends what the raw characters of an element mean: references
// replaced, line ends normalised (XML 1.0 section 2.11).
func appendText(b []byte, raw string, cdata bool) []byte {
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '\r':
			b = append(b, '\n')
			if i++; i < len(raw) && raw[i] == '\n' {
				i++
			}
		case c == '&' && !cdata:
			r, n := reference(raw[i:])
			b = utf8.AppendRune(b, r)
			i += max(n, 1)
		default:
			b = append(b, c)
			i++
		}
	}
	return b
}

// attributeValue is what a raw attribute value means (XML 1.0 section 3.3.3;
// without a DTD every attribute is CDATA).
func attributeValue(raw string) string {
	b := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		switch c := raw[i]; c {
		case '\r':
			b = append(b, ' ')
			if i++; i < len(raw) && raw[i] == '\n' {
				i++
			}
		case '\n', '\t':
			b = append(b, ' ')
			i++
		case '&':
			r, n := reference(raw[i:])
			b = utf8.AppendRune(b, r)
			i += max(n, 1)
		default:
			b = append(b, c)
			i++
		}
	}
	return string(b)
}
