// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/app"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
	"github.com/gatehouse-id/gatehouse/portal/signin"
	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// script sends what passkey.js sends.
func (b *browser) script(path string, body any) *browser {
	b.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, b.s.URL+path, strings.NewReader(string(text)))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.status, b.url, b.header, b.body = resp.StatusCode, path, resp.Header, string(got)
	return b
}

// Strangers who make the portal keep rows are stopped by their address, at
// every place where they can. They stop nobody in a browser that has signed in,
// and nobody with a password.
func TestStrangersAreCounted(t *testing.T) {
	at := time.Now()
	s := portaltest.NewServerWith(t, portaltest.Options{Config: func(c *portal.Config) {
		c.Now = func() time.Time { return at }
		c.MFAPolicy = &mfa.PolicyConfig{Default: mfa.Rule{Mode: mfa.Never}}
	}})
	ctx := context.Background()
	idp := samltest.NewIdP(t)
	if err := s.Store.PutSource(ctx, &directory.Source{ID: "okta", Kind: directory.SAML, Name: "Okta", Domains: []string{"okta.test"}, SAML: &directory.SAMLSource{Metadata: string(idp.Metadata())}}); err != nil {
		t.Fatal(err)
	}
	sp := samltest.NewSP(t, fetchEntity(t, s.URL+"/saml/app/metadata"), nil)
	if _, err := s.Portal.Apps().RegisterEndpoint(ctx, "", app.App{Name: "Demo", EntityID: sp.Connection.EntityID}, sp.Connection.ACS); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"alice", "bob"} {
		if err := s.Portal.Directory().SetPassword(ctx, "", s.People[name], "correct horse battery "+name); err != nil {
			t.Fatal(err)
		}
	}
	alice := newBrowser(t, s, nil)
	alice.password("/", "alice", "correct horse battery alice").expect(http.StatusOK, portaltest.AccountDev)
	alice.post("/sign-out", nil)

	exhaust(t, s)
	stranger := newBrowser(t, s, nil)
	stranger.get("/sign-in")
	flow := stranger.field("flow")
	waits := func(b *browser) {
		t.Helper()
		b.expect(http.StatusTooManyRequests, "Too many tries")
		if b.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", b.url)
		}
	}
	waits(stranger.script("/sign-in/passkey/begin", map[string]any{"flow": flow}))
	waits(stranger.post("/sign-in/source/okta", url.Values{"flow": {flow}}))
	waits(stranger.post("/sign-in", url.Values{"flow": {flow}, "username": {"x@okta.test"}}))
	waits(stranger.get(sp.Start(saml.LoginOptions{}).URL()))

	alice.get("/sign-in")
	alice.script("/sign-in/passkey/begin", map[string]any{"flow": alice.field("flow")}).expect(http.StatusOK, "publicKey")
	alice.get(sp.Start(saml.LoginOptions{}).URL()).expect(http.StatusOK, "Sign in")
	stranger.password("/", "bob", "correct horse battery bob").expect(http.StatusOK, "bob")
}

// exhaust uses up what strangers at this machine's address may have kept, in
// one transaction for speed.
func exhaust(t *testing.T, s *portaltest.Server) {
	t.Helper()
	var refused *signin.Error
	err := s.Store.InTx(context.Background(), func(ctx context.Context) error {
		for {
			if err := s.Portal.SignIn().Admit(ctx, signin.ByPasskey, netip.MustParseAddr("127.0.0.1"), ""); errors.As(err, &refused) {
				return nil
			} else if err != nil {
				return err
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
