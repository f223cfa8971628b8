// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Command sp is a small SAML service provider: people sign in with an identity
// provider, and /whoami tells who they are.
//
//	go run ./examples/sp --idp-metadata http://localhost:8080/saml/app/metadata
//
// It is for trying things out and listens on loopback only; sessions are in
// memory.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/alecthomas/kong"

	"github.com/gatehouse-id/gatehouse/examples/internal/local"
	"github.com/gatehouse-id/gatehouse/saml"
)

type cli struct {
	Listen            string   `help:"Loopback address to listen on." default:"127.0.0.1:8082"`
	BaseURL           string   `help:"URL that browsers reach it at. Default http://localhost:PORT."`
	State             string   `help:"Folder for the key pair." default:"./sp-state" type:"path"`
	IDPMetadata       []string `name:"idp-metadata" help:"Metadata of an identity provider: a file or URL. May be repeated." required:"" sep:"none" placeholder:"FILE|URL"`
	Sign              bool     `help:"Sign AuthnRequests."`
	NoEncryption      bool     `help:"Publish no encryption key."`
	AllowIDPInitiated bool     `name:"allow-idp-initiated" help:"Accept Responses that answer no request."`
}

func main() {
	var c cli
	kong.Parse(&c, kong.Name("sp"), kong.Description("A small SAML service provider."))
	if err := c.run(); err != nil {
		fmt.Fprintln(os.Stderr, "sp:", err)
		os.Exit(1)
	}
}

func (c *cli) run() error {
	ln, base, err := local.Listen(c.Listen, c.BaseURL)
	if err != nil {
		return err
	}
	defer ln.Close()
	pair, err := local.LoadPair(c.State, "Gatehouse example service provider")
	if err != nil {
		return err
	}
	store := saml.NewMemoryStore(10_000)
	var connections saml.ConnectionList
	for i, where := range c.IDPMetadata {
		entity, err := local.Metadata(context.Background(), where)
		if err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		connections = append(connections, &saml.Connection{
			ID: fmt.Sprint(i), EntityID: base + "/metadata", ACS: base + "/acs", Finish: base + "/finish", SLO: base + "/slo", IdP: entity,
			AllowIdPInitiated: c.AllowIDPInitiated, Policy: saml.Policy{SignRequests: c.Sign, NoEncryptionKey: c.NoEncryption},
		})
	}
	cfg := saml.SPConfig{Connections: connections, Store: store, Keys: []saml.KeyPair{pair.KeyPair()}}
	if !c.NoEncryption {
		cfg.DecryptionKeys = []saml.DecryptionKey{pair.DecryptionKey()}
	}
	a := newApp(base, connections)
	cfg.OnError = func(w http.ResponseWriter, _ *http.Request, err error) { refused(w, err) }
	if a.sp, err = saml.NewServiceProvider(cfg); err != nil {
		return err
	}
	fmt.Printf("Service provider %s/metadata\nSign in at %s/login\n", base, base)
	return local.Serve(ln, a.routes())
}
