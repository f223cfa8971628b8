// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/ui"
)

// base is where the portal's own paths begin; the index and the list of pages
// lie outside of it.
const base = "/portal"

// now is the book's clock: every run shows the same times.
var now = time.Date(2026, time.November, 24, 9, 12, 0, 0, time.UTC)

// sample is one state of one page.
type sample struct {
	page  string // "Sign in"
	state string // "after a refusal"
	shown ui.Page
	// status it is answered with; 0 is 200.
	status int
	// from are the requests of the portal that it is a sample answer to:
	// "GET /sign-in".
	from []string
}

// slug is the sample's own path.
func (s sample) slug() string {
	return "/" + strings.NewReplacer(" ", "-", ",", "", "?", "", "’", "").Replace(strings.ToLower(s.page+"/"+s.state))
}

// newBook returns the handler of the whole book.
func newBook(origin string) (http.Handler, error) {
	u, err := ui.New(ui.Config{
		Brand:    "Acorn Bikes",
		BasePath: base,
		Help:     "Trouble signing in? Call the workshop desk on extension 400.",
		Now:      func() time.Time { return now },
		OnError:  func(err error) { log.Print(err) },
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+base+ui.PathStatic, u.Static())
	samples := samples(origin)
	for _, s := range samples {
		show := func(w http.ResponseWriter, _ *http.Request) { u.Render(w, max(s.status, http.StatusOK), s.shown) }
		mux.HandleFunc("GET "+s.slug(), show)
		for _, from := range s.from {
			method, path, _ := strings.Cut(from, " ")
			mux.HandleFunc(method+" "+base+path, show)
		}
	}
	for _, path := range []string{ui.PathPasskeyBegin, ui.PathEnrolPasskeyBeg} {
		mux.HandleFunc("POST "+base+path, noPasskey)
	}
	mux.Handle("GET /{$}", index(u, samples))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		u.Render(w, http.StatusNotFound, ui.Message{
			Title: "No sample", Text: "The book has no page for " + r.Method + " " + r.URL.Path + ".", Problem: true, Status: http.StatusNotFound,
		})
	})
	return mux, nil
}

// noPasskey answers the passkey script.
func noPasskey(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(ui.PasskeyNext{Problem: "The book has no passkeys."})
}
