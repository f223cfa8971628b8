// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package code

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/internal/secret"
)

const (
	linkLength  = 52 // 260 bits
	typedLength = 10 // 50 bits, five tries
)

// LinkConfig is what a factor of magic links is made of.
type LinkConfig struct {
	// Sender delivers, Address finds where to. Both required.
	Sender  Sender
	Address Address
	// URL is the page that the link opens, on the program's own base URL; the
	// token is added to its fragment, which browsers send to no server.
	// Required.
	URL string
	// TTL is up to 10 minutes, which it is if zero.
	TTL time.Duration
}

// Link is magic links as a first factor: the proof of a mailbox, a fallback
// like a code by mail.
//
// A link completes only in the browser that asked. [NewLinkHandler] is its
// page, which changes nothing on GET, since mail scanners fetch links: it reads
// the token from the fragment and shows a button. In the browser that asked,
// which knows the challenge, the button posts the token as the answer. In any
// other it shows [TypedCode] of the token for the person to type where they
// asked. Neither is worth anything without the session that asked.
type Link struct {
	cfg  LinkConfig
	info mfa.Info
}

var _ mfa.Factor = (*Link)(nil)

// NewLink returns the factor.
func NewLink(c LinkConfig) (*Link, error) {
	u, err := url.Parse(c.URL)
	if c.Sender == nil || c.Address == nil || err != nil || !u.IsAbs() || u.Host == "" || u.Fragment != "" {
		return nil, errors.New("code: LinkConfig wants a Sender, an Address and an absolute URL without a fragment")
	}
	if c.TTL == 0 {
		c.TTL = maxTTL
	}
	if c.TTL < 0 || c.TTL > maxTTL {
		return nil, fmt.Errorf("code: LinkConfig.TTL is not up to %v", maxTTL)
	}
	return &Link{cfg: c, info: mfa.Info{
		Kind: mfa.KindMagicLink, Strength: mfa.Any, FirstFactor: true, Implicit: true, Fallback: true,
		Tries: 5, TTL: c.TTL, Newest: true, Sends: true,
	}}, nil
}

// Info implements [mfa.Factor].
func (f *Link) Info() mfa.Info { return f.info }

// Available implements [mfa.Availability].
func (f *Link) Available(ctx context.Context, s mfa.Subject) (bool, error) {
	to, err := f.cfg.Address(ctx, s)
	return to != "", err
}

// Begin implements [mfa.Factor]. For people who do not exist, or cannot be
// reached, it answers alike and sends nothing.
func (f *Link) Begin(ctx context.Context, r mfa.BeginRequest) (mfa.Begun, error) {
	s := state{Key: secret.NewKey(), Until: r.Now.Add(f.cfg.TTL)}
	to := ""
	if r.Subject.ID != "" {
		var err error
		if to, err = f.cfg.Address(ctx, r.Subject); err != nil {
			return mfa.Begun{}, err
		}
	}
	if to != "" {
		token := secret.Text(linkLength)
		s.MACs = [][]byte{secret.MAC(s.Key, token), secret.MAC(s.Key, typed(token))}
		err := f.cfg.Sender.Send(ctx, Message{
			Kind: f.info.Kind, Purpose: r.Purpose, Subject: r.Subject, To: to, Link: f.cfg.URL + "#" + token,
			ExpiresAt: s.Until, Client: r.Client,
		})
		if err != nil {
			return mfa.Begun{}, sendError(err)
		}
	}
	b, err := json.Marshal(s)
	if err != nil {
		return mfa.Begun{}, err
	}
	public, err := json.Marshal(map[string]time.Time{"expiresAt": s.Until})
	return mfa.Begun{State: b, Public: public}, err
}

// TypedCode is what another browser shows of a link's token, for the person to
// type in the browser that asked; "" if it is none.
func TypedCode(token string) string {
	t, ok := secret.Read([]byte(token), linkLength)
	if !ok {
		return ""
	}
	return secret.Group(typed(t), typedLength/2)
}

// typed is derived one way, so a code that is overheard is not the link.
func typed(token string) string {
	return secret.Encode(secret.MAC([]byte("gatehouse/mfa/link"), token)[:typedLength])
}

// Verify implements [mfa.Factor]: the answer is the token, or its typed code.
func (f *Link) Verify(_ context.Context, r mfa.VerifyRequest) (mfa.Verified, error) {
	var s state
	if err := json.Unmarshal(r.State, &s); err != nil {
		return mfa.Verified{}, err
	}
	given, ok := secret.Read(r.Answer, linkLength)
	if !ok {
		given, ok = secret.Read(r.Answer, typedLength)
	}
	if match := secret.Match(s.Key, given, s.MACs); !ok || match < 0 || !r.Now.Before(s.Until) {
		return mfa.Verified{}, refuse(mfa.CheckWrong, mfa.PublicWrong, "this is not the link that was sent")
	}
	return mfa.Verified{Strength: mfa.Any}, nil
}
