// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awsrole

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Namespace begins the name of every attribute that AWS reads as a claim.
const Namespace = "https://aws.amazon.com/SAML/Attributes/"

// The attribute names; they are case-sensitive.
const (
	AttributeRole              = Namespace + "Role"
	AttributeRoleSessionName   = Namespace + "RoleSessionName"
	AttributeSessionDuration   = Namespace + "SessionDuration"
	AttributePrincipalTag      = Namespace + "PrincipalTag:" // and the key
	AttributeTransitiveTagKeys = Namespace + "TransitiveTagKeys"
	AttributeSourceIdentity    = Namespace + "SourceIdentity"
)

// The limits of AssumeRoleWithSAML and of the console.
const (
	MinDuration = 15 * time.Minute
	MaxDuration = 12 * time.Hour
	MaxTags     = 50
)

// Attribute is one attribute of an assertion.
type Attribute struct {
	Name   string
	Values []string
}

// Tag is a session tag.
type Tag struct{ Key, Value string }

// Session is what an assertion for AWS asks for. One assertion carries one
// Role pair here: a Response with several lets its holder choose.
type Session struct {
	// Role is the role and its SAML provider; required.
	Role RolePair
	// RoleSessionName names the person in CloudTrail; required. Take it from
	// [SessionName].
	RoleSessionName string
	// SessionDuration is 15 minutes to 12 hours; required, because a person
	// who holds the Response can leave DurationSeconds out.
	SessionDuration time.Duration
	// PrincipalTags become session tags, in this order; may be empty. The
	// role's trust policy must allow sts:TagSession.
	PrincipalTags []Tag
	// TransitiveTagKeys are keys of PrincipalTags that survive role chaining.
	TransitiveTagKeys []string
	// SourceIdentity may be empty. The role's trust policy must allow
	// sts:SetSourceIdentity.
	SourceIdentity string
}

// Attributes checks the session by AWS's rules and returns the attributes in a
// fixed order. Nothing is cut, escaped or substituted to make it fit.
func (s Session) Attributes() ([]Attribute, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	out := []Attribute{
		{AttributeRole, []string{s.Role.String()}},
		{AttributeRoleSessionName, []string{s.RoleSessionName}},
		{AttributeSessionDuration, []string{strconv.Itoa(int(s.SessionDuration / time.Second))}},
	}
	for _, t := range s.PrincipalTags {
		out = append(out, Attribute{AttributePrincipalTag + t.Key, []string{t.Value}})
	}
	if len(s.TransitiveTagKeys) > 0 {
		out = append(out, Attribute{AttributeTransitiveTagKeys, slices.Clone(s.TransitiveTagKeys)})
	}
	if s.SourceIdentity != "" {
		out = append(out, Attribute{AttributeSourceIdentity, []string{s.SourceIdentity}})
	}
	return out, nil
}

// Validate reports the first rule of AWS that the session breaks.
func (s Session) Validate() error {
	if err := s.Role.Validate(); err != nil {
		return err
	}
	if err := ValidateSessionName(s.RoleSessionName); err != nil {
		return err
	}
	if err := checkDuration(s.SessionDuration); err != nil {
		return err
	}
	if err := ValidateTags(s.PrincipalTags); err != nil {
		return err
	}
	if err := checkTransitive(s.TransitiveTagKeys, s.PrincipalTags); err != nil {
		return err
	}
	if s.SourceIdentity != "" {
		return ValidateSourceIdentity(s.SourceIdentity)
	}
	return nil
}

// SessionName returns preferred if AWS takes it as it is, or else the
// immutable id. A name is never cut or rewritten to fit, since two people's
// names could become one.
func SessionName(preferred, immutableID string) (string, error) {
	if ValidateSessionName(preferred) == nil {
		return preferred, nil
	}
	if err := ValidateSessionName(immutableID); err != nil {
		return "", err
	}
	return immutableID, nil
}

// ValidateSessionName reports whether AWS takes the name.
func ValidateSessionName(name string) error {
	if !inSet(name, 2, 64, "+=,.@-") {
		return refuse(CheckSessionName, "This session name does not suit AWS.", "RoleSessionName %q does not match [a-zA-Z_0-9+=,.@-]{2,64}", printable(name))
	}
	return nil
}

// ValidateSourceIdentity reports whether AWS takes the source identity.
func ValidateSourceIdentity(id string) error {
	if !inSet(id, 2, 64, "+=,.@-") {
		return refuse(CheckSourceIdentity, "This source identity does not suit AWS.", "SourceIdentity %q does not match [a-zA-Z_0-9+=,.@-]{2,64}", printable(id))
	}
	return nil
}

func checkDuration(d time.Duration) error {
	if d < MinDuration || d > MaxDuration || d%time.Second != 0 {
		return refuse(CheckDuration, "AWS sessions last 15 minutes to 12 hours.", "SessionDuration %v is not 900 to 43200 whole seconds", d)
	}
	return nil
}

// ValidateTags reports the first session tag, or number of tags, that AWS would
// refuse. Keys that differ in case alone are one key to AWS.
func ValidateTags(tags []Tag) error {
	if len(tags) > MaxTags {
		return refuse(CheckTag, "There are more session tags than AWS takes.", "%d session tags, at most %d", len(tags), MaxTags)
	}
	seen := make(map[string]bool, len(tags))
	for _, t := range tags {
		if err := t.Validate(); err != nil {
			return err
		}
		key := strings.ToLower(t.Key)
		if seen[key] {
			return refuse(CheckTag, "A session tag is given twice.", "tag key %q occurs twice (case does not count)", t.Key)
		}
		seen[key] = true
	}
	return nil
}

// Validate reports what AWS would refuse in the tag: keys have 1 to 128
// characters, values up to 256, of letters, digits, white space and _.:/=+-@;
// keys that begin with aws: are reserved.
func (t Tag) Validate() error {
	n := utf8.RuneCountInString(t.Key)
	switch {
	case n < 1 || n > 128 || !tagText(t.Key):
		return refuse(CheckTag, "A session tag's key does not suit AWS.", "tag key %q", printable(t.Key))
	case len(t.Key) >= 4 && strings.EqualFold(t.Key[:4], "aws:"):
		return refuse(CheckTag, "Tag keys that begin with aws: are reserved.", "tag key %q is reserved", printable(t.Key))
	case utf8.RuneCountInString(t.Value) > 256 || !tagText(t.Value):
		return refuse(CheckTag, "A session tag's value does not suit AWS.", "value %q of tag %q", printable(t.Value), t.Key)
	}
	return nil
}

// tagText is [\p{L}\p{Z}\p{N}_.:/=+\-@]*.
func tagText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.Z, unicode.N) && !strings.ContainsRune("_.:/=+-@", r)
	})
}

func checkTransitive(keys []string, tags []Tag) error {
	for i, k := range keys {
		if !slices.ContainsFunc(tags, func(t Tag) bool { return t.Key == k }) {
			return refuse(CheckTransitive, "A transitive tag is no session tag.", "transitive key %q is no session tag", printable(k))
		}
		if slices.Contains(keys[:i], k) {
			return refuse(CheckTransitive, "A transitive tag is given twice.", "transitive key %q occurs twice", k)
		}
	}
	return nil
}
