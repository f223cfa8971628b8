// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import "context"

// VerifyPosted verifies a posted Response as the answer to a request with the
// ID, without HTTP and stores, for benchmarks and fuzzing.
func (s *ServiceProvider) VerifyPosted(ctx context.Context, value string, c *Connection, id string) (*Assertion, error) {
	xml, err := decodeBase64(value)
	if err != nil {
		return nil, err
	}
	r, err := readResponse(xml)
	if err != nil {
		return nil, err
	}
	var l *login
	if id != "" {
		l = &login{id: id, IssuedAt: s.cfg.Now()}
	}
	return s.verifyResponse(ctx, r, c, l)
}

// Query parses a Redirect query.
func Query(raw string, limit int) ([]byte, string, error) {
	q, err := parseQuery(raw, limit)
	if err != nil {
		return nil, "", err
	}
	return q.message, q.relayState, nil
}
