// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-id/gatehouse/scim"
)

// The test binary is the command too, so that tests run it as a process.
func TestMain(m *testing.M) {
	if os.Getenv("SCIMSERVER_TEST_MAIN") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), "SCIMSERVER_TEST_MAIN=1")
	return cmd
}

// serve starts the command on a free port and returns its base URL.
func serve(t *testing.T, args ...string) (*exec.Cmd, string) {
	t.Helper()
	cmd := command(t, append([]string{"--listen", "127.0.0.1:0"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if base, ok := strings.CutPrefix(lines.Text(), "serving "); ok {
			return cmd, base
		}
	}
	_ = cmd.Wait()
	t.Fatalf("the server did not start: %s", &errs)
	return nil, ""
}

func client(t *testing.T, base, token string) *scim.Client {
	t.Helper()
	c, err := scim.NewClient(scim.ClientConfig{BaseURL: base, Token: token, Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func names(t *testing.T, c *scim.Client) string {
	t.Helper()
	var out []string
	for u, err := range c.Users().All(t.Context(), scim.ListOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, u.UserName)
	}
	return strings.Join(out, " ")
}

func wantCheck(t *testing.T, err error, c scim.Check) {
	t.Helper()
	var e *scim.Error
	if !errors.As(err, &e) || e.Check != c {
		t.Fatalf("error %v, want check %s", err, c)
	}
}

// Each token sees the people of its tenant and nobody else's, in memory and in
// the database; two tokens of one tenant see the same.
func TestTenants(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"memory": nil, "sqlite": {"--data", filepath.Join(t.TempDir(), "data")}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, base := serve(t, append(args, "--token", "one=acme", "--token", "two=globex", "--token", "ro-three=acme")...)
			a, b, ro := client(t, base, "one"), client(t, base, "two"), client(t, base, "ro-three")
			ann, err := a.Users().Create(t.Context(), &scim.User{UserName: "ann"})
			if err != nil {
				t.Fatal(err)
			}
			// The same name is another person's there.
			if _, err := b.Users().Create(t.Context(), &scim.User{UserName: "ann"}); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Users().Create(t.Context(), &scim.User{UserName: "ben"}); err != nil {
				t.Fatal(err)
			}
			if got := names(t, a) + "|" + names(t, b) + "|" + names(t, ro); got != "ann|ann ben|ann" {
				t.Fatal(got)
			}
			_, err = b.Users().Get(t.Context(), ann.ID)
			wantCheck(t, err, scim.CheckNotFound)
			_, err = b.Users().Patch(t.Context(), ann.ID, "", scim.PatchOp{Op: "replace", Path: "title", Value: "x"})
			wantCheck(t, err, scim.CheckNotFound)
			wantCheck(t, b.Users().Delete(t.Context(), ann.ID, ""), scim.CheckNotFound)
			_, err = b.Groups().Create(t.Context(), &scim.Group{DisplayName: "g", Members: []scim.Member{{Value: ann.ID}}})
			wantCheck(t, err, scim.CheckInvalidValue)
			_, err = ro.Users().Create(t.Context(), &scim.User{UserName: "cy"})
			wantCheck(t, err, scim.CheckForbidden)
			_, err = client(t, base, "three").Users().Get(t.Context(), ann.ID)
			wantCheck(t, err, scim.CheckUnauthorized)
		})
	}
}

// A server that is killed while people are provisioned has all that it
// acknowledged when it is started again.
func TestDataSurvivesKill(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	args := []string{"--data", data, "--token", "one=acme", "--token", "two=globex"}
	cmd, base := serve(t, args...)
	acked := map[string][]string{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, token := range []string{"one", "two"} {
		c := client(t, base, token)
		for w := range 2 {
			wg.Go(func() {
				for i := 0; ; i++ {
					u, err := c.Users().Create(t.Context(), &scim.User{UserName: fmt.Sprint("u", w, "-", i)})
					if err != nil {
						return
					}
					mu.Lock()
					acked[token] = append(acked[token], u.ID)
					if len(acked["one"])+len(acked["two"]) == 100 {
						_ = cmd.Process.Kill()
					}
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	_ = cmd.Wait()
	_, base = serve(t, args...)
	for token, ids := range acked {
		c := client(t, base, token)
		for _, id := range ids {
			if _, err := c.Users().Get(t.Context(), id); err != nil {
				t.Errorf("%s was acknowledged: %v", id, err)
			}
		}
		if n := len(strings.Fields(names(t, c))); n < len(ids) || n > len(ids)+2 {
			t.Errorf("%d people, %d were acknowledged", n, len(ids))
		}
	}
	if info, err := os.Stat(data); err != nil || info.Mode().Perm() != 0o700 {
		t.Error(info.Mode(), err)
	}
}

// What would be served to others, or by nobody's token, is not served.
func TestRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--token", "s3cret=acme", "--listen", "0.0.0.0:0"}, "not on loopback"},
		{[]string{"--token", "s3cret=acme", "--listen", "example.com:0"}, "not on loopback"},
		{[]string{"--token", "s3cret=acme", "--listen", ":0"}, "not on loopback"},
		{[]string{}, "--token"},
		{[]string{"--token", "s3cret"}, "TOKEN=TENANT"},
		{[]string{"--token", "s3cret="}, "TOKEN=TENANT"},
		{[]string{"--token", "=acme"}, "TOKEN=TENANT"},
		{[]string{"--token", "s3cret=acme", "--token", "s3cret=globex"}, "number 2"},
		{[]string{"--token", "s3cret=acme", "--profile", "loose"}, "profile"},
		{[]string{"--token", "s3cret=acme", "--listen", "8085"}, "port"},
	} {
		cmd := command(t, tc.args...)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), tc.want) {
			t.Errorf("%v: %v, %s", tc.args, err, out)
		}
		if strings.Contains(string(out), "s3cret") {
			t.Errorf("%v prints the token: %s", tc.args, out)
		}
	}
}
