// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package sts

import "os"

func maxRSS(*os.ProcessState) int64 { return 0 }
