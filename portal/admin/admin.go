// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package admin is the portal's administration: pages, and the audit log as
// JSON lines.
//
// Start with [New] and [Admin.Routes]: the portal registers each route behind
// its own check that somebody is signed in and administers it, and hands over
// who that is. Every change is recorded with its actor in the transaction that
// makes it, and what a source or a declarative file keeps is not changed here.
package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/httpx"
	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/app"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/session"
	"github.com/gatehouse-id/gatehouse/portal/signin"
	"github.com/gatehouse-id/gatehouse/portal/ui"
	"github.com/gatehouse-id/gatehouse/scim"
)

// Tokens issues and revokes SCIM tokens, with their events.
type Tokens interface {
	IssueSCIMToken(ctx context.Context, actor, sourceID, name string, lifetime time.Duration) (string, error)
	RevokeSCIMToken(ctx context.Context, actor, sourceID, id string) error
	SCIMTokens(ctx context.Context, sourceID string) ([]scim.Token, error)
}

// Config is what [Admin] stands on; all of it but Denier is required.
type Config struct {
	Directory *directory.Directory
	Sessions  *session.Sessions
	Access    access.Store
	Apps      *app.Apps
	AppStore  app.Store
	MFA       *mfa.Flow
	SignIn    *signin.Machine
	Audit     *audit.Log
	Tokens    Tokens
	UI        *ui.UI

	// EndEverything ends all sessions and tokens of a person.
	EndEverything func(ctx context.Context, personID, reason string) error
	// Living counts the browser sessions and command-line sign-ins that
	// EndEverything would end.
	Living func(ctx context.Context, personID string) (browsers, commandLines int, err error)
	// Denier ends role sessions in AWS; it alone may be nil.
	Denier access.Denier
	// Report writes a refusal that is answered with a page of this package.
	Report func(r *http.Request, err error)
	// Notice names the line that the next page shows.
	Notice func(w http.ResponseWriter, name string)
	// URL makes absolute URLs below the base URL.
	URL func(path string) string
	// SCIMURL is the provisioning endpoint; AppMetadataURL and AppSSO are the
	// application identity provider's.
	SCIMURL, AppMetadataURL, AppSSO string
	Now                             func() time.Time
}

// Admin is the administration. It is safe for concurrent use.
type Admin struct{ c Config }

// New checks the configuration.
func New(c Config) (*Admin, error) {
	if c.Directory == nil || c.Sessions == nil || c.Access == nil || c.Apps == nil || c.AppStore == nil || c.MFA == nil || c.SignIn == nil ||
		c.Audit == nil || c.Tokens == nil || c.UI == nil || c.EndEverything == nil || c.Living == nil || c.Report == nil || c.Notice == nil || c.URL == nil || c.Now == nil {
		return nil, errors.New("admin: Config is incomplete")
	}
	return &Admin{c: c}, nil
}

// Actor is the administrator who is signed in.
type Actor struct {
	ID    string
	Frame ui.Frame
}

// Handler answers one route; its errors are the portal's to show.
type Handler func(w http.ResponseWriter, r *http.Request, a Actor) error

// Routes hands every route to register.
func (x *Admin) Routes(register func(method, path string, h Handler)) {
	register("GET", ui.PathAdmin, func(w http.ResponseWriter, r *http.Request, _ Actor) error {
		x.back(w, r, ui.PathAdminPeople)
		return nil
	})
	x.peopleRoutes(register)
	x.revocationRoutes(register)
	x.groupRoutes(register)
	x.accessRoutes(register)
	x.appRoutes(register)
	x.sourceRoutes(register)
	register("GET", ui.PathAdminAudit, x.auditPage)
	register("GET", ui.PathAdminAuditExport, x.auditExport)
}

// back answers 303 to a page of the administration.
func (x *Admin) back(w http.ResponseWriter, r *http.Request, path string, segments ...string) {
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, x.c.UI.Paths().At(path, segments...), http.StatusSeeOther)
}

const pageSize = 50

func query(r *http.Request) string {
	return httpx.Cut(r.URL.Query().Get(ui.FieldQuery), 200)
}

// maxForm bounds a form: an application's metadata is the largest.
const maxForm = 1 << 20

// Refusal is an input that cannot be used; its text is for the administrator.
type Refusal struct {
	Text      string
	Malformed bool // 400 rather than 422: not something that a person types
}

// Error is the text.
func (e *Refusal) Error() string { return "admin: " + e.Text }

func form(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return &Refusal{Text: "The form could not be read, or is too large."}
	}
	if !httpx.TextValues(r.PostForm) {
		return &Refusal{Text: "The form holds characters that cannot be used.", Malformed: true}
	}
	return nil
}

var errKept = &Refusal{Text: "This is kept by a source or by a declarative file. Change it there."}

// editable reports whether the administration may change what the owner wrote.
func editable(owner string) bool {
	return owner == directory.OwnerAdmin || owner == directory.OwnerSample || owner == ""
}

// sourceNames are the sources by id.
func (x *Admin) sourceNames(ctx context.Context) (map[string]directory.Source, error) {
	all, err := x.c.Directory.Store().Sources(ctx)
	out := make(map[string]directory.Source, len(all))
	for _, s := range all {
		out[s.ID] = s
	}
	return out, err
}

// localSources are the ones in which people can be created here.
func localSources(all map[string]directory.Source) []ui.Option {
	var out []ui.Option
	for _, s := range all {
		if s.Kind == directory.BuiltIn {
			out = append(out, ui.Option{ID: s.ID, Name: s.Name})
		}
	}
	return sorted(out)
}
