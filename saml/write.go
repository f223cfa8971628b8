// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"
	"unicode/utf8"
)

// writer makes XML that is its own exclusive canonical form, so that what is
// signed is what is sent and nothing is parsed again: callers declare a
// namespace on the outermost element that uses its prefix, and give attributes
// in canonical order (namespaces first, then unqualified ones by name).
type writer struct {
	b   []byte
	err error
}

// open writes a start tag; kv are attribute names and values, and an
// attribute with the value "" is left out.
func (w *writer) open(name string, kv ...string) {
	w.b = append(w.b, '<')
	w.b = append(w.b, name...)
	for i := 0; i+1 < len(kv); i += 2 {
		if kv[i+1] == "" {
			continue
		}
		w.b = append(w.b, ' ')
		w.b = append(w.b, kv[i]...)
		w.b = append(w.b, '=', '"')
		w.escape(kv[i+1], true)
		w.b = append(w.b, '"')
	}
	w.b = append(w.b, '>')
}

func (w *writer) close(name string) {
	w.b = append(w.b, '<', '/')
	w.b = append(w.b, name...)
	w.b = append(w.b, '>')
}

func (w *writer) text(s string) { w.escape(s, false) }

func (w *writer) raw(b []byte) { w.b = append(w.b, b...) }

// leaf writes an element with text.
func (w *writer) leaf(name, text string, kv ...string) {
	w.open(name, kv...)
	w.text(text)
	w.close(name)
}

// plain are the bytes that stand for themselves in text and in attributes.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '&' && c != '<' && c != '>' && c != '"'
	}
	return t
}()

// escape writes s as Canonical XML does (C14N 2.3).
func (w *writer) escape(s string, attr bool) {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 || r == 0xfffe || r == 0xffff {
				w.fail(s)
			}
			i += n
			continue
		}
		var esc string
		switch {
		case c == '&':
			esc = "&amp;"
		case c == '<':
			esc = "&lt;"
		case c == '>' && !attr:
			esc = "&gt;"
		case c == '"' && attr:
			esc = "&quot;"
		case c == '\r':
			esc = "&#xD;"
		case c == '\t' && attr:
			esc = "&#x9;"
		case c == '\n' && attr:
			esc = "&#xA;"
		case c < ' ' && c != '\t' && c != '\n':
			w.fail(s)
		}
		if esc != "" {
			w.b = append(w.b, s[start:i]...)
			w.b = append(w.b, esc...)
			start = i + 1
		}
		i++
	}
	w.b = append(w.b, s[start:]...)
}

func (w *writer) fail(s string) {
	if w.err == nil {
		w.err = fmt.Errorf("saml: %.40q holds a character that XML has no place for", s)
	}
}

// newID returns an unguessable xs:ID of 160 bits; the first character may not
// be a digit.
func newID() string {
	var b [20]byte
	rand.Read(b[:])
	return "_" + hex.EncodeToString(b[:])
}

const timeLayout = "2006-01-02T15:04:05.000Z"

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

func boolAttr(b bool) string {
	if b {
		return "true"
	}
	return ""
}
