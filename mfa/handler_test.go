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
	"net/netip"
	"regexp"
	"strconv"
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
	who    mfa.Subject
	proved []mfa.Evidence
	done   []mfa.Result
	refuse bool
	cookie string
	groups []string
	// commit fails with it.
	commit error
	// options are the application's.
	options json.RawMessage
	// header is that of the last response.
	header http.Header
}

func newPage(t *testing.T, change ...func(*mfa.Config)) *page {
	p := &page{rig: newRig(t, change...), who: alice, cookie: session}
	p.proved = p.password()
	c := p.config()
	h, err := mfa.NewHandler(c)
	if err != nil {
		t.Fatal(err)
	}
	c.Identify, c.Evidence = nil, nil // nobody is signed in
	first, err := mfa.NewSignInHandler(c)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", h)
	mux.Handle("/first", first)
	mux.Handle("/first/", first)
	p.h = http.StripPrefix("/account/mfa", mux)
	return p
}

func (p *page) config() mfa.HandlerConfig {
	return mfa.HandlerConfig{
		Flow: p.flow,
		Identify: func(*http.Request) (mfa.Subject, error) {
			if p.refuse {
				return mfa.Subject{}, errors.New("no session")
			}
			return p.who, nil
		},
		Session: func(*http.Request) (string, error) {
			if p.cookie == "" {
				return "", http.ErrNoCookie
			}
			return p.cookie, nil
		},
		Evidence: func(*http.Request) ([]mfa.Evidence, error) { return p.proved, nil },
		Commit: func(_ context.Context, _ *http.Request, res mfa.Result) error {
			if p.commit != nil {
				return p.commit
			}
			p.proved = append(p.proved, res.Evidence)
			return nil
		},
		Request: func(_ *http.Request, q mfa.Request) (mfa.Request, error) {
			q.Groups = p.groups
			return q, nil
		},
		Lookup: func(_ *http.Request, name string) (mfa.Subject, error) {
			if name == "" || name == alice.ID { // whatever it returns for no name is nobody
				return alice, nil
			}
			return mfa.Subject{Tenant: alice.Tenant}, nil
		},
		Options: func(*http.Request, mfa.Kind, mfa.Purpose) json.RawMessage { return p.options },
		Done: func(w http.ResponseWriter, _ *http.Request, res mfa.Result) {
			p.done = append(p.done, res)
			w.Header().Set("X-Done", "1")
		},
	}
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
	p.header = w.Header()
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
	if code != 200 || out["passed"] != true || len(p.done) != 2 || len(p.proved) != 3 {
		t.Fatal(code, out, p.done, p.proved)
	}
	code, out = p.do("GET", "/factors", "")
	if list, _ := out["factors"].([]any); code != 200 || len(list) != 1 {
		t.Fatal(code, out)
	}
	fallback := map[any]any{}
	for _, k := range out["kinds"].([]any) {
		fallback[k.(obj)["kind"]] = k.(obj)["fallback"]
	}
	if fallback["totp"] != false || fallback["mail"] != true {
		t.Errorf("kinds %v", out["kinds"])
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
	p.cookie = ""
	code, out = finish(id, good)
	want("no session", 401, "identify", code, out)
	p.cookie = session

	// One session, in which another person is by now.
	p.pass(time.Minute)
	id = begin()
	_, enrolment := p.post("/enrol", obj{"kind": "totp", "ticket": p.ticket()})
	public, _ := json.Marshal(enrolment["public"])
	another, err := mfatest.ScanTOTP(&mfa.Challenge{Public: public})
	if err != nil {
		t.Fatal(err)
	}
	proofs := len(p.proved)
	p.who = mfa.Subject{Tenant: alice.Tenant, ID: "bob"}
	code, out = finish(id, d.Code(p.clock()))
	want("another person's challenge", 403, "challenge", code, out)
	code, out = p.post("/enrol/finish", obj{"id": enrolment["id"], "answer": another.Code(p.clock())})
	want("another person's enrolment", 403, "challenge", code, out)
	if records, err := p.flow.Records(t.Context(), alice); err != nil || len(records) != 1 || len(p.proved) != proofs || len(p.done) != 1 {
		t.Errorf("another person got something: %v, %v, %d proofs, %d done", records, err, len(p.proved), len(p.done))
	}
	p.who = mfa.Subject{Tenant: alice.Tenant}
	code, out = p.do("GET", "/factors", "")
	want("a session of nobody", 401, "identify", code, out)
	p.who = alice
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
	for range 2 { // three were charged before
		_, out = p.post("/challenge", obj{"kind": "totp", "purpose": "second"})
		finish(out["id"], "000000")
	}
	code, out = p.post("/challenge", obj{"kind": "totp", "purpose": "second"})
	want("locked", 429, "locked", code, out)
	if wait := p.header.Get("Retry-After"); wait == "" || out["until"] == nil {
		t.Errorf("locked: Retry-After %q, until %v", wait, out["until"])
	}
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
	if _, err := mfa.NewSignInHandler(mfa.HandlerConfig{}); err == nil {
		t.Error("an empty configuration is accepted for sign-in")
	}
	w := httptest.NewRecorder()
	id := mfa.WriteError(w, nil, errors.New("secret cause"))
	if w.Code != 500 || bytes.Contains(w.Body.Bytes(), []byte("secret")) || id == "" || !strings.Contains(w.Body.String(), id) {
		t.Errorf("id %q: %d %s", id, w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	until := time.Now().Add(90 * time.Second)
	if id := mfa.WriteError(w, nil, &mfa.Error{Check: mfa.CheckLocked, Public: "Later.", Until: until}); id != "" {
		t.Errorf("a refusal has the id %q", id)
	}
	if n, err := strconv.Atoi(w.Header().Get("Retry-After")); err != nil || n < 60 || n > 90 {
		t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
	}
}

// TestHandlerHooks: what the application says of the client, of the labels and
// of errors is what counts.
func TestHandlerHooks(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	c := p.config()
	from := netip.MustParseAddr("192.0.2.9")
	c.Client = func(*http.Request) mfa.Client { return mfa.Client{Addr: from, Browser: "Firefox on Linux"} }
	c.Account = func(_ *http.Request, s mfa.Subject) (string, string) { return s.ID + "@example.com", "Alice" }
	var logged error
	c.OnError = func(w http.ResponseWriter, _ *http.Request, err error) {
		logged = err
		w.WriteHeader(http.StatusTeapot)
	}
	h, err := mfa.NewHandler(c)
	if err != nil {
		t.Fatal(err)
	}
	p.h = http.StripPrefix("/account/mfa", h)
	code, out := p.post("/enrol", obj{"kind": "totp", "ticket": p.ticket()})
	public, _ := json.Marshal(out["public"])
	if code != 200 || !strings.Contains(string(public), "alice@example.com") {
		t.Errorf("labels: %d %s", code, public)
	}
	if code, _ = p.post("/enrol/finish", obj{"id": out["id"], "answer": "000000"}); code != http.StatusTeapot || mfa.CheckOf(logged) != mfa.CheckWrong {
		t.Errorf("OnError: %d %v", code, logged)
	}
	if e := p.events[len(p.events)-1]; e.Addr != from || e.Browser != "Firefox on Linux" {
		t.Errorf("the client is %v with %q", e.Addr, e.Browser)
	}
}

// withRules has a policy in which browsers are trusted for a day by all but
// administrators.
func withRules(c *mfa.Config) {
	var err error
	c.Policy, err = mfa.NewPolicy(mfa.PolicyConfig{
		Rules:   []mfa.Rule{{Name: "administrators", Groups: []string{"admins"}, MaxAge: 10 * time.Minute}},
		Default: mfa.Rule{Trust: 24 * time.Hour, Factors: []mfa.Kind{mfa.KindTOTP, mfa.KindMail}},
	})
	if err != nil {
		panic(err)
	}
}

// TestHandlerDecision: the page is told what is asked for, not why.
func TestHandlerDecision(t *testing.T) {
	t.Parallel()
	p := newPage(t, withRules)
	p.enrolTOTP()
	for _, c := range []struct {
		groups []string
		want   string
	}{
		{nil, `{"factors":["totp","mail"],"outcome":"ask","trust":86400}`},
		{[]string{"admins"}, `{"factors":["totp"],"maxAge":600,"outcome":"ask"}`},
	} {
		p.groups = c.groups
		code, out := p.do("GET", "/decision", "")
		if got, _ := json.Marshal(out); code != 200 || string(got) != c.want {
			t.Errorf("groups %v: %d %s, want %s", c.groups, code, got, c.want)
		}
	}
	if b, err := json.Marshal(mfa.Decision{MaxAge: time.Millisecond}); err != nil || !strings.Contains(string(b), `"maxAge":1`) {
		t.Errorf("a short MaxAge: %s, %v", b, err)
	}
	if code, _ := p.do("POST", "/decision", "{}"); code != 405 {
		t.Errorf("POST of a decision: %d", code)
	}
	c := p.config()
	c.Request = func(_ *http.Request, q mfa.Request) (mfa.Request, error) { return q, errors.New("no groups") }
	h, err := mfa.NewHandler(c)
	if err != nil {
		t.Fatal(err)
	}
	p.h = http.StripPrefix("/account/mfa", h)
	if code, out := p.do("GET", "/decision", ""); code != 500 || out["outcome"] != nil {
		t.Errorf("without groups: %d %v", code, out)
	}
}

// TestHandlerTrust: a browser is trusted if the person asks, policy allows and
// the proof is good for it; a proof that is not passes all the same.
func TestHandlerTrust(t *testing.T) {
	t.Parallel()
	p := newPage(t, withRules)
	d := p.enrolTOTP()
	answer := func(kind string, trust bool) (int, obj) {
		t.Helper()
		p.pass(time.Minute)
		_, out := p.post("/challenge", obj{"kind": kind, "purpose": "second"})
		code := d.Code(p.clock())
		if kind == "mail" {
			code = p.last().Code
		}
		return p.post("/challenge/finish", obj{"id": out["id"], "answer": code, "trust": trust})
	}
	want := func(what string, code int, out obj, trusted bool) {
		t.Helper()
		if code != 200 || out["passed"] != true || out["trusted"] != trusted || (p.done[len(p.done)-1].TrustToken != "") != trusted {
			t.Errorf("%s: %d %v, %+v", what, code, out, p.done)
		}
	}
	devices := func(n int) {
		t.Helper()
		if list, err := p.flow.Devices(t.Context(), alice); err != nil || len(list) != n {
			t.Errorf("devices %v, %v; want %d", list, err, n)
		}
	}
	code, out := answer("totp", false)
	want("nobody asked", code, out, false)
	code, out = answer("mail", true)
	want("a fallback", code, out, false)
	p.groups = []string{"admins"}
	code, out = answer("totp", true)
	want("an administrator", code, out, false)
	p.groups = nil
	p.commit = errors.New("no room")
	if code, out := answer("totp", true); code != 500 {
		t.Errorf("a commit that fails: %d %v", code, out)
	}
	p.commit = nil
	devices(0)

	code, out = answer("totp", true)
	want("the person", code, out, true)
	devices(1)
	res := p.done[len(p.done)-1]
	if !res.TrustUntil.Equal(p.clock().Add(24 * time.Hour)) {
		t.Errorf("trusted until %v", res.TrustUntil)
	}
	later, err := p.flow.Decide(t.Context(), mfa.Request{
		Subject: alice, Client: mfa.Client{TrustToken: res.TrustToken}, Authenticated: p.password(),
	})
	if err != nil || later.Outcome != mfa.Allow || later.Reasons[0].Code != mfa.ReasonTrusted {
		t.Errorf("the next sign-in: %+v, %v", later, err)
	}
}

// TestSignInHandler: a passkey signs in where nobody is, by name or without one,
// in the browser that began and by the handler that began.
func TestSignInHandler(t *testing.T) {
	t.Parallel()
	f, err := webauthn.New(webauthn.Config{
		RPID: "example.com", RPName: "Example", Origins: []string{"https://example.com"}, Key: make([]byte, 32),
	})
	if err != nil {
		t.Fatal(err)
	}
	p := newPage(t, func(c *mfa.Config) { c.Factors = append(c.Factors, f) })
	key := mfatest.NewAuthenticator("https://example.com")
	login := func(ch obj) json.RawMessage {
		t.Helper()
		public, _ := json.Marshal(ch["public"])
		answer, err := key.Login(public)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	ch := p.beginEnrol(mfa.KindWebAuthn, "")
	made, err := key.Register(ch.Public)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.finishEnrol(ch.ID, string(made)); err != nil {
		t.Fatal(err)
	}
	p.refuse, p.proved = true, nil
	for _, name := range []string{"", "alice"} {
		code, ch := p.post("/first", obj{"kind": "webauthn", "name": name})
		if code != 200 {
			t.Fatal(code, ch)
		}
		public, _ := ch["public"].(obj)
		if list, _ := public["allowCredentials"].([]any); (len(list) > 0) != (name != "") {
			t.Errorf("name %q: asked %v", name, public)
		}
		code, out := p.post("/first/finish", obj{"id": ch["id"], "answer": login(ch), "trust": true})
		if code != 200 || out["passed"] != true {
			t.Fatalf("name %q: %d %v", name, code, out)
		}
		res := p.done[len(p.done)-1]
		if res.Subject != alice || res.Purpose != mfa.First || res.TrustToken != "" || len(p.proved) != len(p.done) {
			t.Errorf("name %q: %+v", name, res)
		}
	}
	done := len(p.done)

	_, named := p.post("/first", obj{"kind": "webauthn", "name": "alice"})
	code, nobody := p.post("/first", obj{"kind": "webauthn", "name": "mallory"})
	if shape(named["public"]) != shape(nobody["public"]) || code != 200 {
		t.Errorf("alice is asked %v, nobody %d %v", named["public"], code, nobody["public"])
	}

	want := func(what string, status int, check string, code int, out obj) {
		t.Helper()
		if code != status || out["error"] != check {
			t.Errorf("%s: %d %v, want %d %s", what, code, out, status, check)
		}
	}
	begin := func() obj {
		t.Helper()
		code, ch := p.post("/first", obj{"kind": "webauthn"})
		if code != 200 {
			t.Fatal(code, ch)
		}
		return ch
	}
	code, out := p.post("/first", obj{"kind": "totp", "name": "alice"})
	want("a second factor", 403, "first-factor", code, out)
	code, out = p.post("/first", obj{"kind": "none"})
	want("an unknown kind", 404, "kind", code, out)
	code, out = p.post("/first", obj{"kind": "webauthn", "name": strings.Repeat("x", 257)})
	want("a long name", 400, "input", code, out)
	code, out = p.post("/first", obj{"kind": "webauthn", "options": obj{"userVerification": "discouraged"}})
	want("options of the browser's", 400, "input", code, out)
	code, out = p.do("POST", "/first", `{"kind":"webauthn"}`, "Sec-Fetch-Site", "cross-site")
	want("another site", 401, "identify", code, out)
	ch2 := begin()
	body, _ := json.Marshal(obj{"id": ch2["id"], "answer": login(ch2)})
	code, out = p.do("POST", "/first/finish", string(body), "Sec-Fetch-Site", "cross-site")
	want("an answer from another site", 401, "identify", code, out)
	code, out = p.do("POST", "/first/finish", string(body), "Content-Type", "text/plain")
	want("a form", 400, "input", code, out)
	p.cookie = "another"
	code, out = p.post("/first/finish", obj{"id": ch2["id"], "answer": login(ch2)})
	want("another browser", 403, "challenge", code, out)
	p.cookie = ""
	code, out = p.post("/first", obj{"kind": "webauthn"})
	want("no cookie", 401, "identify", code, out)
	p.cookie = session
	if code, _ := p.do("GET", "/first", ""); code != 405 {
		t.Errorf("GET of a challenge: %d", code)
	}

	ch2 = begin()
	p.refuse, p.proved = false, p.password()
	code, out = p.post("/challenge/finish", obj{"id": ch2["id"], "answer": login(ch2)})
	want("a first factor as the second", 403, "challenge", code, out)
	_, ch2 = p.post("/challenge", obj{"kind": "webauthn", "purpose": "second"})
	code, out = p.post("/first/finish", obj{"id": ch2["id"], "answer": login(ch2)})
	want("a second factor as the first", 403, "challenge", code, out)
	if len(p.done) != done {
		t.Errorf("refusals came to %+v", p.done[done:])
	}
}

// shape is a challenge without what differs by chance.
func shape(public any) string {
	b, _ := json.Marshal(public)
	return regexp.MustCompile(`"(challenge|id|transports)":("[^"]*"|\[[^\]]*\])`).ReplaceAllString(string(b), `"$1"`)
}
