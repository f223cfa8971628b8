// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/httpx"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/ui"
)

func (x *Admin) sourceRoutes(register func(method, path string, h Handler)) {
	register("GET", ui.PathAdminSources, x.sources)
	register("GET", ui.PathAdminSource, x.source)
	register("GET", ui.PathAdminTokens, func(w http.ResponseWriter, r *http.Request, a Actor) error {
		return x.tokens(w, r, a, http.StatusOK, "")
	})
	register("POST", ui.PathAdminTokens, x.createToken)
	register("POST", ui.PathAdminTokenRotate, x.rotateToken)
	register("POST", ui.PathAdminTokenRevoke, x.revokeToken)
}

var kinds = map[directory.SourceKind]string{directory.BuiltIn: "Built-in", directory.SAML: "SAML"}

func (x *Admin) sourceRow(ctx context.Context, s *directory.Source) (ui.SourceRow, error) {
	_, total, err := x.c.Directory.Store().People(ctx, s.ID, "", 0, 1)
	return ui.SourceRow{ID: s.ID, Name: s.Name, Kind: kinds[s.Kind], Domains: s.Domains, People: total, Owner: s.Owner}, err
}

func (x *Admin) sources(w http.ResponseWriter, r *http.Request, a Actor) error {
	all, err := x.c.Directory.Store().Sources(r.Context())
	if err != nil {
		return err
	}
	page := ui.AdminSources{Frame: a.Frame}
	for i := range all {
		row, err := x.sourceRow(r.Context(), &all[i])
		if err != nil {
			return err
		}
		page.Sources = append(page.Sources, row)
	}
	x.c.UI.Render(w, http.StatusOK, page)
	return nil
}

func (x *Admin) source(w http.ResponseWriter, r *http.Request, a Actor) error {
	src, err := x.c.Directory.Store().Source(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	page := ui.AdminSource{Frame: a.Frame}
	if page.Source, err = x.sourceRow(r.Context(), src); err != nil {
		return err
	}
	page.Facts = []ui.Fact{{Name: "SCIM base URL", Value: x.c.SCIMURL, Copy: true}}
	if src.Kind == directory.SAML {
		page.Facts = append(page.Facts,
			ui.Fact{Name: "Our entity ID and metadata", Value: x.c.URL("/saml/sp/metadata/" + src.ID), Copy: true},
			ui.Fact{Name: "Assertion consumer service", Value: x.c.URL("/saml/sp/acs/" + src.ID), Copy: true},
			ui.Fact{Name: "IdP-initiated sign-in", Value: yesNo(src.SAML.AllowIdPInitiated)},
			ui.Fact{Name: "Contexts that count as a second factor", Value: strings.Join(src.SAML.TrustedContexts, ", ")},
		)
	}
	x.c.UI.Render(w, http.StatusOK, page)
	return nil
}

func yesNo(b bool) string {
	if b {
		return "accepted"
	}
	return "refused"
}

func (x *Admin) tokens(w http.ResponseWriter, r *http.Request, a Actor, status int, problem string) error {
	all, err := x.c.Directory.Store().Sources(r.Context())
	if err != nil {
		return err
	}
	page := ui.AdminTokens{Frame: a.Frame, Problem: problem, BaseURL: x.c.SCIMURL}
	for _, s := range all {
		page.Sources = append(page.Sources, ui.Option{ID: s.ID, Name: s.Name})
		tokens, err := x.c.Tokens.SCIMTokens(r.Context(), s.ID)
		if err != nil {
			return err
		}
		for _, t := range tokens {
			page.Tokens = append(page.Tokens, ui.TokenRow{ID: s.ID + ":" + t.ID, Name: t.Name, Source: s.Name, Created: t.Created, LastUsed: t.LastUsed, Expires: t.Expires})
		}
	}
	x.c.UI.Render(w, status, page)
	return nil
}

func (x *Admin) createToken(w http.ResponseWriter, r *http.Request, a Actor) error {
	if err := form(w, r); err != nil {
		return err
	}
	return x.issueToken(w, r, a, r.PostFormValue(ui.FieldSource), strings.TrimSpace(r.PostFormValue(ui.FieldName)))
}

// tokenLife is how long a token made here is good for.
const tokenLife = 365 * 24 * time.Hour

func (x *Admin) issueToken(w http.ResponseWriter, r *http.Request, a Actor, sourceID, name string) error {
	src, err := x.c.Directory.Store().Source(r.Context(), sourceID)
	if err != nil {
		return err
	}
	existing, err := x.c.Tokens.SCIMTokens(r.Context(), src.ID)
	if err != nil {
		return err
	}
	if len(existing) >= 2 {
		return x.tokens(w, r, a, http.StatusConflict, "This source has two tokens. Revoke one first.")
	}
	if name == "" || len(name) > 64 {
		name = "SCIM"
	}
	token, err := x.c.Tokens.IssueSCIMToken(r.Context(), a.ID, src.ID, name, tokenLife)
	if err != nil {
		return err
	}
	x.c.UI.Render(w, http.StatusOK, ui.AdminTokenShown{Frame: a.Frame, BaseURL: x.c.SCIMURL, Name: name, Source: src.Name, Token: token})
	return nil
}

// rotateToken issues a second token beside the first, which is revoked when the
// client has changed over.
func (x *Admin) rotateToken(w http.ResponseWriter, r *http.Request, a Actor) error {
	source, id, _ := strings.Cut(r.PathValue("id"), ":")
	tokens, err := x.c.Tokens.SCIMTokens(r.Context(), source)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		if t.ID == id {
			return x.issueToken(w, r, a, source, t.Name)
		}
	}
	return directory.ErrNotFound
}

func (x *Admin) revokeToken(w http.ResponseWriter, r *http.Request, a Actor) error {
	source, id, _ := strings.Cut(r.PathValue("id"), ":")
	if err := x.c.Tokens.RevokeSCIMToken(r.Context(), a.ID, source, id); err != nil {
		return err
	}
	x.c.Notice(w, "deleted")
	x.back(w, r, ui.PathAdminTokens)
	return nil
}

func (x *Admin) auditPage(w http.ResponseWriter, r *http.Request, a Actor) error {
	q := query(r)
	events, err := x.c.Audit.Events(r.Context(), before(r), auditScan)
	if err != nil {
		return err
	}
	page := ui.AdminAudit{Frame: a.Frame, Query: q}
	for _, e := range events {
		row := eventRow(e)
		if !contains(q, row.Type, row.Outcome, row.Actor, row.Target, row.Address, row.Detail, row.ID) {
			continue
		}
		if len(page.Events) == pageSize {
			page.Before = page.Events[pageSize-1].Cursor
			break
		}
		page.Events = append(page.Events, row)
	}
	if page.Before == "" && len(events) == auditScan { // there may be matches further back
		page.Before = events[len(events)-1].ID
	}
	x.c.UI.Render(w, http.StatusOK, page)
	return nil
}

// pageDeadline is for how long a client may take to read a page of an export.
const pageDeadline = time.Minute

// auditScan is how many events one page of the log looks at.
const auditScan = 500

func before(r *http.Request) string {
	return httpx.Cut(r.URL.Query().Get(ui.FieldBefore), 32)
}

func eventRow(e audit.Event) ui.EventRow {
	row := ui.EventRow{Cursor: e.ID, Time: e.Time, Type: string(e.Type), Outcome: "ok", Refused: e.Outcome == audit.Refused, Actor: e.Actor, Target: e.Person, Address: e.Network, ID: e.Correlation}
	if row.Refused {
		row.Outcome = e.Check
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(e.Details)) {
		parts = append(parts, k+": "+e.Details[k])
	}
	row.Detail = strings.Join(parts, ", ")
	return row
}

// auditExport streams the log as JSON lines, newest first, from ?before= on.
// A fault after the first page ends the connection, so that a client does not
// take what it has for all there is.
func (x *Admin) auditExport(w http.ResponseWriter, r *http.Request, _ Actor) error {
	out := json.NewEncoder(w)
	for cursor, first := before(r), true; ; first = false {
		events, err := x.c.Audit.Events(r.Context(), cursor, 500)
		switch {
		case err != nil && first:
			return err
		case err != nil:
			x.c.Report(r, err)
			panic(http.ErrAbortHandler)
		case first:
			w.Header().Set("Content-Type", "application/jsonl")
			w.Header().Set("Cache-Control", "no-store")
		}
		// A long log takes longer than a server lets one answer take; what it is
		// to bound is a client that does not read.
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(pageDeadline)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		for _, e := range events {
			if err := out.Encode(e); err != nil {
				return nil // the client is gone
			}
		}
		if len(events) < 500 {
			return nil
		}
		cursor = events[len(events)-1].ID
	}
}
