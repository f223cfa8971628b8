// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/internal/seal"
)

// client is a registration. It is not stored: the client id holds it, signed,
// because /authorize is given the id alone and has to know the redirect URIs;
// the client secret is a second signature over the id. Both name the key that
// made them, so a registration lives through restarts, on every replica, and
// for as long as its key is kept. It proves nothing about who registered.
type client struct {
	Name      string   `json:"n"`
	Scopes    []string `json:"s,omitempty"`
	Grants    []string `json:"g,omitempty"` // short names; none means device code and refresh
	Redirects []string `json:"r,omitempty"`
	Issued    int64    `json:"i"` // unix seconds
	Expires   int64    `json:"x"`
	Epoch     int64    `json:"e"`
	Nonce     []byte   `json:"o"`

	id string
}

const (
	clientVersion = "gc1"
	secretVersion = "gs1"
	maxClientID   = 4096

	purposeKey = "awssso client"
)

// publicRegister is what helps: the AWS CLI keeps a registration and does not
// renew it when it is refused.
const publicRegister = "Delete ~/.aws/sso/cache and sign in again."

// Short names of grants within a client id.
const (
	shortDevice  = "d"
	shortCode    = "c"
	shortRefresh = "r"
)

// clientKey is how a registration is named in a store.
func clientKey(clientID string) string { return seal.Hash(purposeKey, clientID) }

// issue signs the registration and returns its id and secret.
func (c *client) issue(ids, secrets keyset) (id, secret string) {
	c.Nonce = make([]byte, 12)
	_, _ = rand.Read(c.Nonce) // never fails (crypto/rand)
	payload, err := json.Marshal(c)
	if err != nil {
		panic(err) // unreachable: strings and numbers
	}
	signed := clientVersion + "." + b64([]byte(ids.primary)) + "." + b64(payload)
	id = signed + "." + b64(mac(ids.current(), signed)[:16])
	secret = secretVersion + "." + b64([]byte(secrets.primary)) + "." + b64(mac(secrets.current(), id))
	c.id = id
	return id, secret
}

// readClient verifies a client id. Expiry is the caller's to compare.
func readClient(keys keyset, id string) (*client, *Error) {
	bad := func(why string) (*client, *Error) {
		return nil, refuse(CheckClient, "The client registration is not valid: %s. "+publicRegister, why)
	}
	if len(id) > maxClientID {
		return bad("too long")
	}
	parts := strings.Split(id, ".")
	if len(parts) != 4 || parts[0] != clientVersion {
		return bad("unknown form")
	}
	key, ok := keys.named(parts[1])
	if !ok {
		return bad("its key is retired")
	}
	signed := id[:len(id)-len(parts[3])-1]
	if !equalMAC(parts[3], mac(key, signed)[:16]) {
		return bad("altered")
	}
	payload, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil {
		return bad("altered")
	}
	c := &client{id: id}
	if err := json.Unmarshal(payload, c); err != nil {
		return bad("altered")
	}
	return c, nil
}

// authenticate verifies id and secret and what can be known without a store.
func (s *Server) authenticate(id, secret string) (*client, *Error) {
	c, refused := readClient(s.keys.clients, id)
	if refused != nil {
		return nil, refused
	}
	parts := strings.Split(secret, ".")
	if len(secret) > 256 || len(parts) != 3 || parts[0] != secretVersion {
		return nil, refuse(CheckClient, "The client secret is not valid.")
	}
	key, ok := s.keys.secrets.named(parts[1])
	if !ok || !equalMAC(parts[2], mac(key, id)) {
		return nil, refuse(CheckClient, "The client secret is not valid.")
	}
	return c, s.unexpired(c)
}

func (s *Server) unexpired(c *client) *Error {
	if s.cfg.Now().Unix() >= c.Expires {
		return refuse(CheckClient, "The client registration has expired. "+publicRegister)
	}
	return nil
}

// admit asks the store whether the registration has been recalled.
func (s *Server) admit(ctx context.Context, c *client) error {
	state, err := s.cfg.Store.Client(ctx, c.key())
	switch {
	case err != nil:
		return err
	case state.Denied:
		return refuse(CheckClientDenied, "The client registration has been recalled. "+publicRegister)
	case state.Epoch != c.Epoch:
		return refuse(CheckClientEpoch, "All client registrations have been recalled. "+publicRegister)
	}
	return nil
}

func (c *client) key() string { return clientKey(c.id) }

// may reports whether the client registered for a grant.
func (c *client) may(short string) bool {
	if len(c.Grants) == 0 {
		return short != shortCode
	}
	return slices.Contains(c.Grants, short)
}

// refreshes reports whether its tokens come with a refresh token: it asked for
// the grant, or at least for a scope. Legacy profiles register neither and know
// nothing of refreshing.
func (c *client) refreshes() bool {
	return slices.Contains(c.Grants, shortRefresh) || len(c.Grants) == 0 && len(c.Scopes) > 0
}

// hasRedirect reports whether uri is a registered one with any port
// (RFC 8252 7.3).
func (c *client) hasRedirect(uri string) bool {
	norm, ok := loopbackRedirect(uri)
	return ok && slices.Contains(c.Redirects, norm)
}

// loopbackRedirect returns uri without its port if it is http on 127.0.0.1 or
// ::1 with a plain path.
func loopbackRedirect(uri string) (string, bool) {
	if len(uri) > maxURL {
		return "", false
	}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" || u.Opaque != "" || u.User != nil || u.RawQuery != "" || u.ForceQuery ||
		u.Fragment != "" || strings.Contains(uri, "#") || u.RawPath != "" || strings.ContainsAny(u.Path, "\\") {
		return "", false
	}
	host := u.Hostname()
	if addr, err := netip.ParseAddr(host); err != nil || addr.String() != host || host != "127.0.0.1" && host != "::1" {
		return "", false
	}
	if strings.HasSuffix(u.Host, ":") {
		return "", false
	}
	for _, r := range u.Path {
		if r <= ' ' || r >= 0x7f {
			return "", false
		}
	}
	if host == "::1" {
		host = "[::1]"
	}
	// Rebuilt and compared, so that what was checked is what is written.
	want := "http://" + host
	if port := u.Port(); port != "" {
		want = "http://" + net.JoinHostPort(u.Hostname(), port)
	}
	return "http://" + host + u.Path, want+u.Path == uri
}

func mac(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for i, p := range parts {
		if i > 0 {
			h.Write([]byte{0})
		}
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}

func equalMAC(encoded string, want []byte) bool {
	got, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	return err == nil && hmac.Equal(got, want)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
