// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package browser drives Debian's Chromium for the tests that need a real
// browser: [Start] gives one with a fresh profile, [Browser.Tab] a tab that
// remembers every complaint of its console.
package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// Browser is a running Chromium, which ends with the test.
type Browser struct{ ctx context.Context }

// Start starts Chromium. Where there is none the test is skipped, or fails if
// GATEHOUSE_PEERS is "require".
func Start(tb testing.TB) *Browser {
	tb.Helper()
	path := find(tb)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(tb.TempDir()),
		chromedp.NoSandbox,
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true),
		// A start on a busy machine may take longer than the default.
		chromedp.WSURLReadTimeout(time.Minute),
	)
	allocator, endAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(allocator)
	tb.Cleanup(func() {
		end()
		endAllocator()
	})
	if err := chromedp.Do(ctx); err != nil {
		tb.Fatalf("start %s: %v", path, err)
	}
	return &Browser{ctx: ctx}
}

func find(tb testing.TB) string {
	tb.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "no Chromium: install Debian's package chromium"
	if os.Getenv("GATEHOUSE_PEERS") == "require" {
		tb.Fatal(missing)
	}
	tb.Skip(missing)
	return ""
}

// Tab is one tab. Ctx is what chromedp's functions take.
type Tab struct {
	Ctx context.Context

	mu         sync.Mutex
	complaints []string
}

// Tab opens a tab. Tabs of one browser share cookies.
func (b *Browser) Tab(tb testing.TB) *Tab {
	tb.Helper()
	ctx, end := chromedp.NewContext(b.ctx)
	tb.Cleanup(end)
	tab := &Tab{Ctx: ctx}
	if err := chromedp.Listen(ctx, tab.hear); err != nil {
		tb.Fatalf("open tab: %v", err)
	}
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		tb.Fatalf("listen to the console: %v", err)
	}
	return tab
}

// hear keeps errors and warnings: of scripts, of the network, of the content
// security policy.
func (t *Tab) hear(event any) {
	var complaint string
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			complaint = fmt.Sprintf("%s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			complaint = fmt.Sprintf("console.%s", e.Type)
			for _, a := range e.Args {
				complaint += " " + string(a.Value) + a.Description
			}
		}
	case *runtime.EventExceptionThrown:
		complaint = "exception: " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			complaint += " " + e.ExceptionDetails.Exception.Description
		}
	}
	if complaint == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.complaints = append(t.complaints, complaint)
}

// Complaints returns what the console said since the last call.
func (t *Tab) Complaints() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	said := t.complaints
	t.complaints = nil
	return said
}

// AddAuthenticator gives the tab a virtual passkey authenticator that verifies
// its user and answers by itself. WebAuthn needs an origin like
// http://localhost:PORT.
func (t *Tab) AddAuthenticator(tb testing.TB) webauthn.AuthenticatorID {
	tb.Helper()
	if _, err := chromedp.Call(t.Ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		tb.Fatalf("enable WebAuthn: %v", err)
	}
	added, err := chromedp.Call(t.Ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
		Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol:                    webauthn.AuthenticatorProtocolCtap2,
			Ctap2version:                webauthn.Ctap2versionCtap21,
			Transport:                   webauthn.AuthenticatorTransportInternal,
			HasResidentKey:              true,
			HasUserVerification:         true,
			IsUserVerified:              true,
			AutomaticPresenceSimulation: true,
		},
	})
	if err != nil {
		tb.Fatalf("add authenticator: %v", err)
	}
	return added.AuthenticatorID
}
