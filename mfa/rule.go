// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"time"
)

// Mode is when a rule asks for a factor.
type Mode string

const (
	// Always asks once per session, and again after MaxAge. The default.
	Always Mode = "always"
	// Contextual asks when the context is not one the person has signed in
	// from within 90 days; see [Signal]. A context is known to every rule, whatever
	// factor made it known, so that it never meets MaxAge or a Require above
	// [Any]; where only some Factors will do, use [Always].
	Contextual Mode = "context"
	// Never asks for none.
	Never Mode = "never"
	// Deny refuses, whatever was proved.
	Deny Mode = "deny"
)

// Rule says what is asked of whom, where and when. All conditions that are
// set must hold; a rule without conditions holds for everyone. A list that is
// there and empty, as when the last group of an exemption is taken out, is
// refused; nil, null in JSON, is no condition.
type Rule struct {
	// Name is shown in decisions. Required and unique.
	Name string `json:"name"`

	// Groups: the person is in one of them.
	Groups []string `json:"groups,omitempty"`
	// Resources: the request is for one of them. An empty ID is any of the
	// kind.
	Resources []Resource `json:"resources,omitempty"`
	// Zones: the client is in one of the zones.
	Zones []string `json:"zones,omitempty"`
	// OutsideZones: the client is in none of the zones.
	OutsideZones []string `json:"outsideZones,omitempty"`
	// Times: it is within one of the windows.
	Times []Window `json:"times,omitempty"`

	// Mode is [Always] if empty.
	Mode Mode `json:"mode,omitempty"`
	// Require is the least strength.
	Require Strength `json:"require,omitempty"`
	// Factors are the kinds that count; empty is all that are no fallback,
	// Implicit ones such as RADIUS among them for whomever they reach. A
	// fallback counts only where it is named here.
	Factors []Kind `json:"factors,omitempty"`
	// MaxAge is how old a proof may be (step-up); zero is as old as the
	// session.
	MaxAge time.Duration `json:"maxAge,omitempty"`
	// Trust is for how long a browser may be trusted after a proof; zero is
	// not at all. Trust never meets MaxAge or a Require above [Any].
	Trust time.Duration `json:"trust,omitempty"`
	// Watch are the signals that [Contextual] looks at; empty is all but
	// [SignalHour].
	Watch []Signal `json:"watch,omitempty"`
	// RiskChallenge asks for a factor from this score on, in every mode but
	// Deny; RiskDeny refuses from this score on. Zero is off. If the score
	// cannot be had, either asks.
	RiskChallenge int `json:"riskChallenge,omitempty"`
	RiskDeny      int `json:"riskDeny,omitempty"`
	// NoFactor is what happens to people who have no factor that counts.
	NoFactor NoFactor `json:"noFactor,omitzero"`
}

// NoFactor is what happens to people without a factor.
type NoFactor struct {
	// Action is [ActBlock] if empty. [ActMail] and [ActAllow] are only for
	// people who have no factor at all: having one that is too weak is never
	// an advantage.
	Action Action `json:"action,omitempty"`
	// Grace is for how long people may put off enrolling under [ActEnrol] or
	// [ActMail], from [Request].Since or From, whichever is later. Until then
	// Require is met by whatever factor they have, or if they have none by
	// none or, under ActMail, by a code by mail.
	Grace time.Duration `json:"grace,omitempty"`
	From  time.Time     `json:"from,omitzero"`
}

// Action is what happens to people without a factor.
type Action string

const (
	// ActBlock refuses.
	ActBlock Action = "block"
	// ActEnrol has them enrol one now, with a ticket.
	ActEnrol Action = "enrol"
	// ActMail asks for a code by mail, which is no second factor by itself. It
	// makes no context known, so that mode [Contextual] asks at every sign-in.
	// With a Grace it does so until that ends, offers to enrol after each code,
	// and is as ActEnrol from then on.
	ActMail Action = "mail"
	// ActAllow lets them in.
	ActAllow Action = "allow"
)

// Signal is a change of context.
type Signal string

const (
	// SignalDevice: the browser's id is not known.
	SignalDevice Signal = "device"
	// SignalBrowser: the family of browser and platform is new.
	SignalBrowser Signal = "browser"
	// SignalNetwork: the /24 or /48 is new.
	SignalNetwork Signal = "network"
	// SignalPlace: the country is new, or could not be had.
	SignalPlace Signal = "place"
	// SignalTravel: nobody travels this fast from where the person was last
	// (see [ImpossibleTravel]), it cannot be told because [Geo] failed, or they
	// never were anywhere. An address that Geo has no place for is no travel:
	// watch [SignalPlace], too.
	SignalTravel Signal = "travel"
	// SignalHour: the person has never signed in within three hours of this
	// time of day (UTC).
	SignalHour Signal = "hour"
)

var defaultWatch = []Signal{SignalDevice, SignalBrowser, SignalNetwork, SignalPlace, SignalTravel}
