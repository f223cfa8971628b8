// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

// Profile says what a client is known to do beside the standard. It is chosen
// for a handler by [Config.Profile] and for a token by [Caller.Profile].
type Profile string

// The profiles. None of them changes what another accepts.
const (
	// Auto accepts what Okta, Entra ID and AWS-shaped clients send. It is the
	// default.
	Auto Profile = "auto"
	// Strict accepts what RFC 7643 and 7644 say and nothing else.
	Strict Profile = "strict"
	// Entra accepts capitalised operations, booleans as text, dotted and
	// URN-prefixed keys in a value without a path, members removed by value,
	// the manager as text or in a list, and a value path that selects nothing
	// in a replacement, which it creates.
	Entra Profile = "entra"
	// Okta accepts readOnly attributes (id, schemas, meta, groups) in the value
	// of a replacement without a path, and a value path that selects nothing.
	Okta Profile = "okta"
	// AWS serves clients that were written for IAM Identity Center: as Okta, a
	// list may hold one element without brackets, and filters name the manager
	// without the URN of the extension.
	AWS Profile = "aws"
)

// quirks are what a profile forgives.
type quirks struct {
	opCase         bool // "Add" for "add"
	textBooleans   bool // "False" for false
	flatKeys       bool // "name.givenName" and "urn:…:User:department" as keys
	removeByValue  bool // remove members with a value
	loneValues     bool // a text or object for a complex or multi-valued attribute, a list of one for a singular one
	createByFilter bool // replace or add by emails[type eq "work"].value makes the element
	ignoreReadOnly bool // readOnly attributes in a PATCH value without a path
	missingTarget  bool // removing what is not there is no error
	anyMediaType   bool // requests without a Content-Type or schemas
	bareNames      bool // attributes of an extension in a filter without its URN: manager
}

func (p Profile) quirks() (quirks, bool) {
	switch p {
	case Strict:
		return quirks{}, true
	case Auto, "":
		return quirks{true, true, true, true, true, true, true, true, true, true}, true
	case Entra:
		return quirks{true, true, true, true, true, true, false, true, true, false}, true
	case Okta:
		return quirks{createByFilter: true, ignoreReadOnly: true, missingTarget: true, anyMediaType: true}, true
	case AWS:
		return quirks{createByFilter: true, ignoreReadOnly: true, missingTarget: true, anyMediaType: true, loneValues: true, bareNames: true}, true
	}
	return quirks{}, false
}
