// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"
)

// The portal's cookies. None holds anything that a stranger could read more
// from than that a browser has been here.
const (
	cookieSession = "session" // 256-bit session id
	cookieBrowser = "browser" // binds sign-ins and challenges to this browser
	cookieDevice  = "device"  // which names have signed in here: MACs
	cookieTrust   = "trust"   // trusted device (mfa)
	cookieNotice  = "notice"  // which notice the next page shows
)

const year = 365 * 24 * time.Hour

// cookieName is __Host- at the root over https, __Secure- with a suffix under a
// prefix, so that two portals on one host keep apart, and plain on loopback.
func (p *Portal) cookieName(name string) string {
	switch {
	case p.base.Scheme != "https":
		return "gatehouse-" + name + p.cookieSuffix
	case p.prefix == "":
		return "__Host-gatehouse-" + name
	}
	return "__Secure-gatehouse-" + name + p.cookieSuffix
}

// suffixOf tells portals apart that share a host: by port on loopback, where
// cookies do not, and by prefix.
func suffixOf(base string) string {
	sum := sha256.Sum256([]byte(base))
	return "-" + hex.EncodeToString(sum[:4])
}

func (p *Portal) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	c := &http.Cookie{
		Name: p.cookieName(name), Value: value, Path: p.prefix + "/", HttpOnly: true,
		Secure: p.base.Scheme == "https", SameSite: http.SameSiteLaxMode,
	}
	switch {
	case value == "":
		c.MaxAge = -1
	case life > 0:
		c.MaxAge = int(life / time.Second)
	}
	http.SetCookie(w, c)
}

func (p *Portal) cookie(r *http.Request, name string) string {
	c, err := r.Cookie(p.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// browser returns the browser-binding cookie, setting one if there is none. It
// is stored nowhere.
func (p *Portal) browser(w http.ResponseWriter, r *http.Request) string {
	if v := p.cookie(r, cookieBrowser); len(v) == 26 {
		return v
	}
	v := rand.Text()
	p.setCookie(w, cookieBrowser, v, 0)
	return v
}
