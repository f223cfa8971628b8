// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ststest

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/awsrole"
)

// claims are what a verified Response says. They are made by verify alone,
// from the nodes that were digested.
type claims struct {
	statusCode  string
	destination string
	issuer      string

	assertionID  string
	issueInstant time.Time
	nameID       string
	nameFormat   string

	confirmations []confirmation

	notBefore    time.Time
	notOnOrAfter time.Time
	audiences    [][]string // one list an AudienceRestriction
	unknown      string     // a condition that is not understood

	authnStatements     int
	sessionNotOnOrAfter time.Time

	attributes []awsrole.Attribute
}

type confirmation struct {
	method       string
	recipient    string
	inResponseTo string
	notBefore    time.Time
	notOnOrAfter time.Time
}

const (
	statusSuccess = "urn:oasis:names:tc:SAML:2.0:status:Success"
	bearer        = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	// redeemWithin: STS takes an assertion for five minutes after it was
	// issued, whatever its conditions say.
	redeemWithin = 5 * time.Minute
)

// namePattern is written out here once more, as are the rules of tags and
// durations: what awsrole got wrong when it built them, it would pass again.
var namePattern = regexp.MustCompile(`^[a-zA-Z_0-9+=,.@-]{2,64}$`)

// invalid is a refusal of the assertion itself.
func invalid(message, why string, args ...any) *refusal {
	return refuse(http.StatusBadRequest, "InvalidIdentityToken", message, why, args...)
}

func denied(why string, args ...any) *refusal {
	return refuse(http.StatusForbidden, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML", why, args...)
}

// conditions checks what does not depend on the role: status, issuer, times,
// confirmation, recipient and audience.
func (c *claims) conditions(issuer string, p awsrole.Partition, now time.Time, skew time.Duration) *refusal {
	if c.statusCode != statusSuccess {
		return refuse(http.StatusForbidden, "IDPRejectedClaim", "The identity provider (IdP) reported that authentication failed", "status %q", c.statusCode)
	}
	if c.issuer != issuer {
		return invalid("Issuer not present in specified provider", "issuer %q is not %q", c.issuer, issuer)
	}
	if ref := c.times(now, skew); ref != nil {
		return ref
	}
	if ref := c.confirmed(p, now, skew); ref != nil {
		return ref
	}
	if c.unknown != "" {
		return invalid("Response contains an unsupported condition", "condition %s", c.unknown)
	}
	if c.authnStatements != 1 {
		return invalid("Response must contain exactly one AuthnStatement", "%d AuthnStatements", c.authnStatements)
	}
	return c.audience(p)
}

func expired(why string, args ...any) *refusal {
	return refuse(http.StatusBadRequest, "ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance", why, args...)
}

func (c *claims) times(now time.Time, skew time.Duration) *refusal {
	switch {
	case c.issueInstant.IsZero():
		return invalid("Response is missing IssueInstant", "no IssueInstant")
	case c.issueInstant.After(now.Add(skew)):
		return invalid("Assertion is not yet valid", "issued %v", c.issueInstant)
	case !now.Before(c.issueInstant.Add(redeemWithin + skew)):
		return expired("issued %v", c.issueInstant)
	case c.notBefore.After(now.Add(skew)):
		return invalid("Assertion is not yet valid", "not before %v", c.notBefore)
	case c.notOnOrAfter.IsZero():
		return invalid("Assertion has no NotOnOrAfter", "no Conditions NotOnOrAfter")
	case !now.Add(-skew).Before(c.notOnOrAfter):
		return expired("not on or after %v", c.notOnOrAfter)
	case !c.sessionNotOnOrAfter.IsZero() && !now.Before(c.sessionNotOnOrAfter):
		return expired("session not on or after %v", c.sessionNotOnOrAfter)
	}
	return nil
}

func (c *claims) confirmed(p awsrole.Partition, now time.Time, skew time.Duration) *refusal {
	if len(c.confirmations) != 1 || c.confirmations[0].method != bearer {
		return invalid("Response must contain exactly one bearer SubjectConfirmation", "%d confirmations", len(c.confirmations))
	}
	s := c.confirmations[0]
	switch {
	case s.notOnOrAfter.IsZero() || s.recipient == "":
		return invalid("SubjectConfirmationData must contain NotOnOrAfter and Recipient", "confirmation data")
	case !s.notBefore.IsZero():
		// SAML Profiles 4.1.4.2: a bearer confirmation has no NotBefore.
		return invalid("SubjectConfirmationData must not contain NotBefore", "confirmation NotBefore")
	case !now.Add(-skew).Before(s.notOnOrAfter):
		return expired("confirmation not on or after %v", s.notOnOrAfter)
	case s.inResponseTo != "":
		return invalid("Response must not contain InResponseTo", "AWS sent no request %q", s.inResponseTo)
	case !p.IsSignInURL(s.recipient):
		return invalid("Response does not contain the required recipient", "recipient %q", s.recipient)
	case c.destination != "" && !p.IsSignInURL(c.destination):
		return invalid("Response has a wrong Destination", "destination %q", c.destination)
	}
	return nil
}

// audience: every restriction must name AWS (SAML Core 2.5.1.4).
func (c *claims) audience(p awsrole.Partition) *refusal {
	if len(c.audiences) == 0 {
		return invalid("Response does not contain the required audience", "no AudienceRestriction")
	}
	for _, list := range c.audiences {
		if !slices.ContainsFunc(list, func(a string) bool { return a == p.Audience || p.IsSignInURL(a) }) {
			return invalid("Response does not contain the required audience", "audiences %q", list)
		}
	}
	return nil
}

// asked is what the AWS attributes ask for.
type asked struct {
	pairs          []awsrole.RolePair
	sessionName    string
	duration       time.Duration
	tags           map[string]string
	transitive     []string
	sourceIdentity string
}

// ask reads the attributes under AWS's namespace.
func (c *claims) ask() (*asked, *refusal) {
	a := &asked{tags: map[string]string{}}
	seen := map[string]bool{}
	for _, attr := range c.attributes {
		name, ok := strings.CutPrefix(attr.Name, awsrole.Namespace)
		if !ok {
			continue
		}
		if seen[name] {
			return nil, invalid("Response contains a repeated attribute", "attribute %q twice", name)
		}
		seen[name] = true
		if ref := a.take(name, attr.Values); ref != nil {
			return nil, ref
		}
	}
	if len(a.pairs) == 0 {
		return nil, invalid("Your request included an invalid SAML response. To logout, click here.", "no Role attribute")
	}
	return a, a.check(seen["RoleSessionName"])
}

func (a *asked) take(name string, values []string) *refusal {
	switch name {
	case "Role":
		for _, v := range values {
			p, err := awsrole.ParseRolePair(v)
			if err != nil {
				return denied("role pair: %v", err)
			}
			a.pairs = append(a.pairs, p)
		}
		return nil
	case "TransitiveTagKeys":
		a.transitive = values
		return nil
	}
	if len(values) != 1 {
		return invalid("Response contains an attribute with an unexpected number of values", "%q has %d values", name, len(values))
	}
	v := values[0]
	key, isTag := strings.CutPrefix(name, "PrincipalTag:")
	switch {
	case name == "RoleSessionName":
		a.sessionName = v
	case name == "SourceIdentity":
		if !namePattern.MatchString(v) {
			return invalid(`Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"`, "source identity %q", v)
		}
		a.sourceIdentity = v
	case name == "SessionDuration":
		n, err := strconv.Atoi(v)
		if err != nil || n < 900 || n > 43200 {
			return invalid("SessionDuration in AuthnResponse must be between 900 and 43200", "SessionDuration %q", v)
		}
		a.duration = time.Duration(n) * time.Second
	case isTag:
		a.tags[key] = v
	}
	return nil
}

var tagPattern = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

func (a *asked) check(named bool) *refusal {
	switch {
	case !named || a.sessionName == "":
		return invalid("RoleSessionName is required in AuthnResponse", "no RoleSessionName")
	case !namePattern.MatchString(a.sessionName):
		return invalid("RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}", "session name %q", a.sessionName)
	case len(a.tags) > 50:
		return invalid("Too many session tags in AuthnResponse: at most 50", "%d tags", len(a.tags))
	}
	folded := map[string]bool{}
	for k, v := range a.tags {
		lower := strings.ToLower(k)
		switch {
		case k == "" || len([]rune(k)) > 128 || len([]rune(v)) > 256 || !tagPattern.MatchString(k) || !tagPattern.MatchString(v):
			return invalid("Session tag in AuthnResponse is invalid", "tag %q=%q", k, v)
		case strings.HasPrefix(lower, "aws:"):
			return invalid("Session tag keys must not begin with aws:", "tag %q", k)
		case folded[lower]:
			return invalid("Session tag keys must be unique, regardless of case", "tag %q", k)
		}
		folded[lower] = true
	}
	for _, k := range a.transitive {
		if _, ok := a.tags[k]; !ok {
			return invalid("TransitiveTagKeys in AuthnResponse must be session tags", "transitive %q", k)
		}
	}
	return nil
}
