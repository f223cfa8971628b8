// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strconv"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// httpError is a refusal with its status and what people may read.
type httpError struct {
	status int
	text   string
}

func (e *httpError) Error() string { return e.text }

var (
	errMalformed = &httpError{http.StatusBadRequest, "The request is malformed."}
	errNoSession = &httpError{http.StatusBadRequest, mfa.PublicAgain}
	errTaken     = &httpError{http.StatusConflict, "This username is taken. Choose another one."}
	errOnly      = &httpError{http.StatusConflict, "This is your only passkey. Add another one first."}
)

// answer is what an endpoint says.
type answer struct {
	cookie string // sets the session, if not empty
	body   any
}

type (
	publicKey struct {
		PublicKey json.RawMessage `json:"publicKey"`
	}
	signedIn struct {
		Username string `json:"username"`
	}
	problem struct {
		Error string `json:"error"`
	}
)

// json makes an HTTP handler of an endpoint: the one place where bodies are
// read and errors become statuses.
func (s *site) json(endpoint func(r *http.Request, body []byte) (answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mfa.MaxAnswer))
		if err != nil {
			reply(w, http.StatusRequestEntityTooLarge, problem{"The request is too large."})
			return
		}
		a, err := endpoint(r, body)
		if err != nil {
			status, text := s.explain(r, err)
			reply(w, status, problem{text})
			return
		}
		if a.cookie != "" {
			http.SetCookie(w, s.cookie(a.cookie))
		}
		reply(w, http.StatusOK, a.body)
	}
}

func reply(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // our own structs
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}

// explain returns the status and the text for people; the cause is logged.
func (s *site) explain(r *http.Request, err error) (int, string) {
	var known *httpError
	if errors.As(err, &known) {
		return known.status, known.text
	}
	var refused *mfa.Error
	if errors.As(err, &refused) { // mfa has logged it, by its event
		switch refused.Check {
		case mfa.CheckFresh:
			return http.StatusForbidden, refused.Public
		case mfa.CheckLocked:
			return http.StatusTooManyRequests, refused.Public
		case mfa.CheckDuplicate, mfa.CheckLimit:
			return http.StatusConflict, refused.Public
		case mfa.CheckInput:
			return http.StatusBadRequest, refused.Public
		}
		if r.URL.Path == "/webauthn/login/finish" {
			return http.StatusUnauthorized, refused.Public
		}
		return http.StatusBadRequest, refused.Public
	}
	if errors.Is(err, mfa.ErrFull) {
		return http.StatusServiceUnavailable, "There is no room at the moment. Try again later."
	}
	s.log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "err", err)
	return http.StatusInternalServerError, "Something went wrong here. Try again."
}

// guard is in front of everything: it knows its own names, sets the headers
// that keep a page to itself, and limits how often one client asks.
func (s *site) guard(next http.Handler) http.Handler {
	port := strconv.Itoa(int(s.port))
	hosts := []string{"localhost:" + port, "127.0.0.1:" + port, "[::1]:" + port}
	if s.port == 80 {
		hosts = append(hosts, "localhost", "127.0.0.1", "[::1]")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "publickey-credentials-create=(self), publickey-credentials-get=(self)")
		if !slices.Contains(hosts, r.Host) { // another site's name for this machine (DNS rebinding)
			http.Error(w, "This is "+s.origin, http.StatusMisdirectedRequest)
			return
		}
		if r.Method == http.MethodPost && s.limit != nil && !s.limit.allow(client(r).Addr) {
			h.Set("Retry-After", "1") // in which 20 requests are paid for
			reply(w, http.StatusTooManyRequests, problem{"Too many requests. Wait a moment."})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// contentSecurityPolicy allows our own files and nothing else.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// client is who asks. There is no proxy in front of this site.
func client(r *http.Request) mfa.Client {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return mfa.Client{}
	}
	return mfa.Client{Addr: peer.Addr().Unmap()}
}

// usernameIn reads {"username":"..."}, or {} or nothing for none. Anything else
// is refused: a misspelt member must not become a sign-in without a name.
func usernameIn(body []byte) (string, error) {
	var tokens []json.Token
	d := json.NewDecoder(bytes.NewReader(body))
	for len(tokens) <= 4 {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", errMalformed
		}
		tokens = append(tokens, t)
	}
	if len(tokens) == 0 || slices.Equal(tokens, []json.Token{json.Delim('{'), json.Delim('}')}) {
		return "", nil
	}
	if len(tokens) != 4 || tokens[0] != json.Delim('{') || tokens[1] != "username" || tokens[3] != json.Delim('}') {
		return "", errMalformed
	}
	given, ok := tokens[2].(string)
	if !ok {
		return "", errMalformed
	}
	name, ok := cleanUsername(given)
	if !ok {
		return "", &httpError{http.StatusBadRequest, fmt.Sprintf("Choose a username of up to %d letters, digits and . _ @ + -", maxUsername)}
	}
	return name, nil
}
