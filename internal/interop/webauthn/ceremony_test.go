// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdpwebauthn "github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-id/gatehouse/internal/interop/browser"
	"github.com/gatehouse-id/gatehouse/internal/seal"
	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/webauthn"
)

// site runs ceremonies for one person and answers with the check that refused.
type site struct {
	t      *testing.T
	flow   *mfa.Flow
	factor *webauthn.Factor
	store  mfa.Store
	origin string

	mu        sync.Mutex
	challenge string
	answer    []byte // the last sign-in's
}

var ann = mfa.Subject{ID: "ann"}

func newSite(t *testing.T, change func(*webauthn.Config)) *site {
	t.Helper()
	s := &site{t: t}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s.origin = "http://localhost:" + port
	c := webauthn.Config{RPID: "localhost", RPName: "Test", Origins: []string{s.origin}, Key: bytes.Repeat([]byte{1}, 32)}
	if change != nil {
		change(&c)
	}
	factor, err := webauthn.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.factor = factor
	keyring, err := seal.NewKeyring("1", map[string][]byte{"1": make([]byte, seal.KeySize)})
	if err != nil {
		t.Fatal(err)
	}
	s.store = mfa.NewMemoryStore(1000)
	s.flow, err = mfa.New(mfa.Config{Store: s.store, Sealer: keyring, Factors: []mfa.Factor{factor}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var ch *mfa.Challenge
	proved := []mfa.Evidence{{Kind: mfa.KindTOTP, At: time.Now(), Factor: true}}
	switch r.URL.Path {
	case "/":
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>ceremonies</title>")
		return
	case "/begin/create":
		ch, err = s.flow.BeginEnrol(r.Context(), mfa.EnrolInput{Kind: mfa.KindWebAuthn, Subject: ann, Account: "ann", Session: "s", Authenticated: proved})
	case "/begin/known":
		ch, err = s.flow.Begin(r.Context(), mfa.BeginInput{Kind: mfa.KindWebAuthn, Subject: ann, Purpose: mfa.First, Session: "s"})
	case "/begin/second":
		ch, err = s.flow.Begin(r.Context(), mfa.BeginInput{Kind: mfa.KindWebAuthn, Subject: ann, Purpose: mfa.Second, Session: "s", Authenticated: proved})
	case "/begin/usernameless":
		ch, err = s.flow.Begin(r.Context(), mfa.BeginInput{Kind: mfa.KindWebAuthn, Purpose: mfa.First, Session: "s"})
	case "/finish/create":
		_, err = s.flow.FinishEnrol(r.Context(), s.challenge, mfa.EnrolAnswer{Session: "s", Data: body}, nil)
		s.verdict(w, err)
		return
	case "/finish/get":
		s.answer = body
		_, err = s.flow.Finish(r.Context(), s.challenge, mfa.Answer{Session: "s", Data: body}, nil)
		s.verdict(w, err)
		return
	default:
		http.NotFound(w, r)
		return
	}
	if err != nil {
		s.t.Errorf("%s: %v", r.URL.Path, err)
		http.Error(w, "failed", http.StatusInternalServerError)
		return
	}
	s.challenge = ch.ID
	_, _ = w.Write(ch.Public)
}

func (s *site) verdict(w io.Writer, err error) {
	verdict := "passed"
	if check := mfa.CheckOf(err); check != "" {
		verdict = string(check)
	} else if err != nil {
		s.t.Error(err)
	}
	_, _ = io.WriteString(w, verdict)
}

// page is a tab that shows the site, with an authenticator.
type page struct {
	t   *testing.T
	tab *browser.Tab
	id  cdpwebauthn.AuthenticatorID
}

func (s *site) open(t *testing.T, b *browser.Browser) *page {
	t.Helper()
	p := &page{t: t, tab: b.Tab(t)}
	if err := chromedp.Do(p.tab.Ctx, chromedp.Navigate(s.origin+"/")); err != nil {
		t.Fatal(err)
	}
	p.id = p.tab.AddAuthenticator(t)
	return p
}

// run runs a ceremony and returns the verdict, or the name of the browser's
// exception.
func (p *page) run(kind, begin, more string) string {
	p.t.Helper()
	script := fmt.Sprintf(`(async () => {
  const json = await (await fetch("/begin/%[2]s", { method: "POST" })).json();
  const publicKey = PublicKeyCredential.parse%[1]sOptionsFromJSON(json);
  let credential;
  try {
    credential = await navigator.credentials.%[3]s({ publicKey, %[4]s });
  } catch (e) {
    return e.name;
  }
  const body = JSON.stringify(credential.toJSON());
  return await (await fetch("/finish/%[3]s", { method: "POST", body })).text();
})()`, map[string]string{"create": "Creation", "get": "Request"}[kind], begin, kind, more)
	ctx, cancel := context.WithTimeout(p.tab.Ctx, 2*time.Minute)
	defer cancel()
	verdict, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatal(err)
	}
	return verdict
}

func (p *page) create() string          { p.t.Helper(); return p.run("create", "create", "") }
func (p *page) get(begin string) string { p.t.Helper(); return p.run("get", begin, "") }
func (p *page) want(want, verdict string) {
	p.t.Helper()
	if verdict != want {
		p.t.Errorf("got %q, want %q", verdict, want)
	}
}

func TestCeremonies(t *testing.T) {
	b := browser.Start(t)
	t.Run("passkey", func(t *testing.T) {
		s := newSite(t, nil)
		p := s.open(t, b)
		p.want("passed", p.create())
		p.want("passed", p.get("known"))
		p.want("passed", p.get("second"))
		p.want("passed", p.get("usernameless"))
		p.want("passed", p.run("get", "usernameless", `mediation: "conditional"`))
		p.want("InvalidStateError", p.create()) // it is excluded
		records, err := s.flow.Records(t.Context(), ann)
		if err != nil || len(records) != 1 {
			t.Fatal(records, err)
		}
		d, err := webauthn.DetailsOf(records[0])
		if err != nil || !d.Passkey || d.Format != webauthn.FormatNone || d.Algorithm != webauthn.ES256 ||
			d.Attachment != "platform" || !strings.Contains(fmt.Sprint(d.Transports), "internal") {
			t.Errorf("%+v, %v", d, err)
		}
	})
	t.Run("attested by itself", func(t *testing.T) {
		s := newSite(t, func(c *webauthn.Config) { c.Attestation.Ask = true })
		p := s.open(t, b)
		p.want("passed", p.create())
		p.want("passed", p.get("known"))
		records, err := s.flow.Records(t.Context(), ann)
		if err != nil || len(records) != 1 {
			t.Fatal(records, err)
		}
		d, err := webauthn.DetailsOf(records[0])
		if err != nil || d.Attested || d.AAGUID.IsZero() {
			t.Errorf("%+v, %v", d, err)
		}
		t.Logf("format %s, model %v", d.Format, d.AAGUID)
	})
	t.Run("security key", func(t *testing.T) {
		s := newSite(t, func(c *webauthn.Config) {
			c.UserVerification, c.ResidentKey = webauthn.Discouraged, webauthn.Discouraged
		})
		p := &page{t: t, tab: b.Tab(t)}
		if err := chromedp.Do(p.tab.Ctx, chromedp.Navigate(s.origin+"/")); err != nil {
			t.Fatal(err)
		}
		if _, err := chromedp.Call(p.tab.Ctx, cdpwebauthn.Enable, cdpwebauthn.EnableParams{}); err != nil {
			t.Fatal(err)
		}
		if _, err := chromedp.Call(p.tab.Ctx, cdpwebauthn.AddVirtualAuthenticator, cdpwebauthn.AddVirtualAuthenticatorParams{
			Options: &cdpwebauthn.VirtualAuthenticatorOptions{
				Protocol: cdpwebauthn.AuthenticatorProtocolU2f, Transport: cdpwebauthn.AuthenticatorTransportUsb, AutomaticPresenceSimulation: true,
			},
		}); err != nil {
			t.Fatal(err)
		}
		p.want("passed", p.create())
		p.want("passed", p.get("second"))
	})
}

// TestSignals: the browser forgets what it is told is gone.
func TestSignals(t *testing.T) {
	b := browser.Start(t)
	s := newSite(t, nil)
	p := s.open(t, b)
	signal := func(method string, argument json.RawMessage) {
		t.Helper()
		script := fmt.Sprintf("PublicKeyCredential.%s(%s).then(() => true)", method, argument)
		if _, err := chromedp.Run(p.tab.Ctx, chromedp.Evaluate[bool](script, chromedp.EvalAwaitPromise)); err != nil {
			t.Fatal(err)
		}
	}
	held := func() int {
		t.Helper()
		got, err := chromedp.Call(p.tab.Ctx, cdpwebauthn.GetCredentials, cdpwebauthn.GetCredentialsParams{AuthenticatorID: p.id})
		if err != nil {
			t.Fatal(err)
		}
		return len(got.Credentials)
	}
	p.want("passed", p.create())
	records, err := s.flow.Records(t.Context(), ann)
	if err != nil {
		t.Fatal(err)
	}
	signals, ok := s.factor.Signals(records, "ann", "Ann")
	if !ok {
		t.Fatal("no signals")
	}
	signal("signalAllAcceptedCredentials", signals.Accepted)
	signal("signalCurrentUserDetails", signals.Details)
	p.want("passed", p.get("usernameless"))

	if err := s.flow.Reset(t.Context(), mfa.ResetInput{Subject: ann, Actor: "test"}, nil); err != nil {
		t.Fatal(err)
	}
	p.want(string(mfa.CheckCredential), p.get("usernameless"))
	unknown, ok := s.factor.SignalUnknown(t.Context(), s.store, s.answer)
	if !ok || held() != 1 {
		t.Fatal("no signal, or no credential to forget")
	}
	signal("signalUnknownCredential", unknown)
	if held() != 0 {
		t.Error("the credential is still there")
	}
}

func TestRefusedCeremonies(t *testing.T) {
	b := browser.Start(t)
	s := newSite(t, nil)
	p := s.open(t, b)
	p.want("passed", p.create())
	p.want("passed", p.get("known"))
	yes := true

	for _, c := range []struct {
		name string
		bits cdpwebauthn.SetResponseOverrideBitsParams
		want mfa.Check
	}{
		{"bogus signature", cdpwebauthn.SetResponseOverrideBitsParams{IsBogusSignature: &yes}, webauthn.CheckSignature},
		{"not verified", cdpwebauthn.SetResponseOverrideBitsParams{IsBadUV: &yes}, webauthn.CheckUserVerification},
		{"not present", cdpwebauthn.SetResponseOverrideBitsParams{IsBadUP: &yes}, webauthn.CheckUserPresence},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.bits.AuthenticatorID = p.id
			if _, err := chromedp.Call(p.tab.Ctx, cdpwebauthn.SetResponseOverrideBits, c.bits); err != nil {
				t.Fatal(err)
			}
			p.want(string(c.want), p.get("usernameless"))
		})
	}
	if _, err := chromedp.Call(p.tab.Ctx, cdpwebauthn.SetResponseOverrideBits, cdpwebauthn.SetResponseOverrideBitsParams{AuthenticatorID: p.id}); err != nil {
		t.Fatal(err)
	}
	p.want("passed", p.get("usernameless"))

	held, err := chromedp.Call(p.tab.Ctx, cdpwebauthn.GetCredentials, cdpwebauthn.GetCredentialsParams{AuthenticatorID: p.id})
	if err != nil || len(held.Credentials) != 1 {
		t.Fatal(held, err)
	}
	set := func(t *testing.T, change func(*cdpwebauthn.SetCredentialPropertiesParams)) {
		t.Helper()
		properties := cdpwebauthn.SetCredentialPropertiesParams{AuthenticatorID: p.id, CredentialID: held.Credentials[0].CredentialID}
		change(&properties)
		if _, err := chromedp.Call(p.tab.Ctx, cdpwebauthn.SetCredentialProperties, properties); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("the person is not verified", func(t *testing.T) {
		verified := func(v bool) {
			if _, err := chromedp.Call(p.tab.Ctx, cdpwebauthn.SetUserVerified, cdpwebauthn.SetUserVerifiedParams{AuthenticatorID: p.id, IsUserVerified: v}); err != nil {
				t.Fatal(err)
			}
		}
		verified(false)
		p.want("NotAllowedError", p.get("usernameless"))
		verified(true)
	})
	t.Run("clone", func(t *testing.T) {
		set(t, func(c *cdpwebauthn.SetCredentialPropertiesParams) { one := 1.0; c.SignCount = &one })
		p.want(string(webauthn.CheckCounter), p.get("known"))
		set(t, func(c *cdpwebauthn.SetCredentialPropertiesParams) { far := 100.0; c.SignCount = &far })
		p.want("passed", p.get("known"))
	})
	t.Run("became copyable", func(t *testing.T) {
		set(t, func(c *cdpwebauthn.SetCredentialPropertiesParams) { c.BackupEligibility = &yes })
		p.want(string(webauthn.CheckBackup), p.get("known"))
	})
}

// TestClonedKey takes the key out of one authenticator and signs with it in
// another.
func TestClonedKey(t *testing.T) {
	b := browser.Start(t)
	s := newSite(t, nil)
	p := s.open(t, b)
	p.want("passed", p.create())
	held, err := chromedp.Call(p.tab.Ctx, cdpwebauthn.GetCredentials, cdpwebauthn.GetCredentialsParams{AuthenticatorID: p.id})
	if err != nil || len(held.Credentials) != 1 {
		t.Fatal(held, err)
	}
	p.want("passed", p.get("known"))
	p.want("passed", p.get("known"))

	thief := s.open(t, b)
	if err := addCredential(thief, held.Credentials[0]); err != nil {
		t.Fatal(err)
	}
	thief.want(string(webauthn.CheckCounter), thief.get("usernameless"))
	p.want("passed", p.get("known"))
}

// addCredential sends what cdproto's own command cannot: Chromium refuses the
// member generateCmtgKeyOnNextOperation, even if it is false.
func addCredential(p *page, c *cdpwebauthn.Credential) error {
	raw, err := json.Marshal(c)
	if err != nil {
		return err
	}
	var members map[string]any
	if err := json.Unmarshal(raw, &members); err != nil {
		return err
	}
	delete(members, "generateCmtgKeyOnNextOperation")
	command := cdp.Command[map[string]any, cdp.Empty]{Method: cdpwebauthn.CommandAddCredential}
	_, err = chromedp.Call(p.tab.Ctx, command, map[string]any{"authenticatorId": p.id, "credential": members})
	return err
}
