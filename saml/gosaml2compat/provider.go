// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package gosaml2compat

import (
	"crypto/x509"
	"errors"
	"fmt"

	saml2 "github.com/russellhaering/gosaml2"

	"github.com/gatehouse-id/gatehouse/saml"
)

// connection says what the provider says. What gosaml2 takes for "do not
// check" is refused.
func connection(sp *saml2.SAMLServiceProvider) (*saml.Connection, error) {
	switch {
	case sp == nil:
		return nil, refuse(saml.CheckConfig, errors.New("gosaml2compat: no provider"))
	case sp.SkipSignatureValidation:
		return nil, refuse(saml.CheckConfig, errors.New("gosaml2compat: SkipSignatureValidation is not available here"))
	case sp.IDPCertificateStore == nil:
		return nil, refuse(saml.CheckConfig, errors.New("gosaml2compat: the provider has no IDPCertificateStore"))
	}
	for name, v := range map[string]string{
		"IdentityProviderIssuer": sp.IdentityProviderIssuer, "AudienceURI": sp.AudienceURI, "AssertionConsumerServiceURL": sp.AssertionConsumerServiceURL,
	} {
		if v == "" {
			return nil, refuse(saml.CheckConfig, fmt.Errorf("gosaml2compat: the provider has no %s", name))
		}
	}
	certificates, err := sp.IDPCertificateStore.Certificates()
	if err != nil {
		return nil, refuse(saml.CheckConfig, fmt.Errorf("gosaml2compat: IDPCertificateStore: %w", err))
	}
	role := &saml.IdPRole{}
	for _, cert := range certificates {
		if cert != nil {
			role.Keys = append(role.Keys, saml.Key{Use: "signing", Certificate: cert, PublicKey: cert.PublicKey})
		}
	}
	if len(role.Keys) == 0 {
		return nil, refuse(saml.CheckConfig, errors.New("gosaml2compat: IDPCertificateStore is empty"))
	}
	return &saml.Connection{
		// Replays are looked up by the identity provider and assertion, and
		// the connection's ID tells those of one program apart.
		ID: sp.AudienceURI + " " + sp.IdentityProviderIssuer, EntityID: sp.AudienceURI,
		ACS: sp.AssertionConsumerServiceURL, Finish: sp.AssertionConsumerServiceURL,
		IdP: &saml.Entity{EntityID: sp.IdentityProviderIssuer, IdP: role},
		// gosaml2, too, accepts no certificate that has ended.
		Policy: saml.Policy{RefuseExpiredCertificates: true},
	}, nil
}

// decryptionKeys are the provider's and those beside it.
func decryptionKeys(sp *saml2.SAMLServiceProvider, more []saml.DecryptionKey) ([]saml.DecryptionKey, error) {
	var keys []saml.DecryptionKey
	if sp.SPKeyStore != nil {
		key, der, err := sp.SPKeyStore.GetKeyPair()
		if err != nil {
			return nil, refuse(saml.CheckConfig, fmt.Errorf("gosaml2compat: SPKeyStore: %w", err))
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, refuse(saml.CheckConfig, fmt.Errorf("gosaml2compat: SPKeyStore: %w", err))
		}
		keys = append(keys, saml.DecryptionKey{Decrypter: key, Certificate: cert})
	}
	keys = append(keys, more...)
	if now := sp.Clock.Now(); sp.ValidateEncryptionCert {
		for _, k := range keys {
			if k.Certificate != nil && (now.Before(k.Certificate.NotBefore) || now.After(k.Certificate.NotAfter)) {
				return nil, refuse(saml.CheckConfig, errors.New("gosaml2compat: ValidateEncryptionCert: the certificate is not valid now"))
			}
		}
	}
	return keys, nil
}
