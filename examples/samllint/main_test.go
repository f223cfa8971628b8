// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/saml/awsrole"
)

const response = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Destination="https://signin.aws.amazon.com/saml">
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
<saml:Assertion IssueInstant="2026-11-24T12:00:00Z"><saml:Issuer>https://idp.example.com/aws</saml:Issuer>
<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>
<saml:Subject><saml:NameID>p-1</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="2026-11-24T12:05:00Z" Recipient="https://signin.aws.amazon.com/saml"/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotOnOrAfter="2026-11-24T12:05:00Z"><saml:AudienceRestriction><saml:Audience>urn:amazon:webservices</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement/>
<saml:AttributeStatement>
<saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/Role"><saml:AttributeValue>arn:aws:iam::111122223333:role/Admin,arn:aws:iam::111122223333:saml-provider/Gatehouse</saml:AttributeValue></saml:Attribute>
<saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/RoleSessionName"><saml:AttributeValue>alice</saml:AttributeValue></saml:Attribute>
<saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/SessionDuration"><saml:AttributeValue>3600</saml:AttributeValue></saml:Attribute>
</saml:AttributeStatement></saml:Assertion></samlp:Response>`

func TestRun(t *testing.T) {
	at := []string{"--now", "2026-11-24T12:01:00Z"}
	for _, tc := range []struct {
		name string
		args []string
		in   string
		code int
		want string
	}{
		{"good", at, response, 0, "Nothing to refuse"},
		{"bad name", at, strings.Replace(response, ">alice<", ">a b<", 1), 1, "AWS says: RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"},
		{"late", []string{"--now", "2026-11-24T13:00:00Z"}, response, 1, "Token must be redeemed within 5 minutes of issuance"},
		{"RFC 3339", []string{"--now", "2026-11-24T14:00:00+01:00"}, response, 1, "issued at 2026-11-24T12:00:00Z, more than 5 minutes before 2026-11-24T13:00:00Z\n"},
		{"no partition", []string{"--partition", "mars"}, response, 2, "aws-cn"},
		{"no time", []string{"--now", "none"}, response, 0, "Nothing"},
		{"issuer", append(at, "--issuer", "https://other"), response, 1, "Issuer not present in specified provider"},
		{"partition", append(at, "--partition", "aws-cn"), response, 1, "Response does not contain the required audience"},
		{"warning", at, strings.Replace(response, "SessionDuration", "Session", 1), 0, "warning"},
		{"strict", append(at, "--strict"), strings.Replace(response, "SessionDuration", "Session", 1), 1, "warning"},
		{"no response", at, "hello", 2, "samllint: awsrole: document"},
		{"flag", []string{"--x"}, "", 2, "unknown flag"},
		{"file", []string{"/nonexistent"}, "", 2, "no such file"},
		{"bad time", []string{"--now", "noon"}, response, 2, "noon"},
	} {
		var out bytes.Buffer
		if code := run(tc.args, strings.NewReader(tc.in), &out, &out); code != tc.code || !strings.Contains(out.String(), tc.want) {
			t.Errorf("%s: %d\n%s", tc.name, code, out.String())
		}
	}
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	if code := run([]string{"--json", "--now", "none"}, strings.NewReader(strings.Replace(response, ">p-1<", "><", 1)), &out, &out); code != 1 {
		t.Fatal(code, out.String())
	}
	var f []awsrole.Finding
	if err := json.Unmarshal(out.Bytes(), &f); err != nil || len(f) != 1 || f[0].Check != awsrole.CheckSubject {
		t.Errorf("%v %s", err, out.String())
	}
}
