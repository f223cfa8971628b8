// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/gatehouse-id/gatehouse/internal/sqltx"
)

// Check names what refused. Each has one code on the wire, see the table in
// errors.go.
type Check string

// What may refuse a call. The grants are those of RFC 6749, RFC 7636 and RFC
// 8628, the codes those of the AWS SSO OIDC and portal APIs.
const (
	CheckRequest       Check = "request"        // body, parameter or header is missing, too long or not what it must be
	CheckMethod        Check = "method"         // the path exists, the method does not
	CheckPath          Check = "path"           // there is no such operation
	CheckThrottled     Check = "throttled"      // too many calls from one network
	CheckOutstanding   Check = "outstanding"    // too many unanswered device codes of one network
	CheckMetadata      Check = "metadata"       // client registration: name, type or grant type
	CheckRedirect      Check = "redirect-uri"   // a redirect URI that is not loopback http, or not the registered one (RFC 8252 7.3)
	CheckStartURL      Check = "start-url"      // startUrl or issuerUrl is not one of this portal's
	CheckClient        Check = "client"         // client id and secret are unknown, altered or expired
	CheckClientEpoch   Check = "client-epoch"   // the registration is older than the last recall of all
	CheckClientDenied  Check = "client-denied"  // the registration is on the deny list
	CheckClientGrant   Check = "client-grant"   // the client did not register for this grant
	CheckGrantType     Check = "grant-type"     // no such grant type (RFC 6749 5.2)
	CheckScope         Check = "scope"          // no such scope
	CheckPending       Check = "pending"        // nobody has approved the device code yet (RFC 8628 3.5)
	CheckSlowDown      Check = "slow-down"      // polling much faster than the interval (RFC 8628 3.5)
	CheckDenied        Check = "denied"         // the person refused (RFC 8628 3.5)
	CheckExpired       Check = "expired"        // the device code is too old (RFC 8628 3.5)
	CheckCode          Check = "code"           // unknown, expired or foreign device or authorization code
	CheckCodeReused    Check = "code-reused"    // a code was presented again; its tokens are revoked (RFC 6749 4.1.2)
	CheckVerifier      Check = "code-verifier"  // the PKCE verifier does not match (RFC 7636 4.6)
	CheckRefresh       Check = "refresh-token"  // unknown or expired refresh token, or another client's
	CheckRefreshReused Check = "refresh-reused" // an old refresh token was presented; its family is revoked (RFC 9700 4.14.2)
	CheckToken         Check = "access-token"   // unknown, expired or revoked access token
	CheckSession       Check = "session"        // the session behind the token has ended, or its person is disabled
	CheckFlow          Check = "flow"           // policy does not allow this way of signing in
	CheckNetwork       Check = "network"        // device and browser are on different networks and policy wants one
	CheckUnsolicited   Check = "unsolicited"    // the browser session began by an unsolicited Response and may not approve
	CheckFresh         Check = "fresh-mfa"      // approving from another network needs a fresh second factor
	CheckUserCode      Check = "user-code"      // no such user code, or it is answered or expired
	CheckGuesses       Check = "user-code-cap"  // too many wrong user codes
	CheckShown         Check = "shown"          // the session answers a device whose facts it was not shown
	CheckRole          Check = "role"           // the person may not use this role
	CheckDeviceRole    Check = "role-flow"      // this role may not be used by device code
	CheckStrength      Check = "strength"       // the role needs a stronger or more recent sign-in
	CheckExchange      Check = "exchange"       // the exchange at STS was refused
	CheckUnavailable   Check = "unavailable"    // a store or STS cannot answer now
	CheckInternal      Check = "internal"       // anything else; nothing was handed out
)

// Error is a refusal. Error is for logs; Public is what the client is told.
type Error struct {
	Check  Check
	Public string
	Err    error
}

// Error says what refused and why, for logs.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("awssso: %s: %v", e.Check, e.Err)
	}
	return fmt.Sprintf("awssso: %s: %s", e.Check, e.Public)
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

func refuse(check Check, format string, args ...any) *Error {
	return &Error{Check: check, Public: fmt.Sprintf(format, args...)}
}

// code is what a refusal is on the wire: AWS's exception name, the OAuth error
// and the HTTP status.
type code struct {
	name   string
	oauth  string
	status int
}

// oidcCodes are the answers of the OIDC operations.
var oidcCodes = map[Check]code{
	CheckRequest:       {"InvalidRequestException", "invalid_request", 400},
	CheckMethod:        {"InvalidRequestException", "invalid_request", 405},
	CheckPath:          {"UnknownOperationException", "invalid_request", 404},
	CheckThrottled:     {"SlowDownException", "slow_down", 400},
	CheckOutstanding:   {"SlowDownException", "slow_down", 400},
	CheckMetadata:      {"InvalidClientMetadataException", "invalid_client_metadata", 400},
	CheckRedirect:      {"InvalidRedirectUriException", "invalid_redirect_uri", 400},
	CheckStartURL:      {"InvalidRequestException", "invalid_request", 400},
	CheckClient:        {"InvalidClientException", "invalid_client", 401},
	CheckClientEpoch:   {"InvalidClientException", "invalid_client", 401},
	CheckClientDenied:  {"InvalidClientException", "invalid_client", 401},
	CheckClientGrant:   {"UnauthorizedClientException", "unauthorized_client", 400},
	CheckGrantType:     {"UnsupportedGrantTypeException", "unsupported_grant_type", 400},
	CheckScope:         {"InvalidScopeException", "invalid_scope", 400},
	CheckPending:       {"AuthorizationPendingException", "authorization_pending", 400},
	CheckSlowDown:      {"SlowDownException", "slow_down", 400},
	CheckDenied:        {"AccessDeniedException", "access_denied", 400},
	CheckExpired:       {"ExpiredTokenException", "expired_token", 400},
	CheckCode:          {"InvalidGrantException", "invalid_grant", 400},
	CheckCodeReused:    {"InvalidGrantException", "invalid_grant", 400},
	CheckVerifier:      {"InvalidGrantException", "invalid_grant", 400},
	CheckRefresh:       {"InvalidGrantException", "invalid_grant", 400},
	CheckRefreshReused: {"InvalidGrantException", "invalid_grant", 400},
	CheckSession:       {"InvalidGrantException", "invalid_grant", 400},
	CheckFlow:          {"AccessDeniedException", "access_denied", 400},
	CheckUnavailable:   {"InternalServerException", "temporarily_unavailable", 503},
}

// portalCodes are the answers of the portal operations.
var portalCodes = map[Check]code{
	CheckRequest:     {"InvalidRequestException", "invalid_request", 400},
	CheckMethod:      {"InvalidRequestException", "invalid_request", 405},
	CheckThrottled:   {"TooManyRequestsException", "slow_down", 429},
	CheckToken:       {"UnauthorizedException", "invalid_token", 401},
	CheckSession:     {"UnauthorizedException", "invalid_token", 401},
	CheckFlow:        {"UnauthorizedException", "invalid_token", 401},
	CheckStrength:    {"UnauthorizedException", "insufficient_user_authentication", 401},
	CheckRole:        {"ForbiddenException", "access_denied", 403},
	CheckDeviceRole:  {"ForbiddenException", "access_denied", 403},
	CheckExchange:    {"InvalidRequestException", "invalid_request", 400},
	CheckUnavailable: {"ServiceUnavailableException", "temporarily_unavailable", 503},
}

var internalCode = code{"InternalServerException", "server_error", 500}

// asError turns anything into a refusal: a busy database is "unavailable", what
// nobody foresaw is "internal" and says nothing to the client.
func asError(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, ErrNoSession):
		return &Error{Check: CheckSession, Public: publicToken, Err: err}
	case sqltx.IsBusy(err):
		return &Error{Check: CheckUnavailable, Public: "The portal is busy. Try again in a moment.", Err: err}
	default:
		return &Error{Check: CheckInternal, Public: "The portal could not answer. Nothing was changed.", Err: err}
	}
}

// pageStatus is the status of a page that refuses.
func pageStatus(check Check) int {
	switch check {
	case CheckThrottled, CheckGuesses:
		return http.StatusTooManyRequests
	case CheckUnavailable:
		return http.StatusServiceUnavailable
	case CheckInternal:
		return http.StatusInternalServerError
	case CheckFlow, CheckNetwork, CheckUnsolicited, CheckFresh, CheckShown:
		return http.StatusForbidden
	case CheckMethod:
		return http.StatusMethodNotAllowed
	case CheckPath:
		return http.StatusNotFound
	default:
		return http.StatusBadRequest
	}
}

// publicToken is AWS's own text.
const publicToken = "Session token not found or invalid"
