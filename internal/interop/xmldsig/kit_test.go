// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmldsig_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
	"github.com/gatehouse-id/gatehouse/saml/xmldsig"
)

const (
	exclusive     = "http://www.w3.org/2001/10/xml-exc-c14n#"
	exclusiveWith = exclusive + "WithComments"
	inclusive     = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	inclusiveWith = inclusive + "#WithComments"
	nsDSig        = "http://www.w3.org/2000/09/xmldsig#"
	rsaSHA256     = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	sha256URI     = "http://www.w3.org/2001/04/xmlenc#sha256"
)

type identity struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

var signer = sync.OnceValue(func() identity {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	now := time.Now()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "signer"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return identity{key, cert}
})

func options() xmldsig.Options {
	return xmldsig.Options{Keys: []xmldsig.Key{{Certificate: signer().cert}}, AllowInclusive: true}
}

// xmlsec runs xmlsec1, which needs to be told where IDs are.
type xmlsec struct {
	path, dir string
	files     atomic.Int64
}

func newXMLSec(t *testing.T) *xmlsec {
	t.Helper()
	x := &xmlsec{path: peer.Command(t, "xmlsec1", "xmlsec1"), dir: t.TempDir()}
	key, err := x509.MarshalPKCS8PrivateKey(signer().key)
	if err != nil {
		t.Fatal(err)
	}
	x.write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	x.write(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signer().cert.Raw}))
	return x
}

// file returns a name of its own for each run.
func (x *xmlsec) file(suffix string) string { return strconv.FormatInt(x.files.Add(1), 10) + suffix }

func (x *xmlsec) write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(x.dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (x *xmlsec) verify(t *testing.T, doc []byte, id string, args ...string) error {
	t.Helper()
	args = append([]string{"--verify", "--id-attr:ID", id, "--pubkey-cert-pem", filepath.Join(x.dir, "cert.pem")}, args...)
	var stderr bytes.Buffer
	cmd := exec.Command(x.path, append(args, x.write(t, x.file("in.xml"), doc))...)
	cmd.Stderr = &stderr
	err := cmd.Run()
	if err != nil {
		t.Logf("xmlsec1: %s", &stderr)
	}
	return err
}

func (x *xmlsec) sign(t *testing.T, template []byte, id string) []byte {
	t.Helper()
	out := filepath.Join(x.dir, x.file("out.xml"))
	cmd := exec.Command(x.path, "--sign", "--id-attr:ID", id, "--privkey-pem", filepath.Join(x.dir, "key.pem"), "--output", out, x.write(t, x.file("template.xml"), template))
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("xmlsec1: %v: %s", err, msg)
	}
	signed, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// method is a canonicalisation of what is signed.
type method struct{ uri, prefixes string }

func (m method) element(name string) string {
	s := `<ds:` + name + ` Algorithm="` + m.uri + `">`
	if m.prefixes != "" {
		s += `<ec:InclusiveNamespaces xmlns:ec="` + exclusive + `" PrefixList="` + m.prefixes + `"></ec:InclusiveNamespaces>`
	}
	return s + `</ds:` + name + `>`
}

var methods = []method{
	{exclusive, ""},
	{exclusiveWith, ""},
	{exclusive, "b #default xs"},
	{exclusiveWith, "a b c"},
	{inclusive, ""},
	{inclusiveWith, ""},
}

// template is a Signature without values, or with those given.
func template(m method, id, digest, value string) string {
	return `<ds:Signature xmlns:ds="` + nsDSig + `">` + signedInfo(m, id, digest, "") +
		`<ds:SignatureValue>` + value + `</ds:SignatureValue></ds:Signature>`
}

func signedInfo(m method, id, digest, xmlns string) string {
	return `<ds:SignedInfo` + xmlns + `><ds:CanonicalizationMethod Algorithm="` + exclusive + `"></ds:CanonicalizationMethod>` +
		`<ds:SignatureMethod Algorithm="` + rsaSHA256 + `"></ds:SignatureMethod><ds:Reference URI="#` + id + `"><ds:Transforms>` +
		`<ds:Transform Algorithm="` + nsDSig + `enveloped-signature"></ds:Transform>` + m.element("Transform") + `</ds:Transforms>` +
		`<ds:DigestMethod Algorithm="` + sha256URI + `"></ds:DigestMethod><ds:DigestValue>` + digest + `</ds:DigestValue></ds:Reference></ds:SignedInfo>`
}

// signOver returns a Signature of an element whose canonical form is given.
func signOver(t testing.TB, m method, id string, canonical []byte) string {
	t.Helper()
	sum := sha256.Sum256(canonical)
	digest := base64.StdEncoding.EncodeToString(sum[:])
	info := sha256.Sum256([]byte(signedInfo(m, id, digest, ` xmlns:ds="`+nsDSig+`"`)))
	value, err := rsa.SignPKCS1v15(nil, signer().key, crypto.SHA256, info[:])
	if err != nil {
		t.Fatal(err)
	}
	return template(m, id, digest, base64.StdEncoding.EncodeToString(value))
}

// mark stands where the signature goes in a shape.
const mark = "<!--SIGNATURE-->"

func place(shape, signature string) string { return strings.Replace(shape, mark, signature, 1) }
