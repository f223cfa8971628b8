// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"context"
	"errors"
	"time"
)

// Errors of stores.
var (
	// ErrNotFound: there is no such row, or it is another person's.
	ErrNotFound = errors.New("mfa: not found")
	// ErrExists: the unique key or id is taken.
	ErrExists = errors.New("mfa: already exists")
	// ErrConflict: the row changed since it was read.
	ErrConflict = errors.New("mfa: changed meanwhile")
	// ErrInTx: the call charges an attempt or sends a message, which a
	// transaction of the caller's would take back or not. Call it outside.
	ErrInTx = errors.New("mfa: called inside a transaction of the store")
	// ErrFull: a memory store has no room and forgets nothing unexpired.
	ErrFull = errors.New("mfa: store is full")
)

// Store keeps the flow's rows. Every method is atomic, safe for concurrent
// use and joins the transaction that its context carries from InTx; whatever
// says "conditional" is one statement whose effect decides, never a read and
// then a write. Times have at least microsecond precision. The suite in
// mfatest proves an implementation.
type Store interface {
	// InTx runs fn in a transaction that commits if and only if fn returns
	// nil. Calls with fn's context join it, nested InTx calls too; fn may run
	// again after a serialization failure. A context used after its
	// transaction fails.
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// Joins says whether ctx carries a transaction of InTx's that has not
	// ended, so that a call with it would join.
	Joins(ctx context.Context) bool

	RecordStore
	ChallengeStore
	CounterStore
	TicketStore
	DeviceStore

	// DeleteExpired removes up to limit rows that expired before now and
	// returns how many it removed.
	DeleteExpired(ctx context.Context, now time.Time, limit int) (int, error)
}

// RecordStore keeps enrolled credentials.
type RecordStore interface {
	// AddRecord inserts r. ErrExists if its ID, or its Kind with a non-empty
	// Key, is taken by anyone.
	AddRecord(ctx context.Context, r Record) error
	// Records returns the person's records, oldest first; none is no error.
	Records(ctx context.Context, s Subject) ([]Record, error)
	// RecordsAfter returns up to limit records of anyone that come after id in
	// an order of IDs of the store's own; "" comes before all.
	RecordsAfter(ctx context.Context, id string, limit int) ([]Record, error)
	// RecordByKey returns the record of the kind with the key, whoever's it
	// is, or ErrNotFound.
	RecordByKey(ctx context.Context, k Kind, key string) (Record, error)
	// UpdateRecord is conditional: it replaces Name, Public, Strength, Sealed
	// and UsedAt of the record with r's ID and Subject if its Version is
	// r.Version, and sets Version to r.Version+1; else ErrConflict, also if
	// the record is gone.
	UpdateRecord(ctx context.Context, r Record) error
	// TouchRecord moves UsedAt of the person's record forward to at; it never
	// moves back. ErrNotFound if the record is gone.
	TouchRecord(ctx context.Context, s Subject, id string, at time.Time) error
	// DeleteRecord is conditional: ErrNotFound if it is not there, or not the
	// person's.
	DeleteRecord(ctx context.Context, s Subject, id string) error
}

// ChallengeRow is a challenge as a store keeps it.
type ChallengeRow struct {
	// Hash identifies it: SHA-256 of the id the client has.
	Hash [32]byte
	// Subject has an empty ID while the person is unknown.
	Subject Subject
	Kind    Kind
	Purpose Purpose
	// Binding is the hash of the browser session it belongs to.
	Binding [32]byte
	// Tries is how many answers are left.
	Tries     int
	CreatedAt time.Time
	ExpiresAt time.Time
	// Sealed is the state, sealed.
	Sealed []byte
}

// ChallengeStore keeps challenges.
type ChallengeStore interface {
	// AddChallenge inserts c. ErrExists if the hash is taken.
	AddChallenge(ctx context.Context, c ChallengeRow) error
	// TakeChallenge is conditional: if the challenge has Tries left and
	// expires after now it takes one and returns the row as it is afterwards;
	// else ErrNotFound.
	TakeChallenge(ctx context.Context, hash [32]byte, now time.Time) (ChallengeRow, error)
	// SpendChallenge is conditional: it removes the challenge, used up or
	// not; ErrNotFound if it is gone.
	SpendChallenge(ctx context.Context, hash [32]byte) error
	// DropChallenges removes the person's challenges of the kind and purpose,
	// but the newest keep.
	DropChallenges(ctx context.Context, s Subject, k Kind, p Purpose, keep int) error
}

// Counter is what is held against a person and a name: a factor's kind, or
// another limited thing.
type Counter struct {
	Failures    int
	LockedUntil time.Time
}

// CounterStore counts attempts.
type CounterStore interface {
	// Charge is conditional: if the counter is not locked at now it adds one
	// failure, locks it for lock(failures) from now if that is positive, and
	// returns the new state and true; else it changes nothing and returns the
	// state and false. Parallel charges are each counted.
	Charge(ctx context.Context, s Subject, name string, now time.Time, lock func(failures int) time.Duration) (Counter, bool, error)
	// ClearCounter removes the counter; no counter is no error.
	ClearCounter(ctx context.Context, s Subject, name string) error
	// Counters returns the person's counters by name.
	Counters(ctx context.Context, s Subject) (map[string]Counter, error)
}

// Ticket is a right to do one thing once, such as to enrol a factor.
type Ticket struct {
	// Hash is the SHA-256 of the token, with its purpose.
	Hash      [32]byte
	Subject   Subject
	ExpiresAt time.Time
}

// TicketStore keeps tickets.
type TicketStore interface {
	// AddTicket inserts t. ErrExists if the hash is taken.
	AddTicket(ctx context.Context, t Ticket) error
	// Ticket returns the ticket if it expires after now, else ErrNotFound.
	Ticket(ctx context.Context, hash [32]byte, now time.Time) (Ticket, error)
	// SpendTicket is conditional: it removes the person's ticket if it
	// expires after now; else ErrNotFound.
	SpendTicket(ctx context.Context, s Subject, hash [32]byte, now time.Time) error
	// DropTickets removes all tickets of the person.
	DropTickets(ctx context.Context, s Subject) error
}

// Device is a browser that the person chose to trust.
type Device struct {
	ID      string
	Subject Subject
	// Hash is the SHA-256 of the token in its cookie.
	Hash [32]byte
	Name string
	// Kind is the factor that was proved; empty if the row is of a release
	// that did not keep it.
	Kind      Kind
	CreatedAt time.Time
	UsedAt    time.Time
	ExpiresAt time.Time
}

// Sighting is a context in which the person has signed in.
type Sighting struct {
	Subject Subject
	// Device is the hash of the browser's id, hexadecimal; empty if it had
	// none.
	Device  string
	Browser string
	// Network is the client's /24 (IPv4) or /48 (IPv6).
	Network string
	Place   Place
	At      time.Time
}

// DeviceStore keeps trusted devices and sightings.
type DeviceStore interface {
	// AddDevice inserts d. ErrExists if the id or hash is taken.
	AddDevice(ctx context.Context, d Device) error
	// Devices returns the person's devices that expire after now, newest
	// first.
	Devices(ctx context.Context, s Subject, now time.Time) ([]Device, error)
	// TouchDevice moves UsedAt forward.
	TouchDevice(ctx context.Context, s Subject, id string, at time.Time) error
	// DeleteDevice is conditional: ErrNotFound if it is not there, or not the
	// person's.
	DeleteDevice(ctx context.Context, s Subject, id string) error
	// DropDevices removes all devices of the person.
	DropDevices(ctx context.Context, s Subject) error

	// AddSighting keeps s, and of the person's sightings the newest keep.
	AddSighting(ctx context.Context, s Sighting, keep int) error
	// Sightings returns the person's sightings, newest first.
	Sightings(ctx context.Context, s Subject) ([]Sighting, error)
	// DropSightings removes all sightings of the person.
	DropSightings(ctx context.Context, s Subject) error
}
