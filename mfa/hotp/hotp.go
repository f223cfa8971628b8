// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package hotp is counter-based one-time passwords (RFC 4226) as a factor, for
// hardware tokens with a button.
//
// [New] makes the factor for [mfa.Config]. An administrator gives a person a
// token with [mfa.Flow.Provision] and the options of a [Seed], which
// [ReadEncryptedPSKC], [ReadPSKC] and [ReadCSV] read from the maker's files; an
// app on a telephone is enrolled by the person. The counter only moves forward. A token whose
// button was pressed too often is found again by two codes in a row, with a
// comma between.
package hotp

import (
	"context"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/internal/otp"
)

// Algorithm is the hash of a token, by its name in otpauth URIs.
type Algorithm = otp.Algorithm

// The algorithms. RFC 4226 knows SHA1 alone.
const (
	SHA1   = otp.SHA1
	SHA256 = otp.SHA256
	SHA512 = otp.SHA512
)

// back is how many spent codes are told from wrong ones, for logs.
const back = 3

// Config is what a [Factor] is made of.
type Config struct {
	// Issuer is shown in authenticators. Required.
	Issuer string
	// Digits of keys that people enrol, 6 if zero.
	Digits int
	// Window is how many codes ahead are accepted, 10 if zero.
	Window int
	// Resync is how many codes ahead two codes in a row are looked for, 200
	// if zero, at most 2000.
	Resync int
	// MaxRecords is how many tokens a person may have, 2 if zero.
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
		return nil, errors.New("hotp: Config.Issuer is empty or has a colon")
	}
	c.Digits = or(c.Digits, 6)
	c.Window = or(c.Window, 10)
	c.Resync = or(c.Resync, 200)
	c.MaxRecords = or(c.MaxRecords, 2)
	if c.Digits < 6 || c.Digits > 8 || c.Window < 1 || c.Window > 50 || c.Resync < 1 || c.Resync > 2000 || c.MaxRecords < 0 {
		return nil, errors.New("hotp: Config wants 6 to 8 digits, a Window of 1 to 50 and a Resync of 1 to 2000")
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
	return mfa.Info{Kind: mfa.KindHOTP, Strength: mfa.Any, MaxRecords: f.cfg.MaxRecords}
}

// secret is what a record keeps, sealed.
type secret struct {
	Secret    []byte    `json:"secret"`
	Algorithm Algorithm `json:"alg"`
	Digits    int       `json:"digits"`
	// Next is the least counter whose code is accepted.
	Next uint64 `json:"next"`
}

// find returns the counter after the last code of the answer.
func (f *Factor) find(s secret, answer []byte) (next uint64, ok, reused bool, err error) {
	g, err := otp.NewGenerator(s.Secret, s.Algorithm, s.Digits)
	if err != nil {
		return 0, false, false, err
	}
	if one, two, pair, well := otp.ParsePair(answer, s.Digits); pair { // RFC 4226 7.4
		at, found := g.FindPair(one, two, s.Next, f.cfg.Resync)
		return at + 2, found && well, false, nil
	}
	code, well := otp.Parse(answer, s.Digits)
	spent := min(s.Next, back)
	_, reused = g.Find(code, s.Next-spent, int(spent))
	at, found := g.Find(code, s.Next, f.cfg.Window)
	return at + 1, found && well, reused && well, nil
}

// Public is what the client is given to enrol an app.
type Public struct {
	// URI is the key for a QR code; Secret is it in base32, to type.
	URI    string `json:"uri"`
	Secret string `json:"secret"`
	Digits int    `json:"digits"`
}

// BeginEnrol implements [mfa.Enroller].
func (f *Factor) BeginEnrol(_ context.Context, r mfa.EnrolRequest) (mfa.Begun, error) {
	s := secret{Secret: otp.NewSecret(SHA1), Algorithm: SHA1, Digits: f.cfg.Digits}
	state, err := json.Marshal(s)
	if err != nil {
		return mfa.Begun{}, err
	}
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(s.Secret)
	label := url.PathEscape(f.cfg.Issuer) + ":" + url.PathEscape(strings.ReplaceAll(r.Account, ":", " "))
	public, err := json.Marshal(Public{
		URI: "otpauth://hotp/" + label + "?secret=" + text + "&issuer=" + strings.ReplaceAll(url.QueryEscape(f.cfg.Issuer), "+", "%20") +
			"&algorithm=SHA1&digits=" + strconv.Itoa(s.Digits) + "&counter=0",
		Secret: text, Digits: s.Digits,
	})
	return mfa.Begun{State: state, Public: public}, err
}

// FinishEnrol implements [mfa.Enroller]: the answer is a code, and it is
// spent.
func (f *Factor) FinishEnrol(_ context.Context, r mfa.FinishEnrolRequest) (mfa.Enrolled, error) {
	var s secret
	if err := json.Unmarshal(r.State, &s); err != nil {
		return mfa.Enrolled{}, err
	}
	next, ok, _, err := f.find(s, r.Answer)
	if err != nil {
		return mfa.Enrolled{}, err
	}
	if !ok {
		return mfa.Enrolled{}, refuse(mfa.CheckWrong, "no counter in the window has this code")
	}
	s.Next = next
	kept, err := json.Marshal(s)
	return mfa.Enrolled{Name: "Code generator", Secret: kept, Strength: mfa.Any, Proof: true, AMR: []string{"otp"}}, err
}

// Options are those of [mfa.Flow.Provision], as [Seed.Options] writes them.
type Options = otp.Options

// Provision implements [mfa.Provisioner]: a hardware token.
func (f *Factor) Provision(_ context.Context, r mfa.EnrolRequest) (mfa.Enrolled, json.RawMessage, error) {
	o, seed, err := otp.ReadOptions(r.Options)
	if err != nil {
		return mfa.Enrolled{}, nil, &mfa.Error{Check: mfa.CheckInput, Public: "The token's data are not valid.", Err: err}
	}
	kept, err := json.Marshal(secret{Secret: seed, Algorithm: o.Algorithm, Digits: o.Digits, Next: o.Counter})
	if err != nil {
		return mfa.Enrolled{}, nil, err
	}
	public, err := json.Marshal(map[string]string{"serial": o.Serial})
	return mfa.Enrolled{Key: otp.TokenKey(o.Serial, seed), Name: "Token " + o.Serial, Secret: kept, Public: public, Strength: mfa.Any}, nil, err
}

// Begin implements [mfa.Factor].
func (f *Factor) Begin(context.Context, mfa.BeginRequest) (mfa.Begun, error) {
	return mfa.Begun{}, nil
}

// Verify implements [mfa.Factor]: the answer is a code, or two in a row with a
// comma between.
func (f *Factor) Verify(_ context.Context, r mfa.VerifyRequest) (mfa.Verified, error) {
	var v mfa.Verified
	anyReused := false
	for _, c := range r.Credentials {
		var s secret
		if err := json.Unmarshal(c.Secret, &s); err != nil {
			return mfa.Verified{}, err
		}
		next, ok, reused, err := f.find(s, r.Answer)
		if err != nil {
			return mfa.Verified{}, err
		}
		anyReused = anyReused || reused
		if !ok {
			continue
		}
		if next > otp.MaxCounter {
			return mfa.Verified{}, fmt.Errorf("hotp: the counter of record %s is at its end", c.ID)
		}
		s.Next = next
		kept, err := json.Marshal(s)
		if err != nil {
			return mfa.Verified{}, err
		}
		v = mfa.Verified{RecordID: c.ID, Secret: kept, Strength: mfa.Any, AMR: []string{"otp"}}
	}
	switch {
	case v.RecordID != "":
		return v, nil
	case anyReused:
		return v, refuse(mfa.CheckReused, "the counter of this code was spent")
	}
	return v, refuse(mfa.CheckWrong, "no counter in the window has this code")
}

func refuse(c mfa.Check, cause string) *mfa.Error {
	return &mfa.Error{Check: c, Public: mfa.PublicWrong, Err: errors.New(cause)}
}
