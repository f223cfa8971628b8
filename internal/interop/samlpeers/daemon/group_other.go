// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package daemon

import "os/exec"

func group(*exec.Cmd) {}

func end(cmd *exec.Cmd, _ bool) { _ = cmd.Process.Kill() }
