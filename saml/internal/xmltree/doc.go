// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package xmltree reads XML once, strictly, into a compact tree that is both
// what signatures are computed over and what claims are read from.
//
// Start with [Parse]; it returns a [Document] whose [Document.Root] is a
// [Node]. A Node is a small value: navigate with [Node.Children], [Node.Child],
// [Node.Attr] and [Node.Text], and write its canonical form with
// [Node.Canonical].
//
// The parser accepts UTF-8 documents that are well-formed and namespace-well-
// formed (XML 1.0 fifth edition, Namespaces in XML 1.0) and refuses what SAML
// never needs: document type declarations, processing instructions, relative
// namespace names, repeated IDs, and whatever exceeds [Limits]. All work is
// linear in the size of the document.
package xmltree
