// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/webauthn"
)

//go:embed templates static
var files embed.FS

// pages renders the site's two pages.
type pages struct{ t *template.Template }

func newPages() (*pages, error) {
	t, err := template.ParseFS(files, "templates/*.html")
	return &pages{t}, err
}

func (p *pages) static() http.Handler {
	h := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		h.ServeHTTP(w, r)
	})
}

// accountPage is what someone sees who has signed in.
type accountPage struct {
	Username string
	Passkeys []passkey
	Problem  string
	Signals  string // JSON for the browser's password manager
}

type passkey struct {
	ID, Name, Kind string
	Made, Used     time.Time
	Removable      bool
}

func (s *site) home(w http.ResponseWriter, r *http.Request) {
	if r.Host != s.origin[len("http://"):] { // passkeys are for localhost, not for 127.0.0.1
		http.Redirect(w, r, s.origin+"/", http.StatusFound)
		return
	}
	_, ses, _ := s.sessions.get(r)
	if ses.account == nil {
		s.render(w, r, http.StatusOK, "welcome.html", nil)
		return
	}
	s.account(w, r, ses.account, http.StatusOK, "")
}

func (s *site) account(w http.ResponseWriter, r *http.Request, a *account, status int, problem string) {
	records, err := s.flow.Records(r.Context(), a.Subject)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := accountPage{Username: a.Name, Problem: problem}
	for _, rec := range records {
		page.Passkeys = append(page.Passkeys, passkey{
			ID: rec.ID, Name: rec.Name, Kind: kindOf(rec), Made: rec.CreatedAt, Used: rec.UsedAt, Removable: len(records) > 1,
		})
	}
	if signals, ok := s.factor.Signals(records, a.Name, a.Name); ok {
		b, err := json.Marshal(signals)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		page.Signals = string(b)
	}
	s.render(w, r, status, "account.html", page)
}

func kindOf(r mfa.Record) string {
	d, err := webauthn.DetailsOf(r)
	switch {
	case err != nil:
		return ""
	case d.Synced:
		return "on all devices of its account"
	case d.Syncable:
		return "may be copied to other devices"
	}
	return "on one device"
}

func (s *site) render(w http.ResponseWriter, r *http.Request, status int, name string, page any) {
	var b bytes.Buffer
	if err := s.pages.t.ExecuteTemplate(&b, name, page); err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}

func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, text := s.explain(r, err)
	http.Error(w, text, status)
}

func (s *site) signOut(w http.ResponseWriter, r *http.Request) {
	if secret, _, ok := s.sessions.get(r); ok {
		s.sessions.end(secret)
	}
	http.SetCookie(w, s.cookie(""))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// change makes an HTTP handler of a change to one of the person's passkeys.
func (s *site) change(do func(r *http.Request, in mfa.ChangeInput) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, ses, _ := s.sessions.get(r)
		if ses.account == nil {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
		err := do(r, mfa.ChangeInput{
			Subject: ses.account.Subject, RecordID: r.PostFormValue("id"), Authenticated: ses.evidence, Client: client(r),
		})
		if err != nil {
			status, text := s.explain(r, err)
			if mfa.CheckOf(err) == mfa.CheckFresh {
				text = "You signed in a while ago. Sign out and in again to change your passkeys."
			}
			s.account(w, r, ses.account, status, text)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

func (s *site) rename(r *http.Request, in mfa.ChangeInput) error {
	return s.flow.Rename(r.Context(), in, r.PostFormValue("name"), nil)
}

func (s *site) remove(r *http.Request, in mfa.ChangeInput) error {
	return s.flow.Remove(r.Context(), in, nil)
}
