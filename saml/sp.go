// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// Connection is one customer's link to one identity provider. Values are not
// mutated; a change is a new Revision, and a login begun under another
// Revision is refused if its IdP or EntityID differ.
type Connection struct {
	// ID is unique in this program and never reused. Required.
	ID       string
	Revision string
	// EntityID is ours in this connection. Required.
	EntityID string
	// ACS is our assertion consumer service, by POST, and by GET for
	// artifacts. Connections may share
	// one. Required.
	ACS string
	// Finish is where the browser goes from the ACS, for
	// [ServiceProvider.Finish]; of the ACS's origin. Required.
	Finish string
	// SLO receives logout messages by Redirect and POST; "" offers none.
	SLO string
	// SLOSOAP receives back-channel LogoutRequests; "" offers none.
	SLOSOAP string
	// Artifact resolves the artifacts that stand for our AuthnRequests, by
	// SOAP; "" sends none. See [ServiceProvider.ArtifactResolution].
	Artifact string
	// IdP is the identity provider's metadata. Required.
	IdP    *Entity
	Policy Policy
	// AllowIdPInitiated accepts Responses that answer no request. It permits
	// login CSRF: see Assertion.Unsolicited.
	AllowIdPInitiated bool
}

// Policy is what a connection insists on. The zero value is the strict
// default.
type Policy struct {
	// SignRequests signs AuthnRequests; so does the IdP's
	// WantAuthnRequestsSigned. Logout messages are always signed.
	SignRequests bool
	// RequireSignedAssertion wants the Assertion itself signed even if the
	// Response is; published as WantAssertionsSigned.
	RequireSignedAssertion bool
	// RequireEncryption refuses assertions in clear.
	RequireEncryption bool
	// NoEncryptionKey publishes no encryption key for the connection.
	NoEncryptionKey bool
	// RefuseCBC refuses AES-CBC. Without it AES-CBC is accepted where a
	// signature covers it or a request was outstanding, and at most 8
	// decryptions with its content key failed within 15 minutes: peers older
	// than XML Encryption 1.1 know nothing else.
	RefuseCBC bool
	// AllowTripleDES accepts 3DES-CBC under the same conditions.
	AllowTripleDES bool
	// RefuseExpiredCertificates refuses signing certificates past their
	// NotAfter. SAML practice trusts a key for as long as metadata lists it.
	RefuseExpiredCertificates bool
	// InsecureAllowSHA1 accepts RSA-SHA1 signatures from this IdP. It MUST
	// stay false unless the IdP cannot be changed: forging one costs a
	// chosen-prefix collision.
	InsecureAllowSHA1 bool
	// NameIDFormats, if any, are the only ones accepted.
	NameIDFormats []string
	// ExtraAudiences are accepted beside EntityID.
	ExtraAudiences []string
	// MaxAuthnAge refuses authentications older than this; 0 has no limit.
	MaxAuthnAge time.Duration
}

// Connections finds connections. Disabled ones are not found, also where a
// login has already begun.
type Connections interface {
	// Connection returns the connection with the ID, or ErrNotFound.
	Connection(ctx context.Context, id string) (*Connection, error)
	// ConnectionsByIssuer returns the connections of the IdP whose ACS, SLO,
	// SLOSOAP or Artifact is the endpoint, which is where an unsolicited
	// Response, a LogoutRequest or a question for an artifact arrived and not
	// what it says; none is no error. It may return more than that: others are passed over.
	// Two that fit an unsolicited Response refuse it.
	ConnectionsByIssuer(ctx context.Context, endpoint, issuer string) ([]*Connection, error)
}

// ConnectionList is a fixed list of connections.
type ConnectionList []*Connection

// Connection returns the connection with the ID.
func (l ConnectionList) Connection(_ context.Context, id string) (*Connection, error) {
	for _, c := range l {
		if c.ID == id {
			return c, nil
		}
	}
	return nil, ErrNotFound
}

// ConnectionsByIssuer returns all connections of the IdP with the endpoint.
func (l ConnectionList) ConnectionsByIssuer(_ context.Context, endpoint, issuer string) ([]*Connection, error) {
	var out []*Connection
	for _, c := range l {
		if c.IdP.EntityID == issuer && slices.Contains([]string{c.ACS, c.SLO, c.SLOSOAP, c.Artifact}, endpoint) {
			out = append(out, c)
		}
	}
	return out, nil
}

// SPConfig says what all connections share.
type SPConfig struct {
	// Connections are the customers. Required.
	Connections Connections
	// Store keeps requests, tickets and replays. Required.
	Store Store
	// Keys sign with the first and publish all. Required for signed requests,
	// artifacts and logout.
	Keys []KeyPair
	// DecryptionKeys are tried in turn; the first is published. None accepts
	// assertions in clear only.
	DecryptionKeys []DecryptionKey
	// CookiePath is the path of the cookie that binds a login to its
	// browser: a prefix of every Finish. "" is "/".
	CookiePath string
	// Skew is how far clocks may differ; 0 is 90 s, at most 3 minutes.
	Skew time.Duration
	// RequestLifetime is how long a login may take; 0 is 15 minutes.
	RequestLifetime time.Duration
	// TicketLifetime is the time from the ACS to Finish; 0 is 60 s.
	TicketLifetime time.Duration
	// MaxAssertionAge bounds the time since a Response's IssueInstant;
	// 0 is 10 minutes.
	MaxAssertionAge time.Duration
	// MetadataLifetime sets validUntil in our metadata; 0 is 14 days.
	MetadataLifetime time.Duration
	// Organization, Contacts, UI, Attributes and Services are published;
	// LoginOptions.AttributeService selects one of the Services.
	Organization *Organization
	Contacts     []Contact
	UI           *UIInfo
	Attributes   Attributes // mdattr:EntityAttributes
	Services     []AttributeService
	// Client resolves artifacts; nil is [NewClient] with its address check.
	Client *http.Client
	// MaxMessage bounds a message after base64; 0 is 1 MiB.
	MaxMessage int
	// OnEvent, if set, learns what was accepted and refused. It may be called
	// concurrently.
	OnEvent func(ctx context.Context, e Event)
	// OnError answers a request that was refused; nil is a plain page with
	// Error.Public.
	OnError func(w http.ResponseWriter, r *http.Request, err error)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// ServiceProvider signs people in by their identity providers. It is immutable
// and safe for concurrent use.
type ServiceProvider struct {
	cfg SPConfig
}

// LoginOptions is what to ask of the identity provider. The zero value asks
// for nothing in particular.
type LoginOptions struct {
	// Target comes back in Assertion.Target: where the person wanted to go.
	// It is kept in the store and never sent.
	Target string
	// Binding is BindingRedirect, BindingPOST or BindingArtifact; "" is what
	// the IdP offers of Redirect and POST, Redirect first.
	Binding string
	// ByArtifact asks for the Response as an artifact, which the ACS resolves
	// at the IdP's ArtifactResolutionService.
	ByArtifact bool
	// ForceAuthn asks for a fresh authentication, which is checked.
	ForceAuthn bool
	// IsPassive asks not to bother the person; expect StatusNoPassive.
	IsPassive bool
	// Context asks for authentication contexts. With exact comparison the
	// answer is checked, else Assertion.AuthnContext is for the caller.
	Context *RequestedContext
	// NameIDPolicy asks for a NameID; nil asks for none in particular.
	NameIDPolicy *NameIDPolicy
	// Subject hints who is expected, and the answer must be that NameID.
	Subject *NameID
	// AttributeService is an AttributeConsumingServiceIndex plus one; 0 sends
	// none.
	AttributeService int
	// ACSIndex, if set, is sent in place of the ACS URL: an index of the
	// metadata that the IdP holds, plus one.
	ACSIndex int
	// ProviderName is for the person to read.
	ProviderName string
	// Extensions is XML for samlp:Extensions: one or more elements, none in a
	// SAML namespace, with their namespaces declared.
	Extensions []byte
	// Scoping lists the entityIDs of acceptable IdPs behind a proxy.
	Scoping []string
}

// LogoutStart is a session that ends here and shall end at the IdP too. Its
// parts come from the session's Assertion, unchanged: identity providers
// compare the NameID with what they sent.
type LogoutStart struct {
	Connection     string
	Issuer         string
	NameID         NameID
	SessionIndexes []string
	// Target comes back in LogoutResult.Target.
	Target string
}

// LogoutNotice is an identity provider's word that sessions end. Only
// sessions whose Assertion had this Connection and Issuer may be ended.
type LogoutNotice struct {
	Connection string
	Issuer     string
	Subject    Subject
	// SessionIndexes are the sessions; none means all of the Subject.
	SessionIndexes []string
}

// LogoutResult is what came of a logout message.
type LogoutResult struct {
	// Reply goes back to the peer by the browser; nil when there is nothing
	// to send and the person is to see a page.
	Reply *Outgoing
	// SOAP is the reply's body by the back channel.
	SOAP []byte
	// Status is the outcome of a logout that began here.
	Status Status
	// Target is LogoutStart.Target.
	Target string
}

// Status is a Status element (Core 3.2.2.1).
type Status struct {
	Code    string // top-level
	SubCode string
	Message string // the peer's text: escape it, do not trust it
}

// OK reports whether the status is Success and not a partial logout.
func (s Status) OK() bool { return s.Code == StatusSuccess && s.SubCode != StatusPartialLogout }

// ServeHTTP sends what there is to send to the peer. It answers 204 when
// there is nothing, so look at Reply and SOAP first and show a page then.
func (l *LogoutResult) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case l.Reply != nil:
		l.Reply.ServeHTTP(w, r)
	case l.SOAP != nil:
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(l.SOAP) // the peer is gone if this fails
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}
