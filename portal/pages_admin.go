// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"errors"
	"net/http"

	"github.com/gatehouse-id/gatehouse/portal/admin"
	"github.com/gatehouse-id/gatehouse/portal/app"
)

func (p *Portal) buildAdmin() (err error) {
	p.admin, err = admin.New(admin.Config{
		Directory: p.dir, Sessions: p.sessions, Access: p.c.Store, Apps: p.apps, AppStore: p.c.Store, MFA: p.mfa, SignIn: p.signin, Audit: p.audit,
		Tokens: p, UI: p.ui, EndEverything: p.endEverything, Report: func(r *http.Request, err error) { p.report(r, adminError(err)) }, Notice: p.notice, URL: p.url,
		SCIMURL: p.url(PathSCIM), AppMetadataURL: p.url(PathAppMetadata), AppSSO: p.url(PathAppSSO), Now: p.now,
	})
	return err
}

func (p *Portal) routeAdmin() {
	p.admin.Routes(func(method, path string, h admin.Handler) {
		p.administrator(method, path, func(w http.ResponseWriter, r *http.Request, c *current) error {
			return adminError(h(w, r, admin.Actor{ID: c.person.ID, Frame: p.frame(r, c)}))
		})
	})
}

func adminError(err error) error {
	var refused *admin.Refusal
	switch {
	case errors.As(err, &refused):
		return refuse(CheckInput, http.StatusUnprocessableEntity, refused.Text, err)
	case errors.Is(err, app.ErrAWS), errors.Is(err, app.ErrMetadata):
		return refuse(CheckInput, http.StatusUnprocessableEntity, "The application cannot be registered.", err)
	}
	return err
}
