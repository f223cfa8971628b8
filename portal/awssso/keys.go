// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"encoding/base64"
	"slices"

	"github.com/gatehouse-id/gatehouse/internal/seal"
)

// keys are the derived keys of one server, one set for each purpose.
type keys struct {
	clients, secrets, users, refresh keyset
}

// keyset are the keys of one purpose: the primary makes, all verify.
type keyset struct {
	primary string
	byID    map[string][]byte
}

func newKeys(ring *seal.Keyring) keys {
	set := func(purpose string) keyset { return keyset{ring.Primary(), ring.DeriveAll(purpose)} }
	return keys{
		clients: set("awssso client registration"),
		secrets: set("awssso client secret"),
		users:   set("awssso user code"),
		refresh: set("awssso refresh"),
	}
}

func (k keyset) current() []byte { return k.byID[k.primary] }

// named returns the key with an id in base64url.
func (k keyset) named(encoded string) ([]byte, bool) {
	id, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, false
	}
	key, ok := k.byID[string(id)]
	return key, ok
}

// ids are the ids of all keys, the primary's first.
func (k keyset) ids() []string {
	out := []string{k.primary}
	for id := range k.byID {
		if id != k.primary {
			out = append(out, id)
		}
	}
	slices.Sort(out[1:])
	return out
}
