// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package radius

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// TestCancelled: who does not wait any more holds up nothing, and no other
// server is asked for them.
func TestCancelled(t *testing.T) {
	t.Parallel()
	silent := serve(t, func(packet) reply { return reply{silent: true} })
	f := newFactor(t, PAP, silent.addr(), silent.addr())
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-silent.raws; cancel() }()
	_, err := f.Verify(ctx, mfa.VerifyRequest{Subject: mfa.Subject{ID: "alice"}, Answer: []byte("x")})
	if mfa.CheckOf(err) != mfa.CheckUpstream || !errors.Is(err, context.Canceled) || silent.requests.Load() != 1 {
		t.Errorf("got %v", err)
	}
	if len(f.dead) != 0 {
		t.Error("a server counts as dead because a person left")
	}
}

// patient is a factor that waits an hour for a reply unless its Deadline says
// otherwise.
func patient(t *testing.T, servers ...string) *Factor {
	t.Helper()
	f := newFactor(t, PAP, servers...)
	f.cfg.Timeout, f.cfg.Deadline = time.Hour, 20*time.Millisecond
	return f
}

// impatient ends what ignores the deadline, so that the test fails and does
// not hang.
func impatient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// TestDeadline: it bounds the wait for one server, and with it all of them.
func TestDeadline(t *testing.T) {
	t.Parallel()
	silent := serve(t, func(packet) reply { return reply{silent: true} })
	next := serve(t, func(packet) reply { return reply{silent: true} })
	f := patient(t, silent.addr(), next.addr())
	f.cfg.Retries = 5
	ctx := impatient(t)
	_, err := f.Verify(ctx, mfa.VerifyRequest{Subject: mfa.Subject{ID: "alice"}, Answer: []byte("x")})
	if mfa.CheckOf(err) != mfa.CheckUpstream || !errors.Is(err, errNoReply) || ctx.Err() != nil {
		t.Fatalf("got %v", err)
	}
	// What had been sent comes before this.
	last, _ := attempt{name: "marker", method: PAP, nas: "n"}.request(newKey(testSecret))
	for _, s := range []*testServer{silent, next} {
		conn, err := net.Dial("udp", s.addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write(last); err != nil {
			t.Fatal(err)
		}
		sent := 0
		for string(<-s.raws) != string(last) {
			sent++
		}
		if want := map[*testServer]int{silent: 1}[s]; sent != want {
			t.Errorf("a server was sent %d requests until the deadline, want %d", sent, want)
		}
	}
}

// TestDeadlineTLS: also that of a RadSec server.
func TestDeadlineTLS(t *testing.T) {
	t.Parallel()
	cert, pool := certificate(t)
	silent := serveTLS(t, cert, pool, func(conn net.Conn, _ packet) { _, _ = conn.Read(make([]byte, 1)) })
	l, err := net.Listen("tcp", "127.0.0.1:0") // does not even shake hands
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, addr := range map[string]string{"no reply": silent, "no handshake": l.Addr().String()} {
		c := Config{
			Method: PAP, Servers: []Server{{Addr: addr, TLS: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{cert}}}},
			UserName: func(context.Context, mfa.Subject) (string, error) { return "alice", nil },
		}
		f, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		f.cfg.Timeout, f.cfg.Deadline = time.Hour, 100*time.Millisecond
		ctx := impatient(t)
		if _, err := f.Verify(ctx, mfa.VerifyRequest{Subject: mfa.Subject{ID: "alice"}, Answer: []byte("x")}); mfa.CheckOf(err) != mfa.CheckUpstream || ctx.Err() != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAwait: the wait is as long as said, the deadline comes first, and noise
// makes it no longer.
func TestAwait(t *testing.T) {
	t.Parallel()
	request, _ := attempt{name: "alice", password: "x", method: PAP, nas: "n"}.request(newKey(testSecret))
	s := &server{Server{Addr: "the server", Secret: testSecret}, newKey(testSecret)}
	for _, c := range []struct{ wait, until, want time.Duration }{
		{2 * time.Second, 15 * time.Second, 2 * time.Second},
		{time.Hour, 15 * time.Second, 15 * time.Second},
		{2 * time.Second, -time.Second, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			here, there := net.Pipe()
			gone := make(chan struct{})
			defer func() { _ = here.Close(); <-gone }()
			go func() { // noise every second
				defer close(gone)
				for {
					if _, err := there.Write([]byte("noise")); err != nil {
						return
					}
					<-time.After(time.Second)
				}
			}()
			began := time.Now()
			_, err := await(t.Context(), here, s, request, make([]byte, maxPacket), c.wait, began.Add(c.until))
			if took := time.Since(began); !errors.Is(err, errNoReply) || took != c.want {
				t.Errorf("after %v: %v; want %v", took, err, c.want)
			}
		})
	}
}

// TestBackOff: every wait doubles the last within the jitter of RFC 5080
// 2.2.1, and two factors do not wait alike.
func TestBackOff(t *testing.T) {
	t.Parallel()
	silent := serve(t, func(packet) reply { return reply{silent: true} })
	f := newFactor(t, PAP, silent.addr())
	f.cfg.Timeout = time.Millisecond
	for retries, bounds := range [][2]time.Duration{
		{900 * time.Microsecond, 1100 * time.Microsecond},
		{1710 * time.Microsecond, 2310 * time.Microsecond},
		{3249 * time.Microsecond, 4851 * time.Microsecond},
		{6173 * time.Microsecond, 10188 * time.Microsecond},
	} {
		f.cfg.Retries = retries
		waits := map[time.Duration]bool{}
		for range 4 {
			_, err := f.answer(t, nil, "x")
			if !errors.Is(err, errNoReply) {
				t.Fatal(err)
			}
			// The error says how long the last wait was meant to be.
			_, text, _ := strings.Cut(err.Error(), errNoReply.Error()+" from "+silent.addr()+" in ")
			wait, err := time.ParseDuration(text)
			if err != nil || wait < bounds[0] || wait > bounds[1] {
				t.Errorf("wait %q after %d retries, want %v", text, retries, bounds)
			}
			waits[wait] = true
		}
		if len(waits) == 1 {
			t.Errorf("no jitter after %d retries: always %v", retries, waits)
		}
	}
}

// TestJitter: it is to both sides and at most a tenth.
func TestJitter(t *testing.T) {
	t.Parallel()
	less, more := false, false
	for range 1000 {
		d := jitter(time.Second)
		if d < 900*time.Millisecond || d >= 1100*time.Millisecond {
			t.Fatalf("%v", d)
		}
		less, more = less || d < time.Second, more || d > time.Second
	}
	if !less || !more {
		t.Errorf("less %t, more %t", less, more)
	}
	if d := jitter(0); d != 0 {
		t.Errorf("of nothing: %v", d)
	}
}

// TestDefaults are those that the comments of Config promise.
func TestDefaults(t *testing.T) {
	t.Parallel()
	c := Config{
		Method: PAP, Servers: []Server{{Addr: "127.0.0.1:1812", Secret: testSecret}},
		UserName: func(context.Context, mfa.Subject) (string, error) { return "alice", nil },
	}
	f, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if f.cfg.Timeout != 2*time.Second || f.cfg.Retries != 2 || f.cfg.Deadline != 15*time.Second {
		t.Errorf("%+v", f.cfg)
	}
	c.Retries = -1
	if f, err = New(c); err != nil || f.cfg.Retries != 0 {
		t.Errorf("%+v, %v", f, err)
	}
}
