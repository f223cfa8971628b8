// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package code_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/code"
)

// site is a program with magic links: POST /ask begins one for alice, and
// /link is their page. Its cookie is session and challenge, for want of a
// session store.
type site struct {
	*httptest.Server
	t      *testing.T
	links  []string
	asked  int // how often the page wanted to know who asked
	passed []mfa.Result
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t}
	mux := http.NewServeMux()
	s.Server = httptest.NewTLSServer(mux)
	t.Cleanup(s.Close)
	link, err := code.NewLink(code.LinkConfig{
		URL: s.URL + "/link",
		Sender: code.SenderFunc(func(_ context.Context, m code.Message) error {
			s.links = append(s.links, m.Link)
			return nil
		}),
		Address: func(context.Context, mfa.Subject) (string, error) { return "alice@example.com", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	k, err := mfa.NewKeyring("1", map[string][]byte{"1": make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	flow, err := mfa.New(mfa.Config{Store: mfa.NewMemoryStore(100), Sealer: k, Factors: []mfa.Factor{link}})
	if err != nil {
		t.Fatal(err)
	}
	page, err := code.NewLinkHandler(code.LinkHandlerConfig{
		Flow: flow,
		Asked: func(r *http.Request) (string, string) {
			s.asked++
			c, err := r.Cookie("asked")
			if err != nil {
				return "", ""
			}
			session, id, _ := strings.Cut(c.Value, "/")
			return session, id
		},
		Commit: func(_ context.Context, _ *http.Request, res mfa.Result) error {
			s.passed = append(s.passed, res)
			return nil
		},
		Render: func(w http.ResponseWriter, _ *http.Request, p code.LinkPage) {
			switch {
			case p.Result != nil:
				fmt.Fprint(w, "hello ", p.Result.Subject.ID)
			case p.Code != "":
				fmt.Fprint(w, "type ", p.Code)
			case p.Err != nil:
				fmt.Fprint(w, "refused ", mfa.CheckOf(p.Err))
			default:
				fmt.Fprint(w, `<form method="post"><input type="hidden" name="token"><button>Sign in</button></form><script>`+code.LinkScript+`</script>`)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/link", page)
	n := 0
	mux.HandleFunc("POST /ask", func(w http.ResponseWriter, r *http.Request) {
		n++
		session := fmt.Sprint("session", n)
		ch, err := flow.Begin(r.Context(), mfa.BeginInput{
			Subject: mfa.Subject{ID: "alice"}, Kind: mfa.KindMagicLink, Purpose: mfa.First, Session: session,
		})
		if err != nil {
			t.Error(err)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "asked", Value: session + "/" + ch.ID, Path: "/", Secure: true, HttpOnly: true})
	})
	return s
}

// token is that of the newest link.
func (s *site) token() string {
	s.t.Helper()
	_, token, ok := strings.Cut(s.links[len(s.links)-1], s.URL+"/link#")
	if !ok {
		s.t.Fatalf("links %q", s.links)
	}
	return token
}

// browser has cookies of its own.
type browser struct {
	*site
	http *http.Client
}

func (s *site) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{s, &http.Client{Transport: s.Client().Transport, Jar: jar}}
}

func (b *browser) do(method, path string, form url.Values, header ...string) (*http.Response, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res, string(body)
}

func (b *browser) post(token string) string {
	b.t.Helper()
	_, body := b.do("POST", "/link", url.Values{"token": {token}})
	return body
}

func (b *browser) ask() {
	b.t.Helper()
	b.do("POST", "/ask", nil)
}

// TestLinkPage: fetching changes nothing; the button completes where it was
// asked for, and shows a code elsewhere.
func TestLinkPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	here, phone, scanner := s.browser(), s.browser(), s.browser()
	here.ask()
	for _, b := range []*browser{scanner, here} {
		for range 10 { // more than a challenge has tries
			for _, method := range []string{"GET", "HEAD"} {
				res, body := b.do(method, "/link?token="+s.token(), nil)
				if res.StatusCode != 200 || (method == "GET") != strings.Contains(body, "<button>") || strings.Contains(body, s.token()) {
					t.Errorf("%s: %s %q", method, res.Status, body)
				}
				for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"} {
					if got := res.Header.Get(name); got != want {
						t.Errorf("%s: %q, want %q", name, got, want)
					}
				}
			}
		}
	}
	if s.asked != 0 || len(s.passed) != 0 {
		t.Errorf("fetching the page came to the challenge %d times", s.asked)
	}
	typed := code.TypedCode(s.token())
	if got := phone.post(s.token()); typed == "" || got != "type "+typed || len(s.passed) != 0 {
		t.Errorf("in another browser: %q", got)
	}
	if got := phone.post(typed); got != "refused input" {
		t.Errorf("the code, in another browser: %q", got)
	}
	if got := here.post(s.token()); got != "hello alice" || len(s.passed) != 1 {
		t.Errorf("in the browser that asked: %q", got)
	}
	if got := here.post(s.token()); got != "refused challenge" || len(s.passed) != 1 {
		t.Errorf("again: %q", got)
	}

	here.ask()
	if got := here.post(strings.ToLower(code.TypedCode(s.token()))); got != "hello alice" || len(s.passed) != 2 {
		t.Errorf("the code, where it was asked for: %q", got)
	}
}

// TestLinkOfAnother: a browser that asked for one link and opens that of
// another is another browser.
func TestLinkOfAnother(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	here, phone := s.browser(), s.browser()
	phone.ask()
	old := s.token()
	here.ask()
	if got := here.post(old); got != "type "+code.TypedCode(old) || len(s.passed) != 0 {
		t.Errorf("an older link: %q", got)
	}
	if got := here.post("0000000000"); got != "refused wrong" {
		t.Errorf("a wrong code: %q", got)
	}
	if got := here.post(s.token()); got != "hello alice" {
		t.Errorf("its own: %q", got)
	}
}

func TestLinkPageRefuses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	here := s.browser()
	here.ask()
	token := url.Values{"token": {s.token()}}
	if _, got := here.do("POST", "/link", token, "Sec-Fetch-Site", "cross-site"); got != "refused identify" {
		t.Errorf("from another site: %q", got)
	}
	if _, got := here.do("POST", "/link", url.Values{"token": {strings.Repeat("x", 5000)}}); got != "refused input" {
		t.Errorf("a huge form: %q", got)
	}
	if _, got := s.browser().do("POST", "/link?"+token.Encode(), nil); got != "refused input" {
		t.Errorf("a token in the query: %q", got)
	}
	if res, _ := here.do("PUT", "/link", token); res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("PUT: %s", res.Status)
	}
	if got := here.post(s.token()); got != "hello alice" {
		t.Errorf("after all that: %q", got)
	}
	if _, err := code.NewLinkHandler(code.LinkHandlerConfig{}); err == nil {
		t.Error("an empty configuration is accepted")
	}
}
