// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"html/template"
	"net/url"
	"strings"
)

// qrQuiet is the light border around a QR code, in modules (ISO/IEC 18004 asks
// for four).
const qrQuiet = 4

// qrSVG draws the modules of a QR code: dark on light in both colour schemes,
// since many readers do not know the inverse. The markup is made of numbers only.
func qrSVG(modules [][]bool) template.HTML {
	if len(modules) == 0 {
		return ""
	}
	var path strings.Builder
	for y, row := range modules {
		for x := 0; x < len(row); x++ {
			if !row[x] {
				continue
			}
			start := x
			for x < len(row) && row[x] {
				x++
			}
			fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", start+qrQuiet, y+qrQuiet, x-start, x-start)
		}
	}
	size := len(modules) + 2*qrQuiet
	return template.HTML(fmt.Sprintf(`<svg class="qr" role="img" aria-label="QR code for your authenticator app" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="%s"/></svg>`,
		size, size, size, size, path.String())) //nolint:gosec // numbers only
}

// otpauthURL lets an otpauth link, and nothing else, past html/template's
// filter of URL schemes.
func otpauthURL(uri string) template.URL {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "otpauth" || (u.Host != "totp" && u.Host != "hotp") {
		return ""
	}
	return template.URL(u.String()) //nolint:gosec // parsed, scheme checked
}
