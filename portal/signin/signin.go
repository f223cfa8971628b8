// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package signin is the portal's sign-in as one state machine: identify,
// first factor, second factor, session.
//
// Start with [Machine.Password] and [Machine.Factor]. Before the first factor
// nothing is stored: what a sign-in must remember (where it leads, the name
// typed) travels sealed as an [Entry]. Between first and second factor it is
// one row, bound to the browser by a cookie and taken once. A session begins
// in the transaction that spends the factor, with its event, or not at all.
//
// The package knows no HTML and no cookies; the portal's handlers do.
package signin

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/seal"
	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/session"
)

// AdministratorsGroup is the group that administrators of the portal are in
// when the MFA policy is asked, besides their own groups. It is no group of
// the directory, so nothing can be provisioned into it.
const AdministratorsGroup = "gatehouse:administrators"

// Config is what a [Machine] stands on; all but Now are required.
type Config struct {
	Store     Store
	Directory *directory.Directory
	Sessions  *session.Sessions
	MFA       *mfa.Flow
	Audit     *audit.Log
	Sealer    mfa.Sealer // seals entries
	Key       []byte     // 32 bytes; MACs of device cookies and limit keys
	Now       func() time.Time
}

// Machine runs sign-ins. It is safe for concurrent use and keeps no state.
type Machine struct{ c Config }

// New checks the configuration.
func New(c Config) (*Machine, error) {
	if c.Store == nil || c.Directory == nil || c.Sessions == nil || c.MFA == nil || c.Audit == nil || c.Sealer == nil || len(c.Key) != 32 {
		return nil, errors.New("signin: Config is incomplete")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Machine{c: c}, nil
}

// Client is the browser that signs in.
type Client struct {
	Addr        netip.Addr
	Browser     string // value of the browser-binding cookie; required
	Device      string // id from the device cookie
	KnownDevice string // the same id, if the name has signed in from it before
	UserAgent   string
	TrustToken  string // of a trusted device (mfa)
}

func (c Client) mfa() mfa.Client {
	return mfa.Client{Addr: c.Addr, Device: c.Device, Browser: c.UserAgent, TrustToken: c.TrustToken}
}

// Step is what comes next.
type Step string

// The steps.
const (
	StepFactor Step = "factor" // a second factor is asked for: [Progress.Flow]
	StepEnrol  Step = "enrol"  // a session began that reaches enrolment only
	StepDone   Step = "done"   // a session began
)

// Progress is where a sign-in stands after a proof.
type Progress struct {
	Step    Step
	Flow    string        // id of the stored sign-in, a secret of this browser
	Kinds   []mfa.Kind    // what the person can answer with
	Trust   time.Duration // for how long the browser may be trusted after this
	Cookie  string        // the new session's
	Session *session.Session
	Person  *directory.Person
	Return  string // where to go
	Result  *mfa.Result
}

// state is a sign-in between its proofs.
type state struct {
	Browser     string         `json:"browser"` // hash of the binding cookie
	Person      string         `json:"person"`
	Version     int64          `json:"version,omitempty"` // of a person with a password here: a new one ends the sign-in
	Purpose     mfa.Purpose    `json:"purpose"`
	Evidence    []mfa.Evidence `json:"evidence"`
	Return      string         `json:"return,omitempty"`
	Session     string         `json:"session,omitempty"` // step-up: the session's id
	Unsolicited bool           `json:"unsolicited,omitempty"`
	Upstream    string         `json:"upstream,omitempty"`
	Index       string         `json:"index,omitempty"`
	Expires     time.Time      `json:"expires,omitzero"` // an upstream's end of the session
}

const (
	flowPurpose = "portal-flow"
	flowLife    = 15 * time.Minute
)

// Password judges a name and password and says what comes next. The attempt is
// charged before the password is looked at, and refunded with the proof.
func (m *Machine) Password(ctx context.Context, c Client, e Entry, password string) (*Progress, error) {
	refund, err := m.charge(ctx, c, e.Login)
	if err != nil {
		return nil, err
	}
	p, err := m.c.Directory.VerifyPassword(ctx, e.Login, password)
	if errors.Is(err, directory.ErrNotFound) {
		return nil, &Error{Check: CheckCredentials, Public: publicCredentials, Err: err}
	}
	if err != nil {
		return nil, err
	}
	if !p.Enabled() {
		return nil, &Error{Check: CheckDisabled, Public: publicCredentials, Person: p.ID}
	}
	st := state{Person: p.ID, Version: p.Version, Purpose: mfa.Second, Return: e.Return, Evidence: []mfa.Evidence{{
		Kind: mfa.KindPassword, At: m.c.Now().UTC(), AMR: []string{"pwd"},
	}}}
	return m.proceed(ctx, c, p, st, refund)
}

// External continues a sign-in that an external source vouched for.
type External struct {
	Source      *directory.Source
	Person      *directory.Person
	AuthTime    time.Time
	Class       string    // AuthnContextClassRef
	Expires     time.Time // SessionNotOnOrAfter; zero if none
	Upstream    string    // key of the source's subject, for logout
	Index       string    // the source's SessionIndex
	Unsolicited bool
	Return      string
}

// External says what comes next after an external source's verified answer to
// a request of ours.
func (m *Machine) External(ctx context.Context, c Client, x External) (*Progress, error) {
	st, err := externalState(x)
	if err != nil {
		return nil, err
	}
	return m.proceed(ctx, c, x.Person, st, nil)
}

// Hold stores an unsolicited answer until the person says that they mean it:
// somebody else may have sent them here.
func (m *Machine) Hold(ctx context.Context, c Client, x External) (id string, err error) {
	st, err := externalState(x)
	if err != nil {
		return "", err
	}
	return m.store(ctx, c, st)
}

// Held returns whom a held answer is about.
func (m *Machine) Held(ctx context.Context, c Client, id string) (*directory.Person, error) {
	st, p, err := m.load(ctx, c, id)
	if err == nil && !st.Unsolicited {
		err = flowError("nothing is held")
	}
	return p, err
}

// Continue takes a held answer and says what comes next.
func (m *Machine) Continue(ctx context.Context, c Client, id string) (*Progress, error) {
	st, p, err := m.load(ctx, c, id)
	if err != nil {
		return nil, err
	}
	if !st.Unsolicited {
		return nil, flowError("nothing is held")
	}
	return m.proceed(ctx, c, p, *st, func(ctx context.Context) error {
		_, err := m.c.Store.TakeFlow(ctx, seal.Hash(flowPurpose, id), m.c.Now())
		if errors.Is(err, ErrNotFound) {
			return flowError("continued meanwhile")
		}
		return err
	})
}

func externalState(x External) (state, error) {
	if x.Person.SourceID != x.Source.ID {
		return state{}, &Error{Check: CheckSource, Public: publicCredentials, Err: errors.New("person of another source")}
	}
	if !x.Person.Enabled() {
		return state{}, &Error{Check: CheckDisabled, Public: publicCredentials, Person: x.Person.ID}
	}
	st := state{
		Person: x.Person.ID, Purpose: mfa.Second, Unsolicited: x.Unsolicited, Upstream: x.Upstream, Index: x.Index, Expires: x.Expires,
		Evidence: []mfa.Evidence{{Kind: "saml", At: x.AuthTime.UTC(), Source: x.Source.ID, Class: x.Class, AMR: []string{"fed"}}},
	}
	if !x.Unsolicited { // an unsolicited answer carries no deep link
		st.Return = x.Return
	}
	return st, nil
}

// proceed asks the policy and either begins a session or stores the sign-in
// for its second factor. also runs in the same transaction.
func (m *Machine) proceed(ctx context.Context, c Client, p *directory.Person, st state, also func(ctx context.Context) error) (*Progress, error) {
	d, err := m.decide(ctx, c, p, st.Evidence)
	if err != nil {
		return nil, err
	}
	out := &Progress{Person: p, Return: st.Return, Kinds: d.Factors, Trust: d.Trust}
	err = m.c.Store.InTx(ctx, func(ctx context.Context) error {
		if also != nil {
			if err := also(ctx); err != nil {
				return err
			}
		}
		switch {
		case d.Outcome == mfa.Ask || d.Outcome == mfa.MustEnrol && !d.Deferrable && len(d.Factors) > 0:
			out.Step = StepFactor
			out.Flow, err = m.store(ctx, c, st)
			return err
		case d.Outcome == mfa.MustEnrol && !d.Deferrable:
			out.Step = StepEnrol
			return m.begin(ctx, c, st, out, session.Enrolment)
		case d.Outcome == mfa.Allow || d.Outcome == mfa.MustEnrol:
			out.Step = StepDone
			// Policy asked for nothing: the context is remembered here, where a
			// second factor would have done it, if a factor made it known before.
			if err := m.c.MFA.Saw(ctx, mfa.Subject{ID: p.ID}, c.mfa(), d); err != nil {
				return err
			}
			return m.begin(ctx, c, st, out, session.Full)
		}
		return &Error{
			Check: CheckFactor, Person: p.ID, Err: errors.New("policy rule " + d.Rule + " blocks"),
			Public: "Your account needs a second factor before it can be used. Please ask an administrator.",
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (m *Machine) decide(ctx context.Context, c Client, p *directory.Person, evidence []mfa.Evidence) (mfa.Decision, error) {
	groups, err := m.groups(ctx, p.ID)
	if err != nil {
		return mfa.Decision{}, err
	}
	return m.c.MFA.Decide(ctx, mfa.Request{
		Subject: mfa.Subject{ID: p.ID}, Groups: groups, Client: c.mfa(), Authenticated: evidence, Since: p.Created,
	})
}

func (m *Machine) groups(ctx context.Context, personID string) ([]string, error) {
	groups, err := m.c.Directory.Store().GroupsOf(ctx, personID)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(groups)+1)
	for _, g := range groups {
		ids = append(ids, g.ID)
	}
	admin, err := m.c.Directory.IsAdministrator(ctx, personID)
	if admin {
		ids = append(ids, AdministratorsGroup)
	}
	return ids, err
}

func (m *Machine) store(ctx context.Context, c Client, st state) (string, error) {
	st.Browser = seal.Hash(flowPurpose, c.Browser)
	b, err := json.Marshal(st)
	if err != nil {
		return "", err
	}
	id := seal.Token()
	return id, m.c.Store.CreateFlow(ctx, seal.Hash(flowPurpose, id), b, m.c.Now().Add(flowLife))
}

// load returns a stored sign-in of this browser and its person.
func (m *Machine) load(ctx context.Context, c Client, id string) (*state, *directory.Person, error) {
	st, err := m.flow(ctx, c, id)
	if err != nil {
		return nil, nil, err
	}
	p, err := m.person(ctx, st)
	return st, p, err
}

// flow returns a stored sign-in of this browser.
func (m *Machine) flow(ctx context.Context, c Client, id string) (*state, error) {
	b, err := m.c.Store.Flow(ctx, seal.Hash(flowPurpose, id), m.c.Now())
	if errors.Is(err, ErrNotFound) {
		return nil, flowError("unknown, finished or expired")
	}
	if err != nil {
		return nil, err
	}
	var st state
	if err := json.Unmarshal(b, &st); err != nil {
		return nil, err
	}
	if c.Browser == "" || st.Browser != seal.Hash(flowPurpose, c.Browser) {
		return nil, flowError("another browser")
	}
	return &st, nil
}

// person returns who signs in. Whoever proved a password is as they were then:
// it may have been reset since.
func (m *Machine) person(ctx context.Context, st *state) (*directory.Person, error) {
	p, err := m.c.Directory.Store().Person(ctx, st.Person)
	if errors.Is(err, directory.ErrNotFound) || err == nil && !p.Enabled() {
		return nil, &Error{Check: CheckDisabled, Public: publicCredentials, Person: st.Person}
	}
	if err == nil && st.Version != 0 && st.Version != p.Version {
		return nil, flowError("the person was changed meanwhile")
	}
	return p, err
}

// begin starts the session of a sign-in, in the transaction of ctx.
func (m *Machine) begin(ctx context.Context, c Client, st state, out *Progress, level session.Level) error {
	evidence, err := json.Marshal(st.Evidence)
	if err != nil {
		return err
	}
	s := &session.Session{
		PersonID: out.Person.ID, SourceID: out.Person.SourceID, Level: level, Evidence: evidence,
		AuthTime: st.Evidence[0].At, MFATime: mfaTime(st.Evidence), AMR: amr(st.Evidence), Unsolicited: st.Unsolicited,
		DeviceID: c.Device, Network: audit.Network(c.Addr), UserAgent: audit.Clean(c.UserAgent), Upstream: st.Upstream, Index: st.Index, Expires: st.Expires,
	}
	cookie, err := m.c.Sessions.Begin(ctx, s)
	if err != nil {
		return err
	}
	out.Cookie, out.Session = cookie, s
	return m.c.Audit.Record(ctx, audit.Event{
		Type: audit.UserAuthentication, Actor: s.PersonID, Person: s.PersonID, Source: s.SourceID,
		Details: map[string]string{"session": s.ID, "amr": joined(s.AMR), "level": string(level)},
	})
}
