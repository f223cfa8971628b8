// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awscli

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/awssso/awsssotest"
)

// cached returns the CLI's cached token.
func (c *cli) cached() map[string]string {
	c.t.Helper()
	files, err := filepath.Glob(filepath.Join(c.home, ".aws", "sso", "cache", "*.json"))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			c.t.Fatal(err)
		}
		var token map[string]string
		if json.Unmarshal(raw, &token) == nil && token["accessToken"] != "" {
			return token
		}
	}
	return nil
}

// TestOldCLI is the whole way of Debian's AWS CLI: login by device code, list,
// credentials, use them, a role that is not the person's, logout.
func TestOldCLI(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := newCLI(t, oldCLI(t), p, true)
	if out, err := c.login(b, true, "--sso-session", "gatehouse"); err != nil || !strings.Contains(out, "Successfully logged into") {
		t.Fatalf("login: %v\n%s", err, out)
	}
	token := c.cached()
	if token["refreshToken"] == "" || token["startUrl"] != p.StartURL || token["registrationExpiresAt"] == "" {
		t.Errorf("cache: %v", token)
	}
	accounts := c.must("sso", "list-accounts", "--access-token", token["accessToken"], "--region", "eu-central-1", "--query", "accountList[].accountName", "--output", "text")
	if strings.Join(strings.Fields(accounts), " ") != "Production Staging" {
		t.Errorf("accounts: %s", accounts)
	}
	paged := c.must("sso", "list-accounts", "--access-token", token["accessToken"], "--region", "eu-central-1", "--page-size", "1", "--query", "accountList[].accountId", "--output", "text")
	if strings.Join(strings.Fields(paged), " ") != prod.ID+" "+staging.ID {
		t.Errorf("pages: %s", paged)
	}
	roles := c.must("sso", "list-account-roles", "--account-id", staging.ID, "--access-token", token["accessToken"], "--region", "eu-central-1", "--query", "roleList[].roleName", "--output", "text")
	if strings.Join(strings.Fields(roles), " ") != "Admin ReadOnly" {
		t.Errorf("roles: %s", roles)
	}
	creds := c.must("sso", "get-role-credentials", "--account-id", staging.ID, "--role-name", "Admin", "--access-token", token["accessToken"], "--region", "eu-central-1")
	if !strings.Contains(creds, "test-secret-Admin") {
		t.Errorf("credentials: %s", creds)
	}
	if arn := c.must("sts", "get-caller-identity", "--profile", "prod", "--query", "Arn", "--output", "text"); strings.TrimSpace(arn) != "arn:aws:sts::111122223333:assumed-role/R/ann" {
		t.Errorf("identity: %s", arn)
	}
	if out, errs, err := c.run("sts", "get-caller-identity", "--profile", "foreign"); err == nil || !strings.Contains(errs, "No access: the role Admin in account 111122223333 is not yours. Your roles there: ReadOnly.") {
		t.Errorf("another's role: %v %s%s", err, out, errs)
	}
	c.must("sso", "logout")
	if out, errs, err := c.run("sso", "list-accounts", "--access-token", token["accessToken"], "--region", "eu-central-1"); err == nil || !strings.Contains(errs, "UnauthorizedException") || !strings.Contains(errs, "Session token not found or invalid") {
		t.Errorf("after logout: %v %s%s", err, out, errs)
	}
	if _, errs, err := c.run("sts", "get-caller-identity", "--profile", "prod"); err == nil {
		t.Errorf("credentials after logout: %s", errs)
	}
}

func TestOldCLIRefused(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := newCLI(t, oldCLI(t), p, true)
	out, err := c.login(b, false, "--sso-session", "gatehouse")
	if err == nil || !strings.Contains(out, "AccessDeniedException") {
		t.Errorf("login: %v\n%s", err, out)
	}
}

func TestOldCLIExpired(t *testing.T) {
	t.Parallel()
	p, _ := portal(t, awsssotest.Options{})
	c := newCLI(t, oldCLI(t), p, true)
	s := &screen{}
	cmd := c.command(t.Context(), "sso", "login", "--no-browser", "--sso-session", "gatehouse")
	cmd.Stdout, cmd.Stderr = s, s
	cmd.Env = append(cmd.Env, "PYTHONUNBUFFERED=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.expect(t, deviceLink)
	p.Advance(11 * time.Minute)
	if err := cmd.Wait(); err == nil || !strings.Contains(s.String(), "expired") {
		t.Errorf("login: %v\n%s", err, s)
	}
}

// TestOldCLILegacyProfile has no sso-session: no scopes, no refresh.
func TestOldCLILegacyProfile(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := newCLI(t, oldCLI(t), p, true)
	c.writeConfig("[profile old]\nsso_start_url = " + p.StartURL + "\nsso_region = eu-central-1\nsso_account_id = " + staging.ID + "\nsso_role_name = Admin\nregion = eu-central-1\n")
	if out, err := c.login(b, true, "--profile", "old"); err != nil {
		t.Fatalf("login: %v\n%s", err, out)
	}
	if arn := c.must("sts", "get-caller-identity", "--profile", "old", "--query", "Arn", "--output", "text"); !strings.Contains(arn, staging.ID) {
		t.Errorf("identity: %s", arn)
	}
}

// TestOldCLIRefreshes: the CLI refreshes by itself when less than 15 minutes
// are left, and goes on through a restart of the portal and a rotated key.
func TestOldCLIRefreshes(t *testing.T) {
	t.Parallel()
	short := func(c *awssso.Config) { c.AccessLifetime = 10 * time.Minute }
	p, b := portal(t, awsssotest.Options{Configure: short})
	c := newCLI(t, oldCLI(t), p, true)
	if out, err := c.login(b, true, "--sso-session", "gatehouse"); err != nil {
		t.Fatalf("login: %v\n%s", err, out)
	}
	before := c.cached()
	p.Restart(withSTS(awsssotest.Options{Store: p.Config.Store, Keys: awsssotest.Keyring("k2", "k1"), Configure: short}))
	c.must("sts", "get-caller-identity", "--profile", "prod")
	after := c.cached()
	if after["accessToken"] == before["accessToken"] || after["refreshToken"] == before["refreshToken"] || after["refreshToken"] == "" {
		t.Errorf("not refreshed: %v, %v", before, after)
	}
	p.EndSession("session-" + ann)
	if out, errs, err := c.run("sso", "list-accounts", "--access-token", after["accessToken"], "--region", "eu-central-1"); err == nil || !strings.Contains(errs, "UnauthorizedException") {
		t.Errorf("after the session's end: %v %s%s", err, out, errs)
	}
}

// TestCLIv1 is the AWS CLI of PyPI. It has no sso login of its own but uses
// the cached token, refreshes it, and reads the services section.
func TestCLIv1(t *testing.T) {
	t.Parallel()
	path := peer(t, "aws", "awscli from PyPI")
	version, err := exec.CommandContext(t.Context(), path, "--version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(version), "aws-cli/1.") {
		if os.Getenv("GATEHOUSE_PEERS") == "require" && err != nil {
			t.Fatalf("aws --version: %v", err)
		}
		t.Skipf("aws in PATH is %q, not version 1 (awscli from PyPI)", version)
	}
	p, b := portal(t, awsssotest.Options{Configure: func(c *awssso.Config) { c.AccessLifetime = 10 * time.Minute }})
	old := newCLI(t, oldCLI(t), p, true)
	if out, err := old.login(b, true, "--sso-session", "gatehouse"); err != nil {
		t.Fatalf("login: %v\n%s", err, out)
	}
	before := old.cached()
	c := &cli{t: t, path: path, home: old.home, env: append(os.Environ(), "HOME="+old.home, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")}
	if _, ok := os.LookupEnv("PYENV_ROOT"); !ok {
		home, _ := os.UserHomeDir()
		c.env = append(c.env, "PYENV_ROOT="+filepath.Join(home, ".pyenv"))
	}
	if arn := c.must("sts", "get-caller-identity", "--profile", "prod", "--query", "Arn", "--output", "text"); !strings.Contains(arn, prod.ID) {
		t.Errorf("identity: %s", arn)
	}
	if after := c.cached(); after["refreshToken"] == before["refreshToken"] || after["refreshToken"] == "" {
		t.Errorf("not refreshed: %v", after)
	}
	if out, errs, err := c.run("sts", "get-caller-identity", "--profile", "foreign"); err == nil || !strings.Contains(errs, "No access") {
		t.Errorf("another's role: %v %s%s", err, out, errs)
	}
}

// TestOldCLIInParallel: several terminals find a token that is about to end.
func TestOldCLIInParallel(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{Configure: func(c *awssso.Config) { c.AccessLifetime = 10 * time.Minute }})
	c := newCLI(t, oldCLI(t), p, true)
	if out, err := c.login(b, true, "--sso-session", "gatehouse"); err != nil {
		t.Fatalf("login: %v\n%s", err, out)
	}
	var wg sync.WaitGroup
	errs := make([]string, 4)
	for i := range errs {
		wg.Go(func() {
			if out, errOut, err := c.run("sts", "get-caller-identity", "--profile", "prod"); err != nil {
				errs[i] = out + errOut
			}
		})
	}
	wg.Wait()
	if all := strings.Join(errs, ""); all != "" {
		t.Error(all)
	}
}
