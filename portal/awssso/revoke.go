// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"context"
	"time"
)

// Families returns the person's living command-line sign-ins, newest first,
// for a page that lists sessions. Those whose browser session has ended are
// dead already, whatever this list says.
func (s *Server) Families(ctx context.Context, personID string) ([]Family, error) {
	return s.cfg.Store.Families(ctx, personID, s.cfg.Now(), 200)
}

// RevokeFamily ends one command-line sign-in of the person, or returns
// [ErrNotFound].
func (s *Server) RevokeFamily(ctx context.Context, personID, id string) error {
	families, err := s.Families(ctx, personID)
	if err != nil {
		return err
	}
	for _, f := range families {
		if f.ID != id {
			continue
		}
		return s.cfg.Store.InTx(ctx, func(ctx context.Context) error {
			n, err := s.cfg.Store.RevokeFamily(ctx, id, s.cfg.Now())
			if err == nil && n == 0 {
				return ErrNotFound
			}
			if err != nil {
				return err
			}
			e := Event{Name: EventRevoke, Time: s.cfg.Now()}
			e.of(f)
			return s.cfg.OnEvent(ctx, e)
		})
	}
	return ErrNotFound
}

// RevokePerson ends every command-line sign-in of the person and returns how
// many there were. Credentials of AWS that were handed out live on until they
// expire: only a deny in AWS on aws:TokenIssueTime ends those.
func (s *Server) RevokePerson(ctx context.Context, personID string) (ended int, err error) {
	return s.revokeAll(ctx, Event{PersonID: personID}, func(ctx context.Context, now time.Time) (int, error) {
		return s.cfg.Store.RevokePerson(ctx, personID, now)
	})
}

// RevokeSession ends what was approved in one browser session.
func (s *Server) RevokeSession(ctx context.Context, personID, sessionID string) (ended int, err error) {
	return s.revokeAll(ctx, Event{PersonID: personID, SessionID: sessionID}, func(ctx context.Context, now time.Time) (int, error) {
		return s.cfg.Store.RevokeSession(ctx, sessionID, now)
	})
}

func (s *Server) revokeAll(ctx context.Context, e Event, end func(context.Context, time.Time) (int, error)) (n int, err error) {
	e.Name, e.Time = EventRevoke, s.cfg.Now()
	err = s.cfg.Store.InTx(ctx, func(ctx context.Context) error {
		if n, err = end(ctx, e.Time); err != nil || n == 0 {
			return err
		}
		return s.cfg.OnEvent(ctx, e)
	})
	return n, err
}

// DenyClient recalls one registration, by its client id.
func (s *Server) DenyClient(ctx context.Context, clientID string) error {
	c, refused := readClient(s.keys.clients, clientID)
	if refused != nil {
		return refused
	}
	return s.cfg.Store.DenyClient(ctx, c.key(), time.Unix(c.Expires, 0))
}

// DeleteExpired removes rows that matter to nobody any more, at most limit of
// each kind.
func (s *Server) DeleteExpired(ctx context.Context, limit int) (int, error) {
	return s.cfg.Store.DeleteExpired(ctx, s.cfg.Now(), limit)
}

// Run calls [Server.DeleteExpired] every interval until ctx ends. It is
// optional for correctness and safe on every replica.
func (s *Server) Run(ctx context.Context, every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			_, _ = s.DeleteExpired(ctx, 1000) // the next tick tries again
		}
	}
}
