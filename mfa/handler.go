// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa/internal/strictjson"
)

// maxBody is the largest request body, an answer with some JSON around it.
const maxBody = 2 * MaxAnswer

// HandlerConfig is what [NewHandler] and [NewSignInHandler] are made of. mfa has
// no sessions of its own: the functions answer for the caller's.
type HandlerConfig struct {
	// Flow does the work. Required.
	Flow *Flow
	// Identify says who the request's session belongs to, or refuses it.
	// Required by NewHandler, and called by it only.
	Identify func(r *http.Request) (Subject, error)
	// Session returns a secret of the browser session, such as its cookie's
	// value, the same from begin to finish. Required. Before anybody is signed
	// in it is that of a cookie which the sign-in page set, and which ends with
	// the sign-in.
	Session func(r *http.Request) (string, error)
	// Evidence returns what the session has proved. Required by NewHandler.
	Evidence func(r *http.Request) ([]Evidence, error)
	// Commit keeps a proof in the session, in the transaction of ctx: also the
	// one that an enrolment is, with purpose [Enrol]. With purpose [First] it
	// makes the session. Required. It may run again, so it writes no response.
	Commit func(ctx context.Context, r *http.Request, res Result) error
	// Done is called after a proof was committed and before the response is
	// written, to set a new session cookie, and one for
	// [Result].TrustToken if there is any; optional.
	Done func(w http.ResponseWriter, r *http.Request, res Result)
	// Request completes what policy is asked about the session: groups, resource,
	// since when. By default q stays as it is.
	Request func(r *http.Request, q Request) (Request, error)
	// Lookup finds who has a name that was typed into NewSignInHandler; nobody
	// has an empty ID, and an error is a fault. The tenant is that of the page,
	// also when name is empty. By default nobody is found, and people sign in
	// without a name only.
	Lookup func(r *http.Request, name string) (Subject, error)
	// Client describes the client; by default its address is the peer's.
	Client func(r *http.Request) Client
	// Account returns the labels for new credentials; by default the
	// subject's id.
	Account func(r *http.Request, s Subject) (account, displayName string)
	// Options are the factor's own options of a challenge or an enrolment, such
	// as those of package webauthn; nil for none. What it returns replaces what
	// the browser posted, which counts only for kinds with
	// [Info].BrowserOptions.
	Options func(r *http.Request, k Kind, p Purpose) json.RawMessage
	// OnError writes errors; by default [WriteError]. Set it to log, with what
	// WriteError returns.
	OnError func(w http.ResponseWriter, r *http.Request, err error)
}

type handler struct {
	HandlerConfig
	first bool // is for sign-in, when nobody is identified
	csrf  *http.CrossOriginProtection
}

// NewHandler returns JSON endpoints for a signed-in or signing-in person's
// page. Mount it under any prefix with [http.StripPrefix]. Bodies are JSON
// objects, posted as application/json from the same origin:
//
//	GET  /factors         the person's credentials and the kinds there are
//	POST /factors/rename  {"id","name"}
//	POST /factors/remove  {"id"}
//	POST /challenge       {"kind","purpose":"second"|"step-up","strength","options"} -> challenge
//	POST /challenge/finish {"id","answer","trust"} -> {"passed":true,"kind","trusted"} or {"next":challenge}
//	POST /enrol           {"kind","ticket","options"} -> challenge
//	POST /enrol/finish    {"id","answer","name"} -> credential
//	GET  /devices         trusted browsers
//	POST /devices/revoke  {"id"}
//	GET  /decision        what is asked of the session: a [Decision] without its grounds
//
// An answer is a JSON string for what people type, else the factor's own JSON.
// Errors are {"error":check,"message":text}; a wrong and a reused answer are
// the same. A wrong answer may be the challenge's last ([Info].Tries): after
// "wrong", begin another.
//
// With "trust":true a proof that passes has the browser trusted for as long as
// policy allows, in the same transaction, if it may be trusted at all.
//
// A decision is for the page to show. It lets nobody in: that is for the program
// to decide, with [Flow.Decide], and to tell by [Flow.Saw].
func NewHandler(c HandlerConfig) (http.Handler, error) {
	if c.Flow == nil || c.Identify == nil || c.Session == nil || c.Evidence == nil || c.Commit == nil {
		return nil, errors.New("mfa: HandlerConfig wants Flow, Identify, Session, Evidence and Commit")
	}
	h := newHandler(c, false)
	mux := http.NewServeMux()
	mux.Handle("GET /factors", h.serve(h.list))
	mux.Handle("POST /factors/rename", h.serve(h.rename))
	mux.Handle("POST /factors/remove", h.serve(h.remove))
	mux.Handle("POST /challenge", h.serve(h.begin))
	mux.Handle("POST /challenge/finish", h.serve(h.finish))
	mux.Handle("POST /enrol", h.serve(h.beginEnrol))
	mux.Handle("POST /enrol/finish", h.serve(h.finishEnrol))
	mux.Handle("GET /devices", h.serve(h.devices))
	mux.Handle("POST /devices/revoke", h.serve(h.revoke))
	mux.Handle("GET /decision", h.serve(h.decision))
	return mux, nil
}

func newHandler(c HandlerConfig, first bool) *handler {
	if c.Client == nil {
		c.Client = peer
	}
	if c.Account == nil {
		c.Account = func(_ *http.Request, s Subject) (string, string) { return s.ID, s.ID }
	}
	if c.OnError == nil {
		c.OnError = func(w http.ResponseWriter, r *http.Request, err error) { WriteError(w, r, err) }
	}
	return &handler{HandlerConfig: c, first: first, csrf: http.NewCrossOriginProtection()}
}

// call is one request, identified and read.
type call struct {
	w       http.ResponseWriter
	r       *http.Request
	subject Subject
	session string
	proved  []Evidence
	client  Client
	body    body
}

// body has every member that some endpoint takes.
type body struct {
	ID       string          `json:"id"`
	Kind     Kind            `json:"kind"`
	Purpose  Purpose         `json:"purpose"`
	Strength Strength        `json:"strength"`
	Ticket   string          `json:"ticket"`
	Name     string          `json:"name"`
	Options  json.RawMessage `json:"options"`
	Answer   json.RawMessage `json:"answer"`
	Trust    bool            `json:"trust"`
}

func (h *handler) serve(do func(call) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		c, err := h.read(w, r)
		if err != nil {
			h.OnError(w, r, err)
			return
		}
		v, err := do(c)
		if err != nil {
			h.OnError(w, r, err)
			return
		}
		writeJSON(w, http.StatusOK, v)
	})
}

func (h *handler) read(w http.ResponseWriter, r *http.Request) (c call, err error) {
	c.w, c.r = w, r
	if err := h.csrf.Check(r); err != nil {
		return c, &Error{Check: CheckIdentify, Public: "Open this page again.", Err: err}
	}
	if !h.first {
		if c.subject, err = h.Identify(r); err != nil || c.subject.ID == "" {
			return c, &Error{Check: CheckIdentify, Public: "Sign in first.", Err: errors.Join(err, errors.New("nobody is signed in"))}
		}
		if c.proved, err = h.Evidence(r); err != nil {
			return c, err
		}
	}
	if c.session, err = h.Session(r); err != nil {
		return c, &Error{Check: CheckIdentify, Public: "Open this page again.", Err: err}
	}
	c.client = h.Client(r)
	if r.Method == http.MethodPost {
		err = c.readBody()
	}
	return c, err
}

func (c *call) readBody() error {
	t, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || t != "application/json" {
		return refuse(CheckInput, "The request is malformed.", "content type is not application/json")
	}
	b, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if err == nil {
		err = strictjson.Unmarshal(b, &c.body)
	}
	if err != nil {
		return &Error{Check: CheckInput, Public: "The request is malformed.", Err: err}
	}
	return nil
}

// answer is the content of a JSON string, or the JSON.
func (c *call) answer() []byte {
	var s string
	if json.Unmarshal(c.body.Answer, &s) == nil {
		return []byte(s)
	}
	return c.body.Answer
}

// RecordView is a credential in a listing.
type RecordView struct {
	ID        string          `json:"id"`
	Kind      Kind            `json:"kind"`
	Name      string          `json:"name"`
	Strength  Strength        `json:"strength"`
	Public    json.RawMessage `json:"public,omitempty"`
	CreatedAt time.Time       `json:"createdAt"`
	UsedAt    time.Time       `json:"usedAt,omitzero"`
	ExpiresAt time.Time       `json:"expiresAt,omitzero"`
}

func view(r Record) RecordView {
	return RecordView{
		ID: r.ID, Kind: r.Kind, Name: r.Name, Strength: r.Strength, Public: r.Public,
		CreatedAt: r.CreatedAt, UsedAt: r.UsedAt, ExpiresAt: r.ExpiresAt,
	}
}

func (h *handler) list(c call) (any, error) {
	records, err := h.Flow.Records(c.r.Context(), c.subject)
	views := make([]RecordView, 0, len(records))
	for _, r := range records {
		views = append(views, view(r))
	}
	type kind struct {
		Kind     Kind `json:"kind"`
		Enrol    bool `json:"enrol"`
		Fallback bool `json:"fallback"`
	}
	var kinds []kind
	for _, k := range h.Flow.kinds {
		_, enrol := h.Flow.factors[k].(Enroller)
		kinds = append(kinds, kind{k, enrol, h.Flow.infos[k].Fallback})
	}
	return map[string]any{"factors": views, "kinds": kinds}, err
}

func (h *handler) begin(c call) (any, error) {
	if c.body.Purpose != Second && c.body.Purpose != StepUp {
		return nil, refuse(CheckInput, "The request is malformed.", "purpose is neither second nor step-up")
	}
	options, err := h.options(c, c.body.Purpose)
	if err != nil {
		return nil, err
	}
	return h.Flow.Begin(c.r.Context(), BeginInput{
		Subject: c.subject, Kind: c.body.Kind, Purpose: c.body.Purpose, Strength: c.body.Strength,
		Session: c.session, Client: c.client, Authenticated: c.proved, Options: options,
	})
}

// options are the application's, or the browser's where they can do no harm.
func (h *handler) options(c call, p Purpose) (json.RawMessage, error) {
	if h.Options != nil {
		if o := h.Options(c.r, c.body.Kind, p); o != nil {
			return o, nil
		}
	}
	f := h.Flow.factors[c.body.Kind]
	if len(c.body.Options) > 0 && f != nil && !f.Info().BrowserOptions {
		return nil, refuse(CheckInput, "The request is malformed.", "options of this kind are not the browser's to set")
	}
	return c.body.Options, nil
}

func (h *handler) finish(c call) (any, error) {
	ttl, err := h.trustFor(c)
	if err != nil {
		return nil, err
	}
	var res Result
	a := Answer{Session: c.session, Data: c.answer(), Client: c.client}
	_, err = h.Flow.Finish(c.r.Context(), c.body.ID, a, func(ctx context.Context, r Result) (err error) {
		switch {
		case h.first != (r.Purpose == First):
			return refuse(CheckBinding, PublicAgain, "the challenge is another page's")
		case !h.first && r.Subject != c.subject:
			return refuse(CheckBinding, PublicAgain, "the challenge is another person's")
		}
		if res, err = h.trust(ctx, r, ttl); err != nil {
			return err
		}
		return h.Commit(ctx, c.r, res)
	})
	var another *Another
	if errors.As(err, &another) {
		return map[string]any{"next": another.Challenge}, nil
	}
	if err != nil {
		return nil, err
	}
	if h.Done != nil {
		h.Done(c.w, c.r, res)
	}
	return map[string]any{"passed": true, "kind": res.Kind, "trusted": res.TrustToken != ""}, nil
}

// trustFor is for how long policy trusts the browser, if that was asked for.
func (h *handler) trustFor(c call) (time.Duration, error) {
	if !c.body.Trust || h.first {
		return 0, nil
	}
	d, err := h.decide(c)
	return d.Trust, err
}

// trust trusts the browser of a proof. A proof that trusts none, such as a
// fallback's, passes all the same.
func (h *handler) trust(ctx context.Context, r Result, ttl time.Duration) (Result, error) {
	if ttl == 0 {
		return r, nil
	}
	token, d, err := h.Flow.TrustDevice(ctx, r, clip(r.Client.Browser, maxName), ttl)
	if CheckOf(err) != "" {
		return r, nil
	}
	r.TrustToken, r.TrustUntil = token, d.ExpiresAt
	return r, err
}

func (h *handler) decide(c call) (Decision, error) {
	q := Request{Subject: c.subject, Client: c.client, Authenticated: c.proved}
	if h.Request != nil {
		var err error
		if q, err = h.Request(c.r, q); err != nil {
			return Decision{}, err
		}
	}
	return h.Flow.Decide(c.r.Context(), q)
}

// decision keeps the grounds to the log: they say how one is found out.
func (h *handler) decision(c call) (any, error) {
	d, err := h.decide(c)
	d.Rule, d.Reasons = "", nil
	return d, err
}

func (h *handler) beginEnrol(c call) (any, error) {
	options, err := h.options(c, Enrol)
	if err != nil {
		return nil, err
	}
	account, display := h.Account(c.r, c.subject)
	return h.Flow.BeginEnrol(c.r.Context(), EnrolInput{
		Subject: c.subject, Kind: c.body.Kind, Account: account, DisplayName: display, Session: c.session,
		Client: c.client, Ticket: c.body.Ticket, Authenticated: c.proved, Options: options,
	})
}

func (h *handler) finishEnrol(c call) (any, error) {
	a := EnrolAnswer{Session: c.session, Name: c.body.Name, Data: c.answer(), Client: c.client}
	var res Result
	r, err := h.Flow.FinishEnrol(c.r.Context(), c.body.ID, a, func(ctx context.Context, r Record) error {
		if r.Subject != c.subject {
			return refuse(CheckBinding, PublicAgain, "the challenge is another person's")
		}
		e, proved := r.Proof()
		if !proved {
			return nil
		}
		res = Result{Subject: r.Subject, Kind: r.Kind, Purpose: Enrol, RecordID: r.ID, Evidence: e, Client: c.client}
		return h.Commit(ctx, c.r, res)
	})
	if err != nil {
		return nil, err
	}
	if h.Done != nil && res.RecordID != "" {
		h.Done(c.w, c.r, res)
	}
	return view(r), nil
}

func (h *handler) change(c call) ChangeInput {
	return ChangeInput{Subject: c.subject, RecordID: c.body.ID, Authenticated: c.proved, Client: c.client}
}

func (h *handler) rename(c call) (any, error) {
	return struct{}{}, h.Flow.Rename(c.r.Context(), h.change(c), c.body.Name, nil)
}

func (h *handler) remove(c call) (any, error) {
	return struct{}{}, h.Flow.Remove(c.r.Context(), h.change(c), nil)
}

func (h *handler) devices(c call) (any, error) {
	devices, err := h.Flow.Devices(c.r.Context(), c.subject)
	type deviceView struct {
		ID        string    `json:"id"`
		Name      string    `json:"name"`
		CreatedAt time.Time `json:"createdAt"`
		UsedAt    time.Time `json:"usedAt"`
		ExpiresAt time.Time `json:"expiresAt"`
	}
	views := make([]deviceView, 0, len(devices))
	for _, d := range devices {
		views = append(views, deviceView{d.ID, d.Name, d.CreatedAt, d.UsedAt, d.ExpiresAt})
	}
	return map[string]any{"devices": views}, err
}

func (h *handler) revoke(c call) (any, error) {
	return struct{}{}, h.Flow.RevokeDevice(c.r.Context(), c.subject, c.body.ID, "")
}

// peer is the client without proxies.
func peer(r *http.Request) Client {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return Client{}
	}
	return Client{Addr: a.Addr()}
}
