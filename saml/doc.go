// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package saml is SAML 2.0 Web single sign-on, both roles.
//
// An application that lets customers sign in with their identity provider
// starts with [NewServiceProvider]: [ServiceProvider.Login] sends a browser
// away, the handler [ServiceProvider.ACS] receives the answer, and
// [ServiceProvider.Finish] hands out the verified [Assertion], whose
// [Assertion.Subject] is the account key. A program that vouches for its
// people starts with [NewIdentityProvider]:
// [IdentityProvider.ParseRequest], then [IdentityProvider.Respond] or
// [IdentityProvider.Fail]. Both know the other side by its metadata, an
// [Entity] that [ParseMetadata] makes.
//
// Messages go by Redirect, POST and artifact, logout by SOAP too. One
// ServiceProvider serves any number of customers: each has a [Connection], and
// the handlers are told at which endpoint a message arrived.
//
// # What may be relied on
//
// A message is parsed once, by a strict parser, and claims are read only from
// nodes that a signature covers. There is no switch that turns signatures
// off. Every refusal is an [Error] whose [Check] names the rule. State lives
// in a [Store], so that any replica serves any request; package samlsql keeps
// it in SQLite or PostgreSQL, [NewMemoryStore] in one process. Package
// samltest holds peers for tests that break one thing at a time.
//
// # Mounting
//
// The package owns no mux. Endpoints are configured as absolute URLs, which
// are compared as strings and never derived from the Host header, so that
// handlers mount under any prefix.
package saml
