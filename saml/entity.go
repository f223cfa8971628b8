// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"crypto"
	"crypto/x509"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/internal/dsig"
)

// Entity is one entity's metadata (Metadata 2.3.2). Entities are not mutated
// once they are in use. They come from [ParseMetadata] or are filled in by
// hand; [IdentityProvider.Entity] and [ServiceProvider.Entity] make our own.
type Entity struct {
	EntityID      string
	ValidUntil    time.Time     // zero: no limit
	CacheDuration time.Duration // zero: not stated
	IdP           *IdPRole
	SP            *SPRole
	Organization  *Organization
	Contacts      []Contact
	// Attributes are the mdattr:EntityAttributes.
	Attributes Attributes

	warnings []string // of parsing, for Describe
}

// IdPRole is an IDPSSODescriptor.
type IdPRole struct {
	Keys                    []Key
	SSO                     []Endpoint
	SLO                     []Endpoint
	Artifact                []Endpoint
	NameIDFormats           []string
	WantAuthnRequestsSigned bool
	UI                      *UIInfo
}

// SPRole is an SPSSODescriptor.
type SPRole struct {
	Keys                 []Key
	ACS                  []Endpoint
	SLO                  []Endpoint
	Artifact             []Endpoint
	NameIDFormats        []string
	AuthnRequestsSigned  bool
	WantAssertionsSigned bool
	Services             []AttributeService
	UI                   *UIInfo
}

// Key is a KeyDescriptor.
type Key struct {
	// Use is "signing", "encryption" or "" for both.
	Use         string
	Certificate *x509.Certificate // nil if metadata holds a bare key value
	PublicKey   crypto.PublicKey
	// Encryption are the EncryptionMethod algorithms, most preferred first.
	Encryption []string
}

// Endpoint is one place where messages go.
type Endpoint struct {
	Binding          string
	Location         string
	ResponseLocation string // "" is Location
	Index            int    // of indexed endpoints
	Default          bool
}

// AttributeService is an AttributeConsumingService.
type AttributeService struct {
	Index     int
	Default   bool
	Names     []Localized
	Requested []RequestedAttribute
}

// RequestedAttribute is an attribute that a service provider asks for.
type RequestedAttribute struct {
	Attribute
	Required bool
}

// Localized is a text in one language.
type Localized struct{ Lang, Text string }

// Organization says who runs the entity.
type Organization struct{ Names, DisplayNames, URLs []Localized }

// Contact is a person or desk to turn to.
type Contact struct {
	// Type is technical, support, administrative, billing or other.
	Type, Company, GivenName, SurName string
	Emails, Phones                    []string
}

// UIInfo is mdui:UIInfo, for discovery and consent pages. All of it is the
// peer's own claim.
type UIInfo struct {
	DisplayNames, Descriptions, InformationURLs, PrivacyURLs []Localized
	Logos                                                    []Logo
}

// Logo is a picture by address.
type Logo struct {
	URL, Lang     string
	Width, Height int
}

// signing returns the keys that may sign for the role.
func signing(keys []Key) []dsig.Key {
	out := make([]dsig.Key, 0, len(keys))
	for _, k := range keys {
		if k.Use != "encryption" && k.PublicKey != nil {
			out = append(out, dsig.Key{Public: k.PublicKey, Certificate: k.Certificate})
		}
	}
	return out
}

// signingAt is signing without the keys whose certificates are not valid now,
// if those are refused.
func signingAt(keys []Key, refuseExpired bool, now time.Time) []dsig.Key {
	if !refuseExpired {
		return signing(keys)
	}
	return signing(slices.DeleteFunc(slices.Clone(keys), func(k Key) bool {
		return k.Certificate == nil || now.After(k.Certificate.NotAfter) || now.Before(k.Certificate.NotBefore)
	}))
}

// encryption returns the keys that we may encrypt to.
func encryption(keys []Key) []Key {
	var out []Key
	for _, k := range keys {
		if k.Use != "signing" && k.PublicKey != nil {
			out = append(out, k)
		}
	}
	return out
}

// pick returns the first endpoint with the first of the bindings that occurs.
func pick(es []Endpoint, bindings ...string) (Endpoint, bool) {
	for _, b := range bindings {
		for _, e := range es {
			if e.Binding == b {
				return e, true
			}
		}
	}
	return Endpoint{}, false
}

func (e Endpoint) response() string {
	if e.ResponseLocation != "" {
		return e.ResponseLocation
	}
	return e.Location
}
