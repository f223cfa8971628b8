// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/ui"
)

var now = time.Date(2026, time.November, 24, 9, 12, 0, 0, time.UTC)

func newUI(t testing.TB, base string) *ui.UI {
	t.Helper()
	u, err := ui.New(ui.Config{
		Brand: "Acorn Bikes", BasePath: base, Help: "Call 400",
		Now:     func() time.Time { return now },
		OnError: func(err error) { t.Log(err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func render(t testing.TB, u *ui.UI, page ui.Page) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	u.Render(w, http.StatusOK, page)
	return w
}

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]ui.Config{
		"no brand":        {},
		"blank brand":     {Brand: " "},
		"relative base":   {Brand: "B", BasePath: "sso"},
		"trailing slash":  {Brand: "B", BasePath: "/sso/"},
		"root as base":    {Brand: "B", BasePath: "/"},
		"base not clean":  {Brand: "B", BasePath: "/a/../b"},
		"base of slashes": {Brand: "B", BasePath: "//evil.example"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ui.New(c); err == nil {
				t.Fatal("accepted")
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	u := newUI(t, "/sso")
	w := httptest.NewRecorder()
	u.Render(w, http.StatusUnauthorized, ui.SignIn{Problem: "No."})
	if w.Code != http.StatusUnauthorized {
		t.Errorf("status %d", w.Code)
	}
	want := map[string]string{
		"Content-Type":                 "text/html; charset=utf-8",
		"Cache-Control":                "no-store",
		"Referrer-Policy":              "same-origin",
		"X-Content-Type-Options":       "nosniff",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; " +
			"frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
	}
	for name, value := range want {
		if got := w.Header().Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
}

// Only pages with a passkey script may talk to the portal from a script.
func TestConnectOnlyForPasskeys(t *testing.T) {
	u := newUI(t, "")
	for _, c := range []struct {
		page ui.Page
		want bool
	}{
		{ui.SignIn{Passkey: true}, true},
		{ui.SignIn{}, false},
		{ui.EnrolPasskey{}, true},
		{ui.SecondFactor{Current: ui.MethodPasskey}, true},
		{ui.SecondFactor{Current: ui.MethodTOTP}, false},
		{ui.PortalHome{}, false},
	} {
		policy := render(t, u, c.page).Header().Get("Content-Security-Policy")
		if got := strings.Contains(policy, "connect-src 'self'"); got != c.want {
			t.Errorf("%T: connect-src %t in %q", c.page, got, policy)
		}
	}
}

func TestSAMLPostReachesItsDestinationAlone(t *testing.T) {
	w := render(t, newUI(t, ""), ui.SAMLPost{
		Destination: "https://signin.aws.amazon.com/saml?x=1", Message: "PHg+", RelayState: "r", To: "AWS",
		Onward: []string{"https://console.aws.amazon.com", "https://*.console.aws.amazon.com"},
	})
	policy := w.Header().Get("Content-Security-Policy")
	if want := "; form-action https://signin.aws.amazon.com/saml https://console.aws.amazon.com https://*.console.aws.amazon.com; "; !strings.Contains(policy, want) {
		t.Errorf("policy %q lacks %q", policy, want)
	}
	if got := w.Header().Get("Referrer-Policy"); got != "strict-origin" {
		t.Errorf("Referrer-Policy %q", got)
	}
	for _, want := range []string{
		`action="https://signin.aws.amazon.com/saml?x=1"`, `name="SAMLResponse" value="PHg&#43;"`, `name="RelayState" value="r"`, "/static/post.", "<button>Continue to AWS</button>",
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("body lacks %s", want)
		}
	}
}

func TestSAMLPostByHand(t *testing.T) {
	w := render(t, newUI(t, ""), ui.SAMLPost{Destination: "http://127.0.0.1:9/acs", Param: "SAMLRequest", Message: "x", Manual: true})
	if body := w.Body.String(); strings.Contains(body, "post.") || !strings.Contains(body, `name="SAMLRequest"`) {
		t.Errorf("body %s", body)
	}
}

// A destination that reads differently than it goes, or widens the policy, is
// a fault of the program: the page is not shown.
func TestDestinationRefused(t *testing.T) {
	u := newUI(t, "")
	for _, destination := range []string{
		"", "/saml", "//evil.example", "javascript:alert(1)", "http://signin.aws.amazon.com/saml", "ftp://a.example/",
		"https://user@a.example/", "https://*.example/", "https://a.example;script-src *", "https://a.example/ 'unsafe-inline'",
		"https:a.example", `https://a.example\@b.example`, "https://a.example/\r\nX: y", "http://127.0.0.1.evil.example/", "https:///x",
	} {
		for _, page := range []ui.Page{ui.SAMLPost{Destination: destination}, ui.Redirect{URL: destination}, ui.Redirect{URL: destination, Manual: true}} {
			w := render(t, u, page)
			if w.Code != http.StatusInternalServerError {
				t.Errorf("%T %q: status %d, %q", page, destination, w.Code, w.Header())
			}
			if w.Header().Get("Refresh") != "" || strings.Contains(w.Body.String(), "<form") {
				t.Errorf("%T %q: %q %s", page, destination, w.Header(), w.Body)
			}
		}
	}
}

func TestOnwardRefused(t *testing.T) {
	u := newUI(t, "")
	for _, onward := range []string{"*", "https://*", "https://*.com", "https://*.amazon.com", "https://*.a.b.c/path", "https://a.*.b.c", "http://*.a.b.c", "https://*.*.b.c.d"} {
		if w := render(t, u, ui.SAMLPost{Destination: "https://a.example/", Onward: []string{onward}}); w.Code != http.StatusInternalServerError {
			t.Errorf("%q: %q", onward, w.Header().Get("Content-Security-Policy"))
		}
	}
}

func FuzzDestination(f *testing.F) {
	u, err := ui.New(ui.Config{Brand: "Acorn Bikes"})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"https://signin.aws.amazon.com/saml", "http://localhost:1/a;b,c", "https://a.example/%3B?;'", "https://[::1]:8/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, destination string) {
		w := render(t, u, ui.SAMLPost{Destination: destination, Message: "x"})
		if w.Code != http.StatusOK {
			return
		}
		policy := w.Header().Get("Content-Security-Policy")
		_, source, _ := strings.Cut(policy, "form-action ")
		source, _, _ = strings.Cut(source, ";")
		_, host, _ := strings.Cut(source, "://")
		host, _, _ = strings.Cut(host, "/")
		// A star is a wildcard in the host; in the path it stands for itself.
		if strings.Count(policy, ";") != 8 || strings.ContainsAny(source, " ,\r\n") || strings.Contains(host, "*") {
			t.Errorf("policy %q", policy)
		}
	})
}

func TestRedirect(t *testing.T) {
	u := newUI(t, "")
	w := render(t, u, ui.Redirect{URL: "http://127.0.0.1:51234/callback?code=a&state=b", To: "your tool"})
	if got := w.Header().Get("Refresh"); got != "0; url=http://127.0.0.1:51234/callback?code=a&state=b" {
		t.Errorf("Refresh %q", got)
	}
	if !strings.Contains(w.Body.String(), `href="http://127.0.0.1:51234/callback?code=a&amp;state=b"`) {
		t.Errorf("body %s", w.Body)
	}
	w = render(t, u, ui.Redirect{URL: "https://idp.example/sso", Manual: true})
	if got := w.Header().Get("Refresh"); got != "" {
		t.Errorf("Refresh %q", got)
	}
}
