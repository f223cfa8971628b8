// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// Options are an application's wishes for one ceremony, in mfa.BeginInput or
// mfa.EnrolInput by their [Options.JSON]. All are optional.
type Options struct {
	// Origin pins the ceremony to one of Config.Origins.
	Origin string `json:"origin,omitempty"`
	// UserVerification replaces Config.UserVerification, but not if that is
	// Required: what is less is an error then. A first factor requires it all
	// the same.
	UserVerification UserVerification `json:"userVerification,omitempty"`
	// Hints tell browsers what to offer first: "security-key",
	// "client-device", "hybrid".
	Hints []string `json:"hints,omitempty"`
	// Conditional registers a passkey without asking, after a sign-in by
	// another means (mediation "conditional" of a creation): presence is not
	// asked for then.
	Conditional bool `json:"conditional,omitempty"`
}

// JSON encodes the options for the flow.
func (o Options) JSON() json.RawMessage {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings and a boolean always encode
	}
	return b
}

func (f *Factor) options(raw json.RawMessage) (Options, error) {
	var o Options
	if len(raw) > 0 {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(&o); err != nil {
			return o, fmt.Errorf("webauthn: options: %w", err)
		}
	}
	switch o.UserVerification {
	case "":
		o.UserVerification = f.cfg.UserVerification
	case Required, Preferred, Discouraged:
		if f.cfg.UserVerification == Required && o.UserVerification != Required {
			return o, fmt.Errorf("webauthn: options: user verification %q where Config requires it", o.UserVerification)
		}
	default:
		return o, fmt.Errorf("webauthn: unknown requirement %q", o.UserVerification)
	}
	if o.Origin != "" && !slices.Contains(f.cfg.Origins, o.Origin) {
		return o, fmt.Errorf("webauthn: options: origin %q is not configured", o.Origin)
	}
	return o, nil
}

// The JSON forms of 5.1.8 and 5.1.9.
type (
	creationOptions struct {
		RP                     rpEntity               `json:"rp"`
		User                   userEntity             `json:"user"`
		Challenge              string                 `json:"challenge"`
		PubKeyCredParams       []credentialParameter  `json:"pubKeyCredParams"`
		Timeout                int64                  `json:"timeout"`
		ExcludeCredentials     []descriptor           `json:"excludeCredentials"`
		AuthenticatorSelection authenticatorSelection `json:"authenticatorSelection"`
		Hints                  []string               `json:"hints,omitempty"`
		Attestation            string                 `json:"attestation"`
		AttestationFormats     []Format               `json:"attestationFormats,omitempty"`
		Extensions             creationExtensions     `json:"extensions"`
	}
	requestOptions struct {
		Challenge        string           `json:"challenge"`
		Timeout          int64            `json:"timeout"`
		RPID             string           `json:"rpId"`
		AllowCredentials []descriptor     `json:"allowCredentials"`
		UserVerification UserVerification `json:"userVerification"`
		Hints            []string         `json:"hints,omitempty"`
	}
	rpEntity struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	userEntity struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		DisplayName string `json:"displayName"`
	}
	credentialParameter struct {
		Type string    `json:"type"`
		Alg  Algorithm `json:"alg"`
	}
	descriptor struct {
		Type       string   `json:"type"`
		ID         string   `json:"id"`
		Transports []string `json:"transports,omitempty"`
	}
	authenticatorSelection struct {
		AuthenticatorAttachment string           `json:"authenticatorAttachment,omitempty"`
		ResidentKey             UserVerification `json:"residentKey"`
		RequireResidentKey      bool             `json:"requireResidentKey"`
		UserVerification        UserVerification `json:"userVerification"`
	}
	creationExtensions struct {
		CredProps bool `json:"credProps"`
	}
)

const typePublicKey = "public-key"

func encode64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// descriptors lists credentials. Their record's key is the id in base64url.
func descriptors(creds []mfa.Credential) []descriptor {
	list := make([]descriptor, 0, len(creds))
	for _, c := range creds {
		d, _ := DetailsOf(c.Record) // transports are a hint
		list = append(list, descriptor{Type: typePublicKey, ID: c.Key, Transports: d.Transports})
	}
	return list
}
