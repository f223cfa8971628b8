// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package directory holds the people and groups of the portal, their
// passwords, and the identity sources that they belong to.
//
// Start with [Directory]. A person belongs to one [Source] and is only found
// through it: (source id, immutable subject) is who somebody is, and a user
// name that is deleted and made again is a new person. Login names are unique
// over the portal; whoever comes second is refused, whatever the source.
//
// [Directory.SCIM] is the directory of one source as a scim.Store, and
// [Passwords] verifies passwords at a bounded cost that does not depend on
// whether the person exists.
package directory

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse-id/gatehouse/scim"
)

// Sentinel errors of the [Store]; the directory's methods return them wrapped.
var (
	ErrNotFound = errors.New("directory: not found")
	ErrConflict = errors.New("directory: name is taken")
	ErrVersion  = errors.New("directory: changed in the meantime")
	ErrKept     = errors.New("directory: another owner keeps it")

	// ErrLastAdministrator refuses a change by which nobody could administer the
	// portal any more.
	ErrLastAdministrator = errors.New("directory: nobody would be left to administer the portal")
)

// SourceKind says how the people of a source sign in.
type SourceKind string

// The kinds of identity source.
const (
	BuiltIn SourceKind = "builtin" // password in this directory
	SAML    SourceKind = "saml"    // an external SAML 2.0 identity provider
)

// Source is where people come from. Its ID never changes.
type Source struct {
	ID      string
	Kind    SourceKind
	Name    string   // what the sign-in button says
	Domains []string // e-mail domains whose user names are sent here, lower case
	Owner   string   // see [Owner]
	SAML    *SAMLSource
}

// SAMLSource is the configuration of a source of kind [SAML].
type SAMLSource struct {
	Metadata          string   // the identity provider's metadata, XML
	AllowIdPInitiated bool     // accept unsolicited Responses
	TrustedContexts   []string // AuthnContext classes that count as a second factor; none by default
	CreatePeople      bool     // create a person at first sign-in; otherwise provisioning must come first
	JoinAttribute     string   // attribute that holds the user name; NameID if empty
	DisplayName       string   // attribute for the display name, on creation only
	Email             string   // attribute for the e-mail address, on creation only
}

// Owner values say who wrote an object and so who may change it.
const (
	OwnerAdmin  = "admin"  // pages and API of the portal; see [Directory.HandOver]
	OwnerSample = "sample" // the sample organisation
	OwnerApply  = "apply"  // a declarative file; only another apply changes it
	OwnerSCIM   = "scim"   // provisioned
	OwnerSAML   = "saml:"  // and the source's id: made at a first sign-in
)

// Person is somebody who can sign in.
type Person struct {
	ID          string // immutable, unique in the portal
	SourceID    string
	Subject     string // immutable within the source; the ID for built-in people
	ExternalID  string // the provisioning client's own id
	UserName    string
	DisplayName string
	GivenName   string
	FamilyName  string
	Email       string
	Active      bool // what the source says
	Blocked     bool // what an administrator says; a source cannot lift it
	Attributes  map[string]string
	Raw         []byte // the SCIM resource's other attributes, JSON, or nil
	Owner       string
	Version     int64 // counts changes, from 1; compare-and-swap
	Created     time.Time
	Modified    time.Time
}

// Enabled reports whether the person may use the portal.
func (p *Person) Enabled() bool { return p.Active && !p.Blocked }

// Group is a named set of people of one source.
type Group struct {
	ID          string
	SourceID    string
	ExternalID  string
	DisplayName string
	Owner       string
	Version     int64
	Created     time.Time
	Modified    time.Time
}

// Store keeps the directory. Every method joins the transaction in ctx.
// Lookups return [ErrNotFound], changes [ErrConflict] for a taken name and
// [ErrVersion] when Version is not the stored one. Methods with a source never
// return or change what belongs to another one.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error

	Sources(ctx context.Context) ([]Source, error)
	Source(ctx context.Context, id string) (*Source, error)
	PutSource(ctx context.Context, s *Source) error
	DeleteSource(ctx context.Context, id string) error

	Person(ctx context.Context, id string) (*Person, error)
	PersonByLogin(ctx context.Context, folded string) (*Person, error)
	PersonBySubject(ctx context.Context, sourceID, subject string) (*Person, error)
	// People returns people by folded user name; sourceID "" means all,
	// search is a substring of the user name, display name or e-mail.
	People(ctx context.Context, sourceID, search string, offset, limit int) (people []Person, total int, err error)
	// CreatePerson stores p with Version 1 under the folded login name, which
	// is unique over the portal, as (SourceID, Subject) is.
	CreatePerson(ctx context.Context, p *Person, folded string) error
	// UpdatePerson replaces p if the stored Version is p.Version, and adds one
	// to both. ID, SourceID and Subject do not change.
	UpdatePerson(ctx context.Context, p *Person, folded string) error
	DeletePerson(ctx context.Context, sourceID, id string) error

	Group(ctx context.Context, id string) (*Group, error)
	Groups(ctx context.Context, sourceID, search string, offset, limit int) (groups []Group, total int, err error)
	GroupByName(ctx context.Context, sourceID, displayName string) (*Group, error)
	CreateGroup(ctx context.Context, g *Group) error
	UpdateGroup(ctx context.Context, g *Group) error
	DeleteGroup(ctx context.Context, sourceID, id string) error
	// Members returns the ids of the group's people, sorted.
	Members(ctx context.Context, groupID string) ([]string, error)
	// AddMembers and RemoveMembers are idempotent, refuse people of another
	// source with ErrNotFound, and do not change the group's Version.
	AddMembers(ctx context.Context, groupID string, personIDs []string) error
	RemoveMembers(ctx context.Context, groupID string, personIDs []string) error
	// AreMembers tells which of the ids are members.
	AreMembers(ctx context.Context, groupID string, personIDs []string) (map[string]bool, error)
	// FindPeople and FindGroups return a page of a source by a SCIM query, and
	// the total. What they cannot serve by an index is a scim.Error with
	// CheckInvalidFilter.
	FindPeople(ctx context.Context, sourceID string, q scim.Query) ([]Person, int, error)
	FindGroups(ctx context.Context, sourceID string, q scim.Query) ([]Group, int, error)
	// GroupsOf returns the groups that the person is in, by display name.
	GroupsOf(ctx context.Context, personID string) ([]Group, error)

	// PasswordHash returns the PHC string of a person, or ErrNotFound.
	PasswordHash(ctx context.Context, personID string) (string, error)
	SetPasswordHash(ctx context.Context, personID, phc string) error

	// AdministratorPrincipals returns the person and group ids that
	// administrators were named by.
	AdministratorPrincipals(ctx context.Context) ([]string, error)
	SetAdministrator(ctx context.Context, principalID string, on bool) error
}

// MaxName bounds user names and other names, in bytes.
const MaxName = 256

// FoldLogin is the portal's one case fold for login names: NFKC, Unicode case
// folding, and no surrounding white space. Two names with the same fold are
// the same login. It returns "" for what cannot be a login name: empty, over
// [MaxName] bytes, not UTF-8, with control characters, or shaped like a person's
// id, which stands in for a login name where that does not fit.
func FoldLogin(name string) string {
	if len(name) > MaxName || !utf8.ValidString(name) {
		return ""
	}
	name = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(strings.TrimSpace(name))))
	if strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f || r == 0xfeff || r == 0x200b }) {
		return ""
	}
	if idShape.MatchString(name) {
		return ""
	}
	return name
}

var idShape = regexp.MustCompile(`^p-[a-z2-7]{26}$`)

// DomainOf is the part of a login name behind its last @, lower case.
func DomainOf(login string) string {
	i := strings.LastIndexByte(login, '@')
	if i < 0 {
		return ""
	}
	return strings.ToLower(login[i+1:])
}
