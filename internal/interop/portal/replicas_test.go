// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc/types"

	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
	"github.com/gatehouse-id/gatehouse/portal/sqlstore"
)

// front gives requests to its replicas in turn, as a load balancer would.
type front struct {
	mu       sync.Mutex
	replicas []http.Handler
	served   []int
	next     int
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	n := f.next % len(f.replicas)
	f.next++
	f.served[n]++
	h := f.replicas[n]
	f.mu.Unlock()
	h.ServeHTTP(w, r)
}

func (f *front) replace(n int, h http.Handler) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.replicas[n] = h
}

// cluster is two portals over one PostgreSQL database behind one base URL.
type cluster struct {
	*portaltest.Server
	t        *testing.T
	front    *front
	dsn      string
	url      string
	exchange access.Exchange
	store    []*sqlstore.Store
}

// newCluster lets portaltest make the organisation, with the STS double, and
// serves it from two portals of its own.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	dsn, _ := freshDatabase(t)
	c := &cluster{t: t, dsn: dsn, front: &front{replicas: make([]http.Handler, 2), served: make([]int, 2)}, store: make([]*sqlstore.Store, 2)}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	c.url = "http://localhost:" + port
	c.Server = portaltest.NewServerWith(t, portaltest.Options{Store: openPostgres(t, dsn), Config: func(config *portal.Config) {
		config.BaseURL = c.url
		c.exchange = config.Exchange
	}})
	c.URL = c.url
	for n := range c.store {
		c.start(n)
	}
	server := &httptest.Server{Listener: ln, Config: &http.Server{Handler: c.front}} //nolint:gosec // a test
	server.Start()
	t.Cleanup(server.Close)
	return c
}

// start starts a replica from nothing but its configuration and the database.
func (c *cluster) start(n int) {
	c.t.Helper()
	if c.store[n] != nil {
		if err := c.store[n].Close(); err != nil {
			c.t.Fatal(err)
		}
	}
	c.store[n] = openPostgres(c.t, c.dsn)
	config, err := portaltest.Config(c.t, c.store[n], c.url)
	if err != nil {
		c.t.Fatal(err)
	}
	config.Exchange = c.exchange
	p, err := portal.New(config)
	if err != nil {
		c.t.Fatal(err)
	}
	c.front.replace(n, p)
}

// TestReplicas: two replicas serve one person's requests in turns: sign-in with
// TOTP, the page, the console, and the sign-in of a command line with its
// refresh. In the middle of it one replica, then the other, starts again.
func TestReplicas(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	account := c.Enrol(t, "alice")
	alice := newPerson(t, c.url)
	alice.open("/apps").expect(http.StatusOK, "Sign in")
	alice.submit("username", "alice").expect(http.StatusOK, "Enter your password")
	alice.submit("password", account.Password).expect(http.StatusOK, "Confirm it is you")
	c.start(0)
	alice.submit("code", codeOf(t, account.TOTP)).expect(http.StatusOK, "Applications")
	for range 2 {
		alice.open("/").expect(http.StatusOK, portaltest.PermissionSet)
		alice.post("/console/open", url.Values{"account": {portaltest.AccountDev}, "role": {portaltest.PermissionSet}}).expect(http.StatusOK, "https://us-east-1.signin.aws.amazon.com/saml")
	}

	oidc := ssooidc.New(ssooidc.Options{Region: "us-east-1", BaseEndpoint: aws.String(c.url + portal.PathSSO)})
	ctx := t.Context()
	client, err := oidc.RegisterClient(ctx, &ssooidc.RegisterClientInput{
		ClientName: aws.String("interop"), ClientType: aws.String("public"), Scopes: []string{"sso:account:access"},
		GrantTypes: []string{"urn:ietf:params:oauth:grant-type:device_code", "refresh_token"},
	})
	if err != nil {
		t.Fatal(err)
	}
	device, err := oidc.StartDeviceAuthorization(ctx, &ssooidc.StartDeviceAuthorizationInput{
		ClientId: client.ClientId, ClientSecret: client.ClientSecret, StartUrl: aws.String(c.Portal.StartURL()),
	})
	if err != nil {
		t.Fatal(err)
	}
	poll := &ssooidc.CreateTokenInput{
		ClientId: client.ClientId, ClientSecret: client.ClientSecret, DeviceCode: device.DeviceCode, GrantType: aws.String("urn:ietf:params:oauth:grant-type:device_code"),
	}
	var pending *types.AuthorizationPendingException
	if _, err := oidc.CreateToken(ctx, poll); !errors.As(err, &pending) {
		t.Fatalf("before the approval: %v", err)
	}
	c.start(1)
	alice.approve(*device.VerificationUriComplete)
	c.start(0)
	token := createToken(t, oidc, poll)
	sdk := sso.New(sso.Options{Region: "us-east-1", BaseEndpoint: aws.String(c.url + portal.PathSSO)})
	for range 2 {
		c.roles(sdk, token.AccessToken)
		c.start(1)
		token = createToken(t, oidc, &ssooidc.CreateTokenInput{
			ClientId: client.ClientId, ClientSecret: client.ClientSecret, RefreshToken: token.RefreshToken, GrantType: aws.String("refresh_token"),
		})
	}
	c.roles(sdk, token.AccessToken)

	// What ends at one replica has ended at the other.
	alice.post("/sign-out", nil).expect(http.StatusOK, "Signed out")
	for range 2 {
		alice.open("/").expect(http.StatusOK, "Sign in")
		if _, err := sdk.ListAccounts(ctx, &sso.ListAccountsInput{AccessToken: token.AccessToken}); err == nil {
			t.Error("the token outlives the sign-out")
		}
	}
	for n, served := range c.front.served {
		if served < 10 {
			t.Errorf("replica %d served %d requests only", n, served)
		}
	}
}

// createToken polls as clients do: where the portal says to slow down it
// answers again.
func createToken(t *testing.T, oidc *ssooidc.Client, in *ssooidc.CreateTokenInput) *ssooidc.CreateTokenOutput {
	t.Helper()
	var out *ssooidc.CreateTokenOutput
	eventually(t, "a token", func() bool {
		var err error
		var slow *types.SlowDownException
		if out, err = oidc.CreateToken(t.Context(), in); err != nil && !errors.As(err, &slow) {
			t.Fatal(err)
		}
		return err == nil
	})
	if out.AccessToken == nil || out.RefreshToken == nil {
		t.Fatalf("%+v", out)
	}
	return out
}

func (c *cluster) roles(sdk *sso.Client, token *string) {
	c.t.Helper()
	ctx := c.t.Context()
	accounts, err := sdk.ListAccounts(ctx, &sso.ListAccountsInput{AccessToken: token})
	if err != nil || len(accounts.AccountList) != 2 {
		c.t.Fatalf("%+v, %v", accounts, err)
	}
	creds, err := sdk.GetRoleCredentials(ctx, &sso.GetRoleCredentialsInput{AccessToken: token, AccountId: aws.String(portaltest.AccountDev), RoleName: aws.String(portaltest.PermissionSet)})
	if err != nil || creds.RoleCredentials.SessionToken == nil {
		c.t.Fatalf("%+v, %v", creds, err)
	}
	_, err = sdk.GetRoleCredentials(ctx, &sso.GetRoleCredentialsInput{AccessToken: token, AccountId: aws.String(portaltest.AccountDev), RoleName: aws.String("NotMine")})
	if err == nil {
		c.t.Error("another's role was given")
	}
}

// TestCodeIsUsedOnceAtBothReplicas: the same TOTP code at the same moment at
// two replicas lets one in.
func TestCodeIsUsedOnceAtBothReplicas(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	account := c.Enrol(t, "alice")
	people := make([]*person, 4)
	for i := range people {
		people[i] = newPerson(t, c.url)
		people[i].open("/").submit("username", "alice").submit("password", account.Password).expect(http.StatusOK, "Confirm it is you")
	}
	now := codeOf(t, account.TOTP)
	var wg sync.WaitGroup
	for _, p := range people {
		wg.Go(func() { p.submit("code", now) })
	}
	wg.Wait()
	in := 0
	for _, p := range people {
		if p.status == http.StatusOK {
			in++
		}
	}
	if in != 1 {
		t.Errorf("%d came in by one code", in)
	}
}
