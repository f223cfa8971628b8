// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package local is what the small SAML examples share: a key pair kept in a
// folder, a listener on loopback only, and metadata of peers by file or URL.
package local

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
)

// Pair is an RSA key with its self-signed certificate.
type Pair struct {
	Key         *rsa.PrivateKey
	Certificate *x509.Certificate
}

// KeyPair signs with the pair.
func (p Pair) KeyPair() saml.KeyPair { return saml.KeyPair{Signer: p.Key, Certificate: p.Certificate} }

// DecryptionKey decrypts with the pair.
func (p Pair) DecryptionKey() saml.DecryptionKey {
	return saml.DecryptionKey{Decrypter: p.Key, Certificate: p.Certificate}
}

// LoadPair reads the pair that is kept in dir/key.pem, making it on first use.
func LoadPair(dir, name string) (Pair, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Pair{}, err
	}
	path := filepath.Join(dir, "key.pem")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = newPair(name); err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
	}
	if err != nil {
		return Pair{}, err
	}
	var p Pair
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "PRIVATE KEY":
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return p, fmt.Errorf("%s: %w", path, err)
			}
			p.Key, _ = key.(*rsa.PrivateKey)
		case "CERTIFICATE":
			if p.Certificate, err = x509.ParseCertificate(block.Bytes); err != nil {
				return p, fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	if p.Key == nil || p.Certificate == nil {
		return p, fmt.Errorf("%s does not hold an RSA key and a certificate", path)
	}
	return p, nil
}

func newPair(name string) ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})...), nil
}

// Metadata reads a peer's metadata from a file or a URL.
func Metadata(ctx context.Context, where string) (*saml.Entity, error) {
	if strings.HasPrefix(where, "https://") || strings.HasPrefix(where, "http://") {
		_, e, err := saml.FetchMetadata(ctx, nil, where, saml.MetadataOptions{})
		return e, err
	}
	text, err := os.ReadFile(where)
	if err != nil {
		return nil, err
	}
	return saml.ParseMetadata(text, saml.MetadataOptions{})
}

// Listen listens on loopback only, and returns the base URL: base if it is
// given, else http://localhost with the port.
func Listen(addr, base string) (net.Listener, string, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, "", err
	}
	at := ln.Addr().(*net.TCPAddr)
	if !at.IP.IsLoopback() {
		return nil, "", errors.Join(fmt.Errorf("this example listens on a loopback address only, not on %s", at), ln.Close())
	}
	if base == "" {
		return ln, fmt.Sprintf("http://localhost:%d", at.Port), nil
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Path != "" {
		return nil, "", errors.Join(fmt.Errorf("base URL %q is not scheme and host", base), ln.Close())
	}
	return ln, base, nil
}

// Serve serves until an interrupt or a TERM signal, then drains.
func Serve(ln net.Listener, h http.Handler) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(ln) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(drain)
}
