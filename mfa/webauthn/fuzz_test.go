// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"math"
	"math/big"
	"os"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
)

// seeds are the W3C vectors' parts of one name.
func seeds(f *testing.F, ceremony, part string) (all [][]byte) {
	f.Helper()
	b, err := os.ReadFile("testdata/w3c-l3.json")
	if err != nil {
		f.Fatal(err)
	}
	var v struct{ Cases []map[string]json.RawMessage }
	if err := json.Unmarshal(b, &v); err != nil {
		f.Fatal(err)
	}
	for _, c := range v.Cases {
		var parts map[string]string
		if err := json.Unmarshal(c[ceremony], &parts); err != nil {
			f.Fatal(err)
		}
		raw, err := hex.DecodeString(parts[part])
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, raw)
	}
	return all
}

// FuzzJSON: what the strict reader accepts, package json accepts too, with the
// same members; so no two readers differ.
func FuzzJSON(f *testing.F) {
	for _, s := range seeds(f, "authentication", "clientDataJSON") {
		f.Add(s)
	}
	f.Add([]byte(`{"a":"\ud83d\ude00\n","b":[1,-0.5e+3,true,null,{}],"":{}}`))
	f.Add([]byte(`{"a":1,"\u0061":2}`))
	f.Add([]byte(`{"a":"\ud83d"}`))
	f.Add([]byte(`{"a":66.688E888886}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		n, err := parseObject(in)
		if err != nil {
			return
		}
		var m map[string]any
		d := json.NewDecoder(bytes.NewReader(in))
		d.UseNumber() // 1E999 is a number of JSON and of no float64
		if err := d.Decode(&m); err != nil {
			t.Fatalf("encoding/json: %v", err)
		}
		if _, err := d.Token(); err != io.EOF {
			t.Fatalf("after the object: %v", err)
		}
		if len(m) != len(n.members) {
			t.Fatalf("%d members, encoding/json has %d", len(n.members), len(m))
		}
		for i := range n.members {
			if s, ok := m[string(n.members[i].name)].(string); ok && s != string(n.members[i].value.text) {
				t.Fatalf("%q is %q, encoding/json has %q", n.members[i].name, n.members[i].value.text, s)
			}
		}
	})
}

func FuzzCBOR(f *testing.F) {
	for _, s := range seeds(f, "registration", "attestationObject") {
		f.Add(s)
	}
	f.Add([]byte{0xa1, 0x20, 0x9f, 0xff})
	f.Add([]byte{0x84, 0x18, 24, 0x19, 1, 0, 0x3a, 0, 1, 0, 0, 0x1b, 0, 0, 0, 1, 0, 0, 0, 0})
	f.Add([]byte{0x82, 0x18, 23, 0x19, 0, 255})
	f.Fuzz(func(t *testing.T, in []byte) {
		it, rest, err := parseCBOR(in)
		if err != nil {
			return
		}
		if !bytes.HasSuffix(in, rest) || len(rest) >= len(in) {
			t.Fatalf("the rest is %x", rest)
		}
		read := in[:len(in)-len(rest)]
		if again, err := parseOneCBOR(read); err != nil || again.major != it.major {
			t.Fatalf("the value alone: %v", err)
		}
		if b := appendCBOR(nil, &it); !bytes.Equal(b, read) {
			t.Fatalf("%x is %x in its shortest form", read, b)
		}
	})
}

// appendCBOR writes a value in the one form that it has.
func appendCBOR(b []byte, it *item) []byte {
	head := it.major << 5
	switch n := it.num; {
	case n < 24:
		b = append(b, head|byte(n))
	case n <= math.MaxUint8:
		b = append(b, head|24, byte(n))
	case n <= math.MaxUint16:
		b = binary.BigEndian.AppendUint16(append(b, head|25), uint16(n))
	case n <= math.MaxUint32:
		b = binary.BigEndian.AppendUint32(append(b, head|26), uint32(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, head|27), n)
	}
	b = append(b, it.data...)
	for i := range it.items {
		b = appendCBOR(b, &it.items[i])
	}
	return b
}

func FuzzAuthData(f *testing.F) {
	for _, s := range seeds(f, "authentication", "authenticatorData") {
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, in []byte, attested bool) {
		a, err := parseAuthData(in, attested)
		if err != nil {
			return
		}
		// Whatever is read here, go-webauthn reads the same.
		var guest protocol.AuthenticatorData
		if err := guest.Unmarshal(in); err != nil {
			return // it is stricter about keys, which come later here
		}
		if guest.Counter != a.counter || !bytes.Equal(guest.RPIDHash, a.rpIDHash) || byte(guest.Flags) != a.flags ||
			!bytes.Equal(guest.AttData.CredentialID, a.credentialID) {
			t.Fatalf("go-webauthn reads %+v", guest)
		}
	})
}

func FuzzAttestation(f *testing.F) {
	for _, s := range seeds(f, "registration", "attestationObject") {
		f.Add(s)
	}
	offered := []Algorithm{ES256, EdDSA, RS256, ES384, ES512, PS256}
	hash := sha256.Sum256(nil)
	f.Fuzz(func(t *testing.T, in []byte) {
		a, err := parseAttestation(in)
		if err != nil {
			return
		}
		if a.key, err = parseCOSEKey(&a.authData.key, offered); err != nil {
			return
		}
		b, err := a.key.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := newKey(a.key.alg, b)
		if err != nil {
			t.Fatalf("the key is not read again: %v", err)
		}
		if twice, err := again.encode(); err != nil || !bytes.Equal(b, twice) {
			t.Fatalf("the key is encoded in two ways: %v", err)
		}
		a.clientDataHash = hash[:]
		if by, _ := a.verifyStatement(&Attestation{}, time.Unix(1_800_000_000, 0)); by != (trust{}) {
			t.Fatal("trusted without roots")
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AAAA","signature":"AAAA","userHandle":null},"clientExtensionResults":{}}`))
	f.Add([]byte(`{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA","transports":["usb",1]},"authenticatorAttachment":"platform"}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		if a, err := parseAssertion(in); err == nil && len(a.key) == 0 {
			t.Fatal("a sign-in without a credential")
		}
		if r, err := parseRegistration(in); err == nil && (len(r.id) == 0 || len(r.transports) > maxTransports) {
			t.Fatalf("%+v", r)
		}
	})
}

func FuzzState(f *testing.F) {
	s := state{mode: modeKnown, verify: true, rpIDHash: make([]byte, 32), challenge: make([]byte, 32), allowed: [][]byte{{1}, {2}}}
	f.Add(s.encode())
	f.Add((&state{mode: modeCreate, conditional: true, challenge: make([]byte, 16), origin: []byte("https://example.org"), handle: []byte{1}}).encode())
	for _, key := range []publicKey{
		{alg: EdDSA, ed: make([]byte, 32)},
		{alg: RS256, rsa: &rsa.PublicKey{N: new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 2047), big.NewInt(1)), E: 65537}},
	} {
		b, err := (&credential{key: key, handle: make([]byte, 32), counter: 7, attested: true}).encode()
		if err != nil {
			f.Fatal(err)
		}
		if _, err := decodeCredential(b); err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if s, err := decodeState(in); err == nil && (len(s.challenge) < 16 || s.mode >= modes) {
			t.Fatalf("%+v", s)
		}
		if c, err := decodeCredential(in); err == nil {
			if b, err := c.encode(); err != nil || len(b) > len(in) {
				t.Fatalf("%x, %v", b, err)
			}
		}
	})
}

// FuzzTPM reads what anyone can have a TPM certificate of their own sign.
func FuzzTPM(f *testing.F) {
	for _, s := range seeds(f, "registration", "attestationObject") {
		obj, err := parseOneCBOR(s)
		if err != nil {
			f.Fatal(err)
		}
		stmt, _ := obj.text("attStmt")
		pubArea, ok := stmt.text("pubArea")
		if !ok {
			continue
		}
		certInfo, _ := stmt.text("certInfo")
		f.Add(pubArea.data, certInfo.data)
	}
	f.Fuzz(func(t *testing.T, pubArea, certInfo []byte) {
		public, err := readPubArea(pubArea)
		if err != nil {
			return
		}
		_, _ = tpmKey(public)
		info, err := readCertInfo(certInfo)
		if err != nil {
			return
		}
		if err := (&attested{}).checkCertInfo(info, public, crypto.SHA256); err == nil {
			t.Fatal("certified for no ceremony")
		}
	})
}

// FuzzCertificateExtensions reads those that the formats look into.
func FuzzCertificateExtensions(f *testing.F) {
	for _, s := range []string{
		"30350202012c0a01000201000a01000420b435028d7b6a8f83bb461d41c19b053a9d3cdb30351a4f374cd4cde8dbefb606040030003000",
		"3052a450304e314c3014060567810502010c0b69643a30303030303030303014060567810502030c0b69643a3030303030303030301e060567810502020c15576562417574686e207465737420766563746f7273",
		"3011a1053103020102bf853e03020100bf847800",
	} {
		b, err := hex.DecodeString(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		_ = checkTPMName(in)
		var d keyDescription
		if _, err := asn1.Unmarshal(in, &d); err == nil {
			_, _ = authorizations(d.SoftwareEnforced)
			_, _ = authorizations(d.TeeEnforced)
		}
		var list asn1.RawValue
		if _, err := asn1.Unmarshal(in, &list); err == nil {
			_, _ = authorizations(list)
		}
	})
}

// TestAuthorizations reads lists that the vectors do not have.
func TestAuthorizations(t *testing.T) {
	for _, c := range []struct {
		name, list string
		want       authorization
		malformed  bool
	}{
		{name: "empty", list: "3000"},
		{name: "generated, signs", list: "300ca1053103020102bf853e03020100", want: authorization{origin: right, purpose: right}},
		{name: "imported", list: "3007bf853e03020102", want: authorization{origin: wrong}},
		{name: "encrypts", list: "3007a1053103020100", want: authorization{purpose: wrong}},
		{name: "all applications", list: "3006bf8458020500", want: authorization{allApplications: true}},
		{name: "unknown elements between", list: "3016bf7f020500a1053103020102bf853e03020100bf9f7f00", want: authorization{origin: right, purpose: right}},
		{name: "origin twice", list: "300ebf853e03020100bf853e03020102", malformed: true},
		{name: "no context tag", list: "3003020100", malformed: true},
		{name: "no sequence", list: "3100", malformed: true},
	} {
		raw, err := hex.DecodeString(c.list)
		if err != nil {
			t.Fatal(err)
		}
		raw[1] = byte(len(raw) - 2)
		var list asn1.RawValue
		if _, err := asn1.Unmarshal(raw, &list); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		got, err := authorizations(list)
		if (err != nil) != c.malformed || err == nil && got != c.want {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte("eyJhbGciOiJFUzI1NiIsIng1YyI6W119.e30.AAAA"))
	f.Add([]byte(`{"no":3,"nextUpdate":"2026-12-01","entries":[{"aaguid":"ee882879-721c-4913-9775-3dfcce97072a",` +
		`"metadataStatement":{"attestationRootCertificates":["AAAA"]},"statusReports":[{"status":"FIDO_CERTIFIED"},{"status":"REVOKED"}]},` +
		`{"attestationCertificateKeyIdentifiers":["00"],"statusReports":null}]}`))
	roots := []*x509.Certificate{{}}
	f.Fuzz(func(t *testing.T, in []byte) {
		if _, err := ParseMetadata(in, MetadataConfig{Roots: roots, Now: time.Unix(1_800_000_000, 0)}); err == nil {
			t.Fatal("nobody has signed it")
		}
		// The payload of a signed one, too, makes no model of no authenticator.
		if m, err := readMetadata(in); err == nil && m.of(AAGUID{}, nil) != nil {
			t.Fatal("the zero AAGUID is a model")
		}
	})
}
