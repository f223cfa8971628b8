// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"errors"
	"net/http"
)

// maxHint is the longest name that is looked up, in bytes.
const maxHint = 256

// NewSignInHandler returns JSON endpoints for the page where nobody is signed in
// yet, by kinds that may be the first factor ([Info].FirstFactor), such as
// passkeys. They are mounted and posted to as those of [NewHandler]:
//
//	POST /first         {"kind","name","options"} -> challenge; no name is usernameless
//	POST /first/finish  {"id","answer"} -> {"passed":true,"kind"} or {"next":challenge}
//
// Commit gets the proof, of purpose [First], and makes the session. A person who
// exists and one who does not are answered alike, as far as Lookup takes as long
// for both.
//
// Against login CSRF and session fixation a challenge is bound to Session, the
// secret of a cookie that the sign-in page sets (HttpOnly, Secure, __Host-), and
// answers come from the same origin only. It is no session: Commit makes one with
// an id of its own, never that secret, and Done replaces the cookie.
//
// Anybody may call these, and each call stores a challenge or judges an answer:
// limit how often one address may.
func NewSignInHandler(c HandlerConfig) (http.Handler, error) {
	if c.Flow == nil || c.Session == nil || c.Commit == nil {
		return nil, errors.New("mfa: HandlerConfig wants Flow, Session and Commit")
	}
	h := newHandler(c, true)
	mux := http.NewServeMux()
	mux.Handle("POST /first", h.serve(h.beginFirst))
	mux.Handle("POST /first/finish", h.serve(h.finish))
	return mux, nil
}

func (h *handler) beginFirst(c call) (any, error) {
	name := c.body.Name
	if len(name) > maxHint {
		return nil, refuse(CheckInput, "The request is malformed.", "the name is too long")
	}
	options, err := h.options(c, First)
	if err != nil {
		return nil, err
	}
	var s Subject
	if h.Lookup != nil {
		if s, err = h.Lookup(c.r, name); err != nil {
			return nil, err
		}
	}
	if name == "" {
		s.ID = ""
	}
	return h.Flow.Begin(c.r.Context(), BeginInput{
		Subject: s, Hint: name, Kind: c.body.Kind, Purpose: First, Session: c.session, Client: c.client, Options: options,
	})
}
