// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// federation is one identity provider and service providers that are signed
// in to one session of it.
type federation struct {
	t     *testing.T
	idp   *saml.IdentityProvider
	store *saml.MemoryStore
	peers saml.PeerList
	sps   []*samltest.SP
	as    []*saml.Assertion
	ended []string
}

type peersFunc func(ctx context.Context, id string) (*saml.Peer, error)

func (f peersFunc) Peer(ctx context.Context, id string) (*saml.Peer, error) { return f(ctx, id) }

func newFederation(t *testing.T, n int, change func(i int, c *saml.Connection), client *http.Client) *federation {
	t.Helper()
	f := &federation{t: t}
	f.idp = newIdP(t, func(c *saml.IdPConfig) {
		c.Peers = peersFunc(func(ctx context.Context, id string) (*saml.Peer, error) { return f.peers.Peer(ctx, id) })
		c.Client, f.store = client, saml.NewMemoryStore(1000)
		c.Store, c.Participants = f.store, f.store
	})
	for i := range n {
		sp := samltest.NewSP(t, f.idp.Entity(), func(_ *saml.SPConfig, c *saml.Connection) {
			host := "https://sp" + string(rune('a'+i)) + ".test"
			c.EntityID, c.ACS, c.Finish, c.SLO, c.SLOSOAP = host+"/metadata", host+"/acs", host+"/finish", host+"/slo", ""
			if change != nil {
				change(i, c)
			}
		})
		f.sps = append(f.sps, sp)
		f.peers = append(f.peers, &saml.Peer{Entity: sp.Entity()})
	}
	for _, sp := range f.sps {
		out := sp.Start(saml.LoginOptions{})
		req, err := f.idp.ParseRequest(samltest.Request(out))
		if err != nil {
			t.Fatal(err)
		}
		rp := identity(req)
		rp.NameID = saml.NameID{Value: "p-" + sp.Connection.EntityID, Format: saml.NameIDPersistent}
		form, err := f.idp.Respond(t.Context(), rp)
		if err != nil {
			t.Fatal(err)
		}
		a, err := sp.Receive(samltest.Form(form), out)
		if err != nil {
			t.Fatal(err)
		}
		f.as = append(f.as, a)
	}
	return f
}

func (f *federation) endIdP(_ context.Context, sessions []string) error {
	f.ended = append(f.ended, sessions...)
	return nil
}

func noSessions(context.Context, saml.LogoutNotice) error { return saml.ErrNotFound }

func TestLogoutBySP(t *testing.T) {
	t.Parallel()
	f := newFederation(t, 3, nil, nil)
	out, err := f.sps[0].Logout(t.Context(), startAt(f.as[0], "/bye"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := f.idp.HandleLogout(samltest.Request(out), f.endIdP)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(f.ended, []string{"session-1"}) {
		t.Errorf("ended %q", f.ended)
	}
	for i, sp := range f.sps[1:] {
		if res.Reply == nil || !strings.HasPrefix(res.Reply.Destination, sp.Connection.SLO) {
			t.Fatalf("step %d: %+v", i, res.Reply)
		}
		var got saml.LogoutNotice
		back, err := sp.HandleLogout(samltest.Request(res.Reply), func(_ context.Context, n saml.LogoutNotice) error { got = n; return nil })
		if err != nil {
			t.Fatal(err)
		}
		if got.Subject != f.as[i+1].Subject() || !slices.Equal(got.SessionIndexes, []string{f.as[i+1].SessionIndex}) {
			t.Errorf("notice %+v", got)
		}
		if res, err = f.idp.HandleLogout(samltest.Request(back.Reply), f.endIdP); err != nil {
			t.Fatal(err)
		}
	}
	last, err := f.sps[0].HandleLogout(samltest.Request(res.Reply), noSessions)
	if err != nil {
		t.Fatal(err)
	}
	if last.Reply != nil || !last.Status.OK() || last.Target != "/bye" {
		t.Errorf("result %+v", last)
	}
	if _, err := f.sps[0].HandleLogout(samltest.Request(res.Reply), noSessions); saml.CheckOf(err) != saml.CheckRequest {
		t.Errorf("the answer again: %v", err)
	}
	if _, err := f.idp.HandleLogout(samltest.Request(out), f.endIdP); saml.CheckOf(err) != saml.CheckReplay {
		t.Errorf("the request again: %v", err)
	}
}

func startAt(a *saml.Assertion, target string) saml.LogoutStart {
	l := a.Logout()
	l.Target = target
	return l
}

func TestLogoutByIdP(t *testing.T) {
	t.Parallel()
	f := newFederation(t, 2, nil, nil)
	res, err := f.idp.Logout(t.Context(), "session-1", "/done")
	if err != nil {
		t.Fatal(err)
	}
	for i, sp := range f.sps {
		end := noSessions
		if i == 1 {
			end = func(context.Context, saml.LogoutNotice) error { return errors.New("database down") }
		}
		back, err := sp.HandleLogout(samltest.Request(res.Reply), end)
		if (err != nil) != (i == 1) || back == nil {
			t.Fatalf("%d: %v %v", i, back, err)
		}
		if res, err = f.idp.HandleLogout(samltest.Request(back.Reply), f.endIdP); err != nil {
			t.Fatal(err)
		}
	}
	if res.Reply != nil || res.Status.OK() || res.Status.SubCode != saml.StatusPartialLogout || res.Target != "/done" {
		t.Errorf("result %+v", res)
	}
	again, err := f.idp.Logout(t.Context(), "session-1", "/done")
	if err != nil || again.Reply != nil || !again.Status.OK() {
		t.Errorf("a second logout: %+v %v", again, err)
	}
}

// TestLogoutSOAP has the identity provider end a session over the back
// channel, both ways.
func TestLogoutSOAP(t *testing.T) {
	t.Parallel()
	var f *federation
	var notices []saml.LogoutNotice
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		r2 := httptest.NewRequest(r.Method, r.URL.String(), r.Body)
		r2.Header = r.Header
		w := httptest.NewRecorder()
		res, err := f.sps[1].HandleLogout(r2, func(_ context.Context, n saml.LogoutNotice) error { notices = append(notices, n); return nil })
		if err != nil {
			return nil, err
		}
		res.ServeHTTP(w, r2)
		return w.Result(), nil
	})}
	f = newFederation(t, 2, func(i int, c *saml.Connection) {
		if i == 1 {
			c.SLOSOAP = "https://spb.test/slo-soap"
		}
	}, client)
	out, err := f.sps[0].Logout(t.Context(), f.as[0].Logout())
	if err != nil {
		t.Fatal(err)
	}
	res, err := f.idp.HandleLogout(samltest.Request(out), f.endIdP)
	if err != nil {
		t.Fatal(err)
	}
	if len(notices) != 1 || notices[0].Subject != f.as[1].Subject() {
		t.Errorf("notices %+v", notices)
	}
	last, err := f.sps[0].HandleLogout(samltest.Request(res.Reply), noSessions)
	if err != nil || !last.Status.OK() {
		t.Errorf("result %+v %v", last, err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestLogoutRefusals(t *testing.T) {
	t.Parallel()
	f := newFederation(t, 2, nil, nil)
	fresh := func() *saml.Outgoing {
		out, err := f.sps[0].Logout(t.Context(), f.as[0].Logout())
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	get := func(change func(q string) string) *http.Request {
		u := fresh().URL()
		base, q, _ := strings.Cut(u, "?")
		return httptest.NewRequest(http.MethodGet, base+"?"+change(q), nil)
	}
	for _, tt := range []struct {
		name string
		r    *http.Request
		want saml.Check
	}{
		{"unsigned", get(func(q string) string { i := strings.Index(q, "&SigAlg"); return q[:i] }), saml.CheckUnsigned},
		{"signature without algorithm", get(func(q string) string {
			v, _ := url.ParseQuery(q)
			return strings.Replace(q, "&SigAlg="+url.QueryEscape(v.Get("SigAlg")), "", 1)
		}), saml.CheckSignature},
		{"relay state changed", get(func(q string) string { return strings.Replace(q, "RelayState=", "RelayState=x", 1) }), saml.CheckSignature},
		{"relay state twice", get(func(q string) string { return q + "&RelayState=x" }), saml.CheckInput},
		{"name in disguise", get(func(q string) string { return q + "&R%65layState=x" }), saml.CheckInput},
		{"request and response", get(func(q string) string { return q + "&SAMLResponse=x" }), saml.CheckInput},
		{"another algorithm", get(func(q string) string { return strings.Replace(q, "rsa-sha256", "rsa-sha512", 1) }), saml.CheckSignature},
		{"SHA-1", get(func(q string) string {
			return strings.Replace(q, url.QueryEscape("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"), url.QueryEscape("http://www.w3.org/2000/09/xmldsig#rsa-sha1"), 1)
		}), saml.CheckAlgorithm},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := f.idp.HandleLogout(tt.r, f.endIdP)
			if saml.CheckOf(err) != tt.want {
				t.Errorf("refused by %q, want %q: %v", saml.CheckOf(err), tt.want, err)
			}
		})
	}
	if len(f.ended) != 0 {
		t.Errorf("ended %q", f.ended)
	}
	if _, err := f.idp.HandleLogout(samltest.Request(fresh()), f.endIdP); err != nil || len(f.ended) != 1 {
		t.Errorf("the control: %v, ended %q", err, f.ended)
	}
}

// TestLogoutStranger: another service provider of the same identity provider
// can end only sessions that it takes part in.
func TestLogoutStranger(t *testing.T) {
	t.Parallel()
	f := newFederation(t, 2, nil, nil)
	start := f.as[0].Logout()
	start.NameID = f.as[1].NameID
	start.SessionIndexes = []string{f.as[1].SessionIndex}
	out, err := f.sps[0].Logout(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	res, err := f.idp.HandleLogout(samltest.Request(out), f.endIdP)
	if err != nil || len(f.ended) != 0 {
		t.Fatalf("%v, ended %q", err, f.ended)
	}
	last, err := f.sps[0].HandleLogout(samltest.Request(res.Reply), noSessions)
	if err != nil || last.Status.SubCode != saml.StatusUnknownPrincipal {
		t.Errorf("%+v %v", last, err)
	}
}

func TestOutgoingPage(t *testing.T) {
	t.Parallel()
	sp := samltest.NewSP(t, samltest.NewIdP(t).Entity(), nil)
	out := sp.Start(saml.LoginOptions{Binding: saml.BindingPOST})
	w := httptest.NewRecorder()
	out.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`action="https://idp.test/sso"`, out.RelayState, "<button>"} {
		if !strings.Contains(string(body), want) {
			t.Errorf("the page has no %q", want)
		}
	}
	csp := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(csp, "form-action https://idp.test/sso;") || !strings.Contains(csp, "'sha256-") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	c := w.Header().Get("Set-Cookie")
	if !strings.HasPrefix(c, "__Host-saml-") || !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax") || !strings.Contains(c, "Secure") {
		t.Errorf("cookie %q", c)
	}
}

// TestLogoutSOAPFails: who does not answer by the back channel is asked
// through the browser, once.
func TestLogoutSOAPFails(t *testing.T) {
	t.Parallel()
	asked := 0
	client := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		asked++
		return nil, errors.New("no route")
	})}
	f := newFederation(t, 3, func(_ int, c *saml.Connection) { c.SLOSOAP = c.SLO + "-soap" }, client)
	out, err := f.sps[0].Logout(t.Context(), f.as[0].Logout())
	if err != nil {
		t.Fatal(err)
	}
	res, err := f.idp.HandleLogout(samltest.Request(out), f.endIdP)
	if err != nil {
		t.Fatal(err)
	}
	for i, sp := range f.sps[1:] {
		if res.Reply == nil || res.Reply.Destination != sp.Connection.SLO {
			t.Fatalf("%d: %+v", i, res.Reply)
		}
		back, err := sp.HandleLogout(samltest.Request(res.Reply), noSessions)
		if err != nil {
			t.Fatal(err)
		}
		if res, err = f.idp.HandleLogout(samltest.Request(back.Reply), f.endIdP); err != nil {
			t.Fatal(err)
		}
	}
	last, err := f.sps[0].HandleLogout(samltest.Request(res.Reply), noSessions)
	if err != nil || !last.Status.OK() || asked != 2 {
		t.Errorf("%+v %v, asked %d times", last, err, asked)
	}
}
