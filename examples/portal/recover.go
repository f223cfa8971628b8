// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mdp/qrterminal/v3"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/sqlstore"
)

type recoverCmd struct {
	Username string `help:"Login name of the administrator." required:""`
	Factors  bool   `help:"Remove all second factors and set up a new authenticator app. Without it that happens only if there is none."`
	BaseURL  string `help:"The portal's base URL; the authenticator app shows its host." default:"http://localhost:8080"`
}

// Run gives an administrator a new password, ends every session, and sets up a
// new authenticator app where it is asked for or needed. Whoever can run it
// holds the data folder and so everything anyway; it leaves an event.
func (c *recoverCmd) Run(ctx context.Context, g *Globals) error {
	store, err := g.openExisting(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	p, err := g.portal(ctx, store, c.BaseURL)
	if err != nil {
		return err
	}
	person, err := store.PersonByLogin(ctx, directory.FoldLogin(c.Username))
	if errors.Is(err, directory.ErrNotFound) {
		return fmt.Errorf("there is nobody called %q", c.Username)
	}
	if err != nil {
		return err
	}
	admin, err := p.Directory().IsAdministrator(ctx, person.ID)
	if err != nil {
		return err
	}
	if !admin {
		return fmt.Errorf("%s is not an administrator; an administrator can hand out a ticket instead", c.Username)
	}
	return c.recover(ctx, p, person)
}

// portal puts the portal together without serving it.
func (g *Globals) portal(ctx context.Context, store *sqlstore.Store, baseURL string) (*portal.Portal, error) {
	keys, err := loadKeys(g.Data, time.Now())
	if err != nil {
		return nil, err
	}
	org, err := loadOrganisation(ctx, store)
	if err != nil {
		return nil, err
	}
	config := org.config()
	config.BaseURL, config.Keys, config.Log = baseURL, keys, g.logger()
	if err := stores(&config, store); err != nil {
		return nil, err
	}
	return portal.New(config)
}

type restoredCmd struct{}

// Run ends what a restored database holds that could have been used since.
func (*restoredCmd) Run(ctx context.Context, g *Globals) error {
	store, err := g.openExisting(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	p, err := g.portal(ctx, store, "http://localhost")
	if err != nil {
		return err
	}
	if err := p.Restored(ctx, "cli:restored"); err != nil {
		return err
	}
	fmt.Println("Every session, token, code and ticket has ended. People sign in again.")
	return nil
}

func (c *recoverCmd) recover(ctx context.Context, p *portal.Portal, person *directory.Person) error {
	secret := password()
	subject := mfa.Subject{ID: person.ID}
	records, err := p.MFA().Records(ctx, subject)
	if err != nil {
		return err
	}
	if err := p.Directory().SetPassword(ctx, "cli:recover", person, secret); err != nil {
		return err
	}
	err = p.Directory().Store().InTx(ctx, func(ctx context.Context) error {
		person, err := p.Directory().Store().Person(ctx, person.ID)
		if err != nil {
			return err
		}
		if !person.Enabled() {
			person.Active, person.Blocked = true, false
			if err := p.Directory().UpdatePerson(ctx, "cli:recover", "recovered", person); err != nil {
				return err
			}
		}
		if err := p.EndSessions(ctx, person.ID, "recovered"); err != nil {
			return err
		}
		if err := p.MFA().RevokeDevices(ctx, subject, "cli:recover"); err != nil {
			return err
		}
		return p.Audit().Record(ctx, audit.Event{Type: audit.Recovery, Actor: "cli:recover", Person: person.ID, Details: map[string]string{"factors": fmt.Sprint(c.Factors || len(records) == 0)}})
	})
	if err != nil {
		return err
	}
	fmt.Printf("The new password of %s, shown once:\n\n  %s\n\n", person.UserName, secret)
	if !c.Factors && len(records) > 0 {
		fmt.Println("The second factors are as they were.")
		return nil
	}
	if len(records) > 0 {
		if err := p.MFA().Reset(ctx, mfa.ResetInput{Subject: subject, Actor: "cli:recover"}, nil); err != nil {
			return err
		}
	}
	uri, err := enrolHere(ctx, p, person)
	if err != nil {
		return err
	}
	fmt.Printf("Scan this with an authenticator app. It is shown once.\n\n")
	qrterminal.GenerateHalfBlock(uri, qrterminal.M, os.Stdout)
	fmt.Printf("\n  %s\n", uri)
	return nil
}

// enrolHere enrols a new authenticator app and returns its otpauth URI.
func enrolHere(ctx context.Context, p *portal.Portal, person *directory.Person) (string, error) {
	ticket, err := p.MFA().IssueTicket(ctx, mfa.TicketInput{Subject: mfa.Subject{ID: person.ID}, Actor: "cli:recover"})
	if err != nil {
		return "", err
	}
	_, uri, err := enrolTOTP(ctx, p, person.ID, person.UserName, ticket, rand.Text())
	return uri, err
}
