// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package code_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/code"
)

// Codes by mail go out through the program's own mailer, to the address that
// its directory knows.
func ExampleNewMail() {
	f, err := code.NewMail(code.Config{
		Sender: code.SenderFunc(func(_ context.Context, m code.Message) error {
			fmt.Println("a code of", len(m.Code), "digits to", m.To)
			return nil
		}),
		Address: func(_ context.Context, s mfa.Subject) (string, error) { return s.ID + "@example.com", nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Info().Kind, "is a fallback:", f.Info().Fallback)
	// Output:
	// mail is a fallback: true
}
