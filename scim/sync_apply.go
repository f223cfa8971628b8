// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
)

// ApplyOptions say how a plan is applied. The zero value will do.
type ApplyOptions struct {
	Concurrency int // requests at the same time; 0: 4

	// ConfirmDeletions, ConfirmDeactivations and ConfirmRemovals lift the caps
	// for a plan of exactly so many; whoever sets them has looked at the plan.
	// ConfirmDeactivations counts the people deactivated and deleted,
	// ConfirmRemovals the memberships that people lose who stay.
	ConfirmDeletions     int
	ConfirmDeactivations int
	ConfirmRemovals      int

	// ConfirmEmptySource allows a plan of a source with nobody in it.
	ConfirmEmptySource bool

	// MaxFailures ends the work after so many refused changes; 0: 50.
	MaxFailures int

	// Progress is told after each change, one at a time.
	Progress func(Progress)

	// Journal keeps which changes are done, a line each, before Progress is told
	// of them: a file opened to read and append, for example. What an earlier run
	// of the same plan wrote is read from it and not done again, wherever that
	// run was cut off; the journal of another plan is refused with CheckPlan. It
	// saves time and is not needed for the outcome.
	Journal io.ReadWriter
}

// Progress is one change that was done or refused.
type Progress struct {
	Step   string // names the change within the plan
	Type   string // "User" or "Group"
	Action PlanAction
	Name   string
	Err    error // why it was refused
	Done   int   // changes so far
	Total  int
}

// ApplyResult is what was done.
type ApplyResult struct {
	Done     int
	Skipped  int // done by an earlier run, as the journal says
	Failed   int
	Failures []Progress // the first 100
}

// Hold is the check that would refuse the plan, as an [*Error], or nil: more
// deletions than the cap, a mass deactivation, a mass removal of members, an
// empty source.
func (s *Sync) Hold(p *Plan) error { return s.hold(p, ApplyOptions{}) }

func (s *Sync) hold(p *Plan, o ApplyOptions) error {
	n := p.Counts()
	deletions, away := n.Delete+n.DeleteGroups, n.Deactivate+n.Delete
	allowed := max(5, int(s.c.MaxDeactivations*float64(p.Active)))
	removals, free := p.removals(), max(20, int(s.c.MaxRemovals*float64(p.Memberships)))
	switch {
	case p.People == 0 && away > 0 && !o.ConfirmEmptySource:
		return refuse(CheckEmptySource, "the source has nobody in it; the plan would take "+strconv.Itoa(away)+" people away")
	case away > allowed && o.ConfirmDeactivations != away:
		return refuse(CheckMassDeactivation, fmt.Sprintf("the plan takes %d of %d active people away, more than %d; confirm exactly %d to go on", away, p.Active, allowed, away))
	case deletions > s.c.MaxDeletions && o.ConfirmDeletions != deletions:
		return refuse(CheckDeletionCap, fmt.Sprintf("the plan deletes %d people and groups, more than %d; confirm exactly %d to go on", deletions, s.c.MaxDeletions, deletions))
	case removals > free && o.ConfirmRemovals != removals:
		return refuse(CheckMassRemoval, fmt.Sprintf("the plan takes %d of %d memberships from people who stay, more than %d; confirm exactly %d to go on", removals, p.Memberships, free, removals))
	}
	return nil
}

// removals counts the memberships that are lost by people who stay.
func (p *Plan) removals() (n int) {
	away := map[string]bool{}
	for i := range p.Users {
		if u := &p.Users[i]; u.Action == PlanDeactivate || u.Action == PlanDelete {
			away[u.ID] = true
		}
	}
	for i := range p.Groups {
		for _, m := range p.Groups[i].Remove {
			if !away[m.ID] {
				n++
			}
		}
	}
	return n
}

// Apply does what a plan says: people leave first, then come and change, then
// are given the managers who came with them, then groups, then their members.
// All steps can be repeated: who was created is found, who was deleted is gone.
// A person who is deactivated or deleted must still be as the plan saw them,
// where the server has versions.
//
// A refused change does not keep the others from being done; the error is then
// CheckIncomplete, and a new plan has what is left. A refused token, a
// cancelled context and MaxFailures end the work.
func (s *Sync) Apply(ctx context.Context, p *Plan, o ApplyOptions) (*ApplyResult, error) {
	if p == nil {
		return nil, refuse(CheckPlan, "there is no plan")
	}
	if err := p.check(); err != nil {
		return nil, &Error{Check: CheckPlan, Public: "this is not a plan", Err: err}
	}
	if p.Target != s.c.Target.BaseURL() {
		return nil, refuse(CheckPlan, "the plan is for another target")
	}
	if err := s.hold(p, o); err != nil {
		return nil, err
	}
	done, made, err := readJournal(o.Journal, p)
	if err != nil {
		return nil, err
	}
	caps, err := s.c.Target.Capabilities(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a := &applier{
		c: s.c.Target, caps: caps, o: o, ctx: ctx, cancel: cancel, res: &ApplyResult{},
		total: len(p.Users) + len(p.Groups), done: done, made: made, people: map[string]string{}, teams: map[string]string{},
	}
	if a.o.Concurrency <= 0 {
		a.o.Concurrency = 4
	}
	if a.o.MaxFailures <= 0 {
		a.o.MaxFailures = 50
	}
	a.run(p)
	switch cause := context.Cause(ctx); {
	case cause != nil:
		var e *Error
		if !errors.As(cause, &e) {
			cause = &Error{Check: CheckIncomplete, Public: "the work was given up", Err: cause}
		}
		return a.res, cause
	case a.res.Failed > 0:
		return a.res, &Error{Check: CheckIncomplete, Public: fmt.Sprintf("%d of %d changes were refused", a.res.Failed, a.total), Err: a.res.Failures[0].Err}
	}
	return a.res, nil
}

// applier is one application of a plan.
type applier struct {
	c      *Client
	caps   Capabilities
	o      ApplyOptions
	ctx    context.Context
	cancel context.CancelCauseFunc
	total  int
	done   map[string]string // by an earlier run: target's ids by step
	made   map[string]string // the same of steps whose first half is done

	mu     sync.Mutex
	res    *ApplyResult
	people map[string]string // ids of the target by those of the source
	teams  map[string]string
}

// work is one change, or the first half of the one it names.
type work struct {
	at   Progress
	half string
	do   func(ctx context.Context) error
}

func (a *applier) run(p *Plan) {
	var leave, come, managers, teams, members, drop []work
	for i := range p.Users {
		u := &p.Users[i]
		at := Progress{Step: stepOf("user", u.ID, u.Key), Type: "User", Action: u.Action, Name: u.Name}
		do := func(ctx context.Context) error { return a.user(ctx, u) }
		switch {
		case a.skip(at.Step, a.people, u.Key):
		case u.Action == PlanDeactivate || u.Action == PlanDelete:
			leave = append(leave, work{at: at, do: do})
		case u.Manager != nil && u.Manager.New.ID == "" && u.Manager.New.Key != "":
			// Managers are made before anybody reports to them; they may do so in
			// a circle.
			come, managers = a.halves(come, managers, at, a.people, u.Key, do, func(ctx context.Context) error { return a.manager(ctx, u) })
		default:
			come = append(come, work{at: at, do: do})
		}
	}
	for i := range p.Groups {
		g := &p.Groups[i]
		at := Progress{Step: stepOf("group", g.ID, g.Key), Type: "Group", Action: g.Action, Name: g.Name}
		switch {
		case a.skip(at.Step, a.teams, g.Key):
		case g.Action == PlanDelete:
			drop = append(drop, work{at: at, do: func(ctx context.Context) error { return gone(a.c.Groups().Delete(ctx, g.ID, "")) }})
		default:
			// All groups are made before members are added, who may be groups.
			teams, members = a.halves(teams, members, at, a.teams, g.Key, func(ctx context.Context) error { return a.group(ctx, g) }, func(ctx context.Context) error { return a.members(ctx, g) })
		}
	}
	for _, phase := range [][]work{leave, drop, come, managers, teams, members} {
		a.each(phase)
	}
}

// stepOf names a change: by the target's id or, if it is yet to be made, by
// the source's.
func stepOf(kind, id, key string) string {
	if id == "" {
		return kind + "+" + key
	}
	return kind + ":" + id
}

// halves adds one change in two phases, or the second if an earlier run has
// done the first.
func (a *applier) halves(one, two []work, at Progress, ids map[string]string, key string, first, second func(context.Context) error) ([]work, []work) {
	if id, ok := a.made[at.Step]; ok {
		if id != "" {
			ids[key] = id
		}
		return one, append(two, work{at: at, do: second})
	}
	var failed error
	one = append(one, work{half: at.Step, do: func(ctx context.Context) error { failed = first(ctx); return failed }})
	return one, append(two, work{at: at, do: func(ctx context.Context) error {
		if failed != nil {
			return failed
		}
		return second(ctx)
	}})
}

// skip passes over what an earlier run has done, and takes over the id.
func (a *applier) skip(step string, ids map[string]string, key string) bool {
	id, ok := a.done[step]
	if !ok {
		return false
	}
	if id != "" {
		ids[key] = id
	}
	a.res.Skipped++
	return true
}

// each does a phase with several workers.
func (a *applier) each(list []work) {
	next := make(chan work)
	var wg sync.WaitGroup
	for range min(a.o.Concurrency, len(list)) {
		wg.Go(func() {
			for w := range next {
				if a.ctx.Err() == nil {
					a.one(w)
				}
			}
		})
	}
	for _, w := range list {
		if a.ctx.Err() != nil {
			break
		}
		next <- w
	}
	close(next)
	wg.Wait()
}

func (a *applier) one(w work) {
	err := w.do(a.ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	if w.half != "" {
		// A failure is told of when the second half is due.
		if hasCheck(err, CheckUnauthorized) {
			a.cancel(err)
		} else if err == nil {
			a.note(journalLine{Made: w.half, ID: a.idOf(w.half)})
		}
		return
	}
	if err != nil && a.ctx.Err() != nil {
		return // given up, not refused
	}
	w.at.Err, w.at.Total = err, a.total
	switch {
	case err != nil:
		a.res.Failed++
		if len(a.res.Failures) < 100 {
			a.res.Failures = append(a.res.Failures, w.at)
		}
	default:
		a.res.Done++
		a.note(journalLine{Step: w.at.Step, ID: a.idOf(w.at.Step)})
	}
	w.at.Done = a.res.Done + a.res.Skipped + a.res.Failed
	if a.o.Progress != nil {
		a.o.Progress(w.at)
	}
	switch {
	case hasCheck(err, CheckUnauthorized):
		a.cancel(err)
	case a.res.Failed >= a.o.MaxFailures:
		a.cancel(&Error{Check: CheckIncomplete, Public: strconv.Itoa(a.res.Failed) + " changes were refused; the rest was not tried", Err: a.res.Failures[0].Err})
	}
}

// gone takes it well that a resource is not there any more.
func gone(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

func (a *applier) user(ctx context.Context, u *UserChange) error {
	version := ""
	if a.caps.ETag {
		version = u.Version
	}
	switch u.Action {
	case PlanDelete:
		return gone(a.c.Users().Delete(ctx, u.ID, version))
	case PlanCreate:
		want := u.User
		if u.Manager != nil && u.Manager.New.ID != "" {
			want = managedBy(want, u.Manager.New.ID)
		}
		got, created, err := a.c.EnsureUser(ctx, want)
		if err != nil {
			return err
		}
		a.mu.Lock()
		a.people[u.Key] = got.ID
		a.mu.Unlock()
		if created {
			return nil
		}
		return a.adopt(ctx, want, got)
	case PlanDeactivate:
		err := a.change(ctx, u.ID, version, u.Changes)
		if hasCheck(err, CheckVersion) || hasCheck(err, CheckConnection) || hasCheck(err, CheckInternal) {
			// An earlier attempt may have done it.
			if now, e := a.c.Users().Get(ctx, u.ID); e == nil && !now.IsActive() && settled(now, u.Changes) {
				return nil
			}
			if !hasCheck(err, CheckVersion) {
				err = a.change(ctx, u.ID, version, u.Changes)
			}
		}
		return err
	}
	changes := u.Changes
	if u.Manager != nil && (u.Manager.New.ID != "" || u.Manager.New.Key == "") {
		changes = append(slices.Clip(changes), managerChange(u.Manager.New.ID))
	}
	if len(changes) == 0 {
		return nil // but for a manager who is yet to be made
	}
	return a.change(ctx, u.ID, "", changes)
}

// manager is the second half of a change: the manager is there now.
func (a *applier) manager(ctx context.Context, u *UserChange) error {
	a.mu.Lock()
	id, manager := cmp.Or(u.ID, a.people[u.Key]), a.people[u.Manager.New.Key]
	a.mu.Unlock()
	if manager == "" {
		return refuse(CheckIncomplete, "the manager is not there; plan again")
	}
	return a.change(ctx, id, "", []SyncedChange{managerChange(manager)})
}

func managerChange(id string) SyncedChange {
	if id == "" {
		return SyncedChange{Path: managerPath}
	}
	return SyncedChange{Path: managerPath, New: appendJSON(nil, obj("value", id))}
}

func managedBy(u *User, id string) *User {
	out, ent := *u, EnterpriseUser{}
	if u.Enterprise != nil {
		ent = *u.Enterprise
	}
	ent.Manager = &Manager{Value: id}
	out.Enterprise = &ent
	return &out
}

// adopt gives a person who was there already what they would have been made
// with.
func (a *applier) adopt(ctx context.Context, u, got *User) error {
	want, have := userType().object(u), userType().object(got)
	var changes []SyncedChange
	for _, attr := range syncAttributes {
		if w, h := attr.of(want), attr.of(have); w != nil && !attr.agrees(w, h) {
			changes = append(changes, SyncedChange{Path: attr.path, New: appendJSON(nil, w)})
		}
	}
	if changes == nil {
		return nil
	}
	return a.change(ctx, got.ID, "", changes)
}

func settled(u *User, changes []SyncedChange) bool {
	have := userType().object(u)
	for _, c := range changes {
		attr := findSyncAttribute(c.Path)
		want, err := newValue(c)
		if attr == nil || err != nil || !attr.agrees(want, attr.of(have)) {
			return false
		}
	}
	return true
}

// change sends attributes as one PATCH, or as a whole where the server has no
// PATCH.
func (a *applier) change(ctx context.Context, id, version string, changes []SyncedChange) error {
	if !a.caps.Patch {
		return a.put(ctx, id, version, changes)
	}
	ops := make([]PatchOp, 0, len(changes))
	for _, c := range changes {
		op := PatchOp{Op: "replace", Path: c.Path, Value: c.New}
		if len(c.New) == 0 || string(c.New) == "null" {
			op = PatchOp{Op: "remove", Path: c.Path}
		}
		ops = append(ops, op)
	}
	_, err := a.c.Users().Patch(ctx, id, version, ops...)
	return err
}

func (a *applier) put(ctx context.Context, id, version string, changes []SyncedChange) error {
	var err error
	for range edits {
		u, e := a.c.Users().Get(ctx, id)
		switch {
		case e != nil:
			return e
		case settled(u, changes):
			return nil
		case version != "" && u.Meta.Version != version:
			return &Error{Check: CheckVersion, Public: "the person was changed after the plan was made", Err: ErrVersion}
		}
		o := userType().object(u)
		for _, c := range changes {
			v, e := newValue(c)
			if e != nil {
				return e
			}
			findSyncAttribute(c.Path).put(o, v)
		}
		u = userType().resource(o).(*User)
		if !a.caps.ETag {
			u.Meta.Version = ""
		}
		if _, err = a.c.Users().Replace(ctx, u); !readAgain(ctx, err) {
			return err
		}
	}
	return err
}

// newValue is what an attribute becomes, nil if it goes.
func newValue(c SyncedChange) (any, error) {
	return parseJSON([]byte(cmp.Or(string(c.New), "null")), lenient)
}

func (a *applier) group(ctx context.Context, g *GroupChange) error {
	switch {
	case g.Action == PlanCreate:
		got, _, err := a.c.EnsureGroup(ctx, &Group{Base: Base{ExternalID: g.ExternalID}, DisplayName: g.Name})
		if err != nil {
			return err
		}
		a.mu.Lock()
		a.teams[g.Key] = got.ID
		a.mu.Unlock()
		return nil
	case g.Action != PlanUpdate || g.OldName == "" && g.ExternalID == "":
		return nil
	case !a.caps.Patch:
		return a.c.editGroup(ctx, g.ID, func(now *Group) bool {
			name, external := cmp.Or(g.Name, now.DisplayName), cmp.Or(g.ExternalID, now.ExternalID)
			changed := now.DisplayName != name || now.ExternalID != external
			now.DisplayName, now.ExternalID = name, external
			return changed
		})
	default:
		var ops []PatchOp
		if g.OldName != "" {
			ops = append(ops, PatchOp{Op: "replace", Path: "displayName", Value: g.Name})
		}
		if g.ExternalID != "" {
			ops = append(ops, PatchOp{Op: "replace", Path: "externalId", Value: g.ExternalID})
		}
		_, err := a.c.Groups().Patch(ctx, g.ID, "", ops...)
		return err
	}
}

func (a *applier) members(ctx context.Context, g *GroupChange) error {
	var add, remove []string
	missing := 0
	a.mu.Lock()
	id := cmp.Or(g.ID, a.teams[g.Key])
	for _, m := range g.Add {
		to := m.ID
		switch {
		case to != "":
		case m.Group:
			to = a.teams[m.Key]
		default:
			to = a.people[m.Key]
		}
		if to == "" {
			missing++
			continue
		}
		add = append(add, to)
	}
	a.mu.Unlock()
	for _, m := range g.Remove {
		remove = append(remove, m.ID)
	}
	if err := a.c.RemoveMembers(ctx, id, remove...); err != nil {
		return err
	}
	if err := a.c.AddMembers(ctx, id, add...); err != nil {
		return err
	}
	if missing > 0 {
		return refuse(CheckIncomplete, strconv.Itoa(missing)+" members are not there; plan again")
	}
	return nil
}
