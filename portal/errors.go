// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/sqltx"
	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/app"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/session"
	"github.com/gatehouse-id/gatehouse/portal/signin"
	"github.com/gatehouse-id/gatehouse/portal/ui"
	"github.com/gatehouse-id/gatehouse/saml"
)

// Check names what refused a request to the portal itself.
type Check string

// The checks of the portal's own handlers.
const (
	CheckHost      Check = "portal-host"      // the Host is not that of the base URL (RFC 9110 7.4)
	CheckOrigin    Check = "portal-origin"    // a cross-origin request (Fetch metadata, Origin)
	CheckForm      Check = "portal-form"      // a form is malformed or too large
	CheckSession   Check = "portal-session"   // nobody is signed in, or the session does not reach this
	CheckAdmin     Check = "portal-admin"     // not an administrator
	CheckNotFound  Check = "portal-not-found" // no such page or object, or not for this person
	CheckForwarded Check = "portal-forwarded" // the sample portal is not for use behind a proxy
	CheckOwner     Check = "portal-owner"     // the object is kept by a source or by apply
	CheckAccess    Check = "portal-access"    // the role or application is not assigned
	CheckInput     Check = "portal-input"     // a value cannot be used
	CheckSTS       Check = "portal-sts"       // AWS refused the exchange
)

// Error is a refusal by the portal's own handlers.
type Error struct {
	Check      Check
	Public     string // for people
	Err        error  // for logs
	Status     int    // HTTP status; 400 if 0
	RetryAfter time.Duration
}

// Error describes the refusal for logs.
func (e *Error) Error() string {
	if e.Err != nil {
		return "portal: " + string(e.Check) + ": " + e.Err.Error()
	}
	return "portal: " + string(e.Check)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func notFound() *Error {
	return &Error{Check: CheckNotFound, Status: http.StatusNotFound, Public: "There is no such page, or it is not for you."}
}

func refuse(check Check, status int, public string, cause error) *Error {
	return &Error{Check: check, Status: status, Public: public, Err: cause}
}

// refusal is what any error means to the person, the log and the audit.
type refusal struct {
	check  string // empty: a fault, not a refusal
	status int
	public string
	person string
	retry  time.Duration
}

func judge(err error) refusal {
	var own *Error
	var in *signin.Error
	var factor *mfa.Error
	var message *saml.Error
	switch {
	case sqltx.IsBusy(err), errors.Is(err, context.DeadlineExceeded):
		return refusal{"", http.StatusServiceUnavailable, "The portal is busy. Nothing was changed; please try again in a moment.", "", 2 * time.Second}
	case errors.As(err, &own):
		return refusal{string(own.Check), orDefault(own.Status, http.StatusBadRequest), own.Public, "", own.RetryAfter}
	case errors.As(err, &in):
		status := http.StatusForbidden
		if in.Check == signin.CheckRate {
			status = http.StatusTooManyRequests
		}
		return refusal{string(in.Check), status, in.Public, in.Person, in.RetryAfter}
	case errors.As(err, &factor):
		return refusal{"mfa-" + string(factor.Check), http.StatusForbidden, factor.Public, "", 0}
	case errors.As(err, &message):
		return refusal{"saml-" + string(message.Check), http.StatusBadRequest, message.Public, "", 0}
	case sqltx.IsText(err):
		return refusal{string(CheckInput), http.StatusBadRequest, publicText, "", 0}
	case errors.Is(err, access.ErrNoAccess), errors.Is(err, app.ErrNotAssigned):
		return refusal{string(CheckAccess), http.StatusForbidden, "This is not assigned to you. If you need it, ask an administrator.", "", 0}
	case errors.Is(err, directory.ErrNotFound), errors.Is(err, access.ErrNotFound), errors.Is(err, app.ErrNotFound), errors.Is(err, session.ErrNotFound), errors.Is(err, mfa.ErrNotFound):
		return judge(notFound())
	case errors.Is(err, directory.ErrLastAdministrator):
		return refusal{string(CheckInput), http.StatusConflict, "Nobody would be left to administer the portal.", "", 0}
	case errors.Is(err, directory.ErrVersion):
		return refusal{string(CheckInput), http.StatusConflict, "It was changed in the meantime. Please look again.", "", 0}
	case errors.Is(err, directory.ErrConflict), errors.Is(err, access.ErrConflict), errors.Is(err, app.ErrConflict):
		return refusal{string(CheckInput), http.StatusConflict, "That name is taken.", "", 0}
	}
	return refusal{"", http.StatusInternalServerError, "Something went wrong on our side. Nothing was changed.", "", 0}
}

func orDefault(status, d int) int {
	if status == 0 {
		return d
	}
	return status
}

// fail answers an error: a page (or JSON, for the portal's own scripts) with
// the public text and the correlation id that log and audit share.
func (p *Portal) fail(w http.ResponseWriter, r *http.Request, err error) {
	v := p.report(r, err)
	if v.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(v.retry.Seconds()))))
	}
	correlation := audit.RequestFrom(r.Context()).Correlation
	if wantsJSON(r) {
		writeJSON(w, v.status, ui.PasskeyNext{Problem: v.public})
		return
	}
	title := "That did not work"
	switch v.status {
	case http.StatusNotFound:
		title = "Not found"
	case http.StatusForbidden:
		title = "Not allowed"
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		title = "Please wait"
	}
	p.ui.Render(w, v.status, ui.Message{Title: title, Text: v.public, Problem: true, Status: v.status, Correlation: correlation})
}

// report writes an error to the log, and a refusal to the audit.
func (p *Portal) report(r *http.Request, err error) refusal {
	v := judge(err)
	ctx := r.Context()
	correlation := audit.RequestFrom(ctx).Correlation
	if v.check == "" {
		if ctx.Err() == nil {
			p.log.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("path", r.URL.Path), slog.String("correlation", correlation), slog.Any("error", err))
		}
		return v
	}
	p.log.LogAttrs(ctx, slog.LevelInfo, "request refused", slog.String("path", r.URL.Path), slog.String("check", v.check),
		slog.String("correlation", correlation), slog.Any("error", err))
	if v.check != string(CheckNotFound) && v.check != string(CheckSession) {
		e := audit.Event{Type: audit.InputRefused, Check: v.check, Person: v.person, Details: map[string]string{"path": r.URL.Path}}
		if isSignIn(v.check) {
			e.Type = audit.CredentialVerification
		}
		if c := currentFrom(ctx); c != nil {
			e.Actor, e.Person = c.person.ID, c.person.ID
		}
		p.audit.Refuse(ctx, e)
	}
	return v
}

func isSignIn(check string) bool {
	return strings.HasPrefix(check, "signin-")
}

func wantsJSON(r *http.Request) bool { return r.Header.Get("Content-Type") == "application/json" }

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "{}", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}
