// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"errors"
	"time"
)

// Lockout says how failures are answered: after every Tries failures in a row
// the factor is locked, for Base the first time and twice as long each time
// after, at most Max. With six digits and a window of three codes the default
// leaves about 35 guesses on the first day and five a day later, as long as no
// answer passes. One that does clears the failures: whoever guesses between the
// person's sign-ins has Tries-1 more for each of them. A pass after three
// failures or more is therefore an [EventNotice] as well.
type Lockout struct {
	Tries int           // 5 if zero
	Base  time.Duration // 15 minutes if zero
	Max   time.Duration // 24 hours if zero
}

func (l Lockout) withDefaults() (Lockout, error) {
	l.Tries = defaultTo(l.Tries, 5)
	l.Base = defaultTo(l.Base, 15*time.Minute)
	l.Max = defaultTo(l.Max, 24*time.Hour)
	if l.Tries < 1 || l.Base < 0 || l.Max < l.Base {
		return l, errors.New("mfa: Lockout wants Tries >= 1 and 0 <= Base <= Max")
	}
	return l, nil
}

// lock is how long to lock at the n-th failure.
func (l Lockout) lock(n int) time.Duration {
	if n < l.Tries || n%l.Tries != 0 {
		return 0
	}
	d := l.Base
	for i := n/l.Tries - 1; i > 0 && d < l.Max; i-- {
		d *= 2
	}
	return min(d, l.Max)
}

// warnAfter is how many failures before a pass the person should hear of.
const warnAfter = 3

func lockedError(until time.Time) *Error {
	e := refuse(CheckLocked, "Too many attempts. Try again later.", "locked until "+until.Format(time.RFC3339))
	e.Until = until
	return e
}
