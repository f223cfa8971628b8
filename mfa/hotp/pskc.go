// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package hotp

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// PSKCKey opens an encrypted key container: with Key if the file was made for
// a pre-shared key, with Password if for a password.
type PSKCKey struct {
	// Key is the AES key of 16 or 32 bytes that was agreed with the maker.
	Key []byte
	// Password is what the key is derived from by PBKDF2.
	Password string
	// MaxIterations is the most that PBKDF2 may be told to do by the file,
	// 1,000,000 if zero: about a second.
	MaxIterations int
}

// ReadPSKC reads a key container of RFC 6030 whose seeds are in clear. The
// times of a Policy are not looked at.
func ReadPSKC(r io.Reader) ([]Seed, error) { return readPSKC(r, nil) }

// ReadEncryptedPSKC reads a key container of RFC 6030 whose seeds are
// encrypted with AES-CBC under a pre-shared key or a password (section 6.1
// and 6.2), each with a MAC, which is checked before anything is decrypted by
// it. Other ways to get the key across, such as certificates, are refused, and
// so is a seed in clear, which nothing protects. The MAC is over the seed alone:
// whoever can change the file can give one token's seed to another's serial
// number, so the file wants a way here that nobody else can write to.
func ReadEncryptedPSKC(r io.Reader, k PSKCKey) ([]Seed, error) {
	k.MaxIterations = or(k.MaxIterations, 1_000_000)
	return readPSKC(r, &k)
}

func readPSKC(r io.Reader, k *PSKCKey) ([]Seed, error) {
	x := newXMLReader(limit(r))
	c := pskc{key: k, serials: map[string]bool{}}
	if err := x.document(pskcSpace, "KeyContainer", c.root, c.part); err != nil {
		return nil, fmt.Errorf("hotp: pskc: %w", err)
	}
	if k != nil && c.unseal == nil {
		return nil, errors.New("hotp: pskc: the container has no encryption key")
	}
	return c.seeds, nil
}

const pskcSpace = "urn:ietf:params:xml:ns:keyprov:pskc"

// pskc is a container as far as it was read.
type pskc struct {
	key     *PSKCKey // nil if seeds are in clear
	wrapped *element // EncryptionKey
	unseal  *unsealer
	seeds   []Seed
	serials map[string]bool
}

func (c *pskc) root(e *element) error {
	if v := e.attr("Version"); v != "" && v != "1.0" {
		return fmt.Errorf("version %q is not 1.0", v)
	}
	return nil
}

// part reads a child of the container. The schema has them in this order, so
// the keys are known before the first package (RFC 6030 4.1).
func (c *pskc) part(e *element) error {
	if e.name.Space != pskcSpace {
		return nil // an extension
	}
	switch e.name.Local {
	case "EncryptionKey":
		if c.wrapped != nil || len(c.seeds) > 0 {
			return errors.New("EncryptionKey is there twice or late")
		}
		c.wrapped = e
		return nil
	case "MACMethod":
		if c.unseal != nil || len(c.seeds) > 0 || c.wrapped == nil {
			return errors.New("MACMethod is there twice, late or without EncryptionKey")
		}
		if c.key == nil {
			return errors.New("the seeds are encrypted")
		}
		var err error
		c.unseal, err = newUnsealer(c.key, c.wrapped, e)
		return err
	case "KeyPackage":
		s, err := c.seed(e)
		switch {
		case err != nil:
		case c.serials[s.Serial]:
			err = errors.New("serial number is there twice")
		case len(c.seeds) == maxSeeds:
			err = errors.New("there are too many")
		}
		if err != nil {
			return fmt.Errorf("key %d: %w", len(c.seeds)+1, err) // never the seed: it is secret
		}
		c.serials[s.Serial] = true
		c.seeds = append(c.seeds, s)
	}
	return nil
}

func (c *pskc) seed(e *element) (Seed, error) {
	k, err := e.child("Key")
	if err != nil {
		return Seed{}, err
	}
	s := Seed{Algorithm: SHA1, Digits: 6}
	if err := s.device(e, k); err != nil {
		return s, err
	}
	switch k.attr("Algorithm") {
	case pskcSpace + ":hotp":
		s.Kind = mfa.KindHOTP
	case pskcSpace + ":totp":
		s.Kind = mfa.KindTOTP
	default:
		return s, fmt.Errorf("algorithm %q is neither HOTP nor TOTP", k.attr("Algorithm"))
	}
	if err := s.parameters(k); err != nil {
		return s, err
	}
	if err := usable(k); err != nil {
		return s, err
	}
	if s.Secret, err = c.secret(k); err != nil {
		return s, err
	}
	if err := s.moving(k); err != nil {
		return s, err
	}
	return s, s.check()
}

func (s *Seed) device(e, k *element) error {
	info, err := e.option("DeviceInfo")
	if err != nil {
		return err
	}
	if s.Manufacturer, err = info.text("Manufacturer"); err != nil {
		return err
	}
	if s.Serial, err = info.text("SerialNo"); err == nil && s.Serial == "" {
		s.Serial = strings.TrimSpace(k.attr("Id"))
	}
	return err
}

func (s *Seed) parameters(k *element) error {
	p, err := k.option("AlgorithmParameters")
	if err != nil {
		return err
	}
	suite, err := p.text("Suite")
	if err != nil {
		return err
	}
	if suite != "" {
		s.Algorithm = Algorithm(strings.ToUpper(strings.TrimPrefix(strings.ReplaceAll(suite, "-", ""), "HMAC")))
	}
	f, err := p.option("ResponseFormat")
	if err != nil || f == nil {
		return err
	}
	if e := f.attr("Encoding"); e != "" && e != "DECIMAL" {
		return fmt.Errorf("encoding %q is not DECIMAL", e)
	}
	if d := f.attr("CheckDigits"); d != "" && d != "false" && d != "0" {
		return errors.New("codes with a check digit are not known here")
	}
	if n := f.attr("Length"); n != "" {
		if s.Digits, err = strconv.Atoi(n); err != nil {
			return errors.New("the length is no number")
		}
	}
	return nil
}

// usable judges the policy as far as it changes what codes are (RFC 6030 5).
func usable(k *element) error {
	p, err := k.option("Policy")
	if err != nil {
		return err
	}
	usages, otp := 0, false
	for _, c := range p.all("KeyUsage") {
		usages++
		otp = otp || strings.TrimSpace(c.data) == "OTP"
	}
	if usages > 0 && !otp {
		return errors.New("the key is not for OTP")
	}
	pin, err := p.option("PINPolicy")
	if err != nil {
		return err
	}
	if mode := pin.attr("PINUsageMode"); mode != "" && mode != "Local" {
		return fmt.Errorf("a PIN of mode %q changes the codes", mode)
	}
	return nil
}

// secret returns the seed, which is in clear or encrypted, as it must be.
func (c *pskc) secret(k *element) ([]byte, error) {
	v, err := k.child("Data", "Secret")
	if err != nil {
		return nil, err
	}
	plain, err := v.option("PlainValue")
	if err != nil {
		return nil, err
	}
	sealed, err := v.option("EncryptedValue")
	if err != nil {
		return nil, err
	}
	switch {
	case plain != nil && sealed != nil:
		return nil, errors.New("the seed is there twice")
	case sealed == nil && plain == nil:
		return nil, errors.New("the seed is not there")
	case sealed == nil && c.key != nil:
		return nil, errors.New("the seed is not encrypted")
	case sealed == nil:
		return decodeBase64(plain.data)
	case c.key == nil:
		return nil, errors.New("the seed is encrypted")
	case c.unseal == nil:
		return nil, errors.New("the container has no MAC (RFC 6030 6.1.1)")
	}
	mac, err := v.text("ValueMAC")
	if err != nil {
		return nil, err
	}
	return c.unseal.open(sealed, mac)
}

// moving reads the counter or the period, which are not secret.
func (s *Seed) moving(k *element) error {
	name := "Counter"
	if s.Kind == mfa.KindTOTP {
		name = "TimeInterval"
	}
	d, err := k.child("Data")
	if err != nil {
		return err
	}
	v, err := d.option(name)
	if err != nil || v == nil {
		return err
	}
	text, err := v.text("PlainValue")
	if err != nil {
		return err
	}
	n, err := strconv.ParseUint(text, 10, 62)
	if err != nil {
		return errors.New("the counter or interval is no number in clear")
	}
	return s.setMoving(n)
}

func decodeBase64(text string) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil || len(b) == 0 {
		return nil, errors.New("a value is not base64")
	}
	return b, nil
}
