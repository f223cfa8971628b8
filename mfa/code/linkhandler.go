// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package code

import (
	"context"
	"errors"
	"net/http"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// LinkScript is the script of a page with a button: it moves the token from
// the fragment into the first form, out of the address bar and the history.
const LinkScript = `document.forms[0].elements.token.value = location.hash.slice(1);
history.replaceState(null, "", location.pathname + location.search);`

// maxForm is the largest form that is read, in bytes.
const maxForm = 4096

// LinkPage is what a [NewLinkHandler] shows. The zero LinkPage is a button: a
// form that posts a hidden field "token", with [LinkScript] after it.
type LinkPage struct {
	// Result is the proof, committed: set the new session's cookie and go on.
	Result *mfa.Result
	// Code is to be typed in the browser that asked, since this is another.
	Code string
	// Err is a refusal, an [*mfa.Error], or a fault.
	Err error
}

// LinkHandlerConfig is what the page of magic links is made of.
type LinkHandlerConfig struct {
	// Flow has the [Link]. Required.
	Flow *mfa.Flow
	// Asked returns the secret of the browser session and the id of the
	// challenge that it began; "" if it began none. Required.
	Asked func(r *http.Request) (session, id string)
	// Commit keeps the proof in the session, in the transaction of ctx; see
	// [mfa.Flow.Finish]. Required. It may run again, so it writes no response.
	Commit func(ctx context.Context, r *http.Request, res mfa.Result) error
	// Render writes the page, with a status for its Err. Required.
	Render func(w http.ResponseWriter, r *http.Request, p LinkPage)
	// Client describes the client; nothing is known by default.
	Client func(r *http.Request) mfa.Client
}

type linkHandler struct {
	LinkHandlerConfig
	csrf *http.CrossOriginProtection
}

// NewLinkHandler returns the page of LinkConfig.URL. GET and HEAD show a button
// and consume nothing, since mail scanners fetch links. POST from the same
// origin completes the sign-in in the browser that asked and shows a code in
// any other; the form where that code is typed posts it as "token", too.
func NewLinkHandler(c LinkHandlerConfig) (http.Handler, error) {
	if c.Flow == nil || c.Asked == nil || c.Commit == nil || c.Render == nil {
		return nil, errors.New("code: LinkHandlerConfig wants Flow, Asked, Commit and Render")
	}
	if c.Client == nil {
		c.Client = func(*http.Request) mfa.Client { return mfa.Client{} }
	}
	return &linkHandler{c, http.NewCrossOriginProtection()}, nil
}

func (h *linkHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		h.Render(w, r, LinkPage{})
	case http.MethodPost:
		h.Render(w, r, h.post(w, r))
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
	}
}

func (h *linkHandler) post(w http.ResponseWriter, r *http.Request) LinkPage {
	if err := h.csrf.Check(r); err != nil {
		return LinkPage{Err: &mfa.Error{Check: mfa.CheckIdentify, Public: "Open this page again.", Err: err}}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return LinkPage{Err: &mfa.Error{Check: mfa.CheckInput, Public: "The request is malformed.", Err: err}}
	}
	token := r.PostForm.Get("token") // never of the query, which is logged
	code := TypedCode(token)
	session, id := h.Asked(r)
	if id == "" {
		if code == "" {
			return LinkPage{Err: refuse(mfa.CheckInput, "Open the link in the message again.", "not the token of a link")}
		}
		return LinkPage{Code: code}
	}
	res, err := h.Flow.Finish(r.Context(), id, mfa.Answer{Session: session, Data: []byte(token), Client: h.Client(r)},
		func(ctx context.Context, res mfa.Result) error { return h.Commit(ctx, r, res) })
	switch {
	case err == nil:
		return LinkPage{Result: &res}
	case mfa.CheckOf(err) == mfa.CheckWrong && code != "":
		return LinkPage{Code: code} // this browser asked, but for another link
	}
	return LinkPage{Err: err}
}
