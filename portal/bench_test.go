// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"context"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
	"github.com/gatehouse-id/gatehouse/portal/session"
	"github.com/gatehouse-id/gatehouse/portal/signin"
)

// BenchmarkNewServer is a running portal with a signed-in client: the bar is
// 50 ms.
func BenchmarkNewServer(b *testing.B) {
	portaltest.NewServer(b) // makes the keys of the process
	for b.Loop() {
		portaltest.NewServer(b).SignedIn(b, "alice")
	}
}

// BenchmarkPasswordSignIn is a whole password step in parallel beside the hash
// alone in parallel, with the stored parameters: the bar is 0.85 of what the
// hash allows.
func BenchmarkPasswordSignIn(b *testing.B) {
	s := portaltest.NewServer(b)
	alice := s.Enrol(b, "alice")
	phc, err := s.Store.PasswordHash(context.Background(), s.People["alice"].ID)
	if err != nil {
		b.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		b.Fatalf("the stored parameters are %q", phc[:40])
	}
	pool := directory.NewPasswords(0)
	b.Run("hash alone", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if ok, err := pool.Verify(context.Background(), phc, alice.Password); !ok || err != nil {
					b.Error(ok, err)
				}
			}
		})
	})
	b.Run("sign-in", func(b *testing.B) {
		var n atomic.Uint32
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				i := n.Add(1)
				client := signin.Client{Addr: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), Browser: "bench", UserAgent: "bench"}
				if _, err := s.Portal.SignIn().Password(context.Background(), client, signin.Entry{Login: "alice"}, alice.Password); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkSessionLookup is what every request of a signed-in browser costs:
// one indexed read.
func BenchmarkSessionLookup(b *testing.B) {
	s := portaltest.NewServer(b)
	sessions, err := session.New(session.Config{Store: s.Store, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	var cookie string
	for range 1000 {
		if cookie, err = sessions.Begin(context.Background(), &session.Session{PersonID: s.People["alice"].ID, SourceID: portaltest.SourcePeople, Level: session.Full}); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := sessions.Lookup(context.Background(), cookie); err != nil {
			b.Fatal(err)
		}
	}
}
