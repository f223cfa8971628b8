// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awsssotest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
)

// Client speaks the wire as programs do.
type Client struct {
	// Addr, if set, is the address from which it comes.
	Addr string
	// UserAgent default: that of the AWS CLI.
	UserAgent string

	ID, Secret string

	p *Portal
}

// Answer is an answer on the wire.
type Answer struct {
	Status int
	Header http.Header
	Raw    []byte
	Body   map[string]any // nil for an empty one
}

// Text is a member of the body that is a string.
func (a Answer) Text(name string) string {
	s, _ := a.Body[name].(string)
	return s
}

// Client returns a client that has not registered.
func (p *Portal) Client() *Client { return &Client{p: p} }

// Register registers with the fields that the AWS CLI sends with an
// sso-session.
func (c *Client) Register(tb testing.TB) *Client {
	tb.Helper()
	return c.RegisterAs(tb, map[string]any{
		"clientName": "botocore-client-gatehouse", "clientType": "public", "scopes": []string{"sso:account:access"},
	})
}

// RegisterPKCE registers with the fields that the AWS CLI sends since 2.22.
func (c *Client) RegisterPKCE(tb testing.TB) *Client {
	tb.Helper()
	return c.RegisterAs(tb, map[string]any{
		"clientName": "botocore-client-gatehouse", "clientType": "public", "scopes": []string{"sso:account:access"},
		"grantTypes": []string{"authorization_code", "refresh_token"}, "redirectUris": []string{"http://127.0.0.1/oauth/callback"},
		"issuerUrl": c.p.StartURL,
	})
}

// RegisterAs registers with some fields.
func (c *Client) RegisterAs(tb testing.TB, fields map[string]any) *Client {
	tb.Helper()
	a := c.Post(tb, "/client/register", fields)
	if a.Status != http.StatusOK {
		tb.Fatalf("register: %d %s", a.Status, a.Raw)
	}
	c.ID, c.Secret = a.Text("clientId"), a.Text("clientSecret")
	return c
}

// Start starts a device authorization.
func (c *Client) Start(tb testing.TB) Answer {
	tb.Helper()
	return c.Post(tb, "/device_authorization", map[string]any{"clientId": c.ID, "clientSecret": c.Secret, "startUrl": c.p.StartURL})
}

// Token asks for a token; id and secret are added.
func (c *Client) Token(tb testing.TB, fields map[string]any) Answer {
	tb.Helper()
	all := map[string]any{"clientId": c.ID, "clientSecret": c.Secret}
	maps.Copy(all, fields)
	return c.Post(tb, "/token", all)
}

// Poll polls for a device code.
func (c *Client) Poll(tb testing.TB, deviceCode string) Answer {
	tb.Helper()
	return c.Token(tb, map[string]any{"grantType": "urn:ietf:params:oauth:grant-type:device_code", "deviceCode": deviceCode})
}

// Refresh refreshes.
func (c *Client) Refresh(tb testing.TB, refreshToken string) Answer {
	tb.Helper()
	return c.Token(tb, map[string]any{"grantType": "refresh_token", "refreshToken": refreshToken})
}

// Login signs in by device code in a browser.
func (c *Client) Login(tb testing.TB, b *Browser) Answer {
	tb.Helper()
	start := c.Start(tb)
	b.ApproveDevice(tb, start.Text("verificationUriComplete"), true)
	a := c.Poll(tb, start.Text("deviceCode"))
	if a.Status != http.StatusOK {
		tb.Fatalf("token: %d %s", a.Status, a.Raw)
	}
	return a
}

// Post posts JSON; a string or []byte goes as it is.
func (c *Client) Post(tb testing.TB, path string, body any) Answer {
	tb.Helper()
	var text string
	switch b := body.(type) {
	case string:
		text = b
	case []byte:
		text = string(b)
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			tb.Fatal(err)
		}
		text = string(raw)
	}
	return c.do(tb, http.MethodPost, path, "", text)
}

// Get calls a portal operation with an access token.
func (c *Client) Get(tb testing.TB, path, accessToken string) Answer {
	tb.Helper()
	return c.do(tb, http.MethodGet, path, accessToken, "")
}

// Logout logs out.
func (c *Client) Logout(tb testing.TB, accessToken string) Answer {
	tb.Helper()
	return c.do(tb, http.MethodPost, "/logout", accessToken, "")
}

func (c *Client) do(tb testing.TB, method, path, token, body string) Answer {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), method, c.p.URL+"/aws"+path, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "aws-cli/2.9.19 Python/3.11.2 Linux/6.18 source/x86_64.debian.12")
	if c.UserAgent != "" {
		r.Header.Set("User-Agent", c.UserAgent)
	}
	if token != "" {
		r.Header.Set("x-amz-sso_bearer_token", token)
	}
	if c.Addr != "" {
		r.Header.Set(addrHeader, c.Addr)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	a := Answer{Status: resp.StatusCode, Header: resp.Header}
	if a.Raw, err = io.ReadAll(resp.Body); err != nil {
		tb.Fatal(err)
	}
	if len(a.Raw) > 0 && resp.Header.Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(a.Raw, &a.Body); err != nil {
			tb.Fatalf("%s %s: %v in %s", method, path, err, a.Raw)
		}
	}
	return a
}
