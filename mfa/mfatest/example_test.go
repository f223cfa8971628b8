// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfatest_test

import (
	"fmt"
	"log"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
)

// A device shows codes like an authenticator app.
func ExampleNewTOTPDevice() {
	d, err := mfatest.NewTOTPDevice("otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Code(time.Unix(59, 0)))
	// Output:
	// 287082
}
