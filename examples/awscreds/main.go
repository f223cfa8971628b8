// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Command awscreds gets AWS credentials from access portals that speak AWS's
// own protocol: Gatehouse portals and AWS IAM Identity Center, several at
// once.
//
//	awscreds setup https://portal.example.com
//	awscreds login
//	awscreds list
//	awscreds exec prod/Admin -- aws s3 ls
//	awscreds exec --match env=prod --match role=ReadOnly --parallel 8 -- ./inventory.sh
//	awscreds profiles --prune
//
// Tokens and credentials are kept encrypted under a key in the system's
// keychain. Without a keychain (servers, containers) choose another place for
// the key with AWSCREDS_CACHE:
//
//	keychain     the default
//	passphrase   derived from AWSCREDS_PASSPHRASE, or asked for at a terminal
//	key-file     a random key in the file AWSCREDS_KEY_FILE (mode 0600)
//
// A secret is printed only by creds, process and serve, and by exec into the
// environment of what it runs. No command but login opens a browser, so
// process is safe in ~/.aws/config.
//
// Exit status:
//
//	0  done
//	1  failed
//	2  the command line or a file is wrong
//	3  a sign-in is needed: run awscreds login
//	4  refused: the role is not yours, or AWS does not allow it
//	5  the portal or AWS cannot be reached, or throttles
//
// exec returns the status of what it ran; with --match, 1 if any failed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
)

// The exit statuses.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitSignIn      = 3
	exitRefused     = 4
	exitUnavailable = 5
)

// failure is an error with an exit status and a sentence for people.
type failure struct {
	code int
	text string
	err  error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.err }

func fail(code int, cause error, format string, args ...any) error {
	return &failure{code, fmt.Sprintf(format, args...), cause}
}

const help = `AWS credentials from access portals.

Tokens and credentials are kept encrypted. Where the key is, AWSCREDS_CACHE says; servers, containers and SSH sessions mostly have no keychain and need the second or third:

  keychain    in the system's keychain; the default
  key-file    in the file AWSCREDS_KEY_FILE, made when it is not there (mode 0600)
  passphrase  derived from AWSCREDS_PASSPHRASE, or asked for at a terminal

AWSCREDS_HOME is the folder for portals and the encrypted cache; by default awscreds in the folder for users' configuration.
`

type commands struct {
	JSON    bool   `help:"Print results as JSON."`
	Verbose bool   `short:"v" help:"Print the cause of errors too."`
	Portal  string `help:"Name of the portal; needed only where several have the answer." placeholder:"NAME"`

	Setup    setupCmd    `cmd:"" help:"Add a portal by its address."`
	Portals  portalsCmd  `cmd:"" help:"List the portals."`
	Login    loginCmd    `cmd:"" help:"Sign in."`
	Logout   logoutCmd   `cmd:"" help:"Sign out and forget all credentials of the portal."`
	List     listCmd     `cmd:"" help:"List accounts and roles."`
	Label    labelCmd    `cmd:"" help:"Show or set your own labels of an account, for exec --match and list."`
	Creds    credsCmd    `cmd:"" help:"Print credentials for a shell."`
	Exec     execCmd     `cmd:"" help:"Run a command with credentials, in one role or in many."`
	Console  consoleCmd  `cmd:"" help:"Open the AWS console."`
	Profiles profilesCmd `cmd:"" help:"Write a profile for every role into the AWS configuration file."`
	Process  processCmd  `cmd:"" help:"Answer as a credential_process."`
	Serve    serveCmd    `cmd:"" help:"Serve credentials to local programs as a container agent does."`
	Use      useCmd      `cmd:"" help:"Print what makes a shell use a role's profile: eval \"$(awscreds use ROLE)\"."`
	Whoami   whoamiCmd   `cmd:"" help:"Ask AWS whom credentials belong to."`
	Doctor   doctorCmd   `cmd:"" help:"Look for what usually is wrong."`

	Completion completionCmd `cmd:"" help:"Print the completions for a shell."`
	Complete   completeCmd   `cmd:"" hidden:"" help:"Print the roles that begin with a word."`
}

// app is what every command works with; tests make their own.
type app struct {
	*commands
	ctx  context.Context
	dir  string
	in   io.Reader
	out  io.Writer
	err  io.Writer
	env  func(string) string
	open func(url string) error
	now  func() time.Time
	// ask asks the person at the terminal for a passphrase; nil if there is
	// none. live tells that err is a terminal.
	ask    func(prompt string) (string, error)
	live   bool
	secret *secrets
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	a := &app{ctx: ctx, in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Getenv, open: openBrowser, now: time.Now}
	a.live = term.IsTerminal(int(os.Stderr.Fd()))
	if term.IsTerminal(int(os.Stdin.Fd())) && a.live {
		a.ask = func(prompt string) (string, error) {
			fmt.Fprint(os.Stderr, prompt)
			b, err := term.ReadPassword(int(os.Stdin.Fd()))
			fmt.Fprintln(os.Stderr)
			return string(b), err
		}
	}
	code := a.run(os.Args[1:])
	stop()
	os.Exit(code)
}

func (a *app) run(args []string) int {
	a.commands = &commands{}
	exited := -1
	parser, err := kong.New(a.commands, kong.Name("awscreds"), kong.Description(help),
		kong.Writers(a.out, a.err), kong.Exit(func(code int) { exited = code }), kong.UsageOnError())
	if err != nil {
		return a.report(fail(exitUsage, err, "%v", err))
	}
	k, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		return a.report(fail(exitUsage, err, "%v", err))
	}
	if a.dir == "" {
		if a.dir = a.env("AWSCREDS_HOME"); a.dir == "" {
			base, err := os.UserConfigDir()
			if err != nil {
				return a.report(fail(exitUsage, err, "Set AWSCREDS_HOME: there is no home folder."))
			}
			a.dir = filepath.Join(base, "awscreds")
		}
	}
	return a.report(k.Run(a))
}

// report prints an error and returns the exit status.
func (a *app) report(err error) int {
	if err == nil {
		return 0
	}
	if status, ok := errors.AsType[exitStatus](err); ok {
		return int(status)
	}
	f := explain(err)
	if a.JSON {
		_ = json.NewEncoder(a.err).Encode(map[string]any{"error": f.text, "status": f.code})
		return f.code
	}
	fmt.Fprintln(a.err, "awscreds:", clean(f.text))
	if a.Verbose && f.err != nil {
		fmt.Fprintln(a.err, "  because:", clean(f.err.Error()))
	}
	return f.code
}

// print writes v as JSON, or by text.
func (a *app) print(v any, text func(w io.Writer)) error {
	if a.JSON {
		enc := json.NewEncoder(a.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
	text(a.out)
	return nil
}

// say is progress, for a person at the terminal.
func (a *app) say(format string, args ...any) {
	fmt.Fprintf(a.err, format+"\n", args...)
}
