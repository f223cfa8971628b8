// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/scim"
)

// printer has passwords that are never returned, of its own and in a
// sub-attribute.
type printer struct {
	scim.Base
	Name     string `json:"name"`
	Password string `json:"password"`
	Queue    *struct {
		Path     string `json:"path"`
		Password string `json:"password"`
	} `json:"queue"`
}

// What an application's own type calls a password is never returned either
// (RFC 7643 section 7, "returned"), though answers come from kept documents.
func TestNeverReturned(t *testing.T) {
	never := scim.Attribute{Name: "password", Mutability: scim.WriteOnly, Returned: scim.ReturnedNever}
	for name, attributes := range map[string][]scim.Attribute{
		"attribute":     {{Name: "name"}, never, {Name: "queue", Type: scim.Complex, SubAttributes: []scim.Attribute{{Name: "path"}}}},
		"sub-attribute": {{Name: "name"}, {Name: "queue", Type: scim.Complex, SubAttributes: []scim.Attribute{{Name: "path"}, never}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := scim.TypeConfig{Name: "Printer", Schema: scim.Schema{ID: "urn:example:Printer", Name: "Printer", Attributes: attributes}}
			s := newServer(t, func(config *scim.Config) {
				store, err := scim.MemoryOf[printer](scim.NewMemoryStore(10), c)
				if err != nil {
					t.Fatal(err)
				}
				typ, err := scim.NewType(c, store)
				if err != nil {
					t.Fatal(err)
				}
				config.Types = []scim.Type{typ}
			})
			body := `{"schemas":["urn:example:Printer"],"name":"p","password":"secret","queue":{"path":"/q","password":"secret"}}`
			if name == "attribute" {
				body = `{"schemas":["urn:example:Printer"],"name":"p","password":"secret","queue":{"path":"/q"}}`
			} else {
				body = strings.Replace(body, `"password":"secret","queue"`, `"queue"`, 1)
			}
			made := s.do("POST", "/Printers", body).want(http.StatusCreated)
			for _, r := range []*reply{made, s.do("GET", "/Printers/"+made.at("id"), "").want(200), s.do("GET", "/Printers", "").want(200)} {
				if strings.Contains(r.text, "secret") || !strings.Contains(r.text, "/q") {
					t.Errorf("answered %s", r.text)
				}
			}
		})
	}
}
