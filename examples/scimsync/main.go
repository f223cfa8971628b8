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
// A plan can be kept, read by somebody, and applied later. Its journal lies
// beside it: a run that was killed goes on where it stopped.
//
//	scimsync --save plan.json --csv people.csv https://app.example.com/scim/v2
//	scimsync --apply plan.json https://app.example.com/scim/v2
//
// scimsync --help has the environment, the columns of the table and the exit
// statuses.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/gatehouse-id/gatehouse/scim"
)

const help = `Make a SCIM server agree with a CSV file or with another SCIM server. Say exactly one of --csv, --from and --apply.

Tokens come from the environment and are never printed: SCIM_TOKEN is the target's, SCIM_SOURCE_TOKEN that of --from. The plan goes to standard output, progress to standard error.

The first line of the CSV file names the columns: userName, and any of id, externalId, displayName, name.givenName, name.familyName, title, email, phone, active, department, employeeNumber, costCenter, organization, division, manager (the id of another row, which is its externalId or userName if there is no column id) and groups (names, separated by semicolons). Attributes without a column are left alone.

Exit status:

  0  the target agrees, or agreed already
  1  source, plan or target could not be read or reached, or the run was interrupted; not all was changed
  2  the command line is wrong
  3  done in part: some changes were refused, or there are problems in the plan; see the output
  4  held: the plan deletes, deactivates or removes more than is allowed, or the source is empty; nothing was changed
  5  --dry-run or --save, and there is something to do
`

type flags struct {
	Target string `arg:"" help:"Base URL of the server to change."`
	CSV    string `help:"File with the people; - is standard input." placeholder:"FILE" xor:"source"`
	From   string `help:"Base URL of the SCIM server to read from." placeholder:"URL" xor:"source"`
	Apply  string `help:"File with a plan that --save has kept. What is done is noted in FILE.journal, where another run goes on." placeholder:"FILE" xor:"source,keep"`

	DryRun  bool   `help:"Print the plan and change nothing."`
	Save    string `help:"Keep the plan in FILE and change nothing. It holds personal data." placeholder:"FILE" xor:"keep"`
	JSON    bool   `help:"Print the plan as JSON."`
	Orphans string `help:"What happens to people of the target who are not in the source: deactivate, delete or keep." enum:"deactivate,delete,keep" default:"deactivate"`
	All     bool   `help:"Orphans are people without an externalId too, whom somebody made by hand."`
	Workers int    `help:"Changes at the same time." default:"4"`
	Quiet   bool   `help:"No progress."`

	MaxDeletions         int     `help:"Deletions that need no confirmation." default:"10"`
	MaxDeactivations     float64 `help:"Part of the active people that may leave without a confirmation; five are always allowed." default:"0.1"`
	MaxRemovals          float64 `help:"Part of the memberships that people who stay may lose without a confirmation; twenty are always allowed." default:"0.2"`
	ConfirmDeletions     int     `help:"Go on although the plan deletes exactly N people and groups." placeholder:"N"`
	ConfirmDeactivations int     `help:"Go on although the plan deactivates or deletes exactly N people." placeholder:"N"`
	ConfirmRemovals      int     `help:"Go on although the plan takes exactly N memberships from people who stay." placeholder:"N"`
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
	helped := false
	parser, err := kong.New(&f, kong.Name("scimsync"), kong.Description(help), kong.Writers(stdout, stderr), kong.Exit(func(int) { helped = true }))
	if err == nil {
		_, err = parser.Parse(args)
	}
	if err == nil && !helped && f.CSV == "" && f.From == "" && f.Apply == "" {
		err = errors.New("say exactly one of --csv, --from and --apply")
	}
	switch {
	case helped:
		return exitDone
	case err != nil:
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
	switch {
	case f.From != "":
		from, err := client(f.From, "SCIM_SOURCE_TOKEN")
		if err != nil {
			return nil, exitUsage, err
		}
		source = scim.ClientSource(from)
	case f.CSV != "":
		if source, err = readCSV(f.CSV, stdin); err != nil {
			return nil, exitFailed, err
		}
	}
	c := scim.SyncConfig{
		Source: source, Target: target, MaxDeletions: f.MaxDeletions, MaxDeactivations: f.MaxDeactivations, MaxRemovals: f.MaxRemovals,
		Orphans: map[string]scim.Orphans{"deactivate": scim.DeactivateOrphans, "delete": scim.DeleteOrphans, "keep": scim.KeepOrphans}[f.Orphans],
	}
	// None is none here; the zero value of SyncConfig is its default.
	if f.MaxDeletions == 0 {
		c.MaxDeletions = -1
	}
	for _, part := range []*float64{&c.MaxDeactivations, &c.MaxRemovals} {
		if *part == 0 {
			*part = math.SmallestNonzeroFloat64
		}
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
	plan, err := f.plan(ctx, s)
	if err != nil {
		return exitFailed, err
	}
	// Of a plan that was begun, it is said first what an earlier run has done.
	begun := f.begun()
	if !begun {
		if err := f.print(stdout, plan); err != nil {
			return exitFailed, err
		}
	}
	if f.Save != "" {
		if err := save(f.Save, plan); err != nil {
			return exitFailed, err
		}
	}
	if f.DryRun || f.Save != "" {
		if plan.Empty() {
			return outcome(plan), nil
		}
		return exitChanges, nil
	}
	o := scim.ApplyOptions{
		Concurrency: f.Workers, ConfirmDeletions: f.ConfirmDeletions, ConfirmDeactivations: f.ConfirmDeactivations,
		ConfirmRemovals: f.ConfirmRemovals, ConfirmEmptySource: f.ConfirmEmptySource, Progress: f.progress(stderr),
	}
	if f.Apply != "" {
		journal, err := os.OpenFile(f.Apply+".journal", os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			return exitFailed, err
		}
		defer journal.Close()
		o.Journal = journal
	}
	res, err := s.Apply(ctx, plan, o)
	switch {
	case res == nil || res.Skipped == 0 || f.Quiet:
	case err == nil && res.Done == 0:
		fmt.Fprintf(stderr, "Nothing was changed: all %d changes of this plan were done by an earlier run.\n", res.Skipped)
	default:
		fmt.Fprintf(stderr, "%d changes were done by an earlier run\n", res.Skipped)
	}
	if begun {
		if err := f.print(stdout, plan); err != nil {
			return exitFailed, err
		}
	}
	if err == nil {
		return outcome(plan), nil
	}
	var e *scim.Error
	if errors.As(err, &e) {
		if add, held := confirmations[e.Check]; held {
			return exitHeld, fmt.Errorf("%w; %s", err, add)
		}
	}
	if res != nil && res.Failed > 0 && e != nil && e.Check == scim.CheckIncomplete {
		return exitPartly, err
	}
	return exitFailed, err
}

// confirmations say how to go on where a check holds the plan.
var confirmations = map[scim.Check]string{
	scim.CheckMassDeactivation: "add --confirm-deactivations with that number",
	scim.CheckDeletionCap:      "add --confirm-deletions with that number",
	scim.CheckMassRemoval:      "add --confirm-removals with that number",
	scim.CheckEmptySource:      "to go on, add --confirm-empty-source",
}

// begun tells whether an earlier run has begun to apply the plan.
func (f *flags) begun() bool {
	if f.Apply == "" || f.DryRun {
		return false
	}
	info, err := os.Stat(f.Apply + ".journal")
	return err == nil && info.Size() > 0
}

// plan makes a plan, or reads the one that was kept.
func (f *flags) plan(ctx context.Context, s *scim.Sync) (*scim.Plan, error) {
	if f.Apply == "" {
		return s.Plan(ctx)
	}
	b, err := os.ReadFile(f.Apply)
	if err != nil {
		return nil, err
	}
	return scim.ParsePlan(b)
}

// save keeps a plan for its owner only, whole or not at all, with nothing done
// of it.
func save(name string, plan *scim.Plan) error {
	b, err := json.MarshalIndent(plan, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".plan-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(append(b, '\n'))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Remove(name + ".journal"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Rename(file.Name(), name)
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
