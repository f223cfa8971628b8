// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Command saas is an application with customers: each tenant has its identity
// provider, its assertion consumer service and its directory, and all of them
// share one users table, which the application already had. Package saml signs
// people in, package scim keeps the table; read app.go and then scim.go.
//
//	go run ./examples/saas --tenant a=a.xml=SCIM-TOKEN --tenant b=b.xml=SCIM-TOKEN
//
// It listens on loopback only.
package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/gatehouse-id/gatehouse/examples/internal/local"
)

type cli struct {
	Listen  string   `help:"Loopback address to listen on." default:"127.0.0.1:8086"`
	BaseURL string   `help:"URL that browsers reach it at. Default http://localhost:PORT."`
	DB      string   `help:"SQLite file, made anew." default:"file::memory:"`
	Tenant  []string `help:"A tenant's name, its identity provider's metadata as a file or URL, and its SCIM token. May be repeated." placeholder:"NAME=METADATA=TOKEN" required:"" sep:"none"`
}

func main() {
	var c cli
	kong.Parse(&c, kong.Name("saas"), kong.Description("An application with two customers."))
	if err := c.run(); err != nil {
		fmt.Fprintln(os.Stderr, "saas:", err)
		os.Exit(1)
	}
}

func (c *cli) run() error {
	ln, base, err := local.Listen(c.Listen, c.BaseURL)
	if err != nil {
		return err
	}
	defer ln.Close()
	var tenants []tenant
	for _, text := range c.Tenant {
		name, rest, _ := strings.Cut(text, "=")
		cut := strings.LastIndex(rest, "=")
		if !regexp.MustCompile(`^[a-z][a-z0-9]*$`).MatchString(name) || name == "scim" || cut < 1 || len(rest)-cut < 9 {
			return fmt.Errorf("--tenant %s: want NAME=METADATA=TOKEN, a token of 8 characters or more", name)
		}
		idp, err := local.Metadata(context.Background(), rest[:cut])
		if err != nil {
			return fmt.Errorf("tenant %s: %w", name, err)
		}
		tenants = append(tenants, tenant{Name: name, Token: rest[cut+1:], IdP: idp})
	}
	db, err := openDB(c.DB)
	if err != nil {
		return err
	}
	defer db.Close()
	a, err := newApp(base, db, tenants)
	if err != nil {
		return err
	}
	for _, t := range tenants {
		fmt.Printf("Tenant %[2]s: sign in at %[1]s/%[2]s/, metadata %[1]s/%[2]s/metadata\n", base, t.Name)
	}
	fmt.Printf("SCIM at %s/scim/v2\n", base)
	return local.Serve(ln, a.mux)
}
