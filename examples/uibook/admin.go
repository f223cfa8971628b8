// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/ui"
)

func adminSamples() []sample {
	return append(append(adminPeopleSamples(), revokedSamples()...), adminAccessSamples()...)
}

func adminPeopleSamples() []sample {
	everyTicket := []string{ui.TicketInvite, ui.TicketReset, ui.TicketFactor}
	return []sample{
		{page: "People", state: "some", shown: ui.AdminPeople{Frame: adminFrame(""), People: people, Total: len(people), Sources: sources[:1]}, from: []string{"GET /admin/people", "GET /admin"}},
		{page: "People", state: "refused", shown: ui.AdminPeople{Frame: adminFrame(""), Query: "ros", Problem: "The user name is taken.", People: people[:1], Total: 812, Sources: sources[:1]}, status: http.StatusConflict},
		{page: "Person", state: "active", shown: ui.AdminPerson{Frame: adminFrame(""), Person: people[0], Owner: "admin", Ours: true, Created: now.AddDate(-2, 0, 0), Groups: []ui.Option{{ID: "g1", Name: "Engineering"}, {ID: "g2", Name: "On-call"}}, Factors: factors, Sessions: sessions, Grants: grants, Tickets: everyTicket[1:]}, from: []string{"GET /admin/people/{id}"}},
		{page: "Person", state: "blocked", shown: ui.AdminPerson{Frame: adminFrame("Ana Ferreira is blocked, and all sessions have ended."), Person: people[5], Owner: "administrators", Created: now.AddDate(0, -8, 0)}, from: []string{"POST /admin/people/{id}/block"}},
		{page: "Person", state: "invited", shown: ui.AdminPerson{Frame: adminFrame(""), Person: people[4], Created: now.AddDate(0, 0, -1), Tickets: everyTicket[:1]}},
		{page: "Ticket", state: "shown once", shown: ui.AdminTicket{Frame: adminFrame(""), Person: ui.Option{ID: "p5", Name: "Jonas Weber"}, Kind: ui.TicketInvite, Ticket: "7QX2-MKWD-94TB-ZCFH-P3VA", Link: "https://portal.acorn.example/enrol", Expires: now.AddDate(0, 0, 5)}, from: []string{"POST /admin/people/{id}/ticket", "POST /admin/people"}},
		{page: "Groups", state: "some", shown: ui.AdminGroups{Frame: adminFrame(""), Groups: groups, Total: len(groups), Sources: sources[:1]}, from: []string{"GET /admin/groups"}},
		{page: "Group", state: "kept here", shown: ui.AdminGroup{Frame: adminFrame(""), Group: groups[1], Editable: true, Ours: true, Members: people[:3], Total: 3, Parents: []ui.Option{{ID: "g9", Name: "Operations"}}, Children: []ui.Option{{ID: "g8", Name: "Night shift"}}, Candidates: []ui.Option{{ID: "p5", Name: "Jonas Weber"}}, Grants: grants}, from: []string{"GET /admin/groups/{id}"}},
		{page: "Group", state: "of a source", shown: ui.AdminGroup{Frame: adminFrame(""), Group: groups[2]}},
	}
}

func adminAccessSamples() []sample {
	var rows []ui.AccountRow
	for _, a := range accounts {
		rows = append(rows, ui.AccountRow{Account: a, Partition: "aws", Region: "eu-north-1", Owner: "apply", Assignments: len(a.Roles)})
	}
	sets := []ui.PermissionSetRow{
		{ID: "s1", Name: "Administrator", Description: "Everything", Session: time.Hour, Owner: "apply", Assignments: 2},
		{ID: "s2", Name: "Developer", Description: "Build and run services", Session: 8 * time.Hour, Owner: "apply", Assignments: 9},
		{ID: "s3", Name: "Operator", Description: "Restart, scale and read logs", Session: 4 * time.Hour, Owner: "apply", Assignments: 3},
		{ID: "s4", Name: "ReadOnly", Description: "Look at everything, change nothing", Session: 8 * time.Hour, Owner: "apply", Assignments: 21},
	}
	registered := []ui.ApplicationRow{
		{ID: "wiki", Name: "Spokes", EntityID: "https://wiki.acorn.example/saml/metadata", Owner: "apply", Assigned: 1},
		{ID: "crm", Name: "Dealer desk", EntityID: "urn:dealer-desk:acorn", Owner: "Tomas Okafor", Assigned: 2},
	}
	sourceRows := []ui.SourceRow{
		{ID: "builtin", Name: "Built-in", Kind: "Built-in", People: 4, Owner: "apply"},
		{ID: "okta", Name: "Okta", Kind: "SAML", Domains: []string{"acorn.example", "acorn-bikes.example"}, People: 2, Owner: "apply"},
	}
	tokens := []ui.TokenRow{
		{ID: "t1", Name: "Okta", Source: "Okta", Created: now.AddDate(0, -5, 0), LastUsed: now.Add(-4 * time.Minute)},
		{ID: "t2", Name: "Okta, before the rotation", Source: "Okta", Created: now.AddDate(-1, 0, 0), LastUsed: now.AddDate(0, -5, 0), Expires: now.Add(20 * time.Hour)},
		{ID: "t3", Name: "Trial", Source: "Okta", Created: now.AddDate(-1, -1, 0), Revoked: true},
	}
	events := []ui.EventRow{
		{Time: now, Type: "session.started", Outcome: "ok", Actor: "rosa", Target: "rosa", Address: "192.0.2.17", Detail: "passkey", ID: "01K9ZQ4J7T"},
		{Time: now.Add(-time.Minute), Type: "role.opened", Outcome: "ok", Actor: "mei@acorn.example", Target: "Shop, ReadOnly", Address: "2001:db8:40::9", Detail: "assertion _8f1c", ID: "01K9ZQ4J7S"},
		{Time: now.Add(-3 * time.Minute), Type: "signin.refused", Outcome: "password", Refused: true, Actor: "unknown name", Address: "198.51.100.4", Detail: "14 times in a minute", ID: "01K9ZQ4J7R"},
		{Time: now.Add(-time.Hour), Type: "person.blocked", Outcome: "ok", Actor: "tomas", Target: "ana", Address: "192.0.2.30", ID: "01K9ZQ4J7Q"},
	}
	const scimURL = "https://portal.acorn.example/scim/v2"
	return []sample{
		{page: "AWS accounts", state: "some", shown: ui.AdminAccounts{Frame: adminFrame(""), Accounts: rows, Total: len(rows)}, from: []string{"GET /admin/accounts"}},
		{page: "AWS account", state: "one", shown: ui.AdminAccount{Frame: adminFrame(""), Account: accounts[0], Partition: "aws", Region: "eu-north-1", Owner: "apply", ProviderARN: "arn:aws:iam::210987654321:saml-provider/AcornPortal", SignIn: "https://signin.aws.amazon.com/saml", Roles: []ui.RoleRow{{PermissionSet: "Operator", RoleARN: "arn:aws:iam::210987654321:role/portal/Operator"}}, Assignments: assignments[:1]}, from: []string{"GET /admin/accounts/{id}"}},
		{page: "Permission sets", state: "some", shown: ui.AdminPermissionSets{Frame: adminFrame(""), Sets: sets, Total: len(sets)}, from: []string{"GET /admin/permission-sets"}},
		{page: "Assignments", state: "some", shown: ui.AdminAssignments{Frame: adminFrame(""), Assignments: assignments, Total: len(assignments), Principals: []ui.Option{{ID: "group:g1", Name: "Engineering (group)"}, {ID: "person:p1", Name: "Rosa Lindqvist"}}, PermissionSets: []ui.Option{{ID: "s1", Name: "Administrator"}}, Accounts: []ui.Option{{ID: "210987654321", Name: "Shop (210987654321)"}}}, from: []string{"GET /admin/assignments"}},
		{page: "SAML applications", state: "some", shown: ui.AdminApplications{Frame: adminFrame(""), Apps: registered, Total: len(registered)}, from: []string{"GET /admin/applications"}},
		{page: "SAML applications", state: "refused", shown: ui.AdminApplications{Frame: adminFrame(""), Problem: "An application cannot have AWS’s entity ID.", Apps: registered, Total: len(registered), Draft: ui.ApplicationDraft{Name: "Console", EntityID: "urn:amazon:webservices", ACS: "https://signin.aws.amazon.com/saml"}}, status: http.StatusUnprocessableEntity},
		{page: "SAML application", state: "one", shown: ui.AdminApplication{Frame: adminFrame("Registered."), App: registered[1], ACS: []string{"https://desk.acorn.example/sso/acs"}, NameID: "emailAddress", Attributes: []string{"email", "displayName"}, Assignments: []ui.Option{{ID: "g1", Name: "Engineering"}, {ID: "g3", Name: "Finance"}}, IdPEntityID: "https://portal.acorn.example/saml/apps", IdPMetadataURL: "https://portal.acorn.example/saml/apps/metadata", IdPSignInURL: "https://portal.acorn.example/saml/apps/sso", Certificate: "5F:8A:1C:90:3D:77:E2:4B:AA:06:91:CE:58:F3:20:BD:5F:8A:1C:90:3D:77:E2:4B:AA:06:91:CE:58:F3:20:BD", CertificateEnd: now.AddDate(2, 3, 0)}, from: []string{"GET /admin/applications/{id}", "POST /admin/applications"}},
		{page: "Identity sources", state: "some", shown: ui.AdminSources{Frame: adminFrame(""), Sources: sourceRows}, from: []string{"GET /admin/sources"}},
		{page: "Identity source", state: "external", shown: ui.AdminSource{Frame: adminFrame(""), Source: sourceRows[1], Facts: []ui.Fact{{Name: "Entity ID of the portal", Value: "https://portal.acorn.example/saml/sp/okta", Copy: true}, {Name: "Assertion consumer service", Value: "https://portal.acorn.example/saml/sp/okta/acs", Copy: true}, {Name: "Second factor", Value: "asked for by the portal"}}}, from: []string{"GET /admin/sources/{id}"}},
		{page: "SCIM tokens", state: "some", shown: ui.AdminTokens{Frame: adminFrame(""), BaseURL: scimURL, Tokens: tokens, Sources: sources[1:]}, from: []string{"GET /admin/tokens"}},
		{page: "SCIM tokens", state: "none", shown: ui.AdminTokens{Frame: adminFrame(""), BaseURL: scimURL, Sources: sources[1:]}},
		{page: "SCIM token", state: "shown once", shown: ui.AdminTokenShown{Frame: adminFrame(""), BaseURL: scimURL, Name: "Okta", Source: "Okta", Token: "ghs_EXAMPLEhA7xZ4mQ2tVn9KpR5wYc8", Old: now.Add(24 * time.Hour)}, from: []string{"POST /admin/tokens", "POST /admin/tokens/{id}/rotate"}},
		{page: "Audit log", state: "some", shown: ui.AdminAudit{Frame: adminFrame(""), Events: events, Before: "41877"}, from: []string{"GET /admin/audit"}},
		{page: "Audit log", state: "no match", shown: ui.AdminAudit{Frame: adminFrame(""), Query: "bicycle"}},
	}
}
