// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"errors"
	"fmt"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// The checks of this factor, with the section of WebAuthn Level 3 that asks
// for each; mfa has those of challenges, locks and duplicates.
const (
	// CheckJSON: the answer, or the client data in it, is not one JSON value
	// of the standard's form, or repeats a member (5.1, 5.8.1).
	CheckJSON mfa.Check = "json"
	// CheckState: the challenge was made for another ceremony, relying party
	// or configuration.
	CheckState mfa.Check = "state"
	// CheckType: the client data are of another ceremony (7.1 step 7, 7.2
	// step 10).
	CheckType mfa.Check = "type"
	// CheckClientChallenge: the client data have another challenge (7.1
	// step 8, 7.2 step 11).
	CheckClientChallenge mfa.Check = "client-challenge"
	// CheckOrigin: the ceremony ran at another origin (7.1 step 9, 7.2
	// step 12).
	CheckOrigin mfa.Check = "origin"
	// CheckCrossOrigin: the page was embedded (7.1 step 10, 7.2 step 13).
	CheckCrossOrigin mfa.Check = "cross-origin"
	// CheckTopOrigin: the page was embedded in an origin that may not, or that
	// the browser does not tell although TopOrigins are configured (7.1
	// step 11, 7.2 step 14).
	CheckTopOrigin mfa.Check = "top-origin"
	// CheckCBOR: malformed CBOR, duplicate keys, indefinite lengths, numbers in
	// another form than their shortest, or bytes after the value (CTAP 2.1, 8).
	CheckCBOR mfa.Check = "cbor"
	// CheckAuthData: authenticator data of the wrong form (6.1).
	CheckAuthData mfa.Check = "authenticator-data"
	// CheckRPID: the hash is of another RP ID (7.1 step 14, 7.2 step 15).
	CheckRPID mfa.Check = "rp-id"
	// CheckUserPresence: the person was not present (7.1 step 15, 7.2
	// step 16).
	CheckUserPresence mfa.Check = "user-presence"
	// CheckUserVerification: the authenticator did not verify the person
	// (7.1 step 16, 7.2 step 17).
	CheckUserVerification mfa.Check = "user-verification"
	// CheckBackup: backed up but not eligible, or eligibility changed, or
	// synced credentials are refused (7.1 steps 17 to 19, 7.2 steps 18, 19).
	CheckBackup mfa.Check = "backup"
	// CheckAlgorithm: the key's algorithm was not offered (7.1 step 20).
	CheckAlgorithm mfa.Check = "algorithm"
	// CheckKey: the public key is not a sound one of its algorithm (5.8.5,
	// 6.5.1).
	CheckKey mfa.Check = "key"
	// CheckCredentialID: the credential id is empty, longer than 1023 bytes
	// or contradicts itself (7.1 step 25).
	CheckCredentialID mfa.Check = "credential-id"
	// CheckFormat: the attestation statement's format is unknown or not
	// accepted (7.1 step 21).
	CheckFormat mfa.Check = "attestation-format"
	// CheckAttestation: the attestation statement does not verify (7.1
	// step 22).
	CheckAttestation mfa.Check = "attestation"
	// CheckTrust: the statement does not lead to a trusted root and policy
	// asks for one (7.1 steps 23, 24).
	CheckTrust mfa.Check = "attestation-trust"
	// CheckAAGUID: the authenticator's model is not accepted.
	CheckAAGUID mfa.Check = "aaguid"
	// CheckStatus: the metadata report the authenticator's model as broken
	// (7.1 step 23, FIDO MDS 3.1.4).
	CheckStatus mfa.Check = "authenticator-status"
	// CheckAllowed: the credential is not among those that the challenge
	// listed (7.2 step 5).
	CheckAllowed mfa.Check = "allowed-credentials"
	// CheckUserHandle: the credential is another person's (7.2 step 6).
	CheckUserHandle mfa.Check = "user-handle"
	// CheckSignature: the signature does not verify (7.2 step 21).
	CheckSignature mfa.Check = "signature"
	// CheckCounter: the signature counter did not move forward: the
	// authenticator may have been cloned (7.2 step 22).
	CheckCounter mfa.Check = "counter"
)

const (
	publicRegister = "This could not be registered. Try again."
	publicPolicy   = "This kind of authenticator is not accepted here."
)

// refusal is a refusal at either ceremony; the text for people is put on at
// its end, where the ceremony is known.
func refusal(c mfa.Check, format string, args ...any) *mfa.Error {
	return &mfa.Error{Check: c, Public: mfa.PublicWrong, Err: fmt.Errorf(format, args...)}
}

// registering gives a refusal the text that fits a registration.
func registering(err error) error {
	e, ok := errors.AsType[*mfa.Error](err)
	if !ok {
		return err
	}
	switch e.Check {
	case CheckTrust, CheckAAGUID, CheckStatus, CheckFormat, CheckAlgorithm:
		e.Public = publicPolicy
	case mfa.CheckDuplicate:
		e.Public = "This is registered already."
	default:
		e.Public = publicRegister
	}
	return e
}
