// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package push is approvals in an app on the person's telephone, with number
// matching, as a factor.
//
// [New] makes the factor for [mfa.Config]. The browser shows a number of two
// digits; the push asks the person for it, and the app signs it with a key
// that was made on the device when it was enrolled. Who approves a stranger's
// push has to guess the number, and pushes are limited. Who denies one holds
// pushes back for a while, and [Config.OnEvent] is told, whether or not the
// browser that asked ever comes back.
//
// The parts of a program around it: a [Sender] over the platforms' push
// services; an endpoint for the app that hands what it posts to
// [Factor.Respond]; and one for the page that asks [Factor.Answered] until it
// is true and then finishes the challenge with an empty answer. The app signs
// [EnrolText] and [AnswerText]. An answer that is relayed by a phisher who
// shows the person the number passes: it is not phishing-resistant.
package push

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// Kind is the factor's kind.
const Kind mfa.Kind = "push"

// Checks of this factor, beside mfa's own.
const (
	// CheckDenied: the person said that it was not them. Tell somebody. Events
	// have it when the device says so, and again if the browser finishes.
	CheckDenied mfa.Check = "push-denied"
	// CheckPending: the device has not answered.
	CheckPending mfa.Check = "push-pending"
	// CheckHeld: the person denied a push a short time ago, so none is sent.
	CheckHeld mfa.Check = "push-held"
	// CheckSignature: the answer is not signed by the enrolled key.
	CheckSignature mfa.Check = "push-signature"
	// CheckRegistration: the device's registration is malformed or not
	// signed.
	CheckRegistration mfa.Check = "push-registration"
)

// Sender delivers pushes.
type Sender interface {
	// Send delivers one push. Payload is JSON of [Payload].
	Send(ctx context.Context, target string, payload []byte) error
}

// SenderFunc is a function as a [Sender].
type SenderFunc func(ctx context.Context, target string, payload []byte) error

// Send calls f.
func (f SenderFunc) Send(ctx context.Context, target string, payload []byte) error {
	return f(ctx, target, payload)
}

// Config is what a [Factor] is made of.
type Config struct {
	// Issuer is shown in the app, and signed. Required.
	Issuer string
	// Sender delivers, and Relay brings answers back. Both required.
	Sender Sender
	Relay  Relay
	// OnEvent is told of denials as devices send them, in the context of
	// [Factor.Respond]: an [mfa.EventLocked] with [CheckDenied]. An error makes
	// Respond fail, and the device may send it again. Mostly it is the same as
	// [mfa.Config.OnEvent]. None if nil.
	OnEvent func(ctx context.Context, e mfa.Event) error
	// TTL is how long a push may be answered, 2 minutes if zero, at most 5.
	TTL time.Duration
	// MaxRecords is how many devices a person may have, 3 if zero.
	MaxRecords int
	// Now is the clock of [Factor.Respond] and [Factor.Answered], time.Now if
	// nil.
	Now func() time.Time
}

// Factor implements [mfa.Enroller]. It is immutable.
type Factor struct{ cfg Config }

var _ mfa.Enroller = (*Factor)(nil)

// New returns the factor.
func New(c Config) (*Factor, error) {
	if c.Issuer == "" || c.Sender == nil || c.Relay == nil {
		return nil, errors.New("push: Config wants an Issuer, a Sender and a Relay")
	}
	if c.TTL == 0 {
		c.TTL = 2 * time.Minute
	}
	if c.MaxRecords == 0 {
		c.MaxRecords = 3
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.OnEvent == nil {
		c.OnEvent = func(context.Context, mfa.Event) error { return nil }
	}
	if strings.ContainsFunc(c.Issuer, unicode.IsControl) { // lines part what is signed
		return nil, errors.New("push: Config.Issuer has control characters")
	}
	if c.TTL < 0 || c.TTL > 5*time.Minute || c.MaxRecords < 0 {
		return nil, errors.New("push: Config wants a TTL of up to 5 minutes and MaxRecords not negative")
	}
	return &Factor{cfg: c}, nil
}

// Info implements [mfa.Factor].
func (f *Factor) Info() mfa.Info {
	return mfa.Info{Kind: Kind, Strength: mfa.Any, TTL: f.cfg.TTL, Tries: 3, Newest: true, Sends: true, BrowserOptions: true, MaxRecords: f.cfg.MaxRecords}
}

// device is what a record keeps, sealed.
type device struct {
	Key    []byte `json:"key"`
	Target string `json:"target"`
}

// state is what a challenge keeps, sealed.
type state struct {
	ID       string    `json:"id"`
	Number   string    `json:"number"`
	RecordID string    `json:"record"`
	Until    time.Time `json:"until"`
}

// question is what the relay keeps for [Factor.Respond]: the key that answers,
// and what an event tells.
type question struct {
	Key      []byte      `json:"key"`
	Subject  mfa.Subject `json:"subject"`
	RecordID string      `json:"record"`
	Purpose  mfa.Purpose `json:"purpose"`
	Addr     netip.Addr  `json:"addr"`
	Browser  string      `json:"browser"`
}

// hold is for how long nothing is pushed to a person who denied.
const hold = 15 * time.Minute

// relayID is where the relay keeps a value: a hash, because what the browser
// is given to ask for the answer must not do to give one.
func relayID(of string, parts ...string) string {
	h := sha256.New()
	fmt.Fprintf(h, "gatehouse-push/%s%q", of, parts)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func answerID(id string) string     { return relayID("answer", id) }
func questionID(id string) string   { return relayID("question", id) }
func deniedID(s mfa.Subject) string { return relayID("denied", s.Tenant, s.ID) }

// EnrolPublic is what the app is given to enrol, such as by a QR code.
type EnrolPublic struct {
	Challenge string `json:"challenge"`
	Issuer    string `json:"issuer"`
	Account   string `json:"account"`
}

// Public is what the page shows: the number, and the id to ask
// [Factor.Answered] with.
type Public struct {
	ID        string    `json:"id"`
	Number    string    `json:"number"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// BeginEnrol implements [mfa.Enroller].
func (f *Factor) BeginEnrol(_ context.Context, r mfa.EnrolRequest) (mfa.Begun, error) {
	challenge := newID()
	return mfa.Begun{
		State:  []byte(challenge),
		Public: marshal(EnrolPublic{Challenge: challenge, Issuer: f.cfg.Issuer, Account: r.Account}),
	}, nil
}

// FinishEnrol implements [mfa.Enroller]: the answer is the device's
// [Registration].
func (f *Factor) FinishEnrol(_ context.Context, r mfa.FinishEnrolRequest) (mfa.Enrolled, error) {
	reg, err := parseRegistration(r.Answer, f.cfg.Issuer, string(r.State))
	if err != nil {
		return mfa.Enrolled{}, &mfa.Error{Check: CheckRegistration, Public: "The device could not be added.", Err: err}
	}
	return mfa.Enrolled{
		Key: keyID(reg.Key), Name: "Telephone", Secret: marshal(device{Key: reg.Key, Target: reg.Target}),
		Strength: mfa.Any, Proof: true, AMR: []string{"pop"},
	}, nil
}

// Options choose a device.
type Options struct {
	// RecordID is the record to push to; by default the one used last.
	RecordID string `json:"record,omitempty"`
}

// Begin implements [mfa.Factor]: it pushes to one device.
func (f *Factor) Begin(ctx context.Context, r mfa.BeginRequest) (mfa.Begun, error) {
	c, d, err := choose(r)
	if err != nil {
		return mfa.Begun{}, err
	}
	held, err := f.has(ctx, deniedID(r.Subject), r.Now)
	if err != nil {
		return mfa.Begun{}, err
	}
	if held {
		return mfa.Begun{}, refuse(CheckHeld, "A request was refused on your device a short time ago. Try again later.", "the person denied")
	}
	n, err := rand.Int(rand.Reader, big.NewInt(90))
	if err != nil {
		return mfa.Begun{}, err
	}
	s := state{ID: newID(), Number: fmt.Sprint(10 + n.Int64()), RecordID: c.ID, Until: r.Now.Add(f.cfg.TTL)}
	p := Payload{ID: s.ID, Issuer: f.cfg.Issuer, Purpose: r.Purpose, Browser: r.Client.Browser, ExpiresAt: s.Until}
	if r.Client.Addr.IsValid() {
		p.Addr = r.Client.Addr.String()
	}
	q := question{Key: d.Key, Subject: r.Subject, RecordID: c.ID, Purpose: r.Purpose, Addr: r.Client.Addr, Browser: r.Client.Browser}
	if err := f.cfg.Relay.Put(ctx, questionID(s.ID), marshal(q), r.Now, s.Until); err != nil {
		return mfa.Begun{}, err
	}
	if err := f.cfg.Sender.Send(ctx, d.Target, marshal(p)); err != nil {
		return mfa.Begun{}, &mfa.Error{Check: mfa.CheckUpstream, Public: "The device could not be reached. Try again later.", Err: err}
	}
	return mfa.Begun{State: marshal(s), Public: marshal(Public{ID: answerID(s.ID), Number: s.Number, ExpiresAt: s.Until})}, nil
}

// choose returns the device that the options name, or that was used last.
func choose(r mfa.BeginRequest) (best mfa.Credential, d device, err error) {
	var o Options
	if len(r.Options) > 0 && (len(r.Options) > 1024 || json.Unmarshal(r.Options, &o) != nil) {
		return best, d, refuse(mfa.CheckInput, "Choose a device.", "malformed options")
	}
	for _, c := range r.Credentials {
		if o.RecordID == c.ID || o.RecordID == "" && (best.ID == "" || !c.UsedAt.Before(best.UsedAt)) {
			best = c
		}
	}
	if best.ID == "" {
		return best, d, refuse(mfa.CheckCredential, "There is no such device.", "no such record of this person")
	}
	return best, d, json.Unmarshal(best.Secret, &d)
}

// Respond takes what a device posted, a [Response]. It keeps the first that
// the device which was asked has signed, and nothing else; [Factor.Verify]
// judges it. A denial, even after an approval, also holds pushes to the person
// back, and is told to [Config.OnEvent].
func (f *Factor) Respond(ctx context.Context, body []byte) error {
	r, err := parseResponse(body)
	if err != nil {
		return &mfa.Error{Check: mfa.CheckInput, Public: "The answer is malformed.", Err: err}
	}
	now := f.cfg.Now()
	asked, err := f.cfg.Relay.Get(ctx, questionID(r.ID), now)
	if errors.Is(err, mfa.ErrNotFound) {
		return refuse(mfa.CheckChallenge, mfa.PublicAgain, "no such push, or it has ended")
	}
	if err != nil {
		return err
	}
	var q question
	if err := json.Unmarshal(asked, &q); err != nil {
		return err
	}
	if err := f.signedBy(q.Key, q.Purpose, r); err != nil {
		return err
	}
	if !r.Approve {
		if err := f.denied(ctx, q, now); err != nil {
			return err
		}
	}
	err = f.cfg.Relay.Put(ctx, answerID(r.ID), body, now, now.Add(f.cfg.TTL))
	if errors.Is(err, mfa.ErrExists) {
		return refuse(mfa.CheckReused, "This was answered already.", "an answer is there")
	}
	return err
}

// denied tells of a denial and holds pushes back, once until the hold has
// ended.
func (f *Factor) denied(ctx context.Context, q question, now time.Time) error {
	if held, err := f.has(ctx, deniedID(q.Subject), now); held || err != nil {
		return err
	}
	until := now.Add(hold)
	err := f.cfg.OnEvent(ctx, mfa.Event{
		Type: mfa.EventLocked, At: now, Subject: q.Subject, Kind: Kind, RecordID: q.RecordID, Purpose: q.Purpose, Check: CheckDenied,
		Until: until, Addr: q.Addr, Browser: q.Browser, Detail: "denied on the device",
	})
	if err != nil {
		return err
	}
	if err := f.cfg.Relay.Put(ctx, deniedID(q.Subject), []byte{}, now, until); !errors.Is(err, mfa.ErrExists) {
		return err
	}
	return nil
}

// Answered says whether a device has answered the push with the id of
// [Public]. It changes nothing.
func (f *Factor) Answered(ctx context.Context, id string) (bool, error) {
	if len(id) != idLength {
		return false, nil
	}
	return f.has(ctx, id, f.cfg.Now())
}

func (f *Factor) has(ctx context.Context, relayID string, now time.Time) (bool, error) {
	_, err := f.cfg.Relay.Get(ctx, relayID, now)
	if errors.Is(err, mfa.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Verify implements [mfa.Factor]: it judges what the device answered; the
// answer of the browser is empty.
func (f *Factor) Verify(ctx context.Context, r mfa.VerifyRequest) (mfa.Verified, error) {
	var s state
	if err := json.Unmarshal(r.State, &s); err != nil {
		return mfa.Verified{}, err
	}
	held, err := f.has(ctx, deniedID(r.Subject), r.Now)
	if err != nil {
		return mfa.Verified{}, err
	}
	if held { // since Begin, perhaps by somebody who had approved
		return mfa.Verified{}, refuse(CheckDenied, publicDenied, "the person denied")
	}
	body, err := f.cfg.Relay.Get(ctx, answerID(s.ID), r.Now)
	if errors.Is(err, mfa.ErrNotFound) {
		return mfa.Verified{}, refuse(CheckPending, "Your device has not answered yet.", "no answer")
	}
	if err != nil {
		return mfa.Verified{}, err
	}
	resp, err := parseResponse(body)
	if err != nil {
		return mfa.Verified{}, &mfa.Error{Check: mfa.CheckInput, Public: mfa.PublicWrong, Err: err}
	}
	for _, c := range r.Credentials {
		if c.ID == s.RecordID {
			return f.judge(c, s, resp, r)
		}
	}
	return mfa.Verified{}, refuse(mfa.CheckCredential, mfa.PublicWrong, "the device was removed")
}

const publicDenied = "This was refused on your device."

// judge believes the enrolled key, not the one that the relay had.
func (f *Factor) judge(c mfa.Credential, s state, a Response, r mfa.VerifyRequest) (mfa.Verified, error) {
	var d device
	if err := json.Unmarshal(c.Secret, &d); err != nil {
		return mfa.Verified{}, err
	}
	a.ID = s.ID
	if err := f.signedBy(d.Key, r.Purpose, a); err != nil {
		return mfa.Verified{}, err
	}
	switch {
	case !a.Approve:
		return mfa.Verified{}, refuse(CheckDenied, publicDenied, "the person denied")
	case !r.Now.Before(s.Until):
		return mfa.Verified{}, refuse(mfa.CheckChallenge, mfa.PublicAgain, "the push has ended")
	case subtle.ConstantTimeCompare([]byte(s.Number), []byte(a.Number)) != 1:
		return mfa.Verified{}, refuse(mfa.CheckWrong, mfa.PublicWrong, "the number is another")
	}
	return mfa.Verified{RecordID: c.ID, Strength: mfa.Any, AMR: []string{"pop"}}, nil
}

// signedBy refuses an answer that is not signed by a key.
func (f *Factor) signedBy(key []byte, p mfa.Purpose, a Response) error {
	k, err := parseKey(key)
	if err != nil {
		return err
	}
	if !signed(k, AnswerText(f.cfg.Issuer, p, a.ID, a.Number, a.Approve), a.Signature) {
		return refuse(CheckSignature, mfa.PublicWrong, "the answer is not signed by the device")
	}
	return nil
}

func newID() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func refuse(c mfa.Check, public, cause string) *mfa.Error {
	return &mfa.Error{Check: c, Public: public, Err: errors.New(cause)}
}
