// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package portal is the access portal: people sign in, pass MFA, see the AWS
// accounts, roles and applications that they may use, and get there; the AWS
// CLI and SDKs sign in to it as they do to AWS IAM Identity Center.
//
// Start with [New] and [Config]. A [Portal] is a plain http.Handler that mounts
// at its base URL; it owns no listener. [Portal.Run] does periodic work and is
// optional. Its state is in the stores (portal/sqlstore opens them all on one
// database), so any replica serves any request.
//
// The portal is two SAML identity providers, one for AWS and one for
// applications, each with its own entity ID, metadata and key, and a service
// provider for external identity sources. portaltest starts a whole one in a
// test; examples/portal is the program to copy.
package portal

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/httpx"
	"github.com/gatehouse-id/gatehouse/internal/seal"
	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/admin"
	"github.com/gatehouse-id/gatehouse/portal/app"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/session"
	"github.com/gatehouse-id/gatehouse/portal/signin"
	"github.com/gatehouse-id/gatehouse/portal/ui"
	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/scim"
)

// Store is the portal's own state. sqlstore.Store implements it.
type Store interface {
	directory.Store
	session.Store
	session.NoticeStore
	session.ClockStore
	access.Store
	app.Store
	audit.Store
	signin.Store
	awssso.AccountPager
	// Ready checks that the database answers.
	Ready(ctx context.Context) error
}

// SigningKey is a key of one of the identity providers. Signer may be a KMS or
// an HSM.
type SigningKey struct {
	Signer      crypto.Signer
	Certificate *x509.Certificate
}

// Keys are the portal's secrets. None of them is in the database.
type Keys struct {
	// Primary names the one of Secrets that seals; the others still open.
	Primary string
	// Secrets are AES-256 keys of 32 bytes by id. The first by id keys the
	// persistent NameIDs of applications besides: give new keys ids that sort
	// behind it, and keep it.
	Secrets map[string][]byte
	// AWS and Apps are the signing keys of the two identity providers. The
	// first signs, all are published, so that a key rolls over with an overlap.
	// The two lists must not share a key.
	AWS, Apps []SigningKey
	// SP signs requests to external identity sources. Default none: requests
	// are not signed, and there is no single logout with them.
	SP []SigningKey
}

// SAMLStore keeps the requests, replays and logouts of the portal's SAML
// roles. samlsql implements it.
type SAMLStore interface {
	saml.Store
	saml.ParticipantStore
}

// Config is what a portal is made of. Fields are required unless their comment
// gives a default.
type Config struct {
	// BaseURL is where the portal is reached: https, or http on a loopback
	// host. A path makes it mount under a prefix. Every absolute URL, cookie and
	// WebAuthn origin comes from it, never from a request.
	BaseURL string
	// Brand is the organisation's name on every page. Default "Gatehouse".
	Brand string
	// Store keeps the portal's state; MFA, SAML and SSO that of the leaves, in
	// the same database, so that they commit together.
	Store Store
	MFA   mfa.Store
	SAML  SAMLStore
	SSO   awssso.Store
	SCIM  TokenStore
	// Keys are the secrets and signing keys.
	Keys Keys
	// Exchange gets role credentials for an assertion, from AWS STS. Default
	// none: people get the console, but no access keys and no CLI.
	Exchange access.Exchange
	// Denier ends role sessions that AWS has already issued, when an
	// administrator asks for it after revoking a person. Default none: the
	// policy is shown only.
	Denier access.Denier
	// STSEndpoint is where the credentials of this portal work, for clients that
	// configure themselves. Default none, which is AWS; only a sample has one.
	STSEndpoint string
	// MFAPolicy is asked after the first factor. Default: everybody needs a
	// factor always, and enrols the first one with a ticket. Administrators
	// without a factor are blocked, whatever it says.
	MFAPolicy *mfa.PolicyConfig
	// Tags are the attributes for access control. Default none.
	Tags []access.Tag
	// Region is the region that clients are told to configure. Default
	// us-east-1.
	Region string
	// StartURLs are more start URLs that the AWS CLI may name, besides the
	// portal's own: aliases that the organisation owns in AWS.
	StartURLs []string
	// HeadAlias is one of StartURLs that a HEAD of the portal's start URL
	// redirects to (AWS CLI 2.35.13 and later). Default none.
	HeadAlias string
	// DevicePolicy limits sign-in by device code. Default on.
	DevicePolicy awssso.Policy
	// SessionAbsolute and SessionIdle bound browser sessions. Default 8 h and 1 h.
	SessionAbsolute, SessionIdle time.Duration
	// AuditRetention is for how long events are kept: a day at least. Default
	// 400 days; KeepAudit keeps them for ever.
	AuditRetention time.Duration
	// TrustedProxies are the peers whose X-Forwarded-For counts. Default none.
	TrustedProxies []netip.Prefix
	// AlternateHosts are more Host values that programs may use; pages there
	// redirect to BaseURL. Default none.
	AlternateHosts []string
	// RefuseForwarded refuses requests that a proxy passed on: for samples.
	RefuseForwarded bool
	// PasswordHashes bounds password hashes at once; each takes 19 MiB.
	// Default one a processor.
	PasswordHashes int
	// Log gets everything. Default: discarded.
	Log *slog.Logger
	// Now is the clock. Default [time.Now].
	Now func() time.Time
}

// Paths below the base URL that programs use.
const (
	PathSCIM        = "/scim/v2"
	PathSSO         = "/aws"
	PathAWSMetadata = "/saml/aws/metadata"
	PathAppMetadata = "/saml/app/metadata"
	PathAppSSO      = "/saml/app/sso"
	PathAppSLO      = "/saml/app/slo"
	PathSPMetadata  = "/saml/sp/metadata/"
	PathACS         = "/saml/sp/acs/"
	PathACSFinish   = "/saml/sp/finish"
	PathHealth      = "/healthz"
	PathReady       = "/readyz"
	PathWellKnown   = "/.well-known/gatehouse"
)

// Portal is a running portal. It is safe for concurrent use.
type Portal struct {
	c            Config
	base         *url.URL
	prefix       string
	cookieSuffix string
	paths        ui.Paths
	log          *slog.Logger
	now          func() time.Time
	keys         *seal.Keyring
	origin       *http.CrossOriginProtection
	mux          *http.ServeMux

	ui       *ui.UI
	audit    *audit.Log
	dir      *directory.Directory
	sessions *session.Sessions
	access   *access.Access
	apps     *app.Apps
	awsIdP   *saml.IdentityProvider
	appIdP   *saml.IdentityProvider
	mfa      *mfa.Flow
	signin   *signin.Machine
	sso      *awssso.Server
	sources  *sources
	admin    *admin.Admin
	tokens   *scim.Tokens
}

// New checks the configuration whole and returns a portal.
func New(c Config) (*Portal, error) {
	p := &Portal{mux: http.NewServeMux(), origin: http.NewCrossOriginProtection()}
	if err := p.configure(c); err != nil {
		return nil, err
	}
	for _, build := range []func() error{
		p.buildDomain, p.buildMFA, p.buildSignIn, p.buildAccess, p.buildApps, p.buildSources, p.buildSSO, p.buildSCIM, p.buildAdmin,
	} {
		if err := build(); err != nil {
			return nil, fmt.Errorf("portal: %w", err)
		}
	}
	p.routeSignIn()
	p.routeEnrol()
	p.routeHome()
	p.routeConsole()
	p.routeSecurity()
	p.routeNotices()
	p.routeApps()
	p.routeSources()
	p.routeAdmin()
	p.routeHealth()
	return p, nil
}

func (p *Portal) configure(c Config) error {
	if c.Store == nil || c.MFA == nil || c.SAML == nil || c.SSO == nil || c.SCIM == nil {
		return errors.New("portal: Config needs Store, MFA, SAML, SSO and SCIM")
	}
	base, err := url.Parse(c.BaseURL)
	switch {
	case err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return fmt.Errorf("portal: BaseURL %q is not an absolute URL", c.BaseURL)
	case base.Scheme != "https" && (base.Scheme != "http" || !httpx.Loopback(base)):
		return fmt.Errorf("portal: BaseURL %q is not https, which only a loopback host may do without", c.BaseURL)
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	if c.Brand == "" {
		c.Brand = "Gatehouse"
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.AuditRetention == 0 {
		c.AuditRetention = 400 * 24 * time.Hour
	}
	if c.AuditRetention < 24*time.Hour {
		return errors.New("portal: AuditRetention is less than a day")
	}
	if len(c.Keys.AWS) == 0 || len(c.Keys.Apps) == 0 {
		return errors.New("portal: Keys needs signing keys for AWS and for applications")
	}
	if err := keysApart(c.Keys); err != nil {
		return err
	}
	p.keys, err = seal.NewKeyring(c.Keys.Primary, c.Keys.Secrets)
	if err != nil {
		return fmt.Errorf("portal: Keys: %w", err)
	}
	p.c, p.base, p.prefix, p.log, p.now = c, base, base.Path, c.Log, c.Now
	p.c.SAML = messages{c.SAML, c.Store.Epoch}
	p.paths = ui.NewPaths(p.prefix)
	if p.base.Scheme != "https" || p.prefix != "" {
		p.cookieSuffix = suffixOf(base.String())
	}
	p.ui, err = ui.New(ui.Config{Brand: c.Brand, BasePath: p.prefix, Now: c.Now, OnError: func(err error) { c.Log.Error("page not rendered", "error", err) }})
	return err
}

// keysApart makes sure that no key serves both identity providers: a Response
// for an application could otherwise be presented to AWS.
func keysApart(k Keys) error {
	for _, a := range slices.Concat(k.AWS, k.Apps, k.SP) {
		if a.Signer == nil || a.Certificate == nil {
			return errors.New("portal: a signing key lacks its Signer or Certificate")
		}
	}
	for _, a := range k.AWS {
		for _, b := range slices.Concat(k.Apps, k.SP) {
			if equal, ok := a.Signer.Public().(interface{ Equal(crypto.PublicKey) bool }); ok && equal.Equal(b.Signer.Public()) {
				return errors.New("portal: the AWS identity provider must not share a signing key")
			}
		}
	}
	return nil
}

// url is an absolute URL below the base.
func (p *Portal) url(path string) string { return strings.TrimSuffix(p.base.String(), "/") + path }

func (p *Portal) buildDomain() (err error) {
	p.audit = audit.New(p.c.Store, p.log, p.now)
	p.dir, err = directory.New(directory.Config{
		Store: p.c.Store, Record: p.audit.Record, Passwords: directory.NewPasswords(p.c.PasswordHashes), Now: p.now, OnDisabled: p.endEverything,
	})
	if err != nil {
		return err
	}
	p.sessions, err = session.New(session.Config{Store: p.c.Store, Now: p.now, Absolute: p.c.SessionAbsolute, Idle: p.c.SessionIdle})
	return err
}

// endEverything ends what a disabled or deleted person holds, in the
// transaction that disables.
func (p *Portal) endEverything(ctx context.Context, personID, reason string) error {
	if _, err := p.sessions.RevokeAll(ctx, personID, ""); err != nil {
		return err
	}
	if _, err := p.sso.RevokePerson(ctx, personID); err != nil {
		return err
	}
	if reason == "deleted" {
		return p.mfa.Forget(ctx, mfa.Subject{ID: personID})
	}
	return nil
}

// EndSessions ends every session, token and code of a person, in the transaction
// of ctx if there is one.
func (p *Portal) EndSessions(ctx context.Context, personID, reason string) error {
	return p.endEverything(ctx, personID, reason)
}

// endSession ends one session and what hangs on it.
func (p *Portal) endSession(ctx context.Context, personID, id, _ string) error {
	if err := p.sessions.Revoke(ctx, personID, id); err != nil {
		return err
	}
	_, err := p.sso.RevokeSession(ctx, personID, id)
	return err
}

func (p *Portal) routeHealth() {
	p.mux.HandleFunc("GET "+p.prefix+PathHealth, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n"))
	})
	p.mux.HandleFunc("GET "+p.prefix+PathReady, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		problem := ""
		if err := p.c.Store.Ready(r.Context()); err != nil {
			problem = "the database does not answer"
		} else if err := p.checkClock(r.Context()); err != nil {
			problem = "the clock is wrong"
			p.log.WarnContext(r.Context(), "not ready", "error", err)
		}
		if problem != "" {
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(problem + "\n"))
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	})
	p.mux.Handle("GET "+p.prefix+ui.PathStatic, http.StripPrefix(p.prefix, p.ui.Static()))
	p.mux.HandleFunc("GET "+p.prefix+PathWellKnown, func(w http.ResponseWriter, _ *http.Request) {
		out := map[string]any{
			"start_url": p.StartURL(), "region": p.c.Region,
			"sso_endpoint": p.url(PathSSO), "aws_metadata": p.url(PathAWSMetadata), "app_metadata": p.url(PathAppMetadata),
		}
		if p.c.STSEndpoint != "" {
			out["sts_endpoint"] = p.c.STSEndpoint
		}
		writeJSON(w, http.StatusOK, out)
	})
	p.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { p.fail(w, r, notFound()) })
}

// StartURL is the start URL for aws configure sso.
func (p *Portal) StartURL() string { return p.url(ui.PathStart) }

// Directory, Audit, MFA, SignIn and Access are the portal's parts, for programs
// that administer it: an import, a recovery command, a test.
func (p *Portal) Directory() *directory.Directory { return p.dir }

// Audit is the portal's event log.
func (p *Portal) Audit() *audit.Log { return p.audit }

// MFA is the portal's second-factor flow.
func (p *Portal) MFA() *mfa.Flow { return p.mfa }

// SignIn is the portal's sign-in.
func (p *Portal) SignIn() *signin.Machine { return p.signin }

// Access is who may use what.
func (p *Portal) Access() *access.Access { return p.access }

// Exchange is where role credentials come from, or nil.
func (p *Portal) Exchange() access.Exchange { return p.c.Exchange }

// BeginSession begins a session for a person whom the caller vouches for, and
// returns its cookie: for portaltest. It asks for nothing, so nothing that a
// stranger can reach may call it.
func (p *Portal) BeginSession(ctx context.Context, s *session.Session) (cookieName, value string, err error) {
	value, err = p.sessions.Begin(ctx, s)
	return p.cookieName(cookieSession), value, err
}
