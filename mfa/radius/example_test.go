// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package radius_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/radius"
)

// Two servers that know people by their login names; the second is asked while
// the first is silent.
func ExampleNew() {
	secret := []byte(os.Getenv("RADIUS_SECRET") + "an example of a secret")
	f, err := radius.New(radius.Config{
		Servers:  []radius.Server{{Addr: "192.0.2.1:1812", Secret: secret}, {Addr: "192.0.2.2:1812", Secret: secret}},
		Method:   radius.MSCHAPv2,
		UserName: func(_ context.Context, s mfa.Subject) (string, error) { return s.ID, nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Info().Kind)
	// Output:
	// radius
}
