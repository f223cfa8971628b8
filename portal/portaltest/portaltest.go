// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package portaltest starts a whole portal in one call, for tests of programs
// that embed or use one.
//
// [NewServer] serves a portal with a small organisation on a loopback port,
// over SQLite in a temporary folder, with the strict STS double beside it:
//
//	s := portaltest.NewServer(t)
//	client := s.SignedIn(t, "alice")
//	resp, err := client.Get(s.URL + "/")
//
// Keys are made once a process; a server is ready in milliseconds.
package portaltest

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gatehouse-id/gatehouse/internal/testkeys"
	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/mfasql"
	"github.com/gatehouse-id/gatehouse/mfa/totp"
	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/session"
	"github.com/gatehouse-id/gatehouse/portal/sqlstore"
	"github.com/gatehouse-id/gatehouse/saml/samlsql"
	"github.com/gatehouse-id/gatehouse/sts"
	"github.com/gatehouse-id/gatehouse/sts/ststest"
)

// The organisation: one built-in source "people" with alice (Engineering) and
// bob, one built-in source "local" with the administrator admin, two accounts
// with the permission set Developer, which Engineering has in both.
const (
	SourcePeople  = "people"
	SourceLocal   = "local"
	AccountDev    = "210000000001"
	AccountProd   = "210000000002"
	PermissionSet = "Developer"
	GroupName     = "Engineering"
)

// Server is a running portal.
type Server struct {
	URL    string // base URL, without a trailing slash
	STS    *ststest.Server
	Portal *portal.Portal
	Store  *sqlstore.Store
	People map[string]*directory.Person // by user name
	Group  *directory.Group

	http *httptest.Server
	now  func() time.Time
}

// Options change a server.
type Options struct {
	// Store is used instead of SQLite in a temporary folder: for PostgreSQL.
	Store *sqlstore.Store
	// Config may change the configuration before the portal is made.
	Config func(c *portal.Config)
	// Empty leaves the organisation out.
	Empty bool
}

// NewServer serves a portal with its organisation until the test ends.
func NewServer(tb testing.TB) *Server { return NewServerWith(tb, Options{}) }

// NewServerWith is [NewServer] with options.
func NewServerWith(tb testing.TB, o Options) *Server {
	tb.Helper()
	ctx := context.Background()
	s := &Server{People: map[string]*directory.Person{}, Store: o.Store, now: time.Now}
	if s.Store == nil {
		var err error
		if s.Store, err = sqlstore.Open(ctx, sqlstore.Config{Path: filepath.Join(tb.TempDir(), "portal.db")}); err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = s.Store.Close() })
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	s.URL = "http://localhost:" + port
	s.STS = ststest.NewServer(tb, ststest.Config{Skew: time.Second})
	c, err := Config(tb, s.Store, s.URL)
	if err != nil {
		tb.Fatal(err)
	}
	c.AlternateHosts = []string{"127.0.0.1:" + port}
	if c.Exchange, err = portal.NewSTS(portal.STSConfig{Base: sts.Config{AWS: aws.Config{Region: "us-east-1"}, Endpoint: s.STS.URL}, Regions: []string{"us-east-1"}}); err != nil {
		tb.Fatal(err)
	}
	if o.Config != nil {
		o.Config(&c)
	}
	if s.Portal, err = portal.New(c); err != nil {
		tb.Fatal(err)
	}
	if !o.Empty {
		s.organise(tb)
	}
	s.http = &httptest.Server{Listener: ln, Config: &http.Server{Handler: s.Portal, ReadHeaderTimeout: 10 * time.Second}}
	s.http.Start()
	tb.Cleanup(s.http.Close)
	return s
}

// Config is a portal's configuration over one database with throw-away keys.
func Config(tb testing.TB, store *sqlstore.Store, baseURL string) (portal.Config, error) {
	tb.Helper()
	factors, err := mfasql.New(store.DB())
	key := func(name string) []portal.SigningKey {
		p := testkeys.RSA(tb, name)
		return []portal.SigningKey{{Signer: p.Key, Certificate: p.Certificate}}
	}
	return portal.Config{
		BaseURL: baseURL, Brand: "Test", Store: store, MFA: factors, SAML: samlsql.New(store.DB()), SSO: sqlstore.NewSSOStore(store.DB()), SCIM: store,
		Keys: portal.Keys{Primary: "1", Secrets: map[string][]byte{"1": bytes.Repeat([]byte{7}, 32)}, AWS: key("aws"), Apps: key("apps"), SP: key("sp")},
		Log:  slog.New(slog.DiscardHandler),
	}, err
}

func (s *Server) organise(tb testing.TB) {
	tb.Helper()
	ctx := context.Background()
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		for _, id := range []string{SourceLocal, SourcePeople} {
			if err := s.Store.PutSource(ctx, &directory.Source{ID: id, Kind: directory.BuiltIn, Name: id, Owner: directory.OwnerAdmin}); err != nil {
				return err
			}
		}
		for name, source := range map[string]string{"admin": SourceLocal, "alice": SourcePeople, "bob": SourcePeople} {
			p := &directory.Person{SourceID: source, UserName: name, DisplayName: name, Email: name + "@example.test", Active: true, Owner: directory.OwnerSample}
			if err := s.Portal.Directory().CreatePerson(ctx, "", p); err != nil {
				return err
			}
			s.People[name] = p
		}
		if err := s.Store.SetAdministrator(ctx, s.People["admin"].ID, true); err != nil {
			return err
		}
		s.Group = &directory.Group{SourceID: SourcePeople, DisplayName: GroupName, Owner: directory.OwnerSample}
		if err := s.Portal.Directory().CreateGroup(ctx, "", s.Group); err != nil {
			return err
		}
		if err := s.Store.AddMembers(ctx, s.Group.ID, []string{s.People["alice"].ID}); err != nil {
			return err
		}
		return s.accounts(ctx)
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func (s *Server) accounts(ctx context.Context) error {
	set := access.PermissionSet{ID: "ps-developer", Name: PermissionSet, Owner: directory.OwnerAdmin}
	if err := s.Store.PutPermissionSet(ctx, &set); err != nil {
		return err
	}
	for id, environment := range map[string]string{AccountDev: "dev", AccountProd: "prod"} {
		a := access.Account{
			ID: id, Name: "Shop " + environment, Email: environment + "@example.test", Environment: environment, Partition: "aws", Region: "us-east-1",
			ProviderARN: "arn:aws:iam::" + id + ":saml-provider/gatehouse", Owner: directory.OwnerAdmin,
		}
		if err := s.Store.PutAccount(ctx, &a); err != nil {
			return err
		}
		x := access.Assignment{ID: "a-" + id, AccountID: id, PermissionSetID: set.ID, PrincipalKind: access.Group, PrincipalID: s.Group.ID, Owner: directory.OwnerAdmin}
		if err := s.Store.PutAssignment(ctx, &x); err != nil {
			return err
		}
		if err := s.STS.PutProvider(ststest.Provider{ARN: a.ProviderARN, Fetch: func(context.Context) ([]byte, error) { return s.Portal.AWSMetadata() }}); err != nil {
			return err
		}
		if err := s.STS.PutRole(ststest.Role{ARN: a.RoleARN(&set), Provider: a.ProviderARN}); err != nil {
			return err
		}
	}
	return nil
}

// Client returns a client with a cookie jar that follows no redirects.
func (s *Server) Client(tb testing.TB) *http.Client {
	tb.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// SignedIn returns a client that is signed in as the person, with a password
// and a second factor, without going through the sign-in.
func (s *Server) SignedIn(tb testing.TB, userName string) *http.Client {
	tb.Helper()
	return s.SignedInAt(tb, userName, s.now())
}

// SignedInAt is [Server.SignedIn] with proofs that were given at a time.
func (s *Server) SignedInAt(tb testing.TB, userName string, at time.Time) *http.Client {
	tb.Helper()
	person := s.People[userName]
	if person == nil {
		tb.Fatalf("portaltest: there is nobody called %q", userName)
	}
	now := at.UTC()
	evidence, err := json.Marshal([]mfa.Evidence{
		{Kind: mfa.KindPassword, At: now, AMR: []string{"pwd"}},
		{Kind: mfa.KindTOTP, At: now, Factor: true, AMR: []string{"otp"}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	name, value, err := s.Portal.BeginSession(context.Background(), &session.Session{
		PersonID: person.ID, SourceID: person.SourceID, Level: session.Full, AuthTime: now, MFATime: now, AMR: []string{"pwd", "otp", "mfa"}, Evidence: evidence,
	})
	if err != nil {
		tb.Fatal(err)
	}
	client := s.Client(tb)
	base, err := url.Parse(s.URL)
	if err != nil {
		tb.Fatal(err)
	}
	client.Jar.SetCookies(base, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
	return client
}

// Account is how somebody signs in.
type Account struct {
	UserName string
	Password string
	TOTP     totp.Key
}

// Enrol gives a person a password and an authenticator app.
func (s *Server) Enrol(tb testing.TB, userName string) Account {
	tb.Helper()
	ctx, person := context.Background(), s.People[userName]
	a := Account{UserName: userName, Password: "correct horse battery " + userName}
	if err := s.Portal.Directory().SetPassword(ctx, "", person, a.Password); err != nil {
		tb.Fatal(err)
	}
	ticket, err := s.Portal.MFA().IssueTicket(ctx, mfa.TicketInput{Subject: mfa.Subject{ID: person.ID}})
	if err != nil {
		tb.Fatal(err)
	}
	ch, err := s.Portal.MFA().BeginEnrol(ctx, mfa.EnrolInput{Subject: mfa.Subject{ID: person.ID}, Kind: mfa.KindTOTP, Account: userName, Session: "enrol", Ticket: ticket})
	if err != nil {
		tb.Fatal(err)
	}
	var public struct{ URI string }
	if err := json.Unmarshal(ch.Public, &public); err != nil {
		tb.Fatal(err)
	}
	if a.TOTP, _, _, err = totp.ParseURI(public.URI); err != nil {
		tb.Fatal(err)
	}
	code, err := a.TOTP.Code(s.now().Add(-30 * time.Second))
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := s.Portal.MFA().FinishEnrol(ctx, ch.ID, mfa.EnrolAnswer{Session: "enrol", Data: []byte(code)}, nil); err != nil {
		tb.Fatal(err)
	}
	return a
}
