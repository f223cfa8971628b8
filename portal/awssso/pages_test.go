// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/awssso/awsssotest"
)

func answerForm(a awssso.ApprovalPage) url.Values {
	return url.Values{"user_code": {a.UserCode}, "decision": {"approve"}}
}

// refusedPage checks a refusal for people.
func refusedPage(t *testing.T, page awsssotest.Page, status int, check awssso.Check) {
	t.Helper()
	if page.Name != "RefusalPage" {
		t.Fatalf("page: %d %s", page.Status, page.Name)
	}
	if got := awsssotest.As[awssso.RefusalPage](t, page); page.Status != status || got.Check != check || got.Problem == "" || got.RequestID == "" {
		t.Errorf("page: %d %+v, want %d %s", page.Status, got, status, check)
	}
}

func TestPagesNeedASession(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	start := p.Client().Register(t).Start(t)
	approval := b.Device(t, start.Text("verificationUriComplete"))
	p.EndSession("session-" + ann)
	for name, tt := range map[string]struct {
		page awsssotest.Page
		back string
	}{
		"link":    {b.Get(t, start.Text("verificationUriComplete")), "/device?user_code=" + start.Text("userCode")},
		"entry":   {p.Stranger().Get(t, "/device"), "/device"},
		"look-up": {b.Post(t, "/device", url.Values{"user_code": {start.Text("userCode")}}), "/device"},
		"answer":  {b.Post(t, "/device/approve", answerForm(approval)), "/device"},
		"consent": {p.Stranger().Get(t, "/authorize?client_id=x"), "/authorize?client_id=x"},
		"allow":   {p.Stranger().Post(t, "/authorize", url.Values{"request": {"client_id=x"}, "decision": {"approve"}}), "/authorize?client_id=x"},
	} {
		if tt.page.Status != http.StatusSeeOther || tt.page.Location != "/signin" || tt.page.Return != tt.back {
			t.Errorf("%s: %d to %q, back to %q", name, tt.page.Status, tt.page.Location, tt.page.Return)
		}
	}
}

func TestPagesRefuseCrossOrigin(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	start := p.Client().Register(t).Start(t)
	approval := b.Device(t, start.Text("verificationUriComplete"))
	for path, form := range map[string]url.Values{
		"/device": {"user_code": {start.Text("userCode")}}, "/device/approve": answerForm(approval), "/authorize": {"decision": {"approve"}},
	} {
		if page := b.PostFrom(t, path, form); page.Status != http.StatusForbidden {
			t.Errorf("%s: %d %s", path, page.Status, page.Name)
		}
	}
}

func TestUnsolicitedSessionApprovesNothing(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	start := p.Client().Register(t).Start(t)
	approval := b.Device(t, start.Text("verificationUriComplete"))
	s, err := p.Session(t.Context(), "session-"+ann)
	if err != nil {
		t.Fatal(err)
	}
	s.Unsolicited = true
	p.PutSession(s)
	for _, page := range []awsssotest.Page{
		b.Get(t, start.Text("verificationUriComplete")), b.Post(t, "/device", url.Values{"user_code": {start.Text("userCode")}}),
		b.Post(t, "/device/approve", answerForm(approval)), b.Get(t, "/authorize"), b.Post(t, "/authorize", nil),
	} {
		refusedPage(t, page, http.StatusForbidden, awssso.CheckUnsolicited)
	}
}

// TestShown: only the session that was shown the facts of a device last
// answers for it, once.
func TestShown(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().Register(t)
	unseen, seen := c.Start(t), b.Device(t, c.Start(t).Text("verificationUriComplete"))
	form := func(code string) url.Values { return url.Values{"user_code": {code}, "decision": {"approve"}} }
	refusedPage(t, b.Post(t, "/device/approve", form(unseen.Text("userCode"))), http.StatusForbidden, awssso.CheckShown)
	refusedPage(t, b.Post(t, "/device/approve", form("BBBB-BBBB")), http.StatusForbidden, awssso.CheckShown)
	refusedPage(t, b.Post(t, "/device/approve", form("nonsense")), http.StatusBadRequest, awssso.CheckRequest)
	bob := p.SignIn("bob")
	refusedPage(t, bob.Answer(t, seen, true), http.StatusForbidden, awssso.CheckShown)
	if page := bob.Post(t, "/device", url.Values{"user_code": {seen.UserCode}}); page.Name != "ApprovalPage" {
		t.Fatalf("bob looks: %d %s", page.Status, page.Name)
	}
	refusedPage(t, b.Answer(t, seen, true), http.StatusForbidden, awssso.CheckShown)
	if page := bob.Answer(t, seen, true); page.Name != "DonePage" {
		t.Errorf("bob answers: %d %s", page.Status, page.Name)
	}
	refusedPage(t, bob.Answer(t, seen, true), http.StatusBadRequest, awssso.CheckUserCode)
	start := c.Start(t)
	again := b.Device(t, start.Text("verificationUriComplete"))
	p.Restart(awsssotest.Options{Store: p.Config.Store, Keys: awsssotest.Keyring("k2", "k1")})
	if page := b.Answer(t, again, true); page.Name != "DonePage" {
		t.Errorf("after key rotation: %d %s", page.Status, page.Name)
	}
}

// TestOtherNetwork is the defence against a link that is sent to somebody:
// whoever follows it must type the code, after a fresh second factor.
func TestOtherNetwork(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().Register(t)
	c.Addr, b.Addr = "203.0.113.9", "198.51.100.7"
	start := c.Start(t)
	code := start.Text("userCode")
	entry := awsssotest.As[awssso.EntryPage](t, b.Get(t, start.Text("verificationUriComplete")))
	if entry.LinkCode != code || entry.MustType {
		t.Errorf("entry: %+v", entry)
	}
	page := b.Post(t, "/device", url.Values{"user_code": {code}, "via": {"link"}})
	if again := awsssotest.As[awssso.EntryPage](t, page); page.Name != "EntryPage" || !again.MustType || again.LinkCode != "" {
		t.Fatalf("link from another network: %s %+v", page.Name, again)
	}
	typed := url.Values{"user_code": {code}}
	page = b.Post(t, "/device", typed)
	approval := awsssotest.As[awssso.ApprovalPage](t, page)
	if !approval.OtherNetwork || approval.Network != "203.0.113.9" {
		t.Fatalf("approval: %d %s %+v", page.Status, page.Name, approval)
	}
	p.Advance(6 * time.Minute)
	for name, page := range map[string]awsssotest.Page{"look-up": b.Post(t, "/device", typed), "answer": b.Answer(t, approval, true)} {
		if page.Status != http.StatusSeeOther || page.Location != "/stepup" || page.Return != "/device" {
			t.Errorf("%s with a stale second factor: %d %s", name, page.Status, page.Location)
		}
	}
	s, _ := p.Session(t.Context(), "session-"+ann)
	s.MFATime = p.Now()
	p.PutSession(s)
	if page := b.Answer(t, approval, true); page.Name != "DonePage" {
		t.Errorf("typed with a fresh factor: %d %s", page.Status, page.Name)
	}
	s.MFATime, s.AMR = time.Time{}, []string{"pwd"}
	p.PutSession(s)
	if page := b.Post(t, "/device", url.Values{"user_code": {c.Start(t).Text("userCode")}}); page.Location != "/stepup" {
		t.Errorf("without a second factor: %d %s", page.Status, page.Name)
	}
}

// TestNetworkChangesAfterLink: the page was got by a link on the same network
// and is answered from another.
func TestNetworkChangesAfterLink(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	approval := b.Device(t, p.Client().Register(t).Start(t).Text("verificationUriComplete"))
	b.Addr = "203.0.113.9"
	refusedPage(t, b.Answer(t, approval, true), http.StatusForbidden, awssso.CheckShown)
	if page := b.Answer(t, approval, false); page.Name != "DonePage" {
		t.Errorf("refusing is possible from everywhere: %d %s", page.Status, page.Name)
	}
}

func TestSameIPv6Network(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{})
	c := p.Client().Register(t)
	c.Addr, b.Addr = "2001:db8:1:2::a", "2001:db8:1:2:ffff::b"
	if a := b.Device(t, c.Start(t).Text("verificationUriComplete")); a.OtherNetwork || a.Network != "2001:db8:1:2::/64" {
		t.Errorf("approval: %+v", a)
	}
}

func TestPagePathsAndMethods(t *testing.T) {
	t.Parallel()
	_, b := portal(t, awsssotest.Options{})
	refusedPage(t, b.Get(t, "/device/other"), http.StatusNotFound, awssso.CheckPath)
	refusedPage(t, b.Get(t, "/device/approve"), http.StatusMethodNotAllowed, awssso.CheckMethod)
	refusedPage(t, b.Get(t, "/device?x="+strings.Repeat("x", 9000)), http.StatusBadRequest, awssso.CheckRequest)
	refusedPage(t, b.Post(t, "/device", url.Values{"user_code": {strings.Repeat("x", 40_000)}}), http.StatusBadRequest, awssso.CheckRequest)
}

// TestGetChangesNothing: following a link any number of times neither answers
// nor counts as an attempt.
func TestGetChangesNothing(t *testing.T) {
	t.Parallel()
	p, b := portal(t, awsssotest.Options{Configure: func(c *awssso.Config) { c.WrongUserCodes = 1 }})
	c := p.Client().Register(t)
	start := c.Start(t)
	before := len(p.Events())
	for range 5 {
		b.Get(t, start.Text("verificationUriComplete"))
		b.Get(t, "/device?user_code=BBBB-BBBB")
	}
	if n := len(p.Events()); n != before {
		t.Errorf("%d events more", n-before)
	}
	refused(t, p, c.Poll(t, start.Text("deviceCode")), 400, "AuthorizationPendingException", "authorization_pending", awssso.CheckPending)
	b.ApproveDevice(t, start.Text("verificationUriComplete"), true)
}
