// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/radius"
)

const radiusSecret = "a shared secret of enough bytes"

// radiusConf is the least that FreeRADIUS runs with. Everyone's password is
// "right"; "rounds" is asked two more questions.
const radiusConf = `
prefix = /usr
libdir = /usr/lib/freeradius
run_dir = DIR
logdir = DIR
pidfile = DIR/radiusd.pid
max_requests = 1024
security {
	allow_core_dumps = no
	max_attributes = 200
	reject_delay = 0
}
client loopback {
	ipaddr = 127.0.0.1
	secret = "SECRET"
	require_message_authenticator = yes
}
THREADS
modules {
	pap {
	}
	chap {
	}
	mschap {
	}
	expr {
	}
	always handled {
		rcode = handled
	}
}
server default {
	listen {
		type = auth
		ipaddr = 127.0.0.1
		port = PORT
	}
	RADSEC
	authorize {
		if (&User-Name == "rounds" && !&State) {
			update control {
				&Response-Packet-Type := Access-Challenge
			}
			update reply {
				&State := "%{randstr:aaaaaaaaaaaaaaaa}"
				&Reply-Message := "First code"
			}
			SIGN
			handled
		}
		if (&User-Name == "rounds" && &User-Password == "111111") {
			update control {
				&Response-Packet-Type := Access-Challenge
			}
			update reply {
				&State := "%{randstr:nnnnnnnnnnnnnnnn}"
				&Reply-Message := "Second code"
			}
			SIGN
			handled
		}
		update control {
			&Cleartext-Password := "right"
		}
		chap
		mschap
		pap
	}
	authenticate {
		Auth-Type PAP {
			pap
		}
		Auth-Type CHAP {
			chap
		}
		Auth-Type MS-CHAP {
			mschap
		}
	}
	post-auth {
		SIGN
		Post-Auth-Type REJECT {
			SIGN
		}
	}
}
`

// radsecThreads are what RadSec needs beside its listener.
const radsecThreads = `thread pool {
	start_servers = 1
	max_servers = 4
}
clients radsec {
	client radsec {
		ipaddr = 127.0.0.1
		proto = tls
		secret = radsec
	}
}`

const signReply = `update reply {
				&Message-Authenticator := 0x00
			}`

// startFreeRADIUS runs a server on the loopback until the test ends.
func startFreeRADIUS(t *testing.T, signs bool) (addr string) {
	t.Helper()
	return runFreeRADIUS(t, signs, "", t.TempDir())
}

// runFreeRADIUS runs it in a folder, with another listener if radsec is not
// empty.
func runFreeRADIUS(t *testing.T, signs bool, radsec, dir string) (addr string) {
	t.Helper()
	bin := peer.Command(t, "freeradius", "freeradius")
	free, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = free.LocalAddr().String()
	_, port, _ := net.SplitHostPort(addr)
	sign, threads := "", ""
	if radsec != "" {
		threads = radsecThreads
	}
	if signs {
		sign = signReply
	}
	conf := strings.NewReplacer("DIR", dir, "SECRET", radiusSecret, "PORT", port, "SIGN", sign, "RADSEC", radsec, "THREADS", threads).Replace(radiusConf)
	for name, content := range map[string]string{"radiusd.conf": conf, "dictionary": "$INCLUDE /usr/share/freeradius/dictionary\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_ = free.Close()
	cmd := exec.Command(bin, "-fxx", "-l", "stdout", "-d", dir, "-n", "radiusd")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	go func() {
		var log []string
		s := bufio.NewScanner(out)
		for s.Scan() {
			if strings.Contains(s.Text(), "Ready to process requests") {
				ready <- ""
			}
			if log = append(log, s.Text()); len(log) > 30 {
				log = log[1:]
			}
		}
		select {
		case ready <- strings.Join(log, "\n"):
		default:
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	select {
	case log := <-ready:
		if log != "" {
			t.Fatalf("FreeRADIUS does not start:\n%s", log)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("FreeRADIUS is not ready after 20 s")
	}
	return addr
}

type radiusPeer struct {
	t *testing.T
	f *radius.Factor
}

func newRADIUS(t *testing.T, m radius.Method, unsigned bool, addrs ...string) *radiusPeer {
	t.Helper()
	c := radius.Config{
		Method: m, Timeout: 300 * time.Millisecond, Retries: 1, Deadline: 10 * time.Second,
		UserName: func(_ context.Context, s mfa.Subject) (string, error) { return s.ID, nil },
	}
	for _, a := range addrs {
		c.Servers = append(c.Servers, radius.Server{Addr: a, Secret: []byte(radiusSecret), AllowUnsignedReplies: unsigned})
	}
	f, err := radius.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return &radiusPeer{t, f}
}

func (p *radiusPeer) answer(user string, state []byte, answer string) (mfa.Verified, error) {
	p.t.Helper()
	s := mfa.Subject{ID: user}
	if state == nil {
		b, err := p.f.Begin(p.t.Context(), mfa.BeginRequest{Subject: s})
		if err != nil {
			p.t.Fatal(err)
		}
		state = b.State
	}
	return p.f.Verify(p.t.Context(), mfa.VerifyRequest{Subject: s, State: state, Answer: []byte(answer)})
}

func TestFreeRADIUS(t *testing.T) {
	t.Parallel()
	addr := startFreeRADIUS(t, true)
	for _, m := range []radius.Method{radius.PAP, radius.CHAP, radius.MSCHAPv2} {
		p := newRADIUS(t, m, false, addr)
		if _, err := p.answer("alice", nil, "right"); err != nil {
			t.Errorf("%s: %v", m, err)
		}
		if _, err := p.answer("alice", nil, "wrong"); mfa.CheckOf(err) != radius.CheckReject {
			t.Errorf("%s wrong: %v", m, err)
		}
	}
	t.Run("rounds", func(t *testing.T) {
		p := newRADIUS(t, radius.PAP, false, addr)
		v, err := p.answer("rounds", nil, "password")
		for _, want := range []string{"First code", "Second code"} {
			if err != nil || v.Next == nil {
				t.Fatalf("%+v, %v", v, err)
			}
			var pub radius.Public
			if err := json.Unmarshal(v.Next.Public, &pub); err != nil || pub.Prompt != want {
				t.Errorf("prompt %q, want %q", pub.Prompt, want)
			}
			code := map[string]string{"First code": "111111", "Second code": "right"}[want]
			v, err = p.answer("rounds", v.Next.State, code)
		}
		if err != nil || v.Next != nil {
			t.Errorf("%+v, %v", v, err)
		}
	})
	t.Run("a dead first server", func(t *testing.T) {
		closed, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		dead := closed.LocalAddr().String()
		_ = closed.Close()
		if _, err := newRADIUS(t, radius.PAP, false, dead, addr).answer("alice", nil, "right"); err != nil {
			t.Error(err)
		}
	})
	t.Run("another secret", func(t *testing.T) {
		p := newRADIUS(t, radius.PAP, false, addr)
		f, err := radius.New(radius.Config{
			Method: radius.PAP, Timeout: 50 * time.Millisecond, Deadline: time.Second, Retries: -1,
			UserName: func(_ context.Context, s mfa.Subject) (string, error) { return s.ID, nil },
			Servers:  []radius.Server{{Addr: addr, Secret: []byte("another secret of enough bytes")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		p.f = f
		if _, err := p.answer("alice", nil, "right"); mfa.CheckOf(err) != mfa.CheckUpstream {
			t.Error(err)
		}
	})
}

// TestFreeRADIUSUnsigned: a server from before the answer to BlastRADIUS
// signs no replies; only the lenient mode takes them.
func TestFreeRADIUSUnsigned(t *testing.T) {
	t.Parallel()
	addr := startFreeRADIUS(t, false)
	for _, m := range []radius.Method{radius.PAP, radius.CHAP, radius.MSCHAPv2} {
		if _, err := newRADIUS(t, m, false, addr).answer("alice", nil, "right"); mfa.CheckOf(err) != mfa.CheckUpstream {
			t.Errorf("%s strict: %v", m, err)
		}
		if _, err := newRADIUS(t, m, true, addr).answer("alice", nil, "right"); err != nil {
			t.Errorf("%s lenient: %v", m, err)
		}
		if _, err := newRADIUS(t, m, true, addr).answer("alice", nil, "wrong"); mfa.CheckOf(err) != radius.CheckReject {
			t.Errorf("%s lenient, wrong: %v", m, err)
		}
	}
}

// TestFreeRADIUSFlow: a flow over SQL with FreeRADIUS behind it. Rounds
// count until the last one passes, wherever they were answered; what FreeRADIUS
// rejects ends the exchange, and five of them lock.
func TestFreeRADIUSFlow(t *testing.T) {
	t.Parallel()
	addr := startFreeRADIUS(t, true)
	databases(t, func(t *testing.T, db *sql.DB) {
		ctx := t.Context()
		now := start
		s := newStore(t, db)
		replica := func() *mfa.Flow {
			f, err := radius.New(radius.Config{
				Method: radius.PAP, UserName: func(_ context.Context, s mfa.Subject) (string, error) { return s.ID, nil },
				Servers: []radius.Server{{Addr: addr, Secret: []byte(radiusSecret)}}, AMR: []string{"pwd"},
			})
			if err != nil {
				t.Fatal(err)
			}
			return newFlowOf(t, s, f, func() time.Time { return now }, nil)
		}
		here, there := replica(), replica()
		rounds := mfa.Subject{Tenant: alice.Tenant, ID: "rounds"}
		begin := func(who mfa.Subject) (*mfa.Challenge, error) {
			return here.Begin(ctx, mfa.BeginInput{Subject: who, Kind: mfa.KindRADIUS, Purpose: mfa.Second, Session: browser, Authenticated: password})
		}
		must := func(who mfa.Subject) string {
			t.Helper()
			ch, err := begin(who)
			if err != nil {
				t.Fatal(err)
			}
			return ch.ID
		}
		committed := 0
		finish := func(f *mfa.Flow, id, answer string) (mfa.Result, error) {
			return f.Finish(ctx, id, mfa.Answer{Session: browser, Data: []byte(answer)}, func(context.Context, mfa.Result) error { committed++; return nil })
		}
		another := func(f *mfa.Flow, id, answer, prompt string) string {
			t.Helper()
			_, err := finish(f, id, answer)
			var next *mfa.Another
			if !errors.As(err, &next) {
				t.Fatalf("want another question, got %v", err)
			}
			var p radius.Public
			if err := json.Unmarshal(next.Challenge.Public, &p); err != nil || p.Prompt != prompt {
				t.Errorf("prompt %q, want %q", p.Prompt, prompt)
			}
			return next.Challenge.ID
		}
		failures := func(who mfa.Subject, want int) {
			t.Helper()
			if cs, err := s.Counters(ctx, who); err != nil || cs[string(mfa.KindRADIUS)].Failures != want {
				t.Errorf("counters %+v, %v; want %d failures", cs, err, want)
			}
		}

		first := must(rounds)
		second := another(here, first, "password", "First code")
		third := another(there, second, "111111", "Second code")
		failures(rounds, 2)
		if _, err := finish(here, second, "111111"); mfa.CheckOf(err) != mfa.CheckChallenge {
			t.Errorf("a round again: %v", err)
		}
		res, err := finish(here, third, "right")
		if e := res.Evidence; err != nil || committed != 1 || res.Subject != rounds || e.Kind != mfa.KindRADIUS || !e.Factor || e.Strength != mfa.Any || len(e.AMR) != 1 {
			t.Fatalf("after the last round: %+v, %v, %d commits", res, err, committed)
		}
		failures(rounds, 0)

		wrong := another(here, must(rounds), "password", "First code")
		if _, err := finish(there, wrong, "222222"); mfa.CheckOf(err) != radius.CheckReject {
			t.Errorf("a wrong round: %v", err)
		}
		failures(rounds, 2)
		if _, err := finish(here, wrong, "111111"); mfa.CheckOf(err) != mfa.CheckChallenge {
			t.Errorf("after a wrong round: %v", err)
		}

		before := must(alice)
		for range 5 {
			if _, err := finish(here, must(alice), "wrong"); mfa.CheckOf(err) != radius.CheckReject {
				t.Errorf("wrong: %v", err)
			}
		}
		if _, err := begin(alice); mfa.CheckOf(err) != mfa.CheckLocked {
			t.Errorf("after five rejects: %v", err)
		}
		if _, err := finish(there, before, "right"); mfa.CheckOf(err) != mfa.CheckLocked || committed != 1 {
			t.Errorf("a challenge from before the lock: %v", err)
		}
		must(rounds) // is not locked with her
		now = now.Add(16 * time.Minute)
		if _, err := finish(here, must(alice), "right"); err != nil || committed != 2 {
			t.Errorf("after the lock: %v", err)
		}
		failures(alice, 0)
	})
}
