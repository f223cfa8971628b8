// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"context"
	"errors"
	"net/http"

	"github.com/gatehouse-id/gatehouse/portal/admin"
	"github.com/gatehouse-id/gatehouse/portal/app"
	"github.com/gatehouse-id/gatehouse/portal/ui"
)

func (p *Portal) buildAdmin() (err error) {
	p.admin, err = admin.New(admin.Config{
		Directory: p.dir, Sessions: p.sessions, Access: p.c.Store, Apps: p.apps, AppStore: p.c.Store, MFA: p.mfa, SignIn: p.signin, Audit: p.audit,
		Tokens: p, UI: p.ui, EndEverything: p.endEverything, Living: p.living, Denier: p.c.Denier, Report: func(r *http.Request, err error) { p.report(r, adminError(err)) }, Notice: p.notice, URL: p.url,
		SCIMURL: p.url(PathSCIM), AppMetadataURL: p.url(PathAppMetadata), AppSSO: p.url(PathAppSSO), Now: p.now,
	})
	return err
}

// living counts what a revocation would end: browser sessions, and command-line
// sign-ins whose browser session lives.
func (p *Portal) living(ctx context.Context, personID string) (browsers, commandLines int, err error) {
	sessions, err := p.c.Store.SessionsOf(ctx, personID)
	if err != nil {
		return 0, 0, err
	}
	live := map[string]bool{}
	for _, s := range sessions {
		if p.now().Before(s.Expires) {
			live[s.ID] = true
		}
	}
	families, err := p.sso.Families(ctx, personID)
	for _, f := range families {
		if live[f.Approval.SessionID] {
			commandLines++
		}
	}
	return len(live), commandLines, err
}

func (p *Portal) routeAdmin() {
	p.admin.Routes(func(method, path string, h admin.Handler) {
		p.administrator(method, path, func(w http.ResponseWriter, r *http.Request, c *current) error {
			if method == http.MethodPost && (path == ui.PathAdminPersonTicket || path == ui.PathAdminFactorRemove) {
				// Who can enrol a factor for a person is that person: a session that
				// somebody found open must not do it, and nobody does it to themselves.
				if r.PathValue("id") == c.person.ID {
					return refuse(CheckAdmin, http.StatusForbidden, "Change your own factors on the Security page.", nil)
				}
				if fresh, err := p.fresh(r, c); err != nil {
					return err
				} else if !fresh {
					return p.factorFirst(w, r, c, p.paths.At(ui.PathAdminPerson, r.PathValue("id")))
				}
			}
			return adminError(h(w, r, admin.Actor{ID: c.person.ID, Frame: p.frame(r, c)}))
		})
	})
}

func adminError(err error) error {
	var refused *admin.Refusal
	switch {
	case errors.As(err, &refused):
		status := http.StatusUnprocessableEntity
		if refused.Malformed {
			status = http.StatusBadRequest
		}
		return refuse(CheckInput, status, refused.Text, err)
	case errors.Is(err, app.ErrAWS), errors.Is(err, app.ErrMetadata):
		return refuse(CheckInput, http.StatusUnprocessableEntity, "The application cannot be registered.", err)
	}
	return err
}
