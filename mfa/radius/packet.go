// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package radius

import (
	"crypto/md5"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
)

// Codes of packets (RFC 2865 3).
const (
	codeRequest   = 1
	codeAccept    = 2
	codeReject    = 3
	codeChallenge = 11
)

// Types of attributes.
const (
	typeUserName             = 1
	typeUserPassword         = 2
	typeCHAPPassword         = 3
	typeReplyMessage         = 18
	typeState                = 24
	typeVendorSpecific       = 26
	typeCallingStationID     = 31
	typeNASIdentifier        = 32
	typeProxyState           = 33
	typeCHAPChallenge        = 60
	typeMessageAuthenticator = 80 // RFC 3579 3.2
)

// Microsoft's attributes (RFC 2548).
const (
	vendorMicrosoft     = 311
	msCHAPChallenge     = 11
	msCHAP2Response     = 25
	msCHAP2Success      = 26
	maxPacket           = 4096
	headerSize          = 20
	maxAttribute        = 253
	authenticatorOffset = 4
)

// attribute is one type and value.
type attribute struct {
	kind  byte
	value []byte
}

// packet is a packet that was read.
type packet struct {
	code, id      byte
	authenticator [16]byte
	attributes    []attribute
	raw           []byte // of exactly its length
	ma            int    // where the Message-Authenticator's value is in raw; 0 is none
}

var errPacket = errors.New("radius: malformed packet")

// parse reads a packet. Bytes after its length are padding (RFC 2865 3).
func parse(b []byte) (packet, error) {
	if len(b) < headerSize {
		return packet{}, fmt.Errorf("%w: %d bytes", errPacket, len(b))
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < headerSize || n > maxPacket || n > len(b) {
		return packet{}, fmt.Errorf("%w: length %d of %d bytes", errPacket, n, len(b))
	}
	p := packet{code: b[0], id: b[1], authenticator: [16]byte(b[authenticatorOffset:headerSize]), raw: b[:n]}
	for at := headerSize; at < n; {
		if n-at < 2 || int(b[at+1]) < 2 || int(b[at+1]) > n-at {
			return packet{}, fmt.Errorf("%w: attribute at %d", errPacket, at)
		}
		a := attribute{kind: b[at], value: b[at+2 : at+int(b[at+1])]}
		if a.kind == typeMessageAuthenticator {
			if p.ma != 0 || len(a.value) != 16 {
				return packet{}, fmt.Errorf("%w: Message-Authenticator", errPacket)
			}
			p.ma = at + 2
		}
		p.attributes = append(p.attributes, a)
		at += int(b[at+1])
	}
	return p, nil
}

// get returns the first value of a type.
func (p packet) get(kind byte) ([]byte, bool) {
	for _, a := range p.attributes {
		if a.kind == kind {
			return a.value, true
		}
	}
	return nil, false
}

// all returns the values of the attributes of a kind, in order.
func (p packet) all(kind byte) (values [][]byte) {
	for _, a := range p.attributes {
		if a.kind == kind {
			values = append(values, a.value)
		}
	}
	return values
}

// microsoft returns the first value of one of Microsoft's types.
func (p packet) microsoft(kind byte) ([]byte, bool) {
	for _, a := range p.attributes {
		v := a.value
		if a.kind != typeVendorSpecific || len(v) < 6 || binary.BigEndian.Uint32(v) != vendorMicrosoft {
			continue
		}
		for v = v[4:]; len(v) >= 2 && int(v[1]) >= 2 && int(v[1]) <= len(v); v = v[v[1]:] {
			if v[0] == kind {
				return v[2:v[1]], true
			}
		}
	}
	return nil, false
}

// builder writes a packet.
type builder struct{ b []byte }

// newRequest begins an Access-Request with its Message-Authenticator first, as
// the answer to BlastRADIUS wants (CVE-2024-3596): to be filled in by sign.
func newRequest(id byte, authenticator [16]byte) *builder {
	w := &builder{b: make([]byte, headerSize, 512)}
	w.b[0], w.b[1] = codeRequest, id
	copy(w.b[authenticatorOffset:], authenticator[:])
	w.add(typeMessageAuthenticator, make([]byte, 16))
	return w
}

func (w *builder) add(kind byte, value []byte) {
	w.b = append(w.b, kind, byte(2+len(value)))
	w.b = append(w.b, value...)
}

func (w *builder) addMicrosoft(kind byte, value []byte) {
	w.b = append(w.b, typeVendorSpecific, byte(8+len(value)))
	w.b = binary.BigEndian.AppendUint32(w.b, vendorMicrosoft)
	w.b = append(w.b, kind, byte(2+len(value)))
	w.b = append(w.b, value...)
}

// sign completes the packet.
func (w *builder) sign(k *key) []byte {
	binary.BigEndian.PutUint16(w.b[2:], uint16(len(w.b)))
	sum := k.mac(w.b)
	copy(w.b[headerSize+2:], sum[:])
	return w.b
}

// key is a shared secret, padded for HMAC-MD5 (RFC 2104) once.
type key struct {
	secret       []byte
	inner, outer [md5.BlockSize]byte
}

func newKey(secret []byte) *key {
	k := &key{secret: secret}
	if len(secret) > md5.BlockSize {
		sum := md5.Sum(secret)
		secret = sum[:]
	}
	for i := range k.inner {
		k.inner[i], k.outer[i] = 0x36, 0x5c
	}
	subtle.XORBytes(k.inner[:], k.inner[:], secret)
	subtle.XORBytes(k.outer[:], k.outer[:], secret)
	return k
}

// mac is the HMAC-MD5 of parts in a row.
func (k *key) mac(parts ...[]byte) [16]byte {
	b := append(make([]byte, 0, 512), k.inner[:]...)
	for _, p := range parts {
		b = append(b, p...)
	}
	sum := md5.Sum(b)
	b = append(append(b[:0], k.outer[:]...), sum[:]...)
	return md5.Sum(b)
}

// errAuthentic says that a reply is not the server's.
var errAuthentic = errors.New("radius: reply is not authentic")

// authentic checks a reply to a request with an authenticator (RFC 2865 3,
// RFC 3579 3.2). A Message-Authenticator that is there must be right; without
// one only MD5 protects the reply, which is what BlastRADIUS forges.
func (p packet) authentic(request [16]byte, k *key, unsigned bool) error {
	b := append(make([]byte, 0, 512), p.raw[:authenticatorOffset]...)
	b = append(b, request[:]...)
	b = append(b, p.raw[headerSize:]...)
	sum := md5.Sum(append(b, k.secret...))
	if subtle.ConstantTimeCompare(sum[:], p.authenticator[:]) != 1 {
		return fmt.Errorf("%w: Response Authenticator", errAuthentic)
	}
	if p.ma == 0 {
		if unsigned {
			return nil
		}
		return fmt.Errorf("%w: no Message-Authenticator", errAuthentic)
	}
	clear(b[p.ma : p.ma+16])
	sum = k.mac(b)
	if subtle.ConstantTimeCompare(sum[:], p.raw[p.ma:p.ma+16]) != 1 {
		return fmt.Errorf("%w: Message-Authenticator", errAuthentic)
	}
	return nil
}

// hide is how User-Password travels (RFC 2865 5.2).
func hide(password string, secret []byte, authenticator [16]byte) []byte {
	out := make([]byte, max(16, (len(password)+15)/16*16))
	copy(out, password)
	last := authenticator[:]
	for i := 0; i < len(out); i += 16 {
		h := md5.New()
		h.Write(secret)
		h.Write(last)
		sum := h.Sum(nil)
		for j := range sum {
			out[i+j] ^= sum[j]
		}
		last = out[i : i+16]
	}
	return out
}

// chap is CHAP-Password (RFC 2865 5.3).
func chap(id byte, password string, challenge []byte) []byte {
	h := md5.New()
	h.Write([]byte{id})
	h.Write([]byte(password))
	h.Write(challenge)
	return h.Sum([]byte{id})
}
