// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scimtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/scim"
	"github.com/gatehouse-id/gatehouse/scim/scimtest"
)

func memory() scimtest.Stores {
	m := scim.NewMemoryStore(1000)
	return scimtest.Stores{Users: m.Users(), Groups: m.Groups(), Tokens: m, Tenant: "acme", Other: "other"}
}

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	scimtest.TestStore(t, func(*testing.T) scimtest.Stores { return memory() })
}

func TestSuiteNoticesBrokenStores(t *testing.T) {
	t.Parallel()
	for i := range scimtest.Broken(memory) {
		f := scimtest.Broken(memory)[i]
		t.Run(f.Name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			for _, c := range scimtest.Checks() {
				if c.Name == f.Noticed {
					if err := c.Run(ctx, f.Stores); err == nil {
						t.Errorf("check %q noticed nothing", c.Name)
					} else {
						t.Log(err)
					}
					return
				}
			}
			t.Errorf("there is no check %q", f.Noticed)
		})
	}
}
