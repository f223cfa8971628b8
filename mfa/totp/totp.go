// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package totp is time-based one-time passwords (RFC 6238) as a factor.
//
// [New] makes the factor for [mfa.Config]. A code works once: the step it
// belongs to is spent in the transaction that saves the session, beginning
// with the code that confirmed the enrolment. The drift of a device's clock is
// learnt. [Key] is the algorithm alone, without any of that.
package totp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/internal/otp"
)

// Config is what a [Factor] is made of.
type Config struct {
	// Issuer is shown in authenticators. Required.
	Issuer string
	// Algorithm, Digits and Period are those of new keys: SHA1, 6 and 30 s by
	// default, which every authenticator knows.
	Algorithm Algorithm
	Digits    int
	Period    time.Duration
	// Skew is how many steps to either side of the expected one are accepted,
	// 1 if zero.
	Skew int
	// MaxDrift is how many steps a device's clock may be off after it drifted
	// there slowly, 10 if zero, none if negative.
	MaxDrift int
	// Resync is how many steps to either side two codes in a row, with a comma
	// between, are looked for: a hardware token whose clock is far off is found
	// again, and for as long a phisher can use two of its codes. 120 (an hour)
	// if zero, off if negative, at most 2880 (a day). Keys that people enrolled
	// are never looked for: a telephone has the time from its network.
	Resync int
	// MaxRecords is how many keys a person may have, 2 if zero.
	MaxRecords int
}

// Factor implements [mfa.Enroller] and [mfa.Provisioner]. It is immutable.
type Factor struct{ cfg Config }

var (
	_ mfa.Enroller    = (*Factor)(nil)
	_ mfa.Provisioner = (*Factor)(nil)
)

// New returns the factor.
func New(c Config) (*Factor, error) {
	if c.Issuer == "" || strings.Contains(c.Issuer, ":") {
		return nil, errors.New("totp: Config.Issuer is empty or has a colon")
	}
	c.Algorithm = or(c.Algorithm, SHA1)
	c.Digits = or(c.Digits, 6)
	c.Period = or(c.Period, 30*time.Second)
	c.Skew = or(c.Skew, 1)
	c.MaxRecords = or(c.MaxRecords, 2)
	switch {
	case c.MaxDrift == 0:
		c.MaxDrift = 10
	case c.MaxDrift < 0:
		c.MaxDrift = 0
	}
	switch {
	case c.Resync == 0:
		c.Resync = 120
	case c.Resync < 0:
		c.Resync = 0
	}
	if c.Resync > 2880 {
		return nil, errors.New("totp: Config.Resync is over 2880 steps")
	}
	if c.Skew < 0 || c.Skew > maxSkew || c.MaxDrift > 100 || c.MaxRecords < 0 {
		return nil, fmt.Errorf("totp: Skew is not 0 to %d, MaxDrift is over 100 or MaxRecords is negative", maxSkew)
	}
	if _, err := NewKey(c.Algorithm, c.Digits, c.Period); err != nil {
		return nil, err
	}
	return &Factor{cfg: c}, nil
}

func or[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

// Info implements [mfa.Factor].
func (f *Factor) Info() mfa.Info {
	return mfa.Info{Kind: mfa.KindTOTP, Strength: mfa.Any, MaxRecords: f.cfg.MaxRecords}
}

// secret is what a record keeps, sealed.
type secret struct {
	Secret    []byte    `json:"secret"`
	Algorithm Algorithm `json:"alg"`
	Digits    int       `json:"digits"`
	Period    int       `json:"period"` // seconds
	// Last is the newest step that was spent.
	Last int64 `json:"last"`
	// Drift is how many steps the device was ahead when it was last used.
	Drift int64 `json:"drift"`
}

func (s secret) key() Key {
	return Key{Secret: s.Secret, Algorithm: s.Algorithm, Digits: s.Digits, Period: time.Duration(s.Period) * time.Second}
}

func pack(k Key) secret {
	return secret{Secret: k.Secret, Algorithm: k.Algorithm, Digits: k.Digits, Period: int(k.Period / time.Second)}
}

// match is an accepted code.
type match struct {
	step int64
	pair bool // two codes in a row
}

// spend records the step of an accepted code. One code moves the drift up to
// MaxDrift, or as far as two in a row have found it before.
func (f *Factor) spend(s secret, m match, now time.Time) ([]byte, error) {
	s.Last = m.step
	drift := m.step - s.key().Step(now)
	if !m.pair {
		most := max(int64(f.cfg.MaxDrift), s.Drift, -s.Drift)
		drift = max(-most, min(most, drift))
	}
	s.Drift = drift
	return json.Marshal(s)
}

// find returns the step of a code around where the device's clock is expected,
// or of two in a row if they are looked for so many steps away.
func (f *Factor) find(s secret, answer []byte, now time.Time, resync int) (match, bool, error) {
	k := s.key()
	if one, two, pair, well := otp.ParsePair(answer, k.Digits); pair && resync > 0 {
		step, ok, err := k.findPair(one, two, k.Step(now), resync)
		return match{step, true}, ok && well, err
	}
	step, ok, err := k.Find(answer, k.Step(now)+s.Drift, f.cfg.Skew)
	return match{step, false}, ok, err
}

// Public is what the client is given to enrol.
type Public struct {
	// URI is the key for a QR code; Secret is it in base32, to type.
	URI       string    `json:"uri"`
	Secret    string    `json:"secret"`
	Issuer    string    `json:"issuer"`
	Account   string    `json:"account"`
	Algorithm Algorithm `json:"algorithm"`
	Digits    int       `json:"digits"`
	Period    int       `json:"period"`
}

// BeginEnrol implements [mfa.Enroller]: a new key for the person's
// authenticator.
func (f *Factor) BeginEnrol(_ context.Context, r mfa.EnrolRequest) (mfa.Begun, error) {
	k, err := NewKey(f.cfg.Algorithm, f.cfg.Digits, f.cfg.Period)
	if err != nil {
		return mfa.Begun{}, err
	}
	state, err := json.Marshal(pack(k))
	if err != nil {
		return mfa.Begun{}, err
	}
	public, err := json.Marshal(Public{
		URI: k.URI(f.cfg.Issuer, r.Account), Secret: base32NoPad.EncodeToString(k.Secret), Issuer: f.cfg.Issuer,
		Account: r.Account, Algorithm: k.Algorithm, Digits: k.Digits, Period: int(k.Period / time.Second),
	})
	return mfa.Begun{State: state, Public: public}, err
}

// FinishEnrol implements [mfa.Enroller]: the answer is the first code, and it
// is spent.
func (f *Factor) FinishEnrol(_ context.Context, r mfa.FinishEnrolRequest) (mfa.Enrolled, error) {
	var s secret
	if err := json.Unmarshal(r.State, &s); err != nil {
		return mfa.Enrolled{}, err
	}
	m, ok, err := f.find(s, r.Answer, r.Now, 0)
	if err != nil {
		return mfa.Enrolled{}, err
	}
	if !ok {
		return mfa.Enrolled{}, refuse(mfa.CheckWrong, "no step in the window has this code")
	}
	kept, err := f.spend(s, m, r.Now)
	return mfa.Enrolled{Name: "Authenticator app", Secret: kept, Strength: mfa.Any, Proof: true, AMR: []string{"otp"}}, err
}

// Options are those of [mfa.Flow.Provision], for hardware tokens.
type Options = otp.Options

// Provision implements [mfa.Provisioner]: a hardware token whose seed its
// maker sent.
func (f *Factor) Provision(_ context.Context, r mfa.EnrolRequest) (mfa.Enrolled, json.RawMessage, error) {
	o, seed, err := otp.ReadOptions(r.Options)
	k := Key{Secret: seed, Algorithm: o.Algorithm, Digits: o.Digits, Period: time.Duration(o.Period) * time.Second}
	if err == nil {
		err = k.check()
	}
	if err != nil {
		return mfa.Enrolled{}, nil, &mfa.Error{Check: mfa.CheckInput, Public: "The token's data are not valid.", Err: err}
	}
	kept, err := json.Marshal(pack(k))
	if err != nil {
		return mfa.Enrolled{}, nil, err
	}
	public, err := json.Marshal(map[string]string{"serial": o.Serial})
	return mfa.Enrolled{Key: otp.TokenKey(o.Serial, seed), Name: "Token " + o.Serial, Secret: kept, Public: public, Strength: mfa.Any}, nil, err
}

// Begin implements [mfa.Factor]: there is nothing to ask but a code.
func (f *Factor) Begin(context.Context, mfa.BeginRequest) (mfa.Begun, error) {
	return mfa.Begun{}, nil
}

// Verify implements [mfa.Factor]: the answer is the code, or two in a row with
// a comma between for a hardware token whose clock is far off. All the person's
// keys and all steps are tried, whichever matches.
func (f *Factor) Verify(_ context.Context, r mfa.VerifyRequest) (mfa.Verified, error) {
	var v mfa.Verified
	reused := false
	for _, c := range r.Credentials {
		var s secret
		if err := json.Unmarshal(c.Secret, &s); err != nil {
			return mfa.Verified{}, err
		}
		resync := 0
		if c.Key != "" { // a hardware token; apps have no unique key
			resync = f.cfg.Resync
		}
		m, ok, err := f.find(s, r.Answer, r.Now, resync)
		if err != nil {
			return mfa.Verified{}, err
		}
		switch {
		case ok && m.step <= s.Last: // RFC 6238 5.2
			reused = true
		case ok:
			kept, err := f.spend(s, m, r.Now)
			if err != nil {
				return mfa.Verified{}, err
			}
			v = mfa.Verified{RecordID: c.ID, Secret: kept, Strength: mfa.Any, AMR: []string{"otp"}}
		}
	}
	switch {
	case v.RecordID != "":
		return v, nil
	case reused:
		return v, refuse(mfa.CheckReused, "the step of this code was spent")
	}
	return v, refuse(mfa.CheckWrong, "no step in the window has this code")
}

func refuse(c mfa.Check, cause string) *mfa.Error {
	return &mfa.Error{Check: c, Public: mfa.PublicWrong, Err: errors.New(cause)}
}
