// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"

	"github.com/gatehouse-id/gatehouse/mfa"
)

const (
	handleSize    = 32
	maxTransports = 8
)

// BeginEnrol makes the options of a registration (7.1 step 1).
func (f *Factor) BeginEnrol(ctx context.Context, r mfa.EnrolRequest) (mfa.Begun, error) {
	o, err := f.options(r.Options)
	if err != nil {
		return mfa.Begun{}, err
	}
	policy, err := f.policy(ctx, r.Subject)
	if err != nil {
		return mfa.Begun{}, err
	}
	challenge, err := f.random(challengeSize)
	if err != nil {
		return mfa.Begun{}, err
	}
	handle, err := f.handle(r.Credentials)
	if err != nil {
		return mfa.Begun{}, err
	}
	account, display := r.Account, r.DisplayName
	if account == "" {
		account = f.cfg.RPName
	}
	if display == "" {
		display = account
	}
	options := creationOptions{
		RP:                 rpEntity{ID: f.cfg.RPID, Name: f.cfg.RPName},
		User:               userEntity{ID: encode64(handle), Name: account, DisplayName: display},
		Challenge:          encode64(challenge),
		Timeout:            f.cfg.Timeout.Milliseconds(),
		ExcludeCredentials: descriptors(r.Credentials),
		AuthenticatorSelection: authenticatorSelection{
			AuthenticatorAttachment: f.cfg.Attachment,
			ResidentKey:             f.cfg.ResidentKey,
			RequireResidentKey:      f.cfg.ResidentKey == Required,
			UserVerification:        o.UserVerification,
		},
		Hints:              o.Hints,
		Attestation:        policy.conveyance(),
		AttestationFormats: policy.Formats,
		Extensions:         creationExtensions{CredProps: true},
	}
	for _, a := range f.cfg.Algorithms {
		options.PubKeyCredParams = append(options.PubKeyCredParams, credentialParameter{Type: typePublicKey, Alg: a})
	}
	public, err := json.Marshal(options)
	if err != nil {
		return mfa.Begun{}, err
	}
	st := state{
		mode: modeCreate, verify: o.UserVerification == Required, conditional: o.Conditional,
		rpIDHash: f.rpIDHash[:], challenge: challenge, origin: []byte(o.Origin), handle: handle,
	}
	return mfa.Begun{State: st.encode(), Public: public}, nil
}

// handle is the person's user handle: that of their credentials, or a new
// random one. It says nothing about the person (14.6.1).
func (f *Factor) handle(creds []mfa.Credential) ([]byte, error) {
	if len(creds) == 0 {
		return f.random(handleSize)
	}
	stored, err := decodeCredential(creds[0].Secret)
	if err != nil {
		return nil, err
	}
	return stored.handle, nil
}

func (f *Factor) policy(ctx context.Context, s mfa.Subject) (*Attestation, error) {
	if f.cfg.AttestationFor == nil {
		return &f.cfg.Attestation, nil
	}
	a, err := f.cfg.AttestationFor(ctx, s)
	if err == nil {
		err = a.validate()
	}
	return &a, err
}

// registration is a RegistrationResponseJSON (5.1) that was read.
type registration struct {
	id                []byte
	clientData        []byte
	attestationObject []byte
	authData          []byte // as the browser repeats it; nil if it does not
	transports        []string
	attachment        string
	passkey           bool
}

func parseRegistration(answer []byte) (registration, error) {
	var r registration
	n, response, id, err := parseResponse(answer)
	if err != nil {
		return r, err
	}
	r.id = id
	if r.clientData, err = response.bytes("clientDataJSON"); err != nil {
		return r, err
	}
	if r.attestationObject, err = response.bytes("attestationObject"); err != nil {
		return r, err
	}
	if list := response.get("transports"); list.kind == '[' {
		for _, t := range list.members {
			if t.value.kind == '"' && len(t.value.text) <= 32 && len(r.transports) < maxTransports { // a hint: others are left out
				r.transports = append(r.transports, string(t.value.text))
			}
		}
	}
	switch a := n.get("authenticatorAttachment"); string(a.text) {
	case "platform", "cross-platform":
		r.attachment = string(a.text)
	}
	r.passkey = n.get("clientExtensionResults").get("credProps").get("rk").kind == 't'
	if response.absent("authenticatorData") {
		return r, nil
	}
	r.authData, err = response.bytes("authenticatorData")
	return r, err
}

// parseResponse reads what both answers have in common.
func parseResponse(answer []byte) (n node, response *node, id []byte, err error) {
	if n, err = parseObject(answer); err != nil {
		return n, nil, nil, err
	}
	typ, err := n.str("type")
	if err != nil {
		return n, nil, nil, err
	}
	if string(typ) != typePublicKey {
		return n, nil, nil, refusal(CheckJSON, "the credential is of another type")
	}
	if response = n.get("response"); response.kind != '{' {
		return n, nil, nil, refusal(CheckJSON, "the credential has no response")
	}
	text, err := n.str("id")
	if err != nil {
		return n, nil, nil, err
	}
	raw, err := n.str("rawId")
	if err != nil {
		return n, nil, nil, err
	}
	id, ok := decode64(text)
	if !ok || !bytes.Equal(text, raw) || len(id) == 0 || len(id) > maxCredentialID {
		return n, nil, nil, refusal(CheckCredentialID, "id and rawId are not one credential id")
	}
	return n, response, id, nil
}

// FinishEnrol judges the answer to a registration (7.1).
func (f *Factor) FinishEnrol(ctx context.Context, r mfa.FinishEnrolRequest) (mfa.Enrolled, error) {
	e, err := f.finishEnrol(ctx, r)
	if err != nil {
		return mfa.Enrolled{}, registering(err)
	}
	return e, nil
}

func (f *Factor) finishEnrol(ctx context.Context, r mfa.FinishEnrolRequest) (mfa.Enrolled, error) {
	st, err := f.state(r.State)
	if err != nil {
		return mfa.Enrolled{}, err
	}
	if st.mode != modeCreate {
		return mfa.Enrolled{}, refusal(CheckState, "the challenge is for a sign-in")
	}
	reg, err := parseRegistration(r.Answer)
	if err != nil {
		return mfa.Enrolled{}, err
	}
	if err := f.checkClientData(reg.clientData, typeCreate, &st); err != nil {
		return mfa.Enrolled{}, err
	}
	a, err := parseAttestation(reg.attestationObject)
	if err != nil {
		return mfa.Enrolled{}, err
	}
	if reg.authData != nil && !bytes.Equal(reg.authData, a.rawAuthData) {
		// Nothing here reads the copy, but something else may.
		return mfa.Enrolled{}, refusal(CheckAuthData, "authenticatorData is not that of the attestation object")
	}
	if err := f.checkAuthData(&a.authData, !st.conditional, st.verify); err != nil {
		return mfa.Enrolled{}, err
	}
	if f.cfg.RefuseSynced && a.authData.flags&flagBE != 0 {
		return mfa.Enrolled{}, refusal(CheckBackup, "synced credentials are refused")
	}
	if !bytes.Equal(a.authData.credentialID, reg.id) {
		return mfa.Enrolled{}, refusal(CheckCredentialID, "id is not the credential's")
	}
	if a.key, err = parseCOSEKey(&a.authData.key, f.cfg.Algorithms); err != nil {
		return mfa.Enrolled{}, err
	}
	hash := sha256.Sum256(reg.clientData)
	a.clientDataHash = hash[:]
	policy, err := f.policy(ctx, r.Subject)
	if err != nil {
		return mfa.Enrolled{}, err
	}
	by, err := a.verifyStatement(policy, r.Now)
	if err != nil {
		return mfa.Enrolled{}, err
	}
	if policy.RequireTrusted && !by.root {
		return mfa.Enrolled{}, refusal(CheckTrust, "the attestation leads to no trusted root")
	}
	if err := policy.accepts(a.model(), by); err != nil {
		return mfa.Enrolled{}, err
	}
	key := encode64(reg.id)
	for _, c := range r.Credentials {
		if c.Key == key { // the store refuses other people's
			return mfa.Enrolled{}, refusal(mfa.CheckDuplicate, "the person has this credential")
		}
	}
	return enrolled(&reg, &a, st.handle, by)
}

// enrolled makes what is kept.
func enrolled(reg *registration, a *attested, handle []byte, by trust) (mfa.Enrolled, error) {
	flags := a.authData.flags
	c := credential{
		key: a.key, handle: handle, model: a.model(), counter: a.authData.counter,
		eligible: flags&flagBE != 0, backedUp: flags&flagBS != 0, attested: by.root, hardware: by.hardware,
	}
	secret, err := c.encode()
	if err != nil {
		return mfa.Enrolled{}, err
	}
	public, err := json.Marshal(Details{
		AAGUID: a.model(), Attested: by.root, Format: a.format, Passkey: reg.passkey,
		Syncable: c.eligible, Synced: c.backedUp, Algorithm: a.key.alg,
		Attachment: reg.attachment, Transports: reg.transports,
		UserHandle: encode64(handle),
	})
	if err != nil {
		return mfa.Enrolled{}, err
	}
	e := mfa.Enrolled{
		Key: encode64(reg.id), Name: "Security key", Secret: secret, Public: public, Strength: mfa.PhishingResistant,
		// The authenticator answered a fresh challenge of this site with a person
		// present, unless the browser made the credential by itself.
		Proof: flags&flagUP != 0, UserVerified: flags&flagUV != 0, AMR: []string{"pop", "user"},
	}
	if e.UserVerified {
		e.AMR = append(e.AMR, "mfa")
	}
	if reg.passkey || c.eligible || reg.attachment == "platform" {
		e.Name = "Passkey"
	}
	if by.root {
		e.Strength = mfa.Attested
	}
	return e, nil
}

// state reads a challenge's state and checks that it is this relying party's.
func (f *Factor) state(b []byte) (state, error) {
	st, err := decodeState(b)
	if err != nil {
		return st, err
	}
	if !bytes.Equal(st.rpIDHash, f.rpIDHash[:]) {
		return st, refusal(CheckState, "the challenge is another relying party's")
	}
	return st, nil
}
