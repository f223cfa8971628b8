// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

// TestFirstStart starts on a folder that does not exist and looks at all that
// is made there.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "new", "data")
	p, s := serve(t, data)
	modes(t, data)
	complete(t, filepath.Join(data, "sample.json"))
	if len(s.People) != 6 {
		t.Errorf("%d people", len(s.People))
	}
	for _, who := range s.People {
		if factor := who.TOTPSecret != ""; factor == (who.Ticket != "") {
			t.Errorf("%s has a factor: %t, a ticket: %t", who.Username, factor, who.Ticket != "")
		}
		if who.Disabled != (who.Username == "dave") {
			t.Errorf("%s is disabled: %t", who.Username, who.Disabled)
		}
	}
	p.await(t, `There is no aws in PATH`)
	said := p.out.String()
	for _, want := range []string{s.URL, filepath.Join(data, "sample.json"), "admin", "alice", "carol", "dave", "and others in sample.json", "A refusal worth trying", "aws sso login"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in the welcome:\n%s", want, said)
		}
	}
	if lines := strings.Count(said, "\n"); lines > 24 {
		t.Errorf("the welcome has %d lines, more than a screen", lines)
	}
	for _, who := range append(s.People, s.Admin) {
		for _, secret := range []string{who.Password, who.TOTPSecret, who.Ticket, s.SCIM.Token} {
			if secret != "" && strings.Contains(said, secret) {
				t.Errorf("a secret of %s is printed", who.Username)
			}
		}
	}
	admin := newPerson(t, s.URL)
	admin.signIn("/admin/people", s.Admin).expect(http.StatusOK, "alice")
	dave := newPerson(t, s.URL)
	dave.open("/").submit("username", "dave").submit("password", s.who(t, "dave").Password).expect(http.StatusForbidden, "do not match")
	for _, path := range []string{"/healthz", "/readyz"} {
		newPerson(t, s.URL).open(path).expect(http.StatusOK, "")
	}
}

// TestWelcomeFindsCLI: an aws that cannot sign in does not hide one further on
// in PATH that can.
func TestWelcomeFindsCLI(t *testing.T) {
	t.Parallel()
	fake := func(script string) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "aws"), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	broken, old, able := fake("exit 1"), fake("echo aws-cli/1.29.0 Python/3"), fake("echo aws-cli/2.9.19 Python/3")
	for path, want := range map[string]string{
		strings.Join([]string{broken, old, able}, ":"): `With your AWS CLI 2\.9\.19 [^\n]*\n[^\n]*\n  ` + able + `/aws sso login`,
		able + ":" + old:   `With your AWS CLI 2\.9\.19 [^\n]*\n[^\n]*\n  aws sso login`,
		broken + ":" + old: `Your AWS CLI 1\.29\.0 has no aws sso login`,
	} {
		launchIn(t, path, "--data", t.TempDir(), "--listen", "127.0.0.1:0").await(t, want)
	}
}

// modes: nobody else on the machine can read anything.
func modes(t *testing.T, data string) {
	t.Helper()
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		// The endpoint rules for the AWS CLI hold nothing but addresses.
		if rel, _ := filepath.Rel(data, path); !strings.HasPrefix(rel, filepath.Join("aws", "endpoints")) && info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// complete: every field that scripts were promised is there.
func complete(t *testing.T, path string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{
		"url", "start_url", "region", "sso.endpoint", "sts.endpoint", "scim.base_url", "scim.token", "admin.username", "admin.password", "admin.totp_secret",
	} {
		at := any(all)
		for name := range strings.SplitSeq(field, ".") {
			object, _ := at.(map[string]any)
			at = object[name]
		}
		if text, _ := at.(string); text == "" {
			t.Errorf("sample.json has no %s", field)
		}
	}
	people, _ := all["people"].([]any)
	for _, p := range people {
		for _, field := range []string{"username", "email", "password", "groups"} {
			if object, _ := p.(map[string]any); object[field] == nil {
				t.Errorf("sample.json: no %s in %v", field, p)
			}
		}
	}
}

// TestDrain: after SIGTERM nobody new is let in, and who was being served is
// served to the end.
func TestDrain(t *testing.T) {
	t.Parallel()
	p, s := serve(t, t.TempDir())
	at := strings.TrimPrefix(s.URL, "http://")
	conn, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := url.Values{"username": {"alice"}}.Encode()
	fmt.Fprintf(conn, "POST /sign-in HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: same-origin\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", at, len(body))
	in := bufio.NewReader(conn)
	// The handler reads the body, so it runs.
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatal(line, err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the listener is closed", func() bool {
		other, err := net.Dial("tcp", at)
		if err == nil {
			_ = other.Close()
		}
		return err != nil
	})
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, body)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	_ = resp.Body.Close()
	<-p.ended
	if p.err != nil {
		t.Errorf("ended with %v:\n%s", p.err, p.out)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for !ok() {
		select {
		case <-poll.C:
		case <-timeout.C:
			t.Fatalf("not in time: %s", what)
		}
	}
}

// TestSampleIsLocal: what would show the sample organisation to anybody else
// is refused, before anything is made or changed.
func TestSampleIsLocal(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p, s := serve(t, data)
	p.kill()
	organisation := write(t, filepath.Join(t.TempDir(), "org.yaml"), smallOrganisation)
	for _, c := range []struct {
		name, want string
		args       []string
	}{
		{"listen everywhere, fresh", "loopback address only", []string{"--data", t.TempDir(), "--listen", "0.0.0.0:0"}},
		{"listen everywhere, again", "loopback address only", []string{"--data", data, "--listen", "0.0.0.0:0"}},
		{"all of IPv6", "loopback address only", []string{"--data", data, "--listen", "[::]:0"}},
		{"public base URL", "loopback base URL only", []string{"--data", data, "--listen", "127.0.0.1:0", "--base-url", "https://portal.example.com"}},
		{"another organisation", "for good", []string{"--data", data, "--listen", "127.0.0.1:0", "--config", organisation}},
		{"apply", "for good", []string{"apply", "--data", data, organisation}},
		{"dry run", "for good", []string{"apply", "--data", data, "--dry-run", organisation}},
	} {
		if out, err := command(t, c.args...); err == nil || !strings.Contains(out, c.want) {
			t.Errorf("%s: %v, no %q in:\n%s", c.name, err, c.want, out)
		}
	}
	fresh := t.TempDir()
	if out, err := command(t, "--data", fresh, "--listen", "0.0.0.0:0"); err == nil {
		t.Fatal(out)
	}
	if out, err := command(t, "apply", "--data", fresh, organisation); err != nil {
		t.Errorf("a refused sample left a mark: %v\n%s", err, out)
	}
	_, again := serve(t, data)
	if again.Admin.Password != s.Admin.Password {
		t.Error("the sample was made anew")
	}
	for _, header := range []string{"X-Forwarded-For", "Forwarded", "X-Forwarded-Host", "X-Real-Ip"} {
		r, err := http.NewRequest(http.MethodGet, again.URL+"/sign-in", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(header, "for=192.0.2.1")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", header, resp.Status)
		}
	}
}

// TestForeignDatabase: a PostgreSQL database that holds anything is somebody's,
// and stays as it was.
func TestForeignDatabase(t *testing.T) {
	t.Parallel()
	dsn, db := freshDatabase(t)
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE bicycles (id BIGINT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--database", dsn)
	if err == nil || !strings.Contains(out, "not empty") {
		t.Errorf("%v\n%s", err, out)
	}
	var tables int
	err = db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public'").Scan(&tables)
	if err != nil || tables != 1 {
		t.Errorf("%d tables after the refusal, %v", tables, err)
	}
}

// TestBusyDatabase: while somebody else writes, people and programs are told
// when to come again, and nothing is half done.
func TestBusyDatabase(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	_, s := serve(t, data)
	c := &provisioner{t: t, base: s.SCIM.BaseURL, token: s.SCIM.Token}
	alice := newPerson(t, s.URL)
	alice.open("/").submit("username", "alice").expect(http.StatusOK, "Enter your password")
	form := alice.shown

	db, err := sql.Open("sqlite", filepath.Join(data, "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	status, header, answer, err := c.try(http.MethodPost, "/Users", newUser("grace"))
	if err != nil || status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || answer["status"] != "503" {
		t.Errorf("SCIM: %d, Retry-After %q, %v, %v", status, header.Get("Retry-After"), answer, err)
	}
	alice.submit("password", s.who(t, "alice").Password).expect(http.StatusServiceUnavailable, "busy")
	if alice.header.Get("Retry-After") == "" {
		t.Error("sign-in: no Retry-After")
	}
	if status, retry, text := beginDevice(t, s); status != http.StatusServiceUnavailable || retry == "" {
		t.Errorf("device authorization: %d, Retry-After %q: %s", status, retry, text)
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if found := c.do(http.StatusOK, http.MethodGet, "/Users?filter="+url.QueryEscape(`userName eq "grace"`), nil); found["totalResults"] != 0.0 {
		t.Errorf("half written: %v", found)
	}
	c.do(http.StatusCreated, http.MethodPost, "/Users", newUser("grace"))
	alice.shown = form
	alice.submit("password", s.who(t, "alice").Password).expect(http.StatusOK, "Confirm it is you")
}

// beginDevice begins a sign-in of a command line.
func beginDevice(t *testing.T, s *sample) (status int, retryAfter, text string) {
	t.Helper()
	call := func(path, body string) (*http.Response, map[string]any) {
		resp, err := http.Post(s.SSO.Endpoint+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var answer map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return resp, answer
	}
	_, client := call("/client/register", `{"clientName":"interop","clientType":"public"}`)
	resp, answer := call("/device_authorization", fmt.Sprintf(`{"clientId":%q,"clientSecret":%q,"startUrl":%q}`, client["clientId"], client["clientSecret"], s.StartURL))
	return resp.StatusCode, resp.Header.Get("Retry-After"), fmt.Sprint(answer)
}
