// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package hotp_test

import (
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/gatehouse-id/gatehouse/mfa/hotp"
)

// A maker's list of tokens; each seed's Options go to mfa.Flow.Provision.
func ExampleReadCSV() {
	seeds, err := hotp.ReadCSV(strings.NewReader("serial,seed\n10012345,3132333435363738393031323334353637383930\n"))
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range seeds {
		fmt.Println(s.Kind, s.Serial, s.Digits)
	}
	// Output:
	// hotp 10012345 6
}

// A maker sends seeds encrypted, and the password by another way.
func ExampleReadEncryptedPSKC() {
	file, err := os.Open("testdata/rfc6030-figure7.xml")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	seeds, err := hotp.ReadEncryptedPSKC(file, hotp.PSKCKey{Password: "qwerty"})
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range seeds {
		fmt.Println(s.Manufacturer, s.Serial, s.Kind, s.Digits)
	}
	// Output: TokenVendorAcme 987654321 hotp 8
}
