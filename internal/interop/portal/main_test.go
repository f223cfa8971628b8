// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package portal_test runs the portal against what it meets in real life:
// PostgreSQL and a second replica, kill -9, the AWS CLI, Chromium, xmlsec1 and
// the OASIS schemas. Most tests run examples/portal as a process of its own.
package portal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"
)

// patience is how long a busy machine may take; nothing is measured.
const patience = time.Minute

// folder holds the program that the tests build.
var folder string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "gatehouse-interop-portal-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

var build = sync.OnceValues(func() (string, error) {
	path := filepath.Join(folder, "portal")
	out, err := exec.Command("go", "build", "-o", path, "github.com/gatehouse-id/gatehouse/examples/portal").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("build examples/portal: %w\n%s", err, out)
	}
	return path, err
})

// program returns the path of examples/portal, built once.
func program(tb testing.TB) string {
	tb.Helper()
	path, err := build()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// process is one examples/portal.
type process struct {
	cmd   *exec.Cmd
	out   *screen
	ended chan struct{}
	err   error // how it ended
}

// launch starts the program without waiting for anything. There is no aws in
// its PATH, whose version it would ask for.
func launch(t *testing.T, args ...string) *process {
	t.Helper()
	return launchIn(t, "/nonexistent", args...)
}

func launchIn(t *testing.T, path string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(program(t), args...), out: newScreen(), ended: make(chan struct{})}
	p.cmd.Env = []string{"PATH=" + path, "HOME=" + folder}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	return p
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// await returns what the program printed, once it has.
func (p *process) await(t *testing.T, re string) []string {
	t.Helper()
	return p.out.await(t, re, p.ended)
}

// serve starts the sample organisation in a data folder, on any port, and
// waits until it is ready.
func serve(t *testing.T, data string, more ...string) (*process, *sample) {
	t.Helper()
	p := launch(t, append([]string{"--data", data, "--listen", "127.0.0.1:0"}, more...)...)
	p.await(t, `ready: http`)
	return p, readSample(t, data)
}

// command runs the program to its end and returns all that it printed.
func command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t), args...)
	cmd.Env = []string{"PATH=/nonexistent", "HOME=" + folder}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// screen collects what a program prints.
type screen struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wrote chan struct{}
}

func newScreen() *screen { return &screen{wrote: make(chan struct{}, 1)} }

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(b)
	select {
	case s.wrote <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await waits until the text matches, or the program has ended.
func (s *screen) await(t *testing.T, pattern string, ended <-chan struct{}) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for over := false; ; {
		if m := re.FindStringSubmatch(s.String()); m != nil {
			return m
		}
		if over {
			t.Fatalf("%s did not appear in:\n%s", pattern, s)
		}
		select {
		case <-s.wrote:
		case <-ended:
			over = true
		case <-timeout.C:
			over = true
		}
	}
}

// sample is DATA/sample.json.
type sample struct {
	URL      string   `json:"url"`
	StartURL string   `json:"start_url"`
	Region   string   `json:"region"`
	SSO      endpoint `json:"sso"`
	STS      endpoint `json:"sts"`
	SCIM     struct {
		BaseURL string `json:"base_url"`
		Token   string `json:"token"`
	} `json:"scim"`
	Admin  somebody   `json:"admin"`
	People []somebody `json:"people"`
}

type endpoint struct {
	Endpoint string `json:"endpoint"`
}

type somebody struct {
	Username   string   `json:"username"`
	Email      string   `json:"email"`
	Password   string   `json:"password"`
	TOTPSecret string   `json:"totp_secret"`
	Ticket     string   `json:"enrolment_ticket"`
	Groups     []string `json:"groups"`
	Disabled   bool     `json:"disabled"`
}

func readSample(t *testing.T, data string) *sample {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(data, "sample.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s sample
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// who is a person of the sample by name.
func (s *sample) who(t *testing.T, username string) somebody {
	t.Helper()
	i := slices.IndexFunc(s.People, func(p somebody) bool { return p.Username == username })
	if i < 0 {
		t.Fatalf("nobody is called %q in %+v", username, s.People)
	}
	return s.People[i]
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
