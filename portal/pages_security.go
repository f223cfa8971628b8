// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/session"
	"github.com/gatehouse-id/gatehouse/portal/signin"
	"github.com/gatehouse-id/gatehouse/portal/ui"
)

func (p *Portal) routeSecurity() {
	p.person("GET", ui.PathSecurity, p.security)
	p.person("POST", ui.PathFactorRemove, p.factorRemove)
	p.person("POST", ui.PathFactorRename, p.factorRename)
	p.person("POST", ui.PathSessionRevoke, p.sessionRevoke)
	p.person("POST", ui.PathSessionRevokeRest, p.sessionRevokeRest)
	p.person("POST", ui.PathDeviceForget, p.deviceForget)
}

func (p *Portal) security(w http.ResponseWriter, r *http.Request, c *current) error {
	ctx, subject := r.Context(), mfa.Subject{ID: c.person.ID}
	page := ui.Security{Frame: p.frame(r, c), AddTOTP: true, AddPasskey: true, AddRecovery: true}
	var err error
	if page.Notices, err = p.noticesOf(ctx, c.person.ID); err != nil {
		return err
	}
	if page.Factors, err = p.factors(ctx, c.person.ID); err != nil {
		return err
	}
	if page.Sessions, err = p.sessionRows(ctx, c.person.ID, c.session.ID); err != nil {
		return err
	}
	devices, err := p.mfa.Devices(ctx, subject)
	if err != nil {
		return err
	}
	for _, d := range devices {
		page.Devices = append(page.Devices, ui.Device{ID: d.ID, Name: d.Name, LastSeen: d.UsedAt, Ends: d.ExpiresAt})
	}
	p.ui.Render(w, http.StatusOK, page)
	return nil
}

func (p *Portal) factors(ctx context.Context, personID string) ([]ui.Factor, error) {
	records, err := p.mfa.Records(ctx, mfa.Subject{ID: personID})
	var out []ui.Factor
	for _, rec := range records {
		m, ok := methods[rec.Kind]
		if !ok {
			m = ui.Method(rec.Kind)
		}
		out = append(out, ui.Factor{ID: rec.ID, Method: m, Name: rec.Name, Added: rec.CreatedAt, LastUsed: rec.UsedAt})
	}
	return out, err
}

func (p *Portal) sessionRows(ctx context.Context, personID, currentID string) ([]ui.Session, error) {
	sessions, err := p.sessions.Of(ctx, personID)
	var out []ui.Session
	for _, s := range sessions {
		out = append(out, ui.Session{
			ID: s.ID, Current: s.ID == currentID, Kind: "Browser", Client: s.UserAgent, Address: s.Network,
			Started: s.Created, LastSeen: s.LastSeen, Ends: s.Expires,
		})
	}
	if err != nil {
		return nil, err
	}
	lines, err := p.commandLines(ctx, personID, sessions)
	return append(out, lines...), err
}

// commandLines are the command-line sign-ins that the sessions approved; those
// of others have ended with them.
func (p *Portal) commandLines(ctx context.Context, personID string, sessions []session.Session) ([]ui.Session, error) {
	families, err := p.sso.Families(ctx, personID)
	var out []ui.Session
	for _, f := range families {
		if slices.ContainsFunc(sessions, func(s session.Session) bool { return s.ID == f.Approval.SessionID }) {
			out = append(out, ui.Session{
				ID: f.ID, Kind: "Command line", Client: "Says it is “" + f.ClientName + "”", Address: f.Network, Started: f.Created, LastSeen: f.Rotated, Ends: f.Expires,
			})
		}
	}
	return out, err
}

// change runs a change of the person's factors, which needs a fresh proof:
// without one the person is asked for it, and comes back to the page.
func (p *Portal) change(w http.ResponseWriter, r *http.Request, c *current, notice string, do func(in mfa.ChangeInput) error) error {
	client := p.client(w, r, c.person.UserName)
	err := do(mfa.ChangeInput{
		Subject: mfa.Subject{ID: c.person.ID}, RecordID: r.PathValue("id"), Client: mfaClient(client), Authenticated: signin.Evidence(c.session),
	})
	var refused *mfa.Error
	if errors.As(err, &refused) && refused.Check == mfa.CheckFresh {
		next, err := p.stepUp(w, r, c, p.paths.At(ui.PathSecurity))
		if err != nil {
			return err
		}
		p.redirect(w, r, next)
		return nil
	}
	if err != nil {
		return err
	}
	p.notice(w, notice)
	p.redirect(w, r, p.paths.At(ui.PathSecurity))
	return nil
}

func (p *Portal) factorRemove(w http.ResponseWriter, r *http.Request, c *current) error {
	return p.change(w, r, c, "removed", func(in mfa.ChangeInput) error {
		return p.mfa.Remove(r.Context(), in, func(ctx context.Context, rec mfa.Record) error { return p.endProvedBy(ctx, c, rec.ID) })
	})
}

// endProvedBy ends the person's other sessions that a factor has proved.
func (p *Portal) endProvedBy(ctx context.Context, c *current, record string) error {
	all, err := p.sessions.Of(ctx, c.person.ID)
	if err != nil {
		return err
	}
	for _, s := range all {
		proved := slices.ContainsFunc(signin.Evidence(&s), func(e mfa.Evidence) bool { return e.RecordID == record })
		if s.ID == c.session.ID || !proved {
			continue
		}
		if err := p.endSession(ctx, c.person.ID, s.ID, "its factor was removed"); err != nil {
			return err
		}
		err := p.audit.Record(ctx, audit.Event{Type: audit.SessionRevoked, Actor: c.person.ID, Person: c.person.ID, Details: map[string]string{"session": s.ID, "reason": "its factor was removed"}})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *Portal) factorRename(w http.ResponseWriter, r *http.Request, c *current) error {
	if err := form(w, r); err != nil {
		return err
	}
	name := r.PostFormValue(ui.FieldName)
	return p.change(w, r, c, "renamed", func(in mfa.ChangeInput) error { return p.mfa.Rename(r.Context(), in, name, nil) })
}

func (p *Portal) sessionRevoke(w http.ResponseWriter, r *http.Request, c *current) error {
	id := r.PathValue("id")
	err := p.c.Store.InTx(r.Context(), func(ctx context.Context) error {
		err := p.sso.RevokeFamily(ctx, c.person.ID, id) // records it
		if !errors.Is(err, awssso.ErrNotFound) {
			return err
		}
		if err := p.endSession(ctx, c.person.ID, id, "revoked by the person"); err != nil {
			return err
		}
		return p.audit.Record(ctx, audit.Event{Type: audit.SessionRevoked, Actor: c.person.ID, Person: c.person.ID, Details: map[string]string{"session": id}})
	})
	if err != nil {
		return err
	}
	p.notice(w, "revoked")
	p.redirect(w, r, p.paths.At(ui.PathSecurity))
	return nil
}

func (p *Portal) sessionRevokeRest(w http.ResponseWriter, r *http.Request, c *current) error {
	err := p.c.Store.InTx(r.Context(), func(ctx context.Context) error {
		all, err := p.sessions.Of(ctx, c.person.ID)
		if err != nil {
			return err
		}
		for _, s := range all {
			if s.ID == c.session.ID {
				continue
			}
			if err := p.endSession(ctx, c.person.ID, s.ID, "revoked by the person"); err != nil {
				return err
			}
		}
		return p.audit.Record(ctx, audit.Event{Type: audit.SessionRevoked, Actor: c.person.ID, Person: c.person.ID, Details: map[string]string{"session": "all others"}})
	})
	if err != nil {
		return err
	}
	p.notice(w, "revoked")
	p.redirect(w, r, p.paths.At(ui.PathSecurity))
	return nil
}

func (p *Portal) deviceForget(w http.ResponseWriter, r *http.Request, c *current) error {
	if err := p.mfa.RevokeDevice(r.Context(), mfa.Subject{ID: c.person.ID}, r.PathValue("id"), ""); err != nil {
		return err
	}
	p.notice(w, "forgotten")
	p.redirect(w, r, p.paths.At(ui.PathSecurity))
	return nil
}
