// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui_test

import (
	"testing"

	"github.com/gatehouse-id/gatehouse/portal/ui"
)

func TestNewParses(t *testing.T) {
	if _, err := ui.New(ui.Config{Brand: "Acorn Bikes"}); err != nil {
		t.Fatal(err)
	}
}
