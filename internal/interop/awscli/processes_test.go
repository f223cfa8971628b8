// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awscli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
)

// The environment that makes this test binary one of the refreshing processes.
const (
	envRefreshAt    = "GATEHOUSE_REFRESH_AT"
	envRefreshCache = "GATEHOUSE_REFRESH_CACHE"
)

// refreshAt is one process of TestProcessesRefreshInParallel: it says that it
// is ready, waits for its input to end, and refreshes through the SDK.
func refreshAt(t *testing.T, at string) {
	t.Helper()
	oidc := ssooidc.New(ssooidc.Options{Region: "us-east-1", BaseEndpoint: aws.String(at), Retryer: aws.NopRetryer{}})
	provider := ssocreds.NewSSOTokenProvider(oidc, os.Getenv(envRefreshCache))
	fmt.Println("ready")
	if _, err := io.ReadAll(os.Stdin); err != nil {
		t.Fatal(err)
	}
	token, err := provider.RetrieveBearerToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("token " + token.Value)
}

// TestProcessesRefreshInParallel lets ten processes find one expired token in
// one cache file, which none of them locks. All get a token that works, and
// the file that is left can be refreshed from once more.
func TestProcessesRefreshInParallel(t *testing.T) {
	if at := os.Getenv(envRefreshAt); at != "" {
		refreshAt(t, at)
		return
	}
	t.Parallel()
	c := signedIn(t)
	cache := filepath.Join(t.TempDir(), "token.json")
	expire(t, c, cache, *c.token.AccessToken, *c.token.RefreshToken)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const n = 10
	var all [n]*refresher
	for i := range all {
		all[i] = startRefresher(t, self, c.URL+"/aws", cache)
	}
	for _, p := range all {
		p.stdin.Close() // now
	}
	for i, p := range all {
		token, err := p.token()
		if err != nil {
			t.Errorf("process %d: %v", i, err)
			continue
		}
		if _, err := c.sso.ListAccounts(t.Context(), &sso.ListAccountsInput{AccessToken: aws.String(token)}); err != nil {
			t.Errorf("process %d: its token: %v", i, err)
		}
	}
	raw, err := os.ReadFile(cache)
	if err != nil {
		t.Fatal(err)
	}
	var left map[string]string
	if err := json.Unmarshal(raw, &left); err != nil {
		t.Fatalf("the cache is broken: %v", err)
	}
	if left["refreshToken"] == "" || left["refreshToken"] == *c.token.RefreshToken {
		t.Error("the cache holds no new refresh token")
	}
	if _, err := c.sso.ListAccounts(t.Context(), &sso.ListAccountsInput{AccessToken: aws.String(left["accessToken"])}); err != nil {
		t.Errorf("the cached token: %v", err)
	}
	expire(t, c, cache, left["accessToken"], left["refreshToken"])
	again := startRefresher(t, self, c.URL+"/aws", cache)
	again.stdin.Close()
	if _, err := again.token(); err != nil {
		t.Errorf("from the cache that was left: %v", err)
	}
}

// expire writes the cache as if its token had expired.
func expire(t *testing.T, c *composed, path, access, refresh string) {
	t.Helper()
	raw, err := json.Marshal(map[string]string{
		"startUrl": c.Portal.StartURL(), "region": "us-east-1", "accessToken": access, "refreshToken": refresh,
		"expiresAt": time.Now().Add(-time.Minute).UTC().Format(time.RFC3339), "clientId": *c.reg.ClientId, "clientSecret": *c.reg.ClientSecret,
		"registrationExpiresAt": time.Unix(c.reg.ClientSecretExpiresAt, 0).UTC().Format(time.RFC3339),
	})
	if err == nil {
		err = os.WriteFile(path, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

type refresher struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	out    *bufio.Reader
	stderr bytes.Buffer
}

// startRefresher starts a process and returns when it is ready.
func startRefresher(t *testing.T, self, at, cache string) *refresher {
	t.Helper()
	p := &refresher{cmd: exec.CommandContext(t.Context(), self, "-test.run=^TestProcessesRefreshInParallel$")}
	p.cmd.Env = append(os.Environ(), envRefreshAt+"="+at, envRefreshCache+"="+cache)
	p.cmd.Stderr = &p.stderr
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin, p.out = stdin, bufio.NewReader(stdout)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := p.out.ReadString('\n'); err != nil || line != "ready\n" {
		_ = p.cmd.Wait()
		t.Fatalf("%q, %v: %s", line, err, p.stderr.String())
	}
	return p
}

// token waits for the process and returns what it got.
func (p *refresher) token() (string, error) {
	out, err := io.ReadAll(p.out)
	if err := p.cmd.Wait(); err != nil {
		return "", fmt.Errorf("%w: %s%s", err, out, p.stderr.String())
	}
	line, _, _ := strings.Cut(string(out), "\n")
	token, ok := strings.CutPrefix(line, "token ")
	if !ok {
		return "", fmt.Errorf("no token in %q", out)
	}
	return token, err
}
