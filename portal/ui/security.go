// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

import "time"

// Security is the third tab: the person's own factors, sessions and devices.
type Security struct {
	Frame    Frame
	Problem  string
	Notices  []Notice
	Factors  []Factor
	Sessions []Session
	Devices  []Device
	// What the person may add.
	AddTOTP     bool
	AddPasskey  bool
	AddRecovery bool
	// Password tells whether the password is kept here and can be changed.
	Password bool
}

func (p Security) view() view {
	return view{template: "security", title: "Security", section: inSecurity, frame: &p.Frame, wide: true, scripts: []string{"app.js"}}
}

// Session is a browser or command-line session.
type Session struct {
	ID       string
	Current  bool
	Kind     string // "Browser", "AWS CLI"
	Client   string // user agent in short, or the client's own name
	Address  string
	Started  time.Time
	LastSeen time.Time
	Ends     time.Time
}

// Notice is something that happened to the person's access, shown until they
// dismiss it by a POST to [PathNoticeDismiss].
type Notice struct {
	ID      string
	Title   string
	Text    string
	Claimed string // the client's own name; shown as "says it is …"
	Time    time.Time
}

// SaysItIs is the client's own name, plain and at most 64 characters.
func (n Notice) SaysItIs() string { return said(n.Claimed) }

// Device is a remembered browser.
type Device struct {
	ID       string
	Name     string
	Current  bool
	LastSeen time.Time
	Ends     time.Time
}
