// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// SyncSource is where people and groups come from: a [Snapshot], for example
// of [ReadCSV], another SCIM server through [ClientSource], or anything else.
//
// An ID is the source's own and never goes to another person; members of
// groups are such IDs. ExternalID is what the target keeps, and by which it is
// found again; empty, it is the ID. A pair with an error ends a plan: half a
// source is none.
type SyncSource interface {
	Users(ctx context.Context) iter.Seq2[*User, error]
	// Groups may return nil: the source has no groups, and those of the target
	// are left alone.
	Groups(ctx context.Context) iter.Seq2[*Group, error]
}

// AttributeSource is a [SyncSource] that knows some attributes only; the others
// are left to the target.
type AttributeSource interface {
	SyncAttributes() []string
}

// Orphans is what happens to people and groups of the target who are not in
// the source.
type Orphans uint8

// The policies. Groups cannot be deactivated: they lose their members.
const (
	DeactivateOrphans Orphans = iota
	DeleteOrphans
	KeepOrphans
)

// SyncConfig is what a [Sync] stands on. Target is required, and Source but to
// apply a plan that was kept.
type SyncConfig struct {
	Source SyncSource
	Target *Client

	Orphans Orphans

	// Manage says which of the target's resources, *User or *Group, a plan may
	// take away from. Nil: those with an externalId, so that accounts that
	// people made by hand are safe.
	Manage func(r Resource) bool

	// Attributes of users that the source decides on; nil: what the source
	// knows, or all of [SyncAttributes]. Attributes that are not named are never
	// touched, those named are removed where the source has none.
	Attributes []string

	// MaxDeletions is how many people and groups a plan deletes without a
	// confirmation; 0: 10, negative: none.
	MaxDeletions int

	// MaxDeactivations is how much of the target's active people, as a part of
	// 1, a plan deactivates or deletes without a confirmation; 0: 0.1. Five
	// are always allowed.
	MaxDeactivations float64

	// MaxRemovals is how many of the memberships in the target's managed groups,
	// as a part of 1, a plan takes from people who stay, without a confirmation;
	// 0: 0.2. Twenty are always allowed.
	MaxRemovals float64

	Now func() time.Time // nil: time.Now
}

// Sync reconciles a source into a target: [Sync.Plan] compares and writes
// nothing, [Sync.Apply] does what a plan says. A plan that was applied in part
// can be applied again, from where it stopped with [ApplyOptions].Journal, or
// made anew; all come to the same end. It is safe for
// concurrent use, but two runs into one target at a time only cost time.
type Sync struct {
	c     SyncConfig
	attrs []*syncAttribute
}

// The checks of a [Sync].
const (
	CheckDeletionCap      Check = "deletionCap"      // the plan deletes more than MaxDeletions
	CheckMassDeactivation Check = "massDeactivation" // the plan takes more people away than MaxDeactivations
	CheckMassRemoval      Check = "massRemoval"      // the plan takes more memberships away than MaxRemovals
	CheckEmptySource      Check = "emptySource"      // the source has nobody, the target has
	CheckSyncSource       Check = "source"           // the source cannot be read
	CheckPlan             Check = "plan"             // not a plan, or one for another target
	CheckIncomplete       Check = "incomplete"       // some changes were refused; see the Result
)

// NewSync checks the configuration.
func NewSync(c SyncConfig) (*Sync, error) {
	switch {
	case c.Target == nil:
		return nil, errors.New("scim: sync: Target is needed")
	case c.Orphans > KeepOrphans:
		return nil, errors.New("scim: sync: no such policy for orphans")
	case !partOfOne(c.MaxDeactivations) || !partOfOne(c.MaxRemovals):
		return nil, errors.New("scim: sync: MaxDeactivations and MaxRemovals are parts of 1")
	}
	if c.Attributes == nil {
		if s, ok := power[AttributeSource](c.Source); ok {
			c.Attributes = s.SyncAttributes()
		} else {
			c.Attributes = SyncAttributes()
		}
	}
	s := &Sync{c: c}
	seen := map[*syncAttribute]bool{}
	for _, path := range append([]string{"externalId", "userName"}, c.Attributes...) {
		a := findSyncAttribute(path)
		if a == nil {
			return nil, fmt.Errorf("scim: sync: attribute %q cannot be synchronised", path)
		}
		if !seen[a] && (c.Target.Profile() != AWS || !a.notAWS) {
			seen[a] = true
			s.attrs = append(s.attrs, a)
		}
	}
	if s.c.MaxDeletions == 0 {
		s.c.MaxDeletions = 10
	}
	s.c.MaxDeletions = max(s.c.MaxDeletions, 0)
	if s.c.MaxDeactivations == 0 {
		s.c.MaxDeactivations = 0.1
	}
	if s.c.MaxRemovals == 0 {
		s.c.MaxRemovals = 0.2
	}
	if s.c.Manage == nil {
		s.c.Manage = func(r Resource) bool { return r.Common().ExternalID != "" }
	}
	if s.c.Now == nil {
		s.c.Now = time.Now
	}
	return s, nil
}

func partOfOne(f float64) bool { return f >= 0 && f <= 1 }
