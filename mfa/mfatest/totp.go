// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfatest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/totp"
)

// TOTPDevice shows time-based codes, as an authenticator app does.
type TOTPDevice struct {
	Key totp.Key
	// Ahead is how far its clock is ahead of the true time.
	Ahead time.Duration
}

// NewTOTPDevice scans an otpauth URI.
func NewTOTPDevice(uri string) (*TOTPDevice, error) {
	k, _, _, err := totp.ParseURI(uri)
	if err != nil {
		return nil, fmt.Errorf("mfatest: %w", err)
	}
	return &TOTPDevice{Key: k}, nil
}

// Code returns what it shows at a true time.
func (d *TOTPDevice) Code(at time.Time) string {
	code, err := d.Key.Code(at.Add(d.Ahead))
	if err != nil {
		panic(err) // the key was checked when it was scanned
	}
	return code
}

// ScanTOTP scans the key that a TOTP enrolment shows.
func ScanTOTP(ch *mfa.Challenge) (*TOTPDevice, error) {
	var p totp.Public
	if err := json.Unmarshal(ch.Public, &p); err != nil {
		return nil, fmt.Errorf("mfatest: %w", err)
	}
	return NewTOTPDevice(p.URI)
}
