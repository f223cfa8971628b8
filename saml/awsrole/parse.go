// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awsrole

import (
	"strconv"
	"strings"
	"time"
)

// Offer is what an assertion's attributes offer: the roles to choose from and
// what every session made of it carries.
type Offer struct {
	Roles             []RolePair // at least one
	RoleSessionName   string
	SessionDuration   time.Duration // 0: not sent
	PrincipalTags     []Tag
	TransitiveTagKeys []string
	SourceIdentity    string
}

// maxRoles bounds the roles of one assertion; AWS's own 100,000 characters
// hold fewer.
const maxRoles = 1000

// Parse reads the AWS attributes among attrs and refuses what AWS refuses.
// Attributes outside [Namespace] are not looked at; an unknown or repeated one
// inside is an error, since it is a misspelling that AWS would silently drop.
func Parse(attrs []Attribute) (*Offer, error) {
	var o Offer
	seen := map[string]bool{}
	for _, a := range attrs {
		if !strings.HasPrefix(a.Name, Namespace) {
			continue
		}
		if seen[a.Name] {
			return nil, refuse(CheckAttribute, publicAttribute, "attribute %q occurs twice", printable(a.Name))
		}
		seen[a.Name] = true
		if err := o.take(a); err != nil {
			return nil, err
		}
	}
	if len(o.Roles) == 0 {
		return nil, refuse(CheckRole, "The assertion offers no role.", "no attribute %s", AttributeRole)
	}
	if err := ValidateSessionName(o.RoleSessionName); err != nil {
		return nil, err
	}
	if err := ValidateTags(o.PrincipalTags); err != nil {
		return nil, err
	}
	if err := checkTransitive(o.TransitiveTagKeys, o.PrincipalTags); err != nil {
		return nil, err
	}
	return &o, nil
}

const publicAttribute = "The assertion's attributes do not suit AWS."

func (o *Offer) take(a Attribute) error {
	switch a.Name {
	case AttributeRole:
		return o.takeRoles(a.Values)
	case AttributeTransitiveTagKeys:
		o.TransitiveTagKeys = append(o.TransitiveTagKeys, a.Values...)
		return nil
	}
	if len(a.Values) != 1 {
		return refuse(CheckAttribute, publicAttribute, "attribute %q has %d values, not one", printable(a.Name), len(a.Values))
	}
	v := a.Values[0]
	switch a.Name {
	case AttributeRoleSessionName:
		o.RoleSessionName = v
		return nil
	case AttributeSessionDuration:
		return o.takeDuration(v)
	case AttributeSourceIdentity:
		o.SourceIdentity = v
		return ValidateSourceIdentity(v)
	}
	key, ok := strings.CutPrefix(a.Name, AttributePrincipalTag)
	if !ok {
		return refuse(CheckAttribute, publicAttribute, "AWS knows no attribute %q", printable(a.Name))
	}
	o.PrincipalTags = append(o.PrincipalTags, Tag{Key: key, Value: v})
	return nil
}

func (o *Offer) takeRoles(values []string) error {
	if len(values) > maxRoles {
		return refuse(CheckRole, "The assertion offers too many roles.", "%d roles, at most %d", len(values), maxRoles)
	}
	for _, v := range values {
		p, err := ParseRolePair(v)
		if err != nil {
			return err
		}
		o.Roles = append(o.Roles, p)
	}
	return nil
}

func (o *Offer) takeDuration(v string) error {
	n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 32)
	if err != nil {
		return refuse(CheckDuration, "AWS sessions last 15 minutes to 12 hours.", "SessionDuration %q is no number", printable(v))
	}
	o.SessionDuration = time.Duration(n) * time.Second
	return checkDuration(o.SessionDuration)
}
