// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"net/url"
	"strings"
)

// The paths of the portal, below [Config.BasePath], in the form that
// [net/http.ServeMux] takes: handlers register METHOD + BasePath + path.
// No GET changes state; every action is a POST.
const (
	PathHome   = "/{$}"    // GET: accounts (?q=)
	PathStart  = "/start/" // GET: the home page under AWS's own start URL
	PathApps   = "/apps"   // GET: applications (?q=)
	PathStatic = "/static/"

	PathSignIn          = "/sign-in"                // GET: identifier; POST: identifier given
	PathPassword        = "/sign-in/password"       // GET, POST
	PathMFA             = "/sign-in/mfa"            // GET: chooser (?factor=)
	PathTOTP            = "/sign-in/totp"           // POST
	PathRecovery        = "/sign-in/recovery"       // POST: a recovery code
	PathMailCode        = "/sign-in/code"           // POST: a mailed code
	PathMailCodeSend    = "/sign-in/code/send"      // POST: mail one (again)
	PathPasskeyBegin    = "/sign-in/passkey/begin"  // POST JSON: [PasskeyBegin] -> [PasskeyOptions]
	PathPasskeyFinish   = "/sign-in/passkey/finish" // POST JSON: [PasskeyFinish] -> [PasskeyNext]
	PathSource          = "/sign-in/source/{id}"    // POST: go to an external identity source
	PathContinue        = "/sign-in/continue"       // GET: "continue as X?"; POST: yes
	PathSignOut         = "/sign-out"               // GET: signed-out page; POST: sign out
	PathEnrol           = "/enrol"                  // GET, POST: the ticket, then the choice of factor
	PathNewPassword     = "/enrol/password"         // GET, POST: set a password with a ticket
	PathEnrolTOTP       = "/enrol/totp"             // POST: QR, or the first code
	PathEnrolPasskey    = "/enrol/passkey"          // POST: the page
	PathEnrolPasskeyBeg = "/enrol/passkey/begin"    // POST JSON
	PathEnrolPasskeyFin = "/enrol/passkey/finish"   // POST JSON
	PathEnrolRecovery   = "/enrol/recovery"         // GET: page to make codes; POST: shows them once

	PathSecurity          = "/security"                      // GET
	PathFactorRemove      = "/security/factors/{id}/remove"  // POST
	PathFactorRename      = "/security/factors/{id}/rename"  // POST
	PathSessionRevoke     = "/security/sessions/{id}/revoke" // POST
	PathSessionRevokeRest = "/security/sessions/revoke"      // POST: all others
	PathDeviceForget      = "/security/devices/{id}/forget"  // POST
	PathNoticeDismiss     = "/security/notices/{id}/dismiss" // POST

	PathConsole     = "/console"                              // GET: deep link, shows; never posts by itself
	PathConsoleOpen = "/console/open"                         // POST: answers with [SAMLPost]
	PathKeys        = "/accounts/{account}/roles/{role}/keys" // GET: page; POST: reveals
	PathWhy         = "/accounts/{account}/roles/{role}/why"  // GET: [Explain]
	PathAppLaunch   = "/apps/{id}/launch"                     // POST

	PathDevice        = "/device"         // GET, POST: enter the code (?user_code=)
	PathDeviceApprove = "/device/approve" // POST: approve or deny
	PathAuthorize     = "/authorize"      // GET: consent (PKCE); POST: approve or deny

	PathAdmin             = "/admin"        // GET: to the people
	PathAdminPeople       = "/admin/people" // GET (?q=), POST: create
	PathAdminPerson       = "/admin/people/{id}"
	PathAdminPersonBlock  = "/admin/people/{id}/block"           // POST
	PathAdminPersonOpen   = "/admin/people/{id}/unblock"         // POST
	PathAdminPersonHand   = "/admin/people/{id}/hand-over"       // POST: provisioning may change the person
	PathAdminPersonTicket = "/admin/people/{id}/ticket"          // POST: invitation, password reset or factor ticket
	PathAdminPersonOut    = "/admin/people/{id}/sessions/revoke" // POST
	PathAdminRevoked      = "/admin/people/{id}/revoked"         // GET: what ended, and what AWS may still run
	PathAdminDeny         = "/admin/people/{id}/revoked/deny"    // POST: write the deny to AWS
	PathAdminFactorRemove = "/admin/people/{id}/factors/{factor}/remove"
	PathAdminGroups       = "/admin/groups" // GET, POST: create
	PathAdminGroup        = "/admin/groups/{id}"
	PathAdminGroupMembers = "/admin/groups/{id}/members"   // POST: add or remove
	PathAdminGroupHand    = "/admin/groups/{id}/hand-over" // POST: provisioning may change the group
	PathAdminAccounts     = "/admin/accounts"
	PathAdminAccount      = "/admin/accounts/{id}"
	PathAdminPermSets     = "/admin/permission-sets"
	PathAdminAssignments  = "/admin/assignments"             // GET, POST: create
	PathAdminAssignRemove = "/admin/assignments/{id}/remove" // POST
	PathAdminApps         = "/admin/applications"            // GET, POST: create
	PathAdminApp          = "/admin/applications/{id}"
	PathAdminAppRemove    = "/admin/applications/{id}/remove" // POST
	PathAdminSources      = "/admin/sources"
	PathAdminSource       = "/admin/sources/{id}"
	PathAdminTokens       = "/admin/tokens"             // GET, POST: create, shown once
	PathAdminTokenRotate  = "/admin/tokens/{id}/rotate" // POST: shown once
	PathAdminTokenRevoke  = "/admin/tokens/{id}/revoke" // POST
	PathAdminAudit        = "/admin/audit"              // GET (?q=&before=)
	PathAdminAuditExport  = "/admin/audit.jsonl"        // GET
)

// Paths builds links from [Config.BasePath] and the path names above.
type Paths struct{ base string }

// NewPaths returns the links below base, which is "" or begins with "/" and
// does not end with one.
func NewPaths(base string) Paths { return Paths{base: base} }

// At returns the link for one of the Path constants, its wildcards filled in
// order with the escaped segments and its query with the pairs that follow.
func (p Paths) At(path string, segments ...string) string {
	var b strings.Builder
	b.WriteString(p.base)
	for path != "" {
		open := strings.IndexByte(path, '{')
		if open < 0 {
			b.WriteString(path)
			break
		}
		end := open + strings.IndexByte(path[open:], '}')
		b.WriteString(path[:open])
		if path[open:end+1] != "{$}" && len(segments) > 0 {
			b.WriteString(url.PathEscape(segments[0]))
			segments = segments[1:]
		}
		path = path[end+1:]
	}
	return b.String()
}

// WithQuery is [Paths.At] for a path without wildcards, with a query made of
// name, value pairs; pairs with an empty value are left out.
func (p Paths) WithQuery(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	link := p.At(path)
	if len(q) == 0 {
		return link
	}
	return link + "?" + q.Encode()
}
