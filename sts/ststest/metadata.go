// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ststest

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// idp is what IAM keeps of an identity provider's metadata.
type idp struct {
	entityID string
	certs    []*x509.Certificate
}

const maxMetadata = 10_000_000 // characters that IAM takes

// parseMetadata reads metadata by IAM's rules: UTF-8 without a byte order
// mark, one EntityDescriptor with an IDPSSODescriptor, 1 to 10 keys that can
// sign, RSA keys of 1024 bits or more.
func parseMetadata(b []byte) (*idp, error) {
	if len(b) > maxMetadata || !utf8.Valid(b) || bytes.HasPrefix(b, []byte("\xef\xbb\xbf")) {
		return nil, errors.New("metadata is no UTF-8 document without a byte order mark")
	}
	var doc struct {
		XMLName  xml.Name `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntityDescriptor"`
		EntityID string   `xml:"entityID,attr"`
		IdP      []struct {
			Keys []struct {
				Use   string   `xml:"use,attr"`
				Certs []string `xml:"http://www.w3.org/2000/09/xmldsig# KeyInfo>X509Data>X509Certificate"`
			} `xml:"urn:oasis:names:tc:SAML:2.0:metadata KeyDescriptor"`
		} `xml:"urn:oasis:names:tc:SAML:2.0:metadata IDPSSODescriptor"`
	}
	if err := xml.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if doc.EntityID == "" || len(doc.IdP) != 1 {
		return nil, errors.New("metadata has no entityID or not one IDPSSODescriptor")
	}
	out := &idp{entityID: doc.EntityID}
	for _, k := range doc.IdP[0].Keys {
		if k.Use != "" && k.Use != "signing" {
			continue
		}
		for _, text := range k.Certs {
			cert, err := parseCert(text)
			if err != nil {
				return nil, err
			}
			out.certs = append(out.certs, cert)
		}
	}
	if len(out.certs) == 0 || len(out.certs) > 10 {
		return nil, fmt.Errorf("metadata has %d signing certificates, not 1 to 10", len(out.certs))
	}
	return out, nil
}

func parseCert(text string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, fmt.Errorf("metadata certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("metadata certificate: %w", err)
	}
	if k, ok := cert.PublicKey.(*rsa.PublicKey); ok && k.N.BitLen() < 1024 {
		return nil, errors.New("metadata certificate has a key of less than 1024 bits")
	}
	return cert, nil
}

func (p Provider) load(ctx context.Context) (*idp, error) {
	b := p.Metadata
	if p.Fetch != nil {
		var err error
		if b, err = p.Fetch(ctx); err != nil {
			return nil, err
		}
	}
	return parseMetadata(b)
}
