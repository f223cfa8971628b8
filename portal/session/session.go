// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package session keeps the portal's browser sessions and the devices that
// people are known by.
//
// Start with [Sessions.Begin] and [Sessions.Lookup]. A session is found by the
// hash of a 256-bit cookie in one indexed read, which also tells whether the
// person may still use the portal. It ends at its absolute end, after idling,
// on revocation, and when the portal's epoch moves past the one it began in.
// An id is never carried over a change of strength: [Sessions.Rotate] gives a
// new one at MFA and step-up.
package session

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/seal"
)

// ErrNotFound is returned for a session that does not exist, has ended, or
// whose person is disabled. Callers treat all of these as signed out.
var ErrNotFound = errors.New("session: not found")

// cookiePurpose keeps session cookies apart from other tokens.
const cookiePurpose = "portal-session"

// Level is how far a session reaches.
type Level string

// The levels of a session.
const (
	Enrolment Level = "enrolment" // reaches the enrolment of a first factor and nothing else
	Full      Level = "full"
)

// Session is one signed-in browser.
type Session struct {
	ID          string // identifies it in lists, tokens and events; not the cookie
	PersonID    string
	SourceID    string
	Level       Level
	AuthTime    time.Time // when the person last proved who they are
	MFATime     time.Time // when a second factor was last given; zero if never
	AMR         []string  // RFC 8176: pwd, otp, hwk, mfa, ...
	Evidence    []byte    // what was proved, JSON; the sign-in's to read
	Unsolicited bool      // began by an IdP-initiated Response
	DeviceID    string
	Network     string
	UserAgent   string
	Created     time.Time
	LastSeen    time.Time
	Expires     time.Time // absolute end
	Upstream    string    // external source: key of its subject, for logout by that identity provider only
	Index       string    // the external source's SessionIndex
	Epoch       int64
}

// Store keeps sessions. Its methods join the transaction in ctx.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// CreateSession stores s under the hash of its cookie.
	CreateSession(ctx context.Context, s *Session, hash string) error
	// LookupSession returns the session with the cookie hash if it is not
	// revoked, its epoch is the current one, and its person is active and not
	// blocked: one indexed read. Expiry is the caller's to compare.
	LookupSession(ctx context.Context, hash string) (*Session, error)
	// SessionByID is LookupSession by ID.
	SessionByID(ctx context.Context, id string) (*Session, error)
	// RotateSession replaces hash and fields of a live session in one
	// conditional UPDATE; ErrNotFound if oldHash is not current.
	RotateSession(ctx context.Context, oldHash, newHash string, s *Session) error
	// TouchSession moves LastSeen forward.
	TouchSession(ctx context.Context, id string, now time.Time) error
	// SessionsOf returns the person's live sessions, newest first.
	SessionsOf(ctx context.Context, personID string) ([]Session, error)
	// SessionsOfUpstream returns the live sessions with that Upstream.
	SessionsOfUpstream(ctx context.Context, upstream string) ([]Session, error)
	// RevokeSession ends one session of a person; ErrNotFound if not theirs.
	RevokeSession(ctx context.Context, personID, id string, now time.Time) error
	// RevokeSessions ends all sessions of a person but the one excepted ("" for none).
	RevokeSessions(ctx context.Context, personID, except string, now time.Time) (int, error)
	DeleteExpiredSessions(ctx context.Context, now time.Time, limit int) (int, error)
	// Epoch is the portal's current epoch; RaiseEpoch ends every session.
	Epoch(ctx context.Context) (int64, error)
	RaiseEpoch(ctx context.Context) (int64, error)
}

// Config is what [Sessions] stands on. Store is required.
type Config struct {
	Store    Store
	Now      func() time.Time // nil: time.Now
	Absolute time.Duration    // how long a session lives at most; 0: 8 h (15 min to 90 days)
	Idle     time.Duration    // how long it lives unused; 0: 1 h
}

// Sessions begins, finds and ends sessions. It is safe for concurrent use.
type Sessions struct{ c Config }

// New checks the configuration.
func New(c Config) (*Sessions, error) {
	if c.Store == nil {
		return nil, errors.New("session: Store is required")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Absolute == 0 {
		c.Absolute = 8 * time.Hour
	}
	if c.Absolute < 15*time.Minute || c.Absolute > 90*24*time.Hour {
		return nil, errors.New("session: Absolute is not between 15 minutes and 90 days")
	}
	if c.Idle == 0 {
		c.Idle = min(time.Hour, c.Absolute)
	}
	if c.Idle < time.Minute || c.Idle > c.Absolute {
		return nil, errors.New("session: Idle is not between a minute and Absolute")
	}
	return &Sessions{c: c}, nil
}

// Begin stores a new session and returns its cookie value. It fills in ID,
// Created, LastSeen and, where they are zero or later than policy allows,
// AuthTime and Expires.
func (s *Sessions) Begin(ctx context.Context, n *Session) (cookie string, err error) {
	now := s.c.Now().UTC().Truncate(time.Microsecond)
	cookie = seal.Token()
	n.ID = "s-" + seal.Token()[:22]
	n.Created, n.LastSeen = now, now
	if n.AuthTime.IsZero() {
		n.AuthTime = now
	}
	if end := now.Add(s.c.Absolute); n.Expires.IsZero() || n.Expires.After(end) {
		n.Expires = end
	}
	if n.Epoch, err = s.c.Store.Epoch(ctx); err != nil {
		return "", err
	}
	return cookie, s.c.Store.CreateSession(ctx, n, seal.Hash(cookiePurpose, cookie))
}

// Lookup returns the live session of a cookie, or [ErrNotFound]. It moves
// LastSeen at most once a minute.
func (s *Sessions) Lookup(ctx context.Context, cookie string) (*Session, error) {
	if cookie == "" || len(cookie) > 64 {
		return nil, ErrNotFound
	}
	found, err := s.c.Store.LookupSession(ctx, seal.Hash(cookiePurpose, cookie))
	if err != nil {
		return nil, err
	}
	now := s.c.Now()
	if !s.live(found, now) {
		return nil, ErrNotFound
	}
	if now.Sub(found.LastSeen) > time.Minute {
		if err := s.c.Store.TouchSession(ctx, found.ID, now); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// ByID returns the live session with an ID, for tokens that hang on it. A
// command line keeps no browser idle clock running, so only the absolute end
// counts.
func (s *Sessions) ByID(ctx context.Context, id string) (*Session, error) {
	found, err := s.c.Store.SessionByID(ctx, id)
	if err != nil {
		return nil, err
	}
	if !s.c.Now().Before(found.Expires) {
		return nil, ErrNotFound
	}
	return found, nil
}

func (s *Sessions) live(x *Session, now time.Time) bool {
	return now.Before(x.Expires) && now.Before(x.LastSeen.Add(s.c.Idle))
}

// Rotate stores n's fields for the live session of cookie under a new cookie.
func (s *Sessions) Rotate(ctx context.Context, cookie string, n *Session) (string, error) {
	next := seal.Token()
	return next, s.c.Store.RotateSession(ctx, seal.Hash(cookiePurpose, cookie), seal.Hash(cookiePurpose, next), n)
}

// Of returns the person's sessions before their absolute end, also those that
// idled out: a command line may still hang on one.
func (s *Sessions) Of(ctx context.Context, personID string) ([]Session, error) {
	all, err := s.c.Store.SessionsOf(ctx, personID)
	if err != nil {
		return nil, err
	}
	live, now := all[:0], s.c.Now()
	for _, x := range all {
		if now.Before(x.Expires) {
			live = append(live, x)
		}
	}
	return live, nil
}

// Revoke ends one session of the person.
func (s *Sessions) Revoke(ctx context.Context, personID, id string) error {
	return s.c.Store.RevokeSession(ctx, personID, id, s.c.Now())
}

// RevokeAll ends all sessions of the person but the excepted one.
func (s *Sessions) RevokeAll(ctx context.Context, personID, except string) (int, error) {
	return s.c.Store.RevokeSessions(ctx, personID, except, s.c.Now())
}
