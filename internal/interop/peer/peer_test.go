// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package peer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
)

// recorder stands in for a test that finds no peer.
type recorder struct {
	testing.TB
	skipped, failed string
}

func (r *recorder) Helper()                        {}
func (r *recorder) Skipf(format string, a ...any)  { r.skipped = fmt.Sprintf(format, a...) }
func (r *recorder) Fatalf(format string, a ...any) { r.failed = fmt.Sprintf(format, a...); panic(r) }

func TestCommandFound(t *testing.T) {
	if path := peer.Command(t, "sh", "dash"); !strings.HasSuffix(path, "/sh") {
		t.Errorf("Command(sh) = %q", path)
	}
}

func TestMissingSkips(t *testing.T) {
	t.Setenv("GATEHOUSE_PEERS", "")
	r := &recorder{TB: t}
	peer.Command(r, "gatehouse-no-such-program", "nopackage")
	if !strings.Contains(r.skipped, "Debian package nopackage") {
		t.Errorf("skipped with %q", r.skipped)
	}
}

func TestMissingFailsWhereRequired(t *testing.T) {
	t.Setenv("GATEHOUSE_PEERS", "require")
	r := &recorder{TB: t}
	defer func() {
		if recover() != any(r) {
			t.Error("did not fail")
		}
		if !strings.Contains(r.failed, "Debian package nopackage") {
			t.Errorf("failed with %q", r.failed)
		}
	}()
	peer.Path(r, "/no/such/file", "nopackage")
}
