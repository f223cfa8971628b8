// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
)

const (
	samlSchemas = "/usr/share/xml/opensaml/"
	toolSchemas = "/usr/share/xml/xmltooling/"
)

// catalog tells xmllint where Debian keeps what the schemas import by the
// addresses of W3C and OASIS.
const catalog = `<catalog xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">
<nextCatalog catalog="` + samlSchemas + `saml20-catalog.xml"/><nextCatalog catalog="` + toolSchemas + `catalog.xml"/>
<system systemId="http://www.w3.org/TR/2002/REC-xmldsig-core-20020212/xmldsig-core-schema.xsd" uri="` + toolSchemas + `xmldsig-core-schema.xsd"/>
<system systemId="http://www.w3.org/TR/2002/REC-xmlenc-core-20021210/xenc-schema.xsd" uri="` + toolSchemas + `xenc-schema.xsd"/>
<system systemId="http://www.w3.org/2001/xml.xsd" uri="` + toolSchemas + `xml.xsd"/>
</catalog>`

// console opens the console as the person does and returns the Response that
// the page posts to AWS, with the metadata of both identity providers.
func console(t *testing.T) (response, aws, apps string) {
	t.Helper()
	s := portaltest.NewServer(t)
	alice := newPerson(t, s.URL)
	alice.client.Jar = s.SignedIn(t, "alice").Jar
	alice.post("/console/open", url.Values{"account": {portaltest.AccountProd}, "role": {portaltest.PermissionSet}}).expect(http.StatusOK, "https://us-east-1.signin.aws.amazon.com/saml")
	raw, err := base64.StdEncoding.DecodeString(alice.field("SAMLResponse"))
	if err != nil {
		t.Fatal(err)
	}
	aws = alice.open("/saml/aws/metadata").expect(http.StatusOK, "EntityDescriptor").shown
	apps = alice.open("/saml/app/metadata").expect(http.StatusOK, "EntityDescriptor").shown
	return string(raw), aws, apps
}

// TestXMLSec: xmlsec1 verifies what goes to AWS with the certificate that IAM
// has from the metadata, and with no other.
func TestXMLSec(t *testing.T) {
	t.Parallel()
	xmlsec := peer.Command(t, "xmlsec1", "xmlsec1")
	response, aws, apps := console(t)
	dir := t.TempDir()
	verify := func(metadata, doc string) (string, error) {
		t.Helper()
		key := write(t, filepath.Join(dir, "key.pem"), certificate(t, metadata))
		file := write(t, filepath.Join(dir, "response.xml"), doc)
		cmd := exec.CommandContext(t.Context(), xmlsec, "--verify", "--enabled-key-data", "x509,rsa", "--pubkey-cert-pem", key,
			"--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", file)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := verify(aws, response); err != nil || !strings.Contains(out, "OK") {
		t.Errorf("refused: %v\n%s\n%s", err, out, response)
	}
	if out, err := verify(apps, response); err == nil {
		t.Errorf("the key for applications verifies what goes to AWS:\n%s", out)
	}
	changed := strings.Replace(response, ":role/"+portaltest.PermissionSet, ":role/Administrator", 1)
	if out, err := verify(aws, changed); err == nil || changed == response {
		t.Errorf("a changed role is verified:\n%s", out)
	}
}

// certificate is the signing one of a metadata document, in PEM.
func certificate(t *testing.T, metadata string) string {
	t.Helper()
	m := regexp.MustCompile(`(?s)use="signing".*?X509Certificate>([^<]+)<`).FindStringSubmatch(metadata)
	if m == nil {
		t.Fatalf("no certificate in %s", metadata)
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(m[1]), ""))
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// TestSchemas holds the Response and both metadata documents against OASIS's
// schemas.
func TestSchemas(t *testing.T) {
	t.Parallel()
	xmllint := peer.Command(t, "xmllint", "libxml2-utils")
	protocol := peer.Path(t, samlSchemas+"saml-schema-protocol-2.0.xsd", "opensaml-schemas")
	metadata := peer.Path(t, samlSchemas+"saml-schema-metadata-2.0.xsd", "opensaml-schemas")
	peer.Path(t, toolSchemas+"xenc-schema.xsd", "xmltooling-schemas")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "catalog.xml"), catalog)
	response, aws, apps := console(t)
	validate := func(schema, doc string) (string, error) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), xmllint, "--nonet", "--noout", "--schema", schema, write(t, filepath.Join(dir, "doc.xml"), doc))
		cmd.Env = append(os.Environ(), "XML_CATALOG_FILES="+filepath.Join(dir, "catalog.xml"))
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for name, c := range map[string]struct{ schema, doc string }{
		"Response": {protocol, response}, "AWS metadata": {metadata, aws}, "application metadata": {metadata, apps},
	} {
		if out, err := validate(c.schema, c.doc); err != nil {
			t.Errorf("%s: %v\n%s\n%s", name, err, out, c.doc)
		}
	}
	if _, err := validate(protocol, `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>`); err == nil {
		t.Error("the control, which is not valid, passed")
	}
}

// reader prints what a Response says, by Python's XML reader.
const reader = `
import sys, json
import xml.etree.ElementTree as E
a = '{urn:oasis:names:tc:SAML:2.0:assertion}'
r = E.parse(sys.argv[1]).getroot()
x = r.findall(a + 'Assertion')
assert len(x) == 1
print(json.dumps({
  'destination': r.get('Destination'), 'issuer': x[0].find(a + 'Issuer').text,
  'recipient': [e.get('Recipient') for e in x[0].iter(a + 'SubjectConfirmationData')], 'audience': [e.text for e in x[0].iter(a + 'Audience')],
  'attributes': {e.get('Name'): [v.text for v in e] for e in x[0].iter(a + 'Attribute')},
}))
`

// TestIndependentReader compares what Python reads with literals.
func TestIndependentReader(t *testing.T) {
	t.Parallel()
	python := peer.Path(t, "/usr/bin/python3", "python3")
	response, aws, _ := console(t)
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), python, write(t, filepath.Join(dir, "read.py"), reader), write(t, filepath.Join(dir, "response.xml"), response))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const ns, endpoint = "https://aws.amazon.com/SAML/Attributes/", "https://us-east-1.signin.aws.amazon.com/saml"
	entity := regexp.MustCompile(`entityID="([^"]+)"`).FindStringSubmatch(aws)[1]
	want, err := json.Marshal(map[string]any{
		"destination": endpoint, "issuer": entity, "recipient": []string{endpoint}, "audience": []string{"urn:amazon:webservices"},
		"attributes": map[string]any{
			ns + "Role":            []string{"arn:aws:iam::210000000002:role/Developer,arn:aws:iam::210000000002:saml-provider/gatehouse"},
			ns + "RoleSessionName": []string{"alice"},
			ns + "SessionDuration": []string{"3600"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if have, _ := json.Marshal(got); string(have) != string(want) {
		t.Errorf("read\n%s\nnot\n%s", have, want)
	}
}
