// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"context"
	"fmt"
	"testing"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// TestMessagesContract: in every epoch messages are kept by the contract of
// SAML's stores.
func TestMessagesContract(t *testing.T) {
	for _, epoch := range []int64{1, 2, 1 << 40} {
		t.Run(fmt.Sprint(epoch), func(t *testing.T) {
			samltest.TestStore(t, func(*testing.T) samltest.Stores {
				return messages{saml.NewMemoryStore(1000), func(context.Context) (int64, error) { return epoch, nil }}
			})
		})
	}
}
