// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package chi shows Gatehouse's handlers under a router of one's own, in a
// module of its own: nobody else links the router.
package chi
