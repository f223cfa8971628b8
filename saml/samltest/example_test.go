// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package samltest_test

import (
	"context"
	"testing"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// Break one thing at a time, and see which check refuses.
func Example() {
	test := func(t *testing.T) {
		idp := samltest.NewIdP(t)
		sp := samltest.NewSP(t, idp.Entity(), nil) // in place of your application
		for _, b := range samltest.Breaks() {
			login := sp.Start(saml.LoginOptions{})
			_, err := sp.Receive(idp.Answer(sp.Connection, login, samltest.Alice(), b), login)
			if saml.CheckOf(err) != b.Check() {
				t.Errorf("%s: %v", b, err)
			}
		}
	}
	_ = test // go test runs it
}

// Prove a store of one's own.
func ExampleTestStore() {
	test := func(t *testing.T) {
		samltest.TestStore(t, func(*testing.T) samltest.Stores { return saml.NewMemoryStore(100) })
	}
	_ = test // go test runs it
}

// The clauses of the contract run outside of tests too.
func ExampleStoreCases() {
	for _, c := range samltest.StoreCases() {
		if err := c.Run(context.Background(), saml.NewMemoryStore(100)); err != nil {
			panic(c.Name)
		}
	}
	// Output:
}
