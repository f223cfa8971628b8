// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scimtest

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/gatehouse-id/gatehouse/scim"
)

func (s Stores) members(ctx context.Context, id string) ([]string, error) {
	g, err := s.Groups.Get(ctx, s.Tenant, id, 0)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, m := range g.Members {
		out = append(out, m.Value)
	}
	return out, nil
}

func sameSet(got []string, want ...string) bool {
	a, b := append([]string{}, got...), append([]string{}, want...)
	sort.Strings(a)
	sort.Strings(b)
	return strings.Join(a, "\x00") == strings.Join(b, "\x00")
}

func checkMembers(ctx context.Context, s Stores) error {
	if s.Groups == nil {
		return nil
	}
	list, err := s.create(ctx, "a", "b", "c")
	if err != nil {
		return err
	}
	a, b, c := list[0].ID, list[1].ID, list[2].ID
	g, err := s.Groups.Create(ctx, s.Tenant, &scim.Group{DisplayName: "staff", Members: []scim.Member{{Value: a}, {Value: b}}})
	if err != nil {
		return err
	}
	if got, err := s.members(ctx, g.ID); err != nil || !sameSet(got, a, b) {
		return fmt.Errorf("members %v, %w", got, err)
	}
	slim, err := s.Groups.Get(ctx, s.Tenant, g.ID, scim.OmitMembers)
	if err != nil || slim.DisplayName != "staff" {
		return fmt.Errorf("without members: %+v, %w", slim, err)
	}
	g.Members = []scim.Member{{Value: b}, {Value: c}}
	made, err := s.Groups.Replace(ctx, s.Tenant, g)
	if err != nil {
		return err
	}
	if made.Meta.Version == g.Meta.Version {
		return errors.New("new members left the version")
	}
	if got, err := s.members(ctx, g.ID); err != nil || !sameSet(got, b, c) {
		return fmt.Errorf("members %v, %w", got, err)
	}
	made.Members = []scim.Member{{Value: "nobody"}}
	if _, err := s.Groups.Replace(ctx, s.Tenant, made); err == nil {
		return errors.New("nobody became a member")
	}
	if err := s.Users.Delete(ctx, s.Tenant, b, ""); err != nil {
		return err
	}
	after, err := s.Groups.Get(ctx, s.Tenant, g.ID, 0)
	if err != nil {
		return err
	}
	if len(after.Members) != 1 || after.Members[0].Value != c {
		return fmt.Errorf("a deleted user is still a member: %v", after.Members)
	}
	if after.Meta.Version == made.Meta.Version {
		return errors.New("a member that went left the version")
	}
	return nil
}

func checkChangeMembers(ctx context.Context, s Stores) error {
	ms, ok := powerOf[scim.MemberStore](s.Groups)
	if !ok {
		return nil
	}
	list, err := s.create(ctx, "a", "b")
	if err != nil {
		return err
	}
	a, b := list[0].ID, list[1].ID
	g, err := s.Groups.Create(ctx, s.Tenant, &scim.Group{DisplayName: "staff"})
	if err != nil {
		return err
	}
	m1, err := ms.ChangeMembers(ctx, s.Tenant, g.ID, "", []scim.Member{{Value: a}, {Value: b}}, nil)
	if err != nil {
		return err
	}
	if m1.Version == g.Meta.Version {
		return errors.New("new members left the version")
	}
	m2, err := ms.ChangeMembers(ctx, s.Tenant, g.ID, m1.Version, []scim.Member{{Value: a}}, []string{"nobody"})
	if err != nil {
		return fmt.Errorf("a change without effect: %w", err)
	}
	if m2.Version != m1.Version {
		return errors.New("a change without effect changed the version")
	}
	_, err = ms.ChangeMembers(ctx, s.Tenant, g.ID, g.Meta.Version, nil, []string{a})
	if err := is(err, scim.ErrVersion, "change of an old version"); err != nil {
		return err
	}
	if _, err := ms.ChangeMembers(ctx, s.Tenant, g.ID, "", []scim.Member{{Value: "nobody"}}, []string{a}); err == nil {
		return errors.New("nobody became a member")
	}
	_, err = ms.ChangeMembers(ctx, s.Tenant, "nothing", "", []scim.Member{{Value: a}}, nil)
	if err := is(err, scim.ErrNotFound, "change of no group"); err != nil {
		return err
	}
	if got, err := s.members(ctx, g.ID); err != nil || !sameSet(got, a, b) {
		return fmt.Errorf("members %v, %w", got, err)
	}
	if _, err := ms.ChangeMembers(ctx, s.Tenant, g.ID, "", nil, []string{a}); err != nil {
		return err
	}
	if got, err := s.members(ctx, g.ID); err != nil || !sameSet(got, b) {
		return fmt.Errorf("members %v, %w", got, err)
	}
	return nil
}

func checkMemberRace(ctx context.Context, s Stores) error {
	ms, ok := powerOf[scim.MemberStore](s.Groups)
	if !ok {
		return nil
	}
	var want []string
	for i := range 8 {
		list, err := s.create(ctx, fmt.Sprint("u", i))
		if err != nil {
			return err
		}
		want = append(want, list[0].ID)
	}
	g, err := s.Groups.Create(ctx, s.Tenant, &scim.Group{DisplayName: "staff"})
	if err != nil {
		return err
	}
	for _, err := range together(8, func(i int) error {
		for range 200 {
			_, err := ms.ChangeMembers(ctx, s.Tenant, g.ID, "", []scim.Member{{Value: want[i]}}, nil)
			if !busy(err) {
				return err
			}
		}
		return errors.New("never came through")
	}) {
		if err != nil {
			return err
		}
	}
	if got, err := s.members(ctx, g.ID); err != nil || !sameSet(got, want...) {
		return fmt.Errorf("%d of 8 members are left, %w", len(got), err)
	}
	return nil
}

func checkMemberships(ctx context.Context, s Stores) error {
	if s.Groups == nil {
		return nil
	}
	list, err := s.create(ctx, "a", "b")
	if err != nil {
		return err
	}
	g, err := s.Groups.Create(ctx, s.Tenant, &scim.Group{DisplayName: "staff", Members: []scim.Member{{Value: list[0].ID}}})
	if err != nil {
		return err
	}
	page, err := s.Users.Query(ctx, s.Tenant, scim.Query{Start: 1, Count: 10})
	if err != nil {
		return err
	}
	for _, u := range page.Resources {
		want := 0
		if u.ID == list[0].ID {
			want = 1
		}
		if len(u.Groups) != want || want == 1 && (u.Groups[0].Value != g.ID || u.Groups[0].Display != "staff") {
			return fmt.Errorf("%s is in %v", u.UserName, u.Groups)
		}
	}
	u, err := s.Users.Get(ctx, s.Tenant, list[0].ID, 0)
	if err != nil || len(u.Groups) != 1 {
		return fmt.Errorf("groups %v, %w", u.Groups, err)
	}
	u.Groups = nil // readOnly
	if _, err := s.Users.Replace(ctx, s.Tenant, u); err != nil {
		return err
	}
	if got, err := s.members(ctx, g.ID); err != nil || len(got) != 1 {
		return fmt.Errorf("replacing a user changed memberships: %v, %w", got, err)
	}
	if err := s.Groups.Delete(ctx, s.Tenant, g.ID, ""); err != nil {
		return err
	}
	u, err = s.Users.Get(ctx, s.Tenant, u.ID, 0)
	if err == nil && len(u.Groups) != 0 {
		return fmt.Errorf("in a deleted group: %v", u.Groups)
	}
	return err
}

var errUndo = errors.New("undo")

func checkTransaction(ctx context.Context, s Stores) error {
	tx, ok := powerOf[scim.Transactor](s.Users)
	if !ok {
		return nil
	}
	list, err := s.create(ctx, "anna", "bob")
	if err != nil {
		return err
	}
	err = tx.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.Users.Create(ctx, s.Tenant, user("carl")); err != nil {
			return err
		}
		u := *list[0]
		u.DisplayName, u.UserName = "Dr", "renamed"
		if _, err := s.Users.Replace(ctx, s.Tenant, &u); err != nil {
			return err
		}
		if got, err := s.Users.Get(ctx, s.Tenant, u.ID, 0); err != nil || got.DisplayName != "Dr" {
			return fmt.Errorf("a transaction does not see its own change: %w", err)
		}
		if err := s.Users.Delete(ctx, s.Tenant, list[1].ID, ""); err != nil {
			return err
		}
		if s.Groups != nil {
			if _, err := s.Groups.Create(ctx, s.Tenant, &scim.Group{DisplayName: "staff"}); err != nil {
				return err
			}
		}
		return tx.InTx(ctx, func(context.Context) error { return errUndo })
	})
	if err := is(err, errUndo, "a transaction that returns an error"); err != nil {
		return err
	}
	page, err := s.Users.Query(ctx, s.Tenant, scim.Query{Start: 1, Count: 10})
	if err != nil {
		return err
	}
	if got := strings.Fields(names(page)); !sameSet(got, "anna", "bob") {
		return fmt.Errorf("after the undoing there are %v", got)
	}
	if got, err := s.Users.Get(ctx, s.Tenant, list[0].ID, 0); err != nil || got.DisplayName != "" || got.Meta.Version != list[0].Meta.Version {
		return fmt.Errorf("a change was not undone: %+v, %w", got, err)
	}
	if page, err = s.Users.Query(ctx, s.Tenant, scim.Query{Filter: eq("userName", "renamed"), Start: 1, Count: 10}); err != nil || page.Total != 0 {
		return fmt.Errorf("an index was not undone: %w", err)
	}
	if _, err := s.create(ctx, "carl"); err != nil {
		return fmt.Errorf("the undone name is taken: %w", err)
	}
	if s.Groups != nil {
		groups, err := s.Groups.Query(ctx, s.Tenant, scim.Query{Start: 1, Count: 10})
		if err != nil || groups.Total != 0 {
			return fmt.Errorf("a group was not undone: %w", err)
		}
	}
	return tx.InTx(ctx, func(ctx context.Context) error {
		_, err := s.Users.Create(ctx, s.Tenant, user("dora"))
		return err
	})
}

func checkTransactionMembers(ctx context.Context, s Stores) error {
	tx, ok := powerOf[scim.Transactor](s.Groups)
	ms, ok2 := powerOf[scim.MemberStore](s.Groups)
	if !ok || !ok2 {
		return nil
	}
	list, err := s.create(ctx, "a", "b")
	if err != nil {
		return err
	}
	a, b := list[0].ID, list[1].ID
	g, err := s.Groups.Create(ctx, s.Tenant, &scim.Group{DisplayName: "staff", Members: []scim.Member{{Value: a}}})
	if err != nil {
		return err
	}
	err = tx.InTx(ctx, func(ctx context.Context) error {
		if _, err := ms.ChangeMembers(ctx, s.Tenant, g.ID, "", []scim.Member{{Value: b}}, []string{a}); err != nil {
			return err
		}
		if err := s.Users.Delete(ctx, s.Tenant, a, ""); err != nil {
			return err
		}
		return errUndo
	})
	if err := is(err, errUndo, "a transaction that returns an error"); err != nil {
		return err
	}
	if got, err := s.members(ctx, g.ID); err != nil || !sameSet(got, a) {
		return fmt.Errorf("members %v, %w", got, err)
	}
	u, err := s.Users.Get(ctx, s.Tenant, a, 0)
	if err != nil || len(u.Groups) != 1 {
		return fmt.Errorf("memberships %v, %w", u, err)
	}
	return nil
}

func checkEnded(ctx context.Context, s Stores) error {
	tx, ok := powerOf[scim.Transactor](s.Users)
	if !ok {
		return nil
	}
	var kept context.Context
	if err := tx.InTx(ctx, func(ctx context.Context) error { kept = ctx; return nil }); err != nil {
		return err
	}
	if _, err := s.Users.Create(kept, s.Tenant, user("late")); err == nil {
		return errors.New("the context of an ended transaction still writes")
	}
	return nil
}

func checkCancelled(ctx context.Context, s Stores) error {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Users.Create(ctx, s.Tenant, user("anna")); err == nil {
		return errors.New("a cancelled request created a user")
	}
	if _, err := s.Users.Query(ctx, s.Tenant, scim.Query{Start: 1, Count: 1}); err == nil {
		return errors.New("a cancelled request was answered")
	}
	return nil
}
