// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-id/gatehouse/internal/interop/browser"
	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
)

// visitor is somebody at Chromium.
type visitor struct {
	t    *testing.T
	tab  *browser.Tab
	base string
	axe  string // the text of axe-core, or empty
}

func newVisitor(t *testing.T, b *browser.Browser, base string) *visitor {
	t.Helper()
	return &visitor{t: t, tab: b.Tab(t), base: base, axe: axeCore(t)}
}

// axeCore is the engine that internal/interop/axe keeps in the user's cache.
// That package holds every page to it; here the live ones are looked at where
// the engine is at hand.
func axeCore(t *testing.T) string {
	t.Helper()
	path := os.Getenv("GATEHOUSE_AXE")
	if cache, err := os.UserCacheDir(); err == nil && path == "" {
		if found, _ := filepath.Glob(filepath.Join(cache, "gatehouse", "axe-core-*.min.js")); len(found) > 0 {
			path = found[0]
		}
	}
	script, err := os.ReadFile(path)
	if err != nil && peer.Required() {
		t.Fatal("axe-core is missing: install the Debian package npm and run internal/interop/axe, or set GATEHOUSE_AXE to axe.min.js")
	}
	if err != nil {
		t.Log("live pages are not held to axe-core, which is not in the cache")
	}
	return string(script)
}

func (v *visitor) open(path string) {
	v.t.Helper()
	err := chromedp.Do(v.tab.Ctx, chromedp.Navigate(v.base+path))
	if err != nil && strings.Contains(err.Error(), "net::ERR_ABORTED") {
		err = nil // the page's own script went on
	}
	if err != nil {
		v.t.Fatalf("%s: %v", path, err)
	}
}

// js runs a script in the page, also where the page's own are off.
func js[T any](v *visitor, script string) T {
	v.t.Helper()
	out, err := chromedp.Run(v.tab.Ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		v.t.Fatalf("%s: %v", script, err)
	}
	return out
}

// sees waits for the page with a heading.
func (v *visitor) sees(heading string) {
	v.t.Helper()
	var last string
	defer func() {
		if v.t.Failed() {
			v.t.Logf("the page says %q", last)
		}
	}()
	eventually(v.t, heading, func() bool {
		// A page that is about to go has no context to run in.
		text, err := chromedp.Run(v.tab.Ctx, chromedp.Evaluate[string](`document.readyState === "complete" ? document.querySelector("h1").textContent : ""`))
		if err == nil {
			last = text
		}
		return err == nil && text == heading
	})
	v.accessible(heading)
}

// accessible holds the page to axe-core.
func (v *visitor) accessible(what string) {
	v.t.Helper()
	if v.axe == "" {
		return
	}
	found := js[[]string](v, v.axe+`;(async () => (await axe.run({resultTypes: ["violations"]})).violations.map((x) => x.id + ": " + x.nodes.map((n) => n.html).join(" ")))()`)
	for _, f := range found {
		v.t.Errorf("%s: %s", what, f)
	}
}

// fill types into a field and sends its form.
func (v *visitor) fill(id, text string) {
	v.t.Helper()
	value, err := json.Marshal(text)
	if err != nil {
		v.t.Fatal(err)
	}
	js[any](v, `(() => { const e = document.getElementById("`+id+`"); e.value = `+string(value)+`; setTimeout(() => e.form.requestSubmit()); return null; })()`)
}

// press presses a button or link.
func (v *visitor) press(selector string) {
	v.t.Helper()
	js[any](v, `(() => { const e = document.querySelector(`+"`"+selector+"`"+`); setTimeout(() => e.click()); return null; })()`)
}

// quiet: the console has complained of nothing but the status of a page that
// refuses.
func (v *visitor) quiet() {
	v.t.Helper()
	for _, c := range v.tab.Complaints() {
		if !strings.HasPrefix(c, "network error: Failed to load resource: the server responded with a status of 4") {
			v.t.Errorf("console: %s", c)
		}
	}
}

// present says whether the authenticator's owner is there to touch it.
func (v *visitor) present(id webauthn.AuthenticatorID, there bool) {
	v.t.Helper()
	_, err := chromedp.Call(v.tab.Ctx, webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: id, Enabled: there})
	if err != nil {
		v.t.Fatal(err)
	}
}

// TestBrowser is carol's first day: she signs in with her password and her
// ticket, enrols a passkey, and from then on signs in by it alone.
func TestBrowser(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	_, s := serve(t, t.TempDir())
	carol := s.who(t, "carol")
	v := newVisitor(t, b, s.URL)
	v.open("/")
	v.sees("Sign in")
	key := v.tab.AddAuthenticator(t)
	v.fill("username", "carol")
	v.sees("Enter your password")
	v.fill("password", carol.Password)
	v.sees("Use your enrolment ticket")
	v.open("/") // nothing but enrolment is within reach
	v.sees("Use your enrolment ticket")
	v.fill("ticket", carol.Ticket)
	v.sees("Protect your account")
	v.press(`form[action="/enrol/passkey"] button`)
	v.sees("Add a passkey")
	js[any](v, `document.getElementById("name").value = "Laptop", null`)
	v.press(`[data-begin] > button`)
	v.sees("Accounts")
	v.open("/security")
	v.sees("Security")
	if text := js[string](v, `document.querySelector("main").innerText`); !strings.Contains(text, "Laptop") {
		t.Errorf("the passkey is not listed:\n%s", text)
	}
	v.press(`a[href="/enrol/totp"]`)
	v.sees("Protect your account")
	v.press(`form[action="/enrol/totp"] button`)
	v.sees("Add an authenticator app")

	v.byPasskeyAlone(key)
	v.deepLink(key)
	v.consoleWithoutScripts()
	v.quiet()
}

// byPasskeyAlone signs out, and in again without a name or a password.
func (v *visitor) byPasskeyAlone(key webauthn.AuthenticatorID) {
	v.t.Helper()
	v.present(key, false)
	v.signOut()
	v.open("/sign-in")
	v.sees("Sign in")
	v.press(`[data-begin] > button`)
	v.present(key, true)
	v.sees("Accounts")
	if name := js[string](v, `document.querySelector("header .me b").textContent`); name != "Carol Cedar" {
		v.t.Errorf("signed in as %q", name)
	}
}

func (v *visitor) signOut() {
	v.t.Helper()
	v.open("/")
	v.sees("Accounts")
	v.press(`form[action="/sign-out"] button`)
	v.sees("You are signed out")
}

const destination = "https://console.aws.amazon.com/s3/buckets?region=us-east-1#all"

// deepLink follows AWS's form of a link, whose parameters no server sees, while
// nobody is signed in: it survives the sign-in.
func (v *visitor) deepLink(key webauthn.AuthenticatorID) {
	v.t.Helper()
	v.present(key, false)
	v.signOut()
	v.open("/start/#/console?" + url.Values{"account_id": {"210000000013"}, "role_name": {"PowerUserAccess"}, "destination": {destination}}.Encode())
	v.sees("Sign in")
	// Twice to sign-in: first for the page, then by the script for the link.
	eventually(v.t, "the link is kept", func() bool {
		hash, err := chromedp.Run(v.tab.Ctx, chromedp.Evaluate[string](`location.hash + document.readyState`))
		return err == nil && !strings.Contains(hash, "#/console?account_id") && strings.Contains(hash, "complete")
	})
	v.sees("Sign in")
	v.press(`[data-begin] > button`)
	v.present(key, true)
	v.sees("Open the AWS console?")
	text := js[string](v, `document.querySelector("main").innerText`)
	for _, want := range []string{"Shop dev", "PowerUserAccess", destination} {
		if !strings.Contains(text, want) {
			v.t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

// consoleWithoutScripts presses the button of the deep link's page where
// scripts are off: the page that carries the Response to AWS has a button.
func (v *visitor) consoleWithoutScripts() {
	v.t.Helper()
	_, err := chromedp.Call(v.tab.Ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	if err != nil {
		v.t.Fatal(err)
	}
	v.axe = "" // needs scripts, as timers do
	js[any](v, `document.querySelector("button[name=role]").click(), null`)
	v.sees("Continuing to the AWS console")
	type form struct{ Action, Button, RelayState, Method string }
	got := js[form](v, `(() => { const f = document.querySelector("form[data-post]"), b = f.querySelector("button");
		return {Action: f.action, Button: b.checkVisibility() ? b.textContent : "", RelayState: f.elements.RelayState.value, Method: f.method}; })()`)
	if want := (form{"https://us-east-1.signin.aws.amazon.com/saml", "Continue to the AWS console", destination, "post"}); got != want {
		v.t.Errorf("%+v, want %+v", got, want)
	}
}
