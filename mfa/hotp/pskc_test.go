// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package hotp_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/hotp"
)

func figure(t testing.TB, n int) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("testdata/rfc6030-figure%d.xml", n))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	preShared = hotp.PSKCKey{Key: []byte{0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12}}
	password  = hotp.PSKCKey{Password: "qwerty"}
)

// TestRFC6030 reads the encrypted examples of the standard: figure 6 under its
// pre-shared key, figure 7 under its password.
func TestRFC6030(t *testing.T) {
	t.Parallel()
	for n, k := range map[int]hotp.PSKCKey{6: preShared, 7: password} {
		got, err := hotp.ReadEncryptedPSKC(strings.NewReader(figure(t, n)), k)
		if err != nil || len(got) != 1 {
			t.Fatalf("figure %d: %v, %v", n, got, err)
		}
		if s := got[0]; s.Kind != mfa.KindHOTP || s.Serial != "987654321" || s.Digits != 8 || hex.EncodeToString(s.Secret) != seedHex {
			t.Errorf("figure %d: got %+v", n, s)
		}
	}
}

// file is a container with one TOTP token, encrypted as a maker does it.
type file struct {
	key     []byte // AES
	derived string // EncryptionKey in place of a pre-shared one
	mac     func() hash.Hash
	macName string
	seed    []byte
	macKey  []byte
}

func (f file) String() string {
	seal := func(plain []byte) (xml string, value []byte) {
		b, err := aes.NewCipher(f.key)
		if err != nil {
			panic(err)
		}
		pad := aes.BlockSize - len(plain)%aes.BlockSize
		plain = append(bytes.Clone(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
		value = make([]byte, aes.BlockSize+len(plain)) // a vector of zeros
		cipher.NewCBCEncrypter(b, value[:aes.BlockSize]).CryptBlocks(value[aes.BlockSize:], plain)
		return fmt.Sprintf(`<EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes%d-cbc"/><CipherData><CipherValue>%s</CipherValue></CipherData>`,
			8*len(f.key), base64.StdEncoding.EncodeToString(value)), value
	}
	macKey, _ := seal(f.macKey)
	seed, value := seal(f.seed)
	h := hmac.New(f.mac, f.macKey)
	h.Write(value)
	from := f.derived
	if from == "" {
		from = "<KeyName>k</KeyName>"
	}
	return `<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc"><EncryptionKey>` + from + `</EncryptionKey>` +
		`<MACMethod Algorithm="` + f.macName + `"><MACKey>` + macKey + `</MACKey></MACMethod>` +
		`<KeyPackage><DeviceInfo><SerialNo>T1</SerialNo></DeviceInfo><Key Id="1" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:totp">` +
		`<AlgorithmParameters><ResponseFormat Length="6" Encoding="DECIMAL"/></AlgorithmParameters>` +
		`<Data><Secret><EncryptedValue>` + seed + `</EncryptedValue><ValueMAC>` + base64.StdEncoding.EncodeToString(h.Sum(nil)) + `</ValueMAC></Secret>` +
		`<TimeInterval><PlainValue>60</PlainValue></TimeInterval></Data></Key></KeyPackage></KeyContainer>`
}

const hmacSHA256 = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"

func derived(iterations string, size int, prf string) string {
	return `<DerivedKey><KeyDerivationMethod Algorithm="http://www.w3.org/2009/xmlenc11#pbkdf2"><PBKDF2-params><Salt><Specified>c2FsdHNhbHQ=</Specified></Salt>` +
		fmt.Sprintf(`<IterationCount>%s</IterationCount><KeyLength>%d</KeyLength>%s</PBKDF2-params></KeyDerivationMethod></DerivedKey>`, iterations, size, prf)
}

// derivedFile is under the password "qwerty" with 3 iterations.
func derivedFile(size int) file {
	key, err := pbkdf2.Key(sha256.New, "qwerty", []byte("saltsalt"), 3, size)
	if err != nil {
		panic(err)
	}
	return file{
		key: key, derived: derived("3", size, `<PRF Algorithm="`+hmacSHA256+`"/>`),
		mac: sha256.New, macName: hmacSHA256, seed: []byte("12345678901234567890"), macKey: bytes.Repeat([]byte{9}, 32),
	}
}

func TestEncryptedPSKC(t *testing.T) {
	t.Parallel()
	plain := file{
		key: bytes.Repeat([]byte{7}, 32), mac: sha1.New, macName: "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
		seed: []byte("12345678901234567890"), macKey: bytes.Repeat([]byte{9}, 20),
	}
	for what, c := range map[string]struct {
		file string
		key  hotp.PSKCKey
	}{
		"256 bits":          {plain.String(), hotp.PSKCKey{Key: plain.key}},
		"password":          {derivedFile(16).String(), password},
		"password 256 bits": {derivedFile(32).String(), password},
	} {
		got, err := hotp.ReadEncryptedPSKC(strings.NewReader(c.file), c.key)
		if err != nil || len(got) != 1 || string(got[0].Secret) != string(plain.seed) || got[0].Kind != mfa.KindTOTP || got[0].Period != time.Minute {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
}

// TestPSKCTellsNoPadding puts a block of somebody's seed at the end of the MAC
// key: what is refused never tells whether it unpads.
func TestPSKCTellsNoPadding(t *testing.T) {
	t.Parallel()
	good := derivedFile(16).String()
	value := func(after string) (sealed []byte, from, to int) {
		from = strings.Index(good, after)
		from += strings.Index(good[from:], "<CipherValue>") + len("<CipherValue>")
		to = from + strings.Index(good[from:], "<")
		sealed, err := base64.StdEncoding.DecodeString(good[from:to])
		if err != nil {
			t.Fatal(err)
		}
		return sealed, from, to
	}
	seed, _, _ := value("<Secret>")
	_, from, to := value("<MACKey>")
	told := map[string]bool{}
	for last := range 256 {
		forged := append(make([]byte, 2*aes.BlockSize), seed[:2*aes.BlockSize]...)
		forged[3*aes.BlockSize-1] = byte(last)
		_, err := hotp.ReadEncryptedPSKC(strings.NewReader(good[:from]+base64.StdEncoding.EncodeToString(forged)+good[to:]), password)
		told[fmt.Sprint(err)] = true
	}
	const want = "hotp: pskc: key 1: the key or password does not fit, or the file was changed"
	if len(told) != 1 || !told[want] {
		t.Errorf("told %v, want %q alone", told, want)
	}
}

// TestPSKCRefuses names the check that refuses, so that each is the reason.
func TestPSKCRefuses(t *testing.T) {
	t.Parallel()
	const wrong = "the key or password does not fit"
	good, six := derivedFile(16).String(), figure(t, 6)
	short := derivedFile(16)
	short.macKey = short.macKey[:15]
	replace := func(s, old, new string) string {
		if !strings.Contains(s, old) {
			t.Fatalf("%q is not in the file", old)
		}
		return strings.Replace(s, old, new, 1)
	}
	between := func(s, from, to, new string) string {
		i := strings.Index(s, from)
		j := strings.Index(s, to)
		if i < 0 || j < i {
			t.Fatalf("%q to %q is not in the file", from, to)
		}
		return s[:i] + new + s[j:]
	}
	const plainSecret = `<Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue>`
	for what, c := range map[string]struct {
		file, want string
		key        hotp.PSKCKey
	}{
		"other key":         {six, wrong, hotp.PSKCKey{Key: make([]byte, 16)}},
		"other password":    {good, wrong, hotp.PSKCKey{Password: "Qwerty"}},
		"key of 24 bytes":   {six, "16 or 32 bytes, not 24", hotp.PSKCKey{Key: make([]byte, 24)}},
		"key of 32 bytes":   {six, "the key has 32 bytes, the file wants 16", hotp.PSKCKey{Key: make([]byte, 32)}},
		"no key":            {six, "16 or 32 bytes, not 0", password},
		"no password":       {good, "wants a password", preShared},
		"ciphertext":        {replace(six, "AAECAwQFBgcICQoLDA0OD+c", "AAECAwQFBgcICQoLDA0OD+d"), wrong, preShared},
		"vector":            {replace(six, "AAECAwQ", "BAECAwQ"), wrong, preShared},
		"MAC":               {replace(six, "Su+N", "Tu+N"), wrong, preShared},
		"MAC cut short":     {replace(six, "Su+NvtQfmvfJzF6bmQiJqoLRExc=", "Su+NvtQfmvfJzF6bmQiJ"), wrong, preShared},
		"MAC left out":      {between(six, "<ValueMAC>", "</Secret>", ""), "the seed has no MAC", preShared},
		"MAC key":           {replace(six, "ESIzRFVmd4iZABEiM0RVZgK", "ESIzRFVmd4iZABEiM0RVZgL"), wrong, preShared},
		"short MAC key":     {short.String(), wrong, password},
		"no MAC key":        {between(six, "<MACKey>", "</MACMethod>", ""), "MACKey is not there", preShared},
		"no MACMethod":      {between(six, "<MACMethod", "<KeyPackage>", ""), "the container has no MAC", preShared},
		"MAC method":        {replace(six, "#hmac-sha1", "#hmac-md5"), "MAC \"http://www.w3.org/2000/09/xmldsig#hmac-md5\" is not known", preShared},
		"encryption":        {replace(six, "#aes128-cbc", "#tripledes-cbc"), "is not AES-CBC", preShared},
		"certificate":       {replace(six, "<ds:KeyName>Pre-shared-key</ds:KeyName>", "<ds:X509Data/>"), `key transport by "X509Data"`, preShared},
		"two transports":    {replace(six, "</EncryptionKey>", "<ds:KeyName/></EncryptionKey>"), "one form of key", preShared},
		"two keys":          {replace(six, "<MACMethod", "<EncryptionKey/><MACMethod"), "EncryptionKey is there twice", preShared},
		"MACMethod first":   {between(six, "<EncryptionKey>", "<MACMethod", ""), "without EncryptionKey", preShared},
		"seed in clear":     {between(six, "<Secret>", "</Secret>", plainSecret), "the seed is not encrypted", preShared},
		"both":              {replace(six, "<Secret>", plainSecret), "the seed is there twice", preShared},
		"two seeds":         {replace(six, "<Counter>", "<Secret/><Counter>"), "Secret is there twice", preShared},
		"iterations":        {replace(good, ">3<", ">1000001<"), "1000001 iterations are not 1 to 1000000", password},
		"own limit":         {good, "3 iterations are not 1 to 2", hotp.PSKCKey{Password: "qwerty", MaxIterations: 2}},
		"no iterations":     {replace(good, ">3<", ">0<"), "0 iterations", password},
		"many digits":       {replace(good, ">3<", ">99999999999999999999<"), "IterationCount is no number", password},
		"salt":              {replace(good, "c2FsdHNhbHQ=", "c2FsdA=="), "a salt of 4 bytes", password},
		"derived length":    {replace(good, "<KeyLength>16", "<KeyLength>24"), "a key of 24 bytes", password},
		"PRF":               {replace(good, "<PRF Algorithm=\""+hmacSHA256, "<PRF Algorithm=\"x"), `PRF "x" is not known`, password},
		"derivation":        {replace(good, "xmlenc11#pbkdf2", "xmlenc11#ConcatKDF"), "key derivation", password},
		"doctype":           {replace(six, "<KeyContainer", "<!DOCTYPE KeyContainer [<!ENTITY e \"x\">]><KeyContainer"), "a DOCTYPE", preShared},
		"instruction":       {replace(six, "<KeyPackage>", "<?php x?><KeyPackage>"), "a processing instruction", preShared},
		"entity":            {replace(six, "Manufacturer</", "&e;</"), "invalid character entity", preShared},
		"trailing element":  {six + "<KeyContainer/>", "something follows", preShared},
		"trailing text":     {six + "x", "something follows", preShared},
		"text between":      {replace(six, "<KeyPackage>", "x<KeyPackage>"), "text between elements", preShared},
		"attribute twice":   {replace(six, `Id="12345678"`, `Id="1" Id="2"`), "attribute Id is there twice", preShared},
		"many elements":     {replace(six, "<Issuer>Issuer", "<Issuer>"+strings.Repeat("<a/>", 300)), "too many elements", preShared},
		"deep":              {replace(six, "<Issuer>Issuer", "<Issuer>"+strings.Repeat("<a>", 20)), "too deep", preShared},
		"long value":        {replace(six, "AAECAwQFBgcICQoLDA0OD+c", strings.Repeat("AAAA", 600)+"AAECAwQFBgcICQoLDA0OD+c"), "an encrypted value of", preShared},
		"version":           {replace(six, `Version="1.0"`, `Version="2.0"`), `version "2.0"`, preShared},
		"encoding":          {replace(six, `encoding="UTF-8"`, `encoding="UTF-16"`), "encoding", preShared},
		"check digit":       {replace(six, `Length="8"`, `Length="8" CheckDigits="true"`), "check digit", preShared},
		"usage":             {replace(six, "</Data>", "</Data><Policy><KeyUsage>Encrypt</KeyUsage></Policy>"), "not for OTP", preShared},
		"PIN":               {replace(six, "</Data>", `</Data><Policy><PINPolicy PINUsageMode="Append"/></Policy>`), `a PIN of mode "Append"`, preShared},
		"cut off":           {six[:len(six)-20], "unexpected EOF", preShared},
		"empty":             {"", "unexpected EOF", preShared},
		"not encrypted":     {pskc, "the seed is not encrypted", preShared},
		"no token, no key":  {`<KeyContainer xmlns="urn:ietf:params:xml:ns:keyprov:pskc"/>`, "no encryption key", preShared},
		"counter encrypted": {replace(six, "<PlainValue>0</PlainValue>", "<EncryptedValue/>"), "no number in clear", preShared},
	} {
		got, err := hotp.ReadEncryptedPSKC(strings.NewReader(c.file), c.key)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %+v, %v, want %q", what, got, err, c.want)
		}
	}
	if got, err := hotp.ReadPSKC(strings.NewReader(six)); err == nil || !strings.Contains(err.Error(), "the seeds are encrypted") {
		t.Errorf("an encrypted file read without a key: %v, %v", got, err)
	}
}

// FuzzReadPSKC: whatever a file holds, what is read can be provisioned. The
// limit of iterations keeps it fast.
func FuzzReadPSKC(f *testing.F) {
	for _, s := range []string{
		pskc, figure(f, 6), figure(f, 7), derivedFile(16).String(), derivedFile(32).String(),
		strings.Replace(pskc, "</Data>", `</Data><Policy><PINPolicy PINUsageMode="Local"/><KeyUsage>OTP</KeyUsage></Policy>`, 1),
		"<!DOCTYPE a [<!ENTITY b \"c\">]>" + pskc, "<?xml version=\"1.0\"?><!-- c -->" + pskc, strings.Replace(pskc, "MTIz", "<![CDATA[MTIz]]>", 1),
	} {
		f.Add(s)
	}
	both := hotp.PSKCKey{Key: preShared.Key, Password: password.Password, MaxIterations: 10}
	f.Fuzz(func(t *testing.T, s string) {
		if seeds, err := hotp.ReadPSKC(strings.NewReader(s)); err == nil {
			provisionable(t, seeds)
		}
		if seeds, err := hotp.ReadEncryptedPSKC(strings.NewReader(s), both); err == nil {
			provisionable(t, seeds)
		}
	})
}
