// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// Entry is a sign-in before anything is proved. It is not stored: a stranger's
// GET changes nothing. It travels through the browser sealed, and is opened
// only together with the cookie of the browser that it was made for.
type Entry struct {
	Return string    `json:"r,omitempty"` // path and query below the portal's prefix, beginning with one slash
	Login  string    `json:"l,omitempty"` // the name given, as typed
	Issued time.Time `json:"t"`
}

const (
	entryLife = time.Hour
	maxReturn = 2048
)

// SealEntry returns the entry for a form field or query parameter.
func (m *Machine) SealEntry(e Entry, browser string) (string, error) {
	if !SafeReturn(e.Return) {
		e.Return = ""
	}
	e.Issued = m.c.Now().UTC()
	b, err := json.Marshal(e)
	if err != nil {
		return "", err
	}
	sealed, err := m.c.Sealer.Seal(b, entryAAD(browser))
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// OpenEntry opens an entry of the same browser. One that is missing, foreign or
// old is an empty one with ok false: signing in simply begins again.
func (m *Machine) OpenEntry(sealed, browser string) (e Entry, ok bool) {
	if sealed == "" || len(sealed) > 8192 || browser == "" {
		return Entry{}, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return Entry{}, false
	}
	plain, err := m.c.Sealer.Open(raw, entryAAD(browser))
	if err != nil || json.Unmarshal(plain, &e) != nil || m.c.Now().Sub(e.Issued) > entryLife {
		return Entry{}, false
	}
	return e, true
}

func entryAAD(browser string) []byte { return []byte("signin|entry|" + browser) }

// SafeReturn reports whether a path stays on this site: it begins with exactly
// one slash and holds no backslash or control character.
func SafeReturn(path string) bool {
	if path == "" || path[0] != '/' || strings.HasPrefix(path, "//") || len(path) > maxReturn {
		return false
	}
	return !strings.ContainsFunc(path, func(r rune) bool { return r == '\\' || r < 0x21 || r == 0x7f })
}
