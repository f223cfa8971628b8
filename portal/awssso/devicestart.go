// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/seal"
)

const purposeDevice = "awssso device code"

type deviceRequest struct {
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	StartURL     string `json:"startUrl"`
}

type deviceResponse struct {
	DeviceCode              string `json:"deviceCode"`
	UserCode                string `json:"userCode"`
	VerificationURI         string `json:"verificationUri"`
	VerificationURIComplete string `json:"verificationUriComplete"`
	ExpiresIn               int64  `json:"expiresIn"`
	Interval                int64  `json:"interval"`
}

// startDeviceAuthorization is RFC 8628 3.1 and 3.2.
func (s *Server) startDeviceAuthorization(r *http.Request, c call) (any, error) {
	if err := s.limit(c); err != nil {
		return nil, err
	}
	var in deviceRequest
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	reg, refused := s.authenticate(in.ClientID, in.ClientSecret)
	if refused != nil {
		return nil, refused
	}
	if refused := s.checkStartURL(in.StartURL); refused != nil {
		return nil, refused
	}
	if !reg.may(shortDevice) {
		return nil, refuse(CheckClientGrant, "The client did not register for the device code grant.")
	}
	if err := s.admit(r.Context(), reg); err != nil {
		return nil, err
	}
	if err := s.deviceAllowed(r.Context()); err != nil {
		return nil, err
	}
	return s.newDevice(r, c, reg)
}

func (s *Server) deviceAllowed(ctx context.Context) error {
	policy, err := s.cfg.Policy(ctx)
	if err == nil && policy.Device == DeviceOff {
		return refuse(CheckFlow, "Signing in by device code is switched off here. Use a browser on the same computer.")
	}
	return err
}

func (s *Server) newDevice(r *http.Request, c call, reg *client) (any, error) {
	now := s.cfg.Now()
	secret, userCode := "gd_"+seal.Token(), newUserCode()
	d := DeviceCode{
		Hash: seal.Hash(purposeDevice, secret), UserHash: userHash(s.keys.users.current(), userCode),
		Client: reg.key(), ClientName: reg.Name, Device: device(r.UserAgent()), Scopes: reg.Scopes, Network: c.network,
		Created: now, Expires: now.Add(s.cfg.DeviceLifetime), State: DevicePending,
	}
	err := s.cfg.Store.InTx(r.Context(), func(ctx context.Context) error {
		if err := s.cfg.Store.InsertDevice(ctx, d, s.cfg.DevicesPerNetwork); err != nil {
			return err
		}
		return s.cfg.OnEvent(ctx, s.event(r, c, EventStartDeviceAuthorization, func(e *Event) {
			e.ClientName, e.Flow = reg.Name, FlowDevice
		}))
	})
	if errors.Is(err, ErrTooMany) {
		return nil, refuse(CheckOutstanding, "Too many unanswered sign-ins were started from your network. Answer one, or try again in some minutes.")
	}
	if err != nil {
		return nil, err // another row with the same user code is one in 25 billion: the client tries again
	}
	page := s.cfg.PagesURL + PathDevice
	return deviceResponse{
		DeviceCode: secret, UserCode: showUserCode(userCode), VerificationURI: page,
		VerificationURIComplete: page + "?" + FieldUserCode + "=" + url.QueryEscape(showUserCode(userCode)),
		ExpiresIn:               int64(s.cfg.DeviceLifetime / time.Second), Interval: int64(pollInterval / time.Second),
	}, nil
}

// newUserCode draws evenly: bytes that would favour the first letters are
// thrown away.
func newUserCode() string {
	const n = len(userCodeAlphabet)
	out := make([]byte, 0, 8)
	var b [16]byte
	for len(out) < 8 {
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		for _, x := range b {
			if int(x) < 256-256%n && len(out) < 8 {
				out = append(out, userCodeAlphabet[int(x)%n])
			}
		}
	}
	return string(out)
}

// userHash is keyed, because 34 bits can be tried out.
func userHash(key []byte, code string) string { return b64(mac(key, "user code", code)) }

// event is an event of this request.
func (s *Server) event(r *http.Request, c call, name EventName, fill func(*Event)) Event {
	e := Event{Name: name, Time: s.cfg.Now(), Addr: s.addr(r), RequestID: c.id}
	fill(&e)
	return e
}

func (s *Server) addr(r *http.Request) netip.Addr { return s.cfg.ClientAddr(r) }

// record records an event in a transaction of its own: a refusal, or an effect
// outside of the store.
func (s *Server) record(ctx context.Context, e Event) error {
	return s.cfg.Store.InTx(ctx, func(ctx context.Context) error { return s.cfg.OnEvent(ctx, e) })
}
