// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package code

import (
	"context"
	"encoding/json"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// numberFactor sends to telephone numbers that people enrolled.
type numberFactor struct{ *Factor }

// NumberOptions are the options of an enrolment, and those of a challenge for
// people with several numbers.
type NumberOptions struct {
	// Number is the telephone number to enrol, as "+41441234567" (E.164).
	Number string `json:"number,omitempty"`
	// RecordID is the record to send to; by default the newest.
	RecordID string `json:"record,omitempty"`
}

// number is what a record keeps, sealed.
type number struct {
	Number string `json:"number"`
}

func readOptions(b json.RawMessage) (NumberOptions, error) {
	var o NumberOptions
	if len(b) == 0 {
		return o, nil
	}
	if len(b) > 1024 || json.Unmarshal(b, &o) != nil {
		return o, refuse(mfa.CheckInput, "Enter a telephone number.", "malformed options")
	}
	return o, nil
}

// e164 says whether s is a plus and 7 to 15 digits, the first no zero (ITU-T
// E.164 6.1).
func e164(s string) bool {
	if len(s) < 8 || len(s) > 16 || s[0] != '+' || s[1] == '0' {
		return false
	}
	for _, c := range s[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// BeginEnrol implements [mfa.Enroller]: it sends a code to the new number.
func (f *numberFactor) BeginEnrol(ctx context.Context, r mfa.EnrolRequest) (mfa.Begun, error) {
	o, err := readOptions(r.Options)
	if err != nil {
		return mfa.Begun{}, err
	}
	if !e164(o.Number) {
		return mfa.Begun{}, refuse(mfa.CheckInput, "Enter the number with its country code, such as +41441234567.", "not an E.164 number")
	}
	return f.send(ctx, o.Number, "", Message{Purpose: mfa.Enrol, Subject: r.Subject, Client: r.Client}, r.Now)
}

// FinishEnrol implements [mfa.Enroller]: the answer is the code.
func (f *numberFactor) FinishEnrol(_ context.Context, r mfa.FinishEnrolRequest) (mfa.Enrolled, error) {
	s, err := f.judge(r.State, r.Answer, r.Now)
	if err != nil {
		return mfa.Enrolled{}, err
	}
	kept, err := json.Marshal(number{Number: s.To})
	if err != nil {
		return mfa.Enrolled{}, err
	}
	public, err := json.Marshal(map[string]string{"to": Mask(s.To)})
	return mfa.Enrolled{Name: Mask(s.To), Secret: kept, Public: public, Strength: mfa.Any, Proof: true, AMR: f.amr}, err
}

// Begin implements [mfa.Factor].
func (f *numberFactor) Begin(ctx context.Context, r mfa.BeginRequest) (mfa.Begun, error) {
	o, err := readOptions(r.Options)
	if err != nil {
		return mfa.Begun{}, err
	}
	for i := len(r.Credentials) - 1; i >= 0; i-- {
		c := r.Credentials[i]
		if o.RecordID != "" && o.RecordID != c.ID {
			continue
		}
		var n number
		if err := json.Unmarshal(c.Secret, &n); err != nil {
			return mfa.Begun{}, err
		}
		return f.send(ctx, n.Number, c.ID, Message{Purpose: r.Purpose, Subject: r.Subject, Client: r.Client}, r.Now)
	}
	return mfa.Begun{}, refuse(mfa.CheckCredential, "There is no such number.", "no such record of this person")
}
