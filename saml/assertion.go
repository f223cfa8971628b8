// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// NameID names a person to one peer (Core 2.2.3). Values are compared as they
// are: no case folding, no trimming.
type NameID struct {
	Value           string
	Format          string
	NameQualifier   string
	SPNameQualifier string
	SPProvidedID    string
}

// Attribute is one named list of values (Core 2.7.3.1). Attributes of one name
// and format are merged, in order.
type Attribute struct {
	Name         string
	Format       string // "" is unspecified
	FriendlyName string
	Values       []string
}

// Assertion is what an identity provider says about a person, after every
// check has passed. It comes from [ServiceProvider.Finish] only.
type Assertion struct {
	// Connection is the connection's ID, Revision that of when it was verified.
	Connection string
	Revision   string
	EntityID   string // ours, in the connection
	Issuer     string
	ID         string
	// RequestID is the ID of our AuthnRequest, which was outstanding; "" if
	// Unsolicited. Of [ServiceProvider.InsecureVerifyUnbound] it is what the
	// assertion says that it answers, compared with nothing.
	RequestID  string
	NameID     NameID
	Attributes Attributes

	AuthnInstant        time.Time
	AuthnContext        string // AuthnContextClassRef
	Authorities         []string
	SessionIndex        string
	SessionNotOnOrAfter time.Time // zero: the identity provider sets no limit
	NotOnOrAfter        time.Time // of the confirmation; no limit on a session

	// Unsolicited: nothing binds this Response to a login begun in this
	// browser. Somebody else may have sent the person here, so the session
	// must not silently replace another one.
	Unsolicited bool
	// Target is LoginOptions.Target, from our own store.
	Target string
	// RelayState is what an unsolicited Response brought. The sender chose
	// it: look it up in a list, never redirect to it.
	RelayState string
	// Encrypted tells how it came, for reports.
	Encrypted bool
}

// Subject is the only safe key of an account: a NameID says nothing without
// the connection and identity provider that vouch for it.
type Subject struct {
	Connection      string
	Issuer          string
	NameQualifier   string
	SPNameQualifier string
	NameID          string
	Format          string
}

// Subject returns the account key. Qualifiers that were left out and those
// that repeat the default are the same (Core 8.3.7), and so are a missing
// Format and unspecified.
func (a *Assertion) Subject() Subject {
	s := Subject{
		Connection: a.Connection, Issuer: a.Issuer, NameQualifier: a.NameID.NameQualifier,
		SPNameQualifier: a.NameID.SPNameQualifier, NameID: a.NameID.Value, Format: a.NameID.Format,
	}
	if s.Format == "" {
		s.Format = NameIDUnspecified
	}
	if s.NameQualifier == s.Issuer {
		s.NameQualifier = ""
	}
	if s.SPNameQualifier == a.EntityID {
		s.SPNameQualifier = ""
	}
	return s
}

// Key returns a fixed-length string that is equal for equal subjects and
// different for different ones, fit for a unique column.
func (s Subject) Key() string {
	h := sha256.New()
	h.Write([]byte("gatehouse/saml/subject/1"))
	for _, f := range []string{s.Connection, s.Issuer, s.NameQualifier, s.SPNameQualifier, s.NameID, s.Format} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(f)))
		h.Write(n[:])
		h.Write([]byte(f))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// Attributes is an ordered multi-map.
type Attributes []Attribute

// Get returns the first value of the attribute with the name, or "".
func (as Attributes) Get(name string) string {
	if v := as.Values(name); len(v) > 0 {
		return v[0]
	}
	return ""
}

// Values returns all values of the attributes with the name, of any format.
func (as Attributes) Values(name string) []string {
	var out []string
	for _, a := range as {
		if a.Name != name {
			continue
		}
		if out == nil {
			out = a.Values[:len(a.Values):len(a.Values)]
			continue
		}
		out = append(out, a.Values...)
	}
	return out
}

// Has reports whether an attribute has the value.
func (as Attributes) Has(name, value string) bool {
	for _, v := range as.Values(name) {
		if v == value {
			return true
		}
	}
	return false
}
