// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const enrolTTL = 15 * time.Minute

// EnrolInput asks to enrol a factor.
type EnrolInput struct {
	Subject Subject
	Kind    Kind
	// Account and DisplayName label the credential in an authenticator.
	Account, DisplayName string
	// Session is a secret of the browser session. Required.
	Session string
	Client  Client
	// Ticket is from [Flow.IssueTicket]. Without one, Authenticated must have
	// a proof by a factor that is fresh.
	Ticket        string
	Authenticated []Evidence
	// Options are the factor's own, up to 4 KiB.
	Options json.RawMessage
}

// EnrolAnswer is what came back from the client.
type EnrolAnswer struct {
	Session string
	// Name is what the person calls the new credential; optional.
	Name   string
	Data   []byte
	Client Client
}

// enrolState is the sealed state of an enrolment.
type enrolState struct {
	Ticket      string          `json:"ticket,omitempty"`
	Account     string          `json:"account,omitempty"`
	DisplayName string          `json:"display,omitempty"`
	Options     json.RawMessage `json:"options,omitempty"`
	State       []byte          `json:"state,omitempty"`
}

// BeginEnrol starts to enrol a factor. It needs an enrolment ticket or a fresh
// proof by a factor: a password alone never adds one. If it sends a message it
// is [ErrInTx] inside a transaction. A refusal is an [EventRefused], as in
// [Flow.Begin].
func (f *Flow) BeginEnrol(ctx context.Context, in EnrolInput) (*Challenge, error) {
	in.Client = in.Client.fit()
	ch, err := f.beginEnrol(ctx, in)
	return ch, f.notBegun(ctx, in.Subject, in.Kind, Enrol, in.Client, err)
}

func (f *Flow) beginEnrol(ctx context.Context, in EnrolInput) (*Challenge, error) {
	enroller, ok := f.factors[in.Kind].(Enroller)
	if !ok {
		return nil, refuse(CheckKind, "This is not available.", "kind "+string(in.Kind)+" cannot be enrolled")
	}
	if in.Session == "" || in.Subject.ID == "" {
		return nil, errors.New("mfa: EnrolInput wants a Subject and a Session")
	}
	if len(in.Options) > maxOptions {
		return nil, refuse(CheckInput, "The request is malformed.", "options are too large")
	}
	info := f.infos[in.Kind]
	if info.Sends && f.store.Joins(ctx) {
		return nil, ErrInTx
	}
	now := f.now()
	if err := f.mayChange(ctx, in.Subject, in.Ticket, in.Authenticated, now); err != nil {
		return nil, err
	}
	creds, err := f.credentials(ctx, in.Subject, in.Kind, now)
	if err != nil {
		return nil, err
	}
	if info.Sends {
		if err := f.chargeSend(ctx, in.Subject, enrolCounter(in.Kind), now); err != nil {
			return nil, err
		}
	}
	begun, err := enroller.BeginEnrol(ctx, EnrolRequest{
		Subject: in.Subject, Account: in.Account, DisplayName: in.DisplayName,
		Credentials: creds, Client: in.Client, Options: in.Options, Now: now,
	})
	if err != nil {
		return nil, err
	}
	state, err := json.Marshal(enrolState{
		Ticket: in.Ticket, Account: in.Account, DisplayName: in.DisplayName, Options: in.Options, State: begun.State,
	})
	if err != nil {
		return nil, err
	}
	tries, ttl := enrolLimits(info)
	row := ChallengeRow{
		Subject: in.Subject, Kind: in.Kind, Purpose: Enrol, Binding: hashOf("session", in.Session),
		Tries: tries, CreatedAt: now, ExpiresAt: now.Add(ttl),
	}
	return f.addChallenge(ctx, row, sealedState{state: state}, begun.Public, info.Newest)
}

// enrolLimits forgive mistyped codes and leave time to set up an app; a
// WebAuthn challenge is for one use and lives as long as the browser's.
func enrolLimits(i Info) (tries int, ttl time.Duration) {
	if i.Kind == KindWebAuthn {
		return i.Tries, i.TTL
	}
	return max(i.Tries, 5), enrolTTL
}

// mayChange asks for a ticket or a fresh factor.
func (f *Flow) mayChange(ctx context.Context, s Subject, ticket string, proved []Evidence, now time.Time) error {
	if ticket != "" {
		return f.checkTicket(ctx, s, ticket, now)
	}
	ok, err := f.fresh(ctx, s, proved, now)
	if err == nil && !ok {
		err = refuse(CheckFresh, "Confirm that it is you first.", "no factor that the person has was proved within "+f.cfg.Fresh.String())
	}
	return err
}

// Fresh reports whether the evidence has a proof by a factor of this package,
// no fallback, within Config.Fresh, whose credential the person still has: what
// it takes to change factors. Proofs without a [Evidence].RecordID have none to
// lose.
func (f *Flow) Fresh(ctx context.Context, s Subject, proved []Evidence) (bool, error) {
	return f.fresh(ctx, s, proved, f.now())
}

func (f *Flow) fresh(ctx context.Context, s Subject, proved []Evidence, now time.Time) (bool, error) {
	var ids []string
	for _, e := range proved {
		age := now.Sub(e.At)
		switch {
		case !e.Factor, e.Fallback, e.Source != "", age > f.cfg.Fresh, age < -time.Minute:
		case e.RecordID == "":
			return true, nil
		default:
			ids = append(ids, e.RecordID)
		}
	}
	if len(ids) == 0 {
		return false, nil
	}
	records, err := f.store.Records(ctx, s)
	return slices.ContainsFunc(records, func(r Record) bool { return r.live(now) && slices.Contains(ids, r.ID) }), err
}

// FinishEnrol judges the answer to an enrolment and adds the credential. The
// credential, the spent ticket, the end of the person's trusted devices and
// whatever commit does are one transaction. A code that confirmed the
// enrolment is spent by it. Inside a transaction of the caller's it is
// [ErrInTx].
func (f *Flow) FinishEnrol(ctx context.Context, id string, a EnrolAnswer, commit func(ctx context.Context, r Record) error) (Record, error) {
	a.Client = a.Client.fit()
	now := f.now()
	t, err := f.take(ctx, id, Answer{Session: a.Session, Data: a.Data, Client: a.Client}, now, true)
	if err != nil {
		return Record{}, f.refused(ctx, t, a.Client, now, err)
	}
	r, err := f.finishEnrol(ctx, t, a, now, commit)
	if err != nil {
		return Record{}, f.refused(ctx, t, a.Client, now, err)
	}
	return r, nil
}

func (f *Flow) finishEnrol(ctx context.Context, t *taken, a EnrolAnswer, now time.Time, commit func(context.Context, Record) error) (Record, error) {
	enroller, ok := f.factors[t.row.Kind].(Enroller)
	if !ok {
		return Record{}, refuse(CheckKind, PublicAgain, "the factor is no longer configured")
	}
	var st enrolState
	if err := json.Unmarshal(t.state.state, &st); err != nil {
		return Record{}, err
	}
	name, err := cleanName(a.Name)
	if err != nil {
		return Record{}, err
	}
	creds, err := f.credentials(ctx, t.subject, t.row.Kind, now)
	if err != nil {
		return Record{}, err
	}
	e, err := enroller.FinishEnrol(ctx, FinishEnrolRequest{
		EnrolRequest: EnrolRequest{
			Subject: t.subject, Account: st.Account, DisplayName: st.DisplayName,
			Credentials: creds, Client: a.Client, Options: st.Options, Now: now,
		},
		State: st.State, Answer: a.Data,
	})
	if err != nil {
		return Record{}, err
	}
	r, err := f.newRecord(t.subject, t.row.Kind, name, e, now)
	if err != nil {
		return Record{}, err
	}
	err = f.store.InTx(ctx, func(ctx context.Context) error {
		if err := f.store.SpendChallenge(ctx, t.row.Hash); errors.Is(err, ErrNotFound) {
			return refuse(CheckChallenge, PublicAgain, "the challenge was answered meanwhile")
		} else if err != nil {
			return err
		}
		if t.charged {
			if err := f.store.ClearCounter(ctx, r.Subject, f.attempts(t.row)); err != nil {
				return err
			}
		}
		if st.Ticket != "" {
			if err := f.spendTicket(ctx, r.Subject, st.Ticket, now); err != nil {
				return err
			}
		}
		return f.addRecord(ctx, r, e, Event{Addr: a.Client.Addr, Browser: a.Client.Browser}, commit)
	})
	if err != nil {
		return Record{}, err
	}
	r.Sealed = nil
	return r, nil
}

// newRecord seals what a factor enrolled.
func (f *Flow) newRecord(s Subject, k Kind, name string, e Enrolled, now time.Time) (Record, error) {
	if !e.Strength.valid() || e.Strength > f.infos[k].Strength {
		return Record{}, fmt.Errorf("mfa: factor %q enrolled strength %d, more than it declares", k, e.Strength)
	}
	r := Record{
		ID: newToken(), Subject: s, Kind: k, Key: e.Key, Name: defaultTo(name, e.Name),
		Public: e.Public, Strength: e.Strength, CreatedAt: now, ExpiresAt: e.ExpiresAt,
	}
	if e.Proof {
		r.proof = &Evidence{
			Kind: k, RecordID: r.ID, At: now, Strength: e.Strength, Factor: true,
			UserVerified: e.UserVerified, Fallback: f.infos[k].Fallback, AMR: e.AMR,
		}
	}
	var err error
	r.Sealed, err = f.cfg.Sealer.Seal(e.Secret, recordAAD(&r))
	return r, err
}

// addRecord adds a credential with everything that follows from it.
func (f *Flow) addRecord(ctx context.Context, r Record, e Enrolled, ev Event, commit func(context.Context, Record) error) error {
	return f.store.InTx(ctx, func(ctx context.Context) error {
		if err := f.makeRoom(ctx, r, e.Replace); err != nil {
			return err
		}
		if err := f.store.AddRecord(ctx, r); errors.Is(err, ErrExists) {
			return refuse(CheckDuplicate, "This is registered already.", "the credential's key is taken")
		} else if err != nil {
			return err
		}
		if err := f.afterChange(ctx, r.Subject); err != nil {
			return err
		}
		ev.Type, ev.At, ev.Subject, ev.Kind, ev.RecordID = EventEnrolled, r.CreatedAt, r.Subject, r.Kind, r.ID
		ev.Purpose, ev.Detail = Enrol, r.Name
		if err := f.emit(ctx, ev); err != nil {
			return err
		}
		for _, n := range e.Notices {
			ev.Type, ev.Detail = EventNotice, n
			if err := f.emit(ctx, ev); err != nil {
				return err
			}
		}
		if commit == nil {
			return nil
		}
		r.Sealed = nil
		return commit(ctx, r)
	})
}

// makeRoom removes what is replaced and holds the person to the limit.
func (f *Flow) makeRoom(ctx context.Context, r Record, replace bool) error {
	records, err := f.store.Records(ctx, r.Subject)
	if err != nil {
		return err
	}
	n := 0
	for _, old := range records {
		if old.Kind != r.Kind {
			continue
		}
		if replace || !old.live(r.CreatedAt) {
			if err := f.store.DeleteRecord(ctx, r.Subject, old.ID); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
			continue
		}
		n++
	}
	if n >= f.infos[r.Kind].MaxRecords {
		return refuse(CheckLimit, "You have as many of these as are allowed. Remove one first.", "too many records of kind "+string(r.Kind))
	}
	return nil
}

// afterChange ends what rested on the person's former factors.
func (f *Flow) afterChange(ctx context.Context, s Subject) error {
	if err := f.store.DropTickets(ctx, s); err != nil {
		return err
	}
	return f.forgetBrowsers(ctx, s)
}

const maxName = 64

// cleanName returns a name fit for listings.
func cleanName(s string) (string, error) {
	s = strings.TrimSpace(s)
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxName || strings.ContainsFunc(s, unfit) {
		return "", refuse(CheckInput, "Choose another name, of up to 64 characters.", "the name is too long or has control characters")
	}
	return s, nil
}

// unfit are control characters and those that change the direction of text.
func unfit(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}
