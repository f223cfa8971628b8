// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Key names credentials: whose portal, which role, which session. Two people,
// or one person in two portals, never share a key.
type Key struct {
	// Portal is the start URL or another name of where they come from.
	Portal string
	// Session is the SSO session's or the person's name there.
	Session string
	// AccountID and RoleName, or RoleARN, name the role.
	AccountID string
	RoleName  string
	RoleARN   string
}

// PoolConfig is what [NewPool] needs.
type PoolConfig struct {
	// Fetch gets credentials for a key; required.
	Fetch func(ctx context.Context, k Key) (aws.Credentials, error)
	// Provider gives the settings of every provider; its Fetch and Key are
	// not used.
	Provider ProviderConfig
	// Max is how many providers the pool holds; 0 is 10,000. Asking for more
	// is an error until one is dropped.
	Max int
}

// Pool keeps one [Provider] for each key. It is safe for concurrent use.
type Pool struct {
	c  PoolConfig
	mu sync.RWMutex
	of map[Key]*Provider
}

// NewPool checks the configuration.
func NewPool(c PoolConfig) (*Pool, error) {
	if c.Fetch == nil {
		return nil, refuse(CheckInput, "", "no Fetch")
	}
	if c.Max == 0 {
		c.Max = 10_000
	}
	c.Provider.Fetch = func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, nil }
	if _, err := NewProvider(c.Provider); err != nil {
		return nil, err
	}
	return &Pool{c: c, of: map[Key]*Provider{}}, nil
}

// Provider returns the provider of a key, the same one each time.
func (p *Pool) Provider(k Key) (*Provider, error) {
	p.mu.RLock()
	pr := p.of[k]
	p.mu.RUnlock()
	if pr != nil {
		return pr, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if pr := p.of[k]; pr != nil {
		return pr, nil
	}
	if len(p.of) >= p.c.Max {
		return nil, refuse(CheckInput, "Too many roles are in use.", "the pool holds %d providers", len(p.of))
	}
	c := p.c.Provider
	c.Key = k
	c.Fetch = func(ctx context.Context) (aws.Credentials, error) { return p.c.Fetch(ctx, k) }
	pr, err := NewProvider(c)
	if err != nil {
		return nil, err
	}
	p.of[k] = pr
	return pr, nil
}

// Result is what [Pool.All] got for one key.
type Result struct {
	Key         Key
	Credentials aws.Credentials
	Err         error
}

// All gets the credentials of many roles, at most parallel at a time (0: 8),
// in the order of the keys. One refusal stops nothing else.
func (p *Pool) All(ctx context.Context, keys []Key, parallel int) []Result {
	out := make([]Result, len(keys))
	inParallel(len(keys), parallel, func(i int) {
		out[i].Key = keys[i]
		pr, err := p.Provider(keys[i])
		if err != nil {
			out[i].Err = err
			return
		}
		out[i].Credentials, out[i].Err = pr.Retrieve(ctx)
	})
	return out
}

// Drop closes the provider of a key and makes room for another; a missing one
// is no error. Credentials at rest stay.
func (p *Pool) Drop(k Key) {
	p.mu.Lock()
	pr := p.of[k]
	delete(p.of, k)
	p.mu.Unlock()
	if pr != nil {
		pr.Close()
	}
}

// Close closes all providers.
func (p *Pool) Close() {
	p.mu.Lock()
	all := slices.Collect(maps.Values(p.of))
	clear(p.of)
	p.mu.Unlock()
	for _, pr := range all {
		pr.Close()
	}
}
