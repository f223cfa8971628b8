// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"crypto/subtle"
	"encoding/base64"
	"slices"
)

// clientData are what the browser says of a ceremony (5.8.1).
type clientData struct {
	typ, challenge, origin []byte
	crossOrigin            bool
	topOrigin              []byte
	hasTop                 bool
}

func parseClientData(raw []byte) (clientData, error) {
	n, err := parseObject(raw)
	if err != nil {
		return clientData{}, err
	}
	var c clientData
	if c.typ, err = n.str("type"); err != nil {
		return c, err
	}
	if c.challenge, err = n.str("challenge"); err != nil {
		return c, err
	}
	if c.origin, err = n.str("origin"); err != nil {
		return c, err
	}
	switch n.get("crossOrigin").kind {
	case 0, 'f':
	case 't':
		c.crossOrigin = true
	default:
		return c, refusal(CheckJSON, "crossOrigin is no boolean")
	}
	if n.get("topOrigin").kind != 0 {
		c.hasTop = true
		c.topOrigin, err = n.str("topOrigin")
	}
	return c, err
}

const (
	typeCreate = "webauthn.create"
	typeGet    = "webauthn.get"
)

// checkClientData judges the client data of an answer against its challenge.
// Neither what was expected nor what came is said: it may reach people.
func (f *Factor) checkClientData(raw []byte, typ string, st *state) error {
	c, err := parseClientData(raw)
	if err != nil {
		return err
	}
	if string(c.typ) != typ {
		return refusal(CheckType, "the client data are not of type %s", typ)
	}
	var want [2 * challengeSize]byte
	encoded := base64.RawURLEncoding.AppendEncode(want[:0], st.challenge)
	if subtle.ConstantTimeCompare(c.challenge, encoded) != 1 {
		return refusal(CheckClientChallenge, "the client data have another challenge")
	}
	if !slices.Contains(f.cfg.Origins, string(c.origin)) || len(st.origin) > 0 && string(c.origin) != string(st.origin) {
		return refusal(CheckOrigin, "the client data are of another origin")
	}
	if c.crossOrigin && !f.cfg.AllowCrossOrigin {
		return refusal(CheckCrossOrigin, "the page was embedded in another origin")
	}
	listed := c.crossOrigin && slices.Contains(f.cfg.TopOrigins, string(c.topOrigin))
	if !listed && (c.hasTop || c.crossOrigin && len(f.cfg.TopOrigins) > 0) {
		return refusal(CheckTopOrigin, "the page was embedded in an origin that is not configured")
	}
	return nil
}
