// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfatest

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"sync"
)

// COSE algorithms that an [Authenticator] has.
const (
	ES256   = -7
	EdDSA   = -8
	ESP256  = -9
	Ed25519 = -19
	ES384   = -35
	ES512   = -36
	PS256   = -37
	ESP384  = -51
	ESP512  = -52
	RS256   = -257
)

// The flags of authenticator data, for [Tamper].Flags.
const (
	FlagUP = 0x01 // the person was present
	FlagUV = 0x04 // the person was verified
	FlagBE = 0x08 // may be backed up
	FlagBS = 0x10 // is backed up
	FlagAT = 0x40 // has attested credential data
	FlagED = 0x80 // has extensions
)

// Authenticator answers WebAuthn ceremonies as a browser with an authenticator
// would: it keeps credentials, all of them passkeys, and signs with them. The
// exported fields say how it behaves from then on; they must not change while
// it is used.
type Authenticator struct {
	// Origin is that of the page in the browser.
	Origin string
	// Algorithms are what it has, all if empty. The first that a registration
	// offers and it has is taken.
	Algorithms []int
	// AAGUID names its model.
	AAGUID [16]byte
	// SelfAttest answers with packed self attestation; else with none.
	SelfAttest bool
	// NoVerification is set for one that cannot verify the person.
	NoVerification bool
	// NoCounter is set for one whose signature counter stays 0.
	NoCounter bool
	// Synced is set for one whose credentials are copied between devices.
	Synced bool

	mu    sync.Mutex
	creds []*softCredential
}

type softCredential struct {
	id, handle []byte
	rpID       string
	key        softKey
	counter    uint32
}

// NewAuthenticator returns an empty authenticator in a browser that shows a
// page of the origin.
func NewAuthenticator(origin string) *Authenticator { return &Authenticator{Origin: origin} }

// Errors of authenticators.
var (
	// ErrExcluded: it has a credential that the registration excludes.
	ErrExcluded = errors.New("mfatest: the authenticator is registered already")
	// ErrNoCredential: it has none that the sign-in allows.
	ErrNoCredential = errors.New("mfatest: the authenticator has no such credential")
	// ErrNoAlgorithm: it has none that the registration offers.
	ErrNoAlgorithm = errors.New("mfatest: the authenticator has no such algorithm")
)

// Tamper changes one answer. Nil fields leave it as it is; what is signed is
// changed before it is signed, but by Signature and JSON.
type Tamper struct {
	// ClientData changes the members of the client data.
	ClientData func(map[string]any)
	// RawClientData changes the encoded client data.
	RawClientData func([]byte) []byte
	// RPID replaces the RP ID that is hashed.
	RPID string
	// Flags changes the flags.
	Flags func(byte) byte
	// Counter replaces the signature counter.
	Counter *uint32
	// CredentialID replaces the credential id.
	CredentialID []byte
	// Key changes the encoded COSE key of a registration.
	Key func([]byte) []byte
	// AuthData changes the authenticator data.
	AuthData func([]byte) []byte
	// Format replaces the format of the attestation statement.
	Format string
	// AttestationObject changes the attestation object of a registration.
	AttestationObject func([]byte) []byte
	// Signature changes the signature.
	Signature func([]byte) []byte
	// UserHandle changes the user handle of a sign-in.
	UserHandle func([]byte) []byte
	// Answer changes the members of the answer.
	Answer func(map[string]any)
	// JSON changes the encoded answer.
	JSON func([]byte) []byte
}

type creation struct {
	RP   struct{ ID string }
	User struct{ ID string }

	Challenge          string
	PubKeyCredParams   []struct{ Alg int }
	ExcludeCredentials []struct{ ID string }
}

type request struct {
	Challenge        string
	RPID             string `json:"rpId"`
	AllowCredentials []struct{ ID string }
}

// unwrap reads options, bare or under "publicKey".
func unwrap(options []byte, into any) error {
	var wrapped struct {
		PublicKey json.RawMessage `json:"publicKey"`
	}
	if err := json.Unmarshal(options, &wrapped); err != nil {
		return err
	}
	if wrapped.PublicKey != nil {
		options = wrapped.PublicKey
	}
	return json.Unmarshal(options, into)
}

var b64 = base64.RawURLEncoding

// Register answers PublicKeyCredentialCreationOptionsJSON with a
// RegistrationResponseJSON and keeps the credential.
func (a *Authenticator) Register(options []byte, tamper ...Tamper) ([]byte, error) {
	var o creation
	if err := unwrap(options, &o); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, x := range o.ExcludeCredentials {
		if a.find(o.RP.ID, x.ID) != nil {
			return nil, ErrExcluded
		}
	}
	alg, err := a.choose(&o)
	if err != nil {
		return nil, err
	}
	c := &softCredential{id: make([]byte, 32), rpID: o.RP.ID}
	_, _ = rand.Read(c.id) // never fails
	if c.handle, err = b64.DecodeString(o.User.ID); err != nil {
		return nil, err
	}
	if c.key, err = newSoftKey(alg); err != nil {
		return nil, err
	}
	answer, err := a.register(c, o.Challenge, one(tamper))
	if err == nil {
		a.creds = append(a.creds, c)
	}
	return answer, err
}

func (a *Authenticator) choose(o *creation) (int, error) {
	for _, p := range o.PubKeyCredParams {
		if len(a.Algorithms) == 0 && known(p.Alg) || slices.Contains(a.Algorithms, p.Alg) {
			return p.Alg, nil
		}
	}
	return 0, ErrNoAlgorithm
}

func one(tamper []Tamper) Tamper {
	if len(tamper) == 0 {
		return Tamper{}
	}
	return tamper[0]
}

func (a *Authenticator) register(c *softCredential, challenge string, t Tamper) ([]byte, error) {
	clientData, err := a.clientData("webauthn.create", challenge, t)
	if err != nil {
		return nil, err
	}
	id := c.id
	if t.CredentialID != nil {
		id = t.CredentialID
	}
	key := change(t.Key, c.key.cose())
	authData := a.authData(c, FlagAT, t)
	authData = append(authData, a.AAGUID[:]...)
	authData = binary.BigEndian.AppendUint16(authData, uint16(len(id)))
	authData = append(append(authData, id...), key...)
	authData = change(t.AuthData, authData)
	statement, err := a.statement(c, authData, clientData, t)
	if err != nil {
		return nil, err
	}
	object := cborMapHead(nil, 3)
	object = cborText(object, "fmt")
	object = cborText(object, a.format(t))
	object = cborText(object, "attStmt")
	object = append(object, statement...)
	object = cborText(object, "authData")
	object = cborBytes(object, authData)
	object = change(t.AttestationObject, object)
	return seal(id, t, map[string]any{
		"clientDataJSON":     b64.EncodeToString(clientData),
		"attestationObject":  b64.EncodeToString(object),
		"authenticatorData":  b64.EncodeToString(authData),
		"publicKeyAlgorithm": c.key.alg,
		"transports":         []string{"internal"},
	}, map[string]any{"credProps": map[string]any{"rk": true}})
}

func (a *Authenticator) format(t Tamper) string {
	switch {
	case t.Format != "":
		return t.Format
	case a.SelfAttest:
		return "packed"
	}
	return "none"
}

func (a *Authenticator) statement(c *softCredential, authData, clientData []byte, t Tamper) ([]byte, error) {
	if !a.SelfAttest {
		return cborMapHead(nil, 0), nil
	}
	sig, err := c.sign(authData, clientData)
	if err != nil {
		return nil, err
	}
	b := cborMapHead(nil, 2)
	b = cborText(b, "alg")
	b = cborInt(b, c.key.alg)
	b = cborText(b, "sig")
	return cborBytes(b, change(t.Signature, sig)), nil
}

// Login answers PublicKeyCredentialRequestOptionsJSON with an
// AuthenticationResponseJSON, by the first credential that the options allow,
// or by the newest one if they list none.
func (a *Authenticator) Login(options []byte, tamper ...Tamper) ([]byte, error) {
	var o request
	if err := unwrap(options, &o); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var c *softCredential
	for _, x := range o.AllowCredentials {
		if c = a.find(o.RPID, x.ID); c != nil {
			break
		}
	}
	if len(o.AllowCredentials) == 0 {
		for _, have := range a.creds {
			if have.rpID == o.RPID {
				c = have
			}
		}
	}
	if c == nil {
		return nil, ErrNoCredential
	}
	return a.login(c, o.Challenge, one(tamper))
}

func (a *Authenticator) login(c *softCredential, challenge string, t Tamper) ([]byte, error) {
	clientData, err := a.clientData("webauthn.get", challenge, t)
	if err != nil {
		return nil, err
	}
	if !a.NoCounter {
		c.counter++
	}
	authData := change(t.AuthData, a.authData(c, 0, t))
	sig, err := c.sign(authData, clientData)
	if err != nil {
		return nil, err
	}
	id := c.id
	if t.CredentialID != nil {
		id = t.CredentialID
	}
	response := map[string]any{
		"clientDataJSON":    b64.EncodeToString(clientData),
		"authenticatorData": b64.EncodeToString(authData),
		"signature":         b64.EncodeToString(change(t.Signature, sig)),
	}
	if handle := change(t.UserHandle, bytes.Clone(c.handle)); handle != nil {
		response["userHandle"] = b64.EncodeToString(handle)
	}
	return seal(id, t, response, map[string]any{})
}

func (a *Authenticator) clientData(typ, challenge string, t Tamper) ([]byte, error) {
	members := map[string]any{"type": typ, "challenge": challenge, "origin": a.Origin, "crossOrigin": false}
	if t.ClientData != nil {
		t.ClientData(members)
	}
	b, err := json.Marshal(members)
	return change(t.RawClientData, b), err
}

func (a *Authenticator) authData(c *softCredential, flags byte, t Tamper) []byte {
	rpID := c.rpID
	if t.RPID != "" {
		rpID = t.RPID
	}
	flags |= FlagUP
	if !a.NoVerification {
		flags |= FlagUV
	}
	if a.Synced {
		flags |= FlagBE | FlagBS
	}
	if t.Flags != nil {
		flags = t.Flags(flags)
	}
	counter := c.counter
	if t.Counter != nil {
		counter = *t.Counter
	}
	hash := sha256.Sum256([]byte(rpID))
	return binary.BigEndian.AppendUint32(append(hash[:], flags), counter)
}

// Clone returns a copy with the same credentials and counters, as whoever took
// the keys would have it.
func (a *Authenticator) Clone() *Authenticator {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := &Authenticator{
		Origin: a.Origin, Algorithms: a.Algorithms, AAGUID: a.AAGUID, SelfAttest: a.SelfAttest,
		NoVerification: a.NoVerification, NoCounter: a.NoCounter, Synced: a.Synced,
	}
	for _, c := range a.creds {
		copied := *c
		b.creds = append(b.creds, &copied)
	}
	return b
}

func (a *Authenticator) find(rpID, id string) *softCredential {
	for _, c := range a.creds {
		if c.rpID == rpID && b64.EncodeToString(c.id) == id {
			return c
		}
	}
	return nil
}

func (c *softCredential) sign(authData, clientData []byte) ([]byte, error) {
	hash := sha256.Sum256(clientData)
	return c.key.sign(slices.Concat(authData, hash[:]))
}

// seal encodes the credential that a ceremony ends with.
func seal(id []byte, t Tamper, response, extensions map[string]any) ([]byte, error) {
	answer := map[string]any{
		"id": b64.EncodeToString(id), "rawId": b64.EncodeToString(id), "type": "public-key",
		"authenticatorAttachment": "platform", "response": response, "clientExtensionResults": extensions,
	}
	if t.Answer != nil {
		t.Answer(answer)
	}
	b, err := json.Marshal(answer)
	return change(t.JSON, b), err
}

func change(f func([]byte) []byte, b []byte) []byte {
	if f == nil {
		return b
	}
	return f(b)
}
