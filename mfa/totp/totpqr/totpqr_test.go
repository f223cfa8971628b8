// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package totpqr_test

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/mfa/totp/totpqr"
)

func TestSVG(t *testing.T) {
	t.Parallel()
	svg, err := totpqr.SVG("otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example")
	if err != nil {
		t.Fatal(err)
	}
	var root struct {
		XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
		Paths   []struct {
			D string `xml:"d,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal(svg, &root); err != nil || len(root.Paths) != 2 || strings.Count(root.Paths[1].D, "M") < 300 {
		t.Errorf("%v: %.200s", err, svg)
	}
	if !strings.HasPrefix(root.Paths[1].D, "M4 4h1v1h-1z") {
		t.Errorf("no quiet zone: %.40s", root.Paths[1].D)
	}
	for _, bad := range []string{"", strings.Repeat("x", 2049)} {
		if _, err := totpqr.SVG(bad); err == nil {
			t.Errorf("%d bytes: drawn", len(bad))
		}
	}
}
