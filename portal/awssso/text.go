// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"strings"
)

const maxPlain = 64

// plain reduces what a client says of itself to at most 64 characters that can
// neither style, reorder nor continue the page around them.
func plain(s string) string {
	var b strings.Builder
	for _, r := range s {
		if b.Len() == maxPlain {
			break
		}
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(" ._-/+@", r):
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}

// device is what a User-Agent says of program and system, as botocore and the
// SDKs write it: "aws-cli/2.9.19 ... Linux/6.1 ..." or "... os/linux#6.1 ...".
func device(userAgent string) string {
	if len(userAgent) > 512 {
		userAgent = userAgent[:512]
	}
	words := strings.Fields(userAgent)
	if len(words) == 0 {
		return ""
	}
	for _, w := range words[1:] {
		name, _, _ := strings.Cut(strings.TrimPrefix(w, "os/"), "#")
		name, _, _ = strings.Cut(name, "/")
		switch strings.ToLower(name) {
		case "linux":
			return plain(words[0] + " on Linux")
		case "darwin", "macos":
			return plain(words[0] + " on macOS")
		case "windows":
			return plain(words[0] + " on Windows")
		}
	}
	return plain(words[0])
}

// userCodeAlphabet has no vowels and nothing that is mistaken for another
// character (RFC 8628 6.1). Eight of them are 34 bits.
const userCodeAlphabet = "BCDFGHJKLMNPQRSTVWXZ"

// readUserCode folds what a person typed into the eight characters of a code:
// case, spaces and hyphens do not matter.
func readUserCode(typed string) (string, bool) {
	if len(typed) > 64 {
		return "", false
	}
	var b strings.Builder
	for _, r := range strings.ToUpper(typed) {
		switch {
		case r == ' ' || r == '-':
		case r < 0x80 && strings.ContainsRune(userCodeAlphabet, r):
			b.WriteRune(r)
		default:
			return "", false
		}
	}
	return b.String(), b.Len() == 8
}

// showUserCode is the form XXXX-XXXX.
func showUserCode(code string) string { return code[:4] + "-" + code[4:] }
