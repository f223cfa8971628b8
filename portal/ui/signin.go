// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"cmp"
	"time"
)

// SignIn asks who is signing in: the identifier first, then the password or
// the person's identity source. It posts [FieldUsername] to [PathSignIn].
type SignIn struct {
	Flow     string
	Username string // kept after a refusal
	Problem  string // why the last try was refused; the same words for every cause
	Notice   string // for instance "Your session has ended."
	Sources  []Source
	Passkey  bool // offer passkeys, by button and by autofill
}

// Source is an external identity source that a person may choose by button.
type Source struct {
	ID   string
	Name string
}

func (p SignIn) view() view {
	v := view{template: "sign-in", title: "Sign in", scripts: []string{"fragment.js"}}
	if p.Passkey {
		v.scripts = append(v.scripts, "passkey.js")
		v.connect = true
	}
	return v
}

// Password asks for the password of an identified person. It posts
// [FieldPassword] to [PathPassword].
type Password struct {
	Flow     string
	Username string
	Problem  string
}

func (p Password) view() view { return view{template: "password", title: "Enter your password"} }

// Method is a way to pass the second step of a sign-in.
type Method string

// The methods that [SecondFactor] shows.
const (
	MethodTOTP     Method = "totp"
	MethodPasskey  Method = "passkey"
	MethodRecovery Method = "recovery"
	MethodMailCode Method = "code"
)

// Name is what people read.
func (m Method) Name() string {
	switch m {
	case MethodTOTP:
		return "Authenticator app"
	case MethodPasskey:
		return "Passkey or security key"
	case MethodRecovery:
		return "Recovery code"
	case MethodMailCode:
		return "Code by mail"
	}
	return string(m)
}

// SecondFactor asks for one of the person's second factors. The form of
// Current is shown, the other Methods are links to [PathMFA]; with no Current
// the page is a chooser.
type SecondFactor struct {
	Flow         string
	Username     string
	Problem      string
	Notice       string
	Methods      []Method
	Current      Method
	MailHint     string // where a mailed code went, masked: "r…@acorn.example"
	RememberDays int    // offer to remember this device for so long; 0: no offer
}

func (p SecondFactor) view() view {
	v := view{template: "second-factor", title: "Confirm it is you"}
	if p.Current == MethodPasskey {
		v.scripts = []string{"passkey.js"}
		v.connect = true
	}
	return v
}

// Others are the methods besides the current one.
func (p SecondFactor) Others() []Method {
	var others []Method
	for _, m := range p.Methods {
		if m != p.Current {
			others = append(others, m)
		}
	}
	return others
}

// ContinueAs asks before an unsolicited sign-in from an external source
// becomes a session, or replaces one. It posts to [PathContinue].
type ContinueAs struct {
	Flow     string
	Person   string // who the source says it is
	Username string
	Source   string // the source's name
	Current  string // the person whose session it would replace, if any
}

func (p ContinueAs) view() view { return view{template: "continue-as", title: "Continue?"} }

// SignedOut is shown after a sign-out.
type SignedOut struct {
	Notice string // what signing out did not reach, if anything
}

func (p SignedOut) view() view { return view{template: "signed-out", title: "Signed out"} }

// Redirect sends the browser on to another site, by the Refresh header and a
// visible link: the answer to a POST whose result is a URL elsewhere (an
// external identity source, a command-line tool's callback). A plain 303 there
// would be stopped by the form-action of the page that posted.
type Redirect struct {
	URL string // https, or http on a loopback address
	To  string // what people call the place
	// Manual leaves the going on to the person.
	Manual bool
}

func (p Redirect) view() view {
	// An empty URL is refused as every other that is not https.
	return view{template: "redirect", title: "Continuing", target: cmp.Or(p.URL, "about:blank"), refresh: !p.Manual}
}

// Ticket kinds that an administrator hands out.
const (
	TicketInvite = "invite" // set a password and enrol a factor
	TicketReset  = "reset"  // set a new password
	TicketFactor = "factor" // enrol a factor
)

// Factor is a person's registered factor, as lists show it.
type Factor struct {
	ID       string
	Method   Method
	Name     string
	Added    time.Time
	LastUsed time.Time // zero: never
	Synced   bool      // a passkey that its owner's devices share
	Left     int       // recovery codes that are left
}
