// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"net/http"
	"time"
)

// Signed says which parts of a Response carry a signature.
type Signed int

const (
	// SignBoth signs the Assertion and then the Response; every service
	// provider known to us takes that. The default.
	SignBoth Signed = iota
	// SignAssertion signs the Assertion only.
	SignAssertion
	// SignResponse signs the Response only.
	SignResponse
)

// Peer is a service provider as the identity provider knows it.
type Peer struct {
	// Entity is its metadata, with an SP role; the only source of places to
	// send to.
	Entity *Entity
	// RequireSignedRequests refuses unsigned AuthnRequests; so does the
	// peer's AuthnRequestsSigned.
	RequireSignedRequests bool
	// NoIdPInitiated refuses Responses that answer no request.
	NoIdPInitiated bool
	// Sign says what is signed; the Assertion is in any case if the metadata
	// has WantAssertionsSigned.
	Sign Signed
	// Release names the attributes that may go to it; others that Respond is
	// given are left out. nil releases all, an empty list none. What it asks
	// for, which is not what it may have, is in [Request.Requested].
	Release []string
	// NoEncryption sends assertions in clear although the metadata holds an
	// encryption key.
	NoEncryption bool
	// EncryptionAlgorithm is the block encryption algorithm's identifier; ""
	// is the best that metadata lists, or AES-256-GCM.
	EncryptionAlgorithm string
	// RefuseExpiredCertificates refuses signing certificates past their
	// NotAfter. SAML practice trusts a key for as long as metadata lists it.
	RefuseExpiredCertificates bool
	// InsecureAllowSHA1 accepts RSA-SHA1 signatures of this peer. It MUST stay
	// false unless the peer cannot be changed and its requests decide
	// nothing: SHA-1 collisions are affordable.
	InsecureAllowSHA1 bool
}

// Peers finds service providers. It returns ErrNotFound for an unknown or
// disabled one, also where a login has already begun.
type Peers interface {
	Peer(ctx context.Context, entityID string) (*Peer, error)
}

// PeerList is a fixed list of service providers.
type PeerList []*Peer

// Peer returns the peer with the entity ID.
func (l PeerList) Peer(_ context.Context, entityID string) (*Peer, error) {
	for _, p := range l {
		if p.Entity != nil && p.Entity.EntityID == entityID {
			return p, nil
		}
	}
	return nil, ErrNotFound
}

// IdPConfig says who the identity provider is. URLs are absolute, https or
// loopback http, and are what peers must write into Destination.
type IdPConfig struct {
	// EntityID is the name under which peers know it. Required.
	EntityID string
	// SSO receives AuthnRequests by Redirect and POST. Required.
	SSO string
	// SLO receives logout messages by Redirect and POST; "" offers no logout.
	SLO string
	// SLOSOAP receives back-channel LogoutRequests; "" offers none.
	SLOSOAP string
	// Artifact is the artifact resolution service, by SOAP. With it Responses
	// go by artifact to whom metadata or the request asks for that, and
	// AuthnRequests may come by artifact if Peers are [SourcePeers]: anybody
	// can then have this program ask a known service provider for a message.
	// "" offers neither.
	Artifact string
	// Keys sign with the first and publish all. Required.
	Keys []KeyPair
	// DecryptionKeys are tried in turn for the EncryptedIDs of LogoutRequests
	// and of signed AuthnRequests; the first is published. None accepts names in clear only.
	DecryptionKeys []DecryptionKey
	// Peers are the service providers. Required.
	Peers Peers
	// Store keeps parked requests, logout in progress and replays. Required.
	Store Store
	// Participants keeps who takes part in a session. Required with SLO.
	Participants ParticipantStore
	// WantAuthnRequestsSigned is published and enforced for every peer.
	WantAuthnRequestsSigned bool
	// NameIDFormats are published; none leaves the choice open.
	NameIDFormats []string
	// Skew is how far clocks may differ; 0 is 90 s, at most 3 minutes.
	Skew time.Duration
	// RequestLifetime is how long a parked AuthnRequest waits for its
	// sign-in, and how old one may be on arrival; 0 is 15 minutes.
	RequestLifetime time.Duration
	// AssertionLifetime bounds and is the default of ResponseParams.Lifetime;
	// 0 is 5 minutes.
	AssertionLifetime time.Duration
	// MetadataLifetime sets validUntil in our metadata; 0 is 14 days.
	MetadataLifetime time.Duration
	// Organization, Contacts, UI and Attributes are published.
	Organization *Organization
	Contacts     []Contact
	UI           *UIInfo
	Attributes   Attributes // mdattr:EntityAttributes
	// Client does back-channel logout and resolves artifacts; nil is [NewClient] with its address
	// check.
	Client *http.Client
	// MaxMessage bounds a message after base64 and inflation; 0 is 1 MiB.
	MaxMessage int
	// OnEvent, if set, learns what was signed and refused. It may be called
	// concurrently.
	OnEvent func(ctx context.Context, e Event)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// IdentityProvider issues assertions. It is immutable and safe for concurrent
// use.
type IdentityProvider struct {
	cfg IdPConfig
}

// RequestedContext is what an AuthnRequest says about how to authenticate
// (Core 3.3.2.2.1). ClassRefs are in order of preference.
type RequestedContext struct {
	ClassRefs []string
	// Comparison is exact, minimum, maximum or better; "" is exact. Only
	// exact can be checked without an order of classes.
	Comparison string
}

// NameIDPolicy is what an AuthnRequest says about the NameID (Core 3.4.1.1).
type NameIDPolicy struct {
	Format          string
	SPNameQualifier string
	AllowCreate     bool
}

// Request is a service provider's AuthnRequest after all checks. It comes
// from [IdentityProvider.ParseRequest] and [IdentityProvider.Resume] only.
type Request struct {
	ID           string
	SP           string // entityID
	Signed       bool   // the signature verified
	ForceAuthn   bool   // authenticate again, whatever session there is
	IsPassive    bool   // without asking the person; else StatusNoPassive
	Context      *RequestedContext
	NameIDPolicy *NameIDPolicy
	// Subject is whom the service provider expects; Fail if it is another.
	Subject *NameID
	// ProviderName is the service provider's claim.
	ProviderName string
	// AttributeService is the AttributeConsumingServiceIndex, or -1.
	AttributeService int
	IssueInstant     time.Time
	RelayState       string
	// ACS is where the Response will go: an endpoint of the metadata.
	ACS Endpoint

	handle string
}

// ResponseParams is what to tell a service provider. The application has
// decided that the person may use it.
type ResponseParams struct {
	// Request is what is answered; nil begins at the identity provider, and
	// then SP is required.
	Request *Request
	// SP is the entityID, without a Request.
	SP string
	// ACS selects one of the metadata's endpoints by its Location, without a
	// Request; "" is the default one.
	ACS string
	// RelayState goes along, without a Request.
	RelayState string

	// NameID names the person. An empty NameQualifier of a persistent one is
	// filled in with our entityID, SPNameQualifier with the SP's.
	NameID     NameID
	Attributes []Attribute
	// AuthnInstant is when the person authenticated. Required.
	AuthnInstant time.Time
	// AuthnContext is the AuthnContextClassRef; "" is unspecified.
	AuthnContext string
	// Session is the application's session ID: with single logout the service
	// provider becomes its participant. "" takes no part in logout.
	Session string
	// SessionNotOnOrAfter limits the service provider's session.
	SessionNotOnOrAfter time.Time
	// SessionIndex is random if "".
	SessionIndex string
	// Lifetime of the assertion, at most AssertionLifetime; 0 is that.
	Lifetime time.Duration
	// Audiences replace the SP's entityID.
	Audiences []string
}
