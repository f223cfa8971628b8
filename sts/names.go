// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// ProfileName reduces a name from a server to [A-Za-z0-9._-]: each run of
// anything else becomes one hyphen. The result is empty if nothing is left.
func ProfileName(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range s {
		if !isNameRune(r) {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte('-')
		}
		gap = false
		b.WriteRune(r)
	}
	const limit = 128
	out := b.String()
	return strings.Trim(out[:min(len(out), limit)], "-")
}

// CleanText makes a server's text fit for a terminal: control characters,
// which could move the cursor or forge output, and bidirectional and other
// format characters, which could reorder it, are left out.
func CleanText(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// hasControl tells whether a value cannot stand on one line of a file.
func hasControl(s string) bool {
	return strings.ContainsFunc(s, unicode.IsControl) || s != strings.ToValidUTF8(s, "")
}

// Shell is a shell for which lines can be quoted.
type Shell string

// The shells.
const (
	Posix      Shell = "posix" // sh, bash, zsh
	Fish       Shell = "fish"
	PowerShell Shell = "powershell"
)

// Quote quotes a value for the shell, so that it is one word and nothing in it
// is looked at.
func (sh Shell) Quote(s string) (string, error) {
	if hasControl(s) {
		return "", refuse(CheckInput, "A value has control characters.", "a value to quote has control characters")
	}
	switch sh {
	case Posix:
		return "'" + strings.ReplaceAll(s, "'", "'\\''") + "'", nil
	case Fish:
		return "'" + strings.NewReplacer("\\", "\\\\", "'", "\\'").Replace(s) + "'", nil
	case PowerShell:
		// PowerShell takes typographic quotes for quotes too.
		return "'" + strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛").Replace(s) + "'", nil
	}
	return "", refuse(CheckInput, "This shell is not known.", "shell %q", sh)
}

// Setting is one line that sets an environment variable.
func (sh Shell) Setting(name, value string) (string, error) {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') && (r < '0' || r > '9') }) {
		return "", refuse(CheckInput, "This is no variable.", "variable %q", name)
	}
	q, err := sh.Quote(value)
	if err != nil {
		return "", err
	}
	switch sh {
	case Fish:
		return "set -gx " + name + " " + q, nil
	case PowerShell:
		return "$Env:" + name + " = " + q, nil
	}
	return "export " + name + "=" + q, nil
}

// Variable is one environment variable.
type Variable struct{ Name, Value string }

// Environment is the variables that AWS clients read credentials from.
func Environment(c aws.Credentials, region string) []Variable {
	out := []Variable{{"AWS_ACCESS_KEY_ID", c.AccessKeyID}, {"AWS_SECRET_ACCESS_KEY", c.SecretAccessKey}, {"AWS_SESSION_TOKEN", c.SessionToken}}
	if c.CanExpire {
		out = append(out, Variable{"AWS_CREDENTIAL_EXPIRATION", c.Expires.UTC().Format("2006-01-02T15:04:05Z")})
	}
	if region != "" {
		out = append(out, Variable{"AWS_REGION", region}, Variable{"AWS_DEFAULT_REGION", region})
	}
	return out
}
