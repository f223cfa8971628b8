// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
	"github.com/gatehouse-id/gatehouse/sts"
	"github.com/gatehouse-id/gatehouse/sts/ststest"
)

// TestCLIAssumesByTheDouble: the AWS CLI's parser and signer against the
// double's wire.
func TestCLIAssumesByTheDouble(t *testing.T) {
	t.Parallel()
	cli := awsCLI(t)
	srv, issuer := double(t)
	env := []string{"HOME=" + t.TempDir(), "AWS_REGION=us-east-1"}
	base := []string{"--endpoint-url", srv.URL, "--output", "json"}
	out := must(t, env, cli, append(base, "sts", "assume-role-with-saml", "--role-arn", roleARN, "--principal-arn", providerARN, "--saml-assertion", respond(t, issuer), "--duration-seconds", "7200")...)
	var r struct {
		Credentials struct {
			AccessKeyID     string `json:"AccessKeyId"`
			SecretAccessKey string
			SessionToken    string
			Expiration      time.Time
		}
		AssumedRoleUser                                                       struct{ Arn string }
		Subject, SubjectType, Issuer, Audience, NameQualifier, SourceIdentity string
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if r.AssumedRoleUser.Arn != "arn:aws:sts::111122223333:assumed-role/Admin/alice@example.com" || r.Subject != "p-1" || r.SubjectType != "persistent" || r.Audience != "https://signin.aws.amazon.com/saml" || r.SourceIdentity != "p-1" || r.NameQualifier == "" {
		t.Errorf("%s", out)
	}
	env = append(env, "AWS_ACCESS_KEY_ID="+r.Credentials.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+r.Credentials.SecretAccessKey, "AWS_SESSION_TOKEN="+r.Credentials.SessionToken)
	if out := must(t, env, cli, append(base, "sts", "get-caller-identity")...); !strings.Contains(out, r.AssumedRoleUser.Arn) {
		t.Errorf("%s", out)
	}
	if _, errs, err := run(t, env, cli, append(base, "sts", "assume-role", "--role-arn", roleARN, "--role-session-name", "second")...); err == nil || !strings.Contains(errs, "(AccessDenied)") {
		t.Errorf("%v %s", err, errs)
	}
	bad := append(env[:2:2], "AWS_ACCESS_KEY_ID="+r.Credentials.AccessKeyID, "AWS_SECRET_ACCESS_KEY=wrong", "AWS_SESSION_TOKEN="+r.Credentials.SessionToken)
	if _, errs, err := run(t, bad, cli, append(base, "sts", "get-caller-identity")...); err == nil || !strings.Contains(errs, "(SignatureDoesNotMatch)") {
		t.Errorf("%v %s", err, errs)
	}
}

// TestCLIReadsTheEndpoint: the container-style endpoint.
func TestCLIReadsTheEndpoint(t *testing.T) {
	t.Parallel()
	cli := awsCLI(t)
	w := newWorld(t)
	cmd := exec.CommandContext(t.Context(), w.bin, "--json", "serve", account+"/Admin")
	cmd.Env = w.env
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var env map[string]string
	if err := json.NewDecoder(stdout).Decode(&env); err != nil {
		t.Fatal(err)
	}
	vars := []string{"HOME=" + t.TempDir(), "AWS_REGION=us-east-1"}
	for k, v := range env {
		vars = append(vars, k+"="+v)
	}
	if out := must(t, vars, cli, "--endpoint-url", w.sts.URL, "sts", "get-caller-identity"); !strings.Contains(out, "assumed-role/Admin/alice") {
		t.Errorf("%s", out)
	}
	vars[len(vars)-1] = strings.Split(vars[len(vars)-1], "=")[0] + "=http://127.0.0.1:1/wrong"
	if _, _, err := run(t, vars, cli, "--endpoint-url", w.sts.URL, "sts", "get-caller-identity"); err == nil {
		t.Error("a wrong token or address works")
	}
	_ = cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Errorf("serve ends with %v", err)
	}
}

// TestCLIRunsAwscreds: profiles that awscreds wrote, by credential_process and,
// after login --share, by the CLI's own sso-session provider.
func TestCLIRunsAwscreds(t *testing.T) {
	t.Parallel()
	cli := awsCLI(t)
	w := newWorld(t, "--share")
	must(t, w.env, w.bin, "profiles")
	if out := must(t, w.env, cli, "--endpoint-url", w.sts.URL, "--profile", "Prod-Admin", "sts", "get-caller-identity"); !strings.Contains(out, "assumed-role/Admin/alice") {
		t.Errorf("%s", out)
	}
	if w.exchange != 1 {
		t.Errorf("%d exchanges", w.exchange)
	}
	config, err := os.ReadFile(filepath.Join(w.home, ".aws", "config"))
	if err != nil {
		t.Fatal(err)
	}
	must(t, w.env, w.bin, "profiles", "--prune")
	if again, _ := os.ReadFile(filepath.Join(w.home, ".aws", "config")); string(again) != string(config) {
		t.Errorf("a repeat changes\n%s\nto\n%s", config, again)
	}
	must(t, w.env, w.bin, "profiles", "--sso", "--prune")
	if out := must(t, w.env, cli, "configure", "get", "sso_role_name", "--profile", "Prod-Admin"); strings.TrimSpace(out) != "Admin" {
		t.Errorf("%s", out)
	}
	must(t, w.env, w.bin, "logout")
	if _, errs, err := run(t, w.env, cli, "--endpoint-url", w.sts.URL, "--profile", "Prod-Admin", "sts", "get-caller-identity"); err == nil {
		t.Error("works after logout")
	} else if _, ok := errors.AsType[*exec.ExitError](err); !ok {
		t.Errorf("%v %s", err, errs)
	}
}

// TestCLISharesItsCache: credentials that CLICache wrote serve the CLI.
func TestCLISharesItsCache(t *testing.T) {
	t.Parallel()
	cli := awsCLI(t)
	srv, _ := double(t)
	home := t.TempDir()
	k, err := srv.Mint(roleARN, "cached", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	cache := sts.CLICache{Dir: filepath.Join(home, ".aws", "cli", "cache")}
	key := sts.Key{Session: "corp", AccountID: account, RoleName: "Admin"}
	if err := cache.Save(t.Context(), key, aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken, CanExpire: true, Expires: k.Expires}); err != nil {
		t.Fatal(err)
	}
	config := "[sso-session corp]\nsso_start_url = https://portal.example.invalid/start\nsso_region = us-east-1\n[profile p]\nsso_session = corp\nsso_account_id = " + account + "\nsso_role_name = Admin\nregion = us-east-1\n"
	if err := os.WriteFile(filepath.Join(home, ".aws", "config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := must(t, []string{"HOME=" + home}, cli, "--endpoint-url", srv.URL, "--profile", "p", "sts", "get-caller-identity"); !strings.Contains(out, "assumed-role/Admin/cached") {
		t.Errorf("%s", out)
	}
}

// TestFiftyProcesses: one exchange for fifty processes at once, and no browser.
func TestFiftyProcesses(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	limit := make(chan struct{}, 10)
	for range 50 {
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			out, errs, err := run(t, w.env, w.bin, "process", "--portal", "corp", "--account", account, "--role", "Admin")
			if err != nil || !strings.Contains(out, ststest.KeyIDPrefix) {
				t.Errorf("%v %s%s", err, out, errs)
			}
		})
	}
	wg.Wait()
	if w.exchange != 1 {
		t.Errorf("%d exchanges", w.exchange)
	}
}

// BenchmarkProcessFromCache is what a credential_process costs its caller.
func BenchmarkProcessFromCache(b *testing.B) {
	w := newWorld(b)
	must(b, w.env, w.bin, "process", "--account", account, "--role", "Admin")
	for b.Loop() {
		cmd := exec.Command(w.bin, "process", "--account", account, "--role", "Admin")
		cmd.Env = w.env
		if err := cmd.Run(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(peakMB(b, w.env, w.bin, "process", "--account", account, "--role", "Admin"), "MB-peak")
}

// measure runs a program and prints the peak of its memory in KiB. The kernel
// counts what a process is before it becomes another program too, so whoever
// starts it has to be small: this test is not, Python is.
const measure = `
import os, subprocess, sys
p = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(p.pid, 0)
print(used.ru_maxrss)
sys.exit(status != 0)
`

// peakMB is the highest of ten runs, and no less than Python's own.
func peakMB(b *testing.B, env []string, program ...string) float64 {
	b.Helper()
	python := peer.Path(b, "/usr/bin/python3", "python3")
	peak := 0
	for range 10 {
		kib, err := strconv.Atoi(strings.TrimSpace(must(b, env, python, append([]string{"-I", "-S", "-c", measure}, program...)...)))
		if err != nil {
			b.Fatal(err)
		}
		peak = max(peak, kib)
	}
	return float64(peak) / 1024
}
