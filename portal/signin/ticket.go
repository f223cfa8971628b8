// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/seal"
	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
)

// Kinds of password ticket.
const (
	TicketInvite = "invite" // sets a password and lets the person enrol a first factor
	TicketReset  = "reset"  // sets a password; factors stay as they are
)

// TicketLife is how long a ticket of either kind is good for.
const TicketLife = 5 * 24 * time.Hour

// IssueTicket returns a single-use ticket that sets a password. It ends the
// person's other tickets of the kind. For a person of an external source, who
// has no password here, it refuses with [CheckSource].
func (m *Machine) IssueTicket(ctx context.Context, actor, personID, kind string) (string, error) {
	if kind != TicketInvite && kind != TicketReset {
		return "", errors.New("signin: unknown kind of ticket")
	}
	token := kind + "-" + seal.Token()
	err := m.c.Store.InTx(ctx, func(ctx context.Context) error {
		p, err := m.c.Directory.Store().Person(ctx, personID)
		if err != nil {
			return err
		}
		if err := m.hasPassword(ctx, p); err != nil {
			return err
		}
		if err := m.c.Store.CreateTicket(ctx, seal.Hash("portal-ticket", token), personID, kind, m.c.Now().Add(TicketLife)); err != nil {
			return err
		}
		return m.c.Audit.Record(ctx, audit.Event{Type: audit.EnrolmentTicket, Actor: actor, Person: personID, Details: map[string]string{"purpose": kind}})
	})
	return token, err
}

// hasPassword refuses for people of external sources.
func (m *Machine) hasPassword(ctx context.Context, p *directory.Person) error {
	src, err := m.c.Directory.Store().Source(ctx, p.SourceID)
	if err != nil || src.Kind == directory.BuiltIn {
		return err
	}
	return &Error{
		Check: CheckSource, Person: p.ID, Err: errors.New("a password ticket for a person of an external source"),
		Public: "People of " + src.Name + " sign in there and have no password here.",
	}
}

// SpendTicket sets a password with a ticket. In one transaction the ticket is
// taken, the password stored and every session of the person ended, and with
// them what signs in with the old password. After an
// invitation it returns a ticket for the first factor, to be used next.
func (m *Machine) SpendTicket(ctx context.Context, c Client, token, password string) (p *directory.Person, factorTicket string, err error) {
	kind, _, _ := strings.Cut(token, "-")
	if kind != TicketInvite && kind != TicketReset || len(token) > 128 {
		return nil, "", ticketError("malformed")
	}
	refund, err := m.charge(ctx, c, seal.Hash("portal-ticket", token)) // by the ticket: strangers' guesses lock nobody else's
	if err != nil {
		return nil, "", err
	}
	hash, err := m.c.Directory.HashPassword(ctx, password)
	if err != nil {
		return nil, "", err
	}
	err = m.c.Store.InTx(ctx, func(ctx context.Context) error {
		id, err := m.c.Store.TakeTicket(ctx, seal.Hash("portal-ticket", token), kind, m.c.Now())
		if errors.Is(err, ErrNotFound) {
			return ticketError("unknown, spent or expired")
		}
		if err != nil {
			return err
		}
		if p, err = m.c.Directory.Store().Person(ctx, id); err != nil {
			return err
		}
		if !p.Enabled() {
			return &Error{Check: CheckDisabled, Public: publicCredentials, Person: p.ID}
		}
		if err := m.hasPassword(ctx, p); err != nil {
			return err
		}
		if err := m.c.Directory.StorePassword(ctx, p.ID, p, password, hash); err != nil {
			return err // a weak password rolls back: the ticket stays good
		}
		if _, err := m.c.Sessions.RevokeAll(ctx, p.ID, ""); err != nil {
			return err
		}
		if err := m.c.MFA.RevokeDevices(ctx, mfa.Subject{ID: p.ID}, p.ID); err != nil {
			return err
		}
		if kind == TicketInvite {
			if factorTicket, err = m.c.MFA.IssueTicket(ctx, mfa.TicketInput{Subject: mfa.Subject{ID: p.ID}, TTL: time.Hour}); err != nil {
				return err
			}
		}
		return refund(ctx)
	})
	return p, factorTicket, err
}

func ticketError(cause string) *Error {
	return &Error{Check: CheckTicket, Public: "This ticket has been used or has expired. Ask for a new one.", Err: errors.New(cause)}
}
