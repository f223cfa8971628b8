// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"context"
	"errors"
	"time"
)

// Errors of a [Store].
var (
	ErrNotFound = errors.New("awssso: not found")
	// ErrTaken says that a conditional change found the row in another state.
	ErrTaken = errors.New("awssso: already taken")
	// ErrTooMany says that a cap refused the row.
	ErrTooMany = errors.New("awssso: too many")
)

// Grace is how long [DeviceCode] and [AuthCode] rows are kept after their
// expiry, so that a late client still hears that its code expired and not that
// it never was.
const Grace = time.Hour

// DeviceState is where a device code stands.
type DeviceState string

// The states. The only changes are pending -> approved -> taken and
// pending -> denied.
const (
	DevicePending  DeviceState = "pending"
	DeviceApproved DeviceState = "approved"
	DeviceDenied   DeviceState = "denied"
	DeviceTaken    DeviceState = "taken"
)

// Approval is what the approving browser session was.
type Approval struct {
	SessionID string
	PersonID  string
	AuthTime  time.Time
	AMR       []string
}

// DeviceCode is one device authorization. Hash is that of the device code,
// UserHash the keyed hash of the short user code.
type DeviceCode struct {
	Hash       string
	UserHash   string
	Client     string // a hash of the client id
	ClientName string
	Device     string // the program and system that the client's User-Agent tells
	Scopes     []string
	Network    string // where it was started, as a prefix
	Created    time.Time
	Expires    time.Time
	State      DeviceState
	ShownTo    string   // the id of the session that was last shown the facts
	Typed      bool     // that session typed the code and did not follow a link
	Approval   Approval // set from approved on
	FamilyID   string   // set when taken
}

// AuthCode is one authorization code.
type AuthCode struct {
	Hash        string
	Client      string
	ClientName  string
	RedirectURI string
	Challenge   string // S256
	Scopes      []string
	Created     time.Time
	Expires     time.Time
	Approval    Approval
	FamilyID    string // set by BindCode
}

// Family is everything that descends from one approval.
type Family struct {
	ID         string
	Flow       Flow
	Client     string
	ClientName string
	Network    string
	Scopes     []string
	Approval   Approval
	Created    time.Time
	Expires    time.Time // absolute; no token of the family outlives it
	Generation int64     // counts refreshes from 0
	Rotated    time.Time // when Generation last changed
	KeyID      string    // the key under which the current generation was derived
	Revoked    time.Time // zero while it lives
}

// TokenKind keeps access and refresh tokens apart.
type TokenKind string

// The kinds.
const (
	AccessToken  TokenKind = "access"
	RefreshToken TokenKind = "refresh"
)

// Token is one token of a family, by its hash.
type Token struct {
	Hash       string
	Kind       TokenKind
	FamilyID   string
	Generation int64
	Expires    time.Time
}

// ClientState is what the store knows against a registration.
type ClientState struct {
	Epoch  int64 // the current epoch of registrations
	Denied bool
}

// EpochKind says what an epoch ends.
type EpochKind string

// The epochs. They are apart because the AWS CLI keeps a registration for 90
// days and does not renew one that is refused.
const (
	EpochGrants  EpochKind = "grants"  // every device code, authorization code and token
	EpochClients EpochKind = "clients" // every client registration
)

// Store keeps codes and token families. It is safe for concurrent use and
// honours the transaction in its context.
//
// Rows carry the epoch of grants in which they were inserted, and rows of an
// older epoch are not found. Expired rows are found until DeleteExpired removes
// them: the caller compares times. Methods that change a row's state do it by
// one conditional statement and return [ErrTaken] when another call was first.
// Package storetest holds the contract as tests.
type Store interface {
	// InTx runs fn in a transaction that commits iff fn returns nil; calls with
	// fn's context join it. fn may run again.
	InTx(ctx context.Context, fn func(ctx context.Context) error) error

	// InsertDevice adds a pending code, or returns [ErrTooMany] if its network
	// has perNetwork pending unexpired ones at d.Created. Another row with the
	// same Hash or UserHash is [ErrTaken].
	InsertDevice(ctx context.Context, d DeviceCode, perNetwork int) error
	// Device finds a code by Hash in one indexed read.
	Device(ctx context.Context, hash string) (DeviceCode, error)
	// DeviceByUserCode finds a code by UserHash.
	DeviceByUserCode(ctx context.Context, userHash string) (DeviceCode, error)
	// ShowDevice notes who is shown a pending code that has not expired at now,
	// and whether the code was typed. The latest one counts.
	ShowDevice(ctx context.Context, hash, sessionID string, typed bool, now time.Time) error
	// AnswerDevice approves or denies a pending code that has not expired at now.
	AnswerDevice(ctx context.Context, hash string, to DeviceState, a Approval, now time.Time) error
	// TakeDevice turns an approved code into a taken one for familyID.
	TakeDevice(ctx context.Context, hash, familyID string) error

	// InsertCode adds an authorization code.
	InsertCode(ctx context.Context, c AuthCode) error
	// TakeCode takes a code once. Every later call marks it as reused and
	// returns it with [ErrTaken].
	TakeCode(ctx context.Context, hash string) (AuthCode, error)
	// BindCode names the family that a taken code became, or returns [ErrTaken]
	// if the code has been reused in the meantime.
	BindCode(ctx context.Context, hash, familyID string) error

	// InsertFamily adds a family with its first tokens.
	InsertFamily(ctx context.Context, f Family, tokens ...Token) error
	// Token finds a token and its family in one statement. Revoked families
	// are found; their Revoked is set.
	Token(ctx context.Context, kind TokenKind, hash string) (Token, Family, error)
	// Rotate raises the family's generation from one to the next, adds the
	// tokens of the next and stamps Rotated and KeyID; [ErrTaken] if the
	// generation is another or the family is revoked.
	Rotate(ctx context.Context, familyID string, from int64, keyID string, now time.Time, tokens ...Token) error
	// RevokeFamily, RevokeSession and RevokePerson end families that live and
	// return how many they ended.
	RevokeFamily(ctx context.Context, id string, now time.Time) (int, error)
	RevokeSession(ctx context.Context, sessionID string, now time.Time) (int, error)
	RevokePerson(ctx context.Context, personID string, now time.Time) (int, error)
	// Families returns a person's families that are neither revoked nor expired
	// at now, the newest first, at most limit.
	Families(ctx context.Context, personID string, now time.Time, limit int) ([]Family, error)

	// Client returns what is held against a registration.
	Client(ctx context.Context, client string) (ClientState, error)
	// DenyClient puts a registration on the deny list until it expires anyway.
	DenyClient(ctx context.Context, client string, until time.Time) error
	// RaiseEpoch ends everything of one kind. Epochs begin at 1.
	RaiseEpoch(ctx context.Context, kind EpochKind) error

	// Charge counts one attempt under key, or returns [ErrTooMany] if limit
	// attempts were counted since the window began; a window begins with the
	// first attempt after the last one ended.
	Charge(ctx context.Context, key string, limit int, window time.Duration, now time.Time) error
	// Refund takes one attempt back.
	Refund(ctx context.Context, key string) error

	// DeleteExpired removes at most limit rows of each kind that can matter to
	// nobody any more and returns how many it removed. Codes go [Grace] after
	// their expiry, families with their tokens after theirs.
	DeleteExpired(ctx context.Context, now time.Time, limit int) (int, error)
}
