// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/portal/directory"
)

// maxKnown is how many people one browser is remembered for.
const maxKnown = 5

// Device reads a browser's device cookie: its id, and whether the name has
// signed in from it before. The cookie is a random id, a MAC for each name, and
// one that says that anybody has signed in, so it tells nobody who uses the
// browser.
func (m *Machine) Device(cookie, login string) (id string, known bool) {
	parts := strings.Split(cookie, ".")
	if len(cookie) > 512 || len(parts[0]) != 26 {
		return "", false
	}
	if directory.FoldLogin(login) != "" {
		known = marked(parts, m.deviceMAC(parts[0], login))
	}
	return parts[0], known
}

// returning is the id in a device cookie of a browser that somebody has signed
// in from, "" for any other.
func (m *Machine) returning(cookie string) string {
	id, _ := m.Device(cookie, "")
	if id == "" || !marked(strings.Split(cookie, "."), m.deviceMAC(id, "")) {
		return ""
	}
	return id
}

func marked(parts []string, want string) (found bool) {
	for _, mac := range parts[1:] {
		if hmac.Equal([]byte(mac), []byte(want)) {
			found = true
		}
	}
	return found
}

// MarkDevice returns the device cookie with the name added, a new one if
// cookie is none.
func (m *Machine) MarkDevice(cookie, login string) string {
	id, known := m.Device(cookie, login)
	if known && m.returning(cookie) != "" {
		return cookie
	}
	if id == "" {
		id = rand.Text()
		cookie = id
	}
	anybody, names := m.deviceMAC(id, ""), []string{m.deviceMAC(id, login)}
	for _, mac := range strings.Split(cookie, ".")[1:] {
		if mac != anybody && len(names) < maxKnown {
			names = appendOnce(names, mac)
		}
	}
	return strings.Join(append([]string{id, anybody}, names...), ".")
}

func (m *Machine) deviceMAC(id, login string) string {
	h := hmac.New(sha256.New, m.c.Key)
	h.Write([]byte("device\x00" + id + "\x00" + directory.FoldLogin(login)))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
}

func appendOnce(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
