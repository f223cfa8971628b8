// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package httpx holds what every HTTP surface of the portal needs from a
// request: the client's address behind trusted proxies, whether the request's
// host is the configured one, and correlation ids.
package httpx

import (
	"crypto/rand"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// ClientAddr is the address a request comes from: the peer's, unless that lies
// in trusted, then the right-most hop of X-Forwarded-For that does not. A
// malformed header makes it the peer's.
func ClientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer := peerAddr(r)
	if !contains(trusted, peer) {
		return peer
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return peer
		}
		if hop = hop.Unmap().WithZone(""); !contains(trusted, hop) {
			return hop
		}
	}
	return peer
}

func peerAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

func contains(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// Forwarded reports whether a proxy has passed the request on.
func Forwarded(r *http.Request) bool {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
		if len(r.Header.Values(h)) > 0 {
			return true
		}
	}
	return false
}

// SameHost reports whether the request's Host is that of base, with the
// scheme's default port left out or written.
func SameHost(r *http.Request, base *url.URL) bool {
	return normalHost(r.Host, base.Scheme) == normalHost(base.Host, base.Scheme)
}

func normalHost(host, scheme string) string {
	host = strings.ToLower(host)
	if scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// Correlation returns a new id that the page of a refusal, the log and the
// audit event share: 16 characters that can be read out.
func Correlation() string { return rand.Text()[:16] }

// Loopback reports whether a URL's host is this machine.
func Loopback(u *url.URL) bool {
	host := u.Hostname()
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}
