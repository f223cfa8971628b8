// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// Signals tell a person's password managers what has changed, so that they no
// longer offer passkeys that would be refused (5.1.10). They are the arguments
// of PublicKeyCredential's signal methods; a page calls these after a sign-in
// or a change, and nothing is known of their effect.
type Signals struct {
	// Accepted is for signalAllAcceptedCredentials.
	Accepted json.RawMessage `json:"accepted"`
	// Details is for signalCurrentUserDetails.
	Details json.RawMessage `json:"details"`
}

// Signals returns those for a person who has signed in. Never show them to
// anyone else: they tell who has which credentials. It is false for a person
// without credentials, of whom no password manager could know.
func (f *Factor) Signals(records []mfa.Record, account, displayName string) (Signals, bool) {
	type user struct {
		RPID   string `json:"rpId"`
		UserID string `json:"userId"`
	}
	accepted := struct {
		user
		IDs []string `json:"allAcceptedCredentialIds"`
	}{IDs: []string{}}
	for _, r := range records {
		d, err := DetailsOf(r)
		if err != nil {
			continue
		}
		// Credentials of one person have one handle, but for two registered
		// at the same time as the first; those of another would be lost.
		if accepted.UserID == "" {
			accepted.user = user{RPID: f.cfg.RPID, UserID: d.UserHandle}
		} else if accepted.UserID != d.UserHandle {
			return Signals{}, false
		}
		accepted.IDs = append(accepted.IDs, r.Key)
	}
	if accepted.UserID == "" {
		return Signals{}, false
	}
	details := struct {
		user
		Name        string `json:"name"`
		DisplayName string `json:"displayName"`
	}{accepted.user, account, displayName}
	return Signals{Accepted: encoded(accepted), Details: encoded(details)}, true
}

// SignalUnknown is the argument of signalUnknownCredential, for the answer to
// a sign-in that was refused by mfa.CheckCredential. Password managers delete
// what it names, so it is false unless the records, which are those of all
// tenants with this RP ID, have the credential nowhere: at another tenant it
// is refused and alive. Whoever has the answer has the credential's id already.
func (f *Factor) SignalUnknown(ctx context.Context, records mfa.RecordStore, answer []byte) (json.RawMessage, bool) {
	key, _, err := f.Discover(answer)
	if err != nil {
		return nil, false
	}
	if _, err := records.RecordByKey(ctx, mfa.KindWebAuthn, key); !errors.Is(err, mfa.ErrNotFound) {
		return nil, false
	}
	return encoded(struct {
		RPID         string `json:"rpId"`
		CredentialID string `json:"credentialId"`
	}{f.cfg.RPID, key}), true
}

func encoded(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings always encode
	}
	return b
}
