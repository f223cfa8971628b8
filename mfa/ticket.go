// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

const maxTicketTTL = 30 * 24 * time.Hour

// TicketInput asks for an enrolment ticket.
type TicketInput struct {
	Subject Subject
	// TTL is how long it is good for: 10 minutes if zero, at most 30 days.
	TTL time.Duration
	// WithFactors makes it good even if the person has credentials already,
	// as an administrator does after a loss. Without it a ticket enrols only
	// a person's first, so that one kept by a thief of the password is worth
	// nothing later.
	WithFactors bool
	// Actor is who issued it, for the event; empty for the flow of sign-in.
	Actor string
}

// IssueTicket returns a token that lets the person enrol one factor once,
// without another. It is consumed by [Flow.FinishEnrol], together with the
// new credential. A page that it is mailed to must change nothing on GET,
// since mail scanners fetch links.
func (f *Flow) IssueTicket(ctx context.Context, in TicketInput) (string, error) {
	in.TTL = defaultTo(in.TTL, 10*time.Minute)
	if in.Subject.ID == "" || in.TTL < 0 || in.TTL > maxTicketTTL {
		return "", errors.New("mfa: TicketInput wants a Subject and a TTL of up to 30 days")
	}
	token := ticketFirst + newToken()
	if in.WithFactors {
		token = ticketAny + newToken()
	}
	now := f.now()
	t := Ticket{Hash: hashOf("ticket", token), Subject: in.Subject, ExpiresAt: now.Add(in.TTL)}
	err := f.store.InTx(ctx, func(ctx context.Context) error {
		if err := f.store.AddTicket(ctx, t); err != nil {
			return err
		}
		return f.emit(ctx, Event{Type: EventTicket, At: now, Subject: in.Subject, Actor: in.Actor})
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// The hash covers the prefix, so it cannot be changed.
const (
	ticketFirst = "f."
	ticketAny   = "a."
)

// CheckTicket says whether a ticket lets the person enrol a factor now, without
// spending it: nil, or a refusal by the check of the same name.
func (f *Flow) CheckTicket(ctx context.Context, s Subject, token string) error {
	return f.checkTicket(ctx, s, token, f.now())
}

func (f *Flow) checkTicket(ctx context.Context, s Subject, token string, now time.Time) error {
	if len(token) > 128 {
		return ticketError("the ticket is malformed")
	}
	t, err := f.store.Ticket(ctx, hashOf("ticket", token), now)
	if errors.Is(err, ErrNotFound) || err == nil && t.Subject != s {
		return ticketError("no such ticket for this person")
	}
	if err != nil {
		return err
	}
	return f.firstOnly(ctx, s, token, now)
}

func (f *Flow) firstOnly(ctx context.Context, s Subject, token string, now time.Time) error {
	if !strings.HasPrefix(token, ticketFirst) {
		return nil
	}
	records, err := f.store.Records(ctx, s)
	if err == nil && slices.ContainsFunc(records, func(r Record) bool { return r.live(now) }) {
		return ticketError("the ticket is for a first factor and the person has one")
	}
	return err
}

// spendTicket takes the ticket in the caller's transaction.
func (f *Flow) spendTicket(ctx context.Context, s Subject, token string, now time.Time) error {
	if err := f.firstOnly(ctx, s, token, now); err != nil {
		return err
	}
	err := f.store.SpendTicket(ctx, s, hashOf("ticket", token), now)
	if errors.Is(err, ErrNotFound) {
		return ticketError("the ticket was used meanwhile")
	}
	return err
}

func ticketError(cause string) *Error {
	return refuse(CheckTicket, "This link has been used or has expired. Ask for a new one.", cause)
}
