// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"os"
	"os/exec"
	"testing"
)

// findPeer returns the path of a program, or skips and names the Debian
// package that has it.
func findPeer(t testing.TB, pkg string, names ...string) string {
	t.Helper()
	for _, n := range names {
		if path, err := exec.LookPath(n); err == nil {
			return path
		}
		for _, dir := range []string{"/usr/sbin/", "/usr/bin/"} {
			if info, err := os.Stat(dir + n); err == nil && !info.IsDir() {
				return dir + n
			}
		}
	}
	if os.Getenv("GATEHOUSE_PEERS") == "require" {
		t.Fatalf("%s is missing (Debian package %s)", names[0], pkg)
	}
	t.Skipf("%s is missing (Debian package %s)", names[0], pkg)
	return ""
}
