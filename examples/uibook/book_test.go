// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
)

func TestEverySampleIsShown(t *testing.T) {
	const origin = "http://127.0.0.1:1"
	book, err := newBook(origin)
	if err != nil {
		t.Fatal(err)
	}
	index := get(book, "/").Body.String()
	seen := map[string]bool{}
	for _, s := range samples(origin) {
		if seen[s.slug()] {
			t.Errorf("%s is there twice", s.slug())
		}
		seen[s.slug()] = true
		if !strings.Contains(index, `<a href="`+s.slug()+`">`) {
			t.Errorf("%s is not in the index", s.slug())
		}
		w := get(book, s.slug())
		if w.Code != max(s.status, http.StatusOK) {
			t.Errorf("%s: status %d", s.slug(), w.Code)
		}
		if refused := reflect.ValueOf(s.shown).FieldByName("Problem"); refused.IsValid() && refused.Kind() == reflect.String && refused.String() != "" &&
			!strings.Contains(w.Body.String(), `role="alert"`) {
			t.Errorf("%s says nothing of its problem", s.slug())
		}
	}
	if len(seen) < 50 {
		t.Errorf("%d samples", len(seen))
	}
	if w := get(book, "/portal/"); w.Code != http.StatusOK {
		t.Errorf("home: %d", w.Code)
	}
	if w := get(book, "/no/such"); w.Code != http.StatusNotFound {
		t.Errorf("no such page: %d", w.Code)
	}
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestLoopbackOnly(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "example.org:0", "127.0.0.1"} {
		if l, err := listenLoopback(address); err == nil {
			l.Close()
			t.Errorf("%s was accepted", address)
		}
	}
	l, err := listenLoopback("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
