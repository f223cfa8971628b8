// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"errors"
	"net/http"
)

var errPending = errors.New("saml: being written")

// Logout begins to end the session at all its participants.
func (p *IdentityProvider) Logout(ctx context.Context, session, target string) (*LogoutResult, error) {
	return nil, errPending
}

// HandleLogout takes a logout message by Redirect, POST or SOAP. end ends the
// application's sessions.
func (p *IdentityProvider) HandleLogout(r *http.Request, end func(ctx context.Context, sessions []string) error) (*LogoutResult, error) {
	return nil, errPending
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
