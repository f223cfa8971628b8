// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ststest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// serveFederation answers Action=getSigninToken, by POST only: in a query the
// credentials would end in logs.
func (d *Double) serveFederation(w http.ResponseWriter, r *http.Request) {
	const action = "getSigninToken"
	d.count(action)
	if f, ok := d.nextFault(action); ok {
		if f.Status == 0 {
			panic(http.ErrAbortHandler)
		}
		http.Error(w, f.Message, f.Status)
		return
	}
	req, ref := readRequest(w, r)
	if ref != nil {
		http.Error(w, ref.message, http.StatusBadRequest)
		return
	}
	var creds struct{ SessionID, SessionKey, SessionToken string }
	if err := json.Unmarshal([]byte(req.get("Session")), &creds); err != nil || req.get("Action") != action {
		http.Error(w, "Invalid request", http.StatusBadRequest)
		return
	}
	s, ref := d.lookUp(creds.SessionID, creds.SessionToken)
	if ref != nil || s.Secret != creds.SessionKey {
		http.Error(w, "Forbidden", http.StatusForbidden)
		return
	}
	if text := req.get("SessionDuration"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 900 || n > 43200 {
			http.Error(w, "SessionDuration must be between 900 and 43200", http.StatusBadRequest)
			return
		}
	}
	var token [48]byte
	rand.Read(token[:])
	d.record(Call{Time: time.Now(), Action: action, RequestID: requestID(), ARN: s.ARN})
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]string{"SigninToken": base64.RawURLEncoding.EncodeToString(token[:])})
}
