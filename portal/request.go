// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/httpx"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/session"
	"github.com/gatehouse-id/gatehouse/portal/signin"
	"github.com/gatehouse-id/gatehouse/portal/ui"
)

// maxForm bounds a posted form, maxMessage one with a SAML message, whose own
// bound of 1 MiB the engine compares after base64.
const (
	maxForm    = 512 << 10
	maxMessage = 2<<20 + 16<<10
)

type handler func(w http.ResponseWriter, r *http.Request) error

// current is who is signed in.
type current struct {
	session *session.Session
	person  *directory.Person
	admin   bool
	cookie  string
}

type currentKey struct{}

func currentFrom(ctx context.Context) *current {
	c, _ := ctx.Value(currentKey{}).(*current)
	return c
}

// frame is what every page of a signed-in person shows.
func (p *Portal) frame(r *http.Request, c *current) ui.Frame {
	return ui.Frame{
		Person: displayName(c.person), Username: c.person.UserName, Administrator: c.admin,
		SessionEnds: c.session.Expires, Notice: notices[p.cookie(r, cookieNotice)],
	}
}

func displayName(p *directory.Person) string {
	if p.DisplayName != "" {
		return p.DisplayName
	}
	return p.UserName
}

// ServeHTTP serves the portal below its base URL's path.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	addr := httpx.ClientAddr(r, p.c.TrustedProxies)
	r = r.WithContext(audit.WithRequest(r.Context(), audit.Request{Addr: addr, Correlation: httpx.Correlation()}))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if p.base.Scheme == "https" {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
	}
	if p.c.RefuseForwarded && httpx.Forwarded(r) {
		p.fail(w, r, refuse(CheckForwarded, http.StatusForbidden, "This is a sample portal. It is not to be used behind a proxy.", nil))
		return
	}
	if !httpx.SameHost(r, p.base) && !p.otherHost(w, r) {
		return
	}
	if r.Body != nil {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	}
	p.mux.ServeHTTP(w, r)
}

// maxBody bounds every request; surfaces with smaller bounds have their own.
const maxBody = 4 << 20

// otherHost handles a request whose Host is not the base URL's. On one of the
// alternate hosts the programs' paths are served, and pages lead to the base
// URL, where a passkey works; everything else is misdirected.
func (p *Portal) otherHost(w http.ResponseWriter, r *http.Request) (serve bool) {
	if slices.Contains(p.c.AlternateHosts, r.Host) {
		if p.isAPI(r.URL.Path) {
			return true
		}
		if (r.Method == http.MethodGet || r.Method == http.MethodHead) && signin.SafeReturn(r.URL.RequestURI()) {
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, p.base.Scheme+"://"+p.base.Host+r.URL.RequestURI(), http.StatusTemporaryRedirect)
			return false
		}
	}
	p.fail(w, r, refuse(CheckHost, http.StatusMisdirectedRequest, "This portal does not answer to that host name.", errors.New("host "+audit.Clean(r.Host))))
	return false
}

func (p *Portal) isAPI(path string) bool {
	path = strings.TrimPrefix(path, p.prefix)
	for _, prefix := range []string{PathSCIM + "/", PathSSO + "/", PathAWSMetadata, PathAppMetadata, PathHealth, PathReady, PathWellKnown} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// handle registers a handler whose errors become pages.
func (p *Portal) handle(method, path string, h handler) {
	p.mux.HandleFunc(method+" "+p.prefix+path, func(w http.ResponseWriter, r *http.Request) {
		err := p.checkOrigin(r)
		if err == nil {
			err = checkText(r)
		}
		if err == nil {
			err = h(w, r)
		}
		if err != nil {
			p.fail(w, r, err)
		}
	})
}

// handleCross registers a handler that other sites post to: a SAML endpoint.
func (p *Portal) handleCross(method, path string, h handler) {
	p.mux.HandleFunc(method+" "+p.prefix+path, func(w http.ResponseWriter, r *http.Request) {
		err := checkText(r)
		if err == nil && method == http.MethodPost {
			err = formOf(w, r, maxMessage)
		}
		if err == nil {
			err = h(w, r)
		}
		if err != nil {
			p.fail(w, r, err)
		}
	})
}

// checkText refuses what no object can be called: a path or query that is not
// UTF-8, or holds NUL.
func checkText(r *http.Request) error {
	if !httpx.Text(r.URL.Path) {
		return notFound()
	}
	if !httpx.TextValues(r.URL.Query()) {
		return refuse(CheckInput, http.StatusBadRequest, publicText, errors.New("query"))
	}
	return nil
}

const publicText = "That holds characters that cannot be used."

// checkOrigin refuses what another site made the browser send (CSRF).
func (p *Portal) checkOrigin(r *http.Request) error {
	if err := p.origin.Check(r); err != nil {
		return refuse(CheckOrigin, http.StatusForbidden, "This came from another site. Please start from the portal.", err)
	}
	return nil
}

// form parses a bounded form; each of its values is text.
func form(w http.ResponseWriter, r *http.Request) error { return formOf(w, r, maxForm) }

func formOf(w http.ResponseWriter, r *http.Request, limit int64) error {
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	err := r.ParseForm()
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return refuse(CheckForm, http.StatusRequestEntityTooLarge, "That was too large.", err)
	case err != nil:
		return refuse(CheckForm, http.StatusBadRequest, "The form could not be read.", err)
	case !httpx.TextValues(r.PostForm):
		return refuse(CheckInput, http.StatusBadRequest, publicText, errors.New("form"))
	}
	return nil
}

// lookup finds who is signed in, at any level.
func (p *Portal) lookup(r *http.Request) (*current, error) {
	cookie := p.cookie(r, cookieSession)
	s, err := p.sessions.Lookup(r.Context(), cookie)
	if err != nil {
		return nil, err
	}
	person, err := p.c.Store.Person(r.Context(), s.PersonID)
	if err != nil {
		return nil, err
	}
	admin, err := p.dir.IsAdministrator(r.Context(), person.ID)
	if err != nil {
		return nil, err
	}
	return &current{session: s, person: person, admin: admin, cookie: cookie}, nil
}

// person registers a page for people who are signed in; others are sent to
// sign in, and come back to it if it was a GET.
func (p *Portal) person(method, path string, h func(w http.ResponseWriter, r *http.Request, c *current) error) {
	p.handle(method, path, func(w http.ResponseWriter, r *http.Request) error {
		c, err := p.lookup(r)
		if errors.Is(err, session.ErrNotFound) || errors.Is(err, directory.ErrNotFound) {
			return p.toSignIn(w, r)
		}
		if err != nil {
			return err
		}
		if c.session.Level != session.Full && !strings.HasPrefix(path, ui.PathEnrol) && path != ui.PathSignOut {
			p.redirect(w, r, p.paths.At(ui.PathEnrol))
			return nil
		}
		if p.cookie(r, cookieNotice) != "" {
			p.setCookie(w, cookieNotice, "", 0)
		}
		r = r.WithContext(context.WithValue(r.Context(), currentKey{}, c))
		return h(w, r, c)
	})
}

// administrator registers a page for administrators.
func (p *Portal) administrator(method, path string, h func(w http.ResponseWriter, r *http.Request, c *current) error) {
	p.person(method, path, func(w http.ResponseWriter, r *http.Request, c *current) error {
		if !c.admin {
			return refuse(CheckAdmin, http.StatusForbidden, "Only administrators may see this.", nil)
		}
		content, err := p.signin.Content(r.Context(), p.client(w, r, c.person.UserName), c.session, c.person)
		if err != nil {
			return err
		}
		if !content {
			back := p.paths.At(ui.PathAdmin)
			if r.Method == http.MethodGet {
				back = r.URL.RequestURI()
			}
			return p.factorFirst(w, r, c, back)
		}
		return h(w, r, c)
	})
}

// toSignIn leads to the sign-in page, remembering a GET's path in a sealed
// entry.
func (p *Portal) toSignIn(w http.ResponseWriter, r *http.Request) error {
	if wantsJSON(r) {
		return refuse(CheckSession, http.StatusUnauthorized, "You are not signed in.", nil)
	}
	var e signin.Entry
	if r.Method == http.MethodGet {
		e.Return = r.URL.RequestURI()
	}
	flow, err := p.signin.SealEntry(e, p.browser(w, r))
	if err != nil {
		return err
	}
	p.redirect(w, r, p.paths.WithQuery(ui.PathSignIn, ui.FieldFlow, flow))
	return nil
}

// redirect answers 303 to a path of this site.
func (p *Portal) redirect(w http.ResponseWriter, r *http.Request, path string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "same-origin")
	http.Redirect(w, r, path, http.StatusSeeOther)
}

// notices are the lines that a page shows once after a change. The cookie
// holds a name of this list, so nobody can put words on the page.
var notices = map[string]string{
	"enrolled":  "Your new factor is set up.",
	"removed":   "The factor was removed.",
	"renamed":   "The factor was renamed.",
	"revoked":   "The session was ended.",
	"password":  "Your password was changed.",
	"forgotten": "The browser was forgotten.",
	"dismissed": "Dismissed.",
	"saved":     "Saved.",
	"deleted":   "Removed.",
	"blocked":   "Blocked. Every session and token has ended.",
	"unblocked": "The block was lifted.",
}

func (p *Portal) notice(w http.ResponseWriter, name string) {
	p.setCookie(w, cookieNotice, name, time.Minute)
}

// admit counts a row that is kept for somebody who has proved nothing. It sets
// no cookie: a request that another site made brings none, and must not replace
// one.
func (p *Portal) admit(r *http.Request, where signin.Surface) error {
	return p.signin.Admit(r.Context(), where, audit.RequestFrom(r.Context()).Addr, p.cookie(r, cookieDevice))
}

// client describes the browser to the sign-in.
func (p *Portal) client(w http.ResponseWriter, r *http.Request, login string) signin.Client {
	c := signin.Client{
		Addr: audit.RequestFrom(r.Context()).Addr, Browser: p.browser(w, r), UserAgent: browserFamily(r.UserAgent()), TrustToken: p.cookie(r, cookieTrust),
	}
	id, known := p.signin.Device(p.cookie(r, cookieDevice), login)
	c.Device = id
	if known {
		c.KnownDevice = id
	}
	return c
}

// browserFamily is a browser and platform without versions, as people
// recognise it and as "new browser" compares it.
func browserFamily(agent string) string {
	browser, platform := "Browser", ""
	for _, b := range []struct{ token, name string }{
		{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
	} {
		if strings.Contains(agent, b.token) {
			browser = b.name
			break
		}
	}
	for _, s := range []struct{ token, name string }{
		{"Windows", "Windows"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	} {
		if strings.Contains(agent, s.token) {
			platform = " on " + s.name
			break
		}
	}
	return browser + platform
}
