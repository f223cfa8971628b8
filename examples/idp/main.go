// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Command idp is a small SAML identity provider with two people: alice and
// bob, whose passwords are alice-pw and bob-pw.
//
//	go run ./examples/idp --sp-metadata http://localhost:8082/metadata
//
// It is for trying things out and listens on loopback only; sessions are in
// memory.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/gatehouse-id/gatehouse/examples/internal/local"
	"github.com/gatehouse-id/gatehouse/saml"
)

type cli struct {
	Listen        string   `help:"Loopback address to listen on." default:"127.0.0.1:8083"`
	BaseURL       string   `help:"URL that browsers reach it at. Default http://localhost:PORT."`
	State         string   `help:"Folder for the key pair." default:"./idp-state" type:"path"`
	SPMetadata    []string `name:"sp-metadata" help:"Metadata of a service provider: a file or URL, read when it is first needed. May be repeated." sep:"none" placeholder:"FILE|URL"`
	RequireSigned bool     `help:"Refuse unsigned AuthnRequests."`
	NoEncrypt     bool     `help:"Send assertions in clear although the service provider has an encryption key."`
}

func main() {
	var c cli
	kong.Parse(&c, kong.Name("idp"), kong.Description("A small SAML identity provider."))
	if err := c.run(); err != nil {
		fmt.Fprintln(os.Stderr, "idp:", err)
		os.Exit(1)
	}
}

func (c *cli) run() error {
	ln, base, err := local.Listen(c.Listen, c.BaseURL)
	if err != nil {
		return err
	}
	defer ln.Close()
	pair, err := local.LoadPair(c.State, "Gatehouse example identity provider")
	if err != nil {
		return err
	}
	a := newApp(base, &peers{c: c})
	store := saml.NewMemoryStore(10_000)
	a.idp, err = saml.NewIdentityProvider(saml.IdPConfig{
		EntityID: base + "/metadata", SSO: base + "/sso", SLO: base + "/slo", Keys: []saml.KeyPair{pair.KeyPair()},
		Peers: a.peers, Store: store, Participants: store, WantAuthnRequestsSigned: c.RequireSigned, NameIDFormats: nameIDFormats,
	})
	if err != nil {
		return err
	}
	fmt.Printf("Identity provider %s/metadata\nSign in at %s/\n", base, base)
	return local.Serve(ln, a.routes())
}

// peers reads the service providers' metadata when it is asked for one, so
// that the two programs may start in any order.
type peers struct{ c *cli }

// Peer returns the service provider with the entity ID.
func (p *peers) Peer(ctx context.Context, entityID string) (*saml.Peer, error) {
	var unread []error
	for _, where := range p.c.SPMetadata {
		entity, err := local.Metadata(ctx, where)
		if err != nil {
			unread = append(unread, fmt.Errorf("%s: %w", where, err))
			continue
		}
		if entity.EntityID == entityID {
			return &saml.Peer{Entity: entity, RequireSignedRequests: p.c.RequireSigned, NoEncryption: p.c.NoEncrypt}, nil
		}
	}
	if len(unread) > 0 {
		return nil, errors.Join(unread...)
	}
	return nil, saml.ErrNotFound
}
