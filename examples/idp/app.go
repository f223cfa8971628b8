// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
)

const (
	cookieName  = "idp-session"
	maxSessions = 10_000
)

// passwords are the two people's. Their NameIDs are NAME@example.test, or a new
// one each time for service providers that ask for transient ones, as several do
// by default.
var passwords = map[string]string{"alice": "alice-pw", "bob": "bob-pw"}

var nameIDFormats = []string{saml.NameIDEmail, saml.NameIDTransient}

type login struct {
	user string
	at   time.Time
}

// application is the identity provider's own sign-in and session.
type application struct {
	base   string
	peers  *peers
	idp    *saml.IdentityProvider
	origin *http.CrossOriginProtection

	mu       sync.Mutex
	sessions map[string]login
}

func newApp(base string, p *peers) *application {
	return &application{base: base, peers: p, origin: http.NewCrossOriginProtection(), sessions: map[string]login{}}
}

func (a *application) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /metadata", a.metadata)
	mux.HandleFunc("/sso", a.sso)
	mux.HandleFunc("GET /continue", a.next)
	mux.Handle("POST /sign-in", a.origin.Handler(http.HandlerFunc(a.signIn)))
	mux.HandleFunc("GET /initiate", a.initiate)
	mux.Handle("POST /sign-out", a.origin.Handler(http.HandlerFunc(a.signOut)))
	mux.HandleFunc("/slo", a.slo)
	return mux
}

var page = template.Must(template.New("page").Parse(`<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Identity provider</title>
<h1>Identity provider</h1>{{with .Text}}<p>{{.}}</p>{{end}}
{{if .Form}}<form method="post" action="/sign-in"><input type="hidden" name="next" value="{{.Next}}">
<p><label>User name <input name="username" autocomplete="username" required autofocus></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label></p>
<p><button>Sign in</button></p></form>{{else if .User}}<form method="post" action="/sign-out"><button>Sign out</button></form>{{end}}</html>`))

type view struct {
	Text, Next, User string
	Form             bool
}

func show(w http.ResponseWriter, status int, v view) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = page.Execute(w, v)
}

func refused(w http.ResponseWriter, err error) {
	text := "The request could not be answered."
	var e *saml.Error
	if errors.As(err, &e) {
		text = e.Public + " (" + string(e.Check) + ")"
	}
	show(w, http.StatusForbidden, view{Text: text})
}

func (a *application) session(r *http.Request) (id string, l login, ok bool) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return "", login{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	l, ok = a.sessions[c.Value]
	return c.Value, l, ok
}

func (a *application) home(w http.ResponseWriter, r *http.Request) {
	if _, l, ok := a.session(r); ok {
		show(w, http.StatusOK, view{Text: "Signed in as " + l.user + ".", User: l.user})
		return
	}
	show(w, http.StatusOK, view{Text: "Nobody is signed in: no IdP session.", Form: true, Next: "/"})
}

func (a *application) metadata(w http.ResponseWriter, _ *http.Request) {
	b, err := a.idp.Metadata()
	if err != nil {
		refused(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	_, _ = w.Write(b)
}

// sso verifies and parks an AuthnRequest, and goes on by a same-origin GET,
// where the session's Lax cookie is seen.
func (a *application) sso(w http.ResponseWriter, r *http.Request) {
	req, err := a.idp.ParseRequest(r)
	if err != nil {
		refused(w, err)
		return
	}
	handle, err := a.idp.Park(r.Context(), req)
	if err != nil {
		refused(w, err)
		return
	}
	http.Redirect(w, r, "/continue?request="+url.QueryEscape(handle), http.StatusSeeOther)
}

func (a *application) next(w http.ResponseWriter, r *http.Request) {
	req, err := a.idp.Resume(r.Context(), r.URL.Query().Get("request"))
	if err != nil {
		refused(w, err)
		return
	}
	id, l, ok := a.session(r)
	fresh := ok && (!req.ForceAuthn || !l.at.Before(req.IssueInstant.Truncate(time.Second)))
	switch {
	case !fresh && req.IsPassive:
		out, err := a.idp.Fail(r.Context(), req, saml.Status{Code: saml.StatusResponder, SubCode: saml.StatusNoPassive})
		a.send(w, r, out, err)
	case !fresh:
		show(w, http.StatusOK, view{Text: "Sign in for " + req.SP + ".", Form: true, Next: r.URL.RequestURI()})
	case req.Context != nil && !satisfied(req.Context):
		out, err := a.idp.Fail(r.Context(), req, saml.Status{Code: saml.StatusResponder, SubCode: saml.StatusNoAuthnContext})
		a.send(w, r, out, err)
	default:
		format, known := req.NameIDFormat(nil, nameIDFormats...)
		if !known {
			out, err := a.idp.Fail(r.Context(), req, saml.Status{SubCode: saml.StatusInvalidNameID})
			a.send(w, r, out, err)
			return
		}
		p := about(l)
		if format == saml.NameIDTransient {
			p.NameID = saml.NameID{Value: rand.Text(), Format: format}
		}
		p.Request, p.Session = req, id
		out, err := a.idp.Respond(r.Context(), p)
		a.send(w, r, out, err)
	}
}

func satisfied(c *saml.RequestedContext) bool {
	for _, class := range c.ClassRefs {
		if class == saml.ContextPasswordProtected || class == saml.ContextUnspecified || class == saml.ContextPassword {
			return true
		}
	}
	return c.Comparison == "minimum"
}

// about is what service providers are told of a person.
func about(l login) saml.ResponseParams {
	return saml.ResponseParams{
		NameID:       saml.NameID{Value: l.user + "@example.test", Format: saml.NameIDEmail},
		AuthnInstant: l.at, AuthnContext: saml.ContextPasswordProtected,
		Attributes: []saml.Attribute{
			{Name: "uid", Format: saml.AttrBasic, Values: []string{l.user}},
			{Name: "mail", Format: saml.AttrBasic, Values: []string{l.user + "@example.test"}},
			{Name: "groups", Format: saml.AttrBasic, Values: []string{"people", "example"}},
		},
	}
}

func (a *application) send(w http.ResponseWriter, r *http.Request, out *saml.Outgoing, err error) {
	if err != nil {
		refused(w, err)
		return
	}
	out.ServeHTTP(w, r)
}

func (a *application) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	user, next := r.PostFormValue("username"), r.PostFormValue("next")
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n") {
		next = "/"
	}
	want, known := passwords[user]
	if subtle.ConstantTimeCompare([]byte(want), []byte(r.PostFormValue("password"))) != 1 || !known {
		show(w, http.StatusForbidden, view{Text: "That name and password do not match.", Form: true, Next: next})
		return
	}
	id := rand.Text()
	a.mu.Lock()
	full := len(a.sessions) >= maxSessions
	if !full {
		a.sessions[id] = login{user: user, at: time.Now()}
	}
	a.mu.Unlock()
	if full {
		show(w, http.StatusServiceUnavailable, view{Text: "There are too many sessions."})
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(a.base, "https:")})
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// initiate begins at the identity provider: /initiate?sp=ENTITYID&relay=..
func (a *application) initiate(w http.ResponseWriter, r *http.Request) {
	id, l, ok := a.session(r)
	if !ok {
		show(w, http.StatusOK, view{Text: "Sign in first.", Form: true, Next: r.URL.RequestURI()})
		return
	}
	p := about(l)
	p.SP, p.RelayState, p.Session = r.URL.Query().Get("sp"), r.URL.Query().Get("relay"), id
	out, err := a.idp.Respond(r.Context(), p)
	a.send(w, r, out, err)
}

func (a *application) end(sessions ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range sessions {
		delete(a.sessions, id)
	}
}

// signOut ends the session here and at every service provider that took part.
func (a *application) signOut(w http.ResponseWriter, r *http.Request) {
	id, _, ok := a.session(r)
	if !ok {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	a.end(id)
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1})
	res, err := a.idp.Logout(r.Context(), id, "")
	a.after(w, r, res, err)
}

func (a *application) slo(w http.ResponseWriter, r *http.Request) {
	res, err := a.idp.HandleLogout(r, func(_ context.Context, sessions []string) error {
		a.end(sessions...)
		return nil
	})
	a.after(w, r, res, err)
}

func (a *application) after(w http.ResponseWriter, r *http.Request, res *saml.LogoutResult, err error) {
	switch {
	case res == nil:
		refused(w, err)
	case res.Reply != nil:
		res.Reply.ServeHTTP(w, r)
	default:
		show(w, http.StatusOK, view{Text: "Signed out: logout status=" + res.Status.Code})
	}
}
