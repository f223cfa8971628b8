// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
)

// browser is one with its own cookies and authenticator.
type browser struct {
	*mfatest.Authenticator
	t      *testing.T
	client *http.Client
}

type server struct {
	origin string
	dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	ahead  atomic.Int64
}

func start(t *testing.T, limited bool) *server {
	t.Helper()
	l, err := listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &server{}
	s, err := newSite(siteConfig{
		Port: netip.MustParseAddrPort(l.Addr().String()).Port(), Log: slog.New(slog.DiscardHandler), NoRateLimit: !limited,
		Now: func() time.Time { return time.Now().Add(time.Duration(srv.ahead.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewUnstartedServer(s.handler())
	_ = ts.Listener.Close()
	ts.Listener = l
	ts.Start()
	t.Cleanup(ts.Close)
	srv.origin = s.origin
	srv.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	}
	return srv
}

func (s *server) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: s.dial}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{
		Authenticator: mfatest.NewAuthenticator(s.origin), t: t,
		client: &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

func (b *browser) do(method, path string, body []byte, header ...string) (int, string, http.Header) {
	b.t.Helper()
	req, err := http.NewRequest(method, b.Origin+path, bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if req.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, string(got), res.Header
}

func (b *browser) post(path, body string) (int, string) {
	b.t.Helper()
	status, got, _ := b.do(http.MethodPost, path, []byte(body), "Content-Type", "application/json")
	return status, got
}

// begin posts and returns the options.
func (b *browser) begin(path, body string) []byte {
	b.t.Helper()
	status, got := b.post(path, body)
	if status != http.StatusOK {
		b.t.Fatalf("%s: %d %s", path, status, got)
	}
	return []byte(got)
}

func (b *browser) register(name string) (int, string) {
	b.t.Helper()
	answer, err := b.Register(b.begin("/webauthn/register/begin", `{"username":"`+name+`"}`))
	if err != nil {
		b.t.Fatal(err)
	}
	return b.post("/webauthn/register/finish", string(answer))
}

func (b *browser) login(body string, tamper ...mfatest.Tamper) (int, string) {
	b.t.Helper()
	answer, err := b.Login(b.begin("/webauthn/login/begin", body), tamper...)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.post("/webauthn/login/finish", string(answer))
}

func (b *browser) want(status int, text string) func(int, string) {
	b.t.Helper()
	return func(gotStatus int, got string) {
		b.t.Helper()
		if gotStatus != status || !strings.Contains(got, text) {
			b.t.Errorf("got %d %s, want %d %s", gotStatus, got, status, text)
		}
	}
}

func (b *browser) home() string {
	b.t.Helper()
	_, page, _ := b.do(http.MethodGet, "/", nil)
	return page
}

// ids are those of the passkeys on the page that can be removed.
func (b *browser) ids() (out []string) {
	b.t.Helper()
	for _, m := range regexp.MustCompile(`action="/passkeys/remove"><input type="hidden" name="id" value="([^"]+)"`).FindAllStringSubmatch(b.home(), -1) {
		out = append(out, m[1])
	}
	return out
}

func (b *browser) submit(path string, form url.Values) (int, string) {
	b.t.Helper()
	status, page, _ := b.do(http.MethodPost, path, []byte(form.Encode()), "Content-Type", "application/x-www-form-urlencoded")
	return status, page
}

func (b *browser) remove(id string) (int, string) {
	b.t.Helper()
	return b.submit("/passkeys/remove", url.Values{"id": {id}})
}

func TestSignUpAndIn(t *testing.T) {
	t.Parallel()
	for _, alg := range []int{mfatest.ES256, mfatest.EdDSA, mfatest.RS256} {
		b := start(t, false).browser(t)
		b.Algorithms = []int{alg}
		b.want(200, `{"username":"ann"}`)(b.register("Ann"))
		if page := b.home(); !strings.Contains(page, "You are signed in as ann") {
			t.Error(page)
		}
		b.do(http.MethodPost, "/sign-out", nil)
		if page := b.home(); strings.Contains(page, "signed in as") {
			t.Error(page)
		}
		b.want(200, `{"username":"ann"}`)(b.login(`{"username":"ann"}`))
		b.do(http.MethodPost, "/sign-out", nil)
		b.want(200, `{"username":"ann"}`)(b.login(`{}`))
		if page := b.home(); !strings.Contains(page, "You are signed in as ann") {
			t.Error(page)
		}
	}
}

// TestForms: the bodies are the standard's.
func TestForms(t *testing.T) {
	t.Parallel()
	b := start(t, false).browser(t)
	var o struct {
		PublicKey struct {
			Challenge        string
			RP               struct{ ID, Name string }
			User             struct{ ID, Name, DisplayName string }
			PubKeyCredParams []struct {
				Type string
				Alg  int
			}
			AuthenticatorSelection struct{ UserVerification string }
			RPID                   string `json:"rpId"`
			UserVerification       string
		} `json:"publicKey"`
	}
	if err := json.Unmarshal(b.begin("/webauthn/register/begin", `{"username":"ann"}`), &o); err != nil {
		t.Fatal(err)
	}
	p := o.PublicKey
	if p.RP.ID != "localhost" || p.User.Name != "ann" || len(p.User.ID) != 43 || len(p.Challenge) != 43 ||
		p.AuthenticatorSelection.UserVerification != "required" || len(p.PubKeyCredParams) != 3 {
		t.Errorf("%+v", p)
	}
	if err := json.Unmarshal(b.begin("/webauthn/login/begin", `{}`), &o); err != nil {
		t.Fatal(err)
	}
	if o.PublicKey.RPID != "localhost" || o.PublicKey.UserVerification != "required" {
		t.Errorf("%+v", o.PublicKey)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	srv := start(t, false)
	b, other := srv.browser(t), srv.browser(t)
	b.want(200, "ann")(b.register("ann"))

	other.want(409, "taken")(other.post("/webauthn/register/begin", `{"username":"ANN"}`))
	other.want(400, "username")(other.post("/webauthn/register/begin", `{"username":"a b"}`))
	other.want(400, "Choose a username")(other.post("/webauthn/register/begin", `{}`))
	other.want(400, "malformed")(other.post("/webauthn/login/begin", `x`))
	other.want(413, "too large")(other.post("/webauthn/login/begin", strings.Repeat(" ", 1<<20)))
	fresh := srv.browser(t)
	fresh.want(400, "Start again")(fresh.post("/webauthn/login/finish", `{}`))
	fresh.want(400, "Start again")(fresh.post("/webauthn/register/finish", `{}`))

	// A replay, and an answer in another browser.
	answer, err := b.Login(b.begin("/webauthn/login/begin", `{}`))
	if err != nil {
		t.Fatal(err)
	}
	other.begin("/webauthn/login/begin", `{}`)
	other.want(401, "")(other.post("/webauthn/login/finish", string(answer)))
	b.want(200, "ann")(b.post("/webauthn/login/finish", string(answer)))
	b.want(401, "ended")(b.post("/webauthn/login/finish", string(answer)))

	// What is wrong is not told apart.
	for _, tamper := range []mfatest.Tamper{
		{Flags: func(f byte) byte { return f &^ mfatest.FlagUV }},
		{RPID: "example.org"},
		{Signature: func(s []byte) []byte { s[len(s)-1] ^= 1; return s }},
		{ClientData: func(m map[string]any) { m["origin"] = "http://localhost" }},
	} {
		b.want(401, "That did not work")(b.login(`{}`, tamper))
	}

	// A name that nobody has looks like one that somebody has.
	var fake struct {
		PublicKey struct {
			AllowCredentials []struct{ ID string }
		} `json:"publicKey"`
	}
	if err := json.Unmarshal(other.begin("/webauthn/login/begin", `{"username":"nobody"}`), &fake); err != nil {
		t.Fatal(err)
	}
	if len(fake.PublicKey.AllowCredentials) == 0 {
		t.Error("an unknown name lists no credential")
	}
}

// TestBeginBodies: one object with a name or nothing, and nothing else becomes
// a sign-in without a name.
func TestBeginBodies(t *testing.T) {
	t.Parallel()
	b := start(t, false).browser(t)
	for _, path := range []string{"/webauthn/login/begin", "/webauthn/register/begin"} {
		for _, c := range []struct {
			kind, body string
			status     int
		}{
			{"application/json", `{"username":"ann"}`, 200},
			{"application/json; charset=utf-8", ` { "username" : "ann" } `, 200},
			{"application/json", `null`, 400},
			{"application/json", `"ann"`, 400},
			{"application/json", `[]`, 400},
			{"application/json", `{"user":"ann"}`, 400},
			{"application/json", `{"Username":"ann"}`, 400},
			{"application/json", `{"username":null}`, 400},
			{"application/json", `{"username":["ann"]}`, 400},
			{"application/json", `{"username":"ann","username":"bob"}`, 400},
			{"application/json", `{"username":"ann","more":1}`, 400},
			{"application/json", `{"username":"ann"}{}`, 400},
			{"application/json", `{} {}`, 400},
			{"application/json", `{"username":"ann"`, 400},
			{"application/json", `{`, 400},
			{"text/plain", `{"username":"ann"}`, 200},
			{"application/x-www-form-urlencoded", `{"username":"ann"}`, 200},
			{"", `{"username":"ann"}`, 200},
		} {
			if status, got, _ := b.do(http.MethodPost, path, []byte(c.body), "Content-Type", c.kind); status != c.status {
				t.Errorf("%s %q %s: %d %s, want %d", path, c.kind, c.body, status, got, c.status)
			}
		}
	}
	for _, kind := range []string{"", "application/json"} { // what fetch sends without a body, or with an empty one
		if status, got, _ := b.do(http.MethodPost, "/webauthn/login/begin", nil, "Content-Type", kind); status != 200 || !strings.Contains(got, `"allowCredentials":[]`) {
			t.Errorf("an empty body of type %q: %d %s", kind, status, got)
		}
	}
}

// TestOneNameTwoPeople: of two who choose a name at once, one has it.
func TestOneNameTwoPeople(t *testing.T) {
	t.Parallel()
	srv := start(t, false)
	a, b := srv.browser(t), srv.browser(t)
	forA, err := a.Register(a.begin("/webauthn/register/begin", `{"username":"ann"}`))
	if err != nil {
		t.Fatal(err)
	}
	b.want(200, "ann")(b.register("ann"))
	a.want(409, "taken")(a.post("/webauthn/register/finish", string(forA)))
	b.do(http.MethodPost, "/sign-out", nil)
	b.want(200, "ann")(b.login(`{}`))
}

func TestManagePasskeys(t *testing.T) {
	t.Parallel()
	srv := start(t, false)
	b := srv.browser(t)
	b.want(200, "ann")(b.register("ann"))
	second := srv.browser(t)
	second.client.Jar = b.client.Jar
	second.want(200, "ann")(second.register(""))
	ids := b.ids()
	if len(ids) != 2 {
		t.Fatal(ids)
	}

	rename := func(name string) (int, string) {
		return b.submit("/passkeys/rename", url.Values{"id": {ids[0]}, "name": {name}})
	}
	if status, page := rename("My <phone>"); status != 303 || !strings.Contains(b.home(), "<strong>My &lt;phone&gt;</strong>") {
		t.Errorf("%d %s", status, page)
	}
	if status, page := rename(strings.Repeat("x", 65)); status != 400 || !strings.Contains(page, "Choose another name") {
		t.Errorf("%d %s", status, page)
	}
	if status, _ := srv.browser(t).submit("/passkeys/rename", url.Values{"id": {ids[0]}, "name": {"theirs"}}); status != 303 || strings.Contains(b.home(), "theirs") {
		t.Errorf("a stranger: %d", status)
	}

	srv.ahead.Store(int64(10 * time.Minute)) // the proof is no longer fresh
	b.want(403, "")(b.post("/webauthn/register/begin", `{}`))
	if status, page := b.remove(ids[0]); status != 403 || !strings.Contains(page, "Sign out and in again") {
		t.Errorf("%d %s", status, page)
	}
	if status, page := rename("late"); status != 403 || !strings.Contains(page, "Sign out and in again") {
		t.Errorf("%d %s", status, page)
	}
	srv.ahead.Store(0)
	if status, page := b.remove(ids[0]); status != 303 {
		t.Errorf("%d %s", status, page)
	}
	b.do(http.MethodPost, "/sign-out", nil)
	b.want(401, "did not work")(b.login(`{}`))
	second.want(200, "ann")(second.login(`{}`))
	if status, page := second.remove(ids[1]); status != 409 || !strings.Contains(page, "only passkey") {
		t.Errorf("%d %s", status, page)
	}
	second.want(200, "ann")(second.login(`{}`))
}

// TestTheLastPasskeyStays: of two that are removed at once, one stays.
func TestTheLastPasskeyStays(t *testing.T) {
	t.Parallel()
	for range 10 {
		srv := start(t, false)
		phone, laptop := srv.browser(t), srv.browser(t)
		phone.want(200, "ann")(phone.register("ann"))
		made, err := laptop.Register(phone.begin("/webauthn/register/begin", `{}`))
		if err != nil {
			t.Fatal(err)
		}
		phone.want(200, "ann")(phone.post("/webauthn/register/finish", string(made)))
		phone.want(200, "ann")(phone.login(`{}`))
		laptop.want(200, "ann")(laptop.login(`{}`))
		ids := phone.ids()
		if len(ids) != 2 {
			t.Fatal(ids)
		}
		var status [2]int
		var wg sync.WaitGroup
		for i, b := range []*browser{phone, laptop} {
			wg.Go(func() { status[i], _ = b.remove(ids[i]) })
		}
		wg.Wait()
		if slices.Sort(status[:]); status != [2]int{303, 409} {
			t.Errorf("%v, want one removed and one refused", status)
		}
	}
}

func TestSession(t *testing.T) {
	t.Parallel()
	srv := start(t, false)
	b := srv.browser(t)
	if _, _, h := b.do(http.MethodGet, "/", nil); len(h.Values("Set-Cookie")) > 0 {
		t.Error("a GET starts a session")
	}
	_, _, h := b.do(http.MethodPost, "/webauthn/register/begin", []byte(`{"username":"ann"}`), "Content-Type", "application/json")
	cookie := h.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("cookie %q lacks %s", cookie, want)
		}
	}
	site, err := url.Parse(b.Origin)
	if err != nil {
		t.Fatal(err)
	}
	before := b.client.Jar.Cookies(site)[0].Value
	b.want(200, "ann")(b.register("ann"))
	if after := b.client.Jar.Cookies(site)[0].Value; after == before {
		t.Error("the session id is the same after signing in")
	}
	srv.ahead.Store(int64(sessionTTL))
	if page := b.home(); strings.Contains(page, "signed in as") {
		t.Error("the session does not end")
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	srv := start(t, false)
	b := srv.browser(t)
	_, page, h := b.do(http.MethodGet, "/", nil)
	if h.Get("Content-Security-Policy") != contentSecurityPolicy || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Error(h)
	}
	if strings.Contains(page, "<style") || strings.Contains(page, " style=") || strings.Contains(page, "onclick") || strings.Contains(page, "<script>") {
		t.Error("the page has inline script or style")
	}
	if status, _, _ := b.do(http.MethodGet, "/", nil, "Host", "evil.example"); status != http.StatusMisdirectedRequest {
		t.Errorf("another host: %d", status)
	}
	port := b.Origin[strings.LastIndex(b.Origin, ":"):]
	if status, _, h := b.do(http.MethodGet, "/", nil, "Host", "127.0.0.1"+port); status != http.StatusFound || h.Get("Location") != b.Origin+"/" {
		t.Errorf("by address: %d %v", status, h)
	}
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "http://evil.example"}, {"Origin", "null"}} {
		if status, _, _ := b.do(http.MethodPost, "/webauthn/login/begin", []byte(`{}`), header...); status != http.StatusForbidden {
			t.Errorf("%v: %d", header, status)
		}
	}
	if status, _, _ := b.do(http.MethodGet, "/webauthn/login/begin", nil); status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", status)
	}
	for _, path := range []string{"/static/passkeys.js", "/static/webauthn.js", "/static/site.css", "/static/icon.svg"} {
		if status, _, _ := b.do(http.MethodGet, path, nil); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	l := newLimiter(func() time.Time { return now })
	client := netip.MustParseAddr("2001:db8::1")
	allowed := 0
	for range limitBurst + 10 {
		if l.allow(client) {
			allowed++
		}
	}
	if allowed != limitBurst {
		t.Errorf("%d at once", allowed)
	}
	if l.allow(netip.MustParseAddr("2001:db8::2")) {
		t.Error("the same network is another client")
	}
	if !l.allow(netip.MustParseAddr("2001:db8:0:1::1")) {
		t.Error("another network is the same client")
	}
	now = now.Add(limitEvery)
	if !l.allow(client) || l.allow(client) {
		t.Error("the limit does not move on by one")
	}

	b := start(t, true).browser(t)
	limited := false
	for range 2 * limitBurst {
		if status, _ := b.post("/webauthn/login/begin", `{}`); status == http.StatusTooManyRequests {
			limited = true
			break
		}
	}
	if !limited {
		t.Error("nothing is limited")
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:80", "localhost", ""} {
		if l, err := listen(context.Background(), bad); err == nil {
			l.Close()
			t.Errorf("%q is accepted", bad)
		}
	}
}
