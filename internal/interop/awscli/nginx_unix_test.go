// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package awscli

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	whole "github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
)

// nginxConfig has the proxy of docs/aws/cli.md twice: as it is there, and with
// nginx's default for headers with underscores.
const nginxConfig = `daemon off;
master_process off;
pid %[1]s/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path %[1]s/body;
    proxy_temp_path %[1]s/proxy;
    fastcgi_temp_path %[1]s/fastcgi;
    uwsgi_temp_path %[1]s/uwsgi;
    scgi_temp_path %[1]s/scgi;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    server {
        listen %[2]s;
        underscores_in_headers on;
        location / { proxy_pass %[4]s; }
    }
    server {
        listen %[3]s;
        location / { proxy_pass %[4]s; proxy_set_header Host %[2]s; }
    }
}
`

// startNginx runs nginx until the test ends, and returns when it answers.
func startNginx(t *testing.T, on, off, portal string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, nginxConfig, dir, on, off, portal), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command(nginx(t), "-p", dir, "-e", "stderr", "-c", file)
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { _ = cmd.Wait(); close(gone) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-gone })
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; {
		if c, err := net.Dial("tcp", on); err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-gone:
			t.Fatalf("nginx: %s", said.String())
		case <-again.C:
			if time.Now().After(deadline) {
				t.Fatal("nginx does not listen")
			}
		}
	}
}

func nginx(t *testing.T) string { return peer(t, "/usr/sbin/nginx", "Debian's package nginx-light") }

// TestNginx: the AWS CLI at a portal behind nginx, as the documentation sets
// it up, and what happens without underscores_in_headers.
func TestNginx(t *testing.T) {
	t.Parallel()
	aws := oldCLI(t)
	nginx(t)
	on, off := freeAddress(t), freeAddress(t)
	_, port, _ := net.SplitHostPort(on)
	front := "http://localhost:" + port
	s := portaltest.NewServerWith(t, portaltest.Options{Config: func(c *whole.Config) {
		c.BaseURL, c.AlternateHosts = front, []string{on}
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	}})
	_, backend, _ := strings.Cut(s.URL, "localhost:")
	startNginx(t, on, off, "http://127.0.0.1:"+backend)

	c := &cli{t: t, path: aws, home: t.TempDir()}
	data, plain := filepath.Join(c.home, "data"), filepath.Join(c.home, "plain")
	if err := errors.Join(awssso.WriteEndpointRules(data, front+"/aws", front+"/aws", ""), awssso.WriteEndpointRules(plain, "http://"+off+"/aws", "http://"+off+"/aws", "")); err != nil {
		t.Fatal(err)
	}
	c.env = []string{"HOME=" + c.home, "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "AWS_DATA_PATH=" + data, "PYTHONUNBUFFERED=1"}
	if err := os.MkdirAll(filepath.Join(c.home, ".aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	c.writeConfig("[sso-session corp]\nsso_start_url = " + s.Portal.StartURL() + "\nsso_region = us-east-1\nsso_registration_scopes = sso:account:access\n")
	screen := &screen{}
	login := c.command(t.Context(), "sso", "login", "--no-browser", "--sso-session", "corp")
	login.Stdout, login.Stderr = screen, screen
	if err := login.Start(); err != nil {
		t.Fatal(err)
	}
	link, err := url.Parse(screen.expect(t, deviceLink)[1])
	if err != nil || link.Host != "localhost:"+port {
		t.Fatalf("the link is %v, %v", link, err)
	}
	alice, code := s.SignedIn(t, "alice"), link.Query().Get("user_code")
	post(t, alice, front+"/device", url.Values{"user_code": {code}, "via": {"link"}})
	post(t, alice, front+"/device/approve", url.Values{"user_code": {code}, "decision": {"approve"}})
	if err := login.Wait(); err != nil {
		t.Fatalf("login: %v\n%s", err, screen)
	}
	token := c.cached()["accessToken"]
	list := []string{"sso", "list-accounts", "--access-token", token, "--region", "us-east-1", "--query", "accountList[].accountId", "--output", "text"}
	if out := c.must(list...); strings.Join(strings.Fields(out), " ") != portaltest.AccountDev+" "+portaltest.AccountProd {
		t.Errorf("accounts: %s", out)
	}
	c.must("sso", "get-role-credentials", "--access-token", token, "--region", "us-east-1", "--account-id", portaltest.AccountDev, "--role-name", portaltest.PermissionSet)
	dropping := *c
	dropping.env = append(slices.Clone(c.env), "AWS_DATA_PATH="+plain)
	if _, errs, err := dropping.run(list...); err == nil || !strings.Contains(errs, "Session token not found or invalid") {
		t.Errorf("without underscores_in_headers: %v %s", err, errs)
	}
	c.must("sso", "logout")
	if _, errs, err := c.run(list...); err == nil || !strings.Contains(errs, "UnauthorizedException") {
		t.Errorf("after logout: %v %s", err, errs)
	}
}
