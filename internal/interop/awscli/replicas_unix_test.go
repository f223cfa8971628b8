// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package awscli

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
)

// freshSchema returns a DSN whose tables lie in a schema of their own.
func freshSchema(t *testing.T) string {
	t.Helper()
	dsn := cmp.Or(os.Getenv("GATEHOUSE_TEST_POSTGRES"), "postgres://root@127.0.0.1:5432/postgres?sslmode=disable")
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.PingContext(t.Context()); err != nil {
		if os.Getenv("GATEHOUSE_PEERS") == "require" {
			t.Fatalf("PostgreSQL: %v", err)
		}
		t.Skipf("no PostgreSQL (Debian package postgresql): %v", err)
	}
	schema := fmt.Sprintf("gatehouse_awscli_%d", os.Getpid())
	if _, err := db.ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = db.ExecContext(context.Background(), "DROP SCHEMA "+schema+" CASCADE") })
	sep := "?"
	if strings.Contains(dsn, "?") {
		sep = "&"
	}
	return dsn + sep + "search_path=" + schema
}

// balancer gives connections to its backends in turn.
type balancer struct {
	mu       sync.Mutex
	backends []string
	next     int
	served   map[string]int
}

func (b *balancer) pick() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	to := b.backends[b.next%len(b.backends)]
	b.next++
	b.served[to]++
	return to
}

func (b *balancer) serve(l net.Listener) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer in.Close()
			out, err := net.Dial("tcp", b.pick())
			if err != nil {
				return
			}
			defer out.Close()
			go func() {
				_, _ = io.Copy(out, in)
				_ = out.(*net.TCPConn).CloseWrite()
			}()
			_, _ = io.Copy(in, out)
		}()
	}
}

// TestReplicas: two portals on one PostgreSQL serve one sign-in in turns. One
// is killed and started again before the approval, the other before the token is
// used.
func TestReplicas(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the whole portal")
	}
	t.Parallel()
	aws, dsn := oldCLI(t), freshSchema(t)
	dir := t.TempDir()
	binary, data := filepath.Join(dir, "portal"), filepath.Join(dir, "data")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../../examples/portal").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = front.Close() })
	b := &balancer{backends: []string{freeAddress(t), freeAddress(t)}, served: map[string]int{}}
	go b.serve(front)
	_, port, _ := net.SplitHostPort(front.Addr().String())
	start := func(address string) *process {
		return startPortal(t, binary, "--data", data, "--database", dsn, "--listen", address, "--base-url", "http://localhost:"+port)
	}
	var replicas []*process
	for _, address := range b.backends {
		replicas = append(replicas, start(address))
	}
	restart := func(i int) {
		replicas[i].kill()
		replicas[i] = start(b.backends[i])
	}
	s := readSample(t, data)
	bob := s.People[slices.IndexFunc(s.People, func(p somebody) bool { return p.Username == "bob" })]
	p := newPerson(t, s.URL)
	p.client.Transport = &http.Transport{DisableKeepAlives: true}
	p.signIn(bob.Username, bob.Password, bob.TOTPSecret)
	c := &cli{t: t, path: aws, home: dir, env: []string{
		"HOME=" + dir, "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true", "PYTHONUNBUFFERED=1",
		"AWS_CONFIG_FILE=" + filepath.Join(data, "aws", "config"), "AWS_DATA_PATH=" + filepath.Join(data, "aws", "endpoints"),
	}}
	screen := &screen{}
	login := c.command(t.Context(), "sso", "login", "--no-browser", "--profile", "sample")
	login.Stdout, login.Stderr = screen, screen
	if err := login.Start(); err != nil {
		t.Fatal(err)
	}
	link := screen.expect(t, deviceLink)[1]
	signal(t, login, syscall.SIGSTOP) // it would poll into the void, and gives up at once
	restart(0)
	p.approve(link, "approve")
	signal(t, login, syscall.SIGCONT)
	if err := login.Wait(); err != nil {
		t.Fatalf("login: %v\n%s", err, screen)
	}
	restart(1)
	token := c.cached()["accessToken"]
	for range 2 {
		out := c.must("sso", "list-accounts", "--access-token", token, "--region", s.Region, "--query", "accountList[].accountId", "--output", "text")
		if len(strings.Fields(out)) != 8 {
			t.Errorf("accounts: %s", out)
		}
		c.must("sso", "get-role-credentials", "--access-token", token, "--region", s.Region, "--account-id", "210000000013", "--role-name", "PowerUserAccess")
	}
	c.must("sso", "logout")
	for range 2 {
		if out, errs, err := c.run("sso", "list-accounts", "--access-token", token, "--region", s.Region); err == nil || !strings.Contains(errs, "UnauthorizedException") {
			t.Errorf("after logout: %v %s%s", err, out, errs)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, address := range b.backends {
		if b.served[address] < 5 {
			t.Errorf("a replica served %d connections only", b.served[address])
		}
	}
}
