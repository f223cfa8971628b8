// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"
)

const (
	// maxOpen is how many challenges of a kind and purpose a person may have
	// open after a first proof: a newer one ends the oldest.
	maxOpen = 50
	// maxOptions bounds what is kept of an enrolment, in bytes.
	maxOptions = 4 << 10
)

// BeginInput asks for a challenge.
type BeginInput struct {
	// Subject is who is asked. Its ID is empty for a usernameless first
	// factor, and for people who do not exist: then Hint is what was typed.
	Subject Subject
	Hint    string
	Kind    Kind
	// Purpose is [First], [Second] or [StepUp].
	Purpose Purpose
	// Strength is the least that the answer must be worth.
	Strength Strength
	// Session is a secret of the browser session, such as its cookie's value.
	// The answer must come with the same. Required.
	Session string
	Client  Client
	// Authenticated is what the session has proved. Factors that cannot be
	// first are not begun without any.
	Authenticated []Evidence
	// Options are the factor's own, up to 4 KiB.
	Options json.RawMessage
}

// Begin makes a challenge of one kind and stores it. If that sends a message it
// is [ErrInTx] inside a transaction. A refusal is an [EventRefused], but for
// [CheckInput] and [CheckKind].
//
// For [First] it answers alike for people who exist and who do not: over
// Config.SendLimit, too, where it sends nothing and says so to nobody. Messages
// before any proof are counted by person and by one of sixteen groups of
// networks, so that a stranger elsewhere keeps nobody from their link but by
// asking from many networks. The store does as much work for either; what
// remains to be measured is the factor's own: to look up an address and to hand
// a message to its sender.
func (f *Flow) Begin(ctx context.Context, in BeginInput) (*Challenge, error) {
	in.Client = in.Client.fit()
	ch, err := f.begin(ctx, in)
	return ch, f.notBegun(ctx, in.Subject, in.Kind, in.Purpose, in.Client, err)
}

// notBegun tells of a refusal to begin. Requests that no factor could answer say
// nothing about the person, and hold text of anybody's.
func (f *Flow) notBegun(ctx context.Context, s Subject, k Kind, p Purpose, c Client, err error) error {
	switch CheckOf(err) {
	case "", CheckInput, CheckKind:
		return err
	}
	return f.refused(ctx, &taken{subject: s, row: ChallengeRow{Kind: k, Purpose: p}}, c, f.now(), err)
}

func (f *Flow) begin(ctx context.Context, in BeginInput) (*Challenge, error) {
	factor, info, err := f.beginAllowed(in)
	if err != nil {
		return nil, err
	}
	if info.Sends && f.store.Joins(ctx) {
		return nil, ErrInTx
	}
	now := f.now()
	named := in.Subject.ID != "" || in.Hint != ""
	if in.Subject.ID != "" && in.Purpose != First {
		if err := f.lockedNow(ctx, in.Subject, in.Kind, now); err != nil {
			return nil, err
		}
	}
	creds, err := f.credentials(ctx, in.Subject, in.Kind, now)
	if err != nil {
		return nil, err
	}
	if len(creds) == 0 && !info.Implicit && in.Purpose != First {
		return nil, refuse(CheckCredential, "You have not set this up.", "no credential of kind "+string(in.Kind))
	}
	if info.Sends {
		if in, err = f.chargeSends(ctx, in, now); err != nil {
			return nil, err
		}
	}
	if in.Subject.ID == "" {
		creds = nil
	}
	begun, err := factor.Begin(ctx, BeginRequest{
		Subject: in.Subject, Hint: in.Hint, Credentials: creds, Purpose: in.Purpose,
		Strength: in.Strength, Client: in.Client, Options: in.Options, Now: now,
	})
	if err != nil {
		return nil, err
	}
	row := ChallengeRow{
		Subject: in.Subject, Kind: in.Kind, Purpose: in.Purpose, Binding: hashOf("session", in.Session),
		Tries: info.Tries, CreatedAt: now, ExpiresAt: now.Add(info.TTL),
	}
	st := sealedState{strength: in.Strength, named: named, state: begun.State}
	return f.addChallenge(ctx, row, st, begun.Public, info.Newest)
}

func (f *Flow) beginAllowed(in BeginInput) (Factor, Info, error) {
	factor, ok := f.factors[in.Kind]
	if !ok {
		return nil, Info{}, refuse(CheckKind, "This is not available.", "no factor of kind "+string(in.Kind))
	}
	info := f.infos[in.Kind]
	switch {
	case in.Session == "":
		return nil, info, errors.New("mfa: BeginInput.Session is empty")
	case in.Purpose != First && in.Purpose != Second && in.Purpose != StepUp:
		return nil, info, errors.New("mfa: BeginInput.Purpose is none of First, Second, StepUp")
	case len(in.Options) > maxOptions:
		return nil, info, refuse(CheckInput, "The request is malformed.", "options are too large")
	case !in.Strength.valid():
		return nil, info, errors.New("mfa: BeginInput.Strength is unknown")
	case in.Purpose == First && !info.FirstFactor, in.Purpose != First && len(in.Authenticated) == 0:
		return nil, info, refuse(CheckFirstFactor, "Sign in first.", "nothing has been proved before "+string(in.Kind))
	case in.Purpose != First && in.Subject.ID == "":
		return nil, info, errors.New("mfa: BeginInput.Subject is empty")
	case info.Strength < in.Strength:
		return nil, info, refuse(CheckStrength, "This is not strong enough here.", string(in.Kind)+" is never "+in.Strength.String())
	}
	return factor, info, nil
}

func (f *Flow) addChallenge(ctx context.Context, row ChallengeRow, st sealedState, public json.RawMessage, newest bool) (*Challenge, error) {
	id := newToken()
	row.Hash = hashOf("challenge", id)
	sealed, err := f.cfg.Sealer.Seal(st.encode(), challengeAAD(&row))
	if err != nil {
		return nil, err
	}
	row.Sealed = sealed
	if row.Purpose == First {
		// A newer challenge ends no older one, which may be another's.
		err = f.store.AddChallenge(ctx, row)
	} else {
		keep := maxOpen - 1
		if newest {
			keep = 0
		}
		err = f.store.InTx(ctx, func(ctx context.Context) error {
			if err := f.store.DropChallenges(ctx, row.Subject, row.Kind, row.Purpose, keep); err != nil {
				return err
			}
			return f.store.AddChallenge(ctx, row)
		})
	}
	if err != nil {
		return nil, err
	}
	return &Challenge{ID: id, Kind: row.Kind, ExpiresAt: row.ExpiresAt, Public: public}, nil
}

// credentials opens the person's records of a kind, oldest first. Those of
// nobody are looked for all the same, which takes as long.
func (f *Flow) credentials(ctx context.Context, s Subject, k Kind, now time.Time) ([]Credential, error) {
	records, err := f.store.Records(ctx, s)
	if err != nil {
		return nil, err
	}
	creds := make([]Credential, 0, len(records))
	for _, r := range records {
		if r.Kind != k || !r.live(now) {
			continue
		}
		c, err := f.open(r)
		if err != nil {
			return nil, err
		}
		creds = append(creds, c)
	}
	return creds, nil
}

func (f *Flow) open(r Record) (Credential, error) {
	secret, err := f.unseal(r.Sealed, recordAAD(&r))
	if err != nil {
		return Credential{}, err
	}
	r.Sealed = nil
	return Credential{Record: r, Secret: secret}, nil
}

func (f *Flow) lockedNow(ctx context.Context, s Subject, k Kind, now time.Time) error {
	counters, err := f.store.Counters(ctx, s)
	if err != nil {
		return err
	}
	if c := counters[string(k)]; c.LockedUntil.After(now) {
		return lockedError(c.LockedUntil)
	}
	return nil
}

// chargeSends charges a message. Over the limit the challenge of a [First] is
// nobody's: the factor then answers alike and sends nothing.
func (f *Flow) chargeSends(ctx context.Context, in BeginInput, now time.Time) (BeginInput, error) {
	if in.Purpose != First {
		return in, f.chargeSend(ctx, in.Subject, sendCounter(in.Kind), now)
	}
	reached := in.Subject.ID != ""
	err := f.store.InTx(ctx, func(ctx context.Context) error {
		if in.Subject.ID != "" {
			c, ok, err := f.store.Charge(ctx, in.Subject, firstCounter(in.Kind, in.Client), now, f.cfg.SendLimit.lock)
			if err != nil {
				return err
			}
			if reached = ok; ok {
				return f.sendsLocked(ctx, in, c, now)
			}
		}
		// As much is written, and nothing kept.
		nobody, name := Subject{Tenant: in.Subject.Tenant}, "send:"+newToken()
		if _, _, err := f.store.Charge(ctx, nobody, name, now, f.cfg.SendLimit.lock); err != nil {
			return err
		}
		return f.store.ClearCounter(ctx, nobody, name)
	})
	if !reached {
		in.Subject.ID = ""
	}
	return in, err
}

// sendsLocked tells once that the messages to a person before any proof have
// reached the limit.
func (f *Flow) sendsLocked(ctx context.Context, in BeginInput, c Counter, now time.Time) error {
	if !c.LockedUntil.After(now) {
		return nil
	}
	return f.emit(ctx, Event{
		Type: EventLocked, At: now, Subject: in.Subject, Kind: in.Kind, Purpose: in.Purpose, Check: CheckLocked,
		Until: c.LockedUntil, Addr: in.Client.Addr, Browser: in.Client.Browser, Detail: "too many messages",
	})
}

func (f *Flow) chargeSend(ctx context.Context, s Subject, counter string, now time.Time) error {
	var c Counter
	var ok bool
	err := f.store.InTx(ctx, func(ctx context.Context) (err error) {
		c, ok, err = f.store.Charge(ctx, s, counter, now, f.cfg.SendLimit.lock)
		return err
	})
	if err != nil || ok {
		return err
	}
	locked := lockedError(c.LockedUntil)
	locked.Err = errors.New("too many messages")
	return locked
}

// sendCounter counts messages to what is the person's: a pass clears it.
func sendCounter(k Kind) string { return "send:" + string(k) }

// firstCounter counts messages before any proof, apart for networks of which
// few share a counter.
func firstCounter(k Kind, c Client) string {
	h := hashOf("network", network(c.Addr))
	return sendCounter(k) + ":first:" + hex.EncodeToString(h[:1])[:1]
}

// enrolCounter counts messages to numbers and addresses that need not be
// theirs. No proof clears it, lest one number of one's own pay for messages to
// any others.
func enrolCounter(k Kind) string { return sendCounter(k) + ":enrol" }
