// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	browsers "github.com/gatehouse-id/gatehouse/internal/interop/browser"
	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/code"
)

// TestMagicLink: a person presses the button of the page of links in Chromium,
// in the browser that asked and in another. The script takes the token out of
// the address.
func TestMagicLink(t *testing.T) {
	asking, other := browsers.Start(t).Tab(t), browsers.Start(t).Tab(t)
	var sent string
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	defer srv.Close()
	link, err := code.NewLink(code.LinkConfig{
		URL:     srv.URL + "/link",
		Sender:  code.SenderFunc(func(_ context.Context, m code.Message) error { sent = m.Link; return nil }),
		Address: func(_ context.Context, s mfa.Subject) (string, error) { return s.ID + "@example.com", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	flow := newFlowOf(t, mfa.NewMemoryStore(100), link, time.Now, nil)
	page, err := code.NewLinkHandler(code.LinkHandlerConfig{
		Flow: flow,
		Asked: func(r *http.Request) (session, id string) {
			c, err := r.Cookie("asked")
			if err != nil {
				return "", ""
			}
			return browser, c.Value
		},
		Commit: func(context.Context, *http.Request, mfa.Result) error { return nil },
		Render: func(w http.ResponseWriter, _ *http.Request, p code.LinkPage) {
			w.Header().Set("Content-Type", "text/html")
			switch {
			case p.Result != nil:
				fmt.Fprintf(w, `<p id="end">hello %s`, p.Result.Subject.ID)
			case p.Code != "":
				fmt.Fprintf(w, `<p id="end">type %s`, p.Code)
			case p.Err != nil:
				fmt.Fprintf(w, `<p id="end">%v`, p.Err)
			default:
				fmt.Fprint(w, `<!doctype html><title>link</title><form method="post"><input type="hidden" name="token"><button>Sign in</button></form><script>`+code.LinkScript+`</script>`)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/link", page)
	mux.HandleFunc("GET /ask", func(w http.ResponseWriter, r *http.Request) {
		ch, err := flow.Begin(r.Context(), mfa.BeginInput{Subject: alice, Kind: mfa.KindMagicLink, Purpose: mfa.First, Session: browser})
		if err != nil {
			t.Error(err)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "asked", Value: ch.ID, Path: "/", HttpOnly: true})
	})

	press := func(tab *browsers.Tab) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(tab.Ctx, time.Minute)
		defer cancel()
		if err := chromedp.Do(ctx, chromedp.Navigate(sent)); err != nil {
			t.Fatal(err)
		}
		if at, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href")); err != nil || at != srv.URL+"/link" {
			t.Errorf("the address is %q, %v", at, err)
		}
		if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS("button")), chromedp.WaitVisible(chromedp.CSS("#end"))); err != nil {
			t.Fatal(err, tab.Complaints())
		}
		text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("#end")))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if err := chromedp.Do(asking.Ctx, chromedp.Navigate(srv.URL+"/ask")); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(sent, srv.URL+"/link#") {
		t.Fatalf("sent %q", sent)
	}
	_, token, _ := strings.Cut(sent, "#")
	if said := press(other); said != "type "+code.TypedCode(token) {
		t.Errorf("another browser is told %q", said)
	}
	if said := press(asking); said != "hello "+alice.ID {
		t.Errorf("the browser that asked is told %q", said)
	}
}
