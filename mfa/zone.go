// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Geo finds places for addresses.
type Geo interface {
	// Locate returns the zero Place for an address it does not know. After an
	// error the place counts as new, and as too far from the last one.
	Locate(ctx context.Context, a netip.Addr) (Place, error)
}

// Risk scores requests. It may ask other services; the flow calls it outside
// of transactions.
type Risk interface {
	// Score returns 0 for no risk, more for more, and why in a few words.
	Score(ctx context.Context, r Request) (score int, why string, err error)
}

// Zone is a named set of networks and countries.
type Zone struct {
	Name     string         `json:"name"`
	Prefixes []netip.Prefix `json:"prefixes,omitempty"`
	// Countries are ISO 3166-1 alpha-2 codes, in capitals. A client whose country
	// is not known, or could not be had, is in none of them: a rule that is to
	// hold for it as well names the others in [Rule].OutsideZones.
	Countries []string `json:"countries,omitempty"`
}

func (z Zone) contains(a netip.Addr, country string) bool {
	for _, p := range z.Prefixes {
		if p.Contains(a) {
			return true
		}
	}
	if country == "" {
		return false
	}
	return slices.Contains(z.Countries, country)
}

// Window is a time of day on some days.
type Window struct {
	// Days are the days it begins on; empty is every day.
	Days []time.Weekday `json:"days,omitempty"`
	// From and To are "15:04"; To is exclusive and may be "24:00". If To is
	// not after From the window ends on the next day. Both empty is the whole
	// day.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Location is an IANA name, UTC if empty.
	Location string `json:"location,omitempty"`
}

// window is a Window compiled.
type window struct {
	days     [7]bool
	from, to int // minutes; to may exceed a day
	loc      *time.Location
}

const day = 24 * 60

func (w Window) compile() (window, error) {
	c := window{loc: time.UTC, to: day}
	if w.Location != "" {
		loc, err := time.LoadLocation(w.Location)
		if err != nil {
			return c, fmt.Errorf("window location %q: %w", w.Location, err)
		}
		c.loc = loc
	}
	for _, d := range w.Days {
		if d < time.Sunday || d > time.Saturday {
			return c, fmt.Errorf("window day %d is no weekday", d)
		}
		c.days[d] = true
	}
	if len(w.Days) == 0 {
		c.days = [7]bool{true, true, true, true, true, true, true}
	}
	if w.From == "" && w.To == "" {
		return c, nil
	}
	var err error
	if c.from, err = clockMinutes(w.From); err != nil {
		return c, err
	}
	if c.to, err = clockMinutes(w.To); err != nil {
		return c, err
	}
	if c.to <= c.from {
		c.to += day
	}
	return c, nil
}

func clockMinutes(s string) (int, error) {
	if s == "24:00" {
		return day, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, fmt.Errorf("window time %q is not like 15:04", s)
	}
	return t.Hour()*60 + t.Minute(), nil
}

func (w window) contains(t time.Time) bool {
	t = t.In(w.loc)
	m, d := t.Hour()*60+t.Minute(), t.Weekday()
	if w.days[d] && m >= w.from && m < w.to {
		return true
	}
	return w.days[(d+6)%7] && m+day >= w.from && m+day < w.to
}
