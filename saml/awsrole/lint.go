// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awsrole

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Severity says what a finding will do.
type Severity string

// The severities.
const (
	// Refused: AWS will not take the Response.
	Refused Severity = "refused"
	// Warning: AWS takes it, but it will not do what was meant, or fails
	// unless an account is configured for it.
	Warning Severity = "warning"
)

// Finding is one thing that [Lint] found.
type Finding struct {
	Check    Check    `json:"check"`
	Severity Severity `json:"severity"`
	// AWS is the text that AWS answers, "" if it says nothing.
	AWS string `json:"aws,omitempty"`
	// Detail says what was found, Fix what to change.
	Detail string `json:"detail"`
	Fix    string `json:"fix"`
}

// LintOptions say what the Response is meant for. The zero value judges by the
// Response alone and the partition of its first role.
type LintOptions struct {
	// Now is the time of sending; zero leaves times unchecked.
	Now time.Time
	// Issuer is the entityID in the metadata that the IAM provider holds.
	Issuer string
	// Partition is the account's; "" is that of the first Role value.
	Partition string
}

// The texts of AWS that several findings share.
const (
	awsNotAuthorized = "Not authorized to perform sts:AssumeRoleWithSAML"
	awsInvalid       = "Your request included an invalid SAML response. To logout, click here."
	awsAudience      = "Response does not contain the required audience"
	awsSessionName   = "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"
	awsNoSessionName = "RoleSessionName is required in AuthnResponse"
	awsSource        = `Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"`
	awsSignature     = "Response signature invalid"
	awsIssuer        = "Issuer not present in specified provider"
	awsExpired       = "Token must be redeemed within 5 minutes of issuance"
	awsRejected      = "The identity provider (IdP) reported that authentication failed"
	// awsTooLong is the query wire's text for a SAMLAssertion above its limit.
	awsTooLong = "Value at 'sAMLAssertion' failed to satisfy constraint: Member must have length less than or equal to 100000"
)

// redeemWithin is how long after IssueInstant STS takes an assertion.
const redeemWithin = 5 * time.Minute

type linter struct {
	r     *Response
	o     LintOptions
	part  Partition
	found []Finding
}

// Lint returns everything in the Response that AWS would refuse or ignore, in
// the order in which AWS looks. No finding means that only the signature and
// the account's own configuration are left to chance.
func Lint(r *Response, o LintOptions) []Finding {
	l := &linter{r: r, o: o}
	l.document()
	if r.Assertions == 0 {
		return l.found
	}
	l.partition()
	l.issuer()
	l.times()
	l.subject()
	l.audience()
	l.roles()
	l.attributes()
	return l.found
}

func (l *linter) add(s Severity, c Check, aws, detail, fix string) {
	l.found = append(l.found, Finding{Check: c, Severity: s, AWS: aws, Detail: detail, Fix: fix})
}

func (l *linter) refused(c Check, aws, detail, fix string) { l.add(Refused, c, aws, detail, fix) }
func (l *linter) warn(c Check, aws, detail, fix string)    { l.add(Warning, c, aws, detail, fix) }

func (l *linter) document() {
	r := l.r
	if r.Size > 100_000 {
		l.refused(CheckSize, awsTooLong, fmt.Sprintf("the encoded Response has %d characters", r.Size), "Send fewer attributes, or fewer roles.")
	}
	if !strings.HasSuffix(r.Status, ":Success") {
		l.refused(CheckStatus, awsRejected, fmt.Sprintf("status %q", printable(r.Status)), "Send the Response only after a sign-in that succeeded.")
	}
	if !r.Signed && r.Encrypted == 0 {
		l.refused(CheckSignature, awsSignature, "neither Response nor Assertion is signed", "Sign the assertion with a key in the metadata that the IAM provider holds.")
	}
	switch {
	case r.Assertions == 0 && r.Encrypted > 0:
		l.warn(CheckDocument, "", "the assertion is encrypted and cannot be read", "Lint the Response before it is encrypted.")
	case r.Assertions+r.Encrypted != 1:
		l.refused(CheckDocument, awsInvalid, fmt.Sprintf("%d assertions", r.Assertions+r.Encrypted), "Send exactly one assertion.")
	}
}

func (l *linter) partition() {
	id := l.o.Partition
	if id == "" {
		for _, v := range l.values(AttributeRole) {
			if p, err := ParseRolePair(v); err == nil {
				part, _ := p.Partition()
				id = part.ID
				break
			}
		}
	}
	p, err := PartitionOf(id)
	if err != nil {
		l.refused(CheckPartition, "", err.Error(), "Use one of aws, aws-cn, aws-us-gov, aws-eusc.")
		p = partitions[0]
	}
	l.part = p
}

func (l *linter) issuer() {
	switch {
	case l.r.Issuer == "":
		l.refused(CheckIssuer, awsIssuer, "the assertion has no Issuer", "Send the entityID as Issuer.")
	case l.o.Issuer != "" && l.r.Issuer != l.o.Issuer:
		l.refused(CheckIssuer, awsIssuer, fmt.Sprintf("issuer %q, the provider's metadata says %q", printable(l.r.Issuer), l.o.Issuer), "Upload the metadata that has this entityID to the IAM provider.")
	}
}

func (l *linter) times() {
	r, now := l.r, l.o.Now
	if r.NotOnOrAfter.IsZero() {
		l.refused(CheckTime, awsInvalid, "Conditions has no NotOnOrAfter", "Send NotBefore and NotOnOrAfter in Conditions.")
	}
	if r.AuthnStatements != 1 {
		l.refused(CheckDocument, awsInvalid, fmt.Sprintf("%d AuthnStatements", r.AuthnStatements), "Send exactly one AuthnStatement.")
	}
	if now.IsZero() {
		return
	}
	const fix = "Check both clocks; build the assertion when it is asked for."
	switch {
	case r.IssueInstant.IsZero() || r.IssueInstant.After(now):
		l.refused(CheckTime, awsInvalid, fmt.Sprintf("IssueInstant %s is not before %s", utc(r.IssueInstant), utc(now)), fix)
	case !now.Before(r.IssueInstant.Add(redeemWithin)):
		l.refused(CheckTime, awsExpired, fmt.Sprintf("issued at %s, more than 5 minutes before %s", utc(r.IssueInstant), utc(now)), fix)
	}
	if r.NotBefore.After(now) {
		l.refused(CheckTime, awsInvalid, fmt.Sprintf("not valid before %s", utc(r.NotBefore)), fix)
	}
	for _, t := range []time.Time{r.NotOnOrAfter, r.SessionNotOnOrAfter} {
		if !t.IsZero() && !now.Before(t) {
			l.refused(CheckTime, awsExpired, fmt.Sprintf("not valid on or after %s", utc(t)), fix)
		}
	}
}

// utc writes a time as a Response has it.
func utc(t time.Time) string {
	if t.IsZero() {
		return "(none)"
	}
	return t.UTC().Format("2006-01-02T15:04:05.999Z07:00")
}

func (l *linter) subject() {
	r := l.r
	if r.NameID == "" {
		l.refused(CheckSubject, awsNotAuthorized, "the subject has no NameID", "Send a NameID, best a persistent one.")
	}
	if len(r.Confirmations) != 1 || r.Confirmations[0].Method != "urn:oasis:names:tc:SAML:2.0:cm:bearer" {
		l.refused(CheckConfirmation, awsInvalid, fmt.Sprintf("%d SubjectConfirmations, not one of bearer", len(r.Confirmations)), "Send exactly one bearer SubjectConfirmation.")
		return
	}
	c := r.Confirmations[0]
	if c.NotOnOrAfter.IsZero() {
		l.refused(CheckConfirmation, awsInvalid, "SubjectConfirmationData has no NotOnOrAfter", "Send NotOnOrAfter in SubjectConfirmationData.")
	} else if !l.o.Now.IsZero() && !l.o.Now.Before(c.NotOnOrAfter) {
		l.refused(CheckTime, awsExpired, fmt.Sprintf("confirmation not valid on or after %s", utc(c.NotOnOrAfter)), "Check both clocks; build the assertion when it is asked for.")
	}
	if !c.NotBefore.IsZero() {
		l.refused(CheckConfirmation, awsInvalid, "SubjectConfirmationData has a NotBefore", "Leave NotBefore out of SubjectConfirmationData (SAML Profiles 4.1.4.2).")
	}
	if c.InResponseTo != "" {
		l.refused(CheckConfirmation, awsInvalid, "SubjectConfirmationData has InResponseTo", "AWS sends no AuthnRequest: leave InResponseTo out.")
	}
	const fix = "Use the sign-in endpoint of the account's partition, for example "
	endpoint, _ := l.part.SignInURL("")
	if !l.part.IsSignInURL(c.Recipient) {
		l.refused(CheckRecipient, awsNotAuthorized, fmt.Sprintf("Recipient %q is no sign-in endpoint of %s", printable(c.Recipient), l.part.ID), fix+endpoint+".")
	}
	if r.Destination != "" && !l.part.IsSignInURL(r.Destination) {
		l.refused(CheckRecipient, awsInvalid, fmt.Sprintf("Destination %q is no sign-in endpoint of %s", printable(r.Destination), l.part.ID), fix+endpoint+".")
	}
}

func (l *linter) audience() {
	fix := "Send the audience " + l.part.Audience + "."
	if len(l.r.Audiences) == 0 {
		l.refused(CheckAudience, awsAudience, "no AudienceRestriction", fix)
	}
	for _, list := range l.r.Audiences {
		if !slices.ContainsFunc(list, func(a string) bool { return a == l.part.Audience || l.part.IsSignInURL(a) }) {
			l.refused(CheckAudience, awsAudience, fmt.Sprintf("audiences %q", list), fix)
		}
	}
}

func (l *linter) roles() {
	values := l.values(AttributeRole)
	if len(values) == 0 {
		l.refused(CheckRole, awsInvalid, "no attribute "+AttributeRole, "Send one value roleARN,providerARN for each role.")
	}
	for _, v := range values {
		p, err := ParseRolePair(v)
		if err != nil {
			l.refused(CheckRole, awsNotAuthorized, err.Error(), "Send roleARN,providerARN, both of one account.")
			continue
		}
		if part, err := p.Partition(); err == nil && part.ID != l.part.ID {
			l.refused(CheckPartition, awsNotAuthorized, fmt.Sprintf("role %s is not in partition %s", p.RoleARN, l.part.ID), "Send roles of one partition in one Response.")
		}
		if strings.HasPrefix(p.RoleName(), "AWSReservedSSO_") {
			l.refused(CheckRole, awsNotAuthorized, "the role belongs to IAM Identity Center", "Only Identity Center can use AWSReservedSSO_ roles; create an own one.")
		}
	}
	if len(values) > 1 {
		l.warn(CheckRole, "", fmt.Sprintf("%d roles: whoever holds the Response chooses among them", len(values)), "Send one Role pair in one Response.")
	}
}

func (l *linter) attributes() {
	seen := map[string]bool{}
	var tags []Tag
	for _, a := range l.r.Attributes {
		name, ok := strings.CutPrefix(a.Name, Namespace)
		if !ok {
			if IsAWSAttribute(a.Name) {
				l.warn(CheckAttribute, "", fmt.Sprintf("attribute %q is spelled wrong and ignored", printable(a.Name)), "Names are case-sensitive and begin with "+Namespace+".")
			}
			continue
		}
		if seen[name] {
			l.refused(CheckAttribute, awsInvalid, fmt.Sprintf("attribute %q occurs twice", printable(name)), "Send one Attribute with several values.")
		}
		seen[name] = true
		if key, ok := strings.CutPrefix(name, "PrincipalTag:"); ok {
			tags = append(tags, Tag{Key: key, Value: l.one(a)})
			continue
		}
		l.attribute(name, a)
	}
	if !seen["RoleSessionName"] {
		l.refused(CheckSessionName, awsNoSessionName, "no attribute "+AttributeRoleSessionName, "Send RoleSessionName.")
	}
	if !seen["SessionDuration"] {
		l.warn(CheckDuration, "", "no SessionDuration: whoever holds the Response can ask for the role's maximum", "Send SessionDuration.")
	}
	l.tags(tags)
}

func (l *linter) attribute(name string, a Attribute) {
	const nameFix = "Use a name of 2 to 64 letters, digits and _+=,.@-; never cut or rewrite one to fit, take an id instead."
	switch name {
	case "Role", "TransitiveTagKeys":
	case "RoleSessionName":
		if v := l.one(a); ValidateSessionName(v) != nil {
			l.refused(CheckSessionName, awsSessionName, fmt.Sprintf("RoleSessionName %q", printable(v)), nameFix)
		}
	case "SourceIdentity":
		if v := l.one(a); ValidateSourceIdentity(v) != nil {
			l.refused(CheckSourceIdentity, awsSource, fmt.Sprintf("SourceIdentity %q", printable(v)), nameFix)
		}
		l.warn(CheckSourceIdentity, awsNotAuthorized, "SourceIdentity is sent", "The role's trust policy must allow sts:SetSourceIdentity.")
	case "SessionDuration":
		v := l.one(a)
		if n, err := strconv.Atoi(v); err != nil || n < 900 || n > 43200 {
			l.refused(CheckDuration, awsInvalid, fmt.Sprintf("SessionDuration %q", printable(v)), "Send whole seconds from 900 to 43200.")
		}
	default:
		if !strings.HasPrefix(name, "AccessControl:") {
			l.warn(CheckAttribute, "", fmt.Sprintf("AWS knows no attribute %q", printable(name)), "Check the spelling; names are case-sensitive.")
		}
	}
}

func (l *linter) tags(tags []Tag) {
	if len(tags) == 0 {
		for _, k := range l.values(AttributeTransitiveTagKeys) {
			l.refused(CheckTransitive, awsInvalid, fmt.Sprintf("transitive key %q is no session tag", printable(k)), "Name keys of PrincipalTag attributes only.")
		}
		return
	}
	if err := ValidateTags(tags); err != nil {
		l.refused(CheckTag, awsInvalid, err.Error(), "Keys have up to 128, values up to 256 letters, digits, blanks and _.:/=+-@; 50 tags at most.")
	}
	if err := checkTransitive(l.values(AttributeTransitiveTagKeys), tags); err != nil {
		l.refused(CheckTransitive, awsInvalid, err.Error(), "Name keys of PrincipalTag attributes only.")
	}
	l.warn(CheckTag, awsNotAuthorized, fmt.Sprintf("%d session tags are sent", len(tags)), "The role's trust policy must allow sts:TagSession.")
}

// one returns the attribute's only value.
func (l *linter) one(a Attribute) string {
	if len(a.Values) != 1 {
		l.refused(CheckAttribute, awsInvalid, fmt.Sprintf("attribute %q has %d values", printable(a.Name), len(a.Values)), "Send exactly one AttributeValue.")
		return ""
	}
	return a.Values[0]
}

func (l *linter) values(name string) []string {
	for _, a := range l.r.Attributes {
		if a.Name == name {
			return a.Values
		}
	}
	return nil
}
