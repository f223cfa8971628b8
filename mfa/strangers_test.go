// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// nobody is who does not exist.
var nobody = mfa.Subject{Tenant: "acme"}

// TestErrorsDoNotTellWhoExists: a wrong answer before any proof is the same for
// people who exist, who have no such credential, and who do not exist.
func TestErrorsDoNotTellWhoExists(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.provision("")
	body := func(s mfa.Subject, k mfa.Kind) string {
		t.Helper()
		ch, err := r.flow.Begin(t.Context(), mfa.BeginInput{Subject: s, Hint: "x", Kind: k, Purpose: mfa.First, Session: session})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.finish(ch.ID, strings.Repeat("0", 16))
		r.want("a wrong answer", err, mfa.CheckWrong)
		w := httptest.NewRecorder()
		mfa.WriteError(w, nil, err)
		return w.Result().Status + w.Body.String()
	}
	for _, k := range []mfa.Kind{mfa.KindMagicLink, mfa.KindPass} {
		exists := body(alice, k)
		for _, s := range []mfa.Subject{nobody, {Tenant: "acme", ID: "bob"}} {
			if got := body(s, k); got != exists {
				t.Errorf("%s for %q: %s; for alice: %s", k, s.ID, got, exists)
			}
		}
	}
}

// TestStrangersAskForLinks: a stranger with a name ends no link of the person's,
// keeps nobody elsewhere from one, has a few messages sent at most, and learns
// nothing from it.
func TestStrangersAskForLinks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ask := func(s mfa.Subject, session, addr string) *mfa.Challenge {
		t.Helper()
		ch, err := r.flow.Begin(t.Context(), mfa.BeginInput{
			Subject: s, Hint: "x", Kind: mfa.KindMagicLink, Purpose: mfa.First, Session: session,
			Client: mfa.Client{Addr: netip.MustParseAddr(addr)},
		})
		if err != nil {
			t.Fatal(err)
		}
		return ch
	}
	token := func() string { _, after, _ := strings.Cut(r.last().Link, "#"); return after }
	mine := ask(alice, session, "192.0.2.1")
	link := token()
	for range 20 {
		for _, s := range []mfa.Subject{alice, nobody} {
			if ch := ask(s, "a stranger's", "198.51.100.1"); string(ch.Public) != string(mine.Public) {
				t.Errorf("%q is asked %s, alice %s", s.ID, ch.Public, mine.Public)
			}
		}
	}
	if len(r.sent) != 1+5 || !r.had(mfa.EventLocked) {
		t.Errorf("%d messages", len(r.sent))
	}
	_, err := r.flow.Finish(t.Context(), ask(alice, "a stranger's", "198.51.100.1").ID, mfa.Answer{Session: "a stranger's", Data: []byte(link)}, nil)
	r.want("a challenge over the limit", err, mfa.CheckWrong)
	_, err = r.finish(mine.ID, link)
	r.want("the person's own link", err, "")
	for range 7 * 24 {
		ask(alice, "a stranger's", "198.51.100.1")
		r.pass(time.Hour)
	}
	mine = ask(alice, session, "192.0.2.1")
	_, err = r.finish(mine.ID, token())
	r.want("another after a week", err, "")

	sent := len(r.sent)
	if err := r.flow.Unlock(t.Context(), alice, mfa.KindMagicLink, "admin"); err != nil {
		t.Fatal(err)
	}
	ask(alice, session, "198.51.100.1")
	if cs, err := r.store.Counters(t.Context(), nobody); err != nil || len(cs) != 0 || len(r.sent) != sent+1 {
		t.Errorf("kept of nobody: %v, %v; %d messages after an unlock", cs, err, len(r.sent)-sent)
	}
}
