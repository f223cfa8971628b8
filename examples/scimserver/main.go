// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Command scimserver is a SCIM 2.0 server to try clients against.
//
//	go run ./examples/scimserver --token s3cret=acme --token other=globex
//	curl -H 'Authorization: Bearer s3cret' http://127.0.0.1:8085/scim/v2/Users
//
// Each token belongs to a tenant, which sees its own people only. Without
// --data everything is in memory; with it, in SQLite. It listens on loopback.
//
// Exit status: 0 stopped, 1 failed, 2 the command line is wrong.
package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	_ "modernc.org/sqlite"

	"github.com/gatehouse-id/gatehouse/scim"
	"github.com/gatehouse-id/gatehouse/scim/scimsql"
)

type cli struct {
	Listen  string   `help:"Loopback address to listen on." default:"127.0.0.1:8085"`
	Token   []string `help:"A bearer token and its tenant; a token that begins with ro- may only read. May be repeated." placeholder:"TOKEN=TENANT" required:""`
	Data    string   `help:"Folder for the SQLite database. Default: memory." type:"path"`
	Profile string   `help:"Whose clients to bear with: auto, strict, entra, okta or aws." enum:"auto,strict,entra,okta,aws" default:"auto"`
}

func main() {
	var c cli
	parser := kong.Must(&c, kong.Name("scimserver"), kong.Description("A SCIM 2.0 server to try clients against."))
	if _, err := parser.Parse(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "scimserver:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := c.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "scimserver:", err)
		if _, ok := errors.AsType[usageError](err); ok {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// usageError is what is wrong with the command line.
type usageError struct{ error }

func (c *cli) run(ctx context.Context) error {
	callers, err := readTokens(c.Token)
	if err != nil {
		return usageError{err}
	}
	ln, err := listen(c.Listen)
	if err != nil {
		return err
	}
	defer ln.Close()
	users, groups, closeStore, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer closeStore()
	base := "http://" + ln.Addr().String() + "/scim/v2"
	h, err := scim.New(scim.Config{
		BaseURL: base, Users: users, Groups: groups,
		Profile: scim.Profile(c.Profile),
		Authenticate: func(r *http.Request) (scim.Caller, error) {
			caller, ok := callers[sha256.Sum256([]byte(scim.Bearer(r)))]
			if !ok {
				return scim.Caller{}, &scim.Error{Check: scim.CheckUnauthorized, Public: "the token is not valid"}
			}
			return caller, nil
		},
		OnError: func(r *http.Request, err *scim.Error) { log.Printf("%s %s: %v", r.Method, r.URL.Path, err) },
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/scim/v2/", h)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	fmt.Println("serving", base)
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return srv.Shutdown(ctx)
}

// readTokens keeps hashes, so that looking a token up tells nothing about it
// by its time.
func readTokens(list []string) (map[[32]byte]scim.Caller, error) {
	callers := map[[32]byte]scim.Caller{}
	for i, t := range list {
		token, tenant, ok := strings.Cut(t, "=")
		if !ok || token == "" || tenant == "" {
			return nil, errors.New("--token wants TOKEN=TENANT")
		}
		if _, twice := callers[sha256.Sum256([]byte(token))]; twice {
			return nil, fmt.Errorf("--token number %d is the token of another tenant or itself again", i+1)
		}
		callers[sha256.Sum256([]byte(token))] = scim.Caller{Tenant: tenant, Actor: fmt.Sprint("token ", i+1), ReadOnly: strings.HasPrefix(token, "ro-")}
	}
	return callers, nil
}

func listen(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, usageError{err}
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, usageError{fmt.Errorf("%s is not on loopback; this example speaks plain HTTP", address)}
	}
	return net.Listen("tcp", address)
}

func (c *cli) open(ctx context.Context) (scim.Store[scim.User], scim.Store[scim.Group], func(), error) {
	if c.Data == "" {
		m := scim.NewMemoryStore(1_000_000)
		return m.Users(), m.Groups(), func() {}, nil
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, nil, nil, err
	}
	file := filepath.Join(c.Data, "scim.db")
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, nil, nil, err
	}
	users, groups, err := migrate(ctx, db)
	if err != nil {
		db.Close()
		return nil, nil, nil, err
	}
	return users, groups, func() { db.Close() }, nil
}

func migrate(ctx context.Context, db *sql.DB) (scim.Store[scim.User], scim.Store[scim.Group], error) {
	p, err := goose.NewProvider(database.DialectSQLite3, db, scimsql.Migrations(), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, nil, err
	}
	if _, err := p.Up(ctx); err != nil {
		return nil, nil, err
	}
	s := scimsql.New(db, nil)
	users, err := s.Users()
	if err != nil {
		return nil, nil, err
	}
	groups, err := s.Groups()
	return users, groups, err
}
