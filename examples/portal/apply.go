// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/app"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/sqlstore"
)

const settingOrganisation = "organisation"

type applyCmd struct {
	File   string `arg:"" help:"YAML file, see examples/portal/organisation.yaml." type:"existingfile"`
	DryRun bool   `help:"Show what would change, and change nothing."`
}

// Run validates the file, shows the difference, and applies it in one
// transaction. A dry run or a file with a fault makes no database.
func (a *applyCmd) Run(ctx context.Context, g *Globals) error {
	have, err := g.exists(ctx)
	if err != nil {
		return err
	}
	if !have && a.DryRun {
		return g.rehearse(ctx, a.File, os.Stdout)
	}
	if err := g.rehearse(ctx, a.File, io.Discard); err != nil {
		return err
	}
	store, err := g.open(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	return applyFile(ctx, g, store, a.File, a.DryRun, os.Stdout)
}

// rehearse applies the file to an empty database that is thrown away, if there
// is no database yet: a fault leaves none.
func (g *Globals) rehearse(ctx context.Context, name string, out io.Writer) error {
	if have, err := g.exists(ctx); err != nil || have {
		return err
	}
	dir, err := os.MkdirTemp("", "gatehouse-rehearsal-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	trial := Globals{Data: dir, LogLevel: slog.LevelError}
	store, err := trial.open(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	return applyFile(ctx, &trial, store, name, true, out)
}

// errDryRun rolls a dry run back.
var errDryRun = errors.New("dry run")

func applyFile(ctx context.Context, g *Globals, store *sqlstore.Store, name string, dryRun bool, out io.Writer) error {
	mark, err := store.Setting(ctx, settingSample)
	if err != nil {
		return err
	}
	if mark != "" {
		return errors.New("this database holds the sample organisation for good; use another --data folder")
	}
	f, err := readFile(name)
	if err != nil {
		return err
	}
	log := audit.New(store, g.logger(), time.Now)
	dir, err := directory.New(directory.Config{Store: store, Record: log.Record})
	if err != nil {
		return err
	}
	apps, err := app.New(app.Config{Store: store, Record: log.Record})
	if err != nil {
		return err
	}
	var changes []string
	err = store.InTx(ctx, func(ctx context.Context) error {
		p := &applier{f: f, store: store, dir: dir, apps: apps}
		if err := p.run(ctx); err != nil {
			return err
		}
		changes = p.changes
		if dryRun {
			return errDryRun
		}
		if len(changes) == 0 {
			return nil
		}
		return log.Record(ctx, audit.Event{Type: audit.ConfigurationApplied, Actor: "cli:apply", Details: map[string]string{"changes": fmt.Sprint(len(changes))}})
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return err
	}
	for _, c := range changes {
		fmt.Fprintln(out, c)
	}
	switch {
	case len(changes) == 0:
		fmt.Fprintln(out, "nothing to change")
	case dryRun:
		fmt.Fprintf(out, "%d changes; nothing was changed (dry run)\n", len(changes))
	default:
		fmt.Fprintf(out, "%d changes applied\n", len(changes))
	}
	return nil
}

// applier makes the database what the file says. What it writes is owned by
// apply; what others own it refuses to take over.
type applier struct {
	f       *file
	store   *sqlstore.Store
	dir     *directory.Directory
	apps    *app.Apps
	changes []string
}

func (p *applier) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{p.sources, p.people, p.groups, p.administrators, p.sets, p.accounts, p.assignments, p.applications, p.settings} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return errors.Join(p.f.wrong...)
}

func (p *applier) note(sign, kind, key string) {
	p.changes = append(p.changes, fmt.Sprintf("%s %s %s", sign, kind, audit.Clean(key)))
}

// diff notes the fields that differ and reports whether any does.
func (p *applier) diff(kind, key string, have, want any) bool {
	h, w := reflect.ValueOf(have), reflect.ValueOf(want)
	var parts []string
	for i := range h.NumField() {
		a, b := fmt.Sprint(h.Field(i)), fmt.Sprint(w.Field(i))
		if a != b {
			parts = append(parts, fmt.Sprintf("%s: %s -> %s", h.Type().Field(i).Name, short(a), short(b)))
		}
	}
	if len(parts) > 0 {
		p.note("~", kind, key+" ("+strings.Join(parts, "; ")+")")
	}
	return len(parts) > 0
}

func short(s string) string {
	s = audit.Clean(s)
	if len(s) > 60 {
		return s[:57] + "..."
	}
	return fmt.Sprintf("%q", s)
}

// taken is the refusal to take over what somebody else keeps.
func (p *applier) taken(path, owner string) bool {
	if owner == directory.OwnerApply {
		return false
	}
	p.f.fault(path, "exists and is kept by %q; remove it there first", owner)
	return true
}

func (p *applier) sources(ctx context.Context) error {
	existing, err := p.store.Sources(ctx)
	if err != nil {
		return err
	}
	have := map[string]directory.Source{}
	for _, s := range existing {
		have[s.ID] = s
	}
	for i := range p.f.Sources {
		want := p.f.Sources[i].source()
		old, ok := have[want.ID]
		delete(have, want.ID)
		switch {
		case !ok:
			p.note("+", "source", want.ID)
		case p.taken(fmt.Sprintf("sources[%d].id", i), old.Owner):
			continue
		case old.Kind != want.Kind:
			p.f.fault(fmt.Sprintf("sources[%d].kind", i), "a source does not change its kind; make a new one")
			continue
		case toJSON(old) == toJSON(*want):
			continue
		default:
			p.note("~", "source", want.ID)
		}
		if err := p.store.PutSource(ctx, want); err != nil {
			return err
		}
	}
	for id, s := range have {
		if s.Owner != directory.OwnerApply {
			continue
		}
		if _, n, err := p.store.People(ctx, id, "", 0, 1); err != nil {
			return err
		} else if n > 0 {
			p.f.fault("sources", "source %q is no longer in the file but has %d people; nobody's access is dropped by leaving out a source", id, n)
			continue
		}
		p.note("-", "source", id)
		if err := p.store.DeleteSource(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func toJSON(v any) string {
	b, _ := json.Marshal(v) // plain structs
	return string(b)
}

// people creates and updates; nobody is deleted by being left out.
func (p *applier) people(ctx context.Context) error {
	for i, spec := range p.f.People {
		at := fmt.Sprintf("people[%d]", i)
		src, err := p.store.Source(ctx, spec.Source)
		if errors.Is(err, directory.ErrNotFound) {
			p.f.fault(at+".source", "there is no source %q", spec.Source)
			continue
		}
		if err != nil {
			return err
		}
		old, err := p.store.PersonByLogin(ctx, directory.FoldLogin(spec.UserName))
		if errors.Is(err, directory.ErrNotFound) {
			p.note("+", "person", spec.UserName)
			person := &directory.Person{
				SourceID: src.ID, UserName: spec.UserName, DisplayName: spec.DisplayName, Email: spec.Email, Attributes: spec.Attributes, Active: true, Owner: directory.OwnerApply,
			}
			if err := p.dir.CreatePerson(ctx, "cli:apply", person); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if old.SourceID != src.ID {
			p.f.fault(at+".user_name", "the name is taken in source %q", old.SourceID)
			continue
		}
		if p.taken(at, old.Owner) {
			continue
		}
		type shown struct{ UserName, DisplayName, Email, Attributes string }
		if p.diff("person", spec.UserName, shown{old.UserName, old.DisplayName, old.Email, fmt.Sprint(old.Attributes)}, shown{spec.UserName, spec.DisplayName, spec.Email, fmt.Sprint(spec.Attributes)}) {
			old.UserName, old.DisplayName, old.Email, old.Attributes = spec.UserName, spec.DisplayName, spec.Email, spec.Attributes
			if err := p.dir.UpdatePerson(ctx, "cli:apply", "applied", old); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *applier) groups(ctx context.Context) error {
	for i, spec := range p.f.Groups {
		at := fmt.Sprintf("groups[%d]", i)
		if _, err := p.store.Source(ctx, spec.Source); err != nil {
			p.f.fault(at+".source", "there is no source %q", spec.Source)
			continue
		}
		g, err := p.store.GroupByName(ctx, spec.Source, spec.Name)
		if errors.Is(err, directory.ErrNotFound) {
			p.note("+", "group", spec.Source+"/"+spec.Name)
			g = &directory.Group{SourceID: spec.Source, DisplayName: spec.Name, Owner: directory.OwnerApply}
			err = p.dir.CreateGroup(ctx, "cli:apply", g)
		}
		if err != nil {
			return err
		}
		if p.taken(at+".name", g.Owner) {
			continue
		}
		if err := p.members(ctx, at, g, spec.Members); err != nil {
			return err
		}
	}
	return nil
}

func (p *applier) members(ctx context.Context, at string, g *directory.Group, logins []string) error {
	have, err := p.store.Members(ctx, g.ID)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for j, login := range logins {
		person, err := p.store.PersonByLogin(ctx, directory.FoldLogin(login))
		if err != nil || person.SourceID != g.SourceID {
			p.f.fault(fmt.Sprintf("%s.members[%d]", at, j), "there is nobody called %q in source %q", login, g.SourceID)
			continue
		}
		wanted[person.ID] = true
		if !contains(have, person.ID) {
			p.note("+", "member", login+" of "+g.DisplayName)
			if err := p.store.AddMembers(ctx, g.ID, []string{person.ID}); err != nil {
				return err
			}
		}
	}
	for _, id := range have {
		if !wanted[id] {
			p.note("-", "member", id+" of "+g.DisplayName)
			if err := p.store.RemoveMembers(ctx, g.ID, []string{id}); err != nil {
				return err
			}
		}
	}
	return nil
}

// principal resolves "user:LOGIN" or "group:SOURCE/NAME".
func (p *applier) principal(ctx context.Context, path, ref string) (access.PrincipalKind, string, bool) {
	kind, name, _ := strings.Cut(ref, ":")
	switch kind {
	case "user":
		if person, err := p.store.PersonByLogin(ctx, directory.FoldLogin(name)); err == nil {
			return access.User, person.ID, true
		}
	case "group":
		source, group, _ := strings.Cut(name, "/")
		if g, err := p.store.GroupByName(ctx, source, group); err == nil {
			return access.Group, g.ID, true
		}
	}
	p.f.fault(path, "there is no %q", ref)
	return "", "", false
}

// name is a person or group as [applier.principal] reads it.
func (p *applier) name(ctx context.Context, id string) string {
	if person, err := p.store.Person(ctx, id); err == nil {
		return "user:" + person.UserName
	}
	if g, err := p.store.Group(ctx, id); err == nil {
		return "group:" + g.SourceID + "/" + g.DisplayName
	}
	return id
}

func (p *applier) administrators(ctx context.Context) error {
	have, err := p.store.AdministratorPrincipals(ctx)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for i, ref := range p.f.Administrators {
		_, id, ok := p.principal(ctx, fmt.Sprintf("administrators[%d]", i), ref)
		if !ok {
			continue
		}
		wanted[id] = true
		if !contains(have, id) {
			p.note("+", "administrator", ref)
			if err := p.store.SetAdministrator(ctx, id, true); err != nil {
				return err
			}
		}
	}
	if len(wanted) == 0 {
		p.f.fault("administrators", "name at least one, or nobody could administer the portal")
		return nil
	}
	for _, id := range have {
		if !wanted[id] {
			p.note("-", "administrator", p.name(ctx, id))
			if err := p.store.SetAdministrator(ctx, id, false); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *applier) sets(ctx context.Context) error {
	existing, err := p.store.PermissionSets(ctx)
	if err != nil {
		return err
	}
	have := map[string]access.PermissionSet{}
	for _, s := range existing {
		have[s.Name] = s
	}
	for i := range p.f.PermissionSets {
		want := p.f.PermissionSets[i].set()
		old, ok := have[want.Name]
		delete(have, want.Name)
		if ok {
			want.ID = old.ID
			if p.taken(fmt.Sprintf("permission_sets[%d].name", i), old.Owner) || !p.diff("permission set", want.Name, old, want) {
				continue
			}
		} else {
			want.ID = directory.NewID("ps")
			p.note("+", "permission set", want.Name)
		}
		if err := p.store.PutPermissionSet(ctx, &want); err != nil {
			return err
		}
	}
	for name, s := range have {
		if s.Owner == directory.OwnerApply {
			p.note("-", "permission set", name)
			if err := p.store.DeletePermissionSet(ctx, s.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *applier) accounts(ctx context.Context) error {
	existing, err := p.store.Accounts(ctx)
	if err != nil {
		return err
	}
	have := map[string]access.Account{}
	for _, a := range existing {
		have[a.ID] = a
	}
	for i := range p.f.Accounts {
		want := p.f.Accounts[i].account()
		old, ok := have[want.ID]
		delete(have, want.ID)
		if ok {
			if p.taken(fmt.Sprintf("accounts[%d].id", i), old.Owner) || !p.diff("account", want.ID, old, want) {
				continue
			}
		} else {
			p.note("+", "account", want.ID+" "+want.Name)
		}
		if err := p.store.PutAccount(ctx, &want); err != nil {
			return err
		}
	}
	for id, a := range have {
		if a.Owner == directory.OwnerApply {
			p.note("-", "account", id+" "+a.Name)
			if err := p.store.DeleteAccount(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *applier) assignments(ctx context.Context) error {
	sets, err := p.store.PermissionSets(ctx)
	if err != nil {
		return err
	}
	setID, setName := map[string]string{}, map[string]string{}
	for _, s := range sets {
		setID[s.Name], setName[s.ID] = s.ID, s.Name
	}
	existing, err := p.store.Assignments(ctx)
	if err != nil {
		return err
	}
	have := map[access.Assignment]access.Assignment{}
	for _, a := range existing {
		have[identity(a)] = a
	}
	describe := func(a access.Assignment) string {
		return setName[a.PermissionSetID] + " in " + a.AccountID + " to " + p.name(ctx, a.PrincipalID)
	}
	for i, spec := range p.f.Assignments {
		for _, want := range p.expand(ctx, fmt.Sprintf("assignments[%d]", i), spec, setID) {
			key := identity(want)
			old, ok := have[key]
			delete(have, key)
			if ok && old.Owner == directory.OwnerApply {
				continue
			}
			p.note("+", "assignment", describe(want))
			want.ID = directory.NewID("a")
			if err := p.store.PutAssignment(ctx, &want); err != nil {
				return err
			}
		}
	}
	for _, a := range existing {
		if _, left := have[identity(a)]; left && a.Owner == directory.OwnerApply {
			p.note("-", "assignment", describe(a))
			if err := p.store.DeleteAssignment(ctx, a.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// identity is what makes two assignments the same.
func identity(a access.Assignment) access.Assignment {
	a.ID, a.Owner = "", ""
	return a
}

// expand is every account with every set for every principal.
func (p *applier) expand(ctx context.Context, at string, spec assignmentSpec, setID map[string]string) []access.Assignment {
	var principals []access.Assignment
	add := func(path, ref string) {
		if kind, id, ok := p.principal(ctx, path, ref); ok {
			principals = append(principals, access.Assignment{PrincipalKind: kind, PrincipalID: id, Owner: directory.OwnerApply})
		}
	}
	for j, g := range spec.Groups {
		add(fmt.Sprintf("%s.groups[%d]", at, j), "group:"+g)
	}
	for j, u := range spec.Users {
		add(fmt.Sprintf("%s.users[%d]", at, j), "user:"+u)
	}
	var out []access.Assignment
	for j, account := range spec.Accounts {
		if _, err := p.store.Account(ctx, account); err != nil {
			p.f.fault(fmt.Sprintf("%s.accounts[%d]", at, j), "there is no account %q", account)
			continue
		}
		for k, name := range spec.PermissionSets {
			if setID[name] == "" {
				p.f.fault(fmt.Sprintf("%s.permission_sets[%d]", at, k), "there is no permission set %q", name)
				continue
			}
			for _, a := range principals {
				a.AccountID, a.PermissionSetID = account, setID[name]
				out = append(out, a)
			}
		}
	}
	return out
}

func (p *applier) applications(ctx context.Context) error {
	existing, err := p.store.Apps(ctx)
	if err != nil {
		return err
	}
	have := map[string]app.App{}
	for _, a := range existing {
		have[a.EntityID] = a
	}
	for i := range p.f.Applications {
		spec := &p.f.Applications[i]
		at := fmt.Sprintf("applications[%d]", i)
		want := spec.app()
		if want.Metadata == "" {
			want.Metadata = app.EndpointMetadata(want.EntityID, spec.ACS)
		}
		if _, err := p.apps.Check(&want); err != nil {
			p.f.fault(at, "%v", err)
			continue
		}
		old, ok := have[want.EntityID]
		delete(have, want.EntityID)
		if ok {
			want.ID = old.ID
			if p.taken(at+".entity_id", old.Owner) {
				continue
			}
		} else {
			want.ID = directory.NewID("app")
			p.note("+", "application", want.EntityID)
		}
		if !ok || p.diff("application", want.EntityID, old, want) {
			if _, err := p.apps.Register(ctx, "cli:apply", want); err != nil {
				return err
			}
		}
		if err := p.appAssignments(ctx, at, want.ID, spec); err != nil {
			return err
		}
	}
	for entity, a := range have {
		if a.Owner == directory.OwnerApply {
			p.note("-", "application", entity)
			if err := p.store.DeleteApp(ctx, a.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *applier) appAssignments(ctx context.Context, at, id string, spec *applicationSpec) error {
	existing, err := p.store.AppAssignments(ctx, id)
	if err != nil {
		return err
	}
	have := map[string]bool{}
	for _, a := range existing {
		have[a.PrincipalID] = true
	}
	put := func(path, ref string) error {
		_, principal, ok := p.principal(ctx, path, ref)
		if !ok || have[principal] {
			delete(have, principal)
			return nil
		}
		p.note("+", "application assignment", spec.Name+" to "+ref)
		return p.store.PutAppAssignment(ctx, app.Assignment{AppID: id, PrincipalID: principal, Owner: directory.OwnerApply})
	}
	for j, g := range spec.Groups {
		if err := put(fmt.Sprintf("%s.groups[%d]", at, j), "group:"+g); err != nil {
			return err
		}
	}
	for j, u := range spec.Users {
		if err := put(fmt.Sprintf("%s.users[%d]", at, j), "user:"+u); err != nil {
			return err
		}
	}
	for principal := range have {
		p.note("-", "application assignment", spec.Name+" to "+p.name(ctx, principal))
		if err := p.store.DeleteAppAssignment(ctx, id, principal); err != nil {
			return err
		}
	}
	return nil
}

// settings keeps what the portal is made with.
func (p *applier) settings(ctx context.Context) error {
	want := toJSON(p.f.settings)
	have, err := p.store.Setting(ctx, settingOrganisation)
	if err != nil || have == want {
		return err
	}
	p.note("~", "settings", "(take effect when the portal is started again)")
	return p.store.PutSetting(ctx, settingOrganisation, want)
}

// loadOrganisation reads the settings that apply stored.
func loadOrganisation(ctx context.Context, store *sqlstore.Store) (*settings, error) {
	text, err := store.Setting(ctx, settingOrganisation)
	if err != nil || text == "" {
		return &settings{}, err
	}
	var s settings
	return &s, json.Unmarshal([]byte(text), &s)
}
