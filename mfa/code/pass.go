// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package code

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/internal/secret"
)

const (
	passLength = 16 // 80 bits
	maxPassTTL = 30 * 24 * time.Hour
)

// PassConfig is what a factor of temporary access passes is made of. The zero
// PassConfig is ready.
type PassConfig struct {
	// TTL is how long passes are good for if [PassOptions] does not say:
	// an hour if zero, at most 30 days.
	TTL time.Duration
}

// Pass is temporary access passes: a code that an administrator makes with
// [mfa.Flow.Provision] and hands over, for a new person or after a loss. It is
// good as a first factor and as a fresh proof to enrol a lasting one.
type Pass struct{ cfg PassConfig }

var _ mfa.Provisioner = (*Pass)(nil)

// NewPass returns the factor.
func NewPass(c PassConfig) (*Pass, error) {
	if c.TTL == 0 {
		c.TTL = time.Hour
	}
	if c.TTL < time.Minute || c.TTL > maxPassTTL {
		return nil, errors.New("code: PassConfig.TTL is not a minute to 30 days")
	}
	return &Pass{cfg: c}, nil
}

// Info implements [mfa.Factor].
func (f *Pass) Info() mfa.Info {
	return mfa.Info{Kind: mfa.KindPass, Strength: mfa.Any, FirstFactor: true, MaxRecords: 1}
}

// PassOptions are the options of [mfa.Flow.Provision].
type PassOptions struct {
	// Seconds is how long it is good for; PassConfig.TTL if zero.
	Seconds int64 `json:"seconds,omitempty"`
	// Once makes it good for one use.
	Once bool `json:"once,omitempty"`
}

// PassShown is what the administrator is shown.
type PassShown struct {
	Pass      string    `json:"pass"`
	ExpiresAt time.Time `json:"expiresAt"`
}

type pass struct {
	Key  []byte `json:"key"`
	MAC  []byte `json:"mac"`
	Once bool   `json:"once"`
}

// Provision implements [mfa.Provisioner]. A new pass replaces the former.
func (f *Pass) Provision(_ context.Context, r mfa.EnrolRequest) (mfa.Enrolled, json.RawMessage, error) {
	var o PassOptions
	if len(r.Options) > 0 {
		if err := json.Unmarshal(r.Options, &o); err != nil {
			return mfa.Enrolled{}, nil, refuse(mfa.CheckInput, "The options are malformed.", "malformed options")
		}
	}
	ttl := f.cfg.TTL
	if o.Seconds != 0 {
		if o.Seconds < 60 || o.Seconds > int64(maxPassTTL/time.Second) {
			return mfa.Enrolled{}, nil, refuse(mfa.CheckInput, "Choose between a minute and 30 days.", "lifetime out of range")
		}
		ttl = time.Duration(o.Seconds) * time.Second
	}
	code := secret.Text(passLength)
	p := pass{Key: secret.NewKey(), Once: o.Once}
	p.MAC = secret.MAC(p.Key, code)
	kept, err := json.Marshal(p)
	if err != nil {
		return mfa.Enrolled{}, nil, err
	}
	expires := r.Now.Add(ttl)
	shown, err := json.Marshal(PassShown{Pass: secret.Group(code, 4), ExpiresAt: expires})
	return mfa.Enrolled{
		Name: "Temporary access pass", Secret: kept, Strength: mfa.Any, Replace: true, ExpiresAt: expires,
	}, shown, err
}

// Begin implements [mfa.Factor].
func (f *Pass) Begin(context.Context, mfa.BeginRequest) (mfa.Begun, error) { return mfa.Begun{}, nil }

// Verify implements [mfa.Factor]: the answer is the pass.
func (f *Pass) Verify(_ context.Context, r mfa.VerifyRequest) (mfa.Verified, error) {
	code, well := secret.Read(r.Answer, passLength)
	for _, c := range r.Credentials {
		var p pass
		if err := json.Unmarshal(c.Secret, &p); err != nil {
			return mfa.Verified{}, err
		}
		if match := secret.Match(p.Key, code, [][]byte{p.MAC}); well && match == 0 {
			return mfa.Verified{RecordID: c.ID, Strength: mfa.Any, AMR: []string{"otp"}, Delete: p.Once}, nil
		}
	}
	return mfa.Verified{}, refuse(mfa.CheckWrong, mfa.PublicWrong, "this is not the person's pass")
}
