// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
)

// TestAWSCLI does what the welcome says, with Debian's AWS CLI and the files
// that the program wrote for it.
func TestAWSCLI(t *testing.T) {
	t.Parallel()
	path := peer.Path(t, "/usr/bin/aws", "awscli")
	data := t.TempDir()
	p := launchIn(t, filepath.Dir(path)+":/bin", "--data", data, "--listen", "127.0.0.1:0")
	// The welcome has seen which version there is.
	said := p.await(t, `With your AWS CLI 2\.9\.\d+ .*:\n  export (AWS_CONFIG_FILE=\S+) (AWS_DATA_PATH=\S+)\n  aws sso login --profile (\w+) && aws sts get-caller-identity --profile (\w+)`)
	s := readSample(t, data)
	bob := newPerson(t, s.URL)
	bob.signIn("/", s.who(t, "bob")).expect(200, "accounts")

	c := &awsCLI{t: t, path: path, home: t.TempDir()}
	c.env = []string{"HOME=" + c.home, "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true", "PYTHONUNBUFFERED=1", said[1], said[2]}
	screen, ended := newScreen(), make(chan struct{})
	login := c.command("sso", "login", "--no-browser", "--profile", said[3])
	login.Stdout, login.Stderr = screen, screen
	if err := login.Start(); err != nil {
		t.Fatal(err)
	}
	var failed error
	go func() {
		failed = login.Wait()
		close(ended)
	}()
	bob.approve(screen.await(t, `(http://[^\s]+/device\?user_code=[A-Z-]+)`, ended)[1])
	<-ended
	if failed != nil || !strings.Contains(screen.String(), "Successfully logged into") {
		t.Fatalf("login: %v\n%s", failed, screen)
	}
	if arn := c.must("sts", "get-caller-identity", "--profile", said[4], "--query", "Arn", "--output", "text"); arn != "arn:aws:sts::210000000013:assumed-role/PowerUserAccess/bob\n" {
		t.Errorf("identity %s", arn)
	}
	c.lists(s)
	c.logout(s, said[3])
}

// lists: accounts, roles and credentials are bob's, and nothing else is.
func (c *awsCLI) lists(s *sample) {
	c.t.Helper()
	token := c.token()
	sso := func(args ...string) []string {
		return append([]string{"sso", "--region", s.Region, "--output", "text"}, append(args, "--access-token", token)...)
	}
	accounts := strings.Fields(c.must(sso("list-accounts", "--page-size", "3", "--query", "accountList[].accountId")...))
	if slices.Sort(accounts); len(accounts) != 8 || accounts[0] != "210000000011" {
		c.t.Errorf("accounts: %v", accounts)
	}
	if roles := c.must(sso("list-account-roles", "--account-id", "210000000013", "--query", "roleList[].roleName")...); strings.Join(strings.Fields(roles), " ") != "AdministratorAccess PowerUserAccess" {
		c.t.Errorf("roles: %s", roles)
	}
	if roles := c.must(sso("list-account-roles", "--account-id", "210000000011", "--query", "roleList[].roleName")...); strings.TrimSpace(roles) != "ReadOnlyAccess" {
		c.t.Errorf("roles in production: %s", roles)
	}
	if key := c.must(sso("get-role-credentials", "--account-id", "210000000013", "--role-name", "PowerUserAccess", "--query", "roleCredentials.accessKeyId")...); !strings.HasPrefix(key, "ASIA") {
		c.t.Errorf("credentials: %s", key)
	}
	for _, other := range [][2]string{{"210000000011", "AdministratorAccess"}, {"210000000041", "Billing"}, {"999999999999", "ReadOnlyAccess"}} {
		if out, err := c.run(sso("get-role-credentials", "--account-id", other[0], "--role-name", other[1])...); err == nil || !strings.Contains(out, "ForbiddenException") || !strings.Contains(out, "No access") {
			c.t.Errorf("%v: %v\n%s", other, err, out)
		}
	}
}

// logout ends the token at the portal, not on this disk alone.
func (c *awsCLI) logout(s *sample, profile string) {
	c.t.Helper()
	token := c.token()
	c.must("sso", "logout")
	if out, err := c.run("sso", "list-accounts", "--region", s.Region, "--access-token", token); err == nil || !strings.Contains(out, "UnauthorizedException") {
		c.t.Errorf("after logout: %v\n%s", err, out)
	}
	if out, err := c.run("sts", "get-caller-identity", "--profile", profile); err == nil {
		c.t.Errorf("after logout: %s", out)
	}
}

// awsCLI is one AWS CLI with a home of its own.
type awsCLI struct {
	t          *testing.T
	path, home string
	env        []string
}

func (c *awsCLI) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(c.t.Context(), c.path, args...)
	cmd.Env, cmd.Dir = c.env, c.home
	return cmd
}

func (c *awsCLI) run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.path, args...)
	cmd.Env, cmd.Dir = c.env, c.home
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

func (c *awsCLI) must(args ...string) string {
	c.t.Helper()
	out, err := c.run(args...)
	if err != nil {
		c.t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// token is the one that the CLI has cached.
func (c *awsCLI) token() string {
	c.t.Helper()
	files, err := filepath.Glob(filepath.Join(c.home, ".aws", "sso", "cache", "*.json"))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			c.t.Fatal(err)
		}
		var cached struct {
			AccessToken string `json:"accessToken"`
		}
		if json.Unmarshal(raw, &cached) == nil && cached.AccessToken != "" {
			return cached.AccessToken
		}
	}
	c.t.Fatalf("no token in %v", files)
	return ""
}
