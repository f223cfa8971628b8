// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/gatehouse-id/gatehouse/portal/app"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/ui"
	"github.com/gatehouse-id/gatehouse/saml"
)

func (x *Admin) appRoutes(register func(method, path string, h Handler)) {
	register("GET", ui.PathAdminApps, func(w http.ResponseWriter, r *http.Request, a Actor) error {
		return x.apps(w, r, a, http.StatusOK, "", ui.ApplicationDraft{})
	})
	register("POST", ui.PathAdminApps, x.createApp)
	register("GET", ui.PathAdminApp, x.app)
	register("POST", ui.PathAdminApp, x.assignApp)
	register("POST", ui.PathAdminAppRemove, x.removeApp)
}

func (x *Admin) apps(w http.ResponseWriter, r *http.Request, a Actor, status int, problem string, draft ui.ApplicationDraft) error {
	all, err := x.c.AppStore.Apps(r.Context())
	if err != nil {
		return err
	}
	page := ui.AdminApplications{Frame: a.Frame, Problem: problem, Total: len(all), Draft: draft}
	for i := range all {
		row, err := x.appRow(r.Context(), &all[i])
		if err != nil {
			return err
		}
		page.Apps = append(page.Apps, row)
	}
	x.c.UI.Render(w, status, page)
	return nil
}

func (x *Admin) appRow(ctx context.Context, a *app.App) (ui.ApplicationRow, error) {
	assigned, err := x.c.AppStore.AppAssignments(ctx, a.ID)
	return ui.ApplicationRow{ID: a.ID, Name: a.Name, EntityID: a.EntityID, Owner: a.Owner, Assigned: len(assigned)}, err
}

// createApp registers an application, by metadata or by its two addresses.
// What would pass for AWS is refused.
func (x *Admin) createApp(w http.ResponseWriter, r *http.Request, a Actor) error {
	if err := form(w, r); err != nil {
		return err
	}
	draft := ui.ApplicationDraft{
		Name: strings.TrimSpace(r.PostFormValue(ui.FieldName)), EntityID: strings.TrimSpace(r.PostFormValue(ui.FieldEntityID)),
		ACS: strings.TrimSpace(r.PostFormValue(ui.FieldACS)), Metadata: strings.TrimSpace(r.PostFormValue(ui.FieldMetadata)),
	}
	in := app.App{
		Name: draft.Name, EntityID: draft.EntityID, Metadata: draft.Metadata, IdPInitiated: true, Owner: directory.OwnerAdmin,
		Attributes: []app.Attribute{{Name: "email", From: "email"}, {Name: "displayName", From: "displayName"}, {Name: "groups", From: "groups"}},
	}
	var out *app.App
	var err error
	if draft.Metadata != "" {
		out, err = x.c.Apps.Register(r.Context(), a.ID, in)
	} else {
		out, err = x.c.Apps.RegisterEndpoint(r.Context(), a.ID, in, draft.ACS)
	}
	var message *saml.Error
	switch {
	case errors.Is(err, app.ErrConflict):
		return x.apps(w, r, a, http.StatusConflict, "An application with this entity ID exists.", draft)
	case errors.Is(err, app.ErrAWS):
		x.c.Report(r, err)
		return x.apps(w, r, a, http.StatusUnprocessableEntity, "An application may not stand in for AWS: "+plain(err), draft)
	case errors.As(err, &message), errors.Is(err, app.ErrMetadata):
		x.c.Report(r, err)
		return x.apps(w, r, a, http.StatusUnprocessableEntity, "The application cannot be registered: "+plain(err), draft)
	case err != nil:
		return err
	}
	x.back(w, r, ui.PathAdminApp, out.ID)
	return nil
}

// plain is an error's text for an administrator, without the package's name.
func plain(err error) string {
	_, text, ok := strings.Cut(err.Error(), ": ")
	if !ok {
		text = err.Error()
	}
	return audit.Clean(text)
}

func (x *Admin) app(w http.ResponseWriter, r *http.Request, a Actor) error {
	return x.showApp(w, r, a, r.PathValue("id"), http.StatusOK, "")
}

func (x *Admin) showApp(w http.ResponseWriter, r *http.Request, a Actor, id string, status int, problem string) error {
	ctx := r.Context()
	found, err := x.c.AppStore.App(ctx, id)
	if err != nil {
		return err
	}
	page := ui.AdminApplication{
		Frame: a.Frame, Problem: problem, NameID: found.NameID, IdPEntityID: x.c.AppMetadataURL, IdPMetadataURL: x.c.AppMetadataURL, IdPSignInURL: x.c.AppSSO,
	}
	if page.NameID == "" {
		page.NameID = "email"
	}
	if page.App, err = x.appRow(ctx, found); err != nil {
		return err
	}
	entity, err := x.c.Apps.Check(found)
	if err != nil {
		page.Problem = "The stored metadata is no longer accepted: " + plain(err)
	} else {
		for _, e := range entity.SP.ACS {
			page.ACS = append(page.ACS, e.Location)
		}
	}
	for _, at := range found.Attributes {
		page.Attributes = append(page.Attributes, at.Name+" from "+at.From)
	}
	assigned, err := x.c.AppStore.AppAssignments(ctx, id)
	if err != nil {
		return err
	}
	for _, as := range assigned {
		name, err := x.anyName(ctx, as.PrincipalID)
		if err != nil {
			return err
		}
		page.Assignments = append(page.Assignments, ui.Option{ID: as.PrincipalID, Name: name})
	}
	choices := ui.AdminAssignments{}
	if err := x.assignmentChoices(ctx, &choices); err != nil {
		return err
	}
	page.Principals = choices.Principals
	x.c.UI.Render(w, status, page)
	return nil
}

func (x *Admin) anyName(ctx context.Context, principalID string) (string, error) {
	g, err := x.c.Directory.Store().Group(ctx, principalID)
	if err == nil {
		return g.DisplayName + " (group)", nil
	}
	if !errors.Is(err, directory.ErrNotFound) {
		return "", err
	}
	p, err := x.c.Directory.Store().Person(ctx, principalID)
	if err != nil {
		return "", err
	}
	return p.UserName, nil
}

// assignApp adds or removes a principal of an application.
func (x *Admin) assignApp(w http.ResponseWriter, r *http.Request, a Actor) error {
	if err := form(w, r); err != nil {
		return err
	}
	id, action := r.PathValue("id"), r.PostFormValue(ui.FieldAction)
	err := x.c.AppStore.InTx(r.Context(), func(ctx context.Context) error {
		found, err := x.c.AppStore.App(ctx, id)
		if err != nil {
			return err
		}
		if !editable(found.Owner) {
			return errKept
		}
		principal := r.PostFormValue(ui.FieldPrincipal)
		if action == "remove" {
			err = x.c.AppStore.DeleteAppAssignment(ctx, id, principal)
		} else {
			var kindless string
			if _, kindless, err = x.principal(ctx, principal); err == nil {
				principal = kindless
				err = x.c.AppStore.PutAppAssignment(ctx, app.Assignment{AppID: id, PrincipalID: principal, Owner: directory.OwnerAdmin})
			}
		}
		if err != nil {
			return err
		}
		return x.c.Audit.Record(ctx, audit.Event{Type: audit.AccessChanged, Actor: a.ID, Details: map[string]string{
			"object": "application assignment", "id": id, "principal": principal, "change": action,
		}})
	})
	if err != nil {
		return err
	}
	x.c.Notice(w, "saved")
	x.back(w, r, ui.PathAdminApp, id)
	return nil
}

func (x *Admin) removeApp(w http.ResponseWriter, r *http.Request, a Actor) error {
	id := r.PathValue("id")
	err := x.c.AppStore.InTx(r.Context(), func(ctx context.Context) error {
		found, err := x.c.AppStore.App(ctx, id)
		if err != nil {
			return err
		}
		if !editable(found.Owner) {
			return errKept
		}
		if err := x.c.AppStore.DeleteApp(ctx, id); err != nil {
			return err
		}
		return x.c.Audit.Record(ctx, audit.Event{Type: audit.AccessChanged, Actor: a.ID, Details: map[string]string{"object": "application", "id": id, "change": "removed"}})
	})
	if err != nil {
		return err
	}
	x.c.Notice(w, "deleted")
	x.back(w, r, ui.PathAdminApps)
	return nil
}
