// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

func takeRecord(ctx context.Context, st Store, now time.Time, kind Kind, key string, v any, missing Check) error {
	rec, err := st.Take(ctx, kind, key, now)
	if errors.Is(err, ErrNotFound) {
		return refuse(missing, "no outstanding %s %.80q", kind, key)
	}
	if err != nil {
		return refuse(CheckStore, "take %s: %w", kind, err)
	}
	if err := json.Unmarshal(rec.Data, v); err != nil {
		return refuse(CheckStore, "decode %s: %w", kind, err)
	}
	return nil
}

func getRecord(ctx context.Context, st Store, now time.Time, kind Kind, key string, v any) error {
	if key == "" || len(key) > 128 {
		return refuse(CheckRequest, "InResponseTo of %d bytes", len(key))
	}
	rec, err := st.Get(ctx, kind, key, now)
	if errors.Is(err, ErrNotFound) {
		return refuse(CheckRequest, "no outstanding %s %.80q", kind, key)
	}
	if err != nil {
		return refuse(CheckStore, "get %s: %w", kind, err)
	}
	if err := json.Unmarshal(rec.Data, v); err != nil {
		return refuse(CheckStore, "decode %s: %w", kind, err)
	}
	return nil
}
