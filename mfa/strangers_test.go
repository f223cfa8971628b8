// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// nobody is who does not exist.
var nobody = mfa.Subject{Tenant: "acme"}

// TestErrorsDoNotTellWhoExists: a wrong answer before any proof is the same for
// people who exist, who have no such credential, and who do not exist.
func TestErrorsDoNotTellWhoExists(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.provision("")
	body := func(s mfa.Subject, k mfa.Kind) string {
		t.Helper()
		ch, err := r.flow.Begin(t.Context(), mfa.BeginInput{Subject: s, Hint: "x", Kind: k, Purpose: mfa.First, Session: session})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.finish(ch.ID, strings.Repeat("0", 16))
		r.want("a wrong answer", err, mfa.CheckWrong)
		w := httptest.NewRecorder()
		mfa.WriteError(w, nil, err)
		return w.Result().Status + w.Body.String()
	}
	for _, k := range []mfa.Kind{mfa.KindMagicLink, mfa.KindPass} {
		exists := body(alice, k)
		for _, s := range []mfa.Subject{nobody, {Tenant: "acme", ID: "bob"}} {
			if got := body(s, k); got != exists {
				t.Errorf("%s for %q: %s; for alice: %s", k, s.ID, got, exists)
			}
		}
	}
}
