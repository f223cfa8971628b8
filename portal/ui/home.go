// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

// Colour marks an environment, beside its text label. The zero value is grey.
type Colour string

// The colours of environments.
const (
	Grey   Colour = "grey"
	Green  Colour = "green"
	Blue   Colour = "blue"
	Violet Colour = "violet"
	Amber  Colour = "amber"
	Red    Colour = "red"
)

func (c Colour) class() string {
	switch c {
	case Green, Blue, Violet, Amber, Red:
		return string(c)
	}
	return string(Grey)
}

// Account is an AWS account as the portal shows it.
type Account struct {
	ID          string // twelve digits
	Name        string
	Environment string // "Production"; may be empty
	Colour      Colour
	Roles       []Role // by name
}

// Role is a role that the person may use in an account: a permission set.
type Role struct {
	Name        string
	Description string
}

// PortalHome is the portal page: the accounts and roles that the person may
// use, the first matches of Query.
type PortalHome struct {
	Frame    Frame
	Notices  []Notice
	Query    string
	Accounts []Account // at most 50
	Total    int       // how many match Query
	All      int       // how many there are without Query
}

func (p PortalHome) view() view {
	return view{template: "home", title: "Accounts", section: inAccounts, frame: &p.Frame, wide: true, scripts: []string{"fragment.js", "app.js"}}
}

// Applications is the second tab: the applications that the person may open.
type Applications struct {
	Frame Frame
	Query string
	Apps  []App
	Total int
	All   int
}

func (p Applications) view() view {
	return view{template: "apps", title: "Applications", section: inApps, frame: &p.Frame, wide: true, scripts: []string{"app.js"}}
}

// App is an application that opens by a POST to [PathAppLaunch].
type App struct {
	ID          string
	Name        string
	Description string
}

// Initial is the letter on the application's tile.
func (a App) Initial() string {
	for _, r := range a.Name {
		return string(r)
	}
	return "·"
}

// Explain answers "why do I have this role?": every way that leads from the
// person to it.
type Explain struct {
	Frame   Frame
	Account Account
	Role    string
	Ways    []Way
}

func (p Explain) view() view {
	return view{template: "explain", title: "Why do I have this role?", section: inAccounts, frame: &p.Frame}
}

// Way is one chain of reasons: person, source, groups, permission set, account.
type Way struct {
	Steps []Step
}

// Step is one link of a [Way].
type Step struct {
	Kind string // "Identity source", "Group", "Permission set", "Account"
	Name string
	Note string // "assigned by Robin on 3 March", "nested in Engineering"
}
