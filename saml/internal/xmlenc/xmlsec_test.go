// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmlenc_test

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmlenc"
)

// TestXMLSec exchanges encrypted elements with xmlsec1 in both directions. It
// is here because no other package can reach this one.
func TestXMLSec(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("xmlsec1")
	if err != nil {
		if os.Getenv("GATEHOUSE_PEERS") == "require" {
			t.Fatal("xmlsec1 is missing: install the Debian package xmlsec1")
		}
		t.Skip("xmlsec1 is missing: install the Debian package xmlsec1")
	}
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	der, err := x509.MarshalPKCS8PrivateKey(recipients()[0].key)
	if err != nil {
		t.Fatal(err)
	}
	key := write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	cert := write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: recipients()[0].cert.Raw}))
	plain := write("plain.xml", []byte(assertion))
	algorithms := map[string]string{
		xmlenc.AES128GCM: "aes-128", xmlenc.AES192GCM: "aes-192", xmlenc.AES256GCM: "aes-256",
		xmlenc.AES128CBC: "aes-128", xmlenc.AES192CBC: "aes-192", xmlenc.AES256CBC: "aes-256", xmlenc.TripleDES: "des-192",
	}
	for algorithm, session := range algorithms {
		name := filepath.Base(algorithm)
		if algorithm != xmlenc.TripleDES {
			theirs := write(name+".ours", []byte(encrypt(t, assertion, xmlenc.EncryptOptions{Certificate: recipients()[0].cert, Algorithm: algorithm})))
			out, err := exec.Command(path, "--decrypt", "--privkey-pem", key, theirs).CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v: %s", algorithm, err, out)
			}
		}
		template := write(name+".template", []byte(`<EncryptedData xmlns="`+nsEnc+`" Type="`+nsEnc+`Element"><EncryptionMethod Algorithm="`+algorithm+`"/><KeyInfo xmlns="`+nsDSig+`"><EncryptedKey xmlns="`+nsEnc+`"><EncryptionMethod Algorithm="`+xmlenc.RSAOAEPMGF1P+`"/><CipherData><CipherValue/></CipherData></EncryptedKey></KeyInfo><CipherData><CipherValue/></CipherData></EncryptedData>`))
		file := filepath.Join(dir, name+".theirs")
		if out, err := exec.Command(path, "--encrypt", "--pubkey-cert-pem", cert, "--session-key", session, "--xml-data", plain, "--output", file, template).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", algorithm, err, out)
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, _, err := xmlenc.Decrypt(wrap(t, string(data[len("<?xml version=\"1.0\"?>\n"):])), all())
		if err != nil {
			t.Errorf("%s: %v\n%s", algorithm, err, data)
			continue
		}
		if !doc.Root().Is(nsA, "Assertion") {
			t.Errorf("%s: another element", algorithm)
		}
	}
}
