// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// validRPID wants a domain, without scheme, port or address (5.4.2).
func validRPID(id string) error {
	if err := validDomain(id); err != nil {
		return fmt.Errorf("webauthn: Config.RPID %q %w", id, err)
	}
	return nil
}

// validDomain wants a domain as browsers write it: anything else matches
// nothing that they send.
func validDomain(d string) error {
	labels := strings.Split(d, ".")
	for _, l := range labels {
		switch {
		case d == "" || len(d) > 253 || len(l) > 63:
			return errors.New("is no domain")
		case l == "":
			return errors.New("has an empty label: leave out dots at the ends and double ones")
		case strings.ContainsFunc(l, func(r rune) bool { return r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }):
			return errors.New("is no domain of lower-case ASCII: write others in their xn-- form")
		case l[0] == '-' || l[len(l)-1] == '-':
			return errors.New("has a label with a hyphen at its end")
		}
	}
	last := labels[len(labels)-1]
	if _, err := strconv.ParseUint(last, 0, 64); err == nil || strings.Trim(last, "0123456789") == "" { // WHATWG URL 3.5
		return errors.New("is an address, for which no ceremony runs: use a domain")
	}
	return nil
}

const androidOrigin = "android:apk-key-hash:"

// validOrigin wants an origin as browsers write it, https but for localhost.
func validOrigin(o string) error {
	if hash, ok := strings.CutPrefix(o, androidOrigin); ok {
		if b, ok := decode64([]byte(hash)); !ok || len(b) != sha256.Size {
			return fmt.Errorf("webauthn: origin %q does not end in the SHA-256 of the app's certificate in base64url without padding", o)
		}
		return nil
	}
	if id, ok := strings.CutPrefix(o, "ios:bundle-id:"); ok && id != "" {
		return nil
	}
	u, err := url.Parse(o)
	if err != nil || u.Host == "" || o != u.Scheme+"://"+u.Host {
		return fmt.Errorf("webauthn: %q is no origin", o)
	}
	host, local := u.Hostname(), u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost")
	switch {
	case u.Scheme == "https" && u.Port() == "443", u.Scheme == "http" && u.Port() == "80":
		return fmt.Errorf("webauthn: origin %q names the port that browsers leave out", o)
	case u.Scheme == "https", u.Scheme == "http" && local:
	default:
		return fmt.Errorf("webauthn: origin %q is neither https nor http on localhost", o)
	}
	if strings.HasPrefix(u.Host, "[") {
		return fmt.Errorf("webauthn: origin %q is an address, for which no ceremony runs: use a domain", o)
	}
	if err := validDomain(host); err != nil {
		return fmt.Errorf("webauthn: origin %q %w", o, err)
	}
	if port, named := strings.CutPrefix(u.Host[len(host):], ":"); named {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port != strconv.FormatUint(n, 10) {
			return fmt.Errorf("webauthn: origin %q has the port %q", o, port)
		}
	}
	return nil
}
