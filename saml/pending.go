// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"errors"
	"net/http"
)

var errPending = errors.New("saml: being written")

// NewIdentityProvider checks the configuration whole and copies it.
func NewIdentityProvider(cfg IdPConfig) (*IdentityProvider, error) { return nil, errPending }

// Entity returns our own metadata as a value, for a peer in the same program.
func (p *IdentityProvider) Entity() *Entity { return nil }

// Metadata returns our signed metadata.
func (p *IdentityProvider) Metadata() ([]byte, error) { return nil, errPending }

// ParseRequest reads and verifies the AuthnRequest in r, by Redirect or POST.
func (p *IdentityProvider) ParseRequest(r *http.Request) (*Request, error) { return nil, errPending }

// Park keeps the request in the store while the person signs in and returns
// an unguessable handle for [IdentityProvider.Resume].
func (p *IdentityProvider) Park(ctx context.Context, req *Request) (string, error) {
	return "", errPending
}

// Resume returns a parked request. Respond or Fail then end it: one wins.
func (p *IdentityProvider) Resume(ctx context.Context, handle string) (*Request, error) {
	return nil, errPending
}

// Respond issues an assertion.
func (p *IdentityProvider) Respond(ctx context.Context, rp ResponseParams) (*Outgoing, error) {
	return nil, errPending
}

// Fail answers the request with a status.
func (p *IdentityProvider) Fail(ctx context.Context, req *Request, s Status) (*Outgoing, error) {
	return nil, errPending
}

// Logout begins to end the session at all its participants.
func (p *IdentityProvider) Logout(ctx context.Context, session, target string) (*LogoutResult, error) {
	return nil, errPending
}

// HandleLogout takes a logout message by Redirect, POST or SOAP. end ends the
// application's sessions.
func (p *IdentityProvider) HandleLogout(r *http.Request, end func(ctx context.Context, sessions []string) error) (*LogoutResult, error) {
	return nil, errPending
}

// PairwiseID returns a persistent NameID that differs between service
// providers, so that they cannot join their records.
func PairwiseID(key []byte, idp, sp, person string) string { return "" }

// NewServiceProvider checks the configuration whole and copies it.
func NewServiceProvider(cfg SPConfig) (*ServiceProvider, error) { return nil, errPending }

// Metadata returns our signed metadata for the connection.
func (s *ServiceProvider) Metadata(ctx context.Context, connection string) ([]byte, error) {
	return nil, errPending
}

// Login begins a login with the connection's identity provider.
func (s *ServiceProvider) Login(ctx context.Context, connection string, o LoginOptions) (*Outgoing, error) {
	return nil, errPending
}

// ACS is the handler of the assertion consumer service. It verifies the
// Response and sends the browser to Connection.Finish with a ticket.
func (s *ServiceProvider) ACS() http.Handler { return nil }

// Finish ends a login in the GET that ACS sent the browser to: it takes the
// ticket, checks that this is the browser that began the login, and runs
// commit in a transaction of the store. Begin a new session there, with a new
// ID; the session rows commit with it or not at all.
func (s *ServiceProvider) Finish(ctx context.Context, r *http.Request, commit func(ctx context.Context, a *Assertion) error) error {
	return errPending
}

// Logout begins a logout at the identity provider. End the own session first.
func (s *ServiceProvider) Logout(ctx context.Context, o LogoutStart) (*Outgoing, error) {
	return nil, errPending
}

// HandleLogout takes a logout message by Redirect, POST or SOAP. end ends the
// application's sessions.
func (s *ServiceProvider) HandleLogout(r *http.Request, end func(ctx context.Context, n LogoutNotice) error) (*LogoutResult, error) {
	return nil, errPending
}

// NewMemoryStore returns a Store and ParticipantStore of one process that
// holds at most max rows. It loses everything at restart and must not be used
// by two replicas; full of unexpired rows it returns ErrFull.
func NewMemoryStore(max int) *MemoryStore { return nil }

// MemoryStore is a Store and ParticipantStore in memory.
type MemoryStore struct{}

// NewClient returns an HTTP client for peers' addresses: https or loopback
// http, public or loopback addresses checked when dialling, few redirects.
func NewClient() *http.Client { return nil }

// MetadataOptions say how metadata is verified.
type MetadataOptions struct{}

// ParseMetadata reads one EntityDescriptor.
func ParseMetadata(data []byte, o MetadataOptions) (*Entity, error) { return nil, errPending }
