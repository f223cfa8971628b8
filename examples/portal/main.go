// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Command portal runs a whole access portal: sign-in with MFA, the AWS console
// and access keys by SAML, the AWS CLI by its own protocol, SCIM, external
// identity providers and SAML applications.
//
// Where there is no database yet it makes a sample organisation, for trying
// things out on this machine alone:
//
//	go run ./examples/portal
//
// A real organisation comes from a YAML file, see apply:
//
//	go run ./examples/portal apply --data /var/lib/gatehouse organisation.yaml
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/gatehouse-id/gatehouse/portal/sqlstore"
)

// Globals are the flags of every command.
type Globals struct {
	Data     string     `help:"Folder for the database, keys and generated files." default:"./gatehouse-data" type:"path"`
	Database string     `help:"PostgreSQL connection string; without one SQLite in the data folder is used." placeholder:"postgres://..." env:"GATEHOUSE_DATABASE"`
	LogLevel slog.Level `help:"Least level that is logged to standard error: debug, info, warn or error." default:"warn"`
}

type cli struct {
	Globals
	Serve   serveCmd   `cmd:"" default:"withargs" help:"Run the portal. The default."`
	Apply   applyCmd   `cmd:"" help:"Bring an organisation from a YAML file into the database."`
	Recover recoverCmd `cmd:"" help:"Let a locked-out administrator in again: a new password, and new factors if asked."`

	Restored restoredCmd `cmd:"" help:"After the database was restored from a backup, or an older copy took over: end every session, token, code and ticket."`
}

func main() {
	var c cli
	k := kong.Parse(&c, kong.Name("portal"), kong.Description("The Gatehouse access portal."), kong.UsageOnError())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	k.BindTo(ctx, (*context.Context)(nil))
	if err := k.Run(&c.Globals); err != nil {
		fmt.Fprintln(os.Stderr, "portal:", err)
		os.Exit(1)
	}
}

func (g *Globals) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: g.LogLevel}))
}

// open makes the data folder and opens the database.
func (g *Globals) open(ctx context.Context) (*sqlstore.Store, error) {
	if err := os.MkdirAll(g.Data, 0o700); err != nil {
		return nil, err
	}
	if g.Database != "" {
		return sqlstore.Open(ctx, sqlstore.Config{DSN: g.Database})
	}
	return sqlstore.Open(ctx, sqlstore.Config{Path: g.path()})
}

// path is where SQLite keeps the database.
func (g *Globals) path() string { return filepath.Join(g.Data, "gatehouse.db") }

// exists reports whether there is a portal's database, and makes none.
func (g *Globals) exists(ctx context.Context) (bool, error) {
	if g.Database != "" {
		return portalSchema(ctx, g.Database)
	}
	_, err := os.Stat(g.path())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// openExisting opens the database of a portal that has been used, and makes
// nothing where there is none.
func (g *Globals) openExisting(ctx context.Context) (*sqlstore.Store, error) {
	switch have, err := g.exists(ctx); {
	case err != nil:
		return nil, err
	case !have && g.Database != "":
		return nil, errors.New("the PostgreSQL database holds no portal; is it the right --database?")
	case !have:
		return nil, fmt.Errorf("there is no database %s; is %s the right --data folder?", g.path(), g.Data)
	case g.Database != "":
		// New keys would open nothing of what the database holds.
		if _, err := os.Stat(keysFolder(g.Data)); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there are no keys in %s, where serving the portal makes them; is it the right --data folder?", g.Data)
		} else if err != nil {
			return nil, err
		}
	}
	return g.open(ctx)
}

type serveCmd struct {
	Listen         string   `help:"Address to listen on." default:"127.0.0.1:8080"`
	BaseURL        string   `help:"URL that people reach the portal at; https except on this machine. Default http://localhost:PORT." placeholder:"https://..."`
	Config         string   `help:"YAML file of an organisation: applied before serving." type:"existingfile" placeholder:"FILE"`
	TrustedProxies []string `help:"Networks of reverse proxies whose X-Forwarded-For counts." placeholder:"10.0.0.0/8"`
}

// Run serves until a signal, then drains.
func (s *serveCmd) Run(ctx context.Context, g *Globals) error {
	if s.Config != "" {
		if err := g.rehearse(ctx, s.Config, io.Discard); err != nil {
			return err
		}
	}
	ln, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return err
	}
	defer ln.Close()
	base, err := s.base(ln.Addr().(*net.TCPAddr))
	if err != nil {
		return err
	}
	if err := askForSample(ctx, g, s, ln, base); err != nil {
		return err
	}
	store, err := g.open(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	app, err := start(ctx, g, s, store, ln, base)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: app.handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(g.logger().Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(ln) }()
	go app.run(ctx)
	app.welcome(ctx, os.Stdout)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	if err := server.Shutdown(drain); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("not everything was answered before the end: %w", err)
	}
	return nil
}

// base is the base URL: by default localhost with the port, because a passkey
// needs a host name.
func (s *serveCmd) base(addr *net.TCPAddr) (*url.URL, error) {
	if s.BaseURL == "" {
		return &url.URL{Scheme: "http", Host: fmt.Sprintf("localhost:%d", addr.Port)}, nil
	}
	return url.Parse(s.BaseURL)
}
