// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package sts runs the real AWS CLI, AWS's Go SDK, xmlsec1 and Python's XML
// reader against packages sts and ststest and against examples/awscreds. Its
// tests are all there is of it.
package sts
