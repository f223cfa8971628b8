// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"encoding/json"
	"strings"
	"time"
)

// Credentials is the page with temporary access keys for one role. Without
// Keys it offers to make them, by a POST to [PathKeys]; with Keys it shows
// them in every form, each closed until pressed.
type Credentials struct {
	Frame   Frame
	Account Account
	Role    string
	Region  string
	Problem string
	Keys    *Keys
	// For "aws configure sso"; both may be empty.
	StartURL  string
	SSORegion string
}

// Keys are temporary credentials.
type Keys struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Expires         time.Time
}

func (p Credentials) view() view {
	return view{template: "credentials", title: "Access keys", section: inAccounts, frame: &p.Frame, scripts: []string{"app.js"}}
}

// Form is one way to write the keys down.
type Form struct {
	ID   string
	Name string
	Text string
}

// Forms are the keys for shells, for the credentials file and for programs.
func (p Credentials) Forms() []Form {
	if p.Keys == nil {
		return nil
	}
	return []Form{
		{"bash", "bash or zsh", p.shell("export ", posixQuote)},
		{"powershell", "PowerShell", p.shell("$Env:", powershellQuote)},
		{"file", "Credentials file", p.profile()},
		{"json", "JSON", p.process()},
	}
}

func (p Credentials) shell(prefix string, quote func(string) string) string {
	lines := []string{
		prefix + "AWS_ACCESS_KEY_ID=" + quote(p.Keys.AccessKeyID),
		prefix + "AWS_SECRET_ACCESS_KEY=" + quote(p.Keys.SecretAccessKey),
		prefix + "AWS_SESSION_TOKEN=" + quote(p.Keys.SessionToken),
	}
	if p.Region != "" {
		lines = append(lines, prefix+"AWS_REGION="+quote(p.Region))
	}
	return strings.Join(lines, "\n")
}

func posixQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func powershellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// profile writes a section of ~/.aws/credentials; a line break in a value would
// begin another setting, so none is kept.
func (p Credentials) profile() string {
	line := strings.NewReplacer("\n", "", "\r", "", "[", "", "]", "").Replace
	return "[" + line(p.Account.ID+"_"+p.Role) + "]\n" +
		"aws_access_key_id = " + line(p.Keys.AccessKeyID) + "\n" +
		"aws_secret_access_key = " + line(p.Keys.SecretAccessKey) + "\n" +
		"aws_session_token = " + line(p.Keys.SessionToken)
}

// process is what a credential_process prints.
func (p Credentials) process() string {
	b, err := json.MarshalIndent(struct {
		Version                                    int
		AccessKeyId, SecretAccessKey, SessionToken string //nolint:revive // AWS's names
		Expiration                                 string
	}{1, p.Keys.AccessKeyID, p.Keys.SecretAccessKey, p.Keys.SessionToken, p.Keys.Expires.UTC().Format(time.RFC3339)}, "", "  ")
	if err != nil {
		return "" // strings and a number always encode
	}
	return string(b)
}
