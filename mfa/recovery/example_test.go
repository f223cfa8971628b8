// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package recovery_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/recovery"
)

// A set of codes is shown once.
func ExampleNew() {
	f, err := recovery.New(recovery.Config{Count: 8})
	if err != nil {
		log.Fatal(err)
	}
	begun, err := f.BeginEnrol(context.Background(), mfa.EnrolRequest{})
	if err != nil {
		log.Fatal(err)
	}
	var shown recovery.Shown
	if err := json.Unmarshal(begun.Public, &shown); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(shown.Codes), "codes of", len(shown.Codes[0]), "characters")
	// Output:
	// 8 codes of 11 characters
}
