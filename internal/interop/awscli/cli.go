// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package awscli runs the real AWS CLI, and AWS's Go SDK, against the portal's
// wire. Its tests are all there is of it.
package awscli
