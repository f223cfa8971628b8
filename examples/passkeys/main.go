// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Command passkeys is a small website where people sign up and in with
// passkeys, at http://localhost only:
//
//	go run ./examples/passkeys
//
// It shows what an application does around package mfa and its WebAuthn
// factor: a session in a cookie, accounts, and five calls of mfa.Flow. Read
// site.go first. Everything is kept in memory and forgotten at the end.
//
// The JSON endpoints take and give the standard's own forms, as
// application/json, so that a page needs no encoding of its own:
//
//	POST /webauthn/register/begin   {"username":"ann"}         {"publicKey":PublicKeyCredentialCreationOptionsJSON}
//	POST /webauthn/register/finish  RegistrationResponseJSON   {"username":"ann"}
//	POST /webauthn/login/begin      {"username":"ann"} or {}   {"publicKey":PublicKeyCredentialRequestOptionsJSON}
//	POST /webauthn/login/finish     AuthenticationResponseJSON {"username":"ann"}
//
// A refusal is {"error":"..."} with a status of 400 or above.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

type cli struct {
	Listen      string `help:"Loopback address to listen on." default:"127.0.0.1:8080" placeholder:"ADDR"`
	NoRateLimit bool   `help:"Do not limit how often a client may ask, for load tests."`
}

func main() {
	var c cli
	kong.Parse(&c, kong.Name("passkeys"), kong.Description("Sign up and in with passkeys at http://localhost."), kong.UsageOnError())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := c.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "passkeys:", err)
		os.Exit(1)
	}
}

func (c *cli) run(ctx context.Context) error {
	listener, err := listen(ctx, c.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	port := netip.MustParseAddrPort(listener.Addr().String()).Port()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	site, err := newSite(siteConfig{Port: port, Log: log, NoRateLimit: c.NoRateLimit})
	if err != nil {
		return err
	}
	go site.run(ctx)
	server := &http.Server{
		Handler: site.handler(), ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 15 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	fmt.Printf("Passkeys at %s\n", site.origin)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return server.Shutdown(closing)
}

// listen refuses what others could reach: there is no TLS here.
func listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if host == "" || err != nil || len(addrs) == 0 {
		return nil, errors.Join(fmt.Errorf("--listen %s is no loopback address", address), err)
	}
	for _, a := range addrs {
		if !a.IsLoopback() {
			return nil, fmt.Errorf("--listen %s is no loopback address", address)
		}
	}
	return lc.Listen(ctx, "tcp", address)
}
