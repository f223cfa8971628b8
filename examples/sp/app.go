// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
)

const (
	cookieName  = "sp-session"
	maxSessions = 10_000
)

// person is what the application keeps of a session.
type person struct {
	subject      saml.Subject
	nameID       saml.NameID
	attributes   saml.Attributes
	sessionIndex string
	relayState   string
	expires      time.Time
}

// application is the program that people sign in to.
type application struct {
	base        string
	connections saml.ConnectionList
	sp          *saml.ServiceProvider

	mu       sync.Mutex
	sessions map[string]person
}

func newApp(base string, connections saml.ConnectionList) *application {
	return &application{base: base, connections: connections, sessions: map[string]person{}}
}

func (a *application) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /metadata", a.metadata)
	mux.HandleFunc("GET /login", a.login)
	mux.Handle("/acs", a.sp.ACS(a.base+"/acs")) // GET brings artifacts
	mux.HandleFunc("GET /finish", a.finish)
	mux.HandleFunc("GET /whoami", a.whoami)
	mux.HandleFunc("GET /logout", a.logout)
	mux.HandleFunc("/slo", a.slo)
	return mux
}

var page = template.Must(template.New("page").Parse(`<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Service provider</title>
<h1>Service provider</h1>{{with .Text}}<p>{{.}}</p>{{end}}<ul>{{range .Links}}<li><a href="{{.}}">{{.}}</a></li>{{end}}</ul></html>`))

func show(w http.ResponseWriter, status int, text string, links ...string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = page.Execute(w, struct {
		Text  string
		Links []string
	}{text, links})
}

// refused answers a refusal with what is for people, and the check that
// refused, which a test wants to see.
func refused(w http.ResponseWriter, err error) {
	text := "The sign-in could not be completed."
	var e *saml.Error
	if errors.As(err, &e) {
		text = e.Public + " (" + string(e.Check) + ")"
		if e.Status != nil {
			text += " " + e.Status.Code + " " + e.Status.SubCode
		}
	}
	show(w, http.StatusForbidden, text, "/login")
}

func (a *application) home(w http.ResponseWriter, r *http.Request) {
	if p, ok := a.session(r); ok {
		show(w, http.StatusOK, "Signed in as "+p.nameID.Value, "/whoami", "/logout")
		return
	}
	show(w, http.StatusOK, "Nobody is signed in.", "/login?binding=redirect", "/login?binding=post")
}

func (a *application) metadata(w http.ResponseWriter, r *http.Request) {
	b, err := a.sp.Metadata(r.Context(), a.connections[0].ID)
	if err != nil {
		refused(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	_, _ = w.Write(b)
}

// login sends the browser to an identity provider: the first one, or the one
// that idp= names by its entity ID.
func (a *application) login(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	c := a.connections[0]
	for _, x := range a.connections {
		if x.IdP.EntityID == q.Get("idp") {
			c = x
		}
	}
	o := saml.LoginOptions{Target: q.Get("relay"), ForceAuthn: q.Get("force") != "", IsPassive: q.Get("passive") != ""}
	switch q.Get("binding") {
	case "redirect":
		o.Binding = saml.BindingRedirect
	case "post":
		o.Binding = saml.BindingPOST
	}
	out, err := a.sp.Login(r.Context(), c.ID, o)
	if err != nil {
		refused(w, err)
		return
	}
	out.ServeHTTP(w, r)
}

// finish begins the session, in the browser that began the login.
func (a *application) finish(w http.ResponseWriter, r *http.Request) {
	id := rand.Text()
	err := a.sp.Finish(r.Context(), r, func(_ context.Context, as *saml.Assertion) error {
		p := person{subject: as.Subject(), nameID: as.NameID, attributes: as.Attributes, sessionIndex: as.SessionIndex, relayState: as.Target, expires: time.Now().Add(time.Hour)}
		if as.Unsolicited {
			p.relayState = as.RelayState
		}
		if !as.SessionNotOnOrAfter.IsZero() && as.SessionNotOnOrAfter.Before(p.expires) {
			p.expires = as.SessionNotOnOrAfter
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.sessions) >= maxSessions {
			return errors.New("too many sessions")
		}
		a.sessions[id] = p
		return nil
	})
	if err != nil {
		refused(w, err)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(a.base, "https:")})
	http.Redirect(w, r, "/whoami", http.StatusSeeOther)
}

func (a *application) session(r *http.Request) (person, bool) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return person{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	p, ok := a.sessions[c.Value]
	if ok && time.Now().After(p.expires) {
		delete(a.sessions, c.Value)
		ok = false
	}
	return p, ok
}

func (a *application) whoami(w http.ResponseWriter, r *http.Request) {
	p, ok := a.session(r)
	if !ok {
		http.Error(w, "no session", http.StatusUnauthorized)
		return
	}
	attributes := map[string][]string{}
	for _, at := range p.attributes {
		attributes[at.Name] = append(attributes[at.Name], at.Values...)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"nameid": p.nameID.Value, "format": p.nameID.Format, "attributes": attributes, "sessionindex": p.sessionIndex, "relaystate": p.relayState,
	})
}

// logout ends the own session first, then the one at the identity provider.
func (a *application) logout(w http.ResponseWriter, r *http.Request) {
	p, ok := a.session(r)
	if !ok {
		http.Error(w, "no session", http.StatusUnauthorized)
		return
	}
	c, _ := r.Cookie(cookieName)
	a.mu.Lock()
	delete(a.sessions, c.Value)
	a.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1})
	out, err := a.sp.Logout(r.Context(), saml.LogoutStart{Connection: p.subject.Connection, Issuer: p.subject.Issuer, NameID: p.nameID, SessionIndexes: indexes(p)})
	if err != nil {
		show(w, http.StatusOK, "logout status=local only: "+fmt.Sprint(saml.CheckOf(err)), "/login")
		return
	}
	out.ServeHTTP(w, r)
}

func indexes(p person) []string {
	if p.sessionIndex == "" {
		return nil
	}
	return []string{p.sessionIndex}
}

// slo takes logout messages of identity providers.
func (a *application) slo(w http.ResponseWriter, r *http.Request) {
	res, err := a.sp.HandleLogout(r, a.base+"/slo", func(_ context.Context, n saml.LogoutNotice) error {
		a.mu.Lock()
		defer a.mu.Unlock()
		ended := false
		for id, p := range a.sessions {
			if p.subject == n.Subject && (len(n.SessionIndexes) == 0 || slices.Contains(n.SessionIndexes, p.sessionIndex)) {
				delete(a.sessions, id)
				ended = true
			}
		}
		if !ended {
			return saml.ErrNotFound
		}
		return nil
	})
	if res == nil {
		refused(w, err)
		return
	}
	if res.Reply != nil {
		res.Reply.ServeHTTP(w, r)
		return
	}
	show(w, http.StatusOK, "logout status="+res.Status.Code, "/login")
}
