// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"time"
)

// NoticeKind says what a person is told.
type NoticeKind string

// The kinds of notices.
const (
	RefreshReused NoticeKind = "refresh-reused" // an old refresh token was used again (RFC 9700 4.14.2)
	CodeReused    NoticeKind = "code-reused"    // a code was used again (RFC 6749 4.1.2)
)

// MaxNotices is how many notices are kept for a person: the newest.
const MaxNotices = 20

// Notice tells a person what happened to their access while they were not
// looking, until they dismiss it. The audit log tells administrators.
type Notice struct {
	ID       string // the same for the same thing, however often it is told
	PersonID string
	Kind     NoticeKind
	Client   string    // what the client calls itself
	Time     time.Time // microseconds
}

// NoticeStore keeps notices. Its methods join the transaction in ctx.
type NoticeStore interface {
	// AddNotice keeps a notice, and forgets those of the person beyond the
	// newest [MaxNotices]. A second one with the same ID changes nothing, and so
	// does one for a person who is not there: what the notice is about must not
	// fail for it.
	AddNotice(ctx context.Context, n Notice) error
	// NoticesOf returns the person's notices, newest first.
	NoticesOf(ctx context.Context, personID string) ([]Notice, error)
	// DismissNotice forgets one notice of the person; [ErrNotFound] if not
	// theirs.
	DismissNotice(ctx context.Context, personID, id string) error
}
