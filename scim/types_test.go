// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/scim"
)

type lamp struct {
	scim.Base
	Name   string   `json:"name"`
	Colors []string `json:"colors"`
	Shade  *struct {
		Size int `json:"size"`
	} `json:"shade"`
	Room string `json:"urn:example:Room"`
}

type twice struct {
	scim.Base
	Name  string `json:"name"`
	Title string `json:"NAME"`
}

type odd struct {
	scim.Base
	Names map[string]string `json:"names"`
}

// A declaration that cannot be kept is refused when it is made, by name.
func TestNewTypeChecks(t *testing.T) {
	valid := func() scim.TypeConfig {
		return scim.TypeConfig{Name: "Lamp", Schema: scim.Schema{ID: "urn:example:Lamp", Name: "Lamp", Attributes: []scim.Attribute{
			{Name: "name", Required: true, Uniqueness: scim.ServerUnique},
			{Name: "colors", MultiValued: true},
			{Name: "shade", Type: scim.Complex, SubAttributes: []scim.Attribute{{Name: "size", Type: scim.Integer}}},
		}}}
	}
	made := func(c scim.TypeConfig) error {
		_, err := scim.MemoryOf[lamp](scim.NewMemoryStore(1), c)
		return err
	}
	if err := made(valid()); err != nil {
		t.Fatal(err)
	}
	attribute := func(a scim.Attribute) func(*scim.TypeConfig) {
		return func(c *scim.TypeConfig) { c.Schema.Attributes = append(c.Schema.Attributes, a) }
	}
	replaced := func(i int, change func(*scim.Attribute)) func(*scim.TypeConfig) {
		return func(c *scim.TypeConfig) { change(&c.Schema.Attributes[i]) }
	}
	extended := func(s ...scim.Schema) func(*scim.TypeConfig) {
		return func(c *scim.TypeConfig) {
			for _, s := range s {
				c.Extensions = append(c.Extensions, scim.Extension{Schema: s})
			}
		}
	}
	extra := scim.Schema{ID: "urn:example:Extra", Name: "Extra", Attributes: []scim.Attribute{{Name: "x"}}}
	for want, change := range map[string]func(*scim.TypeConfig){
		`"" is no name`:                                func(c *scim.TypeConfig) { c.Name = "" },
		`"a b" is no name`:                             func(c *scim.TypeConfig) { c.Name = "a b" },
		`"/a/b" is no endpoint`:                        func(c *scim.TypeConfig) { c.Endpoint = "/a/b" },
		`must begin with urn:`:                         func(c *scim.TypeConfig) { c.Schema.ID = "https://x" },
		`a character that no URI has`:                  func(c *scim.TypeConfig) { c.Schema.ID = `urn:example:"]` },
		`has no name`:                                  func(c *scim.TypeConfig) { c.Schema.Name = "" },
		`"a.b" is not an attribute name`:               attribute(scim.Attribute{Name: "a.b"}),
		`"Name" is declared twice`:                     attribute(scim.Attribute{Name: "Name"}),
		`"meta" is common to all resources`:            attribute(scim.Attribute{Name: "meta"}),
		`no type "text"`:                               attribute(scim.Attribute{Name: "x", Type: "text"}),
		`complex attributes, and no others`:            attribute(scim.Attribute{Name: "x", Type: scim.Complex}),
		`a sub-attribute has sub-attributes`:           attribute(scim.Attribute{Name: "x", Type: scim.Complex, SubAttributes: []scim.Attribute{{Name: "y", Type: scim.Complex, SubAttributes: []scim.Attribute{{Name: "z"}}}}}),
		`only a singular attribute`:                    attribute(scim.Attribute{Name: "x", MultiValued: true, Uniqueness: scim.ServerUnique}),
		`what is writeOnly is returned never`:          attribute(scim.Attribute{Name: "x", Mutability: scim.WriteOnly}),
		`writeOnly attribute x needs a field`:          attribute(scim.Attribute{Name: "x", Mutability: scim.WriteOnly, Returned: scim.ReturnedNever}),
		`attribute colors has another shape`:           replaced(1, func(a *scim.Attribute) { a.MultiValued = false }),
		`attribute name has another shape`:             replaced(0, func(a *scim.Attribute) { a.Type = scim.Boolean }),
		`attribute shade has another shape`:            replaced(2, func(a *scim.Attribute) { a.SubAttributes = []scim.Attribute{{Name: "height"}} }),
		`schema "urn:example:Extra" is declared twice`: extended(extra, extra),
		`schema "URN:EXAMPLE:LAMP" is declared twice`:  extended(scim.Schema{ID: "URN:EXAMPLE:LAMP", Name: "again"}),
		`extension urn:example:Room is no struct`:      extended(scim.Schema{ID: "urn:example:Room", Name: "Room", Attributes: []scim.Attribute{{Name: "x"}}}),
	} {
		c := valid()
		change(&c)
		if err := made(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := scim.NewType[lamp](valid(), nil); err == nil || !strings.Contains(err.Error(), "needs a store") {
		t.Errorf("no store: %v", err)
	}
	if _, err := scim.MemoryOf[twice](scim.NewMemoryStore(1), valid()); err == nil || !strings.Contains(err.Error(), "two fields") {
		t.Errorf("two fields: %v", err)
	}
	if _, err := scim.MemoryOf[odd](scim.NewMemoryStore(1), valid()); err == nil || !strings.Contains(err.Error(), "cannot hold an attribute") {
		t.Errorf("a map: %v", err)
	}
}

// What a caller changes after New changes nothing.
func TestNewTypeCopies(t *testing.T) {
	c := scim.TypeConfig{Name: "Lamp", Schema: scim.Schema{ID: "urn:example:Lamp", Name: "Lamp", Attributes: []scim.Attribute{{Name: "name", Required: true}}}}
	store, err := scim.MemoryOf[lamp](scim.NewMemoryStore(10), c)
	if err != nil {
		t.Fatal(err)
	}
	typ, err := scim.NewType(c, store)
	if err != nil {
		t.Fatal(err)
	}
	c.Schema.Attributes[0].Required = false
	s := newServer(t, func(config *scim.Config) { config.Types = []scim.Type{typ} })
	s.do("POST", "/Lamps", `{"schemas":["urn:example:Lamp"]}`).want(400)
	if s.err.Check != scim.CheckInvalidValue {
		t.Errorf("refused by %v", s.err)
	}
	s.do("POST", "/Lamps", `{"schemas":["urn:example:Lamp"],"name":"desk","colors":["red"]}`).want(201)
}

// Two types cannot share a name or an endpoint, nor take one of the protocol's.
func TestTypesCollide(t *testing.T) {
	store := scim.NewMemoryStore(1)
	made := func(name, endpoint string) scim.Type {
		c := scim.TypeConfig{Name: name, Endpoint: endpoint, Schema: scim.Schema{ID: "urn:example:" + name, Name: name, Attributes: []scim.Attribute{{Name: "name"}}}}
		kept, err := scim.MemoryOf[lamp](store, c)
		if err != nil {
			t.Fatal(err)
		}
		typ, err := scim.NewType(c, kept)
		if err != nil {
			t.Fatal(err)
		}
		return typ
	}
	for want, types := range map[string][]scim.Type{
		"/users is taken":        {made("Lamp", "/USERS")},
		"/bulk is taken":         {made("Lamp", "/Bulk")},
		"/schemas is taken":      {made("Lamp", "/Schemas")},
		"name group is taken":    {made("group", "/Lamps")},
		"/lamps is taken":        {made("Lamp", ""), made("Light", "/Lamps")},
		"a resource type is nil": {nil},
	} {
		_, err := scim.New(scim.Config{BaseURL: "https://x/v2", Users: store.Users(), Groups: store.Groups(), Types: types, Tokens: newTokens(t, store)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func newTokens(t *testing.T, s scim.TokenStore) *scim.Tokens {
	t.Helper()
	tokens, err := scim.NewTokens(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}
