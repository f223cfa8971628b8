// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/totp"
	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/app"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/sqlstore"
)

// Sample is DATA/sample.json: what a script needs to use the sample
// organisation. Its secrets are random per data folder.
type Sample struct {
	URL      string          `json:"url"`
	StartURL string          `json:"start_url"`
	Region   string          `json:"region"`
	SSO      SampleEndpoint  `json:"sso"`
	STS      SampleEndpoint  `json:"sts"`
	SCIM     SampleSCIM      `json:"scim"`
	Admin    SampleAdmin     `json:"admin"`
	People   []SamplePerson  `json:"people"`
	Accounts []SampleAccount `json:"accounts"`
}

// SampleEndpoint is where a client sends its requests.
type SampleEndpoint struct {
	Endpoint string `json:"endpoint"`
}

// SampleSCIM is the provisioning endpoint and a token for it.
type SampleSCIM struct {
	BaseURL string `json:"base_url"`
	Token   string `json:"token"`
}

// SampleAdmin is the administrator.
type SampleAdmin struct {
	Username   string `json:"username"`
	Password   string `json:"password"`
	TOTPSecret string `json:"totp_secret"`
}

// SamplePerson is somebody in the sample organisation.
type SamplePerson struct {
	Username        string   `json:"username"`
	Email           string   `json:"email"`
	Password        string   `json:"password"`
	TOTPSecret      string   `json:"totp_secret,omitempty"`
	EnrolmentTicket string   `json:"enrolment_ticket,omitempty"`
	Groups          []string `json:"groups"`
	Disabled        bool     `json:"disabled,omitempty"`
}

// SampleAccount is an AWS account of the sample organisation; none is real.
type SampleAccount struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Environment string `json:"environment"`
}

// The sample organisation. Its people are in one built-in source, which the
// SCIM token provisions; the administrator is in another, which no token can
// reach.
const (
	sampleLocal  = "local"
	samplePeople = "acorn"
	sampleBrand  = "Acorn Bikes"
)

var sampleAccounts = []access.Account{
	{ID: "210000000011", Name: "Shop", Environment: "prod"},
	{ID: "210000000012", Name: "Shop staging", Environment: "staging"},
	{ID: "210000000013", Name: "Shop dev", Environment: "dev"},
	{ID: "210000000021", Name: "Data", Environment: "prod"},
	{ID: "210000000022", Name: "Data staging", Environment: "staging"},
	{ID: "210000000023", Name: "Data dev", Environment: "dev"},
	{ID: "210000000031", Name: "Payments", Environment: "prod"},
	{ID: "210000000041", Name: "Sandbox", Environment: "dev"},
}

var sampleSets = []access.PermissionSet{
	{Name: "AdministratorAccess", Description: "Everything", SessionDuration: time.Hour, MFA: true},
	{Name: "PowerUserAccess", Description: "Everything but people and policies", SessionDuration: 4 * time.Hour},
	{Name: "ReadOnlyAccess", Description: "Look, don't touch", SessionDuration: 8 * time.Hour},
	{Name: "Billing", Description: "Invoices and budgets", SessionDuration: 2 * time.Hour},
}

type sampleMember struct {
	user, given, family string
	groups              []string
	totp, disabled      bool
}

var sampleMembers = []sampleMember{
	{user: "alice", given: "Alice", family: "Ash", groups: []string{"Engineering", "Operations"}, totp: true},
	{user: "bob", given: "Bob", family: "Birch", groups: []string{"Engineering"}, totp: true},
	{user: "carol", given: "Carol", family: "Cedar", groups: []string{"Engineering"}},
	{user: "dave", given: "Dave", family: "Dogwood", groups: []string{"Operations"}, totp: true, disabled: true},
	{user: "erin", given: "Erin", family: "Elm", groups: []string{"Finance"}, totp: true},
	{user: "frank", given: "Frank", family: "Fir", groups: []string{"Security"}, totp: true},
}

// sampleGrants are who gets which set where: a group, or a person in small.
var sampleGrants = []struct{ who, set, environment string }{
	{"Operations", "AdministratorAccess", ""},
	{"Engineering", "PowerUserAccess", "dev"},
	{"Engineering", "PowerUserAccess", "staging"},
	{"Engineering", "ReadOnlyAccess", "prod"},
	{"Finance", "Billing", "prod"},
	{"Security", "ReadOnlyAccess", ""},
	{"bob", "AdministratorAccess", "dev"},
}

// seed makes the sample organisation. It must run on an empty database; the
// whole directory is written in one transaction, and the people's factors
// after it through the same flow that they would use.
func seed(ctx context.Context, p *portal.Portal, store *sqlstore.Store, base string) (*Sample, error) {
	s := &seeder{p: p, store: store, ids: map[string]string{}, sample: &Sample{
		URL: base, StartURL: p.StartURL(), Region: "us-east-1",
		SSO: SampleEndpoint{base + portal.PathSSO}, SCIM: SampleSCIM{BaseURL: base + portal.PathSCIM},
	}}
	for _, step := range []func(context.Context) error{s.directory, s.accounts, s.apps, s.factors, s.token} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("sample organisation: %w", err)
		}
	}
	return s.sample, nil
}

type seeder struct {
	p      *portal.Portal
	store  *sqlstore.Store
	ids    map[string]string // user and group names to ids
	admin  string
	sample *Sample
}

// password is 100 random bits in groups that can be typed.
func password() string {
	t := strings.ToLower(rand.Text()[:20])
	return strings.Join([]string{t[:5], t[5:10], t[10:15], t[15:]}, "-")
}

func (s *seeder) directory(ctx context.Context) error {
	d := s.p.Directory()
	for _, src := range []directory.Source{
		{ID: sampleLocal, Kind: directory.BuiltIn, Name: "Administrators", Owner: directory.OwnerSample},
		{ID: samplePeople, Kind: directory.BuiltIn, Name: sampleBrand, Owner: directory.OwnerSample},
	} {
		if err := s.store.PutSource(ctx, &src); err != nil {
			return err
		}
	}
	s.sample.Admin = SampleAdmin{Username: "admin", Password: password()}
	admin := &directory.Person{SourceID: sampleLocal, UserName: "admin", DisplayName: "Ada Admin", Email: "admin@acorn.example", Active: true, Owner: directory.OwnerSample}
	if err := s.create(ctx, admin, s.sample.Admin.Password); err != nil {
		return err
	}
	s.admin = admin.ID
	if err := s.store.SetAdministrator(ctx, admin.ID, true); err != nil {
		return err
	}
	for _, name := range []string{"Engineering", "Operations", "Finance", "Security"} {
		g := &directory.Group{SourceID: samplePeople, DisplayName: name, Owner: directory.OwnerSample}
		if err := d.CreateGroup(ctx, "", g); err != nil {
			return err
		}
		s.ids[name] = g.ID
	}
	for _, m := range sampleMembers {
		person := SamplePerson{Username: m.user, Email: m.user + "@acorn.example", Password: password(), Groups: m.groups, Disabled: m.disabled}
		entry := &directory.Person{
			SourceID: samplePeople, UserName: m.user, DisplayName: m.given + " " + m.family, GivenName: m.given, FamilyName: m.family,
			Email: person.Email, Active: !m.disabled, Owner: directory.OwnerSample, Attributes: map[string]string{"department": m.groups[0]},
		}
		if err := s.create(ctx, entry, person.Password); err != nil {
			return err
		}
		s.ids[m.user] = entry.ID
		for _, g := range m.groups {
			if err := s.store.AddMembers(ctx, s.ids[g], []string{entry.ID}); err != nil {
				return err
			}
		}
		s.sample.People = append(s.sample.People, person)
	}
	return nil
}

func (s *seeder) create(ctx context.Context, person *directory.Person, password string) error {
	if err := s.p.Directory().CreatePerson(ctx, "", person); err != nil {
		return err
	}
	return s.p.Directory().SetPassword(ctx, "", person, password)
}

func (s *seeder) accounts(ctx context.Context) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		s.sample.Accounts = nil
		for _, a := range sampleAccounts {
			a.Email, a.Partition, a.Region, a.Owner = strings.ReplaceAll(strings.ToLower(a.Name), " ", "-")+"@acorn.example", "aws", "us-east-1", directory.OwnerSample
			a.ProviderARN = "arn:aws:iam::" + a.ID + ":saml-provider/gatehouse"
			if err := s.store.PutAccount(ctx, &a); err != nil {
				return err
			}
			s.sample.Accounts = append(s.sample.Accounts, SampleAccount{a.ID, a.Name, a.Environment})
		}
		for _, set := range sampleSets {
			set.ID, set.Owner = "ps-"+strings.ToLower(set.Name), directory.OwnerSample
			if err := s.store.PutPermissionSet(ctx, &set); err != nil {
				return err
			}
		}
		for _, g := range sampleGrants {
			for _, a := range sampleAccounts {
				if g.environment != "" && g.environment != a.Environment {
					continue
				}
				x := &access.Assignment{
					ID: directory.NewID("a"), AccountID: a.ID, PermissionSetID: "ps-" + strings.ToLower(g.set),
					PrincipalKind: access.Group, PrincipalID: s.ids[g.who], Owner: directory.OwnerSample,
				}
				if g.who == strings.ToLower(g.who) {
					x.PrincipalKind = access.User
				}
				if err := s.store.PutAssignment(ctx, x); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// apps registers two applications: examples/sp with its defaults, and one that
// exists on paper.
func (s *seeder) apps(ctx context.Context) error {
	for _, a := range []struct {
		app app.App
		acs string
		who []string
	}{
		{app.App{Name: "Demo service", Description: "go run ./examples/sp", EntityID: "http://localhost:8082/metadata", IdPInitiated: true}, "http://localhost:8082/acs", []string{"Engineering"}},
		{app.App{Name: "Wiki", Description: "What everybody knows", EntityID: "https://wiki.acorn.example/saml", IdPInitiated: true}, "https://wiki.acorn.example/saml/acs", []string{"Engineering", "Finance"}},
	} {
		a.app.Owner = directory.OwnerSample
		a.app.Attributes = []app.Attribute{{Name: "email", From: "email"}, {Name: "displayName", From: "displayName"}, {Name: "groups", From: "groups"}}
		registered, err := s.p.Apps().RegisterEndpoint(ctx, "", a.app, a.acs)
		if err != nil {
			return err
		}
		for _, who := range a.who {
			if err := s.store.PutAppAssignment(ctx, app.Assignment{AppID: registered.ID, PrincipalID: s.ids[who], Owner: directory.OwnerSample}); err != nil {
				return err
			}
		}
	}
	return nil
}

// factors enrols TOTP for those who have it, as they would themselves, and
// issues a ticket for the first one who has not.
func (s *seeder) factors(ctx context.Context) error {
	secret, err := s.enrolTOTP(ctx, s.admin, "admin")
	if err != nil {
		return err
	}
	s.sample.Admin.TOTPSecret = secret
	for i := range s.sample.People {
		person := &s.sample.People[i]
		id := s.ids[person.Username]
		if sampleMembers[i].totp {
			if person.TOTPSecret, err = s.enrolTOTP(ctx, id, person.Username); err != nil {
				return err
			}
			continue
		}
		if person.EnrolmentTicket, err = s.p.MFA().IssueTicket(ctx, mfa.TicketInput{Subject: mfa.Subject{ID: id}, TTL: 30 * 24 * time.Hour}); err != nil {
			return err
		}
	}
	return nil
}

func (s *seeder) enrolTOTP(ctx context.Context, id, account string) (secret string, err error) {
	ticket, err := s.p.MFA().IssueTicket(ctx, mfa.TicketInput{Subject: mfa.Subject{ID: id}})
	if err != nil {
		return "", err
	}
	secret, _, err = enrolTOTP(ctx, s.p, id, account, ticket, rand.Text())
	return secret, err
}

// enrolTOTP adds an authenticator app on the person's behalf, through the flow
// that people go through themselves.
func enrolTOTP(ctx context.Context, p *portal.Portal, id, account, ticket, session string) (secret, uri string, err error) {
	ch, err := p.MFA().BeginEnrol(ctx, mfa.EnrolInput{
		Subject: mfa.Subject{ID: id}, Kind: mfa.KindTOTP, Account: account, DisplayName: account, Session: session, Ticket: ticket,
	})
	if err != nil {
		return "", "", err
	}
	var public struct {
		Secret string `json:"secret"`
		URI    string `json:"uri"`
	}
	if err := json.Unmarshal(ch.Public, &public); err != nil {
		return "", "", err
	}
	key, _, _, err := totp.ParseURI(public.URI)
	if err != nil {
		return "", "", err
	}
	// The code before this one: a code is spent by enrolling with it, and the
	// current one is left for the first sign-in.
	code, err := key.Code(time.Now().Add(-30 * time.Second))
	if err != nil {
		return "", "", err
	}
	_, err = p.MFA().FinishEnrol(ctx, ch.ID, mfa.EnrolAnswer{Session: session, Name: "Authenticator app", Data: []byte(code)}, nil)
	return public.Secret, public.URI, err
}

func (s *seeder) token(ctx context.Context) (err error) {
	s.sample.SCIM.Token, err = s.p.IssueSCIMToken(ctx, "", samplePeople, "Sample", 0)
	return err
}
