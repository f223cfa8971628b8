// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scimtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/scim"
)

func checkTokens(ctx context.Context, s Stores) error {
	if s.Tokens == nil {
		return nil
	}
	now := time.Unix(1_800_000_000, 0).UTC()
	tok := func(i byte, expires time.Time) scim.Token {
		return scim.Token{ID: fmt.Sprint("t", i), Hash: [32]byte{i}, Tenant: s.Tenant, Name: "n", ReadOnly: i == 1, Profile: scim.Entra, Created: now.Add(time.Duration(i) * time.Second), Expires: expires}
	}
	for i := byte(1); i <= 2; i++ {
		if err := s.Tokens.CreateToken(ctx, tok(i, now.Add(time.Hour)), 2, now); err != nil {
			return err
		}
	}
	if err := is(s.Tokens.CreateToken(ctx, tok(3, time.Time{}), 2, now), scim.ErrConflict, "a third token"); err != nil {
		return err
	}
	if err := s.Tokens.CreateToken(ctx, tok(3, time.Time{}), 2, now.Add(2*time.Hour)); err != nil {
		return fmt.Errorf("expired tokens count: %w", err)
	}
	got, err := s.Tokens.TokenByHash(ctx, [32]byte{1})
	if err != nil {
		return err
	}
	if want := tok(1, now.Add(time.Hour)); got != want {
		return fmt.Errorf("token %+v, not %+v", got, want)
	}
	_, err = s.Tokens.TokenByHash(ctx, [32]byte{9})
	if err := is(err, scim.ErrNotFound, "an unknown token"); err != nil {
		return err
	}
	if err := errors.Join(s.Tokens.UseToken(ctx, "t1", now), s.Tokens.UseToken(ctx, "nothing", now)); err != nil {
		return err
	}
	list, err := s.Tokens.TokensOf(ctx, s.Tenant)
	if err != nil || len(list) != 3 || list[0].ID != "t1" || !list[0].LastUsed.Equal(now) {
		return fmt.Errorf("tokens %v, %w", list, err)
	}
	if list, err = s.Tokens.TokensOf(ctx, s.Other); err != nil || len(list) != 0 {
		return fmt.Errorf("another tenant's tokens: %v, %w", list, err)
	}
	if err := is(s.Tokens.DeleteToken(ctx, s.Other, "t1"), scim.ErrNotFound, "delete by another tenant"); err != nil {
		return err
	}
	if err := s.Tokens.DeleteToken(ctx, s.Tenant, "t1"); err != nil {
		return err
	}
	_, err = s.Tokens.TokenByHash(ctx, [32]byte{1})
	return is(err, scim.ErrNotFound, "a deleted token")
}

func checkTokenRace(ctx context.Context, s Stores) error {
	if s.Tokens == nil {
		return nil
	}
	made := 0
	for _, err := range together(8, func(i int) error {
		return s.Tokens.CreateToken(ctx, scim.Token{ID: fmt.Sprint(i), Hash: [32]byte{byte(i)}, Tenant: s.Tenant, Created: time.Unix(1, 0)}, 2, time.Unix(1, 0))
	}) {
		if err == nil {
			made++
		} else if !errors.Is(err, scim.ErrConflict) && !busy(err) {
			return err
		}
	}
	if made > 2 || made == 0 {
		return fmt.Errorf("%d tokens at once", made)
	}
	return nil
}
