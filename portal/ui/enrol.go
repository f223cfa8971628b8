// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

import "html/template"

// EnrolTicket asks for the single-use ticket that a first enrolment needs
// besides the password. It posts [FieldTicket] to [PathEnrol].
type EnrolTicket struct {
	Flow     string
	Username string
	Ticket   string // prefilled from an invitation link
	Problem  string
}

func (p EnrolTicket) view() view {
	return view{template: "enrol-ticket", title: "Use your enrolment ticket"}
}

// NewPassword sets a password, with a ticket or signed in. It posts
// [FieldPassword] and [FieldPassword2] to [PathNewPassword].
type NewPassword struct {
	Flow      string
	Username  string
	Problem   string
	MinLength int
}

func (p NewPassword) view() view { return view{template: "new-password", title: "Set your password"} }

// EnrolChoice lets the person choose the factor to register.
type EnrolChoice struct {
	Flow     string
	Username string
	Required bool // it cannot be put off
	TOTP     bool
	Passkey  bool
}

func (p EnrolChoice) view() view {
	return view{template: "enrol-choice", title: "Protect your account"}
}

// EnrolTOTP shows the secret of an authenticator app and asks for its first
// code. It posts [FieldCode] and [FieldName] to [PathEnrolTOTP].
type EnrolTOTP struct {
	Flow     string
	Username string
	Problem  string
	QR       [][]bool // the modules of the otpauth URI's QR code, rows of dark (true) and light
	Secret   string   // base32, for typing
	URI      string   // otpauth://totp/…
}

func (p EnrolTOTP) view() view {
	return view{template: "enrol-totp", title: "Add an authenticator app", scripts: []string{"app.js"}}
}

// Image is the QR code as SVG.
func (p EnrolTOTP) Image() template.HTML { return qrSVG(p.QR) }

// Link is the otpauth URI, if it is one.
func (p EnrolTOTP) Link() template.URL { return otpauthURL(p.URI) }

// Groups is the secret in groups of four.
func (p EnrolTOTP) Groups() []string {
	var groups []string
	for s := p.Secret; s != ""; {
		n := min(4, len(s))
		groups, s = append(groups, s[:n]), s[n:]
	}
	return groups
}

// EnrolPasskey registers a passkey by static/passkey.js.
type EnrolPasskey struct {
	Flow     string
	Username string
	Problem  string
}

func (p EnrolPasskey) view() view {
	return view{template: "enrol-passkey", title: "Add a passkey", scripts: []string{"passkey.js"}, connect: true}
}

// RecoveryCodes shows new recovery codes once; with no Codes it asks before
// making them. It posts to [PathEnrolRecovery].
type RecoveryCodes struct {
	Flow     string
	Username string
	Codes    []string
	Next     string // where "Continue" leads; default the home page
}

func (p RecoveryCodes) view() view {
	return view{template: "recovery-codes", title: "Recovery codes", scripts: []string{"app.js"}}
}
