// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package sts turns a SAML assertion into AWS credentials and hands them to
// every kind of AWS client.
//
// Start with [New] and [Client.Exchange]: the base64 Response and a role in,
// credentials out, by AssumeRoleWithSAML with region fail-over and a duration
// that fits the role. [NewProvider] wraps any such exchange into an
// aws.CredentialsProvider that many callers share: cached, refreshed ahead of
// expiry, one exchange at a time. [Pool] keeps one for each role, and a
// [Cache] keeps credentials at rest between processes.
//
// [Console.SignInURL] opens the AWS console with credentials,
// [WriteProcess] answers as a credential_process, [MergeProfiles] writes
// profiles into ~/.aws/config without touching what is not its own, and
// [NewEndpoint] serves credentials to local processes as a container agent
// does.
//
// The package takes an aws.Config and links the AWS core and service/sts only.
// It knows nothing of how an assertion is made: see saml/awsrole for that, and
// sts/ststest for a double of STS that refuses what AWS refuses.
package sts
