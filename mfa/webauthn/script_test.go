// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/mfa/webauthn"
)

// TestScript: what the module does is shown in Chromium, in internal/interop.
func TestScript(t *testing.T) {
	t.Parallel()
	serve := func(method, tag string) *http.Response {
		r := httptest.NewRequest(method, "/any/path.js", nil)
		r.Header.Set("If-None-Match", tag)
		w := httptest.NewRecorder()
		webauthn.Script().ServeHTTP(w, r)
		return w.Result()
	}
	res := serve(http.MethodGet, "")
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/javascript; charset=utf-8" ||
		res.Header.Get("X-Content-Type-Options") != "nosniff" || res.ContentLength == 0 {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	if again := serve(http.MethodGet, res.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
		t.Errorf("the same again: %d", again.StatusCode)
	}
	if other := serve(http.MethodGet, `"other"`); other.StatusCode != http.StatusOK {
		t.Errorf("another one: %d", other.StatusCode)
	}
	if res := serve(http.MethodPost, ""); res.StatusCode != http.StatusMethodNotAllowed || !strings.Contains(res.Header.Get("Allow"), "GET") {
		t.Errorf("POST: %d %v", res.StatusCode, res.Header)
	}
}
