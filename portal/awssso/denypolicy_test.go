// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/awssso"
)

func ExampleDenial() {
	policy, err := awssso.Denial{
		SessionNames: []string{"alice", "alice.b"}, Revoked: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), AssertionLife: 5 * time.Minute, Skew: time.Minute,
	}.Policy()
	if err != nil {
		panic(err)
	}
	fmt.Println(policy)
	// Output:
	// {
	//   "Statement": [
	//     {
	//       "Action": "*",
	//       "Condition": {
	//         "DateLessThan": {
	//           "aws:TokenIssueTime": "2026-11-24T12:06:01Z"
	//         },
	//         "StringLike": {
	//           "aws:userid": [
	//             "*:alice",
	//             "*:alice.b"
	//           ]
	//         }
	//       },
	//       "Effect": "Deny",
	//       "Resource": "*",
	//       "Sid": "GatehouseRevoked"
	//     }
	//   ],
	//   "Version": "2012-10-17"
	// }
}

// TestDenialNamesOnePerson: a denial that would reach others is refused.
func TestDenialNamesOnePerson(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, d := range map[string]awssso.Denial{
		"nobody":          {Revoked: now},
		"everybody":       {Revoked: now, SessionNames: []string{"*"}},
		"wildcard":        {Revoked: now, SessionNames: []string{"alice", "al*ce"}},
		"variable":        {Revoked: now, SourceIdentity: "${aws:username}"},
		"too long":        {Revoked: now, SessionNames: []string{strings.Repeat("a", 65)}},
		"one letter":      {Revoked: now, SessionNames: []string{"a"}},
		"no time":         {SessionNames: []string{"alice"}},
		"negative life":   {Revoked: now, SessionNames: []string{"alice"}, AssertionLife: -1},
		"bad source only": {Revoked: now, SourceIdentity: "a b", SessionNames: []string{"alice"}},
	} {
		if policy, err := d.Policy(); err == nil {
			t.Errorf("%s: %s", name, policy)
		}
	}
	policy, err := awssso.Denial{Revoked: now, SourceIdentity: "p-1234", SessionNames: []string{"alice"}}.Policy()
	if err != nil || !strings.Contains(policy, `"aws:SourceIdentity": "p-1234"`) || strings.Contains(policy, "userid") {
		t.Errorf("%s, %v", policy, err)
	}
}
