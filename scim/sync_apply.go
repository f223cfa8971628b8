// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
)

// ApplyOptions say how a plan is applied. The zero value will do.
type ApplyOptions struct {
	Concurrency int // requests at the same time; 0: 4

	// ConfirmDeletions and ConfirmDeactivations lift the caps for a plan of
	// exactly so many; whoever sets them has looked at the plan.
	// ConfirmDeactivations counts the people deactivated and deleted.
	ConfirmDeletions     int
	ConfirmDeactivations int

	// ConfirmEmptySource allows a plan of a source with nobody in it.
	ConfirmEmptySource bool

	// MaxFailures ends the work after so many refused changes; 0: 50.
	MaxFailures int

	// Progress is told after each change, one at a time.
	Progress func(Progress)

	// Skip leaves out steps that an earlier run has done, as Progress named
	// them. It is never needed for the outcome.
	Skip func(step string) bool
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
	Skipped  int
	Failed   int
	Failures []Progress // the first 100
}

// Hold is the check that would refuse the plan, as an [*Error], or nil: more
// deletions than the cap, a mass deactivation, an empty source.
func (s *Sync) Hold(p *Plan) error { return s.hold(p, ApplyOptions{}) }

func (s *Sync) hold(p *Plan, o ApplyOptions) error {
	n := p.Counts()
	deletions, away := n.Delete+n.DeleteGroups, n.Deactivate+n.Delete
	allowed := max(5, int(s.c.MaxDeactivations*float64(p.Active)))
	switch {
	case p.People == 0 && away > 0 && !o.ConfirmEmptySource:
		return refuse(CheckEmptySource, "the source has nobody in it; the plan would take "+strconv.Itoa(away)+" people away")
	case away > allowed && o.ConfirmDeactivations != away:
		return refuse(CheckMassDeactivation, fmt.Sprintf("the plan takes %d of %d active people away, more than %d; confirm exactly %d to go on", away, p.Active, allowed, away))
	case deletions > s.c.MaxDeletions && o.ConfirmDeletions != deletions:
		return refuse(CheckDeletionCap, fmt.Sprintf("the plan deletes %d people and groups, more than %d; confirm exactly %d to go on", deletions, s.c.MaxDeletions, deletions))
	}
	return nil
}

// Apply does what a plan says: people leave first, then come and change, then
// groups, then their members. All steps can be repeated: who was created is
// found, who was deleted is gone. A person who is deactivated or deleted must
// still be as the plan saw them, where the server has versions.
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
	caps, err := s.c.Target.Capabilities(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a := &applier{
		c: s.c.Target, caps: caps, o: o, ctx: ctx, cancel: cancel, res: &ApplyResult{},
		total: len(p.Users) + len(p.Groups), people: map[string]string{}, teams: map[string]string{},
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

	mu     sync.Mutex
	res    *ApplyResult
	people map[string]string // ids of the target by those of the source
	teams  map[string]string
}

// work is one change.
type work struct {
	at Progress
	do func(ctx context.Context) error
}

func (a *applier) run(p *Plan) {
	var leave, come, teams, members, drop []work
	for i := range p.Users {
		u := &p.Users[i]
		w := work{Progress{Step: "user:" + cmp.Or(u.ID, "+"+u.Key), Type: "User", Action: u.Action, Name: u.Name}, func(ctx context.Context) error { return a.user(ctx, u) }}
		if u.Action == PlanDeactivate || u.Action == PlanDelete {
			leave = append(leave, w)
		} else {
			come = append(come, w)
		}
	}
	for i := range p.Groups {
		g := &p.Groups[i]
		at := Progress{Step: "group:" + cmp.Or(g.ID, "+"+g.Key), Type: "Group", Action: g.Action, Name: g.Name}
		if g.Action == PlanDelete {
			drop = append(drop, work{at, func(ctx context.Context) error { return gone(a.c.Groups().Delete(ctx, g.ID, "")) }})
			continue
		}
		// A group is made before its members are added, and both are one step.
		var failed error
		teams = append(teams, work{Progress{}, func(ctx context.Context) error { failed = a.group(ctx, g); return nil }})
		members = append(members, work{at, func(ctx context.Context) error {
			if failed != nil {
				return failed
			}
			return a.members(ctx, g)
		}})
	}
	for _, phase := range [][]work{leave, drop, come, teams, members} {
		a.each(phase)
	}
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
	if w.at.Step == "" {
		_ = w.do(a.ctx)
		return
	}
	skip := a.o.Skip != nil && a.o.Skip(w.at.Step)
	var err error
	if !skip {
		err = w.do(a.ctx)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil && a.ctx.Err() != nil {
		return // given up, not refused
	}
	w.at.Err, w.at.Total = err, a.total
	switch {
	case skip:
		a.res.Skipped++
	case err != nil:
		a.res.Failed++
		if len(a.res.Failures) < 100 {
			a.res.Failures = append(a.res.Failures, w.at)
		}
	default:
		a.res.Done++
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
		got, created, err := a.c.EnsureUser(ctx, u.User)
		if err != nil {
			return err
		}
		a.mu.Lock()
		a.people[u.Key] = got.ID
		a.mu.Unlock()
		if created {
			return nil
		}
		return a.adopt(ctx, u, got)
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
	return a.change(ctx, u.ID, "", u.Changes)
}

// adopt gives a person who was there already what they would have been made
// with.
func (a *applier) adopt(ctx context.Context, u *UserChange, got *User) error {
	want, have := userType().object(u.User), userType().object(got)
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
		want, err := parseJSON(c.New, lenient)
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
	u, err := a.c.Users().Get(ctx, id)
	if err != nil {
		return err
	}
	if version != "" && u.Meta.Version != version {
		return &Error{Check: CheckVersion, Public: "the person was changed after the plan was made", Err: ErrVersion}
	}
	o := userType().object(u)
	for _, c := range changes {
		v, err := parseJSON([]byte(cmp.Or(string(c.New), "null")), lenient)
		if err != nil {
			return err
		}
		findSyncAttribute(c.Path).put(o, v)
	}
	u = userType().resource(o).(*User)
	if !a.caps.ETag {
		u.Meta.Version = ""
	}
	_, err = a.c.Users().Replace(ctx, u)
	return err
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
	case g.Action == PlanUpdate && (g.OldName != "" || g.ExternalID != ""):
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
	return nil
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
