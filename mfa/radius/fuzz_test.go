// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package radius

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"testing"
)

// FuzzReply: exactly what the shared secret made for this request is accepted.
// The request is always the same, so that seeds can be true replies to it.
func FuzzReply(f *testing.F) {
	w := newRequest(7, [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	w.add(typeUserName, []byte("alice"))
	s := &server{Server{Secret: testSecret}, newKey(testSecret)}
	request := w.sign(s.key)
	p, err := parse(request)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(reply{code: codeAccept, attributes: []attribute{{typeReplyMessage, []byte("hello")}}}.encode(p))
	f.Add(reply{code: codeReject, unsigned: true}.encode(p))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := accept(b, s, request); (err == nil) != genuine(b, request) {
			t.Fatalf("%x: %v", b, err)
		}
	})
}

// genuine says by RFC 2865 and RFC 3579 alone whether b is a reply to request
// that its server signed, of a code and with attributes that we take.
func genuine(b, request []byte) bool {
	if len(b) < 20 || b[1] != request[1] || b[0] != 2 && b[0] != 3 && b[0] != 11 {
		return false
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < 20 || n > 4096 || n > len(b) {
		return false
	}
	b = append([]byte(nil), b[:n]...)
	response := [16]byte(b[4:20])
	copy(b[4:20], request[4:20])
	if md5.Sum(append(append([]byte(nil), b...), testSecret...)) != response {
		return false
	}
	var mac []byte
	for rest := b[20:]; len(rest) > 0; rest = rest[rest[1]:] {
		if len(rest) < 2 || rest[1] < 2 || int(rest[1]) > len(rest) || rest[0] == 33 {
			return false
		}
		if rest[0] == 80 {
			if mac != nil || rest[1] != 18 {
				return false
			}
			mac = rest[2:18]
		}
	}
	if mac == nil {
		return false
	}
	got := [16]byte(mac)
	clear(mac)
	m := hmac.New(md5.New, testSecret)
	m.Write(b)
	return hmac.Equal(m.Sum(nil), got[:])
}
