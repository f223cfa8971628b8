// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"
)

// statuses of checks that are not 403.
func status(c Check) int {
	switch c {
	case CheckInput:
		return http.StatusBadRequest
	case CheckIdentify:
		return http.StatusUnauthorized
	case CheckKind, CheckCredential:
		return http.StatusNotFound
	case CheckLimit, CheckDuplicate:
		return http.StatusConflict
	case CheckLocked:
		return http.StatusTooManyRequests
	case CheckUpstream:
		return http.StatusBadGateway
	case "":
		return http.StatusInternalServerError
	}
	return http.StatusForbidden
}

// publicCheck hides what only logs may tell apart.
func publicCheck(c Check) Check {
	switch c {
	case CheckReused:
		return CheckWrong
	case CheckBinding:
		return CheckChallenge
	case CheckInput, CheckKind, CheckChallenge, CheckFirstFactor, CheckLocked, CheckCredential, CheckWrong, CheckStrength,
		CheckRounds, CheckFresh, CheckTicket, CheckLimit, CheckDuplicate, CheckIdentify, CheckUpstream:
		return c
	case "":
		return "fault"
	}
	return CheckWrong
}

// WriteError is how the handlers write errors: {"error","message"}, and for
// faults an "id" to find them by. It returns the id, to be logged with the
// error; refusals have none.
func WriteError(w http.ResponseWriter, _ *http.Request, err error) (id string) {
	out := map[string]any{"message": "Something went wrong. Try again later."}
	var e *Error
	if errors.As(err, &e) {
		out["message"] = e.Public
		if !e.Until.IsZero() {
			out["until"] = e.Until
			wait := max(1, math.Ceil(time.Until(e.Until).Seconds()))
			w.Header().Set("Retry-After", strconv.Itoa(int(wait)))
		}
	} else {
		id = rand.Text()
		out["id"] = id
	}
	c := CheckOf(err)
	out["error"] = publicCheck(c)
	writeJSON(w, status(c), out)
	return id
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
