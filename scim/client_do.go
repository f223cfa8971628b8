// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Request is a request to a server, for [Client.Do].
type Request struct {
	Method string
	Path   string // under BaseURL, escaped: "/Users/2819c223"
	Query  url.Values
	Body   []byte // JSON
	Match  string // a version for If-Match, as Meta.Version has it

	// Once forbids to send the request again when it is not known whether the
	// server has done it. It is set for POST to a resource type's endpoint.
	Once bool
}

// Answer is a server's answer of status 2xx.
type Answer struct {
	Status   int
	Header   http.Header
	Body     []byte
	Attempts int // how often the request was sent
}

// Do sends a request, again if need be, and returns the answer if its status
// is 2xx; everything else is an [*Error]. 429 and 503 are waited for as
// Retry-After says, and all requests of the client wait with it; other 5xx and
// failures of the connection are tried again after a pause that doubles. After
// 401 a TokenSource is asked for another token, once.
func (c *Client) Do(ctx context.Context, r Request) (*Answer, error) {
	if !strings.HasPrefix(r.Path, "/") || strings.ContainsAny(r.Path, "?#\\") || strings.Contains(r.Path+"/", "/../") || strings.Contains(r.Path+"/", "/./") {
		return nil, refuse(CheckInvalidPath, "not a path under the base URL")
	}
	u, err := url.Parse(c.base.String() + r.Path)
	if err != nil {
		return nil, &Error{Check: CheckInvalidPath, Public: "not a path under the base URL", Err: err}
	}
	u.RawQuery = r.Query.Encode()
	renewed := false
	for attempt := 1; ; attempt++ {
		if err := c.hold(ctx); err != nil {
			return nil, err
		}
		a, err := c.attempt(ctx, u, r)
		if err == nil {
			a.Attempts = attempt
			return a, nil
		}
		if ctx.Err() != nil {
			return nil, &Error{Check: CheckConnection, Public: "the request was given up", Err: context.Cause(ctx)}
		}
		wait, again := c.wait(r, attempt, err)
		if !renewed && c.c.TokenSource != nil && hasCheck(err, CheckUnauthorized) && attempt < c.c.Attempts {
			// The token may have run out since the source made it.
			renewed, again = true, true
		}
		if !again {
			return nil, err
		}
		if c.c.OnRetry != nil {
			c.c.OnRetry(Retry{r.Method, r.Path, attempt, wait, err})
		}
		if err := c.c.Sleep(ctx, wait); err != nil {
			return nil, &Error{Check: CheckConnection, Public: "the request was given up", Err: err}
		}
	}
}

// hold waits while the server wants no requests.
func (c *Client) hold(ctx context.Context) error {
	c.mu.Lock()
	wait := c.notYet.Sub(c.c.Now())
	c.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	if err := c.c.Sleep(ctx, wait); err != nil {
		return &Error{Check: CheckConnection, Public: "the request was given up", Err: err}
	}
	return nil
}

// attempt sends the request once.
func (c *Client) attempt(ctx context.Context, u *url.URL, r Request) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.c.Timeout)
	defer cancel()
	token := c.c.Token
	if c.c.TokenSource != nil {
		var err error
		if token, err = c.c.TokenSource(ctx); err != nil || !goodToken(token) {
			return nil, &Error{Check: CheckUnauthorized, Public: "there is no token to send", Err: err}
		}
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, u.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, &Error{Check: CheckMethod, Public: "the request cannot be sent", Err: err}
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/scim+json, application/json")
	req.Header.Set("User-Agent", "gatehouse-scim")
	if len(r.Body) > 0 {
		req.Header.Set("Content-Type", "application/scim+json")
	}
	if r.Match != "" {
		req.Header.Set("If-Match", entityTag(r.Match))
	}
	res, err := c.client.Do(req)
	if err != nil {
		return nil, &Error{Check: CheckConnection, Public: "there was no answer", Err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, c.c.MaxBody+1))
	switch {
	case err != nil:
		return nil, &Error{Check: CheckConnection, Public: "the answer broke off", Err: err}
	case int64(len(body)) > c.c.MaxBody:
		return nil, refuse(CheckAnswer, "the answer has more than "+strconv.FormatInt(c.c.MaxBody, 10)+" bytes")
	case res.StatusCode/100 == 2:
		return &Answer{Status: res.StatusCode, Header: res.Header, Body: body}, nil
	}
	// Servers have been seen to repeat what they were sent; errors go to logs.
	e := refusal(res.StatusCode, res.Header, bytes.ReplaceAll(body, []byte(token), []byte("(token)")))
	e.RetryAfter = c.retryAfter(res.Header.Get("Retry-After"))
	return nil, e
}

// entityTag writes a version as a weak tag, as servers of this package read
// it; a version that is a tag already is left alone.
func entityTag(version string) string {
	if strings.HasPrefix(version, `"`) || strings.HasPrefix(version, `W/"`) {
		return version
	}
	return `W/"` + version + `"`
}

// retryAfter reads seconds or a date (RFC 9110 section 10.2.3).
func (c *Client) retryAfter(s string) time.Duration {
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return time.Duration(max(n, 0)) * time.Second
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(t.Sub(c.c.Now()), 0)
	}
	return 0
}

// wait says whether a request is sent again, and when.
func (c *Client) wait(r Request, attempt int, err error) (time.Duration, bool) {
	var e *Error
	if attempt >= c.c.Attempts || !errors.As(err, &e) {
		return 0, false
	}
	switch e.Check {
	case CheckThrottled, CheckBusy: // the server says that it did nothing
	case CheckConnection, CheckInternal:
		if r.Once {
			return 0, false
		}
	default:
		return 0, false
	}
	wait := min(c.c.Backoff<<min(attempt-1, 20), c.c.MaxBackoff)
	wait = wait/2 + time.Duration(c.c.Jitter()*float64(wait)/2)
	if e.RetryAfter > 0 {
		if e.RetryAfter > c.c.MaxRetryWait {
			return 0, false
		}
		c.pause(e.RetryAfter)
		// Those who wait for the same moment do not all come at once.
		wait = e.RetryAfter + wait/4
	}
	return wait, true
}

func (c *Client) pause(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.c.Now().Add(d); t.After(c.notYet) {
		c.notYet = t
	}
}
