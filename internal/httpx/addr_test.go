// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package httpx_test

import (
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"

	"github.com/gatehouse-id/gatehouse/internal/httpx"
)

func TestClientAddr(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct{ name, remote, forwarded, want string }{
		{"no proxy", "192.0.2.1:99", "", "192.0.2.1"},
		{"an untrusted peer's header is ignored", "192.0.2.1:99", "198.51.100.7", "192.0.2.1"},
		{"the right-most untrusted hop counts", "10.0.0.1:99", "203.0.113.5, 198.51.100.7, 10.1.1.1", "198.51.100.7"},
		{"only trusted hops", "10.0.0.1:99", "10.2.2.2", "10.0.0.1"},
		{"a malformed header", "10.0.0.1:99", "198.51.100.7, nonsense", "10.0.0.1"},
		{"mapped addresses are IPv4", "[::ffff:10.0.0.1]:99", "::ffff:198.51.100.7", "198.51.100.7"},
		{"no address", "@", "", "invalid IP"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := httpx.ClientAddr(r, trusted).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestSameHost(t *testing.T) {
	for _, c := range []struct {
		base, host string
		want       bool
	}{
		{"https://portal.example", "portal.example", true},
		{"https://portal.example", "PORTAL.example:443", true},
		{"https://portal.example", "portal.example:80", false},
		{"https://portal.example", "evil.example", false},
		{"http://localhost:8080", "localhost:8080", true},
		{"http://localhost:8080", "127.0.0.1:8080", false},
		{"http://localhost", "localhost:80", true},
	} {
		base, err := url.Parse(c.base)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = c.host
		if got := httpx.SameHost(r, base); got != c.want {
			t.Errorf("%s at %s: %v", c.host, c.base, got)
		}
	}
}

func TestForwarded(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	if httpx.Forwarded(r) {
		t.Error("a plain request counts as forwarded")
	}
	r.Header.Set("X-Forwarded-For", "192.0.2.1")
	if !httpx.Forwarded(r) {
		t.Error("X-Forwarded-For does not count")
	}
}
