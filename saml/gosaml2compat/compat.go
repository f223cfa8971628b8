// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package gosaml2compat verifies Responses for programs that are written for
// github.com/russellhaering/gosaml2, by package saml. One line changes:
//
//	info, err := sp.RetrieveAssertionInfo(encoded)               // before
//	info, err := gosaml2compat.RetrieveAssertionInfo(sp, encoded) // after
//
// The provider stays what it is and goes on making requests and metadata. What
// differs is what passes:
//
//   - Nothing comes back half verified. What gosaml2 reports in WarningInfo,
//     namely InvalidTime, NotInAudience, OneTimeUse and ProxyRestriction, is an
//     error, and so is an assertion without AudienceRestriction.
//   - SkipSignatureValidation, a provider without certificates of its identity
//     provider, and one that leaves IdentityProviderIssuer, AudienceURI or
//     AssertionConsumerServiceURL empty are refused.
//   - SHA-1, RSA 1.5 and 3DES are refused, clocks may differ by 90 seconds.
//
// Errors are *[saml.Error]; [saml.CheckOf] tells which check refused.
//
// gosaml2's interface knows no requests and no browsers. [RetrieveOnce] at
// least remembers what has been used. Compare InResponseTo, which is in
// Assertions[0].Subject.SubjectConfirmation.SubjectConfirmationData and signed,
// with the request that this browser made, or move on to
// [saml.ServiceProvider], which does both.
package gosaml2compat

import (
	"context"
	"time"

	saml2 "github.com/russellhaering/gosaml2"

	"github.com/gatehouse-id/gatehouse/saml"
)

// RetrieveAssertionInfo verifies the base64 Response that came by POST and
// returns what its assertion says. WarningInfo is never nil and always empty.
//
// The provider's SPKeyStore decrypts, and keys in turn after it: a key that was
// given to the provider by SetSPKeyStore cannot be read from there, so pass it.
// It is safe for concurrent use as long as the provider is not changed.
func RetrieveAssertionInfo(sp *saml2.SAMLServiceProvider, encoded string, keys ...saml.DecryptionKey) (*saml2.AssertionInfo, error) {
	return RetrieveOnce(context.Background(), sp, saml.NewMemoryStore(2), encoded, keys...)
}

// RetrieveOnce is RetrieveAssertionInfo that refuses an assertion which has
// been used. All replicas of the program share the store, such as package
// samlsql's; one process may use [saml.NewMemoryStore].
func RetrieveOnce(ctx context.Context, sp *saml2.SAMLServiceProvider, store saml.Store, encoded string, keys ...saml.DecryptionKey) (*saml2.AssertionInfo, error) {
	c, err := connection(sp)
	if err != nil {
		return nil, err
	}
	if keys, err = decryptionKeys(sp, keys); err != nil {
		return nil, err
	}
	engine, err := saml.NewServiceProvider(saml.SPConfig{
		Connections: saml.ConnectionList{c}, Store: store, DecryptionKeys: keys,
		Now: func() time.Time { return sp.Clock.Now() },
	})
	if err != nil {
		return nil, err
	}
	a, err := engine.InsecureVerifyUnbound(ctx, c.ID, encoded)
	if err != nil {
		return nil, err
	}
	if len(a.Attributes) == 0 && !sp.AllowMissingAttributes {
		return nil, refuse(saml.CheckStructure, saml2.ErrMissingElement{Tag: saml2.AttributeStatementTag})
	}
	return infoOf(a, c), nil
}

func refuse(check saml.Check, err error) error {
	return &saml.Error{Check: check, Public: "The sign-in could not be completed.", Err: err}
}
