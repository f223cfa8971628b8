// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ststest

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/awsrole"
)

type assumedRoleUser struct {
	ARN           string `xml:"Arn"`
	AssumedRoleID string `xml:"AssumedRoleId"`
}

type samlResult struct {
	XMLName         xml.Name        `xml:"https://sts.amazonaws.com/doc/2011-06-15/ AssumeRoleWithSAMLResponse"`
	Credentials     wireCredentials `xml:"AssumeRoleWithSAMLResult>Credentials"`
	AssumedRoleUser assumedRoleUser `xml:"AssumeRoleWithSAMLResult>AssumedRoleUser"`
	PackedSize      int             `xml:"AssumeRoleWithSAMLResult>PackedPolicySize"`
	Subject         string          `xml:"AssumeRoleWithSAMLResult>Subject"`
	SubjectType     string          `xml:"AssumeRoleWithSAMLResult>SubjectType"`
	Issuer          string          `xml:"AssumeRoleWithSAMLResult>Issuer"`
	Audience        string          `xml:"AssumeRoleWithSAMLResult>Audience"`
	NameQualifier   string          `xml:"AssumeRoleWithSAMLResult>NameQualifier"`
	SourceIdentity  string          `xml:"AssumeRoleWithSAMLResult>SourceIdentity,omitempty"`
	Metadata        metadata        `xml:"ResponseMetadata"`
}

func (d *Double) assumeRoleWithSAML(req *request) (any, *refusal) {
	if ref := required(req, "RoleArn", "PrincipalArn", "SAMLAssertion"); ref != nil {
		return nil, ref
	}
	pair := awsrole.RolePair{RoleARN: req.get("RoleArn"), ProviderARN: req.get("PrincipalArn")}
	duration, ref := durationSeconds(req)
	if ref != nil {
		return nil, ref
	}
	packed, ref := policies(req)
	if ref != nil {
		return nil, ref
	}
	doc, ref := decodeAssertion(req.get("SAMLAssertion"))
	if ref != nil {
		return nil, ref
	}
	provider, ok := d.provider(pair.ProviderARN)
	if !ok {
		return nil, invalid("Specified provider doesn't exist", "provider %q", pair.ProviderARN)
	}
	idp, err := provider.load(req.http.Context())
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "IDPCommunicationError", "Unable to read the metadata of the identity provider", "metadata: %v", err)
	}
	c, ref := verify(doc, idp)
	if ref != nil {
		return nil, ref
	}
	req.call.AssertionID = c.assertionID
	partition, err := partitionOf(pair.ProviderARN)
	if err != nil {
		return nil, invalid("Specified provider doesn't exist", "provider: %v", err)
	}
	now := d.c.Now()
	if ref := c.conditions(idp.entityID, partition, now, d.c.Skew); ref != nil {
		return nil, ref
	}
	a, ref := c.ask()
	if ref != nil {
		return nil, ref
	}
	role, ref := d.authorize(pair, c, a)
	if ref != nil {
		return nil, ref
	}
	life, ref := lifetime(role, duration, a.duration)
	if ref != nil {
		return nil, ref
	}
	expires := now.Add(life)
	if end := c.sessionNotOnOrAfter; !end.IsZero() && end.Before(expires) {
		expires = end
	}
	if ref := d.redeem(c, now); ref != nil {
		return nil, ref
	}
	s := &session{
		ARN: sessionARN(role.ARN, a.sessionName), RoleARN: role.ARN,
		UserID: roleID(role.ARN) + ":" + a.sessionName, Account: pair.Account(),
		Issued: now, Expires: expires, Tags: a.tags, Transitive: a.transitive, SourceIdentity: a.sourceIdentity,
	}
	req.call.note(s)
	return samlResult{
		Credentials:     d.issue(s),
		AssumedRoleUser: assumedRoleUser{s.ARN, s.UserID},
		PackedSize:      packed,
		Subject:         c.nameID, SubjectType: subjectType(c.nameFormat),
		Issuer: c.issuer, Audience: c.confirmations[0].recipient,
		NameQualifier:  nameQualifier(c.issuer, pair),
		SourceIdentity: a.sourceIdentity,
		Metadata:       metadata{req.call.RequestID},
	}, nil
}

func (c *Call) note(s *session) {
	c.ARN, c.Expires, c.Tags, c.Transitive, c.SourceIdentity = s.ARN, s.Expires, s.Tags, s.Transitive, s.SourceIdentity
}

// authorize is the role's trust policy: provider, pair, saml:aud, session tags
// and source identity. AWS tells none of these apart, nor a missing NameID.
func (d *Double) authorize(pair awsrole.RolePair, c *claims, a *asked) (Role, *refusal) {
	role, ok := d.role(pair.RoleARN)
	switch {
	case !ok:
		return Role{}, denied("no role %q", pair.RoleARN)
	case strings.HasPrefix(pair.RoleName(), "AWSReservedSSO_"):
		return Role{}, denied("a role of Identity Center")
	case role.Provider != pair.ProviderARN:
		return Role{}, denied("role %s does not trust %s", role.ARN, pair.ProviderARN)
	case !slices.Contains(a.pairs, pair):
		return Role{}, denied("the assertion does not offer %s", pair)
	case c.nameID == "":
		return Role{}, denied("no NameID")
	case len(role.Recipients) > 0 && !slices.Contains(role.Recipients, c.confirmations[0].recipient):
		return Role{}, denied("saml:aud %q is not trusted", c.confirmations[0].recipient)
	case len(a.tags) > 0 && !role.TagSession:
		return Role{}, denied("sts:TagSession is not allowed")
	case a.sourceIdentity != "" && !role.SetSourceIdentity:
		return Role{}, denied("sts:SetSourceIdentity is not allowed")
	}
	for k := range a.tags {
		if len(role.TagKeys) > 0 && !slices.Contains(role.TagKeys, k) {
			return Role{}, denied("tag %q is not allowed", k)
		}
	}
	return role, nil
}

// redeem notes the assertion's ID; a second time is refused only if the
// configuration asks for it.
func (d *Double) redeem(c *claims, now time.Time) *refusal {
	if !d.c.RefuseReplay {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, end := range d.redeemed {
		if now.After(end) {
			delete(d.redeemed, id)
		}
	}
	if _, ok := d.redeemed[c.assertionID]; ok {
		return invalid("Assertion has already been used", "replay of %q", c.assertionID)
	}
	d.redeemed[c.assertionID] = c.issueInstant.Add(redeemWithin + d.c.Skew)
	return nil
}

type assumeResult struct {
	XMLName         xml.Name        `xml:"https://sts.amazonaws.com/doc/2011-06-15/ AssumeRoleResponse"`
	Credentials     wireCredentials `xml:"AssumeRoleResult>Credentials"`
	AssumedRoleUser assumedRoleUser `xml:"AssumeRoleResult>AssumedRoleUser"`
	PackedSize      int             `xml:"AssumeRoleResult>PackedPolicySize"`
	SourceIdentity  string          `xml:"AssumeRoleResult>SourceIdentity,omitempty"`
	Metadata        metadata        `xml:"ResponseMetadata"`
}

// assumeRole is role chaining: the caller is a session of the double.
func (d *Double) assumeRole(req *request) (any, *refusal) {
	caller, ref := d.authenticate(req)
	if ref != nil {
		return nil, ref
	}
	if ref := required(req, "RoleArn", "RoleSessionName"); ref != nil {
		return nil, ref
	}
	name := req.get("RoleSessionName")
	if !namePattern.MatchString(name) {
		return nil, validation("Value '"+clean(name)+"' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*", "session name")
	}
	duration, ref := durationSeconds(req)
	if ref != nil {
		return nil, ref
	}
	packed, ref := policies(req)
	if ref != nil {
		return nil, ref
	}
	role, ok := d.role(req.get("RoleArn"))
	if !ok || !slices.Contains(role.TrustedRoles, caller.RoleARN) {
		return nil, refuse(http.StatusForbidden, "AccessDenied",
			"User: "+caller.ARN+" is not authorized to perform: sts:AssumeRole on resource: "+clean(req.get("RoleArn")), "role chaining")
	}
	if duration > time.Hour {
		return nil, refuse(http.StatusBadRequest, "ValidationError",
			"The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining", "%v", duration)
	}
	if duration == 0 {
		duration = time.Hour
	}
	now := d.c.Now()
	account := strings.Split(role.ARN, ":")[4]
	s := &session{
		ARN: sessionARN(role.ARN, name), RoleARN: role.ARN, UserID: roleID(role.ARN) + ":" + name, Account: account,
		Issued: now, Expires: now.Add(duration), Transitive: caller.Transitive, SourceIdentity: caller.SourceIdentity,
		Tags: map[string]string{},
	}
	for _, k := range caller.Transitive {
		s.Tags[k] = caller.Tags[k]
	}
	req.call.note(s)
	return assumeResult{
		Credentials: d.issue(s), AssumedRoleUser: assumedRoleUser{s.ARN, s.UserID},
		PackedSize: packed, SourceIdentity: s.SourceIdentity, Metadata: metadata{req.call.RequestID},
	}, nil
}

type identityResult struct {
	XMLName  xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
	ARN      string   `xml:"GetCallerIdentityResult>Arn"`
	UserID   string   `xml:"GetCallerIdentityResult>UserId"`
	Account  string   `xml:"GetCallerIdentityResult>Account"`
	Metadata metadata `xml:"ResponseMetadata"`
}

func (d *Double) getCallerIdentity(req *request) (any, *refusal) {
	s, ref := d.authenticate(req)
	if ref != nil {
		return nil, ref
	}
	req.call.ARN = s.ARN
	return identityResult{ARN: s.ARN, UserID: s.UserID, Account: s.Account, Metadata: metadata{req.call.RequestID}}, nil
}

func validation(message, why string) *refusal {
	return refuse(http.StatusBadRequest, "ValidationError", "1 validation error detected: "+message, "%s", why)
}

func required(req *request, names ...string) *refusal {
	limits := map[string][2]int{"RoleArn": {20, 2048}, "PrincipalArn": {20, 2048}, "SAMLAssertion": {4, 100_000}, "RoleSessionName": {2, 64}}
	for _, name := range names {
		v, lim := req.get(name), limits[name]
		member := strings.ToLower(name[:1]) + name[1:]
		if name == "SAMLAssertion" {
			member = "sAMLAssertion"
		}
		switch {
		case v == "":
			return validation("Value null at '"+member+"' failed to satisfy constraint: Member must not be null", "missing "+name)
		case len(v) < lim[0]:
			return validation("Value at '"+member+"' failed to satisfy constraint: Member must have length greater than or equal to "+strconv.Itoa(lim[0]), "short "+name)
		case len(v) > lim[1]:
			return validation("Value at '"+member+"' failed to satisfy constraint: Member must have length less than or equal to "+strconv.Itoa(lim[1]), "long "+name)
		}
	}
	return nil
}

func durationSeconds(req *request) (time.Duration, *refusal) {
	if !req.form.Has("DurationSeconds") {
		return 0, nil
	}
	text := req.get("DurationSeconds")
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || n < 900:
		return 0, validation("Value '"+clean(text)+"' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900", "duration")
	case n > 43200:
		return 0, validation("Value '"+clean(text)+"' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200", "duration")
	}
	return time.Duration(n) * time.Second, nil
}

// lifetime: one hour unless asked, never above the role's maximum, and the
// assertion's SessionDuration can only shorten it.
func lifetime(role Role, requested, attribute time.Duration) (time.Duration, *refusal) {
	if requested > role.max() {
		return 0, refuse(http.StatusBadRequest, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", "%v above %v", requested, role.max())
	}
	if requested == 0 {
		requested = time.Hour
	}
	if attribute != 0 {
		requested = min(requested, attribute)
	}
	return requested, nil
}

// policies checks session policies for form; the double enforces none.
func policies(req *request) (packed int, _ *refusal) {
	if req.form.Has("Policy") {
		p := req.get("Policy")
		if len(p) > 2048 {
			return 0, refuse(http.StatusBadRequest, "PackedPolicyTooLarge", "Packed policy consumes more than 100% of allotted space, please use smaller policy.", "policy of %d bytes", len(p))
		}
		var doc struct {
			Version   string
			Statement json.RawMessage
		}
		if err := json.Unmarshal([]byte(p), &doc); err != nil || len(doc.Statement) == 0 {
			return 0, refuse(http.StatusBadRequest, "MalformedPolicyDocument", "The policy is not in the valid JSON format.", "policy: %v", err)
		}
		packed = len(p) * 100 / 2048
	}
	n := 0
	for name := range req.form {
		if strings.HasPrefix(name, "PolicyArns.member.") {
			n++
		}
	}
	if n > 10 {
		return 0, validation("Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to 10", "policy ARNs")
	}
	return packed, nil
}

func decodeAssertion(s string) ([]byte, *refusal) {
	doc, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, invalid("Invalid base64 SAMLResponse", "base64: %v", err)
	}
	return doc, nil
}

func partitionOf(arn string) (awsrole.Partition, error) {
	parts := strings.SplitN(arn, ":", 3)
	if len(parts) != 3 || parts[1] == "" {
		return awsrole.PartitionOf("?")
	}
	return awsrole.PartitionOf(parts[1])
}

// sessionARN leaves out the role's path, as STS does.
func sessionARN(roleARN, name string) string {
	parts := strings.SplitN(roleARN, ":", 6)
	role := parts[5][strings.LastIndexByte(parts[5], '/')+1:]
	return "arn:" + parts[1] + ":sts::" + parts[4] + ":assumed-role/" + role + "/" + name
}

func subjectType(format string) string {
	if kind, ok := strings.CutPrefix(format, "urn:oasis:names:tc:SAML:2.0:nameid-format:"); ok && (kind == "persistent" || kind == "transient") {
		return kind
	}
	return format
}

// nameQualifier is base64(sha1(Issuer + account + "/" + provider name)).
func nameQualifier(issuer string, pair awsrole.RolePair) string {
	provider := pair.ProviderARN[strings.LastIndexByte(pair.ProviderARN, '/')+1:]
	sum := sha1.Sum([]byte(issuer + pair.Account() + "/" + provider))
	return base64.StdEncoding.EncodeToString(sum[:])
}
