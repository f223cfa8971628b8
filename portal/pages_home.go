// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"net/http"
	"strings"

	"github.com/gatehouse-id/gatehouse/internal/httpx"
	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/ui"
)

// pageSize is how many rows a list shows before it asks for a search.
const pageSize = 50

func (p *Portal) routeHome() {
	p.person("GET", ui.PathHome, p.home)
	p.person("GET", ui.PathStart, p.home)
	p.person("GET", ui.PathApps, p.applications)
	p.person("GET", ui.PathWhy, p.why)
}

// home lists the accounts and roles that the person may use.
func (p *Portal) home(w http.ResponseWriter, r *http.Request, c *current) error {
	all, err := p.access.Resolve(r.Context(), c.person.ID)
	if err != nil {
		return err
	}
	page := ui.PortalHome{Frame: p.frame(r, c), Query: query(r), All: len(all)}
	if page.Notices, err = p.noticesOf(r.Context(), c.person.ID); err != nil {
		return err
	}
	for _, a := range all {
		if !matches(page.Query, accountWords(a)...) {
			continue
		}
		if page.Total++; len(page.Accounts) < pageSize {
			page.Accounts = append(page.Accounts, accountView(a))
		}
	}
	p.ui.Render(w, http.StatusOK, page)
	return nil
}

func query(r *http.Request) string {
	return httpx.Cut(r.URL.Query().Get(ui.FieldQuery), 200)
}

// matches reports whether every word of the query is part of one of the texts.
func matches(query string, texts ...string) bool {
	all := strings.ToLower(strings.Join(texts, "\n"))
	for _, word := range strings.Fields(strings.ToLower(query)) {
		if !strings.Contains(all, word) {
			return false
		}
	}
	return true
}

func accountWords(a access.AccountAccess) []string {
	words := []string{a.Account.ID, a.Account.Name, a.Account.Email, a.Account.Environment}
	for _, role := range a.Roles {
		words = append(words, role.PermissionSet.Name)
	}
	return words
}

func accountView(a access.AccountAccess) ui.Account {
	v := ui.Account{ID: a.Account.ID, Name: a.Account.Name, Environment: a.Account.Environment, Colour: colour(a.Account.Environment)}
	for _, role := range a.Roles {
		v.Roles = append(v.Roles, ui.Role{Name: role.PermissionSet.Name, Description: role.PermissionSet.Description})
	}
	return v
}

func colour(environment string) ui.Colour {
	switch strings.ToLower(environment) {
	case "prod", "production", "live":
		return ui.Red
	case "staging", "stage", "test", "qa":
		return ui.Amber
	case "dev", "development", "sandbox":
		return ui.Green
	}
	return ui.Grey
}

func (p *Portal) applications(w http.ResponseWriter, r *http.Request, c *current) error {
	all, err := p.c.Store.AppsOf(r.Context(), c.person.ID)
	if err != nil {
		return err
	}
	page := ui.Applications{Frame: p.frame(r, c), Query: query(r)}
	for _, a := range all {
		if !a.IdPInitiated {
			continue // opens from the application's own page only
		}
		page.All++
		if !matches(page.Query, a.Name, a.Description) {
			continue
		}
		if page.Total++; len(page.Apps) < pageSize {
			page.Apps = append(page.Apps, ui.App{ID: a.ID, Name: a.Name, Description: a.Description})
		}
	}
	p.ui.Render(w, http.StatusOK, page)
	return nil
}

// why explains a role: source, group, permission set, account.
func (p *Portal) why(w http.ResponseWriter, r *http.Request, c *current) error {
	found, err := p.access.ResolveAccount(r.Context(), c.person.ID, r.PathValue("account"))
	if err != nil {
		return err
	}
	role, err := found.Role(r.PathValue("role"))
	if err != nil {
		return err
	}
	src, err := p.c.Store.Source(r.Context(), c.person.SourceID)
	if err != nil {
		return err
	}
	page := ui.Explain{Frame: p.frame(r, c), Account: accountView(*found), Role: role.PermissionSet.Name}
	for _, because := range role.Because {
		way := ui.Way{Steps: []ui.Step{{Kind: "Identity source", Name: src.Name}}}
		if because.GroupID != "" {
			way.Steps = append(way.Steps, ui.Step{Kind: "Group", Name: because.GroupName, Note: "you are a member"})
		} else {
			way.Steps = append(way.Steps, ui.Step{Kind: "Person", Name: c.person.UserName, Note: "assigned to you"})
		}
		way.Steps = append(way.Steps,
			ui.Step{Kind: "Permission set", Name: role.PermissionSet.Name, Note: role.PermissionSet.Description},
			ui.Step{Kind: "Account", Name: found.Account.Name, Note: found.Account.RoleARN(&role.PermissionSet)})
		page.Ways = append(page.Ways, way)
	}
	p.ui.Render(w, http.StatusOK, page)
	return nil
}
