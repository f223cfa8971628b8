// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// Pages are the pages in which a signed-in person approves: [PathDevice],
// [PathApprove] and [PathConsent] (strip the prefix under which they are
// mounted). Every answer is a same-origin POST; no GET changes anything.
func (s *Server) Pages() http.Handler {
	type page func(w http.ResponseWriter, r *http.Request, c call, session Session) error
	routes := map[string]map[string]page{
		PathDevice:  {http.MethodGet: s.deviceEntry, http.MethodPost: s.deviceLookup},
		PathApprove: {http.MethodPost: s.deviceAnswer},
		PathConsent: {http.MethodGet: s.consentAsk, http.MethodPost: s.consentAnswer},
	}
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := call{id: newRequestID(), network: network(s.cfg.ClientAddr(r))}
		w.Header().Set("Cache-Control", "no-store")
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		route, known := routes[r.URL.Path]
		op := route[method]
		var err error
		switch {
		case !known:
			err = refuse(CheckPath, "There is no such page.")
		case op == nil:
			err = refuse(CheckMethod, "This page does not take that request.")
		default:
			err = s.openPage(w, r, c, op)
		}
		if err != nil {
			s.refusePage(w, r, c, asError(err))
		}
	})
	return http.NewCrossOriginProtection().Handler(pages)
}

func (s *Server) openPage(w http.ResponseWriter, r *http.Request, c call, op func(http.ResponseWriter, *http.Request, call, Session) error) error {
	if len(r.URL.RawQuery) > 8<<10 {
		return refuse(CheckRequest, "The address is too long.")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		return &Error{Check: CheckRequest, Public: "The form could not be read.", Err: err}
	}
	session, err := s.cfg.Browser(r)
	if errors.Is(err, ErrNoSession) {
		s.cfg.SignIn(w, r, s.returnPath(r))
		return nil
	}
	if err != nil {
		return err
	}
	if session.Unsolicited {
		return refuse(CheckUnsolicited, "You came here from another site's link and did not sign in here yourself. Sign out, sign in again, and repeat this step.")
	}
	return op(w, r, c, session)
}

// returnPath is where to come back to after signing in: the page itself for a
// GET, the entry of a code otherwise, as a form cannot be kept.
func (s *Server) returnPath(r *http.Request) string {
	switch {
	case r.Method == http.MethodGet && r.URL.RawQuery != "":
		return s.pagePath(r.URL.Path) + "?" + r.URL.RawQuery
	case r.Method == http.MethodPost && r.URL.Path == PathConsent:
		return s.pagePath(PathConsent) + "?" + consentQuery(r.PostForm).Encode()
	default:
		return s.pagePath(PathDevice)
	}
}

// pagePath is the path of a page on the portal's host.
func (s *Server) pagePath(path string) string {
	u, err := url.Parse(s.cfg.PagesURL)
	if err != nil {
		panic(err) // unreachable: New parsed it
	}
	return strings.TrimRight(u.EscapedPath(), "/") + path
}

func (s *Server) refusePage(w http.ResponseWriter, r *http.Request, c call, e *Error) {
	s.cfg.OnError(r, e, c.id)
	status := pageStatus(e.Check)
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "2")
	}
	s.cfg.Render(w, r, status, RefusalPage{Check: e.Check, Problem: e.Public, RequestID: c.id})
}
