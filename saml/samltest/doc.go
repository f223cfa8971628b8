// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package samltest holds SAML peers for tests: an identity provider and a
// service provider in process, without listeners, that break one thing at a
// time on request.
//
// To test an application that signs people in, make an identity provider with
// [NewIdP], give its Entity to the application's connection, and post what
// [IdP.Answer] returns to the application; [IdP.Login] reads what to answer out
// of the address that its login redirects to. Each [Break] is one attack or
// mistake, and [Break.Check] says which check must refuse it. To test an
// identity provider, make a service provider with [NewSP]. [TestStore] proves
// an implementation of saml.Store.
//
//	func TestSignInRefuses(t *testing.T) {
//		idp := samltest.NewIdP(t)
//		app := newApp(t, idp.Entity()) // yours, with saml.SPConfig.OnError kept in app.refused
//		for _, b := range samltest.Breaks() {
//			conn, login := idp.Login(app.get("/login").Header.Get("Location"))
//			app.post(conn.ACS, idp.Answer(conn, login, samltest.Alice(), b))
//			if saml.CheckOf(app.refused) != b.Check() {
//				t.Errorf("%s: %v", b, app.refused)
//			}
//		}
//	}
//
// Keys are made once in a process and are nobody's secret.
package samltest
