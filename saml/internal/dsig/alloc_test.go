// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package dsig_test

import (
	"testing"

	"github.com/gatehouse-id/gatehouse/saml/internal/dsig"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// Parsing and verifying allocates about the same for 9 attributes and for
// 5,000, which pass at the default limits.
func TestAllocations(t *testing.T) {
	o := dsig.Options{Keys: []dsig.Key{{Public: signers()["rsa"].Public()}}}
	for _, attributes := range []int{9, 5000} {
		doc := []byte(signedAssertion(t, attributes))
		n := testing.AllocsPerRun(5, func() {
			d, err := xmltree.Parse(doc, xmltree.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := dsig.Verify(d.Root().Child(nsAssertion, "Assertion"), o); err != nil {
				t.Fatal(err)
			}
		})
		if n > 80 {
			t.Errorf("%d attributes: %v allocations", attributes, n)
		}
	}
}
