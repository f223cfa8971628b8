// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package code is factors over a message: codes by mail, SMS and voice, magic
// links, and the temporary access pass that an administrator hands over.
//
// Start with [NewMail] and a [Sender] of the program's own. The newest code
// alone works, for ten minutes, in the browser session that asked; it is kept
// as an HMAC under a key sealed with it. Attempts are counted over all codes
// of a person, so that asking for another one gives no more tries, and
// messages are limited too.
//
// A code by mail is no second factor: whoever reads the mail often can reset
// the password as well. It is a fallback that counts only where a rule names
// it, and has no authentication method reference. SMS and voice can be
// diverted; a rule that asks for phishing-resistant factors never takes any of
// these.
package code
