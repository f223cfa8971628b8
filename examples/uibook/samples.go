// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/portal/ui"
)

// samples are all pages, in the order in which people meet them.
func samples(origin string) []sample {
	var all []sample
	all = append(all, signInSamples(origin)...)
	all = append(all, enrolSamples()...)
	all = append(all, portalSamples()...)
	all = append(all, awsSamples(origin)...)
	all = append(all, securitySamples()...)
	all = append(all, messageSamples()...)
	return append(all, adminSamples()...)
}

func signInSamples(origin string) []sample {
	idps := []ui.Source{{ID: "okta", Name: "Okta"}, {ID: "partners", Name: "Partner sign-in"}}
	methods := []ui.Method{ui.MethodPasskey, ui.MethodTOTP, ui.MethodMailCode, ui.MethodRecovery}
	refused := "That did not work. Check what you typed and try again."
	return []sample{
		{page: "Sign in", state: "first", shown: ui.SignIn{Flow: "f1", Sources: idps}, from: []string{"GET /sign-in"}},
		{page: "Sign in", state: "with passkeys", shown: ui.SignIn{Flow: "f1", Passkey: true, Sources: idps}},
		{page: "Sign in", state: "refused", shown: ui.SignIn{Flow: "f1", Username: "rosa", Problem: refused, Sources: idps}, status: http.StatusUnauthorized},
		{page: "Sign in", state: "session ended", shown: ui.SignIn{Flow: "f1", Notice: "Your session has ended. Sign in to go on where you were."}},
		{page: "Password", state: "first", shown: ui.Password{Flow: "f1", Username: "rosa"}, from: []string{"POST /sign-in", "GET /sign-in/password"}},
		{page: "Password", state: "refused", shown: ui.Password{Flow: "f1", Username: "rosa", Problem: refused}, status: http.StatusUnauthorized},
		{page: "Second factor", state: "app", shown: ui.SecondFactor{Flow: "f1", Username: "rosa", Methods: methods, Current: ui.MethodTOTP, RememberDays: 30}, from: []string{"POST /sign-in/password", "GET /sign-in/mfa"}},
		{page: "Second factor", state: "app refused", shown: ui.SecondFactor{Flow: "f1", Username: "rosa", Methods: methods, Current: ui.MethodTOTP, Problem: "That code did not work. Wait for the next one."}, status: http.StatusUnauthorized},
		{page: "Second factor", state: "passkey", shown: ui.SecondFactor{Flow: "f1", Username: "rosa", Methods: methods, Current: ui.MethodPasskey, RememberDays: 30}},
		{page: "Second factor", state: "recovery code", shown: ui.SecondFactor{Flow: "f1", Username: "rosa", Methods: methods, Current: ui.MethodRecovery}},
		{page: "Second factor", state: "mailed code", shown: ui.SecondFactor{Flow: "f1", Username: "rosa", Methods: methods, Current: ui.MethodMailCode, MailHint: "r…@acorn.example", Notice: "A code is on its way."}},
		{page: "Second factor", state: "chooser", shown: ui.SecondFactor{Flow: "f1", Username: "rosa", Methods: methods}},
		{page: "Continue as", state: "nobody signed in", shown: ui.ContinueAs{Flow: "f1", Person: "Mei Tanaka", Username: "mei@acorn.example", Source: "Okta"}, from: []string{"GET /sign-in/continue"}},
		{page: "Continue as", state: "somebody else signed in", shown: ui.ContinueAs{Flow: "f1", Person: "Mei Tanaka", Source: "Okta", Current: "Rosa Lindqvist"}},
		{page: "Redirect", state: "to a source", shown: ui.Redirect{URL: origin + "/", To: "Okta", Manual: true}, from: []string{"POST /sign-in/source/{id}"}},
		{page: "Signed out", state: "first", shown: ui.SignedOut{}, from: []string{"POST /sign-out", "GET /sign-out"}},
	}
}

func enrolSamples() []sample {
	totp := ui.EnrolTOTP{Flow: "f1", Username: "jonas", QR: matrix(otpauth), Secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", URI: otpauth}
	wrong := totp
	wrong.Problem = "That code did not work. Wait for the next one."
	codes := []string{"k4tw-8mzq-5hna", "p9xe-2vfr-7bdc", "m3ya-6qst-9wkn", "t5hb-4cgz-8rvp", "z7nd-3kxw-2fqm", "b6vs-9tye-4pha", "w2rk-7dnf-3xct", "h8qg-5bmv-6zse"}
	return []sample{
		{page: "Enrolment ticket", state: "first", shown: ui.EnrolTicket{Flow: "f1", Username: "jonas"}, from: []string{"GET /enrol"}},
		{page: "Enrolment ticket", state: "refused", shown: ui.EnrolTicket{Flow: "f1", Username: "jonas", Ticket: "ACORN-7QX2", Problem: "This ticket is unknown, used, or too old."}, status: http.StatusForbidden},
		{page: "New password", state: "first", shown: ui.NewPassword{Flow: "f1", Username: "jonas", MinLength: 12}, from: []string{"GET /enrol/password"}},
		{page: "New password", state: "refused", shown: ui.NewPassword{Flow: "f1", Username: "jonas", Problem: "This password is easily guessed: it is a keyboard pattern.", MinLength: 12}, status: http.StatusUnprocessableEntity},
		{page: "Enrolment choice", state: "required", shown: ui.EnrolChoice{Flow: "f1", Username: "jonas", Required: true, TOTP: true, Passkey: true}, from: []string{"POST /enrol"}},
		{page: "Enrolment choice", state: "optional", shown: ui.EnrolChoice{Flow: "f1", Username: "jonas", TOTP: true}},
		{page: "Enrol authenticator app", state: "first", shown: totp, from: []string{"GET /enrol/totp"}},
		{page: "Enrol authenticator app", state: "refused", shown: wrong, status: http.StatusUnprocessableEntity},
		{page: "Enrol passkey", state: "first", shown: ui.EnrolPasskey{Flow: "f1", Username: "jonas"}, from: []string{"GET /enrol/passkey"}},
		{page: "Recovery codes", state: "asked", shown: ui.RecoveryCodes{Flow: "f1", Username: "jonas"}, from: []string{"GET /enrol/recovery"}},
		{page: "Recovery codes", state: "shown", shown: ui.RecoveryCodes{Flow: "f1", Username: "jonas", Codes: codes}, from: []string{"POST /enrol/recovery", "POST /enrol/totp"}},
	}
}

func portalSamples() []sample {
	return []sample{
		{page: "Accounts", state: "some", shown: ui.PortalHome{Frame: frame(""), Accounts: accounts, Total: len(accounts), All: len(accounts)}, from: []string{"GET /{$}"}},
		{page: "Accounts", state: "administrator", shown: ui.PortalHome{Frame: adminFrame("Welcome back. Your last sign-in was yesterday at 17:40."), Accounts: accounts[:3], Total: 3, All: 3}},
		{page: "Accounts", state: "notices", shown: ui.PortalHome{Frame: frame(""), Notices: notices[:1], Accounts: accounts[:3], Total: 3, All: 3}},
		{page: "Accounts", state: "search", shown: ui.PortalHome{Frame: frame(""), Query: "shop", Accounts: accounts[:3], Total: 3, All: len(accounts)}},
		{page: "Accounts", state: "no match", shown: ui.PortalHome{Frame: frame(""), Query: "bicycle", All: len(accounts)}},
		{page: "Accounts", state: "none yet", shown: ui.PortalHome{Frame: frame("")}},
		{page: "Accounts", state: "many", shown: ui.PortalHome{Frame: frame(""), Accounts: manyAccounts(), Total: 2314, All: 2314}},
		{page: "Applications", state: "some", shown: ui.Applications{Frame: frame(""), Apps: apps, Total: len(apps), All: len(apps)}, from: []string{"GET /apps"}},
		{page: "Applications", state: "none yet", shown: ui.Applications{Frame: frame("")}},
		{page: "Why this role", state: "two ways", shown: ui.Explain{Frame: frame(""), Account: accounts[0], Role: "Operator", Ways: []ui.Way{
			{Steps: []ui.Step{
				{Kind: "Identity source", Name: "Built-in", Note: "knows you as rosa"},
				{Kind: "Group", Name: "On-call", Note: "you are a member"},
				{Kind: "Group", Name: "Operations", Note: "contains On-call"},
				{Kind: "Permission set", Name: "Operator", Note: "assigned to Operations"},
				{Kind: "Account", Name: "Shop"},
			}},
			{Steps: []ui.Step{
				{Kind: "Identity source", Name: "Built-in", Note: "knows you as rosa"},
				{Kind: "Permission set", Name: "Operator", Note: "assigned to you"},
				{Kind: "Account", Name: "Shop"},
			}},
		}}, from: []string{"GET /accounts/{account}/roles/{role}/why"}},
		{page: "Why this role", state: "no way", shown: ui.Explain{Frame: frame(""), Account: accounts[0], Role: "Administrator"}},
	}
}

func awsSamples(origin string) []sample {
	asked := ui.Credentials{Frame: frame(""), Account: accounts[2], Role: "Developer", Region: "eu-north-1", StartURL: "https://portal.acorn.example/start", SSORegion: "eu-north-1"}
	shown := asked
	shown.Keys = keys
	refused := asked
	refused.Problem = "AWS did not give keys for this role just now. Nothing was changed; try again."
	const destination = "https://eu-north-1.console.aws.amazon.com/cloudwatch/home?region=eu-north-1#logsV2:log-groups/log-group/$252Fshop$252Fcheckout"
	return []sample{
		{page: "Access keys", state: "before", shown: asked, from: []string{"GET /accounts/{account}/roles/{role}/keys"}},
		{page: "Access keys", state: "made", shown: shown, from: []string{"POST /accounts/{account}/roles/{role}/keys"}},
		{page: "Access keys", state: "refused", shown: refused, status: http.StatusBadGateway},
		{page: "Open the console", state: "deep link", shown: ui.ConsoleConfirm{Frame: frame(""), Account: accounts[0], Role: "Operator", Destination: destination}, from: []string{"GET /console"}},
		{page: "Open the console", state: "choose a role", shown: ui.ConsoleConfirm{Frame: frame(""), Account: accounts[0]}},
		{page: "Post", state: "to the console", shown: ui.SAMLPost{Destination: origin + "/portal/sink", Message: "PHNhbXBsZS8+", RelayState: destination, To: "the AWS console", Manual: true}, from: []string{"POST /console/open", "POST /apps/{id}/launch"}},
		{page: "Device", state: "enter the code", shown: ui.DeviceCode{Frame: frame("")}, from: []string{"GET /device"}},
		{page: "Device", state: "refused", shown: ui.DeviceCode{Frame: frame(""), UserCode: "KXTQ-PWNZ", Problem: "This code is unknown or too old. Start again on the device."}, status: http.StatusUnprocessableEntity},
		{page: "Device", state: "allow", shown: ui.DeviceApprove{Frame: frame(""), UserCode: "KXTQ-PWNB", Client: client, Accounts: len(accounts)}, from: []string{"POST /device"}},
		{page: "Consent", state: "first", shown: ui.Consent{Frame: frame(""), Request: "r1", Callback: "http://127.0.0.1:51234", Client: client, Accounts: len(accounts)}, from: []string{"GET /authorize"}},
	}
}

func securitySamples() []sample {
	all := ui.Security{Frame: frame(""), Factors: factors, Sessions: sessions, Devices: devices, AddPasskey: true, AddTOTP: true, AddRecovery: true, Password: true}
	told := all
	told.Notices = notices
	bare := ui.Security{Frame: frame("The session was ended."), Sessions: sessions[:1], AddPasskey: true, AddTOTP: true}
	return []sample{
		{page: "Security", state: "some", shown: all, from: []string{"GET /security"}},
		{page: "Security", state: "notices", shown: told, from: []string{"POST /security/notices/{id}/dismiss"}},
		{page: "Security", state: "no factor", shown: bare, from: []string{"POST /security/sessions/{id}/revoke", "POST /security/sessions/revoke"}},
	}
}

func messageSamples() []sample {
	signedIn := frame("")
	return []sample{
		{page: "Message", state: "device allowed", shown: ui.Message{Frame: &signedIn, Title: "Device allowed", Text: "You can close this window and go back to your tool.", NoLink: true}, from: []string{"POST /device/approve", "POST /authorize"}},
		{page: "Message", state: "refused", shown: ui.Message{Title: "This sign-in did not work", Text: "The message from your identity provider was not accepted. Start again from the portal.", Problem: true, Status: http.StatusForbidden, Correlation: "01K9ZQ4J7T", LinkText: "Sign in"}, status: http.StatusForbidden},
		{page: "Message", state: "not found", shown: ui.Message{Frame: &signedIn, Title: "No such page", Text: "There is nothing here, or it is not for you.", Problem: true, Status: http.StatusNotFound, Correlation: "01K9ZQ4J7V"}, status: http.StatusNotFound},
		{page: "Message", state: "busy", shown: ui.Message{Title: "One moment", Text: "The portal is busy. Nothing was changed; try again in a few seconds.", Problem: true, Status: http.StatusServiceUnavailable, Correlation: "01K9ZQ4J7W"}, status: http.StatusServiceUnavailable},
	}
}
