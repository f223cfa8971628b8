// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

import "time"

// Page is one page of the portal: any of this package's page structs, by value.
type Page interface{ view() view }

// view says how a page is rendered.
type view struct {
	template string // templates/NAME.html
	title    string
	section  section
	frame    *Frame   // nil before sign-in
	wide     bool     // uses the whole width; narrow pages are one card
	scripts  []string // static scripts, in order
	connect  bool     // its script may talk to the portal (passkeys)
	forms    []string // URLs its forms may reach besides the portal
	onward   []string // origins and domains that those redirect to
	only     bool     // its forms reach forms alone, not the portal
	target   string   // URL the browser goes on to
	refresh  bool     // at once
	origin   bool     // a cross-origin form says which origin it comes from
}

// section is the tab or administration entry that is current.
type section string

const (
	inAccounts section = "accounts"
	inApps     section = "apps"
	inSecurity section = "security"

	inPeople      section = "people"
	inGroups      section = "groups"
	inAWSAccounts section = "aws"
	inPermSets    section = "permsets"
	inAssignments section = "assignments"
	inSAMLApps    section = "samlapps"
	inSources     section = "sources"
	inTokens      section = "tokens"
	inAudit       section = "audit"
)

// Frame is what every page of a signed-in person shows around its content.
type Frame struct {
	Person        string    // display name
	Username      string    // login name
	Administrator bool      // shows the way to the administration
	SessionEnds   time.Time // absolute end of the session
	Notice        string    // one line about what has just happened, announced to screen readers
}

// Option is one entry of a select or a reference to a named object.
type Option struct {
	ID   string
	Name string
}

// admin tells whether the section belongs to the administration.
func (s section) admin() bool {
	switch s {
	case "", inAccounts, inApps, inSecurity:
		return false
	}
	return true
}
