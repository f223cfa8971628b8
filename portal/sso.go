// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/session"
	"github.com/gatehouse-id/gatehouse/portal/signin"
	"github.com/gatehouse-id/gatehouse/portal/ui"
)

// buildSSO mounts the wire of AWS SSO under its own prefix: the browser has a
// /logout too.
func (p *Portal) buildSSO() (err error) {
	starts := []string{p.StartURL()}
	starts = append(starts, p.c.StartURLs...)
	p.sso, err = awssso.New(awssso.Config{
		APIURL: p.url(PathSSO), PagesURL: p.url(""), StartURLs: starts, HeadAlias: p.c.HeadAlias, Region: p.c.Region,
		Store: p.c.SSO, Sessions: ssoSessions{p}, Access: ssoAccess{p}, Keys: p.keys, Browser: p.ssoBrowser,
		SignIn: p.ssoSignIn, StepUp: p.ssoStepUp, Render: p.ssoRender,
		ClientAddr: func(r *http.Request) netip.Addr { return audit.RequestFrom(r.Context()).Addr },
		Policy:     func(context.Context) (awssso.Policy, error) { return p.c.DevicePolicy, nil },
		OnEvent:    p.ssoEvent, Now: p.now,
	})
	if err != nil {
		return err
	}
	p.mux.Handle(p.prefix+PathSSO+"/", http.StripPrefix(p.prefix+PathSSO, p.sso.API()))
	pages := http.StripPrefix(p.prefix, p.sso.Pages())
	for _, path := range []string{ui.PathDevice, ui.PathDeviceApprove, ui.PathAuthorize} {
		serve := func(w http.ResponseWriter, r *http.Request) error {
			pages.ServeHTTP(w, r)
			return nil
		}
		p.handle("GET", path, serve)
		p.handle("POST", path, serve)
	}
	if p.c.HeadAlias != "" {
		p.mux.Handle("HEAD "+p.prefix+ui.PathStart, p.sso.StartURL(http.NotFoundHandler()))
	}
	return nil
}

type ssoSessions struct{ p *Portal }

func (s ssoSessions) Session(ctx context.Context, id string) (awssso.Session, error) {
	found, err := s.p.sessions.ByID(ctx, id)
	if errors.Is(err, session.ErrNotFound) || err == nil && found.Level != session.Full {
		return awssso.Session{}, awssso.ErrNoSession
	}
	if err != nil {
		return awssso.Session{}, err
	}
	return ssoSession(found, ""), nil
}

func ssoSession(s *session.Session, name string) awssso.Session {
	return awssso.Session{
		ID: s.ID, PersonID: s.PersonID, Name: name, AuthTime: s.AuthTime, AMR: s.AMR, MFATime: s.MFATime, Expires: s.Expires, Unsolicited: s.Unsolicited,
	}
}

func (p *Portal) ssoBrowser(r *http.Request) (awssso.Session, error) {
	c, err := p.lookup(r)
	if errors.Is(err, session.ErrNotFound) || errors.Is(err, directory.ErrNotFound) || err == nil && c.session.Level != session.Full {
		return awssso.Session{}, awssso.ErrNoSession
	}
	if err != nil {
		return awssso.Session{}, err
	}
	return ssoSession(c.session, c.person.UserName), nil
}

// ssoSignIn leads to sign-in and back to a path of the pages.
func (p *Portal) ssoSignIn(w http.ResponseWriter, r *http.Request, path string) {
	flow, err := p.signin.SealEntry(signin.Entry{Return: path}, p.browser(w, r))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.redirect(w, r, p.paths.WithQuery(ui.PathSignIn, ui.FieldFlow, flow))
}

func (p *Portal) ssoStepUp(w http.ResponseWriter, r *http.Request, path string) {
	c, err := p.lookup(r)
	if err != nil {
		p.ssoSignIn(w, r, path)
		return
	}
	if err := p.factorFirst(w, r, c, path); err != nil {
		p.fail(w, r, err)
	}
}

type ssoAccess struct{ p *Portal }

func (a ssoAccess) Accounts(ctx context.Context, personID string) ([]awssso.Account, error) {
	all, err := a.p.access.Resolve(ctx, personID)
	out := make([]awssso.Account, 0, len(all))
	for _, x := range all {
		out = append(out, awssso.Account{ID: x.Account.ID, Name: x.Account.Name, Email: x.Account.Email, Environment: x.Account.Environment})
	}
	return out, err
}

// AccountsPage makes paging one statement in the database.
func (a ssoAccess) AccountsPage(ctx context.Context, personID, name, id string, n int) ([]awssso.Account, error) {
	return a.p.c.Store.AccountsPage(ctx, personID, name, id, n)
}

func (a ssoAccess) Roles(ctx context.Context, personID, accountID string) ([]string, error) {
	found, err := a.p.access.ResolveAccount(ctx, personID, accountID)
	if errors.Is(err, access.ErrNoAccess) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := make([]string, 0, len(found.Roles))
	for _, r := range found.Roles {
		out = append(out, r.PermissionSet.Name)
	}
	return out, nil
}

func (a ssoAccess) Credentials(ctx context.Context, g awssso.Grant, accountID, roleName string) (awssso.Credentials, error) {
	p := a.p
	person, err := p.c.Store.Person(ctx, g.Session.PersonID)
	if err != nil {
		return awssso.Credentials{}, err
	}
	u := access.Use{Person: person, AccountID: accountID, RoleName: roleName, AuthTime: g.AuthTime, SessionEnds: g.Session.Expires}
	u.MFATime, u.Allow = mfaAtApproval(g), deviceAllowed(g.Flow)
	creds, err := p.access.Credentials(ctx, u)
	if err != nil {
		return awssso.Credentials{}, ssoError(err)
	}
	return awssso.Credentials{
		AccessKeyID: creds.AccessKeyID, SecretAccessKey: creds.SecretAccessKey, SessionToken: creds.SessionToken, Expiration: creds.Expiration,
	}, nil
}

// deviceAllowed refuses roles that are not for sign-ins by device code.
func deviceAllowed(flow awssso.Flow) func(access.PermissionSet) error {
	return func(set access.PermissionSet) error {
		if set.NoDeviceCode && flow == awssso.FlowDevice {
			return &awssso.Error{Check: awssso.CheckDeviceRole, Public: "This role cannot be used from a sign-in by device code. Sign in with a browser on this machine."}
		}
		return nil
	}
}

// mfaAtApproval is when a second factor counts for a token: one that the
// approving session had then, not one that it got later.
func mfaAtApproval(g awssso.Grant) time.Time {
	for _, a := range g.AMR {
		if a == "mfa" {
			return g.AuthTime
		}
	}
	return time.Time{}
}

func ssoError(err error) error {
	var refused *access.ExchangeError
	switch {
	case errors.Is(err, access.ErrNoAccess):
		return awssso.ErrNoAccess
	case errors.Is(err, access.ErrNeedsMFA):
		return &awssso.Error{Check: awssso.CheckStrength, Public: "This role needs a second factor. Sign in again with one.", Err: err}
	case !errors.As(err, &refused):
		return err
	case refused.Throttled:
		return &awssso.Error{Check: awssso.CheckThrottled, Public: refused.Public, Err: err}
	case refused.Temporary:
		return &awssso.Error{Check: awssso.CheckUnavailable, Public: refused.Public, Err: err}
	}
	return &awssso.Error{Check: awssso.CheckExchange, Public: refused.Public, Err: err}
}

var ssoEvents = map[awssso.EventName]audit.Type{
	awssso.EventStartDeviceAuthorization: audit.DeviceAuthorization, awssso.EventApproveDevice: audit.DeviceAuthorization, awssso.EventDenyDevice: audit.DeviceAuthorization,
	awssso.EventCreateToken: audit.CreateToken, awssso.EventGetRoleCredentials: audit.GetRoleCredentials,
	awssso.EventLogout: audit.SignOut, awssso.EventRevoke: audit.TokenFamilyRevoked,
}

func (p *Portal) ssoEvent(ctx context.Context, e awssso.Event) error {
	out := audit.Event{
		Type: ssoEvents[e.Name], Actor: e.PersonID, Person: e.PersonID, Check: string(e.Check), Network: audit.Network(e.Addr), Correlation: e.RequestID,
		Details: map[string]string{
			"event": string(e.Name), "session": e.SessionID, "family": e.FamilyID, "flow": string(e.Flow), "client": e.ClientName, "account": e.AccountID, "role": e.RoleName,
		},
	}
	if out.Type == "" {
		out.Type = audit.Other
	}
	if e.Refused() {
		out.Check = "sso-" + out.Check
		p.audit.Refuse(ctx, out)
		return nil
	}
	if e.Notice {
		if err := p.tell(ctx, e); err != nil {
			return err
		}
	}
	return p.audit.Record(ctx, out)
}

// ssoRender shows the pages of the command line's sign-in.
func (p *Portal) ssoRender(w http.ResponseWriter, r *http.Request, status int, page any) {
	var frame ui.Frame
	if c, err := p.lookup(r); err == nil {
		frame = p.frame(r, c)
	}
	switch v := page.(type) {
	case awssso.EntryPage:
		p.ui.Render(w, status, ui.DeviceCode{Frame: frame, UserCode: v.LinkCode, ByLink: v.LinkCode != "", MustType: v.MustType, Problem: v.Problem})
	case awssso.ApprovalPage:
		p.ui.Render(w, status, ui.DeviceApprove{
			Frame: frame, UserCode: v.UserCode,
			Client: ui.ClientFacts{Address: v.Network, Same: !v.OtherNetwork, Requested: v.Started, Expires: v.Expires, Claimed: v.ClientSays, Device: v.DeviceSays},
		})
	case awssso.ConsentPage:
		p.ui.Render(w, status, ui.Consent{Frame: frame, Callback: v.Callback, Request: v.Request, Client: ui.ClientFacts{Claimed: v.ClientSays}})
	case awssso.ReturnPage:
		p.ui.Render(w, status, ui.Redirect{URL: v.Location, To: "your terminal"})
	case awssso.DonePage:
		m := ui.Message{Title: "Request denied", Text: "Nothing was allowed. You can close this window.", NoLink: true}
		if v.Allowed {
			m.Title, m.Text = "You can close this window", "The request was approved. Go back to your terminal."
		}
		p.ui.Render(w, status, m)
	case awssso.RefusalPage:
		p.ui.Render(w, status, ui.Message{Title: "That did not work", Text: v.Problem, Problem: true, Status: status, Correlation: v.RequestID})
	default:
		p.ui.Render(w, http.StatusInternalServerError, ui.Message{Title: "Something went wrong", Problem: true, Status: http.StatusInternalServerError})
	}
}
