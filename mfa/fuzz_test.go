// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/webauthn"
)

// FuzzHandlerBody: no body makes the handlers panic or fault.
func FuzzHandlerBody(f *testing.F) {
	f.Add("/challenge", `{"kind":"totp","purpose":"second","strength":"any"}`)
	f.Add("/challenge", `{"kind":"sms","purpose":"second","options":{"record":"x"}}`)
	f.Add("/challenge", `{"kind":"webauthn","purpose":"step-up","options":{"userVerification":"discouraged"}}`)
	f.Add("/enrol", `{"kind":"webauthn","ticket":"f.x","options":{"conditional":true}}`)
	f.Add("/challenge/finish", `{"id":"x","answer":"123456"}`)
	f.Add("/enrol", `{"kind":"sms","ticket":"f.x","options":{"number":"+41441234567"}}`)
	f.Add("/enrol/finish", `{"id":"x","answer":{"a":1},"name":"é"}`)
	f.Add("/factors/rename", `{"id":"x","name":"y"}`)
	f.Add("/challenge/finish", `{"id":"x","answer":"123456","trust":true}`)
	f.Add("/first", `{"kind":"webauthn","name":"alice"}`)
	f.Add("/first", `{"kind":"link","name":"nobody","options":{}}`)
	f.Add("/first/finish", `{"id":"x","answer":{"id":"a","response":{"userHandle":"YQ"}}}`)
	keys, err := webauthn.New(webauthn.Config{
		RPID: "example.com", RPName: "Example", Origins: []string{"https://example.com"}, Key: make([]byte, 32),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, body string) {
		if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?#% \r\n") || strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Skip()
		}
		p := newPage(t, withRules, func(c *mfa.Config) { c.Factors = append(c.Factors, keys) })
		r := httptest.NewRequestWithContext(t.Context(), "POST", "https://example.com/account/mfa"+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		p.h.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Fatalf("%s %q: %d %s", path, body, w.Code, w.Body)
		}
	})
}
