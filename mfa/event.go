// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"net/netip"
	"time"
)

// EventType is what happened.
type EventType string

const (
	// EventPassed: an answer passed and was committed.
	EventPassed EventType = "mfa.passed"
	// EventRefused: an answer, or a wish for a challenge, was refused; Check
	// says why.
	EventRefused EventType = "mfa.refused"
	// EventLocked: the refused attempt locked the factor until Until.
	EventLocked EventType = "mfa.locked"
	// EventEnrolled: a credential was added.
	EventEnrolled EventType = "mfa.enrolled"
	// EventRenamed: a credential was renamed.
	EventRenamed EventType = "mfa.renamed"
	// EventRemoved: a credential was removed by the person.
	EventRemoved EventType = "mfa.removed"
	// EventRemovedLast: as EventRemoved, and it was the person's last.
	EventRemovedLast EventType = "mfa.removed-last"
	// EventReset: an administrator removed credentials or a lock.
	EventReset EventType = "mfa.reset"
	// EventRecoveryUsed: a single-use credential such as a recovery code
	// passed.
	EventRecoveryUsed EventType = "mfa.recovery-used"
	// EventNotice: a factor reports something in Detail.
	EventNotice EventType = "mfa.notice"
	// EventTicket: an enrolment ticket was issued.
	EventTicket EventType = "mfa.ticket"
	// EventDeviceTrusted: a browser is trusted.
	EventDeviceTrusted EventType = "mfa.device-trusted"
	// EventDeviceRevoked: one or all trusted browsers are no longer.
	EventDeviceRevoked EventType = "mfa.device-revoked"
)

// Event is one thing that happened. It carries no secrets, codes or answers.
type Event struct {
	Type    EventType
	At      time.Time
	Subject Subject
	// Actor is who did it if not the person.
	Actor    string
	Kind     Kind
	RecordID string
	Purpose  Purpose
	// Check is what refused, in EventRefused and EventLocked.
	Check Check
	// Until is the end of a lock.
	Until time.Time
	// Addr and Browser are the client's.
	Addr    netip.Addr
	Browser string
	// Detail is for people who read logs; bounded.
	Detail string
}
