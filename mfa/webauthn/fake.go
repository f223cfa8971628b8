// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"crypto/hmac"
	"crypto/sha256"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// fakeDescriptors lists credentials of a person who does not exist, or has
// none: the same for the same name every time, and like what people have, so
// that asking does not tell who is here (14.6.2). Most people have one passkey,
// some have two, and a few carry a security key.
func (f *Factor) fakeDescriptors(s mfa.Subject, hint string) []descriptor {
	name := hint
	if name == "" {
		name = s.ID
	}
	draw := func(label string) []byte {
		h := hmac.New(sha256.New, f.fakeKey)
		for _, part := range []string{"gatehouse/webauthn/fake", f.cfg.RPID, s.Tenant, name, label} {
			h.Write(appendPart(nil, []byte(part)))
		}
		return h.Sum(nil)
	}
	dice := draw("shape")
	n := 1
	if dice[0] < 64 {
		n = 2
	}
	list := make([]descriptor, 0, n)
	for i := range n {
		d := descriptor{Type: typePublicKey, Transports: []string{"hybrid", "internal"}}
		index := string(rune('a' + i))
		id, more := draw("id "+index), draw("more "+index)
		switch kind := dice[1+i]; {
		case kind < 160: // a synced passkey
			id = id[:20]
			if kind < 80 {
				id = append(id, more[:12]...)
			}
		case kind < 224: // a platform authenticator
			d.Transports = []string{"internal"}
		default: // a security key
			id = append(id, more[:16]...)
			d.Transports = []string{"nfc", "usb"}
		}
		d.ID = encode64(id)
		list = append(list, d)
	}
	return list
}
