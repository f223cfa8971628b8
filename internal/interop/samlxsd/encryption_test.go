// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package samlxsd_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

const (
	enc        = "http://www.w3.org/2001/04/xmlenc#"
	enc11      = "http://www.w3.org/2009/xmlenc11#"
	dsig       = "http://www.w3.org/2000/09/xmldsig#"
	oaepSHA1   = enc + "rsa-oaep-mgf1p"
	oaep       = enc11 + "rsa-oaep"
	tripleDES  = enc + "tripledes-cbc"
	clearStart = `<saml:Assertion `
	clearEnd   = `</saml:Assertion>`
)

// sessionKeys are xmlsec1's names of the keys of block encryption algorithms.
var sessionKeys = map[string]string{
	enc11 + "aes128-gcm": "aes-128", enc11 + "aes192-gcm": "aes-192", enc11 + "aes256-gcm": "aes-256",
	enc + "aes128-cbc": "aes-128", enc + "aes192-cbc": "aes-192", enc + "aes256-cbc": "aes-256", tripleDES: "des-192",
}

func privateKey(t *testing.T, k saml.KeyPair) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(k.Signer)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	write(t, file, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	return file
}

// response is what the identity provider answers to a new request.
func (c *conversation) response() (login *saml.Outgoing, form url.Values, xml string) {
	c.t.Helper()
	login = c.sp.Start(saml.LoginOptions{})
	req, err := c.idp.ParseRequest(samltest.Request(login))
	if err != nil {
		c.t.Fatal(err)
	}
	answer, err := c.idp.Respond(c.t.Context(), alice(req))
	if err != nil {
		c.t.Fatal(err)
	}
	if xml, err = samltest.Decode(answer.Value); err != nil {
		c.t.Fatal(err)
	}
	return login, samltest.Form(answer), xml
}

// TestXMLSecDecrypts has xmlsec1 decrypt what the identity provider encrypts,
// by every algorithm, and verify the signature inside.
func TestXMLSecDecrypts(t *testing.T) {
	t.Parallel()
	xmlsec := peer.Command(t, "xmlsec1", "xmlsec1")
	for algorithm := range sessionKeys {
		if algorithm == tripleDES {
			continue // never sent
		}
		t.Run(filepath.Base(algorithm), func(t *testing.T) {
			t.Parallel()
			c := converse(t, saml.BindingPOST, map[string]message{})
			c.peer.EncryptionAlgorithm = algorithm
			_, _, x := c.response()
			if strings.Contains(x, clearStart) || !strings.Contains(x, `"`+algorithm+`"`) {
				t.Fatalf("not encrypted by %s: %s", algorithm, x)
			}
			in, out := filepath.Join(t.TempDir(), "in.xml"), filepath.Join(t.TempDir(), "out.xml")
			write(t, in, x)
			if msg, err := exec.CommandContext(t.Context(), xmlsec, "--decrypt", "--privkey-pem", privateKey(t, samltest.SPKey()), "--output", out, in).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s\n%s", err, msg, x)
			}
			plain, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(plain), "alice@example.test</saml:NameID>") {
				t.Errorf("%s", plain)
			}
			if err := verify(t, xmlsec, string(plain), certificate(t, samltest.Key()), 2); err != nil {
				t.Errorf("the assertion: %v", err)
			}
		})
	}
}

// TestXMLSecEncrypts has xmlsec1 encrypt signed assertions for the service
// provider, by every algorithm.
func TestXMLSecEncrypts(t *testing.T) {
	t.Parallel()
	xmlsec := peer.Command(t, "xmlsec1", "xmlsec1")
	for algorithm := range sessionKeys {
		t.Run(filepath.Base(algorithm), func(t *testing.T) {
			t.Parallel()
			c := converse(t, saml.BindingPOST, map[string]message{})
			c.peer.NoEncryption, c.peer.Sign = true, saml.SignAssertion
			c.sp.Connection.Policy.AllowTripleDES = algorithm == tripleDES
			receive := func(key saml.KeyPair) (*saml.Assertion, error) {
				login, form, x := c.response()
				return c.sp.Receive(encrypted(t, form, x, byXMLSec(t, xmlsec, assertionOf(t, x), algorithm, certificate(t, key))), login)
			}
			a, err := receive(samltest.SPKey())
			if err != nil {
				t.Fatal(err)
			}
			if a.NameID.Value != "alice@example.test" || len(a.Attributes) != len(samltest.Alice().Attributes) {
				t.Errorf("%+v", a)
			}
			if _, err := receive(samltest.OtherKey()); saml.CheckOf(err) != saml.CheckDecrypt {
				t.Errorf("for another: %v", err)
			}
		})
	}
}

func assertionOf(t *testing.T, x string) string {
	t.Helper()
	begin, end := strings.Index(x, clearStart), strings.Index(x, clearEnd)
	if begin < 0 || end < begin {
		t.Fatalf("no assertion in %s", x)
	}
	return x[begin : end+len(clearEnd)]
}

// encrypted puts encrypted data in place of the Response's assertion.
func encrypted(t *testing.T, form url.Values, x, data string) url.Values {
	t.Helper()
	x = strings.Replace(x, assertionOf(t, x), `<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">`+data+`</saml:EncryptedAssertion>`, 1)
	form.Set("SAMLResponse", base64.StdEncoding.EncodeToString([]byte(x)))
	return form
}

func byXMLSec(t *testing.T, xmlsec, assertion, algorithm, cert string) string {
	t.Helper()
	dir := t.TempDir()
	plain, template, out := filepath.Join(dir, "plain.xml"), filepath.Join(dir, "template.xml"), filepath.Join(dir, "out.xml")
	write(t, plain, assertion)
	write(t, template, `<EncryptedData xmlns="`+enc+`" Type="`+enc+`Element"><EncryptionMethod Algorithm="`+algorithm+`"/><KeyInfo xmlns="`+dsig+`"><EncryptedKey xmlns="`+enc+
		`"><EncryptionMethod Algorithm="`+oaepSHA1+`"/><CipherData><CipherValue/></CipherData></EncryptedKey></KeyInfo><CipherData><CipherValue/></CipherData></EncryptedData>`)
	msg, err := exec.CommandContext(t.Context(), xmlsec, "--encrypt", "--pubkey-cert-pem", cert, "--session-key", sessionKeys[algorithm], "--xml-data", plain, "--output", out, template).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return declaration.ReplaceAllString(string(data), "")
}

var declaration = regexp.MustCompile(`^<\?xml[^>]*\?>\s*`)

// TestOpenSSLTransportsKeys: xmlsec1 knows OAEP with SHA-1 alone, so openssl
// encrypts the key for each digest and mask generation function.
func TestOpenSSLTransportsKeys(t *testing.T) {
	t.Parallel()
	openssl := peer.Command(t, "openssl", "openssl")
	digests := map[string]string{"sha1": dsig + "sha1", "sha256": enc + "sha256", "sha384": "http://www.w3.org/2001/04/xmldsig-more#sha384", "sha512": enc + "sha512"}
	for digest, uri := range digests {
		for mgf := range digests {
			methods := map[string]string{
				oaep: `<DigestMethod xmlns="` + dsig + `" Algorithm="` + uri + `"/><MGF xmlns="` + enc11 + `" Algorithm="` + enc11 + "mgf1" + mgf + `"/>`,
			}
			if mgf == "sha1" {
				methods[oaepSHA1] = `<DigestMethod xmlns="` + dsig + `" Algorithm="` + uri + `"/>`
			}
			for transport, params := range methods {
				t.Run(filepath.Base(transport)+" "+digest+" "+mgf, func(t *testing.T) {
					t.Parallel()
					c := converse(t, saml.BindingPOST, map[string]message{})
					c.peer.NoEncryption, c.peer.Sign = true, saml.SignAssertion
					login, form, x := c.response()
					session := make([]byte, 32)
					rand.Read(session)
					cmd := exec.CommandContext(t.Context(), openssl, "pkeyutl", "-encrypt", "-certin", "-inkey", certificate(t, samltest.SPKey()),
						"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:"+digest, "-pkeyopt", "rsa_mgf1_md:"+mgf)
					cmd.Stdin = strings.NewReader(string(session))
					wrapped, err := cmd.Output()
					if err != nil {
						t.Fatal(err)
					}
					nonce := make([]byte, 12)
					rand.Read(nonce)
					data := gcm(t, session).Seal(nonce, nonce, []byte(assertionOf(t, x)), nil)
					a, err := c.sp.Receive(encrypted(t, form, x, encryptedData(transport, params, wrapped, data)), login)
					if err != nil {
						t.Fatal(err)
					}
					if a.NameID.Value != "alice@example.test" {
						t.Errorf("%+v", a)
					}
				})
			}
		}
	}
}

func gcm(t *testing.T, key []byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return aead
}

func encryptedData(transport, params string, wrapped, data []byte) string {
	value := func(b []byte) string {
		return `<CipherData><CipherValue>` + base64.StdEncoding.EncodeToString(b) + `</CipherValue></CipherData>`
	}
	return `<EncryptedData xmlns="` + enc + `" Type="` + enc + `Element"><EncryptionMethod Algorithm="` + enc11 + `aes256-gcm"/><KeyInfo xmlns="` + dsig + `"><EncryptedKey xmlns="` + enc +
		`"><EncryptionMethod Algorithm="` + transport + `">` + params + `</EncryptionMethod>` + value(wrapped) + `</EncryptedKey></KeyInfo>` + value(data) + `</EncryptedData>`
}

var cipherValue = regexp.MustCompile(`<xenc:CipherValue>([^<]+)</xenc:CipherValue>`)

// TestOpenSSLUnwrapsKeys has openssl decrypt the key that the identity provider
// encrypts, by either transport that metadata may ask for.
func TestOpenSSLUnwrapsKeys(t *testing.T) {
	t.Parallel()
	openssl := peer.Command(t, "openssl", "openssl")
	for _, transport := range []string{oaepSHA1, oaep} {
		t.Run(filepath.Base(transport), func(t *testing.T) {
			t.Parallel()
			c := converse(t, saml.BindingPOST, map[string]message{})
			for i, k := range c.peer.Entity.SP.Keys {
				if k.Use == "encryption" {
					c.peer.Entity.SP.Keys[i].Encryption = []string{enc11 + "aes256-gcm", transport}
				}
			}
			_, _, x := c.response()
			values := cipherValue.FindAllStringSubmatch(x, -1)
			if len(values) != 2 || !strings.Contains(x, `"`+transport+`"`) {
				t.Fatalf("%s", x)
			}
			var parts [2][]byte
			for i, v := range values {
				var err error
				if parts[i], err = base64.StdEncoding.DecodeString(v[1]); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), openssl, "pkeyutl", "-decrypt", "-inkey", privateKey(t, samltest.SPKey()),
				"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha1", "-pkeyopt", "rsa_mgf1_md:sha1")
			cmd.Stdin = strings.NewReader(string(parts[0]))
			session, err := cmd.Output()
			if err != nil || len(session) != 32 {
				t.Fatalf("a key of %d bytes, %v", len(session), err)
			}
			plain, err := gcm(t, session).Open(nil, parts[1][:12], parts[1][12:], nil)
			if err != nil || !strings.Contains(string(plain), "alice@example.test") {
				t.Errorf("%v: %s", err, plain)
			}
		})
	}
}
