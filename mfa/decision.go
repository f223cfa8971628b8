// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"encoding/json"
	"math"
	"time"
)

// Outcome is what a decision comes to.
type Outcome string

const (
	// Allow: go on.
	Allow Outcome = "allow"
	// Ask asks for one of Decision.Factors.
	Ask Outcome = "ask"
	// MustEnrol has the person enrol a factor first, or later if Deferrable.
	MustEnrol Outcome = "enrol"
	// Block refuses.
	Block Outcome = "block"
)

// Decision is what policy says to a request, and why. Its durations are whole
// seconds in JSON.
type Decision struct {
	Outcome Outcome `json:"outcome"`
	// Rule is the name of the rule that decided.
	Rule string `json:"rule,omitempty"`
	// Require and MaxAge are what the rule asks for.
	Require Strength      `json:"require,omitempty"`
	MaxAge  time.Duration `json:"maxAge,omitempty"`
	// Factors are the kinds that the person can answer with now, strongest
	// first. In [MustEnrol] they are those that can prove the person for the
	// enrolment; if there are none a ticket is called for.
	Factors []Kind `json:"factors,omitempty"`
	// Trust is for how long the browser may be trusted after a proof.
	Trust time.Duration `json:"trust,omitempty"`
	// Deferrable says that enrolment may be put off, until Until.
	Deferrable bool      `json:"deferrable,omitempty"`
	Until      time.Time `json:"until,omitzero"`
	// Reasons say why, most decisive first.
	Reasons []Reason `json:"reasons,omitempty"`
}

type (
	decisionFields Decision
	decisionJSON   struct {
		decisionFields
		MaxAge int64 `json:"maxAge,omitempty"`
		Trust  int64 `json:"trust,omitempty"`
	}
)

// MarshalJSON rounds durations up: a limit never becomes none.
func (d Decision) MarshalJSON() ([]byte, error) {
	seconds := func(d time.Duration) int64 { return int64(math.Ceil(d.Seconds())) }
	return json.Marshal(decisionJSON{decisionFields(d), seconds(d.MaxAge), seconds(d.Trust)})
}

// UnmarshalJSON reads what [Decision.MarshalJSON] wrote.
func (d *Decision) UnmarshalJSON(b []byte) error {
	var j decisionJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*d = Decision(j.decisionFields)
	d.MaxAge, d.Trust = time.Duration(j.MaxAge)*time.Second, time.Duration(j.Trust)*time.Second
	return nil
}

// Reason is one ground of a decision.
type Reason struct {
	Code   ReasonCode `json:"code"`
	Detail string     `json:"detail,omitempty"`
}

// ReasonCode is what kind of ground it is.
type ReasonCode string

// The grounds. Signals of context have their own names as codes.
const (
	ReasonNever       ReasonCode = "never"        // the rule asks for nothing
	ReasonAlways      ReasonCode = "always"       // the rule asks always
	ReasonDenied      ReasonCode = "denied"       // the rule refuses
	ReasonRisk        ReasonCode = "risk"         // the score is too high; Detail says why
	ReasonRiskUnknown ReasonCode = "risk-unknown" // the score could not be had
	ReasonProved      ReasonCode = "proved"       // Detail is the kind that counts
	ReasonTooOld      ReasonCode = "too-old"      // a proof is older than MaxAge
	ReasonTooWeak     ReasonCode = "too-weak"     // a proof or factor is weaker than Require
	ReasonNotCounted  ReasonCode = "not-counted"  // a proof is of a kind or from a source that does not count, or its credential is gone
	ReasonKnown       ReasonCode = "known"        // the context is a known one
	ReasonTrusted     ReasonCode = "trusted"      // the browser is trusted
	ReasonNoFactor    ReasonCode = "no-factor"    // the person has no factor that counts; Detail is the action
	ReasonGrace       ReasonCode = "grace"        // enrolment may wait
)
