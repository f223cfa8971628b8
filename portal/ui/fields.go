// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

// The names of form fields and query parameters, as templates write them and
// handlers read them.
const (
	FieldFlow      = "flow" // the sign-in flow of this browser tab
	FieldUsername  = "username"
	FieldPassword  = "password"
	FieldPassword2 = "password2" // the new password once more
	FieldCode      = "code"      // TOTP, recovery or mailed code
	FieldFactor    = "factor"    // which second factor: a [Method]
	FieldRemember  = "remember"  // "on": remember this device
	FieldTicket    = "ticket"
	FieldName      = "name"
	FieldQuery     = "q"

	FieldAccount     = "account"
	FieldRole        = "role"
	FieldDestination = "destination"
	// The deep link's names are AWS's own: account_id, role_name, destination.
	FieldAccountID = "account_id"
	FieldRoleName  = "role_name"

	FieldUserCode = "user_code" // device authorization
	FieldRequest  = "request"   // opaque consent request
	FieldVia      = "via"       // "link": the code came with the link and was not typed
	FieldDecision = "decision"  // [DecisionApprove] or [DecisionDeny]

	FieldKind          = "kind"
	FieldEmail         = "email"
	FieldSource        = "source"
	FieldGroup         = "group"
	FieldPerson        = "person"
	FieldPrincipal     = "principal" // "group:ID" or "person:ID"
	FieldPermissionSet = "permission_set"
	FieldEntityID      = "entity_id"
	FieldACS           = "acs"
	FieldMetadata      = "metadata"
	FieldAction        = "action" // "add" or "remove" of a member
	FieldBefore        = "before" // paging of the audit log
)

// Values of [FieldDecision].
const (
	DecisionApprove = "approve"
	DecisionDeny    = "deny"
)
