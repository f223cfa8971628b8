// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scimtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/scim"
)

// Server is a SCIM server to test. What the run creates it deletes again.
type Server struct {
	BaseURL string // without a slash at its end
	Token   string
	Client  *http.Client // nil: http.DefaultClient
	Prefix  string       // of the names that are made; "scimtest-" if empty
}

// TestServer runs the standard's requirements against a server, whatever it is
// made with. What the server says in its ServiceProviderConfig that it does not
// support is skipped.
func TestServer(t *testing.T, s Server) {
	t.Helper()
	if s.Client == nil {
		s.Client = http.DefaultClient
	}
	if s.Prefix == "" {
		s.Prefix = "scimtest-"
	}
	var config map[string]any
	t.Run("RFC 7644 4 discovery", func(t *testing.T) {
		config = s.do(t, "GET", "/ServiceProviderConfig", nil).want(200).body
		s.do(t, "GET", "/ResourceTypes", nil).want(200)
		s.do(t, "GET", "/Schemas", nil).want(200)
	})
	supported := func(what string) bool {
		m, _ := config[what].(map[string]any)
		return m["supported"] == true
	}
	t.Run("RFC 7644 2 authentication", s.authentication)
	t.Run("RFC 7644 3.3 create and read", s.crud)
	t.Run("RFC 7644 3.12 errors", s.errors)
	if supported("patch") {
		t.Run("RFC 7644 3.5.2 patch", s.patch)
	}
	if supported("filter") {
		t.Run("RFC 7644 3.4.2 filter", s.filter)
	}
	t.Run("RFC 7644 3.9 attributes", s.attributes)
	if supported("etag") {
		t.Run("RFC 7644 3.14 versions", s.versions)
	}
	if supported("bulk") {
		t.Run("RFC 7644 3.7 bulk", s.bulk)
	}
	if p, _ := config["pagination"].(map[string]any); p["cursor"] == true {
		t.Run("RFC 9865 cursors", s.cursors)
	}
}

type reply struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   map[string]any
	text   string
}

func (s Server) do(t *testing.T, method, path string, body any, headers ...string) *reply {
	t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		reader = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.BaseURL+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.Token)
	r.Header.Set("Content-Type", "application/scim+json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		t.Fatal(err)
	}
	out := &reply{t: t, what: method + " " + path, status: res.StatusCode, header: res.Header, text: string(raw)}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &out.body); err != nil {
			t.Fatalf("%s: the answer is no JSON object: %s", out.what, raw)
		}
		if ct := res.Header.Get("Content-Type"); !strings.HasPrefix(ct, "application/scim+json") {
			t.Errorf("%s: Content-Type %q (RFC 7644 section 3.1)", out.what, ct)
		}
	}
	return out
}

func (r *reply) want(status ...int) *reply {
	r.t.Helper()
	for _, s := range status {
		if r.status == s {
			return r
		}
	}
	r.t.Fatalf("%s: status %d, not %v: %s", r.what, r.status, status, r.text)
	return nil
}

// refused checks the error message of RFC 7644 section 3.12.
func (r *reply) refused(status int, scimType string) {
	r.t.Helper()
	r.want(status)
	if fmt.Sprint(r.body["status"]) != fmt.Sprint(status) || !strings.Contains(fmt.Sprint(r.body["schemas"]), scim.ErrorURN) {
		r.t.Errorf("%s: no error message: %s", r.what, r.text)
	}
	if scimType != "" && r.body["scimType"] != scimType {
		r.t.Errorf("%s: scimType %v, not %s", r.what, r.body["scimType"], scimType)
	}
}

func (r *reply) is(path string, want any) {
	r.t.Helper()
	var v any = r.body
	for _, key := range strings.Split(path, "/") {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	if fmt.Sprint(v) != fmt.Sprint(want) {
		r.t.Errorf("%s: %s is %v, not %v: %s", r.what, path, v, want, r.text)
	}
}

func (r *reply) id() string {
	id, _ := r.body["id"].(string)
	return url.PathEscape(id)
}

func (s Server) userBody(name string) map[string]any {
	return map[string]any{
		"schemas": []string{scim.UserURN}, "userName": s.Prefix + name, "displayName": "D " + name, "name": map[string]any{"givenName": "G", "familyName": "F"},
		"emails": []any{map[string]any{"value": name + "@example.com", "type": "work", "primary": true}}, "active": true,
	}
}

func (s Server) user(t *testing.T, name string) *reply {
	t.Helper()
	r := s.do(t, "POST", "/Users", s.userBody(name)).want(201)
	t.Cleanup(func() {
		req, err := http.NewRequest("DELETE", s.BaseURL+"/Users/"+r.id(), nil)
		if err != nil {
			return
		}
		req.Header.Set("Authorization", "Bearer "+s.Token)
		if res, err := s.Client.Do(req); err == nil {
			res.Body.Close()
		}
	})
	return r
}

func (s Server) authentication(t *testing.T) {
	for _, h := range []string{"", "Bearer nonsense", "Basic eDp5"} {
		r := s.do(t, "GET", "/Users", nil, "Authorization", h)
		r.refused(401, "")
		if r.header.Get("WWW-Authenticate") == "" {
			t.Error("401 without WWW-Authenticate (RFC 7235 section 4.1)")
		}
	}
}

func (s Server) crud(t *testing.T) {
	r := s.user(t, "crud")
	if r.header.Get("Location") == "" {
		t.Error("201 without Location")
	}
	path := "/Users/" + r.id()
	r.is("meta/resourceType", "User")
	got := s.do(t, "GET", path, nil).want(200)
	got.is("userName", s.Prefix+"crud")
	got.is("name/familyName", "F")
	body := s.userBody("crud")
	delete(body, "displayName")
	body["id"] = "ignored"
	s.do(t, "PUT", path, body).want(200)
	got = s.do(t, "GET", path, nil).want(200)
	got.is("displayName", nil)
	got.is("id", r.body["id"])
	s.do(t, "DELETE", path, nil).want(204)
	s.do(t, "GET", path, nil).refused(404, "")
	s.do(t, "DELETE", path, nil).refused(404, "")
}

func (s Server) errors(t *testing.T) {
	s.user(t, "taken")
	again := s.userBody("taken")
	again["userName"] = strings.ToUpper(s.Prefix + "taken")
	s.do(t, "POST", "/Users", again).refused(409, "uniqueness")
	s.do(t, "POST", "/Users", `{"userName"`).refused(400, "invalidSyntax")
	s.do(t, "POST", "/Users", map[string]any{"schemas": []string{scim.UserURN}}).refused(400, "invalidValue")
	s.do(t, "GET", "/Nothing", nil).refused(404, "")
	s.do(t, "POST", "/Users", strings.Repeat("[", 100_000)).want(400, 413)
}

func (s Server) patch(t *testing.T) {
	path := "/Users/" + s.user(t, "patch").id()
	ops := func(list ...map[string]any) any {
		return map[string]any{"schemas": []string{scim.PatchOpURN}, "Operations": list}
	}
	send := func(list ...map[string]any) *reply {
		t.Helper()
		s.do(t, "PATCH", path, ops(list...)).want(200, 204)
		return s.do(t, "GET", path, nil).want(200)
	}
	send(map[string]any{"op": "replace", "path": "displayName", "value": "New"}).is("displayName", "New")
	r := send(map[string]any{"op": "replace", "value": map[string]any{"name": map[string]any{"givenName": "H"}}})
	r.is("name/givenName", "H")
	r.is("name/familyName", "F")
	send(map[string]any{"op": "remove", "path": "name.givenName"}).is("name/givenName", nil)
	send(map[string]any{"op": "replace", "path": `emails[type eq "work"].value`, "value": "new@example.com"}).is("emails", []any{map[string]any{"value": "new@example.com", "type": "work", "primary": true}})
	send(map[string]any{"op": "replace", "path": "active", "value": false}).is("active", false)
	send(map[string]any{"op": "remove", "path": `emails[type eq "work"]`}).is("emails", nil)
	s.do(t, "PATCH", path, ops(map[string]any{"op": "replace", "path": "nonsense..", "value": "x"})).refused(400, "invalidPath")
	s.do(t, "PATCH", path, ops(map[string]any{"op": "remove"})).refused(400, "noTarget")
	s.do(t, "PATCH", path, ops(map[string]any{"op": "replace", "path": "id", "value": "x"})).refused(400, "mutability")
	s.do(t, "PATCH", path, ops(map[string]any{"op": "replace", "path": "displayName", "value": "Half"}, map[string]any{"op": "remove"})).want(400)
	s.do(t, "GET", path, nil).want(200).is("displayName", "New") // all or nothing
}

func (s Server) filter(t *testing.T) {
	s.user(t, "filter")
	find := func(f string) *reply {
		t.Helper()
		return s.do(t, "GET", "/Users?filter="+url.QueryEscape(f), nil)
	}
	r := find(`userName eq "` + strings.ToUpper(s.Prefix+"filter") + `"`).want(200)
	r.is("totalResults", 1)
	find(`userName eq "`+s.Prefix+`nobody"`).want(200).is("totalResults", 0)
	for _, f := range []string{`userName eq`, `userName zz "x"`, strings.Repeat("(", 2000)} {
		find(f).refused(400, "invalidFilter")
	}
}

func (s Server) attributes(t *testing.T) {
	path := "/Users/" + s.user(t, "attributes").id()
	r := s.do(t, "GET", path+"?attributes=userName", nil).want(200)
	r.is("displayName", nil)
	r.is("userName", s.Prefix+"attributes")
	if r.body["id"] == nil {
		t.Error("id is not always returned")
	}
	s.do(t, "GET", path+"?excludedAttributes=displayName", nil).want(200).is("displayName", nil)
	if strings.Contains(s.do(t, "GET", path+"?attributes=password", nil).want(200).text, `"password"`) {
		t.Error("the password is returned")
	}
}

func (s Server) versions(t *testing.T) {
	r := s.user(t, "versions")
	path, tag := "/Users/"+r.id(), r.header.Get("ETag")
	if tag == "" {
		t.Fatal("no ETag")
	}
	s.do(t, "GET", path, nil, "If-None-Match", tag).want(304)
	body := s.userBody("versions")
	body["displayName"] = "Changed"
	s.do(t, "PUT", path, body, "If-Match", tag).want(200)
	s.do(t, "PUT", path, s.userBody("versions"), "If-Match", tag).refused(412, "")
	s.do(t, "GET", path, nil).want(200).is("displayName", "Changed")
}

func (s Server) bulk(t *testing.T) {
	r := s.do(t, "POST", "/Bulk", map[string]any{"schemas": []string{scim.BulkRequestURN}, "Operations": []any{
		map[string]any{"method": "POST", "path": "/Users", "bulkId": "u", "data": s.userBody("bulk")},
		map[string]any{"method": "DELETE", "path": "/Users/" + s.Prefix + "nobody"},
	}}).want(200)
	list, _ := r.body["Operations"].([]any)
	if len(list) != 2 {
		t.Fatalf("%d operations: %s", len(list), r.text)
	}
	for i, want := range []string{"201", "404"} {
		if op, _ := list[i].(map[string]any); op["status"] != want {
			t.Errorf("operation %d: status %v, not %s", i, op["status"], want)
		}
	}
	made, _ := list[0].(map[string]any)
	location, _ := made["location"].(string)
	s.do(t, "DELETE", "/Users/"+location[strings.LastIndex(location, "/")+1:], nil).want(204)
}

func (s Server) cursors(t *testing.T) {
	for i := range 3 {
		s.user(t, fmt.Sprint("cursor", i))
	}
	seen, cursor := map[string]bool{}, ""
	for range 10_000 {
		r := s.do(t, "GET", "/Users?count=2&cursor="+url.QueryEscape(cursor), nil).want(200)
		list, _ := r.body["Resources"].([]any)
		for _, u := range list {
			u, _ := u.(map[string]any)
			if name := fmt.Sprint(u["userName"]); seen[name] {
				t.Fatalf("%s stands on two pages", name)
			} else {
				seen[name] = true
			}
		}
		if cursor, _ = r.body["nextCursor"].(string); cursor == "" {
			break
		}
	}
	for i := range 3 {
		if name := fmt.Sprint(s.Prefix, "cursor", i); !seen[name] {
			t.Errorf("%s stands on no page", name)
		}
	}
	s.do(t, "GET", "/Users?cursor=%21nonsense", nil).refused(400, "invalidCursor")
}
