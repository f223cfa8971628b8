// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package awssso is the server that the AWS CLI, the AWS SDKs and their
// friends sign in to: the wire of AWS SSO OIDC (client registration, device
// code, authorization code with PKCE, refresh) and of the access portal API
// (accounts, roles, role credentials, logout), and the pages on which a person
// approves them.
//
// Start with [New] and [Config]. [Server.API] is the wire and mounts under a
// prefix of its own, because the browser has a /logout too; [Server.Pages] are
// the pages for a signed-in browser. The package knows nothing of directories
// or permission sets: who is signed in comes from [Sessions], what a person may
// use and the credentials themselves from [Access], and what has to survive a
// restart lies in a [Store].
//
// A person's browser session is the root of everything handed out here. It is
// looked up at every call, so an ended session, a disabled person or a removed
// assignment is out on the next request; tokens never outlive its absolute end.
//
// Behind a reverse proxy mind that the bearer token travels in a header whose
// name has an underscore, x-amz-sso_bearer_token: nginx drops it unless
// "underscores_in_headers on" is set.
package awssso
