// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml_test

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmlenc"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// maxFailures is how many decryptions of unauthenticated ciphertext may fail
// within an hour.
const maxFailures = 32

// TestDecryptionOracle (duty 14): a failed decryption of unauthenticated
// ciphertext ends the request, and few of them end them all, whatever it was
// that was not an assertion.
func TestDecryptionOracle(t *testing.T) {
	t.Parallel()
	idp := samltest.NewIdP(t)
	now := time.Now()
	idp.Now = func() time.Time { return now }
	sp := samltest.NewSP(t, idp.Entity(), func(c *saml.SPConfig, _ *saml.Connection) { c.Now = idp.Now })
	attempt := func(change func(f *samltest.Forge)) error {
		t.Helper()
		out := sp.Start(saml.LoginOptions{})
		f := idp.Forge(sp.Connection, out, samltest.Alice())
		encrypted(f)
		f.Encryption, f.SignResponse = aes128, false
		change(f)
		form, err := f.Form()
		if err != nil {
			t.Fatal(err)
		}
		_, first := sp.Receive(form, out)
		if _, err := sp.Receive(form, out); saml.CheckOf(err) != saml.CheckRequest {
			t.Errorf("a second attempt at one request: %v", err)
		}
		return first
	}
	broken := func(f *samltest.Forge) { f.AfterSigning = func(string) string { return "<broken" } }
	other := func(f *samltest.Forge) {
		f.AfterSigning = func(string) string { return `<saml:Other ` + assertNS + `/>` }
	}
	altered := func(f *samltest.Forge) {
		f.AfterSigning = func(x string) string { return evilRE.ReplaceAllString(x, "mallory@") }
	}
	inside := func(f *samltest.Forge) { f.SignResponse = true; broken(f) }
	good := func(*samltest.Forge) {}
	for range maxFailures + 1 {
		if err := attempt(good); err != nil {
			t.Fatalf("the control, which uses nothing up: %v", err)
		}
	}
	for i := range maxFailures {
		if err := attempt([]func(*samltest.Forge){broken, other, altered}[i%3]); saml.CheckOf(err) != saml.CheckDecrypt {
			t.Fatal(err)
		}
	}
	for _, change := range []func(*samltest.Forge){broken, good} {
		if err := attempt(change); saml.CheckOf(err) != saml.CheckDecryptPolicy {
			t.Errorf("after %d failures: %v", maxFailures, err)
		}
	}
	// Strangers have not used up what the identity provider may do, and it
	// may not do more.
	for range maxFailures {
		if err := attempt(inside); saml.CheckOf(err) != saml.CheckDecrypt {
			t.Fatalf("inside of a signature: %v", err)
		}
	}
	if err := attempt(inside); saml.CheckOf(err) != saml.CheckDecryptPolicy {
		t.Errorf("after %d failures inside of a signature: %v", maxFailures, err)
	}
	now = now.Add(time.Hour)
	if err := attempt(broken); saml.CheckOf(err) != saml.CheckDecrypt {
		t.Errorf("an hour later: %v", err)
	}
}

var evilRE = regexp.MustCompile(`alice@`)

func decryptionKey(k saml.KeyPair) saml.DecryptionKey {
	d, _ := k.Signer.(crypto.Decrypter)
	return saml.DecryptionKey{Decrypter: d, Certificate: k.Certificate}
}

// slowKey decrypts when it is told to.
type slowKey struct {
	crypto.Decrypter
	begun   chan struct{}
	proceed chan struct{}
}

func (k slowKey) Decrypt(rand io.Reader, msg []byte, o crypto.DecrypterOpts) ([]byte, error) {
	k.begun <- struct{}{}
	<-k.proceed
	return k.Decrypter.Decrypt(rand, msg, o)
}

// TestDecryptionOracleInParallel: attempts count before they are made, so that
// nobody makes more of them at once.
func TestDecryptionOracleInParallel(t *testing.T) {
	t.Parallel()
	const n = maxFailures + 8
	k := slowKey{begun: make(chan struct{}, n), proceed: make(chan struct{})}
	idp := samltest.NewIdP(t)
	sp := samltest.NewSP(t, idp.Entity(), func(c *saml.SPConfig, _ *saml.Connection) {
		k.Decrypter = c.DecryptionKeys[0].Decrypter
		c.DecryptionKeys[0].Decrypter = k
		now := time.Now()
		c.Now = func() time.Time { return now } // within one hour
	})
	results := make(chan saml.Check, n)
	for range n {
		out := sp.Start(saml.LoginOptions{})
		f := idp.Forge(sp.Connection, out, samltest.Alice())
		encrypted(f)
		f.Encryption, f.SignResponse, f.AfterSigning = aes128, false, func(string) string { return "<broken" }
		form, err := f.Form()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, err := sp.VerifyPosted(t.Context(), form.Get("SAMLResponse"), sp.Connection, out.ID)
			results <- saml.CheckOf(err)
		}()
	}
	begun := 0
	var ended []saml.Check
	for begun+len(ended) < n {
		select {
		case <-k.begun:
			begun++
		case c := <-results:
			ended = append(ended, c)
		}
	}
	close(k.proceed)
	for len(ended) < n {
		ended = append(ended, <-results)
	}
	count := map[saml.Check]int{}
	for _, c := range ended {
		count[c]++
	}
	if begun != maxFailures || count[saml.CheckDecrypt] != maxFailures || count[saml.CheckDecryptPolicy] != n-maxFailures {
		t.Errorf("%d attempts at once, refused by %v", begun, count)
	}
}

// TestRequestEncryptedID: whom a request expects may be encrypted if it is
// signed.
func TestRequestEncryptedID(t *testing.T) {
	t.Parallel()
	key := samltest.OtherKey()
	peer := &saml.Peer{}
	idp := newIdP(t, func(c *saml.IdPConfig) { c.DecryptionKeys = []saml.DecryptionKey{decryptionKey(key)} }, peer)
	sp := samltest.NewSP(t, idp.Entity(), nil)
	peer.Entity = sp.Entity()
	for _, tt := range []struct {
		name string
		o    xmlenc.EncryptOptions
		edit func(x string) string
		sign bool
		want saml.Check
	}{
		{"control", xmlenc.EncryptOptions{}, same, true, ""},
		{"control: CBC", xmlenc.EncryptOptions{Algorithm: aes128}, same, true, ""},
		{"unsigned", xmlenc.EncryptOptions{}, same, false, saml.CheckDecryptPolicy},
		{"to another key", xmlenc.EncryptOptions{Certificate: samltest.Key().Certificate}, same, true, saml.CheckDecrypt},
		{"two names", xmlenc.EncryptOptions{}, replace("</saml:Subject>", "<saml:NameID>x</saml:NameID></saml:Subject>"), true, saml.CheckSubject},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.o.Certificate == nil {
				tt.o.Certificate = key.Certificate
			}
			data, err := xmlenc.Encrypt([]byte(`<saml:NameID `+assertNS+`>alice</saml:NameID>`), tt.o)
			if err != nil {
				t.Fatal(err)
			}
			out := sp.Start(saml.LoginOptions{Binding: saml.BindingPOST, Subject: &saml.NameID{Value: "x"}})
			req, err := idp.ParseRequest(postOf(t, out, func(x string) string {
				x = tt.edit(nameRE.ReplaceAllString(x, `<saml:EncryptedID>`+string(data)+`</saml:EncryptedID>`))
				if tt.sign {
					x = sign(t, x, samltest.SPKey())
				}
				return x
			}))
			if saml.CheckOf(err) != tt.want || (err == nil) != (tt.want == "") {
				t.Fatalf("refused by %q, want %q: %v", saml.CheckOf(err), tt.want, err)
			}
			if err == nil && (req.Subject == nil || req.Subject.Value != "alice") {
				t.Errorf("%+v", req.Subject)
			}
		})
	}
}

var nameRE = regexp.MustCompile(`(?s)<saml:NameID.*</saml:NameID>`)

// TestLogoutEncryptedID: an identity provider reads names that are encrypted
// for it, and is no oracle for a service provider that has them from elsewhere.
func TestLogoutEncryptedID(t *testing.T) {
	t.Parallel()
	const name = `<saml:NameID ` + assertNS + ` Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">p-https://spa.test/metadata</saml:NameID>`
	key := samltest.OtherKey()
	f := newFederation(t, 1, nil, nil)
	st := f.store
	provider := func(keys ...saml.DecryptionKey) *saml.IdentityProvider {
		return newIdP(t, func(c *saml.IdPConfig) { c.Peers, c.Store, c.Participants, c.DecryptionKeys = &f.peers, st, st, keys })
	}
	idp := provider(decryptionKey(key))
	if e := idp.Entity().IdP.Keys; len(e) != 2 || e[1].Use != "encryption" || e[1].Certificate != key.Certificate || len(e[1].Encryption) == 0 {
		t.Errorf("metadata has the keys %+v", e)
	}
	request := func(plain string, o xmlenc.EncryptOptions) *http.Request {
		out, err := f.sps[0].Logout(t.Context(), f.as[0].Logout())
		if err != nil {
			t.Fatal(err)
		}
		x, err := samltest.Decode(out.Value)
		if err != nil {
			t.Fatal(err)
		}
		if o.Certificate == nil {
			o.Certificate = key.Certificate
		}
		data, err := xmlenc.Encrypt([]byte(plain), o)
		if err != nil {
			t.Fatal(err)
		}
		data = bytes.Replace(data, []byte(xmlenc.AES192CBC), []byte(xmlenc.TripleDES), 1)
		x = sign(t, nameRE.ReplaceAllString(x, `<saml:EncryptedID `+assertNS+`>`+string(data)+`</saml:EncryptedID>`), samltest.SPKey())
		return formRequest(url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(x))}})
	}
	cbc := xmlenc.EncryptOptions{Algorithm: aes128}
	for _, tt := range []struct {
		name  string
		plain string
		o     xmlenc.EncryptOptions
		idp   *saml.IdentityProvider
		want  saml.Check
	}{
		{"to another key", name, xmlenc.EncryptOptions{Certificate: samltest.Key().Certificate}, idp, saml.CheckDecrypt},
		{"no key here", name, xmlenc.EncryptOptions{}, provider(), saml.CheckDecrypt},
		{"another element", `<saml:Attribute ` + assertNS + ` Name="x"/>`, xmlenc.EncryptOptions{}, idp, saml.CheckStructure},
		{"another element by CBC", `<saml:Attribute ` + assertNS + ` Name="x"/>`, cbc, idp, saml.CheckDecrypt},
		{"document type", "<!DOCTYPE x>" + name, xmlenc.EncryptOptions{}, idp, saml.CheckXML},
		{"document type by CBC", "<!DOCTYPE x>" + name, cbc, idp, saml.CheckDecrypt},
		{"3DES", name, xmlenc.EncryptOptions{Algorithm: xmlenc.AES192CBC}, idp, saml.CheckAlgorithm},
		{"control", name, xmlenc.EncryptOptions{}, idp, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := request(tt.plain, tt.o)
			_, err := tt.idp.HandleLogout(r, f.endIdP)
			if saml.CheckOf(err) != tt.want || (err == nil) != (tt.want == "") {
				t.Errorf("refused by %q, want %q: %v", saml.CheckOf(err), tt.want, err)
			}
			if (len(f.ended) != 0) != (tt.want == "") {
				t.Errorf("ended %q", f.ended)
			}
			if _, err := tt.idp.HandleLogout(r, f.endIdP); saml.CheckOf(err) != saml.CheckReplay {
				t.Errorf("the message again: %v", err)
			}
		})
	}
	// Two of them failed above.
	for range maxFailures - 2 {
		if _, err := idp.HandleLogout(request("<broken", cbc), f.endIdP); saml.CheckOf(err) != saml.CheckDecrypt {
			t.Fatal(err)
		}
	}
	for _, plain := range []string{"<broken", name} {
		if _, err := idp.HandleLogout(request(plain, cbc), f.endIdP); saml.CheckOf(err) != saml.CheckDecryptPolicy {
			t.Errorf("after %d failures: %v", maxFailures, err)
		}
	}
	if _, err := idp.HandleLogout(request(name, xmlenc.EncryptOptions{}), f.endIdP); err != nil {
		t.Errorf("authenticated ciphertext is not counted: %v", err)
	}
}
