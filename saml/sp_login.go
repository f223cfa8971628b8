// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// login is what the store remembers of an AuthnRequest.
type login struct {
	id                    string // its key; not stored
	Connection, Revision  string
	IdP, EntityID, ACS    string
	RelayState            string // hashed
	Browser               string // hash of the cookie's value
	Cookie                string // its name
	Target                string
	IssuedAt              time.Time
	ForceAuthn, IsPassive bool
	Context               *RequestedContext
	NameIDPolicy          *NameIDPolicy
	Subject               *NameID
}

// NewServiceProvider checks the configuration whole and copies it.
func NewServiceProvider(cfg SPConfig) (*ServiceProvider, error) {
	if cfg.Connections == nil || cfg.Store == nil {
		return nil, refuse(CheckConfig, "Connections and Store are required")
	}
	cfg.Keys = slices.Clone(cfg.Keys)
	cfg.DecryptionKeys = slices.Clone(cfg.DecryptionKeys)
	for i, k := range cfg.Keys {
		if err := k.check(); err != nil {
			return nil, refuse(CheckConfig, "Keys[%d]: %w", i, err)
		}
	}
	for i, k := range cfg.DecryptionKeys {
		if err := k.check(); err != nil {
			return nil, refuse(CheckConfig, "DecryptionKeys[%d]: %w", i, err)
		}
	}
	if cfg.CookiePath == "" {
		cfg.CookiePath = "/"
	}
	if !strings.HasPrefix(cfg.CookiePath, "/") || strings.ContainsAny(cfg.CookiePath, "; \t\r\n") {
		return nil, refuse(CheckConfig, "CookiePath %q", cfg.CookiePath)
	}
	var err error
	if cfg.Skew, err = skew(cfg.Skew); err != nil {
		return nil, err
	}
	for _, d := range []struct {
		name string
		v    *time.Duration
		def  time.Duration
	}{
		{"RequestLifetime", &cfg.RequestLifetime, 15 * time.Minute},
		{"TicketLifetime", &cfg.TicketLifetime, time.Minute},
		{"MaxAssertionAge", &cfg.MaxAssertionAge, 10 * time.Minute},
		{"MetadataLifetime", &cfg.MetadataLifetime, 14 * 24 * time.Hour},
	} {
		if *d.v < 0 {
			return nil, refuse(CheckConfig, "%s is negative", d.name)
		}
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if cfg.MaxMessage <= 0 {
		cfg.MaxMessage = 1 << 20
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Client == nil {
		cfg.Client = NewClient()
	}
	if cfg.OnError == nil {
		cfg.OnError = plainError
	}
	return &ServiceProvider{cfg: cfg}, nil
}

func skew(d time.Duration) (time.Duration, error) {
	switch {
	case d == 0:
		return 90 * time.Second, nil
	case d < 0 || d > 3*time.Minute:
		return 0, refuse(CheckConfig, "Skew %v is not between 0 and 3 minutes", d)
	}
	return d, nil
}

func plainError(w http.ResponseWriter, _ *http.Request, err error) {
	text, code := publicMessage, http.StatusBadRequest
	var e *Error
	if errors.As(err, &e) {
		text = e.Public
		if e.Check == CheckStore || e.Check == CheckCommit {
			code = http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, text, code)
}

// connection finds and checks the connection.
func (s *ServiceProvider) connection(ctx context.Context, id string) (*Connection, error) {
	c, err := s.cfg.Connections.Connection(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return nil, refuse(CheckConnection, "no connection %q", id)
	}
	if err != nil {
		return nil, refuse(CheckStore, "connection %q: %w", id, err)
	}
	if c.ID != id {
		return nil, refuse(CheckConnection, "asked for connection %q, got %q", id, c.ID)
	}
	if err := c.check(s.cfg.Now()); err != nil {
		return nil, err
	}
	if u, err := url.Parse(c.Finish); err != nil || !underPath(u.Path, s.cfg.CookiePath) {
		e := refuse(CheckConfig, "Finish %q is not under CookiePath %q: the cookie of the login would not come", c.Finish, s.cfg.CookiePath)
		e.Connection = c.ID
		return nil, e
	}
	return c, nil
}

// underPath tells whether a cookie with the path goes to p (RFC 6265 5.1.4).
func underPath(p, cookie string) bool {
	rest, ok := strings.CutPrefix(p, cookie)
	return ok && (rest == "" || strings.HasSuffix(cookie, "/") || rest[0] == '/')
}

func (c *Connection) check(now time.Time) error {
	fail := func(check Check, format string, args ...any) error {
		e := refuse(check, format, args...)
		e.Connection = c.ID
		return e
	}
	if c.ID == "" || c.EntityID == "" || c.IdP == nil || c.IdP.EntityID == "" || c.IdP.IdP == nil {
		return fail(CheckConfig, "ID, EntityID and IdP with an IdP role are required")
	}
	if !c.IdP.ValidUntil.IsZero() && !now.Before(c.IdP.ValidUntil) {
		return fail(CheckExpired, "metadata of %q ended at %v", c.IdP.EntityID, c.IdP.ValidUntil)
	}
	for _, u := range []string{c.ACS, c.Finish} {
		if err := checkLocation(u); err != nil {
			return fail(CheckConfig, "%q: %w", u, err)
		}
	}
	a, _ := url.Parse(c.ACS)    // checked above
	f, _ := url.Parse(c.Finish) // checked above
	if a.Scheme != f.Scheme || a.Host != f.Host {
		return fail(CheckConfig, "Finish %q is of another origin than ACS %q", c.Finish, c.ACS)
	}
	if len(signing(c.IdP.IdP.Keys)) == 0 {
		return fail(CheckConfig, "metadata of %q has no signing key", c.IdP.EntityID)
	}
	return nil
}

// Login begins a login with the connection's identity provider. The cookie in
// the Outgoing must reach the browser with it.
func (s *ServiceProvider) Login(ctx context.Context, connection string, o LoginOptions) (*Outgoing, error) {
	c, err := s.connection(ctx, connection)
	if err != nil {
		return nil, err
	}
	if err := checkLogin(o); err != nil {
		return nil, err
	}
	bindings := []string{BindingRedirect, BindingPOST}
	if o.Binding != "" {
		bindings = []string{o.Binding}
	}
	sso, ok := pick(c.IdP.IdP.SSO, bindings...)
	if !ok {
		return nil, refuse(CheckBinding, "%q offers no SSO endpoint for %v", c.IdP.EntityID, bindings)
	}
	var key *KeyPair
	if c.Policy.SignRequests || c.IdP.IdP.WantAuthnRequestsSigned {
		if len(s.cfg.Keys) == 0 {
			return nil, refuse(CheckConfig, "requests to %q are to be signed and there is no key", c.IdP.EntityID)
		}
		key = &s.cfg.Keys[0]
	}
	now := s.cfg.Now()
	id, relay := newID(), randomToken()
	cookie, value := s.cookie(c, id)
	l := login{
		Connection: c.ID, Revision: c.Revision, IdP: c.IdP.EntityID, EntityID: c.EntityID, ACS: c.ACS,
		RelayState: hashToken("relay-state", relay), Browser: hashToken("browser", value), Cookie: cookie.Name,
		Target: o.Target, IssuedAt: now, ForceAuthn: o.ForceAuthn, IsPassive: o.IsPassive,
		Context: o.Context, NameIDPolicy: o.NameIDPolicy, Subject: o.Subject,
	}
	kv := []string{}
	if o.ACSIndex > 0 {
		kv = append(kv, "AssertionConsumerServiceIndex", strconv.Itoa(o.ACSIndex-1))
	} else {
		kv = append(kv, "AssertionConsumerServiceURL", c.ACS)
	}
	if o.AttributeService > 0 {
		kv = append(kv, "AttributeConsumingServiceIndex", strconv.Itoa(o.AttributeService-1))
	}
	kv = append(kv, "Destination", sso.Location, "ForceAuthn", boolAttr(o.ForceAuthn), "ID", id, "IsPassive", boolAttr(o.IsPassive),
		"IssueInstant", formatTime(now))
	if o.ACSIndex == 0 {
		binding := BindingPOST
		if o.ByArtifact {
			binding = BindingArtifact
		}
		kv = append(kv, "ProtocolBinding", binding)
	}
	kv = append(kv, "ProviderName", o.ProviderName, "Version", "2.0")
	w := requestHead("samlp:AuthnRequest", kv, c.EntityID)
	w.authnRequest(o)
	w.close("samlp:AuthnRequest")
	if w.err != nil {
		return nil, refuse(CheckConfig, "%w", w.err)
	}
	var out *Outgoing
	if sso.Binding == BindingArtifact {
		out, err = s.requestByArtifact(ctx, c, sso.Location, id, relay, w.b, key)
	} else {
		out, err = outgoing(sso, sso.Location, "SAMLRequest", id, relay, w.b, key)
	}
	if err != nil {
		return nil, err
	}
	out.Cookie = cookie
	end := now.Add(s.cfg.RequestLifetime)
	if o.ByArtifact {
		if len(c.IdP.IdP.Artifact) == 0 || len(s.cfg.Keys) == 0 {
			return nil, refuse(CheckConfig, "artifacts need a resolution service of %q and a signing key", c.IdP.EntityID)
		}
		if err := s.put(ctx, KindArtifact, hashToken("artifact", relay), c.ID, c.ID, end); err != nil {
			return nil, err
		}
	}
	if err := s.put(ctx, KindRequest, id, c.ID, l, end); err != nil {
		return nil, err
	}
	return out, nil
}

func checkLogin(o LoginOptions) error {
	if c := o.Context; c != nil {
		if len(c.ClassRefs) == 0 {
			return refuse(CheckConfig, "a RequestedAuthnContext without classes")
		}
		switch c.Comparison {
		case "", "exact", "minimum", "maximum", "better":
		default:
			return refuse(CheckConfig, "comparison %q", c.Comparison)
		}
	}
	if o.ForceAuthn && o.IsPassive {
		return refuse(CheckConfig, "ForceAuthn and IsPassive exclude each other in practice")
	}
	if len(o.Target) > 4096 {
		return refuse(CheckConfig, "a Target of %d bytes", len(o.Target))
	}
	if len(o.Extensions) > 0 {
		return checkExtensions(o.Extensions)
	}
	return nil
}

// cookie makes the cookie that binds a login to its browser. Each login has
// its own, so that logins in two tabs do not end each other. SameSite=Lax
// keeps it from the cross-site POST to the ACS and gives it to Finish.
func (s *ServiceProvider) cookie(c *Connection, id string) (*http.Cookie, string) {
	value := randomToken()
	name, secure := "saml-"+id[1:13], strings.HasPrefix(c.ACS, "https:")
	switch {
	case secure && s.cfg.CookiePath == "/":
		name = "__Host-" + name
	case secure:
		name = "__Secure-" + name
	}
	return &http.Cookie{
		Name: name, Value: value, Path: s.cfg.CookiePath, Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		MaxAge: int(s.cfg.RequestLifetime / time.Second),
	}, value
}

func (s *ServiceProvider) put(ctx context.Context, kind Kind, key, connection string, v any, expires time.Time) error {
	return putRecord(ctx, s.cfg.Store, s.cfg.Now(), kind, key, connection, v, expires)
}

func putRecord(ctx context.Context, st Store, now time.Time, kind Kind, key, connection string, v any, expires time.Time) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("saml: encode record: %w", err)
	}
	if err := st.Put(ctx, Record{Kind: kind, Key: key, Connection: connection, Data: data, Expires: expires}, now); err != nil {
		return refuse(CheckStore, "put %s: %w", kind, err)
	}
	return nil
}

// randomToken returns 256 random bits, 43 characters.
func randomToken() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// hashToken is how a token is kept: a hash of one purpose is never that of
// another.
func hashToken(purpose, token string) string {
	h := sha256.Sum256([]byte("gatehouse/saml/" + purpose + "/1|" + token))
	return base64.RawURLEncoding.EncodeToString(h[:])
}

// hashKey makes a store key of strings that may be long; the lengths keep
// them apart.
func hashKey(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(strconv.Itoa(len(p)))
		b.WriteByte(':')
		b.WriteString(p)
	}
	return hashToken("key", b.String())
}
