// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfatest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/push"
)

// PushDevice is a telephone with the app that answers pushes.
type PushDevice struct {
	// Target is where its pushes go.
	Target string
	// Issuer is whom it enrolled with.
	Issuer string
	key    *ecdsa.PrivateKey
}

// NewPushDevice makes a device with a key of its own.
func NewPushDevice(target string) (*PushDevice, error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("mfatest: %w", err)
	}
	return &PushDevice{Target: target, key: k}, nil
}

// Register answers what a push enrolment shows, and keeps the issuer.
func (d *PushDevice) Register(ch *mfa.Challenge) ([]byte, error) {
	var p push.EnrolPublic
	if err := json.Unmarshal(ch.Public, &p); err != nil {
		return nil, fmt.Errorf("mfatest: %w", err)
	}
	spki, err := x509.MarshalPKIXPublicKey(d.key.Public())
	if err != nil {
		return nil, fmt.Errorf("mfatest: %w", err)
	}
	d.Issuer = p.Issuer
	sig, err := d.sign(push.EnrolText(p.Issuer, p.Challenge, d.Target))
	if err != nil {
		return nil, err
	}
	return json.Marshal(push.Registration{Key: spki, Target: d.Target, Signature: sig})
}

// Answer answers a push with the number that the person read.
func (d *PushDevice) Answer(payload []byte, number string, approve bool) ([]byte, error) {
	var p push.Payload
	if err := json.Unmarshal(payload, &p); err != nil {
		return nil, fmt.Errorf("mfatest: %w", err)
	}
	sig, err := d.sign(push.AnswerText(d.Issuer, p.Purpose, p.ID, number, approve))
	if err != nil {
		return nil, err
	}
	return json.Marshal(push.Response{ID: p.ID, Number: number, Approve: approve, Signature: sig})
}

func (d *PushDevice) sign(text []byte) ([]byte, error) {
	sum := sha256.Sum256(text)
	return ecdsa.SignASN1(rand.Reader, d.key, sum[:])
}
