// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package radius

import (
	"crypto/rand"

	"github.com/gatehouse-id/gatehouse/mfa/radius/internal/mschap"
)

// attempt is what is asked of any server.
type attempt struct {
	name, password string
	state          []byte // echoed exactly
	method         Method
	nas, station   string
}

// request builds the packet for a server, with a new identifier and
// authenticator, and says how the server's Access-Accept proves itself.
func (a attempt) request(k *key) (b []byte, proved func(packet) bool) {
	var random [1 + 16 + 16 + 16 + 1]byte
	_, _ = rand.Read(random[:]) // never fails
	id, authenticator := random[0], [16]byte(random[1:17])
	w := newRequest(id, authenticator)
	w.add(typeUserName, []byte(a.name))
	proved = func(packet) bool { return true }
	switch a.method {
	case PAP:
		w.add(typeUserPassword, hide(a.password, k.secret, authenticator))
	case CHAP:
		challenge := random[17:33]
		w.add(typeCHAPPassword, chap(random[49], a.password, challenge))
		w.add(typeCHAPChallenge, challenge)
	case MSCHAPv2:
		proved = a.addMSCHAP(w, [16]byte(random[17:33]), [16]byte(random[33:49]), random[49])
	}
	w.add(typeNASIdentifier, []byte(a.nas))
	if a.station != "" {
		w.add(typeCallingStationID, []byte(a.station))
	}
	if len(a.state) > 0 {
		w.add(typeState, a.state)
	}
	return w.sign(k), proved
}

// addMSCHAP adds the attributes of RFC 2548 2.1 and 2.3.2.
func (a attempt) addMSCHAP(w *builder, authenticator, peer [16]byte, ident byte) func(packet) bool {
	e := mschap.New(authenticator, peer, a.name, a.password)
	w.addMicrosoft(msCHAPChallenge, authenticator[:])
	v := []byte{ident, 0}
	v = append(v, peer[:]...)
	v = append(v, make([]byte, 8)...)
	r := e.Response()
	v = append(v, r[:]...)
	w.addMicrosoft(msCHAP2Response, v)
	return func(p packet) bool {
		v, ok := p.microsoft(msCHAP2Success)
		return ok && len(v) > 1 && v[0] == ident && e.Proved(string(v[1:]))
	}
}
