// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestKillInFirstStart kills the program while it makes the sample
// organisation: the next start makes it whole.
func TestKillInFirstStart(t *testing.T) {
	t.Parallel()
	whole := time.Second // what a start took lately
	start := func(data string) *sample {
		began := time.Now()
		_, s := serve(t, data)
		whole = time.Since(began)
		return s
	}
	start(t.TempDir())
	for i := range 6 {
		data := t.TempDir()
		// Anywhere in the i-th sixth of what a start takes, and once more in the
		// start after it.
		for range 2 {
			moment := time.Duration(float64(whole) * (float64(i) + rand.Float64()) / 6)
			p := launch(t, "--data", data, "--listen", "127.0.0.1:0")
			select {
			case <-p.ended:
				t.Fatalf("ended by itself: %v\n%s", p.err, p.out)
			case <-time.After(moment):
			}
			p.kill()
			t.Logf("killed after %v of %v", moment, whole)
		}
		usable(t, start(data))
	}
}

// usable: everything that sample.json says is true.
func usable(t *testing.T, s *sample) {
	t.Helper()
	c := &provisioner{t: t, base: s.SCIM.BaseURL, token: s.SCIM.Token}
	if got := c.do(http.StatusOK, http.MethodGet, "/Users", nil); got["totalResults"] != 6.0 {
		t.Errorf("people: %v", got["totalResults"])
	}
	if got := c.do(http.StatusOK, http.MethodGet, "/Groups", nil); got["totalResults"] != 4.0 {
		t.Errorf("groups: %v", got["totalResults"])
	}
	alice := newPerson(t, s.URL)
	alice.signIn("/", s.who(t, "alice")).expect(http.StatusOK, "8 accounts")
	alice.post("/accounts/210000000013/roles/PowerUserAccess/keys", nil).expect(http.StatusOK, "AWS_SESSION_TOKEN")
	carol := s.who(t, "carol")
	p := newPerson(t, s.URL)
	p.open("/").submit("username", "carol").submit("password", carol.Password).expect(http.StatusOK, "enrolment ticket")
	p.submit("ticket", carol.Ticket).expect(http.StatusOK, "Add an authenticator app")
}

// TestKillLosesNothing kills the program in the middle of provisioning: what
// was acknowledged is there.
func TestKillLosesNothing(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p, s := serve(t, data)
	acknowledged := map[string]string{} // id to name
	for round := range 3 {
		for id, name := range provisionUntilKilled(t, p, s, round) {
			acknowledged[id] = name
		}
		p, s = serve(t, data)
		c := &provisioner{t: t, base: s.SCIM.BaseURL, token: s.SCIM.Token}
		for id, name := range acknowledged {
			if got := c.do(http.StatusOK, http.MethodGet, "/Users/"+id, nil); got["userName"] != name {
				t.Errorf("%s is %v", name, got)
			}
		}
	}
	t.Logf("%d people", len(acknowledged))
}

// provisionUntilKilled creates people from several connections, kills the
// program while they do, and returns whom it acknowledged.
func provisionUntilKilled(t *testing.T, p *process, s *sample, round int) map[string]string {
	t.Helper()
	const connections, enough = 4, 20
	var mu sync.Mutex
	made := map[string]string{}
	var wg sync.WaitGroup
	for n := range connections {
		wg.Go(func() {
			c := &provisioner{t: t, base: s.SCIM.BaseURL, token: s.SCIM.Token}
			for i := 0; ; i++ {
				name := fmt.Sprintf("new-%d-%d-%d", round, n, i)
				status, _, answer, err := c.try(http.MethodPost, "/Users", newUser(name))
				if err != nil {
					return // killed
				}
				if status == http.StatusServiceUnavailable {
					continue
				}
				id, _ := answer["id"].(string)
				if status != http.StatusCreated || id == "" {
					t.Errorf("%s: %d %v", name, status, answer)
					return
				}
				mu.Lock()
				made[id] = name
				mu.Unlock()
			}
		})
	}
	eventually(t, "people are provisioned", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(made) >= enough || t.Failed()
	})
	p.kill()
	wg.Wait()
	return made
}
