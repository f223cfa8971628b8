// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

const (
	ceremonyTTL = 15 * time.Minute // of a session that only asks
	sessionTTL  = 8 * time.Hour    // of one that has signed in
)

// session is what is kept for one browser. Its slices and account are never
// changed in place.
type session struct {
	expires time.Time

	// The challenges that the browser was given last.
	login, registration string
	newcomer            account // whom the registration is for

	// Who has signed in, and what they have proved.
	account  *account
	evidence []mfa.Evidence
}

// sessions keeps sessions under a hash of the cookie's secret.
type sessions struct {
	max int
	now func() time.Time

	mu   sync.Mutex
	rows map[[32]byte]session
}

func newSessions(max int, now func() time.Time) *sessions {
	return &sessions{max: max, now: now, rows: map[[32]byte]session{}}
}

func key(secret string) [32]byte { return sha256.Sum256([]byte("session " + secret)) }

// add keeps a session and returns its secret.
func (s *sessions) add(n session) (string, error) {
	secret := rand.Text()
	n.expires = s.now().Add(ceremonyTTL)
	if n.account != nil {
		n.expires = s.now().Add(sessionTTL)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rows) >= s.max {
		return "", mfa.ErrFull
	}
	s.rows[key(secret)] = n
	return secret, nil
}

// get returns the request's session and its secret.
func (s *sessions) get(r *http.Request) (string, session, bool) {
	c, err := r.Cookie(cookieName(r.Host))
	if err != nil {
		return "", session{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	got, ok := s.rows[key(c.Value)]
	if !ok || !s.now().Before(got.expires) {
		return "", session{}, false
	}
	return c.Value, got, true
}

func (s *sessions) getOrAdd(r *http.Request) (string, session, error) {
	if secret, got, ok := s.get(r); ok {
		return secret, got, nil
	}
	secret, err := s.add(session{})
	return secret, session{}, err
}

// change changes a session that is still there.
func (s *sessions) change(secret string, f func(*session)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if got, ok := s.rows[key(secret)]; ok {
		f(&got)
		s.rows[key(secret)] = got
	}
}

func (s *sessions) end(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.rows, key(secret))
}

// run forgets expired sessions until ctx ends.
func (s *sessions) run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := s.now()
		s.mu.Lock()
		for k, v := range s.rows {
			if !now.Before(v.expires) {
				delete(s.rows, k)
			}
		}
		s.mu.Unlock()
	}
}

// cookieName has the port in it: cookies do not know ports, and other programs
// on this machine have the same host.
func cookieName(host string) string {
	for i := len(host) - 1; i >= 0; i-- {
		if host[i] == ':' {
			if _, err := strconv.ParseUint(host[i+1:], 10, 16); err == nil {
				return "passkeys_" + host[i+1:]
			}
			break
		}
	}
	return "passkeys_80"
}

// cookie carries a session. It is not Secure because the site is plain HTTP on
// this machine; with TLS it would be, under the name __Host-session.
func (s *site) cookie(secret string) *http.Cookie {
	c := &http.Cookie{
		Name: "passkeys_" + strconv.Itoa(int(s.port)), Value: secret, Path: "/",
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
	if secret == "" {
		c.MaxAge = -1
	}
	return c
}
