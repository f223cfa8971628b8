// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestServe is a server in a process of its own, for TestKill.
func TestServe(t *testing.T) {
	file := os.Getenv("SCIM_TEST_SERVE")
	if file == "" {
		t.Skip("runs as the child of TestKill")
	}
	_, s := stores(t, openSQLite(t, file))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("listening", ln.Addr())
	t.Fatal(http.Serve(ln, handler(t, s.Users, s.Groups, nil)))
}

// A server that is killed while people are provisioned has lost nothing that
// it acknowledged, and has nothing by half.
func TestKill(t *testing.T) {
	file := filepath.Join(t.TempDir(), "scim.db")
	cmd := exec.Command(os.Args[0], "-test.run=^TestServe$", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), "SCIM_TEST_SERVE="+file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	base := ""
	for lines.Scan() {
		if addr, ok := strings.CutPrefix(lines.Text(), "listening "); ok {
			base = "http://" + addr + "/scim/v2"
			break
		}
	}
	if base == "" {
		t.Fatal("the server did not start")
	}
	acked := make(map[string]string) // id -> kind
	members := make(map[string][]string)
	var mu sync.Mutex
	var count atomic.Int64
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			send := func(method, path, body string) (string, bool) {
				r, err := http.NewRequest(method, base+path, strings.NewReader(body))
				if err != nil {
					return "", false
				}
				r.Header.Set("Authorization", "Bearer acme")
				r.Header.Set("Content-Type", "application/scim+json")
				res, err := http.DefaultClient.Do(r)
				if err != nil {
					return "", false
				}
				defer res.Body.Close()
				var got struct{ ID string }
				if res.StatusCode != 204 && json.NewDecoder(res.Body).Decode(&got) != nil {
					return "", false
				}
				return got.ID, res.StatusCode < 300
			}
			group, ok := send("POST", "/Groups", fmt.Sprintf(`{"displayName":"g%d"}`, w))
			if !ok {
				return
			}
			mu.Lock()
			acked[group] = "Groups"
			mu.Unlock()
			for i := 0; ; i++ {
				user, ok := send("POST", "/Users", fmt.Sprintf(`{"userName":"u%d-%d","emails":[{"value":"u%d-%d@x","type":"work"}]}`, w, i, w, i))
				if !ok {
					return
				}
				mu.Lock()
				acked[user] = "Users"
				mu.Unlock()
				if _, ok := send("PATCH", "/Groups/"+group, patch(`{"op":"add","path":"members","value":[{"value":"`+user+`"}]}`)); !ok {
					return
				}
				mu.Lock()
				members[group] = append(members[group], user)
				mu.Unlock()
				if count.Add(1) == 200 {
					if err := cmd.Process.Kill(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	_ = cmd.Wait()

	db := openSQLite(t, file)
	_, s := stores(t, db)
	h := handler(t, s.Users, s.Groups, nil)
	for id, kind := range acked {
		must(t, h, "GET", "/"+kind+"/"+id, "")
	}
	for group, ids := range members {
		got := fmt.Sprint(must(t, h, "GET", "/Groups/"+group, "")["members"])
		for _, id := range ids {
			if !strings.Contains(got, id) {
				t.Errorf("member %s was acknowledged and is lost", id)
			}
		}
	}
	for _, q := range []string{
		"SELECT COUNT(*) FROM scim_resources r WHERE kind = 'User' AND (SELECT COUNT(*) FROM scim_values v WHERE v.owner = r.id AND v.path IN ('userName', 'emails.value', 'active')) <> 3",
		"SELECT COUNT(*) FROM scim_values v WHERE NOT EXISTS (SELECT 1 FROM scim_resources r WHERE r.id = v.owner)",
		"SELECT COUNT(*) FROM scim_members m WHERE NOT EXISTS (SELECT 1 FROM scim_resources r WHERE r.id = m.member)",
	} {
		var n int
		if err := db.QueryRow(q).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows by half, %v: %s", n, err, q)
		}
	}
	if len(acked) < 200 {
		t.Errorf("only %d requests were acknowledged", len(acked))
	}
}
