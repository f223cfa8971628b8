// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package axe

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-id/gatehouse/internal/interop/browser"
	"github.com/gatehouse-id/gatehouse/portal/ui"
)

// patience is how long a busy machine may take; nothing is measured.
const patience = 30 * time.Second

// site serves pages of portal/ui, as a portal would.
type site struct {
	*httptest.Server
	ui  *ui.UI
	mux *http.ServeMux
}

func newSite(t *testing.T) *site {
	t.Helper()
	u, err := ui.New(ui.Config{Brand: "Acorn Bikes", BasePath: "/portal", OnError: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{ui: u, mux: http.NewServeMux()}
	s.mux.Handle("GET /portal"+ui.PathStatic, u.Static())
	s.Server = httptest.NewServer(s.mux)
	t.Cleanup(s.Close)
	return s
}

func (s *site) show(pattern string, page ui.Page) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { s.ui.Render(w, http.StatusOK, page) })
}

// inbox is another site: it tells of every request that reaches path.
func inbox(t *testing.T, answer http.HandlerFunc) (*httptest.Server, <-chan *http.Request) {
	t.Helper()
	requests := make(chan *http.Request, 16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/favicon.ico" {
			return
		}
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		requests <- r
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return server, requests
}

func arrives[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("%s never came", what)
	}
	panic("unreachable")
}

func visit(t *testing.T, tab *browser.Tab, address string) {
	t.Helper()
	err := chromedp.Do(tab.Ctx, chromedp.Navigate(address))
	if err != nil && strings.Contains(err.Error(), "net::ERR_ABORTED") {
		// The page before was itself about to go somewhere.
		err = chromedp.Do(tab.Ctx, chromedp.Navigate(address))
	}
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
}

// settle waits until the browser shows the page at the address, loaded whole:
// a page that is left while it loads may still come after the one that follows.
func settle(t *testing.T, tab *browser.Tab, address string) {
	t.Helper()
	var at string
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); <-time.After(20 * time.Millisecond) {
		// It fails while one page gives way to the next.
		at, err = chromedp.Run(tab.Ctx, chromedp.Evaluate[string](`document.readyState === "complete" ? location.href : ""`))
		if err == nil && at == address {
			return
		}
	}
	t.Fatalf("the browser is at %q and not at %s: %v", at, address, err)
}

func evaluate[T any](t *testing.T, tab *browser.Tab, script string) T {
	t.Helper()
	v, err := chromedp.Run(tab.Ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return v
}

func quiet(t *testing.T, tab *browser.Tab) {
	t.Helper()
	for _, c := range tab.Complaints() {
		t.Errorf("console: %s", c)
	}
}

// A SAML message goes to its destination by script, and by its button where
// scripts are off.
func TestSAMLPost(t *testing.T) {
	tab := browser.Start(t).Tab(t)
	thanks := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("thanks")) }
	for _, scripts := range []bool{true, false} {
		portal := newSite(t)
		sp, requests := inbox(t, thanks)
		portal.show("GET /portal/post", ui.SAMLPost{Destination: sp.URL + "/acs;v=1,2", Message: "PHg+", RelayState: "https://a/?b=c&d=\"e\"", To: "Spokes"})
		if _, err := chromedp.Call(tab.Ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts}); err != nil {
			t.Fatal(err)
		}
		visit(t, tab, portal.URL+"/portal/post")
		if !scripts {
			// Scripts of the page are off; the test's own still run.
			evaluate[any](t, tab, `document.querySelector("form button").click(), null`)
		}
		r := arrives(t, requests, "the message")
		if r.Method != http.MethodPost || r.PostForm.Get("SAMLResponse") != "PHg+" || r.PostForm.Get("RelayState") != `https://a/?b=c&d="e"` {
			t.Errorf("scripts %t: %s %v", scripts, r.Method, r.PostForm)
		}
		if got := r.Header.Get("Origin"); got != portal.URL {
			t.Errorf("scripts %t: Origin %q", scripts, got)
		}
		if got := r.Header.Get("Referer"); got != portal.URL+"/" {
			t.Errorf("scripts %t: Referer %q", scripts, got)
		}
	}
	quiet(t, tab)
}

// A destination that redirects to another origin, as AWS's sign-in does, gets
// there only if the page names it: Chromium holds form-action over redirects.
// Within its own origin it may redirect as it likes.
func TestSAMLPostOnward(t *testing.T) {
	tab := browser.Start(t).Tab(t)
	portal := newSite(t)
	console, arrived := inbox(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("console")) })
	signIn, posted := inbox(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, console.URL+"/home", http.StatusFound)
	})
	portal.show("GET /portal/named", ui.SAMLPost{Destination: signIn.URL + "/saml", Message: "x", Onward: []string{console.URL}})
	portal.show("GET /portal/unnamed", ui.SAMLPost{Destination: signIn.URL + "/saml", Message: "x"})
	visit(t, tab, portal.URL+"/portal/named")
	arrives(t, posted, "the message")
	arrives(t, arrived, "the browser")

	within, seen := inbox(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/acs" {
			http.Redirect(w, r, "/welcome", http.StatusSeeOther)
		}
	})
	portal.show("GET /portal/within", ui.SAMLPost{Destination: within.URL + "/acs", Message: "x"})
	visit(t, tab, portal.URL+"/portal/within")
	for _, path := range []string{"/acs", "/welcome"} {
		if got := arrives(t, seen, "the browser").URL.Path; got != path {
			t.Errorf("arrived at %s, not %s", got, path)
		}
	}
	quiet(t, tab)
	// The page's own script may end the navigation before it is reported.
	_ = chromedp.Do(tab.Ctx, chromedp.Navigate(portal.URL+"/portal/unnamed"))
	arrives(t, posted, "the message")
	deadline := time.Now().Add(patience)
	for {
		said := tab.Complaints()
		if slices.ContainsFunc(said, func(c string) bool { return strings.Contains(c, "form-action") }) {
			break
		}
		select {
		case <-arrived:
			t.Fatal("the redirect was followed: Onward is not needed any more")
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("neither refused nor followed")
		}
	}
}

// The answer to a POST may lead to another site, which a 303 could not.
func TestRedirectAfterPost(t *testing.T) {
	tab := browser.Start(t).Tab(t)
	portal := newSite(t)
	idp, requests := inbox(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("idp")) })
	portal.show("GET /portal"+ui.PathSignIn, ui.SignIn{Sources: []ui.Source{{ID: "okta", Name: "Okta"}}})
	portal.show("POST /portal"+ui.PathSource, ui.Redirect{URL: idp.URL + "/sso?SAMLRequest=a%2Bb&RelayState=c", To: "Okta"})
	visit(t, tab, portal.URL+"/portal/sign-in")
	evaluate[any](t, tab, `document.querySelector("form[action$='/source/okta'] button").click(), null`)
	if got := arrives(t, requests, "the browser").URL.String(); got != "/sso?SAMLRequest=a%2Bb&RelayState=c" {
		t.Errorf("arrived at %s", got)
	}
	quiet(t, tab)
}

// AWS's deep links keep their parameters in the fragment; they reach the
// server as a query, from the portal's page and from the sign-in page.
func TestDeepLinkFragment(t *testing.T) {
	tab := browser.Start(t).Tab(t)
	portal := newSite(t)
	links := make(chan url.Values, 4)
	portal.show("GET /portal/{$}", ui.PortalHome{})
	portal.mux.HandleFunc("GET /portal"+ui.PathStart, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/portal/sign-in", http.StatusSeeOther)
	})
	portal.show("GET /portal/sign-in", ui.SignIn{})
	portal.mux.HandleFunc("GET /portal"+ui.PathConsole, func(w http.ResponseWriter, r *http.Request) {
		links <- r.URL.Query()
		portal.ui.Render(w, http.StatusOK, ui.Message{Title: "Here"})
	})
	for _, start := range []string{"/portal/", "/portal/start/"} {
		visit(t, tab, portal.URL+start+"#/console?account_id=210987654321&role_name=Dev&destination=https%3A%2F%2Fconsole.aws.amazon.com%2Fs3%3Fa%3Db%23c")
		link := arrives(t, links, "the deep link")
		if link.Get("account_id") != "210987654321" || link.Get("role_name") != "Dev" || link.Get("destination") != "https://console.aws.amazon.com/s3?a=b#c" {
			t.Errorf("%s: %v", start, link)
		}
		visit(t, tab, "about:blank")
	}
	quiet(t, tab)
}

func TestFilterAndCopy(t *testing.T) {
	tab := browser.Start(t).Tab(t)
	origin := startBook(t)
	visit(t, tab, origin+"/accounts/some")
	type state struct {
		Shown int    `json:"shown"`
		Said  string `json:"said"`
	}
	for typed, want := range map[string]state{
		"shop PROD":    {2, "2 of 8 shown"},
		"210987654323": {1, "1 of 8 shown"},
		"analyst":      {1, "1 of 8 shown"},
		"bicycle":      {0, "0 of 8 shown"},
		"":             {8, "8 accounts"},
	} {
		script, err := json.Marshal(typed)
		if err != nil {
			t.Fatal(err)
		}
		got := evaluate[state](t, tab, `(() => { const q = document.getElementById("q"); q.value = `+string(script)+`; q.dispatchEvent(new Event("input"));
			return {shown: [...document.querySelectorAll("#rows > li")].filter((e) => e.checkVisibility()).length, said: document.getElementById("count").textContent.trim()}; })()`)
		if got != want {
			t.Errorf("%q: %+v, want %+v", typed, got, want)
		}
	}
	visit(t, tab, origin+"/access-keys/made")
	copied := evaluate[string](t, tab, `(async () => {
		let text; Object.defineProperty(navigator, "clipboard", {value: {writeText: async (t) => { text = t; }}});
		const button = document.querySelector("[data-copy=bash]");
		button.click(); await new Promise((r) => setTimeout(r));
		return [button.hidden, document.getElementById("bash").checkVisibility(), document.getElementById("said").textContent, text.split("\n")[0]].join("|"); })()`)
	if copied != "false|false|Copied|export AWS_ACCESS_KEY_ID='ASIAIOSFODNN7EXAMPLE'" {
		t.Errorf("copied %q", copied)
	}
	quiet(t, tab)
}

// TestPasskeyScript runs both ceremonies between the page, a virtual
// authenticator and a server that only looks at the envelope: what the answer
// is worth is for mfa/webauthn's tests.
func TestPasskeyScript(t *testing.T) {
	tab := browser.Start(t).Tab(t)
	tab.AddAuthenticator(t)
	portal := newSite(t)
	finished := make(chan ui.PasskeyFinish, 4)
	challenge := base64.RawURLEncoding.EncodeToString([]byte("a challenge of some length......"))
	answer := func(w http.ResponseWriter, status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	begin := func(options string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var asked ui.PasskeyBegin
			if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Flow != "f1" || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("begin: %+v, %v", asked, err)
			}
			if asked.Autofill {
				answer(w, http.StatusOK, ui.PasskeyNext{Problem: "not now"})
				return
			}
			answer(w, http.StatusOK, ui.PasskeyOptions{ID: "c1", PublicKey: json.RawMessage(options)})
		}
	}
	refuse := false
	finish := func(w http.ResponseWriter, r *http.Request) {
		var f ui.PasskeyFinish
		if err := json.NewDecoder(r.Body).Decode(&f); err != nil {
			t.Errorf("finish: %v", err)
		}
		finished <- f
		if refuse {
			answer(w, http.StatusForbidden, ui.PasskeyNext{Problem: "This passkey is not known here."})
			return
		}
		answer(w, http.StatusOK, ui.PasskeyNext{Next: "/portal/done"})
	}
	portal.show("GET /portal"+ui.PathEnrolPasskey, ui.EnrolPasskey{Flow: "f1"})
	portal.mux.HandleFunc("POST /portal"+ui.PathEnrolPasskeyBeg, begin(`{"challenge":"`+challenge+`","rp":{"id":"localhost","name":"Acorn Bikes"},"user":{"id":"cm9zYQ","name":"rosa","displayName":"Rosa"},"pubKeyCredParams":[{"type":"public-key","alg":-7},{"type":"public-key","alg":-257}],"authenticatorSelection":{"residentKey":"required"}}`))
	portal.mux.HandleFunc("POST /portal"+ui.PathEnrolPasskeyFin, finish)
	portal.show("GET /portal"+ui.PathSignIn, ui.SignIn{Flow: "f1", Passkey: true})
	portal.mux.HandleFunc("POST /portal"+ui.PathPasskeyBegin, begin(`{"challenge":"`+challenge+`","rpId":"localhost","userVerification":"required"}`))
	portal.mux.HandleFunc("POST /portal"+ui.PathPasskeyFinish, finish)
	done := make(chan bool, 4)
	portal.mux.HandleFunc("GET /portal/done", func(w http.ResponseWriter, _ *http.Request) {
		portal.ui.Render(w, http.StatusOK, ui.Message{Title: "Done"})
		done <- true
	})
	origin := strings.Replace(portal.URL, "127.0.0.1", "localhost", 1)
	const press = `document.querySelector("[data-begin] > button").click(), null`

	check := func(kind, name string) {
		t.Helper()
		f := arrives(t, finished, "the answer")
		var credential struct {
			Type     string `json:"type"`
			Response struct {
				ClientDataJSON string `json:"clientDataJSON"`
			} `json:"response"`
		}
		if err := json.Unmarshal(f.Credential, &credential); err != nil {
			t.Fatal(err)
		}
		client, err := base64.RawURLEncoding.DecodeString(credential.Response.ClientDataJSON)
		if err != nil {
			t.Fatal(err)
		}
		if f.Flow != "f1" || f.ID != "c1" || f.Name != name || credential.Type != "public-key" ||
			!strings.Contains(string(client), kind) || !strings.Contains(string(client), challenge) || !strings.Contains(string(client), origin) {
			t.Errorf("answer %+v, client %s", f, client)
		}
	}
	visit(t, tab, origin+"/portal/enrol/passkey")
	evaluate[any](t, tab, `document.getElementById("name").value = "Laptop", null`)
	evaluate[any](t, tab, press)
	check("webauthn.create", "Laptop")
	arrives(t, done, "the next page")
	settle(t, tab, origin+"/portal/done")

	visit(t, tab, origin+"/portal/sign-in")
	evaluate[any](t, tab, press)
	check("webauthn.get", "")
	arrives(t, done, "the next page")
	settle(t, tab, origin+"/portal/done")
	quiet(t, tab)

	refuse = true
	visit(t, tab, origin+"/portal/sign-in")
	evaluate[any](t, tab, press)
	check("webauthn.get", "")
	said := evaluate[string](t, tab, `new Promise((resolve) => { const p = document.querySelector("[data-begin] [role=alert]");
		const look = () => p.hidden ? setTimeout(look, 20) : resolve(p.textContent); look(); })`)
	if said != "This passkey is not known here." {
		t.Errorf("said %q", said)
	}
}
