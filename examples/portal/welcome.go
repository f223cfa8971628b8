// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/awssso"
)

// welcome prints one screenful: where, who, a refusal worth trying, and the
// AWS CLI line that works with an aws in PATH.
func (a *application) welcome(ctx context.Context, out io.Writer) {
	if a.sample == nil {
		fmt.Fprintf(out, "Gatehouse is ready: %s\n", a.base)
		return
	}
	s := a.sample
	fmt.Fprintf(out, `Gatehouse is ready: %s

This is the sample organisation. Its passwords and secrets are in
  %s

  admin   the administrator; password and TOTP
  alice   password and TOTP; roles in every account
  bob     password and TOTP; a role of his own
  carol   password, no second factor yet: enrols with the ticket in the file
  dave    disabled
  and others in sample.json

A refusal worth trying: sign in as carol without the ticket, or as dave with the
right password. Current TOTP codes:  oathtool --totp -b SECRET

`, s.URL, filepath.Join(a.data, "sample.json"))
	text, err := a.cliHelp(ctx)
	if err != nil {
		text = "The AWS CLI help could not be written: " + err.Error()
	}
	fmt.Fprintln(out, text)
}

// cliHelp writes the AWS configuration under DATA and says how to use it with
// an aws that is in PATH.
func (a *application) cliHelp(ctx context.Context) (string, error) {
	s := a.sample
	config := awssso.ClientConfig{
		Session: "gatehouse", StartURL: s.StartURL, Region: s.Region, SSOURL: s.SSO.Endpoint, OIDCURL: s.SSO.Endpoint, STSURL: s.STS.Endpoint,
		Profiles: []awssso.Profile{{Name: "sample", AccountID: s.Accounts[2].ID, Role: "PowerUserAccess"}},
	}
	text, err := config.Text()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(a.data, "aws")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(text), 0o600); err != nil {
		return "", err
	}
	rules := filepath.Join(dir, "endpoints")
	if err := awssso.WriteEndpointRules(rules, s.SSO.Endpoint, s.SSO.Endpoint, s.STS.Endpoint); err != nil {
		return "", err
	}
	cli, version, found := findCLI(ctx)
	env := "AWS_CONFIG_FILE=" + filepath.Join(dir, "config")
	use := cli + " sso login --profile sample && " + cli + " sts get-caller-identity --profile sample"
	switch {
	case !found:
		return "There is no aws in PATH. With AWS CLI 2.13 to 2.35.12:\n  export " + env + "\n  " + use, nil
	case version.less(2, 0, 0):
		return fmt.Sprintf("Your AWS CLI %s has no aws sso login (that came with version 2). From 1.29 on it uses the token that\nawscreds login --share leaves:\n  export %s", version, env), nil
	case version.less(2, 13, 0):
		return fmt.Sprintf("With your AWS CLI %s (tested with 2.9.19):\n  export %s AWS_DATA_PATH=%s\n  %s", version, env, rules, use), nil
	case version.less(2, 35, 13):
		return fmt.Sprintf("With your AWS CLI %s (the form is documented; not tested with this version):\n  export %s\n  %s", version, env, use), nil
	}
	return fmt.Sprintf("Your AWS CLI %s signs in at AWS's own start URLs only, so aws sso login will refuse this portal.\n"+
		"Use the Access keys of the portal page, or the login of examples/awscreds:\n  go run ./examples/awscreds setup %s", version, s.URL), nil
}

// cli is the version of an AWS CLI.
type cliRelease [3]int

func (v cliRelease) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

func (v cliRelease) less(major, minor, patch int) bool {
	w := cliRelease{major, minor, patch}
	for i := range v {
		if v[i] != w[i] {
			return v[i] < w[i]
		}
	}
	return false
}

var versionText = regexp.MustCompile(`aws-cli/(\d+)\.(\d+)\.(\d+)`)

// findCLI looks through PATH for the first aws that can sign in here, and else
// for the first that answers. It is called aws if it is what the shell finds.
func findCLI(ctx context.Context) (name string, v cliRelease, found bool) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	first, _ := exec.LookPath("aws")
	name = "aws"
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path := filepath.Join(dir, "aws")
		version, ok := cliVersion(ctx, path)
		if !ok || !filepath.IsAbs(path) {
			continue
		}
		called := path
		if path == first {
			called = "aws"
		}
		if !version.less(2, 0, 0) && version.less(2, 35, 13) {
			return called, version, true
		}
		if !found {
			name, v, found = called, version, true
		}
	}
	return name, v, found
}

// cliVersion asks an AWS CLI for its version.
func cliVersion(ctx context.Context, path string) (v cliRelease, found bool) {
	out, err := exec.CommandContext(ctx, path, "--version").CombinedOutput()
	if err != nil {
		return v, false
	}
	return parseVersion(string(out))
}

func parseVersion(text string) (v cliRelease, ok bool) {
	m := versionText.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return v, false
	}
	for i := range v {
		n, err := strconv.Atoi(m[i+1])
		if err != nil {
			return v, false
		}
		v[i] = n
	}
	return v, true
}
