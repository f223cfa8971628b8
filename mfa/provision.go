// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"context"
	"encoding/json"
	"errors"
)

// ProvisionInput asks for a credential that an administrator makes.
type ProvisionInput struct {
	Subject Subject
	Kind    Kind
	// Account labels the credential; Options are the factor's own.
	Account string
	Options json.RawMessage
	// Actor is the administrator, for the event. Required.
	Actor string
}

// Provision adds a credential in the name of an administrator, such as a
// temporary pass or a hardware token, together with what commit does. shown is
// for the administrator's eyes, once. It asks for no proof: the caller has
// checked that Actor may.
func (f *Flow) Provision(ctx context.Context, in ProvisionInput, commit func(ctx context.Context, r Record) error) (r Record, shown json.RawMessage, err error) {
	p, ok := f.factors[in.Kind].(Provisioner)
	if !ok {
		return Record{}, nil, refuse(CheckKind, "This is not available.", "kind "+string(in.Kind)+" cannot be provisioned")
	}
	if in.Actor == "" || in.Subject.ID == "" {
		return Record{}, nil, errors.New("mfa: ProvisionInput wants a Subject and an Actor")
	}
	now := f.now()
	creds, err := f.credentials(ctx, in.Subject, in.Kind, now)
	if err != nil {
		return Record{}, nil, err
	}
	e, shown, err := p.Provision(ctx, EnrolRequest{
		Subject: in.Subject, Account: in.Account, Credentials: creds, Options: in.Options, Now: now,
	})
	if err != nil {
		return Record{}, nil, err
	}
	e.Proof = false
	if r, err = f.newRecord(in.Subject, in.Kind, "", e, now); err != nil {
		return Record{}, nil, err
	}
	if err := f.addRecord(ctx, r, e, Event{Actor: in.Actor}, commit); err != nil {
		return Record{}, nil, err
	}
	r.Sealed = nil
	return r, shown, nil
}
