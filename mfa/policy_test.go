// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/mfa"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) // a Monday

var (
	allFactors = []mfa.Info{
		{Kind: mfa.KindTOTP},
		{Kind: mfa.KindWebAuthn, Strength: mfa.Attested},
		{Kind: mfa.KindMail, Implicit: true, Fallback: true},
		{Kind: mfa.KindRecovery},
		{Kind: mfa.KindMagicLink, Implicit: true, Fallback: true, FirstFactor: true},
		{Kind: mfa.KindPass, FirstFactor: true},
	}
	pwd      = mfa.Evidence{Kind: mfa.KindPassword, At: noon}
	otp      = mfa.Evidence{Kind: mfa.KindTOTP, At: noon, Factor: true}
	mail     = mfa.Evidence{Kind: mfa.KindMail, At: noon, Factor: true, Fallback: true}
	link     = mfa.Evidence{Kind: mfa.KindMagicLink, At: noon, Factor: true, Fallback: true}
	pass     = mfa.Evidence{Kind: mfa.KindPass, At: noon, Factor: true}
	passkey  = mfa.Evidence{Kind: mfa.KindWebAuthn, At: noon, Factor: true, UserVerified: true, Strength: mfa.PhishingResistant}
	touch    = mfa.Evidence{Kind: mfa.KindWebAuthn, At: noon, Factor: true, Strength: mfa.PhishingResistant}
	hasTOTP  = mfa.Record{ID: "t", Kind: mfa.KindTOTP}
	hasPass  = mfa.Record{ID: "p", Kind: mfa.KindPass}
	hasKey   = mfa.Record{ID: "k", Kind: mfa.KindWebAuthn, Strength: mfa.PhishingResistant}
	hasPaper = mfa.Record{ID: "r", Kind: mfa.KindRecovery}
	zurich   = mfa.Place{Country: "CH", Lat: 47.37, Lon: 8.54, Located: true}
	sydney   = mfa.Place{Country: "AU", Lat: -33.87, Lon: 151.21, Located: true}
)

func TestDecide(t *testing.T) {
	t.Parallel()
	seen := []mfa.Sighting{{Browser: "Firefox on Linux", Network: "192.0.2.0/24", Place: zurich, At: noon.Add(-time.Hour)}}
	known := mfa.Client{Addr: netip.MustParseAddr("192.0.2.7"), Browser: "Firefox on Linux"}
	ctxRule := mfa.Rule{Mode: mfa.Contextual, Watch: []mfa.Signal{mfa.SignalBrowser, mfa.SignalNetwork, mfa.SignalPlace, mfa.SignalTravel, mfa.SignalHour}}
	enrolGrace := mfa.Rule{NoFactor: mfa.NoFactor{Action: mfa.ActEnrol, Grace: 24 * time.Hour}}
	travel := mfa.Rule{Mode: mfa.Contextual, Watch: []mfa.Signal{mfa.SignalTravel}}
	mailGrace := mfa.Rule{NoFactor: mfa.NoFactor{Action: mfa.ActMail, Grace: 24 * time.Hour}}
	trust := mfa.Rule{Trust: time.Hour}
	keys := mfa.Rule{Trust: time.Hour, Factors: kinds(mfa.KindWebAuthn)}
	with := func(r mfa.Rule, f func(*mfa.Rule)) mfa.Rule { f(&r); return r }
	for _, c := range []struct {
		name    string
		rule    mfa.Rule
		req     mfa.Request
		s       mfa.Standing
		want    mfa.Outcome
		reason  mfa.ReasonCode
		factors []mfa.Kind
	}{
		{name: "always asks", req: proved(pwd), s: having(hasTOTP), want: mfa.Ask, reason: mfa.ReasonAlways, factors: kinds(mfa.KindTOTP)},
		{name: "strongest first", req: proved(pwd), s: having(hasTOTP, hasKey), want: mfa.Ask, reason: mfa.ReasonAlways, factors: kinds(mfa.KindWebAuthn, mfa.KindTOTP)},
		{name: "a factor after a password", req: proved(pwd, otp), s: having(hasTOTP), want: mfa.Allow, reason: mfa.ReasonProved},
		{name: "one proof alone is one factor", req: proved(otp), s: having(hasTOTP), want: mfa.Ask, reason: mfa.ReasonNotCounted, factors: kinds(mfa.KindTOTP)},
		{name: "the same factor twice is one", req: proved(otp, otp), s: having(hasTOTP), want: mfa.Ask, reason: mfa.ReasonNotCounted, factors: kinds(mfa.KindTOTP)},
		{name: "a passkey is two in one", req: proved(passkey), s: having(hasKey), want: mfa.Allow, reason: mfa.ReasonProved},
		{name: "a touched key alone is one", req: proved(touch), s: having(hasKey), want: mfa.Ask, reason: mfa.ReasonNotCounted, factors: kinds(mfa.KindWebAuthn)},
		{name: "a password is no factor", req: proved(pwd, mfa.Evidence{Kind: "other", At: noon}), s: having(hasTOTP), want: mfa.Ask, reason: mfa.ReasonAlways, factors: kinds(mfa.KindTOTP)},
		{name: "mail does not count", req: proved(pwd, mail), s: having(hasTOTP), want: mfa.Ask, reason: mfa.ReasonNotCounted, factors: kinds(mfa.KindTOTP)},
		{name: "mail counts where named", rule: mfa.Rule{Factors: kinds(mfa.KindMail)}, req: proved(pwd, mail), s: having(hasTOTP), want: mfa.Allow, reason: mfa.ReasonProved},
		{name: "other kinds do not count then", rule: mfa.Rule{Factors: kinds(mfa.KindMail)}, req: proved(pwd, otp), s: having(hasTOTP), want: mfa.Ask, reason: mfa.ReasonNotCounted, factors: kinds(mfa.KindMail)},
		{name: "a fallback does not make a factor two", req: proved(pass, mail), s: having(hasPass), want: mfa.Ask, reason: mfa.ReasonNotCounted, factors: kinds(mfa.KindPass)},
		{name: "a fallback that the rule names does", rule: mfa.Rule{Factors: kinds(mfa.KindMail, mfa.KindPass)}, req: proved(pass, mail), s: having(hasPass), want: mfa.Allow, reason: mfa.ReasonProved},
		{name: "a fallback that the rule names beside a touched key", rule: mfa.Rule{Factors: kinds(mfa.KindMail, mfa.KindWebAuthn), Require: mfa.PhishingResistant}, req: proved(touch, mail), s: having(hasKey), want: mfa.Allow, reason: mfa.ReasonProved},
		{name: "two factors without a password", req: proved(pass, otp), s: having(hasTOTP), want: mfa.Allow, reason: mfa.ReasonProved},
		{name: "a link is a first factor", req: proved(link, otp), s: having(hasTOTP), want: mfa.Allow, reason: mfa.ReasonProved},
		{name: "a link and a code are one mailbox", rule: mfa.Rule{Factors: kinds(mfa.KindMail, mfa.KindMagicLink)}, req: proved(link, mail), s: having(hasTOTP), want: mfa.Ask, reason: mfa.ReasonNotCounted, factors: kinds(mfa.KindMail, mfa.KindMagicLink)},
		{name: "a proof by what the person has", req: proved(pwd, by("t", otp)), s: having(hasKey, hasTOTP), want: mfa.Allow, reason: mfa.ReasonProved},
		{name: "a proof by what is gone", req: proved(pwd, by("gone", otp)), s: having(hasTOTP), want: mfa.Ask, reason: mfa.ReasonNotCounted, factors: kinds(mfa.KindTOTP)},
		{name: "a proof by what has ended", req: proved(pwd, by("t", otp)), s: having(hasKey, mfa.Record{ID: "t", Kind: mfa.KindTOTP, ExpiresAt: noon}), want: mfa.Ask, reason: mfa.ReasonNotCounted, factors: kinds(mfa.KindWebAuthn)},
		{name: "what is gone makes no factor two", req: proved(by("gone", pass), otp), s: having(hasTOTP), want: mfa.Ask, reason: mfa.ReasonNotCounted, factors: kinds(mfa.KindTOTP)},
		{name: "a proof of the future", req: proved(pwd, at(otp, noon.Add(time.Hour))), s: having(hasTOTP), want: mfa.Ask, reason: mfa.ReasonTooOld, factors: kinds(mfa.KindTOTP)},

		{name: "too weak", rule: mfa.Rule{Require: mfa.PhishingResistant}, req: proved(pwd, otp), s: having(hasTOTP, hasKey), want: mfa.Ask, reason: mfa.ReasonTooWeak, factors: kinds(mfa.KindWebAuthn)},
		{name: "strong enough", rule: mfa.Rule{Require: mfa.PhishingResistant}, req: proved(pwd, touch), s: having(hasKey), want: mfa.Allow, reason: mfa.ReasonProved},
		{name: "not attested", rule: mfa.Rule{Require: mfa.Attested}, req: proved(pwd, touch), s: having(hasKey), want: mfa.Block, reason: mfa.ReasonNoFactor},
		{name: "step-up: too old", rule: mfa.Rule{MaxAge: time.Minute}, req: proved(pwd, at(otp, noon.Add(-time.Minute-1))), s: having(hasTOTP), want: mfa.Ask, reason: mfa.ReasonTooOld, factors: kinds(mfa.KindTOTP)},
		{name: "step-up: fresh", rule: mfa.Rule{MaxAge: time.Minute}, req: proved(pwd, at(otp, noon.Add(-time.Minute))), s: having(hasTOTP), want: mfa.Allow, reason: mfa.ReasonProved},
		{name: "step-up: trusted is not enough", rule: mfa.Rule{MaxAge: time.Minute}, req: proved(pwd), s: trusted(having(hasTOTP)), want: mfa.Ask, reason: mfa.ReasonAlways, factors: kinds(mfa.KindTOTP)},

		{name: "never", rule: mfa.Rule{Mode: mfa.Never}, req: proved(pwd), s: having(), want: mfa.Allow, reason: mfa.ReasonNever},
		{name: "deny", rule: mfa.Rule{Mode: mfa.Deny}, req: proved(pwd, otp), s: having(hasTOTP), want: mfa.Block, reason: mfa.ReasonDenied},
		{name: "trusted", rule: trust, req: proved(pwd), s: trusted(having(hasTOTP)), want: mfa.Allow, reason: mfa.ReasonTrusted},
		{name: "trusted where the rule has no trust", req: proved(pwd), s: trusted(having(hasTOTP)), want: mfa.Ask, reason: mfa.ReasonAlways, factors: kinds(mfa.KindTOTP)},
		{name: "trusted for as long as the rule trusts", rule: trust, req: proved(pwd), s: trustedBy(mfa.KindTOTP, time.Hour-1, having(hasTOTP)), want: mfa.Allow, reason: mfa.ReasonTrusted},
		{name: "trusted longer ago than the rule trusts", rule: trust, req: proved(pwd), s: trustedBy(mfa.KindTOTP, time.Hour, having(hasTOTP)), want: mfa.Ask, reason: mfa.ReasonAlways, factors: kinds(mfa.KindTOTP)},
		{name: "trusted by a factor that counts", rule: keys, req: proved(pwd), s: trustedBy(mfa.KindWebAuthn, 0, having(hasKey)), want: mfa.Allow, reason: mfa.ReasonTrusted},
		{name: "trusted by a factor that does not count", rule: keys, req: proved(pwd), s: trustedBy(mfa.KindTOTP, 0, having(hasKey)), want: mfa.Ask, reason: mfa.ReasonAlways, factors: kinds(mfa.KindWebAuthn)},
		{name: "trusted by who knows what, where one factor counts", rule: keys, req: proved(pwd), s: trustedBy("", 0, having(hasKey)), want: mfa.Ask, reason: mfa.ReasonAlways, factors: kinds(mfa.KindWebAuthn)},
		{name: "trusted by who knows what, where all count", rule: trust, req: proved(pwd), s: trustedBy("", 0, having(hasTOTP)), want: mfa.Allow, reason: mfa.ReasonTrusted},
		{name: "trusted in a new context by a factor that does not count", rule: with(keys, func(r *mfa.Rule) { r.Mode = mfa.Contextual }), req: proved(pwd), s: trustedBy(mfa.KindTOTP, 0, having(hasKey)), want: mfa.Ask, reason: "device", factors: kinds(mfa.KindWebAuthn)},
		{name: "trusted but impossible", rule: trust, req: proved(pwd), s: trusted(from(sydney, having(hasTOTP), seen...)), want: mfa.Ask, reason: mfa.ReasonAlways, factors: kinds(mfa.KindTOTP)},

		{name: "known context", rule: ctxRule, req: client(known, proved(pwd)), s: from(zurich, having(hasTOTP), seen...), want: mfa.Allow, reason: mfa.ReasonKnown},
		{name: "nobody was ever seen", rule: ctxRule, req: client(known, proved(pwd)), s: from(zurich, having(hasTOTP)), want: mfa.Ask, reason: "browser", factors: kinds(mfa.KindTOTP)},
		{name: "new browser", rule: ctxRule, req: client(mfa.Client{Addr: known.Addr, Browser: "curl"}, proved(pwd)), s: from(zurich, having(hasTOTP), seen...), want: mfa.Ask, reason: "browser", factors: kinds(mfa.KindTOTP)},
		{name: "new network", rule: ctxRule, req: client(mfa.Client{Addr: netip.MustParseAddr("2001:db8::1"), Browser: known.Browser}, proved(pwd)), s: from(zurich, having(hasTOTP), seen...), want: mfa.Ask, reason: "network", factors: kinds(mfa.KindTOTP)},
		{name: "new place and impossible", rule: ctxRule, req: client(known, proved(pwd)), s: from(sydney, having(hasTOTP), seen...), want: mfa.Ask, reason: "place", factors: kinds(mfa.KindTOTP)},
		{name: "trusted goes anywhere", rule: with(ctxRule, func(r *mfa.Rule) { r.Trust = time.Hour }), req: client(mfa.Client{}, proved(pwd)), s: trusted(from(zurich, having(hasTOTP), seen...)), want: mfa.Allow, reason: mfa.ReasonTrusted},
		{name: "trusted does not travel impossibly", rule: with(ctxRule, func(r *mfa.Rule) { r.Trust = time.Hour }), req: client(mfa.Client{}, proved(pwd)), s: trusted(from(sydney, having(hasTOTP), seen...)), want: mfa.Ask, reason: "travel", factors: kinds(mfa.KindTOTP)},
		{name: "a new device by default", rule: mfa.Rule{Mode: mfa.Contextual}, req: client(known, proved(pwd)), s: from(zurich, having(hasTOTP), seen...), want: mfa.Ask, reason: "device", factors: kinds(mfa.KindTOTP)},
		{name: "a place that could not be had", rule: mfa.Rule{Mode: mfa.Contextual, Watch: []mfa.Signal{mfa.SignalPlace}}, req: client(known, proved(pwd)), s: lost(from(mfa.Place{}, having(hasTOTP), mfa.Sighting{At: noon})), want: mfa.Ask, reason: "place", factors: kinds(mfa.KindTOTP)},
		{name: "a place that nobody knows, again", rule: mfa.Rule{Mode: mfa.Contextual, Watch: []mfa.Signal{mfa.SignalPlace}}, req: client(known, proved(pwd)), s: from(mfa.Place{}, having(hasTOTP), mfa.Sighting{At: noon}), want: mfa.Allow, reason: mfa.ReasonKnown},
		{name: "travel that cannot be told", rule: travel, req: client(known, proved(pwd)), s: lost(from(mfa.Place{}, having(hasTOTP), seen...)), want: mfa.Ask, reason: "travel", factors: kinds(mfa.KindTOTP)},
		{name: "travel from where nobody knows", rule: travel, req: client(known, proved(pwd)), s: lost(from(mfa.Place{}, having(hasTOTP), mfa.Sighting{At: noon})), want: mfa.Allow, reason: mfa.ReasonKnown},
		{name: "travel by way of where nobody knows", rule: travel, req: client(known, proved(pwd)), s: from(sydney, having(hasTOTP), mfa.Sighting{At: noon}, seen[0]), want: mfa.Ask, reason: "travel", factors: kinds(mfa.KindTOTP)},
		{name: "travel of who never was anywhere", rule: travel, req: client(known, proved(pwd)), s: from(sydney, having(hasTOTP)), want: mfa.Ask, reason: "travel", factors: kinds(mfa.KindTOTP)},
		{name: "travel of who has not been anywhere for long", rule: travel, req: client(known, proved(pwd)), s: from(zurich, having(hasTOTP), mfa.Sighting{At: noon.Add(-91 * 24 * time.Hour)}), want: mfa.Ask, reason: "travel", factors: kinds(mfa.KindTOTP)},
		{name: "trusted, but nobody can tell where", rule: trust, req: proved(pwd), s: lost(trusted(from(mfa.Place{}, having(hasTOTP), seen...))), want: mfa.Ask, reason: mfa.ReasonAlways, factors: kinds(mfa.KindTOTP)},

		{name: "risk denies", rule: mfa.Rule{RiskDeny: 9}, req: proved(pwd, otp), s: risky(9, having(hasTOTP)), want: mfa.Block, reason: mfa.ReasonRisk},
		{name: "risk asks", rule: mfa.Rule{Mode: mfa.Never, RiskChallenge: 5}, req: proved(pwd), s: risky(5, having(hasTOTP)), want: mfa.Ask, reason: mfa.ReasonRisk, factors: kinds(mfa.KindTOTP)},
		{name: "risk below", rule: mfa.Rule{Mode: mfa.Never, RiskChallenge: 5}, req: proved(pwd), s: risky(4, having(hasTOTP)), want: mfa.Allow, reason: mfa.ReasonNever},
		{name: "risk unknown", rule: mfa.Rule{Mode: mfa.Never, RiskChallenge: 5}, req: proved(pwd), s: risky(-1, having(hasTOTP)), want: mfa.Ask, reason: mfa.ReasonRiskUnknown, factors: kinds(mfa.KindTOTP)},
		{name: "risk unknown where it denies", rule: mfa.Rule{Mode: mfa.Never, RiskDeny: 5}, req: proved(pwd), s: risky(-1, having(hasTOTP)), want: mfa.Ask, reason: mfa.ReasonRiskUnknown, factors: kinds(mfa.KindTOTP)},
		{name: "risk unknown where it denies, and a factor", rule: mfa.Rule{Mode: mfa.Never, RiskDeny: 5}, req: proved(pwd, otp), s: risky(-1, having(hasTOTP)), want: mfa.Allow, reason: mfa.ReasonProved},
		{name: "risk unknown where nobody asks", rule: mfa.Rule{Mode: mfa.Never}, req: proved(pwd), s: risky(-1, having(hasTOTP)), want: mfa.Allow, reason: mfa.ReasonNever},

		{name: "no factor: block", req: proved(pwd), s: having(), want: mfa.Block, reason: mfa.ReasonNoFactor},
		{name: "no factor: allow", rule: noFactor(mfa.ActAllow), req: proved(pwd), s: having(), want: mfa.Allow, reason: mfa.ReasonNoFactor},
		{name: "no factor: mail", rule: noFactor(mfa.ActMail), req: proved(pwd), s: having(), want: mfa.Ask, reason: mfa.ReasonAlways, factors: kinds(mfa.KindMail)},
		{name: "no factor: mail given", rule: noFactor(mfa.ActMail), req: proved(pwd, mail), s: having(), want: mfa.Allow, reason: mfa.ReasonProved},
		{name: "no factor: mail, though the rule names others", rule: mfa.Rule{Factors: kinds(mfa.KindWebAuthn), NoFactor: mfa.NoFactor{Action: mfa.ActMail}}, req: proved(pwd), s: having(), want: mfa.Ask, reason: mfa.ReasonAlways, factors: kinds(mfa.KindMail)},
		{name: "no factor: one mailbox twice", rule: noFactor(mfa.ActMail), req: proved(link, mail), s: having(), want: mfa.Ask, reason: mfa.ReasonNotCounted, factors: kinds(mfa.KindMail)},
		{name: "mail is not for those who have a factor", rule: noFactor(mfa.ActMail), req: proved(pwd, mail), s: having(hasTOTP), want: mfa.Ask, reason: mfa.ReasonNotCounted, factors: kinds(mfa.KindTOTP)},
		{name: "mail in grace", rule: mailGrace, req: since(noon, proved(pwd)), s: having(), want: mfa.Ask, reason: mfa.ReasonGrace, factors: kinds(mfa.KindMail)},
		{name: "mail given in grace", rule: mailGrace, req: since(noon, proved(pwd, mail)), s: having(), want: mfa.MustEnrol, reason: mfa.ReasonGrace},
		{name: "another fallback given in grace", rule: mailGrace, req: since(noon, proved(pwd, link)), s: having(), want: mfa.Ask, reason: mfa.ReasonGrace, factors: kinds(mfa.KindMail)},
		{name: "one mailbox twice in grace", rule: mailGrace, req: since(noon, proved(link, mail)), s: having(), want: mfa.Ask, reason: mfa.ReasonGrace, factors: kinds(mfa.KindMail)},
		{name: "mail after grace", rule: mailGrace, req: since(noon.Add(-24*time.Hour), proved(pwd, mail)), s: having(), want: mfa.MustEnrol, reason: mfa.ReasonNoFactor},
		{name: "mail in grace to who has no address", rule: mailGrace, req: since(noon, proved(pwd)), s: mfa.Standing{Factors: allFactors[:2], Now: noon}, want: mfa.MustEnrol, reason: mfa.ReasonNoFactor},
		{name: "mail in grace is not for those who have a factor", rule: mailGrace, req: since(noon, proved(pwd, mail)), s: having(hasTOTP), want: mfa.Ask, reason: mfa.ReasonNotCounted, factors: kinds(mfa.KindTOTP)},
		{name: "mail in grace is not for those who have a weaker one", rule: with(mailGrace, func(r *mfa.Rule) { r.Require = mfa.PhishingResistant }), req: since(noon, proved(pwd, mail)), s: having(hasTOTP), want: mfa.Ask, reason: mfa.ReasonGrace, factors: kinds(mfa.KindTOTP)},
		{name: "a factor after mail in grace", rule: mailGrace, req: since(noon, proved(pwd, mail, otp)), s: having(hasTOTP), want: mfa.Allow, reason: mfa.ReasonProved},
		{name: "mail in grace, though nobody knows since when", rule: mailGrace, req: proved(pwd, mail), s: having(), want: mfa.MustEnrol, reason: mfa.ReasonNoFactor},
		{name: "no factor: enrol", rule: noFactor(mfa.ActEnrol), req: proved(pwd), s: having(), want: mfa.MustEnrol, reason: mfa.ReasonNoFactor},
		{name: "no factor: enrol later", rule: enrolGrace, req: since(noon.Add(-time.Hour), proved(pwd)), s: having(), want: mfa.MustEnrol, reason: mfa.ReasonGrace},
		{name: "grace is over", rule: enrolGrace, req: since(noon.Add(-24*time.Hour), proved(pwd)), s: having(), want: mfa.MustEnrol, reason: mfa.ReasonNoFactor},
		{name: "grace of nobody knows when", rule: enrolGrace, req: proved(pwd), s: having(), want: mfa.MustEnrol, reason: mfa.ReasonNoFactor},
		{name: "a factor that does not count is no advantage", rule: mfa.Rule{Factors: kinds(mfa.KindWebAuthn), NoFactor: mfa.NoFactor{Action: mfa.ActAllow}}, req: proved(pwd), s: having(hasTOTP), want: mfa.Block, reason: mfa.ReasonNoFactor},
		{name: "a weaker factor in grace", rule: with(enrolGrace, func(r *mfa.Rule) { r.Require = mfa.PhishingResistant }), req: since(noon, proved(pwd)), s: having(hasTOTP), want: mfa.Ask, reason: mfa.ReasonGrace, factors: kinds(mfa.KindTOTP)},
		{name: "a weaker factor proved in grace", rule: with(enrolGrace, func(r *mfa.Rule) { r.Require = mfa.PhishingResistant }), req: since(noon, proved(pwd, otp)), s: having(hasTOTP), want: mfa.MustEnrol, reason: mfa.ReasonGrace},
		{name: "a weaker factor that is gone in grace", rule: with(enrolGrace, func(r *mfa.Rule) { r.Require = mfa.PhishingResistant }), req: since(noon, proved(pwd, by("gone", otp))), s: having(hasTOTP), want: mfa.Ask, reason: mfa.ReasonGrace, factors: kinds(mfa.KindTOTP)},
		{name: "one weaker factor and a fallback in grace", rule: with(enrolGrace, func(r *mfa.Rule) { r.Require = mfa.PhishingResistant }), req: since(noon, proved(pass, mail)), s: having(hasPass), want: mfa.Ask, reason: mfa.ReasonGrace, factors: kinds(mfa.KindPass)},
		{name: "a weaker factor after grace", rule: with(enrolGrace, func(r *mfa.Rule) { r.Require = mfa.PhishingResistant }), req: proved(pwd), s: having(hasTOTP), want: mfa.MustEnrol, reason: mfa.ReasonNoFactor, factors: kinds(mfa.KindTOTP)},
		{name: "an expired record is none", req: proved(pwd), s: having(mfa.Record{Kind: mfa.KindTOTP, ExpiresAt: noon}), want: mfa.Block, reason: mfa.ReasonNoFactor},
		{name: "recovery codes", req: proved(pwd), s: having(hasPaper), want: mfa.Ask, reason: mfa.ReasonAlways, factors: kinds(mfa.KindRecovery)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, err := mfa.NewPolicy(mfa.PolicyConfig{Default: c.rule})
			if err != nil {
				t.Fatal(err)
			}
			d := p.Decide(c.req, c.s)
			has := slices.ContainsFunc(d.Reasons, func(r mfa.Reason) bool { return r.Code == c.reason })
			if d.Outcome != c.want || !has || !slices.Equal(d.Factors, c.factors) {
				t.Errorf("got %+v", d)
			}
			if d.Deferrable != (d.Outcome == mfa.MustEnrol && c.reason == mfa.ReasonGrace) {
				t.Errorf("deferrable: %+v", d)
			}
			b, err := json.Marshal(d)
			var back mfa.Decision
			if err != nil || json.Unmarshal(b, &back) != nil || !reflect.DeepEqual(back, d) {
				t.Errorf("decision %s is not data: %v", b, err)
			}
		})
	}
}

func kinds(k ...mfa.Kind) []mfa.Kind { return k }

func proved(e ...mfa.Evidence) mfa.Request {
	return mfa.Request{Subject: alice, Authenticated: e}
}

func having(r ...mfa.Record) mfa.Standing {
	return mfa.Standing{Factors: allFactors, Records: r, Now: noon}
}

func trusted(s mfa.Standing) mfa.Standing { return trustedBy(mfa.KindTOTP, 0, s) }

func trustedBy(k mfa.Kind, ago time.Duration, s mfa.Standing) mfa.Standing {
	s.Trusted = &mfa.Device{Kind: k, CreatedAt: noon.Add(-ago), ExpiresAt: noon.Add(time.Hour)}
	return s
}

func from(p mfa.Place, s mfa.Standing, seen ...mfa.Sighting) mfa.Standing {
	s.Place, s.Sightings = p, seen
	return s
}

func lost(s mfa.Standing) mfa.Standing { s.PlaceUnknown = true; return s }

func risky(n int, s mfa.Standing) mfa.Standing {
	s.Risk, s.RiskUnknown = max(n, 0), n < 0
	return s
}

func at(e mfa.Evidence, t time.Time) mfa.Evidence { e.At = t; return e }

func by(id string, e mfa.Evidence) mfa.Evidence { e.RecordID = id; return e }

func since(t time.Time, r mfa.Request) mfa.Request { r.Since = t; return r }

func client(c mfa.Client, r mfa.Request) mfa.Request { r.Client = c; return r }

func noFactor(a mfa.Action) mfa.Rule { return mfa.Rule{NoFactor: mfa.NoFactor{Action: a}} }

func TestRulesMatch(t *testing.T) {
	t.Parallel()
	office := mfa.Zone{Name: "office", Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}}
	for _, c := range []struct {
		name string
		rule mfa.Rule
		req  mfa.Request
		s    mfa.Standing
		want bool
	}{
		{name: "no conditions", want: true},
		{name: "in a group", rule: mfa.Rule{Groups: []string{"a", "b"}}, req: mfa.Request{Groups: []string{"x", "b"}}, want: true},
		{name: "in no group", rule: mfa.Rule{Groups: []string{"a"}}, req: mfa.Request{Groups: []string{"A"}}},
		{name: "the resource", rule: mfa.Rule{Resources: []mfa.Resource{{Kind: "app", ID: "1"}}}, req: mfa.Request{Resource: mfa.Resource{Kind: "app", ID: "1"}}, want: true},
		{name: "another resource", rule: mfa.Rule{Resources: []mfa.Resource{{Kind: "app", ID: "1"}}}, req: mfa.Request{Resource: mfa.Resource{Kind: "app", ID: "2"}}},
		{name: "any of the kind", rule: mfa.Rule{Resources: []mfa.Resource{{Kind: "app"}}}, req: mfa.Request{Resource: mfa.Resource{Kind: "app", ID: "2"}}, want: true},
		{name: "of another kind", rule: mfa.Rule{Resources: []mfa.Resource{{Kind: "app"}}}, req: mfa.Request{Resource: mfa.Resource{Kind: "role", ID: "2"}}},
		{name: "in the zone", rule: mfa.Rule{Zones: []string{"office"}}, req: addr("192.0.2.1"), want: true},
		{name: "in the zone, mapped", rule: mfa.Rule{Zones: []string{"office"}}, req: addr("::ffff:192.0.2.1"), want: true},
		{name: "in the zone by v6", rule: mfa.Rule{Zones: []string{"office"}}, req: addr("2001:db8::1%eth0"), want: true},
		{name: "not in the zone", rule: mfa.Rule{Zones: []string{"office"}}, req: addr("198.51.100.1")},
		{name: "address unknown", rule: mfa.Rule{Zones: []string{"office"}}},
		{name: "outside", rule: mfa.Rule{OutsideZones: []string{"office"}}, req: addr("198.51.100.1"), want: true},
		{name: "outside, address unknown", rule: mfa.Rule{OutsideZones: []string{"office"}}, want: true},
		{name: "not outside", rule: mfa.Rule{OutsideZones: []string{"office"}}, req: addr("192.0.2.1")},
		{name: "in the country", rule: mfa.Rule{Zones: []string{"dach"}}, s: mfa.Standing{Place: zurich}, want: true},
		{name: "country unknown", rule: mfa.Rule{Zones: []string{"dach"}}},
		{name: "outside the country", rule: mfa.Rule{OutsideZones: []string{"dach"}}, s: mfa.Standing{Place: sydney}, want: true},
		{name: "not outside the country", rule: mfa.Rule{OutsideZones: []string{"dach"}}, s: mfa.Standing{Place: zurich}},
		{name: "outside, country unknown", rule: mfa.Rule{OutsideZones: []string{"dach"}}, want: true},
		{name: "in time", rule: mfa.Rule{Times: []mfa.Window{{From: "12:00", To: "13:00"}}}, want: true},
		{name: "too late", rule: mfa.Rule{Times: []mfa.Window{{From: "11:00", To: "12:00"}}}},
		{name: "on the day", rule: mfa.Rule{Times: []mfa.Window{{Days: []time.Weekday{time.Monday}}}}, want: true},
		{name: "on another day", rule: mfa.Rule{Times: []mfa.Window{{Days: []time.Weekday{time.Sunday}}}}},
		{name: "over midnight", rule: mfa.Rule{Times: []mfa.Window{{Days: []time.Weekday{time.Sunday}, From: "22:00", To: "12:30"}}}, want: true},
		{name: "elsewhere", rule: mfa.Rule{Times: []mfa.Window{{From: "13:00", To: "24:00", Location: "Europe/Zurich"}}}, want: true},
		{name: "all must hold", rule: mfa.Rule{Groups: []string{"a"}, Zones: []string{"office"}}, req: addr("192.0.2.1")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rule := c.rule
			rule.Name = "rule"
			p, err := mfa.NewPolicy(mfa.PolicyConfig{
				Zones: []mfa.Zone{office, {Name: "dach", Countries: []string{"DE", "AT", "CH"}}}, Rules: []mfa.Rule{rule},
			})
			if err != nil {
				t.Fatal(err)
			}
			c.s.Now = noon
			if d := p.Decide(c.req, c.s); (d.Rule == "rule") != c.want {
				t.Errorf("rule %q decided", d.Rule)
			}
		})
	}
}

func addr(s string) mfa.Request {
	return mfa.Request{Client: mfa.Client{Addr: netip.MustParseAddr(s)}}
}

func TestFirstRuleDecides(t *testing.T) {
	t.Parallel()
	p, err := mfa.NewPolicy(mfa.PolicyConfig{Rules: []mfa.Rule{
		{Name: "admins", Groups: []string{"admins"}, Require: mfa.PhishingResistant},
		{Name: "all", Mode: mfa.Never},
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := proved(pwd)
	r.Groups = []string{"admins"}
	if d := p.Decide(r, having(hasKey)); d.Rule != "admins" || d.Outcome != mfa.Ask {
		t.Errorf("got %+v", d)
	}
	r.Groups = nil
	if d := p.Decide(r, having(hasKey)); d.Rule != "all" || d.Outcome != mfa.Allow {
		t.Errorf("got %+v", d)
	}
}

func TestUpstream(t *testing.T) {
	t.Parallel()
	p, err := mfa.NewPolicy(mfa.PolicyConfig{Default: mfa.Rule{Require: mfa.PhishingResistant}, Upstream: map[string]mfa.Upstream{
		"okta": {Classes: map[string]mfa.Strength{"urn:phr": mfa.PhishingResistant}, AMR: map[string]mfa.Strength{"otp": mfa.Any, "hwk": mfa.PhishingResistant}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		e    mfa.Evidence
		want mfa.Outcome
	}{
		"by class":             {mfa.Evidence{Source: "okta", Class: "urn:phr"}, mfa.Allow},
		"by method":            {mfa.Evidence{Source: "okta", AMR: []string{"pwd", "hwk"}}, mfa.Allow},
		"too weak":             {mfa.Evidence{Source: "okta", AMR: []string{"otp"}}, mfa.Ask},
		"not configured":       {mfa.Evidence{Source: "okta", AMR: []string{"mfa"}}, mfa.Ask},
		"an unknown source":    {mfa.Evidence{Source: "entra", AMR: []string{"hwk"}}, mfa.Ask},
		"its own claims":       {mfa.Evidence{Source: "okta", Factor: true, UserVerified: true, Strength: mfa.Attested}, mfa.Ask},
		"a class of no moment": {mfa.Evidence{Source: "okta", Class: ""}, mfa.Ask},
	} {
		c.e.Kind, c.e.At = "saml", noon
		if d := p.Decide(proved(c.e), having(hasKey)); d.Outcome != c.want {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestNewPolicyRefuses(t *testing.T) {
	t.Parallel()
	rule := func(r mfa.Rule) mfa.PolicyConfig { r.Name = "r"; return mfa.PolicyConfig{Rules: []mfa.Rule{r}} }
	for name, c := range map[string]mfa.PolicyConfig{
		"no name":          {Rules: []mfa.Rule{{}}},
		"name twice":       {Rules: []mfa.Rule{{Name: "a"}, {Name: "a"}}},
		"conditions":       {Default: mfa.Rule{Groups: []string{"x"}}},
		"zone name":        {Zones: []mfa.Zone{{}}},
		"zone empty":       {Zones: []mfa.Zone{{Name: "x"}}},
		"zone prefix":      {Zones: []mfa.Zone{{Name: "x", Prefixes: []netip.Prefix{{}}}}},
		"zone unknown":     rule(mfa.Rule{Zones: []string{"x"}}),
		"mode":             rule(mfa.Rule{Mode: "x"}),
		"action":           rule(mfa.Rule{NoFactor: mfa.NoFactor{Action: "x"}}),
		"strength":         rule(mfa.Rule{Require: 9}),
		"signal":           rule(mfa.Rule{Watch: []mfa.Signal{"x"}}),
		"negative":         rule(mfa.Rule{MaxAge: -1}),
		"negative risk":    rule(mfa.Rule{RiskDeny: -1}),
		"never strong":     rule(mfa.Rule{Mode: mfa.Never, Require: mfa.Attested}),
		"context step-up":  rule(mfa.Rule{Mode: mfa.Contextual, MaxAge: 1}),
		"trusted step-up":  rule(mfa.Rule{Trust: 1, MaxAge: 1}),
		"trusted strength": rule(mfa.Rule{Trust: 1, Require: mfa.Attested}),
		"trusted long":     rule(mfa.Rule{Trust: 91 * 24 * time.Hour}),
		"grace":            rule(mfa.Rule{NoFactor: mfa.NoFactor{Grace: 1}}),
		"strong mail":      rule(mfa.Rule{Require: mfa.Attested, NoFactor: mfa.NoFactor{Action: mfa.ActMail}}),
		"window time":      rule(mfa.Rule{Times: []mfa.Window{{From: "9"}}}),
		"window day":       rule(mfa.Rule{Times: []mfa.Window{{Days: []time.Weekday{7}}}}),
		"window place":     rule(mfa.Rule{Times: []mfa.Window{{Location: "Nowhere/At all"}}}),
		"upstream":         {Upstream: map[string]mfa.Upstream{"x": {AMR: map[string]mfa.Strength{"otp": 9}}}},
		"upstream class":   {Upstream: map[string]mfa.Upstream{"x": {Classes: map[string]mfa.Strength{"": 0}}}},
		"upstream name":    {Upstream: map[string]mfa.Upstream{"": {}}},
	} {
		if _, err := mfa.NewPolicy(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestNewPolicySaysWhy: what looks as if it protected and does not is refused
// by name.
func TestNewPolicySaysWhy(t *testing.T) {
	t.Parallel()
	for why, r := range map[string]mfa.Rule{
		"mode context has no Require":                 {Mode: mfa.Contextual, Require: mfa.PhishingResistant},
		"action allow goes round a Require above any": {Require: mfa.PhishingResistant, NoFactor: mfa.NoFactor{Action: mfa.ActAllow}},
	} {
		if _, err := mfa.NewPolicy(mfa.PolicyConfig{Default: r}); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
}

// TestEmptyLists: who empties a list does not mean everyone by it.
func TestEmptyLists(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"groups", "resources", "zones", "outsideZones", "times", "factors", "watch", "days"} {
		for value, want := range map[string]bool{"[]": false, "null": true} {
			member := fmt.Sprintf("%q:%s", list, value)
			if list == "days" {
				member = `"times":[{` + member + `}]`
			}
			var c mfa.PolicyConfig
			if err := json.Unmarshal([]byte(`{"rules":[{"name":"exempt",`+member+`}]}`), &c); err != nil {
				t.Fatal(err)
			}
			_, err := mfa.NewPolicy(c)
			if ok := err == nil; ok != want || !ok && !strings.Contains(err.Error(), `rule "exempt": a list is there and empty`) {
				t.Errorf("%s: %v", member, err)
			}
		}
	}
}

// TestPolicyOfMissingFactors: a kind that was mistyped would count for nobody.
func TestPolicyOfMissingFactors(t *testing.T) {
	t.Parallel()
	k, err := mfa.NewKeyring("1", map[string][]byte{"1": make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	missing := mfa.Rule{Name: "vpn", Factors: kinds("free", "radus")}
	mailed := noFactor(mfa.ActMail)
	mailed.Name = "newcomers"
	for name, c := range map[string]struct {
		policy mfa.PolicyConfig
		why    string
	}{
		"a rule":         {mfa.PolicyConfig{Rules: []mfa.Rule{missing}}, `rule "vpn" is for kind "radus"`},
		"the default":    {mfa.PolicyConfig{Default: missing}, `rule "vpn" is for kind "radus"`},
		"mail":           {mfa.PolicyConfig{Rules: []mfa.Rule{mailed}}, `rule "newcomers" is for kind "mail"`},
		"what there is":  {mfa.PolicyConfig{Default: mfa.Rule{Factors: kinds("free")}}, ""},
		"nothing at all": {mfa.PolicyConfig{}, ""},
	} {
		p, err := mfa.NewPolicy(c.policy)
		if err != nil {
			t.Fatal(err)
		}
		_, err = mfa.New(mfa.Config{Store: mfa.NewMemoryStore(1), Sealer: k, Factors: []mfa.Factor{free{}}, Policy: p})
		if (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestImpossibleTravel(t *testing.T) {
	t.Parallel()
	near := mfa.Place{Lat: 46.95, Lon: 7.45, Located: true} // Bern
	for name, c := range map[string]struct {
		from, to mfa.Place
		after    time.Duration
		want     bool
	}{
		"a day's flight":      {zurich, sydney, 24 * time.Hour, false},
		"an hour":             {zurich, sydney, time.Hour, true},
		"no time":             {zurich, sydney, 0, true},
		"time that ran back":  {zurich, sydney, -time.Hour, true},
		"too near to tell":    {zurich, near, 0, false},
		"from nowhere":        {mfa.Place{}, sydney, 0, false},
		"to nowhere":          {zurich, mfa.Place{Country: "AU"}, 0, false},
		"nonsense":            {zurich, mfa.Place{Lat: nan(), Located: true}, 0, false},
		"around the meridian": {mfa.Place{Lon: 179.5, Located: true}, mfa.Place{Lon: -179.5, Located: true}, 0, false},
	} {
		kmh, got := mfa.ImpossibleTravel(c.from, noon, c.to, noon.Add(c.after), mfa.MaxTravelKmh)
		if got != c.want {
			t.Errorf("%s: %v at %.0f km/h", name, got, kmh)
		}
	}
}

func nan() float64 { var z float64; return z / z }

type geo map[string]mfa.Place

func (g geo) Locate(_ context.Context, a netip.Addr) (mfa.Place, error) {
	if g == nil {
		return mfa.Place{}, errors.New("no database")
	}
	return g[a.String()], nil
}

type risk struct{ err error }

func (r risk) Score(context.Context, mfa.Request) (int, string, error) {
	return 7, "leaked password", r.err
}

func TestFlowDecides(t *testing.T) {
	t.Parallel()
	p, err := mfa.NewPolicy(mfa.PolicyConfig{Default: mfa.Rule{Mode: mfa.Contextual, Trust: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(c *mfa.Config) {
		c.Policy, c.Geo = p, geo{"192.0.2.7": zurich, "203.0.113.9": sydney}
	})
	ctx := t.Context()
	d := r.enrolTOTP()
	home := mfa.Client{Addr: netip.MustParseAddr("192.0.2.7"), Device: "laptop", Browser: "Firefox on Linux"}
	decide := func(c mfa.Client, want mfa.Outcome, reason mfa.ReasonCode) {
		t.Helper()
		got, err := r.flow.Decide(ctx, mfa.Request{Subject: alice, Client: c, Authenticated: r.password()})
		has := slices.ContainsFunc(got.Reasons, func(r mfa.Reason) bool { return r.Code == reason })
		if err != nil || got.Outcome != want || !has {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	decide(home, mfa.Ask, "device")
	ch := r.begin(mfa.KindTOTP)
	res, err := r.flow.Finish(ctx, ch.ID, mfa.Answer{Session: session, Client: home, Data: []byte(d.Code(r.clock()))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, dev, err := r.flow.TrustDevice(ctx, res, "my laptop", 30*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	decide(home, mfa.Allow, mfa.ReasonKnown)
	decide(mfa.Client{Addr: home.Addr, Device: "another", Browser: home.Browser}, mfa.Ask, "device")
	away := mfa.Client{Addr: netip.MustParseAddr("192.0.3.1"), TrustToken: token}
	decide(away, mfa.Allow, mfa.ReasonTrusted)
	stranger := away
	stranger.TrustToken = token[1:] + "A"
	decide(stranger, mfa.Ask, "network")
	far := home
	far.Addr, far.TrustToken = netip.MustParseAddr("203.0.113.9"), token
	decide(far, mfa.Ask, "travel")
	if err := r.flow.RevokeDevice(ctx, mfa.Subject{Tenant: "acme", ID: "bob"}, dev.ID, "bob"); mfa.CheckOf(err) != mfa.CheckCredential {
		t.Errorf("revoke by another: %v", err)
	}
	if err := r.flow.RevokeDevice(ctx, alice, dev.ID, ""); err != nil {
		t.Fatal(err)
	}
	decide(away, mfa.Ask, "network")
	token, _, err = r.flow.TrustDevice(ctx, res, "my laptop", 30*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	r.pass(30 * time.Minute)
	away.TrustToken = token
	decide(away, mfa.Ask, "network")
}

// TestKnownContext: a proof that is no second factor makes no context known.
func TestKnownContext(t *testing.T) {
	t.Parallel()
	p, err := mfa.NewPolicy(mfa.PolicyConfig{Default: mfa.Rule{Mode: mfa.Contextual}})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(c *mfa.Config) { c.Policy = p })
	ctx := t.Context()
	r.enrolTOTP()
	_, pass := r.provision("")
	thief := mfa.Client{Device: "thief", Browser: "curl", Addr: netip.MustParseAddr("192.0.2.1")}
	decide := func(want mfa.Outcome) {
		t.Helper()
		d, err := r.flow.Decide(ctx, mfa.Request{Subject: alice, Client: thief, Authenticated: r.password()})
		if err != nil || d.Outcome != want {
			t.Errorf("got %+v, %v", d, err)
		}
	}
	for _, k := range []mfa.Kind{mfa.KindPass, mfa.KindMagicLink, mfa.KindMail} {
		ch := r.begin(k)
		answer := pass
		if k != mfa.KindPass {
			_, token, _ := strings.Cut(r.last().Link, "#")
			answer = r.last().Code + token
		}
		if _, err := r.flow.Finish(ctx, ch.ID, mfa.Answer{Session: session, Client: thief, Data: []byte(answer)}, nil); err != nil {
			t.Fatal(k, err)
		}
		decide(mfa.Ask)
	}
	saw := func(c mfa.Client, o mfa.Outcome, code mfa.ReasonCode, k mfa.Kind) {
		t.Helper()
		d := mfa.Decision{Outcome: o, Reasons: []mfa.Reason{{Code: code, Detail: string(k)}}}
		if err := r.flow.Saw(ctx, alice, c, d); err != nil {
			t.Fatal(err)
		}
	}
	saw(thief, mfa.MustEnrol, mfa.ReasonGrace, "")
	saw(thief, mfa.Allow, mfa.ReasonNever, "")
	saw(thief, mfa.Allow, mfa.ReasonNoFactor, "allow")
	saw(thief, mfa.Allow, mfa.ReasonProved, mfa.KindMail)
	saw(thief, mfa.Ask, mfa.ReasonAlways, "")
	saw(mfa.Client{}, mfa.Allow, mfa.ReasonKnown, "")
	decide(mfa.Ask)
	saw(thief, mfa.Allow, mfa.ReasonProved, mfa.KindTOTP)
	decide(mfa.Allow)
}

// TestContextEnds: no known context outlives what made it known.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	home := mfa.Client{Device: "laptop", Browser: "Firefox on Linux", Addr: netip.MustParseAddr("192.0.2.1")}
	for name, end := range map[string]func(context.Context, *rig, mfa.Record) error{
		"a password changed": func(ctx context.Context, r *rig, _ mfa.Record) error {
			return r.flow.RevokeDevices(ctx, alice, "alice")
		},
		"a device revoked": func(ctx context.Context, r *rig, _ mfa.Record) error {
			ch := r.begin(mfa.KindSMS)
			res, err := r.finish(ch.ID, r.last().Code)
			if err != nil {
				return err
			}
			_, d, err := r.flow.TrustDevice(ctx, res, "laptop", time.Hour)
			return errors.Join(err, r.flow.RevokeDevice(ctx, alice, d.ID, "alice"))
		},
		"a factor enrolled": func(_ context.Context, r *rig, _ mfa.Record) error {
			r.enrolRecovery()
			return nil
		},
		"a factor removed": func(ctx context.Context, r *rig, rec mfa.Record) error {
			r.enrolTOTP()
			r.see(home)
			return r.flow.Remove(ctx, mfa.ChangeInput{Subject: alice, RecordID: rec.ID, Authenticated: r.fresh()}, nil)
		},
		"factors reset": func(ctx context.Context, r *rig, rec mfa.Record) error {
			r.enrolTOTP()
			r.see(home)
			return r.flow.Reset(ctx, mfa.ResetInput{Subject: alice, RecordID: rec.ID, Actor: "admin"}, nil)
		},
		"90 days": func(_ context.Context, r *rig, _ mfa.Record) error {
			r.pass(90*24*time.Hour + time.Microsecond)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := mfa.NewPolicy(mfa.PolicyConfig{Default: mfa.Rule{Mode: mfa.Contextual}})
			if err != nil {
				t.Fatal(err)
			}
			r := newRig(t, func(c *mfa.Config) { c.Policy = p })
			ch := r.beginEnrol(mfa.KindSMS, `{"number":"+41441234567"}`)
			rec, err := r.finishEnrol(ch.ID, r.last().Code)
			if err != nil {
				t.Fatal(err)
			}
			r.see(home)
			if err := end(t.Context(), r, rec); err != nil {
				t.Fatal(err)
			}
			d, err := r.flow.Decide(t.Context(), mfa.Request{Subject: alice, Client: home, Authenticated: r.password()})
			if err != nil || d.Outcome != mfa.Ask || d.Reasons[0].Code != mfa.ReasonCode(mfa.SignalDevice) {
				t.Errorf("got %+v, %v", d, err)
			}
		})
	}
}

// see makes a context known and looks that it is.
func (r *rig) see(c mfa.Client) {
	r.t.Helper()
	known := mfa.Decision{Outcome: mfa.Allow, Reasons: []mfa.Reason{{Code: mfa.ReasonKnown}}}
	if err := r.flow.Saw(r.t.Context(), alice, c, known); err != nil {
		r.t.Fatal(err)
	}
	d, err := r.flow.Decide(r.t.Context(), mfa.Request{Subject: alice, Client: c, Authenticated: r.password()})
	if err != nil || d.Outcome != mfa.Allow || d.Reasons[0].Code != mfa.ReasonKnown {
		r.t.Fatalf("the context is not known: %+v, %v", d, err)
	}
}

func TestDevices(t *testing.T) {
	t.Parallel()
	p, err := mfa.NewPolicy(mfa.PolicyConfig{Default: mfa.Rule{Trust: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(c *mfa.Config) { c.Policy = p })
	ctx := t.Context()
	d := r.enrolTOTP()
	ch := r.begin(mfa.KindTOTP)
	res, err := r.finish(ch.ID, d.Code(r.clock()))
	if err != nil {
		t.Fatal(err)
	}
	var token string
	for i := range 25 {
		r.pass(time.Second)
		if token, _, err = r.flow.TrustDevice(ctx, res, fmt.Sprint(i), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	devices, err := r.flow.Devices(ctx, alice)
	if err != nil || len(devices) != 20 || devices[0].Name != "24" {
		t.Errorf("%d devices, %v", len(devices), err)
	}
	r.pass(time.Minute)
	got, err := r.flow.Decide(ctx, mfa.Request{Subject: alice, Client: mfa.Client{TrustToken: token}, Authenticated: r.password()})
	if err != nil || got.Outcome != mfa.Allow {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := r.flow.Saw(ctx, alice, mfa.Client{TrustToken: token}, got); err != nil {
		t.Fatal(err)
	}
	if devices, _ = r.flow.Devices(ctx, alice); !devices[0].UsedAt.Equal(r.clock()) {
		t.Error("last use of a device is not kept")
	}
	bob := mfa.Request{Subject: mfa.Subject{Tenant: "acme", ID: "bob"}, Client: mfa.Client{TrustToken: token}}
	if got, err := r.flow.Decide(ctx, bob); err != nil || got.Outcome == mfa.Allow {
		t.Errorf("another person with the token: %+v, %v", got, err)
	}
	if err := r.flow.RevokeDevices(ctx, alice, "password changed"); err != nil {
		t.Fatal(err)
	}
	if devices, _ = r.flow.Devices(ctx, alice); len(devices) != 0 {
		t.Errorf("devices %v", devices)
	}
	for name, f := range map[string]func() error{
		"no time":  func() error { _, _, err := r.flow.TrustDevice(ctx, res, "", 0); return err },
		"too long": func() error { _, _, err := r.flow.TrustDevice(ctx, res, "", 100*24*time.Hour); return err },
		"nobody":   func() error { _, _, err := r.flow.TrustDevice(ctx, mfa.Result{}, "", time.Hour); return err },
		"a bad name": func() error {
			_, _, err := r.flow.TrustDevice(ctx, res, strings.Repeat("x", 99), time.Hour)
			return err
		},
	} {
		if f() == nil {
			t.Errorf("%s: trusted", name)
		}
	}
}

// TestTrustNeedsProof: a browser is trusted by a second factor that was proved
// just now and is still there, and for no longer than that is good for.
func TestTrustNeedsProof(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prove func(*rig) mfa.Result
		after func(*rig)
		want  mfa.Check
		until time.Duration
	}{
		"a second factor": {prove: byTOTP, until: 2 * time.Hour},
		"a pass that ends sooner": {prove: func(r *rig) mfa.Result {
			_, pass := r.provision("")
			return r.proveWith(mfa.KindPass, mfa.Second, pass)
		}, until: time.Hour},
		"a first factor alone": {prove: func(r *rig) mfa.Result {
			_, pass := r.provision("")
			return r.proveWith(mfa.KindPass, mfa.First, pass)
		}, want: mfa.CheckStrength},
		"a fallback":             {prove: func(r *rig) mfa.Result { return r.proveWith(mfa.KindMail, mfa.Second, "") }, want: mfa.CheckStrength},
		"a proof of an hour ago": {prove: byTOTP, after: func(r *rig) { r.pass(time.Hour) }, want: mfa.CheckFresh},
		"a factor that was reset": {prove: byTOTP, after: func(r *rig) {
			if err := r.flow.Reset(r.t.Context(), mfa.ResetInput{Subject: alice, Actor: "admin"}, nil); err != nil {
				r.t.Fatal(err)
			}
		}, want: mfa.CheckCredential},
		"a pass for one use": {prove: func(r *rig) mfa.Result {
			_, pass := r.provision(`{"once":true}`)
			return r.proveWith(mfa.KindPass, mfa.Second, pass)
		}, want: mfa.CheckCredential},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			res := c.prove(r)
			if c.after != nil {
				c.after(r)
			}
			_, d, err := r.flow.TrustDevice(t.Context(), res, "laptop", 2*time.Hour)
			r.want(name, err, c.want)
			if err == nil && (!d.ExpiresAt.Equal(r.clock().Add(c.until)) || d.Kind != res.Kind) {
				t.Errorf("trusted until %v by %q", d.ExpiresAt, d.Kind)
			}
		})
	}
}

func byTOTP(r *rig) mfa.Result {
	return r.proveWith(mfa.KindTOTP, mfa.Second, r.enrolTOTP().Code(r.clock()))
}

// proveWith passes with an answer, by default with what was sent.
func (r *rig) proveWith(k mfa.Kind, p mfa.Purpose, answer string) mfa.Result {
	r.t.Helper()
	in := r.input(k)
	in.Purpose, in.Authenticated = p, r.password()
	ch, err := r.flow.Begin(r.t.Context(), in)
	if err != nil {
		r.t.Fatal(err)
	}
	if answer == "" {
		answer = r.last().Code
	}
	res, err := r.finish(ch.ID, answer)
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}

// TestAvailability: nobody is asked for a factor that does not reach them.
func TestAvailability(t *testing.T) {
	t.Parallel()
	p, err := mfa.NewPolicy(mfa.PolicyConfig{Default: mfa.Rule{NoFactor: mfa.NoFactor{Action: mfa.ActMail}}})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(c *mfa.Config) { c.Policy = p })
	for id, want := range map[string]mfa.Outcome{"alice": mfa.Ask, "": mfa.Block} {
		d, err := r.flow.Decide(t.Context(), mfa.Request{Subject: mfa.Subject{ID: id}, Authenticated: r.password()})
		if err != nil || d.Outcome != want {
			t.Errorf("%q: %+v, %v", id, d, err)
		}
	}
}

// TestHostileHeaders: what clients send is fit for any database.
func TestHostileHeaders(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.enrolTOTP()
	ch := r.begin(mfa.KindTOTP)
	bad := mfa.Client{Browser: strings.Repeat("\xff\x00\u202e", 10) + strings.Repeat("é", 100)}
	if _, err := r.flow.Finish(t.Context(), ch.ID, mfa.Answer{Session: session, Client: bad, Data: []byte(d.Code(r.clock()))}, nil); err != nil {
		t.Fatal(err)
	}
	seen, err := r.store.Sightings(t.Context(), alice)
	if err != nil || len(seen) != 1 || len(seen[0].Browser) > 100 || !utf8.ValidString(seen[0].Browser) || strings.ContainsAny(seen[0].Browser, "\x00\u202e") {
		t.Errorf("%+v, %v", seen, err)
	}
	for _, e := range r.events {
		if !utf8.ValidString(e.Browser) || len(e.Browser) > 100 || strings.Contains(e.Browser, "\x00") {
			t.Errorf("event of %q", e.Browser)
		}
	}
	r.want("a device of nonsense", r.flow.RevokeDevice(t.Context(), alice, "\x00", ""), mfa.CheckCredential)
}

// TestGeoFails: without places nobody is believed to be where they were.
func TestGeoFails(t *testing.T) {
	t.Parallel()
	p, err := mfa.NewPolicy(mfa.PolicyConfig{Default: mfa.Rule{Mode: mfa.Contextual, Watch: []mfa.Signal{mfa.SignalTravel}}})
	if err != nil {
		t.Fatal(err)
	}
	home := mfa.Client{Addr: netip.MustParseAddr("192.0.2.7"), Place: zurich}
	away := mfa.Client{Addr: netip.MustParseAddr("203.0.113.9")}
	for name, c := range map[string]struct {
		geo  mfa.Geo
		want mfa.Outcome
	}{
		"no geo":             {nil, mfa.Allow},
		"an unknown address": {geo{}, mfa.Allow},
		"down":               {geo(nil), mfa.Ask},
	} {
		r := newRig(t, func(cfg *mfa.Config) { cfg.Policy, cfg.Geo = p, c.geo })
		r.enrolTOTP()
		known := mfa.Decision{Outcome: mfa.Allow, Reasons: []mfa.Reason{{Code: mfa.ReasonKnown}}}
		if err := r.flow.Saw(t.Context(), alice, home, known); err != nil {
			t.Fatal(err)
		}
		d, err := r.flow.Decide(t.Context(), mfa.Request{Subject: alice, Client: away, Authenticated: r.password()})
		if err != nil || d.Outcome != c.want || c.want == mfa.Ask && d.Reasons[0].Code != mfa.ReasonCode(mfa.SignalTravel) {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
}

func TestRiskHook(t *testing.T) {
	t.Parallel()
	p, err := mfa.NewPolicy(mfa.PolicyConfig{Default: mfa.Rule{Mode: mfa.Never, RiskChallenge: 5, NoFactor: mfa.NoFactor{Action: mfa.ActEnrol}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, hook := range []risk{{}, {errors.New("down")}} {
		r := newRig(t, func(c *mfa.Config) { c.Policy, c.Risk = p, hook })
		d, err := r.flow.Decide(t.Context(), mfa.Request{Subject: alice})
		if err != nil || d.Outcome != mfa.MustEnrol {
			t.Errorf("%v: %+v, %v", hook.err, d, err)
		}
	}
}

// BenchmarkDecide1000Rules: the bar is 20 microseconds.
func BenchmarkDecide1000Rules(b *testing.B) {
	var rules []mfa.Rule
	var zones []mfa.Zone
	for i := range 50 {
		zones = append(zones, mfa.Zone{Name: fmt.Sprint(i), Prefixes: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), 0, 0}), 16)}})
	}
	for i := range 1000 {
		rules = append(rules, mfa.Rule{
			Name: fmt.Sprint(i), Groups: []string{fmt.Sprint("g", i), fmt.Sprint("h", i%7)},
			Resources: []mfa.Resource{{Kind: "app", ID: fmt.Sprint(i)}, {Kind: "role"}},
			Zones:     []string{fmt.Sprint(i % 50)}, Times: []mfa.Window{{From: "08:00", To: "18:00"}},
		})
	}
	p, err := mfa.NewPolicy(mfa.PolicyConfig{Rules: rules, Zones: zones})
	if err != nil {
		b.Fatal(err)
	}
	req := proved(pwd)
	req.Resource = mfa.Resource{Kind: "role", ID: "x"}
	req.Client.Addr = netip.MustParseAddr("192.0.2.1")
	for i := range 20 {
		req.Groups = append(req.Groups, fmt.Sprint("h", i))
	}
	s := having(hasTOTP, hasKey)
	b.ReportAllocs()
	for b.Loop() {
		if d := p.Decide(req, s); d.Rule != "default" {
			b.Fatal(d)
		}
	}
}
