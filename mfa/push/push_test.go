// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package push_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
	"github.com/gatehouse-id/gatehouse/mfa/push"
)

const session = "the browser's session"

var alice = mfa.Subject{ID: "alice"}

// rig is a flow with push alone and the pushes that were sent.
type rig struct {
	t      *testing.T
	factor *push.Factor
	flow   *mfa.Flow
	mu     sync.Mutex
	now    time.Time
	sent   map[string][]byte // the last, by target
	down   bool
	deaf   bool // OnEvent fails
	events []mfa.Event
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), sent: map[string][]byte{}}
	clock := func() time.Time {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.now
	}
	told := func(_ context.Context, e mfa.Event) error {
		if r.deaf {
			return errors.New("the log is down")
		}
		r.events = append(r.events, e)
		return nil
	}
	var err error
	r.factor, err = push.New(push.Config{
		Issuer: "Example", Relay: push.NewMemoryRelay(4), Now: clock, OnEvent: told,
		Sender: push.SenderFunc(func(_ context.Context, target string, payload []byte) error {
			if r.down {
				return errors.New("the push service is down")
			}
			r.sent[target] = payload
			return nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := mfa.NewKeyring("1", map[string][]byte{"1": make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	r.flow, err = mfa.New(mfa.Config{
		Store: mfa.NewMemoryStore(100), Sealer: keys, Factors: []mfa.Factor{r.factor}, Now: clock,
		OnEvent: told,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) beginEnrol() *mfa.Challenge {
	r.t.Helper()
	tk, err := r.flow.IssueTicket(r.t.Context(), mfa.TicketInput{Subject: alice, WithFactors: true})
	if err != nil {
		r.t.Fatal(err)
	}
	ch, err := r.flow.BeginEnrol(r.t.Context(), mfa.EnrolInput{Subject: alice, Kind: push.Kind, Session: session, Ticket: tk})
	if err != nil {
		r.t.Fatal(err)
	}
	return ch
}

func (r *rig) enrol(target string) (*mfatest.PushDevice, mfa.Record) {
	r.t.Helper()
	d, err := mfatest.NewPushDevice(target)
	if err != nil {
		r.t.Fatal(err)
	}
	ch := r.beginEnrol()
	reg, err := d.Register(ch)
	if err != nil {
		r.t.Fatal(err)
	}
	rec, err := r.flow.FinishEnrol(r.t.Context(), ch.ID, mfa.EnrolAnswer{Session: session, Data: reg}, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.flow.Unlock(r.t.Context(), alice, "", "test"); err != nil {
		r.t.Fatal(err)
	}
	return d, rec
}

func (r *rig) begin(options string) (string, push.Public) {
	r.t.Helper()
	in := mfa.BeginInput{
		Subject: alice, Kind: push.Kind, Purpose: mfa.Second, Session: session, Client: mfa.Client{Addr: netip.MustParseAddr("192.0.2.1")},
		Authenticated: []mfa.Evidence{{Kind: mfa.KindPassword, At: r.now}},
	}
	if options != "" {
		in.Options = json.RawMessage(options)
	}
	ch, err := r.flow.Begin(r.t.Context(), in)
	if err != nil {
		r.t.Fatal(err)
	}
	var p push.Public
	if err := json.Unmarshal(ch.Public, &p); err != nil {
		r.t.Fatal(err)
	}
	return ch.ID, p
}

func (r *rig) finish(id string) error {
	_, err := r.flow.Finish(r.t.Context(), id, mfa.Answer{Session: session}, nil)
	return err
}

func (r *rig) respond(d *mfatest.PushDevice, number string, approve bool) error {
	r.t.Helper()
	b, err := d.Answer(r.sent[d.Target], number, approve)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.factor.Respond(r.t.Context(), b)
}

// respondTo answers a push that was changed on its way.
func (r *rig) respondTo(d *mfatest.PushDevice, change func(*push.Payload), number string) error {
	r.t.Helper()
	var p push.Payload
	if err := json.Unmarshal(r.sent[d.Target], &p); err != nil {
		r.t.Fatal(err)
	}
	change(&p)
	b, err := json.Marshal(p)
	if err != nil {
		r.t.Fatal(err)
	}
	if b, err = d.Answer(b, number, true); err != nil {
		r.t.Fatal(err)
	}
	return r.factor.Respond(r.t.Context(), b)
}

func (r *rig) want(what string, err error, c mfa.Check) {
	r.t.Helper()
	if mfa.CheckOf(err) != c || c == "" && err != nil {
		r.t.Errorf("%s: %v, want check %q", what, err, c)
	}
}

func (r *rig) answered(id string, want bool) {
	r.t.Helper()
	got, err := r.factor.Answered(r.t.Context(), id)
	if err != nil || got != want {
		r.t.Errorf("answered: %v, %v, want %v", got, err, want)
	}
}

func TestPush(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d, rec := r.enrol("phone")
	if e, ok := rec.Proof(); !ok || e.Kind != push.Kind {
		t.Errorf("proof %+v", e)
	}
	id, p := r.begin("")
	if len(p.Number) != 2 || bytes.Contains(r.sent["phone"], []byte(`"`+p.Number+`"`)) || !bytes.Contains(r.sent["phone"], []byte("192.0.2.1")) {
		t.Errorf("public %+v, payload %s", p, r.sent["phone"])
	}
	r.answered(p.ID, false)
	r.want("before the device answered", r.finish(id), push.CheckPending)
	r.want("the answer", r.respond(d, p.Number, true), "")
	r.want("a second answer", r.respond(d, p.Number, true), mfa.CheckReused)
	r.answered(p.ID, true)
	r.want("after it", r.finish(id), "")
	r.want("again", r.finish(id), mfa.CheckChallenge)
	r.answered("x", false)
}

func TestPushRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d, rec := r.enrol("phone")
	thief, err := mfatest.NewPushDevice("phone")
	if err != nil {
		t.Fatal(err)
	}
	other := func(n string) string {
		if n == "10" {
			return "11"
		}
		return "10"
	}
	late := func(p push.Public) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.now = p.ExpiresAt
	}
	for name, c := range map[string]struct {
		respond func(p push.Public) error
		want    mfa.Check // of Respond
		finish  mfa.Check
	}{
		"another number": {func(p push.Public) error { return r.respond(d, other(p.Number), true) }, "", mfa.CheckWrong},
		"denied":         {func(p push.Public) error { return r.respond(d, p.Number, false) }, "", push.CheckDenied},
		"another key":    {func(p push.Public) error { return r.respond(thief, p.Number, true) }, push.CheckSignature, push.CheckPending},
		"the page's id": {func(p push.Public) error {
			return r.respondTo(d, func(q *push.Payload) { q.ID = p.ID }, p.Number)
		}, mfa.CheckChallenge, push.CheckPending},
		"another purpose": {func(p push.Public) error {
			return r.respondTo(d, func(q *push.Payload) { q.Purpose = mfa.StepUp }, p.Number)
		}, push.CheckSignature, push.CheckPending},
		"another issuer": {func(p push.Public) error {
			far := *d
			far.Issuer = "Other"
			return r.respond(&far, p.Number, true)
		}, push.CheckSignature, push.CheckPending},
		"finished late": {func(p push.Public) error {
			defer late(p)
			return r.respond(d, p.Number, true)
		}, "", mfa.CheckChallenge},
		"answered late": {func(p push.Public) error {
			late(p)
			return r.respond(d, p.Number, true)
		}, mfa.CheckChallenge, mfa.CheckChallenge},
	} {
		id, p := r.begin("")
		r.want(name+": respond", c.respond(p), c.want)
		r.want(name, r.finish(id), c.finish)
		if err := r.flow.Unlock(t.Context(), alice, "", "test"); err != nil {
			t.Fatal(err)
		}
		r.now = r.now.Add(time.Hour) // the hold after the denial has ended
	}
	id, p := r.begin("")
	r.want("respond", r.respond(d, p.Number, true), "")
	if err := r.flow.Reset(t.Context(), mfa.ResetInput{Subject: alice, RecordID: rec.ID, Actor: "admin"}, nil); err != nil {
		t.Fatal(err)
	}
	r.want("a device that was removed", r.finish(id), mfa.CheckCredential)
	for _, bad := range []string{"", "{}", `{"id":"x"}`, `{"id":"` + strings.Repeat("!", 43) + `"}`, `{"id":"` + strings.Repeat("a", 43) + `","number":"1x"}`, strings.Repeat(" ", 5000)} {
		r.want("response "+bad[:min(20, len(bad))], r.factor.Respond(t.Context(), []byte(bad)), mfa.CheckInput)
	}
}

// TestDenialIsHeard: whoever began the push and posts first stifles nothing, and
// a denial holds pushes back and is told though the browser never finishes.
func TestDenialIsHeard(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d, rec := r.enrol("phone")
	_, p := r.begin("")
	rubbish, err := json.Marshal(push.Response{ID: p.ID, Number: "00", Signature: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	r.want("rubbish", r.factor.Respond(t.Context(), rubbish), mfa.CheckChallenge)
	r.events, r.deaf = nil, true
	if err := r.respond(d, "", false); err == nil {
		t.Error("a denial was taken that nobody was told of")
	}
	r.answered(p.ID, false)
	r.deaf = false
	r.want("the denial", r.respond(d, "", false), "")
	r.want("again", r.respond(d, "", false), mfa.CheckReused)
	if len(r.events) != 1 {
		t.Fatalf("told %+v, want one event", r.events)
	}
	e := r.events[0]
	if e.Type != mfa.EventLocked || e.Check != push.CheckDenied || e.Subject != alice || e.RecordID != rec.ID || e.Addr.String() != "192.0.2.1" {
		t.Errorf("told %+v", e)
	}
	in := mfa.BeginInput{
		Subject: alice, Kind: push.Kind, Purpose: mfa.Second, Session: session,
		Authenticated: []mfa.Evidence{{Kind: mfa.KindPassword, At: r.now}},
	}
	r.now = e.Until.Add(-time.Second)
	r.sent = map[string][]byte{}
	_, err = r.flow.Begin(t.Context(), in)
	r.want("while it is held", err, push.CheckHeld)
	if len(r.sent) > 0 {
		t.Error("a push was sent while it is held")
	}
	r.now = e.Until
	id, p := r.begin("")
	r.want("an answer after it", r.respond(d, p.Number, true), "")
	r.want("an approval with regrets", r.respond(d, "", false), mfa.CheckReused)
	if len(r.events) == 0 || r.events[len(r.events)-1].Check != push.CheckDenied {
		t.Errorf("a denial after the approval was not told: %+v", r.events)
	}
	r.want("finish", r.finish(id), push.CheckDenied)
}

// TestStrangersFillNoRelay: what was not asked for is not kept.
func TestStrangersFillNoRelay(t *testing.T) {
	t.Parallel()
	r := newRig(t) // of four values
	d, _ := r.enrol("phone")
	id, p := r.begin("")
	for i := range 10 {
		body := fmt.Sprintf(`{"id":"%043d","number":"10","approve":true,"signature":"AA=="}`, i)
		r.want("a stranger's", r.factor.Respond(t.Context(), []byte(body)), mfa.CheckChallenge)
	}
	r.want("the answer", r.respond(d, p.Number, true), "")
	r.want("after it", r.finish(id), "")
}

func TestDevices(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, first := r.enrol("one")
	r.now = r.now.Add(time.Second)
	two, _ := r.enrol("two")
	r.begin("")
	if r.sent["two"] == nil || r.sent["one"] != nil {
		t.Error("not pushed to the newest device")
	}
	r.begin(`{"record":"` + first.ID + `"}`)
	if r.sent["one"] == nil {
		t.Error("not pushed to the chosen device")
	}
	in := mfa.BeginInput{
		Subject: alice, Kind: push.Kind, Purpose: mfa.Second, Session: session, Options: json.RawMessage(`{"record":"x"}`),
		Authenticated: []mfa.Evidence{{Kind: mfa.KindPassword, At: r.now}},
	}
	_, err := r.flow.Begin(t.Context(), in)
	r.want("an unknown device", err, mfa.CheckCredential)
	r.down, in.Options = true, nil
	_, err = r.flow.Begin(t.Context(), in)
	r.want("a push service that is down", err, mfa.CheckUpstream)
	r.down = false

	ch := r.beginEnrol()
	reg, err := two.Register(ch)
	if err != nil {
		t.Fatal(err)
	}
	finish := func(b []byte) error {
		_, err := r.flow.FinishEnrol(t.Context(), ch.ID, mfa.EnrolAnswer{Session: session, Data: b}, nil)
		return err
	}
	r.want("malformed", finish([]byte("{}")), push.CheckRegistration)
	r.want("another target", finish(bytes.Replace(reg, []byte(`"two"`), []byte(`"ten"`), 1)), push.CheckRegistration)
	r.want("a key that is somebody's", finish(reg), mfa.CheckDuplicate)
}

func TestConfig(t *testing.T) {
	t.Parallel()
	good := push.Config{Issuer: "x", Sender: push.SenderFunc(nil), Relay: push.NewMemoryRelay(1)}
	for name, change := range map[string]func(*push.Config){
		"issuer": func(c *push.Config) { c.Issuer = "" }, "sender": func(c *push.Config) { c.Sender = nil },
		"relay": func(c *push.Config) { c.Relay = nil }, "ttl": func(c *push.Config) { c.TTL = time.Hour },
	} {
		c := good
		change(&c)
		if _, err := push.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestMemoryRelay(t *testing.T) {
	t.Parallel()
	m := push.NewMemoryRelay(1)
	ctx, now := t.Context(), time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	later := now.Add(time.Hour)
	put := func(id, value string, now time.Time) error {
		return m.Put(ctx, id, []byte(value), now, later.Add(time.Minute))
	}
	if err := m.Put(ctx, "a", []byte("1"), now, later); err != nil {
		t.Fatal(err)
	}
	if err := put("a", "2", later.Add(-1)); !errors.Is(err, mfa.ErrExists) {
		t.Errorf("a second answer: %v", err)
	}
	if err := put("b", "2", later.Add(-1)); !errors.Is(err, mfa.ErrFull) {
		t.Errorf("no room: %v", err)
	}
	if _, err := m.Get(ctx, "a", later); !errors.Is(err, mfa.ErrNotFound) {
		t.Errorf("expired: %v", err)
	}
	if b, err := m.Get(ctx, "a", now); err != nil || string(b) != "1" {
		t.Errorf("%q, %v", b, err)
	}
	if err := put("b", "2", later); err != nil {
		t.Errorf("in the room of an expired one: %v", err)
	}
	m = push.NewMemoryRelay(2)
	if err := errors.Join(m.Put(ctx, "a", nil, now, later), put("a", "2", later)); err != nil {
		t.Errorf("in place of an expired one: %v", err)
	}
}

func FuzzRespond(f *testing.F) {
	asked := strings.Repeat("a", 43) // stands for the push that was sent
	f.Add([]byte(`{"id":"` + asked + `","number":"12","approve":true,"signature":"AA=="}`))
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	var sent push.Payload
	factor, err := push.New(push.Config{
		Issuer: "x", Relay: push.NewMemoryRelay(1), Now: func() time.Time { return now },
		Sender:  push.SenderFunc(func(_ context.Context, _ string, payload []byte) error { return json.Unmarshal(payload, &sent) }),
		OnEvent: func(context.Context, mfa.Event) error { return errors.New("a denial that nobody signed") },
	})
	if err != nil {
		f.Fatal(err)
	}
	d, err := mfatest.NewPushDevice("phone")
	if err != nil {
		f.Fatal(err)
	}
	b, err := factor.BeginEnrol(f.Context(), mfa.EnrolRequest{Subject: alice})
	if err != nil {
		f.Fatal(err)
	}
	reg, err := d.Register(&mfa.Challenge{Public: b.Public})
	if err != nil {
		f.Fatal(err)
	}
	e, err := factor.FinishEnrol(f.Context(), mfa.FinishEnrolRequest{State: b.State, Answer: reg})
	if err != nil {
		f.Fatal(err)
	}
	cred := mfa.Credential{Record: mfa.Record{ID: "r"}, Secret: e.Secret}
	if _, err := factor.Begin(f.Context(), mfa.BeginRequest{Subject: alice, Credentials: []mfa.Credential{cred}, Purpose: mfa.Second, Now: now}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		switch err := factor.Respond(t.Context(), bytes.ReplaceAll(b, []byte(asked), []byte(sent.ID))); mfa.CheckOf(err) {
		case mfa.CheckInput, mfa.CheckChallenge, push.CheckSignature:
		default:
			t.Fatal(err)
		}
		_, err = factor.FinishEnrol(t.Context(), mfa.FinishEnrolRequest{Answer: b, State: []byte("x")})
		if mfa.CheckOf(err) != push.CheckRegistration {
			t.Fatal(err)
		}
	})
}

// The factor needs a way to the devices and a way back.
func ExampleNew() {
	f, err := push.New(push.Config{
		Issuer: "Example",
		Sender: push.SenderFunc(func(_ context.Context, _ string, payload []byte) error {
			return nil // to the platform's push service
		}),
		Relay: push.NewMemoryRelay(10_000), // or the store of mfasql
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Info().Kind, f.Info().Strength)
	// Output:
	// push any
}
