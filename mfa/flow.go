// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// MaxAnswer is the largest answer that is looked at, in bytes.
const MaxAnswer = 64 << 10

// Config is what a [Flow] is made of.
type Config struct {
	// Store keeps everything. Required; [NewMemoryStore] is for tests and
	// single processes.
	Store Store
	// Sealer encrypts secrets and challenge states. Required.
	Sealer Sealer
	// Factors are what people may use, of different kinds. Required.
	Factors []Factor
	// Policy answers [Flow.Decide]; it names no kind but those of Factors. By
	// default every person needs any factor always and is blocked without one.
	Policy *Policy
	// Lockout is the answer to failures, by person and factor. By default
	// five tries, then 15 minutes doubling after every further five, up to a
	// day.
	Lockout Lockout
	// SendLimit limits messages by person and factor in the same way, cleared
	// when an answer passes; those to numbers that are being enrolled count
	// apart, until [Flow.Unlock] or [Flow.Reset]. By default as Lockout.
	SendLimit Lockout
	// Fresh is how old a proof may be to change factors, 5 minutes by
	// default.
	Fresh time.Duration
	// Geo finds places for addresses; without it places are those of
	// [Client].
	Geo Geo
	// Risk scores requests; without it every score is 0.
	Risk Risk
	// OnEvent is told of everything that happens. Effects are told with the
	// context of the transaction that they commit in, and an error rolls it
	// back, so that an audit log that writes with that context is complete; it
	// may be called again when the transaction is retried. Refusals are told
	// without a transaction. Required to be safe for concurrent use.
	OnEvent func(ctx context.Context, e Event) error
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

// Flow asks for proofs and judges them. It is immutable and safe for
// concurrent use; all its state is in the store, so any replica may finish
// what another began.
type Flow struct {
	cfg     Config
	store   Store
	factors map[Kind]Factor
	infos   map[Kind]Info
	kinds   []Kind
}

// New returns a flow over a valid configuration.
func New(c Config) (*Flow, error) {
	if c.Store == nil || c.Sealer == nil {
		return nil, errors.New("mfa: Config needs a Store and a Sealer")
	}
	if len(c.Factors) == 0 {
		return nil, errors.New("mfa: Config.Factors is empty")
	}
	f := &Flow{store: c.Store, factors: map[Kind]Factor{}, infos: map[Kind]Info{}}
	for _, x := range c.Factors {
		if x == nil {
			return nil, errors.New("mfa: Config.Factors has a nil factor")
		}
		in := x.Info()
		if in.Kind == "" || in.Kind == KindPassword || len(in.Kind) > 32 || !in.Strength.valid() {
			return nil, fmt.Errorf("mfa: factor %T has kind %q and strength %d", x, in.Kind, in.Strength)
		}
		if _, dup := f.factors[in.Kind]; dup {
			return nil, fmt.Errorf("mfa: two factors of kind %q", in.Kind)
		}
		in.Tries = defaultTo(in.Tries, 1)
		in.TTL = defaultTo(in.TTL, 5*time.Minute)
		in.MaxRecords = defaultTo(in.MaxRecords, 10)
		f.factors[in.Kind], f.infos[in.Kind] = x, in
		f.kinds = append(f.kinds, in.Kind)
	}
	c.Factors = nil
	var err error
	if c.Lockout, err = c.Lockout.withDefaults(); err != nil {
		return nil, err
	}
	if c.SendLimit, err = c.SendLimit.withDefaults(); err != nil {
		return nil, err
	}
	if c.Policy == nil {
		if c.Policy, err = NewPolicy(PolicyConfig{}); err != nil {
			return nil, err
		}
	}
	if err := c.Policy.needs(f.infos); err != nil {
		return nil, err
	}
	c.Fresh = defaultTo(c.Fresh, 5*time.Minute)
	if c.Fresh < 0 || c.Fresh > 24*time.Hour {
		return nil, fmt.Errorf("mfa: Config.Fresh %v is not between 0 and a day", c.Fresh)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.OnEvent == nil {
		c.OnEvent = func(context.Context, Event) error { return nil }
	}
	f.cfg = c
	return f, nil
}

func defaultTo[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

// Kinds returns the configured kinds in their order.
func (f *Flow) Kinds() []Kind { return append([]Kind(nil), f.kinds...) }

// Info returns what the factor of a kind says of itself, defaults filled in.
func (f *Flow) Info(k Kind) (Info, bool) {
	in, ok := f.infos[k]
	return in, ok
}

// now has the precision that every store keeps.
func (f *Flow) now() time.Time { return f.cfg.Now().UTC().Truncate(time.Microsecond) }

func (f *Flow) emit(ctx context.Context, e Event) error {
	if e.At.IsZero() {
		e.At = f.now()
	}
	e.Detail, e.Browser = clip(e.Detail, 200), clip(e.Browser, 100)
	return f.cfg.OnEvent(ctx, e)
}

// clip makes text from outside fit for rows and logs: valid UTF-8 of up to n
// bytes without control characters.
func clip(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unfit(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s[:min(len(s), n)], ""))
	return s[:min(len(s), n)]
}

// fit returns the client with text that a factor may pass on to people: a
// browser writes what it likes into its name.
func (c Client) fit() Client {
	c.Browser = clip(c.Browser, 100)
	return c
}

// Challenge is what the client is asked to answer.
type Challenge struct {
	// ID is a secret of the client's; hand it back to [Flow.Finish].
	ID        string    `json:"id"`
	Kind      Kind      `json:"kind"`
	ExpiresAt time.Time `json:"expiresAt"`
	// Public is the factor's question: WebAuthn request options, a prompt.
	Public json.RawMessage `json:"public,omitempty"`
}

// Answer is what came back from the client.
type Answer struct {
	// Session is the same secret of the browser session as at the beginning.
	Session string
	// Data is the factor's own: a code, or WebAuthn's JSON.
	Data []byte
	// Client is who answers.
	Client Client
}

// Result is a proof that passed.
type Result struct {
	Subject  Subject
	Kind     Kind
	Purpose  Purpose
	RecordID string
	// Evidence is to be kept in the session and handed back in [Request].
	Evidence Evidence
	// Notices are the factor's remarks, such as "recovery codes low".
	Notices []string
	// Client is who answered.
	Client Client
	// TrustToken is for a cookie of the browser until TrustUntil, if [NewHandler]
	// was asked to have it trusted: hand it back in [Client].
	TrustToken string
	TrustUntil time.Time
}
