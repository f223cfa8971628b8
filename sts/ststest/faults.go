// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ststest

import (
	"net/http"
	"slices"
	"time"
)

// Fault is an answer to give instead of the true one.
type Fault struct {
	// Action is the one it meets; "" is any.
	Action string
	// Times is how often; 0 is once, negative until [Double.ClearFaults].
	Times int
	// Status, Code and Message are the answer; a zero Status closes the
	// connection without one, as an outage does.
	Status  int
	Code    string
	Message string
}

// Inject adds a fault. Faults are met in the order in which they came.
func (d *Double) Inject(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, f)
}

// Throttle answers the next n calls of an action as STS throttles.
func (d *Double) Throttle(action string, n int) {
	d.Inject(Fault{Action: action, Times: n, Status: http.StatusBadRequest, Code: "Throttling", Message: "Rate exceeded"})
}

// Outage closes the connection of the next n calls; negative n until
// [Double.ClearFaults].
func (d *Double) Outage(n int) { d.Inject(Fault{Times: n}) }

// ClearFaults forgets all faults.
func (d *Double) ClearFaults() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = nil
}

func (d *Double) nextFault(action string) (Fault, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.faults {
		f := d.faults[i]
		if f.Action != "" && f.Action != action {
			continue
		}
		if f.Times > 0 {
			d.faults[i].Times--
			if d.faults[i].Times == 0 {
				d.faults = slices.Delete(d.faults, i, i+1)
			}
		}
		return f, true
	}
	return Fault{}, false
}

// Call is one request that the double answered.
type Call struct {
	Time      time.Time
	Action    string
	RequestID string
	RoleARN   string
	// Code is the error code, or "" for an answer.
	Code string
	// Why is what the double's own check found; AWS tells less.
	Why string
	// ARN is the session's, Expires when it ends, Tags what it carries.
	ARN            string
	Expires        time.Time
	Tags           map[string]string
	Transitive     []string
	SourceIdentity string
	AssertionID    string
}

const maxLog = 1000

// Log returns the last calls, oldest first.
func (d *Double) Log() []Call {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.log)
}

// Calls counts the requests of an action so far, faults included; "" counts
// all.
func (d *Double) Calls(action string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if action != "" {
		return d.calls[action]
	}
	n := 0
	for _, c := range d.calls {
		n += c
	}
	return n
}

func (d *Double) count(action string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls[action]++
}

func (d *Double) record(c Call) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.log) == maxLog {
		d.log = slices.Delete(d.log, 0, maxLog/10)
	}
	d.log = append(d.log, c)
}
