// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package audit records what happened in the portal as typed events.
//
// Start with [Log]: [Log.Record] joins the transaction in its context, so that
// an effect and its event commit together, and [Log.Refuse] commits in a
// transaction of its own, so that a refusal survives the roll-back of what it
// refused. Refusals of strangers are aggregated: one event a minute for one
// type and network, with a count, so that a flood cannot fill the database.
// [Log.DeleteBefore] deletes old events.
//
// Events hold no assertion, token, code, password or unknown user name. Their
// identity and canonical encoding ([Event.Canonical]) are fixed, so that a
// hash chain can be laid over committed events later.
package audit

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Type says what happened. The names follow CloudTrail's where AWS IAM
// Identity Center has the same event.
type Type string

// The event types. What they hold in Details is documented with each.
const (
	CredentialVerification Type = "CredentialVerification" // credential: password, totp, webauthn, recovery
	UserAuthentication     Type = "UserAuthentication"     // a session began; amr, source
	SignOut                Type = "SignOut"
	SessionRevoked         Type = "SessionRevoked"     // by, reason
	FactorEnrolled         Type = "FactorEnrolled"     // factor, name
	FactorRemoved          Type = "FactorRemoved"      // factor, name
	EnrolmentTicket        Type = "EnrolmentTicket"    // created or spent; purpose
	Federate               Type = "Federate"           // a signature: account, role, assertion, application
	GetRoleCredentials     Type = "GetRoleCredentials" // account, role, assertion
	AccountsListed         Type = "ListAccounts"
	DeviceAuthorization    Type = "StartDeviceAuthorization"
	CreateToken            Type = "CreateToken" // grant, flow
	TokenFamilyRevoked     Type = "TokenFamilyRevoked"
	PersonCreated          Type = "CreateUser"
	PersonChanged          Type = "UpdateUser" // what
	PersonDeleted          Type = "DeleteUser"
	GroupCreated           Type = "CreateGroup"
	GroupChanged           Type = "UpdateGroup" // what
	GroupDeleted           Type = "DeleteGroup"
	AccessChanged          Type = "AccessChanged"        // object, id, change
	ConfigurationApplied   Type = "ConfigurationApplied" // objects
	Recovery               Type = "AdministratorRecovery"
	InputRefused           Type = "InputRefused" // malformed, oversized, stale, replayed or foreign input; check, surface
	Other                  Type = "Other"
)

// Outcome tells an effect from a refusal.
type Outcome string

// The outcomes.
const (
	Success Outcome = "Success"
	Refused Outcome = "Refused"
)

// Limits on what an event holds; longer values are cut at a rune boundary.
const (
	MaxValue   = 256 // bytes of a value or identifier
	MaxDetails = 16  // entries in Details
)

// MaxStrangers is how many refusals of strangers are told apart in a minute.
const MaxStrangers = 1000

// Event is one thing that happened. The zero ID and Time are filled in when it
// is recorded.
type Event struct {
	ID          string            `json:"id"`   // 26 characters, sorts by time
	Time        time.Time         `json:"time"` // UTC, microseconds
	Type        Type              `json:"type"`
	Outcome     Outcome           `json:"outcome"`
	Actor       string            `json:"actor,omitempty"`   // person id, "scim:TOKENID", "cli:recover", "" for a stranger
	Person      string            `json:"person,omitempty"`  // person id that it is about
	Source      string            `json:"source,omitempty"`  // identity source id
	Network     string            `json:"network,omitempty"` // address, IPv6 cut to /64
	Correlation string            `json:"correlation,omitempty"`
	Check       string            `json:"check,omitempty"` // what refused
	Count       int               `json:"count"`           // 1, or how many refusals were aggregated
	Details     map[string]string `json:"details,omitempty"`
}

// Store keeps events. Its methods join the transaction in ctx.
type Store interface {
	// InTx runs fn in a transaction, as every store of the portal does.
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// AppendEvent stores one event; a second one with the same ID is an error.
	AppendEvent(ctx context.Context, e Event) error
	// CountRefusal adds one to the aggregated refusal with the key, and stores
	// e under it if there is none.
	CountRefusal(ctx context.Context, key string, e Event) error
	// Strangers returns how many aggregated refusals have a key of from or
	// behind, and before to; it need not count beyond limit.
	Strangers(ctx context.Context, from, to string, limit int) (int, error)
	// DeleteEvents deletes at most limit events whose ID sorts before the given
	// one, oldest first, with their counts, and returns how many.
	DeleteEvents(ctx context.Context, before string, limit int) (int, error)
	// Events returns events by descending ID, older than before (all if
	// empty), at most limit.
	Events(ctx context.Context, before string, limit int) ([]Event, error)
	// EventsOf returns the events about a person by descending ID, from an ID
	// or what IDs begin with, older than before (all if empty), at most limit.
	// Its cost is that of these events, however many there are of others.
	EventsOf(ctx context.Context, personID, from, before string, limit int) ([]Event, error)
}

// Log writes events to a store and to a logger.
type Log struct {
	store Store
	log   *slog.Logger
	now   func() time.Time
}

// New returns a log over store. A nil logger discards, a nil now is time.Now.
func New(store Store, log *slog.Logger, now func() time.Time) *Log {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if now == nil {
		now = time.Now
	}
	return &Log{store: store, log: log, now: now}
}

// Record stores a success in the transaction of ctx. Its error must end that
// transaction: no effect without its event.
func (l *Log) Record(ctx context.Context, e Event) error {
	e.Outcome = Success
	e = l.complete(ctx, e)
	if err := l.store.AppendEvent(ctx, e); err != nil {
		return err
	}
	l.write(ctx, slog.LevelInfo, e)
	return nil
}

// Refuse stores a refusal in a transaction of its own. It must not be called
// inside a transaction: on SQLite, which has one writer, it would wait for
// itself. An event without Actor is a stranger's and is aggregated by type,
// check, network and person over one minute. Once there are
// [MaxStrangers] such events in a minute, further ones are counted by type and
// check alone, so that a flood from many networks cannot fill the database
// either.
func (l *Log) Refuse(ctx context.Context, e Event) {
	e.Outcome = Refused
	e = l.complete(ctx, e)
	ctx = context.WithoutCancel(ctx)
	if err := l.refuse(ctx, e); err != nil {
		l.log.ErrorContext(ctx, "audit: a refusal was not stored", "error", err, "type", e.Type, "check", e.Check)
	}
	l.write(ctx, slog.LevelWarn, e)
}

func (l *Log) refuse(ctx context.Context, e Event) error {
	if e.Actor != "" {
		return l.store.InTx(ctx, func(ctx context.Context) error { return l.store.AppendEvent(ctx, e) })
	}
	minute, next := minuteOf(e.Time), minuteOf(e.Time.Add(time.Minute))
	// Counted before the transaction, which would otherwise conflict with every
	// other refusal; a few more than the bound do no harm.
	n, err := l.store.Strangers(ctx, minute, next, MaxStrangers)
	if err != nil {
		return err
	}
	if n >= MaxStrangers {
		e.Network, e.Person, e.Correlation, e.Details = "", "", "", map[string]string{"from": "many networks"}
	}
	key := strings.Join([]string{minute, string(e.Type), e.Check, e.Network, e.Person}, "|")
	return l.store.InTx(ctx, func(ctx context.Context) error { return l.store.CountRefusal(ctx, key, e) })
}

func minuteOf(t time.Time) string { return t.Truncate(time.Minute).Format("200601021504") }

// DeleteBefore deletes at most limit events that are older than t, oldest
// first, and returns how many.
func (l *Log) DeleteBefore(ctx context.Context, t time.Time, limit int) (int, error) {
	return l.store.DeleteEvents(ctx, idTime(t), limit)
}

// Events returns a page of events, newest first.
func (l *Log) Events(ctx context.Context, before string, limit int) ([]Event, error) {
	return l.store.Events(ctx, before, limit)
}

// EventsOf returns a page of the events about a person since a time, newest
// first.
func (l *Log) EventsOf(ctx context.Context, personID string, since time.Time, before string, limit int) ([]Event, error) {
	return l.store.EventsOf(ctx, personID, idTime(since), before, limit)
}

func (l *Log) complete(ctx context.Context, e Event) Event {
	e.Time = l.now().UTC().Truncate(time.Microsecond)
	e.ID = newID(e.Time)
	e.Count = 1
	r := RequestFrom(ctx)
	if e.Network == "" && r.Addr.IsValid() {
		e.Network = Network(r.Addr)
	}
	if e.Correlation == "" {
		e.Correlation = r.Correlation
	}
	for _, s := range []*string{&e.Actor, &e.Person, &e.Source, &e.Network, &e.Correlation, &e.Check} {
		*s = Clean(*s)
	}
	details := make(map[string]string, len(e.Details))
	for k, v := range e.Details {
		if len(details) < MaxDetails && v != "" {
			details[Clean(k)] = Clean(v)
		}
	}
	e.Details = details
	return e
}

func (l *Log) write(ctx context.Context, level slog.Level, e Event) {
	l.log.LogAttrs(ctx, level, "audit", slog.String("id", e.ID), slog.String("type", string(e.Type)),
		slog.String("outcome", string(e.Outcome)), slog.String("actor", e.Actor), slog.String("person", e.Person),
		slog.String("source", e.Source), slog.String("network", e.Network), slog.String("check", e.Check),
		slog.String("correlation", e.Correlation), slog.Any("details", e.Details))
}

// Canonical is the event's one encoding: JSON with the fields in the order of
// [Event] and sorted Details, without insignificant white space.
func (e Event) Canonical() []byte {
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // unreachable: every field is a string, a number or a time
	}
	return b
}

// Clean returns s as an event stores it: valid UTF-8 without control, format
// and bidirectional characters, at most [MaxValue] bytes.
func Clean(s string) string {
	if len(s) > 4*MaxValue {
		s = s[:4*MaxValue]
	}
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if len(s) <= MaxValue {
		return s
	}
	cut := MaxValue
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}

// Network is an address as limits and events count it: IPv6 by /64.
func Network(a netip.Addr) string {
	a = a.Unmap()
	if !a.IsValid() {
		return ""
	}
	if a.Is6() {
		p, _ := a.WithZone("").Prefix(64)
		return p.String()
	}
	return a.String()
}

// Request is what is known of the HTTP request that an event comes from.
type Request struct {
	Addr        netip.Addr
	Correlation string
}

type requestKey struct{}

// WithRequest returns a context whose events carry r.
func WithRequest(ctx context.Context, r Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// RequestFrom returns what WithRequest stored, or the zero Request.
func RequestFrom(ctx context.Context) Request {
	r, _ := ctx.Value(requestKey{}).(Request)
	return r
}

const base32hex = "0123456789ABCDEFGHIJKLMNOPQRSTUV"

// newID is 55 bits of microseconds in base 32, so that ids sort by time, and
// 75 random bits.
func newID(t time.Time) string { return idTime(t) + rand.Text()[:15] }

// idTime is how the ids of a time begin.
func idTime(t time.Time) string {
	us := uint64(max(t.UnixMicro(), 0))
	var b [11]byte
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = base32hex[us&31]
		us >>= 5
	}
	return string(b[:])
}
