// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/portal/app"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/session"
	"github.com/gatehouse-id/gatehouse/portal/signin"
	"github.com/gatehouse-id/gatehouse/portal/ui"
	"github.com/gatehouse-id/gatehouse/saml"
)

func (p *Portal) buildApps() (err error) {
	if p.apps, err = app.New(app.Config{Store: p.c.Store, Record: p.audit.Record, Now: p.now}); err != nil {
		return err
	}
	p.appIdP, err = saml.NewIdentityProvider(saml.IdPConfig{
		EntityID: p.url(PathAppMetadata), SSO: p.url(PathAppSSO), SLO: p.url(PathAppSLO), Keys: keyPairs(p.c.Keys.Apps),
		Peers: p.apps, Store: p.c.SAML, Participants: p.c.SAML, Now: p.now,
	})
	if err != nil {
		return err
	}
	p.handleMetadata(PathAppMetadata, p.appIdP.Metadata)
	return nil
}

// Apps is the register of applications.
func (p *Portal) Apps() *app.Apps { return p.apps }

func (p *Portal) routeApps() {
	p.handleCross("GET", PathAppSSO, p.appRequest)
	p.handleCross("POST", PathAppSSO, p.appRequest)
	p.handle("GET", pathAppContinue, p.appContinue)
	p.person("POST", ui.PathAppLaunch, p.appLaunch)
	p.handleCross("GET", PathAppSLO, p.appLogout)
	p.handleCross("POST", PathAppSLO, p.appLogout)
}

// pathAppContinue is the same-origin GET behind an AuthnRequest, where the Lax
// cookie of the session is seen.
const (
	pathAppContinue = "/saml/app/continue"
	fieldHandle     = "request"
)

// appRequest verifies an application's AuthnRequest, parks it and answers 303:
// a POST from another site comes without the session's cookie.
func (p *Portal) appRequest(w http.ResponseWriter, r *http.Request) error {
	req, err := p.appIdP.ParseRequest(r)
	if err != nil {
		return err
	}
	if err := p.admit(r, signin.ByApplication); err != nil {
		return err
	}
	handle, err := p.appIdP.Park(r.Context(), req)
	if err != nil {
		return err
	}
	p.redirect(w, r, p.paths.WithQuery(pathAppContinue, fieldHandle, handle))
	return nil
}

// appContinue answers a parked request: at once if somebody is signed in whom
// the application is assigned to, after a sign-in otherwise.
func (p *Portal) appContinue(w http.ResponseWriter, r *http.Request) error {
	req, err := p.appIdP.Resume(r.Context(), r.URL.Query().Get(fieldHandle))
	if err != nil {
		return err
	}
	c, err := p.lookup(r)
	signedOut := errors.Is(err, session.ErrNotFound) || errors.Is(err, directory.ErrNotFound)
	switch {
	case err != nil && !signedOut:
		return err
	case signedOut && req.IsPassive:
		return p.appFail(w, r, req, saml.StatusResponder, saml.StatusNoPassive)
	case signedOut:
		return p.toSignIn(w, r)
	case c.session.Level != session.Full:
		p.redirect(w, r, p.paths.At(ui.PathEnrol))
		return nil
	case req.ForceAuthn && authenticated(c).Before(req.IssueInstant):
		if req.IsPassive {
			return p.appFail(w, r, req, saml.StatusResponder, saml.StatusNoPassive)
		}
		return p.again(w, r, c)
	}
	allowed, err := p.apps.Allowed(r.Context(), c.person.ID, req.SP)
	if errors.Is(err, app.ErrNotAssigned) {
		p.report(r, err)
		return p.appFail(w, r, req, saml.StatusResponder, saml.StatusRequestDenied)
	}
	if err != nil {
		return err
	}
	class := contextClass(c)
	if req.Context != nil && !meets(class, req.Context) {
		return p.appFail(w, r, req, saml.StatusResponder, saml.StatusNoAuthnContext)
	}
	return p.appRespond(w, r, c, allowed, saml.ResponseParams{Request: req})
}

// again asks for a fresh proof and leads back here. The session goes on: a
// request that anybody may send must not end it.
func (p *Portal) again(w http.ResponseWriter, r *http.Request, c *current) error {
	records, err := p.mfa.Records(r.Context(), mfa.Subject{ID: c.person.ID})
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return refuse(CheckAccess, http.StatusForbidden, "The application asks you to sign in again. Sign out here, then start from the application.", nil)
	}
	return p.factorFirst(w, r, c, r.URL.RequestURI())
}

// authenticated is when the person last proved who they are, by any factor.
func authenticated(c *current) time.Time {
	if c.session.MFATime.After(c.session.AuthTime) {
		return c.session.MFATime
	}
	return c.session.AuthTime
}

// emailVouched reports whether the person's e-mail address is their source's to
// give: not in a domain that another source has, and not the address of another
// source's person. Otherwise one source could name another's people to an
// application.
func (p *Portal) emailVouched(ctx context.Context, person *directory.Person) (bool, error) {
	sources, err := p.c.Store.Sources(ctx)
	if err != nil {
		return false, err
	}
	domain := directory.DomainOf(directory.FoldLogin(person.Email))
	for _, s := range sources {
		if s.ID != person.SourceID && slices.Contains(s.Domains, domain) {
			return false, nil
		}
	}
	for offset := 0; ; offset += 500 {
		found, total, err := p.c.Store.People(ctx, "", person.Email, offset, 500)
		if err != nil {
			return false, err
		}
		for _, x := range found {
			if x.SourceID != person.SourceID && directory.FoldLogin(x.Email) == directory.FoldLogin(person.Email) {
				return false, nil
			}
		}
		if offset+500 >= total {
			return true, nil
		}
	}
}

func contextClass(c *current) string {
	if !c.session.MFATime.IsZero() {
		return saml.ContextREFEDSMFA
	}
	return saml.ContextPasswordProtected
}

// meets compares a class with what was requested: exactly, which is a minimum
// too. Other comparisons want an order of classes that both sides know.
func meets(class string, want *saml.RequestedContext) bool {
	if want.Comparison != "" && want.Comparison != "exact" && want.Comparison != "minimum" {
		return false
	}
	for _, w := range want.ClassRefs {
		// A second factor is more than a password, and says so to who asks.
		if w == class || w == saml.ContextUnspecified || class == saml.ContextREFEDSMFA && w == saml.ContextPasswordProtected {
			return true
		}
	}
	return false
}

// appLaunch is the click on an application of the portal page.
func (p *Portal) appLaunch(w http.ResponseWriter, r *http.Request, c *current) error {
	a, err := p.c.Store.App(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if a, err = p.apps.Allowed(r.Context(), c.person.ID, a.EntityID); err != nil {
		return err
	}
	return p.appRespond(w, r, c, a, saml.ResponseParams{SP: a.EntityID, RelayState: a.RelayState})
}

// appRespond signs for an application; the event commits before the Response
// is handed out.
func (p *Portal) appRespond(w http.ResponseWriter, r *http.Request, c *current, a *app.App, params saml.ResponseParams) error {
	ctx := r.Context()
	groups, err := p.c.Store.GroupsOf(ctx, c.person.ID)
	if err != nil {
		return err
	}
	params.NameID, params.Attributes = app.Release(a, c.person, groups)
	if params.Request != nil && params.Request.NameIDPolicy != nil {
		if !p.nameIDAsAsked(&params, a, c) {
			return p.appFail(w, r, params.Request, saml.StatusRequester, saml.StatusInvalidNameID)
		}
	}
	if params.NameID.Format == saml.NameIDEmail {
		vouched, err := p.emailVouched(ctx, c.person)
		if err != nil {
			return err
		}
		if !vouched {
			return refuse(CheckAccess, http.StatusForbidden, "Your e-mail address belongs to another source of people here, so it cannot name you to an application. Ask an administrator.", nil)
		}
	}
	if params.NameID.Value == "" {
		return refuse(CheckInput, http.StatusForbidden, "Your account lacks the e-mail address that this application wants. Ask an administrator.", nil)
	}
	params.AuthnInstant, params.AuthnContext = authenticated(c), contextClass(c)
	params.Session, params.SessionNotOnOrAfter = c.session.ID, c.session.Expires
	if params.Request != nil && params.Request.Context != nil {
		params.AuthnContext = answered(params.AuthnContext, params.Request.Context)
	}
	out, err := p.appIdP.Respond(ctx, params)
	if err != nil {
		return err
	}
	err = p.c.Store.InTx(ctx, func(ctx context.Context) error {
		return p.audit.Record(ctx, audit.Event{
			Type: audit.Federate, Actor: c.person.ID, Person: c.person.ID, Source: c.person.SourceID,
			Details: map[string]string{"application": a.EntityID, "assertion": out.AssertionID},
		})
	})
	if err != nil {
		return err
	}
	p.sendOn(w, r, out, a.Name)
	return nil
}

// nameIDAsAsked names the person in the format that the request asks for; false
// if that cannot be done (Core 3.4.1.1). Transient names are new every time,
// persistent ones differ between applications.
func (p *Portal) nameIDAsAsked(params *saml.ResponseParams, a *app.App, c *current) bool {
	switch format := params.Request.NameIDPolicy.Format; format {
	case "", saml.NameIDUnspecified, params.NameID.Format:
	case saml.NameIDTransient:
		params.NameID = saml.NameID{Value: "_" + rand.Text(), Format: format}
	case saml.NameIDPersistent:
		params.NameID = saml.NameID{Value: saml.PairwiseID(p.pairwiseKey(), p.url(PathAppMetadata), params.Request.SP, c.person.ID), Format: format}
	case saml.NameIDEmail:
		if a.NameID != "" && a.NameID != "email" {
			return false // the administrator chose what names people here
		}
		params.NameID = saml.NameID{Value: c.person.Email, Format: format}
	default:
		return false
	}
	return true
}

// pairwiseKey keys persistent NameIDs. It comes from the first of the secrets by
// id, not from the primary one: a rotation must not make everybody a stranger.
func (p *Portal) pairwiseKey() []byte {
	all := p.keys.DeriveAll("pairwise")
	return all[slices.Min(slices.Collect(maps.Keys(all)))]
}

// answered is the class to state: one that was asked for, where what was
// proved is at least that.
func answered(class string, want *saml.RequestedContext) string {
	for _, w := range want.ClassRefs {
		if w == class {
			return class
		}
	}
	for _, w := range want.ClassRefs {
		if w == saml.ContextPasswordProtected {
			return w
		}
	}
	return class
}

func (p *Portal) appFail(w http.ResponseWriter, r *http.Request, req *saml.Request, code, sub string) error {
	out, err := p.appIdP.Fail(r.Context(), req, saml.Status{Code: code, SubCode: sub})
	if err != nil {
		return err
	}
	p.sendOn(w, r, out, "the application")
	return nil
}

// sendOn carries a SAML message through the browser.
func (p *Portal) sendOn(w http.ResponseWriter, r *http.Request, out *saml.Outgoing, to string) {
	if out.Cookie != nil {
		http.SetCookie(w, out.Cookie)
	}
	if url := out.URL(); url != "" {
		if r.Method == http.MethodGet {
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, url, http.StatusSeeOther)
			return
		}
		p.ui.Render(w, http.StatusOK, ui.Redirect{URL: url, To: to})
		return
	}
	p.ui.Render(w, http.StatusOK, ui.SAMLPost{Destination: out.Destination, Param: out.Field, Message: out.Value, RelayState: out.RelayState, To: to})
}

// appLogout takes a logout message of an application and ends the session that
// it belongs to.
func (p *Portal) appLogout(w http.ResponseWriter, r *http.Request) error {
	res, err := p.appIdP.HandleLogout(r, func(ctx context.Context, sessions []string) error {
		for _, id := range sessions {
			s, err := p.sessions.ByID(ctx, id)
			if errors.Is(err, session.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if err := p.endSession(ctx, s.PersonID, s.ID, "logout by an application"); err != nil {
				return err
			}
			if err := p.audit.Record(ctx, audit.Event{Type: audit.SignOut, Actor: s.PersonID, Person: s.PersonID, Details: map[string]string{"session": s.ID, "by": "application"}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if res.Reply != nil {
		p.sendOn(w, r, res.Reply, "the application")
		return nil
	}
	p.ui.Render(w, http.StatusOK, ui.SignedOut{})
	return nil
}
