// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package totpqr draws an otpauth URI as a QR code, for authenticators to
// scan. [SVG] returns an image to serve from one's own origin: the URI is a
// secret that no other site should be asked to draw.
package totpqr

import (
	"bytes"
	"fmt"
	"image/color"

	"github.com/boombuler/barcode/qr"
)

// quiet is the margin that scanners need, in modules (ISO/IEC 18004 6.3.8).
const quiet = 4

// SVG draws a text of up to 2048 bytes with error correction of level M, black
// on white whatever the page's colours.
func SVG(uri string) ([]byte, error) {
	if uri == "" || len(uri) > 2048 {
		return nil, fmt.Errorf("totpqr: text of %d bytes is empty or too long", len(uri))
	}
	code, err := qr.Encode(uri, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("totpqr: %w", err)
	}
	n := code.Bounds().Dx()
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[1]d" shape-rendering="crispEdges" role="img">`, n+2*quiet)
	fmt.Fprintf(&b, `<title>QR code</title><path fill="#fff" d="M0 0h%[1]dv%[1]dH0z"/><path fill="#000" d="`, n+2*quiet)
	for y := range n {
		for x := range n {
			if code.At(x, y) == color.Black {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.Bytes(), nil
}
