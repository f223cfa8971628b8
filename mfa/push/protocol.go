// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package push

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/internal/strictjson"
)

// Limits of what devices send.
const (
	maxResponse = 4096
	maxTarget   = 1024
	idLength    = 43 // 256 bits in base64url
)

// Registration is what a device answers to an enrolment.
type Registration struct {
	// Key is its public key on P-256, as a SubjectPublicKeyInfo.
	Key []byte `json:"key"`
	// Target is where pushes reach it, in the words of the [Sender].
	Target string `json:"target"`
	// Signature is by the key over [EnrolText].
	Signature []byte `json:"signature"`
}

// Payload is what a push tells the device. The number is not in it: the person
// reads it from the browser.
type Payload struct {
	// ID is the device's alone: who knows it may answer, if the key is theirs.
	ID        string      `json:"id"`
	Issuer    string      `json:"issuer"`
	Purpose   mfa.Purpose `json:"purpose"`
	Addr      string      `json:"addr,omitempty"`
	Browser   string      `json:"browser,omitempty"`
	ExpiresAt time.Time   `json:"expiresAt"`
}

// Response is what a device answers to a push.
type Response struct {
	ID string `json:"id"`
	// Number is what the person typed.
	Number string `json:"number"`
	// Approve is false if the person did not ask for this.
	Approve bool `json:"approve"`
	// Signature is by the key over [AnswerText].
	Signature []byte `json:"signature"`
}

// EnrolText is what a device signs to enrol: ECDSA with SHA-256, in ASN.1. The
// issuer is in it, so that what was signed for one is nothing to another.
func EnrolText(issuer, challenge, target string) []byte {
	return []byte("gatehouse-push-2\nenrol\n" + issuer + "\n" + challenge + "\n" + target)
}

// AnswerText is what a device signs to answer. The issuer is the one that the
// device enrolled with, which is not for a push to say; the purpose is the
// push's.
func AnswerText(issuer string, purpose mfa.Purpose, id, number string, approve bool) []byte {
	verdict := "deny"
	if approve {
		verdict = "approve"
	}
	return []byte("gatehouse-push-2\nanswer\n" + issuer + "\n" + string(purpose) + "\n" + id + "\n" + number + "\n" + verdict)
}

// parseKey reads a public key on P-256; the standard library checks that the
// point is on it.
func parseKey(spki []byte) (*ecdsa.PublicKey, error) {
	k, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return nil, err
	}
	p, ok := k.(*ecdsa.PublicKey)
	if !ok || p.Curve != elliptic.P256() {
		return nil, errors.New("push: the key is not on P-256")
	}
	return p, nil
}

// keyID is the record's unique key: a device's key is one person's.
func keyID(spki []byte) string {
	sum := sha256.Sum256(spki)
	return hex.EncodeToString(sum[:16])
}

func signed(k *ecdsa.PublicKey, text, signature []byte) bool {
	sum := sha256.Sum256(text)
	return ecdsa.VerifyASN1(k, sum[:], signature)
}

// parseRegistration reads and checks what a device sent to enrol.
func parseRegistration(b []byte, issuer, challenge string) (Registration, error) {
	var r Registration
	if err := read(b, &r); err != nil {
		return r, err
	}
	if r.Target == "" || len(r.Target) > maxTarget || strings.ContainsFunc(r.Target, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return r, errors.New("push: the target is empty, too long or has control characters")
	}
	k, err := parseKey(r.Key)
	if err != nil {
		return r, err
	}
	if !signed(k, EnrolText(issuer, challenge, r.Target), r.Signature) {
		return r, errors.New("push: the registration is not signed by its key")
	}
	return r, nil
}

// parseResponse reads what a device sent; it is believed only once the
// signature is checked.
func parseResponse(b []byte) (Response, error) {
	var r Response
	if err := read(b, &r); err != nil {
		return r, err
	}
	if len(r.ID) != idLength || strings.Trim(r.ID, idAlphabet) != "" || len(r.Number) > 8 || strings.Trim(r.Number, "0123456789") != "" {
		return r, errors.New("push: malformed id or number")
	}
	return r, nil
}

const idAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func read(b []byte, v any) error {
	if len(b) > maxResponse {
		return fmt.Errorf("push: %d bytes are too many", len(b))
	}
	return strictjson.Unmarshal(b, v)
}

func marshal(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // unreachable: all members encode
	}
	return b
}
