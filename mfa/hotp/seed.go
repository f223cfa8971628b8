// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package hotp

import (
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/internal/otp"
)

// Limits of the files that makers send.
const (
	maxSeedFile = 16 << 20
	maxSeeds    = 100_000
)

// Seed is a hardware token as its maker describes it. It is secret.
type Seed struct {
	// Kind is [mfa.KindHOTP] or [mfa.KindTOTP].
	Kind         mfa.Kind
	Serial       string
	Manufacturer string
	Secret       []byte
	Algorithm    Algorithm
	Digits       int
	Counter      uint64        // of HOTP
	Period       time.Duration // of TOTP
}

// Options are for [mfa.Flow.Provision] with the seed's Kind.
func (s Seed) Options() json.RawMessage {
	b, err := json.Marshal(otp.Options{
		Serial: s.Serial, Secret: hex.EncodeToString(s.Secret), Algorithm: s.Algorithm, Digits: s.Digits,
		Counter: s.Counter, Period: int(s.Period / time.Second),
	})
	if err != nil {
		panic(err) // unreachable: all members encode
	}
	return b
}

func (s Seed) check() error {
	if s.Kind != mfa.KindHOTP && s.Kind != mfa.KindTOTP {
		return fmt.Errorf("hotp: token %q is neither HOTP nor TOTP", s.Serial)
	}
	_, _, err := otp.ReadOptions(s.Options())
	return err
}

// limit reads a file that is not too long. A longer one ends in an error, not
// at some line that might as well be its last.
func limit(r io.Reader) io.Reader { return http.MaxBytesReader(nil, io.NopCloser(r), maxSeedFile) }

// ReadCSV reads one token a line: its serial number, its seed in hexadecimal
// and, if they are there, "hotp" or "totp", digits, and the counter or the
// period in seconds. A first line that begins with "serial" is a heading.
func ReadCSV(r io.Reader) ([]Seed, error) {
	c := csv.NewReader(limit(r))
	c.FieldsPerRecord, c.TrimLeadingSpace, c.ReuseRecord = -1, true, true
	var out []Seed
	serials := map[string]bool{}
	for line := 1; ; line++ {
		rec, err := c.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("hotp: csv: %w", err)
		}
		if line == 1 && strings.HasPrefix(strings.ToLower(rec[0]), "serial") {
			continue
		}
		s, err := readLine(rec)
		if err == nil && (serials[s.Serial] || len(out) == maxSeeds) {
			err = errors.New("serial number is there twice, or there are too many")
		}
		if err != nil {
			return nil, fmt.Errorf("hotp: csv record %d: %w", line, err) // never the record: it is secret
		}
		serials[s.Serial] = true
		out = append(out, s)
	}
}

func readLine(rec []string) (Seed, error) {
	if len(rec) < 2 || len(rec) > 5 {
		return Seed{}, fmt.Errorf("%d fields are not 2 to 5", len(rec))
	}
	s := Seed{Kind: mfa.KindHOTP, Serial: strings.Clone(strings.TrimSpace(rec[0])), Algorithm: SHA1, Digits: 6}
	var err error
	if s.Secret, err = hex.DecodeString(strings.TrimSpace(rec[1])); err != nil {
		return s, errors.New("the seed is not hexadecimal")
	}
	if len(rec) > 2 {
		s.Kind = mfa.Kind(strings.ToLower(strings.TrimSpace(rec[2])))
	}
	if len(rec) > 3 {
		if s.Digits, err = strconv.Atoi(strings.TrimSpace(rec[3])); err != nil {
			return s, errors.New("digits are no number")
		}
	}
	if len(rec) > 4 {
		n, err := strconv.ParseUint(strings.TrimSpace(rec[4]), 10, 62)
		if err != nil {
			return s, errors.New("the counter or period is no number")
		}
		if err := s.setMoving(n); err != nil {
			return s, err
		}
	}
	return s, s.check()
}

// setMoving sets the counter or the period.
func (s *Seed) setMoving(n uint64) error {
	if s.Kind == mfa.KindHOTP {
		s.Counter = n
		return nil
	}
	if n < 10 || n > 300 {
		return fmt.Errorf("a period of %d s is not 10 to 300", n)
	}
	s.Period = time.Duration(n) * time.Second
	return nil
}
