// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package daemon runs the servers of peers for the length of a test: [Start]
// runs one in a process group of its own, which ends with the test.
package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

// Start starts cmd and waits until the file log, to which it writes itself or
// which is made of its output if output is set, has the word ready. The server
// has then bound its port: that something answers there would not say who.
func Start(t testing.TB, cmd *exec.Cmd, log string, output bool, ready string) error {
	t.Helper()
	if output {
		f, err := os.Create(log)
		if err != nil {
			return err
		}
		defer f.Close()
		cmd.Stdout, cmd.Stderr = f, f
	}
	group(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	stop := func() {
		end(cmd, false)
		select {
		case <-exited:
		case <-time.After(5 * time.Second):
		}
		end(cmd, true)
		<-exited
	}
	if err := await(log, ready, exited); err != nil {
		stop()
		text, _ := os.ReadFile(log)
		return fmt.Errorf("%s: %w: %s", cmd.Path, err, text)
	}
	t.Cleanup(stop)
	return nil
}

func await(log, ready string, exited <-chan struct{}) error {
	deadline := time.After(30 * time.Second)
	for {
		if text, err := os.ReadFile(log); err == nil && bytes.Contains(text, []byte(ready)) {
			return nil
		}
		select {
		case <-exited:
			return errors.New("it ended")
		case <-deadline:
			return errors.New("it does not get ready")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// FreePort is a port of the loopback address that was free a moment ago.
func FreePort(t testing.TB) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}
