// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A server process with 50,000 users in SQLite stays under 150 MB. The process
// is examples/scimserver --data, built here; four connections create the users,
// list them all in pages of 1,000, look up 5,000 by userName and change 5,000.
// The figure is the most memory that the process ever had resident, VmHWM of
// /proc/PID/status, which counts the program, Go's heap and SQLite's caches.
func BenchmarkSCIMPeakMemory(b *testing.B) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		b.Skip("Linux says how much memory a process had in /proc")
	}
	const users = 50_000
	for b.Loop() {
		s := startSCIMServer(b)
		s.all(b, users, func(i int) (string, string, string, int) { return "POST", "/Users", scimPersonBody(i), 201 })
		made := s.peak(b)
		ids := s.list(b, users)
		listed := s.peak(b)
		s.all(b, users/10, func(i int) (string, string, string, int) { return "GET", scimEq(i * 7 % users), "", 200 })
		s.all(b, users/10, func(i int) (string, string, string, int) {
			return "PATCH", "/Users/" + ids[i*7], fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"title","value":"T%d"}]}`, i), 200
		})
		b.ReportMetric(made, "created-MB")
		b.ReportMetric(listed, "listed-MB")
		b.ReportMetric(s.peak(b), "peak-MB")
		s.stop()
	}
}

// scimProcess is a server in a process of its own.
type scimProcess struct {
	base string
	cmd  *exec.Cmd
	c    *http.Client
}

func startSCIMServer(b *testing.B) *scimProcess {
	dir := b.TempDir()
	program := filepath.Join(dir, "scimserver")
	build := exec.Command("go", "build", "-o", program, "./examples/scimserver")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	s := &scimProcess{cmd: exec.Command(program, "--listen", "127.0.0.1:0", "--token", "secret=acme", "--data", filepath.Join(dir, "data"))}
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.stop)
	line, err := bufio.NewReader(out).ReadString('\n')
	base, ok := strings.CutPrefix(strings.TrimSpace(line), "serving ")
	if err != nil || !ok {
		b.Fatalf("the server says %q: %v", line, err)
	}
	s.base = base
	s.c = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	return s
}

func (s *scimProcess) stop() {
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
}

// peak is the most resident memory so far, in MB.
func (s *scimProcess) peak(b *testing.B) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				b.Fatal(err)
			}
			return float64(kb) * 1024 / 1e6
		}
	}
	b.Fatal("there is no VmHWM")
	return 0
}

func (s *scimProcess) do(method, path, body string) (int, []byte, error) {
	r, err := http.NewRequest(method, s.base+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Authorization", "Bearer secret")
	r.Header.Set("Content-Type", "application/scim+json")
	res, err := s.c.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// all sends n requests over four connections.
func (s *scimProcess) all(b *testing.B, n int, request func(i int) (method, path, body string, want int)) {
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() {
			for i := w; i < n; i += 4 {
				method, path, body, want := request(i)
				if got, answer, err := s.do(method, path, body); err != nil || got != want {
					b.Errorf("%s %s: %d, %v: %s", method, path, got, err, answer)
					return
				}
			}
		})
	}
	group.Wait()
	if b.Failed() {
		b.FailNow()
	}
}

// list reads all users by cursor and returns their ids.
func (s *scimProcess) list(b *testing.B, want int) []string {
	var ids []string
	for cursor := ""; ; {
		status, body, err := s.do("GET", "/Users?count=1000&cursor="+url.QueryEscape(cursor), "")
		var page struct {
			Resources  []struct{ ID string }
			NextCursor string
		}
		if err != nil || status != 200 || json.Unmarshal(body, &page) != nil {
			b.Fatal(status, err)
		}
		for _, r := range page.Resources {
			ids = append(ids, r.ID)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if len(ids) != want {
		b.Fatalf("listed %d", len(ids))
	}
	return ids
}
