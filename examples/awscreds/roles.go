// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sso"
)

// role is one role in one account that a person may use.
type role struct {
	Portal      string `json:"portal"`
	AccountID   string `json:"account_id"`
	AccountName string `json:"account_name"`
	Role        string `json:"role"`
	Email       string `json:"email,omitempty"`
	// Labels are the account's: env as the portal says, and one's own.
	Labels map[string]string `json:"labels,omitempty"`
	portal portal
}

func (r role) String() string { return clean(r.AccountName) + "/" + r.Role }

const maxPages = 1000

// roles lists what the person may use at the portals. One where nobody is
// signed in is passed over with a notice, unless that goes for all of them.
func (a *app) roles(portals []portal) ([]role, error) {
	var out []role
	var missing error
	answered := 0
	for _, p := range portals {
		rs, err := a.rolesOf(p)
		if err != nil && len(portals) > 1 && explain(err).code == exitSignIn {
			a.say("%s", clean(explain(err).text))
			missing = err
			continue
		}
		if err != nil {
			return nil, err
		}
		answered++
		out = append(out, rs...)
	}
	if answered == 0 && missing != nil {
		return nil, missing
	}
	slices.SortFunc(out, func(x, y role) int {
		return strings.Compare(strings.ToLower(x.AccountName+"\x00"+x.AccountID+"\x00"+x.Role), strings.ToLower(y.AccountName+"\x00"+y.AccountID+"\x00"+y.Role))
	})
	return out, nil
}

// rolesOf lists the roles at one portal, eight accounts at a time.
func (a *app) rolesOf(p portal) ([]role, error) {
	at, err := a.accessToken(p)
	if err != nil {
		return nil, err
	}
	extra := newEnvironments()
	client := p.sso(func(o *sso.Options) { o.HTTPClient = extra })
	var accounts []role
	pages := sso.NewListAccountsPaginator(client, &sso.ListAccountsInput{AccessToken: &at, MaxResults: aws.Int32(100)})
	for n := 0; pages.HasMorePages() && n < maxPages; n++ {
		page, err := pages.NextPage(a.ctx)
		if err != nil {
			return nil, err
		}
		for _, acc := range page.AccountList {
			accounts = append(accounts, role{
				Portal: p.Name, AccountID: aws.ToString(acc.AccountId), AccountName: aws.ToString(acc.AccountName), Email: aws.ToString(acc.EmailAddress),
				Labels: p.labels(extra, aws.ToString(acc.AccountId)), portal: p,
			})
		}
	}
	found := make([][]role, len(accounts))
	errs := make([]error, len(accounts))
	limit := make(chan struct{}, 8)
	var wg sync.WaitGroup
	for i := range accounts {
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			found[i], errs[i] = rolesIn(a.ctx, client, at, accounts[i])
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	out := slices.Concat(found...)
	a.remember(p, out)
	return out, nil
}

func rolesIn(ctx context.Context, client *sso.Client, at string, acc role) ([]role, error) {
	var out []role
	pages := sso.NewListAccountRolesPaginator(client, &sso.ListAccountRolesInput{AccessToken: &at, AccountId: &acc.AccountID})
	for n := 0; pages.HasMorePages() && n < maxPages; n++ {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.RoleList {
			acc.Role = aws.ToString(r.RoleName)
			// What goes on into file names, profiles and commands is checked
			// here, once; names of accounts are free text and only shown.
			if !isAccount(acc.AccountID) || !isRoleName(acc.Role) {
				return nil, fail(exitFailed, nil, "The portal names an account or role that cannot be one: %q, %q", acc.AccountID, acc.Role)
			}
			out = append(out, acc)
		}
	}
	return out, nil
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

func isRoleName(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_+=,.@-", r))
	})
}

// find returns the one role that is meant by ACCOUNT/ROLE, where ACCOUNT is an
// id or a name and either may be a pattern.
func (a *app) find(what string) (role, error) {
	rs, err := a.match(what)
	if err != nil {
		return role{}, err
	}
	switch len(rs) {
	case 0:
		return role{}, fail(exitRefused, nil, "No role of yours is called %q. Run: awscreds list", what)
	case 1:
		return rs[0], nil
	}
	var names []string
	for _, r := range rs[:min(len(rs), 5)] {
		names = append(names, r.String())
	}
	return role{}, fail(exitUsage, nil, "%q means %d roles: %s ..", what, len(rs), strings.Join(names, ", "))
}

type listCmd struct {
	Match []string `arg:"" optional:"" help:"Only these: ACCOUNT/ROLE or KEY=VALUE, as exec --match takes them; several must all be true."`
}

// Run lists accounts and roles.
func (c *listCmd) Run(a *app) error {
	rs, err := a.match(c.Match...)
	if err != nil {
		return err
	}
	if rs == nil {
		rs = []role{}
	}
	return a.print(rs, func(w io.Writer) {
		for _, r := range rs {
			fmt.Fprintf(w, "%s  %-30s %-32s %s\n", r.AccountID, clean(r.AccountName), r.Role, r.Portal)
		}
		if len(rs) == 0 {
			fmt.Fprintln(w, "No role is yours here.")
		}
	})
}
