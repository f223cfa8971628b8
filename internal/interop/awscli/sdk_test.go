// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awscli

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	ssotypes "github.com/aws/aws-sdk-go-v2/service/sso/types"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	oidctypes "github.com/aws/aws-sdk-go-v2/service/ssooidc/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/awssso/awsssotest"
)

func clients(p *awsssotest.Portal) (*ssooidc.Client, *sso.Client) {
	oidc := ssooidc.New(ssooidc.Options{Region: "eu-central-1", BaseEndpoint: aws.String(p.URL + "/aws"), Retryer: aws.NopRetryer{}})
	return oidc, sso.New(sso.Options{Region: "eu-central-1", BaseEndpoint: aws.String(p.URL + "/aws"), Retryer: aws.NopRetryer{}})
}

// sdkLogin signs in by device code with the SDK's client.
func sdkLogin(t *testing.T, p *awsssotest.Portal, b *awsssotest.Browser) (*ssooidc.RegisterClientOutput, *ssooidc.CreateTokenOutput) {
	t.Helper()
	oidc, _ := clients(p)
	reg, err := oidc.RegisterClient(t.Context(), &ssooidc.RegisterClientInput{
		ClientName: aws.String("test"), ClientType: aws.String("public"), Scopes: []string{"sso:account:access"},
	})
	if err != nil {
		t.Fatal(err)
	}
	device, err := oidc.StartDeviceAuthorization(t.Context(), &ssooidc.StartDeviceAuthorizationInput{
		ClientId: reg.ClientId, ClientSecret: reg.ClientSecret, StartUrl: aws.String(p.StartURL),
	})
	if err != nil {
		t.Fatal(err)
	}
	in := &ssooidc.CreateTokenInput{
		ClientId: reg.ClientId, ClientSecret: reg.ClientSecret, DeviceCode: device.DeviceCode,
		GrantType: aws.String("urn:ietf:params:oauth:grant-type:device_code"),
	}
	_, err = oidc.CreateToken(t.Context(), in)
	var pending *oidctypes.AuthorizationPendingException
	if !errors.As(err, &pending) || aws.ToString(pending.Error_) != "authorization_pending" || aws.ToString(pending.Error_description) == "" {
		t.Errorf("pending: %v", err)
	}
	b.ApproveDevice(t, *device.VerificationUriComplete, true)
	token, err := oidc.CreateToken(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return reg, token
}

// TestGoSDK calls every operation and tells the refusals apart by type.
func TestGoSDK(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	oidc, portal := clients(p)
	reg, token := sdkLogin(t, p, b)
	pager := sso.NewListAccountsPaginator(portal, &sso.ListAccountsInput{AccessToken: token.AccessToken, MaxResults: aws.Int32(1)})
	var names []string
	for pager.HasMorePages() {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page.AccountList {
			names = append(names, *a.AccountName)
		}
	}
	if len(names) != 2 || names[0] != "Production" || names[1] != "Staging" {
		t.Errorf("accounts: %v", names)
	}
	roles, err := portal.ListAccountRoles(t.Context(), &sso.ListAccountRolesInput{AccessToken: token.AccessToken, AccountId: aws.String(staging.ID)})
	if err != nil || len(roles.RoleList) != 2 {
		t.Errorf("roles: %v, %v", roles, err)
	}
	creds, err := portal.GetRoleCredentials(t.Context(), &sso.GetRoleCredentialsInput{
		AccessToken: token.AccessToken, AccountId: aws.String(staging.ID), RoleName: aws.String("Admin"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(time.UnixMilli(creds.RoleCredentials.Expiration)); left < 59*time.Minute || left > time.Hour {
		t.Errorf("credentials live %v", left)
	}
	_, err = portal.GetRoleCredentials(t.Context(), &sso.GetRoleCredentialsInput{
		AccessToken: token.AccessToken, AccountId: aws.String(prod.ID), RoleName: aws.String("Admin"),
	})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "ForbiddenException" {
		t.Errorf("another's role: %v", err)
	}
	_, err = oidc.CreateToken(t.Context(), &ssooidc.CreateTokenInput{
		ClientId: reg.ClientId, ClientSecret: aws.String("wrong"), GrantType: aws.String("refresh_token"), RefreshToken: token.RefreshToken,
	})
	var invalid *oidctypes.InvalidClientException
	if !errors.As(err, &invalid) {
		t.Errorf("wrong secret: %v", err)
	}
	if _, err := portal.Logout(t.Context(), &sso.LogoutInput{AccessToken: token.AccessToken}); err != nil {
		t.Errorf("logout: %v", err)
	}
	_, err = portal.ListAccounts(t.Context(), &sso.ListAccountsInput{AccessToken: token.AccessToken})
	var unauthorized *ssotypes.UnauthorizedException
	if !errors.As(err, &unauthorized) || unauthorized.ErrorMessage() != "Session token not found or invalid" {
		t.Errorf("after logout: %v", err)
	}
	_, err = oidc.CreateToken(t.Context(), &ssooidc.CreateTokenInput{
		ClientId: reg.ClientId, ClientSecret: reg.ClientSecret, GrantType: aws.String("refresh_token"), RefreshToken: token.RefreshToken,
	})
	var grant *oidctypes.InvalidGrantException
	if !errors.As(err, &grant) {
		t.Errorf("refresh after logout: %v", err)
	}
}

// writeCache writes what the SDK's session provider reads, as if the token had
// expired, which is when the SDK refreshes.
func writeCache(t *testing.T, p *awsssotest.Portal, path string, reg *ssooidc.RegisterClientOutput, token *ssooidc.CreateTokenOutput) {
	t.Helper()
	raw, err := json.Marshal(map[string]any{
		"startUrl": p.StartURL, "region": "eu-central-1", "accessToken": token.AccessToken, "refreshToken": token.RefreshToken,
		"expiresAt": time.Now().Add(-time.Minute).UTC().Format(time.RFC3339), "clientId": reg.ClientId, "clientSecret": reg.ClientSecret,
		"registrationExpiresAt": time.Unix(reg.ClientSecretExpiresAt, 0).UTC().Format(time.RFC3339),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestGoSDKRefreshesInParallel: ten processes find an expired token at once.
func TestGoSDKRefreshesInParallel(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	reg, token := sdkLogin(t, p, b)
	oidc, portal := clients(p)
	errs := make([]error, 10)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range errs {
		path := filepath.Join(t.TempDir(), "token.json") // each its own copy
		writeCache(t, p, path, reg, token)
		provider := ssocreds.New(portal, staging.ID, "Admin", p.StartURL, func(o *ssocreds.Options) {
			o.SSOTokenProvider = ssocreds.NewSSOTokenProvider(oidc, path)
		})
		wg.Go(func() {
			<-start
			_, errs[i] = provider.Retrieve(context.Background())
		})
	}
	close(start)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

// TestGoSDKProfile uses the configuration text that the portal writes, with an
// sso-session whose token has to be refreshed first, and survives a restart in
// between.
func TestGoSDKProfile(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	reg, token := sdkLogin(t, p, b)
	c := p.SSO.ClientConfig("gatehouse")
	c.STSURL = p.URL + "/sts/"
	c.Profiles = []awssso.Profile{{Name: "staging", AccountID: staging.ID, Role: "Admin"}}
	text, err := c.Text()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "config")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(dir, "token.json")
	writeCache(t, p, cache, reg, token)
	p.Restart(withSTS(awsssotest.Options{Store: p.Config.Store, Keys: awsssotest.Keyring("k2", "k1")}))
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithSharedConfigFiles([]string{path}), config.WithSharedCredentialsFiles([]string{}),
		config.WithSharedConfigProfile("staging"), config.WithRetryer(func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), 1) }),
		config.WithSSOTokenProviderOptions(func(o *ssocreds.SSOTokenProviderOptions) { o.CachedTokenFilepath = cache }),
		config.WithSSOProviderOptions(func(o *ssocreds.Options) { o.CachedTokenFilepath = cache }))
	if err != nil {
		t.Fatal(err)
	}
	identity, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	if *identity.Account != staging.ID {
		t.Errorf("identity: %s", *identity.Arn)
	}
	raw, err := os.ReadFile(cache)
	if err != nil {
		t.Fatal(err)
	}
	var cached map[string]string
	if err := json.Unmarshal(raw, &cached); err != nil || cached["refreshToken"] == "" || cached["refreshToken"] == *token.RefreshToken {
		t.Errorf("cache: %s, %v", raw, err)
	}
}

// TestGoSDKCode signs in by authorization code with PKCE, in the way of AWS
// CLI 2.22 and later: the redirect URI is registered without its port.
func TestGoSDKCode(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	oidc, portal := clients(p)
	reg, err := oidc.RegisterClient(t.Context(), &ssooidc.RegisterClientInput{
		ClientName: aws.String("botocore-client-gatehouse"), ClientType: aws.String("public"), Scopes: []string{"sso:account:access"},
		GrantTypes: []string{"authorization_code", "refresh_token"}, RedirectUris: []string{"http://127.0.0.1/oauth/callback"}, IssuerUrl: aws.String(p.StartURL),
	})
	if err != nil {
		t.Fatal(err)
	}
	const verifier = "0123456789012345678901234567890123456789012345678901234567890123"
	sum := sha256.Sum256([]byte(verifier))
	callback := "http://127.0.0.1:50505/oauth/callback"
	page := b.Consent(t, aws.ToString(reg.AuthorizationEndpoint)+"?"+url.Values{
		"response_type": {"code"}, "client_id": {*reg.ClientId}, "redirect_uri": {callback}, "state": {"s"}, "code_challenge_method": {"S256"},
		"scopes": {"sso:account:access"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])},
	}.Encode(), true)
	token, err := oidc.CreateToken(t.Context(), &ssooidc.CreateTokenInput{
		ClientId: reg.ClientId, ClientSecret: reg.ClientSecret, GrantType: aws.String("authorization_code"),
		Code: aws.String(query(page.Location).Get("code")), CodeVerifier: aws.String(verifier), RedirectUri: aws.String(callback),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := portal.ListAccounts(t.Context(), &sso.ListAccountsInput{AccessToken: token.AccessToken}); err != nil {
		t.Error(err)
	}
	if query(page.Location).Get("state") != "s" {
		t.Errorf("back to %s", page.Location)
	}
}
