// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/awssso/awsssotest"
	"github.com/gatehouse-id/gatehouse/sts/ststest"
)

const account = "111122223333"

var roleARN = "arn:aws:iam::" + account + ":role/Admin"

// world is a portal, the STS behind it, and awscreds on a folder of its own.
type world struct {
	t       *testing.T
	portal  *awsssotest.Portal
	sts     *ststest.Server
	browser *awsssotest.Browser
	dir     string
	home    string
	env     map[string]string

	mu       sync.Mutex
	opened   []string
	exchange int
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "state"), home: t.TempDir()}
	w.sts = ststest.NewServer(t, ststest.Config{Roles: []ststest.Role{
		{ARN: roleARN, TrustedRoles: []string{roleARN}},
	}})
	w.portal = awsssotest.New(t, awsssotest.Options{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/.well-known/gatehouse" {
			_ = json.NewEncoder(rw).Encode(map[string]string{"start_url": w.portal.StartURL, "region": "eu-central-1", "sso_endpoint": w.portal.URL + "/aws"})
		}
	})})
	w.portal.SetIssue(func(_ awssso.Grant, acc, role string) (awssso.Credentials, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.exchange++
		k, err := w.sts.Mint("arn:aws:iam::"+acc+":role/"+role, "alice", time.Hour)
		return awssso.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken, Expiration: k.Expires}, err
	})
	w.portal.SetRoles("alice", awssso.Account{ID: account, Name: "Prod \x1b[31mAccount"}, "Admin", "ReadOnly")
	w.portal.SetRoles("alice", awssso.Account{ID: "444455556666", Name: "Dev"}, "Admin")
	w.browser = w.portal.SignIn("alice")
	key := filepath.Join(t.TempDir(), "key")
	w.env = map[string]string{"AWSCREDS_CACHE": "key-file", "AWSCREDS_KEY_FILE": key, "HOME": w.home}
	return w
}

type result struct {
	code     int
	out, err string
}

func (w *world) run(args ...string) result { return w.runIn(w.t.Context(), "", args...) }

func (w *world) runIn(ctx context.Context, stdin string, args ...string) result {
	var out, errs bytes.Buffer
	a := &app{
		ctx: ctx, dir: w.dir, in: strings.NewReader(stdin), out: &out, err: &errs, now: time.Now,
		env: func(name string) string { return w.env[name] },
		open: func(link string) error {
			w.mu.Lock()
			w.opened = append(w.opened, link)
			w.mu.Unlock()
			if strings.Contains(link, "/authorize") {
				page := w.browser.Consent(w.t, link, true)
				_, err := http.Get(page.Location)
				return err
			}
			w.browser.ApproveDevice(w.t, link, true)
			return nil
		},
	}
	code := a.run(args)
	return result{code, out.String(), errs.String()}
}

// ok runs and expects success.
func (w *world) ok(args ...string) string {
	w.t.Helper()
	r := w.run(args...)
	if r.code != 0 {
		w.t.Fatalf("%v: status %d\n%s%s", args, r.code, r.out, r.err)
	}
	return r.out
}

func (w *world) login() {
	w.t.Helper()
	w.ok("setup", w.portal.URL, "--name", "corp", "--sts", w.sts.URL)
	w.ok("login")
}

func TestJourney(t *testing.T) {
	w := newWorld(t)
	if r := w.run("list"); r.code != exitUsage || !strings.Contains(r.err, "awscreds setup") {
		t.Errorf("before setup: %+v", r)
	}
	w.ok("setup", w.portal.URL, "--name", "corp", "--sts", w.sts.URL)
	if r := w.run("list"); r.code != exitSignIn || !strings.Contains(r.err, "awscreds login") {
		t.Errorf("before login: %+v", r)
	}
	w.ok("login")

	out := w.ok("list")
	if !strings.Contains(out, "Prod [31mAccount") || strings.Contains(out, "\x1b") || strings.Count(out, "\n") != 3 {
		t.Errorf("list: %q", out)
	}
	var roles []role
	if err := json.Unmarshal([]byte(w.ok("list", "--json", "Dev/*")), &roles); err != nil || len(roles) != 1 || roles[0].AccountID != "444455556666" {
		t.Errorf("%+v %v", roles, err)
	}

	if out := w.ok("creds", account+"/Admin"); !strings.Contains(out, "export AWS_ACCESS_KEY_ID='"+ststest.KeyIDPrefix) {
		t.Errorf("creds: %s", out)
	}
	if out := w.ok("creds", "--shell", "fish", account+"/admin"); !strings.Contains(out, "set -gx AWS_SESSION_TOKEN '") {
		t.Errorf("fish: %s", out)
	}
	if out := w.ok("whoami", account+"/Admin"); !strings.Contains(out, "assumed-role/Admin/alice") {
		t.Errorf("whoami: %s", out)
	}
	if w.exchange != 1 {
		t.Errorf("%d exchanges for one role", w.exchange)
	}
	if out := w.ok("console", "--print", "--federation", w.sts.URL+"/federation", account+"/Admin"); !strings.HasPrefix(out, "https://eu-central-1.signin.aws.amazon.com/federation?Action=login") {
		t.Errorf("console: %s", out)
	}
	if r := w.run("console", "--print", "--destination", "https://evil.example/", account+"/Admin"); r.code != exitUsage {
		t.Errorf("evil destination: %+v", r)
	}
	w.ok("logout")
	if r := w.run("process", "--account", account, "--role", "Admin"); r.code != exitSignIn || r.out != "" {
		t.Errorf("after logout: %+v", r)
	}
}

func TestLoginPKCE(t *testing.T) {
	w := newWorld(t)
	w.ok("setup", w.portal.URL)
	w.ok("login", "--pkce")
	if len(w.opened) != 1 || !strings.Contains(w.opened[0], "code_challenge_method=S256") {
		t.Errorf("%q", w.opened)
	}
	w.ok("list")
}

func TestLoginRefused(t *testing.T) {
	w := newWorld(t)
	w.ok("setup", w.portal.URL)
	var out bytes.Buffer
	a := &app{ctx: t.Context(), dir: w.dir, out: &out, err: &out, now: time.Now, env: func(n string) string { return w.env[n] }, open: func(link string) error {
		w.browser.ApproveDevice(t, link, false)
		return nil
	}}
	if code := a.run([]string{"login"}); code != exitRefused {
		t.Errorf("%d %s", code, out.String())
	}
}

func TestProcess(t *testing.T) {
	w := newWorld(t)
	w.login()
	opened := len(w.opened)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			r := w.run("process", "--portal", "corp", "--account", account, "--role", "Admin")
			var p struct {
				Version                 int
				AccessKeyID, Expiration string
			}
			if err := json.Unmarshal([]byte(r.out), &p); err != nil || r.code != 0 || p.Version != 1 || !strings.HasPrefix(p.AccessKeyID, ststest.KeyIDPrefix) || p.Expiration == "" {
				t.Errorf("%+v %v", r, err)
			}
		})
	}
	wg.Wait()
	if w.exchange != 1 {
		t.Errorf("%d exchanges for 50 processes", w.exchange)
	}
	if len(w.opened) != opened {
		t.Error("process opened a browser")
	}
	for _, args := range [][]string{{"--account", "1", "--role", "Admin"}, {"--account", account, "--role", "a b"}} {
		if r := w.run(append([]string{"process"}, args...)...); r.code != exitUsage || r.out != "" {
			t.Errorf("%v: %+v", args, r)
		}
	}
	if r := w.run("process", "--account", account, "--role", "Foreign"); r.code != exitRefused || !strings.Contains(r.err, "not yours") {
		t.Errorf("foreign role: %+v", r)
	}
}

// TestRefresh moves the portal's clock past the access token and expects a
// refresh without a browser.
func TestRefresh(t *testing.T) {
	w := newWorld(t)
	w.login()
	opened := len(w.opened)
	var out bytes.Buffer
	w.portal.Advance(2 * time.Hour)
	a := &app{ctx: t.Context(), dir: w.dir, out: &out, err: &out, now: func() time.Time { return time.Now().Add(2 * time.Hour) }, env: func(n string) string { return w.env[n] }}
	if code := a.run([]string{"list"}); code != 0 || len(w.opened) != opened {
		t.Errorf("%d %s", code, out.String())
	}
}

func TestExec(t *testing.T) {
	w := newWorld(t)
	w.login()
	t.Setenv("AWS_PROFILE", "other") // must not reach the command
	out := w.ok("exec", account+"/Admin", "--", "sh", "-c", `echo "$AWS_ACCESS_KEY_ID $AWS_REGION $AWS_PROFILE."`)
	if !strings.HasPrefix(out, ststest.KeyIDPrefix) || !strings.HasSuffix(out, " eu-central-1 .\n") {
		t.Errorf("%q", out)
	}
	if r := w.run("exec", account+"/Admin", "--", "sh", "-c", "exit 7"); r.code != 7 {
		t.Errorf("%+v", r)
	}
	if r := w.run("exec", account+"/Nope", "--", "true"); r.code != exitRefused {
		t.Errorf("%+v", r)
	}
	if r := w.run("exec", account+"/*", "--", "true"); r.code != exitUsage {
		t.Errorf("two roles: %+v", r)
	}
}

func TestExecMany(t *testing.T) {
	w := newWorld(t)
	w.portal.SetIssue(func(_ awssso.Grant, acc, role string) (awssso.Credentials, error) {
		return awssso.Credentials{AccessKeyID: acc + role, SecretAccessKey: "s", SessionToken: "t", Expiration: time.Now().Add(time.Hour)}, nil
	})
	w.login()
	r := w.run("exec", "--json", "--match", "*/Admin", "--parallel", "2", "--", "sh", "-c", `echo "$AWS_ACCESS_KEY_ID"; test "$AWS_ACCESS_KEY_ID" = 444455556666Admin`)
	var results []ran
	if err := json.Unmarshal([]byte(r.out), &results); err != nil || len(results) != 2 {
		t.Fatalf("%v %+v", err, r)
	}
	if results[0].Output != "444455556666Admin\n" || results[0].Status != 0 || results[1].Output != account+"Admin\n" || results[1].Status != 1 || r.code != exitFailed {
		t.Errorf("%+v", results)
	}
	if r := w.run("exec", "--match", "*/None", "--", "true"); r.code != exitRefused {
		t.Errorf("%+v", r)
	}
}

func TestProfiles(t *testing.T) {
	w := newWorld(t)
	w.login()
	config := filepath.Join(w.home, ".aws", "config")
	if err := os.MkdirAll(filepath.Dir(config), 0o700); err != nil {
		t.Fatal(err)
	}
	const mine = "[profile mine]\nregion = x\n"
	if err := os.WriteFile(config, []byte(mine), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := w.ok("profiles", "--dry-run"); !strings.Contains(out, "+[profile Prod-31mAccount-Admin]") {
		t.Errorf("dry run: %s", out)
	}
	if b, _ := os.ReadFile(config); string(b) != mine {
		t.Errorf("a dry run wrote %s", b)
	}
	w.ok("profiles")
	first, err := os.ReadFile(config)
	if err != nil || !strings.HasPrefix(string(first), mine) || !strings.Contains(string(first), "process --portal corp --account 444455556666 --role Admin") {
		t.Fatalf("%v\n%s", err, first)
	}
	w.ok("profiles", "--prune")
	if again, _ := os.ReadFile(config); !bytes.Equal(first, again) {
		t.Errorf("a repeat changes the file:\n%s", again)
	}
	w.portal.SetRoles("alice", awssso.Account{ID: "444455556666", Name: "Dev"})
	if out := w.ok("profiles"); !strings.Contains(out, "No longer yours: [profile Dev-Admin]") {
		t.Errorf("stale: %s", out)
	}
	w.ok("profiles", "--prune")
	if b, _ := os.ReadFile(config); strings.Contains(string(b), "Dev-Admin") {
		t.Errorf("not pruned:\n%s", b)
	}
	w.ok("profiles", "--prune", "--sso")
	if b, _ := os.ReadFile(config); !strings.Contains(string(b), "[sso-session gatehouse-corp]") || !strings.Contains(string(b), "endpoint_url = "+w.portal.URL+"/aws") {
		t.Errorf("sso:\n%s", b)
	}
	if r := w.run("profiles", "--template", "same"); r.code != exitUsage || !strings.Contains(r.err, "same") {
		t.Errorf("one name for all: %+v", r)
	}
	if r := w.run("profiles", "--template", "{{.Nope}}"); r.code != exitUsage {
		t.Errorf("bad template: %+v", r)
	}
}

func TestServe(t *testing.T) {
	w := newWorld(t)
	w.login()
	if r := w.run("serve", "--listen", "0.0.0.0:0", account+"/Admin"); r.code != exitUsage {
		t.Errorf("%+v", r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	pr, pw := io.Pipe()
	a := &app{ctx: ctx, dir: w.dir, out: pw, err: io.Discard, now: time.Now, env: func(n string) string { return w.env[n] }}
	done := make(chan int)
	go func() { done <- a.run([]string{"--json", "serve", account + "/Admin"}) }()
	var env map[string]string
	if err := json.NewDecoder(pr).Decode(&env); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", env["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != 200 || !strings.Contains(string(b), ststest.KeyIDPrefix) {
		t.Errorf("%d %s", resp.StatusCode, b)
	}
	cancel()
	if code := <-done; code != 0 {
		t.Errorf("status %d", code)
	}
}

func TestShare(t *testing.T) {
	w := newWorld(t)
	w.ok("setup", w.portal.URL, "--name", "corp")
	w.ok("login", "--share")
	files, err := filepath.Glob(filepath.Join(w.home, ".aws", "sso", "cache", "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var f map[string]string
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"startUrl", "region", "accessToken", "expiresAt", "clientId", "clientSecret", "registrationExpiresAt", "refreshToken"} {
		if f[k] == "" {
			t.Errorf("no %s in %s", k, b)
		}
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	// The CLI refreshes: its tokens are taken over, and a refresh of ours is
	// written back.
	cli := w.portal.Client()
	cli.ID, cli.Secret = f["clientId"], f["clientSecret"]
	later := func(d time.Duration) {
		t.Helper()
		var out bytes.Buffer
		a := &app{ctx: t.Context(), dir: w.dir, out: &out, err: &out, now: func() time.Time { return time.Now().Add(d) }, env: func(n string) string { return w.env[n] }}
		if code := a.run([]string{"list"}); code != 0 {
			t.Errorf("%d %s", code, out.String())
		}
	}
	w.portal.Advance(2 * time.Hour)
	refreshed := cli.Refresh(t, f["refreshToken"])
	f["accessToken"], f["refreshToken"] = refreshed.Text("accessToken"), refreshed.Text("refreshToken")
	f["expiresAt"] = time.Now().Add(3 * time.Hour).UTC().Format(time.RFC3339)
	if b, err = json.Marshal(f); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	later(2 * time.Hour) // by the CLI's token
	if again, _ := os.ReadFile(files[0]); !bytes.Equal(again, b) {
		t.Errorf("the CLI's token was refreshed again: %s", again)
	}
	w.portal.Advance(2 * time.Hour)
	later(4 * time.Hour) // by a refresh of the CLI's token
	if again, _ := os.ReadFile(files[0]); bytes.Equal(again, b) {
		t.Error("a refresh is not written back")
	}
	w.ok("logout")
	if _, err := os.Stat(files[0]); err == nil {
		t.Error("the shared token stays after logout")
	}
}

func TestNoSecretsInClear(t *testing.T) {
	w := newWorld(t)
	w.login()
	out := w.ok("process", "--account", account, "--role", "Admin")
	var p struct{ SecretAccessKey, SessionToken string }
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		t.Fatal(err)
	}
	err := filepath.Walk(w.dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(p.SecretAccessKey)) || bytes.Contains(b, []byte("AccessKeyId")) || bytes.Contains(b, []byte("access_token")) {
			t.Errorf("%s holds secrets in clear", path)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for _, args := range [][]string{{"list"}, {"whoami", account + "/Admin"}, {"doctor"}, {"portals"}, {"list", "--json"}} {
		r := w.run(args...)
		if strings.Contains(r.out+r.err, p.SecretAccessKey) || strings.Contains(r.out+r.err, p.SessionToken) {
			t.Errorf("%v prints a secret", args)
		}
	}
}

func TestDoctor(t *testing.T) {
	w := newWorld(t)
	w.ok("setup", w.portal.URL, "--name", "corp")
	r := w.run("doctor", "--json")
	var f []finding
	if err := json.Unmarshal([]byte(r.out), &f); err != nil || r.code != exitFailed {
		t.Fatalf("%v %+v", err, r)
	}
	got := map[string]bool{}
	for _, x := range f {
		got[x.Check] = x.OK
	}
	if !got["cache"] || !got["portal corp"] || !got["clock corp"] || got["sign-in corp"] {
		t.Errorf("%+v", f)
	}
}

// Without a keychain, setup and doctor say what to set before anything is
// kept, and the help has all values.
func TestNoKeychain(t *testing.T) {
	keyring.MockInitWithError(errors.New("no session bus"))
	t.Cleanup(keyring.MockInit)
	w := newWorld(t)
	delete(w.env, "AWSCREDS_CACHE")
	r := w.run("setup", w.portal.URL, "--name", "corp")
	if r.code != 0 || strings.Contains(r.out, "Next:") || !strings.Contains(r.err, "AWSCREDS_CACHE=key-file") {
		t.Errorf("setup: %+v", r)
	}
	if r := w.run("doctor"); r.code != exitFailed || !strings.Contains(r.out, "AWSCREDS_CACHE=key-file") {
		t.Errorf("doctor: %+v", r)
	}
	out := w.ok("--help")
	for _, s := range []string{"AWSCREDS_CACHE", "keychain ", "key-file ", "AWSCREDS_KEY_FILE", "passphrase ", "AWSCREDS_PASSPHRASE"} {
		if !strings.Contains(out, s) {
			t.Errorf("%s is not in the help", s)
		}
	}
	w.env["AWSCREDS_CACHE"] = "key-file"
	if r := w.run("setup", w.portal.URL, "--name", "corp"); r.code != 0 || !strings.Contains(r.out, "Next: awscreds login") || r.err != "" {
		t.Errorf("with a key file: %+v", r)
	}
}

func TestCLIAdvice(t *testing.T) {
	for v, want := range map[[3]int]string{
		{1, 28, 0}: "not known", {1, 29, 0}: "no aws sso login", {1, 45, 11}: "no aws sso login", {2, 9, 19}: "services sections", {2, 13, 0}: "every kind", {2, 35, 12}: "every kind", {2, 35, 13}: "refuses", {2, 36, 7}: "refuses", {3, 0, 0}: "refuses",
	} {
		if got := cliAdvice(v[0], v[1], v[2]); !strings.Contains(got, want) {
			t.Errorf("%v: %s", v, got)
		}
	}
}

func TestSetupRefuses(t *testing.T) {
	w := newWorld(t)
	other := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/foreign") {
			fmt.Fprint(rw, `{"start_url":"https://evil.example/start","region":"us-east-1","sso_endpoint":"https://evil.example/aws"}`)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/region") {
			fmt.Fprintf(rw, `{"start_url":"http://%s/start","region":"x\n[evil]","sso_endpoint":"http://%s/aws"}`, r.Host, r.Host)
			return
		}
		http.NotFound(rw, r)
	}))
	t.Cleanup(other.Close)
	for _, args := range [][]string{
		{"http://portal.example.com"},
		{"ftp://127.0.0.1"},
		{"https://user@portal.example.com"},
		{other.URL + "/foreign"},
		{other.URL + "/region"},
		{other.URL},
		{"https://d-1234567890.awsapps.com/start"},
		{w.portal.URL, "--name", "a b"},
		{w.portal.URL, "--sts", "https://sts.example.com"},
	} {
		if r := w.run(append([]string{"setup"}, args...)...); r.code != exitUsage {
			t.Errorf("%v: %+v", args, r)
		}
	}
	w.ok("setup", "https://d-1234567890.awsapps.com/start", "--region", "eu-west-1", "--name", "aws")
	w.ok("setup", w.portal.URL, "--name", "corp")
	if out := w.ok("portals"); strings.Count(out, "\n") != 2 {
		t.Errorf("%s", out)
	}
	if r := w.run("login"); r.code != exitUsage || !strings.Contains(r.err, "--portal") {
		t.Errorf("two portals: %+v", r)
	}
}

func TestSeveralPortals(t *testing.T) {
	w := newWorld(t)
	w.login()
	other := newWorld(t)
	w.ok("setup", other.portal.URL, "--name", "other")
	r := w.run("list")
	if r.code != 0 || strings.Count(r.out, "\n") != 3 || !strings.Contains(r.err, "--portal other") {
		t.Errorf("one signed in: %+v", r)
	}
	if r := w.run("list", "--portal", "other"); r.code != exitSignIn {
		t.Errorf("the other: %+v", r)
	}
	w.browser, other.browser = other.browser, w.browser
	w.ok("login", "--portal", "other")
	if out := w.ok("list"); strings.Count(out, "\n") != 6 {
		t.Errorf("both: %s", out)
	}
	if r := w.run("creds", account+"/Admin"); r.code != exitUsage {
		t.Errorf("in both: %+v", r)
	}
	w.ok("creds", "--portal", "other", account+"/Admin")
	if w.exchange != 0 || other.exchange != 1 {
		t.Errorf("%d and %d exchanges", w.exchange, other.exchange)
	}
}

func TestPassphraseIsAskedFor(t *testing.T) {
	w := newWorld(t)
	w.env["AWSCREDS_CACHE"] = "passphrase"
	asked := 0
	run := func(args ...string) int {
		a := &app{ctx: t.Context(), dir: w.dir, out: io.Discard, err: io.Discard, now: time.Now, env: func(n string) string { return w.env[n] }, ask: func(string) (string, error) {
			asked++
			return "correct horse", nil
		}}
		return a.run(args)
	}
	w.ok("setup", w.portal.URL)
	if code := run("list"); code != exitSignIn || asked != 1 {
		t.Errorf("status %d, asked %d times", code, asked)
	}
	if code := run("process", "--account", account, "--role", "Admin"); code != exitUsage || asked != 1 {
		t.Errorf("process: status %d, asked %d times", code, asked)
	}
}

func TestKeyFile(t *testing.T) {
	w := newWorld(t)
	w.login()
	if err := os.Chmod(w.env["AWSCREDS_KEY_FILE"], 0o644); err != nil {
		t.Fatal(err)
	}
	if r := w.run("list"); r.code != exitUsage || !strings.Contains(r.err, "chmod 600") {
		t.Errorf("%+v", r)
	}
	w.env["AWSCREDS_CACHE"] = "passphrase"
	if r := w.run("list"); r.code != exitUsage || !strings.Contains(r.err, "AWSCREDS_PASSPHRASE") {
		t.Errorf("%+v", r)
	}
	w.env["AWSCREDS_PASSPHRASE"] = "correct horse"
	if r := w.run("list"); r.code == 0 {
		t.Errorf("another key opens the vault: %+v", r)
	}
	w.env["AWSCREDS_CACHE"] = "clear"
	if r := w.run("list"); r.code != exitUsage {
		t.Errorf("%+v", r)
	}
}
