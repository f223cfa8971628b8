// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// authorizeRequest is a request of /authorize whose client and redirect URI
// are verified, so that an answer may be sent there.
type authorizeRequest struct {
	client    *client
	redirect  string
	state     string
	challenge string
	scopes    []string
}

const maxState = 512

// readAuthorize verifies a request. If only client and redirect URI are in
// order, it returns the request and the OAuth error to send there (RFC 6749
// 4.1.2.1); otherwise a refusal that must not redirect.
func (s *Server) readAuthorize(q url.Values) (a authorizeRequest, oauth string, refused *Error) {
	one := func(name string, max int) string {
		v := q[name]
		if len(v) > 1 || len(v) == 1 && len(v[0]) > max {
			refused = refuse(CheckRequest, "The parameter %s is too long or repeated.", name)
			return ""
		}
		return q.Get(name)
	}
	id, redirect := one("client_id", maxClientID), one("redirect_uri", maxURL)
	a.state, a.challenge = one("state", maxState), one("code_challenge", 128)
	kind, method := one("response_type", 32), one("code_challenge_method", 32)
	names := one("scopes", 256)
	if names == "" {
		names = one("scope", 256)
	}
	if refused != nil {
		return a, "", refused
	}
	if a.client, refused = readClient(s.keys.clients, id); refused != nil {
		return a, "", refused
	}
	if refused = s.unexpired(a.client); refused != nil {
		return a, "", refused
	}
	if !a.client.hasRedirect(redirect) {
		return a, "", refuse(CheckRedirect, "The redirect URI is not one that the program registered.")
	}
	a.redirect, a.scopes = redirect, strings.Fields(names)
	switch {
	case !a.client.may(shortCode):
		return a, "unauthorized_client", nil
	case kind != "code":
		return a, "unsupported_response_type", nil
	case method != "S256" || !isChallenge(a.challenge) || a.state == "":
		return a, "invalid_request", nil
	}
	for _, scope := range a.scopes {
		if !slices.Contains(a.client.Scopes, scope) {
			return a, "invalid_scope", nil
		}
	}
	return a, "", nil
}

// isChallenge reports whether c is a SHA-256 in unpadded base64url.
func isChallenge(c string) bool {
	if len(c) != 43 {
		return false
	}
	for _, r := range c {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
			return false
		}
	}
	return true
}

// location is the redirect URI with an answer.
func (a authorizeRequest) location(name, value string) string {
	q := url.Values{name: {value}}
	if a.state != "" {
		q.Set("state", a.state)
	}
	return a.redirect + "?" + q.Encode()
}

// forwardAuthorize sends the browser to the consent page, which is where the
// session cookie is seen. The wire itself knows no cookies.
func (s *Server) forwardAuthorize(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET")
		s.refuseCall(w, r, call{id: w.Header().Get("X-Amzn-Requestid")}, oidcCodes, refuse(CheckMethod, "The method is GET."))
		return
	}
	if len(r.URL.RawQuery) > 8<<10 {
		s.refuseCall(w, r, call{id: w.Header().Get("X-Amzn-Requestid")}, oidcCodes, refuse(CheckRequest, "The query is too long."))
		return
	}
	w.Header().Set("Location", s.cfg.PagesURL+PathConsent+"?"+r.URL.RawQuery)
	w.WriteHeader(http.StatusSeeOther)
}
