// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/ui"
)

func (x *Admin) groupRoutes(register func(method, path string, h Handler)) {
	register("GET", ui.PathAdminGroups, func(w http.ResponseWriter, r *http.Request, a Actor) error {
		return x.groups(w, r, a, http.StatusOK, "")
	})
	register("POST", ui.PathAdminGroups, x.createGroup)
	register("GET", ui.PathAdminGroup, x.group)
	register("POST", ui.PathAdminGroupMembers, x.changeMember)
	register("POST", ui.PathAdminGroupHand, x.handOver(ui.PathAdminGroup, x.c.Directory.HandOverGroup))
}

func (x *Admin) groups(w http.ResponseWriter, r *http.Request, a Actor, status int, problem string) error {
	ctx := r.Context()
	sources, err := x.sourceNames(ctx)
	if err != nil {
		return err
	}
	page := ui.AdminGroups{Frame: a.Frame, Query: query(r), Problem: problem, Sources: localSources(sources)}
	found, total, err := x.c.Directory.Store().Groups(ctx, "", page.Query, 0, pageSize)
	if err != nil {
		return err
	}
	page.Total = total
	for i := range found {
		row, err := x.groupRow(ctx, &found[i], sources)
		if err != nil {
			return err
		}
		page.Groups = append(page.Groups, row)
	}
	x.c.UI.Render(w, status, page)
	return nil
}

func (x *Admin) groupRow(ctx context.Context, g *directory.Group, sources map[string]directory.Source) (ui.GroupRow, error) {
	members, err := x.c.Directory.Store().Members(ctx, g.ID)
	return ui.GroupRow{ID: g.ID, Name: g.DisplayName, Source: sources[g.SourceID].Name, Owner: g.Owner, Members: len(members)}, err
}

func (x *Admin) createGroup(w http.ResponseWriter, r *http.Request, a Actor) error {
	if err := form(w, r); err != nil {
		return err
	}
	src, err := x.c.Directory.Store().Source(r.Context(), r.PostFormValue(ui.FieldSource))
	if err != nil {
		return err
	}
	if src.Kind != directory.BuiltIn {
		return errKept
	}
	g := &directory.Group{SourceID: src.ID, DisplayName: strings.TrimSpace(r.PostFormValue(ui.FieldName)), Owner: directory.OwnerAdmin}
	if g.DisplayName == "" || len(g.DisplayName) > directory.MaxName {
		return x.groups(w, r, a, http.StatusUnprocessableEntity, "A group needs a name of at most 256 bytes.")
	}
	err = x.c.Directory.CreateGroup(r.Context(), a.ID, g)
	if errors.Is(err, directory.ErrConflict) {
		return x.groups(w, r, a, http.StatusConflict, "The source has a group of that name.")
	}
	if err != nil {
		return err
	}
	x.back(w, r, ui.PathAdminGroup, g.ID)
	return nil
}

func (x *Admin) group(w http.ResponseWriter, r *http.Request, a Actor) error {
	ctx, store := r.Context(), x.c.Directory.Store()
	g, err := store.Group(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	sources, err := x.sourceNames(ctx)
	if err != nil {
		return err
	}
	page := ui.AdminGroup{Frame: a.Frame, Editable: editable(g.Owner), Ours: g.Owner == directory.OwnerAdmin}
	if page.Group, err = x.groupRow(ctx, g, sources); err != nil {
		return err
	}
	members, err := store.Members(ctx, g.ID)
	if err != nil {
		return err
	}
	page.Total = len(members)
	in := map[string]bool{}
	for i, id := range members {
		in[id] = true
		if i >= pageSize {
			continue
		}
		p, err := store.Person(ctx, id)
		if err != nil {
			return err
		}
		row, err := x.personRow(ctx, p, sources)
		if err != nil {
			return err
		}
		page.Members = append(page.Members, row)
	}
	if page.Editable {
		people, _, err := store.People(ctx, g.SourceID, "", 0, 500)
		if err != nil {
			return err
		}
		for _, p := range people {
			if !in[p.ID] {
				page.Candidates = append(page.Candidates, ui.Option{ID: p.ID, Name: p.UserName})
			}
		}
	}
	if page.Grants, err = x.grantsOfGroup(ctx, g.ID); err != nil {
		return err
	}
	x.c.UI.Render(w, http.StatusOK, page)
	return nil
}

func (x *Admin) grantsOfGroup(ctx context.Context, groupID string) ([]ui.GrantRow, error) {
	rows, err := x.assignmentRows(ctx, func(as access.Assignment) bool { return as.PrincipalID == groupID })
	var out []ui.GrantRow
	for _, row := range rows {
		out = append(out, ui.GrantRow{Account: row.Account, PermissionSet: row.PermissionSet, Via: row.Principal})
	}
	return out, err
}

// changeMember adds or removes one member of a group that is kept here.
func (x *Admin) changeMember(w http.ResponseWriter, r *http.Request, a Actor) error {
	if err := form(w, r); err != nil {
		return err
	}
	store, person, action := x.c.Directory.Store(), r.PostFormValue(ui.FieldPerson), r.PostFormValue(ui.FieldAction)
	id := r.PathValue("id")
	err := x.c.Directory.Administered(r.Context(), func(ctx context.Context) error {
		g, err := store.Group(ctx, id)
		if err != nil {
			return err
		}
		if !editable(g.Owner) {
			return errKept
		}
		switch action {
		case "add":
			err = store.AddMembers(ctx, g.ID, []string{person})
		case "remove":
			err = store.RemoveMembers(ctx, g.ID, []string{person})
		default:
			err = &Refusal{Text: "Members are added or removed."}
		}
		if err != nil {
			return err
		}
		return x.c.Audit.Record(ctx, audit.Event{Type: audit.GroupChanged, Actor: a.ID, Person: person, Source: g.SourceID, Details: map[string]string{"group": g.ID, "change": action}})
	})
	if err != nil {
		return err
	}
	x.c.Notice(w, "saved")
	x.back(w, r, ui.PathAdminGroup, id)
	return nil
}
