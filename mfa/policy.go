// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// PolicyConfig is what a [Policy] is made of.
type PolicyConfig struct {
	// Rules are tried in order; the first whose conditions hold decides.
	Rules []Rule `json:"rules,omitempty"`
	// Default decides where no rule does. It has no conditions. The zero
	// Default asks everyone for any factor and blocks those without.
	Default Rule `json:"default,omitzero"`
	// Zones are the networks that rules name.
	Zones []Zone `json:"zones,omitempty"`
	// Upstream says, by the source's name, which proofs of an upstream
	// identity provider count as a factor and for how much. Others never do.
	Upstream map[string]Upstream `json:"upstream,omitempty"`
}

// Upstream is what is believed of an upstream identity provider.
type Upstream struct {
	// Classes maps authentication context classes to what they are worth.
	Classes map[string]Strength `json:"classes,omitempty"`
	// AMR maps method names (RFC 8176) to what they are worth.
	AMR map[string]Strength `json:"amr,omitempty"`
}

// Policy decides what is asked of a request. It is immutable, pure and safe
// for concurrent use.
type Policy struct {
	rules      []Rule
	conditions []conditions // of each rule
	numbers    []uint32     // of groups, resources and zones, in spans
	fallback   Rule
	zones      []Zone
	groups     map[string]int
	resources  map[Resource]int
	upstream   map[string]Upstream
}

// conditions are those of a rule, with numbers for names. A decision over many
// rules walks over Policy.numbers once.
type conditions struct {
	groups, resources, zones, outside span
	windows                           []window
}

// span is a part of Policy.numbers.
type span struct{ at, end uint32 }

func (s span) empty() bool { return s.at == s.end }

func (p *Policy) span(numbers []int) span {
	s := span{at: uint32(len(p.numbers))}
	for _, n := range numbers {
		p.numbers = append(p.numbers, uint32(n))
	}
	s.end = uint32(len(p.numbers))
	return s
}

// NewPolicy compiles a policy, or says which rule is wrong.
func NewPolicy(c PolicyConfig) (*Policy, error) {
	p := &Policy{groups: map[string]int{}, resources: map[Resource]int{}, upstream: map[string]Upstream{}}
	zones := map[string]int{}
	for i, z := range c.Zones {
		if _, dup := zones[z.Name]; dup || z.Name == "" {
			return nil, fmt.Errorf("mfa: zone %d has no name of its own", i)
		}
		if len(z.Prefixes) == 0 && len(z.Countries) == 0 {
			return nil, fmt.Errorf("mfa: zone %q is empty", z.Name)
		}
		for _, pre := range z.Prefixes {
			if !pre.IsValid() || pre.Addr().Is4In6() {
				return nil, fmt.Errorf("mfa: zone %q has an invalid prefix", z.Name)
			}
		}
		zones[z.Name] = i
		z.Prefixes, z.Countries = slices.Clone(z.Prefixes), slices.Clone(z.Countries)
		p.zones = append(p.zones, z)
	}
	names := map[string]bool{}
	for _, r := range c.Rules {
		if r.Name == "" || names[r.Name] {
			return nil, fmt.Errorf("mfa: rule %q has no name of its own", r.Name)
		}
		names[r.Name] = true
		compiled, cond, err := p.compile(r, zones)
		if err != nil {
			return nil, fmt.Errorf("mfa: rule %q: %w", r.Name, err)
		}
		p.rules, p.conditions = append(p.rules, compiled), append(p.conditions, cond)
	}
	d := c.Default
	d.Name = defaultTo(d.Name, "default")
	if len(d.Groups)+len(d.Resources)+len(d.Zones)+len(d.OutsideZones)+len(d.Times) > 0 {
		return nil, errors.New("mfa: PolicyConfig.Default has conditions")
	}
	var err error
	if p.fallback, _, err = p.compile(d, zones); err != nil {
		return nil, fmt.Errorf("mfa: default rule: %w", err)
	}
	for name, u := range c.Upstream {
		if err := u.check(); name == "" || err != nil {
			return nil, fmt.Errorf("mfa: upstream %q: %w", name, errors.Join(err, errors.New("wants a name and known strengths")))
		}
		p.upstream[name] = u.clone()
	}
	return p, nil
}

func (u Upstream) check() error {
	for _, m := range []map[string]Strength{u.Classes, u.AMR} {
		for k, s := range m {
			if k == "" || !s.valid() {
				return fmt.Errorf("entry %q is empty or has an unknown strength", k)
			}
		}
	}
	return nil
}

func (u Upstream) clone() Upstream {
	c := Upstream{Classes: map[string]Strength{}, AMR: map[string]Strength{}}
	maps.Copy(c.Classes, u.Classes)
	maps.Copy(c.AMR, u.AMR)
	return c
}

func (p *Policy) compile(r Rule, zones map[string]int) (Rule, conditions, error) {
	r.Mode = defaultTo(r.Mode, Always)
	r.NoFactor.Action = defaultTo(r.NoFactor.Action, ActBlock)
	if err := r.check(); err != nil {
		return r, conditions{}, err
	}
	r.Factors, r.Watch = slices.Clone(r.Factors), slices.Clone(r.Watch)
	if len(r.Watch) == 0 {
		r.Watch = defaultWatch
	}
	inside, err := known(zones, r.Zones)
	if err != nil {
		return r, conditions{}, err
	}
	outside, err := known(zones, r.OutsideZones)
	if err != nil {
		return r, conditions{}, err
	}
	c := conditions{
		groups: p.span(index(p.groups, r.Groups)), resources: p.span(index(p.resources, r.Resources)),
		zones: p.span(inside), outside: p.span(outside),
	}
	for _, w := range r.Times {
		cw, err := w.compile()
		if err != nil {
			return r, c, err
		}
		c.windows = append(c.windows, cw)
	}
	return r, c, nil
}

// index returns the numbers of names, new ones for those that are new.
func index[K comparable](numbers map[K]int, names []K) []int {
	out := make([]int, 0, len(names))
	for _, name := range names {
		i, ok := numbers[name]
		if !ok {
			i = len(numbers)
			numbers[name] = i
		}
		out = append(out, i)
	}
	return out
}

// known returns the numbers of names that must be there.
func known(numbers map[string]int, names []string) ([]int, error) {
	var out []int
	for _, n := range names {
		i, ok := numbers[n]
		if !ok {
			return nil, fmt.Errorf("zone %q is not defined", n)
		}
		out = append(out, i)
	}
	return out, nil
}

var (
	modes   = []Mode{Always, Contextual, Never, Deny}
	actions = []Action{ActBlock, ActEnrol, ActMail, ActAllow}
	signals = append(slices.Clone(defaultWatch), SignalHour)
)

func (r Rule) check() error {
	switch {
	case hollow(r.Groups) || hollow(r.Resources) || hollow(r.Zones) || hollow(r.OutsideZones) || hollow(r.Times) ||
		hollow(r.Factors) || hollow(r.Watch) || slices.ContainsFunc(r.Times, func(w Window) bool { return hollow(w.Days) }):
		return errors.New("a list is there and empty, which would be everyone, everything or always: leave it out")
	case !slices.Contains(modes, r.Mode):
		return fmt.Errorf("mode %q is unknown", r.Mode)
	case !slices.Contains(actions, r.NoFactor.Action):
		return fmt.Errorf("action %q is unknown", r.NoFactor.Action)
	case !r.Require.valid():
		return fmt.Errorf("strength %d is unknown", int(r.Require))
	case r.MaxAge < 0 || r.Trust < 0 || r.Trust > maxTrust || r.NoFactor.Grace < 0:
		return errors.New("a duration is negative, or Trust is longer than 90 days")
	case r.RiskChallenge < 0 || r.RiskDeny < 0:
		return errors.New("a risk is negative")
	case r.Mode == Never && (r.Require > Any || r.MaxAge > 0) && r.RiskChallenge == 0:
		return errors.New("mode never asks for nothing, so it has no Require and no MaxAge")
	case r.Mode == Contextual && r.MaxAge > 0:
		return errors.New("mode context has no MaxAge: a known context is not a fresh proof")
	case r.Mode == Contextual && r.Require > Any:
		return errors.New("mode context has no Require above any: whatever factor makes a context known")
	case r.Trust > 0 && (r.MaxAge > 0 || r.Require > Any):
		return errors.New("trusted browsers never meet MaxAge or a Require above any")
	case r.NoFactor.Grace > 0 && r.NoFactor.Action != ActEnrol && r.NoFactor.Action != ActMail:
		return errors.New("a Grace is for actions enrol and mail")
	case r.Require > Any && r.NoFactor.Action == ActMail && r.NoFactor.Grace == 0:
		return errors.New("a code by mail is never phishing-resistant")
	case r.Require > Any && r.NoFactor.Action == ActAllow:
		return errors.New("action allow goes round a Require above any: have people enrol, with a Grace if need be")
	}
	for _, s := range r.Watch {
		if !slices.Contains(signals, s) {
			return fmt.Errorf("signal %q is unknown", s)
		}
	}
	return nil
}

// hollow lists are those that somebody emptied.
func hollow[T any](list []T) bool { return list != nil && len(list) == 0 }

// needs says which rule names a kind that has no factor.
func (p *Policy) needs(infos map[Kind]Info) error {
	for _, r := range append(slices.Clone(p.rules), p.fallback) {
		kinds := r.Factors
		if r.NoFactor.Action == ActMail {
			kinds = append(slices.Clone(kinds), KindMail)
		}
		for _, k := range kinds {
			if _, ok := infos[k]; !ok {
				return fmt.Errorf("mfa: rule %q is for kind %q, which none of Config.Factors has", r.Name, k)
			}
		}
	}
	return nil
}

// Standing is what is known about the person beside the request.
type Standing struct {
	// Factors describes the configured factors, of the Implicit ones those
	// that reach the person.
	Factors []Info
	// Records are the person's credentials. Proofs by others that name theirs do
	// not count.
	Records []Record
	// Sightings are where the person signed in before, newest first.
	Sightings []Sighting
	// Trusted is the person's unexpired device that Client.TrustToken is of;
	// nil if there is none.
	Trusted *Device
	// Risk is the score, RiskWhy its ground; RiskUnknown says that it could
	// not be had.
	Risk        int
	RiskWhy     string
	RiskUnknown bool
	// Place is where the client is; PlaceUnknown says that it could not be
	// had.
	Place        Place
	PlaceUnknown bool
	Now          time.Time
}
