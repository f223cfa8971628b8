// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/seal"
	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/session"
)

// Pending describes a stored sign-in for the page that asks for its factor.
func (m *Machine) Pending(ctx context.Context, c Client, id string) (*Progress, error) {
	st, p, err := m.load(ctx, c, id)
	if err != nil {
		return nil, err
	}
	out := &Progress{Step: StepFactor, Flow: id, Person: p, Return: st.Return}
	if st.Purpose == mfa.StepUp {
		out.Kinds, err = m.kinds(ctx, p.ID)
		return out, err
	}
	d, err := m.decide(ctx, c, p, st.Evidence)
	out.Kinds, out.Trust = d.Factors, d.Trust
	return out, err
}

// kinds are the factors that the person has enrolled.
func (m *Machine) kinds(ctx context.Context, personID string) ([]mfa.Kind, error) {
	records, err := m.c.MFA.Records(ctx, mfa.Subject{ID: personID})
	var out []mfa.Kind
	for _, k := range m.c.MFA.Kinds() {
		for _, r := range records {
			if r.Kind == k {
				out = append(out, k)
				break
			}
		}
	}
	return out, err
}

// BeginFactor makes a challenge for a stored sign-in.
func (m *Machine) BeginFactor(ctx context.Context, c Client, id string, kind mfa.Kind) (*mfa.Challenge, error) {
	st, p, err := m.load(ctx, c, id)
	if err != nil {
		return nil, err
	}
	return m.c.MFA.Begin(ctx, mfa.BeginInput{
		Subject: mfa.Subject{ID: p.ID}, Kind: kind, Purpose: st.Purpose, Session: c.Browser, Client: c.mfa(), Authenticated: st.Evidence,
	})
}

// Factor judges the answer to a challenge of a stored sign-in. In one
// transaction it spends the factor and the sign-in, begins the session (or
// gives the running one a new id, for a step-up), and records it.
func (m *Machine) Factor(ctx context.Context, c Client, id, challenge string, answer []byte, cookie string) (*Progress, error) {
	st, err := m.flow(ctx, c, id)
	if err != nil {
		return nil, err
	}
	out := &Progress{Step: StepDone, Return: st.Return}
	res, err := m.c.MFA.Finish(ctx, challenge, mfa.Answer{Session: c.Browser, Data: answer, Client: c.mfa()}, func(ctx context.Context, r mfa.Result) (err error) {
		if r.Subject.ID != st.Person {
			return flowError("the challenge is another person's")
		}
		if out.Person, err = m.person(ctx, st); err != nil {
			return err
		}
		if _, err := m.c.Store.TakeFlow(ctx, seal.Hash(flowPurpose, id), m.c.Now()); errors.Is(err, ErrNotFound) {
			return flowError("finished meanwhile")
		} else if err != nil {
			return err
		}
		next := *st
		next.Evidence = append(append([]mfa.Evidence(nil), st.Evidence...), r.Evidence)
		if st.Purpose == mfa.StepUp {
			return m.rotate(ctx, next, cookie, out)
		}
		return m.finish(ctx, c, next, out)
	})
	if err != nil {
		return nil, err
	}
	out.Result = &res
	return out, nil
}

// Answer begins and finishes in one call, for factors whose challenge says
// nothing: a typed code.
func (m *Machine) Answer(ctx context.Context, c Client, id string, kind mfa.Kind, answer []byte, cookie string) (*Progress, error) {
	ch, err := m.BeginFactor(ctx, c, id, kind)
	if err != nil {
		return nil, err
	}
	return m.Factor(ctx, c, id, ch.ID, answer, cookie)
}

// finish begins the session if policy is content with what was proved, and a
// session for enrolment if it wants a factor that the person must add.
func (m *Machine) finish(ctx context.Context, c Client, st state, out *Progress) error {
	d, err := m.decide(ctx, c, out.Person, st.Evidence)
	if err != nil {
		return err
	}
	out.Trust = d.Trust
	switch {
	case d.Outcome == mfa.Allow || d.Outcome == mfa.MustEnrol && d.Deferrable:
		return m.begin(ctx, c, st, out, session.Full)
	case d.Outcome == mfa.MustEnrol:
		out.Step = StepEnrol
		return m.begin(ctx, c, st, out, session.Enrolment)
	}
	return &Error{
		Check: CheckFactor, Person: out.Person.ID, Err: errors.New("policy rule " + d.Rule + " is not content"),
		Public: "Policy asks for another factor than this one.",
	}
}

// BeginPasskey makes a challenge for a sign-in by passkey alone; the person is
// not known yet.
func (m *Machine) BeginPasskey(ctx context.Context, c Client) (*mfa.Challenge, error) {
	return m.c.MFA.Begin(ctx, mfa.BeginInput{Kind: mfa.KindWebAuthn, Purpose: mfa.First, Session: c.Browser, Client: c.mfa()})
}

// Passkey judges a sign-in by passkey alone.
func (m *Machine) Passkey(ctx context.Context, c Client, e Entry, challenge string, answer []byte) (*Progress, error) {
	out := &Progress{Step: StepDone, Return: e.Return}
	res, err := m.c.MFA.Finish(ctx, challenge, mfa.Answer{Session: c.Browser, Data: answer, Client: c.mfa()}, func(ctx context.Context, r mfa.Result) error {
		p, err := m.c.Directory.Store().Person(ctx, r.Subject.ID)
		if errors.Is(err, directory.ErrNotFound) || err == nil && !p.Enabled() {
			return &Error{Check: CheckDisabled, Public: publicCredentials, Person: r.Subject.ID}
		}
		if err != nil {
			return err
		}
		src, err := m.c.Directory.Store().Source(ctx, p.SourceID)
		if err != nil {
			return err
		}
		if src.Kind != directory.BuiltIn {
			// The source must vouch for its people at every sign-in.
			return &Error{Check: CheckSource, Public: "Sign in with " + src.Name + " first.", Person: p.ID}
		}
		out.Person = p
		return m.finish(ctx, c, state{Person: p.ID, Return: e.Return, Evidence: []mfa.Evidence{r.Evidence}}, out)
	})
	if err != nil {
		return nil, err
	}
	out.Result = &res
	return out, nil
}

// StepUp stores a step-up for a running session and returns its id.
func (m *Machine) StepUp(ctx context.Context, c Client, s *session.Session, returnTo string) (string, error) {
	if !SafeReturn(returnTo) {
		returnTo = ""
	}
	return m.store(ctx, c, state{
		Person: s.PersonID, Purpose: mfa.StepUp, Evidence: Evidence(s), Return: returnTo, Session: s.ID,
	})
}

// rotate gives the running session a new id and the new proof.
func (m *Machine) rotate(ctx context.Context, st state, cookie string, out *Progress) error {
	s, err := m.c.Sessions.Lookup(ctx, cookie)
	if errors.Is(err, session.ErrNotFound) || err == nil && s.ID != st.Session {
		return flowError("the session ended")
	}
	if err == nil && s.Level != session.Full {
		return flowError("a session for enrolment is not stepped up")
	}
	if err != nil {
		return err
	}
	return m.Strengthen(ctx, s, cookie, st.Evidence, session.Full, out)
}

// Strengthen gives a running session a new id with more evidence and a level,
// in the transaction of ctx, and fills in Cookie and Session.
func (m *Machine) Strengthen(ctx context.Context, s *session.Session, cookie string, evidence []mfa.Evidence, level session.Level, out *Progress) error {
	b, err := json.Marshal(evidence)
	if err != nil {
		return err
	}
	next := *s
	next.Evidence, next.AMR, next.MFATime, next.Level, next.LastSeen = b, amr(evidence), mfaTime(evidence), level, m.c.Now().UTC()
	if out.Cookie, err = m.c.Sessions.Rotate(ctx, cookie, &next); err != nil {
		return err
	}
	out.Session = &next
	return m.c.Audit.Record(ctx, audit.Event{
		Type: audit.UserAuthentication, Actor: s.PersonID, Person: s.PersonID, Source: s.SourceID,
		Details: map[string]string{"session": s.ID, "amr": joined(next.AMR), "level": string(level), "step": "up"},
	})
}

// Enrolled gives a running session a new id after its person added a factor,
// with what that proved, in the transaction of ctx. A session that reached
// enrolment only becomes a full one if policy is content now.
func (m *Machine) Enrolled(ctx context.Context, c Client, s *session.Session, cookie string, p *directory.Person, rec mfa.Record, out *Progress) error {
	if rec.Subject.ID != p.ID || s.PersonID != p.ID {
		return flowError("the enrolment is another person's")
	}
	evidence := Evidence(s)
	if proof, ok := rec.Proof(); ok {
		evidence = append(evidence, proof)
	}
	level := s.Level
	if level != session.Full {
		d, err := m.decide(ctx, c, p, evidence)
		if err != nil {
			return err
		}
		if d.Outcome == mfa.Allow || d.Outcome == mfa.MustEnrol && d.Deferrable {
			level = session.Full
		}
	}
	return m.Strengthen(ctx, s, cookie, evidence, level, out)
}

// Content reports whether policy would let the person in now with what the
// session has proved: it may ask for more of somebody who became an
// administrator since.
func (m *Machine) Content(ctx context.Context, c Client, s *session.Session, p *directory.Person) (bool, error) {
	d, err := m.decide(ctx, c, p, Evidence(s))
	return d.Outcome == mfa.Allow, err
}

// Evidence is what a session has proved.
func Evidence(s *session.Session) []mfa.Evidence {
	var out []mfa.Evidence
	if len(s.Evidence) == 0 || json.Unmarshal(s.Evidence, &out) != nil {
		return nil
	}
	return out
}

func mfaTime(evidence []mfa.Evidence) (latest time.Time) {
	for _, e := range evidence {
		if e.Factor && !e.Fallback && e.At.After(latest) {
			latest = e.At
		}
	}
	return latest
}

func amr(evidence []mfa.Evidence) []string {
	out, factors := []string{}, 0
	for _, e := range evidence {
		for _, a := range e.AMR {
			out = appendOnce(out, a)
		}
		factors++
		if e.UserVerified {
			factors++
		}
	}
	if factors > 1 {
		out = appendOnce(out, "mfa")
	}
	return out
}

func joined(list []string) string { return strings.Join(list, " ") }
