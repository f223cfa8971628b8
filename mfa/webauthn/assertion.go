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

// Begin makes the options of a sign-in (7.2 step 1).
func (f *Factor) Begin(_ context.Context, r mfa.BeginRequest) (mfa.Begun, error) {
	o, err := f.options(r.Options)
	if err != nil {
		return mfa.Begun{}, err
	}
	if r.Purpose == mfa.First {
		o.UserVerification = Required // one factor stands for two
	}
	challenge, err := f.random(challengeSize)
	if err != nil {
		return mfa.Begun{}, err
	}
	st := state{
		verify: o.UserVerification == Required, rpIDHash: f.rpIDHash[:],
		challenge: challenge, origin: []byte(o.Origin),
	}
	options := requestOptions{
		Challenge: encode64(challenge), Timeout: f.cfg.Timeout.Milliseconds(), RPID: f.cfg.RPID,
		AllowCredentials: []descriptor{}, UserVerification: o.UserVerification, Hints: o.Hints,
	}
	switch {
	case len(r.Credentials) > 0:
		st.mode = modeKnown
		options.AllowCredentials = descriptors(r.Credentials)
		for _, c := range r.Credentials {
			st.allowed = append(st.allowed, []byte(c.Key))
		}
	case r.Subject.ID == "" && r.Hint == "":
		st.mode = modeUsernameless
	default:
		st.mode = modeFake
		options.AllowCredentials = f.fakeDescriptors(r.Subject, r.Hint)
	}
	public, err := json.Marshal(options)
	if err != nil {
		return mfa.Begun{}, err
	}
	return mfa.Begun{State: st.encode(), Public: public}, nil
}

// assertion is an AuthenticationResponseJSON (5.1) that was read.
type assertion struct {
	key        []byte // the credential id in base64url
	clientData []byte
	authData   []byte
	signature  []byte
	userHandle []byte
}

func parseAssertion(answer []byte) (*assertion, error) {
	n, response, _, err := parseResponse(answer)
	if err != nil {
		return nil, err
	}
	a := &assertion{}
	a.key = n.get("id").text
	if a.clientData, err = response.bytes("clientDataJSON"); err != nil {
		return nil, err
	}
	if a.authData, err = response.bytes("authenticatorData"); err != nil {
		return nil, err
	}
	if a.signature, err = response.bytes("signature"); err != nil {
		return nil, err
	}
	if !response.absent("userHandle") {
		if a.userHandle, err = response.bytes("userHandle"); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// Discover returns the key of the record whose credential the answer names,
// and the answer as it was read, for Verify.
func (f *Factor) Discover(answer []byte) (key string, read any, err error) {
	a, err := parseAssertion(answer)
	if err != nil {
		return "", nil, err
	}
	return string(a.key), a, nil
}

// Verify judges the answer to a sign-in (7.2).
func (f *Factor) Verify(ctx context.Context, r mfa.VerifyRequest) (mfa.Verified, error) {
	st, err := f.state(r.State)
	if err != nil {
		return mfa.Verified{}, err
	}
	if st.mode == modeCreate {
		return mfa.Verified{}, refusal(CheckState, "the challenge is for a registration")
	}
	a, ok := r.Read.(*assertion)
	if !ok {
		if a, err = parseAssertion(r.Answer); err != nil {
			return mfa.Verified{}, err
		}
	}
	record, err := named(a, &st, r.Credentials)
	if err != nil {
		return mfa.Verified{}, err
	}
	c, err := decodeCredential(record.Secret)
	if err != nil {
		return mfa.Verified{}, err
	}
	// A discoverable credential has told whose it is (7.2 step 6).
	if st.mode == modeUsernameless && len(a.userHandle) == 0 || len(a.userHandle) > 0 && !bytes.Equal(a.userHandle, c.handle) {
		return mfa.Verified{}, refusal(CheckUserHandle, "the user handle is not the credential's")
	}
	if err := f.checkClientData(a.clientData, typeGet, &st); err != nil {
		return mfa.Verified{}, err
	}
	data, err := parseAuthData(a.authData, false)
	if err != nil {
		return mfa.Verified{}, err
	}
	if err := f.checkAuthData(&data, true, st.verify || r.Purpose == mfa.First); err != nil {
		return mfa.Verified{}, err
	}
	if eligible := data.flags&flagBE != 0; eligible != c.eligible || eligible && f.cfg.RefuseSynced {
		return mfa.Verified{}, refusal(CheckBackup, "backup eligibility changed or is refused")
	}
	if !c.verifies(a) {
		return mfa.Verified{}, refusal(CheckSignature, "the signature does not verify")
	}
	policy, err := f.policy(ctx, r.Subject)
	if err != nil {
		return mfa.Verified{}, err
	}
	if known := policy.Metadata.of(c.model, nil); known != nil && known.broken != "" {
		return mfa.Verified{}, refusal(CheckStatus, "the model is reported as %s", known.broken)
	}
	return f.verified(record, &c, &data)
}

// named returns the credential that the answer names, if the challenge
// listed it (7.2 steps 5 and 6).
func named(a *assertion, st *state, creds []mfa.Credential) (*mfa.Credential, error) {
	switch st.mode {
	case modeFake:
		return nil, refusal(mfa.CheckCredential, "the challenge is for nobody")
	case modeKnown:
		listed := false
		for _, id := range st.allowed {
			listed = listed || bytes.Equal(id, a.key)
		}
		if !listed {
			return nil, refusal(CheckAllowed, "the challenge did not list the credential")
		}
	}
	for i := range creds {
		if creds[i].Key == string(a.key) {
			return &creds[i], nil
		}
	}
	return nil, refusal(mfa.CheckCredential, "no such credential")
}

// verifies checks the signature (7.2 steps 20, 21).
func (c *credential) verifies(a *assertion) bool {
	hash := sha256.Sum256(a.clientData)
	var buf [128]byte
	return c.key.verify(append(append(buf[:0], a.authData...), hash[:]...), a.signature)
}

// noticeClone is told when a counter went back and that is accepted.
const noticeClone = "possible clone"

// verified judges the counter (7.2 step 22) and says what is to be kept.
func (f *Factor) verified(record *mfa.Credential, c *credential, data *authData) (mfa.Verified, error) {
	v := mfa.Verified{
		RecordID: record.ID, Strength: mfa.PhishingResistant,
		UserVerified: data.flags&flagUV != 0, AMR: []string{"pop", "user"},
	}
	if v.UserVerified {
		v.AMR = append(v.AMR, "mfa")
	}
	if c.hardware {
		v.AMR = append(v.AMR, "hwk")
	}
	if c.attested {
		v.Strength = min(mfa.Attested, f.info.Strength)
	}
	if (data.counter != 0 || c.counter != 0) && data.counter <= c.counter {
		if !f.cfg.InsecureAcceptClones {
			return mfa.Verified{}, refusal(CheckCounter, "counter %d after %d", data.counter, c.counter)
		}
		v.Notices = []string{noticeClone}
	}
	backedUp := data.flags&flagBS != 0
	if data.counter <= c.counter && backedUp == c.backedUp {
		return v, nil
	}
	if backedUp != c.backedUp {
		d, _ := DetailsOf(record.Record)
		d.Synced = backedUp
		public, err := json.Marshal(d)
		if err != nil {
			return mfa.Verified{}, err
		}
		v.Public = public
	}
	c.counter, c.backedUp = max(c.counter, data.counter), backedUp
	var err error
	v.Secret, err = c.encode()
	return v, err
}
