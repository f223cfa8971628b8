// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"

	"github.com/gatehouse-id/gatehouse/sts"
)

type execCmd struct {
	Match    []string `sep:"none" help:"Run in every role that matches: KEY=VALUE or ACCOUNT/ROLE, with * and ?. Keys are account (the id), name, email, role, portal, env (as a Gatehouse portal names the account's environment) and your own labels (awscreds label). Given several times, all must match." placeholder:"PATTERN"`
	Parallel int      `help:"How many at a time with --match." default:"4"`
	Args     []string `arg:"" passthrough:"" help:"ACCOUNT/ROLE (without --match), then -- and the command."`
}

// Run runs the command.
func (c *execCmd) Run(a *app) error {
	args := c.Args
	if len(c.Match) > 0 {
		if len(args) > 0 && args[0] == "--" {
			args = args[1:]
		}
		return c.many(a, args)
	}
	if len(args) < 2 {
		return fail(exitUsage, nil, "Usage: awscreds exec ACCOUNT/ROLE -- COMMAND ..")
	}
	what := args[0]
	if args = args[1:]; args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return fail(exitUsage, nil, "Usage: awscreds exec ACCOUNT/ROLE -- COMMAND ..")
	}
	r, err := a.find(what)
	if err != nil {
		return err
	}
	cmd, err := a.command(r, args)
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.in, a.out, a.err
	return status(cmd.Run())
}

func status(err error) error {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exitStatus(max(exit.ExitCode(), 1))
	}
	if err != nil {
		return fail(exitFailed, err, "The command cannot be run: %v", err)
	}
	return nil
}

// command has the role's credentials in its environment, and no other trace of
// AWS credentials.
func (a *app) command(r role, args []string) (*exec.Cmd, error) {
	creds, err := a.credentials(r)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(a.ctx, args[0], args[1:]...)
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		switch strings.ToUpper(name) {
		case "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION",
			"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
			"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWSCREDS_PASSPHRASE":
		default:
			cmd.Env = append(cmd.Env, kv)
		}
	}
	for _, v := range sts.Environment(creds, r.portal.Region) {
		cmd.Env = append(cmd.Env, v.Name+"="+v.Value)
	}
	if r.portal.STS != "" {
		cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL_STS="+r.portal.STS)
	}
	return cmd, nil
}

// ran is the result in one role of exec --match.
type ran struct {
	role
	Status int    `json:"status"`
	Output string `json:"output"`
	Error  string `json:"error,omitempty"`
}

func (c *execCmd) many(a *app, args []string) error {
	if len(args) == 0 || c.Parallel < 1 || c.Parallel > 64 {
		return fail(exitUsage, nil, "Usage: awscreds exec --match PATTERN [--parallel 1..64] -- COMMAND ..")
	}
	rs, err := a.match(c.Match...)
	if err != nil {
		return err
	}
	if len(rs) == 0 {
		return fail(exitRefused, nil, "No role of yours matches %s. Run: awscreds list", strings.Join(c.Match, " and "))
	}
	results := make([]ran, len(rs))
	limit := make(chan struct{}, c.Parallel)
	var out sync.Mutex
	var wg sync.WaitGroup
	for i, r := range rs {
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			results[i] = a.runOne(r, args)
			if !a.JSON {
				out.Lock()
				defer out.Unlock()
				printRan(a.out, results[i])
			}
		})
	}
	wg.Wait()
	if a.JSON {
		if err := a.print(results, nil); err != nil {
			return err
		}
	}
	for _, r := range results {
		if r.Status != 0 {
			return exitStatus(exitFailed)
		}
	}
	return nil
}

func (a *app) runOne(r role, args []string) ran {
	cmd, err := a.command(r, args)
	if err != nil {
		f := explain(err)
		return ran{role: r, Status: f.code, Error: f.text}
	}
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr = &b, &b
	err = status(cmd.Run())
	out := ran{role: r, Output: b.String()}
	if code, ok := errors.AsType[exitStatus](err); ok {
		out.Status = int(code)
	} else if err != nil {
		out.Status, out.Error = exitFailed, explain(err).text
	}
	return out
}

func printRan(w io.Writer, r ran) {
	fmt.Fprintf(w, "== %s (%s)", r, r.AccountID)
	if r.Status != 0 {
		fmt.Fprintf(w, ", status %d", r.Status)
	}
	fmt.Fprintln(w)
	if r.Error != "" {
		fmt.Fprintln(w, clean(r.Error))
	}
	fmt.Fprint(w, r.Output)
}
