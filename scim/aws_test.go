// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/gatehouse-id/gatehouse/scim"
)

// Clients that were written for IAM Identity Center ask by its documented
// filters, page as it does, and leave out what it does without.
func TestAWSProfile(t *testing.T) {
	for _, profile := range []scim.Profile{scim.AWS, scim.Auto} {
		t.Run(string(profile), func(t *testing.T) {
			s := newServer(t, func(c *scim.Config) { c.Profile = profile })
			// One value without brackets; no schemas and no Content-Type.
			anna := s.do("POST", "/Users", `{"userName":"anna","externalId":"x1","displayName":"Anna","name":{"givenName":"A","familyName":"B"},
				"emails":{"value":"a@x","type":"work","primary":true},"`+scim.EnterpriseURN+`":{"manager":{"value":"m1"}}}`, "Content-Type", "").want(201)
			id := anna.body["id"].(string)
			if got := anna.at("emails"); got != `[{"primary":true,"type":"work","value":"a@x"}]` {
				t.Errorf("emails %s", got)
			}
			bob := s.do("POST", "/Users", `{"userName":"bob"}`).want(201).body["id"].(string)
			group := s.do("POST", "/Groups", `{"displayName":"staff","externalId":"g1","members":[{"value":"`+id+`"}]}`).want(201).body["id"].(string)
			for _, c := range []struct {
				endpoint, filter string
				want             int
			}{
				{"/Users", `userName eq "ANNA"`, 1},
				{"/Users", `externalId eq "x1"`, 1},
				{"/Users", `groups.value eq "` + group + `"`, 1},
				{"/Users", `id eq "` + id + `" and manager eq "m1"`, 1},
				{"/Users", `id eq "` + bob + `" and manager eq "m1"`, 0},
				{"/Users", `id eq "` + id + `" and manager.value eq "m2"`, 0},
				{"/Groups", `displayName eq "staff"`, 1},
				{"/Groups", `externalId eq "g1"`, 1},
				{"/Groups", `id eq "` + group + `" and members eq "` + id + `"`, 1},
				{"/Groups", `members eq "` + bob + `" and id eq "` + group + `"`, 0},
				{"/Groups", `members.value eq "` + id + `"`, 1},
			} {
				if got := s.do("GET", c.endpoint+"?filter="+url.QueryEscape(c.filter), "").want(200).at("totalResults"); got != fmt.Sprint(c.want) {
					t.Errorf("%s: %s, not %d", c.filter, got, c.want)
				}
			}
			// An empty cursor asks for pages by cursor (RFC 9865 section 2).
			first := s.do("GET", "/Users?cursor=&count=1", "").want(200)
			second := s.do("GET", "/Users?count=1&cursor="+url.QueryEscape(first.body["nextCursor"].(string)), "").want(200)
			if first.at("startIndex") != "" || second.at("Resources", 0, "userName") != "bob" || second.at("nextCursor") != "" {
				t.Errorf("%s\n%s", first.text, second.text)
			}
			// What is not there cannot be removed, and is not; id is not written.
			patch := func(op string) string {
				return `{"schemas":["` + scim.PatchOpURN + `"],"Operations":[` + op + `]}`
			}
			s.do("PATCH", "/Groups/"+group, patch(`{"op":"remove","path":"members[value eq \"`+bob+`\"]"}`)).want(204)
			r := s.do("PATCH", "/Users/"+id, patch(`{"op":"replace","value":{"id":"other","displayName":"Ann"}}`)).want(200)
			if r.at("id") != id || r.at("displayName") != "Ann" {
				t.Errorf("patched: %s", r.text)
			}
		})
	}
}

// What the profile does not forgive is refused as strictly as ever.
func TestAWSProfileIsNoOther(t *testing.T) {
	s := newServer(t, func(c *scim.Config) { c.Profile = scim.AWS })
	id := s.do("POST", "/Users", `{"userName":"anna","name":{"givenName":"A"}}`).want(201).body["id"].(string)
	for _, c := range []struct {
		op    string
		check scim.Check
	}{
		{`{"op":"Replace","path":"title","value":"x"}`, scim.CheckInvalidSyntax},
		{`{"op":"replace","path":"active","value":"False"}`, scim.CheckInvalidValue},
	} {
		s.do("PATCH", "/Users/"+id, `{"schemas":["`+scim.PatchOpURN+`"],"Operations":[`+c.op+`]}`).want(400)
		if s.err.Check != c.check {
			t.Errorf("%s: refused by %v", c.op, s.err)
		}
	}
	s = newServer(t, func(c *scim.Config) { c.Profile = scim.Strict })
	s.do("GET", "/Users?filter="+url.QueryEscape(`manager eq "m1"`), "").want(400)
	if s.err.Check != scim.CheckInvalidFilter {
		t.Errorf("strict: refused by %v", s.err)
	}
}
