// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// environmentKey is the label that a Gatehouse portal gives with its listing.
const environmentKey = "env"

// maxListing bounds one page of a listing.
const maxListing = 8 << 20

// environments reads what a Gatehouse portal adds to ListAccounts, the member
// environment, which AWS's client passes over.
type environments struct {
	next *awshttp.BuildableClient
	mu   sync.Mutex
	of   map[string]string // by account id
}

func newEnvironments() *environments {
	return &environments{next: awshttp.NewBuildableClient(), of: map[string]string{}}
}

// Do passes a request on and looks at the answer.
func (e *environments) Do(r *http.Request) (*http.Response, error) {
	resp, err := e.next.Do(r)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.HasSuffix(r.URL.Path, "/assignment/accounts") {
		return resp, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxListing))
	if closed := resp.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	var listing struct {
		AccountList []struct {
			AccountID   string `json:"accountId"`
			Environment string `json:"environment"`
		} `json:"accountList"`
	}
	if json.Unmarshal(body, &listing) == nil { // if not, the client says so
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, a := range listing.AccountList {
			if a.Environment != "" {
				e.of[a.AccountID] = a.Environment
			}
		}
	}
	return resp, nil
}

// labels are those of an account: what the portal says, then one's own.
func (p portal) labels(e *environments, account string) map[string]string {
	out := map[string]string{}
	e.mu.Lock()
	if environment := e.of[account]; environment != "" {
		out[environmentKey] = environment
	}
	e.mu.Unlock()
	maps.Copy(out, p.Labels[account])
	return out
}

type labelCmd struct {
	Account string   `arg:"" help:"Account id."`
	Labels  []string `arg:"" optional:"" help:"KEY=VALUE to set, KEY= to remove; none shows them."`
}

// Run changes one's own labels of an account, which exec --match and list ask
// for.
func (c *labelCmd) Run(a *app) error {
	p, err := a.one()
	if err != nil {
		return err
	}
	if !isAccount(c.Account) {
		return fail(exitUsage, nil, "%q is no account id.", c.Account)
	}
	mine := maps.Clone(p.Labels[c.Account])
	if mine == nil {
		mine = map[string]string{}
	}
	for _, l := range c.Labels {
		key, value, ok := strings.Cut(l, "=")
		if _, taken := (role{}).facts()[key]; !ok || taken || !isLabelKey(key) || len(value) > 256 || value != clean(value) {
			return fail(exitUsage, nil, "%q is no label: KEY=VALUE, where KEY has small letters, digits, dots, hyphens or underscores and is none of account, name, email, role and portal.", l)
		}
		if mine[key] = value; value == "" {
			delete(mine, key)
		}
	}
	if len(c.Labels) > 0 {
		if err := a.saveLabels(p.Name, c.Account, mine); err != nil {
			return err
		}
	}
	return a.print(mine, func(w io.Writer) {
		for _, key := range slices.Sorted(maps.Keys(mine)) {
			fmt.Fprintf(w, "%s=%s\n", key, mine[key])
		}
	})
}

func (a *app) saveLabels(name, account string, labels map[string]string) error {
	list, err := a.portals()
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].Name != name {
			continue
		}
		if list[i].Labels == nil {
			list[i].Labels = map[string]map[string]string{}
		}
		if list[i].Labels[account] = labels; len(labels) == 0 {
			delete(list[i].Labels, account)
		}
	}
	return a.savePortals(list)
}
