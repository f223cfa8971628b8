// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/gatehouse-id/gatehouse/scim"
)

// Whoever is there from the first page to the last is read, and nobody twice,
// although people come and go between the pages.
func TestClientPagingUnderChange(t *testing.T) {
	t.Parallel()
	for name, paging := range map[string]scim.Paging{"index": scim.PagingIndex, "cursor": scim.PagingCursor} {
		for _, leave := range []int{0, 1, 3} { // of the page that was read
			t.Run(fmt.Sprint(name, " ", leave), func(t *testing.T) {
				t.Parallel()
				w, m := clientServer(t)
				users := m.Users()
				var ids []string
				for i := range 30 {
					u, err := users.Create(t.Context(), "acme", &scim.User{UserName: fmt.Sprint("u", i)})
					if err != nil {
						t.Fatal(err)
					}
					ids = append(ids, u.ID)
				}
				stay := map[string]bool{}
				for _, id := range ids {
					stay[id] = true
				}
				pages := 0
				w.after = func(r *http.Request) error {
					if pages++; pages > 2 {
						return nil
					}
					for i := range leave {
						id := ids[(pages-1)*5+i]
						delete(stay, id)
						if err := users.Delete(context.Background(), "acme", id, ""); err != nil {
							t.Error(err)
						}
					}
					_, err := users.Create(context.Background(), "acme", &scim.User{UserName: fmt.Sprint("new", pages)})
					return err
				}
				c, _ := clientOver(t, w, nil)
				got := map[string]bool{}
				for u, err := range c.Users().All(t.Context(), scim.ListOptions{Paging: paging, Size: 5}) {
					if err != nil {
						t.Fatal(err)
					}
					if got[u.ID] {
						t.Errorf("%s came twice", u.UserName)
					}
					got[u.ID] = true
				}
				for id := range stay {
					if !got[id] && leave != 1 { // one who leaves while one comes leaves no trace in an index
						t.Errorf("%s was there all the time and was not read", id)
					}
				}
			})
		}
	}
}

// A list that never holds still is an error, not a part of the list.
func TestClientPagingGivesUp(t *testing.T) {
	t.Parallel()
	w, m := clientServer(t)
	users := m.Users()
	for i := range 40 {
		if _, err := users.Create(t.Context(), "acme", &scim.User{UserName: fmt.Sprint("u", i)}); err != nil {
			t.Fatal(err)
		}
	}
	w.after = func(*http.Request) error {
		page, err := users.Query(context.Background(), "acme", scim.Query{Start: 1, Count: 1})
		if err != nil || len(page.Resources) == 0 {
			return err
		}
		return users.Delete(context.Background(), "acme", page.Resources[0].ID, "")
	}
	c, _ := clientOver(t, w, nil)
	var last error
	for _, err := range c.Users().All(t.Context(), scim.ListOptions{Paging: scim.PagingIndex, Size: 5}) {
		last = err
	}
	wantCheck(t, last, scim.CheckAnswer)
}

// A cursor that has run out has the list read again, and a server that says it
// has cursors but answers without is read by index.
func TestClientCursorsThatEnd(t *testing.T) {
	t.Parallel()
	item := func(ids ...string) string {
		s := ""
		for _, id := range ids {
			s += `,{"id":"` + id + `","userName":"` + id + `"}`
		}
		return s[1:]
	}
	read := func(answer func(r *http.Request) *http.Response) (ids string, err error) {
		c, _ := clientOver(t, &wire{before: func(r *http.Request) (*http.Response, error) { return answer(r), nil }}, nil)
		for u, e := range c.Users().All(t.Context(), scim.ListOptions{Paging: scim.PagingCursor, Size: 2}) {
			if e != nil {
				return ids, e
			}
			ids += u.ID
		}
		return ids, nil
	}
	expired := 0
	ids, err := read(func(r *http.Request) *http.Response {
		switch r.URL.Query().Get("cursor") {
		case "":
			return says(200, `{"Resources":[`+item("a", "b")+`],"nextCursor":"x"}`)
		case "x":
			if expired++; expired < 2 {
				return says(400, `{"scimType":"expiredCursor","status":"400"}`)
			}
		}
		return says(200, `{"Resources":[`+item("c")+`]}`)
	})
	if err != nil || ids != "abc" || expired != 2 {
		t.Error(ids, err, expired)
	}
	ids, err = read(func(r *http.Request) *http.Response {
		if r.URL.Query().Get("cursor") == "" {
			return says(200, `{"Resources":[`+item("a", "b")+`],"nextCursor":"x"}`)
		}
		return says(400, `{"scimType":"invalidCursor","status":"400"}`)
	})
	wantCheck(t, err, scim.CheckInvalidCursor)
	if ids != "ab" {
		t.Error(ids)
	}
	ids, err = read(func(r *http.Request) *http.Response {
		if r.URL.Query().Get("startIndex") == "" {
			return says(200, `{"totalResults":3,"Resources":[`+item("a", "b")+`]}`)
		}
		return says(200, `{"totalResults":3,"Resources":[`+item("c")+`]}`)
	})
	if err != nil || ids != "abc" {
		t.Error(ids, err)
	}
}
