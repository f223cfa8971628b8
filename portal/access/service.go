// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/awsrole"
)

// Exchange turns an assertion into role credentials: AssumeRoleWithSAML.
type Exchange interface {
	AssumeRole(ctx context.Context, in ExchangeInput) (Credentials, error)
}

// ExchangeInput is one exchange.
type ExchangeInput struct {
	AccountID string
	Partition string
	Region    string
	Role      awsrole.RolePair
	Assertion string        // base64 of the whole Response
	Duration  time.Duration // what the permission set allows
}

// Credentials are temporary AWS credentials of a role.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time
}

// Signer is the AWS identity provider: the part of saml.IdentityProvider that
// this package uses.
type Signer interface {
	Respond(ctx context.Context, p saml.ResponseParams) (*saml.Outgoing, error)
}

// Config is what an [Access] stands on. Store, Signer and Record are required.
type Config struct {
	Store    Store
	Signer   Signer
	Record   func(ctx context.Context, e audit.Event) error // in the transaction of ctx
	Exchange Exchange                                       // nil: no access keys
	Tags     []Tag
	Now      func() time.Time
}

// Access answers who may use what, and signs for AWS. It is safe for
// concurrent use.
type Access struct{ c Config }

// New checks the configuration.
func New(c Config) (*Access, error) {
	if c.Store == nil || c.Signer == nil || c.Record == nil {
		return nil, errors.New("access: Store, Signer and Record are required")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if len(c.Tags) > awsrole.MaxTags {
		return nil, fmt.Errorf("access: more than %d tags", awsrole.MaxTags)
	}
	for _, t := range c.Tags {
		if err := t.Check(); err != nil {
			return nil, err
		}
	}
	return &Access{c: c}, nil
}

// MaxAssertionLife is how long an AWS assertion is good for.
const MaxAssertionLife = 5 * time.Minute

// Use is one wish to use a role. The caller has checked that the person is
// enabled and that the session is live.
type Use struct {
	Person      *directory.Person
	AccountID   string
	RoleName    string // the permission set's name
	Destination string // console URL; empty: the permission set's, or the console's home
	AuthTime    time.Time
	MFATime     time.Time // zero: no second factor in this session
	SessionEnds time.Time
	// Allow is asked of the assigned role before anything is signed; its error
	// refuses. Nil allows.
	Allow func(PermissionSet) error
}

// ErrNeedsMFA is returned for a permission set that asks for a second factor
// which the session does not have.
var ErrNeedsMFA = errors.New("access: the role needs a second factor in this session")

// Issued is a signed AWS Response.
type Issued struct {
	Outgoing    *saml.Outgoing
	Account     Account
	Set         PermissionSet
	Pair        awsrole.RolePair
	SessionName string // RoleSessionName
}

// Issue checks that the role is assigned and signs a Response for it: one Role
// pair, RoleSessionName, SessionDuration, and the tags of the attributes for
// access control. The event commits before anything is handed out.
func (a *Access) Issue(ctx context.Context, u Use) (*Issued, error) {
	found, err := a.ResolveAccount(ctx, u.Person.ID, u.AccountID)
	if err != nil {
		return nil, err
	}
	role, err := found.Role(u.RoleName)
	if err != nil {
		return nil, err
	}
	set := role.PermissionSet
	if u.Allow != nil {
		if err := u.Allow(set); err != nil {
			return nil, err
		}
	}
	if set.MFA && u.MFATime.IsZero() {
		return nil, ErrNeedsMFA
	}
	out := &Issued{Account: found.Account, Set: set}
	params, err := a.params(u, out)
	if err != nil {
		return nil, err
	}
	if out.Outgoing, err = a.c.Signer.Respond(withACS(ctx, params.ACS), params); err != nil {
		return nil, err
	}
	err = a.c.Store.InTx(ctx, func(ctx context.Context) error {
		return a.c.Record(ctx, audit.Event{
			Type: audit.Federate, Actor: u.Person.ID, Person: u.Person.ID, Source: u.Person.SourceID,
			Details: map[string]string{
				"account": out.Account.ID, "role": out.Pair.RoleARN, "session_name": out.SessionName, "assertion": out.Outgoing.AssertionID,
			},
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (a *Access) params(u Use, out *Issued) (saml.ResponseParams, error) {
	partition, err := awsrole.PartitionOf(out.Account.Partition)
	if err != nil {
		return saml.ResponseParams{}, err
	}
	if u.Destination == "" {
		u.Destination = out.Set.RelayState
	}
	if u.Destination == "" {
		if u.Destination, err = partition.ConsoleURL(out.Account.Region); err != nil {
			return saml.ResponseParams{}, err
		}
	}
	if err := partition.ValidateDestination(u.Destination); err != nil {
		return saml.ResponseParams{}, err
	}
	acs, err := out.Account.SignInEndpoint()
	if err != nil {
		return saml.ResponseParams{}, err
	}
	session, err := a.session(u.Person, out)
	if err != nil {
		return saml.ResponseParams{}, err
	}
	out.Pair, out.SessionName = session.Role, session.RoleSessionName
	attributes, err := session.Attributes()
	if err != nil {
		return saml.ResponseParams{}, err
	}
	params := saml.ResponseParams{
		SP: partition.Audience, ACS: acs, RelayState: u.Destination,
		NameID:       saml.NameID{Value: u.Person.ID, Format: saml.NameIDPersistent},
		AuthnInstant: u.AuthTime, AuthnContext: contextClass(u), SessionNotOnOrAfter: u.SessionEnds, Lifetime: MaxAssertionLife,
	}
	for _, at := range attributes {
		params.Attributes = append(params.Attributes, saml.Attribute{Name: at.Name, Format: saml.AttrURI, Values: at.Values})
	}
	return params, nil
}

func contextClass(u Use) string {
	if !u.MFATime.IsZero() {
		return saml.ContextREFEDSMFA
	}
	return saml.ContextPasswordProtected
}

// session is what AWS is told of the person. The session name is the user
// name where it fits, else the immutable id; nothing is ever substituted.
func (a *Access) session(p *directory.Person, out *Issued) (awsrole.Session, error) {
	name, err := SessionName(p)
	if err != nil {
		return awsrole.Session{}, err
	}
	s := awsrole.Session{
		Role:            awsrole.RolePair{RoleARN: out.Account.RoleARN(&out.Set), ProviderARN: out.Account.ProviderARN},
		RoleSessionName: name, SessionDuration: out.Set.duration(),
	}
	for _, t := range a.c.Tags {
		if v := t.value(p); v != "" {
			s.PrincipalTags = append(s.PrincipalTags, awsrole.Tag{Key: t.Key, Value: v})
		}
	}
	if out.Account.SourceIdentity {
		s.SourceIdentity = p.ID
	}
	return s, nil
}

func (p *PermissionSet) duration() time.Duration {
	if p.SessionDuration == 0 {
		return time.Hour
	}
	return p.SessionDuration
}

// SignInEndpoint is where the account's Responses are posted.
func (a *Account) SignInEndpoint() (string, error) {
	partition, err := awsrole.PartitionOf(a.Partition)
	if err != nil {
		return "", err
	}
	if a.SignInURL != "" {
		if !partition.IsSignInURL(a.SignInURL) {
			return "", fmt.Errorf("access: account %s: %q is not a sign-in endpoint of %s", a.ID, a.SignInURL, partition.ID)
		}
		return a.SignInURL, nil
	}
	return partition.SignInURL(a.Region)
}

// Credentials issues and exchanges at STS. There is no transaction open while
// it talks to AWS.
func (a *Access) Credentials(ctx context.Context, u Use) (Credentials, error) {
	if a.c.Exchange == nil {
		return Credentials{}, errors.New("access: no STS exchange is configured")
	}
	issued, err := a.Issue(ctx, u)
	if err != nil {
		return Credentials{}, err
	}
	return a.c.Exchange.AssumeRole(ctx, ExchangeInput{
		AccountID: issued.Account.ID, Partition: issued.Account.Partition, Region: issued.Account.Region,
		Role: issued.Pair, Assertion: issued.Outgoing.Value, Duration: issued.Set.duration(),
	})
}

// ExchangeError is a refusal or failure at STS.
type ExchangeError struct {
	Public    string // what the person or an administrator can do
	Err       error
	Throttled bool // too many calls: later
	Temporary bool // STS cannot be reached or fails: later
}

// Error describes the failure for logs.
func (e *ExchangeError) Error() string { return "access: sts: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *ExchangeError) Unwrap() error { return e.Err }
