// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/seal"
)

const (
	purposeCode    = "awssso authorization code"
	purposeAccess  = "awssso access token"
	purposeRefresh = "awssso refresh token"
)

type tokenRequest struct {
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	GrantType    string `json:"grantType"`
	DeviceCode   string `json:"deviceCode"`
	Code         string `json:"code"`
	CodeVerifier string `json:"codeVerifier"`
	RedirectURI  string `json:"redirectUri"`
	RefreshToken string `json:"refreshToken"`
}

type tokenResponse struct {
	AccessToken  string `json:"accessToken"`
	TokenType    string `json:"tokenType"`
	ExpiresIn    int64  `json:"expiresIn"`
	RefreshToken string `json:"refreshToken,omitempty"`
}

const maxToken = 256

func (s *Server) createToken(r *http.Request, c call) (any, error) {
	var in tokenRequest
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	if r.URL.RawQuery != "" {
		return nil, refuse(CheckGrantType, "Trusted identity propagation is not supported.")
	}
	reg, refused := s.authenticate(in.ClientID, in.ClientSecret)
	if refused != nil {
		return nil, refused
	}
	if len(in.DeviceCode) > maxToken || len(in.Code) > maxToken || len(in.RefreshToken) > maxToken || len(in.CodeVerifier) > maxToken {
		return nil, refuse(CheckRequest, "A code or token is too long.")
	}
	switch in.GrantType {
	case grantDevice:
		return s.redeemDevice(r, c, reg, in.DeviceCode)
	case grantCode:
		return s.redeemCode(r, c, reg, in)
	case grantRefresh:
		return s.refresh(r, c, reg, in.RefreshToken)
	case "":
		return nil, refuse(CheckRequest, "grantType is required.")
	default:
		return nil, refuse(CheckGrantType, "There is no grant type %q.", plain(in.GrantType))
	}
}

// redeemDevice is RFC 8628 3.4 and 3.5. While nobody has answered it costs one
// indexed read and writes nothing.
func (s *Server) redeemDevice(r *http.Request, c call, reg *client, secret string) (any, error) {
	if secret == "" {
		return nil, refuse(CheckRequest, "deviceCode is required.")
	}
	now := s.cfg.Now()
	hash := seal.Hash(purposeDevice, secret)
	d, err := s.cfg.Store.Device(r.Context(), hash)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, refuse(CheckCode, "The device code is not known.")
	case err != nil:
		return nil, err
	case d.Client != reg.key():
		return nil, refuse(CheckCode, "The device code is not known.")
	case d.State == DeviceTaken:
		return nil, s.codeReused(r, c, d.FamilyID, d.Approval, d.ClientName, FlowDevice)
	case d.State == DeviceDenied:
		return nil, refuse(CheckDenied, "The person refused the sign-in.")
	case !now.Before(d.Expires):
		return nil, refuse(CheckExpired, "Nobody approved the sign-in in time. Start again.")
	case d.State == DevicePending:
		// Clients poll twice at once and then each interval, so only many
		// polls in a row are too fast.
		if !s.polls.allow(hash, now) {
			return nil, refuse(CheckSlowDown, "Poll no faster than each second.")
		}
		return nil, refuse(CheckPending, "Nobody has approved the sign-in yet.")
	}
	if err := s.deviceAllowed(r.Context()); err != nil {
		return nil, err
	}
	if err := s.admit(r.Context(), reg); err != nil {
		return nil, err
	}
	f, tokens, answer, err := s.newFamily(r.Context(), c, reg, FlowDevice, d.Approval)
	if err != nil {
		return nil, err
	}
	err = s.commitFamily(r, c, f, tokens, func(ctx context.Context) error { return s.cfg.Store.TakeDevice(ctx, hash, f.ID) })
	if errors.Is(err, ErrTaken) {
		if d, err = s.cfg.Store.Device(r.Context(), hash); err == nil {
			err = s.codeReused(r, c, d.FamilyID, d.Approval, d.ClientName, FlowDevice)
		}
	}
	return answer, err
}

// redeemCode is RFC 6749 4.1.3 with RFC 7636. The code is taken before anything
// about it is verified, so a wrong verifier costs the code.
func (s *Server) redeemCode(r *http.Request, c call, reg *client, in tokenRequest) (any, error) {
	if in.Code == "" || in.CodeVerifier == "" || in.RedirectURI == "" {
		return nil, refuse(CheckRequest, "code, codeVerifier and redirectUri are required.")
	}
	hash := seal.Hash(purposeCode, in.Code)
	var code AuthCode
	var taken error
	err := s.cfg.Store.InTx(r.Context(), func(ctx context.Context) error {
		code, taken = s.cfg.Store.TakeCode(ctx, hash)
		if taken != nil && !errors.Is(taken, ErrTaken) {
			return taken
		}
		return nil // a reuse is marked, and the mark stays
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, refuse(CheckCode, "The code is not known or has expired.")
	case err != nil:
		return nil, err
	case taken != nil:
		return nil, s.codeReused(r, c, code.FamilyID, code.Approval, code.ClientName, FlowCode)
	case code.Client != reg.key() || code.RedirectURI != in.RedirectURI || !s.cfg.Now().Before(code.Expires):
		return nil, refuse(CheckCode, "The code is not known or has expired.")
	case !verifies(code.Challenge, in.CodeVerifier):
		return nil, refuse(CheckVerifier, "The code verifier does not match.")
	}
	if err := s.admit(r.Context(), reg); err != nil {
		return nil, err
	}
	f, tokens, answer, err := s.newFamily(r.Context(), c, reg, FlowCode, code.Approval)
	if err != nil {
		return nil, err
	}
	err = s.commitFamily(r, c, f, tokens, func(ctx context.Context) error { return s.cfg.Store.BindCode(ctx, hash, f.ID) })
	if errors.Is(err, ErrTaken) {
		err = refuse(CheckCodeReused, "The code was used twice at once. Sign in again.")
	}
	return answer, err
}

// verifies is RFC 7636 4.6 with S256, the only method here. The verifier has
// 43 to 128 unreserved characters (4.1).
func verifies(challenge, verifier string) bool {
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(b64(sum[:])), []byte(challenge)) == 1
}

// newFamily makes the first tokens of an approval, if its session lives.
func (s *Server) newFamily(ctx context.Context, c call, reg *client, flow Flow, a Approval) (Family, []Token, *tokenResponse, error) {
	session, err := s.cfg.Sessions.Session(ctx, a.SessionID)
	if errors.Is(err, ErrNoSession) || err == nil && session.PersonID != a.PersonID {
		return Family{}, nil, nil, refuse(CheckSession, "The session that approved this has ended. Sign in again.")
	}
	if err != nil {
		return Family{}, nil, nil, err
	}
	policy, err := s.cfg.Policy(ctx)
	if err != nil {
		return Family{}, nil, nil, err
	}
	now := s.cfg.Now()
	f := Family{
		ID: "f-" + seal.Token()[:22], Flow: flow, Client: reg.key(), ClientName: reg.Name, Network: c.network, Scopes: reg.Scopes,
		Approval: a, Created: now, Expires: ends(now, session, policy), Rotated: now, KeyID: s.keys.refresh.primary,
	}
	life := s.cfg.LegacyLifetime
	if reg.refreshes() {
		life = s.cfg.AccessLifetime
	}
	access := "ga_" + seal.Token()
	tokens := []Token{{
		Hash: seal.Hash(purposeAccess, access), Kind: AccessToken, FamilyID: f.ID, Expires: earlier(now.Add(life), f.Expires),
	}}
	answer := &tokenResponse{AccessToken: access, TokenType: "Bearer", ExpiresIn: remaining(tokens[0].Expires, now)}
	if reg.refreshes() {
		answer.RefreshToken = "gr_" + seal.Token()
		tokens = append(tokens, Token{
			Hash: seal.Hash(purposeRefresh, answer.RefreshToken), Kind: RefreshToken, FamilyID: f.ID, Expires: f.Expires,
		})
	}
	return f, tokens, answer, nil
}

// commitFamily takes the code, stores the family and records it, or nothing.
func (s *Server) commitFamily(r *http.Request, c call, f Family, tokens []Token, take func(context.Context) error) error {
	return s.cfg.Store.InTx(r.Context(), func(ctx context.Context) error {
		if err := take(ctx); err != nil {
			return err
		}
		if err := s.cfg.Store.InsertFamily(ctx, f, tokens...); err != nil {
			return err
		}
		return s.cfg.OnEvent(ctx, s.event(r, c, EventCreateToken, func(e *Event) { e.of(f) }))
	})
}

// codeReused revokes what a code became (RFC 6749 4.1.2): two parties hold it.
func (s *Server) codeReused(r *http.Request, c call, familyID string, a Approval, name string, flow Flow) error {
	err := s.cfg.Store.InTx(r.Context(), func(ctx context.Context) error {
		if familyID != "" {
			if _, err := s.cfg.Store.RevokeFamily(ctx, familyID, s.cfg.Now()); err != nil {
				return err
			}
		}
		return s.cfg.OnEvent(ctx, s.event(r, c, EventRevoke, func(e *Event) {
			e.Check, e.Notice, e.FamilyID, e.Flow, e.ClientName = CheckCodeReused, true, familyID, flow, name
			e.PersonID, e.SessionID = a.PersonID, a.SessionID
		}))
	})
	if err != nil {
		return err
	}
	return refuse(CheckCodeReused, "The code was used before. Its access has been revoked; sign in again.")
}

func (e *Event) of(f Family) {
	e.PersonID, e.SessionID, e.FamilyID = f.Approval.PersonID, f.Approval.SessionID, f.ID
	e.Flow, e.ClientName = f.Flow, f.ClientName
}

// ends is when everything that the session grants now ends at the latest.
func ends(now time.Time, session Session, policy Policy) time.Time {
	if policy.Length > 0 {
		return earlier(now.Add(policy.Length), session.Expires)
	}
	return session.Expires
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// remaining rounds down: a client must not think that a token lives longer
// than it does.
func remaining(end, now time.Time) int64 { return max(0, int64(end.Sub(now)/time.Second)) }
