// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/seal"
)

// refresh rotates a refresh token. No client locks its cache, so several
// processes may present the same token at once: the successor is derived from
// the token, the family, the generation and a server key, and for 20 seconds
// the immediate predecessor gets that same successor again. Only hashes are
// stored. Anything older was copied, and ends the family (RFC 9700 4.14.2).
func (s *Server) refresh(r *http.Request, c call, reg *client, secret string) (any, error) {
	if secret == "" {
		return nil, refuse(CheckRequest, "refreshToken is required.")
	}
	if err := s.admit(r.Context(), reg); err != nil {
		return nil, err
	}
	var answer *tokenResponse
	var refused *Error
	err := s.cfg.Store.InTx(r.Context(), func(ctx context.Context) (err error) {
		answer, refused, err = s.rotate(ctx, r, c, reg, secret)
		return err
	})
	switch {
	case errors.Is(err, ErrTaken):
		return nil, &Error{Check: CheckUnavailable, Public: "The token is being refreshed elsewhere. Try again.", Err: err}
	case err != nil:
		return nil, err
	case refused != nil:
		return nil, refused
	}
	return answer, nil
}

// rotate does the work in one transaction. A refusal is not an error of the
// transaction: a revocation that comes with it has to commit.
func (s *Server) rotate(ctx context.Context, r *http.Request, c call, reg *client, secret string) (*tokenResponse, *Error, error) {
	now := s.cfg.Now()
	t, f, err := s.cfg.Store.Token(ctx, RefreshToken, seal.Hash(purposeRefresh, secret))
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, refuse(CheckRefresh, "The refresh token is not known. Sign in again."), nil
	case err != nil:
		return nil, nil, err
	case f.Client != reg.key() || !f.Revoked.IsZero() || !now.Before(t.Expires) || !now.Before(f.Expires):
		return nil, refuse(CheckRefresh, "The refresh token has ended. Sign in again."), nil
	}
	end, refused, err := s.mayRefresh(ctx, f, now)
	if refused != nil || err != nil {
		return nil, refused, err
	}
	next := generation{from: t.Generation, keyID: s.keys.refresh.primary}
	repeated := t.Generation == f.Generation-1 && now.Sub(f.Rotated) < reuseWindow
	switch {
	case t.Generation == f.Generation:
	case repeated:
		next.keyID = f.KeyID
	default:
		return nil, refuse(CheckRefreshReused, "This refresh token was replaced before. Its access has been revoked; sign in again."),
			s.revokeReused(ctx, r, c, f, now)
	}
	answer, tokens, ok := s.successor(f, next, secret, earlier(now.Add(s.cfg.AccessLifetime), end), end)
	if !ok {
		return nil, refuse(CheckRefresh, "The refresh token was replaced under a key that is gone. Sign in again."), nil
	}
	if repeated {
		// The access token is the one that the first caller got, with its end.
		known, _, err := s.cfg.Store.Token(ctx, AccessToken, tokens[0].Hash)
		if err != nil {
			return nil, nil, err
		}
		tokens[0] = known
	} else if err := s.cfg.Store.Rotate(ctx, f.ID, f.Generation, next.keyID, now, tokens...); err != nil {
		return nil, nil, err
	}
	answer.ExpiresIn = remaining(tokens[0].Expires, now)
	return answer, nil, s.cfg.OnEvent(ctx, s.event(r, c, EventCreateToken, func(e *Event) {
		e.of(f)
		e.Repeated = repeated
	}))
}

// generation is the step from one generation of tokens to the next, and the
// key that it is derived under.
type generation struct {
	from  int64
	keyID string
}

// mayRefresh asks again what was asked at approval: session, person, policy.
func (s *Server) mayRefresh(ctx context.Context, f Family, now time.Time) (time.Time, *Error, error) {
	session, err := s.cfg.Sessions.Session(ctx, f.Approval.SessionID)
	if errors.Is(err, ErrNoSession) || err == nil && (session.PersonID != f.Approval.PersonID || !now.Before(session.Expires)) {
		return time.Time{}, refuse(CheckSession, "The session that approved this has ended. Sign in again."), nil
	}
	if err != nil {
		return time.Time{}, nil, err
	}
	policy, err := s.cfg.Policy(ctx)
	if err != nil {
		return time.Time{}, nil, err
	}
	if f.Flow == FlowDevice && policy.Device == DeviceOff {
		return time.Time{}, refuse(CheckFlow, "Signing in by device code is switched off here. Sign in with a browser on the same computer."), nil
	}
	end := earlier(f.Expires, ends(f.Created, session, policy))
	if !now.Before(end) {
		return time.Time{}, refuse(CheckSession, "The longest time for one sign-in is over. Sign in again."), nil
	}
	return end, nil, nil
}

// successor derives what the presented token is replaced by.
func (s *Server) successor(f Family, g generation, presented string, accessEnds, refreshEnds time.Time) (*tokenResponse, []Token, bool) {
	key, ok := s.keys.refresh.byID[g.keyID]
	if !ok {
		return nil, nil, false
	}
	gen := g.from + 1
	derive := func(kind TokenKind) string {
		return b64(mac(key, string(kind), f.ID, strconv.FormatInt(gen, 10), presented))
	}
	answer := &tokenResponse{AccessToken: "ga_" + derive(AccessToken), TokenType: "Bearer", RefreshToken: "gr_" + derive(RefreshToken)}
	return answer, []Token{
		{Hash: seal.Hash(purposeAccess, answer.AccessToken), Kind: AccessToken, FamilyID: f.ID, Generation: gen, Expires: accessEnds},
		{Hash: seal.Hash(purposeRefresh, answer.RefreshToken), Kind: RefreshToken, FamilyID: f.ID, Generation: gen, Expires: refreshEnds},
	}, true
}

func (s *Server) revokeReused(ctx context.Context, r *http.Request, c call, f Family, now time.Time) error {
	if _, err := s.cfg.Store.RevokeFamily(ctx, f.ID, now); err != nil {
		return err
	}
	return s.cfg.OnEvent(ctx, s.event(r, c, EventRevoke, func(e *Event) {
		e.of(f)
		e.Check, e.Notice = CheckRefreshReused, true
	}))
}
