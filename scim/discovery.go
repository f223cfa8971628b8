// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// discover serves /ServiceProviderConfig, /ResourceTypes and /Schemas (RFC
// 7644 section 4).
func (c *call) discover(what, id string) (*response, error) {
	if c.r.URL.Query().Get("filter") != "" {
		return nil, refuse(CheckForbidden, "discovery cannot be filtered") // RFC 7644 section 4
	}
	if what == "ServiceProviderConfig" {
		if id != "" {
			return nil, refuse(CheckNotFound, "there is no such endpoint")
		}
		return &response{status: http.StatusOK, body: appendJSON(nil, c.providerConfig())}, nil
	}
	items := c.typeObjects()
	if what == "Schemas" {
		items = c.schemaObjects()
	}
	if id == "" {
		o := &object{}
		o.add("schemas", []any{ListResponseURN})
		o.add("totalResults", number(strconv.Itoa(len(items))))
		o.add("startIndex", number("1"))
		o.add("itemsPerPage", number(strconv.Itoa(len(items))))
		return answer(o, items), nil
	}
	for _, item := range items {
		if o := item.(*object); strings.EqualFold(o.text("id"), id) {
			return &response{status: http.StatusOK, body: appendJSON(nil, o)}, nil
		}
	}
	return nil, refuse(CheckNotFound, "there is no such resource")
}

func obj(pairs ...any) *object {
	o := &object{}
	for i := 0; i < len(pairs); i += 2 {
		o.add(pairs[i].(string), pairs[i+1])
	}
	return o
}

func digits(n int) number { return number(strconv.Itoa(n)) }

// providerConfig says what this server does; nothing else is said than is true
// (RFC 7643 section 5, RFC 9865 section 2.3).
func (c *call) providerConfig() *object {
	l := c.h.c.Limits
	yes := obj("supported", true)
	return obj(
		"schemas", []any{ServiceProviderConfigURN},
		"patch", yes,
		"bulk", obj("supported", true, "maxOperations", digits(l.Operations), "maxPayloadSize", number(strconv.FormatInt(l.Body, 10))),
		"filter", obj("supported", true, "maxResults", digits(l.MaxPage)),
		"changePassword", obj("supported", c.h.c.ChangePassword),
		"sort", yes,
		"etag", yes,
		"pagination", obj("cursor", true, "index", true, "defaultPaginationMethod", "index", "defaultPageSize", digits(l.PageSize), "maxPageSize", digits(l.MaxPage)),
		"authenticationSchemes", []any{obj("type", "oauthbearertoken", "name", "Bearer token", "description", "A bearer token in the Authorization header (RFC 6750)", "primary", true)},
		"meta", obj("resourceType", "ServiceProviderConfig", "location", c.h.root+"/ServiceProviderConfig"),
	)
}

func (c *call) typeObjects() []any {
	var out []any
	for _, t := range c.h.types {
		o := obj("schemas", []any{ResourceTypeURN}, "id", t.name, "name", t.name, "endpoint", t.endpoint, "description", t.description, "schema", t.schema.ID)
		var ext []any
		for _, e := range t.extensions {
			ext = append(ext, obj("schema", e.Schema.ID, "required", e.Required))
		}
		if ext != nil {
			o.add("schemaExtensions", ext)
		}
		o.add("meta", obj("resourceType", "ResourceType", "location", c.h.root+"/ResourceTypes/"+t.name))
		out = append(out, o)
	}
	return out
}

func (c *call) schemaObjects() []any {
	var out []any
	seen := map[string]bool{}
	add := func(s *Schema) {
		if seen[strings.ToLower(s.ID)] {
			return
		}
		seen[strings.ToLower(s.ID)] = true
		o := obj("schemas", []any{SchemaURN}, "id", s.ID, "name", s.Name, "description", s.Description)
		if raw, err := json.Marshal(s.Attributes); err == nil {
			if v, err := parseJSON(raw, storedLimits); err == nil {
				o.add("attributes", v)
			}
		}
		o.add("meta", obj("resourceType", "Schema", "location", c.h.root+"/Schemas/"+s.ID))
		out = append(out, o)
	}
	for _, t := range c.h.types {
		add(t.schema)
		for i := range t.extensions {
			add(&t.extensions[i].Schema)
		}
	}
	return out
}
