// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/ui"
)

const (
	// denySkew is how far AWS's clock may be behind the portal's.
	denySkew = 3 * time.Minute
	// longestSession is the longest that AWS lets a role session be.
	longestSession = 12 * time.Hour
	// lookBack is how old an assertion can be whose session still runs.
	lookBack = longestSession + access.MaxAssertionLife + denySkew
	// maxLookBack bounds how many events of the person are read for it.
	maxLookBack = 20_000
)

func (x *Admin) revocationRoutes(register func(method, path string, h Handler)) {
	register("GET", ui.PathAdminRevoked, func(w http.ResponseWriter, r *http.Request, a Actor) error {
		return x.revoked(w, r, a, http.StatusOK, "")
	})
	register("POST", ui.PathAdminDeny, x.deny)
}

// revoke ends everything of a person by do, records how much that was, and
// leads to the page that says so and what AWS may still run.
func (x *Admin) revoke(w http.ResponseWriter, r *http.Request, a Actor, reason string, do func(ctx context.Context) error) error {
	id := r.PathValue("id")
	err := x.c.Directory.Store().InTx(r.Context(), func(ctx context.Context) error {
		browsers, lines, err := x.c.Living(ctx, id)
		if err != nil {
			return err
		}
		if err := do(ctx); err != nil {
			return err
		}
		return x.c.Audit.Record(ctx, audit.Event{Type: audit.SessionRevoked, Actor: a.ID, Person: id, Details: map[string]string{
			"session": "all", "reason": reason, "browsers": strconv.Itoa(browsers), "command_lines": strconv.Itoa(lines),
		}})
	})
	if err != nil {
		return err
	}
	x.c.Notice(w, reason)
	x.back(w, r, ui.PathAdminRevoked, id)
	return nil
}

// trail is what the log says of a person within lookBack.
type trail struct {
	revocation *audit.Event         // the last one by an administrator
	signed     map[string]time.Time // by role ARN: the last assertion
	account    map[string]string    // by role ARN: its account
	names      map[string]bool      // every RoleSessionName that was signed
	whole      bool                 // the log was read as far back as it matters
}

func (x *Admin) trail(ctx context.Context, personID string) (trail, error) {
	t := trail{signed: map[string]time.Time{}, account: map[string]string{}, names: map[string]bool{}}
	since, before := x.c.Now().Add(-lookBack), ""
	for range maxLookBack / 1000 {
		events, err := x.c.Audit.EventsOf(ctx, personID, since, before, 1000)
		if err != nil {
			return t, err
		}
		for i := range events {
			before = events[i].ID
			t.add(&events[i], personID)
		}
		if len(events) < 1000 {
			t.whole = true
			return t, nil
		}
	}
	return t, nil
}

func (t *trail) add(e *audit.Event, personID string) {
	role := e.Details["role"]
	switch {
	case e.Person != personID || e.Outcome != audit.Success:
	case e.Type == audit.SessionRevoked && e.Details["session"] == "all" && t.revocation == nil:
		t.revocation = e
	case e.Type == audit.Federate && role != "":
		if t.signed[role].IsZero() {
			t.signed[role], t.account[role] = e.Time, e.Details["account"]
		}
		if name := e.Details["session_name"]; name != "" {
			t.names[name] = true
		}
	}
}

// remains is one account in which AWS may still run sessions of a person.
type remains struct {
	account access.Account
	roles   []ui.RemainingRole
	policy  string
	name    string // of the policy
}

// remaining are the accounts of the roles that a person may use or that were
// signed for lately, whichever is known, with the policy that ends them.
func (x *Admin) remaining(ctx context.Context, p *directory.Person, t trail) ([]remains, error) {
	sets, err := x.c.Access.PermissionSets(ctx)
	if err != nil {
		return nil, err
	}
	all, err := x.c.Access.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	grants, err := x.c.Access.GrantsOf(ctx, p.ID, "")
	if err != nil {
		return nil, err
	}
	accounts, wanted := map[string]access.Account{}, map[string]map[string]bool{}
	want := func(account, role string) {
		if wanted[account] == nil {
			wanted[account] = map[string]bool{}
		}
		wanted[account][role] = true
	}
	for _, a := range all {
		accounts[a.ID] = a
	}
	for _, g := range grants {
		want(g.Account.ID, g.Account.RoleARN(&g.PermissionSet))
	}
	for role, account := range t.account {
		want(account, role)
	}
	var out []remains
	for id, roles := range wanted {
		a, known := accounts[id]
		if !known {
			a = access.Account{ID: id, Name: id}
		}
		one := remains{account: a}
		if one.name, one.policy, err = x.denial(p, &a, t); err != nil {
			return nil, err
		}
		for _, role := range slices.Sorted(maps.Keys(roles)) {
			one.roles = append(one.roles, x.role(&a, role, sets, t))
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b remains) int {
		return cmp.Or(cmp.Compare(a.account.Name, b.account.Name), cmp.Compare(a.account.ID, b.account.ID))
	})
	return out, nil
}

// role says how long a session of the role can run at most. What the log does
// not tell counts as signed for at the last moment.
func (x *Admin) role(a *access.Account, arn string, sets []access.PermissionSet, t trail) ui.RemainingRole {
	length := longestSession
	for i := range sets {
		if a.Partition != "" && a.RoleARN(&sets[i]) == arn {
			length = sets[i].SessionLength()
		}
	}
	row := ui.RemainingRole{ARN: arn, Signed: t.signed[arn]}
	last := row.Signed
	switch {
	case !last.IsZero():
	case t.whole:
		return row // nothing was signed for it
	case t.revocation != nil:
		last = t.revocation.Time
	default:
		last = x.c.Now()
	}
	row.Until = last.Add(access.MaxAssertionLife + denySkew + length)
	return row
}

// denial is the policy that ends the person's sessions in an account. Without a
// SourceIdentity it names the person as now and by every name that was signed
// within lookBack; the events of an earlier release do not tell.
func (x *Admin) denial(p *directory.Person, a *access.Account, t trail) (name, policy string, err error) {
	if t.revocation == nil {
		return "", "", nil
	}
	d := awssso.Denial{Revoked: t.revocation.Time, AssertionLife: access.MaxAssertionLife, Skew: denySkew}
	if a.SourceIdentity {
		d.SourceIdentity = p.ID
	} else {
		now, err := access.SessionName(p)
		if err != nil {
			return "", "", err
		}
		names := maps.Clone(t.names)
		names[now] = true
		d.SessionNames = slices.Sorted(maps.Keys(names))
	}
	policy, err = d.Policy()
	return access.DenyName(p.ID, d.SessionNames...), policy, err
}

func (x *Admin) revoked(w http.ResponseWriter, r *http.Request, a Actor, status int, problem string) error {
	ctx := r.Context()
	p, err := x.c.Directory.Store().Person(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	t, err := x.trail(ctx, p.ID)
	if err != nil {
		return err
	}
	rest, err := x.remaining(ctx, p, t)
	if err != nil {
		return err
	}
	page := ui.AdminRevoked{Frame: a.Frame, Person: ui.Option{ID: p.ID, Name: p.UserName}, Problem: problem, CanApply: x.c.Denier != nil}
	if t.revocation != nil {
		page.Revoked = t.revocation.Time
		page.Browsers, _ = strconv.Atoi(t.revocation.Details["browsers"]) // written by revoke
		page.CommandLines, _ = strconv.Atoi(t.revocation.Details["command_lines"])
	}
	for _, one := range rest {
		page.Accounts = append(page.Accounts, ui.RemainingAccount{Account: accountView(one.account), Roles: one.roles, Policy: one.policy, SourceIdentity: one.account.SourceIdentity})
	}
	x.c.UI.Render(w, status, page)
	return nil
}

// deny writes the policy to every role of one account, through the
// organisation's Denier. There is no transaction open while it talks to AWS, so
// the wish is recorded first and each result after.
func (x *Admin) deny(w http.ResponseWriter, r *http.Request, a Actor) error {
	if err := form(w, r); err != nil {
		return err
	}
	if x.c.Denier == nil {
		return &Refusal{Text: "This portal cannot write to AWS. Attach the policy yourself."}
	}
	ctx := r.Context()
	p, err := x.c.Directory.Store().Person(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	t, err := x.trail(ctx, p.ID)
	if err != nil {
		return err
	}
	if t.revocation == nil {
		return &Refusal{Text: "Nothing of this person was revoked lately. End all sessions first."}
	}
	rest, err := x.remaining(ctx, p, t)
	if err != nil {
		return err
	}
	account := r.PostFormValue(ui.FieldAccount)
	i := slices.IndexFunc(rest, func(one remains) bool { return one.account.ID == account && one.account.Partition != "" })
	if i < 0 {
		return &Refusal{Text: "The person had no access to this account."}
	}
	failed, err := x.denyRoles(r, a, p, rest[i])
	if err != nil {
		return err
	}
	if len(failed) > 0 {
		return x.revoked(w, r, a, http.StatusBadGateway, "AWS did not take the policy for "+strings.Join(failed, ", ")+". Try again, or attach it yourself.")
	}
	x.c.Notice(w, "saved")
	x.back(w, r, ui.PathAdminRevoked, p.ID)
	return nil
}

func (x *Admin) denyRoles(r *http.Request, a Actor, p *directory.Person, in remains) (failed []string, err error) {
	ctx := r.Context()
	for _, role := range in.roles {
		event := func(change string) audit.Event {
			return audit.Event{Type: audit.AccessChanged, Actor: a.ID, Person: p.ID, Details: map[string]string{
				"object": "deny", "account": in.account.ID, "role": role.ARN, "change": change,
			}}
		}
		if err := x.c.Audit.Record(ctx, event("requested")); err != nil {
			return nil, err
		}
		if err := x.c.Denier.Deny(ctx, access.DenyPolicy{Account: in.account, RoleARN: role.ARN, Name: in.name, Policy: in.policy}); err != nil {
			failed = append(failed, role.ARN)
			e := event("failed")
			e.Check = "deny"
			x.c.Audit.Refuse(ctx, e)
			x.c.Report(r, err)
			continue
		}
		if err := x.c.Audit.Record(ctx, event("applied")); err != nil {
			return nil, err
		}
	}
	return failed, nil
}
