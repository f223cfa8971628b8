// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/httpx"
)

// ClientConfig is what a [Client] stands on. BaseURL and one of Token and
// TokenSource are required.
type ClientConfig struct {
	// BaseURL is the server's, for example https://app.example.com/scim/v2. It
	// is https, or on loopback.
	BaseURL string

	// Token is the bearer token. TokenSource is asked once an attempt instead,
	// for tokens that change. A token that a
	// server repeats in its answer is not in the error.
	Token       string
	TokenSource func(ctx context.Context) (string, error)

	// Profile says what the server is known to do beside the standard. [AWS]
	// is IAM Identity Center, with its limits; it is chosen by itself for
	// scim.REGION.amazonaws.com. Everything else is read leniently anyway.
	Profile Profile

	// Transport carries requests; nil is one like [http.DefaultTransport].
	// Redirects are never followed: the token belongs to BaseURL.
	Transport http.RoundTripper

	Attempts     int           // of one request, the first included; 0: 6
	Timeout      time.Duration // of one attempt, its answer included; 0: 1 minute
	Backoff      time.Duration // before the second attempt, doubled for each more; 0: 500 ms
	MaxBackoff   time.Duration // 0: 30 s
	MaxRetryWait time.Duration // longest Retry-After that is waited for; 0: 5 minutes
	MaxBody      int64         // bytes of an answer, unpacked; 0: 64 MiB
	PageSize     int           // resources asked for at a time; 0: what the server says, at most 1,000

	// OnRetry is told before each wait. It may be called concurrently.
	OnRetry func(Retry)

	Now    func() time.Time                                 // nil: time.Now
	Sleep  func(ctx context.Context, d time.Duration) error // nil: a timer
	Jitter func() float64                                   // in [0, 1); nil: random
}

// Retry tells of a request that is about to be sent again.
type Retry struct {
	Method, Path string
	Attempt      int // that failed, from 1
	Wait         time.Duration
	Err          error
}

// Client talks to a SCIM server. It is safe for concurrent use.
type Client struct {
	c      ClientConfig
	base   *url.URL
	client *http.Client

	mu     sync.Mutex
	caps   *Capabilities
	notYet time.Time // no request is sent before
}

// NewClient makes a client; it sends nothing.
func NewClient(c ClientConfig) (*Client, error) {
	base, err := url.Parse(c.BaseURL)
	if err != nil {
		return nil, errors.New("scim: client: BaseURL is no URL")
	}
	switch {
	case base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("scim: client: BaseURL must be like https://host/path")
	case base.Scheme != "https" && !(base.Scheme == "http" && httpx.Loopback(base)):
		return nil, errors.New("scim: client: BaseURL must be https, or http on loopback: a token goes there")
	case (c.Token == "") == (c.TokenSource == nil):
		return nil, errors.New("scim: client: one of Token and TokenSource is needed")
	case c.Token != "" && !goodToken(c.Token):
		return nil, errors.New("scim: client: Token cannot be sent in a header")
	}
	if _, ok := c.Profile.quirks(); !ok {
		return nil, errors.New("scim: client: no such profile")
	}
	base.Path = strings.TrimRight(base.Path, "/")
	if host := base.Hostname(); c.Profile == "" && strings.HasPrefix(host, "scim.") && strings.HasSuffix(host, ".amazonaws.com") {
		c.Profile = AWS
	}
	c = c.withDefaults()
	return &Client{c: c, base: base, client: &http.Client{
		Transport:     c.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func (c ClientConfig) withDefaults() ClientConfig {
	set := func(p *time.Duration, d time.Duration) {
		if *p <= 0 {
			*p = d
		}
	}
	set(&c.Timeout, time.Minute)
	set(&c.Backoff, 500*time.Millisecond)
	set(&c.MaxBackoff, 30*time.Second)
	set(&c.MaxRetryWait, 5*time.Minute)
	if c.Attempts <= 0 {
		c.Attempts = 6
	}
	if c.MaxBody <= 0 {
		c.MaxBody = 64 << 20
	}
	if c.Transport == nil {
		if t, ok := http.DefaultTransport.(*http.Transport); ok {
			t = t.Clone()
			t.MaxIdleConnsPerHost = 16
			t.MaxResponseHeaderBytes = 1 << 18
			c.Transport = t
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	return c
}

// BaseURL is the server's.
func (c *Client) BaseURL() string { return c.base.String() }

// Profile is the server's, as configured or known by its name.
func (c *Client) Profile() Profile { return c.c.Profile }

func goodToken(s string) bool {
	return s != "" && len(s) <= 16<<10 && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
