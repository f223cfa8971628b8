// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml_test

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/aes"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmlenc"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// maxFailures is how many decryptions of unauthenticated ciphertext with one
// content key may fail within 15 minutes.
const maxFailures = 8

var encryptedRE = regexp.MustCompile(`(?s)<saml:EncryptedAssertion.*</saml:EncryptedAssertion>`)

// TestDecryptionOracle (duty 14): a failed decryption of unauthenticated
// ciphertext ends the request, and few of them with one content key end them
// all, whatever it was that was not an assertion. Nobody else's logins end.
func TestDecryptionOracle(t *testing.T) {
	t.Parallel()
	idp := samltest.NewIdP(t)
	now := time.Now()
	idp.Now = func() time.Time { return now }
	sp := samltest.NewSP(t, idp.Entity(), func(c *saml.SPConfig, _ *saml.Connection) { c.Now = idp.Now })
	forge := func(change func(f *samltest.Forge)) (*saml.Outgoing, url.Values) {
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
		return out, form
	}
	attempt := func(change func(f *samltest.Forge)) error {
		t.Helper()
		out, form := forge(change)
		_, first := sp.Receive(form, out)
		if _, err := sp.Receive(form, out); saml.CheckOf(err) != saml.CheckRequest {
			t.Errorf("a second attempt at one request: %v", err)
		}
		return first
	}
	good := func(*samltest.Forge) {}
	// intercept returns the encrypted assertion of somebody's Response.
	intercept := func(afterSigning func(string) string) (part string) {
		t.Helper()
		_, form := forge(func(f *samltest.Forge) { f.AfterSigning = afterSigning })
		x, err := samltest.Decode(form.Get("SAMLResponse"))
		if err != nil {
			t.Fatal(err)
		}
		return encryptedRE.FindString(x)
	}
	// bring puts what was intercepted into a Response of one's own.
	bring := func(part string) func(f *samltest.Forge) {
		return func(f *samltest.Forge) {
			f.Finally = func(x string) string { return encryptedRE.ReplaceAllLiteralString(x, part) }
		}
	}
	inside := func(part string) func(f *samltest.Forge) {
		return func(f *samltest.Forge) {
			f.Finally = func(x string) string { return sign(t, encryptedRE.ReplaceAllLiteralString(x, part), samltest.Key()) }
		}
	}
	genuine := intercept(nil)
	for range maxFailures + 1 {
		if err := attempt(bring(genuine)); saml.CheckOf(err) != saml.CheckInResponseTo {
			t.Fatalf("the control, which uses nothing up: %v", err)
		}
	}
	for name, tt := range map[string]struct{ part, after string }{
		"another last byte":  {flipped(t, genuine, -1), genuine},
		"another first byte": {flipped(t, intercept(nil), 0), ""},
		"no XML":             {intercept(func(string) string { return "<broken" }), ""},
		"another element":    {intercept(func(string) string { return `<saml:Other ` + assertNS + `/>` }), ""},
		"another assertion":  {intercept(func(x string) string { return evilRE.ReplaceAllString(x, "mallory@") }), ""},
	} {
		for i := range maxFailures {
			change := bring(tt.part)
			if i%2 == 1 { // they count together
				change = inside(tt.part)
			}
			if err := attempt(change); saml.CheckOf(err) != saml.CheckDecrypt {
				t.Fatalf("%s: %v", name, err)
			}
		}
		for _, change := range []func(*samltest.Forge){bring(tt.part), inside(tt.part), bring(cmp.Or(tt.after, tt.part))} {
			if err := attempt(change); saml.CheckOf(err) != saml.CheckDecryptPolicy {
				t.Errorf("%s, after %d failures: %v", name, maxFailures, err)
			}
		}
	}
	if err := attempt(good); err != nil {
		t.Errorf("a stranger ended somebody's login: %v", err)
	}
	now = now.Add(15 * time.Minute)
	if err := attempt(bring(flipped(t, genuine, -1))); saml.CheckOf(err) != saml.CheckDecrypt {
		t.Errorf("15 minutes later: %v", err)
	}
}

// flipped changes a bit of the content's ciphertext; its first block is the
// initialisation vector.
func flipped(t *testing.T, part string, at int) string {
	t.Helper()
	i := strings.LastIndex(part, "<xenc:CipherValue>") + len("<xenc:CipherValue>")
	j := strings.LastIndex(part, "</xenc:CipherValue>")
	b, err := base64.StdEncoding.DecodeString(part[i:j])
	if err != nil {
		t.Fatal(err)
	}
	if at < 0 {
		at += len(b) - aes.BlockSize // what changes in the last byte of the plaintext
		b[at] ^= 0x80
	} else {
		b[at] ^= 1
	}
	return part[:i] + base64.StdEncoding.EncodeToString(b) + part[j:]
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
	const n = 5 * maxFailures
	k := slowKey{begun: make(chan struct{}, n), proceed: make(chan struct{})}
	idp := samltest.NewIdP(t)
	sp := samltest.NewSP(t, idp.Entity(), func(c *saml.SPConfig, _ *saml.Connection) {
		k.Decrypter = c.DecryptionKeys[0].Decrypter
		c.DecryptionKeys[0].Decrypter = k
		now := time.Now()
		c.Now = func() time.Time { return now } // within one hour
	})
	results := make(chan saml.Check, n)
	out := sp.Start(saml.LoginOptions{})
	f := idp.Forge(sp.Connection, out, samltest.Alice())
	encrypted(f)
	f.Encryption, f.SignResponse, f.AfterSigning = aes128, false, func(string) string { return "<broken" }
	form, err := f.Form()
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		go func() {
			_, err := sp.VerifyPosted(t.Context(), form.Get("SAMLResponse"), sp.Connection, out.ID)
			results <- saml.CheckOf(err)
		}()
	}
	for range n {
		<-k.begun
	}
	close(k.proceed)
	var ended []saml.Check
	for range n {
		ended = append(ended, <-results)
	}
	count := map[saml.Check]int{}
	for _, c := range ended {
		count[c]++
	}
	if count[saml.CheckDecrypt] != maxFailures || count[saml.CheckDecryptPolicy] != n-maxFailures {
		t.Errorf("%d attempts at once, refused by %v", n, count)
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
	bring := func(data []byte) *http.Request {
		out, err := f.sps[0].Logout(t.Context(), f.as[0].Logout())
		if err != nil {
			t.Fatal(err)
		}
		x, err := samltest.Decode(out.Value)
		if err != nil {
			t.Fatal(err)
		}
		x = sign(t, nameRE.ReplaceAllString(x, `<saml:EncryptedID `+assertNS+`>`+string(data)+`</saml:EncryptedID>`), samltest.SPKey())
		return formRequest(url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(x))}})
	}
	encrypt := func(plain string, o xmlenc.EncryptOptions) []byte {
		if o.Certificate == nil {
			o.Certificate = key.Certificate
		}
		data, err := xmlenc.Encrypt([]byte(plain), o)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Replace(data, []byte(xmlenc.AES192CBC), []byte(xmlenc.TripleDES), 1)
	}
	request := func(plain string, o xmlenc.EncryptOptions) *http.Request { return bring(encrypt(plain, o)) }
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
	genuine := encrypt(name, cbc)
	altered := []byte(flipped(t, string(genuine), -1))
	for range maxFailures {
		if _, err := idp.HandleLogout(bring(altered), f.endIdP); saml.CheckOf(err) != saml.CheckDecrypt {
			t.Fatal(err)
		}
	}
	for _, data := range [][]byte{altered, genuine} {
		if _, err := idp.HandleLogout(bring(data), f.endIdP); saml.CheckOf(err) != saml.CheckDecryptPolicy {
			t.Errorf("after %d failures: %v", maxFailures, err)
		}
	}
	if _, err := idp.HandleLogout(request(name, cbc), f.endIdP); err != nil {
		t.Errorf("another message: %v", err)
	}
}
