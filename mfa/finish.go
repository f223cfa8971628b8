// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	maxRounds  = 10
	maxRetries = 4
)

// Another is returned by [Flow.Finish] as an error when the factor accepted
// the answer and asks another question, as RADIUS servers do.
type Another struct{ Challenge *Challenge }

// Error names the kind.
func (a *Another) Error() string {
	return "mfa: " + string(a.Challenge.Kind) + " asks another question"
}

// Finish judges an answer. It charges the attempt and takes the challenge in
// a committed transaction; verifies outside of any; and then, in one
// transaction, spends the challenge and the code, clears the counter, keeps
// the context and calls commit, which saves the caller's session. If commit
// fails nothing of that is kept, but the attempt stays charged. commit may run
// again after a serialization failure and is called only for proofs that
// passed; it may be nil.
//
// Inside a transaction of the caller's it is [ErrInTx]: a roll-back would make
// guesses free.
//
// The error is an [*Error] for a refusal, an [*Another] when the factor asks
// on, and otherwise a fault.
func (f *Flow) Finish(ctx context.Context, id string, a Answer, commit func(ctx context.Context, r Result) error) (Result, error) {
	a.Client = a.Client.fit()
	now := f.now()
	t, err := f.take(ctx, id, a, now, false)
	if err != nil {
		return Result{}, f.refused(ctx, t, a.Client, now, err)
	}
	for range maxRetries {
		p, err := f.verify(ctx, t, a, now)
		if err != nil {
			return Result{}, f.refused(ctx, t, a.Client, now, t.hide(err))
		}
		if p.Next != nil {
			err := f.another(ctx, t, p, now)
			if CheckOf(err) != "" {
				err = f.refused(ctx, t, a.Client, now, err)
			}
			return Result{}, err
		}
		res, err := f.commit(ctx, t, p, a.Client, now, commit)
		if !errors.Is(err, errRetry) {
			var e *Error
			if errors.As(err, &e) {
				err = f.refused(ctx, t, a.Client, now, err)
			}
			return res, err
		}
	}
	return Result{}, f.refused(ctx, t, a.Client, now, refuse(CheckReused, PublicWrong, "the credential keeps changing"))
}

// errRetry says that the credential changed between verify and commit.
var errRetry = errors.New("mfa: credential changed meanwhile")

// taken is a challenge that this call alone may judge.
type taken struct {
	row     ChallengeRow
	subject Subject
	state   sealedState
	charged bool
	counter Counter
}

// take charges and takes in one committed transaction.
func (f *Flow) take(ctx context.Context, id string, a Answer, now time.Time, enrol bool) (*taken, error) {
	t := &taken{}
	if f.store.Joins(ctx) {
		return t, ErrInTx
	}
	if len(id) > 128 || len(a.Data) > MaxAnswer {
		return t, refuse(CheckInput, PublicAgain, "challenge id or answer is too large")
	}
	var refusal error
	err := f.store.InTx(ctx, func(ctx context.Context) error {
		*t, refusal = taken{}, nil
		row, err := f.store.TakeChallenge(ctx, hashOf("challenge", id), now)
		if errors.Is(err, ErrNotFound) {
			refusal = refuse(CheckChallenge, PublicAgain, "no such challenge")
			return nil
		}
		if err != nil {
			return err
		}
		t.row, t.subject = row, row.Subject
		want := hashOf("session", a.Session)
		switch {
		case subtle.ConstantTimeCompare(want[:], row.Binding[:]) != 1:
			refusal = refuse(CheckBinding, PublicAgain, "the challenge is another session's")
			return nil
		case enrol != (row.Purpose == Enrol):
			refusal = refuse(CheckChallenge, PublicAgain, "the challenge has another purpose")
			return nil
		}
		name := f.attempts(row)
		if name == "" {
			return nil
		}
		counter, ok, err := f.store.Charge(ctx, row.Subject, name, now, f.cfg.Lockout.lock)
		if err != nil {
			return err
		}
		t.counter, t.charged = counter, ok
		if !ok {
			refusal = lockedError(counter.LockedUntil)
		}
		return nil
	})
	if err != nil {
		return t, err
	}
	if refusal != nil {
		return t, refusal
	}
	plain, err := f.unseal(t.row.Sealed, challengeAAD(&t.row))
	if err != nil {
		return t, err
	}
	t.state, err = decodeState(plain)
	return t, err
}

// attempts is the counter of answers to a challenge, "" if none is needed: what
// may be a first factor is not guessable, and whoever enrols was shown the
// secret, if it was not sent to an address that may be another's.
func (f *Flow) attempts(row ChallengeRow) string {
	switch {
	case row.Purpose == First:
		return ""
	case row.Purpose != Enrol:
		return string(row.Kind)
	case f.infos[row.Kind].Sends:
		return enrolCounter(row.Kind) + ":answers"
	}
	return ""
}

// passed is a verified answer with the credential as it was read.
type passed struct {
	Verified
	cred    Credential
	subject Subject
}

// hide answers alike whether or not somebody who was named before any proof
// exists and has a credential. Without a name it is the answer that names a
// credential: whoever has that id may learn that it is unknown.
func (t *taken) hide(err error) error {
	if t.row.Purpose == First && t.state.named && CheckOf(err) == CheckCredential {
		return &Error{Check: CheckWrong, Public: PublicWrong, Err: err}
	}
	return err
}

// verify holds no transaction.
func (f *Flow) verify(ctx context.Context, t *taken, a Answer, now time.Time) (*passed, error) {
	factor, ok := f.factors[t.row.Kind]
	if !ok {
		return nil, refuse(CheckKind, PublicAgain, "the factor is no longer configured")
	}
	info := f.infos[t.row.Kind]
	subject, creds, read, err := f.answering(ctx, factor, t.row, a.Data, now)
	if err != nil {
		return nil, err
	}
	if subject.ID == "" || len(creds) == 0 && !info.Implicit {
		// Also the end of challenges for people who do not exist: a person
		// without credentials never passes.
		return nil, refuse(CheckCredential, PublicWrong, "no credential to verify with")
	}
	v, err := factor.Verify(ctx, VerifyRequest{
		Subject: subject, Credentials: creds, Purpose: t.row.Purpose, Strength: t.state.strength,
		Client: a.Client, State: t.state.state, Answer: a.Data, Read: read, Now: now,
	})
	if err != nil {
		return nil, err
	}
	p := &passed{Verified: v, subject: subject}
	if v.Next != nil {
		return p, nil
	}
	if v.RecordID == "" && info.Implicit && v.Secret == nil && v.Public == nil && !v.Delete {
		return p, strongEnough(v.Strength, info.Strength, t.state.strength)
	}
	for _, c := range creds {
		if c.Record.ID == v.RecordID {
			p.cred = c
			return p, strongEnough(v.Strength, info.Strength, t.state.strength)
		}
	}
	return nil, fmt.Errorf("mfa: factor %q passed credential %q, which it was not given", t.row.Kind, v.RecordID)
}

func strongEnough(got, most, want Strength) error {
	if !got.valid() || got > most {
		return fmt.Errorf("mfa: factor returned strength %d, more than it declares", got)
	}
	if got < want {
		return refuse(CheckStrength, "This is not strong enough here.", "proof is "+got.String()+", not "+want.String())
	}
	return nil
}

// answering returns who answers and with which credentials, and the answer if
// it had to be read for that.
func (f *Flow) answering(ctx context.Context, factor Factor, row ChallengeRow, answer []byte, now time.Time) (s Subject, creds []Credential, read any, err error) {
	if s = row.Subject; s.ID != "" {
		creds, err = f.credentials(ctx, s, row.Kind, now)
		return s, creds, nil, err
	}
	d, ok := factor.(Discoverer)
	if !ok {
		return s, nil, nil, nil
	}
	key, read, err := d.Discover(answer)
	if err != nil || key == "" {
		return s, nil, nil, err
	}
	r, err := f.store.RecordByKey(ctx, row.Kind, key)
	if errors.Is(err, ErrNotFound) || err == nil && (r.Subject.Tenant != s.Tenant || !r.live(now)) {
		return s, nil, nil, nil
	}
	if err != nil {
		return s, nil, nil, err
	}
	c, err := f.open(r)
	return r.Subject, []Credential{c}, read, err
}

// commit makes the proof's effects and the caller's, all or none.
func (f *Flow) commit(ctx context.Context, t *taken, p *passed, client Client, now time.Time, commit func(context.Context, Result) error) (Result, error) {
	info := f.infos[t.row.Kind]
	res := Result{
		Subject: p.subject, Kind: t.row.Kind, Purpose: t.row.Purpose, RecordID: p.RecordID,
		Notices: p.Notices, Client: client,
		Evidence: Evidence{
			Kind: t.row.Kind, RecordID: p.RecordID, At: now, Strength: p.Strength, Factor: true,
			UserVerified: p.UserVerified, Fallback: info.Fallback, AMR: p.AMR,
		},
	}
	if p.Delete {
		res.Evidence.RecordID = "" // spent by the proof, not taken from it
	}
	s, seen := f.sighting(ctx, p.subject, client, now)
	// A lone first factor or a fallback makes no context known: it would then
	// spare the second.
	seen = seen && !info.Fallback && (t.row.Purpose != First || p.UserVerified)
	updated, err := f.sealUpdate(p, now)
	if err != nil {
		return Result{}, err
	}
	err = f.store.InTx(ctx, func(ctx context.Context) error {
		if err := f.store.SpendChallenge(ctx, t.row.Hash); errors.Is(err, ErrNotFound) {
			return refuse(CheckChallenge, PublicAgain, "the challenge was answered meanwhile")
		} else if err != nil {
			return err
		}
		if err := f.swap(ctx, p, updated, now); err != nil {
			return err
		}
		if err := f.clear(ctx, t, info, p.subject, client); err != nil {
			return err
		}
		if seen {
			if err := f.store.AddSighting(ctx, s, maxSightings); err != nil {
				return err
			}
		}
		if err := f.emitPassed(ctx, t, p, client, now); err != nil {
			return err
		}
		if commit == nil {
			return nil
		}
		return commit(ctx, res)
	})
	if err != nil {
		return Result{}, err
	}
	return res, nil
}

func (f *Flow) sealUpdate(p *passed, now time.Time) (Record, error) {
	r := p.cred.Record
	if p.Secret == nil && p.Public == nil {
		return r, nil
	}
	secret := p.cred.Secret
	if p.Secret != nil {
		secret = p.Secret
	}
	if p.Public != nil {
		r.Public = p.Public
	}
	r.UsedAt = now
	var err error
	r.Sealed, err = f.cfg.Sealer.Seal(secret, recordAAD(&r))
	return r, err
}

// swap spends what the proof spent.
func (f *Flow) swap(ctx context.Context, p *passed, updated Record, now time.Time) error {
	var err error
	switch {
	case p.RecordID == "":
		return nil
	case p.Delete:
		err = f.store.DeleteRecord(ctx, p.subject, p.RecordID)
	case p.Secret != nil || p.Public != nil:
		err = f.store.UpdateRecord(ctx, updated)
	default:
		err = f.store.TouchRecord(ctx, p.subject, p.RecordID, now)
	}
	if errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
		return errRetry
	}
	return err
}

func (f *Flow) clear(ctx context.Context, t *taken, info Info, s Subject, client Client) error {
	if t.charged {
		if err := f.store.ClearCounter(ctx, s, f.attempts(t.row)); err != nil {
			return err
		}
	}
	if !info.Sends {
		return nil
	}
	if t.row.Purpose == First {
		return f.store.ClearCounter(ctx, s, firstCounter(t.row.Kind, client))
	}
	return f.store.ClearCounter(ctx, s, sendCounter(t.row.Kind))
}

func (f *Flow) emitPassed(ctx context.Context, t *taken, p *passed, client Client, now time.Time) error {
	e := Event{
		Type: EventPassed, At: now, Subject: p.subject, Kind: t.row.Kind, RecordID: p.RecordID,
		Purpose: t.row.Purpose, Addr: client.Addr, Browser: client.Browser,
	}
	if err := f.emit(ctx, e); err != nil {
		return err
	}
	if p.Delete || t.row.Kind == KindRecovery {
		e.Type = EventRecoveryUsed
		if err := f.emit(ctx, e); err != nil {
			return err
		}
	}
	notices := p.Notices
	// Rounds of the same exchange are no failures.
	if n := t.counter.Failures - 1 - int(t.state.round); n >= warnAfter {
		notices = append(slices.Clone(notices), fmt.Sprintf("%d failed attempts before this one", n))
	}
	for _, n := range notices {
		e.Type, e.Detail = EventNotice, n
		if err := f.emit(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// another stores the factor's next question. The round stays charged until the
// last one passes: a server may answer a wrong code with another question.
func (f *Flow) another(ctx context.Context, t *taken, p *passed, now time.Time) error {
	if int(t.state.round)+1 >= maxRounds {
		return refuse(CheckRounds, PublicAgain, "too many rounds")
	}
	var ch *Challenge
	err := f.store.InTx(ctx, func(ctx context.Context) (err error) {
		if err := f.store.SpendChallenge(ctx, t.row.Hash); errors.Is(err, ErrNotFound) {
			return refuse(CheckChallenge, PublicAgain, "the challenge was answered meanwhile")
		} else if err != nil {
			return err
		}
		row := t.row
		row.CreatedAt = now
		row.Tries = f.infos[row.Kind].Tries
		row.ExpiresAt = now.Add(f.infos[row.Kind].TTL)
		st := sealedState{strength: t.state.strength, named: t.state.named, round: t.state.round + 1, state: p.Next.State}
		ch, err = f.addChallenge(ctx, row, st, p.Next.Public, false)
		return err
	})
	if err != nil {
		return err
	}
	return &Another{Challenge: ch}
}

// refused tells of a refusal, after everything about it is committed.
func (f *Flow) refused(ctx context.Context, t *taken, client Client, now time.Time, err error) error {
	e := Event{
		Type: EventRefused, At: now, Subject: t.subject, Kind: t.row.Kind, Purpose: t.row.Purpose,
		Check: CheckOf(err), Addr: client.Addr, Browser: client.Browser, Detail: err.Error(),
	}
	if refusal := (*Error)(nil); errors.As(err, &refusal) {
		e.Until = refusal.Until
	}
	if t.charged && t.counter.LockedUntil.After(now) {
		e.Type, e.Until = EventLocked, t.counter.LockedUntil
	}
	if eerr := f.emit(ctx, e); eerr != nil {
		return errors.Join(err, eerr)
	}
	return err
}
