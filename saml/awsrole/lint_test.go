// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awsrole_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/awsrole"
)

var lintNow = time.Date(2026, 11, 24, 12, 0, 30, 0, time.UTC)

const issuer = "https://idp.example.com/aws"

// goodResponse is what AWS takes, but for the signature's value.
const goodResponse = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r" Version="2.0" IssueInstant="2026-11-24T12:00:00Z" Destination="https://signin.aws.amazon.com/saml">
<saml:Issuer>https://idp.example.com/aws</saml:Issuer>
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
<saml:Assertion ID="_a" Version="2.0" IssueInstant="2026-11-24T12:00:00Z">
<saml:Issuer>https://idp.example.com/aws</saml:Issuer>
<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>
<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">p-1</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="2026-11-24T12:05:00Z" Recipient="https://signin.aws.amazon.com/saml"/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="2026-11-24T12:00:00Z" NotOnOrAfter="2026-11-24T12:05:00Z"><saml:AudienceRestriction><saml:Audience>urn:amazon:webservices</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement AuthnInstant="2026-11-24T11:59:00Z" SessionNotOnOrAfter="2026-11-24T20:00:00Z"><saml:AuthnContext/></saml:AuthnStatement>
<saml:AttributeStatement>
<saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/Role"><saml:AttributeValue>arn:aws:iam::111122223333:role/Admin,arn:aws:iam::111122223333:saml-provider/Gatehouse</saml:AttributeValue></saml:Attribute>
<saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/RoleSessionName"><saml:AttributeValue>alice@example.com</saml:AttributeValue></saml:Attribute>
<saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/SessionDuration"><saml:AttributeValue>3600</saml:AttributeValue></saml:Attribute>
</saml:AttributeStatement></saml:Assertion></samlp:Response>`

func lint(t *testing.T, doc string, o awsrole.LintOptions) []awsrole.Finding {
	t.Helper()
	r, err := awsrole.Decode([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return awsrole.Lint(r, o)
}

func TestLintGood(t *testing.T) {
	o := awsrole.LintOptions{Now: lintNow, Issuer: issuer}
	if f := lint(t, goodResponse, o); len(f) != 0 {
		t.Errorf("%+v", f)
	}
	if f := lint(t, base64.StdEncoding.EncodeToString([]byte(goodResponse)), o); len(f) != 0 {
		t.Errorf("base64: %+v", f)
	}
}

// TestLintFinds changes one thing at a time and expects the finding first.
func TestLintFinds(t *testing.T) {
	const ns = "https://aws.amazon.com/SAML/Attributes/"
	attr := func(name string, values ...string) string {
		return `<saml:Attribute Name="` + ns + name + `"><saml:AttributeValue>` + strings.Join(values, "</saml:AttributeValue><saml:AttributeValue>") + "</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>"
	}
	const end = "</saml:AttributeStatement>"
	for _, tc := range []struct {
		name, old, new string
		check          awsrole.Check
		severity       awsrole.Severity
		aws            string
	}{
		{"failed", "status:Success", "status:Responder", awsrole.CheckStatus, awsrole.Refused, "authentication failed"},
		{"unsigned", `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>`, "", awsrole.CheckSignature, awsrole.Refused, "Response signature invalid"},
		{"two assertions", "</saml:Assertion>", "</saml:Assertion><saml:Assertion/>", awsrole.CheckDocument, awsrole.Refused, "invalid SAML response"},
		{"encrypted", "</saml:Assertion>", "</saml:Assertion><saml:EncryptedAssertion/>", awsrole.CheckDocument, awsrole.Refused, "invalid SAML response"},
		{"other issuer", ">https://idp.example.com/aws</saml:Issuer>\n<ds", ">https://idp.example.com/apps</saml:Issuer>\n<ds", awsrole.CheckIssuer, awsrole.Refused, "Issuer not present in specified provider"},
		{"stale", "IssueInstant=\"2026-11-24T12:00:00Z\">", "IssueInstant=\"2026-11-24T11:55:00Z\">", awsrole.CheckTime, awsrole.Refused, "within 5 minutes"},
		{"of tomorrow", "IssueInstant=\"2026-11-24T12:00:00Z\">", "IssueInstant=\"2026-11-25T12:00:00Z\">", awsrole.CheckTime, awsrole.Refused, ""},
		{"not yet", "NotBefore=\"2026-11-24T12:00:00Z\"", "NotBefore=\"2026-11-24T13:00:00Z\"", awsrole.CheckTime, awsrole.Refused, ""},
		{"session over", "SessionNotOnOrAfter=\"2026-11-24T20", "SessionNotOnOrAfter=\"2026-11-24T02", awsrole.CheckTime, awsrole.Refused, ""},
		{"no NameID", ">p-1<", "><", awsrole.CheckSubject, awsrole.Refused, "Not authorized to perform sts:AssumeRoleWithSAML"},
		{"not bearer", "cm:bearer", "cm:holder-of-key", awsrole.CheckConfirmation, awsrole.Refused, ""},
		{"confirmation without end", `Data NotOnOrAfter="2026-11-24T12:05:00Z"`, "Data", awsrole.CheckConfirmation, awsrole.Refused, ""},
		{"InResponseTo", "ConfirmationData ", `ConfirmationData InResponseTo="_x" `, awsrole.CheckConfirmation, awsrole.Refused, ""},
		{"confirmation NotBefore", "ConfirmationData ", `ConfirmationData NotBefore="2026-11-24T12:00:00Z" `, awsrole.CheckConfirmation, awsrole.Refused, ""},
		{"recipient", `Recipient="https://signin.aws`, `Recipient="https://login.aws`, awsrole.CheckRecipient, awsrole.Refused, ""},
		{"destination", `Destination="https://signin.aws`, `Destination="https://login.aws`, awsrole.CheckRecipient, awsrole.Refused, ""},
		{"audience", ">urn:amazon:webservices<", ">urn:amazon:other<", awsrole.CheckAudience, awsrole.Refused, "Response does not contain the required audience"},
		{"govcloud audience", ">urn:amazon:webservices<", ">urn:amazon:webservices:govcloud<", awsrole.CheckAudience, awsrole.Refused, "required audience"},
		{"no audience", "<saml:AudienceRestriction><saml:Audience>urn:amazon:webservices</saml:Audience></saml:AudienceRestriction>", "", awsrole.CheckAudience, awsrole.Refused, "required audience"},
		{"no role", ns + "Role\"", "urn:role\"", awsrole.CheckRole, awsrole.Refused, "Your request included an invalid SAML response"},
		{"bad pair", "role/Admin,", "role/Admin;", awsrole.CheckRole, awsrole.Refused, "Not authorized"},
		{"reserved role", "role/Admin,", "role/AWSReservedSSO_x,", awsrole.CheckRole, awsrole.Refused, "Not authorized"},
		{"no session name", ns + "RoleSessionName", ns + "rolesessionname", awsrole.CheckAttribute, awsrole.Warning, ""},
		{"bad session name", "alice@example.com", "alice smith", awsrole.CheckSessionName, awsrole.Refused, "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"},
		{"blank after name", "alice@example.com", "alice ", awsrole.CheckSessionName, awsrole.Refused, "must match"},
		{"duration", ">3600<", ">99999<", awsrole.CheckDuration, awsrole.Refused, ""},
		{"bad source", end, attr("SourceIdentity", "aws:x"), awsrole.CheckSourceIdentity, awsrole.Refused, "Source Identity must match"},
		{"source", end, attr("SourceIdentity", "p-1"), awsrole.CheckSourceIdentity, awsrole.Warning, "Not authorized"},
		{"bad tag", end, attr("PrincipalTag:aws:x", "v"), awsrole.CheckTag, awsrole.Refused, ""},
		{"tag", end, attr("PrincipalTag:x", "v"), awsrole.CheckTag, awsrole.Warning, "Not authorized"},
		{"two values", end, attr("PrincipalTag:x", "v", "w"), awsrole.CheckAttribute, awsrole.Refused, ""},
		{"transitive", end, attr("TransitiveTagKeys", "x"), awsrole.CheckTransitive, awsrole.Refused, ""},
		{"repeated", end, attr("RoleSessionName", "bob"), awsrole.CheckAttribute, awsrole.Refused, ""},
		{"unknown", end, attr("Rolle", "x"), awsrole.CheckAttribute, awsrole.Warning, ""},
		{"http", end, strings.Replace(attr("Role", "x"), "https:", "http:", 1), awsrole.CheckAttribute, awsrole.Warning, ""},
	} {
		if strings.Count(goodResponse, tc.old) == 0 {
			t.Errorf("%s: nothing to replace", tc.name)
			continue
		}
		f := lint(t, strings.Replace(goodResponse, tc.old, tc.new, 1), awsrole.LintOptions{Now: lintNow, Issuer: issuer})
		if len(f) == 0 {
			t.Errorf("%s: nothing found", tc.name)
			continue
		}
		if f[0].Check != tc.check || f[0].Severity != tc.severity || !strings.Contains(f[0].AWS, tc.aws) || f[0].Detail == "" || f[0].Fix == "" {
			t.Errorf("%s: %+v", tc.name, f)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, doc := range map[string]string{
		"empty":        "",
		"not base64":   "hello world!",
		"not xml":      base64.StdEncoding.EncodeToString([]byte("hello")),
		"doctype":      "<!DOCTYPE x>" + goodResponse,
		"instruction":  "<?php x?>" + goodResponse,
		"other root":   "<x/>",
		"two roots":    goodResponse + "<x/>",
		"cut":          goodResponse[:500],
		"deep":         strings.Repeat("<x>", 100) + strings.Repeat("</x>", 100),
		"many":         "<x>" + strings.Repeat("<y/>", 20001) + "</x>",
		"large":        "<x>" + strings.Repeat("y", 1<<20) + "</x>",
		"wrong spaces": strings.Replace(goodResponse, "SAML:2.0:protocol", "SAML:1.0:protocol", 1),
	} {
		if _, err := awsrole.Decode([]byte(doc)); awsrole.CheckOf(err) != awsrole.CheckDocument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzLint(f *testing.F) {
	f.Add([]byte(goodResponse))
	f.Add([]byte("<samlp:Response xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol'/>"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		r, err := awsrole.Decode(doc)
		if err != nil {
			return
		}
		awsrole.Lint(r, awsrole.LintOptions{Now: lintNow, Issuer: issuer})
	})
}

// What AWS will refuse, in its own words, before anything is sent.
func ExampleLint() {
	r, err := awsrole.Decode([]byte(strings.Replace(goodResponse, ">alice@example.com<", ">alice smith<", 1)))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range awsrole.Lint(r, awsrole.LintOptions{Now: lintNow, Issuer: issuer}) {
		fmt.Println(f.Severity, f.AWS)
	}
	// Output: refused RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}
}
