// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package chi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// app is an application whose customers sign in with SAML.
type app struct {
	base string
	sp   *saml.ServiceProvider
}

// routes mounts at any prefix; the prefix is part of base.
func (a app) routes(r chi.Router) {
	r.Route("/{customer}", func(r chi.Router) {
		r.Get("/login", a.login)
		r.Post("/acs", a.acs)
		r.Get("/finish", a.finish)
	})
}

func (a app) login(w http.ResponseWriter, r *http.Request) {
	out, err := a.sp.Login(r.Context(), chi.URLParam(r, "customer"), saml.LoginOptions{})
	if err != nil {
		http.Error(w, "sign-in is not available", http.StatusServiceUnavailable)
		return
	}
	out.ServeHTTP(w, r)
}

// acs tells at whose address the Response arrived.
func (a app) acs(w http.ResponseWriter, r *http.Request) {
	a.sp.ACS(a.base+"/"+chi.URLParam(r, "customer")+"/acs").ServeHTTP(w, r)
}

func (a app) finish(w http.ResponseWriter, r *http.Request) {
	err := a.sp.Finish(r.Context(), r, func(_ context.Context, as *saml.Assertion) error {
		fmt.Fprintln(w, "hello", as.NameID.Value, "of", as.Connection)
		return nil
	})
	if err != nil {
		http.Error(w, "sign-in failed", http.StatusForbidden)
	}
}

func Example() {
	idp := &samltest.IdP{EntityID: "https://idp.example", SSO: "https://idp.example/sso", Key: samltest.Key()}
	a := app{base: "https://app.example/saml"}
	at := a.base + "/acme"
	var err error
	a.sp, err = saml.NewServiceProvider(saml.SPConfig{
		Connections: saml.ConnectionList{{ID: "acme", EntityID: at, ACS: at + "/acs", Finish: at + "/finish", IdP: idp.Entity()}},
		Store:       saml.NewMemoryStore(10_000),
	})
	if err != nil {
		panic(err)
	}
	r := chi.NewRouter()
	r.Route("/saml", a.routes)

	// A browser goes round once.
	login := httptest.NewRecorder()
	r.ServeHTTP(login, httptest.NewRequest(http.MethodGet, "/saml/acme/login", nil))
	conn, request := idp.Login(login.Header().Get("Location"))
	post := httptest.NewRequest(http.MethodPost, conn.ACS, strings.NewReader(idp.Answer(conn, request, samltest.Alice()).Encode()))
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	acs := httptest.NewRecorder()
	r.ServeHTTP(acs, post)
	get := httptest.NewRequest(http.MethodGet, acs.Header().Get("Location"), nil)
	for _, c := range login.Result().Cookies() {
		get.AddCookie(c)
	}
	finish := httptest.NewRecorder()
	r.ServeHTTP(finish, get)
	fmt.Print(login.Code, " ", acs.Code, " ", finish.Body)
	// Output: 303 303 hello alice@example.test of acme
}
