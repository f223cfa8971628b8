// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Denial says whose credentials of AWS are to end. Revoking in the portal ends
// every token at once, but credentials that STS has issued live on until they
// expire, and whoever holds a SAML Response may still redeem it while its
// assertion lives. Only a deny in AWS ends those.
type Denial struct {
	// SourceIdentity is the person's, where the account's roles take one.
	SourceIdentity string
	// SessionNames are the person's, for the others: every RoleSessionName whose
	// sessions may still run. One of the two is required.
	SessionNames []string
	// Revoked is when the person was revoked in the portal.
	Revoked time.Time
	// AssertionLife is the longest life of an assertion, Skew how far clocks
	// may differ. A session that begins later has been signed for anew.
	AssertionLife time.Duration
	Skew          time.Duration
}

// Policy is an IAM policy, to be attached to the roles or as a service control
// policy, that denies everything to the sessions of this person that were
// issued before the revocation could take effect everywhere. It touches nobody
// else who uses the same roles, but for somebody who has taken a name that the
// person gave up, until their next session. It can be removed when the longest session of
// the roles has passed.
func (d Denial) Policy() (string, error) {
	if d.Revoked.IsZero() || d.AssertionLife < 0 || d.Skew < 0 {
		return "", fmt.Errorf("awssso: denial without a time")
	}
	until := d.Revoked.Add(d.AssertionLife + d.Skew).UTC().Truncate(time.Second).Add(time.Second)
	condition := map[string]map[string]any{"DateLessThan": {"aws:TokenIssueTime": until.Format(time.RFC3339)}}
	switch {
	case isSessionName(d.SourceIdentity):
		condition["StringEquals"] = map[string]any{"aws:SourceIdentity": d.SourceIdentity}
	case d.SourceIdentity == "" && len(d.SessionNames) > 0 && !slices.ContainsFunc(d.SessionNames, func(name string) bool { return !isSessionName(name) }):
		// aws:userid is AROA...:NAME. The characters of a name hold no wildcard.
		var ids []string
		for _, name := range d.SessionNames {
			ids = append(ids, "*:"+name)
		}
		condition["StringLike"] = map[string]any{"aws:userid": ids}
	default:
		return "", fmt.Errorf("awssso: denial needs a SourceIdentity or RoleSessionNames of 2 to 64 characters")
	}
	text, err := json.MarshalIndent(map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{map[string]any{
			"Sid": "GatehouseRevoked", "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition,
		}},
	}, "", "  ")
	if err != nil {
		return "", err // unreachable: strings
	}
	return string(text), nil
}

func isSessionName(name string) bool {
	return len(name) >= 2 && len(name) <= 64 && isRoleName(name) && !strings.HasPrefix(name, "aws:")
}
