// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package awsssotest runs an [awssso.Server] with invented people and roles,
// for tests of clients and of the server itself.
//
// [New] starts it on loopback. [Portal.SignIn] gives a browser of a signed-in
// person, who approves with [Browser.ApproveDevice] and [Browser.Consent]. Nothing of it is
// of use outside of tests: its sessions are cookies that anybody can write.
package awsssotest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/seal"
	"github.com/gatehouse-id/gatehouse/portal/awssso"
)

// Options change what [New] makes. Zero fields mean the default.
type Options struct {
	// Store default: memory.
	Store awssso.Store
	// Keys default: one key.
	Keys *seal.Keyring
	// Configure is called on the configuration before it is used.
	Configure func(*awssso.Config)
	// Handler serves what is not the wire (below /aws) nor a page.
	Handler http.Handler
}

// Portal is a running server with its people.
type Portal struct {
	URL      string // of the portal; the wire is at URL + "/aws"
	SSO      *awssso.Server
	StartURL string
	Config   awssso.Config

	tb testing.TB

	mu       sync.Mutex
	handler  http.Handler
	offset   time.Duration
	sessions map[string]awssso.Session
	accounts map[string][]awssso.Account
	roles    map[string][]string // person|account
	issue    func(g awssso.Grant, account, role string) (awssso.Credentials, error)
	policy   awssso.Policy
	events   []awssso.Event
	refusals []awssso.Check
	issued   int
}

// Keyring returns a keyring with a key for each id, the first being primary.
// The keys are made from the ids.
func Keyring(ids ...string) *seal.Keyring {
	keys := map[string][]byte{}
	for _, id := range ids {
		sum := sha256.Sum256([]byte(id))
		keys[id] = sum[:]
	}
	k, err := seal.NewKeyring(ids[0], keys)
	if err != nil {
		panic(err)
	}
	return k
}

// New starts a portal, which stops with the test.
func New(tb testing.TB, o Options) *Portal {
	tb.Helper()
	p := &Portal{
		tb: tb, sessions: map[string]awssso.Session{}, accounts: map[string][]awssso.Account{}, roles: map[string][]string{},
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		h := p.handler
		p.mu.Unlock()
		h.ServeHTTP(w, r)
	}))
	tb.Cleanup(srv.Close)
	p.URL, p.StartURL = srv.URL, srv.URL+"/start"
	p.Restart(o)
	return p
}

// Restart replaces the server by a new one, as a process would that starts
// anew: what the store holds is all that remains.
func (p *Portal) Restart(o Options) {
	p.tb.Helper()
	if o.Store == nil {
		o.Store = awssso.NewMemoryStore(100_000)
	}
	if o.Keys == nil {
		o.Keys = Keyring("k1")
	}
	p.Config = awssso.Config{
		APIURL: p.URL + "/aws", PagesURL: p.URL, StartURLs: []string{p.StartURL}, Region: "eu-central-1",
		Store: o.Store, Sessions: p, Access: p, Keys: o.Keys,
		Browser: p.browser, SignIn: signIn("/signin"), StepUp: signIn("/stepup"), Render: render,
		ClientAddr: p.clientAddr, OnEvent: p.onEvent, OnError: p.onError, Now: p.Now,
		Policy: func(context.Context) (awssso.Policy, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.policy, nil
		},
	}
	if o.Configure != nil {
		o.Configure(&p.Config)
	}
	var err error
	if p.SSO, err = awssso.New(p.Config); err != nil {
		p.tb.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/aws/", http.StripPrefix("/aws", p.SSO.API()))
	mux.Handle("/device", p.SSO.Pages())
	mux.Handle("/device/", p.SSO.Pages())
	mux.Handle("/authorize", p.SSO.Pages())
	if o.Handler != nil {
		mux.Handle("/", o.Handler)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handler = mux
}

// Now is the portal's clock.
func (p *Portal) Now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Add(p.offset).UTC().Truncate(time.Microsecond)
}

// Advance moves the clock.
func (p *Portal) Advance(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.offset += d
}

// SetPolicy changes the organisation's policy.
func (p *Portal) SetPolicy(policy awssso.Policy) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.policy = policy
}

// SetRoles says what a person may use in an account; no roles takes the
// account away.
func (p *Portal) SetRoles(person string, account awssso.Account, roles ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.accounts[person] = slices.DeleteFunc(slices.Clone(p.accounts[person]), func(a awssso.Account) bool { return a.ID == account.ID })
	p.roles[person+"|"+account.ID] = roles
	if len(roles) > 0 {
		p.accounts[person] = append(p.accounts[person], account)
	}
}

// SetIssue replaces what hands out credentials of assigned roles.
func (p *Portal) SetIssue(fn func(g awssso.Grant, account, role string) (awssso.Credentials, error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.issue = fn
}

// Events are the events so far.
func (p *Portal) Events() []awssso.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.events)
}

// LastRefusal is the latest check that refused, "" if none did.
func (p *Portal) LastRefusal() awssso.Check {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.refusals) == 0 {
		return ""
	}
	return p.refusals[len(p.refusals)-1]
}

// PutSession adds or replaces a session; SignIn does so with defaults.
func (p *Portal) PutSession(s awssso.Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sessions[s.ID] = s
}

// EndSession ends a session, as signing out or disabling the person does.
func (p *Portal) EndSession(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sessions, id)
}

// Session implements [awssso.Sessions].
func (p *Portal) Session(_ context.Context, id string) (awssso.Session, error) {
	now := p.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	s, ok := p.sessions[id]
	if !ok || !now.Before(s.Expires) {
		return awssso.Session{}, awssso.ErrNoSession
	}
	return s, nil
}

// Accounts implements [awssso.Access].
func (p *Portal) Accounts(_ context.Context, personID string) ([]awssso.Account, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.accounts[personID]), nil
}

// Roles implements [awssso.Access].
func (p *Portal) Roles(_ context.Context, personID, accountID string) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.roles[personID+"|"+accountID]), nil
}

// Credentials implements [awssso.Access]. Its key ids cannot be AWS's.
func (p *Portal) Credentials(_ context.Context, g awssso.Grant, accountID, roleName string) (awssso.Credentials, error) {
	now := p.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.roles[g.Session.PersonID+"|"+accountID], roleName) {
		return awssso.Credentials{}, awssso.ErrNoAccess
	}
	if p.issue != nil {
		return p.issue(g, accountID, roleName)
	}
	p.issued++
	return awssso.Credentials{
		AccessKeyID: fmt.Sprintf("TESTKEY%s%04d", accountID, p.issued), SecretAccessKey: "test-secret-" + roleName,
		SessionToken: "test-session-" + g.Session.PersonID, Expiration: now.Add(time.Hour),
	}, nil
}

func (p *Portal) onEvent(_ context.Context, e awssso.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, e)
	return nil
}

func (p *Portal) onError(_ *http.Request, err *awssso.Error, _ string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusals = append(p.refusals, err.Check)
}

const cookie = "awsssotest"

func (p *Portal) browser(r *http.Request) (awssso.Session, error) {
	c, err := r.Cookie(cookie)
	if errors.Is(err, http.ErrNoCookie) {
		return awssso.Session{}, awssso.ErrNoSession
	}
	return p.Session(r.Context(), c.Value)
}

// addrHeader lets a test come from another address.
const addrHeader = "Test-Address"

func (p *Portal) clientAddr(r *http.Request) netip.Addr {
	if a, err := netip.ParseAddr(r.Header.Get(addrHeader)); err == nil {
		return a
	}
	ap, _ := netip.ParseAddrPort(r.RemoteAddr)
	return ap.Addr()
}

func signIn(to string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, r *http.Request, path string) {
		w.Header().Set("Test-Return", path)
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}

// render writes the page as JSON and names its type in a header.
func render(w http.ResponseWriter, _ *http.Request, status int, page any) {
	w.Header().Set("Test-Page", reflect.TypeOf(page).Name())
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(page)
}
