// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/portal/ui"
)

func get(u *ui.UI, method, path, encoding string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Accept-Encoding", encoding)
	w := httptest.NewRecorder()
	u.Static().ServeHTTP(w, r)
	return w
}

func TestStatic(t *testing.T) {
	u := newUI(t, "/sso")
	path := u.Asset("app.css")
	if !regexp.MustCompile(`^/sso/static/app\.[0-9a-f]{12}\.css$`).MatchString(path) {
		t.Fatalf("path %q", path)
	}
	plain := get(u, http.MethodGet, path, "")
	packed := get(u, http.MethodGet, path, "br, gzip")
	if plain.Code != http.StatusOK || packed.Header().Get("Content-Encoding") != "gzip" || plain.Header().Get("Content-Encoding") != "" {
		t.Fatalf("status %d, headers %q, %q", plain.Code, plain.Header(), packed.Header())
	}
	z, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(z)
	if err != nil || !bytes.Equal(unpacked, plain.Body.Bytes()) {
		t.Errorf("gzip holds something else: %v", err)
	}
	for name, want := range map[string]string{
		"Content-Type":           "text/css; charset=utf-8",
		"Cache-Control":          "public, max-age=31536000, immutable",
		"X-Content-Type-Options": "nosniff",
		"Vary":                   "Accept-Encoding",
	} {
		if got := plain.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if w := get(u, http.MethodHead, path, ""); w.Code != http.StatusOK || w.Body.Len() != 0 {
		t.Errorf("HEAD: %d, %d bytes", w.Code, w.Body.Len())
	}
	if w := get(u, http.MethodPost, path, ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
	for _, missing := range []string{"/sso/static/", "/sso/static/app.css", "/sso/static/app.000000000000.css", "/sso/static/../ui.go"} {
		if w := get(u, http.MethodGet, missing, ""); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", missing, w.Code)
		}
	}
	if got := u.Asset("ui.go"); got != "" {
		t.Errorf("Asset of no file: %q", got)
	}
}

// transfer is what a browser that has nothing yet loads for a page, in gzip.
func transfer(t *testing.T, u *ui.UI, page ui.Page) int {
	t.Helper()
	body := render(t, u, page).Body.Bytes()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	total := packed.Len()
	for _, m := range regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`).FindAllSubmatch(body, -1) {
		total += get(u, http.MethodGet, string(m[1]), "gzip").Body.Len()
	}
	return total
}

func TestFirstPageIsSmall(t *testing.T) {
	const limit = 10_000
	u := newUI(t, "")
	signIn := ui.SignIn{Flow: "0123456789abcdef", Passkey: true, Sources: []ui.Source{{ID: "okta", Name: "Okta"}, {ID: "entra", Name: "Entra ID"}}}
	home := ui.PortalHome{Frame: ui.Frame{Person: "Rosa Lindqvist", SessionEnds: now.Add(1 << 40)}, Total: 8, All: 8}
	for i := range 8 {
		home.Accounts = append(home.Accounts, ui.Account{
			ID: fmt.Sprintf("%012d", 210987654321+i*7919), Name: fmt.Sprintf("Shop %d", i), Environment: "Production", Colour: ui.Red,
			Roles: []ui.Role{{Name: "Operator", Description: "Restart, scale and read logs"}, {Name: "ReadOnly", Description: "Look, change nothing"}},
		})
	}
	many := home
	for i := range 42 {
		a := home.Accounts[i%8]
		a.ID = fmt.Sprintf("%012d", 310987654321+i*104729)
		many.Accounts = append(many.Accounts, a)
	}
	for name, page := range map[string]ui.Page{"sign-in": signIn, "home": home, "fifty accounts": many} {
		size := transfer(t, u, page)
		t.Logf("%s: %d bytes", name, size)
		if size > limit {
			t.Errorf("%s: %d bytes in gzip, more than %d", name, size, limit)
		}
	}
}

// No page carries script or style of its own, and the static scripts use no
// sink that Trusted Types forbid.
func TestNothingInline(t *testing.T) {
	u := newUI(t, "")
	for _, page := range variants("abc") {
		body := render(t, u, page).Body.String()
		for _, bad := range []string{"<style", " style=", "<script>", " onclick"} {
			if strings.Contains(body, bad) {
				t.Errorf("%T has %s", page, bad)
			}
		}
	}
	for _, name := range []string{"app.js", "passkey.js", "post.js", "fragment.js"} {
		script := get(u, http.MethodGet, u.Asset(name), "").Body.String()
		for _, sink := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", ".src ="} {
			if strings.Contains(script, sink) {
				t.Errorf("%s uses %s", name, sink)
			}
		}
	}
}
