// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

import "time"

// AdminApplications lists the SAML applications and registers one: a POST of
// [FieldName] with [FieldMetadata], or [FieldEntityID] and [FieldACS], to
// [PathAdminApps].
type AdminApplications struct {
	Frame   Frame
	Problem string
	Apps    []ApplicationRow
	Total   int
	Draft   ApplicationDraft // kept after a refusal
}

func (p AdminApplications) view() view {
	return adminView("admin-applications", "Applications", inSAMLApps, &p.Frame)
}

// ApplicationRow is one application of a list.
type ApplicationRow struct {
	ID       string
	Name     string
	EntityID string
	Owner    string
	Assigned int // people and groups
}

// ApplicationDraft is what the registration form holds.
type ApplicationDraft struct {
	Name     string
	EntityID string
	ACS      string
	Metadata string
}

// AdminApplication is one application: what it is and what it needs to know
// of the portal.
type AdminApplication struct {
	Frame       Frame
	Problem     string
	App         ApplicationRow
	ACS         []string
	NameID      string
	Attributes  []string
	Assignments []Option
	Principals  []Option // who can be assigned: "group:…" and "person:…"
	// The application identity provider.
	IdPEntityID    string
	IdPMetadataURL string
	IdPSignInURL   string
	Certificate    string // SHA-256 fingerprint
	CertificateEnd time.Time
}

func (p AdminApplication) view() view {
	return adminView("admin-application", p.App.Name, inSAMLApps, &p.Frame)
}

// AdminSources lists the identity sources.
type AdminSources struct {
	Frame   Frame
	Sources []SourceRow
}

func (p AdminSources) view() view {
	return adminView("admin-sources", "Identity sources", inSources, &p.Frame)
}

// SourceRow is one identity source of a list.
type SourceRow struct {
	ID      string
	Name    string
	Kind    string // "Built-in", "LDAP", "SAML"
	Domains []string
	People  int
	Owner   string
}

// AdminSource is one identity source with what its other side needs to know.
type AdminSource struct {
	Frame  Frame
	Source SourceRow
	Facts  []Fact
}

func (p AdminSource) view() view {
	return adminView("admin-source", p.Source.Name, inSources, &p.Frame)
}

// Fact is a named value of a details list; Copy offers to copy it.
type Fact struct {
	Name  string
	Value string
	Copy  bool
}

// AdminTokens lists the SCIM tokens and makes one: a POST of [FieldName] and
// [FieldSource] to [PathAdminTokens].
type AdminTokens struct {
	Frame   Frame
	Problem string
	BaseURL string // of the SCIM endpoint
	Tokens  []TokenRow
	Sources []Option
}

func (p AdminTokens) view() view { return adminView("admin-tokens", "SCIM tokens", inTokens, &p.Frame) }

// TokenRow is one SCIM token; the token itself is never shown again.
type TokenRow struct {
	ID       string
	Name     string
	Source   string
	Created  time.Time
	LastUsed time.Time
	Expires  time.Time // zero: does not expire
	Revoked  bool
}

// AdminTokenShown shows a new token once.
type AdminTokenShown struct {
	Frame   Frame
	BaseURL string
	Name    string
	Source  string
	Token   string
	// Old is until when the token that this one replaces still works.
	Old time.Time
}

func (p AdminTokenShown) view() view {
	return adminView("admin-token-shown", "New SCIM token", inTokens, &p.Frame)
}

// AdminAudit is a page of the audit log, newest first.
type AdminAudit struct {
	Frame  Frame
	Query  string
	Events []EventRow // at most 50
	Before string     // cursor of the next page; "": this is the last
}

func (p AdminAudit) view() view { return adminView("admin-audit", "Audit log", inAudit, &p.Frame) }

// EventRow is one event of the audit log.
type EventRow struct {
	Cursor  string // for [FieldBefore]
	Time    time.Time
	Type    string
	Outcome string // "ok", or the check that refused
	Refused bool
	Actor   string
	Target  string
	Address string
	Detail  string
	ID      string // correlation id
}
