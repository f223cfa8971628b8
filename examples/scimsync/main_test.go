// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-id/gatehouse/scim"
)

// The test binary is the command too, so that tests run it as a process.
func TestMain(m *testing.M) {
	if os.Getenv("SCIMSYNC_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

const (
	token       = "t4rget-t0ken-9f8e7d"
	sourceToken = "s0urce-t0ken-1a2b3c"
)

// site is a SCIM server that counts what is written.
type site struct {
	url string

	mu     sync.Mutex
	writes map[string]int // by method, path and body
	n      int
	// on is called with each write, before it is done or, with done, after. What
	// it returns is answered in the server's place.
	on func(n int, done bool, r *http.Request) (status int, body string)
}

func newSite(t *testing.T, token string) *site {
	t.Helper()
	s := &site{writes: map[string]int{}}
	m := scim.NewMemoryStore(10_000)
	var h http.Handler
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			h.ServeHTTP(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.mu.Lock()
		s.n++
		n, on := s.n, s.on
		s.writes[fmt.Sprintf("%s %s %s", r.Method, r.URL.Path, body)]++
		s.mu.Unlock()
		for _, done := range []bool{false, true} {
			if on != nil {
				if status, body := on(n, done, r); status != 0 {
					w.WriteHeader(status)
					_, _ = io.WriteString(w, body)
					return
				}
			}
			if !done {
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, r)
				defer func() {
					for k, v := range rec.Header() {
						w.Header()[k] = v
					}
					w.WriteHeader(rec.Code)
					_, _ = w.Write(rec.Body.Bytes())
				}()
			}
		}
	}))
	t.Cleanup(srv.Close)
	s.url = srv.URL + "/scim/v2"
	var err error
	h, err = scim.New(scim.Config{
		BaseURL: s.url, Users: m.Users(), Groups: m.Groups(),
		Authenticate: func(r *http.Request) (scim.Caller, error) {
			if scim.Bearer(r) != token {
				return scim.Caller{}, &scim.Error{Check: scim.CheckUnauthorized}
			}
			return scim.Caller{Tenant: "t"}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) setOn(on func(n int, done bool, r *http.Request) (int, string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on = on
}

// sent is how many writes there were.
func (s *site) sent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

// count says how many users and groups there are.
func (s *site) count(t *testing.T) (users, groups int) {
	t.Helper()
	c, err := scim.NewClient(scim.ClientConfig{BaseURL: s.url, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range c.Users().All(t.Context(), scim.ListOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		users++
	}
	for _, err := range c.Groups().All(t.Context(), scim.ListOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		groups++
	}
	return users, groups
}

type result struct {
	code     int
	out, err string
}

func process(t *testing.T, stdin string, args ...string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = []string{"SCIMSYNC_TEST_MAIN=1", "SCIM_TOKEN=" + token, "SCIM_SOURCE_TOKEN=" + sourceToken, "HOME=" + t.TempDir()}
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	return cmd, &out, &errs
}

// start runs the command and shows that no secret comes out of it.
func start(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	cmd, out, errs := process(t, stdin, args...)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	for _, s := range []string{out.String(), errs.String()} {
		if strings.Contains(s, token) || strings.Contains(s, sourceToken) {
			t.Errorf("%v prints a token:\n%s", args, s)
		}
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

func (r result) want(t *testing.T, code int, out, errs string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.out, out) || !strings.Contains(r.err, errs) {
		t.Fatalf("exit %d, want %d\nout: %s\nerr: %s\nwant %q and %q", r.code, code, r.out, r.err, out, errs)
	}
}

// table is a CSV file of n people, each with the manager before them, in two
// groups.
func table(n int) string {
	var b strings.Builder
	b.WriteString("userName,externalId,displayName,manager,groups\n")
	for i := range n {
		manager := ""
		if i > 0 {
			manager = strconv.Itoa(i - 1)
		}
		group := "Even"
		if i%2 == 1 {
			group = "Odd"
		}
		fmt.Fprintf(&b, "u%d@example.com,%d,Person %d,%s,All;%s\n", i, i, i, manager, group)
	}
	return b.String()
}

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestCSVToServer(t *testing.T) {
	t.Parallel()
	s := newSite(t, token)
	csv := write(t, table(120))
	start(t, "", "--dry-run", "--csv", csv, s.url).want(t, exitChanges, "people: 120 to create", "")
	if s.sent() != 0 {
		t.Fatal("a dry run has written")
	}
	r := start(t, "", "--csv", csv, s.url)
	r.want(t, exitDone, `+ create user "u7@example.com"`, "100/123\n123/123\n")
	start(t, "", "--csv", csv, s.url).want(t, exitDone, "123 unchanged, 0 problems", "")
	start(t, "", "--dry-run", "--csv", csv, s.url).want(t, exitDone, "123 unchanged", "")
	start(t, table(120), "--quiet", "--json", "--csv", "-", s.url).want(t, exitDone, `"unchanged": 123`, "")
	if users, groups := s.count(t); users != 120 || groups != 3 {
		t.Fatal(users, groups)
	}
}

func TestServerToServer(t *testing.T) {
	t.Parallel()
	from, to := newSite(t, sourceToken), newSite(t, token)
	// The source is filled by the command too, with its token.
	cmd, _, errs := process(t, table(30), "--csv", "-", from.url)
	cmd.Env = append(cmd.Env, "SCIM_TOKEN="+sourceToken)
	if err := cmd.Run(); err != nil {
		t.Fatal(err, errs)
	}
	start(t, "", "--from", from.url, to.url).want(t, exitDone, "members: 60 to add", "33/33")
	start(t, "", "--from", from.url, to.url).want(t, exitDone, "33 unchanged", "")
	cmd, _, _ = process(t, table(29), "--csv", "-", from.url)
	cmd.Env = append(cmd.Env, "SCIM_TOKEN="+sourceToken)
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	start(t, "", "--from", from.url, to.url).want(t, exitDone, "1 to deactivate", "")
}

// A plan is kept, changes nothing, is for its owner's eyes, and is applied
// later, once.
func TestKeptPlan(t *testing.T) {
	t.Parallel()
	s := newSite(t, token)
	plan := filepath.Join(t.TempDir(), "plan.json")
	start(t, table(10), "--csv", "-", "--save", plan, s.url).want(t, exitChanges, "people: 10 to create", "")
	info, err := os.Stat(plan)
	if err != nil || info.Mode().Perm() != 0o600 || s.sent() != 0 {
		t.Fatal(info, err, s.sent())
	}
	start(t, "", "--apply", plan, "--dry-run", s.url).want(t, exitChanges, "people: 10 to create", "")
	start(t, "", "--apply", plan, s.url).want(t, exitDone, `+ member "u3@example.com"`, "13/13")
	n := s.sent()
	start(t, "", "--apply", plan, s.url).want(t, exitDone, "10 to create", "")
	cmd, both, _ := process(t, "", "--apply", plan, s.url)
	cmd.Stderr = both
	if err := cmd.Run(); err != nil || !strings.HasPrefix(both.String(), "Nothing was changed: all 13 changes of this plan were done by an earlier run.\n") {
		t.Error(err, both)
	}
	if s.sent() != n {
		t.Fatal("a plan that is done was applied again")
	}
	for _, name := range []string{plan, plan + ".journal"} {
		b, err := os.ReadFile(name)
		if err != nil || bytes.Contains(b, []byte(token)) {
			t.Fatal(name, err)
		}
	}
	// Another plan in the same file begins anew.
	start(t, table(11), "--csv", "-", "--save", plan, s.url).want(t, exitChanges, "people: 1 to create", "")
	start(t, "", "--apply", plan, s.url).want(t, exitDone, "", "3/3")
	other := newSite(t, token)
	start(t, "", "--apply", plan, other.url).want(t, exitFailed, "", "another target")
	if err := os.WriteFile(plan, []byte(`{"format":1,"users":[{}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, "", "--apply", plan, s.url).want(t, exitFailed, "", "not a plan")
	start(t, "", "--apply", plan+"x", s.url).want(t, exitFailed, "", "no such file")
}

// Killed again and again in the middle of its requests, before and after the
// server did what it was asked, a run ends as one that was left alone.
func TestKilled(t *testing.T) {
	t.Parallel()
	for _, kept := range []bool{true, false} {
		t.Run(fmt.Sprint("kept ", kept), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, token)
			csv := write(t, table(60))
			args := []string{"--csv", csv, s.url}
			plan := filepath.Join(t.TempDir(), "plan.json")
			if kept {
				start(t, "", "--csv", csv, "--save", plan, s.url).want(t, exitChanges, "", "")
				args = []string{"--apply", plan, s.url}
			}
			killed := 0
			for after := 1; ; after++ {
				if after > 100 {
					t.Fatal("it does not come to an end")
				}
				cmd, out, errs := process(t, "", args...)
				first, started := s.sent(), make(chan struct{})
				s.setOn(func(n int, done bool, r *http.Request) (int, string) {
					if n-first == 5+after && done == (after%2 == 0) {
						<-started
						_ = cmd.Process.Kill()
						if !done {
							return 500, "" // the process is gone, and nothing was done
						}
					}
					return 0, ""
				})
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				close(started)
				err := cmd.Wait()
				if err == nil {
					break
				}
				if cmd.ProcessState.ExitCode() != -1 {
					t.Fatal(err, out, errs)
				}
				killed++
			}
			s.setOn(nil)
			if killed < 5 {
				t.Errorf("killed %d times only", killed)
			}
			if users, groups := s.count(t); users != 60 || groups != 3 {
				t.Fatal(users, groups)
			}
			start(t, "", "--dry-run", "--csv", csv, s.url).want(t, exitDone, "63 unchanged", "")
			// What the journal has is not asked for again: only the four who were under
			// way at each kill, and a person is one request and their manager another.
			again := 0
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, n := range s.writes {
				again += n - 1
			}
			if kept && again > killed*8 {
				t.Errorf("%d requests were sent again after %d kills", again, killed)
			}
		})
	}
}

// Each exit status for its reason; nothing is written that is held.
func TestExitStatuses(t *testing.T) {
	t.Parallel()
	s := newSite(t, token)
	start(t, table(100), "--csv", "-", s.url).want(t, exitDone, "", "")
	n := s.sent()
	noGroups := strings.NewReplacer(",All;Even", ",", ",All;Odd", ",").Replace(table(100))
	for name, tc := range map[string]struct {
		stdin     string
		args      []string
		code      int
		out, errs string
	}{
		"no target":          {"", []string{"--csv", "-"}, exitUsage, "", "target"},
		"no source":          {"", []string{s.url}, exitUsage, "", "exactly one of --csv, --from and --apply"},
		"two sources":        {"", []string{"--csv", "-", "--from", s.url, s.url}, exitUsage, "", "together"},
		"not https":          {"", []string{"--from", "http://scim.example.com", s.url}, exitUsage, "", "https"},
		"no such policy":     {"", []string{"--csv", "-", "--orphans", "eat", s.url}, exitUsage, "", "orphans"},
		"no part":            {table(1), []string{"--csv", "-", "--max-removals", "2", s.url}, exitUsage, "", "parts of 1"},
		"no file":            {"", []string{"--csv", "/nowhere/x.csv", s.url}, exitFailed, "", "/nowhere/x.csv"},
		"no table":           {"a,b\n1,2\n", []string{"--csv", "-", s.url}, exitFailed, "", `heading "a" is no attribute`},
		"half a table":       {table(3) + "x", []string{"--csv", "-", s.url}, exitFailed, "", "line"},
		"no server":          {table(1), []string{"--csv", "-", s.url + "/x"}, exitFailed, "", "notFound"},
		"source's token":     {"", []string{"--from", s.url, s.url}, exitFailed, "", "unauthorized"},
		"empty source":       {table(0), []string{"--csv", "-", s.url}, exitHeld, "100 to deactivate", "to go on, add --confirm-empty-source\n"},
		"mass deactivation":  {table(80), []string{"--csv", "-", s.url}, exitHeld, "20 to deactivate", "confirm exactly 20 to go on; add --confirm-deactivations"},
		"wrong confirmation": {table(80), []string{"--csv", "-", "--confirm-deactivations", "19", s.url}, exitHeld, "", "confirm exactly 20"},
		"deletions":          {table(91), []string{"--csv", "-", "--orphans", "delete", "--max-deletions", "8", s.url}, exitHeld, "9 to delete", "confirm exactly 9 to go on; add --confirm-deletions"},
		"no deletion":        {table(99), []string{"--csv", "-", "--orphans", "delete", "--max-deletions", "0", s.url}, exitHeld, "1 to delete", "confirm exactly 1"},
		"mass removal":       {noGroups, []string{"--csv", "-", s.url}, exitHeld, "200 to remove", "confirm exactly 200 to go on; add --confirm-removals"},
	} {
		t.Run(name, func(t *testing.T) {
			start(t, tc.stdin, tc.args...).want(t, tc.code, tc.out, tc.errs)
			if s.sent() != n {
				t.Error("something was written")
			}
		})
	}
	cmd, _, errs := process(t, "", "--csv", "-", s.url)
	cmd.Env = []string{"SCIMSYNC_TEST_MAIN=1"}
	_ = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != exitUsage || !strings.Contains(errs.String(), "no SCIM_TOKEN") {
		t.Error(code, errs)
	}
	// A problem, and a change that the server refuses.
	start(t, table(100)+"twice,0,X,,All\n", "--csv", "-", s.url).want(t, exitPartly, "2 problems", "")
	s.setOn(func(_ int, _ bool, r *http.Request) (int, string) {
		if r.Method == http.MethodPost {
			return 400, `{"status":"400","scimType":"invalidValue","detail":"no, ` + r.Header.Get("Authorization") + `"}`
		}
		return 0, ""
	})
	start(t, table(102), "--csv", "-", s.url).want(t, exitPartly, "2 to create", `create User "u101@example.com": scim: invalidValue`)
	s.setOn(nil)
	start(t, table(80), "--csv", "-", "--confirm-deactivations", "22", s.url).want(t, exitHeld, "20 to deactivate", "confirm exactly 20")
	start(t, table(80), "--csv", "-", "--confirm-deactivations", "20", s.url).want(t, exitDone, "20 to deactivate", "")
}

// The help has every exit status and where tokens come from.
func TestHelp(t *testing.T) {
	t.Parallel()
	r := start(t, "", "--help")
	r.want(t, exitDone, "SCIM_SOURCE_TOKEN", "")
	r.want(t, exitDone, "Usage: scimsync <target> [flags]", "")
	r.want(t, exitDone, "exactly one of --csv, --from and --apply", "")
	for code, why := range map[int]string{exitDone: "agrees", exitFailed: "reached", exitUsage: "command line", exitPartly: "in part", exitHeld: "held", exitChanges: "--dry-run"} {
		if !strings.Contains(r.out, fmt.Sprintf("    %d  ", code)) || !strings.Contains(r.out, why) {
			t.Errorf("%d is not in the help", code)
		}
	}
}
