// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Config is what [New] needs. It is copied.
type Config struct {
	// AWS gives the HTTP client and the region if Regions is empty. Its
	// credentials are never used: AssumeRoleWithSAML is unsigned.
	AWS aws.Config
	// Regions are asked in this order; the next one only if STS cannot be
	// reached, fails, throttles or is not active in the one before. All are of
	// one partition.
	Regions []string
	// DualStack and FIPS choose the endpoints.
	DualStack bool
	FIPS      bool
	// Endpoint replaces the endpoints of all regions: https, or http on
	// loopback as for a double.
	Endpoint string
	// Attempts is how often one region is asked where asking again can help;
	// 0 is 3, or 2 with several regions.
	Attempts int
	// MaxBackoff caps the wait between attempts; 0 is 2 s.
	MaxBackoff time.Duration
}

// Client exchanges assertions at STS. It is safe for concurrent use.
type Client struct {
	regions []string
	clients map[string]*sts.Client

	mu     sync.Mutex
	limits map[string]limit
}

// New checks the configuration.
func New(c Config) (*Client, error) {
	regions := slices.Clone(c.Regions)
	if len(regions) == 0 && c.AWS.Region != "" {
		regions = []string{c.AWS.Region}
	}
	if len(regions) == 0 {
		return nil, refuse(CheckInput, "No AWS region is configured.", "neither Regions nor AWS.Region")
	}
	if err := checkRegions(regions); err != nil {
		return nil, err
	}
	if err := checkEndpoint(c.Endpoint); err != nil {
		return nil, err
	}
	if c.Attempts == 0 {
		c.Attempts = 3
		if len(regions) > 1 {
			c.Attempts = 2
		}
	}
	if c.MaxBackoff == 0 {
		c.MaxBackoff = 2 * time.Second
	}
	if c.Attempts < 1 || c.Attempts > 10 || c.MaxBackoff < 0 {
		return nil, refuse(CheckInput, "The retry settings are out of range.", "%d attempts, backoff %v", c.Attempts, c.MaxBackoff)
	}
	cl := &Client{regions: regions, clients: map[string]*sts.Client{}, limits: map[string]limit{}}
	for _, r := range regions {
		cl.clients[r] = c.client(r)
	}
	return cl, nil
}

func (c Config) client(region string) *sts.Client {
	cfg := c.AWS.Copy()
	cfg.Credentials = aws.AnonymousCredentials{}
	return sts.NewFromConfig(cfg, func(o *sts.Options) {
		o.Region = region
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts, r.MaxBackoff = c.Attempts, c.MaxBackoff
		})
		o.HTTPClient = bounded{o.HTTPClient}
		if c.Endpoint != "" {
			o.BaseEndpoint = &c.Endpoint
			return
		}
		if c.DualStack {
			o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
		}
		if c.FIPS {
			o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
		}
	})
}

func checkRegions(regions []string) error {
	for i, r := range regions {
		if !isRegion(r) {
			return refuse(CheckInput, "This is no AWS region.", "region %q", r)
		}
		if partitionOf(r).id != partitionOf(regions[0]).id {
			return refuse(CheckInput, "The regions are of different partitions.", "%s and %s", regions[0], r)
		}
		if slices.Contains(regions[:i], r) {
			return refuse(CheckInput, "A region is named twice.", "region %s twice", r)
		}
	}
	return nil
}

func checkEndpoint(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "https" && (u.Scheme != "http" || !isLoopbackHost(u.Hostname())) {
		return refuse(CheckInput, "The STS endpoint must be https, or http on loopback.", "endpoint %q", s)
	}
	return nil
}

// bounded cuts answers that no STS gives.
type bounded struct{ next sts.HTTPClient }

const maxAnswer = 1 << 20

// Do sends the request.
func (b bounded) Do(r *http.Request) (*http.Response, error) {
	next := b.next
	if next == nil {
		next = http.DefaultClient
	}
	resp, err := next.Do(r)
	if resp != nil && resp.Body != nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	}
	return resp, err
}

// each asks the regions in order until one answers for good.
func (c *Client) each(ctx context.Context, regions []string, call func(region string, api *sts.Client) error) error {
	var last *Error
	for _, r := range regions {
		err := call(r, c.clients[r])
		if err == nil {
			return nil
		}
		last = classify(r, err)
		if ctx.Err() != nil || !last.elsewhere() {
			break
		}
	}
	return last
}

// elsewhere tells whether another region may answer differently. A refusal is
// the same everywhere.
func (e *Error) elsewhere() bool {
	return e.Check == CheckUnavailable || e.Check == CheckThrottled || e.Check == CheckRegion
}

// order puts the preferred regions first and drops what was not configured.
func (c *Client) order(preferred []string) ([]string, error) {
	if len(preferred) == 0 {
		return c.regions, nil
	}
	for _, r := range preferred {
		if c.clients[r] == nil {
			return nil, refuse(CheckInput, "This region is not configured.", "region %q is not among %s", r, strings.Join(c.regions, ", "))
		}
	}
	return preferred, nil
}
