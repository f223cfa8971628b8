// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ststest_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/saml/awsrole"
	"github.com/gatehouse-id/gatehouse/sts/ststest"
)

const (
	msgSignature = "Response signature invalid"
	msgDenied    = "Not authorized to perform sts:AssumeRoleWithSAML"
	msgName      = "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"
	msgNoName    = "RoleSessionName is required in AuthnResponse"
	msgSource    = `Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"`
	msgAudience  = "Response does not contain the required audience"
	msgIssuer    = "Issuer not present in specified provider"
	msgExpired   = "Token must be redeemed within 5 minutes of issuance"
	msgNoRole    = "Your request included an invalid SAML response. To logout, click here."
	msgOne       = "Response must contain exactly one assertion"
)

// attack is one way to cheat, what AWS answers, and what the double's own log
// says, which names the check that refused.
type attack struct {
	name    string
	change  func(t *testing.T, l *lab, m *message)
	request func(form url.Values) // changes the call instead
	status  int
	code    string
	message string
	why     string
}

const (
	bad  = http.StatusBadRequest
	deny = http.StatusForbidden
)

func in(old, new string) func(*testing.T, *lab, *message) {
	return func(t *testing.T, _ *lab, m *message) { m.in(t, old, new) }
}

func add(attributes string) func(*testing.T, *lab, *message) {
	return func(_ *testing.T, _ *lab, m *message) { m.add(attributes) }
}

func after(old, new string) func(*testing.T, *lab, *message) {
	return func(t *testing.T, _ *lab, m *message) {
		m.after = func(doc string) string {
			if !strings.Contains(doc, old) {
				t.Errorf("nothing to replace: %s", old)
			}
			return strings.Replace(doc, old, new, 1)
		}
	}
}

// rename turns an element into one that nobody knows.
func rename(local string) func(*testing.T, *lab, *message) {
	return func(_ *testing.T, _ *lab, m *message) {
		for _, end := range []string{" ", ">"} {
			m.assertion = strings.NewReplacer("<saml:"+local+end, "<saml:X"+end, "</saml:"+local+end, "</saml:X"+end).Replace(m.assertion)
		}
	}
}

func set(name, value string) func(url.Values) { return func(f url.Values) { f.Set(name, value) } }

// evil is an unsigned assertion that names another person.
func evil(m *message, id string) string {
	e := strings.Replace(m.assertion, "alice@example.com", "admin@example.com", 1)
	return strings.Replace(e, `ID="_a1"`, `ID="`+id+`"`, 1)
}

// wrap puts the signed assertion and an evil one into the Response by format.
func wrap(format, evilID string) func(*testing.T, *lab, *message) {
	return func(t *testing.T, l *lab, m *message) {
		good := l.idp.sign(t, m.assertion)
		bad := evil(m, evilID)
		m.noSign, m.assertion = true, ""
		m.response = strings.Replace(m.response, "%s", strings.NewReplacer("GOOD", good, "EVIL", bad).Replace(format), 1)
	}
}

var attacks = []attack{
	// Signature.
	{name: "unsigned", change: func(_ *testing.T, _ *lab, m *message) { m.noSign = true }, status: bad, code: "InvalidIdentityToken", message: msgSignature, why: "neither Response nor Assertion"},
	{name: "signed by another key", change: func(_ *testing.T, l *lab, m *message) { m.by = l.other }, status: bad, code: "InvalidIdentityToken", message: msgSignature, why: "xmldsig: signature"},
	{name: "name changed after signing", change: after("alice@example.com", "admin@example.com"), status: bad, code: "InvalidIdentityToken", message: msgSignature, why: "digest"},
	{name: "role changed after signing", change: after("role/team/Admin", "role/ReadOnly"), status: bad, code: "InvalidIdentityToken", message: msgSignature, why: "digest"},
	{name: "signature of another message", change: func(t *testing.T, l *lab, m *message) {
		other := newMessage(l.idp)
		other.in(t, "alice@example.com", "mallory@example.com")
		signed := other.document(t)
		_, sig, _ := strings.Cut(signed, "<ds:Signature")
		sig, _, _ = strings.Cut(sig, "</ds:Signature>")
		sig = "<ds:Signature" + sig + "</ds:Signature>"
		m.after = func(doc string) string {
			before, rest, _ := strings.Cut(doc, "<ds:Signature")
			_, behind, _ := strings.Cut(rest, "</ds:Signature>")
			return before + sig + behind
		}
	}, status: bad, code: "InvalidIdentityToken", message: msgSignature, why: "digest"},
	{name: "response signed, assertion forged inside", change: func(t *testing.T, l *lab, m *message) {
		m.whole = true
		m.after = func(doc string) string { return strings.Replace(doc, "alice@example.com", "admin@example.com", 1) }
	}, status: bad, code: "InvalidIdentityToken", message: msgSignature, why: "digest"},
	{name: "response signed by another, assertion right", change: func(t *testing.T, l *lab, m *message) {
		m.after = func(doc string) string { return l.other.sign(t, doc) }
	}, status: bad, code: "InvalidIdentityToken", message: msgSignature, why: "xmldsig: signature"},
	// Wrapping.
	{name: "evil assertion beside", change: wrap("EVILGOOD", "_e"), status: bad, code: "InvalidIdentityToken", message: msgOne, why: "2 assertions"},
	{name: "evil assertion after", change: wrap("GOODEVIL", "_e"), status: bad, code: "InvalidIdentityToken", message: msgOne, why: "2 assertions"},
	{name: "evil assertion with the same ID", change: wrap("EVILGOOD", "_a1"), status: bad, code: "InvalidIdentityToken", message: msgOne, why: "2 assertions"},
	{name: "good one hidden in Extensions", change: wrap("<samlp:Extensions>GOOD</samlp:Extensions>EVIL", "_e"), status: bad, code: "InvalidIdentityToken", message: msgOne, why: "2 assertions"},
	{name: "good one hidden in a foreign element", change: wrap(`EVIL<x xmlns="urn:x">GOOD</x>`, "_e"), status: bad, code: "InvalidIdentityToken", message: msgOne, why: "2 assertions"},
	{name: "evil one around the good one", change: func(t *testing.T, l *lab, m *message) {
		good := l.idp.sign(t, m.assertion)
		m.noSign = true
		m.assertion = strings.Replace(evil(m, "_e"), "<saml:Subject>", "<saml:Advice>"+good+"</saml:Advice><saml:Subject>", 1)
	}, status: bad, code: "InvalidIdentityToken", message: msgOne, why: "2 assertions"},
	{name: "encrypted assertion beside", change: wrap(`GOOD<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/>`, ""), status: bad, code: "InvalidIdentityToken", why: "encrypted"},
	// The document.
	{name: "DOCTYPE", change: after("<samlp:Response", "<!DOCTYPE x []><samlp:Response"), status: bad, code: "InvalidIdentityToken", why: "directive"},
	{name: "processing instruction", change: after("<samlp:Response", "<?x y?><samlp:Response"), status: bad, code: "InvalidIdentityToken", why: "instruction"},
	{name: "assertion alone", change: func(_ *testing.T, _ *lab, m *message) { m.response = "%s" }, status: bad, code: "InvalidIdentityToken", why: "root is Assertion"},
	{name: "element in NameID", change: in(">p-1<", "><x>p-1</x><"), status: bad, code: "InvalidIdentityToken", why: "elements in NameID"},
	{name: "element in a value", change: in(">alice@example.com<", "><x>alice@example.com</x><"), status: bad, code: "InvalidIdentityToken", why: "elements in AttributeValue"},
	{name: "two subjects", change: in("</saml:Subject>", "</saml:Subject><saml:Subject><saml:NameID>p-2</saml:NameID></saml:Subject>"), status: bad, code: "InvalidIdentityToken", why: "2 elements Subject"},
	{name: "local time", change: in(`NotOnOrAfter="2026-11-24T12:05:00Z"><saml:Aud`, `NotOnOrAfter="2026-11-24T12:05:00"><saml:Aud`), status: bad, code: "InvalidIdentityToken", why: "no UTC time"},
	{name: "version 1.1", change: in(`ID="_a1" Version="2.0"`, `ID="_a1" Version="1.1"`), status: bad, code: "InvalidIdentityToken", why: "another version"},
	{name: "not base64", request: set("SAMLAssertion", "%%%%"), status: bad, code: "InvalidIdentityToken", message: "Invalid base64 SAMLResponse", why: "base64"},
	{name: "not XML", request: set("SAMLAssertion", base64.StdEncoding.EncodeToString([]byte("hello"))), status: bad, code: "InvalidIdentityToken", why: "document"},
	{name: "100,001 characters", request: set("SAMLAssertion", strings.Repeat("A", 100_001)), status: bad, code: "ValidationError", why: "long SAMLAssertion"},
	// Status, issuer.
	{name: "failed sign-in", change: func(_ *testing.T, _ *lab, m *message) {
		m.response = strings.Replace(m.response, "status:Success", "status:Responder", 1)
	}, status: deny, code: "IDPRejectedClaim", why: "status"},
	{name: "failed sign-in without assertion", change: func(_ *testing.T, _ *lab, m *message) {
		m.response = strings.Replace(strings.Replace(m.response, "status:Success", "status:Responder", 1), "%s", "", 1)
	}, status: deny, code: "IDPRejectedClaim", why: "status"},
	{name: "no issuer", change: in("<saml:Issuer>https://idp.example.com/aws</saml:Issuer>", ""), status: bad, code: "InvalidIdentityToken", message: msgIssuer, why: "Issuer"},
	{name: "issuer of the applications", change: func(t *testing.T, _ *lab, m *message) {
		m.in(t, "https://idp.example.com/aws", "https://idp.example.com/app")
		m.response = strings.Replace(m.response, "https://idp.example.com/aws", "https://idp.example.com/app", 1)
	}, status: bad, code: "InvalidIdentityToken", message: msgIssuer, why: "is not"},
	{name: "issuers differ", change: func(_ *testing.T, _ *lab, m *message) {
		m.response = strings.Replace(m.response, "https://idp.example.com/aws", "https://idp.example.com/app", 1)
	}, status: bad, code: "InvalidIdentityToken", message: msgIssuer, why: "differ"},
	{name: "unknown provider", request: set("PrincipalArn", "arn:aws:iam::111122223333:saml-provider/None"), status: bad, code: "InvalidIdentityToken", message: "Specified provider doesn't exist", why: "provider"},
	{name: "another provider of the account", request: set("PrincipalArn", otherIdPARN), status: bad, code: "InvalidIdentityToken", message: msgSignature, why: "xmldsig: signature"},
	// Times.
	{name: "issued five minutes ago", change: in(`IssueInstant="2026-11-24T12:00:00Z"`, `IssueInstant="2026-11-24T11:55:30Z"`), status: bad, code: "ExpiredTokenException", message: msgExpired, why: "issued"},
	{name: "issued in the future", change: in(`IssueInstant="2026-11-24T12:00:00Z"`, `IssueInstant="2026-11-24T12:01:00Z"`), status: bad, code: "InvalidIdentityToken", why: "issued"},
	{name: "no IssueInstant", change: in(` IssueInstant="2026-11-24T12:00:00Z"`, ""), status: bad, code: "InvalidIdentityToken", why: "IssueInstant"},
	{name: "not yet valid", change: in(`NotBefore="2026-11-24T12:00:00Z"`, `NotBefore="2026-11-24T12:01:00Z"`), status: bad, code: "InvalidIdentityToken", why: "not before"},
	{name: "expired", change: in(`NotOnOrAfter="2026-11-24T12:05:00Z"><saml:Aud`, `NotOnOrAfter="2026-11-24T12:00:30Z"><saml:Aud`), status: bad, code: "ExpiredTokenException", message: msgExpired, why: "not on or after"},
	{name: "never expires", change: in(` NotOnOrAfter="2026-11-24T12:05:00Z"><saml:Aud`, `><saml:Aud`), status: bad, code: "InvalidIdentityToken", why: "NotOnOrAfter"},
	{name: "session over", change: in("<saml:AuthnStatement ", `<saml:AuthnStatement SessionNotOnOrAfter="2026-11-24T12:00:30Z" `), status: bad, code: "ExpiredTokenException", message: msgExpired, why: "session"},
	// Confirmation, recipient, audience.
	{name: "no confirmation", change: rename("SubjectConfirmation"), status: bad, code: "InvalidIdentityToken", why: "0 confirmations"},
	{name: "holder of key", change: in("cm:bearer", "cm:holder-of-key"), status: bad, code: "InvalidIdentityToken", why: "confirmations"},
	{name: "two confirmations", change: in("</saml:SubjectConfirmation>", `</saml:SubjectConfirmation><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"/>`), status: bad, code: "InvalidIdentityToken", why: "2 confirmations"},
	{name: "confirmation over", change: in(`Data NotOnOrAfter="2026-11-24T12:05:00Z"`, `Data NotOnOrAfter="2026-11-24T12:00:30Z"`), status: bad, code: "ExpiredTokenException", message: msgExpired, why: "confirmation"},
	{name: "confirmation without end", change: in(`Data NotOnOrAfter="2026-11-24T12:05:00Z"`, "Data"), status: bad, code: "InvalidIdentityToken", why: "confirmation data"},
	{name: "confirmation with NotBefore", change: in("ConfirmationData ", `ConfirmationData NotBefore="2026-11-24T12:00:00Z" `), status: bad, code: "InvalidIdentityToken", why: "NotBefore"},
	{name: "answer to somebody's request", change: in("ConfirmationData ", `ConfirmationData InResponseTo="_q" `), status: bad, code: "InvalidIdentityToken", why: "no request"},
	{name: "no recipient", change: in(` Recipient="https://signin.aws.amazon.com/saml"`, ""), status: bad, code: "InvalidIdentityToken", why: "confirmation data"},
	{name: "recipient is an application", change: in(`Recipient="https://signin.aws.amazon.com/saml"`, `Recipient="https://app.example.com/acs"`), status: bad, code: "InvalidIdentityToken", why: "recipient"},
	{name: "recipient looks like AWS", change: in(`Recipient="https://signin.aws.amazon.com/saml"`, `Recipient="https://signin.aws.amazon.com.evil.example/saml"`), status: bad, code: "InvalidIdentityToken", why: "recipient"},
	{name: "recipient of another partition", change: in(`Recipient="https://signin.aws.amazon.com/saml"`, `Recipient="https://signin.amazonaws.cn/saml"`), status: bad, code: "InvalidIdentityToken", why: "recipient"},
	{name: "destination is an application", change: func(_ *testing.T, _ *lab, m *message) {
		m.response = strings.Replace(m.response, "https://signin.aws.amazon.com/saml", "https://app.example.com/acs", 1)
	}, status: bad, code: "InvalidIdentityToken", why: "destination"},
	{name: "audience is an application", change: in(">urn:amazon:webservices<", ">https://app.example.com<"), status: bad, code: "InvalidIdentityToken", message: msgAudience, why: "audiences"},
	{name: "audience of another partition", change: in(">urn:amazon:webservices<", ">urn:amazon:webservices:govcloud<"), status: bad, code: "InvalidIdentityToken", message: msgAudience, why: "audiences"},
	{name: "no audience", change: in("<saml:AudienceRestriction><saml:Audience>urn:amazon:webservices</saml:Audience></saml:AudienceRestriction>", ""), status: bad, code: "InvalidIdentityToken", message: msgAudience, why: "no AudienceRestriction"},
	{name: "a second restriction", change: in("</saml:AudienceRestriction>", "</saml:AudienceRestriction><saml:AudienceRestriction><saml:Audience>https://app.example.com</saml:Audience></saml:AudienceRestriction>"), status: bad, code: "InvalidIdentityToken", message: msgAudience, why: "audiences"},
	{name: "unknown condition", change: in("</saml:AudienceRestriction>", "</saml:AudienceRestriction><saml:Condition/>"), status: bad, code: "InvalidIdentityToken", why: "condition"},
	{name: "no AuthnStatement", change: rename("AuthnStatement"), status: bad, code: "InvalidIdentityToken", why: "0 AuthnStatements"},
	// Roles.
	{name: "no NameID", change: in(">p-1<", "><"), status: deny, code: "AccessDenied", message: msgDenied, why: "no NameID"},
	{name: "no role", change: in("Attributes/Role\"", "Attributes/Roll\""), status: bad, code: "InvalidIdentityToken", message: msgNoRole, why: "no Role"},
	{name: "role that is not offered", request: set("RoleArn", roleARN2), status: deny, code: "AccessDenied", message: msgDenied, why: "does not offer"},
	{name: "role that is not there", request: set("RoleArn", "arn:aws:iam::111122223333:role/None"), status: deny, code: "AccessDenied", message: msgDenied, why: "no role"},
	{name: "role that trusts another", request: set("RoleArn", chained), status: deny, code: "AccessDenied", message: msgDenied, why: "does not trust"},
	{name: "role of Identity Center", change: in(roleARN+",", reserved+","), request: set("RoleArn", reserved), status: deny, code: "AccessDenied", message: msgDenied, why: "Identity Center"},
	{name: "role paired with another provider", change: in(","+providerARN, ","+otherIdPARN), status: deny, code: "AccessDenied", message: msgDenied, why: "does not offer"},
	{name: "role of another account", change: in("::111122223333:role", "::999999999999:role"), status: deny, code: "AccessDenied", message: msgDenied, why: "different accounts"},
	{name: "garbage for a role", change: in(roleARN+","+providerARN, "garbage"), status: deny, code: "AccessDenied", message: msgDenied, why: "role pair"},
	{name: "two Role attributes", change: add(attribute("Role", roleARN2+","+providerARN)), status: bad, code: "InvalidIdentityToken", why: "twice"},
	// Names, tags, durations.
	{name: "no session name", change: in(attribute("RoleSessionName", "alice@example.com"), ""), status: bad, code: "InvalidIdentityToken", message: msgNoName, why: "no RoleSessionName"},
	{name: "blanks in the session name", change: in(">alice@example.com<", ">a b c<"), status: bad, code: "InvalidIdentityToken", message: msgName, why: "session name"},
	{name: "session name of one", change: in(">alice@example.com<", ">a<"), status: bad, code: "InvalidIdentityToken", message: msgName, why: "session name"},
	{name: "session name of 65", change: in(">alice@example.com<", ">"+strings.Repeat("a", 65)+"<"), status: bad, code: "InvalidIdentityToken", message: msgName, why: "session name"},
	{name: "newline in the session name", change: in(">alice@example.com<", ">alice\n<"), status: bad, code: "InvalidIdentityToken", message: msgName, why: "session name"},
	{name: "two session names", change: in(">alice@example.com<", ">alice@example.com</saml:AttributeValue><saml:AttributeValue>bob<"), status: bad, code: "InvalidIdentityToken", why: "2 values"},
	{name: "source identity aws:", change: add(attribute("SourceIdentity", "aws:root")), status: bad, code: "InvalidIdentityToken", message: msgSource, why: "source identity"},
	{name: "tag aws:", change: add(attribute("PrincipalTag:aws:x", "1")), status: bad, code: "InvalidIdentityToken", why: "tag"},
	{name: "tag of 129", change: add(attribute("PrincipalTag:"+strings.Repeat("k", 129), "1")), status: bad, code: "InvalidIdentityToken", why: "tag"},
	{name: "tag value of 257", change: add(attribute("PrincipalTag:Team", strings.Repeat("v", 257))), status: bad, code: "InvalidIdentityToken", why: "tag"},
	{name: "tags that differ in case", change: add(attribute("PrincipalTag:Team", "a") + attribute("PrincipalTag:team", "b")), status: bad, code: "InvalidIdentityToken", why: "tag"},
	{name: "51 tags", change: func(_ *testing.T, _ *lab, m *message) {
		for i := range 51 {
			m.add(attribute(fmt.Sprint("PrincipalTag:k", i), "v"))
		}
	}, status: bad, code: "InvalidIdentityToken", why: "51 tags"},
	{name: "tag that the role does not allow", change: add(attribute("PrincipalTag:Admin", "yes")), status: deny, code: "AccessDenied", message: msgDenied, why: "not allowed"},
	{name: "two values of a tag", change: add(attribute("PrincipalTag:Team", "a", "b")), status: bad, code: "InvalidIdentityToken", why: "2 values"},
	{name: "transitive key that is no tag", change: add(attribute("TransitiveTagKeys", "Team")), status: bad, code: "InvalidIdentityToken", why: "transitive"},
	{name: "SessionDuration 99999", change: in(">7200<", ">99999<"), status: bad, code: "InvalidIdentityToken", why: "SessionDuration"},
	{name: "DurationSeconds above the role's", request: set("DurationSeconds", "14401"), status: bad, code: "ValidationError", message: "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", why: "above"},
	// The call.
	{name: "no role ARN", request: func(f url.Values) { f.Del("RoleArn") }, status: bad, code: "ValidationError", why: "missing RoleArn"},
	{name: "role ARN twice", request: func(f url.Values) { f.Add("RoleArn", roleARN2) }, status: bad, code: "MalformedInput", why: "2 times"},
	{name: "unknown action", request: set("Action", "AssumeRoot"), status: bad, code: "InvalidAction", message: "Could not find operation AssumeRoot for version 2011-06-15", why: "action"},
	{name: "unknown version", request: set("Version", "2012-01-01"), status: bad, code: "InvalidAction", why: "version"},
	{name: "policy that is none", request: set("Policy", "{}"), status: bad, code: "MalformedPolicyDocument", why: "policy"},
	{name: "policy of 2049", request: set("Policy", strings.Repeat("x", 2049)), status: bad, code: "PackedPolicyTooLarge", why: "policy"},
}

func TestAttacks(t *testing.T) {
	l := newLab(t, nil)
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			m := newMessage(l.idp)
			if a.change != nil {
				a.change(t, l, m)
			}
			var form url.Values
			if m.assertion == "" && m.noSign { // wrapped: signed already
				m.assertion = " "
			}
			form = l.form(t, m)
			if a.request != nil {
				a.request(form)
			}
			got := l.post(t, form)
			last := l.Log()[len(l.Log())-1]
			if got.status != a.status || got.Code != a.code {
				t.Errorf("%d %s %q (%s), not %d %s", got.status, got.Code, got.Msg, last.Why, a.status, a.code)
			}
			if a.message != "" && got.Msg != a.message {
				t.Errorf("says %q, not %q", got.Msg, a.message)
			}
			if !strings.Contains(last.Why, a.why) {
				t.Errorf("refused because %q, not %q", last.Why, a.why)
			}
		})
	}
}

func TestCommentIsNotATruncation(t *testing.T) {
	l := newLab(t, nil)
	m := newMessage(l.idp)
	m.in(t, ">alice@example.com<", ">alice@example.com.evil<")
	m.after = func(doc string) string {
		return strings.Replace(doc, "alice@example.com.evil", "alice@example.com<!-- -->.evil", 1)
	}
	if a := l.assume(t, m); a.status == 200 && !strings.HasSuffix(a.Result.ARN, "/alice@example.com.evil") {
		t.Errorf("read %s", a.Result.ARN)
	}
}

func TestTrustPolicy(t *testing.T) {
	l := newLab(t, func(c *ststest.Config) {
		c.Roles[0].TagSession, c.Roles[0].TagKeys, c.Roles[0].SetSourceIdentity = false, nil, false
		c.Roles[0].Recipients = []string{"https://eu-central-1.signin.aws.amazon.com/saml"}
	})
	regional := func(m *message) *message {
		m.in(t, `Recipient="https://signin.aws`, `Recipient="https://eu-central-1.signin.aws`)
		return m
	}
	if a := l.assume(t, regional(newMessage(l.idp))); a.status != 200 || a.Result.Audience != "https://eu-central-1.signin.aws.amazon.com/saml" {
		t.Errorf("regional: %+v", a)
	}
	for why, m := range map[string]*message{
		"saml:aud":              newMessage(l.idp),
		"sts:TagSession":        regional(newMessage(l.idp)),
		"sts:SetSourceIdentity": regional(newMessage(l.idp)),
	} {
		switch why {
		case "sts:TagSession":
			m.add(attribute("PrincipalTag:Team", "blue"))
		case "sts:SetSourceIdentity":
			m.add(attribute("SourceIdentity", "p-1"))
		}
		a := l.assume(t, m)
		if last := l.Log()[len(l.Log())-1]; a.Code != "AccessDenied" || !strings.Contains(last.Why, why) {
			t.Errorf("%s: %+v %s", why, a, last.Why)
		}
	}
}

// TestLinterForesees holds the linter to the double: whatever attack lies in
// the claims and not in signature, account or call, the linter must refuse.
func TestLinterForesees(t *testing.T) {
	l := newLab(t, nil)
	blind := map[string]bool{ // what only the account or the signature knows, or awsrole does not read
		"role paired with another provider": true, "tag that the role does not allow": true, "version 1.1": true,
		"two subjects": true, "unknown condition": true, "issuers differ": true,
	}
	for _, a := range attacks {
		if a.change == nil || a.status == 200 || blind[a.name] {
			continue
		}
		m := newMessage(l.idp)
		a.change(t, l, m)
		if m.noSign || m.whole || m.after != nil || m.by.key != l.idp.key {
			continue
		}
		r, err := awsrole.Decode([]byte(m.document(t)))
		if err != nil {
			continue
		}
		refused := false
		for _, f := range awsrole.Lint(r, awsrole.LintOptions{Now: now, Issuer: entityID}) {
			refused = refused || f.Severity == awsrole.Refused
		}
		if !refused {
			t.Errorf("%s: the linter finds nothing", a.name)
		}
	}
}

func TestOtherPartitions(t *testing.T) {
	for _, p := range awsrole.Partitions() {
		role := "arn:" + p.ID + ":iam::111122223333:role/Admin"
		provider := "arn:" + p.ID + ":iam::111122223333:saml-provider/Gatehouse"
		idp := newSigner(t)
		l := newLab(t, func(c *ststest.Config) {
			c.Providers = []ststest.Provider{{ARN: provider, Metadata: idp.metadata(entityID, "")}}
			c.Roles = []ststest.Role{{ARN: role, Provider: provider}}
		})
		signIn, err := p.SignInURL(p.Region)
		if err != nil {
			t.Fatal(err)
		}
		m := newMessage(idp)
		m.assertion = strings.NewReplacer(roleARN+","+providerARN, provider+","+role, "urn:amazon:webservices", p.Audience, "https://signin.aws.amazon.com/saml", signIn).Replace(m.assertion)
		m.response = strings.Replace(m.response, "https://signin.aws.amazon.com/saml", signIn, 1)
		form := l.form(t, m)
		form.Set("RoleArn", role)
		form.Set("PrincipalArn", provider)
		a := l.post(t, form)
		if a.status != 200 || a.Result.ARN != "arn:"+p.ID+":sts::111122223333:assumed-role/Admin/alice@example.com" {
			t.Errorf("%s: %+v %+v", p.ID, a, l.Log())
		}
	}
}

func FuzzRequest(f *testing.F) {
	l := newLab(f, nil)
	l.clock = now
	f.Add("Action=AssumeRoleWithSAML&Version=2011-06-15", "")
	f.Add(l.form(f, newMessage(l.idp)).Encode(), "")
	f.Add("Action=GetCallerIdentity&Version=2011-06-15", "AWS4-HMAC-SHA256 Credential=a/20261124/us-east-1/sts/aws4_request, SignedHeaders=host;x-amz-date, Signature=00")
	f.Add("%zz", "AWS4-HMAC-SHA256 ,,,")
	f.Fuzz(func(t *testing.T, body, authorization string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		l.ServeHTTP(w, r)
		if w.Code == 0 || w.Code >= 500 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}
