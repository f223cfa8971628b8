// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

// Message is a page that says one thing: a result or a refusal.
type Message struct {
	Frame       *Frame // nil where nobody is signed in
	Title       string
	Text        string
	Problem     bool   // it is a refusal or fault
	Status      int    // shown with a refusal; 0: not shown
	Correlation string // id that the log has too
	Link        string // path of the button, made by [Paths]; "" for the home page
	LinkText    string // "" for "To the portal"
	NoLink      bool
}

func (p Message) view() view {
	v := view{template: "message", title: p.Title, frame: p.Frame}
	if v.title == "" {
		v.title = "Message"
	}
	return v
}
