// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package totp_test

import (
	"fmt"
	"log"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa/totp"
)

// The algorithm alone, for programs that keep the step themselves.
func ExampleKey_Find() {
	k, issuer, account, err := totp.ParseURI("otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(issuer, account)
	now := time.Unix(59, 0)
	step, ok, err := k.Find([]byte("287 082"), k.Step(now), 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(step, ok) // refuse this step and those before it from now on
	// Output:
	// Example alice
	// 1 true
}
