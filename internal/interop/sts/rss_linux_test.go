// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"os"
	"syscall"
)

// maxRSS is the peak of a process's memory in KiB.
func maxRSS(s *os.ProcessState) int64 {
	if r, ok := s.SysUsage().(*syscall.Rusage); ok {
		return r.Maxrss
	}
	return 0
}
