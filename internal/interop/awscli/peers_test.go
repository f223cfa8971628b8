// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awscli

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/awssso/awsssotest"
)

// peer finds a program, or skips naming what to install.
func peer(t *testing.T, path, pkg string) string {
	t.Helper()
	found, err := exec.LookPath(path)
	if err != nil {
		if os.Getenv("GATEHOUSE_PEERS") == "require" {
			t.Fatalf("%s is missing: install %s", path, pkg)
		}
		t.Skipf("%s is missing: install %s", path, pkg)
	}
	return found
}

// oldCLI is Debian's, 2.9.19.
func oldCLI(t *testing.T) string { return peer(t, "/usr/bin/aws", "Debian's package awscli") }

var (
	prod    = awssso.Account{ID: "111122223333", Name: "Production", Email: "aws-prod@example.com"}
	staging = awssso.Account{ID: "444455556666", Name: "Staging", Email: "aws-staging@example.com", Environment: "staging"} // clients pass over the environment
)

const ann = "ann"

// portal runs one, with a stand-in for STS that knows the portal's own
// credentials.
func portal(t *testing.T, o awsssotest.Options) (*awsssotest.Portal, *awsssotest.Browser) {
	t.Helper()
	p := awsssotest.New(t, withSTS(o))
	p.SetRoles(ann, prod, "ReadOnly")
	p.SetRoles(ann, staging, "Admin", "ReadOnly")
	return p, p.SignIn(ann)
}

func withSTS(o awsssotest.Options) awsssotest.Options {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sts/", callerIdentity)
	o.Handler = mux
	return o
}

var signed = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=(TESTKEY(\d{12})\d{4})/`)

// callerIdentity answers GetCallerIdentity for the credentials of
// awsssotest, by their key id.
func callerIdentity(w http.ResponseWriter, r *http.Request) {
	key := signed.FindStringSubmatch(r.Header.Get("Authorization"))
	if key == nil || r.PostFormValue("Action") != "GetCallerIdentity" || !strings.HasPrefix(r.Header.Get("X-Amz-Security-Token"), "test-session-") {
		http.Error(w, "not ours", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	person := strings.TrimPrefix(r.Header.Get("X-Amz-Security-Token"), "test-session-")
	_, _ = w.Write([]byte(`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:sts::` + key[2] +
		`:assumed-role/R/` + person + `</Arn><UserId>AROA:` + person + `</UserId><Account>` + key[2] + `</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`))
}

// cli is one AWS CLI with a home of its own.
type cli struct {
	t    *testing.T
	path string
	home string
	env  []string
}

// newCLI points a CLI at the portal; rules is for those before 2.13.
func newCLI(t *testing.T, path string, p *awsssotest.Portal, rules bool) *cli {
	t.Helper()
	c := &cli{t: t, path: path, home: t.TempDir()}
	config := p.SSO.ClientConfig("gatehouse")
	config.STSURL = p.URL + "/sts/"
	config.Profiles = []awssso.Profile{
		{Name: "prod", AccountID: prod.ID, Role: "ReadOnly"},
		{Name: "foreign", AccountID: prod.ID, Role: "Admin"},
	}
	text, err := config.Text()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(c.home, ".aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	c.writeConfig(text)
	c.env = []string{
		"HOME=" + c.home, "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true", "BROWSER=/bin/true",
		"AWS_MAX_ATTEMPTS=1",
	}
	if rules {
		data := filepath.Join(c.home, "data")
		if err := awssso.WriteEndpointRules(data, config.SSOURL, config.OIDCURL, config.STSURL); err != nil {
			t.Fatal(err)
		}
		c.env = append(c.env, "AWS_DATA_PATH="+data)
	}
	return c
}

func (c *cli) writeConfig(text string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.home, ".aws", "config"), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cli) config() string {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.home, ".aws", "config"))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

func (c *cli) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.path, args...)
	cmd.Env, cmd.Dir = c.env, c.home
	return cmd
}

// run runs a command to its end.
func (c *cli) run(args ...string) (stdout, stderr string, err error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := c.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// must runs a command that has to succeed.
func (c *cli) must(args ...string) string {
	c.t.Helper()
	out, errs, err := c.run(args...)
	if err != nil {
		c.t.Fatalf("aws %s: %v\n%s%s", strings.Join(args, " "), err, out, errs)
	}
	return out
}

// screen collects what a program prints and tells when something appeared.
type screen struct {
	mu    sync.Mutex
	text  strings.Builder
	await *regexp.Regexp
	found chan []string
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	s.look()
	return len(p), nil
}

func (s *screen) look() {
	if s.await == nil {
		return
	}
	if m := s.await.FindStringSubmatch(s.text.String()); m != nil {
		s.await = nil
		s.found <- m
	}
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// expect waits until the text matches.
func (s *screen) expect(t *testing.T, re string) []string {
	t.Helper()
	found := make(chan []string, 1)
	s.mu.Lock()
	s.await, s.found = regexp.MustCompile(re), found
	s.look()
	s.mu.Unlock()
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	select {
	case m := <-found:
		return m
	case <-timeout.C:
		t.Fatalf("%s did not appear in:\n%s", re, s)
		return nil
	}
}

var deviceLink = `(http://[^\s]+/device\?user_code=[A-Z-]+)`

// login runs aws sso login and answers in the browser.
func (c *cli) login(b *awsssotest.Browser, allow bool, args ...string) (output string, err error) {
	c.t.Helper()
	s := &screen{}
	cmd := c.command(c.t.Context(), append([]string{"sso", "login", "--no-browser"}, args...)...)
	cmd.Stdout, cmd.Stderr = s, s
	// Python buffers its output to a pipe.
	cmd.Env = append(cmd.Env, "PYTHONUNBUFFERED=1")
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	link := s.expect(c.t, deviceLink)[1]
	b.ApproveDevice(c.t, link, allow)
	err = cmd.Wait()
	return s.String(), err
}

func query(raw string) url.Values {
	u, err := url.Parse(raw)
	if err != nil {
		return nil
	}
	return u.Query()
}
