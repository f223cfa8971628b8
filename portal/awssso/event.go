// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"net/netip"
	"time"
)

// EventName names an event as CloudTrail does where it has one.
type EventName string

// The events. Anonymous client registrations leave none: they change nothing
// and grant nothing.
const (
	EventStartDeviceAuthorization EventName = "StartDeviceAuthorization"
	EventApproveDevice            EventName = "ApproveDeviceAuthorization"
	EventDenyDevice               EventName = "DenyDeviceAuthorization"
	EventAuthorize                EventName = "Authorize"
	EventDenyAuthorize            EventName = "DenyAuthorize"
	EventCreateToken              EventName = "CreateToken"
	EventGetRoleCredentials       EventName = "GetRoleCredentials"
	EventLogout                   EventName = "Logout"
	EventRevoke                   EventName = "RevokeToken"
)

// Event is something that happened: an effect, or the refusal of a call by a
// known person, see [Event.Refused]. It holds no token and no code.
type Event struct {
	Name  EventName
	Time  time.Time
	Check Check // what refused, or why a token was revoked; empty otherwise

	PersonID  string
	SessionID string
	FamilyID  string
	Flow      Flow
	// ClientName is the client's own word, at most 64 plain characters.
	ClientName string
	Addr       netip.Addr
	// RequestID is the correlation id that the client was given.
	RequestID string

	AccountID string
	RoleName  string
	// Repeated marks a refresh answered once more within the reuse window.
	Repeated bool
	// Notice asks for the person to be told: a code or an old refresh token
	// was used again, so somebody may hold a copy.
	Notice bool
}

// Refused reports whether the event is a refusal. A revocation is an effect,
// whatever made it necessary.
func (e Event) Refused() bool { return e.Check != "" && e.Name != EventRevoke }
