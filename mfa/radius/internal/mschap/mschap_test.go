// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mschap

import (
	"encoding/hex"
	"testing"
)

// TestRFC2759 has the values of section 9.2.
func TestRFC2759(t *testing.T) {
	t.Parallel()
	var auth, peer [16]byte
	dec := func(to []byte, s string) {
		t.Helper()
		if _, err := hex.Decode(to, []byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	dec(auth[:], "5b5d7c7d7b3f2f3e3c2c602132262628")
	dec(peer[:], "21402324255e262a28295f2b3a337c7e")
	e := New(auth, peer, "User", "clientPass")
	if got := hex.EncodeToString(e.challenge[:]); got != "d02e4386bce91226" {
		t.Errorf("challenge %s", got)
	}
	if got := hex.EncodeToString(e.hash[:]); got != "44ebba8d5312b8d611474411f56989ae" {
		t.Errorf("hash %s", got)
	}
	r := e.Response()
	if got := hex.EncodeToString(r[:]); got != "82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df" {
		t.Errorf("response %s", got)
	}
	const proof = "S=407A5589115FD0D6209F510FE9C04566932CDA56"
	if !e.Proved(proof) || !e.Proved(proof+" M=Welcome") {
		t.Error("the server's proof is refused")
	}
	for _, bad := range []string{"", "S=", proof[:41], "S=507A5589115FD0D6209F510FE9C04566932CDA56", "X" + proof[1:], "S=zz7A5589115FD0D6209F510FE9C04566932CDA56"} {
		if e.Proved(bad) {
			t.Errorf("%q is accepted", bad)
		}
	}
	if New(auth, peer, `DOMAIN\User`, "clientPass").challenge != e.challenge {
		t.Error("a domain before the name changes the challenge")
	}
}
