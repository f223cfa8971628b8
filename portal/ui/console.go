// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

// ConsoleConfirm is where a deep link leads: it shows the account, the role
// and the whole destination, and opens them only by the button, a POST to
// [PathConsoleOpen].
type ConsoleConfirm struct {
	Frame       Frame
	Account     Account // its Roles are the choice when Role is empty
	Role        string
	Destination string // absolute URL; empty: the console's home
	Problem     string
}

func (p ConsoleConfirm) view() view {
	return view{template: "console-confirm", title: "Open the AWS console?", section: inAccounts, frame: &p.Frame}
}

// SAMLPost is the page that carries a SAML message to its destination, by a
// static script and a visible button. Its form may reach that destination
// alone.
type SAMLPost struct {
	Destination string // absolute https URL; http on a loopback address only
	Param       string // "SAMLResponse" (default) or "SAMLRequest"
	Message     string // base64
	RelayState  string
	To          string // what people call the destination: "AWS console"
	// Onward are the other origins that the destination redirects the submission
	// to, since Chromium holds a page's form-action over redirects: without them
	// nothing follows. Redirects within the destination's origin need no entry. "https://*.console.aws.amazon.com" stands
	// for a whole domain; a plain origin stands for itself.
	Onward []string
	// Manual leaves the sending to the person: the button only.
	Manual bool
}

func (p SAMLPost) view() view {
	v := view{
		template: "saml-post", title: "Continuing", only: true, origin: true,
		forms: []string{p.Destination}, onward: p.Onward,
	}
	if !p.Manual {
		v.scripts = []string{"post.js"}
	}
	return v
}

// Name is the form field that carries the message.
func (p SAMLPost) Name() string {
	if p.Param == "SAMLRequest" {
		return p.Param
	}
	return "SAMLResponse"
}
