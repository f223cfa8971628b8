// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package samlxsd_test holds what package saml sends against the OASIS schemas,
// and its signatures and encryption against xmlsec1 and openssl.
package samlxsd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
)

const (
	samlDir    = "/usr/share/xml/opensaml/"
	toolingDir = "/usr/share/xml/xmltooling/"
)

const driver = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:import namespace="http://schemas.xmlsoap.org/soap/envelope/" schemaLocation="` + toolingDir + `soap-envelope.xsd"/>
<xs:import namespace="urn:oasis:names:tc:SAML:2.0:protocol" schemaLocation="` + samlDir + `saml-schema-protocol-2.0.xsd"/>
<xs:import namespace="urn:oasis:names:tc:SAML:2.0:metadata" schemaLocation="` + samlDir + `saml-schema-metadata-2.0.xsd"/>
<xs:import namespace="urn:oasis:names:tc:SAML:metadata:ui" schemaLocation="` + samlDir + `sstc-saml-metadata-ui-v1.0.xsd"/>
<xs:import namespace="urn:oasis:names:tc:SAML:metadata:attribute" schemaLocation="` + samlDir + `sstc-metadata-attr.xsd"/>
<xs:import namespace="http://www.w3.org/2009/xmlenc11#" schemaLocation="` + toolingDir + `xenc11-schema.xsd"/>
</xs:schema>`

const catalog = `<catalog xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">
<nextCatalog catalog="` + samlDir + `saml20-catalog.xml"/><nextCatalog catalog="` + toolingDir + `catalog.xml"/>
<system systemId="http://www.w3.org/TR/2002/REC-xmldsig-core-20020212/xmldsig-core-schema.xsd" uri="` + toolingDir + `xmldsig-core-schema.xsd"/>
<system systemId="http://www.w3.org/TR/2002/REC-xmlenc-core-20021210/xenc-schema.xsd" uri="` + toolingDir + `xenc-schema.xsd"/>
<system systemId="http://www.w3.org/2001/xml.xsd" uri="` + toolingDir + `xml.xsd"/>
</catalog>`

// TestSchemas holds every message and both kinds of metadata against the
// schemas.
func TestSchemas(t *testing.T) {
	t.Parallel()
	xmllint := peer.Command(t, "xmllint", "libxml2-utils")
	peer.Path(t, samlDir+"saml-schema-protocol-2.0.xsd", "opensaml-schemas")
	peer.Path(t, toolingDir+"xenc-schema.xsd", "xmltooling-schemas")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "driver.xsd"), driver)
	write(t, filepath.Join(dir, "catalog.xml"), catalog)
	for name, m := range messages(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out, err := validate(t, xmllint, dir, m.xml); err != nil {
				t.Errorf("%s\n%s", out, m.xml)
			}
		})
	}
	for name, x := range map[string]string{
		"control":            `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>`,
		"control in SOAP":    `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/></e:Body></e:Envelope>`,
		"control of the key": strings.Replace(messages(t)["IdP metadata"].xml, `use="signing"`, `use="sign"`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := validate(t, xmllint, dir, x); err == nil {
				t.Error("it is not valid, and passed")
			}
		})
	}
}

func validate(t *testing.T, xmllint, dir, x string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "message.xml")
	write(t, file, x)
	cmd := exec.CommandContext(t.Context(), xmllint, "--nonet", "--noout", "--schema", filepath.Join(dir, "driver.xsd"), file)
	cmd.Env = append(os.Environ(), "XML_CATALOG_FILES="+filepath.Join(dir, "catalog.xml"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
