// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
)

// InsecureVerifyUnbound verifies an encoded Response of the connection and
// marks its assertion as used, but asks neither whether it answers a request
// nor whether this browser made one. It MUST NOT be used for new programs:
// anybody with an account at the identity provider can sign other people in as
// himself. It is for interfaces that know no requests, such as gosaml2's;
// everything else is checked, and OneTimeUse and ProxyRestriction refuse.
// Assertion.Unsolicited is always true, and Assertion.RequestID is what the
// signed confirmation says that it answers: compare it with the own request.
func (s *ServiceProvider) InsecureVerifyUnbound(ctx context.Context, connection, encoded string) (a *Assertion, err error) {
	c, err := s.connection(ctx, connection)
	if err != nil {
		return nil, err
	}
	defer func() { err = c.of(err) }()
	if len(encoded)/4*3 > s.cfg.MaxMessage+s.cfg.MaxMessage/16 {
		return nil, refuse(CheckInput, "a message of %d base64 bytes", len(encoded))
	}
	data, err := decodeBase64(encoded)
	if err != nil {
		return nil, refuse(CheckInput, "the message is not base64")
	}
	resp, err := readResponse(data)
	if err != nil {
		return nil, err
	}
	resp.unbound = true
	if a, err = s.verifyResponse(ctx, resp, c, nil); err != nil {
		return nil, err
	}
	a.Unsolicited = true
	now := s.cfg.Now()
	if err := s.use(ctx, c, a, now); err != nil {
		if CheckOf(err) == "" {
			err = refuse(CheckStore, "mark as used: %w", err)
		}
		return nil, err
	}
	emit(ctx, s.cfg.OnEvent, Event{Type: EventAccepted, At: now, Connection: a.Connection, Peer: a.Issuer, ID: a.ID})
	return a, nil
}
