// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/awssso"
)

// labelled is a world whose accounts have environments; it is signed in.
func labelled(t *testing.T) *world {
	w := newWorld(t)
	w.portal.SetRoles("alice", awssso.Account{ID: account, Name: "Shop", Email: "aws-shop@example.com", Environment: "prod"}, "Admin", "ReadOnly")
	w.portal.SetRoles("alice", awssso.Account{ID: "444455556666", Name: "Dev", Environment: "dev"}, "Admin")
	w.portal.SetRoles("alice", awssso.Account{ID: "777788889999", Name: "env=prod"}, "Admin")
	w.login()
	return w
}

// listed are ACCOUNT/ROLE of what list prints.
func (w *world) listed(match ...string) []string {
	w.t.Helper()
	var rs []role
	if err := json.Unmarshal([]byte(w.ok(append([]string{"list", "--json"}, match...)...)), &rs); err != nil {
		w.t.Fatal(err)
	}
	out := []string{}
	for _, r := range rs {
		out = append(out, r.AccountID[:3]+"/"+r.Role)
	}
	return out
}

func TestMatch(t *testing.T) {
	w := labelled(t)
	for _, c := range []struct {
		match []string
		want  string
	}{
		{nil, "444/Admin 777/Admin 111/Admin 111/ReadOnly"},
		{[]string{"env=prod"}, "111/Admin 111/ReadOnly"},
		{[]string{"env=PRO?"}, "111/Admin 111/ReadOnly"},
		{[]string{"env=*"}, "444/Admin 111/Admin 111/ReadOnly"}, // not the one without
		{[]string{"env=prod", "role=Read*"}, "111/ReadOnly"},
		{[]string{"env=prod", "*/Admin"}, "111/Admin"},
		{[]string{"env=prod", "env=dev"}, ""},
		{[]string{"account=444455556666"}, "444/Admin"},
		{[]string{"name=env=prod"}, "777/Admin"}, // a name that looks like a condition
		{[]string{"email=*@example.com"}, "111/Admin 111/ReadOnly"},
		{[]string{"portal=corp", "role=ReadOnly"}, "111/ReadOnly"},
		{[]string{"portal=other"}, ""},
		{[]string{"arn:aws:iam::" + account + ":role/ReadOnly"}, "111/ReadOnly"},
		{[]string{"arn:aws:iam::" + account + ":role/path/Admin"}, "111/Admin"},
		{[]string{"arn:aws-cn:sts::444455556666:assumed-role/Admin/alice"}, "444/Admin"},
		{[]string{"arn:aws:iam::" + account + ":user/Admin"}, ""},
		{[]string{"*/Ad=min"}, ""}, // a role's name may have an equals sign
	} {
		if got := strings.Join(w.listed(c.match...), " "); got != c.want {
			t.Errorf("%q: %s", c.match, got)
		}
	}
	for _, bad := range []string{"envv=prod", "env=[", "Team=["} {
		if r := w.run("list", bad); r.code != exitUsage {
			t.Errorf("%q: %+v", bad, r)
		}
	}
}

// The console opens by a role's ARN, and without any if there is one role.
func TestConsoleByARN(t *testing.T) {
	w := newWorld(t)
	w.login()
	federation := w.sts.URL + "/federation"
	w.ok("console", "arn:aws:iam::"+account+":role/Admin", "--print", "--federation", federation)
	if r := w.run("console", "--print", "--federation", federation); r.code != exitUsage || !strings.Contains(r.err, "means 3 roles") {
		t.Errorf("%+v", r)
	}
	w.portal.SetRoles("alice", awssso.Account{ID: account, Name: "Prod"}, "Admin")
	w.portal.SetRoles("alice", awssso.Account{ID: "444455556666", Name: "Dev"})
	if out := w.ok("console", "--print", "--federation", federation); !strings.Contains(out, "SigninToken=") {
		t.Errorf("the only role: %s", out)
	}
}

func TestExecByLabel(t *testing.T) {
	w := labelled(t)
	w.portal.SetIssue(func(_ awssso.Grant, acc, role string) (awssso.Credentials, error) {
		return awssso.Credentials{AccessKeyID: acc + role, SecretAccessKey: "s", SessionToken: "t", Expiration: time.Now().Add(time.Hour)}, nil
	})
	r := w.run("exec", "--json", "--match", "env=prod", "--parallel", "4", "--", "sh", "-c", `printf "$AWS_ACCESS_KEY_ID"`)
	var results []ran
	if err := json.Unmarshal([]byte(r.out), &results); err != nil || r.code != 0 {
		t.Fatalf("%v %+v", err, r)
	}
	var keys []string
	for _, one := range results {
		keys = append(keys, one.Output)
	}
	if want := []string{account + "Admin", account + "ReadOnly"}; !slices.Equal(keys, want) {
		t.Errorf("ran as %q, want %q", keys, want)
	}
	if r := w.run("exec", "--match", "env=prod", "--match", "role=None", "--", "true"); r.code != exitRefused || !strings.Contains(r.err, "env=prod and role=None") {
		t.Errorf("%+v", r)
	}
	if out := w.ok("exec", "--help"); !strings.Contains(out, "KEY=VALUE") || !strings.Contains(out, "awscreds label") {
		t.Errorf("help: %s", out)
	}
}

// Own labels work at every portal, come before the portal's, and survive a
// second setup.
func TestLabel(t *testing.T) {
	w := labelled(t)
	w.ok("label", "777788889999", "env=test", "team=web")
	w.ok("label", "444455556666", "env=prod")
	w.ok("setup", w.portal.URL, "--name", "corp", "--sts", w.sts.URL)
	for match, want := range map[string]string{
		"env=prod": "444/Admin 111/Admin 111/ReadOnly", "env=test": "777/Admin", "team=*": "777/Admin", "env=dev": "",
	} {
		if got := strings.Join(w.listed(match), " "); got != want {
			t.Errorf("%s: %s", match, got)
		}
	}
	if out := w.ok("label", "777788889999"); out != "env=test\nteam=web\n" {
		t.Errorf("shown: %q", out)
	}
	w.ok("label", "444455556666", "env=")
	if got := strings.Join(w.listed("env=dev"), " "); got != "444/Admin" {
		t.Errorf("removed: %s", got)
	}
	for _, bad := range [][]string{{"12", "env=x"}, {account, "env"}, {account, "role=x"}, {account, "Env=x"}, {account, "=x"}, {account, "env=a\x1b[31m"}, {account, "env=" + strings.Repeat("x", 257)}} {
		if r := w.run(append([]string{"label"}, bad...)...); r.code != exitUsage {
			t.Errorf("%q: %+v", bad, r)
		}
	}
}

// The listing of AWS's own portal has no environments, and a strange one does
// not harm.
func TestEnvironmentsOfOtherListings(t *testing.T) {
	for body, want := range map[string]string{
		`{"accountList":[{"accountId":"1","environment":"prod"}]}`:         "prod",
		`{"accountList":[{"accountId":"1","accountName":"x"}]}`:            "",
		`{"accountList":[{"accountId":"1","environment":{"a":["prod"]}}]}`: "",
		`not JSON`: "",
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte(body)) }))
		t.Cleanup(srv.Close)
		e := newEnvironments()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/assignment/accounts", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := e.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := (portal{}).labels(e, "1")["env"]; got != want {
			t.Errorf("%s: %q", body, got)
		}
	}
}
