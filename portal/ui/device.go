// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"strings"
	"time"
	"unicode"
)

// DeviceCode asks for the code that a command-line tool shows. It posts
// [FieldUserCode] to [PathDevice].
type DeviceCode struct {
	Frame    Frame
	UserCode string // prefilled from the verification URI
	ByLink   bool   // UserCode came with the link: it is shown, not typed
	MustType bool   // the device is on another network
	Problem  string
}

func (p DeviceCode) view() view {
	return view{template: "device-code", title: "Connect a device", frame: &p.Frame}
}

// ClientFacts is what the server knows of a client that asks for access,
// before anything that the client says of itself.
type ClientFacts struct {
	Address   string // where the request came from
	Same      bool   // it is the address of this browser
	Requested time.Time
	Expires   time.Time
	Claimed   string // the client's own name; shown as "says it is …"
	Device    string // the program and system that it says it is on; shown alike
}

// SaysItIs is the client's own name, plain and at most 64 characters.
func (c ClientFacts) SaysItIs() string { return said(c.Claimed) }

// SaysItRuns is the client's own word on program and system, plain and at most
// 64 characters.
func (c ClientFacts) SaysItRuns() string { return said(c.Device) }

func said(text string) string {
	clean := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	if runes := []rune(clean); len(runes) > 64 {
		return string(runes[:63]) + "…"
	}
	return clean
}

// DeviceApprove asks whether the device that shows UserCode may act for the
// person. It posts [FieldDecision] and [FieldUserCode] to [PathDeviceApprove].
type DeviceApprove struct {
	Frame    Frame
	UserCode string
	Client   ClientFacts
	Accounts int // how many accounts it would reach
}

func (p DeviceApprove) view() view {
	return view{template: "device-approve", title: "Allow this device?", frame: &p.Frame}
}

// Consent asks whether a client on this machine may act for the person
// (authorization code with PKCE). It posts [FieldDecision] and [FieldRequest]
// to [PathAuthorize]; the answer leads to Callback.
type Consent struct {
	Frame    Frame
	Request  string // opaque request, returned in the form
	Callback string // where the answer goes, for people: "http://127.0.0.1:51234"
	Client   ClientFacts
	Accounts int
}

func (p Consent) view() view {
	return view{template: "consent", title: "Allow access?", frame: &p.Frame}
}
