// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/radius"
)

const radsecListener = `listen {
		type = auth
		ipaddr = 127.0.0.1
		port = PORT
		proto = tcp
		clients = radsec
		tls {
			private_key_file = DIR/key.pem
			certificate_file = DIR/cert.pem
			ca_file = DIR/cert.pem
			require_client_cert = yes
			tls_min_version = "1.2"
			tls_max_version = "1.2"
		}
	}`

// TestFreeRADIUSRadSec: RadSec with certificates on both sides.
func TestFreeRADIUSRadSec(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, pool := writeCertificate(t, dir)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	_ = free.Close()
	r := strings.NewReplacer("PORT", port, "DIR", dir)
	runFreeRADIUS(t, false, r.Replace(radsecListener), dir)
	f, err := radius.New(radius.Config{
		Method: radius.PAP, UserName: func(_ context.Context, s mfa.Subject) (string, error) { return s.ID, nil },
		Servers: []radius.Server{{Addr: addr, TLS: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{cert}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := &radiusPeer{t, f}
	if _, err := p.answer("alice", nil, "right"); err != nil {
		t.Error(err)
	}
	if _, err := p.answer("alice", nil, "wrong"); mfa.CheckOf(err) != radius.CheckReject {
		t.Errorf("wrong: %v", err)
	}
}

// writeCertificate makes one for 127.0.0.1 that both sides trust.
func writeCertificate(t *testing.T, dir string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "radius"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) {
		t.Fatal("no certificate")
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
