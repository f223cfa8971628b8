// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package samlxsd_test

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
	"github.com/gatehouse-id/gatehouse/saml"
)

// ids tell xmlsec1 where IDs are.
func ids() []string {
	var out []string
	for ns, names := range map[string][]string{
		"urn:oasis:names:tc:SAML:2.0:protocol":  {"AuthnRequest", "Response", "LogoutRequest", "LogoutResponse", "ArtifactResolve", "ArtifactResponse"},
		"urn:oasis:names:tc:SAML:2.0:assertion": {"Assertion"},
		"urn:oasis:names:tc:SAML:2.0:metadata":  {"EntityDescriptor"},
	} {
		for _, n := range names {
			out = append(out, "--id-attr:ID", ns+":"+n)
		}
	}
	return out
}

func certificate(t *testing.T, k saml.KeyPair) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "cert.pem")
	write(t, file, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Certificate.Raw})))
	return file
}

// verify has xmlsec1 verify the nth signature of a document, from 1.
func verify(t *testing.T, xmlsec, x, cert string, n int) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), "message.xml")
	write(t, file, x)
	args := append([]string{
		"--verify", "--enabled-key-data", "x509,rsa", "--trusted-pem", cert,
		"--node-xpath", fmt.Sprintf("(//*[local-name()='Signature'])[%d]", n),
	}, append(ids(), file)...)
	out, err := exec.CommandContext(t.Context(), xmlsec, args...).CombinedOutput()
	if err == nil && !bytes.Contains(out, []byte("OK")) {
		err = errors.New("it does not say OK")
	}
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// TestXMLSecVerifies has xmlsec1 verify every signature of every message and of
// both roles' metadata.
func TestXMLSecVerifies(t *testing.T) {
	t.Parallel()
	xmlsec := peer.Command(t, "xmlsec1", "xmlsec1")
	for name, m := range messages(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Count(m.xml, "<ds:Signature "); got != m.signatures {
				t.Fatalf("%d signatures, want %d\n%s", got, m.signatures, m.xml)
			}
			cert := certificate(t, m.key)
			for n := range m.signatures {
				if err := verify(t, xmlsec, m.xml, cert, n+1); err != nil {
					t.Errorf("signature %d: %v\n%s", n+1, err, m.xml)
				}
			}
			if m.signatures == 0 {
				return
			}
			changed := strings.Replace(m.xml, "</ds:Signature>", "</ds:Signature> ", 1)
			if err := verify(t, xmlsec, changed, cert, 1); err == nil {
				t.Error("it verifies after a change")
			}
		})
	}
}

// TestOpenSSLVerifies has openssl verify the signatures of the Redirect binding,
// which are over the address (Bindings 3.4.4.1).
func TestOpenSSLVerifies(t *testing.T) {
	t.Parallel()
	openssl := peer.Command(t, "openssl", "openssl")
	seen := 0
	for name, m := range messages(t) {
		if m.redirect == "" {
			continue
		}
		seen++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(m.redirect)
			if err != nil {
				t.Fatal(err)
			}
			octets, value, ok := strings.Cut(u.RawQuery, "&Signature=")
			if !ok || u.Query().Get("SigAlg") != "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" {
				t.Fatalf("%s", m.redirect)
			}
			if value, err = url.QueryUnescape(value); err != nil {
				t.Fatal(err)
			}
			sig, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			der, key := filepath.Join(dir, "sig"), filepath.Join(dir, "key.pem")
			write(t, der, string(sig))
			public, err := exec.CommandContext(t.Context(), openssl, "x509", "-in", certificate(t, m.key), "-pubkey", "-noout").Output()
			if err != nil {
				t.Fatal(err)
			}
			write(t, key, string(public))
			for octets, want := range map[string]bool{octets: true, octets + "x": false} {
				cmd := exec.CommandContext(t.Context(), openssl, "dgst", "-sha256", "-verify", key, "-signature", der)
				cmd.Stdin = strings.NewReader(octets)
				if out, err := cmd.CombinedOutput(); (err == nil) != want {
					t.Errorf("%v: %s", err, out)
				}
			}
		})
	}
	if seen < 5 {
		t.Errorf("%d messages by Redirect", seen)
	}
}
