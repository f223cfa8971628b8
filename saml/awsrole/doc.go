// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package awsrole speaks the dialect of SAML that AWS sign-in and
// AssumeRoleWithSAML understand.
//
// Start with [Session]: typed inputs in, the ordered attributes of an
// assertion out, after every check that AWS would make. [Parse] reads such
// attributes back, [SessionName] picks a RoleSessionName that is never cut or
// rewritten, [PartitionOf] knows the audiences, sign-in endpoints and console
// hosts of each AWS partition, and [Lint] tells, before anything is sent, what
// AWS would refuse and in AWS's own words.
//
// The package stands on values alone: it neither signs nor verifies, and
// imports nothing but the standard library.
package awsrole
