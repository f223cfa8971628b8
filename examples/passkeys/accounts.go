// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/rand"
	"strings"
	"sync"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// account is a person with a name to sign in by.
type account struct {
	Name    string
	Subject mfa.Subject
}

func newSubject() mfa.Subject { return mfa.Subject{ID: rand.Text()} }

// accounts keeps the people.
type accounts struct {
	max int

	mu        sync.RWMutex
	byName    map[string]account
	bySubject map[mfa.Subject]account
}

func newAccounts(max int) *accounts {
	return &accounts{max: max, byName: map[string]account{}, bySubject: map[mfa.Subject]account{}}
}

func (a *accounts) get(name string) (account, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	got, ok := a.byName[name]
	return got, ok
}

func (a *accounts) taken(name string) bool {
	_, ok := a.get(name)
	return ok
}

func (a *accounts) of(s mfa.Subject) (account, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	got, ok := a.bySubject[s]
	return got, ok
}

// add is where a name is taken: of two who choose it at once, one has it.
func (a *accounts) add(n account) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.byName[n.Name]; ok {
		return errTaken
	}
	if len(a.byName) >= a.max {
		return mfa.ErrFull
	}
	a.byName[n.Name], a.bySubject[n.Subject] = n, n
	return nil
}

const maxUsername = 64

// cleanUsername returns the one form of a name, empty for none.
func cleanUsername(s string) (string, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	ok := len(s) <= maxUsername && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("._@+-", r)
	})
	return s, ok
}
