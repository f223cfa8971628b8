// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"net/http"
	"strings"

	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/ui"
)

func (x *Admin) accessRoutes(register func(method, path string, h Handler)) {
	register("GET", ui.PathAdminAccounts, x.accounts)
	register("GET", ui.PathAdminAccount, x.account)
	register("GET", ui.PathAdminPermSets, x.permissionSets)
	register("GET", ui.PathAdminAssignments, func(w http.ResponseWriter, r *http.Request, a Actor) error {
		return x.assignments(w, r, a, http.StatusOK, "")
	})
	register("POST", ui.PathAdminAssignments, x.assign)
	register("POST", ui.PathAdminAssignRemove, x.unassign)
}

func accountView(a access.Account) ui.Account {
	return ui.Account{ID: a.ID, Name: a.Name, Environment: a.Environment}
}

func contains(query string, texts ...string) bool {
	return query == "" || strings.Contains(strings.ToLower(strings.Join(texts, "\n")), strings.ToLower(query))
}

func (x *Admin) accounts(w http.ResponseWriter, r *http.Request, a Actor) error {
	all, err := x.c.Access.Accounts(r.Context())
	if err != nil {
		return err
	}
	assigned, err := x.c.Access.Assignments(r.Context())
	if err != nil {
		return err
	}
	count := map[string]int{}
	for _, as := range assigned {
		count[as.AccountID]++
	}
	page := ui.AdminAccounts{Frame: a.Frame, Query: query(r)}
	for _, acc := range all {
		if !contains(page.Query, acc.ID, acc.Name, acc.Environment) {
			continue
		}
		if page.Total++; len(page.Accounts) < pageSize {
			page.Accounts = append(page.Accounts, ui.AccountRow{Account: accountView(acc), Partition: acc.Partition, Region: acc.Region, Owner: acc.Owner, Assignments: count[acc.ID]})
		}
	}
	x.c.UI.Render(w, http.StatusOK, page)
	return nil
}

func (x *Admin) account(w http.ResponseWriter, r *http.Request, a Actor) error {
	ctx := r.Context()
	acc, err := x.c.Access.Account(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	signIn, err := acc.SignInEndpoint()
	if err != nil {
		return err
	}
	page := ui.AdminAccount{
		Frame: a.Frame, Account: accountView(*acc), Partition: acc.Partition, Region: acc.Region, Owner: acc.Owner, ProviderARN: acc.ProviderARN, SignIn: signIn,
	}
	sets, err := x.c.Access.PermissionSets(ctx)
	if err != nil {
		return err
	}
	for i := range sets {
		page.Roles = append(page.Roles, ui.RoleRow{PermissionSet: sets[i].Name, RoleARN: acc.RoleARN(&sets[i])})
	}
	if page.Assignments, err = x.assignmentRows(ctx, func(as access.Assignment) bool { return as.AccountID == acc.ID }); err != nil {
		return err
	}
	x.c.UI.Render(w, http.StatusOK, page)
	return nil
}

func (x *Admin) permissionSets(w http.ResponseWriter, r *http.Request, a Actor) error {
	sets, err := x.c.Access.PermissionSets(r.Context())
	if err != nil {
		return err
	}
	assigned, err := x.c.Access.Assignments(r.Context())
	if err != nil {
		return err
	}
	count := map[string]int{}
	for _, as := range assigned {
		count[as.PermissionSetID]++
	}
	page := ui.AdminPermissionSets{Frame: a.Frame, Total: len(sets)}
	for _, s := range sets {
		page.Sets = append(page.Sets, ui.PermissionSetRow{ID: s.ID, Name: s.Name, Description: s.Description, Session: s.SessionDuration, Owner: s.Owner, Assignments: count[s.ID]})
	}
	x.c.UI.Render(w, http.StatusOK, page)
	return nil
}

// assignmentRows are the assignments that keep holds for, with names.
func (x *Admin) assignmentRows(ctx context.Context, keep func(access.Assignment) bool) ([]ui.AssignmentRow, error) {
	all, err := x.c.Access.Assignments(ctx)
	if err != nil {
		return nil, err
	}
	accounts, err := x.c.Access.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	sets, err := x.c.Access.PermissionSets(ctx)
	if err != nil {
		return nil, err
	}
	accountBy, setBy, principals := map[string]ui.Account{}, map[string]string{}, map[string]string{}
	for _, acc := range accounts {
		accountBy[acc.ID] = accountView(acc)
	}
	for _, s := range sets {
		setBy[s.ID] = s.Name
	}
	var out []ui.AssignmentRow
	for _, as := range all {
		if !keep(as) {
			continue
		}
		name, ok := principals[as.PrincipalID]
		if !ok {
			if name, err = x.principalName(ctx, as); err != nil {
				return nil, err
			}
			principals[as.PrincipalID] = name
		}
		kind := "Group"
		if as.PrincipalKind == access.User {
			kind = "Person"
		}
		out = append(out, ui.AssignmentRow{ID: as.ID, Principal: name, Kind: kind, PermissionSet: setBy[as.PermissionSetID], Account: accountBy[as.AccountID], Owner: as.Owner, Editable: editable(as.Owner)})
	}
	return out, nil
}

func (x *Admin) principalName(ctx context.Context, as access.Assignment) (string, error) {
	store := x.c.Directory.Store()
	if as.PrincipalKind == access.Group {
		g, err := store.Group(ctx, as.PrincipalID)
		if err != nil {
			return "", err
		}
		return g.DisplayName, nil
	}
	p, err := store.Person(ctx, as.PrincipalID)
	if err != nil {
		return "", err
	}
	return p.UserName, nil
}

func (x *Admin) assignments(w http.ResponseWriter, r *http.Request, a Actor, status int, problem string) error {
	ctx := r.Context()
	page := ui.AdminAssignments{Frame: a.Frame, Query: query(r), Problem: problem}
	rows, err := x.assignmentRows(ctx, func(access.Assignment) bool { return true })
	if err != nil {
		return err
	}
	for _, row := range rows {
		if !contains(page.Query, row.Principal, row.PermissionSet, row.Account.Name, row.Account.ID) {
			continue
		}
		if page.Total++; len(page.Assignments) < pageSize {
			page.Assignments = append(page.Assignments, row)
		}
	}
	if err := x.assignmentChoices(ctx, &page); err != nil {
		return err
	}
	x.c.UI.Render(w, status, page)
	return nil
}

func (x *Admin) assignmentChoices(ctx context.Context, page *ui.AdminAssignments) error {
	store := x.c.Directory.Store()
	groups, _, err := store.Groups(ctx, "", "", 0, 500)
	if err != nil {
		return err
	}
	for _, g := range groups {
		page.Principals = append(page.Principals, ui.Option{ID: "group:" + g.ID, Name: g.DisplayName + " (group)"})
	}
	people, _, err := store.People(ctx, "", "", 0, 500)
	if err != nil {
		return err
	}
	for _, p := range people {
		page.Principals = append(page.Principals, ui.Option{ID: "person:" + p.ID, Name: p.UserName})
	}
	sets, err := x.c.Access.PermissionSets(ctx)
	if err != nil {
		return err
	}
	for _, s := range sets {
		page.PermissionSets = append(page.PermissionSets, ui.Option{ID: s.ID, Name: s.Name})
	}
	accounts, err := x.c.Access.Accounts(ctx)
	if err != nil {
		return err
	}
	for _, acc := range accounts {
		page.Accounts = append(page.Accounts, ui.Option{ID: acc.ID, Name: acc.Name + " (" + acc.ID + ")"})
	}
	return nil
}

// principal checks that a "group:ID" or "person:ID" exists.
func (x *Admin) principal(ctx context.Context, s string) (access.PrincipalKind, string, error) {
	kind, id, _ := strings.Cut(s, ":")
	switch kind {
	case "group":
		_, err := x.c.Directory.Store().Group(ctx, id)
		return access.Group, id, err
	case "person":
		_, err := x.c.Directory.Store().Person(ctx, id)
		return access.User, id, err
	}
	return "", "", &Refusal{Text: "Choose a person or a group."}
}

func (x *Admin) assign(w http.ResponseWriter, r *http.Request, a Actor) error {
	if err := form(w, r); err != nil {
		return err
	}
	err := x.c.Access.InTx(r.Context(), func(ctx context.Context) error {
		kind, id, err := x.principal(ctx, r.PostFormValue(ui.FieldPrincipal))
		if err != nil {
			return err
		}
		acc, err := x.c.Access.Account(ctx, r.PostFormValue(ui.FieldAccount))
		if err != nil {
			return err
		}
		as := &access.Assignment{ID: directory.NewID("a"), AccountID: acc.ID, PermissionSetID: r.PostFormValue(ui.FieldPermissionSet), PrincipalKind: kind, PrincipalID: id, Owner: directory.OwnerAdmin}
		sets, err := x.c.Access.PermissionSets(ctx)
		if err != nil {
			return err
		}
		known := false
		for _, s := range sets {
			known = known || s.ID == as.PermissionSetID
		}
		if !known {
			return &Refusal{Text: "There is no such permission set."}
		}
		if err := x.c.Access.PutAssignment(ctx, as); err != nil {
			return err
		}
		return x.c.Audit.Record(ctx, audit.Event{Type: audit.AccessChanged, Actor: a.ID, Details: map[string]string{
			"object": "assignment", "id": as.ID, "change": "added", "account": as.AccountID, "set": as.PermissionSetID, "principal": as.PrincipalID,
		}})
	})
	if err != nil {
		return err
	}
	x.c.Notice(w, "saved")
	x.back(w, r, ui.PathAdminAssignments)
	return nil
}

func (x *Admin) unassign(w http.ResponseWriter, r *http.Request, a Actor) error {
	id := r.PathValue("id")
	err := x.c.Access.InTx(r.Context(), func(ctx context.Context) error {
		all, err := x.c.Access.Assignments(ctx)
		if err != nil {
			return err
		}
		for _, as := range all {
			if as.ID == id && !editable(as.Owner) {
				return errKept
			}
		}
		if err := x.c.Access.DeleteAssignment(ctx, id); err != nil {
			return err
		}
		return x.c.Audit.Record(ctx, audit.Event{Type: audit.AccessChanged, Actor: a.ID, Details: map[string]string{"object": "assignment", "id": id, "change": "removed"}})
	})
	if err != nil {
		return err
	}
	x.c.Notice(w, "deleted")
	x.back(w, r, ui.PathAdminAssignments)
	return nil
}
