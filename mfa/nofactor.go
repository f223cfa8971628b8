// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"slices"
	"strconv"
	"time"
)

// noFactor decides for people who have nothing that would do.
func (q *question) noFactor() {
	nf := q.rule.NoFactor
	if q.hasFactor() {
		q.because(ReasonTooWeak, "")
	}
	switch {
	case nf.Action == ActAllow && !q.hasFactor():
		q.settle(Allow, ReasonNoFactor, string(ActAllow))
	case nf.Action == ActEnrol || nf.Grace > 0:
		q.enrol()
	default:
		q.settle(Block, ReasonNoFactor, string(nf.Action))
	}
}

// enrol has the person enrol, now or within the grace period. Someone with a
// weaker factor proves that one meanwhile, or someone with none a code by mail
// if the rule says so.
func (q *question) enrol() {
	q.d.Factors = q.anyFactor()
	until := q.graceEnd()
	mail := q.rule.NoFactor.Action == ActMail && len(q.d.Factors) == 0
	if !until.After(q.s.Now) || mail && !q.reaches(KindMail) {
		q.settle(MustEnrol, ReasonNoFactor, string(ActEnrol))
		return
	}
	q.d.Until = until
	if mail {
		q.d.Factors = []Kind{KindMail}
	}
	if len(q.d.Factors) == 0 {
		q.d.Deferrable = true
		q.settle(MustEnrol, ReasonGrace, "until "+until.UTC().Format(time.RFC3339))
		return
	}
	if e, ok := q.weakProof(); ok {
		q.d.Factors, q.d.Deferrable = nil, true
		q.settle(MustEnrol, ReasonGrace, string(e.Kind)+" until "+until.UTC().Format(time.RFC3339))
		return
	}
	q.settle(Ask, ReasonGrace, strconv.Itoa(len(q.d.Factors))+" weaker")
}

// weakProof finds evidence of any factor that is no fallback, or of one that is
// asked for.
func (q *question) weakProof() (Evidence, bool) {
	for _, e := range q.r.Authenticated {
		if e.Factor && (!e.Fallback || slices.Contains(q.d.Factors, e.Kind)) && e.Source == "" && q.twoFactors(e) {
			return e, true
		}
	}
	return Evidence{}, false
}

// anyFactor are the kinds that the person has, whatever their strength.
func (q *question) anyFactor() []Kind {
	var kinds []Kind
	for _, in := range q.s.Factors {
		if !in.Fallback && (in.Implicit || q.has(in.Kind, Any)) {
			kinds = append(kinds, in.Kind)
		}
	}
	return kinds
}

// reaches says whether the person can answer by a kind.
func (q *question) reaches(k Kind) bool {
	return slices.ContainsFunc(q.s.Factors, func(in Info) bool { return in.Kind == k && (in.Implicit || q.has(k, Any)) })
}

func (q *question) graceEnd() time.Time {
	nf := q.rule.NoFactor
	from := q.r.Since
	if nf.From.After(from) {
		from = nf.From
	}
	if nf.Grace == 0 || from.IsZero() {
		return time.Time{}
	}
	return from.Add(nf.Grace)
}
