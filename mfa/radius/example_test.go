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
	"github.com/gatehouse-id/gatehouse/mfa/totp"
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

// RADIUS for contractors only: nobody else has a name on the servers, and so
// everybody else enrols.
func Example_group() {
	contractors := map[string]string{"carol": "ext-0042"} // from a directory
	servers, err := radius.New(radius.Config{
		Servers:  []radius.Server{{Addr: "192.0.2.1:1812", Secret: []byte("an example of a secret")}},
		Method:   radius.MSCHAPv2,
		UserName: func(_ context.Context, s mfa.Subject) (string, error) { return contractors[s.ID], nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	apps, err := totp.New(totp.Config{Issuer: "Example"})
	if err != nil {
		log.Fatal(err)
	}
	keys, err := mfa.NewKeyring("2026-11", map[string][]byte{"2026-11": make([]byte, 32)})
	if err != nil {
		log.Fatal(err)
	}
	policy, err := mfa.NewPolicy(mfa.PolicyConfig{
		Rules:   []mfa.Rule{{Name: "contractors", Groups: []string{"contractors"}, Factors: []mfa.Kind{mfa.KindRADIUS}}},
		Default: mfa.Rule{NoFactor: mfa.NoFactor{Action: mfa.ActEnrol}},
	})
	if err != nil {
		log.Fatal(err)
	}
	flow, err := mfa.New(mfa.Config{
		Store: mfa.NewMemoryStore(1000), Sealer: keys, Factors: []mfa.Factor{apps, servers}, Policy: policy,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range []mfa.Request{
		{Subject: mfa.Subject{ID: "carol"}, Groups: []string{"contractors"}},
		{Subject: mfa.Subject{ID: "alice"}},
	} {
		d, err := flow.Decide(context.Background(), r)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(r.Subject.ID, d.Rule, d.Outcome, d.Factors)
	}
	// Output:
	// carol contractors ask [radius]
	// alice default enrol []
}
