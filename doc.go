// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package gatehouse is an embeddable SDK for workforce federation: everything
// between "our people are in a directory" and "they work in the right AWS account
// or application, safely". This package holds no code; it is the map.
//
// # Which package answers which question
//
//   - How do customers sign in to my application with their identity provider,
//     and how do I vouch for my own people? Package saml: ServiceProvider and
//     IdentityProvider. saml/awsrole is the dialect that AWS understands,
//     saml/xmldsig the signatures alone.
//   - How do I turn an assertion into AWS credentials, and keep them fresh?
//     Package sts.
//   - How do I ask for a second factor, or for a passkey instead of a password?
//     Package mfa, with a factor in each of mfa/totp, mfa/hotp, mfa/webauthn,
//     mfa/recovery, mfa/code and mfa/radius.
//   - How do Okta and Entra ID keep the users of my application up to date?
//     Package scim.
//   - How do I give an organisation one page with its AWS accounts, roles and
//     applications, and the AWS CLI something to sign in to? Package portal.
//
// The first four never import each other. Their state is in small store
// interfaces; saml/samlsql, mfa/mfasql and scim/scimsql keep it in SQLite or
// PostgreSQL over a *sql.DB with a driver of your choice, and a memory store,
// which says so, serves one process. samltest, ststest, mfatest, scimtest and
// portaltest hold peers that lie on request, for your own tests.
//
// # How it is wired
//
// Everything is made by New(Config), which checks its configuration whole and
// returns something immutable; HTTP surfaces are plain handlers that mount under
// any prefix. The portal shows it best:
//
//	store, err := sqlstore.Open(ctx, sqlstore.Config{Path: "gatehouse.db"})
//	factors, err := mfasql.New(store.DB())
//	aws, err := portal.NewSTS(portal.STSConfig{Regions: []string{"eu-central-1"}})
//	p, err := portal.New(portal.Config{
//		BaseURL:  "https://portal.example.com",
//		Store:    store,
//		MFA:      factors,
//		SAML:     samlsql.New(store.DB()),
//		SSO:      sqlstore.NewSSOStore(store.DB()),
//		SCIM:     store,
//		Keys:     keys, // two SAML identity providers: one for AWS, one for applications
//		Exchange: aws,
//	})
//	http.Handle("/", p)
//	go p.Run(ctx) // periodic work; not needed for correctness
//
// examples/portal is that program whole, with a sample organisation:
//
//	go run ./examples/portal
package gatehouse
