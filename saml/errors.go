// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"errors"
	"fmt"
)

// Check names what refused. Each constant cites its section of the standard;
// "Core", "Bindings", "Profiles" and "Metadata" are the OASIS SAML 2.0
// documents of those names.
type Check string

// The checks, in about the order in which they happen.
const (
	// CheckInput: the HTTP request carries no SAML message, or more than one,
	// or one that is too large or not base64 (Bindings 3.4.4, 3.5.4).
	CheckInput Check = "input"
	// CheckDeflate: the message does not inflate within the limit
	// (Bindings 3.4.4.1).
	CheckDeflate Check = "deflate"
	// CheckXML: the message is not acceptable XML: not well-formed, a DOCTYPE,
	// a processing instruction, or beyond a limit.
	CheckXML Check = "xml"
	// CheckStructure: the XML is not the message that is expected here, or a
	// required part is missing, repeated or out of place (Core 2, 3).
	CheckStructure Check = "structure"
	// CheckVersion: Version is not 2.0 (Core 3.2.1).
	CheckVersion Check = "version"
	// CheckConnection: no connection, or more than one, fits the message.
	CheckConnection Check = "connection"
	// CheckPeer: the sender is not known here.
	CheckPeer Check = "peer"
	// CheckIssuer: the Issuer is not the expected entity (Core 2.2.5).
	CheckIssuer Check = "issuer"
	// CheckRequest: InResponseTo names no outstanding request
	// (Profiles 4.1.4.3).
	CheckRequest Check = "request"
	// CheckInResponseTo: InResponseTo of Response and SubjectConfirmationData
	// are not the request's ID (Profiles 4.1.4.2).
	CheckInResponseTo Check = "in-response-to"
	// CheckUnsolicited: the Response answers no request and the connection
	// does not allow that (Profiles 4.1.5).
	CheckUnsolicited Check = "unsolicited"
	// CheckBinding: the message came by a binding that is not allowed for it.
	CheckBinding Check = "binding"
	// CheckBrowser: the browser is not the one that began the login.
	CheckBrowser Check = "browser"
	// CheckTicket: the ticket is unknown, expired or used.
	CheckTicket Check = "ticket"
	// CheckSignature: a signature does not verify, or is not where it must be
	// (Core 5, XMLDSig).
	CheckSignature Check = "signature"
	// CheckUnsigned: a signature is required and there is none.
	CheckUnsigned Check = "unsigned"
	// CheckAlgorithm: a signature, digest or encryption algorithm is not
	// allowed.
	CheckAlgorithm Check = "algorithm"
	// CheckDecrypt: an encrypted part cannot be decrypted. What exactly
	// failed is not told.
	CheckDecrypt Check = "decrypt"
	// CheckDecryptPolicy: the encryption is not acceptable here: CBC without a
	// signature around it and without an outstanding request, or too many
	// failures with one content key.
	CheckDecryptPolicy Check = "decrypt-policy"
	// CheckDestination: Destination is not this endpoint (Core 3.2.2).
	CheckDestination Check = "destination"
	// CheckStatus: the peer answered with a status other than Success
	// (Core 3.2.2.2). The Error's Status holds it.
	CheckStatus Check = "status"
	// CheckIssueInstant: IssueInstant is missing, malformed, too old or in the
	// future.
	CheckIssueInstant Check = "issue-instant"
	// CheckSubject: no NameID or no usable bearer SubjectConfirmation
	// (Profiles 4.1.4.2).
	CheckSubject Check = "subject"
	// CheckRecipient: Recipient is not the assertion consumer service
	// (Profiles 4.1.4.2).
	CheckRecipient Check = "recipient"
	// CheckTime: outside of NotBefore and NotOnOrAfter (Core 2.5.1.2,
	// 2.4.1.2) or SessionNotOnOrAfter (Core 2.7.2).
	CheckTime Check = "time"
	// CheckAudience: an AudienceRestriction is missing or does not name us
	// (Core 2.5.1.4).
	CheckAudience Check = "audience"
	// CheckCondition: a condition that is not understood (Core 2.5.1).
	CheckCondition Check = "condition"
	// CheckAuthn: no AuthnStatement, or more than the session can hold
	// (Profiles 4.1.4.2).
	CheckAuthn Check = "authn"
	// CheckAuthnContext: the authentication context is not one of those that
	// were requested (Core 3.3.2.2.1).
	CheckAuthnContext Check = "authn-context"
	// CheckForceAuthn: a fresh authentication was requested and AuthnInstant
	// is older than the request (Core 3.4.1).
	CheckForceAuthn Check = "force-authn"
	// CheckNameIDPolicy: the NameID is not of the requested format
	// (Core 3.4.1.1).
	CheckNameIDPolicy Check = "name-id-policy"
	// CheckReplay: the assertion has been used (Profiles 4.1.4.5).
	CheckReplay Check = "replay"
	// CheckACS: the assertion consumer service is not one of the service
	// provider's metadata (Profiles 4.1.4.1).
	CheckACS Check = "acs"
	// CheckRelayState: RelayState is too long or not what was sent
	// (Bindings 3.4.3, 3.5.3).
	CheckRelayState Check = "relay-state"
	// CheckMetadata: metadata is not acceptable (Metadata 2).
	CheckMetadata Check = "metadata"
	// CheckExpired: metadata is past its validUntil (Metadata 2.3.2).
	CheckExpired Check = "expired"
	// CheckLocation: an endpoint is neither https nor loopback http.
	CheckLocation Check = "location"
	// CheckRefresh: refreshed metadata would add a key, a host, or weaken
	// a flag, which only an administrator may do.
	CheckRefresh Check = "refresh"
	// CheckFetch: metadata or a back-channel answer could not be fetched.
	CheckFetch Check = "fetch"
	// CheckLogout: the logout names no session here.
	CheckLogout Check = "logout"
	// CheckCommit: the application's commit function refused.
	CheckCommit Check = "commit"
	// CheckStore: a store failed; the attempt may be repeated from the start.
	CheckStore Check = "store"
	// CheckConfig: a Config is not usable, or a caller's parameters are not.
	CheckConfig Check = "config"
)

// Error is a refusal. Error() is for logs and may name what the peer sent;
// Public is for people and never tells why a signature or decryption failed.
type Error struct {
	Check  Check
	Public string
	Err    error
	// Connection is the connection's ID where one was chosen.
	Connection string
	// Status is what the peer answered, with CheckStatus.
	Status *Status
}

// Error is for logs.
func (e *Error) Error() string {
	s := "saml: " + string(e.Check)
	if e.Connection != "" {
		s += " (connection " + e.Connection + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CheckOf returns the check that refused, or "" if err is no refusal.
func CheckOf(err error) Check {
	var e *Error
	if errors.As(err, &e) {
		return e.Check
	}
	return ""
}

const (
	publicMessage = "The sign-in message could not be accepted. Start again from the application."
	publicAgain   = "This sign-in has ended or was already used. Start again."
	publicConfig  = "Single sign-on is not set up correctly. Ask your administrator."
	publicStore   = "Something went wrong on our side. Try again."
)

var publicTexts = map[Check]string{
	CheckRequest: publicAgain, CheckReplay: publicAgain, CheckTicket: publicAgain, CheckTime: publicAgain,
	CheckBrowser:    "This sign-in was begun in another browser. Start again in this one.",
	CheckStatus:     "Your identity provider did not sign you in.",
	CheckConnection: publicConfig, CheckPeer: publicConfig, CheckACS: publicConfig, CheckConfig: publicConfig,
	CheckMetadata: publicConfig, CheckExpired: publicConfig, CheckLocation: publicConfig, CheckRefresh: publicConfig,
	CheckUnsolicited: "Start the sign-in from this application, not from your identity provider.",
	CheckStore:       publicStore, CheckCommit: publicStore, CheckFetch: publicStore,
	CheckAuthnContext: "Your identity provider did not sign you in as strongly as needed.",
	CheckForceAuthn:   "Your identity provider did not ask you to sign in again.",
	CheckLogout:       "There is no such session to end.",
}

// of names the connection in a refusal that names none.
func (c *Connection) of(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Connection == "" {
		e.Connection = c.ID
	}
	return err
}

func refuse(c Check, format string, args ...any) *Error {
	public, ok := publicTexts[c]
	if !ok {
		public = publicMessage
	}
	return &Error{Check: c, Public: public, Err: fmt.Errorf(format, args...)}
}
