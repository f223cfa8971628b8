// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"github.com/boombuler/barcode/qr"

	"github.com/gatehouse-id/gatehouse/portal/ui"
)

// Acorn Bikes is a made-up maker of bicycles. No account, key, code or token
// here is real.

func frame(notice string) ui.Frame {
	return ui.Frame{Person: "Rosa Lindqvist", Username: "rosa", SessionEnds: now.Add(7*time.Hour + 48*time.Minute), Notice: notice}
}

func adminFrame(notice string) ui.Frame {
	f := frame(notice)
	f.Person, f.Username, f.Administrator = "Tomas Okafor", "tomas", true
	return f
}

func role(name, description string) ui.Role { return ui.Role{Name: name, Description: description} }

var (
	readOnly  = role("ReadOnly", "Look at everything, change nothing")
	developer = role("Developer", "Build and run services")
	operator  = role("Operator", "Restart, scale and read logs")
	billing   = role("Billing", "Invoices and budgets")
	admin     = role("Administrator", "Everything")
)

var accounts = []ui.Account{
	{ID: "210987654321", Name: "Shop", Environment: "Production", Colour: ui.Red, Roles: []ui.Role{operator, readOnly}},
	{ID: "210987654322", Name: "Shop staging", Environment: "Staging", Colour: ui.Amber, Roles: []ui.Role{developer, readOnly}},
	{ID: "210987654323", Name: "Shop development", Environment: "Development", Colour: ui.Green, Roles: []ui.Role{admin, developer}},
	{ID: "310987654321", Name: "Workshop telemetry", Environment: "Production", Colour: ui.Red, Roles: []ui.Role{readOnly}},
	{ID: "310987654323", Name: "Workshop telemetry development", Environment: "Development", Colour: ui.Green, Roles: []ui.Role{developer}},
	{ID: "410987654321", Name: "Data lake", Environment: "Shared", Colour: ui.Blue, Roles: []ui.Role{role("Analyst", "Query, read dashboards"), readOnly}},
	{ID: "510987654321", Name: "Rosa’s sandbox", Environment: "Sandbox", Colour: ui.Violet, Roles: []ui.Role{admin}},
	{ID: "610987654321", Name: "Organisation", Roles: []ui.Role{billing}},
}

// manyAccounts are the first fifty of a large organisation.
func manyAccounts() []ui.Account {
	var many []ui.Account
	for i := range 50 {
		a := accounts[i%len(accounts)]
		a.ID = fmt.Sprintf("7%011d", 40_000_000+i*731)
		a.Name = fmt.Sprintf("Store %03d %s", i+1, a.Environment)
		many = append(many, a)
	}
	return many
}

var apps = []ui.App{
	{ID: "wiki", Name: "Spokes", Description: "The wiki: how we build, ship and repair"},
	{ID: "crm", Name: "Dealer desk", Description: "Dealers, orders and returns"},
	{ID: "grafana", Name: "Grafana", Description: "Dashboards and alerts"},
	{ID: "expenses", Name: "Expenses"},
	{ID: "learning", Name: "Learning"},
}

const otpauth = "otpauth://totp/Acorn%20Bikes:rosa?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Acorn%20Bikes"

// matrix is the QR code of text, as rows of modules.
func matrix(text string) [][]bool {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return nil
	}
	size := code.Bounds().Dx()
	rows := make([][]bool, size)
	for y := range rows {
		rows[y] = make([]bool, size)
		for x := range rows[y] {
			r, _, _, _ := code.At(x, y).RGBA()
			rows[y][x] = r == 0
		}
	}
	return rows
}

var keys = &ui.Keys{
	AccessKeyID:     "ASIAIOSFODNN7EXAMPLE",
	SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	SessionToken:    "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCWV1LW5vcnRoLTEiRzBFAiEA6vQ7kEXAMPLE+Zx1s0tYhQfR4b3nJcU9dLmW2pKoTgIgEXAMPLEXv8y5u7iOaQzHnB6r3eWcDfGsJkL0pMqRtYx",
	Expires:         now.Add(59 * time.Minute),
}

var factors = []ui.Factor{
	{ID: "f1", Method: ui.MethodPasskey, Name: "Work laptop", Added: now.AddDate(0, -7, -3), LastUsed: now.Add(-72 * time.Minute)},
	{ID: "f2", Method: ui.MethodTOTP, Name: "Phone", Added: now.AddDate(-1, -2, 0), LastUsed: now.AddDate(0, -1, 0)},
	{ID: "f3", Method: ui.MethodRecovery, Name: "Recovery codes", Added: now.AddDate(-1, -2, 0), Left: 8},
}

var sessions = []ui.Session{
	{ID: "s1", Current: true, Kind: "Browser", Client: "Firefox on Linux", Address: "192.0.2.17", Started: now.Add(-12 * time.Minute), LastSeen: now, Ends: now.Add(7*time.Hour + 48*time.Minute)},
	{ID: "s2", Kind: "AWS CLI", Client: "aws-cli/2.9.19", Address: "192.0.2.17", Started: now.Add(-26 * time.Hour), LastSeen: now.Add(-3 * time.Hour), Ends: now.Add(6 * 24 * time.Hour)},
	{ID: "s3", Kind: "Browser", Client: "Safari on iPhone", Address: "2001:db8:40::9", Started: now.Add(-5 * time.Hour), LastSeen: now.Add(-4 * time.Hour), Ends: now.Add(3 * time.Hour)},
}

var devices = []ui.Device{
	{ID: "d1", Name: "Firefox on Linux", Current: true, LastSeen: now, Ends: now.AddDate(0, 0, 21)},
	{ID: "d2", Name: "Safari on iPhone", LastSeen: now.Add(-4 * time.Hour), Ends: now.AddDate(0, 0, 3)},
}

var client = ui.ClientFacts{
	Address: "192.0.2.17", Same: true, Requested: now.Add(-40 * time.Second), Expires: now.Add(9 * time.Minute), Claimed: "botocore-client-rosa-laptop",
	Device: "aws-cli/2.9.19 on Linux",
}

var notices = []ui.Notice{
	{ID: "n1", Title: "A command-line sign-in was ended", Claimed: "botocore-client-rosa-laptop", Time: now.Add(-2 * time.Hour), Text: "A token of it that had been replaced was used again, so somebody may hold a copy. If you did not restore or copy your files, tell your administrator."},
	{ID: "n2", Title: "A command-line sign-in was ended", Claimed: "Granted CLI", Time: now.Add(-26 * time.Hour), Text: "Its code was used a second time, so somebody else may have seen it. If you started it only once, tell your administrator."},
}

var people = []ui.PersonRow{
	{ID: "p1", Name: "Rosa Lindqvist", Username: "rosa", Email: "rosa@acorn.example", Source: "Built-in", State: ui.StateActive, Factors: 3, LastSeen: now},
	{ID: "p2", Name: "Tomas Okafor", Username: "tomas", Email: "tomas@acorn.example", Source: "Built-in", State: ui.StateActive, Factors: 2, LastSeen: now.Add(-time.Hour)},
	{ID: "p3", Name: "Mei Tanaka", Username: "mei@acorn.example", Email: "mei@acorn.example", Source: "Okta", State: ui.StateActive, Factors: 1, LastSeen: now.Add(-30 * time.Hour)},
	{ID: "p4", Name: "Karim Haddad", Username: "karim@acorn.example", Email: "karim@acorn.example", Source: "Okta", State: ui.StateDisabled, Factors: 1, LastSeen: now.AddDate(0, -2, 0)},
	{ID: "p5", Name: "Jonas Weber", Username: "jonas", Source: "Built-in", State: ui.StateInvited},
	{ID: "p6", Name: "Ana Ferreira", Username: "ana", Email: "ana@acorn.example", Source: "Built-in", State: ui.StateBlocked, Factors: 1, LastSeen: now.AddDate(0, 0, -9)},
}

var sources = []ui.Option{{ID: "builtin", Name: "Built-in"}, {ID: "okta", Name: "Okta"}}

var grants = []ui.GrantRow{
	{Account: accounts[0], PermissionSet: "Operator", Via: "group On-call"},
	{Account: accounts[2], PermissionSet: "Administrator", Via: "assigned directly"},
	{Account: accounts[5], PermissionSet: "Analyst", Via: "group Engineering, of group Everyone"},
}

var assignments = []ui.AssignmentRow{
	{ID: "a1", Principal: "On-call", Kind: "Group", PermissionSet: "Operator", Account: accounts[0], Owner: "apply"},
	{ID: "a2", Principal: "Engineering", Kind: "Group", PermissionSet: "Developer", Account: accounts[1], Owner: "apply"},
	{ID: "a3", Principal: "Rosa Lindqvist", Kind: "Person", PermissionSet: "Administrator", Account: accounts[2], Owner: "Tomas Okafor", Editable: true},
}

var groups = []ui.GroupRow{
	{ID: "g1", Name: "Engineering", Source: "Built-in", Owner: "administrators", Members: 14},
	{ID: "g2", Name: "On-call", Source: "Built-in", Owner: "administrators", Members: 5},
	{ID: "g3", Name: "Finance", Source: "Okta", Owner: "Okta (SCIM)", Members: 3},
}
