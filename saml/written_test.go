// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml_test

import (
	"slices"
	"testing"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// Responses are signed as they were written, without being parsed: whatever a
// value holds, the canonical form that the peer computes is what was written.
func TestSignedAsWritten(t *testing.T) {
	t.Parallel()
	const odd = "a&b<c>\"d'e\tf\ng\rh é \u2028 \U0001F511 ]]> &amp; <!-- -->"
	for _, sign := range []saml.Signed{saml.SignBoth, saml.SignAssertion, saml.SignResponse} {
		for _, clear := range []bool{true, false} {
			peer := &saml.Peer{Sign: sign, NoEncryption: clear}
			idp := newIdP(t, nil, peer)
			sp := samltest.NewSP(t, idp.Entity(), nil)
			peer.Entity = sp.Entity()
			out := sp.Start(saml.LoginOptions{})
			req, err := idp.ParseRequest(samltest.Request(out))
			if err != nil {
				t.Fatal(err)
			}
			rp := identity(req)
			rp.NameID = saml.NameID{Value: "x" + odd + "x", Format: "urn:x:" + odd, NameQualifier: odd, SPNameQualifier: odd}
			rp.SessionIndex = "x" + odd
			rp.Attributes = []saml.Attribute{{Name: "n" + odd, FriendlyName: odd, Format: odd, Values: []string{odd, "", " ", odd + odd}}}
			form, err := idp.Respond(t.Context(), rp)
			if err != nil {
				t.Fatal(err)
			}
			a, err := sp.Receive(samltest.Form(form), out)
			if err != nil {
				t.Fatalf("sign %v, clear %v: %v", sign, clear, err)
			}
			if got := a.Attributes.Values("n" + odd); !slices.Equal(got, rp.Attributes[0].Values) || a.SessionIndex != rp.SessionIndex {
				t.Errorf("values %q, SessionIndex %q", got, a.SessionIndex)
			}
		}
	}
}
