// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awscli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	ssotypes "github.com/aws/aws-sdk-go-v2/service/sso/types"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	oidctypes "github.com/aws/aws-sdk-go-v2/service/ssooidc/types"
	"github.com/aws/smithy-go"

	gatehouse "github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/sts/ststest"
)

// composed is the SDK at a whole portal, with alice signed in by device code.
type composed struct {
	*portaltest.Server
	oidc  *ssooidc.Client
	sso   *sso.Client
	reg   *ssooidc.RegisterClientOutput
	token *ssooidc.CreateTokenOutput
}

func signedIn(t testing.TB) *composed {
	t.Helper()
	s := portaltest.NewServer(t)
	endpoint := aws.String(s.URL + "/aws")
	c := &composed{
		Server: s,
		oidc:   ssooidc.New(ssooidc.Options{Region: "us-east-1", BaseEndpoint: endpoint, Retryer: aws.NopRetryer{}}),
		sso:    sso.New(sso.Options{Region: "us-east-1", BaseEndpoint: endpoint, Retryer: aws.NopRetryer{}}),
	}
	var err error
	c.reg, err = c.oidc.RegisterClient(t.Context(), &ssooidc.RegisterClientInput{
		ClientName: aws.String("interop"), ClientType: aws.String("public"), Scopes: []string{"sso:account:access"},
	})
	if err != nil {
		t.Fatal(err)
	}
	device, err := c.oidc.StartDeviceAuthorization(t.Context(), &ssooidc.StartDeviceAuthorizationInput{
		ClientId: c.reg.ClientId, ClientSecret: c.reg.ClientSecret, StartUrl: aws.String(s.Portal.StartURL()),
	})
	if err != nil {
		t.Fatal(err)
	}
	alice := s.SignedIn(t, "alice")
	post(t, alice, s.URL+"/device", url.Values{"user_code": {*device.UserCode}, "via": {"link"}})
	post(t, alice, s.URL+"/device/approve", url.Values{"user_code": {*device.UserCode}, "decision": {"approve"}})
	c.token, err = c.oidc.CreateToken(t.Context(), &ssooidc.CreateTokenInput{
		ClientId: c.reg.ClientId, ClientSecret: c.reg.ClientSecret, DeviceCode: device.DeviceCode,
		GrantType: aws.String("urn:ietf:params:oauth:grant-type:device_code"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func post(t testing.TB, client *http.Client, target string, form url.Values) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Body.Close() != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("POST %s: %s", target, resp.Status)
	}
}

func (c *composed) credentials(t testing.TB) error {
	_, err := c.sso.GetRoleCredentials(t.Context(), &sso.GetRoleCredentialsInput{
		AccessToken: c.token.AccessToken, AccountId: aws.String(portaltest.AccountDev), RoleName: aws.String(portaltest.PermissionSet),
	})
	return err
}

func (c *composed) refresh(t testing.TB) error {
	_, err := c.oidc.CreateToken(t.Context(), &ssooidc.CreateTokenInput{
		ClientId: c.reg.ClientId, ClientSecret: c.reg.ClientSecret, GrantType: aws.String("refresh_token"), RefreshToken: c.token.RefreshToken,
	})
	return err
}

func wantCode(t *testing.T, err error, code, text string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), text) {
		t.Errorf("error %v, want %s", err, code)
	}
}

// TestBlockedPersonIsOut: on the next call, whatever it is.
func TestBlockedPersonIsOut(t *testing.T) {
	t.Parallel()
	c := signedIn(t)
	if err := c.credentials(t); err != nil {
		t.Fatal(err)
	}
	if err := c.Portal.Directory().Block(t.Context(), "", c.People["alice"].ID, true); err != nil {
		t.Fatal(err)
	}
	var unauthorized *ssotypes.UnauthorizedException
	if err := c.credentials(t); !errors.As(err, &unauthorized) {
		t.Errorf("credentials: %v", err)
	}
	if _, err := c.sso.ListAccounts(t.Context(), &sso.ListAccountsInput{AccessToken: c.token.AccessToken}); !errors.As(err, &unauthorized) {
		t.Errorf("accounts: %v", err)
	}
	var grant *oidctypes.InvalidGrantException
	if err := c.refresh(t); !errors.As(err, &grant) {
		t.Errorf("refresh: %v", err)
	}
}

// TestLostGroupIsLostAccess: the token lives, the role does not.
func TestLostGroupIsLostAccess(t *testing.T) {
	t.Parallel()
	c := signedIn(t)
	if err := c.Store.RemoveMembers(t.Context(), c.Group.ID, []string{c.People["alice"].ID}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, c.credentials(t), "ForbiddenException", "you have no role in account")
	accounts, err := c.sso.ListAccounts(t.Context(), &sso.ListAccountsInput{AccessToken: c.token.AccessToken})
	if err != nil || len(accounts.AccountList) != 0 {
		t.Errorf("accounts: %v, %v", accounts, err)
	}
	if err := c.refresh(t); err != nil {
		t.Errorf("refresh: %v", err)
	}
}

// TestNotByDeviceCode: a permission set may refuse tokens of that flow.
func TestNotByDeviceCode(t *testing.T) {
	t.Parallel()
	c := signedIn(t)
	set := access.PermissionSet{ID: "ps-developer", Name: portaltest.PermissionSet, NoDeviceCode: true, Owner: directory.OwnerAdmin}
	if err := c.Store.PutPermissionSet(t.Context(), &set); err != nil {
		t.Fatal(err)
	}
	wantCode(t, c.credentials(t), "ForbiddenException", "device code")
}

// BenchmarkGetRoleCredentials is the call at the portal's handler and by the
// SDK, measured in turns with what neither can do without: the signed assertion
// with its event, and the exchange. x-portal and x-sdk are the quotients; the
// bar is 1.3 for the portal. x-bare is the portal's with what the signature
// needs of the database left out, too.
func BenchmarkGetRoleCredentials(b *testing.B) {
	c := signedIn(b)
	bare, use := c.bare(b)
	credentials := func(a *access.Access) func() error {
		return func() error {
			_, err := a.Credentials(b.Context(), use)
			return err
		}
	}
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet,
		c.URL+"/aws/federation/credentials?account_id="+portaltest.AccountDev+"&role_name="+portaltest.PermissionSet, nil)
	r.Header.Set("X-Amz-Sso_bearer_token", *c.token.AccessToken)
	of := []struct {
		name string
		one  func() error
		took time.Duration
	}{
		{name: "parts", one: credentials(c.Portal.Access())},
		{name: "bare", one: credentials(bare)},
		{name: "portal", one: func() error {
			w := httptest.NewRecorder()
			if c.Portal.ServeHTTP(w, r); w.Code != http.StatusOK {
				return errors.New(w.Body.String())
			}
			return nil
		}},
		{name: "sdk", one: func() error { return c.credentials(b) }},
	}
	for b.Loop() {
		for i := range of {
			start := time.Now()
			if err := of[i].one(); err != nil {
				b.Fatal(of[i].name, err)
			}
			of[i].took += time.Since(start)
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, o := range of {
		b.ReportMetric(float64(o.took.Nanoseconds())/float64(b.N), o.name+"-ns")
	}
	b.ReportMetric(float64(of[2].took)/float64(of[0].took), "x-portal")
	b.ReportMetric(float64(of[3].took)/float64(of[0].took), "x-sdk")
	b.ReportMetric(float64(of[2].took)/float64(of[1].took), "x-bare")
}

// bare signs and exchanges as the portal does, for grants in memory and without
// events. The double is given the metadata once: fetched at each exchange it would be
// signed each time, which no call to AWS waits for.
func (c *composed) bare(b *testing.B) (*access.Access, access.Use) {
	b.Helper()
	metadata, err := c.Portal.AWSMetadata()
	if err != nil {
		b.Fatal(err)
	}
	person, err := c.Store.Person(b.Context(), c.People["alice"].ID)
	if err != nil {
		b.Fatal(err)
	}
	grants, err := c.Store.GrantsOf(b.Context(), person.ID, portaltest.AccountDev)
	if err != nil || len(grants) != 1 {
		b.Fatal(grants, err)
	}
	if err := c.STS.PutProvider(ststest.Provider{ARN: grants[0].Account.ProviderARN, Metadata: metadata}); err != nil {
		b.Fatal(err)
	}
	config, err := portaltest.Config(b, c.Store, c.URL)
	if err != nil {
		b.Fatal(err)
	}
	key := config.Keys.AWS[0]
	signer, err := saml.NewIdentityProvider(saml.IdPConfig{
		EntityID: c.URL + gatehouse.PathAWSMetadata, SSO: c.URL, Keys: []saml.KeyPair{{Signer: key.Signer, Certificate: key.Certificate}},
		Peers: access.Peers{}, Store: config.SAML, AssertionLifetime: access.MaxAssertionLife,
	})
	if err != nil {
		b.Fatal(err)
	}
	bare, err := access.New(access.Config{
		Store: inMemory{grants: grants}, Signer: signer, Record: func(context.Context, audit.Event) error { return nil }, Exchange: c.Portal.Exchange(),
	})
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	return bare, access.Use{
		Person: person, AccountID: portaltest.AccountDev, RoleName: portaltest.PermissionSet, AuthTime: now, MFATime: now, SessionEnds: now.Add(time.Hour),
	}
}

type inMemory struct {
	access.Store
	grants []access.Grant
}

func (m inMemory) GrantsOf(context.Context, string, string) ([]access.Grant, error) {
	return m.grants, nil
}

func (inMemory) InTx(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }

// BenchmarkListAccounts lists a page of 100 of 2,000 accounts from SQLite.
func BenchmarkListAccounts(b *testing.B) {
	c := signedIn(b)
	err := c.Store.InTx(b.Context(), func(ctx context.Context) error {
		for i := range 2000 {
			id := fmt.Sprintf("3%011d", i)
			a := access.Account{ID: id, Name: fmt.Sprint("Account ", i), Email: "a@example.test", Environment: "dev", Partition: "aws", Region: "us-east-1", Owner: directory.OwnerAdmin}
			if err := c.Store.PutAccount(ctx, &a); err != nil {
				return err
			}
			x := access.Assignment{ID: "x-" + id, AccountID: id, PermissionSetID: "ps-developer", PrincipalKind: access.Group, PrincipalID: c.Group.ID, Owner: directory.OwnerAdmin}
			if err := c.Store.PutAssignment(ctx, &x); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		page, err := c.sso.ListAccounts(b.Context(), &sso.ListAccountsInput{AccessToken: c.token.AccessToken, MaxResults: aws.Int32(100)})
		if err != nil || len(page.AccountList) != 100 {
			b.Fatal(err)
		}
	}
}
