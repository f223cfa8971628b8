// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmltree

import "unicode/utf8"

// Classes of bytes. Bytes of 0x80 and above belong to UTF-8 sequences, which
// have been validated as such before.
const (
	classText  = 1 << iota // stands for itself in text
	classValue             // stands for itself in an attribute value
	className              // may continue an ASCII name
	classFirst             // may begin an ASCII name
	classSpace
	classChar // may occur at all
)

var classes = func() (t [256]uint8) {
	for c := range 256 {
		var f uint8
		if c >= 0x20 || c == '\t' || c == '\n' || c == '\r' {
			f |= classChar
		}
		// 0xEF may begin U+FFFE or U+FFFF, which are no characters.
		if f&classChar != 0 && c != 0xEF {
			if c != '<' && c != '&' && c != '>' && c != '\r' {
				f |= classText
			}
			if c != '<' && c != '&' && c != '"' && c != '\'' && c >= 0x20 {
				f |= classValue
			}
		}
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
			f |= className | classFirst
		case c >= '0' && c <= '9', c == '-', c == '.':
			f |= className
		case c == ' ', c == '\t', c == '\n', c == '\r':
			f |= classSpace
		}
		t[c] = f
	}
	return t
}()

func is(c byte, class uint8) bool { return classes[c]&class != 0 }

// isNameRune is NameStartChar or, if not first, NameChar of XML 1.0 fifth
// edition without the colon, for runes beyond ASCII.
func isNameRune(r rune, first bool) bool {
	switch {
	case r >= 0xC0 && r <= 0x2FF:
		return r != 0xD7 && r != 0xF7
	case r >= 0x370 && r <= 0x1FFF:
		return r != 0x37E
	case r >= 0x200C && r <= 0x200D, r >= 0x2070 && r <= 0x218F, r >= 0x2C00 && r <= 0x2FEF,
		r >= 0x3001 && r <= 0xD7FF, r >= 0xF900 && r <= 0xFDCF, r >= 0xFDF0 && r <= 0xFFFD,
		r >= 0x10000 && r <= 0xEFFFF:
		return true
	}
	return !first && (r == 0xB7 || r >= 0x300 && r <= 0x36F || r >= 0x203F && r <= 0x2040)
}

// isChar is Char of XML 1.0.
func isChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD ||
		r >= 0x10000 && r <= utf8.MaxRune
}

func isSpace(s string) bool {
	for i := range len(s) {
		if !is(s[i], classSpace) {
			return false
		}
	}
	return true
}

// noncharacter tells whether s, which begins with 0xEF, begins with U+FFFE or
// U+FFFF.
func noncharacter(s string) bool {
	return len(s) >= 3 && s[1] == 0xBF && s[2] >= 0xBE
}
