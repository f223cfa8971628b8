// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gatehouse-id/gatehouse/sts"
)

func TestProfileName(t *testing.T) {
	for in, want := range map[string]string{
		"Prod Account": "Prod-Account", "a/b\nc]": "a-b-c", "--x--": "x", "..": "..", "日本": "", "": "", "ü-x": "x", "a\u202eb": "a-b",
		strings.Repeat("x", 300): strings.Repeat("x", 128),
	} {
		if got := sts.ProfileName(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestCleanText(t *testing.T) {
	for in, want := range map[string]string{
		"Prod": "Prod", "Größe 東京": "Größe 東京", "\x1b[2Jx": "[2Jx", "a\r\nb\tc": "abc", "a\u202eb\u2066c\u200d": "abc", "x\xffy": "xy", "\u0085\u2028": "", "\ufeffx": "x",
	} {
		if got := sts.CleanText(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

var hostileValues = []string{"plain", "", "a b", "a'b", `a"b`, `$(touch x)`, "`x`", `a\`, `\'`, "'; rm -rf ~; '", "!x", "%PATH%", "‘’", "-n", "*"}

func TestQuotePosix(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh")
	}
	for _, v := range hostileValues {
		line, err := sts.Posix.Setting("X", v)
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), sh, "-c", line+"; printf %s \"$X\"").Output()
		if err != nil || string(out) != v {
			t.Errorf("%s gives %q, not %q: %v", line, out, v, err)
		}
	}
}

func TestQuote(t *testing.T) {
	for _, tc := range []struct {
		shell sts.Shell
		in    string
		want  string
	}{
		{sts.Posix, "it's", `export X='it'\''s'`},
		{sts.Fish, `it's \`, `set -gx X 'it\'s \\'`},
		{sts.PowerShell, "it's ‘so’", "$Env:X = 'it''s ‘‘so’’'"},
	} {
		if got, err := tc.shell.Setting("X", tc.in); err != nil || got != tc.want {
			t.Errorf("%s: %s, %v", tc.shell, got, err)
		}
	}
	for _, sh := range []sts.Shell{sts.Posix, sts.Fish, sts.PowerShell} {
		for _, v := range []string{"a\nb", "a\x00", "a\x1b", "\xff", "a\u0085"} {
			if _, err := sh.Quote(v); sts.CheckOf(err) != sts.CheckInput {
				t.Errorf("%s %q: %v", sh, v, err)
			}
		}
		for _, name := range []string{"", "a", "X=Y", "X;Y"} {
			if _, err := sh.Setting(name, "v"); sts.CheckOf(err) != sts.CheckInput {
				t.Errorf("%s %q: %v", sh, name, err)
			}
		}
	}
	if _, err := sts.Shell("cmd").Quote("x"); sts.CheckOf(err) != sts.CheckInput {
		t.Error(err)
	}
}

func TestWriteProcess(t *testing.T) {
	var b bytes.Buffer
	c := aws.Credentials{AccessKeyID: "A", SecretAccessKey: "B", SessionToken: "C", AccountID: "111122223333", CanExpire: true, Expires: time.Date(2026, 11, 24, 12, 0, 0, 999, time.FixedZone("", 3600))}
	if err := sts.WriteProcess(&b, c); err != nil {
		t.Fatal(err)
	}
	const want = `{"Version":1,"AccessKeyId":"A","SecretAccessKey":"B","SessionToken":"C","Expiration":"2026-11-24T11:00:00Z","AccountId":"111122223333"}`
	if got := strings.TrimSpace(b.String()); got != want || !json.Valid(b.Bytes()) {
		t.Error(got)
	}
	if err := sts.WriteProcess(&b, aws.Credentials{}); sts.CheckOf(err) != sts.CheckInput {
		t.Error(err)
	}
}
