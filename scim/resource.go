// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"encoding/json"
	"time"
)

// Resource is a pointer to a struct that embeds [Base]: *[User], *[Group] or
// an application's own.
type Resource interface {
	Common() *Base
}

// Base holds what all resources have (RFC 7643 section 3.1). Embed it to make
// a resource of an application's own.
type Base struct {
	ID         string `json:"id"`         // made by the store; never changes
	ExternalID string `json:"externalId"` // the client's own id
	Meta       Meta   `json:"meta"`

	// Extra holds attributes and extensions that the struct has no field for,
	// as JSON by attribute name or schema URN: extensions declared as data,
	// and unknown attributes under [KeepUnknown].
	Extra map[string]json.RawMessage `json:"-"`
}

// Common returns the receiver; it makes structs that embed Base a [Resource].
func (b *Base) Common() *Base { return b }

// Meta describes a resource. A store sets Created, LastModified and Version;
// the handler fills in the rest of an answer.
type Meta struct {
	ResourceType string    `json:"resourceType"`
	Created      time.Time `json:"created"`
	LastModified time.Time `json:"lastModified"`
	Location     string    `json:"location"`

	// Version changes whenever the resource does. It is opaque and short; the
	// handler sends it as a weak entity tag, W/"Version".
	Version string `json:"version"`
}

// User is a person (RFC 7643 section 4.1).
type User struct {
	Base
	UserName          string  `json:"userName"`
	Name              *Name   `json:"name"`
	DisplayName       string  `json:"displayName"`
	NickName          string  `json:"nickName"`
	ProfileURL        string  `json:"profileUrl"`
	Title             string  `json:"title"`
	UserType          string  `json:"userType"`
	PreferredLanguage string  `json:"preferredLanguage"`
	Locale            string  `json:"locale"`
	Timezone          string  `json:"timezone"`
	Active            *bool   `json:"active"` // never nil in what a Store is given
	Emails            []Value `json:"emails"`
	PhoneNumbers      []Value `json:"phoneNumbers"`
	IMs               []Value `json:"ims"`
	Photos            []Value `json:"photos"`

	Addresses        []Address    `json:"addresses"`
	Groups           []Membership `json:"groups"` // readOnly; a store fills it in unless told to omit it
	Entitlements     []Value      `json:"entitlements"`
	Roles            []Value      `json:"roles"`
	X509Certificates []Value      `json:"x509Certificates"`

	Enterprise *EnterpriseUser `json:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`

	// Password is set only when the client sets a new one, under
	// [Config.ChangePassword]. It is never returned, and a store that keeps
	// passwords keeps only a hash.
	Password string `json:"password"`
}

// IsActive reports whether the person is active; without a word, yes.
func (u *User) IsActive() bool { return u.Active == nil || *u.Active }

// Name is the parts of a person's name.
type Name struct {
	Formatted       string `json:"formatted"`
	FamilyName      string `json:"familyName"`
	GivenName       string `json:"givenName"`
	MiddleName      string `json:"middleName"`
	HonorificPrefix string `json:"honorificPrefix"`
	HonorificSuffix string `json:"honorificSuffix"`
}

// Value is an element of a multi-valued attribute (RFC 7643 section 2.4).
type Value struct {
	Value   string `json:"value"`
	Display string `json:"display"`
	Type    string `json:"type"`
	Primary bool   `json:"primary"`
	Ref     string `json:"$ref"`
}

// Address is a postal address.
type Address struct {
	Formatted     string `json:"formatted"`
	StreetAddress string `json:"streetAddress"`
	Locality      string `json:"locality"`
	Region        string `json:"region"`
	PostalCode    string `json:"postalCode"`
	Country       string `json:"country"`
	Type          string `json:"type"`
	Primary       bool   `json:"primary"`
}

// Membership is a group that a user is in. Type is "direct" or "indirect".
type Membership struct {
	Value   string `json:"value"`
	Ref     string `json:"$ref"`
	Display string `json:"display"`
	Type    string `json:"type"`
}

// EnterpriseUser is the standard's extension for people in an organisation
// (RFC 7643 section 4.3).
type EnterpriseUser struct {
	EmployeeNumber string   `json:"employeeNumber"`
	CostCenter     string   `json:"costCenter"`
	Organization   string   `json:"organization"`
	Division       string   `json:"division"`
	Department     string   `json:"department"`
	Manager        *Manager `json:"manager"`
}

// Manager is whom a user reports to.
type Manager struct {
	Value       string `json:"value"`
	Ref         string `json:"$ref"`
	DisplayName string `json:"displayName"`
}

// Group is a set of users and groups (RFC 7643 section 4.2).
type Group struct {
	Base
	DisplayName string   `json:"displayName"`
	Members     []Member `json:"members"`
}

// Member is a member of a group. Type is "User" or "Group"; a store finds it
// out where the client does not say.
type Member struct {
	Value   string `json:"value"`
	Ref     string `json:"$ref"`
	Display string `json:"display"`
	Type    string `json:"type"`
}
