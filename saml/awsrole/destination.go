// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awsrole

import (
	"net/url"
	"strings"
)

// maxDestination bounds a console destination; browsers and AWS take less than
// this in a RelayState.
const maxDestination = 2048

// ValidateDestination refuses a console destination that is not an https URL on
// the partition's console host or a subdomain of it, without user, port,
// backslash, white space or control characters.
//
// An allowed host is not a safe destination: links that create stacks live
// there. Show a destination that came from outside before it is followed.
func (p Partition) ValidateDestination(raw string) error {
	const public = "This is no page of the AWS console."
	if len(raw) > maxDestination {
		return refuse(CheckDestination, public, "a destination of %d bytes", len(raw))
	}
	if !isPrintableASCII(raw) || strings.Contains(raw, "\\") {
		return refuse(CheckDestination, public, "%q has characters that no URL has", printable(raw))
	}
	u, err := url.Parse(raw)
	if err != nil {
		return refuse(CheckDestination, public, "%q: %w", printable(raw), err)
	}
	if u.Scheme != "https" || u.User != nil || u.Opaque != "" || strings.ContainsAny(u.Host, ":%[]") {
		return refuse(CheckDestination, public, "%q is not https://HOST/..", printable(raw))
	}
	if host := strings.ToLower(u.Host); !under(host, p.ConsoleHost) {
		return refuse(CheckDestination, public, "host %q is not the console of %s", printable(host), p.ID)
	}
	return nil
}

// under tells whether host is parent or a subdomain of it.
func under(host, parent string) bool {
	sub, ok := strings.CutSuffix(host, parent)
	return ok && (sub == "" || len(sub) > 1 && strings.HasSuffix(sub, ".") && !strings.HasPrefix(sub, ".") && !strings.Contains(sub, ".."))
}
