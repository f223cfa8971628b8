// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// A sign-in whose request goes by POST: Outgoing answers with a page that
// submits itself, and whose button does without scripts.
func ExampleServiceProvider_Login_post() {
	sp := exampleSP(exampleIdP())
	login := func(w http.ResponseWriter, r *http.Request) {
		out, err := sp.Login(r.Context(), "acme", saml.LoginOptions{
			Binding:    saml.BindingPOST,
			ForceAuthn: true, // checked in the answer
			Context:    &saml.RequestedContext{ClassRefs: []string{saml.ContextREFEDSMFA}},
		})
		if err != nil {
			http.Error(w, "sign-in is not available", http.StatusServiceUnavailable)
			return
		}
		out.ServeHTTP(w, r)
	}
	w := httptest.NewRecorder()
	login(w, httptest.NewRequest(http.MethodGet, "/login", nil))
	fmt.Println(w.Code, strings.Contains(w.Body.String(), `<form method="post" action="https://idp.example/sso">`))
	// Output: 200 true
}

// One service provider for many customers, each with endpoints of its own. The
// handler is told at whose address the Response arrived.
func ExampleServiceProvider_ACS() {
	const base = "https://app.example"
	idp := exampleIdP().Entity() // each customer's own, in life
	var customers saml.ConnectionList
	for _, name := range []string{"acme", "globex"} {
		at := base + "/" + name
		customers = append(customers, &saml.Connection{ID: name, EntityID: at, ACS: at + "/acs", Finish: at + "/finish", IdP: idp})
	}
	sp, err := saml.NewServiceProvider(saml.SPConfig{
		Connections: customers, // with thousands of them, a saml.Connections over their table
		Store:       saml.NewMemoryStore(10_000),
		OnError: func(w http.ResponseWriter, _ *http.Request, err error) {
			fmt.Println("refused by", saml.CheckOf(err))
			http.Error(w, "sign-in failed", http.StatusBadRequest)
		},
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{customer}/acs", func(w http.ResponseWriter, r *http.Request) {
		sp.ACS(base+"/"+r.PathValue("customer")+"/acs").ServeHTTP(w, r)
	})

	// The identity provider answers acme's login, twice; globex gets the first.
	stranger := &samltest.IdP{EntityID: "https://idp.example", Key: samltest.Key()}
	for _, path := range []string{"/globex/acs", "/acme/acs"} {
		login, err := sp.Login(context.Background(), "acme", saml.LoginOptions{})
		if err != nil {
			panic(err)
		}
		form := stranger.Answer(customers[0], login, samltest.Alice())
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(path, w.Code)
	}
	// Output:
	// refused by destination
	// /globex/acs 400
	// /acme/acs 303
}

// A sign-in that began at the identity provider. Nothing binds it to this
// browser, so the person is asked before it takes the place of a session, and
// RelayState is looked up, never followed.
func ExampleServiceProvider_Finish_unsolicited() {
	idp := exampleIdP()
	c := &saml.Connection{
		ID: "acme", EntityID: "https://app.example/saml", ACS: "https://app.example/saml/acs", Finish: "https://app.example/saml/finish",
		IdP: idp.Entity(), AllowIdPInitiated: true,
	}
	sp, err := saml.NewServiceProvider(saml.SPConfig{Connections: saml.ConnectionList{c}, Store: saml.NewMemoryStore(10_000)})
	if err != nil {
		panic(err)
	}
	answer, err := idp.Respond(context.Background(), saml.ResponseParams{
		SP: c.EntityID, RelayState: "reports", AuthnInstant: time.Now(), NameID: saml.NameID{Value: "alice@example.com", Format: saml.NameIDEmail},
	})
	if err != nil {
		panic(err)
	}
	w := httptest.NewRecorder()
	sp.ACS(c.ACS).ServeHTTP(w, samltest.Request(answer))

	pages := map[string]string{"reports": "/reports"}
	finish := httptest.NewRequest(http.MethodGet, w.Header().Get("Location"), nil)
	err = sp.Finish(finish.Context(), finish, func(_ context.Context, a *saml.Assertion) error {
		target := a.Target
		if a.Unsolicited {
			target = pages[a.RelayState]
		}
		fmt.Println(a.Unsolicited, a.NameID.Value, target)
		return nil
	})
	if err != nil {
		panic(err)
	}
	// Output: true alice@example.com /reports
}

// Single logout that begins at the identity provider: it asks every
// application that takes part in the session, one after the other through the
// browser.
func ExampleIdentityProvider_Logout() {
	ctx := context.Background()
	idp := exampleIdP()
	sp := exampleSP(idp)
	login, err := sp.Login(ctx, "acme", saml.LoginOptions{})
	if err != nil {
		panic(err)
	}
	req, err := idp.ParseRequest(samltest.Request(login))
	if err != nil {
		panic(err)
	}
	// With Session, the application becomes a participant of it.
	_, err = idp.Respond(ctx, saml.ResponseParams{
		Request: req, Session: "session-7", AuthnInstant: time.Now(), NameID: saml.NameID{Value: "alice@example.com", Format: saml.NameIDEmail},
	})
	if err != nil {
		panic(err)
	}

	// Somebody signs out here. The own session ends first.
	res, err := idp.Logout(ctx, "session-7", "/goodbye")
	if err != nil {
		panic(err)
	}
	// At the application's SLO:
	answer, err := sp.HandleLogout(samltest.Request(res.Reply), "https://app.example/saml/slo", func(_ context.Context, n saml.LogoutNotice) error {
		// End the sessions of n.Subject with n.SessionIndexes; saml.ErrNotFound if there are none.
		fmt.Println("end", n.Connection, n.Subject.NameID, len(n.SessionIndexes))
		return nil
	})
	if err != nil {
		panic(err)
	}
	// And back at the identity provider's, which has nobody else to ask:
	done, err := idp.HandleLogout(samltest.Request(answer.Reply), func(context.Context, []string) error { return nil })
	if err != nil {
		panic(err)
	}
	fmt.Println(done.Status.OK(), done.Reply == nil, done.Target)
	// Output:
	// end acme alice@example.com 1
	// true true /goodbye
}

// Metadata that keeps itself up to date. Whoever can answer for the address
// cannot add a key: it waits for an administrator.
func ExampleSource() {
	idp := &samltest.IdP{EntityID: "https://idp.example", SSO: "https://idp.example/sso", SLO: "https://idp.example/slo", Key: samltest.Key()}
	serve := idp.Entity()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		b, err := serve.Marshal()
		if err != nil {
			panic(err)
		}
		_, _ = w.Write(b)
	}))
	defer server.Close()
	source, err := saml.NewSource(saml.SourceConfig{
		URL: server.URL, Entity: idp.Entity(), // what an administrator looked at
		OnChange: func(_ context.Context, e *saml.Entity, raw []byte) error { return nil }, // keep raw for the next start
	})
	if err != nil {
		panic(err)
	}
	ctx := context.Background() // source.Run(ctx) does this again and again
	fmt.Println(source.Refresh(ctx), source.Pending() == nil)

	other := samltest.OtherKey().Certificate
	serve.IdP.Keys = append(serve.IdP.Keys, saml.Key{Use: "signing", Certificate: other, PublicKey: other.PublicKey})
	err = source.Refresh(ctx)
	fmt.Println(saml.CheckOf(err), len(source.Entity().IdP.Keys), len(source.Pending().Describe(time.Now()).Keys))
	// Output:
	// <nil> true
	// refresh 1 2
}
