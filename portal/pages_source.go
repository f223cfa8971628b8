// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/portal/app"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/signin"
	"github.com/gatehouse-id/gatehouse/portal/ui"
	"github.com/gatehouse-id/gatehouse/saml"
)

// sources are the external identity sources as connections of one service
// provider: the source's id is the connection's.
type sources struct {
	p  *Portal
	sp *saml.ServiceProvider
}

func (p *Portal) buildSources() (err error) {
	p.sources = &sources{p: p}
	p.sources.sp, err = saml.NewServiceProvider(saml.SPConfig{
		Connections: p.sources, Store: p.c.SAML, Keys: keyPairs(p.c.Keys.SP), CookiePath: p.prefix + "/", Now: p.now,
		OnError: func(w http.ResponseWriter, r *http.Request, err error) { p.fail(w, r, err) },
	})
	return err
}

// Connection returns the source with the id.
func (s *sources) Connection(ctx context.Context, id string) (*saml.Connection, error) {
	src, err := s.p.c.Store.Source(ctx, id)
	if errors.Is(err, directory.ErrNotFound) || err == nil && src.Kind != directory.SAML {
		return nil, saml.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return s.connection(src)
}

// ConnectionsByIssuer returns the sources whose identity provider is issuer.
// Every source has its own ACS, so an unsolicited Response fits one at most.
func (s *sources) ConnectionsByIssuer(ctx context.Context, acs, issuer string) ([]*saml.Connection, error) {
	all, err := s.p.c.Store.Sources(ctx)
	if err != nil {
		return nil, err
	}
	var out []*saml.Connection
	for i := range all {
		if all[i].Kind != directory.SAML {
			continue
		}
		c, err := s.connection(&all[i])
		if err != nil { // one source's fault is not the others'
			s.p.log.WarnContext(ctx, "identity source cannot be used", "source", all[i].ID, "error", err)
			continue
		}
		if c.IdP.EntityID == issuer && (c.ACS == acs || c.SLO == acs) {
			out = append(out, c)
		}
	}
	return out, nil
}

func (s *sources) connection(src *directory.Source) (*saml.Connection, error) {
	entity, err := CheckSource(src)
	if err != nil {
		return nil, err
	}
	c := &saml.Connection{
		ID: src.ID, EntityID: s.p.url(PathSPMetadata + src.ID), ACS: s.p.url(PathACS + src.ID), Finish: s.p.url(PathACSFinish),
		IdP: entity, AllowIdPInitiated: src.SAML.AllowIdPInitiated, Policy: saml.Policy{NoEncryptionKey: true},
	}
	if len(s.p.c.Keys.SP) > 0 {
		c.SLO, c.Policy.SignRequests = s.p.url(pathSPLogout+src.ID), true
	}
	return c, nil
}

// CheckSource reads the metadata of a SAML source and reports what is wrong
// with the source.
func CheckSource(src *directory.Source) (*saml.Entity, error) {
	if src.SAML == nil {
		return nil, fmt.Errorf("portal: source %s has no SAML configuration", src.ID)
	}
	if strings.Trim(src.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || src.ID == "" || len(src.ID) > 64 {
		return nil, fmt.Errorf("portal: source id %q has 1 to 64 lower-case letters, digits or hyphens", src.ID)
	}
	entity, err := app.Stored(src.SAML.Metadata)
	if err != nil {
		return nil, err
	}
	if entity.IdP == nil {
		return nil, fmt.Errorf("portal: the metadata of source %s is not of an identity provider", src.ID)
	}
	return entity, nil
}

const pathSPLogout = "/saml/sp/slo/"

func (p *Portal) routeSources() {
	p.handle("POST", ui.PathSource, p.sourceChosen)
	p.handle("GET", PathSPMetadata+"{id}", p.sourceMetadata)
	p.handleCross("POST", PathACS+"{id}", func(w http.ResponseWriter, r *http.Request) error {
		p.sources.sp.ACS(p.url(PathACS+r.PathValue("id"))).ServeHTTP(w, r)
		return nil
	})
	p.handle("GET", PathACSFinish, p.sourceFinish)
	p.handle("GET", ui.PathContinue, p.continuePage)
	p.handle("POST", ui.PathContinue, p.continueAs)
	p.handleCross("GET", pathSPLogout+"{id}", p.sourceLogout)
	p.handleCross("POST", pathSPLogout+"{id}", p.sourceLogout)
}

func (p *Portal) sourceChosen(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	src, err := p.c.Store.Source(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if src.Kind != directory.SAML {
		return notFound()
	}
	e, _ := p.signin.OpenEntry(r.PostFormValue(ui.FieldFlow), p.browser(w, r))
	return p.toSource(w, r, src, e)
}

// toSource sends the browser to an external identity provider. Where the
// person wanted to go stays on the server.
func (p *Portal) toSource(w http.ResponseWriter, r *http.Request, src *directory.Source, e signin.Entry) error {
	if err := p.admit(r, signin.BySource); err != nil {
		return err
	}
	out, err := p.sources.sp.Login(r.Context(), src.ID, saml.LoginOptions{Target: e.Return})
	if err != nil {
		return err
	}
	p.sendOn(w, r, out, src.Name)
	return nil
}

func (p *Portal) sourceMetadata(w http.ResponseWriter, r *http.Request) error {
	b, err := p.sources.sp.Metadata(r.Context(), r.PathValue("id"))
	if errors.Is(err, saml.ErrNotFound) {
		return notFound()
	}
	if err != nil {
		return err
	}
	writeMetadata(w, b)
	return nil
}

// sourceFinish ends a sign-in by an external source in the browser that began
// it. The session, the spent ticket and the event commit together.
func (p *Portal) sourceFinish(w http.ResponseWriter, r *http.Request) error {
	var progress *signin.Progress
	var held string
	err := p.sources.sp.Finish(r.Context(), r, func(ctx context.Context, a *saml.Assertion) error {
		src, err := p.c.Store.Source(ctx, a.Connection)
		if err != nil {
			return err
		}
		person, err := p.join(ctx, src, a)
		if err != nil {
			return err
		}
		x := signin.External{
			Source: src, Person: person, AuthTime: a.AuthnInstant, Class: a.AuthnContext, Expires: a.SessionNotOnOrAfter,
			Upstream: a.Subject().Key(), Index: a.SessionIndex, Unsolicited: a.Unsolicited, Return: a.Target,
		}
		client := p.client(w, r, person.UserName)
		if a.Unsolicited {
			held, err = p.signin.Hold(ctx, client, x)
			return err
		}
		progress, err = p.signin.External(ctx, client, x)
		return err
	})
	if err != nil {
		return err
	}
	if held != "" {
		p.redirect(w, r, p.paths.WithQuery(ui.PathContinue, ui.FieldFlow, held))
		return nil
	}
	return p.goOn(w, r, progress)
}

// join finds the person of a source by the one configured rule: NameID, or the
// join attribute, is the user name after the login fold. It looks inside the
// source only; another source's person of that name is never found.
func (p *Portal) join(ctx context.Context, src *directory.Source, a *saml.Assertion) (*directory.Person, error) {
	name := a.NameID.Value
	if src.SAML.JoinAttribute != "" {
		values := a.Attributes.Values(src.SAML.JoinAttribute)
		if len(values) != 1 {
			return nil, sourceError("the join attribute has not exactly one value")
		}
		name = values[0]
	}
	folded := directory.FoldLogin(name)
	if folded == "" {
		return nil, sourceError("the name cannot be a login name")
	}
	person, err := p.c.Store.PersonByLogin(ctx, folded)
	switch {
	case err == nil && person.SourceID == src.ID:
		return person, nil
	case err == nil:
		return nil, sourceError("the name belongs to a person of another source")
	case !errors.Is(err, directory.ErrNotFound):
		return nil, err
	case !src.SAML.CreatePeople:
		return nil, sourceError("nobody of that name is provisioned")
	}
	person = &directory.Person{
		SourceID: src.ID, UserName: name, DisplayName: a.Attributes.Get(src.SAML.DisplayName), Email: a.Attributes.Get(src.SAML.Email),
		Active: true, Owner: directory.OwnerSAML + src.ID,
	}
	if person.DisplayName == "" {
		person.DisplayName = name
	}
	if len(person.DisplayName) > directory.MaxName || len(person.Email) > directory.MaxName {
		return nil, sourceError("an attribute is too long")
	}
	return person, p.dir.CreatePerson(ctx, "source:"+src.ID, person)
}

func sourceError(cause string) error {
	return &signin.Error{
		Check: signin.CheckSource, Err: errors.New(cause),
		Public: "Your identity provider signed you in, but you have no account here. Ask an administrator.",
	}
}

func (p *Portal) continuePage(w http.ResponseWriter, r *http.Request) error {
	flow := r.URL.Query().Get(ui.FieldFlow)
	person, err := p.signin.Held(r.Context(), p.client(w, r, ""), flow)
	if err != nil {
		return err
	}
	src, err := p.c.Store.Source(r.Context(), person.SourceID)
	if err != nil {
		return err
	}
	page := ui.ContinueAs{Flow: flow, Person: displayName(person), Username: person.UserName, Source: src.Name}
	if c, err := p.lookup(r); err == nil && c.person.ID != person.ID {
		page.Current = displayName(c.person)
	}
	p.ui.Render(w, http.StatusOK, page)
	return nil
}

// continueAs begins the session that an unsolicited Response offered, in place
// of the one that there may be.
func (p *Portal) continueAs(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	progress, err := p.signin.Continue(r.Context(), p.client(w, r, ""), r.PostFormValue(ui.FieldFlow))
	if err != nil {
		return err
	}
	return p.goOn(w, r, progress)
}

// sourceLogout takes a logout message of an external identity provider. It
// ends only sessions that this very connection began.
func (p *Portal) sourceLogout(w http.ResponseWriter, r *http.Request) error {
	res, err := p.sources.sp.HandleLogout(r, p.url(pathSPLogout+r.PathValue("id")), p.endUpstream)
	if err != nil {
		return err
	}
	if res.Reply != nil {
		p.sendOn(w, r, res.Reply, "your identity provider")
		return nil
	}
	p.ui.Render(w, http.StatusOK, ui.SignedOut{})
	return nil
}

func (p *Portal) endUpstream(ctx context.Context, n saml.LogoutNotice) error {
	all, err := p.c.Store.SessionsOfUpstream(ctx, n.Subject.Key())
	if err != nil {
		return err
	}
	ended := false
	for _, s := range all {
		if len(n.SessionIndexes) > 0 && !slices.Contains(n.SessionIndexes, s.Index) {
			continue
		}
		ended = true
		if err := p.endSession(ctx, s.PersonID, s.ID, "logout by the identity provider"); err != nil {
			return err
		}
		if err := p.audit.Record(ctx, audit.Event{Type: audit.SignOut, Actor: "source:" + n.Connection, Person: s.PersonID, Source: n.Connection, Details: map[string]string{"session": s.ID}}); err != nil {
			return err
		}
	}
	if !ended {
		return saml.ErrNotFound
	}
	return nil
}
