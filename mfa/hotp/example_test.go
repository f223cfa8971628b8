// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package hotp_test

import (
	"fmt"
	"log"
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
