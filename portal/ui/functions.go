// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"html/template"
	"time"
)

// functions are what templates can call, besides html/template's own.
func (u *UI) functions() template.FuncMap {
	return template.FuncMap{
		"home":   func() string { return u.paths.At(PathHome) },
		"signIn": func() string { return u.paths.At(PathSignIn) },
		"mfa": func(flow string, m Method) string {
			return u.paths.WithQuery(PathMFA, FieldFlow, flow, FieldFactor, string(m))
		},
		"keys": func(account, role string) string { return u.paths.At(PathKeys, account, role) },
		"why":  func(account, role string) string { return u.paths.At(PathWhy, account, role) },
		"consoleFor": func(account, role string) string {
			return u.paths.WithQuery(PathConsole, FieldAccountID, account, FieldRoleName, role)
		},
		"at":         u.paths.At,
		"clock":      clock,
		"left":       func(t time.Time) string { return remaining(u.now(), t) },
		"until":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"accountID":  accountID,
		"hue":        Colour.class,
		"stateHue":   func(s State) string { return s.colour().class() },
		"plural":     plural,
		"duration":   func(d time.Duration) string { return remaining(time.Time{}, time.Time{}.Add(d)) },
		"shown":      func(total, shown int) count { return count{total, shown} },
		"admin":      section.admin,
		"ticketName": ticketName,
	}
}

func ticketName(kind string) string {
	switch kind {
	case TicketInvite:
		return "Invitation"
	case TicketReset:
		return "Password reset"
	case TicketFactor:
		return "Factor enrolment"
	}
	return kind
}

// count is how many entries there are, and how many of them a page shows.
type count struct{ Total, Shown int }
