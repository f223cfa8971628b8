// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
	"github.com/gatehouse-id/gatehouse/mfa/webauthn"
)

// page is a browser on the JSON handlers, with a session of its own.
type page struct {
	*rig
	h      http.Handler
	proved []mfa.Evidence
	done   int
	refuse bool
	cookie string
	// options are the application's.
	options json.RawMessage
}

func newPage(t *testing.T, change ...func(*mfa.Config)) *page {
	p := &page{rig: newRig(t, change...), cookie: session}
	p.proved = p.password()
	h, err := mfa.NewHandler(mfa.HandlerConfig{
		Flow: p.flow,
		Identify: func(*http.Request) (mfa.Subject, error) {
			if p.refuse {
				return mfa.Subject{}, errors.New("no session")
			}
			return alice, nil
		},
		Session:  func(*http.Request) (string, error) { return p.cookie, nil },
		Evidence: func(*http.Request) ([]mfa.Evidence, error) { return p.proved, nil },
		Commit: func(_ context.Context, _ *http.Request, res mfa.Result) error {
			p.proved = append(p.proved, res.Evidence)
			return nil
		},
		Options: func(*http.Request, mfa.Kind, mfa.Purpose) json.RawMessage { return p.options },
		Done:    func(w http.ResponseWriter, _ *http.Request, _ mfa.Result) { p.done++; w.Header().Set("X-Done", "1") },
	})
	if err != nil {
		t.Fatal(err)
	}
	p.h = http.StripPrefix("/account/mfa", h)
	return p
}

func (p *page) do(method, path, body string, header ...string) (int, map[string]any) {
	p.t.Helper()
	r := httptest.NewRequestWithContext(p.t.Context(), method, "https://example.com/account/mfa"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	p.h.ServeHTTP(w, r)
	var out map[string]any
	if w.Header().Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			p.t.Fatal(err)
		}
	}
	return w.Code, out
}

func (p *page) post(path string, body any) (int, map[string]any) {
	p.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.do("POST", path, string(b))
}

type obj = map[string]any

func TestHandler(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	code, out := p.post("/enrol", obj{"kind": "totp", "ticket": p.ticket()})
	if code != 200 {
		t.Fatal(code, out)
	}
	public, _ := json.Marshal(out["public"])
	d, err := mfatest.ScanTOTP(&mfa.Challenge{Public: public})
	if err != nil {
		t.Fatal(err)
	}
	code, rec := p.post("/enrol/finish", obj{"id": out["id"], "answer": d.Code(p.clock()), "name": "phone"})
	if code != 200 || rec["name"] != "phone" || rec["kind"] != "totp" {
		t.Fatal(code, rec)
	}
	p.pass(time.Minute)
	code, out = p.post("/challenge", obj{"kind": "totp", "purpose": "second"})
	if code != 200 {
		t.Fatal(code, out)
	}
	code, out = p.post("/challenge/finish", obj{"id": out["id"], "answer": d.Code(p.clock())})
	if code != 200 || out["passed"] != true || p.done != 2 || len(p.proved) != 3 {
		t.Fatal(code, out, p.done, p.proved)
	}
	code, out = p.do("GET", "/factors", "")
	if list, _ := out["factors"].([]any); code != 200 || len(list) != 1 {
		t.Fatal(code, out)
	}
	if code, out = p.post("/factors/rename", obj{"id": rec["id"], "name": "new"}); code != 200 {
		t.Fatal(code, out)
	}
	if code, out = p.do("GET", "/devices", ""); code != 200 || out["devices"] == nil {
		t.Fatal(code, out)
	}
	if code, out = p.post("/devices/revoke", obj{"id": "x"}); code != 404 {
		t.Fatal(code, out)
	}
	if code, out = p.post("/factors/remove", obj{"id": rec["id"]}); code != 200 {
		t.Fatal(code, out)
	}
}

func TestHandlerRefuses(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	d := p.enrolTOTP()
	begin := func() any {
		t.Helper()
		code, out := p.post("/challenge", obj{"kind": "totp", "purpose": "second"})
		if code != 200 {
			t.Fatal(code, out)
		}
		return out["id"]
	}
	good := d.Code(p.clock())
	want := func(what string, status int, check string, code int, out map[string]any) {
		t.Helper()
		if code != status || out["error"] != check || out["message"] == "" {
			t.Errorf("%s: %d %v, want %d %s", what, code, out, status, check)
		}
	}
	finish := func(id, answer any) (int, map[string]any) {
		return p.post("/challenge/finish", obj{"id": id, "answer": answer})
	}
	code, out := finish(begin(), good)
	if code != 200 {
		t.Fatal(code, out)
	}
	code, out = finish(begin(), good)
	want("a reused code", 403, "wrong", code, out)
	reused := out["message"]
	code, out = finish(begin(), "000000")
	want("a wrong code", 403, "wrong", code, out)
	if out["message"] != reused {
		t.Error("wrong and reused codes are told apart")
	}
	id := begin()
	p.cookie = "another"
	code, out = finish(id, good)
	want("another session", 403, "challenge", code, out)
	p.cookie = session
	code, out = p.post("/challenge", obj{"kind": "totp", "purpose": "first"})
	want("a first factor", 400, "input", code, out)
	code, out = p.post("/challenge", obj{"kind": "none", "purpose": "second"})
	want("an unknown kind", 404, "kind", code, out)
	p.proved = p.password()
	code, out = p.post("/factors/remove", obj{"id": "x"})
	want("no fresh factor", 403, "fresh", code, out)
	code, out = p.post("/enrol", obj{"kind": "totp", "ticket": "x"})
	want("a ticket", 403, "ticket", code, out)

	const body = `{"kind":"totp","purpose":"second"}`
	for what, c := range map[string]struct {
		body   string
		header []string
	}{
		"unknown member": {`{"kind":"totp","x":1}`, nil},
		"member twice":   {`{"kind":"mail","kind":"totp","purpose":"second"}`, nil},
		"case":           {`{"kind":"mail","Kind":"totp","purpose":"second"}`, nil},
		"two values":     {body + body, nil},
		"nothing":        {``, nil},
		"nested":         {`{"options":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, nil},
		"huge":           {`{"options":"` + strings.Repeat("x", 300_000) + `"}`, nil},
		"form":           {body, []string{"Content-Type", "application/x-www-form-urlencoded"}},
	} {
		code, out = p.do("POST", "/challenge", c.body, c.header...)
		want(what, 400, "input", code, out)
	}
	code, out = p.do("POST", "/challenge", body, "Sec-Fetch-Site", "cross-site")
	want("another site", 401, "identify", code, out)
	if code, _ := p.do("GET", "/challenge", ""); code != 405 {
		t.Errorf("GET of a challenge: %d", code)
	}
	for range 3 { // two were charged before
		_, out = p.post("/challenge", obj{"kind": "totp", "purpose": "second"})
		finish(out["id"], "000000")
	}
	code, out = p.post("/challenge", obj{"kind": "totp", "purpose": "second"})
	want("locked", 429, "locked", code, out)
	p.refuse = true
	code, out = p.do("GET", "/factors", "")
	want("nobody", 401, "identify", code, out)
}

// TestHandlerOptions: what weakens a factor is the application's to say, never
// the browser's.
func TestHandlerOptions(t *testing.T) {
	t.Parallel()
	f, err := webauthn.New(webauthn.Config{
		RPID: "example.com", RPName: "Example", Origins: []string{"https://example.com"},
		Key: make([]byte, 32), UserVerification: webauthn.Preferred,
	})
	if err != nil {
		t.Fatal(err)
	}
	p := newPage(t, func(c *mfa.Config) { c.Factors = append(c.Factors, f) })
	enrol := func(options any) (int, map[string]any) {
		return p.post("/enrol", obj{"kind": "webauthn", "ticket": p.ticket(), "options": options})
	}
	for _, o := range []any{obj{"userVerification": "discouraged"}, obj{"conditional": true}, obj{}, 7} {
		if code, out := enrol(o); code != 400 || out["error"] != "input" {
			t.Errorf("options %v: %d %v", o, code, out)
		}
	}
	if code, out := p.post("/challenge", obj{"kind": "webauthn", "purpose": "second", "options": obj{"userVerification": "discouraged"}}); code != 400 || out["error"] != "input" {
		t.Errorf("a challenge: %d %v", code, out)
	}
	p.options = webauthn.Options{UserVerification: webauthn.Required}.JSON()
	code, out := enrol(obj{"userVerification": "discouraged"})
	public, _ := out["public"].(map[string]any)
	selection, _ := public["authenticatorSelection"].(map[string]any)
	if code != 200 || selection["userVerification"] != "required" {
		t.Errorf("options of the application: %d %v", code, out)
	}
}

func TestHandlerConfig(t *testing.T) {
	t.Parallel()
	if _, err := mfa.NewHandler(mfa.HandlerConfig{}); err == nil {
		t.Error("an empty configuration is accepted")
	}
	w := httptest.NewRecorder()
	mfa.WriteError(w, nil, errors.New("secret cause"))
	if w.Code != 500 || bytes.Contains(w.Body.Bytes(), []byte("secret")) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
