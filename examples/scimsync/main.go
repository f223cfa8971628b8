// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Command scimsync makes a SCIM server agree with a CSV file or with another
// SCIM server.
//
//	export SCIM_TOKEN=s3cret
//	scimsync --dry-run --csv people.csv https://app.example.com/scim/v2
//	scimsync --csv people.csv https://app.example.com/scim/v2
//	scimsync --from https://old.example.com/scim/v2 https://scim.eu-west-1.amazonaws.com/TENANT/scim/v2
//
// Tokens come from the environment: SCIM_TOKEN is the target's,
// SCIM_SOURCE_TOKEN that of --from. The plan goes to standard output, progress
// to standard error. The first line of the CSV file names the columns, such as
// userName, externalId, name.givenName, email, active, department and groups
// (names, separated by semicolons).
//
// Exit status:
//
//	0  the target agrees, or agreed already
//	1  source or target could not be read or reached; nothing was changed, or not all
//	2  the command line is wrong
//	3  done in part: some changes were refused, or there are problems in the plan; see the output
//	4  held: the plan deletes or deactivates more than is allowed, or the source is empty; nothing was changed
//	5  --dry-run, and there is something to do
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/gatehouse-id/gatehouse/scim"
)

type flags struct {
	Target string `arg:"" help:"Base URL of the server to change."`
	CSV    string `help:"File with the people; - is standard input." placeholder:"FILE" xor:"source" required:""`
	From   string `help:"Base URL of the SCIM server to read from." placeholder:"URL" xor:"source" required:""`

	DryRun  bool   `help:"Print the plan and change nothing."`
	JSON    bool   `help:"Print the plan as JSON."`
	Orphans string `help:"What happens to people of the target who are not in the source." enum:"deactivate,delete,keep" default:"deactivate"`
	All     bool   `help:"Orphans are people without an externalId too, whom somebody made by hand."`
	Workers int    `help:"Changes at the same time." default:"4"`
	Quiet   bool   `help:"No progress."`

	MaxDeletions         int     `help:"Deletions that need no confirmation." default:"10"`
	MaxDeactivations     float64 `help:"Part of the active people that may leave without a confirmation." default:"0.1"`
	ConfirmDeletions     int     `help:"Go on although the plan deletes exactly N people and groups." placeholder:"N"`
	ConfirmDeactivations int     `help:"Go on although the plan deactivates or deletes exactly N people." placeholder:"N"`
	ConfirmEmptySource   bool    `help:"Go on although there is nobody in the source."`
}

// The exit statuses.
const (
	exitDone = iota
	exitFailed
	exitUsage
	exitPartly
	exitHeld
	exitChanges
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, env func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	var f flags
	parser, err := kong.New(&f, kong.Name("scimsync"), kong.Description("Make a SCIM server agree with a CSV file or another SCIM server."), kong.Writers(stdout, stderr))
	if err == nil {
		_, err = parser.Parse(args)
	}
	if err != nil {
		fmt.Fprintln(stderr, "scimsync:", err)
		return exitUsage
	}
	s, code, err := f.open(env, stdin, stderr)
	if err == nil {
		code, err = f.sync(ctx, s, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "scimsync:", err)
	}
	return code
}

// open makes the sync; what is wrong with it is the command line's fault, but
// for a file that cannot be read.
func (f *flags) open(env func(string) string, stdin io.Reader, stderr io.Writer) (*scim.Sync, int, error) {
	client := func(base, variable string) (*scim.Client, error) {
		token := env(variable)
		if token == "" {
			return nil, fmt.Errorf("the environment has no %s", variable)
		}
		return scim.NewClient(scim.ClientConfig{BaseURL: base, Token: token, OnRetry: func(r scim.Retry) {
			if !f.Quiet {
				fmt.Fprintf(stderr, "%s %s: again in %v: %v\n", r.Method, r.Path, r.Wait.Round(time.Millisecond), r.Err)
			}
		}})
	}
	target, err := client(f.Target, "SCIM_TOKEN")
	if err != nil {
		return nil, exitUsage, err
	}
	var source scim.SyncSource
	if f.From != "" {
		from, err := client(f.From, "SCIM_SOURCE_TOKEN")
		if err != nil {
			return nil, exitUsage, err
		}
		source = scim.ClientSource(from)
	} else if source, err = readCSV(f.CSV, stdin); err != nil {
		return nil, exitFailed, err
	}
	c := scim.SyncConfig{
		Source: source, Target: target, MaxDeletions: f.MaxDeletions, MaxDeactivations: f.MaxDeactivations,
		Orphans: map[string]scim.Orphans{"deactivate": scim.DeactivateOrphans, "delete": scim.DeleteOrphans, "keep": scim.KeepOrphans}[f.Orphans],
	}
	if f.MaxDeletions == 0 {
		c.MaxDeletions = -1
	}
	if f.All {
		c.Manage = func(scim.Resource) bool { return true }
	}
	s, err := scim.NewSync(c)
	return s, exitUsage, err
}

func readCSV(name string, stdin io.Reader) (*scim.Snapshot, error) {
	if name == "-" {
		return scim.ReadCSV(stdin, scim.CSVConfig{})
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return scim.ReadCSV(file, scim.CSVConfig{})
}

func (f *flags) sync(ctx context.Context, s *scim.Sync, stdout, stderr io.Writer) (int, error) {
	plan, err := s.Plan(ctx)
	if err != nil {
		return exitFailed, err
	}
	if err := f.print(stdout, plan); err != nil {
		return exitFailed, err
	}
	if f.DryRun {
		if plan.Empty() {
			return outcome(plan), nil
		}
		return exitChanges, nil
	}
	res, err := s.Apply(ctx, plan, scim.ApplyOptions{
		Concurrency: f.Workers, ConfirmDeletions: f.ConfirmDeletions, ConfirmDeactivations: f.ConfirmDeactivations,
		ConfirmEmptySource: f.ConfirmEmptySource, Progress: f.progress(stderr),
	})
	if err == nil {
		return outcome(plan), nil
	}
	var e *scim.Error
	if errors.As(err, &e) {
		switch e.Check {
		case scim.CheckMassDeactivation, scim.CheckDeletionCap, scim.CheckEmptySource:
			return exitHeld, err
		}
	}
	if res != nil && res.Failed > 0 && e != nil && e.Check == scim.CheckIncomplete {
		return exitPartly, err
	}
	return exitFailed, err
}

func outcome(plan *scim.Plan) int {
	if len(plan.Problems) > 0 {
		return exitPartly
	}
	return exitDone
}

func (f *flags) print(w io.Writer, plan *scim.Plan) error {
	if !f.JSON {
		_, err := fmt.Fprint(w, plan)
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(plan)
}

func (f *flags) progress(w io.Writer) func(scim.Progress) {
	return func(p scim.Progress) {
		switch {
		case p.Err != nil:
			fmt.Fprintf(w, "%d/%d %s %s %q: %v\n", p.Done, p.Total, p.Action, p.Type, p.Name, p.Err)
		case !f.Quiet && (p.Done%100 == 0 || p.Done == p.Total):
			fmt.Fprintf(w, "%d/%d\n", p.Done, p.Total)
		}
	}
}
