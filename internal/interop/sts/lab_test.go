// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/awssso/awsssotest"
	"github.com/gatehouse-id/gatehouse/saml/awsrole"
	"github.com/gatehouse-id/gatehouse/sts/ststest"
)

const (
	account     = "111122223333"
	roleARN     = "arn:aws:iam::111122223333:role/Admin"
	chainedARN  = "arn:aws:iam::111122223333:role/Chained"
	providerARN = "arn:aws:iam::111122223333:saml-provider/Gatehouse"
)

func session() awsrole.Session {
	return awsrole.Session{
		Role:            awsrole.RolePair{RoleARN: roleARN, ProviderARN: providerARN},
		RoleSessionName: "alice@example.com", SessionDuration: time.Hour,
		PrincipalTags: []awsrole.Tag{{Key: "Cost Center", Value: "R+D / 7"}}, TransitiveTagKeys: []string{"Cost Center"}, SourceIdentity: "p-1",
	}
}

// double starts the strict STS and an issuer that it trusts.
func double(t testing.TB) (*ststest.Server, *ststest.Issuer) {
	t.Helper()
	issuer, err := ststest.NewIssuer("https://idp.example.com/aws")
	if err != nil {
		t.Fatal(err)
	}
	return ststest.NewServer(t, ststest.Config{
		Skew:      time.Minute,
		Providers: []ststest.Provider{{ARN: providerARN, Metadata: issuer.Metadata()}},
		Roles: []ststest.Role{
			{ARN: roleARN, Provider: providerARN, MaxSessionDuration: 2 * time.Hour, TagSession: true, SetSourceIdentity: true},
			{ARN: chainedARN, TrustedRoles: []string{roleARN}, TagSession: true, SetSourceIdentity: true},
		},
	}), issuer
}

func respond(t testing.TB, issuer *ststest.Issuer) string {
	t.Helper()
	a, err := issuer.Response("p-1", session(), time.Now().Add(-time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func awsCLI(t testing.TB) string { return peer.Path(t, "/usr/bin/aws", "awscli") }

// run runs a program in an environment of its own.
func run(t testing.TB, env []string, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "LC_ALL=C.UTF-8"}, env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

func must(t testing.TB, env []string, name string, args ...string) string {
	t.Helper()
	out, errs, err := run(t, env, name, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, out, errs)
	}
	return out
}

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "awscreds")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "awscreds")
	out, err := exec.Command("go", "build", "-o", path, "github.com/gatehouse-id/gatehouse/examples/awscreds").CombinedOutput()
	if err != nil {
		return "", &exec.Error{Name: string(out), Err: err}
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// world is a portal, the STS behind it and awscreds, signed in.
type world struct {
	t      testing.TB
	portal *awsssotest.Portal
	sts    *ststest.Server
	bin    string
	home   string
	env    []string

	mu       sync.Mutex
	exchange int
}

func newWorld(t testing.TB, login ...string) *world {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, bin: bin, home: t.TempDir()}
	w.sts, _ = double(t)
	w.portal = awsssotest.New(t, awsssotest.Options{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/.well-known/gatehouse" {
			_ = json.NewEncoder(rw).Encode(map[string]string{"start_url": w.portal.StartURL, "region": "eu-central-1", "sso_endpoint": w.portal.URL + "/aws"})
		}
	})})
	w.portal.SetIssue(func(awssso.Grant, string, string) (awssso.Credentials, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.exchange++
		k, err := w.sts.Mint(roleARN, "alice", time.Hour)
		return awssso.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken, Expiration: k.Expires}, err
	})
	w.portal.SetRoles("alice", awssso.Account{ID: account, Name: "Prod"}, "Admin")
	w.env = []string{
		"HOME=" + w.home, "AWSCREDS_HOME=" + filepath.Join(w.home, "awscreds"),
		"AWSCREDS_CACHE=key-file", "AWSCREDS_KEY_FILE=" + filepath.Join(w.home, "key"),
	}
	must(t, w.env, bin, "setup", w.portal.URL, "--name", "corp", "--sts", w.sts.URL)
	w.login(login...)
	return w
}

var address = regexp.MustCompile(`Open (\S+)`)

func (w *world) login(args ...string) {
	w.t.Helper()
	login(w.t, w.bin, w.env, func(link string) { w.portal.SignIn("alice").ApproveDevice(w.t, link, true) }, args...)
}

// login runs awscreds login and has approved what it prints.
func login(t testing.TB, bin string, env []string, approve func(link string), args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), bin, append([]string{"login", "--no-browser"}, args...)...)
	cmd.Env = env
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var seen []byte
	buf := make([]byte, 1024)
	for {
		n, err := stderr.Read(buf)
		seen = append(seen, buf[:n]...)
		if m := address.FindSubmatch(seen); m != nil && bytes.Contains(seen, []byte("Waiting")) {
			approve(string(m[1]))
			break
		}
		if err != nil {
			t.Fatalf("no address in %q", seen)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, seen)
	}
}
