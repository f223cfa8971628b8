// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ststest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Double answers as STS at its root. It is safe for concurrent use. Mount it
// under any prefix; below it, /federation answers as the sign-in federation
// endpoint (see [Double.ServeHTTP]).
type Double struct {
	c    Config
	aead cipher.AEAD

	mu        sync.Mutex
	providers map[string]Provider
	roles     map[string]Role
	redeemed  map[string]time.Time
	faults    []Fault
	calls     map[string]int
	log       []Call
}

// New checks the configuration and returns a double. It starts nothing.
func New(c Config) (*Double, error) {
	if err := c.withDefaults(); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(c.Key)
	if err != nil {
		return nil, fmt.Errorf("ststest: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("ststest: %w", err)
	}
	d := &Double{
		c: c, aead: aead,
		providers: map[string]Provider{}, roles: map[string]Role{},
		redeemed: map[string]time.Time{}, calls: map[string]int{},
	}
	for _, p := range c.Providers {
		if err := d.PutProvider(p); err != nil {
			return nil, err
		}
	}
	for _, r := range c.Roles {
		if err := d.PutRole(r); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// PutProvider adds or replaces a SAML provider. Metadata given as bytes is
// checked by IAM's rules.
func (d *Double) PutProvider(p Provider) error {
	if (p.Metadata == nil) == (p.Fetch == nil) {
		return fmt.Errorf("ststest: provider %s needs either Metadata or Fetch", p.ARN)
	}
	if p.Metadata != nil {
		if _, err := parseMetadata(p.Metadata); err != nil {
			return fmt.Errorf("ststest: provider %s: %w", p.ARN, err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.providers[p.ARN] = p
	return nil
}

// PutRole adds or replaces a role.
func (d *Double) PutRole(r Role) error {
	if err := r.validate(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.roles[r.ARN] = r
	return nil
}

func (d *Double) provider(arn string) (Provider, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, ok := d.providers[arn]
	return p, ok
}

func (d *Double) role(arn string) (Role, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r, ok := d.roles[arn]
	return r, ok
}

// ErrNotLoopback is why [Double.Listen] refuses an address.
var ErrNotLoopback = errors.New("ststest: the double listens on loopback only")

// Listen serves the double on a loopback address such as 127.0.0.1:0 until ctx
// ends, and returns its URL.
func (d *Double) Listen(ctx context.Context, addr string) (url string, err error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("ststest: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", ErrNotLoopback
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("ststest: %w", err)
	}
	if !loopback(l.Addr()) {
		_ = l.Close()
		return "", ErrNotLoopback
	}
	srv := &http.Server{Handler: d, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = srv.Serve(l) }()
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	return "http://" + l.Addr().String(), nil
}

func loopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// Server is a double that listens for a test.
type Server struct {
	*Double
	URL string
}

// NewServer starts a double on a loopback port and stops it when the test
// ends.
func NewServer(tb testing.TB, c Config) *Server {
	tb.Helper()
	d, err := New(c)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	tb.Cleanup(stop)
	url, err := d.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return &Server{Double: d, URL: url}
}
