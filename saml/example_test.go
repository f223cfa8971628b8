// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// An application that lets a customer's people sign in: three routes, which
// mount under any prefix.
func ExampleServiceProvider() {
	idpMetadata, err := exampleIdP().Metadata() // from the customer, as a file or by FetchMetadata
	if err != nil {
		panic(err)
	}
	idp, err := saml.ParseMetadata(idpMetadata, saml.MetadataOptions{})
	if err != nil {
		panic(err)
	}
	sp, err := saml.NewServiceProvider(saml.SPConfig{
		Connections: saml.ConnectionList{{
			ID: "acme", EntityID: "https://app.example/saml", ACS: "https://app.example/saml/acs",
			Finish: "https://app.example/saml/finish", IdP: idp,
		}},
		Store:      saml.NewMemoryStore(10_000), // samlsql.New(db) with more than one process
		CookiePath: "/saml",
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		out, err := sp.Login(r.Context(), "acme", saml.LoginOptions{Target: "/inbox"})
		if err != nil {
			http.Error(w, "sign-in is not available", http.StatusServiceUnavailable)
			return
		}
		out.ServeHTTP(w, r)
	})
	mux.Handle("POST /acs", sp.ACS("https://app.example/saml/acs"))
	mux.HandleFunc("GET /finish", func(w http.ResponseWriter, r *http.Request) {
		err := sp.Finish(r.Context(), r, func(ctx context.Context, a *saml.Assertion) error {
			account := a.Subject().Key() // look the account up by this and nothing else
			_ = account
			// Begin a new session here, in the store's transaction, with a.Logout() kept for single logout.
			return nil
		})
		if err != nil {
			http.Error(w, "sign-in failed", http.StatusBadRequest)
			return
		}
		http.Redirect(w, r, "/inbox", http.StatusSeeOther)
	})
	app := http.StripPrefix("/saml", mux)

	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://app.example/saml/login", nil))
	fmt.Println(w.Code, w.Header().Get("Location")[:35])
	// Output: 303 https://idp.example/sso?SAMLRequest
}

// An identity provider that answers a service provider's request.
func ExampleIdentityProvider() {
	idp := exampleIdP()
	sso := func(w http.ResponseWriter, r *http.Request) {
		req, err := idp.ParseRequest(r)
		if err != nil {
			http.Error(w, "this sign-in cannot go on", http.StatusBadRequest)
			return
		}
		handle, err := idp.Park(r.Context(), req)
		if err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		// A POST brings no session cookie; the GET that follows does.
		http.Redirect(w, r, "/continue?request="+handle, http.StatusSeeOther)
	}
	next := func(w http.ResponseWriter, r *http.Request) {
		req, err := idp.Resume(r.Context(), r.FormValue("request"))
		if err != nil {
			http.Error(w, "this sign-in has ended", http.StatusBadRequest)
			return
		}
		// Sign the person in first, anew if req.ForceAuthn.
		out, err := idp.Respond(r.Context(), saml.ResponseParams{
			Request: req, Session: "session-7", AuthnInstant: time.Now(), AuthnContext: saml.ContextPasswordProtected,
			NameID:     saml.NameID{Value: "alice@example.com", Format: saml.NameIDEmail},
			Attributes: []saml.Attribute{{Name: "groups", Format: saml.AttrBasic, Values: []string{"staff"}}},
		})
		if err != nil { // what was asked for cannot be had
			if out, err = idp.Fail(r.Context(), req, saml.Status{SubCode: saml.StatusRequestDenied}); err != nil {
				http.Error(w, "this sign-in cannot go on", http.StatusBadRequest)
				return
			}
		}
		out.ServeHTTP(w, r)
	}

	sp := exampleSP(idp)
	login, err := sp.Login(context.Background(), "acme", saml.LoginOptions{})
	if err != nil {
		panic(err)
	}
	w := httptest.NewRecorder()
	sso(w, httptest.NewRequest(http.MethodGet, login.URL(), nil))
	w2 := httptest.NewRecorder()
	next(w2, httptest.NewRequest(http.MethodGet, w.Header().Get("Location"), nil))
	fmt.Println(w.Code, w2.Code, w2.Header().Get("Content-Type"))
	// Output: 303 200 text/html; charset=utf-8
}

// A sign-in that begins at the identity provider. Out.Value is the encoded
// Response, which can be exchanged elsewhere too.
func ExampleIdentityProvider_Respond_initiated() {
	idp := exampleIdP()
	out, err := idp.Respond(context.Background(), saml.ResponseParams{
		SP: "https://app.example/saml", RelayState: "/inbox", AuthnInstant: time.Now(),
		NameID: saml.NameID{Value: "alice@example.com", Format: saml.NameIDEmail},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(out.Destination, out.Field, out.RelayState, out.AssertionID != "")
	// Output: https://app.example/saml/acs SAMLResponse /inbox true
}

// Single logout that begins at the application.
func ExampleServiceProvider_Logout() {
	idp := exampleIdP()
	sp := exampleSP(idp)
	// From the session: Assertion.Logout.
	start := saml.LogoutStart{
		Connection: "acme", Issuer: "https://idp.example", NameID: saml.NameID{Value: "alice@example.com", Format: saml.NameIDEmail},
		SessionIndexes: []string{"_7"}, Target: "/goodbye",
	}
	out, err := sp.Logout(context.Background(), start)
	if err != nil {
		panic(err)
	}
	// At the identity provider:
	res, err := idp.HandleLogout(samltest.Request(out), func(_ context.Context, sessions []string) error { return nil })
	if err != nil {
		panic(err)
	}
	// And back at the application:
	done, err := sp.HandleLogout(samltest.Request(res.Reply), "https://app.example/saml/slo", func(_ context.Context, n saml.LogoutNotice) error { return nil })
	if err != nil {
		panic(err)
	}
	fmt.Println(done.Status.SubCode, done.Target)
	// Output: urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal /goodbye
}

// What a person must know of a metadata file before trusting it.
func ExampleEntity_Describe() {
	raw, err := exampleIdP().Metadata()
	if err != nil {
		panic(err)
	}
	e, err := saml.ParseMetadata(raw, saml.MetadataOptions{})
	if err != nil {
		panic(err)
	}
	d := e.Describe(time.Now())
	fmt.Println(d.EntityID, d.Roles, d.Keys[0].Algorithm, d.Warnings)
	// Output: https://idp.example [identity provider] RSA 2048 []
}

// Every refusal names its check.
func ExampleCheckOf() {
	_, err := saml.ParseMetadata([]byte("<!DOCTYPE x><x/>"), saml.MetadataOptions{})
	fmt.Println(saml.CheckOf(err) == saml.CheckXML)
	// Output: true
}

func exampleIdP() *saml.IdentityProvider {
	st := saml.NewMemoryStore(10_000)
	idp, err := saml.NewIdentityProvider(saml.IdPConfig{
		EntityID: "https://idp.example", SSO: "https://idp.example/sso", SLO: "https://idp.example/slo",
		Keys: []saml.KeyPair{samltest.Key()}, Store: st, Participants: st,
		Peers: saml.PeerList{{Entity: &saml.Entity{EntityID: "https://app.example/saml", SP: &saml.SPRole{
			ACS:  []saml.Endpoint{{Binding: saml.BindingPOST, Location: "https://app.example/saml/acs"}},
			SLO:  []saml.Endpoint{{Binding: saml.BindingRedirect, Location: "https://app.example/saml/slo"}},
			Keys: []saml.Key{{Use: "signing", Certificate: samltest.SPKey().Certificate, PublicKey: samltest.SPKey().Certificate.PublicKey}},
		}}}},
	})
	if err != nil {
		panic(err)
	}
	return idp
}

func exampleSP(idp *saml.IdentityProvider) *saml.ServiceProvider {
	sp, err := saml.NewServiceProvider(saml.SPConfig{
		Connections: saml.ConnectionList{{
			ID: "acme", EntityID: "https://app.example/saml", ACS: "https://app.example/saml/acs", Finish: "https://app.example/saml/finish",
			SLO: "https://app.example/saml/slo", IdP: idp.Entity(),
		}},
		Store: saml.NewMemoryStore(10_000), Keys: []saml.KeyPair{samltest.SPKey()},
	})
	if err != nil {
		panic(err)
	}
	return sp
}

// Messages that the browser carries as artifacts only. Each side hands its
// message to the other over the back channel.
func Example_artifact() {
	const (
		idpService = "https://idp.example/artifacts"
		spService  = "https://app.example/saml/artifacts"
	)
	var idp *saml.IdentityProvider
	var sp *saml.ServiceProvider
	// The network, in place of saml.NewClient, which checks addresses.
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		if r.URL.String() == idpService {
			idp.ArtifactResolution().ServeHTTP(w, r)
		} else {
			sp.ArtifactResolution(spService).ServeHTTP(w, r)
		}
		return w.Result(), nil
	})}
	peer := &saml.Peer{}
	idp, err := saml.NewIdentityProvider(saml.IdPConfig{
		EntityID: "https://idp.example", SSO: "https://idp.example/sso", Artifact: idpService, Client: client,
		Keys: []saml.KeyPair{samltest.Key()}, Store: saml.NewMemoryStore(10_000), Peers: exampleRegister{peer},
	})
	if err != nil {
		panic(err)
	}
	c := &saml.Connection{
		ID: "acme", EntityID: "https://app.example/saml", ACS: "https://app.example/saml/acs", Finish: "https://app.example/saml/finish",
		Artifact: spService, IdP: idp.Entity(),
	}
	sp, err = saml.NewServiceProvider(saml.SPConfig{
		Connections: saml.ConnectionList{c}, Store: saml.NewMemoryStore(10_000), Keys: []saml.KeyPair{samltest.SPKey()}, Client: client,
	})
	if err != nil {
		panic(err)
	}
	peer.Entity = sp.Entity(c)

	ctx := context.Background()
	login, err := sp.Login(ctx, "acme", saml.LoginOptions{Binding: saml.BindingArtifact, ByArtifact: true})
	if err != nil {
		panic(err)
	}
	req, err := idp.ParseRequest(httptest.NewRequest(http.MethodGet, login.URL(), nil))
	if err != nil {
		panic(err)
	}
	answer, err := idp.Respond(ctx, saml.ResponseParams{
		Request: req, AuthnInstant: time.Now(), NameID: saml.NameID{Value: "alice@example.com", Format: saml.NameIDEmail},
	})
	if err != nil {
		panic(err)
	}
	w := httptest.NewRecorder()
	sp.ACS(c.ACS).ServeHTTP(w, httptest.NewRequest(http.MethodGet, answer.URL(), nil))
	fmt.Println(login.Field, answer.Field, w.Code, w.Header().Get("Location")[:len(c.Finish)])
	// Output: SAMLart SAMLart 303 https://app.example/saml/finish
}

// exampleRegister finds the one service provider, by the hash in an artifact
// too: it is a saml.SourcePeers.
type exampleRegister struct{ peer *saml.Peer }

func (r exampleRegister) Peer(_ context.Context, entityID string) (*saml.Peer, error) {
	if r.peer.Entity.EntityID != entityID {
		return nil, saml.ErrNotFound
	}
	return r.peer, nil
}

func (r exampleRegister) PeerBySource(_ context.Context, source [20]byte) (*saml.Peer, error) {
	if saml.SourceID(r.peer.Entity.EntityID) != source {
		return nil, saml.ErrNotFound
	}
	return r.peer, nil
}
