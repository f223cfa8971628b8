// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/session"
	"github.com/gatehouse-id/gatehouse/portal/signin"
	"github.com/gatehouse-id/gatehouse/portal/ui"
)

func (p *Portal) routeSignIn() {
	p.handle("GET", ui.PathSignIn, p.signInPage)
	p.handle("POST", ui.PathSignIn, p.identify)
	p.handle("POST", ui.PathPassword, p.password)
	p.handle("GET", ui.PathMFA, p.factorPage)
	p.handle("POST", ui.PathTOTP, p.code(mfa.KindTOTP, ui.MethodTOTP))
	p.handle("POST", ui.PathRecovery, p.code(mfa.KindRecovery, ui.MethodRecovery))
	p.handle("POST", ui.PathPasskeyBegin, p.passkeyBegin)
	p.handle("POST", ui.PathPasskeyFinish, p.passkeyFinish)
	p.handle("GET", ui.PathSignOut, func(w http.ResponseWriter, r *http.Request) error {
		p.ui.Render(w, http.StatusOK, ui.SignedOut{})
		return nil
	})
	p.handle("POST", ui.PathSignOut, p.signOut)
	p.handle("POST", ui.PathNewPassword, p.newPassword)
}

// signInPage shows the identifier form. Somebody who is signed in already goes
// on to where it leads.
func (p *Portal) signInPage(w http.ResponseWriter, r *http.Request) error {
	browser := p.browser(w, r)
	e, _ := p.signin.OpenEntry(r.URL.Query().Get(ui.FieldFlow), browser)
	if c, err := p.lookup(r); err == nil && c.session.Level == session.Full {
		p.redirect(w, r, p.landing(e.Return))
		return nil
	}
	return p.showSignIn(w, r, http.StatusOK, e, "")
}

func (p *Portal) showSignIn(w http.ResponseWriter, r *http.Request, status int, e signin.Entry, problem string) error {
	flow, err := p.signin.SealEntry(e, p.browser(w, r))
	if err != nil {
		return err
	}
	sources, err := p.c.Store.Sources(r.Context())
	if err != nil {
		return err
	}
	page := ui.SignIn{Flow: flow, Username: e.Login, Problem: problem, Passkey: true}
	for _, s := range sources {
		if s.Kind == directory.SAML {
			page.Sources = append(page.Sources, ui.Source{ID: s.ID, Name: s.Name})
		}
	}
	p.ui.Render(w, status, page)
	return nil
}

// landing is where a finished sign-in leads.
func (p *Portal) landing(path string) string {
	if signin.SafeReturn(path) && strings.HasPrefix(path, p.prefix+"/") {
		return path
	}
	return p.paths.At(ui.PathHome)
}

// identify sends the name to its source: by the domain alone, never by
// whether the person exists.
func (p *Portal) identify(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	browser := p.browser(w, r)
	e, _ := p.signin.OpenEntry(r.PostFormValue(ui.FieldFlow), browser)
	e.Login = strings.TrimSpace(r.PostFormValue(ui.FieldUsername))
	if directory.FoldLogin(e.Login) == "" {
		e.Login = ""
		return p.showSignIn(w, r, http.StatusUnprocessableEntity, e, "Enter your user name.")
	}
	src, err := p.dir.SourceForLogin(r.Context(), e.Login)
	if err != nil {
		return err
	}
	if src != nil && src.Kind == directory.SAML {
		return p.toSource(w, r, src, e)
	}
	return p.showPassword(w, r, http.StatusOK, e, "")
}

func (p *Portal) showPassword(w http.ResponseWriter, r *http.Request, status int, e signin.Entry, problem string) error {
	flow, err := p.signin.SealEntry(e, p.browser(w, r))
	if err != nil {
		return err
	}
	p.ui.Render(w, status, ui.Password{Flow: flow, Username: e.Login, Problem: problem})
	return nil
}

func (p *Portal) password(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	e, ok := p.signin.OpenEntry(r.PostFormValue(ui.FieldFlow), p.browser(w, r))
	if !ok || e.Login == "" {
		return p.showSignIn(w, r, http.StatusForbidden, signin.Entry{}, "This sign-in has expired. Please begin again.")
	}
	progress, err := p.signin.Password(r.Context(), p.client(w, r, e.Login), e, r.PostFormValue(ui.FieldPassword))
	var refused *signin.Error
	if errors.As(err, &refused) && refused.Check != signin.CheckRate && refused.Check != signin.CheckFactor {
		p.report(r, err)
		return p.showPassword(w, r, http.StatusForbidden, e, refused.Public)
	}
	if err != nil {
		return err
	}
	return p.goOn(w, r, progress)
}

// goOn answers after a proof: the next question, or the session's cookie and
// where it leads.
func (p *Portal) goOn(w http.ResponseWriter, r *http.Request, progress *signin.Progress) error {
	next, err := p.next(w, r, progress)
	if err != nil {
		return err
	}
	p.redirect(w, r, next)
	return nil
}

func (p *Portal) next(w http.ResponseWriter, r *http.Request, progress *signin.Progress) (string, error) {
	if progress.Step == signin.StepFactor {
		return p.paths.WithQuery(ui.PathMFA, ui.FieldFlow, progress.Flow), nil
	}
	if progress.Cookie != "" {
		p.setCookie(w, cookieSession, progress.Cookie, 0)
		p.setCookie(w, cookieDevice, p.signin.MarkDevice(p.cookie(r, cookieDevice), progress.Person.UserName), year)
	}
	if progress.Step == signin.StepEnrol {
		return p.paths.At(ui.PathEnrol), nil
	}
	return p.landing(progress.Return), nil
}

var methods = map[mfa.Kind]ui.Method{
	mfa.KindTOTP: ui.MethodTOTP, mfa.KindWebAuthn: ui.MethodPasskey, mfa.KindRecovery: ui.MethodRecovery,
}

// factorPage asks for a second factor of a stored sign-in.
func (p *Portal) factorPage(w http.ResponseWriter, r *http.Request) error {
	flow := r.URL.Query().Get(ui.FieldFlow)
	return p.showFactor(w, r, http.StatusOK, flow, ui.Method(r.URL.Query().Get(ui.FieldFactor)), "")
}

func (p *Portal) showFactor(w http.ResponseWriter, r *http.Request, status int, flow string, current ui.Method, problem string) error {
	progress, err := p.signin.Pending(r.Context(), p.client(w, r, ""), flow)
	var refused *signin.Error
	if errors.As(err, &refused) && refused.Check == signin.CheckFlow {
		return p.showSignIn(w, r, http.StatusForbidden, signin.Entry{}, refused.Public)
	}
	if err != nil {
		return err
	}
	page := ui.SecondFactor{Flow: flow, Username: progress.Person.UserName, Problem: problem, RememberDays: int(progress.Trust / (24 * time.Hour))}
	for _, k := range progress.Kinds {
		m, ok := methods[k]
		if !ok {
			continue
		}
		page.Methods = append(page.Methods, m)
		if page.Current == "" || m == current {
			page.Current = m
		}
	}
	p.ui.Render(w, status, page)
	return nil
}

// code judges a typed code of a stored sign-in.
func (p *Portal) code(kind mfa.Kind, method ui.Method) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := form(w, r); err != nil {
			return err
		}
		flow := r.PostFormValue(ui.FieldFlow)
		client := p.client(w, r, "")
		progress, err := p.signin.Answer(r.Context(), client, flow, kind, []byte(r.PostFormValue(ui.FieldCode)), p.cookie(r, cookieSession))
		var refused *mfa.Error
		var own *signin.Error
		switch {
		case errors.As(err, &refused):
			p.report(r, err)
			return p.showFactor(w, r, http.StatusForbidden, flow, method, refused.Public)
		case errors.As(err, &own) && own.Check == signin.CheckFlow:
			p.report(r, err)
			return p.showSignIn(w, r, http.StatusForbidden, signin.Entry{}, own.Public)
		case err != nil:
			return err
		}
		if r.PostFormValue(ui.FieldRemember) == "on" {
			if err := p.trust(w, r, progress); err != nil {
				return err
			}
		}
		return p.goOn(w, r, progress)
	}
}

// trust remembers the browser, as far as policy allows it.
func (p *Portal) trust(w http.ResponseWriter, r *http.Request, progress *signin.Progress) error {
	if progress.Trust <= 0 || progress.Result == nil {
		return nil
	}
	token, _, err := p.mfa.TrustDevice(r.Context(), *progress.Result, browserFamily(r.UserAgent()), progress.Trust)
	if mfa.CheckOf(err) != "" { // a proof that trusts no browser still signs in
		p.report(r, err)
		return nil
	}
	if err != nil {
		return err
	}
	p.setCookie(w, cookieTrust, token, progress.Trust)
	return nil
}

// readJSON reads one bounded JSON value of the portal's own scripts.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	if !wantsJSON(r) {
		return refuse(CheckForm, http.StatusUnsupportedMediaType, "That is not JSON.", nil)
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 128<<10))
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return refuse(CheckForm, http.StatusBadRequest, "The request could not be read.", err)
	}
	if !utf8.Valid(b) || bytes.Contains(b, []byte(`\u0000`)) {
		return refuse(CheckInput, http.StatusBadRequest, publicText, errors.New("JSON"))
	}
	return nil
}

// passkeyBegin makes a challenge: for the stored sign-in if the flow is one,
// else for a sign-in by passkey alone.
func (p *Portal) passkeyBegin(w http.ResponseWriter, r *http.Request) error {
	var in ui.PasskeyBegin
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	client := p.client(w, r, "")
	var ch *mfa.Challenge
	var err error
	if _, entry := p.signin.OpenEntry(in.Flow, client.Browser); entry {
		if err := p.admit(r, signin.ByPasskey); err != nil {
			return err
		}
		ch, err = p.signin.BeginPasskey(r.Context(), client)
	} else {
		ch, err = p.signin.BeginFactor(r.Context(), client, in.Flow, mfa.KindWebAuthn)
	}
	if err != nil {
		return err
	}
	return p.options(w, ch)
}

// options hands a WebAuthn challenge to passkey.js.
func (p *Portal) options(w http.ResponseWriter, ch *mfa.Challenge) error {
	var public struct {
		PublicKey json.RawMessage `json:"publicKey"`
	}
	if err := json.Unmarshal(ch.Public, &public); err != nil {
		return err
	}
	if public.PublicKey == nil {
		public.PublicKey = ch.Public
	}
	writeJSON(w, http.StatusOK, ui.PasskeyOptions{ID: ch.ID, PublicKey: public.PublicKey})
	return nil
}

func (p *Portal) passkeyFinish(w http.ResponseWriter, r *http.Request) error {
	var in ui.PasskeyFinish
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	client := p.client(w, r, "")
	var progress *signin.Progress
	var err error
	if e, entry := p.signin.OpenEntry(in.Flow, client.Browser); entry {
		progress, err = p.signin.Passkey(r.Context(), client, e, in.ID, in.Credential)
	} else {
		progress, err = p.signin.Factor(r.Context(), client, in.Flow, in.ID, in.Credential, p.cookie(r, cookieSession))
	}
	if err != nil {
		return err
	}
	if in.Remember {
		if err := p.trust(w, r, progress); err != nil {
			return err
		}
	}
	next, err := p.next(w, r, progress)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, ui.PasskeyNext{Next: next})
	return nil
}

func (p *Portal) signOut(w http.ResponseWriter, r *http.Request) error {
	c, err := p.lookup(r)
	if err != nil && !errors.Is(err, session.ErrNotFound) && !errors.Is(err, directory.ErrNotFound) {
		return err
	}
	if c != nil {
		err := p.c.Store.InTx(r.Context(), func(ctx context.Context) error {
			if err := p.endSession(ctx, c.person.ID, c.session.ID, "signed out"); err != nil {
				return err
			}
			return p.audit.Record(ctx, audit.Event{Type: audit.SignOut, Actor: c.person.ID, Person: c.person.ID, Details: map[string]string{"session": c.session.ID}})
		})
		// Somebody may have ended it since it was looked up.
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			return err
		}
	}
	p.setCookie(w, cookieSession, "", 0)
	p.redirect(w, r, p.paths.At(ui.PathSignOut))
	return nil
}

// showNewPassword asks for the new password that a ticket sets. The ticket
// travels in the form of a page that is not kept.
func (p *Portal) showNewPassword(w http.ResponseWriter, status int, ticket, problem string) {
	p.ui.Render(w, status, ui.NewPassword{Flow: ticket, MinLength: directory.MinPassword, Problem: problem})
}

func (p *Portal) newPassword(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	ticket, password := r.PostFormValue(ui.FieldFlow), r.PostFormValue(ui.FieldPassword)
	if password != r.PostFormValue(ui.FieldPassword2) {
		p.showNewPassword(w, http.StatusUnprocessableEntity, ticket, "The two passwords differ.")
		return nil
	}
	_, factor, err := p.signin.SpendTicket(r.Context(), p.client(w, r, ""), ticket, password)
	if errors.Is(err, directory.ErrWeakPassword) {
		p.showNewPassword(w, http.StatusUnprocessableEntity, ticket, weak(err))
		return nil
	}
	if err != nil {
		return err
	}
	msg := ui.Message{Title: "Your password is set", Text: "You can sign in with it now.", Link: p.paths.At(ui.PathSignIn), LinkText: "Sign in"}
	if factor != "" {
		msg.Text = "Sign in with it now. To set up your second factor you need this ticket, which is shown once and is good for an hour: " + factor
	}
	p.ui.Render(w, http.StatusOK, msg)
	return nil
}

func weak(err error) string {
	_, text, _ := strings.Cut(err.Error(), ": ")
	_, advice, ok := strings.Cut(text, ": ")
	if !ok {
		advice = text
	}
	return strings.ToUpper(advice[:1]) + advice[1:] + "."
}
