// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package radius

import (
	"bytes"
	"slices"
	"testing"
)

// FuzzReply: only what the shared secret made is accepted.
func FuzzReply(f *testing.F) {
	a := attempt{name: "alice", password: "x", method: PAP, nas: "n"}
	request, _ := a.request(newKey(testSecret))
	p, err := parse(request)
	if err != nil {
		f.Fatal(err)
	}
	good := reply{code: codeAccept, attributes: []attribute{{typeReplyMessage, []byte("hello")}}}.encode(p)
	f.Add(slices.Clone(good))
	f.Add(reply{code: codeReject, unsigned: true}.encode(p))
	s := &server{Server{Secret: testSecret}, newKey(testSecret)}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := accept(b, s, request); err == nil && !bytes.HasPrefix(b, good) {
			t.Fatalf("%x is accepted", b)
		}
	})
}
