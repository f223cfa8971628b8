// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

// UserSchema returns the core schema of users (RFC 7643 section 8.7.1).
func UserSchema() Schema {
	password := Attribute{Name: "password", Mutability: WriteOnly, Returned: ReturnedNever, Description: "The clear text password to set; never returned."}
	return Schema{ID: UserURN, Name: "User", Description: "User Account", Attributes: []Attribute{
		{Name: "userName", Required: true, Uniqueness: ServerUnique, Description: "Unique identifier for the user, used to sign in."},
		{Name: "name", Type: Complex, Description: "The components of the user's name.", SubAttributes: []Attribute{
			{Name: "formatted", Description: "The full name, formatted for display."},
			{Name: "familyName", Description: "The family name, or last name."},
			{Name: "givenName", Description: "The given name, or first name."},
			{Name: "middleName", Description: "The middle names."},
			{Name: "honorificPrefix", Description: "The honorific prefixes, or title."},
			{Name: "honorificSuffix", Description: "The honorific suffixes."},
		}},
		{Name: "displayName", Description: "The name to display to other people."},
		{Name: "nickName", Description: "The casual way to address the user."},
		{Name: "profileUrl", Type: Reference, ReferenceTypes: []string{"external"}, Description: "URL of the user's online profile."},
		{Name: "title", Description: "The user's title, such as Vice President."},
		{Name: "userType", Description: "The relationship between the organisation and the user."},
		{Name: "preferredLanguage", Description: "The preferred languages, as in Accept-Language."},
		{Name: "locale", Description: "The default location, for currency, dates and numbers."},
		{Name: "timezone", Description: "The time zone in IANA format."},
		{Name: "active", Type: Boolean, Description: "Whether the user may sign in."},
		password,
		values("emails", "E-mail addresses.", "work", "home", "other"),
		values("phoneNumbers", "Phone numbers.", "work", "home", "mobile", "fax", "pager", "other"),
		values("ims", "Instant messaging addresses.", "aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"),
		references(values("photos", "URLs of photos.", "photo", "thumbnail"), "external"),
		{Name: "addresses", Type: Complex, MultiValued: true, Description: "Physical mailing addresses.", SubAttributes: []Attribute{
			{Name: "formatted", Description: "The full address, formatted for display."},
			{Name: "streetAddress", Description: "Street, house number and the like."},
			{Name: "locality", Description: "The city."},
			{Name: "region", Description: "The state or region."},
			{Name: "postalCode", Description: "The postal code."},
			{Name: "country", Description: "The country, ISO 3166-1 alpha-2."},
			{Name: "type", CanonicalValues: []string{"work", "home", "other"}, Description: "What the address is for."},
			{Name: "primary", Type: Boolean, Description: "Whether this is the preferred address."},
		}},
		{Name: "groups", Type: Complex, MultiValued: true, Mutability: ReadOnly, Description: "The groups that the user is in.", SubAttributes: []Attribute{
			{Name: "value", CaseExact: true, Mutability: ReadOnly, Description: "The id of the group."},
			{Name: "$ref", Type: Reference, ReferenceTypes: []string{"Group"}, Mutability: ReadOnly, Description: "The URI of the group."},
			{Name: "display", Mutability: ReadOnly, Description: "The name of the group."},
			{Name: "type", Mutability: ReadOnly, CanonicalValues: []string{"direct", "indirect"}, Description: "Whether the user is a member of the group itself."},
		}},
		values("entitlements", "Entitlements of the user."),
		values("roles", "Roles of the user."),
		binaryValues(values("x509Certificates", "Certificates of the user.")),
	}}
}

// EnterpriseSchema returns the enterprise extension of users (RFC 7643 section
// 8.7.1).
func EnterpriseSchema() Schema {
	return Schema{ID: EnterpriseURN, Name: "EnterpriseUser", Description: "Enterprise User", Attributes: []Attribute{
		{Name: "employeeNumber", Description: "Number or text that the organisation knows the person by."},
		{Name: "costCenter", Description: "The cost center."},
		{Name: "organization", Description: "The organisation."},
		{Name: "division", Description: "The division."},
		{Name: "department", Description: "The department."},
		{Name: "manager", Type: Complex, Description: "Whom the user reports to.", SubAttributes: []Attribute{
			{Name: "value", CaseExact: true, Description: "The id of the manager's user."},
			{Name: "$ref", Type: Reference, ReferenceTypes: []string{"User"}, Description: "The URI of the manager's user."},
			{Name: "displayName", Mutability: ReadOnly, Description: "The name of the manager."},
		}},
	}}
}

// GroupSchema returns the core schema of groups (RFC 7643 section 8.7.1).
func GroupSchema() Schema {
	return Schema{ID: GroupURN, Name: "Group", Description: "Group", Attributes: []Attribute{
		{Name: "displayName", Required: true, Description: "The name of the group, for people."},
		{Name: "members", Type: Complex, MultiValued: true, Description: "The members of the group.", SubAttributes: []Attribute{
			{Name: "value", Required: true, CaseExact: true, Mutability: Immutable, Description: "The id of the member."},
			{Name: "$ref", Type: Reference, ReferenceTypes: []string{"User", "Group"}, Mutability: Immutable, Description: "The URI of the member."},
			{Name: "display", Mutability: Immutable, Description: "The name of the member."},
			{Name: "type", CanonicalValues: []string{"User", "Group"}, Mutability: Immutable, Description: "The type of the member."},
		}},
	}}
}

// values declares an attribute of the shape of RFC 7643 section 2.4.
func values(name, description string, types ...string) Attribute {
	return Attribute{Name: name, Type: Complex, MultiValued: true, Description: description, SubAttributes: []Attribute{
		{Name: "value", Description: "The value."},
		{Name: "display", Description: "A name of the value, for people."},
		{Name: "type", CanonicalValues: types, Description: "What the value is for."},
		{Name: "primary", Type: Boolean, Description: "Whether this is the preferred value."},
		{Name: "$ref", Type: Reference, ReferenceTypes: []string{"external"}, Description: "The URI of what the value names."},
	}}
}

func references(a Attribute, types ...string) Attribute {
	a.SubAttributes[0].Type = Reference
	a.SubAttributes[0].ReferenceTypes = types
	return a
}

func binaryValues(a Attribute) Attribute {
	a.SubAttributes[0].Type = Binary
	return a
}

// UserType declares users with the enterprise extension, for [NewCodec].
func UserType() TypeConfig {
	return TypeConfig{
		Name: "User", Endpoint: "/Users", Description: "User Account",
		Schema: UserSchema(), Extensions: []Extension{{Schema: EnterpriseSchema()}},
	}
}

// GroupType declares groups, for [NewCodec].
func GroupType() TypeConfig {
	return TypeConfig{Name: "Group", Endpoint: "/Groups", Description: "Group", Schema: GroupSchema()}
}

// commonAttributes are those of RFC 7643 section 3.1.
var commonAttributes = []Attribute{
	{Name: "id", CaseExact: true, Mutability: ReadOnly, Returned: ReturnedAlways, Uniqueness: ServerUnique},
	{Name: "externalId", CaseExact: true},
	{Name: "schemas", Type: Reference, MultiValued: true, Mutability: ReadOnly, Returned: ReturnedAlways},
	{Name: "meta", Type: Complex, Mutability: ReadOnly, SubAttributes: []Attribute{
		{Name: "resourceType", CaseExact: true, Mutability: ReadOnly},
		{Name: "created", Type: DateTime, Mutability: ReadOnly},
		{Name: "lastModified", Type: DateTime, Mutability: ReadOnly},
		{Name: "location", CaseExact: true, Mutability: ReadOnly},
		{Name: "version", CaseExact: true, Mutability: ReadOnly},
	}},
}
