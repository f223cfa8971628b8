// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-id/gatehouse/internal/interop/browser"
)

func buildExample(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "passkeys")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/gatehouse-id/gatehouse/examples/passkeys").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// startExample builds and runs examples/passkeys and returns its address.
func startExample(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(buildExample(t), append(args, "--listen", "127.0.0.1:0")...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return strings.TrimSpace(strings.TrimPrefix(line, "Passkeys at "))
}

// TestExample signs up and in by the pages of examples/passkeys.
func TestExample(t *testing.T) {
	b := browser.Start(t)
	tab := b.Tab(t)
	origin := startExample(t)
	ctx, cancel := context.WithTimeout(tab.Ctx, 3*time.Minute)
	defer cancel()
	do := func(steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			t.Fatal(err, tab.Complaints())
		}
	}
	signedIn := func(name string) {
		t.Helper()
		do(chromedp.WaitVisible(chromedp.CSS("#passkeys")))
		got, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("h1")))
		if err != nil || got != "You are signed in as "+name {
			t.Fatalf("%q, %v", got, err)
		}
	}
	do(chromedp.EmulateViewport(360, 740), chromedp.Navigate(origin+"/"))
	tab.AddAuthenticator(t)

	do(chromedp.SendKeys(chromedp.CSS("#new-name"), "Ann"), chromedp.Click(chromedp.CSS(`[data-ceremony=create] button:enabled`)))
	signedIn("ann")

	// The authenticator answers the autofill request by itself, so fast that the
	// page in between may never be seen.
	session := func() string {
		t.Helper()
		got, err := chromedp.Call(tab.Ctx, network.GetCookies, network.GetCookiesParams{})
		if err != nil || len(got.Cookies) != 1 {
			t.Fatal(got.Cookies, err)
		}
		return got.Cookies[0].Value
	}
	before := session()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.dataset.old = "yes"`)); err != nil {
		t.Fatal(err)
	}
	do(chromedp.Click(chromedp.CSS(`form[action="/sign-out"] button`)), chromedp.WaitVisible(chromedp.CSS("body:not([data-old]) #passkeys")))
	signedIn("ann")
	if session() == before {
		t.Error("signing out kept the session")
	}

	// Without autofill it is the button, with no name and with one.
	if _, err := chromedp.Call(tab.Ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{
		Source: "PublicKeyCredential.isConditionalMediationAvailable = async () => false",
	}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "ann"} {
		do(chromedp.Click(chromedp.CSS(`form[action="/sign-out"] button`)), chromedp.WaitVisible(chromedp.CSS("#login-name")))
		if name != "" {
			do(chromedp.SendKeys(chromedp.CSS("#login-name"), name))
		}
		do(chromedp.Click(chromedp.CSS(`[data-ceremony=get] button:enabled`)))
		signedIn("ann")
	}
	// This authenticator has a passkey for Ann, so it gets no second one.
	do(chromedp.Click(chromedp.CSS(`[data-ceremony=create] button:enabled`)), chromedp.WaitVisible(chromedp.CSS(`[data-ceremony=create] [role=alert]`)))
	if text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(`[data-ceremony=create] [role=alert]`))); err != nil || !strings.Contains(text, "already") {
		t.Errorf("%q, %v", text, err)
	}
	if wide, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("document.documentElement.scrollWidth > innerWidth")); err != nil || wide {
		t.Errorf("the page is wider than 360 pixels: %v, %v", wide, err)
	}
	if said := tab.Complaints(); len(said) > 0 {
		t.Errorf("the console says %q", said)
	}

	// A name that nobody has: no passkey fits, and nothing tells why.
	nobody := nobodyHere(t, origin)
	do(chromedp.Click(chromedp.CSS(`form[action="/sign-out"] button`)), chromedp.WaitVisible(chromedp.CSS("#login-name")),
		chromedp.SendKeys(chromedp.CSS("#login-name"), nobody), chromedp.Click(chromedp.CSS(`[data-ceremony=get] button:enabled`)),
		chromedp.WaitVisible(chromedp.CSS(`[data-ceremony=get] [role=alert]`)))

	// Dark, and as narrow as the standard asks for.
	if _, err := chromedp.Call(tab.Ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
	}); err != nil {
		t.Fatal(err)
	}
	do(chromedp.EmulateViewport(320, 740))
	color, err := chromedp.Run(ctx, chromedp.Evaluate[string]("getComputedStyle(document.body).backgroundColor"))
	if err != nil || color != "rgb(19, 23, 22)" {
		t.Errorf("the dark page is %s, %v", color, err)
	}
	if wide, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("document.documentElement.scrollWidth > innerWidth")); err != nil || wide {
		t.Errorf("the page is wider than 320 pixels: %v, %v", wide, err)
	}
}

// nobodyHere is a name that nobody has, and whose made-up passkeys could all be
// on this computer: for one that is on a security key the browser waits until
// somebody plugs it in. The key that draws them is new with each start.
func nobodyHere(t *testing.T, origin string) string {
	t.Helper()
	for i := range 100 {
		name := fmt.Sprintf("nobody%d", i)
		res, err := http.Post(origin+"/webauthn/login/begin", "application/json", strings.NewReader(`{"username":"`+name+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		var asked struct {
			PublicKey struct {
				AllowCredentials []struct{ Transports []string }
			}
		}
		err = json.NewDecoder(res.Body).Decode(&asked)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		elsewhere := false
		for _, c := range asked.PublicKey.AllowCredentials {
			elsewhere = elsewhere || !slices.Contains(c.Transports, "internal")
		}
		if !elsewhere {
			return name
		}
	}
	t.Fatal("every made-up passkey is on a security key")
	return ""
}
