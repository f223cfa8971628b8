// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package otp_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/mfa/internal/otp"
)

// FuzzParsePair: two codes in a row have one reading, whatever is typed around
// their digits.
func FuzzParsePair(f *testing.F) {
	f.Add([]byte("287 082,359-152"), 6)
	f.Add([]byte("28708235,91520000"), 8)
	f.Add([]byte("287082,359152,1"), 6)
	f.Fuzz(func(t *testing.T, s []byte, digits int) {
		digits = 6 + digits&0xff%3
		one, two, pair, ok := otp.ParsePair(s, digits)
		first, second, comma := strings.Cut(string(s), ",")
		if pair != comma {
			t.Fatalf("%q: pair is %t", s, pair)
		}
		bare := strings.NewReplacer(" ", "", "-", "").Replace(string(s))
		want := len(first) <= 32 && len(second) <= 32 && regexp.MustCompile(fmt.Sprintf(`\A[0-9]{%d},[0-9]{%[1]d}\z`, digits)).MatchString(bare)
		if ok != want {
			t.Fatalf("%q of %d digits: %t, want %t", s, digits, ok, want)
		}
		if again := fmt.Sprintf("%0*d,%0*d", digits, one, digits, two); ok && again != bare {
			t.Fatalf("%q is read as %s", s, again)
		}
	})
}
