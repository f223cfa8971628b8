// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
	"github.com/gatehouse-id/gatehouse/mfa/webauthn"
)

// A person registers a passkey and signs in with it, without typing a name.
func Example() {
	ctx := context.Background()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	factor, err := webauthn.New(webauthn.Config{
		RPID: "example.com", RPName: "Example", Origins: []string{"https://login.example.com"}, Key: key,
	})
	if err != nil {
		panic(err)
	}
	keyring, err := mfa.NewKeyring("2026-11", map[string][]byte{"2026-11": key})
	if err != nil {
		panic(err)
	}
	flow, err := mfa.New(mfa.Config{Store: mfa.NewMemoryStore(1000), Sealer: keyring, Factors: []mfa.Factor{factor}})
	if err != nil {
		panic(err)
	}

	// In a browser this is navigator.credentials.create and .get.
	device := mfatest.NewAuthenticator("https://login.example.com")
	session := "the value of the browser's session cookie"

	ann := mfa.Subject{ID: "7d9f"}
	ch, err := flow.BeginEnrol(ctx, mfa.EnrolInput{
		Subject: ann, Kind: mfa.KindWebAuthn, Account: "ann@example.com", Session: session,
		Authenticated: []mfa.Evidence{{Kind: mfa.KindTOTP, At: time.Now(), Factor: true}},
	})
	if err != nil {
		panic(err)
	}
	answer, err := device.Register(ch.Public)
	if err != nil {
		panic(err)
	}
	record, err := flow.FinishEnrol(ctx, ch.ID, mfa.EnrolAnswer{Session: session, Data: answer}, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(record.Name, record.Strength)

	ch, err = flow.Begin(ctx, mfa.BeginInput{Kind: mfa.KindWebAuthn, Purpose: mfa.First, Session: session})
	if err != nil {
		panic(err)
	}
	if answer, err = device.Login(ch.Public); err != nil {
		panic(err)
	}
	res, err := flow.Finish(ctx, ch.ID, mfa.Answer{Session: session, Data: answer}, func(context.Context, mfa.Result) error {
		return nil // save the session here: it commits with the spent challenge, or not at all
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(res.Subject == ann, res.Evidence.UserVerified)

	_, err = flow.Finish(ctx, ch.ID, mfa.Answer{Session: session, Data: answer}, nil)
	fmt.Println(mfa.CheckOf(err))
	// Output:
	// Passkey phishing-resistant
	// true true
	// challenge
}
