// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/scim"
	"github.com/gatehouse-id/gatehouse/scim/scimsql"
)

const (
	deviceURN = "urn:example:params:scim:schemas:Device"
	rackURN   = "urn:example:params:scim:schemas:Rack"
	labelURN  = "urn:example:params:scim:schemas:Label"
	badgeURN  = "urn:example:params:scim:schemas:Badge"
)

// device is a resource of an application's own: core attributes and the rack
// extension are Go structs, the label extension is data.
type device struct {
	scim.Base
	Name      string       `json:"name"`
	Serial    string       `json:"serial"`
	UserName  string       `json:"userName"`
	Secret    string       `json:"secret"`
	Hidden    string       `json:"hidden"`
	Online    *bool        `json:"online"`
	Weight    float64      `json:"weight"`
	Ports     []int64      `json:"ports"`
	Installed time.Time    `json:"installed"`
	Owner     *deviceOwner `json:"owner"`
	Rack      *rack        `json:"urn:example:params:scim:schemas:Rack"`
}

type deviceOwner struct {
	Value string `json:"value"`
	Since string `json:"since"`
}

type rack struct {
	Room string `json:"room"`
	Unit int64  `json:"unit"`
}

func deviceType() scim.TypeConfig {
	return scim.TypeConfig{
		Name: "Device",
		Schema: scim.Schema{ID: deviceURN, Name: "Device", Attributes: []scim.Attribute{
			{Name: "name", Required: true, Uniqueness: scim.ServerUnique},
			{Name: "serial", CaseExact: true, Mutability: scim.Immutable},
			{Name: "userName"}, // not that of users: neither required nor unique
			{Name: "secret", Mutability: scim.WriteOnly, Returned: scim.ReturnedNever},
			{Name: "hidden", Returned: scim.ReturnedOnRequest},
			{Name: "online", Type: scim.Boolean},
			{Name: "weight", Type: scim.Decimal},
			{Name: "ports", Type: scim.Integer, MultiValued: true},
			{Name: "installed", Type: scim.DateTime},
			{Name: "owner", Type: scim.Complex, SubAttributes: []scim.Attribute{{Name: "value"}, {Name: "since"}}},
		}},
		Extensions: []scim.Extension{
			{Schema: scim.Schema{ID: rackURN, Name: "Rack", Attributes: []scim.Attribute{{Name: "room"}, {Name: "unit", Type: scim.Integer}}}},
			{Schema: scim.Schema{ID: labelURN, Name: "Label", Attributes: []scim.Attribute{
				{Name: "color"},
				{Name: "printed", Type: scim.DateTime, Mutability: scim.ReadOnly},
			}}},
		},
	}
}

// badge is an extension of users that is declared as data.
func badge() scim.Schema {
	return scim.Schema{ID: badgeURN, Name: "Badge", Attributes: []scim.Attribute{
		{Name: "number", Required: true, Uniqueness: scim.ServerUnique},
		{Name: "level", Type: scim.Integer},
		{Name: "pin", Returned: scim.ReturnedNever},
	}}
}

// typed serves devices and users with badges from each kind of store.
func typed(t *testing.T) map[string]http.Handler {
	out := map[string]http.Handler{}
	serve := func(name string, users scim.Store[scim.User], devices scim.Store[device]) {
		typ, err := scim.NewType(deviceType(), devices)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = handler(t, users, nil, func(c *scim.Config) {
			c.Types, c.UserExtensions = []scim.Type{typ}, []scim.Schema{badge()}
		})
	}
	m := scim.NewMemoryStore(1000)
	devices, err := scim.MemoryOf[device](m, deviceType())
	if err != nil {
		t.Fatal(err)
	}
	serve("memory", m.Users(badge()), devices)
	for name, open := range databases {
		db := open(t)
		s := scimsql.New(db, nil)
		users, err := s.Users(badge())
		if err != nil {
			t.Fatal(err)
		}
		devices, err := scimsql.Of[device](s, deviceType())
		if err != nil {
			t.Fatal(err)
		}
		serve(name, users, devices)
	}
	return out
}

// answered is the status and scimType of an answer.
func answered(t *testing.T, h http.Handler, method, path, body string) string {
	t.Helper()
	code, out := do(h, method, path, body)
	return fmt.Sprint(code, " ", out["scimType"])
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const device1 = `{"schemas":["` + deviceURN + `","` + rackURN + `","` + labelURN + `"],"name":"Switch","serial":"aB1","secret":"s3cret","hidden":"h","online":false,
	"weight":1.5,"ports":[80,443],"installed":"2026-01-02T03:04:05+01:00","owner":{"value":"anna","since":"May"},
	"` + rackURN + `":{"room":"R1","unit":7},"` + labelURN + `":{"color":"red","printed":"2020-01-01T00:00:00Z"}}`

// A type of an application's own has all that users have: types, filters,
// order, uniqueness, mutability, projection and extensions of both kinds.
func TestOwnType(t *testing.T) {
	for name, h := range typed(t) {
		t.Run(name, func(t *testing.T) {
			made := must(t, h, "POST", "/Devices", device1)
			path := "/Devices/" + made["id"].(string)
			must(t, h, "POST", "/Devices", `{"schemas":["`+deviceURN+`"],"name":"Router","serial":"AB1","userName":"zoe","weight":20}`)
			must(t, h, "POST", "/Devices", `{"schemas":["`+deviceURN+`"],"name":"Printer","userName":"Bob"}`)
			listed := must(t, h, "GET", "/Devices?filter="+url.QueryEscape(`name eq "switch"`), "")["Resources"].([]any)[0]
			for where, got := range map[string]any{"POST": made, "GET": must(t, h, "GET", path, ""), "list": listed} {
				r := got.(map[string]any)
				if r["secret"] != nil || r["hidden"] != nil || text(t, r["ports"]) != "[80,443]" || r["online"] != false || r["installed"] != "2026-01-02T02:04:05Z" ||
					text(t, r[rackURN]) != `{"room":"R1","unit":7}` || text(t, r[labelURN]) != `{"color":"red"}` || text(t, r["schemas"]) != text(t, []string{deviceURN, rackURN, labelURN}) {
					t.Errorf("%s: %s", where, text(t, r))
				}
			}
			if r := must(t, h, "GET", path+"?attributes=hidden,secret", ""); r["hidden"] != "h" || r["secret"] != nil || r["name"] != nil {
				t.Errorf("on request: %s", text(t, r))
			}
			for filter, want := range map[string]string{
				`serial eq "aB1"`:                            "Switch",
				`serial eq "ab1"`:                            "",
				`ports eq 443`:                               "Switch",
				`weight gt 1.25 and weight lt 3`:             "Switch",
				`online eq false`:                            "Switch",
				`installed lt "2026-01-02T02:04:06Z"`:        "Switch",
				`owner.value eq "ANNA"`:                      "Switch",
				rackURN + `:unit ge 7`:                       "Switch",
				labelURN + `:color sw "R"`:                   "Switch",
				`schemas eq "` + labelURN + `"`:              "Switch",
				`name sw "r"`:                                "Router",
				`not (userName pr)`:                          "Switch",
				`meta.resourceType eq "Device" and ports pr`: "Switch",
			} {
				list := must(t, h, "GET", "/Devices?filter="+url.QueryEscape(filter), "")["Resources"].([]any)
				if got := deviceNames(list); got != want {
					t.Errorf("%s: %q, not %q", filter, got, want)
				}
			}
			for by, want := range map[string]string{"name": "Printer Router Switch", "userName": "Printer Router Switch", "weight": "Switch Router Printer", rackURN + ":unit": "Switch"} {
				list := must(t, h, "GET", "/Devices?sortBy="+url.QueryEscape(by), "")["Resources"].([]any)
				if got := deviceNames(list); !strings.HasPrefix(got, want) || len(list) != 3 {
					t.Errorf("sorted by %s: %q", by, got)
				}
			}
			patch := func(op string) string {
				return `{"schemas":["` + scim.PatchOpURN + `"],"Operations":[` + op + `]}`
			}
			if r := must(t, h, "PATCH", path, patch(`{"op":"replace","path":"`+rackURN+`:unit","value":9},{"op":"add","path":"ports","value":[22]},{"op":"replace","path":"`+labelURN+`:color","value":"blue"}`)); text(t, r[rackURN]) != `{"room":"R1","unit":9}` || text(t, r["ports"]) != "[80,443,22]" || text(t, r[labelURN]) != `{"color":"blue"}` {
				t.Errorf("patched: %s", text(t, r))
			}
			for _, c := range []struct{ method, path, body, want string }{
				{"POST", "/Devices", `{"schemas":["` + deviceURN + `"],"name":"SWITCH"}`, "409 uniqueness"},
				{"POST", "/Devices", `{"schemas":["` + deviceURN + `"],"serial":"x"}`, "400 invalidValue"},
				{"POST", "/Devices", `{"schemas":["` + deviceURN + `"],"name":"n","ports":["x"]}`, "400 invalidValue"},
				{"POST", "/Devices", `{"schemas":["` + deviceURN + `"],"name":"n","installed":"soon"}`, "400 invalidValue"},
				{"POST", "/Devices", `{"schemas":["` + deviceURN + `"],"name":"n","` + rackURN + `":{"unit":"high"}}`, "400 invalidValue"},
				{"PATCH", path, patch(`{"op":"replace","path":"serial","value":"new"}`), "400 mutability"},
				{"GET", "/Devices?filter=" + url.QueryEscape(`secret eq "s3cret"`), "", "400 invalidFilter"},
				{"GET", "/Devices?filter=" + url.QueryEscape(`ports eq "x"`), "", "400 invalidFilter"},
				{"GET", "/Devices?sortBy=secret", "", "400 invalidPath"},
				{"GET", "/Users?filter=" + url.QueryEscape(`serial eq "aB1"`), "", "400 invalidFilter"},
			} {
				if got := answered(t, h, c.method, c.path, c.body); got != c.want {
					t.Errorf("%s %s %s: %s, not %s", c.method, c.path, c.body, got, c.want)
				}
			}
			if r := must(t, h, "GET", "/ResourceTypes/Device", ""); r["endpoint"] != "/Devices" || len(r["schemaExtensions"].([]any)) != 2 {
				t.Errorf("type: %s", text(t, r))
			}
			if r := must(t, h, "GET", "/Schemas/"+deviceURN, ""); len(r["attributes"].([]any)) != 10 {
				t.Errorf("schema: %s", text(t, r))
			}
		})
	}
}

func deviceNames(list []any) string {
	var out []string
	for _, r := range list {
		out = append(out, r.(map[string]any)["name"].(string))
	}
	return strings.Join(out, " ")
}

// An extension of users that is declared as data is checked, searched, kept
// unique and hidden as its schema says.
func TestUserExtension(t *testing.T) {
	for name, h := range typed(t) {
		t.Run(name, func(t *testing.T) {
			user := func(name, badge string) string {
				return `{"schemas":["` + scim.UserURN + `"],"userName":"` + name + `","` + badgeURN + `":` + badge + `}`
			}
			made := must(t, h, "POST", "/Users", user("anna", `{"NUMBER":"B1","level":3,"pin":"0000"}`))
			path := "/Users/" + made["id"].(string)
			must(t, h, "POST", "/Users", `{"schemas":["`+scim.UserURN+`"],"userName":"bob"}`)
			listed := must(t, h, "GET", "/Users?filter="+url.QueryEscape(badgeURN+`:level eq 3`), "")["Resources"].([]any)
			if len(listed) != 1 {
				t.Fatalf("found %d", len(listed))
			}
			for where, got := range map[string]any{"POST": made, "GET": must(t, h, "GET", path, ""), "list": listed[0]} {
				r := got.(map[string]any)
				if text(t, r[badgeURN]) != `{"level":3,"number":"B1"}` || text(t, r["schemas"]) != text(t, []string{scim.UserURN, badgeURN}) {
					t.Errorf("%s: %s", where, text(t, r))
				}
			}
			if r := must(t, h, "PATCH", path, `{"schemas":["`+scim.PatchOpURN+`"],"Operations":[{"op":"replace","path":"`+badgeURN+`:level","value":4}]}`); text(t, r[badgeURN]) != `{"level":4,"number":"B1"}` {
				t.Errorf("patched: %s", text(t, r))
			}
			for _, c := range []struct{ method, path, body, want string }{
				{"POST", "/Users", user("carl", `{"level":1}`), "400 invalidValue"},
				{"POST", "/Users", user("carl", `{"number":"B2","level":"x"}`), "400 invalidValue"},
				{"GET", "/Users?filter=" + url.QueryEscape(badgeURN+`:pin eq "0000"`), "", "400 invalidFilter"},
				{"GET", "/Users?filter=" + url.QueryEscape(badgeURN+`:unknown eq "0"`), "", "400 invalidFilter"},
			} {
				if got := answered(t, h, c.method, c.path, c.body); got != c.want {
					t.Errorf("%s %s %s: %s, not %s", c.method, c.path, c.body, got, c.want)
				}
			}
			if got := answered(t, h, "POST", "/Users", user("carl", `{"number":"b1"}`)); got != "409 uniqueness" {
				t.Errorf("a number that is taken: %s", got)
			}
		})
	}
}
