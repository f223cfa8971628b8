// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/awsrole"
	"github.com/gatehouse-id/gatehouse/sts/ststest"
)

func TestUse(t *testing.T) {
	w := newWorld(t)
	w.login()
	if r := w.run("use", "Dev/Admin"); r.code != exitUsage || !strings.Contains(r.err, "awscreds profiles") {
		t.Errorf("without profiles: %+v", r)
	}
	w.ok("profiles")
	if out := w.ok("use", "Dev/Admin"); out != "export AWS_PROFILE='Dev-Admin'\nexport AWS_REGION='eu-central-1'\n" {
		t.Errorf("%q", out)
	}
	if out := w.ok("use", "--shell", "powershell", "Dev/Admin"); !strings.HasPrefix(out, "$Env:AWS_PROFILE = 'Dev-Admin'\n") {
		t.Errorf("%q", out)
	}
}

func TestComplete(t *testing.T) {
	w := newWorld(t)
	w.login()
	w.ok("list")
	opened, before := len(w.opened), len(w.portal.Events())
	if out := w.ok("complete", "--", "pro"); out != "Prod-31mAccount/Admin\nProd-31mAccount/ReadOnly\n" {
		t.Errorf("%q", out)
	}
	if len(w.opened) != opened || len(w.portal.Events()) != before {
		t.Error("completion asked the portal")
	}
	w.ok("whoami", "Prod-31mAccount/Admin") // what it offers is understood
	w.ok("logout")
	if out := w.ok("complete", "--", ""); out != "" {
		t.Errorf("after logout: %q", out)
	}
}

// TestBashCompletion runs the script in bash with a stand-in for awscreds; the
// other shells' scripts are only printed here.
func TestBashCompletion(t *testing.T) {
	w := newWorld(t)
	for _, sh := range []string{"zsh", "fish", "powershell"} {
		if out := w.ok("completion", sh); !strings.Contains(out, "profiles") || strings.Contains(out, "COMMANDS") {
			t.Errorf("%s: %s", sh, out)
		}
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	script := `awscreds() { [ "$1 $2 $3" = "complete -- De" ] && echo Dev/Admin; }
` + w.ok("completion", "bash") + `
COMP_WORDS=(awscreds pro); COMP_CWORD=1; _awscreds; echo "${COMPREPLY[@]}"
COMP_WORDS=(awscreds exec De); COMP_CWORD=2; _awscreds; echo "${COMPREPLY[@]}"
`
	out, err := exec.CommandContext(t.Context(), bash, "-c", script).CombinedOutput()
	if err != nil || string(out) != "profiles process\nDev/Admin\n" {
		t.Errorf("%v %q", err, out)
	}
}

func TestSAMLResponse(t *testing.T) {
	issuer, err := ststest.NewIssuer("https://idp.example.com/aws")
	if err != nil {
		t.Fatal(err)
	}
	const provider = "arn:aws:iam::" + account + ":saml-provider/Gatehouse"
	reader := "arn:aws:iam::" + account + ":role/ReadOnly"
	srv := ststest.NewServer(t, ststest.Config{
		Skew: time.Minute, Providers: []ststest.Provider{{ARN: provider, Metadata: issuer.Metadata()}},
		Roles: []ststest.Role{{ARN: roleARN, Provider: provider}, {ARN: reader, Provider: provider}},
	})
	s := awsrole.Session{Role: awsrole.RolePair{RoleARN: roleARN, ProviderARN: provider}, RoleSessionName: "alice", SessionDuration: 30 * time.Minute}
	respond := func(more ...awsrole.RolePair) string {
		a, err := issuer.Response("p-1", s, time.Now().Add(-time.Second), more...)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	w := newWorld(t)
	args := []string{"login", "--saml-response", "-", "--sts", srv.URL}
	r := w.runIn(t.Context(), respond(), args...)
	var out map[string]any
	if err := json.Unmarshal([]byte(r.out), &out); err != nil || r.code != 0 || !strings.HasPrefix(out["AccessKeyId"].(string), ststest.KeyIDPrefix) {
		t.Fatalf("%+v %v", r, err)
	}
	both := respond(awsrole.RolePair{RoleARN: reader, ProviderARN: provider})
	if r := w.runIn(t.Context(), both, args...); r.code != exitUsage || !strings.Contains(r.err, "--role") {
		t.Errorf("two roles: %+v", r)
	}
	doc, err := base64.StdEncoding.DecodeString(both)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "response.xml")
	if err := os.WriteFile(file, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := w.run("login", "--saml-response", file, "--sts", srv.URL, "--role", reader); r.code != 0 {
		t.Errorf("from a file: %+v", r)
	}
	if calls := srv.Log(); !strings.Contains(calls[len(calls)-1].ARN, "/ReadOnly/") {
		t.Errorf("%+v", calls)
	}
	if r := w.runIn(t.Context(), "hello", args...); r.code != exitUsage {
		t.Errorf("no response: %+v", r)
	}
	if r := w.runIn(t.Context(), respond(), "login", "--saml-response", "-", "--sts", "http://sts.example.com"); r.code != exitUsage {
		t.Errorf("STS in clear elsewhere: %+v", r)
	}
	old, err := issuer.Response("p-1", s, time.Now().Add(-10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if r := w.runIn(t.Context(), old, args...); r.code != exitSignIn || !strings.Contains(r.err, "refused:") {
		t.Errorf("old: %+v", r)
	}
}
