// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package daemon

import (
	"os/exec"
	"syscall"
)

// group puts what cmd starts into a process group of its own.
func group(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// end asks the group to end, or ends it.
func end(cmd *exec.Cmd, atOnce bool) {
	signal := syscall.SIGTERM
	if atOnce {
		signal = syscall.SIGKILL
	}
	_ = syscall.Kill(-cmd.Process.Pid, signal)
}
