// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"context"
	"maps"
	"slices"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/recovery"
	"github.com/gatehouse-id/gatehouse/mfa/totp"
	"github.com/gatehouse-id/gatehouse/mfa/webauthn"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/signin"
)

// DefaultMFAPolicy asks everybody for a factor always; whoever has none enrols
// the first one at sign-in, with a ticket.
func DefaultMFAPolicy() mfa.PolicyConfig {
	return mfa.PolicyConfig{Default: mfa.Rule{Mode: mfa.Always, NoFactor: mfa.NoFactor{Action: mfa.ActEnrol}}}
}

func (p *Portal) buildMFA() error {
	apps, err := totp.New(totp.Config{Issuer: p.c.Brand})
	if err != nil {
		return err
	}
	passkeys, err := webauthn.New(webauthn.Config{
		RPID: p.base.Hostname(), RPName: p.c.Brand, Origins: []string{p.base.Scheme + "://" + p.base.Host}, Key: p.keys.Derive("webauthn-fake"),
		ResidentKey: webauthn.Preferred,
	})
	if err != nil {
		return err
	}
	codes, err := recovery.New(recovery.Config{})
	if err != nil {
		return err
	}
	policy, err := p.policy()
	if err != nil {
		return err
	}
	p.mfa, err = mfa.New(mfa.Config{
		Store: p.c.MFA, Sealer: p.keys, Factors: []mfa.Factor{passkeys, apps, codes}, Policy: policy, OnEvent: p.mfaEvent, Now: p.now,
	})
	return err
}

// policy puts the administrators' rule before the organisation's: always a
// factor, and blocked without one, so that a stolen password of an
// administrator who has none cannot enrol one.
func (p *Portal) policy() (*mfa.Policy, error) {
	c := DefaultMFAPolicy()
	if p.c.MFAPolicy != nil {
		c = *p.c.MFAPolicy
	}
	c.Rules = append([]mfa.Rule{{
		Name: "administrators", Groups: []string{signin.AdministratorsGroup}, Mode: mfa.Always, NoFactor: mfa.NoFactor{Action: mfa.ActBlock},
	}}, c.Rules...)
	upstream, err := p.trustedUpstream()
	if err != nil {
		return nil, err
	}
	maps.Copy(upstream, c.Upstream)
	c.Upstream = upstream
	return mfa.NewPolicy(c)
}

// trustedUpstream are the sources that are trusted for named AuthnContext
// classes when the portal is made; a change needs a restart.
func (p *Portal) trustedUpstream() (map[string]mfa.Upstream, error) {
	out := map[string]mfa.Upstream{}
	sources, err := p.c.Store.Sources(context.Background())
	if err != nil {
		return nil, err
	}
	for _, s := range sources {
		if s.SAML == nil || len(s.SAML.TrustedContexts) == 0 {
			continue
		}
		classes := map[string]mfa.Strength{}
		for _, c := range s.SAML.TrustedContexts {
			classes[c] = mfa.Any
		}
		out[s.ID] = mfa.Upstream{Classes: classes}
	}
	return out, nil
}

var mfaEvents = map[mfa.EventType]audit.Type{
	mfa.EventPassed: audit.CredentialVerification, mfa.EventRefused: audit.CredentialVerification, mfa.EventLocked: audit.CredentialVerification,
	mfa.EventRecoveryUsed: audit.CredentialVerification, mfa.EventEnrolled: audit.FactorEnrolled,
	mfa.EventRemoved: audit.FactorRemoved, mfa.EventRemovedLast: audit.FactorRemoved, mfa.EventReset: audit.FactorRemoved,
	mfa.EventTicket: audit.EnrolmentTicket,
}

// mfaEvent records what the flow tells: effects in their transaction, refusals
// in one of their own.
func (p *Portal) mfaEvent(ctx context.Context, e mfa.Event) error {
	out := audit.Event{
		Type: mfaEvents[e.Type], Actor: e.Actor, Person: e.Subject.ID, Check: string(e.Check),
		Details: map[string]string{"event": string(e.Type), "factor": string(e.Kind), "record": e.RecordID, "purpose": string(e.Purpose), "note": e.Detail},
	}
	if out.Type == "" {
		out.Type = audit.Other
	}
	if out.Actor == "" {
		out.Actor = e.Subject.ID
	}
	if slices.Contains([]mfa.EventType{mfa.EventRefused, mfa.EventLocked}, e.Type) {
		out.Check = "mfa-" + out.Check
		p.audit.Refuse(ctx, out)
		return nil
	}
	return p.audit.Record(ctx, out)
}

func (p *Portal) buildSignIn() (err error) {
	p.signin, err = signin.New(signin.Config{
		Store: p.c.Store, Directory: p.dir, Sessions: p.sessions, MFA: p.mfa, Audit: p.audit, Sealer: p.keys, Key: p.keys.Derive("signin"), Now: p.now,
	})
	return err
}
