// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

type doctorCmd struct{}

// finding is the result of one check.
type finding struct {
	Check string `json:"check"`
	OK    bool   `json:"ok"`
	Text  string `json:"text"`
}

// Run looks for what usually is wrong: cache, AWS CLI, proxy, and for each
// portal its address, clock and sign-in.
func (doctorCmd) Run(a *app) error {
	found := []finding{a.checkCache(), a.checkCLI(), a.checkProxy(), a.checkCA()}
	portals, err := a.portals()
	if err != nil {
		return err
	}
	for _, p := range portals {
		found = append(found, a.checkPortal(p)...)
	}
	bad := 0
	for _, f := range found {
		if !f.OK {
			bad++
		}
	}
	if err := a.print(found, func(w io.Writer) {
		for _, f := range found {
			mark := "ok  "
			if !f.OK {
				mark = "BAD "
			}
			fmt.Fprintf(w, "%s %-16s %s\n", mark, f.Check, clean(f.Text))
		}
	}); err != nil {
		return err
	}
	if bad > 0 {
		return exitStatus(exitFailed)
	}
	return nil
}

func (a *app) checkCache() finding {
	v, err := a.vault()
	if err != nil {
		return finding{"cache", false, explain(err).text}
	}
	if err := v.put(a.ctx, "doctor", "x"); err != nil {
		return finding{"cache", false, explain(err).text}
	}
	_ = v.Delete(a.ctx, "doctor")
	return finding{"cache", true, "encrypted in " + a.dir}
}

var cliVersion = regexp.MustCompile(`^aws-cli/(\d+)\.(\d+)\.(\d+)`)

func (a *app) checkCLI() finding {
	path, err := exec.LookPath("aws")
	if err != nil {
		return finding{"aws-cli", true, "not installed; credentials work without it"}
	}
	ctx, cancel := context.WithTimeout(a.ctx, 15*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--version").CombinedOutput()
	m := cliVersion.FindSubmatch(bytes.TrimSpace(out))
	if err != nil || m == nil {
		return finding{"aws-cli", false, path + " does not tell its version"}
	}
	return finding{"aws-cli", true, path + " " + string(m[0][8:]) + ": " + cliAdvice(number(m[1]), number(m[2]), number(m[3]))}
}

func number(b []byte) int {
	n, _ := strconv.Atoi(string(b))
	return n
}

// cliAdvice says what works with which version: see the AWS CLI's own history
// for 2.13 and 1.29 (services sections) and 2.35.13 (own start URLs are
// refused). Version 1 has no aws sso login, but uses a token that is cached.
func cliAdvice(major, minor, patch int) string {
	newer := func(a, b, c int) bool {
		return major > a || major == a && (minor > b || minor == b && patch >= c)
	}
	switch {
	case major == 1 && newer(1, 29, 0):
		return "it has no aws sso login; use the profiles that call awscreds, or login --share for profiles with a services section"
	case !newer(2, 13, 0):
		return "use the profiles that call awscreds; services sections are not known to this version"
	case newer(2, 35, 13):
		return "aws sso login refuses portals on own domains; use the profiles that call awscreds, or login --share"
	}
	return "every kind of profile works"
}

func (a *app) checkProxy() finding {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		if a.env(name) != "" {
			return finding{"proxy", true, name + " is set and used"}
		}
	}
	return finding{"proxy", true, "none"}
}

func (a *app) checkCA() finding {
	for _, name := range []string{"AWS_CA_BUNDLE", "SSL_CERT_FILE"} {
		file := a.env(name)
		if file == "" {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil || !x509.NewCertPool().AppendCertsFromPEM(b) {
			return finding{"ca", false, name + " names no file with certificates: " + file}
		}
		return finding{"ca", true, name + " is set and used"}
	}
	return finding{"ca", true, "the system's"}
}

// maxSkew is what AWS's signatures bear.
const maxSkew = 5 * time.Minute

func (a *app) checkPortal(p portal) []finding {
	name := "portal " + p.Name
	client := &http.Client{Timeout: 15 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(a.ctx, http.MethodGet, p.StartURL, nil)
	if err != nil {
		return []finding{{name, false, err.Error()}}
	}
	sent := a.now()
	resp, err := client.Do(req)
	if err != nil {
		return []finding{{name, false, "cannot be reached; check network, proxy and CA: " + err.Error()}}
	}
	_ = resp.Body.Close()
	out := []finding{{name, true, "answers at " + p.StartURL}}
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		skew := at.Sub(sent).Round(time.Second)
		out = append(out, finding{"clock " + p.Name, skew.Abs() < maxSkew, fmt.Sprintf("%v apart", skew.Abs())})
	}
	if _, err := a.accessToken(p); err != nil {
		return append(out, finding{"sign-in " + p.Name, false, explain(err).text})
	}
	return append(out, finding{"sign-in " + p.Name, true, "signed in"})
}
