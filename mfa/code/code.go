// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package code

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/internal/secret"
)

// maxTTL bounds the life of codes and links.
const maxTTL = 10 * time.Minute

// Config is what a factor of codes is made of.
type Config struct {
	// Sender delivers. Required.
	Sender Sender
	// Address finds where to. Required for mail; for SMS and voice people
	// without it enrol a number of their own.
	Address Address
	// Digits are 6 to 8, 6 if zero.
	Digits int
	// TTL is up to 10 minutes, which it is if zero.
	TTL time.Duration
	// Tries is how many answers one code takes, up to 5, which it is if zero.
	Tries int
}

// Factor sends a code and asks for it. It is immutable.
type Factor struct {
	cfg  Config
	info mfa.Info
	amr  []string
}

var (
	_ mfa.Availability = (*Factor)(nil)
	_ mfa.Enroller     = (*numberFactor)(nil)
)

// NewMail returns a factor of codes by mail, to the address in the directory:
// a fallback.
func NewMail(c Config) (*Factor, error) {
	if c.Address == nil {
		return nil, errors.New("code: mail wants Config.Address")
	}
	return newFactor(c, mfa.KindMail, true, nil)
}

// NewSMS returns a factor of codes by SMS: to the number that Config.Address
// knows, or without it to numbers that people enrol.
func NewSMS(c Config) (mfa.Factor, error) { return newNumber(c, mfa.KindSMS, "sms") }

// NewVoice returns a factor of codes by a call, as [NewSMS].
func NewVoice(c Config) (mfa.Factor, error) { return newNumber(c, mfa.KindVoice, "tel") }

func newNumber(c Config, k mfa.Kind, amr string) (mfa.Factor, error) {
	f, err := newFactor(c, k, false, []string{amr, "otp"})
	if err != nil {
		return nil, err
	}
	if c.Address != nil {
		return f, nil
	}
	f.info.Implicit = false
	f.info.MaxRecords, f.info.BrowserOptions = 3, true
	return &numberFactor{Factor: f}, nil
}

func newFactor(c Config, k mfa.Kind, fallback bool, amr []string) (*Factor, error) {
	if c.Sender == nil {
		return nil, errors.New("code: Config.Sender is nil")
	}
	if c.Digits == 0 {
		c.Digits = 6
	}
	if c.TTL == 0 {
		c.TTL = maxTTL
	}
	if c.Tries == 0 {
		c.Tries = 5
	}
	if c.Digits < 6 || c.Digits > 8 || c.TTL < 0 || c.TTL > maxTTL || c.Tries < 0 || c.Tries > 5 {
		return nil, fmt.Errorf("code: Config wants 6 to 8 digits, up to %v and up to 5 tries", maxTTL)
	}
	return &Factor{cfg: c, amr: amr, info: mfa.Info{
		Kind: k, Strength: mfa.Any, Implicit: true, Fallback: fallback,
		Tries: c.Tries, TTL: c.TTL, Newest: true, Sends: true,
	}}, nil
}

// Info implements [mfa.Factor].
func (f *Factor) Info() mfa.Info { return f.info }

// Available implements [mfa.Availability].
func (f *Factor) Available(ctx context.Context, s mfa.Subject) (bool, error) {
	if f.cfg.Address == nil {
		return true, nil
	}
	to, err := f.cfg.Address(ctx, s)
	return to != "", err
}

// state is what a challenge keeps, sealed.
type state struct {
	Key      []byte    `json:"key"`
	MACs     [][]byte  `json:"macs"`
	Until    time.Time `json:"until"`
	RecordID string    `json:"record,omitempty"`
	To       string    `json:"to,omitempty"` // of an enrolment
}

// Public tells the client where the code went.
type Public struct {
	To        string    `json:"to"` // all but a few characters hidden
	ExpiresAt time.Time `json:"expiresAt"`
}

// Begin implements [mfa.Factor]: it sends a code.
func (f *Factor) Begin(ctx context.Context, r mfa.BeginRequest) (mfa.Begun, error) {
	to, err := f.cfg.Address(ctx, r.Subject)
	if err != nil {
		return mfa.Begun{}, err
	}
	if to == "" {
		return mfa.Begun{}, refuse(mfa.CheckCredential, "We have no address to send a code to.", "no address")
	}
	return f.send(ctx, to, "", Message{Purpose: r.Purpose, Subject: r.Subject, Client: r.Client}, r.Now)
}

func (f *Factor) send(ctx context.Context, to, record string, m Message, now time.Time) (mfa.Begun, error) {
	code := secret.Digits(f.cfg.Digits)
	s := state{Key: secret.NewKey(), Until: now.Add(f.cfg.TTL), RecordID: record}
	if m.Purpose == mfa.Enrol {
		s.To = to
	}
	s.MACs = [][]byte{secret.MAC(s.Key, code)}
	m.Kind, m.To, m.Code, m.ExpiresAt = f.info.Kind, to, code, s.Until
	begun, err := pack(s, to)
	if err != nil {
		return mfa.Begun{}, err
	}
	if err := f.cfg.Sender.Send(ctx, m); err != nil {
		return mfa.Begun{}, sendError(err)
	}
	return begun, nil
}

func pack(s state, to string) (mfa.Begun, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return mfa.Begun{}, err
	}
	public, err := json.Marshal(Public{To: Mask(to), ExpiresAt: s.Until})
	return mfa.Begun{State: b, Public: public}, err
}

// Verify implements [mfa.Factor]: the answer is the code.
func (f *Factor) Verify(_ context.Context, r mfa.VerifyRequest) (mfa.Verified, error) {
	s, err := f.judge(r.State, r.Answer, r.Now)
	if err != nil {
		return mfa.Verified{}, err
	}
	if s.RecordID != "" && !slices.ContainsFunc(r.Credentials, func(c mfa.Credential) bool { return c.ID == s.RecordID }) {
		return mfa.Verified{}, refuse(mfa.CheckCredential, mfa.PublicWrong, "the number was removed")
	}
	return mfa.Verified{RecordID: s.RecordID, Strength: mfa.Any, AMR: f.amr}, nil
}

func (f *Factor) judge(packed, answer []byte, now time.Time) (state, error) {
	var s state
	if err := json.Unmarshal(packed, &s); err != nil {
		return s, err
	}
	code, well := secret.ReadDigits(answer, f.cfg.Digits)
	match := secret.Match(s.Key, code, s.MACs)
	if !well || match < 0 || !now.Before(s.Until) {
		return state{}, refuse(mfa.CheckWrong, mfa.PublicWrong, "this is not the code that was sent")
	}
	return s, nil
}

// Mask hides all of a mail address or telephone number but what its owner
// knows it by.
func Mask(to string) string {
	for i := len(to) - 1; i >= 0; i-- {
		if to[i] == '@' {
			return firstRune(to[:i]) + "***" + to[i:]
		}
	}
	if len(to) <= 4 {
		return "***"
	}
	return "***" + to[len(to)-2:]
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}
