// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"github.com/gatehouse-id/gatehouse/portal/ui"
)

// revokedSamples are the answers to revoking everything of a person.
func revokedSamples() []sample {
	const policy = `{
  "Statement": [
    {
      "Action": "*",
      "Condition": {
        "DateLessThan": { "aws:TokenIssueTime": "2026-11-24T09:20:01Z" },
        "StringLike": { "aws:userid": ["*:ana"] }
      },
      "Effect": "Deny",
      "Resource": "*",
      "Sid": "GatehouseRevoked"
    }
  ],
  "Version": "2012-10-17"
}`
	ana := ui.Option{ID: "p6", Name: "ana"}
	shown := ui.AdminRevoked{
		Frame: adminFrame("Blocked. Every session and token has ended."), Person: ana, Revoked: now, Browsers: 2, CommandLines: 1, CanApply: true,
		Accounts: []ui.RemainingAccount{{Account: accounts[0], Policy: policy, Roles: []ui.RemainingRole{
			{ARN: "arn:aws:iam::210987654321:role/Operator", Signed: now.Add(-20 * time.Minute), Until: now.Add(48 * time.Minute)},
			{ARN: "arn:aws:iam::210987654321:role/Billing"},
		}}},
	}
	refused := shown
	refused.Frame, refused.Problem = adminFrame(""), "AWS did not take the policy for arn:aws:iam::210987654321:role/Operator. Try again, or attach it yourself."
	return []sample{
		{page: "Revoked", state: "what may still run", shown: shown, from: []string{"GET /admin/people/{id}/revoked", "POST /admin/people/{id}/sessions/revoke", "POST /admin/people/{id}/revoked/deny"}},
		{page: "Revoked", state: "AWS refused", shown: refused, status: 502},
		{page: "Revoked", state: "nothing", shown: ui.AdminRevoked{Frame: adminFrame(""), Person: ana}},
	}
}
