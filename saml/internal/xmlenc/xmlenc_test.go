// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmlenc_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmlenc"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	algorithms := []string{
		xmlenc.AES128GCM, xmlenc.AES192GCM, xmlenc.AES256GCM, xmlenc.AES128CBC, xmlenc.AES192CBC, xmlenc.AES256CBC,
	}
	for _, a := range algorithms {
		for _, transport := range []string{xmlenc.RSAOAEPMGF1P, xmlenc.RSAOAEP} {
			for _, d := range []string{xmlenc.DigestSHA1, xmlenc.DigestSHA256, xmlenc.DigestSHA384, xmlenc.DigestSHA512} {
				o := xmlenc.EncryptOptions{Certificate: recipients()[0].cert, Algorithm: a, Transport: transport, Digest: d}
				el := wrap(t, encrypt(t, assertion, o))
				info, err := xmlenc.Inspect(el)
				if err != nil || info.Algorithm != a || info.Authenticated != strings.HasSuffix(a, "gcm") {
					t.Errorf("%s: %+v, %v", a, info, err)
				}
				doc, _, err := xmlenc.Decrypt(el, xmlenc.Options{Keys: keys(), AllowCBC: true})
				if err != nil {
					t.Errorf("%s, %s, %s: %v", a, transport, d, err)
					continue
				}
				if id, _ := doc.Root().Attr("ID"); !doc.Root().Is(nsA, "Assertion") || id != "_a" {
					t.Errorf("%s, %s, %s: another element", a, transport, d)
				}
			}
		}
	}
}

// Every length of plaintext is padded right.
func TestPadding(t *testing.T) {
	t.Parallel()
	for n := range 33 {
		el := wrap(t, encrypt(t, `<a>`+strings.Repeat("x", n)+`</a>`, xmlenc.EncryptOptions{Algorithm: xmlenc.AES128CBC}))
		doc, _, err := xmlenc.Decrypt(el, all())
		if err != nil {
			t.Fatal(n, err)
		}
		if s, _ := doc.Root().Text(); len(s) != n {
			t.Errorf("%d characters of %d", len(s), n)
		}
	}
}

// Where peers put the EncryptedKey.
func TestPlacement(t *testing.T) {
	t.Parallel()
	inline := encrypt(t, assertion, xmlenc.EncryptOptions{Certificate: recipients()[0].cert})
	from, to := strings.Index(inline, "<xenc:EncryptedKey>"), strings.Index(inline, "</xenc:EncryptedKey>")+len("</xenc:EncryptedKey>")
	key := inline[from:to]
	beside := replace(key, "<xenc:EncryptedKey>", `<xenc:EncryptedKey xmlns:xenc="`+nsEnc+`" xmlns:ds="`+nsDSig+`" Id="ek">`)
	other := encrypt(t, assertion, xmlenc.EncryptOptions{Certificate: recipients()[1].cert})
	otherKey := other[strings.Index(other, "<xenc:EncryptedKey>") : strings.Index(other, "</xenc:EncryptedKey>")+len("</xenc:EncryptedKey>")]
	tests := map[string]string{
		"inline":                      inline,
		"beside, after":               replace(inline, key, "") + beside,
		"beside, before":              beside + replace(inline, key, ""),
		"beside, without KeyInfo":     inline[:strings.Index(inline, "<ds:KeyInfo")] + inline[strings.LastIndex(inline, "</ds:KeyInfo>")+len("</ds:KeyInfo>"):] + beside,
		"RetrievalMethod":             replace(inline, key, `<ds:RetrievalMethod Type="`+nsEnc+`EncryptedKey" URI="#ek"/>`) + beside,
		"RetrievalMethod, untyped":    replace(inline, key, `<ds:RetrievalMethod URI="#ek"/>`) + beside,
		"one of another's":            replace(inline, key, otherKey+key),
		"two alike":                   replace(inline, key, key+key),
		"KeyName before":              replace(inline, key, `<ds:KeyName>k</ds:KeyName>`+key),
		"KeyName in the key":          replace(inline, "<ds:X509Data>", `<ds:KeyName>k</ds:KeyName><ds:X509Data>`),
		"Recipient and CarriedName":   replace(inline, "</xenc:EncryptedKey>", `<xenc:ReferenceList><xenc:DataReference URI="#ed"/></xenc:ReferenceList><xenc:CarriedKeyName>k</xenc:CarriedKeyName></xenc:EncryptedKey>`),
		"MimeType and Id":             replace(inline, "<xenc:EncryptedData ", `<xenc:EncryptedData Id="ed" MimeType="text/xml" `),
		"no Type":                     replace(inline, ` Type="`+nsEnc+`Element"`, ""),
		"one of an unknown transport": replace(inline, key, replace(otherKey, xmlenc.RSAOAEPMGF1P, "urn:none")+key),
	}
	for name, content := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := xmlenc.Decrypt(wrap(t, content), xmlenc.Options{Keys: keys()}); err != nil {
				t.Error(err)
			}
		})
	}
}

// A key that is rolled over still decrypts, and the certificate saves tries.
func TestSeveralKeys(t *testing.T) {
	t.Parallel()
	r := recipients()
	for _, named := range []bool{false, true} {
		o := xmlenc.EncryptOptions{Public: &r[1].key.PublicKey}
		want := 2
		if named {
			o = xmlenc.EncryptOptions{Certificate: r[1].cert}
			want = 1
		}
		n := 0
		keys := []xmlenc.Key{{counter{r[0].key, &n}, r[0].cert}, {counter{r[1].key, &n}, r[1].cert}}
		if _, _, err := xmlenc.Decrypt(wrap(t, encrypt(t, assertion, o)), xmlenc.Options{Keys: keys}); err != nil {
			t.Error(err)
		}
		if n != want {
			t.Errorf("%d decryptions, want %d", n, want)
		}
	}
}

// Prefixes that are bound around the EncryptedData resolve in what was in it,
// and those that the EncryptedData binds do not reach it.
func TestNamespaceContext(t *testing.T) {
	t.Parallel()
	doc, _, err := xmlenc.Decrypt(wrap(t, encrypt(t, `<saml:NameID p:q="">x</saml:NameID>`, xmlenc.EncryptOptions{})), all())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := doc.Root().AttrNS("u:p", "q"); !ok || !doc.Root().Is(nsA, "NameID") {
		t.Error("prefixes do not resolve")
	}
	_, _, err = xmlenc.Decrypt(wrap(t, encrypt(t, `<xenc:a/>`, xmlenc.EncryptOptions{})), all())
	if xmlenc.CheckOf(err) != xmlenc.CheckPlaintext {
		t.Errorf("a prefix of EncryptedData: %v", err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	gcm := encrypt(t, assertion, xmlenc.EncryptOptions{Certificate: recipients()[0].cert})
	cbc := encrypt(t, assertion, xmlenc.EncryptOptions{Algorithm: xmlenc.AES256CBC})
	key := gcm[strings.Index(gcm, "<xenc:EncryptedKey>") : strings.Index(gcm, "</xenc:EncryptedKey>")+len("</xenc:EncryptedKey>")]
	value := gcm[strings.LastIndex(gcm, "<xenc:CipherValue>")+len("<xenc:CipherValue>") : strings.LastIndex(gcm, "</xenc:CipherValue>")]
	keyValue := key[strings.Index(key, "<xenc:CipherValue>")+len("<xenc:CipherValue>") : strings.Index(key, "</xenc:CipherValue>")]
	flipped := func(s string, at int) string {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		if at < 0 {
			at += len(b)
		}
		b[at] ^= 1
		return base64.StdEncoding.EncodeToString(b)
	}
	zeros := func(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }
	tests := []struct {
		name, content string
		want          xmlenc.Check
	}{
		{"control", gcm, ""},
		{"control: CBC", cbc, ""},

		{"nothing", "", xmlenc.CheckShape},
		{"text beside", "x" + gcm, xmlenc.CheckShape},
		{"two", gcm + gcm, xmlenc.CheckShape},
		{"an assertion beside", gcm + assertion, xmlenc.CheckShape},
		{"Content", replace(gcm, nsEnc+"Element", nsEnc+"Content"), xmlenc.CheckShape},
		{"no key", replace(gcm, key, ""), xmlenc.CheckShape},
		{"too many keys", replace(gcm, key, strings.Repeat(key, 9)), xmlenc.CheckShape},
		{"CipherReference", replace(gcm, "<xenc:CipherValue>"+value+"</xenc:CipherValue>", `<xenc:CipherReference URI="https://evil.example/"/>`), xmlenc.CheckShape},
		{"CipherReference of the key", replace(gcm, "<xenc:CipherValue>"+keyValue+"</xenc:CipherValue>", `<xenc:CipherReference URI="https://evil.example/"/>`), xmlenc.CheckShape},
		{"RetrievalMethod outside", replace(gcm, key, `<ds:RetrievalMethod URI="https://evil.example/#ek"/>`), xmlenc.CheckShape},
		{"RetrievalMethod of nothing", replace(gcm, key, `<ds:RetrievalMethod URI="#ek"/>`), xmlenc.CheckShape},
		{"RetrievalMethod of another type", replace(gcm, key, `<ds:RetrievalMethod Type="urn:x" URI="#ek"/>`), xmlenc.CheckShape},
		{"RetrievalMethod with transforms", replace(gcm, key, `<ds:RetrievalMethod URI="#ek"><ds:Transforms/></ds:RetrievalMethod>`), xmlenc.CheckShape},
		{"RetrievalMethod of itself", replace(replace(gcm, key, `<ds:RetrievalMethod URI="#ed"/>`), "<xenc:EncryptedData ", `<xenc:EncryptedData Id="ed" `), xmlenc.CheckShape},
		{"not base64", replace(gcm, value, "*"+value), xmlenc.CheckShape},
		{"comment in base64", replace(gcm, value, "<!-- -->"+value), xmlenc.CheckShape},
		{"empty value", replace(gcm, value, ""), xmlenc.CheckShape},
		{"two values", replace(gcm, "<xenc:CipherValue>"+value, "<xenc:CipherValue>AAAA</xenc:CipherValue><xenc:CipherValue>"+value), xmlenc.CheckShape},

		{"RSA 1.5", replace(gcm, xmlenc.RSAOAEPMGF1P, nsEnc+"rsa-1_5"), xmlenc.CheckAlgorithm},
		{"key wrap", replace(gcm, xmlenc.RSAOAEPMGF1P, nsEnc+"kw-aes256"), xmlenc.CheckAlgorithm},
		{"no transport", replace(gcm, xmlenc.RSAOAEPMGF1P, ""), xmlenc.CheckAlgorithm},
		{"unknown algorithm", replace(gcm, xmlenc.AES256GCM, "urn:none"), xmlenc.CheckAlgorithm},
		{"no algorithm", replace(gcm, ` Algorithm="`+xmlenc.AES256GCM+`"`, ""), xmlenc.CheckAlgorithm},
		{"MD5 digest", replace(gcm, xmlenc.DigestSHA1, nsDSig+"md5"), xmlenc.CheckAlgorithm},
		{"MGF with mgf1p", replace(gcm, `<ds:DigestMethod`, `<e:MGF xmlns:e="`+nsEnc1+`" Algorithm="`+nsEnc1+`mgf1sha256"/><ds:DigestMethod`), xmlenc.CheckAlgorithm},
		{"unknown parameter", replace(gcm, `<ds:DigestMethod`, `<x/><ds:DigestMethod`), xmlenc.CheckAlgorithm},
		{"OAEPparams not base64", replace(gcm, `<ds:DigestMethod`, `<xenc:OAEPparams>*</xenc:OAEPparams><ds:DigestMethod`), xmlenc.CheckAlgorithm},

		{"another digest", replace(gcm, xmlenc.DigestSHA1, xmlenc.DigestSHA256), xmlenc.CheckDecrypt},
		{"another label", replace(gcm, `<ds:DigestMethod`, `<xenc:OAEPparams>AAAA</xenc:OAEPparams><ds:DigestMethod`), xmlenc.CheckDecrypt},
		{"key for another", encrypt(t, assertion, xmlenc.EncryptOptions{Certificate: recipients()[1].cert}), xmlenc.CheckDecrypt},
		{"key altered", replace(gcm, keyValue, flipped(keyValue, 9)), xmlenc.CheckDecrypt},
		{"key of another length", replace(gcm, keyValue, zeros(5)), xmlenc.CheckDecrypt},
		{"nonce altered", replace(gcm, value, flipped(value, 0)), xmlenc.CheckDecrypt},
		{"ciphertext altered", replace(gcm, value, flipped(value, 20)), xmlenc.CheckDecrypt},
		{"tag altered", replace(gcm, value, flipped(value, -1)), xmlenc.CheckDecrypt},
		{"truncated to a short tag", replace(gcm, value, zeros(12+15)), xmlenc.CheckDecrypt},
		{"key too long for the algorithm", replace(gcm, xmlenc.AES256GCM, xmlenc.AES128GCM), xmlenc.CheckDecrypt},
		{"GCM read as CBC", replace(gcm, xmlenc.AES256GCM, xmlenc.AES256CBC), xmlenc.CheckDecrypt},
		{"CBC read as GCM", replace(cbc, xmlenc.AES256CBC, xmlenc.AES256GCM), xmlenc.CheckDecrypt},
		{"CBC without blocks", replace(cbc, lastValue(cbc), zeros(16)), xmlenc.CheckDecrypt},
		{"CBC of odd length", replace(cbc, lastValue(cbc), zeros(47)), xmlenc.CheckDecrypt},
		{"CBC padding altered", replace(cbc, lastValue(cbc), flipped(lastValue(cbc), -17)), xmlenc.CheckDecrypt},
		{"CBC, not XML", encrypt(t, "x", xmlenc.EncryptOptions{Algorithm: xmlenc.AES256CBC}), xmlenc.CheckDecrypt},
		{"3DES with AES key", replace(cbc, xmlenc.AES256CBC, xmlenc.TripleDES), xmlenc.CheckDecrypt},

		{"not XML", encrypt(t, "x", xmlenc.EncryptOptions{}), xmlenc.CheckPlaintext},
		{"DOCTYPE", encrypt(t, `<!DOCTYPE a>`+assertion, xmlenc.EncryptOptions{}), xmlenc.CheckPlaintext},
		{"two elements", encrypt(t, assertion+assertion, xmlenc.EncryptOptions{}), xmlenc.CheckPlaintext},
		{"text after", encrypt(t, assertion+"x", xmlenc.EncryptOptions{}), xmlenc.CheckPlaintext},
		{"undeclared prefix", encrypt(t, `<z:a/>`, xmlenc.EncryptOptions{}), xmlenc.CheckPlaintext},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := xmlenc.Decrypt(wrap(t, tt.content), all())
			if got := xmlenc.CheckOf(err); got != tt.want || (err == nil) != (tt.want == "") {
				t.Errorf("%v, want check %q", err, tt.want)
			}
			if tt.want == xmlenc.CheckDecrypt && err.Error() != "xmlenc: decrypt: it cannot be decrypted" {
				t.Errorf("tells more: %v", err)
			}
		})
	}
}

func lastValue(s string) string {
	return s[strings.LastIndex(s, "<xenc:CipherValue>")+len("<xenc:CipherValue>") : strings.LastIndex(s, "</xenc:CipherValue>")]
}

func TestOptions(t *testing.T) {
	t.Parallel()
	cbc := wrap(t, encrypt(t, assertion, xmlenc.EncryptOptions{Algorithm: xmlenc.AES128CBC}))
	if _, _, err := xmlenc.Decrypt(cbc, xmlenc.Options{Keys: keys()}); xmlenc.CheckOf(err) != xmlenc.CheckAlgorithm {
		t.Errorf("CBC by default: %v", err)
	}
	des := wrap(t, replace(encrypt(t, assertion, xmlenc.EncryptOptions{Algorithm: xmlenc.AES192CBC}), xmlenc.AES192CBC, xmlenc.TripleDES))
	if _, _, err := xmlenc.Decrypt(des, xmlenc.Options{Keys: keys(), AllowCBC: true}); xmlenc.CheckOf(err) != xmlenc.CheckAlgorithm {
		t.Errorf("3DES by default: %v", err)
	}
	gcm := wrap(t, encrypt(t, assertion, xmlenc.EncryptOptions{}))
	if _, _, err := xmlenc.Decrypt(gcm, xmlenc.Options{}); xmlenc.CheckOf(err) != xmlenc.CheckDecrypt {
		t.Errorf("no keys: %v", err)
	}
	if _, _, err := xmlenc.Decrypt(gcm, xmlenc.Options{Keys: keys(), Limits: xmltree.Limits{Bytes: 8}}); xmlenc.CheckOf(err) != xmlenc.CheckPlaintext {
		t.Errorf("limits: %v", err)
	}
	n := 0
	many := make([]xmlenc.Key, 100)
	for i := range many {
		many[i] = xmlenc.Key{Decrypter: counter{recipients()[1].key, &n}}
	}
	if _, _, err := xmlenc.Decrypt(gcm, xmlenc.Options{Keys: many}); xmlenc.CheckOf(err) != xmlenc.CheckDecrypt || n > 16 {
		t.Errorf("%d decryptions, %v", n, err)
	}
	for name, o := range map[string]xmlenc.EncryptOptions{
		"nobody":    {},
		"3DES":      {Certificate: recipients()[0].cert, Algorithm: xmlenc.TripleDES},
		"unknown":   {Certificate: recipients()[0].cert, Algorithm: "urn:none"},
		"transport": {Certificate: recipients()[0].cert, Transport: nsEnc + "rsa-1_5"},
		"digest":    {Certificate: recipients()[0].cert, Digest: "urn:none"},
	} {
		if _, err := xmlenc.Encrypt([]byte(assertion), o); xmlenc.CheckOf(err) != xmlenc.CheckEncrypt {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzDecrypt: decryption never panics, and what authenticated encryption
// yields is what was encrypted.
func FuzzDecrypt(f *testing.F) {
	for _, a := range []string{xmlenc.AES256GCM, xmlenc.AES128CBC} {
		f.Add([]byte(encrypt(f, assertion, xmlenc.EncryptOptions{Algorithm: a, Certificate: recipients()[0].cert})))
	}
	f.Add([]byte(`<EncryptedData xmlns="` + nsEnc + `"><EncryptionMethod Algorithm="` + xmlenc.AES256GCM + `"/><KeyInfo xmlns="` + nsDSig + `"><RetrievalMethod URI="#k"/></KeyInfo></EncryptedData><EncryptedKey Id="k"/>`))
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := xmltree.Parse([]byte(`<r xmlns:p="u:p"><a>`+string(in)+`</a></r>`), xmltree.Limits{})
		if err != nil || !d.Root().First().Exists() {
			return
		}
		doc, info, err := xmlenc.Decrypt(d.Root().First(), all())
		switch {
		case err != nil && xmlenc.CheckOf(err) == "":
			t.Fatalf("an error without check: %v", err)
		case err == nil && !doc.Root().Exists():
			t.Fatal("nothing decrypted")
		case err == nil && info.Authenticated && !doc.Root().Is(nsA, "Assertion"):
			t.Fatalf("another plaintext: %s", doc.Root().Name())
		}
	})
}

// What Encrypt returns is its own canonical form, so that it can be signed as
// it stands.
func TestCanonical(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{xmlenc.RSAOAEPMGF1P, xmlenc.RSAOAEP} {
		data, err := xmlenc.Encrypt([]byte(assertion), xmlenc.EncryptOptions{Certificate: recipients()[0].cert, Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		doc, err := xmltree.Parse(data, xmltree.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := doc.Root().Canonical(&b, xmltree.Form{Exclusive: true}); err != nil || b.String() != string(data) {
			t.Errorf("%s, %v\nwant %s", data, err, b.String())
		}
	}
}

// Unauthenticated ciphertext is tried with one content key: a second one would
// hide from the caller how the first one fared.
func TestOneAttempt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		algorithm string
		attempts  int
		want      xmlenc.Check
	}{{xmlenc.AES128GCM, 0, ""}, {xmlenc.AES128CBC, 1, xmlenc.CheckDecrypt}} {
		x := encrypt(t, assertion, xmlenc.EncryptOptions{Algorithm: tt.algorithm})
		other := encrypt(t, assertion, xmlenc.EncryptOptions{Algorithm: tt.algorithm})
		key := other[strings.Index(other, "<xenc:EncryptedKey>") : strings.Index(other, "</xenc:EncryptedKey>")+len("</xenc:EncryptedKey>")]
		o, attempts := all(), 0
		o.Attempt = func([]byte) error { attempts++; return nil }
		_, _, err := xmlenc.Decrypt(wrap(t, replace(x, "<xenc:EncryptedKey>", key+"<xenc:EncryptedKey>")), o)
		if xmlenc.CheckOf(err) != tt.want || (err == nil) != (tt.want == "") || attempts != tt.attempts {
			t.Errorf("%s: %v, %d attempts", tt.algorithm, err, attempts)
		}
	}
	o, stop := all(), errors.New("stop")
	o.Attempt = func([]byte) error { return stop }
	if _, _, err := xmlenc.Decrypt(wrap(t, encrypt(t, assertion, xmlenc.EncryptOptions{Algorithm: xmlenc.AES128CBC})), o); !errors.Is(err, stop) {
		t.Errorf("not stopped: %v", err)
	}
}
