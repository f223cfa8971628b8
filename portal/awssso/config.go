// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/seal"
)

// Config is what a [Server] is made of. Fields without a default in their
// comment are required.
type Config struct {
	// APIURL is where [Server.API] is mounted, PagesURL where [Server.Pages]
	// is: absolute, https unless on loopback, without a trailing slash.
	APIURL   string
	PagesURL string
	// StartURLs are the start URLs that clients may name, the portal's own
	// first. An AWS-owned alias (aws-cli 2.35.13 and later insist on one) must
	// be an instance that the organisation owns: whoever owns it receives the
	// sign-ins of every client that ignores the endpoint settings.
	StartURLs []string
	// HeadAlias, if set, is one of StartURLs to which a HEAD request of the
	// portal's own start URL is redirected, see [Server.StartURL]. Default none.
	HeadAlias string
	// Region is the region that clients are told to configure.
	Region string

	Store    Store
	Sessions Sessions
	Access   Access
	// Keys sign client registrations and key the hashes of user codes. Keys
	// that are kept for reading keep old registrations alive.
	Keys *seal.Keyring

	// Browser returns the live session of this browser, or [ErrNoSession].
	Browser Browser
	// SignIn sends a browser to sign-in and back to path, an absolute path
	// with query, which it keeps on the server's side.
	SignIn func(w http.ResponseWriter, r *http.Request, path string)
	// StepUp has a signed-in person verify a second factor and come back to
	// path. Default SignIn.
	StepUp func(w http.ResponseWriter, r *http.Request, path string)
	// Render answers with a page: one of [EntryPage], [ApprovalPage],
	// [ConsentPage], [ReturnPage], [DonePage] and [RefusalPage], by value. It sets the
	// content security policy and no-store.
	Render func(w http.ResponseWriter, r *http.Request, status int, page any)
	// ClientAddr is the address of the client, proxies considered. Behind a
	// proxy that it takes for the client all networks look like one, and the
	// defences against links from elsewhere are gone.
	ClientAddr func(r *http.Request) netip.Addr

	// Policy returns the organisation's policy. Default: the zero [Policy].
	Policy func(ctx context.Context) (Policy, error)
	// OnEvent records an event. It is called within the transaction that has
	// the effect, so an error undoes it and the call fails; a refusal has a
	// transaction of its own. Default: events are dropped.
	OnEvent func(ctx context.Context, e Event) error
	// OnError is told every refusal and failure of a request, anonymous ones
	// included, with the id that the client was given. Default: nothing.
	OnError func(r *http.Request, err *Error, requestID string)
	// Now is the clock. Default [time.Now].
	Now func() time.Time

	// AccessLifetime is the life of an access token that can be refreshed.
	// Default one hour; clients refresh 15 minutes ahead.
	AccessLifetime time.Duration
	// LegacyLifetime is the life of an access token that cannot: a profile
	// without sso-session registers no scope. Default 8 hours.
	LegacyLifetime time.Duration
	// DeviceLifetime is the life of a device code. Default 10 minutes.
	DeviceLifetime time.Duration
	// RegistrationLifetime is the life of a client registration. Default 90
	// days.
	RegistrationLifetime time.Duration
	// FreshMFA is how recent a second factor must be to approve a device on
	// another network. Default 5 minutes.
	FreshMFA time.Duration
	// DevicesPerNetwork caps unanswered device codes of one network (an IPv4
	// address, an IPv6 /64). Default 100.
	DevicesPerNetwork int
	// WrongUserCodes caps a person's wrong user codes in DeviceLifetime.
	// Default 10.
	WrongUserCodes int
	// CallsPerMinute softly caps anonymous calls of one network that cost
	// something, per replica. Default 300.
	CallsPerMinute int
}

const (
	codeLifetime = time.Minute
	reuseWindow  = 20 * time.Second
	pollInterval = time.Second
)

// Server is the wire and its pages. It is immutable and safe for concurrent
// use; all state is in the store.
type Server struct {
	cfg    Config
	starts map[string]bool
	keys   keys
	calls  *limiter
	polls  *limiter
}

// New returns a server, or says what is missing or wrong in c.
func New(c Config) (*Server, error) {
	s := &Server{cfg: c, starts: map[string]bool{}}
	if err := s.checkURLs(); err != nil {
		return nil, err
	}
	for _, field := range []struct {
		name    string
		missing bool
	}{
		{"Region", c.Region == ""},
		{"Store", c.Store == nil},
		{"Sessions", c.Sessions == nil},
		{"Access", c.Access == nil},
		{"Keys", c.Keys == nil},
		{"Browser", c.Browser == nil},
		{"SignIn", c.SignIn == nil},
		{"Render", c.Render == nil},
		{"ClientAddr", c.ClientAddr == nil},
	} {
		if field.missing {
			return nil, fmt.Errorf("awssso: Config.%s is required", field.name)
		}
	}
	if c.AccessLifetime < 0 || c.LegacyLifetime < 0 || c.DeviceLifetime < 0 || c.RegistrationLifetime < 0 || c.FreshMFA < 0 ||
		c.DevicesPerNetwork < 0 || c.WrongUserCodes < 0 || c.CallsPerMinute < 0 {
		return nil, errors.New("awssso: Config has a negative duration or cap")
	}
	s.defaults()
	s.keys = newKeys(c.Keys)
	s.calls = newLimiter(4096, time.Minute/time.Duration(s.cfg.CallsPerMinute), s.cfg.CallsPerMinute)
	s.polls = newLimiter(4096, pollInterval, 5)
	return s, nil
}

func (s *Server) checkURLs() error {
	c := &s.cfg
	for name, p := range map[string]*string{"APIURL": &c.APIURL, "PagesURL": &c.PagesURL} {
		u, err := url.Parse(*p)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
			u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())) {
			return fmt.Errorf("awssso: Config.%s %q is not an absolute https URL (http on loopback only)", name, *p)
		}
		*p = strings.TrimRight(*p, "/")
	}
	if len(c.StartURLs) == 0 {
		return errors.New("awssso: Config.StartURLs is empty")
	}
	c.StartURLs = append([]string(nil), c.StartURLs...)
	for _, raw := range c.StartURLs {
		norm, ok := normalizeStartURL(raw)
		if !ok {
			return fmt.Errorf("awssso: start URL %q is not an absolute http or https URL", raw)
		}
		s.starts[norm] = true
	}
	if c.HeadAlias != "" {
		if norm, ok := normalizeStartURL(c.HeadAlias); !ok || !s.starts[norm] || !strings.HasPrefix(norm, "https://") {
			return fmt.Errorf("awssso: Config.HeadAlias %q is not an https URL of StartURLs", c.HeadAlias)
		}
	}
	return nil
}

func (s *Server) defaults() {
	c := &s.cfg
	if c.StepUp == nil {
		c.StepUp = c.SignIn
	}
	if c.Policy == nil {
		c.Policy = func(context.Context) (Policy, error) { return Policy{}, nil }
	}
	if c.OnEvent == nil {
		c.OnEvent = func(context.Context, Event) error { return nil }
	}
	if c.OnError == nil {
		c.OnError = func(*http.Request, *Error, string) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	for p, d := range map[*time.Duration]time.Duration{
		&c.AccessLifetime: time.Hour, &c.LegacyLifetime: 8 * time.Hour, &c.DeviceLifetime: 10 * time.Minute,
		&c.RegistrationLifetime: 90 * 24 * time.Hour, &c.FreshMFA: 5 * time.Minute,
	} {
		if *p == 0 {
			*p = d
		}
	}
	for p, n := range map[*int]int{&c.DevicesPerNetwork: 100, &c.WrongUserCodes: 10, &c.CallsPerMinute: 300} {
		if *p == 0 {
			*p = n
		}
	}
}

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
