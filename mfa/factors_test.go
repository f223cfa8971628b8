// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/code"
)

func TestRecoveryCodes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old := r.enrolRecovery()
	codes := r.enrolRecovery()
	r.want("a code of a set that was replaced", r.answer(mfa.KindRecovery, old[0]), mfa.CheckWrong)
	r.want("a code", r.answer(mfa.KindRecovery, codes[0]), "")
	r.want("the code again", r.answer(mfa.KindRecovery, codes[0]), mfa.CheckWrong)
	loose := strings.NewReplacer("0", "o", "1", "l", "-", " ").Replace(strings.ToLower(codes[1]))
	r.want("a code as people type", r.answer(mfa.KindRecovery, loose), "")
	for _, bad := range []string{"", codes[2][:10], codes[2] + "0", "!" + codes[2][1:], strings.Repeat("-", 500)} {
		r.want("malformed", r.answer(mfa.KindRecovery, bad), mfa.CheckWrong)
		if err := r.flow.Unlock(t.Context(), alice, "", "admin"); err != nil {
			t.Fatal(err)
		}
	}
	if r.had(mfa.EventNotice) {
		t.Error("a notice too early")
	}
	for _, c := range codes[2:] {
		r.want("a code", r.answer(mfa.KindRecovery, c), "")
	}
	if !r.had(mfa.EventNotice) || !r.had(mfa.EventRecoveryUsed) {
		t.Error("no notice that codes are low, or no event of their use")
	}
	if records, err := r.flow.Records(t.Context(), alice); err != nil || len(records) != 0 {
		t.Errorf("after the last code: %v, %v", records, err)
	}
}

// TestBrowserIsFitToBeShown: what a browser calls itself breaks no message.
func TestBrowserIsFitToBeShown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	in := r.input(mfa.KindMail)
	in.Client.Browser = "Fire\n\u202efox\xff" + strings.Repeat("x", 100<<10)
	if _, err := r.flow.Begin(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	enrol := mfa.EnrolInput{
		Subject: alice, Kind: mfa.KindSMS, Session: session, Client: in.Client, Authenticated: r.fresh(),
		Options: json.RawMessage(`{"number":"+41441234567"}`),
	}
	if _, err := r.flow.BeginEnrol(t.Context(), enrol); err != nil {
		t.Fatal(err)
	}
	for _, m := range r.sent {
		if b := m.Client.Browser; len(b) > 100 || !strings.HasPrefix(b, "Fire  fox") {
			t.Errorf("a message for %s shows %d bytes: %.30q", m.Purpose, len(b), b)
		}
	}
}

func TestMailCodes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ch := r.begin(mfa.KindMail)
	m := r.last()
	if m.To != "alice@example.com" || len(m.Code) != 6 || m.Kind != mfa.KindMail || m.Purpose != mfa.Second ||
		!strings.Contains(string(ch.Public), "a***@example.com") || strings.Contains(string(ch.Public), m.Code) {
		t.Errorf("message %+v, public %s", m, ch.Public)
	}
	if _, err := r.finish(ch.ID, "x"); mfa.CheckOf(err) != mfa.CheckWrong {
		t.Errorf("a wrong code: %v", err)
	}
	res, err := r.finish(ch.ID, m.Code[:3]+" "+m.Code[3:])
	if err != nil {
		t.Fatal(err)
	}
	if !res.Evidence.Fallback || len(res.Evidence.AMR) != 0 {
		t.Errorf("a code by mail claims to be a factor: %+v", res.Evidence)
	}

	older := r.begin(mfa.KindMail)
	olderCode := r.last().Code
	newer := r.begin(mfa.KindMail)
	_, err = r.finish(older.ID, olderCode)
	r.want("an older code", err, mfa.CheckChallenge)
	if olderCode != r.last().Code {
		_, err = r.finish(newer.ID, olderCode)
		r.want("an older code for the newer challenge", err, mfa.CheckWrong)
	}
	_, err = r.finish(newer.ID, r.last().Code)
	r.want("the newest code", err, "")

	late := r.begin(mfa.KindMail)
	r.pass(10 * time.Minute)
	_, err = r.finish(late.ID, r.last().Code)
	r.want("an expired code", err, mfa.CheckChallenge)
}

// TestMailTriesAcrossResends: another code gives no more tries.
func TestMailTriesAcrossResends(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i := range 5 {
		ch, err := r.flow.Begin(t.Context(), r.input(mfa.KindMail))
		if err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		_, err = r.finish(ch.ID, "x")
		r.want("a wrong code", err, mfa.CheckWrong)
	}
	_, err := r.flow.Begin(t.Context(), r.input(mfa.KindMail))
	r.want("a sixth try", err, mfa.CheckLocked)
}

func TestMessagesAreLimited(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 5 {
		r.begin(mfa.KindMail)
	}
	_, err := r.flow.Begin(t.Context(), r.input(mfa.KindMail))
	r.want("a sixth message", err, mfa.CheckLocked)
	if len(r.sent) != 5 {
		t.Errorf("%d messages", len(r.sent))
	}
	r.pass(15 * time.Minute)
	r.begin(mfa.KindMail)
	r.sendOK = false
	_, err = r.flow.Begin(t.Context(), r.input(mfa.KindMail))
	r.want("a mail server that is down", err, mfa.CheckUpstream)
}

func TestMagicLink(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := func() string {
		t.Helper()
		_, after, ok := strings.Cut(r.last().Link, "https://example.com/link#")
		if !ok {
			t.Fatalf("link %q", r.last().Link)
		}
		return after
	}
	ch := r.begin(mfa.KindMagicLink)
	link := token()
	_, err := r.flow.Finish(t.Context(), ch.ID, mfa.Answer{Session: "another browser", Data: []byte(link)}, nil)
	r.want("in another browser", err, mfa.CheckBinding)
	ch = r.begin(mfa.KindMagicLink)
	_, err = r.finish(ch.ID, link)
	r.want("an older link", err, mfa.CheckWrong)
	_, err = r.finish(ch.ID, token())
	r.want("the link", err, "")
	_, err = r.finish(ch.ID, token())
	r.want("the link again", err, mfa.CheckChallenge)
	ch = r.begin(mfa.KindMagicLink)
	typed := code.TypedCode(token())
	if len(typed) != 11 {
		t.Errorf("typed code %q", typed)
	}
	res, err := r.finish(ch.ID, strings.ToLower(typed))
	r.want("the code that another browser shows", err, "")
	if !res.Evidence.Fallback || res.Purpose != mfa.First {
		t.Errorf("result %+v", res)
	}
	if code.TypedCode("nonsense") != "" {
		t.Error("a code for no token")
	}

	sent := len(r.sent)
	in := r.input(mfa.KindMagicLink)
	in.Subject, in.Hint = mfa.Subject{}, "nobody"
	ch, err = r.flow.Begin(t.Context(), in)
	if err != nil || len(r.sent) != sent {
		t.Fatalf("for nobody: %v, %d messages", err, len(r.sent)-sent)
	}
	_, err = r.finish(ch.ID, link)
	r.want("an answer of nobody", err, mfa.CheckWrong)
}

func TestTemporaryPass(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	_, pass := r.provision("")
	r.want("a wrong pass", r.answer(mfa.KindPass, strings.Repeat("0", 16)), mfa.CheckWrong)
	r.want("the pass", r.answer(mfa.KindPass, strings.ToLower(pass)), "")
	r.want("the pass again", r.answer(mfa.KindPass, pass), "")
	_, once := r.provision(`{"once":true,"seconds":600}`)
	r.want("a pass that was replaced", r.answer(mfa.KindPass, pass), mfa.CheckWrong)
	ch := r.begin(mfa.KindPass)
	res, err := r.finish(ch.ID, once)
	r.want("a pass for one use", err, "")
	r.want("a pass for one use, again", r.answer(mfa.KindPass, once), mfa.CheckWrong)
	if ok, err := r.flow.Fresh(ctx, alice, []mfa.Evidence{res.Evidence}); !ok || err != nil || res.RecordID == "" {
		t.Errorf("a pass is no fresh proof to enrol with: %+v, %v", res, err)
	}
	_, pass = r.provision("")
	r.pass(time.Hour)
	r.want("an expired pass", r.answer(mfa.KindPass, pass), mfa.CheckWrong)
	for _, o := range []string{`{"seconds":1}`, `{"seconds":99999999}`, `[`} {
		_, _, err := r.flow.Provision(ctx, mfa.ProvisionInput{Subject: alice, Kind: mfa.KindPass, Actor: "admin", Options: json.RawMessage(o)}, nil)
		r.want("options "+o, err, mfa.CheckInput)
	}
	_, _, err = r.flow.Provision(ctx, mfa.ProvisionInput{Subject: alice, Kind: mfa.KindRecovery, Actor: "admin"}, nil)
	r.want("a kind that is not provisioned", err, mfa.CheckKind)
	if _, _, err = r.flow.Provision(ctx, mfa.ProvisionInput{Subject: alice, Kind: mfa.KindPass}, nil); err == nil {
		t.Error("provisioned by nobody")
	}
}

// TestStrangersLockNobodyOut: attempts before any proof are not held against
// the person.
func TestStrangersLockNobodyOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, pass := r.provision("")
	for range 20 {
		r.want("a stranger's guess", r.answer(mfa.KindPass, strings.Repeat("0", 16)), mfa.CheckWrong)
	}
	r.want("the person", r.answer(mfa.KindPass, pass), "")
}

func TestSMS(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	for _, bad := range []string{``, `{"number":"0441234567"}`, `{"number":"+0441234567"}`, `{"number":"+4144123456a"}`, `{"number":"+1"}`, `[`} {
		_, err := r.flow.BeginEnrol(ctx, mfa.EnrolInput{
			Subject: alice, Kind: mfa.KindSMS, Session: session, Authenticated: r.fresh(), Options: json.RawMessage(bad),
		})
		r.want("number "+bad, err, mfa.CheckInput)
		if err := r.flow.Unlock(ctx, alice, mfa.KindSMS, "admin"); err != nil {
			t.Fatal(err)
		}
	}
	ch := r.beginEnrol(mfa.KindSMS, `{"number":"+41441234567"}`)
	if m := r.last(); m.To != "+41441234567" || m.Purpose != mfa.Enrol || strings.Contains(string(ch.Public), "4412345") {
		t.Errorf("message %+v, public %s", m, ch.Public)
	}
	first, err := r.finishEnrol(ch.ID, r.last().Code)
	if err != nil {
		t.Fatal(err)
	}
	r.pass(time.Second)
	ch = r.beginEnrol(mfa.KindSMS, `{"number":"+41449999999"}`)
	if _, err := r.finishEnrol(ch.ID, r.last().Code); err != nil {
		t.Fatal(err)
	}
	r.begin(mfa.KindSMS)
	if r.last().To != "+41449999999" {
		t.Errorf("sent to %q, not the newest number", r.last().To)
	}
	in := r.input(mfa.KindSMS)
	in.Options = json.RawMessage(`{"record":"` + first.ID + `"}`)
	if ch, err = r.flow.Begin(ctx, in); err != nil || r.last().To != "+41441234567" {
		t.Fatalf("to the chosen number: %v, %+v", err, r.last())
	}
	res, err := r.finish(ch.ID, r.last().Code)
	if err != nil || res.RecordID != first.ID || res.Evidence.AMR[0] != "sms" {
		t.Errorf("result %+v, %v", res, err)
	}
	if ch, err = r.flow.Begin(ctx, in); err != nil {
		t.Fatal(err)
	}
	if err := r.flow.Remove(ctx, mfa.ChangeInput{Subject: alice, RecordID: first.ID, Authenticated: r.fresh()}, nil); err != nil {
		t.Fatal(err)
	}
	_, err = r.finish(ch.ID, r.last().Code)
	r.want("the code of a number that was removed", err, mfa.CheckCredential)
	in.Options = json.RawMessage(`{"record":"unknown"}`)
	_, err = r.flow.Begin(ctx, in)
	r.want("an unknown number", err, mfa.CheckCredential)
}

// TestEnrolmentSendsAreLimited: a number of one's own does not pay for messages
// to others, by its enrolment or by its codes.
func TestEnrolmentSendsAreLimited(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	enrol := func(number string) (*mfa.Challenge, error) {
		return r.flow.BeginEnrol(t.Context(), mfa.EnrolInput{
			Subject: alice, Kind: mfa.KindSMS, Session: session, Authenticated: r.fresh(),
			Options: json.RawMessage(`{"number":"` + number + `"}`),
		})
	}
	for i := range 4 {
		if _, err := enrol("+88351000000" + string(rune('0'+i))); err != nil {
			t.Fatal(err)
		}
	}
	ch, err := enrol("+41441234567")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.finishEnrol(ch.ID, r.last().Code); err != nil {
		t.Fatal(err)
	}
	ch = r.begin(mfa.KindSMS)
	if _, err := r.finish(ch.ID, r.last().Code); err != nil {
		t.Fatal(err)
	}
	_, err = enrol("+883510000009")
	r.want("a sixth message to enrol", err, mfa.CheckLocked)
	if err := r.flow.Unlock(t.Context(), alice, mfa.KindSMS, "admin"); err != nil {
		t.Fatal(err)
	}
	_, err = enrol("+883510000009")
	r.want("after an administrator's unlock", err, "")
}

// TestEnrolmentAnswersAreLimited: five guesses at whose number it is, however
// many messages there were.
func TestEnrolmentAnswersAreLimited(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	number := `{"number":"+41441234567"}`
	for i := range 5 {
		ch := r.beginEnrol(mfa.KindSMS, number)
		_, err := r.finishEnrol(ch.ID, "wrong")
		r.want("guess", err, mfa.CheckWrong)
		if i < 4 {
			continue
		}
		if !r.had(mfa.EventLocked) {
			t.Error("nobody was told")
		}
		_, err = r.finishEnrol(ch.ID, r.last().Code)
		r.want("the sixth answer, though right", err, mfa.CheckLocked)
	}
	const counter = "send:sms:enrol:answers"
	if n := r.failures(counter); n != 5 {
		t.Errorf("%d failures, want 5", n)
	}
	r.pass(15 * time.Minute)
	ch := r.beginEnrol(mfa.KindSMS, number)
	if _, err := r.finishEnrol(ch.ID, r.last().Code); err != nil {
		t.Fatal("after the lock:", err)
	}
	if n := r.failures(counter); n != 0 {
		t.Errorf("%d failures after a pass", n)
	}
}

func TestCodeConfig(t *testing.T) {
	t.Parallel()
	if _, err := code.NewMail(code.Config{Sender: code.SenderFunc(nil)}); err == nil {
		t.Error("mail without addresses")
	}
	for name, c := range map[string]code.Config{
		"sender": {},
		"digits": {Sender: code.SenderFunc(nil), Digits: 5},
		"ttl":    {Sender: code.SenderFunc(nil), TTL: time.Hour},
		"tries":  {Sender: code.SenderFunc(nil), Tries: 6},
	} {
		if _, err := code.NewVoice(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, u := range []string{"", "/link", "https://example.com/#x"} {
		if _, err := code.NewLink(code.LinkConfig{Sender: code.SenderFunc(nil), Address: code.Address(nil), URL: u}); err == nil {
			t.Errorf("%q: accepted", u)
		}
	}
	if _, err := code.NewPass(code.PassConfig{TTL: time.Second}); err == nil {
		t.Error("a pass of a second")
	}
	for in, want := range map[string]string{
		"a@b.c": "a***@b.c", "élan@b": "é***@b", "@b": "***@b", "123": "***", "+41441234567": "***67", "": "***",
	} {
		if got := code.Mask(in); got != want {
			t.Errorf("Mask(%q) = %q, want %q", in, got, want)
		}
	}
}
