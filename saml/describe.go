// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// Description is what a person must know of metadata before trusting it.
type Description struct {
	EntityID   string
	Name       string // the first display name, the entity's own claim
	Roles      []string
	ValidUntil time.Time
	Endpoints  []DescribedEndpoint
	Keys       []DescribedKey
	NameIDs    []string
	// Signs and wants: what the entity promises and asks for.
	AuthnRequestsSigned, WantAuthnRequestsSigned, WantAssertionsSigned bool
	// Warnings are what will not work, or not for long, or is unsafe.
	Warnings []string
}

// DescribedEndpoint is an endpoint and what it is for.
type DescribedEndpoint struct {
	Service string // "SSO", "SLO", "ACS" or "Artifact"
	Endpoint
}

// DescribedKey is a key as a person compares it.
type DescribedKey struct {
	Role      string // "IdP" or "SP"
	Use       string // "signing", "encryption" or "both"
	Algorithm string // such as "RSA 2048"
	Subject   string
	// SHA256 is the certificate's fingerprint, or that of the bare key.
	SHA256              string
	NotBefore, NotAfter time.Time
}

// Describe turns metadata into what a person must know, as of now.
func (e *Entity) Describe(now time.Time) Description {
	d := Description{EntityID: e.EntityID, ValidUntil: e.ValidUntil, Warnings: slices.Clone(e.warnings)}
	if r := e.IdP; r != nil {
		d.Roles = append(d.Roles, "identity provider")
		d.endpoints("SSO", r.SSO)
		d.endpoints("SLO", r.SLO)
		d.endpoints("Artifact", r.Artifact)
		d.keys("IdP", r.Keys, now)
		d.NameIDs, d.WantAuthnRequestsSigned = append(d.NameIDs, r.NameIDFormats...), r.WantAuthnRequestsSigned
		d.name(r.UI)
		if len(signing(r.Keys)) == 0 {
			d.warn("The identity provider has no signing key: nothing that it says can be verified.")
		}
		if _, ok := pick(r.SSO, BindingRedirect, BindingPOST); !ok {
			d.warn("The identity provider offers no sign-in by Redirect or POST.")
		}
		if len(r.SLO) == 0 {
			d.warn("The identity provider offers no logout.")
		}
	}
	if r := e.SP; r != nil {
		d.Roles = append(d.Roles, "service provider")
		d.endpoints("ACS", r.ACS)
		d.endpoints("SLO", r.SLO)
		d.endpoints("Artifact", r.Artifact)
		d.keys("SP", r.Keys, now)
		d.NameIDs, d.AuthnRequestsSigned, d.WantAssertionsSigned = append(d.NameIDs, r.NameIDFormats...), r.AuthnRequestsSigned, r.WantAssertionsSigned
		d.name(r.UI)
		if _, ok := pick(r.ACS, BindingPOST, BindingArtifact); !ok {
			d.warn("The service provider takes no Response by POST or artifact.")
		}
		if r.AuthnRequestsSigned && len(signing(r.Keys)) == 0 {
			d.warn("The service provider says that it signs requests and has no signing key: every request will be refused.")
		}
		if len(encryption(r.Keys)) == 0 {
			d.warn("The service provider has no encryption key: assertions go through the browser in clear.")
		}
	}
	if len(d.Roles) == 0 {
		d.warn("The entity speaks SAML 2.0 in no role that is used here.")
	}
	switch {
	case e.ValidUntil.IsZero():
		d.warn("The metadata has no validUntil: who withdraws it cannot make it known.")
	case !now.Before(e.ValidUntil):
		d.warn("The metadata ended at " + e.ValidUntil.Format(time.RFC3339) + ".")
	case e.ValidUntil.Sub(now) < 3*24*time.Hour:
		d.warn("The metadata ends at " + e.ValidUntil.Format(time.RFC3339) + ".")
	}
	return d
}

func (d *Description) warn(s string) { d.Warnings = append(d.Warnings, s) }

func (d *Description) name(u *UIInfo) {
	if u != nil && d.Name == "" && len(u.DisplayNames) > 0 {
		d.Name = u.DisplayNames[0].Text
	}
}

func (d *Description) endpoints(service string, es []Endpoint) {
	for _, e := range es {
		d.Endpoints = append(d.Endpoints, DescribedEndpoint{service, e})
	}
}

func (d *Description) keys(role string, keys []Key, now time.Time) {
	for _, k := range keys {
		x := DescribedKey{Role: role, Use: k.Use, Algorithm: algorithmName(k)}
		if x.Use == "" {
			x.Use = "both"
		}
		sum := [32]byte{}
		if c := k.Certificate; c != nil {
			x.Subject, x.NotBefore, x.NotAfter = c.Subject.String(), c.NotBefore, c.NotAfter
			sum = sha256.Sum256(c.Raw)
			switch {
			case now.After(c.NotAfter):
				d.warn(fmt.Sprintf("The %s certificate %q expired at %s. It is trusted for as long as the metadata lists it.", x.Use, x.Subject, c.NotAfter.Format(time.RFC3339)))
			case c.NotAfter.Sub(now) < 30*24*time.Hour:
				d.warn(fmt.Sprintf("The %s certificate %q expires at %s.", x.Use, x.Subject, c.NotAfter.Format(time.RFC3339)))
			case now.Before(c.NotBefore):
				d.warn(fmt.Sprintf("The %s certificate %q begins at %s.", x.Use, x.Subject, c.NotBefore.Format(time.RFC3339)))
			}
		} else if der, err := x509.MarshalPKIXPublicKey(k.PublicKey); err == nil {
			sum = sha256.Sum256(der)
		}
		x.SHA256 = hex.EncodeToString(sum[:])
		d.Keys = append(d.Keys, x)
	}
}

func algorithmName(k Key) string {
	switch p := k.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", p.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + p.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return fmt.Sprintf("%T", k.PublicKey)
}
