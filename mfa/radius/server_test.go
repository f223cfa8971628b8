// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package radius

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"net"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-id/gatehouse/mfa/radius/internal/mschap"
)

var testSecret = []byte("a secret of more than 16 bytes")

// reply is what a test server answers.
type reply struct {
	code       byte
	attributes []attribute
	microsoft  []attribute
	unsigned   bool               // without Message-Authenticator
	spoil      func(b []byte)     // after signing
	before     [][]byte           // sent first
	silent     bool               // say nothing
	id         func(id byte) byte // another identifier
}

// testServer answers requests of the loopback; it checks that they are signed.
type testServer struct {
	conn     net.PacketConn
	requests atomic.Int64
	raws     chan []byte
}

func serve(t testing.TB, answer func(p packet) reply) *testServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	s := &testServer{conn: conn, raws: make(chan []byte, 64)}
	go func() {
		buf := make([]byte, maxPacket)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			p, err := parse(buf[:n])
			if err != nil || p.ma != headerSize+2 || !signed(p) {
				t.Errorf("request %x is not signed first: %v", buf[:n], err)
				return
			}
			s.requests.Add(1)
			select {
			case s.raws <- bytes.Clone(p.raw):
			default:
			}
			r := answer(p)
			for _, b := range r.before {
				_, _ = conn.WriteTo(b, from)
			}
			if !r.silent {
				_, _ = conn.WriteTo(r.encode(p), from)
			}
		}
	}()
	return s
}

func (s *testServer) addr() string { return s.conn.LocalAddr().String() }

func signed(p packet) bool {
	m := hmac.New(md5.New, testSecret)
	m.Write(p.raw[:p.ma])
	m.Write(make([]byte, 16))
	m.Write(p.raw[p.ma+16:])
	return hmac.Equal(m.Sum(nil), p.raw[p.ma:p.ma+16])
}

func (r reply) encode(p packet) []byte { return r.encodeWith(p, testSecret) }

func (r reply) encodeWith(p packet, secret []byte) []byte {
	w := &builder{b: make([]byte, headerSize, 512)}
	w.b[0], w.b[1] = r.code, p.id
	if r.id != nil {
		w.b[1] = r.id(p.id)
	}
	copy(w.b[authenticatorOffset:], p.authenticator[:])
	if !r.unsigned {
		w.add(typeMessageAuthenticator, make([]byte, 16))
	}
	for _, a := range r.attributes {
		w.add(a.kind, a.value)
	}
	for _, a := range r.microsoft {
		w.addMicrosoft(a.kind, a.value)
	}
	binary.BigEndian.PutUint16(w.b[2:], uint16(len(w.b)))
	if !r.unsigned {
		w.sign(newKey(secret))
	}
	h := md5.New()
	h.Write(w.b)
	h.Write(secret)
	h.Sum(w.b[:authenticatorOffset])
	if r.spoil != nil {
		r.spoil(w.b)
	}
	return w.b
}

// password checks what a request proves of a password, and returns the
// attributes that prove the server's knowledge.
func password(p packet, want string) ([]attribute, bool) {
	if v, ok := p.get(typeUserPassword); ok {
		return nil, bytes.Equal(v, hide(want, testSecret, p.authenticator))
	}
	if v, ok := p.get(typeCHAPPassword); ok && len(v) == 17 {
		c, _ := p.get(typeCHAPChallenge)
		return nil, bytes.Equal(v, chap(v[0], want, c))
	}
	c, ok := p.microsoft(msCHAPChallenge)
	v, ok2 := p.microsoft(msCHAP2Response)
	user, _ := p.get(typeUserName)
	if !ok || !ok2 || len(c) != 16 || len(v) != 50 {
		return nil, false
	}
	e := mschap.New([16]byte(c), [16]byte(v[2:18]), string(user), want)
	r := e.Response()
	return []attribute{{msCHAP2Success, append([]byte{v[0]}, e.Proof()...)}}, bytes.Equal(v[26:50], r[:])
}
