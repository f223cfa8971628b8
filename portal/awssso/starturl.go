// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"net/http"
	"net/url"
	"strings"
)

const maxURL = 512

// normalizeStartURL is the one normalisation under which start URLs are
// compared, that of aws-cli 2.35.13: lower-case scheme and host, no query or
// fragment, no trailing slash.
func normalizeStartURL(raw string) (string, bool) {
	if len(raw) > maxURL {
		return "", false
	}
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.User != nil || u.Host == "" {
		return "", false
	}
	scheme := strings.ToLower(u.Scheme)
	if scheme != "https" && scheme != "http" {
		return "", false
	}
	return scheme + "://" + strings.ToLower(u.Host) + strings.TrimRight(u.EscapedPath(), "/"), true
}

func (s *Server) checkStartURL(raw string) *Error {
	if norm, ok := normalizeStartURL(raw); !ok || !s.starts[norm] {
		return refuse(CheckStartURL, "The start URL is not one of this portal's. It is %s", s.cfg.StartURLs[0])
	}
	return nil
}

// StartURL wraps the handler of the portal's own start URL. If
// [Config.HeadAlias] is set, HEAD answers with a redirect to that constant,
// which is what aws-cli 2.35.13 and later look for; every other method is next's, and
// a browser is never redirected.
func (s *Server) StartURL(next http.Handler) http.Handler {
	if s.cfg.HeadAlias == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Location", s.cfg.HeadAlias)
		w.WriteHeader(http.StatusFound)
	})
}
