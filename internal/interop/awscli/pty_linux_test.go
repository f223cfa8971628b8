// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awscli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gatehouse-id/gatehouse/portal/awssso/awsssotest"
)

// openPTY returns both ends of a new terminal.
func openPTY(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { _ = ours.Close() })
	fd := int(ours.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 200}); err != nil {
		t.Fatal(err)
	}
	theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

// TestConfigureSSO answers the prompts of aws configure sso in a terminal and
// uses the profile that it writes.
func TestConfigureSSO(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := newCLI(t, oldCLI(t), p, true)
	c.writeConfig("")
	ours, theirs := openPTY(t)
	cmd := c.command(t.Context(), "configure", "sso", "--no-browser")
	cmd.Env = append(cmd.Env, "TERM=dumb")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = theirs.Close()
	s := &screen{}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		_, _ = io.Copy(s, ours) // ends with EIO when the program does
	}()
	answer := func(prompt, text string) {
		t.Helper()
		s.expect(t, prompt)
		if _, err := ours.WriteString(text + "\r"); err != nil {
			t.Fatal(err)
		}
	}
	answer(`SSO session name.*: `, "mine")
	answer(`SSO start URL.*: `, p.StartURL)
	answer(`SSO region.*: `, "eu-central-1")
	answer(`SSO registration scopes.*: `, "")
	b.ApproveDevice(t, s.expect(t, deviceLink)[1], true)
	answer(`There are 2 AWS accounts[\s\S]*\(444455556666\)[\s\S]*\?25h`, "") // the menu is drawn and takes keys
	answer(`Using the account ID 111122223333[\s\S]*CLI default client Region.*: `, "eu-central-1")
	answer(`CLI default output format.*: `, "json")
	answer(`CLI profile name.*: `, "wizard")
	if err := cmd.Wait(); err != nil {
		t.Fatalf("configure sso: %v\n%s", err, s)
	}
	<-shown
	config := c.config()
	for _, want := range []string{"[profile wizard]", "sso_session = mine", "sso_account_id = 111122223333", "sso_role_name = ReadOnly", "[sso-session mine]", "sso_start_url = " + p.StartURL} {
		if !strings.Contains(config, want) {
			t.Errorf("no %q in\n%s", want, config)
		}
	}
	if arn := c.must("sts", "get-caller-identity", "--profile", "wizard", "--query", "Arn", "--output", "text"); !strings.Contains(arn, prod.ID) {
		t.Errorf("identity: %s", arn)
	}
}
