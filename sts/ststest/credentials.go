// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ststest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// KeyIDPrefix begins every access key id of the double. AWS's ids are base32
// and have neither 0 nor 1.
const KeyIDPrefix = "ASIA01GH"

const tokenPrefix = "GatehouseDouble01"

// session is what a session token says; it is sealed into the token, so the
// double keeps no list of credentials.
type session struct {
	KeyID          string
	Secret         string
	ARN            string
	RoleARN        string
	UserID         string
	Account        string
	Issued         time.Time
	Expires        time.Time
	Tags           map[string]string `json:",omitempty"`
	Transitive     []string          `json:",omitempty"`
	SourceIdentity string            `json:",omitempty"`
}

type wireCredentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

func (d *Double) issue(s *session) wireCredentials {
	var key [8]byte
	var secret [30]byte
	rand.Read(key[:])
	rand.Read(secret[:])
	s.KeyID = KeyIDPrefix + base32.StdEncoding.EncodeToString(key[:])[:12]
	s.Secret = base64.StdEncoding.EncodeToString(secret[:])
	plain, err := json.Marshal(s)
	if err != nil {
		panic("ststest: " + err.Error()) // strings and times only
	}
	nonce := make([]byte, d.aead.NonceSize())
	rand.Read(nonce)
	sealed := d.aead.Seal(nonce, nonce, plain, []byte(tokenPrefix))
	return wireCredentials{
		AccessKeyID: s.KeyID, SecretAccessKey: s.Secret,
		SessionToken: tokenPrefix + base64.StdEncoding.EncodeToString(sealed),
		Expiration:   s.Expires.UTC().Format(time.RFC3339),
	}
}

// lookUp opens a session token and checks that it belongs to the key id.
func (d *Double) lookUp(keyID, token string) (*session, *refusal) {
	invalid := func(why string) (*session, *refusal) {
		return nil, refuse(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.", "%s", why)
	}
	text, ok := strings.CutPrefix(token, tokenPrefix)
	if !ok {
		return invalid("not a token of the double")
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	n := d.aead.NonceSize()
	if err != nil || len(raw) < n {
		return invalid("token encoding")
	}
	plain, err := d.aead.Open(nil, raw[:n], raw[n:], []byte(tokenPrefix))
	if err != nil {
		return invalid("token seal")
	}
	var s session
	if err := json.Unmarshal(plain, &s); err != nil || s.KeyID != keyID {
		return invalid("token of another key")
	}
	if !d.c.Now().Before(s.Expires) {
		return nil, refuse(http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired", "expired %v", s.Expires)
	}
	return &s, nil
}

// roleID is the stable AROA.. id of a role; like the key ids it has a digit
// that AWS's cannot have.
func roleID(arn string) string {
	sum := sha256.Sum256([]byte("role " + arn))
	return "AROA01GH" + base32.StdEncoding.EncodeToString(sum[:])[:13]
}

// Keys are credentials that the double handed out.
type Keys struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Expires                                    time.Time
}

// Mint hands out credentials of a role without an assertion, for tests of what
// comes after the exchange.
func (d *Double) Mint(roleARN, sessionName string, life time.Duration) (Keys, error) {
	role, ok := d.role(roleARN)
	if !ok || !namePattern.MatchString(sessionName) {
		return Keys{}, fmt.Errorf("ststest: no role %q, or session name %q", roleARN, sessionName)
	}
	now := d.c.Now()
	s := &session{
		ARN: sessionARN(role.ARN, sessionName), RoleARN: role.ARN, UserID: roleID(role.ARN) + ":" + sessionName,
		Account: strings.Split(role.ARN, ":")[4], Issued: now, Expires: now.Add(life),
	}
	c := d.issue(s)
	return Keys{c.AccessKeyID, c.SecretAccessKey, c.SessionToken, s.Expires}, nil
}
