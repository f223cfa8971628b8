// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package samlpeers_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/interop/samlpeers/useragent"
	"github.com/gatehouse-id/gatehouse/saml"
)

var binDir string

func TestMain(m *testing.M) {
	var err error
	if binDir, err = os.MkdirTemp("", "samlpeers"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(binDir)
	os.Exit(code)
}

// build builds both examples, once and only when a test needs them.
var build = sync.OnceValue(func() error {
	// A test's cached result depends on the files that it has looked at.
	for _, dir := range []string{"sp", "idp", "internal/local"} {
		sources, err := filepath.Glob("../../../examples/" + dir + "/*.go")
		if err != nil || len(sources) == 0 {
			return fmt.Errorf("no sources of %s: %w", dir, err)
		}
		for _, file := range sources {
			if _, err := os.Stat(file); err != nil {
				return err
			}
		}
	}
	cmd := exec.Command("go", "build", "-o", binDir+string(filepath.Separator), "../../../examples/sp", "../../../examples/idp")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
})

// program is a running example.
type program struct {
	// URL is its base URL, and URL with /metadata its entity ID.
	URL string
}

func (p program) entity() string { return p.URL + "/metadata" }

// start runs the example on a free port with a folder of its own.
func start(t *testing.T, name string, args ...string) program {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(binDir, name), append([]string{"--listen", "127.0.0.1:0", "--state", filepath.Join(t.TempDir(), name)}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		hang := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		defer hang.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v: %s", name, err, stderr.String())
		}
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if _, at, ok := strings.Cut(lines.Text(), " provider "); ok {
			return program{strings.TrimSuffix(at, "/metadata")}
		}
	}
	t.Fatalf("%s said nothing of where it is", name)
	return program{}
}

// account is what /whoami of examples/sp tells.
type account struct {
	NameID       string              `json:"nameid"`
	Format       string              `json:"format"`
	Attributes   map[string][]string `json:"attributes"`
	SessionIndex string              `json:"sessionindex"`
	RelayState   string              `json:"relaystate"`
}

// whoami reads what examples/sp knows of the person in the browser.
func whoami(t *testing.T, b *useragent.Agent, sp program) account {
	t.Helper()
	b.Get(sp.URL + "/whoami").Expect("{")
	if kind := b.Header.Get("Content-Type"); kind != "application/json" {
		t.Fatalf("/whoami is %s", kind)
	}
	var a account
	if err := json.Unmarshal([]byte(b.Body), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func noSession(t *testing.T, b *useragent.Agent, sp program) {
	t.Helper()
	b.Get(sp.URL+"/whoami").ExpectStatus(http.StatusUnauthorized, "no session")
}

// keep writes metadata to a file.
func keep(t *testing.T, metadata []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "metadata.xml")
	if err := os.WriteFile(file, metadata, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// rewrite changes an entity's metadata and returns it unsigned.
func rewrite(t *testing.T, metadata []byte, change func(*saml.Entity)) []byte {
	t.Helper()
	e, err := saml.ParseMetadata(metadata, saml.MetadataOptions{})
	if err != nil {
		t.Fatal(err)
	}
	change(e)
	out, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// only leaves the endpoints of a binding.
func only(es []saml.Endpoint, binding string) []saml.Endpoint {
	var out []saml.Endpoint
	for _, e := range es {
		if e.Binding == binding {
			out = append(out, e)
		}
	}
	return out
}

// went says how a message must have gone.
type went struct {
	binding   string
	signed    bool
	encrypted bool
}

func (w went) check(t *testing.T, b *useragent.Agent, name string) useragent.Message {
	t.Helper()
	m := b.Last(name)
	if got := (went{m.Binding(), m.Signed(), m.Encrypted()}); got != w {
		t.Errorf("%s went as %+v, want %+v\n%s", name, got, w, m.XML)
	}
	return m
}
