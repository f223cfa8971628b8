// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Token is a bearer token as it is stored: without the secret.
type Token struct {
	ID       string   // for lists and audit; no secret
	Hash     [32]byte // SHA-256 of a purpose prefix and the secret
	Tenant   string
	Name     string
	ReadOnly bool
	Profile  Profile
	Created  time.Time
	Expires  time.Time // zero: never
	LastUsed time.Time // exact to a minute; zero: never used
}

// TokenStore keeps tokens. Its methods are safe for concurrent use and join
// the transaction in ctx.
type TokenStore interface {
	// CreateToken stores t unless the tenant has max tokens that have not
	// expired at now; then it returns ErrConflict. Count and write are one.
	CreateToken(ctx context.Context, t Token, max int, now time.Time) error
	// TokenByHash returns the token, expired or not, or ErrNotFound.
	TokenByHash(ctx context.Context, hash [32]byte) (Token, error)
	// UseToken records a use; an unknown id is no error.
	UseToken(ctx context.Context, id string, at time.Time) error
	// TokensOf returns the tokens of a tenant, oldest first.
	TokensOf(ctx context.Context, tenant string) ([]Token, error)
	// DeleteToken removes a token of the tenant, or returns ErrNotFound.
	DeleteToken(ctx context.Context, tenant, id string) error
}

// MaxTokens is how many tokens a tenant has at the same time: one in use and
// one to change over to.
const MaxTokens = 2

// Tokens issues and verifies bearer tokens. It is safe for concurrent use.
type Tokens struct {
	store TokenStore
	now   func() time.Time
}

// NewTokens makes tokens over a store. A nil now is time.Now.
func NewTokens(store TokenStore, now func() time.Time) (*Tokens, error) {
	if store == nil {
		return nil, errors.New("scim: tokens need a store")
	}
	if now == nil {
		now = time.Now
	}
	return &Tokens{store: store, now: now}, nil
}

// TokenOptions describe a new token.
type TokenOptions struct {
	Name     string
	ReadOnly bool
	Profile  Profile
	Lifetime time.Duration // 0: never expires
}

// Issue makes a token of 256 random bits. The secret is returned once and
// not stored. A tenant that has [MaxTokens] is refused with CheckUniqueness.
func (t *Tokens) Issue(ctx context.Context, tenant string, o TokenOptions) (secret string, tok Token, err error) {
	if tenant == "" {
		return "", Token{}, errors.New("scim: a token needs a tenant")
	}
	if _, ok := o.Profile.quirks(); !ok {
		return "", Token{}, errors.New("scim: no such profile")
	}
	var raw [32]byte
	rand.Read(raw[:])
	secret = "gh_scim_" + base64.RawURLEncoding.EncodeToString(raw[:])
	now := t.now().UTC().Truncate(time.Microsecond)
	tok = Token{ID: newID(), Hash: hashToken(secret), Tenant: tenant, Name: o.Name, ReadOnly: o.ReadOnly, Profile: o.Profile, Created: now}
	if o.Lifetime > 0 {
		tok.Expires = now.Add(o.Lifetime)
	}
	if err := t.store.CreateToken(ctx, tok, MaxTokens, now); err != nil {
		if errors.Is(err, ErrConflict) {
			err = &Error{Check: CheckUniqueness, Public: "there are two tokens already; revoke one first", Err: err}
		}
		return "", Token{}, err
	}
	return secret, tok, nil
}

// List returns the tokens of a tenant.
func (t *Tokens) List(ctx context.Context, tenant string) ([]Token, error) {
	return t.store.TokensOf(ctx, tenant)
}

// Revoke removes a token; it ends with the next request.
func (t *Tokens) Revoke(ctx context.Context, tenant, id string) error {
	return t.store.DeleteToken(ctx, tenant, id)
}

// Verify returns whose token secret is.
func (t *Tokens) Verify(ctx context.Context, secret string) (Caller, error) {
	tok, err := t.store.TokenByHash(ctx, hashToken(secret))
	if errors.Is(err, ErrNotFound) {
		return Caller{}, &Error{Check: CheckUnauthorized, Public: "the token is not valid", Err: err}
	}
	if err != nil {
		return Caller{}, err
	}
	now := t.now()
	if !tok.Expires.IsZero() && !now.Before(tok.Expires) {
		return Caller{}, &Error{Check: CheckUnauthorized, Public: "the token is not valid", Err: errors.New("token " + tok.ID + " has expired")}
	}
	if now.Sub(tok.LastUsed) >= time.Minute {
		if err := t.store.UseToken(ctx, tok.ID, now.UTC().Truncate(time.Microsecond)); err != nil {
			return Caller{}, err
		}
	}
	return Caller{Tenant: tok.Tenant, Actor: tok.ID, ReadOnly: tok.ReadOnly, Profile: tok.Profile}, nil
}

func hashToken(secret string) [32]byte {
	return sha256.Sum256([]byte("gatehouse|scim-token|" + secret))
}

// Bearer returns the bearer token of a request's one Authorization header
// (RFC 6750 section 2.1), or "". It looks nowhere else.
func Bearer(r *http.Request) string {
	h := r.Header.Values("Authorization")
	if len(h) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(h[0], " ")
	if token = strings.TrimLeft(token, " "); !strings.EqualFold(scheme, "Bearer") || len(token) > 4096 || strings.ContainsAny(token, " \t") {
		return ""
	}
	return token
}

// newID makes an identifier of 128 random bits.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // RFC 9562 version 4
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
