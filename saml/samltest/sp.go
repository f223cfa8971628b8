// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package samltest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/saml"
)

// SP is a service provider with one connection, and the browser in front of
// it.
type SP struct {
	*saml.ServiceProvider
	Connection *saml.Connection
	Store      *saml.MemoryStore

	tb      testing.TB
	refused error
}

// NewSP returns a service provider named https://sp.test/metadata whose
// identity provider is idp. change, if not nil, changes its configuration
// before it is made.
func NewSP(tb testing.TB, idp *saml.Entity, change func(*saml.SPConfig, *saml.Connection)) *SP {
	tb.Helper()
	c := &saml.Connection{
		ID: "c1", EntityID: "https://sp.test/metadata", ACS: "https://sp.test/acs", Finish: "https://sp.test/finish",
		SLO: "https://sp.test/slo", SLOSOAP: "https://sp.test/slo-soap", IdP: idp,
	}
	s := &SP{Connection: c, Store: saml.NewMemoryStore(1000), tb: tb}
	cfg := saml.SPConfig{
		Store: s.Store, Keys: []saml.KeyPair{SPKey()},
		DecryptionKeys: []saml.DecryptionKey{{Decrypter: decrypter(SPKey()), Certificate: SPKey().Certificate}},
		OnError: func(w http.ResponseWriter, _ *http.Request, err error) {
			s.refused = err
			w.WriteHeader(http.StatusBadRequest)
		},
	}
	if change != nil {
		change(&cfg, c)
	}
	if cfg.Connections == nil {
		cfg.Connections = saml.ConnectionList{c}
	}
	var err error
	if s.ServiceProvider, err = saml.NewServiceProvider(cfg); err != nil {
		tb.Fatal(err)
	}
	return s
}

// Entity returns its metadata, for a saml.Peer.
func (s *SP) Entity() *saml.Entity { return s.ServiceProvider.Entity(s.Connection) }

// Start begins a login.
func (s *SP) Start(o saml.LoginOptions) *saml.Outgoing {
	s.tb.Helper()
	out, err := s.Login(context.Background(), s.Connection.ID, o)
	if err != nil {
		s.tb.Fatal(err)
	}
	return out
}

// Receive posts the form to the assertion consumer service, follows to Finish
// with the cookie of the login, and returns what was verified or the refusal.
func (s *SP) Receive(form url.Values, login *saml.Outgoing) (*saml.Assertion, error) {
	return s.Bring(s.posted(form), login)
}

// Bring is Receive for any HTTP request to the assertion consumer service. It
// is not safe for concurrent use.
func (s *SP) Bring(r *http.Request, login *saml.Outgoing) (*saml.Assertion, error) {
	location, err := s.consume(r)
	if err != nil {
		return nil, err
	}
	var got *saml.Assertion
	r = httptest.NewRequest(http.MethodGet, location, nil)
	if login != nil && login.Cookie != nil {
		r.AddCookie(login.Cookie)
	}
	err = s.Finish(r.Context(), r, func(_ context.Context, a *saml.Assertion) error { got = a; return nil })
	return got, err
}

// Post posts the form and returns where the browser is sent.
func (s *SP) Post(form url.Values) (string, error) { return s.consume(s.posted(form)) }

func (s *SP) posted(form url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, s.Connection.ACS, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func (s *SP) consume(r *http.Request) (string, error) {
	w := httptest.NewRecorder()
	s.refused = nil
	s.ACS(s.Connection.ACS).ServeHTTP(w, r)
	if s.refused != nil {
		return "", s.refused
	}
	if w.Code != http.StatusSeeOther {
		return "", errors.New("samltest: the assertion consumer service answered " + http.StatusText(w.Code))
	}
	return w.Header().Get("Location"), nil
}

// HandleLogout brings a logout message to the connection's SLO, or by SOAP to
// its SLOSOAP.
func (s *SP) HandleLogout(r *http.Request, end func(ctx context.Context, n saml.LogoutNotice) error) (*saml.LogoutResult, error) {
	at := s.Connection.SLO
	if strings.HasPrefix(r.Header.Get("Content-Type"), "text/xml") {
		at = s.Connection.SLOSOAP
	}
	return s.ServiceProvider.HandleLogout(r, at, end)
}

// Form returns what a browser posts for the message.
func Form(o *saml.Outgoing) url.Values {
	v := url.Values{o.Field: {o.Value}}
	if o.RelayState != "" {
		v.Set("RelayState", o.RelayState)
	}
	return v
}

// Request returns the HTTP request by which a browser brings the message.
func Request(o *saml.Outgoing) *http.Request {
	if o.URL() != "" {
		return httptest.NewRequest(http.MethodGet, o.URL(), nil)
	}
	r := httptest.NewRequest(http.MethodPost, o.Destination, strings.NewReader(Form(o).Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}
