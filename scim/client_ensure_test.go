// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/scim"
)

// bodyOf reads what a request sends and puts it back.
func bodyOf(r *http.Request) string {
	if r.Body == nil {
		return ""
	}
	b, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(b))
	return string(b)
}

// members makes people and returns their ids.
func members(t testing.TB, c *scim.Client, n int) []string {
	t.Helper()
	var ids []string
	for i := range n {
		u, err := c.Users().Create(t.Context(), &scim.User{UserName: fmt.Sprint("member", i)})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, u.ID)
	}
	return ids
}

func inGroup(t testing.TB, c *scim.Client, group string, want int) {
	t.Helper()
	ids, err := c.MembersOf(t.Context(), group)
	if err != nil || len(ids) != want {
		t.Fatalf("%d members, want %d, %v", len(ids), want, err)
	}
}

// No request adds or removes more than 100 members.
func TestClientMemberChunks(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	var sizes []int
	w.before = func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.Path, "/Groups") && r.Method != "GET" {
			sizes = append(sizes, strings.Count(bodyOf(r), `"value":"`)+strings.Count(bodyOf(r), `value eq`))
		}
		return nil, nil
	}
	c, _ := clientOver(t, w, nil)
	ids := members(t, c, 250)
	all := &scim.Group{Base: scim.Base{ExternalID: "g"}, DisplayName: "All"}
	for _, id := range ids {
		all.Members = append(all.Members, scim.Member{Value: id})
	}
	g, created, err := c.EnsureGroup(t.Context(), all)
	if err != nil || !created {
		t.Fatal(g, created, err)
	}
	inGroup(t, c, g.ID, 250)
	if err := c.RemoveMembers(t.Context(), g.ID, ids[:201]...); err != nil {
		t.Fatal(err)
	}
	inGroup(t, c, g.ID, 49)
	if fmt.Sprint(sizes) != "[100 100 50 100 100 1]" {
		t.Fatal(sizes)
	}
}

// A strict server refuses a removal of whom it does not have; the others go
// all the same.
func TestClientRemovesThoseWhoAreThere(t *testing.T) {
	t.Parallel()
	m := scim.NewMemoryStore(1000)
	h, err := scim.New(scim.Config{
		BaseURL: "https://app.example/scim/v2", Users: m.Users(), Groups: m.Groups(), Profile: scim.Strict,
		Authenticate: func(*http.Request) (scim.Caller, error) { return scim.Caller{Tenant: "acme"}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	noTarget := 0
	w := &wire{h: h}
	c, _ := clientOver(t, w, nil)
	ids := members(t, c, 5)
	g, err := c.Groups().Create(t.Context(), &scim.Group{DisplayName: "g", Members: []scim.Member{{Value: ids[0]}, {Value: ids[2]}, {Value: ids[4]}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Groups().Patch(t.Context(), g.ID, "", scim.PatchOp{Op: "remove", Path: `members[value eq "` + ids[1] + `"]`})
	wantCheck(t, err, scim.CheckNoTarget)
	w.after = func(r *http.Request) error {
		if r.Method == "PATCH" {
			noTarget++
		}
		return nil
	}
	if err := c.RemoveMembers(t.Context(), g.ID, ids[:4]...); err != nil {
		t.Fatal(err)
	}
	inGroup(t, c, g.ID, 1)
	if noTarget != 5 {
		t.Fatalf("%d requests, want the one that was refused and one each", noTarget)
	}
	if err := c.RemoveMembers(t.Context(), g.ID, ids[0]); err != nil {
		t.Fatal(err)
	}
}

// noPatch makes a server one that has PUT only, with versions or without, and
// says so.
func noPatch(w *wire, etag bool) {
	w.before = func(r *http.Request) (*http.Response, error) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/ServiceProviderConfig"):
			return says(200, fmt.Sprintf(`{"patch":{"supported":false},"filter":{"supported":true},"etag":{"supported":%t}}`, etag)), nil
		case r.Method == "PATCH":
			return says(501, `{"status":"501"}`), nil
		case !etag && r.Header.Get("If-Match") != "":
			return says(400, `{"status":"400","detail":"If-Match"}`), nil
		}
		return nil, nil
	}
}

func TestClientMembersWithoutPatch(t *testing.T) {
	t.Parallel()
	for _, etag := range []bool{true, false} {
		w, _ := clientServer(t)
		noPatch(w, etag)
		c, _ := clientOver(t, w, nil)
		ids := members(t, c, 150)
		g, err := c.Groups().Create(t.Context(), &scim.Group{DisplayName: "g"})
		if err != nil {
			t.Fatal(err)
		}
		// Another changes the group between GET and PUT, and an answer is lost.
		raced, puts := false, 0
		w.after = func(r *http.Request) error {
			if r.Method == "GET" && strings.HasSuffix(r.URL.Path, g.ID) && !raced && etag {
				raced = true
				other, _ := clientOver(t, &wire{h: w.h}, nil)
				if err := other.AddMembers(context.Background(), g.ID, ids[149]); err != nil {
					t.Error(err)
				}
			}
			if r.Method == "PUT" {
				if puts++; puts == 2 || !etag && puts == 1 { // the first has lost the race
					return errors.New("dropped")
				}
			}
			return nil
		}
		if err := c.AddMembers(t.Context(), g.ID, ids[:149]...); err != nil {
			t.Fatal(err)
		}
		want := 149
		if etag {
			want = 150
		}
		inGroup(t, c, g.ID, want)
		if err := c.RemoveMembers(t.Context(), g.ID, ids[:140]...); err != nil {
			t.Fatal(err)
		}
		inGroup(t, c, g.ID, want-140)
	}
}

// A server that does not filter must not have one person's account taken for
// another's.
func TestClientDoesNotTrustFilters(t *testing.T) {
	t.Parallel()
	c, _ := clientOver(t, &wire{before: func(r *http.Request) (*http.Response, error) {
		switch r.Method {
		case "POST":
			return says(409, `{"scimType":"uniqueness","status":"409"}`), nil
		}
		return says(200, `{"totalResults":1,"Resources":[{"id":"7","userName":"someone","displayName":"Someone"}]}`), nil
	}}, nil)
	for _, external := range []string{"", "1"} {
		_, _, err := c.EnsureUser(t.Context(), &scim.User{Base: scim.Base{ExternalID: external}, UserName: "ann"})
		wantCheck(t, err, scim.CheckAnswer)
		_, _, err = c.EnsureGroup(t.Context(), &scim.Group{Base: scim.Base{ExternalID: external}, DisplayName: "Admins"})
		wantCheck(t, err, scim.CheckAnswer)
	}
	u, created, err := c.EnsureUser(t.Context(), &scim.User{UserName: "SOMEONE"})
	if err != nil || created || u.ID != "7" {
		t.Fatal(u, created, err)
	}
}

// 409 of what nobody can look up stays a conflict: it is of another attribute.
func TestClientConflictOfAnotherAttribute(t *testing.T) {
	t.Parallel()
	c, _ := clientOver(t, &wire{before: func(r *http.Request) (*http.Response, error) {
		if r.Method == "POST" {
			return says(409, `{"detail":"the e-mail is taken","status":"409"}`), nil
		}
		return says(200, `{"totalResults":0}`), nil
	}}, nil)
	_, created, err := c.EnsureUser(t.Context(), &scim.User{UserName: "ann"})
	if created || !errors.Is(err, scim.ErrConflict) {
		t.Fatal(created, err)
	}
	wantCheck(t, err, scim.CheckUniqueness)
}

// The token source is asked for each attempt, and once more after 401.
func TestClientTokenSource(t *testing.T) {
	t.Parallel()
	w, _ := clientServer(t)
	n := 0
	tokens := []string{"old", "good", "good", "old", "old", "old"}
	source := func(context.Context) (string, error) { n++; return tokens[n-1], nil }
	c, clock := clientOver(t, w, func(c *scim.ClientConfig) { c.Token, c.TokenSource = "", source })
	for range 2 {
		if _, err := c.Do(t.Context(), scim.Request{Method: "GET", Path: "/Users"}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.Do(t.Context(), scim.Request{Method: "GET", Path: "/Users"})
	wantCheck(t, err, scim.CheckUnauthorized)
	if n != 5 || len(clock.naps) != 2 || w.sent.Load() != 5 {
		t.Fatal(n, clock.naps, w.sent.Load())
	}
	for name, source := range map[string]func(context.Context) (string, error){
		"error": func(context.Context) (string, error) { return "", errors.New("the vault is closed") },
		"empty": func(context.Context) (string, error) { return "", nil },
		"split": func(context.Context) (string, error) { return "a\r\nb", nil },
	} {
		w, _ := clientServer(t)
		c, _ := clientOver(t, w, func(c *scim.ClientConfig) { c.Token, c.TokenSource = "", source })
		_, err := c.Do(t.Context(), scim.Request{Method: "GET", Path: "/Users"})
		wantCheck(t, err, scim.CheckUnauthorized)
		if w.sent.Load() != 0 {
			t.Errorf("%s: a request was sent without a token", name)
		}
	}
	// A token that does not change is refused once.
	w, _ = clientServer(t)
	c, _ = clientOver(t, w, func(c *scim.ClientConfig) { c.Token = "old" })
	_, err = c.Do(t.Context(), scim.Request{Method: "GET", Path: "/Users"})
	wantCheck(t, err, scim.CheckUnauthorized)
	if w.sent.Load() != 1 {
		t.Fatal(w.sent.Load())
	}
}

// Errors go to logs: what a server repeats of the request has no token in it.
func TestClientErrorsHoldNoToken(t *testing.T) {
	t.Parallel()
	const secret = "s3cret-t0ken"
	c, _ := clientOver(t, &wire{before: func(r *http.Request) (*http.Response, error) {
		return says(400, `{"detail":"`+r.Header.Get("Authorization")+` was not understood","scimType":"`+secret+`","status":"400"}`), nil
	}}, func(c *scim.ClientConfig) { c.Token = secret })
	_, err := c.Do(t.Context(), scim.Request{Method: "GET", Path: "/Users"})
	if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "was not understood") {
		t.Fatal(err)
	}
}
