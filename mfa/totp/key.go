// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package totp

import (
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa/internal/otp"
)

// Algorithm is the hash of a key, by its name in otpauth URIs.
type Algorithm = otp.Algorithm

// The algorithms of RFC 6238. Many authenticators know only SHA1.
const (
	SHA1   = otp.SHA1
	SHA256 = otp.SHA256
	SHA512 = otp.SHA512
)

// Key is a shared secret and how codes are made from it.
type Key struct {
	Secret    []byte
	Algorithm Algorithm
	Digits    int
	Period    time.Duration
}

// NewKey returns a key with a random secret as long as the hash's output
// (RFC 6238 5.1).
func NewKey(a Algorithm, digits int, period time.Duration) (Key, error) {
	if !a.Known() {
		return Key{}, fmt.Errorf("totp: algorithm %q is unknown", string(a))
	}
	k := Key{Secret: otp.NewSecret(a), Algorithm: a, Digits: digits, Period: period}
	return k, k.check()
}

func (k Key) check() error {
	if err := otp.Check(k.Secret, k.Algorithm, k.Digits); err != nil {
		return err
	}
	return k.checkPeriod()
}

func (k Key) checkPeriod() error {
	if k.Period < 10*time.Second || k.Period > 5*time.Minute || k.Period%time.Second != 0 {
		return fmt.Errorf("totp: period %v is not 10 s to 5 min in whole seconds", k.Period)
	}
	return nil
}

// Step returns the number of the time step that t is in (RFC 6238 4.2).
func (k Key) Step(t time.Time) int64 { return t.Unix() / int64(k.Period/time.Second) }

// Code returns the code at t.
func (k Key) Code(t time.Time) (string, error) {
	if err := k.check(); err != nil {
		return "", err
	}
	g, err := otp.NewGenerator(k.Secret, k.Algorithm, k.Digits)
	if err != nil {
		return "", err
	}
	return g.String(uint64(k.Step(t))), nil
}

// Find returns the step within skew steps of center whose code it is. Every
// step is computed and compared in constant time. To accept a code once, keep
// the step and refuse it and those before it from then on.
func (k Key) Find(code []byte, center int64, skew int) (step int64, ok bool, err error) {
	if err := k.checkPeriod(); err != nil {
		return 0, false, err
	}
	if skew < 0 || skew > maxSkew {
		return 0, false, fmt.Errorf("totp: skew %d is not 0 to %d", skew, maxSkew)
	}
	v, well := otp.Parse(code, k.Digits)
	g, err := otp.NewGenerator(k.Secret, k.Algorithm, k.Digits)
	if err != nil {
		return 0, false, err
	}
	first := max(0, center-int64(skew))
	s, found := g.Find(v, uint64(first), int(center+int64(skew)-first)+1)
	return int64(s), found && well, nil
}

// findPair returns the step of the second of two codes in a row, within so
// many steps of center.
func (k Key) findPair(one, two uint32, center int64, within int) (step int64, ok bool, err error) {
	g, err := otp.NewGenerator(k.Secret, k.Algorithm, k.Digits)
	if err != nil {
		return 0, false, err
	}
	first := max(0, center-int64(within))
	s, found := g.FindPair(one, two, uint64(first), int(center+int64(within)-first))
	return int64(s) + 1, found, nil
}

const maxSkew = 10

var base32NoPad = base32.StdEncoding.WithPadding(base32.NoPadding)

// URI returns the key as an otpauth URI, for a QR code. A colon, which divides
// the label, is no part of either name and becomes a space.
func (k Key) URI(issuer, account string) string {
	issuer, account = strings.ReplaceAll(issuer, ":", " "), strings.ReplaceAll(account, ":", " ")
	label := url.PathEscape(account)
	q := "secret=" + base32NoPad.EncodeToString(k.Secret)
	if issuer != "" {
		label = url.PathEscape(issuer) + ":" + label
		q += "&issuer=" + strings.ReplaceAll(url.QueryEscape(issuer), "+", "%20") // some scanners show the plus
	}
	return "otpauth://totp/" + label + "?" + q + "&algorithm=" + string(k.Algorithm) +
		"&digits=" + strconv.Itoa(k.Digits) + "&period=" + strconv.Itoa(int(k.Period/time.Second))
}

// ParseURI reads an otpauth URI of type totp, for import. It refuses secrets
// under 128 bits and parameters given twice.
func ParseURI(s string) (k Key, issuer, account string, err error) {
	if len(s) > 2048 {
		return k, "", "", errors.New("totp: uri is too long")
	}
	u, err := url.Parse(s)
	if err != nil {
		return k, "", "", errors.New("totp: not a uri")
	}
	if u.Scheme != "otpauth" || u.Host != "totp" || u.User != nil || u.Fragment != "" {
		return k, "", "", errors.New("totp: not an otpauth uri of type totp")
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return k, "", "", errors.New("totp: malformed parameters")
	}
	for name, v := range q {
		if len(v) > 1 {
			return k, "", "", fmt.Errorf("totp: parameter %q is given twice", name)
		}
	}
	account = strings.TrimPrefix(u.Path, "/")
	if before, after, ok := strings.Cut(account, ":"); ok {
		issuer, account = before, strings.TrimLeft(after, " ")
	}
	if v := q.Get("issuer"); v != "" {
		issuer = v
	}
	k, err = parseParameters(q)
	return k, issuer, account, err
}

func parseParameters(q url.Values) (Key, error) {
	k := Key{Algorithm: SHA1, Digits: 6, Period: 30 * time.Second}
	var err error
	secret := strings.ToUpper(strings.TrimRight(strings.ReplaceAll(q.Get("secret"), " ", ""), "="))
	if k.Secret, err = base32NoPad.DecodeString(secret); err != nil {
		return Key{}, errors.New("totp: secret is not base32")
	}
	if v := q.Get("algorithm"); v != "" {
		k.Algorithm = Algorithm(strings.ToUpper(strings.ReplaceAll(v, "-", "")))
	}
	if v := q.Get("digits"); v != "" {
		if k.Digits, err = strconv.Atoi(v); err != nil {
			return Key{}, errors.New("totp: digits is no number")
		}
	}
	if v := q.Get("period"); v != "" {
		n, err := strconv.ParseUint(v, 10, 16)
		if err != nil {
			return Key{}, errors.New("totp: period is no number")
		}
		k.Period = time.Duration(n) * time.Second
	}
	if err := k.check(); err != nil {
		return Key{}, err
	}
	return k, nil
}
