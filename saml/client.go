// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// checkLocation accepts https and loopback http addresses without user,
// fragment or control characters: everything else can turn a form or redirect
// into something that a browser runs.
func checkLocation(s string) error {
	if len(s) > 2048 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' || r == '"' || r == '<' }) {
		return errors.New("not a usable address")
	}
	u, err := url.Parse(s)
	if err != nil {
		return errors.New("not a usable address")
	}
	if u.Host == "" || u.Opaque != "" || u.User != nil || strings.Contains(s, "#") {
		return errors.New("an address needs a host, and no user or fragment")
	}
	switch u.Scheme {
	case "https":
		return nil
	case "http":
		if loopbackHost(u.Hostname()) {
			return nil
		}
		return errors.New("http is for loopback addresses only")
	}
	return fmt.Errorf("scheme %q", u.Scheme)
}

func loopbackHost(h string) bool {
	if h == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(h)
	return err == nil && a.Unmap().IsLoopback()
}

// NewClient returns an HTTP client for addresses that peers and
// administrators wrote: https, or http to a loopback address that was named as
// such; every address is checked when it is dialled, so that a name which
// resolves into the own network goes nowhere; at most three redirects, of
// which none leads from https to http; no proxy.
func NewClient() *http.Client {
	public := &net.Dialer{Timeout: 10 * time.Second, Control: refuseAddr(false)}
	local := &net.Dialer{Timeout: 10 * time.Second, Control: refuseAddr(true)}
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: guard{&http.Transport{
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				host, _, err := net.SplitHostPort(addr)
				if err == nil && loopbackHost(host) {
					return local.DialContext(ctx, network, addr)
				}
				return public.DialContext(ctx, network, addr)
			},
			ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 20 * time.Second,
			MaxIdleConns: 8, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		}},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > 3 {
				return errors.New("saml: too many redirects")
			}
			first := via[0].URL
			if first.Scheme == "https" && r.URL.Scheme != "https" {
				return errors.New("saml: a redirect from https to http")
			}
			if loopbackHost(r.URL.Hostname()) && !loopbackHost(first.Hostname()) {
				return errors.New("saml: a redirect to a loopback address")
			}
			return nil
		},
	}
}

type guard struct{ next http.RoundTripper }

func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := checkLocation(r.URL.String()); err != nil {
		return nil, fmt.Errorf("saml: %q: %w", r.URL.Redacted(), err)
	}
	return g.next.RoundTrip(r)
}

// CloseIdleConnections lets http.Client.CloseIdleConnections through.
func (g guard) CloseIdleConnections() {
	if c, ok := g.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("::/96"),
}

// refuseAddr sees the address after it was resolved, so a name cannot change
// between a check and its use.
func refuseAddr(loopback bool) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("saml: dial %q: %w", address, err)
		}
		a := ap.Addr().Unmap().WithZone("")
		if loopback {
			if a.IsLoopback() {
				return nil
			}
			return fmt.Errorf("saml: dial %s: not a loopback address", a)
		}
		bad := !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast()
		for _, p := range special {
			bad = bad || p.Contains(a)
		}
		if bad {
			return fmt.Errorf("saml: dial %s: not a public address", a)
		}
		return nil
	}
}
