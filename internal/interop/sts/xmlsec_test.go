// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
)

var certificate = regexp.MustCompile(`<(?:ds:)?X509Certificate>([^<]+)</`)

// TestXmlsecVerifies: the double's verdict is not the only evidence.
func TestXmlsecVerifies(t *testing.T) {
	t.Parallel()
	xmlsec := peer.Command(t, "xmlsec1", "xmlsec1")
	_, issuer := double(t)
	doc, err := base64.StdEncoding.DecodeString(respond(t, issuer))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	pem := filepath.Join(dir, "idp.pem")
	cert := certificate.FindSubmatch(issuer.Metadata())[1]
	write(t, pem, "-----BEGIN CERTIFICATE-----\n"+string(cert)+"\n-----END CERTIFICATE-----\n")
	verify := func(doc string) error {
		file := filepath.Join(dir, "response.xml")
		write(t, file, doc)
		_, _, err := run(t, nil, xmlsec, "--verify", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "--pubkey-cert-pem", pem, file)
		return err
	}
	if err := verify(string(doc)); err != nil {
		t.Errorf("xmlsec1 refuses: %v\n%s", err, doc)
	}
	if err := verify(strings.Replace(string(doc), "alice@example.com", "admin@example.com", 1)); err == nil {
		t.Error("xmlsec1 accepts a changed assertion")
	}
}

// reader prints what an assertion says, by Python's XML reader.
const reader = `
import sys, json
import xml.etree.ElementTree as E
a = '{urn:oasis:names:tc:SAML:2.0:assertion}'
r = E.parse(sys.argv[1]).getroot()
x = r.find(a + 'Assertion')
print(json.dumps({
  'destination': r.get('Destination'), 'issuer': x.find(a + 'Issuer').text, 'nameid': x.find(a + 'Subject/' + a + 'NameID').text,
  'recipient': x.find('.//' + a + 'SubjectConfirmationData').get('Recipient'), 'audience': [e.text for e in x.iter(a + 'Audience')],
  'attributes': {e.get('Name'): [v.text for v in e] for e in x.iter(a + 'Attribute')},
}))
`

// TestIndependentReader compares what Python reads with literals.
func TestIndependentReader(t *testing.T) {
	t.Parallel()
	python := peer.Path(t, "/usr/bin/python3", "python3")
	_, issuer := double(t)
	doc, err := base64.StdEncoding.DecodeString(respond(t, issuer))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "read.py"), reader)
	write(t, filepath.Join(dir, "response.xml"), string(doc))
	out := must(t, nil, python, filepath.Join(dir, "read.py"), filepath.Join(dir, "response.xml"))
	const ns = "https://aws.amazon.com/SAML/Attributes/"
	want := map[string]any{
		"destination": "https://signin.aws.amazon.com/saml", "recipient": "https://signin.aws.amazon.com/saml",
		"issuer": "https://idp.example.com/aws", "nameid": "p-1", "audience": []any{"urn:amazon:webservices"},
		"attributes": map[string]any{
			ns + "Role":                     []any{"arn:aws:iam::111122223333:role/Admin,arn:aws:iam::111122223333:saml-provider/Gatehouse"},
			ns + "RoleSessionName":          []any{"alice@example.com"},
			ns + "SessionDuration":          []any{"3600"},
			ns + "PrincipalTag:Cost Center": []any{"R+D / 7"},
			ns + "TransitiveTagKeys":        []any{"Cost Center"},
			ns + "SourceIdentity":           []any{"p-1"},
		},
	}
	wanted, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if b, _ := json.Marshal(got); string(b) != string(wanted) {
		t.Errorf("read\n%s\nnot\n%s", b, wanted)
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
