// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/portal"
)

func keysFolder(data string) string { return filepath.Join(data, "keys") }

// loadKeys reads the portal's keys from the data folder's own, making them on first use:
// the secret that seals and MACs, one signing key pair for each of the two
// identity providers, and one for requests to external sources. They lie outside the database, mode 0600. Anything with
// a crypto.Signer, such as a KMS, can stand in for the signing keys.
func loadKeys(data string, now time.Time) (portal.Keys, error) {
	dir := keysFolder(data)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return portal.Keys{}, err
	}
	secret, err := loadSecret(filepath.Join(dir, "secret.hex"))
	if err != nil {
		return portal.Keys{}, err
	}
	aws, err := loadSigner(filepath.Join(dir, "aws-idp.pem"), "Gatehouse AWS identity provider", now)
	if err != nil {
		return portal.Keys{}, err
	}
	apps, err := loadSigner(filepath.Join(dir, "app-idp.pem"), "Gatehouse application identity provider", now)
	if err != nil {
		return portal.Keys{}, err
	}
	sp, err := loadSigner(filepath.Join(dir, "sp.pem"), "Gatehouse service provider", now)
	if err != nil {
		return portal.Keys{}, err
	}
	return portal.Keys{
		Primary: "1", Secrets: map[string][]byte{"1": secret},
		AWS: []portal.SigningKey{aws}, Apps: []portal.SigningKey{apps}, SP: []portal.SigningKey{sp},
	}, nil
}

func loadSecret(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret)
		return secret, writeNew(path, []byte(hex.EncodeToString(secret)+"\n"))
	}
	if err != nil {
		return nil, err
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(secret) != 32 {
		return nil, fmt.Errorf("%s does not hold 64 hexadecimal digits", path)
	}
	return secret, nil
}

func loadSigner(path, name string, now time.Time) (portal.SigningKey, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = newSigner(name, now); err == nil {
			err = writeNew(path, text)
		}
	}
	if err != nil {
		return portal.SigningKey{}, err
	}
	var out portal.SigningKey
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "PRIVATE KEY":
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return out, fmt.Errorf("%s: %w", path, err)
			}
			signer, ok := key.(crypto.Signer)
			if !ok {
				return out, fmt.Errorf("%s: the key cannot sign", path)
			}
			out.Signer = signer
		case "CERTIFICATE":
			if out.Certificate, err = x509.ParseCertificate(block.Bytes); err != nil {
				return out, fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	if out.Signer == nil || out.Certificate == nil {
		return out, fmt.Errorf("%s does not hold a private key and a certificate", path)
	}
	return out, nil
}

// newSigner makes a key pair that AWS accepts: RSA, at least 1024 bits, and a
// certificate without repeated extensions.
func newSigner(name string, now time.Time) ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(10, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	out := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})...), nil
}

// writeNew writes a file that must not exist, through a temporary one, so that
// a kill leaves either none or a whole one.
func writeNew(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	return os.Link(tmp.Name(), path)
}
