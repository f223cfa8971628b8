// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/boombuler/barcode/qr"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/session"
	"github.com/gatehouse-id/gatehouse/portal/signin"
	"github.com/gatehouse-id/gatehouse/portal/ui"
)

// Enrolment needs a single-use ticket besides the password, or a fresh factor.
// Nothing is made by a GET: the first challenge comes with the POST that
// chooses a factor.
func (p *Portal) routeEnrol() {
	p.handle("GET", ui.PathEnrol, p.enrolPage)
	p.handle("POST", ui.PathEnrol, p.enrolTicket)
	p.person("GET", ui.PathEnrolTOTP, p.enrolAnother)
	p.person("GET", ui.PathEnrolPasskey, p.enrolAnother)
	p.person("POST", ui.PathEnrolTOTP, p.enrolTOTP)
	p.person("POST", ui.PathEnrolPasskey, p.enrolPasskeyPage)
	p.person("POST", ui.PathEnrolPasskeyBeg, p.enrolPasskeyBegin)
	p.person("POST", ui.PathEnrolPasskeyFin, p.enrolPasskeyFinish)
	p.person("GET", ui.PathEnrolRecovery, func(w http.ResponseWriter, _ *http.Request, c *current) error {
		p.ui.Render(w, http.StatusOK, ui.RecoveryCodes{Username: c.person.UserName})
		return nil
	})
	p.person("POST", ui.PathEnrolRecovery, p.enrolRecovery)
}

// enrolment is what the pages of one enrolment carry, sealed.
type enrolment struct {
	Ticket    string `json:"t,omitempty"`
	Challenge string `json:"c,omitempty"`
	Secret    string `json:"s,omitempty"`
	URI       string `json:"u,omitempty"`
}

func (p *Portal) sealEnrolment(e enrolment, browser string) (string, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return "", err
	}
	sealed, err := p.keys.Seal(b, []byte("portal|enrolment|"+browser))
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

func (p *Portal) openEnrolment(s, browser string) (e enrolment) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(s) > 4096 {
		return enrolment{}
	}
	plain, err := p.keys.Open(raw, []byte("portal|enrolment|"+browser))
	if err != nil || json.Unmarshal(plain, &e) != nil {
		return enrolment{}
	}
	return e
}

// fresh says whether the session has just proved a factor that the person has.
func (p *Portal) fresh(r *http.Request, c *current) (bool, error) {
	return p.mfa.Fresh(r.Context(), mfa.Subject{ID: c.person.ID}, signin.Evidence(c.session))
}

// enrolPage asks for the ticket, or lets somebody choose who has just proved a
// factor.
func (p *Portal) enrolPage(w http.ResponseWriter, r *http.Request) error {
	c, err := p.lookup(r)
	if err != nil && !errors.Is(err, session.ErrNotFound) && !errors.Is(err, directory.ErrNotFound) {
		return err
	}
	page := ui.EnrolTicket{Ticket: r.URL.Query().Get(ui.FieldTicket)}
	if c != nil {
		page.Username = c.person.UserName
		fresh, err := p.fresh(r, c)
		if err != nil {
			return err
		}
		if fresh {
			return p.showEnrolChoice(w, r, c, enrolment{})
		}
	}
	p.ui.Render(w, http.StatusOK, page)
	return nil
}

// enrolAnother is where the Security page leads. The POST after it asks for a
// fresh proof.
func (p *Portal) enrolAnother(w http.ResponseWriter, r *http.Request, c *current) error {
	if c.session.Level != session.Full {
		p.redirect(w, r, p.paths.At(ui.PathEnrol))
		return nil
	}
	return p.showEnrolChoice(w, r, c, enrolment{})
}

func (p *Portal) showEnrolChoice(w http.ResponseWriter, r *http.Request, c *current, e enrolment) error {
	flow, err := p.sealEnrolment(e, p.browser(w, r))
	if err != nil {
		return err
	}
	p.ui.Render(w, http.StatusOK, ui.EnrolChoice{
		Flow: flow, Username: c.person.UserName, Required: c.session.Level != session.Full, TOTP: true, Passkey: true,
	})
	return nil
}

// enrolTicket takes a ticket: one that sets a password from anybody, one for a
// factor from the person who is signed in. It is spent with the factor.
func (p *Portal) enrolTicket(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	ticket := strings.TrimSpace(r.PostFormValue(ui.FieldTicket))
	if ticket == "" { // another way than the one that was chosen first
		ticket = p.openEnrolment(r.PostFormValue(ui.FieldFlow), p.browser(w, r)).Ticket
	}
	if strings.HasPrefix(ticket, signin.TicketInvite+"-") || strings.HasPrefix(ticket, signin.TicketReset+"-") {
		p.showNewPassword(w, http.StatusOK, ticket, "")
		return nil
	}
	c, err := p.lookup(r)
	if errors.Is(err, session.ErrNotFound) || errors.Is(err, directory.ErrNotFound) {
		return p.toSignIn(w, r)
	}
	if err != nil {
		return err
	}
	fresh, err := p.fresh(r, c)
	if err != nil {
		return err
	}
	if ticket == "" && (c.session.Level == session.Full || fresh) {
		return p.showEnrolChoice(w, r, c, enrolment{})
	}
	if err := p.mfa.CheckTicket(r.Context(), mfa.Subject{ID: c.person.ID}, ticket); err != nil {
		var refused *mfa.Error
		if errors.As(err, &refused) {
			p.report(r, err)
			p.ui.Render(w, http.StatusForbidden, ui.EnrolTicket{Username: c.person.UserName, Problem: refused.Public})
			return nil
		}
		return err
	}
	return p.showEnrolChoice(w, r, c, enrolment{Ticket: ticket})
}

// beginEnrol makes the challenge; somebody without a ticket whose proof is no
// longer fresh is asked for a factor first.
func (p *Portal) beginEnrol(w http.ResponseWriter, r *http.Request, c *current, kind mfa.Kind, e enrolment) (*mfa.Challenge, error) {
	client := p.client(w, r, c.person.UserName)
	return p.mfa.BeginEnrol(r.Context(), mfa.EnrolInput{
		Subject: mfa.Subject{ID: c.person.ID}, Kind: kind, Account: c.person.UserName, DisplayName: displayName(c.person),
		Session: client.Browser, Client: mfaClient(client), Ticket: e.Ticket, Authenticated: signin.Evidence(c.session),
	})
}

func mfaClient(c signin.Client) mfa.Client {
	return mfa.Client{Addr: c.Addr, Device: c.Device, Browser: c.UserAgent, TrustToken: c.TrustToken}
}

// enrolTOTP without a code shows a new secret, with one judges it.
func (p *Portal) enrolTOTP(w http.ResponseWriter, r *http.Request, c *current) error {
	if err := form(w, r); err != nil {
		return err
	}
	e := p.openEnrolment(r.PostFormValue(ui.FieldFlow), p.browser(w, r))
	code := r.PostFormValue(ui.FieldCode)
	if code == "" || e.Challenge == "" {
		ch, err := p.beginEnrol(w, r, c, mfa.KindTOTP, e)
		if err != nil {
			return p.freshOr(w, r, c, err)
		}
		var public struct {
			Secret string `json:"secret"`
			URI    string `json:"uri"`
		}
		if err := json.Unmarshal(ch.Public, &public); err != nil {
			return err
		}
		e.Challenge, e.Secret, e.URI = ch.ID, public.Secret, public.URI
		return p.showTOTP(w, r, c, http.StatusOK, e, "")
	}
	_, err := p.finishEnrol(w, r, c, e.Challenge, []byte(code), r.PostFormValue(ui.FieldName))
	var refused *mfa.Error
	if errors.As(err, &refused) {
		p.report(r, err)
		if refused.Check == mfa.CheckChallenge || refused.Check == mfa.CheckTicket {
			p.ui.Render(w, http.StatusForbidden, ui.EnrolTicket{Username: c.person.UserName, Problem: refused.Public})
			return nil
		}
		return p.showTOTP(w, r, c, http.StatusForbidden, e, refused.Public)
	}
	if err != nil {
		return err
	}
	p.redirect(w, r, p.afterEnrol(w, c))
	return nil
}

func (p *Portal) showTOTP(w http.ResponseWriter, r *http.Request, c *current, status int, e enrolment, problem string) error {
	flow, err := p.sealEnrolment(e, p.browser(w, r))
	if err != nil {
		return err
	}
	modules, err := qrModules(e.URI)
	if err != nil {
		return err
	}
	p.ui.Render(w, status, ui.EnrolTOTP{Flow: flow, Username: c.person.UserName, Problem: problem, QR: modules, Secret: e.Secret, URI: e.URI})
	return nil
}

// qrModules draws a text as the modules of a QR code of level M.
func qrModules(text string) ([][]bool, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return nil, err
	}
	size := code.Bounds()
	rows := make([][]bool, size.Dy())
	for y := range rows {
		rows[y] = make([]bool, size.Dx())
		for x := range rows[y] {
			grey, _, _, _ := code.At(x, y).RGBA()
			rows[y][x] = grey == 0
		}
	}
	return rows, nil
}

// finishEnrol adds the factor. In the same transaction the session gets a new
// id; one that reached enrolment only becomes a full one if policy is content
// with what enrolling has proved.
func (p *Portal) finishEnrol(w http.ResponseWriter, r *http.Request, c *current, challenge string, answer []byte, name string) (mfa.Record, error) {
	client := p.client(w, r, c.person.UserName)
	var out signin.Progress
	rec, err := p.mfa.FinishEnrol(r.Context(), challenge, mfa.EnrolAnswer{Session: client.Browser, Name: name, Data: answer, Client: mfaClient(client)},
		func(ctx context.Context, rec mfa.Record) error {
			return p.signin.Enrolled(ctx, client, c.session, c.cookie, c.person, rec, &out)
		})
	if err != nil {
		return rec, err
	}
	p.setCookie(w, cookieSession, out.Cookie, 0)
	return rec, nil
}

func (p *Portal) afterEnrol(w http.ResponseWriter, c *current) string {
	p.notice(w, "enrolled")
	if c.session.Level != session.Full {
		return p.paths.At(ui.PathHome)
	}
	return p.paths.At(ui.PathSecurity)
}

// freshOr sends somebody whose proof is too old to a step-up, and back.
func (p *Portal) freshOr(w http.ResponseWriter, r *http.Request, c *current, err error) error {
	var refused *mfa.Error
	if !errors.As(err, &refused) || refused.Check != mfa.CheckFresh || c.session.Level != session.Full {
		return err
	}
	next, err := p.stepUp(w, r, c, p.paths.At(ui.PathEnrol))
	if err != nil {
		return err
	}
	p.redirect(w, r, next)
	return nil
}

func (p *Portal) stepUp(w http.ResponseWriter, r *http.Request, c *current, back string) (string, error) {
	flow, err := p.signin.StepUp(r.Context(), p.client(w, r, c.person.UserName), c.session, back)
	return p.paths.WithQuery(ui.PathMFA, ui.FieldFlow, flow), err
}

func (p *Portal) enrolPasskeyPage(w http.ResponseWriter, r *http.Request, c *current) error {
	if err := form(w, r); err != nil {
		return err
	}
	p.ui.Render(w, http.StatusOK, ui.EnrolPasskey{Flow: r.PostFormValue(ui.FieldFlow), Username: c.person.UserName})
	return nil
}

func (p *Portal) enrolPasskeyBegin(w http.ResponseWriter, r *http.Request, c *current) error {
	var in ui.PasskeyBegin
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	ch, err := p.beginEnrol(w, r, c, mfa.KindWebAuthn, p.openEnrolment(in.Flow, p.browser(w, r)))
	var refused *mfa.Error
	if errors.As(err, &refused) && refused.Check == mfa.CheckFresh && c.session.Level == session.Full {
		next, err := p.stepUp(w, r, c, p.paths.At(ui.PathEnrol))
		if err != nil {
			return err
		}
		writeJSON(w, http.StatusForbidden, ui.PasskeyNext{Next: next, Problem: refused.Public})
		return nil
	}
	if err != nil {
		return err
	}
	return p.options(w, ch)
}

func (p *Portal) enrolPasskeyFinish(w http.ResponseWriter, r *http.Request, c *current) error {
	var in ui.PasskeyFinish
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	if _, err := p.finishEnrol(w, r, c, in.ID, in.Credential, in.Name); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, ui.PasskeyNext{Next: p.afterEnrol(w, c)})
	return nil
}

// enrolRecovery makes a new set of recovery codes, in place of an older one,
// and shows them once.
func (p *Portal) enrolRecovery(w http.ResponseWriter, r *http.Request, c *current) error {
	if err := form(w, r); err != nil {
		return err
	}
	ch, err := p.beginEnrol(w, r, c, mfa.KindRecovery, enrolment{})
	if err != nil {
		return p.freshOr(w, r, c, err)
	}
	var public struct {
		Codes []string `json:"codes"`
	}
	if err := json.Unmarshal(ch.Public, &public); err != nil {
		return err
	}
	client := p.client(w, r, c.person.UserName)
	if _, err := p.mfa.FinishEnrol(r.Context(), ch.ID, mfa.EnrolAnswer{Session: client.Browser, Client: mfaClient(client)}, nil); err != nil {
		return err
	}
	p.ui.Render(w, http.StatusOK, ui.RecoveryCodes{Username: c.person.UserName, Codes: public.Codes, Next: p.paths.At(ui.PathSecurity)})
	return nil
}
