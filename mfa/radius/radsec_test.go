// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package radius

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// certificate returns one for 127.0.0.1 and a pool that trusts it.
func certificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
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
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// serveTLS answers one request a connection.
func serveTLS(t testing.TB, cert tls.Certificate, clients *x509.CertPool, answer func(conn net.Conn, p packet)) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients, MinVersion: tls.VersionTLS12,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				b, err := readFramed(conn, make([]byte, maxPacket))
				if err != nil {
					return
				}
				if p, err := parse(b); err == nil {
					answer(conn, p)
				}
			}()
		}
	}()
	return l.Addr().String()
}

func TestRadSec(t *testing.T) {
	t.Parallel()
	cert, pool := certificate(t)
	_, strangers := certificate(t)
	secret := []byte(radsecSecret)
	answer := func(conn net.Conn, p packet) {
		r := reply{code: codeReject, unsigned: true}
		if v, _ := p.get(typeUserPassword); string(v) == string(hide("right", secret, p.authenticator)) {
			r.code = codeAccept
		}
		_, _ = conn.Write(r.encodeWith(p, secret))
	}
	addr := serveTLS(t, cert, pool, answer)
	garbage := serveTLS(t, cert, pool, func(conn net.Conn, _ packet) { _, _ = conn.Write([]byte{2, 0, 0xff, 0xff, 0}) })
	silent := serveTLS(t, cert, pool, func(conn net.Conn, _ packet) { _, _ = conn.Read(make([]byte, 1)) })
	client := &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{cert}}
	for _, c := range []struct {
		name, addr, answer string
		tls                *tls.Config
		want               mfa.Check
	}{
		{"right", addr, "right", client, ""},
		{"wrong", addr, "wrong", client, CheckReject},
		{"a certificate of strangers", addr, "right", &tls.Config{RootCAs: strangers, Certificates: client.Certificates}, mfa.CheckUpstream},
		{"no client certificate", addr, "right", &tls.Config{RootCAs: pool}, mfa.CheckUpstream},
		{"garbage", garbage, "right", client, mfa.CheckUpstream},
		{"silence", silent, "right", client, mfa.CheckUpstream},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			timeout := 5 * time.Second
			if c.addr == silent {
				timeout = 100 * time.Millisecond
			}
			f, err := New(Config{
				Method: PAP, Timeout: timeout, Retries: -1, Servers: []Server{{Addr: c.addr, TLS: c.tls}},
				UserName: func(context.Context, mfa.Subject) (string, error) { return "alice", nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.answer(t, nil, c.answer); mfa.CheckOf(err) != c.want {
				t.Errorf("got %v", err)
			}
		})
	}
	_, err := New(Config{
		Method: PAP, Servers: []Server{{Addr: addr, TLS: &tls.Config{InsecureSkipVerify: true}}},
		UserName: func(context.Context, mfa.Subject) (string, error) { return "alice", nil },
	})
	if err == nil {
		t.Error("a server that is not verified is accepted")
	}
}
