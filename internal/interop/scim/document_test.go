// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"testing"

	"github.com/gatehouse-id/gatehouse/scim"
	"github.com/gatehouse-id/gatehouse/scim/filter"
	"github.com/gatehouse-id/gatehouse/scim/scimtest"
)

// people are resources of which each needs something of its own in an answer.
var people = []string{
	`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bare"}`,
	`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"text \"}}}\\ \u00e9 <&>","externalId":"]}","displayName":"\"manager\":{\"value\":\"x\"}}}"}`,
	`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"named","name":{"givenName":"G","familyName":"F"},"emails":[{"value":"a@b","primary":true},{"value":"c@d","type":"home"}]}`,
	`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"managed","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"D","manager":{"value":"bulk/7"}}}`,
	`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"quoted","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"a\"b"}}}`,
	`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"referred","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"7","$ref":"https://elsewhere/7"}}}`,
	`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"unmanaged","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"D"}}`,
	`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"extra","nested":{"a":{"b":{"c":1}}},"manager":{"value":"no"}}`,
	`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"urn","urn:example:own":{"x":{"y":{"z":2}}}}`,
}

// What a list or a GET says of a resource is written without decoding what is
// stored; it is what is said when attributes are chosen, which is not.
func TestDocuments(t *testing.T) {
	open := map[string]func(t testing.TB) scimtest.Stores{"memory": func(testing.TB) scimtest.Stores {
		m := scim.NewMemoryStore(100)
		return scimtest.Stores{Users: m.Users(), Groups: m.Groups()}
	}}
	for name, db := range databases {
		open[name] = func(t testing.TB) scimtest.Stores { _, s := stores(t, db(t)); return s }
	}
	for name, open := range open {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			for _, rules := range [][]scim.AttributeRule{nil, {{Type: "User", Path: "emails", Rule: scim.Ignore}}} {
				h := handler(t, s.Users, s.Groups, func(c *scim.Config) { c.Rules = rules })
				var ids []string
				if rules == nil {
					for _, p := range people {
						ids = append(ids, must(t, h, "POST", "/Users", p)["id"].(string))
					}
					inner := must(t, h, "POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"in \"}}}","members":[{"value":"`+ids[0]+`"},{"value":"`+ids[2]+`"}]}`)["id"].(string)
					must(t, h, "POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"out","externalId":"x","members":[{"value":"`+inner+`","display":"d"},{"value":"`+ids[3]+`"}]}`)
					must(t, h, "POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"empty"}`)
				}
				for endpoint, n := range map[string]int{"/Users": len(people), "/Groups": 3} {
					list := must(t, h, "GET", endpoint, "")["Resources"].([]any)
					if len(list) != n {
						t.Fatalf("%s has %d", endpoint, len(list))
					}
					for _, r := range list {
						path := endpoint + "/" + r.(map[string]any)["id"].(string)
						got, want := must(t, h, "GET", path, ""), must(t, h, "GET", path+"?excludedAttributes=nickName", "")
						if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(r, want) {
							t.Errorf("listed %v\n   got %v\n  want %v", r, got, want)
						}
						if rules != nil && got["emails"] != nil {
							t.Error("what is ignored is shown")
						}
					}
				}
			}
		})
	}
}

// A wrapper that changes answers is not passed by.
func TestListsKeepWrappers(t *testing.T) {
	_, s := stores(t, sqlite(t))
	h := handler(t, masked{s.Users}, nil, nil)
	must(t, h, "POST", "/Users", people[2])
	got := must(t, h, "GET", "/Users", "")["Resources"].([]any)[0].(map[string]any)
	if got["emails"] != nil || got["userName"] != "named" {
		t.Errorf("the wrapper's answer is %v", got)
	}
}

type masked struct{ scim.Store[scim.User] }

func (m masked) Unwrap() any { return m.Store }

func (m masked) Query(ctx context.Context, tenant string, q scim.Query) (scim.Page[scim.User], error) {
	page, err := m.Store.Query(ctx, tenant, q)
	for _, u := range page.Resources {
		u.Emails = nil
	}
	return page, err
}

// The count that is kept is the number of resources, whatever failed.
func TestTotals(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			_, s := stores(t, db)
			var ids []string
			check := func() {
				t.Helper()
				page, err := s.Users.Query(t.Context(), s.Tenant, scim.Query{Start: 1})
				if err != nil {
					t.Fatal(err)
				}
				if n := rowsOf(t, db, s.Tenant); page.Total != len(ids) || n != len(ids) {
					t.Fatalf("total %d, rows %d, made %d", page.Total, n, len(ids))
				}
			}
			check()
			for i := range 9 {
				u, err := s.Users.Create(t.Context(), s.Tenant, &scim.User{UserName: fmt.Sprint("u", i)})
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, u.ID)
			}
			if _, err := s.Users.Create(t.Context(), s.Other, &scim.User{UserName: "u1"}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Users.Create(t.Context(), s.Tenant, &scim.User{UserName: "U1"}); !errors.Is(err, scim.ErrConflict) {
				t.Fatal(err)
			}
			check()
			for _, id := range []string{ids[0], ids[8]} {
				if err := s.Users.Delete(t.Context(), s.Tenant, id, ""); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Users.Delete(t.Context(), s.Tenant, ids[0], ""); !errors.Is(err, scim.ErrNotFound) {
				t.Fatal(err)
			}
			if err := s.Users.Delete(t.Context(), s.Tenant, ids[1], "7"); !errors.Is(err, scim.ErrVersion) {
				t.Fatal(err)
			}
			ids = ids[1:8]
			check()
			undone := errors.New("undone")
			if err := s.Users.(scim.Transactor).InTx(t.Context(), func(ctx context.Context) error {
				if _, err := s.Users.Create(ctx, s.Tenant, &scim.User{UserName: "gone"}); err != nil {
					return err
				}
				return undone
			}); !errors.Is(err, undone) {
				t.Fatal(err)
			}
			check()
		})
	}
}

func rowsOf(t *testing.T, db *sql.DB, tenant string) (n int) {
	t.Helper()
	if err := db.QueryRow("SELECT COUNT(*) FROM scim_resources WHERE tenant = $1 AND kind = 'User'", tenant).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// The time of creation is looked up by the order of ids; every comparison finds
// what a comparison of times finds.
func TestCreatedByID(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, s := stores(t, open(t))
			h := handler(t, s.Users, nil, nil)
			var made []*scim.User
			for i := range 6 {
				u, err := s.Users.Create(t.Context(), s.Tenant, &scim.User{UserName: fmt.Sprint("u", i)})
				if err != nil {
					t.Fatal(err)
				}
				made = append(made, u)
			}
			for _, op := range []filter.Op{filter.Eq, filter.Ne, filter.Gt, filter.Ge, filter.Lt, filter.Le} {
				for _, at := range made {
					cmp := &filter.Compare{Path: filter.Path{Name: "created"}, Op: op, Value: filter.TimeValue(at.Meta.Created)}
					want := 0
					for _, u := range made {
						if filter.Match(cmp, created{u}) {
							want++
						}
					}
					text := fmt.Sprintf("meta.created %s %q", op, at.Meta.Created.Format("2006-01-02T15:04:05.999999Z07:00"))
					if got := must(t, h, "GET", "/Users?filter="+url.QueryEscape(text), "")["totalResults"]; got != float64(want) {
						t.Errorf("%s: %v, not %d", text, got, want)
					}
				}
			}
		})
	}
}

type created struct{ u *scim.User }

func (c created) Values(filter.Path) []filter.Value {
	return []filter.Value{filter.TimeValue(c.u.Meta.Created)}
}

func (created) Elements(filter.Path) []filter.Source { return nil }

// Filters on schemas know the core schema, which no row holds.
func TestFilterSchemas(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, s := stores(t, open(t))
			h := handler(t, s.Users, nil, nil)
			must(t, h, "POST", "/Users", people[0])
			must(t, h, "POST", "/Users", people[6])
			for text, want := range map[string]float64{
				`schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"`:       2,
				`not (schemas eq "urn:ietf:params:scim:schemas:core:2.0:User")`: 0,
				`schemas ne "urn:ietf:params:scim:schemas:core:2.0:User"`:       1,
				`schemas co "enterprise"`:                                       1,
				`schemas sw "urn:"`:                                             2,
				`schemas eq null`:                                               0,
				`schemas pr`:                                                    2,
				`schemas eq "urn:ietf:params:scim:schemas:core:2.0:User" and userName eq "bare"`: 1,
			} {
				if got := must(t, h, "GET", "/Users?filter="+url.QueryEscape(text), "")["totalResults"]; got != want {
					t.Errorf("%s: %v, not %v", text, got, want)
				}
			}
		})
	}
}

// Conditions within an element are about one element, whichever of them is
// looked up first.
func TestFilterWithinElement(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, s := stores(t, open(t))
			h := handler(t, s.Users, nil, nil)
			must(t, h, "POST", "/Users", `{"schemas":["`+scim.UserURN+`"],"userName":"a","emails":[{"value":"a@x","type":"work","primary":true,"display":"d"},{"value":"a@home","type":"home"}]}`)
			must(t, h, "POST", "/Users", `{"schemas":["`+scim.UserURN+`"],"userName":"b","emails":[{"value":"a@x","type":"home"},{"value":"b@x","type":"work"}]}`)
			for text, want := range map[string]float64{
				`emails[type eq "work"].value eq "A@X"`:                                  1,
				`emails[type eq "work" and value eq "a@x"]`:                              1,
				`emails[value eq "a@x" and type eq "WORK" and primary eq true]`:          1,
				`emails[value eq "a@x" and primary eq false]`:                            1,
				`emails[value eq "a@x" and type ne "work"]`:                              1,
				`emails[value eq "a@x" and display eq null]`:                             1,
				`emails[value eq "a@x" and not (type eq "work")]`:                        1,
				`emails[value eq "a@x" and (type eq "work" or type eq "home")]`:          2,
				`emails[value eq "a@x" and display eq "d" and value sw "a" and type pr]`: 1,
				`emails[type eq "work" and primary eq true]`:                             1,
				`emails[value eq "a@home" and type eq "work"]`:                           0,
			} {
				if got := must(t, h, "GET", "/Users?filter="+url.QueryEscape(text), "")["totalResults"]; got != want {
					t.Errorf("%s: %v, not %v", text, got, want)
				}
			}
		})
	}
}
