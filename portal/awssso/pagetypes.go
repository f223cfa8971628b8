// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import "time"

// Paths of the pages below [Config.PagesURL].
const (
	PathDevice  = "/device"         // GET: enter a code; POST: look it up
	PathApprove = "/device/approve" // POST: the answer
	PathConsent = "/authorize"      // GET: ask; POST: the answer
)

// Names of form fields. The answer of [FieldAnswer] is [AnswerAllow] or
// anything else.
const (
	FieldUserCode = "user_code"
	FieldVia      = "via" // "link" for a code that came with the link
	FieldRequest  = "request"
	FieldAnswer   = "decision"

	AnswerAllow = "approve"
	AnswerDeny  = "deny"
	ViaLink     = "link"
)

// EntryPage asks for the code that the terminal shows. Its form posts to
// Action.
type EntryPage struct {
	Action   string
	SignedIn string // who
	// LinkCode is the code that came with the link; the form then carries it
	// in a hidden field together with via=link and has one button. When empty
	// the form has a text field.
	LinkCode string
	// MustType says that the device is on another network, so that the code
	// has to be typed.
	MustType bool
	// Problem is why the last code did not do, empty at first.
	Problem string
}

// ApprovalPage shows what is known of a device and asks. Its form posts
// UserCode and the answer to Action.
type ApprovalPage struct {
	Action   string
	SignedIn string
	UserCode string

	// What the server knows.
	Started      time.Time
	Expires      time.Time // until when the code can be answered
	Network      string
	OtherNetwork bool // than this browser's
	// What the device says of itself, plain characters only.
	ClientSays string
	DeviceSays string
	Ends       time.Time // when the access ends at the latest
}

// ConsentPage asks whether a program on this computer may act for the person.
// Its form posts Request and the answer to Action.
type ConsentPage struct {
	Action     string
	Callback   string // where the answer goes: http://127.0.0.1:PORT
	SignedIn   string
	ClientSays string
	Request    string // opaque
	Ends       time.Time
}

// ReturnPage sends the browser back to a program on this computer with an
// answer. It is a page because the content security policy of the one that
// posted would stop a redirect there. Location holds a code: the page must not
// send a referrer.
type ReturnPage struct {
	Location   string // http on a loopback address
	ClientSays string
}

// DonePage says that the answer was taken.
type DonePage struct {
	Allowed    bool
	ClientSays string
}

// RefusalPage says what was refused, to a person.
type RefusalPage struct {
	Check     Check
	Problem   string
	RequestID string
}
