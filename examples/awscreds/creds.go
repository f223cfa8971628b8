// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sso"

	"github.com/gatehouse-id/gatehouse/sts"
)

// provider returns the cached provider of a role.
func (a *app) provider(r role) (*sts.Provider, error) {
	v, err := a.vault()
	if err != nil {
		return nil, err
	}
	return sts.NewProvider(sts.ProviderConfig{
		Key:   sts.Key{Portal: r.portal.StartURL, Session: r.portal.Name, AccountID: r.AccountID, RoleName: r.Role},
		Cache: sts.VaultCache{Vault: v.Vault}, Now: a.now,
		Fetch: func(ctx context.Context) (aws.Credentials, error) { return a.fetch(ctx, r) },
	})
}

// fetch calls GetRoleCredentials.
func (a *app) fetch(ctx context.Context, r role) (aws.Credentials, error) {
	at, err := a.accessToken(r.portal)
	if err != nil {
		return aws.Credentials{}, err
	}
	out, err := r.portal.sso().GetRoleCredentials(ctx, &sso.GetRoleCredentialsInput{AccessToken: &at, AccountId: &r.AccountID, RoleName: &r.Role})
	if err != nil {
		return aws.Credentials{}, err
	}
	c := out.RoleCredentials
	if c == nil || c.Expiration == 0 {
		return aws.Credentials{}, fail(exitFailed, nil, "The portal answered without credentials.")
	}
	return aws.Credentials{
		AccessKeyID: aws.ToString(c.AccessKeyId), SecretAccessKey: aws.ToString(c.SecretAccessKey), SessionToken: aws.ToString(c.SessionToken),
		CanExpire: true, Expires: time.UnixMilli(c.Expiration), AccountID: r.AccountID, Source: "awscreds",
	}, nil
}

// lasting is how long credentials that are handed out still last at least.
const lasting = 5 * time.Minute

func (a *app) credentials(r role) (aws.Credentials, error) {
	p, err := a.provider(r)
	if err != nil {
		return aws.Credentials{}, err
	}
	return p.Fresh(a.ctx, lasting)
}

type credsCmd struct {
	Role  string `arg:"" help:"ACCOUNT/ROLE."`
	Shell string `enum:"posix,fish,powershell" default:"posix" help:"Whose syntax: posix, fish or powershell."`
}

// Run prints credentials: that is what it was asked for.
func (c *credsCmd) Run(a *app) error {
	r, err := a.find(c.Role)
	if err != nil {
		return err
	}
	creds, err := a.credentials(r)
	if err != nil {
		return err
	}
	if a.JSON {
		return sts.WriteProcess(a.out, creds)
	}
	for _, v := range sts.Environment(creds, r.portal.Region) {
		line, err := sts.Shell(c.Shell).Setting(v.Name, v.Value)
		if err != nil {
			return err
		}
		fmt.Fprintln(a.out, line)
	}
	a.say("%s, until %s", r, creds.Expires.Local().Format(time.Kitchen))
	return nil
}

type processCmd struct {
	Account string `required:"" help:"Account id."`
	Role    string `required:"" help:"Role name."`
}

// Run answers as a credential_process: from the cache, or by one exchange that
// all processes share. It never opens a browser.
func (c *processCmd) Run(a *app) error {
	a.ask = nil // the terminal belongs to the program that called
	p, err := a.one()
	if err != nil {
		return err
	}
	if !isAccount(c.Account) || !isRoleName(c.Role) {
		return fail(exitUsage, nil, "%q and %q are no account id and role name.", c.Account, c.Role)
	}
	creds, err := a.credentials(role{Portal: p.Name, AccountID: c.Account, Role: c.Role, portal: p})
	if err != nil {
		return err
	}
	return sts.WriteProcess(a.out, creds)
}

type whoamiCmd struct {
	Role string `arg:"" help:"ACCOUNT/ROLE."`
}

// Run calls GetCallerIdentity.
func (c *whoamiCmd) Run(a *app) error {
	r, err := a.find(c.Role)
	if err != nil {
		return err
	}
	p, err := a.provider(r)
	if err != nil {
		return err
	}
	client, err := sts.New(sts.Config{Regions: []string{r.portal.Region}, Endpoint: r.portal.STS})
	if err != nil {
		return err
	}
	id, err := client.WhoAmI(a.ctx, p)
	if err != nil {
		return err
	}
	out := map[string]string{"arn": id.ARN, "account": id.Account, "user_id": id.UserID, "portal": r.Portal}
	return a.print(out, func(w io.Writer) { fmt.Fprintln(w, clean(id.ARN)) })
}

type consoleCmd struct {
	Role        string        `arg:"" optional:"" help:"ACCOUNT/ROLE or the role's ARN; needed if there are several."`
	Destination string        `help:"Page of the console to open." placeholder:"URL"`
	Duration    time.Duration `help:"How long the console stays signed in."`
	Print       bool          `help:"Print the address instead; it is a secret for 15 minutes."`
	Federation  string        `hidden:"" help:"Federation endpoint of a double, on loopback."`
}

// Run opens the AWS console.
func (c *consoleCmd) Run(a *app) error {
	if c.Role == "" {
		c.Role = "*/*"
	}
	r, err := a.find(c.Role)
	if err != nil {
		return err
	}
	creds, err := a.credentials(r)
	if err != nil {
		return err
	}
	console, err := sts.NewConsole(sts.ConsoleConfig{Region: r.portal.Region, Endpoint: c.Federation})
	if err != nil {
		return err
	}
	issuer := r.portal.StartURL
	if !strings.HasPrefix(issuer, "https://") {
		issuer = ""
	}
	link, err := console.SignInURL(a.ctx, creds, sts.ConsoleRequest{Destination: c.Destination, Duration: c.Duration, Issuer: issuer})
	if err != nil {
		return err
	}
	if c.Print {
		return a.print(map[string]string{"url": link}, func(w io.Writer) { fmt.Fprintln(w, link) })
	}
	if err := a.open(link); err != nil {
		return fail(exitFailed, err, "No browser could be opened. Use --print.")
	}
	a.say("Opened the console as %s.", r)
	return nil
}
