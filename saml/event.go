// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"time"
)

// EventType is what happened.
type EventType string

// The events.
const (
	// EventIssued: an assertion was signed; ID is its.
	EventIssued EventType = "saml.issued"
	// EventFailed: an error Response was sent; Detail holds the status.
	EventFailed EventType = "saml.failed"
	// EventAccepted: an assertion passed and its session was committed.
	EventAccepted EventType = "saml.accepted"
	// EventRefused: a message was refused; Check says why.
	EventRefused EventType = "saml.refused"
	// EventLogout: a logout was requested or answered.
	EventLogout EventType = "saml.logout"
	// EventMetadata: metadata was refreshed, or a refresh was refused.
	EventMetadata EventType = "saml.metadata"
)

// Event is one thing that happened. It holds no assertion and no NameID.
type Event struct {
	Type       EventType
	At         time.Time
	Connection string
	Peer       string // entityID
	ID         string // of the assertion or message
	Check      Check
	Detail     string // for people who read logs, at most 512 bytes
}

func emit(ctx context.Context, on func(context.Context, Event), e Event) {
	if on == nil {
		return
	}
	if len(e.Detail) > 512 {
		e.Detail = e.Detail[:512]
	}
	on(ctx, e)
}
