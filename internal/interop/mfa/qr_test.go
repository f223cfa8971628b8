// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
	"github.com/gatehouse-id/gatehouse/mfa/totp"
	"github.com/gatehouse-id/gatehouse/mfa/totp/totpqr"
)

// TestQRScans: an independent scanner reads the key from the drawing.
func TestQRScans(t *testing.T) {
	t.Parallel()
	zbarimg := peer.Command(t, "zbarimg", "zbar-tools")
	k, err := totp.NewKey(totp.SHA1, 6, 30_000_000_000)
	if err != nil {
		t.Fatal(err)
	}
	uri := k.URI("Example Söhne", "alice@example.com")
	svg, err := totpqr.SVG(uri)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "qr.png")
	draw(t, svg, path)
	out, err := exec.CommandContext(t.Context(), zbarimg, "--quiet", "--raw", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(out)); got != uri {
		t.Errorf("scanned %q, want %q", got, uri)
	}
}

// draw makes pixels of the one-by-one squares of the SVG.
func draw(t *testing.T, svg []byte, path string) {
	t.Helper()
	var root struct {
		ViewBox string `xml:"viewBox,attr"`
		Paths   []struct {
			D string `xml:"d,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal(svg, &root); err != nil {
		t.Fatal(err)
	}
	var n int
	if _, err := fmt.Sscanf(root.ViewBox, "0 0 %d", &n); err != nil {
		t.Fatal(err)
	}
	const scale = 6
	img := image.NewGray(image.Rect(0, 0, n*scale, n*scale))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for _, m := range strings.Split(root.Paths[1].D, "M")[1:] {
		var x, y int
		if _, err := fmt.Sscanf(m, "%d %dh1v1h-1z", &x, &y); err != nil {
			t.Fatal(err)
		}
		for i := range scale * scale {
			img.SetGray(x*scale+i%scale, y*scale+i/scale, color.Gray{})
		}
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
