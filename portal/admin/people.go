// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/signin"
	"github.com/gatehouse-id/gatehouse/portal/ui"
)

func (x *Admin) peopleRoutes(register func(method, path string, h Handler)) {
	register("GET", ui.PathAdminPeople, func(w http.ResponseWriter, r *http.Request, a Actor) error {
		return x.people(w, r, a, http.StatusOK, "")
	})
	register("POST", ui.PathAdminPeople, x.createPerson)
	register("GET", ui.PathAdminPerson, x.person)
	register("POST", ui.PathAdminPersonBlock, x.block(true))
	register("POST", ui.PathAdminPersonOpen, x.block(false))
	register("POST", ui.PathAdminPersonHand, x.handOver(ui.PathAdminPerson, x.c.Directory.HandOver))
	register("POST", ui.PathAdminPersonTicket, x.ticket)
	register("POST", ui.PathAdminPersonOut, x.signOut)
	register("POST", ui.PathAdminFactorRemove, x.removeFactor)
}

func sorted(options []ui.Option) []ui.Option {
	slices.SortFunc(options, func(a, b ui.Option) int { return cmp.Compare(a.Name, b.Name) })
	return options
}

func (x *Admin) people(w http.ResponseWriter, r *http.Request, a Actor, status int, problem string) error {
	ctx := r.Context()
	sources, err := x.sourceNames(ctx)
	if err != nil {
		return err
	}
	page := ui.AdminPeople{Frame: a.Frame, Query: query(r), Problem: problem, Sources: localSources(sources)}
	found, total, err := x.c.Directory.Store().People(ctx, "", page.Query, 0, pageSize)
	if err != nil {
		return err
	}
	page.Total = total
	for i := range found {
		row, err := x.personRow(ctx, &found[i], sources)
		if err != nil {
			return err
		}
		page.People = append(page.People, row)
	}
	x.c.UI.Render(w, status, page)
	return nil
}

func (x *Admin) personRow(ctx context.Context, p *directory.Person, sources map[string]directory.Source) (ui.PersonRow, error) {
	records, err := x.c.MFA.Records(ctx, mfa.Subject{ID: p.ID})
	row := ui.PersonRow{ID: p.ID, Name: p.DisplayName, Username: p.UserName, Email: p.Email, Source: sources[p.SourceID].Name, State: state(p), Factors: len(records)}
	return row, err
}

func state(p *directory.Person) ui.State {
	switch {
	case p.Blocked:
		return ui.StateBlocked
	case !p.Active:
		return ui.StateDisabled
	}
	return ui.StateActive
}

func (x *Admin) createPerson(w http.ResponseWriter, r *http.Request, a Actor) error {
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
	p := &directory.Person{
		SourceID: src.ID, UserName: strings.TrimSpace(r.PostFormValue(ui.FieldUsername)), DisplayName: strings.TrimSpace(r.PostFormValue(ui.FieldName)),
		Email: strings.TrimSpace(r.PostFormValue(ui.FieldEmail)), Active: true, Owner: directory.OwnerAdmin,
	}
	if directory.FoldLogin(p.UserName) == "" || len(p.DisplayName) > directory.MaxName || len(p.Email) > directory.MaxName {
		return x.people(w, r, a, http.StatusUnprocessableEntity, "That cannot be a user name.")
	}
	err = x.c.Directory.CreatePerson(r.Context(), a.ID, p)
	if errors.Is(err, directory.ErrConflict) {
		return x.people(w, r, a, http.StatusConflict, "That user name is taken. User names are unique over all sources.")
	}
	if err != nil {
		return err
	}
	x.back(w, r, ui.PathAdminPerson, p.ID)
	return nil
}

func (x *Admin) person(w http.ResponseWriter, r *http.Request, a Actor) error {
	ctx, store := r.Context(), x.c.Directory.Store()
	p, err := store.Person(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	sources, err := x.sourceNames(ctx)
	if err != nil {
		return err
	}
	page := ui.AdminPerson{Frame: a.Frame, Owner: p.Owner, Ours: p.Owner == directory.OwnerAdmin, Created: p.Created, Tickets: []string{ui.TicketFactor}}
	if page.Person, err = x.personRow(ctx, p, sources); err != nil {
		return err
	}
	if sources[p.SourceID].Kind == directory.BuiltIn {
		page.Tickets = []string{ui.TicketInvite, ui.TicketReset, ui.TicketFactor}
	}
	groups, err := store.GroupsOf(ctx, p.ID)
	if err != nil {
		return err
	}
	for _, g := range groups {
		page.Groups = append(page.Groups, ui.Option{ID: g.ID, Name: g.DisplayName})
	}
	if page.Factors, err = x.factors(ctx, p.ID); err != nil {
		return err
	}
	sessions, err := x.c.Sessions.Of(ctx, p.ID)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		page.Sessions = append(page.Sessions, ui.Session{ID: s.ID, Kind: "Browser", Client: s.UserAgent, Address: s.Network, Started: s.Created, LastSeen: s.LastSeen, Ends: s.Expires})
	}
	grants, err := x.c.Access.GrantsOf(ctx, p.ID, "")
	if err != nil {
		return err
	}
	for _, g := range grants {
		via := "assigned in person"
		if g.GroupName != "" {
			via = g.GroupName
		}
		page.Grants = append(page.Grants, ui.GrantRow{Account: accountView(g.Account), PermissionSet: g.PermissionSet.Name, Via: via})
	}
	x.c.UI.Render(w, http.StatusOK, page)
	return nil
}

var methods = map[mfa.Kind]ui.Method{mfa.KindTOTP: ui.MethodTOTP, mfa.KindWebAuthn: ui.MethodPasskey, mfa.KindRecovery: ui.MethodRecovery}

func (x *Admin) factors(ctx context.Context, personID string) ([]ui.Factor, error) {
	records, err := x.c.MFA.Records(ctx, mfa.Subject{ID: personID})
	var out []ui.Factor
	for _, rec := range records {
		out = append(out, ui.Factor{ID: rec.ID, Method: methods[rec.Kind], Name: rec.Name, Added: rec.CreatedAt, LastUsed: rec.UsedAt})
	}
	return out, err
}

// block sets or lifts the administrator's block, which a source cannot lift.
func (x *Admin) block(on bool) Handler {
	return func(w http.ResponseWriter, r *http.Request, a Actor) error {
		id := r.PathValue("id")
		if on && id == a.ID {
			return &Refusal{Text: "You cannot block yourself."}
		}
		if on {
			return x.revoke(w, r, a, "blocked", func(ctx context.Context) error { return x.c.Directory.Block(ctx, a.ID, id, true) })
		}
		if err := x.c.Directory.Block(r.Context(), a.ID, id, false); err != nil {
			return err
		}
		x.c.Notice(w, "unblocked")
		x.back(w, r, ui.PathAdminPerson, id)
		return nil
	}
}

// handOver lets provisioning change what an administrator made.
func (x *Admin) handOver(page string, do func(ctx context.Context, actor, id string) error) Handler {
	return func(w http.ResponseWriter, r *http.Request, a Actor) error {
		err := do(r.Context(), a.ID, r.PathValue("id"))
		if errors.Is(err, directory.ErrKept) {
			return errKept
		}
		if err != nil {
			return err
		}
		x.c.Notice(w, "saved")
		x.back(w, r, page, r.PathValue("id"))
		return nil
	}
}

// ticket issues a single-use ticket, shown once.
func (x *Admin) ticket(w http.ResponseWriter, r *http.Request, a Actor) error {
	if err := form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	p, err := x.c.Directory.Store().Person(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	page := ui.AdminTicket{Frame: a.Frame, Person: ui.Option{ID: p.ID, Name: p.UserName}, Kind: r.PostFormValue(ui.FieldKind), Link: x.c.URL(ui.PathEnrol), Expires: x.c.Now().Add(signin.TicketLife)}
	switch page.Kind {
	case ui.TicketInvite, ui.TicketReset:
		page.Ticket, err = x.c.SignIn.IssueTicket(ctx, a.ID, p.ID, page.Kind)
	case ui.TicketFactor:
		page.Expires = x.c.Now().Add(factorTicketLife)
		page.Ticket, err = x.c.MFA.IssueTicket(ctx, mfa.TicketInput{Subject: mfa.Subject{ID: p.ID}, TTL: factorTicketLife, WithFactors: true, Actor: a.ID})
	default:
		return &Refusal{Text: "There is no such kind of ticket."}
	}
	var refused *signin.Error
	if errors.As(err, &refused) && refused.Check == signin.CheckSource {
		return &Refusal{Text: refused.Public}
	}
	if err != nil {
		return err
	}
	x.c.UI.Render(w, http.StatusOK, page)
	return nil
}

const factorTicketLife = 24 * time.Hour

func (x *Admin) signOut(w http.ResponseWriter, r *http.Request, a Actor) error {
	id := r.PathValue("id")
	return x.revoke(w, r, a, "revoked", func(ctx context.Context) error {
		if _, err := x.c.Directory.Store().Person(ctx, id); err != nil {
			return err
		}
		return x.c.EndEverything(ctx, id, "revoked by an administrator")
	})
}

// removeFactor ends everything of the person, too: somebody may have signed in
// with the factor who should not have had it.
func (x *Admin) removeFactor(w http.ResponseWriter, r *http.Request, a Actor) error {
	id := r.PathValue("id")
	return x.revoke(w, r, a, "removed", func(ctx context.Context) error {
		in := mfa.ResetInput{Subject: mfa.Subject{ID: id}, RecordID: r.PathValue("factor"), Actor: a.ID}
		return x.c.MFA.Reset(ctx, in, func(ctx context.Context) error {
			return x.c.EndEverything(ctx, id, "a factor was removed by an administrator")
		})
	})
}
