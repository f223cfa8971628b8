// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package samltest holds SAML peers for tests: an identity provider and a
// service provider in process, without listeners, that break one thing at a
// time on request.
//
// To test an application that signs people in, make an identity provider with
// [NewIdP], give its Entity to the application's connection, and post what
// [IdP.Answer] returns to the application. Each [Break] is one attack or
// mistake, and [Break.Check] says which check must refuse it. To test an
// identity provider, make a service provider with [NewSP]. [TestStore] proves
// an implementation of saml.Store.
//
//	func TestSignInRefuses(t *testing.T) {
//		idp := samltest.NewIdP(t)
//		app := newApp(t, idp.Entity()) // yours; app.conn is its saml.Connection
//		for _, b := range samltest.Breaks() {
//			login := app.login(t) // the *saml.Outgoing that it sent
//			form := idp.Answer(app.conn, login, samltest.Alice(), b)
//			if err := app.post(form); saml.CheckOf(err) != b.Check() {
//				t.Errorf("%s: %v", b, err)
//			}
//		}
//	}
//
// Keys are made once in a process and are nobody's secret.
package samltest
