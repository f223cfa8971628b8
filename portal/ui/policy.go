// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// headers sets what every page carries. Pages are private and change with the
// person, so nothing keeps them.
func headers(h http.Header, v view) error {
	policy, err := contentSecurityPolicy(v)
	if err != nil {
		return err
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	if v.origin {
		// "same-origin" makes a browser post Origin: null to other sites, which
		// some of them refuse; the path stays private.
		h.Set("Referrer-Policy", "strict-origin")
	}
	if v.target != "" {
		target, err := safeTarget(v.target)
		if err != nil {
			return err
		}
		if v.refresh {
			h.Set("Refresh", "0; url="+target.String())
		}
	}
	return nil
}

// contentSecurityPolicy is the policy of one page: nothing but the portal's own
// style, scripts and icon, forms to the portal or to the named destinations,
// and Trusted Types with no policy at all.
func contentSecurityPolicy(v view) (string, error) {
	var forms []string
	if !v.only {
		forms = append(forms, "'self'")
	}
	for _, raw := range v.forms {
		source, err := formSource(raw)
		if err != nil {
			return "", err
		}
		forms = append(forms, source)
	}
	for _, origin := range v.onward {
		source, err := onwardSource(origin)
		if err != nil {
			return "", err
		}
		forms = append(forms, source)
	}
	policy := []string{"default-src 'none'", "style-src 'self'", "script-src 'self'", "img-src 'self'"}
	if v.connect {
		policy = append(policy, "connect-src 'self'")
	}
	policy = append(policy, "form-action "+strings.Join(forms, " "),
		"frame-ancestors 'none'", "base-uri 'none'",
		"require-trusted-types-for 'script'", "trusted-types 'none'")
	return strings.Join(policy, "; "), nil
}

// formSource writes a URL as a CSP source: scheme, host and path, no query,
// none of the characters that end a source or directive (CSP3 2.3.1).
func formSource(raw string) (string, error) {
	u, err := safeTarget(raw)
	if err != nil {
		return "", err
	}
	path := strings.NewReplacer(";", "%3B", ",", "%2C").Replace(u.EscapedPath())
	return u.Scheme + "://" + u.Host + path, nil
}

// onwardSource is [formSource], and also takes a whole domain below at least
// two labels: "https://*.console.aws.amazon.com".
func onwardSource(raw string) (string, error) {
	rest, wild := strings.CutPrefix(raw, "https://*.")
	if !wild {
		return formSource(raw)
	}
	source, err := formSource("https://" + rest)
	if err != nil {
		return "", err
	}
	host := strings.TrimPrefix(source, "https://")
	if strings.Count(host, ".") < 2 || strings.Contains(host, "/") {
		return "", fmt.Errorf("ui: destination %q is too wide", raw)
	}
	return "https://*." + host, nil
}

// safeTarget is a URL that a page may send people to: https, or http on a
// loopback address, with nothing that reads differently than it goes.
func safeTarget(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("ui: destination: %w", err)
	}
	host := u.Hostname()
	switch {
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(host)):
		return nil, fmt.Errorf("ui: destination %q is not https", raw)
	case host == "" || u.User != nil || u.Opaque != "":
		return nil, fmt.Errorf("ui: destination %q has no plain host", raw)
	case strings.Trim(host, hostCharacters) != "" || strings.ContainsAny(raw, "\\\r\n\t "):
		return nil, fmt.Errorf("ui: destination %q has unsafe characters", raw)
	}
	return u, nil
}

const hostCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:"

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
