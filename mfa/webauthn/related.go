// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// RelatedOrigins serves the list of origins at which credentials of the RP ID
// may be used although they lie outside of its domain (5.11). Mount it at
// https://RPID/.well-known/webauthn; browsers ask there.
func (f *Factor) RelatedOrigins() http.Handler {
	var doc struct {
		Origins []string `json:"origins"`
	}
	doc.Origins = []string{}
	for _, o := range f.cfg.Origins {
		if strings.HasPrefix(o, "https://") {
			doc.Origins = append(doc.Origins, o)
		}
	}
	body, err := json.Marshal(doc)
	if err != nil {
		panic(err) // strings always encode
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(body)
	})
}
