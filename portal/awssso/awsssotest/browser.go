// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awsssotest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/awssso"
)

// Browser is the browser of one person.
type Browser struct {
	// Addr, if set, is the address from which it comes.
	Addr string

	p       *Portal
	session string
}

// SignIn gives the person a session, with a second factor just now, that lasts
// eight hours, and a browser that has it. The session's id is "session-" and
// the person's id.
func (p *Portal) SignIn(person string) *Browser {
	now := p.Now()
	p.PutSession(awssso.Session{
		ID: "session-" + person, PersonID: person, Name: person, AuthTime: now, MFATime: now, AMR: []string{"pwd", "otp", "mfa"},
		Expires: now.Add(8 * time.Hour),
	})
	return &Browser{p: p, session: "session-" + person}
}

// Stranger is a browser without a session.
func (p *Portal) Stranger() *Browser { return &Browser{p: p} }

// Page is what a page answered.
type Page struct {
	Status   int
	Name     string // of the page's type
	Location string
	Return   string // where sign-in would come back to
	Header   http.Header

	body []byte
}

// Get opens a page, by absolute URL or path.
func (b *Browser) Get(tb testing.TB, target string) Page {
	tb.Helper()
	return b.do(tb, http.MethodGet, target, nil, nil)
}

// Post sends a form from a page of the portal.
func (b *Browser) Post(tb testing.TB, target string, form url.Values) Page {
	tb.Helper()
	return b.do(tb, http.MethodPost, target, form, http.Header{"Sec-Fetch-Site": {"same-origin"}})
}

// PostFrom sends a form from a page of another site.
func (b *Browser) PostFrom(tb testing.TB, target string, form url.Values) Page {
	tb.Helper()
	return b.do(tb, http.MethodPost, target, form, http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}})
}

func (b *Browser) do(tb testing.TB, method, target string, form url.Values, header http.Header) Page {
	tb.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.p.URL + target
	}
	r, err := http.NewRequestWithContext(tb.Context(), method, target, strings.NewReader(form.Encode()))
	if err != nil {
		tb.Fatal(err)
	}
	maps.Copy(r.Header, header)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if b.session != "" {
		r.AddCookie(&http.Cookie{Name: cookie, Value: b.session})
	}
	if b.Addr != "" {
		r.Header.Set(addrHeader, b.Addr)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	page := Page{resp.StatusCode, resp.Header.Get("Test-Page"), resp.Header.Get("Location"), resp.Header.Get("Test-Return"), resp.Header, body}
	if page.Name == "ReturnPage" {
		page.Location = As[awssso.ReturnPage](tb, page).Location
	}
	return page
}

// As decodes the page, or fails if it is another.
func As[T any](tb testing.TB, p Page) T {
	tb.Helper()
	var out T
	if err := json.Unmarshal(p.body, &out); err != nil {
		tb.Fatalf("page %d %q is not a %T: %s", p.Status, p.Name, out, p.body)
	}
	return out
}

// Device walks from a link to the approval page.
func (b *Browser) Device(tb testing.TB, link string) awssso.ApprovalPage {
	tb.Helper()
	entry := As[awssso.EntryPage](tb, b.Get(tb, link))
	form := url.Values{awssso.FieldUserCode: {entry.LinkCode}, awssso.FieldVia: {awssso.ViaLink}}
	page := b.Post(tb, entry.Action, form)
	if page.Name != "ApprovalPage" {
		tb.Fatalf("answer to the code: %d %s %s", page.Status, page.Name, page.body)
	}
	return As[awssso.ApprovalPage](tb, page)
}

// ApproveDevice walks from a link through approval, or refusal.
func (b *Browser) ApproveDevice(tb testing.TB, link string, allow bool) Page {
	tb.Helper()
	return b.Answer(tb, b.Device(tb, link), allow)
}

// Answer answers an approval page.
func (b *Browser) Answer(tb testing.TB, a awssso.ApprovalPage, allow bool) Page {
	tb.Helper()
	return b.Post(tb, a.Action, url.Values{
		awssso.FieldUserCode: {a.UserCode}, awssso.FieldAnswer: {answer(allow)},
	})
}

// Consent walks from an address of /authorize through consent, or refusal, and
// returns the last page; its Location leads back to the program.
func (b *Browser) Consent(tb testing.TB, authorize string, allow bool) Page {
	tb.Helper()
	page := b.Get(tb, authorize)
	if page.Status == http.StatusSeeOther && strings.HasPrefix(page.Location, b.p.URL) {
		page = b.Get(tb, page.Location)
	}
	if page.Name != "ConsentPage" {
		return page
	}
	ask := As[awssso.ConsentPage](tb, page)
	return b.Post(tb, ask.Action, url.Values{awssso.FieldRequest: {ask.Request}, awssso.FieldAnswer: {answer(allow)}})
}

func answer(allow bool) string {
	if allow {
		return awssso.AnswerAllow
	}
	return awssso.AnswerDeny
}

// PageOf is the page that a recorder holds, for tests that call a handler
// without a network.
func PageOf(w *httptest.ResponseRecorder) Page {
	h := w.Header()
	return Page{Status: w.Code, Name: h.Get("Test-Page"), Location: h.Get("Location"), Return: h.Get("Test-Return"), Header: h, body: w.Body.Bytes()}
}
