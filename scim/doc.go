// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package scim speaks SCIM 2.0 (RFC 7643, 7644 and 9865): people and groups
// that a directory such as Okta or Entra ID keeps up to date.
//
// A server is a [Handler]: give [New] a [Store] of users, who may call, and
// the URL that it is mounted under. The store is where the application's people
// live; [NewMemoryStore] serves tests, and scim/scimsql a database. Everything
// else is done here: PATCH in all its forms, filters, projection, entity tags,
// cursors, bulk requests, discovery, and what each client does beside the
// standard ([Profile]).
//
//	store := scim.NewMemoryStore(10_000)
//	tokens, _ := scim.NewTokens(store, nil)
//	h, err := scim.New(scim.Config{
//		BaseURL: "https://app.example.com/scim/v2",
//		Users:   store.Users(),
//		Groups:  store.Groups(),
//		Tokens:  tokens,
//	})
//	mux.Handle("/scim/v2/", h)
//
// A token belongs to one tenant, and so does everything that it can see. The
// resources are [User], [Group] and [EnterpriseUser], or structs of your own
// that embed [Base]; see [NewType]. Whoever writes a store proves it with
// scim/scimtest.
//
// The other side starts with [NewClient], which reads and writes a server's
// people and groups, and [NewSync], which plans and applies what makes them
// those of a [SyncSource].
package scim
