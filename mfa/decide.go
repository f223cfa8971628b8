// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Decide says what is asked of a request: it loads what is known of the
// person and puts it to the policy. It changes nothing.
func (f *Flow) Decide(ctx context.Context, r Request) (Decision, error) {
	s, err := f.standing(ctx, r)
	if err != nil {
		return Decision{}, err
	}
	return f.cfg.Policy.Decide(r, s), nil
}

func (f *Flow) standing(ctx context.Context, r Request) (s Standing, err error) {
	s.Now = f.now()
	if s.Factors, err = f.available(ctx, r.Subject); err != nil {
		return s, err
	}
	if s.Records, err = f.store.Records(ctx, r.Subject); err != nil {
		return s, err
	}
	if s.Sightings, err = f.store.Sightings(ctx, r.Subject); err != nil {
		return s, err
	}
	if s.Trusted, err = f.trusted(ctx, r.Subject, r.Client.TrustToken, s.Now); err != nil {
		return s, err
	}
	s.Place, s.PlaceUnknown = f.place(ctx, r.Client)
	if f.cfg.Risk != nil {
		var rerr error
		if s.Risk, s.RiskWhy, rerr = f.cfg.Risk.Score(ctx, r); rerr != nil {
			s.Risk, s.RiskWhy, s.RiskUnknown = 0, "", true
		}
	}
	return s, nil
}

// available describes the factors that the person may have: implicit ones
// only where they say that they reach the person.
func (f *Flow) available(ctx context.Context, s Subject) ([]Info, error) {
	var infos []Info
	for _, k := range f.kinds {
		if a, ok := f.factors[k].(Availability); ok && f.infos[k].Implicit {
			reach, err := a.Available(ctx, s)
			if err != nil {
				return nil, err
			}
			if !reach {
				continue
			}
		}
		infos = append(infos, f.infos[k])
	}
	return infos, nil
}

// Decide is the policy as a pure function.
func (p *Policy) Decide(r Request, s Standing) Decision {
	q := question{p: p, r: r, s: s}
	if slices.ContainsFunc(s.Records, func(r Record) bool { return !r.live(s.Now) }) {
		q.s.Records = slices.DeleteFunc(slices.Clone(s.Records), func(r Record) bool { return !r.live(s.Now) })
	}
	q.rule = p.match(r, s)
	q.d = Decision{Rule: q.rule.Name, Require: q.rule.Require, MaxAge: q.rule.MaxAge, Trust: q.rule.Trust}
	if slices.ContainsFunc(r.Authenticated, q.gone) {
		q.r.Authenticated = slices.DeleteFunc(slices.Clone(r.Authenticated), q.gone)
		q.because(ReasonNotCounted, "its credential is gone")
	}
	q.decide()
	return q.d
}

// question is one decision in the making.
type question struct {
	p    *Policy
	r    Request
	s    Standing
	rule *Rule
	d    Decision
}

func (q *question) because(c ReasonCode, detail string) {
	q.d.Reasons = append(q.d.Reasons, Reason{Code: c, Detail: detail})
}

// settle puts the decisive reason first.
func (q *question) settle(o Outcome, c ReasonCode, detail string) {
	q.d.Outcome = o
	q.d.Reasons = slices.Insert(q.d.Reasons, 0, Reason{Code: c, Detail: detail})
}

func (q *question) decide() {
	c := q.rule
	if c.Mode == Deny {
		q.settle(Block, ReasonDenied, c.Name)
		return
	}
	if c.RiskDeny > 0 && q.s.Risk >= c.RiskDeny {
		q.settle(Block, ReasonRisk, q.s.RiskWhy)
		return
	}
	if e, ok := q.proof(c.Require); ok {
		q.settle(Allow, ReasonProved, string(e.Kind))
		return
	}
	code, detail, spared := q.spared()
	if spared {
		q.settle(Allow, code, detail)
		return
	}
	q.because(code, detail)
	if kinds := q.usable(c.Require); len(kinds) > 0 {
		q.d.Outcome, q.d.Factors = Ask, kinds
		return
	}
	q.noFactor()
}

// spared says whether no proof is needed now, and the ground for either.
func (q *question) spared() (ReasonCode, string, bool) {
	c := q.rule
	if c.RiskChallenge+c.RiskDeny > 0 && q.s.RiskUnknown {
		return ReasonRiskUnknown, "", false
	}
	if c.RiskChallenge > 0 && q.s.Risk >= c.RiskChallenge {
		return ReasonRisk, q.s.RiskWhy, false
	}
	if c.Mode == Never {
		return ReasonNever, c.Name, true
	}
	trusted := q.trusted()
	how, impossible := q.travel()
	if c.Mode == Contextual {
		changes := q.changes(trusted, how, impossible)
		switch {
		case len(changes) == 0 && trusted:
			return ReasonTrusted, "", true
		case len(changes) == 0:
			return ReasonKnown, "", true
		}
		q.d.Reasons = append(q.d.Reasons, changes[:len(changes)-1]...)
		last := changes[len(changes)-1]
		return last.Code, last.Detail, false
	}
	if trusted && !impossible {
		return ReasonTrusted, "", true
	}
	return ReasonAlways, c.Name, false
}

// trusted says whether the rule trusts the browser: within its own Trust of the
// proof, and only if that was by a factor that counts here.
func (q *question) trusted() bool {
	d, most := q.s.Trusted, q.rule.Trust
	return d != nil && most > 0 && q.s.Now.Sub(d.CreatedAt) < most && q.permits(d.Kind, false)
}

// changes are the signals that the rule watches and that are new. A trusted
// browser is known wherever it goes, but it does not travel impossibly.
func (q *question) changes(trusted bool, how string, impossible bool) []Reason {
	var out []Reason
	for _, s := range q.rule.Watch {
		switch {
		case s == SignalTravel && impossible:
			out = append(out, Reason{Code: ReasonCode(s), Detail: how})
		case trusted:
		case !q.known(s):
			out = append(out, Reason{Code: ReasonCode(s)})
		}
	}
	return out
}

func (q *question) known(s Signal) bool {
	client := q.r.Client
	device, browser, net := deviceHash(client.Device), clip(client.Browser, 100), network(client.Addr)
	return slices.ContainsFunc(q.s.Sightings, func(old Sighting) bool {
		if q.s.Now.Sub(old.At) > sightingLife {
			return false
		}
		switch s {
		case SignalDevice:
			return device != "" && old.Device == device
		case SignalBrowser:
			return old.Browser == browser
		case SignalNetwork:
			return old.Network == net
		case SignalPlace:
			return !q.s.PlaceUnknown && old.Place.Country == q.s.Place.Country
		case SignalTravel:
			return true // from wherever
		case SignalHour:
			return hoursApart(old.At, q.s.Now) <= 3
		}
		return false
	})
}

func hoursApart(a, b time.Time) int {
	d := a.UTC().Hour() - b.UTC().Hour()
	if d < 0 {
		d = -d
	}
	return min(d, 24-d)
}

// travel says whether the person cannot have come here from where they were
// last, and then how. Nobody knows that they can if the place could not be had.
func (q *question) travel() (how string, impossible bool) {
	i := slices.IndexFunc(q.s.Sightings, func(s Sighting) bool { return s.Place.Located })
	switch {
	case i < 0:
		return "", false
	case q.s.PlaceUnknown:
		return "to an unknown place", true
	}
	last := q.s.Sightings[i]
	kmh, impossible := ImpossibleTravel(last.Place, last.At, q.s.Place, q.s.Now, MaxTravelKmh)
	if !impossible {
		return "", false
	}
	return fmt.Sprintf("%.0f km/h", kmh), true
}

// proof finds evidence that meets the rule at a strength.
func (q *question) proof(want Strength) (Evidence, bool) {
	for i := len(q.r.Authenticated) - 1; i >= 0; i-- {
		e := q.r.Authenticated[i]
		strength, counts := q.worth(i)
		switch {
		case !counts:
			if e.Factor || e.Source != "" {
				q.because(ReasonNotCounted, string(e.Kind))
			}
		case strength < want:
			q.because(ReasonTooWeak, string(e.Kind))
		case e.At.After(q.s.Now.Add(time.Minute)), q.rule.MaxAge > 0 && q.s.Now.Sub(e.At) > q.rule.MaxAge:
			q.because(ReasonTooOld, string(e.Kind))
		default:
			q.d.Reasons = nil
			return e, true
		}
	}
	return Evidence{}, false
}

// worth says whether evidence counts as a factor here, and for how much.
func (q *question) worth(i int) (Strength, bool) {
	e := q.r.Authenticated[i]
	if e.Source != "" {
		return q.p.upstreamWorth(e)
	}
	if !e.Factor || !q.permits(e.Kind, e.Fallback) {
		return 0, false
	}
	return e.Strength, q.twoFactors(e)
}

// gone says whether the person no longer has the credential of a proof.
func (q *question) gone(e Evidence) bool {
	return e.Factor && e.Source == "" && e.RecordID != "" &&
		!slices.ContainsFunc(q.s.Records, func(r Record) bool { return r.ID == e.RecordID })
}

// twoFactors says whether there are two factors with a proof: it is two in one,
// or another stands beside it. A fallback does only if the rule counts it or a
// sign-in may begin with it, as with a password.
func (q *question) twoFactors(e Evidence) bool {
	return e.UserVerified || slices.ContainsFunc(q.r.Authenticated, func(o Evidence) bool {
		return channel(o.Kind) != channel(e.Kind) && (!o.Fallback || q.permits(o.Kind, true) || q.begins(o.Kind))
	})
}

// channel tells factors apart by what the person must hold: a link and a code
// by mail are one mailbox.
func channel(k Kind) Kind {
	if k == KindMagicLink {
		return KindMail
	}
	return k
}

func (q *question) begins(k Kind) bool {
	return slices.ContainsFunc(q.s.Factors, func(in Info) bool { return in.Kind == k && in.FirstFactor })
}

func (p *Policy) upstreamWorth(e Evidence) (best Strength, ok bool) {
	u, known := p.upstream[e.Source]
	if !known {
		return 0, false
	}
	if s, found := u.Classes[e.Class]; found {
		best, ok = s, true
	}
	for _, m := range e.AMR {
		if s, found := u.AMR[m]; found {
			best, ok = max(best, s), true
		}
	}
	return best, ok
}

// permits says whether the rule counts a kind.
func (q *question) permits(k Kind, fallback bool) bool {
	if nf := q.rule.NoFactor; k == KindMail && nf.Action == ActMail && nf.Grace == 0 && !q.hasFactor() {
		return true
	}
	if len(q.rule.Factors) > 0 {
		return slices.Contains(q.rule.Factors, k)
	}
	return !fallback
}

// hasFactor says whether the person has anything but fallbacks.
func (q *question) hasFactor() bool {
	return slices.ContainsFunc(q.s.Factors, func(in Info) bool {
		return !in.Fallback && (in.Implicit || q.has(in.Kind, Any))
	})
}

func (q *question) has(k Kind, want Strength) bool {
	return slices.ContainsFunc(q.s.Records, func(r Record) bool { return r.Kind == k && r.Strength >= want })
}

// usable are the permitted kinds that the person has at a strength, strongest
// first.
func (q *question) usable(want Strength) []Kind {
	var infos []Info
	for _, in := range q.s.Factors {
		if in.Strength < want || !q.permits(in.Kind, in.Fallback) {
			continue
		}
		if in.Implicit || q.has(in.Kind, want) {
			infos = append(infos, in)
		}
	}
	slices.SortStableFunc(infos, func(a, b Info) int { return int(b.Strength) - int(a.Strength) })
	kinds := make([]Kind, len(infos))
	for i, in := range infos {
		kinds[i] = in.Kind
	}
	return kinds
}
