// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// URNs of the standard's schemas and messages.
const (
	UserURN       = "urn:ietf:params:scim:schemas:core:2.0:User"
	GroupURN      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	EnterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

	ErrorURN        = "urn:ietf:params:scim:api:messages:2.0:Error"
	ListResponseURN = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	SearchURN       = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
	PatchOpURN      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	BulkRequestURN  = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	BulkResponseURN = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

	ServiceProviderConfigURN = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	ResourceTypeURN          = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	SchemaURN                = "urn:ietf:params:scim:schemas:core:2.0:Schema"
)

// Schema declares the attributes of a resource or of an extension (RFC 7643
// section 7).
type Schema struct {
	ID          string // urn:…
	Name        string
	Description string
	Attributes  []Attribute
}

// Attribute declares one attribute. Zero fields are the defaults of RFC 7643
// section 2.2: a singular, optional, readWrite string, returned by default,
// that compares without regard to case.
type Attribute struct {
	Name            string
	Type            AttributeType
	Description     string
	MultiValued     bool
	Required        bool
	CaseExact       bool
	CanonicalValues []string
	Mutability      Mutability
	Returned        Returned
	Uniqueness      Uniqueness
	ReferenceTypes  []string
	SubAttributes   []Attribute // of a Complex attribute
}

// AttributeType is the data type of an attribute (RFC 7643 section 2.3).
type AttributeType string

// The data types.
const (
	String    AttributeType = "" // the zero value
	Boolean   AttributeType = "boolean"
	Decimal   AttributeType = "decimal"
	Integer   AttributeType = "integer"
	DateTime  AttributeType = "dateTime"
	Binary    AttributeType = "binary"
	Reference AttributeType = "reference"
	Complex   AttributeType = "complex"
)

// Mutability says who may write an attribute (RFC 7643 section 7).
type Mutability string

// The mutabilities.
const (
	ReadWrite Mutability = ""
	ReadOnly  Mutability = "readOnly"
	Immutable Mutability = "immutable"
	WriteOnly Mutability = "writeOnly"
)

// Returned says when an attribute is part of an answer (RFC 7643 section 7).
type Returned string

// The returned characteristics.
const (
	ReturnedDefault   Returned = ""
	ReturnedAlways    Returned = "always"
	ReturnedNever     Returned = "never"
	ReturnedOnRequest Returned = "request"
)

// Uniqueness says how far a value is unique (RFC 7643 section 7). The store
// enforces it within a tenant.
type Uniqueness string

// The uniquenesses.
const (
	NotUnique    Uniqueness = ""
	ServerUnique Uniqueness = "server"
	GlobalUnique Uniqueness = "global"
)

func orWord[S ~string](s S, zero string) string {
	if s == "" {
		return zero
	}
	return string(s)
}

// MarshalJSON writes the declaration as the /Schemas endpoint does.
func (a Attribute) MarshalJSON() ([]byte, error) {
	type wire struct {
		Name            string      `json:"name"`
		Type            string      `json:"type"`
		MultiValued     bool        `json:"multiValued"`
		Description     string      `json:"description"`
		Required        bool        `json:"required"`
		CanonicalValues []string    `json:"canonicalValues,omitempty"`
		CaseExact       bool        `json:"caseExact"`
		Mutability      string      `json:"mutability"`
		Returned        string      `json:"returned"`
		Uniqueness      string      `json:"uniqueness"`
		ReferenceTypes  []string    `json:"referenceTypes,omitempty"`
		SubAttributes   []Attribute `json:"subAttributes,omitempty"`
	}
	return json.Marshal(wire{
		a.Name, orWord(a.Type, "string"), a.MultiValued, a.Description, a.Required, a.CanonicalValues, a.exact(),
		orWord(a.Mutability, "readWrite"), orWord(a.Returned, "default"), orWord(a.Uniqueness, "none"), a.ReferenceTypes, a.SubAttributes,
	})
}

// exact reports whether text of this attribute compares byte by byte.
func (a *Attribute) exact() bool { return a.CaseExact || a.Type == Binary || a.Type == Reference }

func (a *Attribute) sub(name string) *Attribute { return find(a.SubAttributes, name) }

// sameName compares names of attributes and schemas, which are ASCII.
func sameName(a, b string) bool { return len(a) == len(b) && (a == b || strings.EqualFold(a, b)) }

func find(attrs []Attribute, name string) *Attribute {
	for i := range attrs {
		if sameName(attrs[i].Name, name) {
			return &attrs[i]
		}
	}
	return nil
}

// clone copies what a rule may change.
func (s *Schema) clone() Schema {
	out := *s
	out.Attributes = slices.Clone(s.Attributes)
	for i := range out.Attributes {
		out.Attributes[i].SubAttributes = slices.Clone(out.Attributes[i].SubAttributes)
	}
	return out
}

// check refuses a declaration that the standard or this package does not have.
func (s *Schema) check() error {
	if !strings.HasPrefix(strings.ToLower(s.ID), "urn:") {
		return fmt.Errorf("scim: schema %q: the id must begin with urn:", s.ID)
	}
	if strings.ContainsFunc(s.ID, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"<>[\]^`+"`{|}", r) }) {
		return fmt.Errorf("scim: schema %q: the id has a character that no URI has", s.ID) // RFC 3986 section 2
	}
	if s.Name == "" {
		return fmt.Errorf("scim: schema %q has no name", s.ID)
	}
	if err := checkAttributes(s.Attributes, 0); err != nil {
		return fmt.Errorf("scim: schema %q: %w", s.ID, err)
	}
	return nil
}

func checkAttributes(attrs []Attribute, depth int) error {
	if depth > 1 && len(attrs) > 0 {
		return errors.New("a sub-attribute has sub-attributes")
	}
	seen := map[string]bool{}
	for i := range attrs {
		a := &attrs[i]
		key := strings.ToLower(a.Name)
		switch {
		case !validAttributeName(a.Name):
			return fmt.Errorf("%q is not an attribute name", a.Name)
		case seen[key]:
			return fmt.Errorf("attribute %q is declared twice", a.Name)
		case depth == 0 && (key == "id" || key == "externalid" || key == "meta" || key == "schemas"):
			return fmt.Errorf("attribute %q is common to all resources and not declared", a.Name)
		case (a.Type == Complex) != (len(a.SubAttributes) > 0):
			return fmt.Errorf("attribute %q: complex attributes, and no others, have sub-attributes", a.Name)
		case a.Uniqueness != NotUnique && (a.MultiValued || depth > 0 || a.Type == Complex):
			return fmt.Errorf("attribute %q: only a singular attribute of the top level can be unique", a.Name)
		case a.Mutability == WriteOnly && a.Returned != ReturnedNever:
			return fmt.Errorf("attribute %q: what is writeOnly is returned never", a.Name)
		}
		switch a.Type {
		case String, Boolean, Decimal, Integer, DateTime, Binary, Reference, Complex:
		default:
			return fmt.Errorf("attribute %q: no type %q", a.Name, a.Type)
		}
		seen[key] = true
		if err := checkAttributes(a.SubAttributes, depth+1); err != nil {
			return fmt.Errorf("attribute %q: %w", a.Name, err)
		}
	}
	return nil
}

func validAttributeName(s string) bool {
	if s == "$ref" {
		return true
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || i > 0 && ('0' <= c && c <= '9' || c == '-' || c == '_')) {
			return false
		}
	}
	return s != ""
}
