// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package recovery is one-time codes that people keep on paper for the day
// their other factors are gone.
//
// [New] makes the factor for [mfa.Config]. A set of codes is shown once, when
// it is enrolled, and replaces the one before. Every code has 50 random bits
// and works once; they are kept as HMACs under a random key that is sealed
// with them. When few are left an event says so, and every use is an event of
// type [mfa.EventRecoveryUsed]: tell the person by mail.
package recovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/internal/secret"
)

// length is characters of five bits.
const length = 10

// Config is what a [Factor] is made of. The zero Config is ready.
type Config struct {
	// Count is how many codes a set has, 10 if zero.
	Count int
	// Low is at how many left a notice is given, 3 if zero.
	Low int
}

// Factor implements [mfa.Enroller]. It is immutable.
type Factor struct{ cfg Config }

var _ mfa.Enroller = (*Factor)(nil)

// New returns the factor.
func New(c Config) (*Factor, error) {
	if c.Count == 0 {
		c.Count = 10
	}
	if c.Low == 0 {
		c.Low = 3
	}
	if c.Count < 1 || c.Count > 50 || c.Low < 0 {
		return nil, errors.New("recovery: Config wants 1 to 50 codes and Low not negative")
	}
	return &Factor{cfg: c}, nil
}

// Info implements [mfa.Factor].
func (f *Factor) Info() mfa.Info {
	return mfa.Info{Kind: mfa.KindRecovery, Strength: mfa.Any, MaxRecords: 1}
}

// set is what a record keeps, sealed.
type set struct {
	Key  []byte   `json:"key"`
	MACs [][]byte `json:"macs"`
}

// Shown is what the client is given to enrol: the codes to write down.
type Shown struct {
	Codes []string `json:"codes"`
}

// Public is the record's metadata.
type Public struct {
	Left int `json:"left"`
}

// BeginEnrol implements [mfa.Enroller].
func (f *Factor) BeginEnrol(context.Context, mfa.EnrolRequest) (mfa.Begun, error) {
	s := set{Key: secret.NewKey()}
	var shown Shown
	for range f.cfg.Count {
		code := secret.Text(length)
		shown.Codes = append(shown.Codes, secret.Group(code, length/2))
		s.MACs = append(s.MACs, secret.MAC(s.Key, code))
	}
	state, err := json.Marshal(s)
	if err != nil {
		return mfa.Begun{}, err
	}
	public, err := json.Marshal(shown)
	return mfa.Begun{State: state, Public: public}, err
}

// FinishEnrol implements [mfa.Enroller]: the person says that the codes are
// kept, whatever the answer's words. Until then the former set stays good.
func (f *Factor) FinishEnrol(_ context.Context, r mfa.FinishEnrolRequest) (mfa.Enrolled, error) {
	public, err := json.Marshal(Public{Left: f.cfg.Count})
	return mfa.Enrolled{Name: "Recovery codes", Secret: r.State, Public: public, Strength: mfa.Any, Replace: true}, err
}

// Begin implements [mfa.Factor].
func (f *Factor) Begin(context.Context, mfa.BeginRequest) (mfa.Begun, error) {
	return mfa.Begun{}, nil
}

// Verify implements [mfa.Factor]: the answer is one of the codes. It is
// removed; with the last one the record is.
func (f *Factor) Verify(_ context.Context, r mfa.VerifyRequest) (mfa.Verified, error) {
	code, well := secret.Read(r.Answer, length)
	for _, c := range r.Credentials {
		var s set
		if err := json.Unmarshal(c.Secret, &s); err != nil {
			return mfa.Verified{}, err
		}
		i := secret.Match(s.Key, code, s.MACs)
		if i < 0 || !well {
			continue
		}
		return f.use(c, s, i)
	}
	return mfa.Verified{}, &mfa.Error{
		Check: mfa.CheckWrong, Public: mfa.PublicWrong, Err: errors.New("no unused recovery code is this"),
	}
}

func (f *Factor) use(c mfa.Credential, s set, i int) (mfa.Verified, error) {
	s.MACs = slices.Delete(s.MACs, i, i+1)
	left := len(s.MACs)
	v := mfa.Verified{RecordID: c.ID, Strength: mfa.Any, AMR: []string{"otp"}, Delete: left == 0}
	if left <= f.cfg.Low {
		v.Notices = []string{fmt.Sprintf("recovery codes low: %d left", left)}
	}
	var err error
	if v.Secret, err = json.Marshal(s); err != nil {
		return mfa.Verified{}, err
	}
	v.Public, err = json.Marshal(Public{Left: left})
	return v, err
}
