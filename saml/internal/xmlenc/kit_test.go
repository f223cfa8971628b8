// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmlenc_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmlenc"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

const (
	nsA    = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsDSig = "http://www.w3.org/2000/09/xmldsig#"
	nsEnc  = "http://www.w3.org/2001/04/xmlenc#"
	nsEnc1 = "http://www.w3.org/2009/xmlenc11#"

	assertion = `<saml:Assertion xmlns:saml="` + nsA + `" ID="_a"><saml:Issuer>idp</saml:Issuer></saml:Assertion>`
)

type recipient struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

var recipients = sync.OnceValue(func() (r [2]recipient) {
	for i := range r {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		if i == 0 {
			key = fixedKey()
		}
		tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Unix(1<<33, 0)}
		der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
		if err != nil {
			panic(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			panic(err)
		}
		r[i] = recipient{key, cert}
	}
	return r
})

// fixedKey is the same in each process, so that fuzz seeds stay valid.
func fixedKey() *rsa.PrivateKey {
	file, err := os.ReadFile("testdata/rsa.pem")
	if err != nil {
		panic(err)
	}
	block, _ := pem.Decode(file)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		panic(err)
	}
	return key.(*rsa.PrivateKey)
}

// counter counts decryptions.
type counter struct {
	crypto.Decrypter
	n *int
}

func (c counter) Decrypt(r io.Reader, msg []byte, o crypto.DecrypterOpts) ([]byte, error) {
	*c.n++
	return c.Decrypter.Decrypt(r, msg, o)
}

func keys() []xmlenc.Key { return []xmlenc.Key{{Decrypter: recipients()[0].key}} }

func all() xmlenc.Options { return xmlenc.Options{Keys: keys(), AllowCBC: true, AllowTripleDES: true} }

func encrypt(t testing.TB, plain string, o xmlenc.EncryptOptions) string {
	t.Helper()
	if o.Certificate == nil && o.Public == nil {
		o.Public = &recipients()[0].key.PublicKey
	}
	b, err := xmlenc.Encrypt([]byte(plain), o)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wrap puts what is given into an EncryptedAssertion and returns it.
func wrap(t testing.TB, content string) xmltree.Node {
	t.Helper()
	d, err := xmltree.Parse([]byte(`<r xmlns:p="u:p"><saml:EncryptedAssertion xmlns:saml="`+nsA+`">`+content+`</saml:EncryptedAssertion></r>`), xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return d.Root().First()
}

func replace(s, old, new string) string {
	if !strings.Contains(s, old) {
		panic("no " + old)
	}
	return strings.Replace(s, old, new, 1)
}
