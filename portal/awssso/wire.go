// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// maxBody bounds every request body. The largest real one is a refresh with
// client id and secret, about 2 kB.
const maxBody = 32 << 10

// operation answers one call with a value to encode as JSON, or nil for an
// empty body.
type operation func(r *http.Request, c call) (any, error)

// call is one request as the operations see it.
type call struct {
	id      string // correlation id
	network string
}

// API is the wire. Its paths are those of AWS, below the prefix under which it
// is mounted (strip the prefix first): /client/register, /device_authorization,
// /token, /authorize, /assignment/accounts, /assignment/roles,
// /federation/credentials and /logout. It knows no cookies and sends no CORS
// headers: browsers have no business here, except for being sent on from
// /authorize.
func (s *Server) API() http.Handler {
	type route struct {
		method string
		codes  map[Check]code
		op     operation
	}
	routes := map[string]route{
		"/client/register":        {http.MethodPost, oidcCodes, s.registerClient},
		"/device_authorization":   {http.MethodPost, oidcCodes, s.startDeviceAuthorization},
		"/token":                  {http.MethodPost, oidcCodes, s.createToken},
		"/assignment/accounts":    {http.MethodGet, portalCodes, s.listAccounts},
		"/assignment/roles":       {http.MethodGet, portalCodes, s.listAccountRoles},
		"/federation/credentials": {http.MethodGet, portalCodes, s.getRoleCredentials},
		"/logout":                 {http.MethodPost, portalCodes, s.logout},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := call{id: newRequestID(), network: network(s.cfg.ClientAddr(r))}
		w.Header().Set("X-Amzn-Requestid", c.id)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if r.URL.Path == "/authorize" {
			s.forwardAuthorize(w, r)
			return
		}
		route, known := routes[r.URL.Path]
		var answer any
		var err error
		switch {
		case !known:
			route.codes, err = oidcCodes, refuse(CheckPath, "There is no such operation.")
		case r.Method != route.method:
			w.Header().Set("Allow", route.method)
			err = refuse(CheckMethod, "The method is %s.", route.method)
		default:
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			answer, err = route.op(r, c)
		}
		if err != nil {
			s.refuseCall(w, r, c, route.codes, asError(err))
			return
		}
		writeJSON(w, http.StatusOK, answer)
	})
}

// refuseCall answers in every shape that some client looks for: header,
// __type, and the OAuth fields (clients of AWS understand the first two only).
func (s *Server) refuseCall(w http.ResponseWriter, r *http.Request, c call, codes map[Check]code, e *Error) {
	s.cfg.OnError(r, e, c.id)
	k, ok := codes[e.Check]
	if !ok {
		k = internalCode
	}
	w.Header().Set("X-Amzn-Errortype", k.name)
	switch {
	case k.status == http.StatusTooManyRequests || k.status == http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "2")
	case k.status == http.StatusUnauthorized && k.oauth == "invalid_token":
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	writeJSON(w, k.status, struct {
		Type        string `json:"__type"`
		Message     string `json:"message"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{k.name, e.Public, k.oauth, e.Public})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	if v == nil {
		w.WriteHeader(status)
		return
	}
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // unreachable: our own structs of strings and numbers
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// readJSON decodes a bounded body. Unknown members are allowed, as clients
// send more with every version.
func readJSON(r *http.Request, into any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return &Error{Check: CheckRequest, Public: "The body is too large.", Err: err}
		}
		return &Error{Check: CheckRequest, Public: "The body could not be read.", Err: err}
	}
	if err := json.Unmarshal(body, into); err != nil {
		return &Error{Check: CheckRequest, Public: "The body is not the JSON object that it must be.", Err: err}
	}
	return nil
}

// query returns a parameter that occurs once and is at most max bytes.
func query(r *http.Request, name string, max int) (string, error) {
	values := r.URL.Query()[name]
	if len(values) > 1 || len(values) == 1 && len(values[0]) > max {
		return "", refuse(CheckRequest, "The parameter %s is too long or repeated.", name)
	}
	if len(values) == 0 {
		return "", nil
	}
	return values[0], nil
}

// limit softly bounds what costs something and needs no token.
func (s *Server) limit(c call) error {
	if !s.calls.allow(c.network, s.cfg.Now()) {
		return refuse(CheckThrottled, "Too many calls from your network. Try again in a moment.")
	}
	return nil
}

func newRequestID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	h := hex.EncodeToString(b)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}
