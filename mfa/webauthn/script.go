// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

//go:embed script.js
var script string

// Script serves the browser's side, script.js: a JavaScript module that runs
// ceremonies with the options and answers of this package, offers passkeys by
// autofill, and sends signals. Mount it at any path of the page's own origin;
// its comments are its documentation. It asks the page's content security
// policy for script-src 'self' alone.
//
//	mux.Handle("GET /webauthn.js", webauthn.Script())
//
//	import { get, autofill } from "/webauthn.js";
func Script() http.Handler {
	sum := sha256.Sum256([]byte(script))
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		h.Set("Content-Type", "text/javascript; charset=utf-8")
		h.Set("Cache-Control", "no-cache") // kept, and asked for again by its tag
		h.Set("ETag", tag)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(script))
	})
}
