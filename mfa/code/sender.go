// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package code

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// Sender delivers messages. It has no mailer of its own: a program implements
// it with its mail library or its gateway.
type Sender interface {
	// Send delivers one message, or queues it durably. It is called outside of
	// any transaction. The message is secret: it must not be logged. For a
	// [mfa.First] factor answer at once (queue): how long sending takes would
	// tell who exists.
	Send(ctx context.Context, m Message) error
}

// SenderFunc is a function as a [Sender].
type SenderFunc func(ctx context.Context, m Message) error

// Send calls f.
func (f SenderFunc) Send(ctx context.Context, m Message) error { return f(ctx, m) }

// Message is what to tell a person.
type Message struct {
	Kind    mfa.Kind
	Purpose mfa.Purpose
	Subject mfa.Subject
	// To is a mail address or a telephone number.
	To string
	// Code is for the person to type: digits only, empty if it is a link.
	Code string
	// Link is the magic link, if it is one.
	Link string
	// ExpiresAt is when it ends.
	ExpiresAt time.Time
	// Client is who asked: tell the person, so that they notice strangers.
	Client mfa.Client
}

// Address finds where to reach a person: an address that an administrator or
// the source of the directory wrote, never one that the person may change with
// a password alone. "" is that there is none.
type Address func(ctx context.Context, s mfa.Subject) (string, error)

func refuse(c mfa.Check, public, cause string) *mfa.Error {
	return &mfa.Error{Check: c, Public: public, Err: errors.New(cause)}
}

func sendError(err error) *mfa.Error {
	return &mfa.Error{Check: mfa.CheckUpstream, Public: "The message could not be sent. Try again later.", Err: err}
}
