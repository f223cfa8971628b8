// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ssp

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/gatehouse-id/gatehouse/internal/testkeys"
)

const (
	bindingPOST     = "'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'"
	bindingRedirect = "'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect'"
	nameIDEmail     = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
)

// bindings are a role's, as PHP.
func bindings(post bool) string {
	if post {
		return "[" + bindingPOST + "]"
	}
	return "[" + bindingRedirect + "]"
}

func (s *Server) configure(t testing.TB, o Options) {
	t.Helper()
	for _, d := range []string{"log", "data", "tmp", "cert"} {
		if err := os.MkdirAll(filepath.Join(s.dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	key := testkeys.RSA(t, "simplesamlphp"+o.Name)
	der, err := x509.MarshalPKCS8PrivateKey(key.Key)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "cert/ssp.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	s.write(t, "cert/ssp.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: key.Certificate.Raw})))
	sources := "['type' => 'flatfile']"
	for i, p := range o.Peers {
		name := fmt.Sprintf("peer%d.xml", i)
		s.write(t, name, string(p))
		sources += fmt.Sprintf(", ['type' => 'xml', 'file' => '%s']", filepath.Join(s.dir, name))
	}
	s.write(t, "config/config.php", fmt.Sprintf(`<?php
$config = [
  'baseurlpath' => '%[1]s/', 'certdir' => '%[2]s/cert/', 'loggingdir' => '%[2]s/log/', 'datadir' => '%[2]s/data/', 'tempdir' => '%[2]s/tmp',
  'metadatadir' => '%[2]s/metadata', 'secretsalt' => 'interopinteropinterop', 'auth.adminpassword' => 'interop-admin', 'admin.checkforupdates' => false,
  'technicalcontact_name' => 'x', 'technicalcontact_email' => 'x@example.test', 'timezone' => 'UTC',
  'enable.saml20-idp' => true, 'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
  'session.cookie.secure' => false, 'session.cookie.samesite' => null, 'session.phpsession.cookiename' => 'SSP%[4]s', 'session.authtoken.cookiename' => 'SSPAuthToken%[4]s',
  'session.cookie.name' => 'SSPID%[4]s', 'language.cookie.secure' => false,
  'store.type' => 'sql', 'store.sql.dsn' => 'sqlite:%[2]s/data/store.sq3',
  'logging.level' => 7, 'logging.handler' => 'file', 'logging.logfile' => 'ssp.log', 'debug' => ['saml' => true, 'backtraces' => true, 'validatexml' => true],
  'metadata.sources' => [%[3]s], 'trusted.url.domains' => ['localhost'], 'production' => true, 'showerrors' => true, 'errorreporting' => false,
  'authproc.idp' => [], 'authproc.sp' => [], 'language.available' => ['en'], 'language.default' => 'en', 'theme.use' => 'default',
];`, s.URL, s.dir, sources, o.Name))
	policy := "false"
	if o.SP.NameID != "" {
		policy = "'" + o.SP.NameID + "'"
	}
	s.write(t, "config/authsources.php", fmt.Sprintf(`<?php
$config = [
  'admin' => ['core:AdminPassword'],
  'default-sp' => ['saml:SP', 'entityID' => '%[1]s', 'idp' => '%[2]s', 'privatekey' => 'ssp.pem', 'certificate' => 'ssp.crt', 'sign.authnrequest' => %[3]t, 'sign.logout' => %[4]t,
    'redirect.sign' => %[3]t, 'redirect.validate' => true, 'validate.logout' => true, 'assertion.encryption' => %[5]t, 'NameIDPolicy' => %[6]s,
    'SingleLogoutServiceBinding' => %[7]s],
  'users' => ['exampleauth:UserPass', 'erika:secret' => ['uid' => ['erika@corp.test'], 'displayName' => ['Erika Mustermann'], 'groups' => ['one', 'two']]],
];`, s.SPEntity(), o.SP.IdP, !o.SP.UnsignedRequests, !o.SP.UnsignedLogout, o.SP.RequireEncrypted, policy, bindings(o.SP.POST)))
	entity := o.IdP.Entity
	if entity == "" {
		entity = s.IdPEntity()
	}
	s.write(t, "metadata/saml20-idp-hosted.php", fmt.Sprintf(`<?php
$metadata['%[1]s'] = ['host' => '__DEFAULT__', 'privatekey' => 'ssp.pem', 'certificate' => 'ssp.crt', 'auth' => 'users', 'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  'saml20.sign.response' => true, 'saml20.sign.assertion' => true, 'redirect.sign' => true, 'validate.authnrequest' => %[2]t, 'sign.logout' => %[3]t, 'validate.logout' => true,
  'assertion.encryption' => %[4]t, 'saml20.sendartifact' => %[7]t, 'SingleSignOnServiceBinding' => %[5]s, 'SingleLogoutServiceBinding' => %[5]s,
  'authproc' => [10 => ['class' => 'saml:AttributeNameID', 'attribute' => 'uid', 'Format' => '%[6]s']],
  'NameIDFormat' => '%[6]s'];`, entity, o.IdP.RequireSigned, !o.IdP.UnsignedLogout, o.IdP.Encrypt, bindings(o.IdP.POST), nameIDEmail, o.IdP.Artifact))
	for _, name := range []string{"saml20-idp-remote", "saml20-sp-remote", "shib13-idp-hosted", "shib13-idp-remote", "shib13-sp-hosted", "shib13-sp-remote", "adfs-idp-hosted", "adfs-sp-remote", "wsfed-idp-remote", "wsfed-sp-hosted"} {
		s.write(t, "metadata/"+name+".php", "<?php\n$metadata = [];\n")
	}
}

func (s *Server) write(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
