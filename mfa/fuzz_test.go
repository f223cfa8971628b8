// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzHandlerBody: no body makes the handlers panic or fault.
func FuzzHandlerBody(f *testing.F) {
	f.Add("/challenge", `{"kind":"totp","purpose":"second","strength":"any","options":{}}`)
	f.Add("/challenge/finish", `{"id":"x","answer":"123456"}`)
	f.Add("/enrol", `{"kind":"sms","ticket":"f.x","options":{"number":"+41441234567"}}`)
	f.Add("/enrol/finish", `{"id":"x","answer":{"a":1},"name":"é"}`)
	f.Add("/factors/rename", `{"id":"x","name":"y"}`)
	f.Fuzz(func(t *testing.T, path, body string) {
		if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?#% \r\n") || strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Skip()
		}
		p := newPage(t)
		r := httptest.NewRequestWithContext(t.Context(), "POST", "https://example.com/account/mfa"+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		p.h.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Fatalf("%s %q: %d %s", path, body, w.Code, w.Body)
		}
	})
}
