// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/scim"
)

// server is a handler with what tests need to talk to it.
type server struct {
	t     *testing.T
	h     *scim.Handler
	store *scim.MemoryStore
	err   *scim.Error // the last refusal
}

func newServer(t *testing.T, change func(*scim.Config)) *server {
	t.Helper()
	s := &server{t: t, store: scim.NewMemoryStore(10_000)}
	c := scim.Config{
		BaseURL: "https://app.example/scim/v2",
		Users:   s.store.Users(), Groups: s.store.Groups(),
		Authenticate: func(r *http.Request) (scim.Caller, error) {
			tenant := scim.Bearer(r)
			if tenant == "" {
				return scim.Caller{}, &scim.Error{Check: scim.CheckUnauthorized, Public: "no token"}
			}
			return scim.Caller{Tenant: tenant}, nil
		},
		OnError: func(_ *http.Request, err *scim.Error) { s.err = err },
	}
	if change != nil {
		change(&c)
	}
	h, err := scim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.h = h
	return s
}

// reply is an answer, with its body read as JSON.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (s *server) do(method, path, body string, headers ...string) *reply {
	s.t.Helper()
	r := httptest.NewRequest(method, "https://app.example/scim/v2"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer acme")
	if body != "" {
		r.Header.Set("Content-Type", "application/scim+json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	s.err = nil
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, r)
	out := &reply{t: s.t, status: w.Code, header: w.Header(), text: w.Body.String()}
	if out.text != "" {
		if err := json.Unmarshal(w.Body.Bytes(), &out.body); err != nil {
			s.t.Fatalf("%s %s answers with what is no JSON: %s", method, path, out.text)
		}
	}
	return out
}

// want checks the status.
func (r *reply) want(status int) *reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, not %d: %s", r.status, status, r.text)
	}
	return r
}

// at is the value at a path of keys and indexes, as JSON.
func (r *reply) at(path ...any) string {
	r.t.Helper()
	var v any = r.body
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			list, _ := v.([]any)
			if p >= len(list) {
				return ""
			}
			v = list[p]
		}
	}
	if v == nil {
		return ""
	}
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

func (r *reply) has(want string, path ...any) *reply {
	r.t.Helper()
	if got := r.at(path...); got != want {
		r.t.Fatalf("%v is %q, not %q, in %s", path, got, want, r.text)
	}
	return r
}

// refused checks status and check of a refusal, and the error message.
func (s *server) refused(r *reply, status int, check scim.Check) {
	s.t.Helper()
	r.want(status)
	if s.err == nil || s.err.Check != check {
		s.t.Fatalf("refused by %v, not by %s: %s", s.err, check, r.text)
	}
	r.has(scim.ErrorURN, "schemas", 0)
	if got, want := r.at("scimType"), s.err.ScimType(); got != want {
		s.t.Fatalf("scimType %q, not %q", got, want)
	}
}

const userSchemas = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]`

func (s *server) user(name, more string) string {
	s.t.Helper()
	if more != "" {
		more = "," + more
	}
	return s.do("POST", "/Users", `{`+userSchemas+`,"userName":"`+name+`"`+more+`}`).want(201).at("id")
}

func (s *server) group(name string, members ...string) string {
	s.t.Helper()
	var list []string
	for _, m := range members {
		list = append(list, `{"value":"`+m+`"}`)
	}
	return s.do("POST", "/Groups", `{"schemas":["`+scim.GroupURN+`"],"displayName":"`+name+`","members":[`+strings.Join(list, ",")+`]}`).want(201).at("id")
}

func patchBody(ops string) string {
	return `{"schemas":["` + scim.PatchOpURN + `"],"Operations":[` + ops + `]}`
}

func strict(c *scim.Config) { c.Profile = scim.Strict }

func TestCreate_RFC7644_3_3(t *testing.T) {
	t.Parallel()
	s := newServer(t, strict)
	r := s.do("POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","`+scim.EnterpriseURN+`"],
		"userName":"bjensen@example.com","externalId":"bjensen","id":"mine","groups":[{"value":"admins"}],
		"meta":{"version":"x"},"name":{"formatted":"Ms. Barbara J Jensen III","familyName":"Jensen","givenName":"Barbara"},
		"emails":[{"value":"bjensen@example.com","type":"work","primary":true}],
		"`+scim.EnterpriseURN+`":{"employeeNumber":"701984","manager":{"value":"26118915","displayName":"readOnly"}}}`).want(201)
	id := r.at("id")
	if id == "mine" || id == "" {
		t.Fatalf("the client's id %q was taken", id)
	}
	r.has("https://app.example/scim/v2/Users/"+id, "meta", "location")
	if got := r.header.Get("Location"); got != r.at("meta", "location") {
		t.Errorf("Location %q", got)
	}
	if got := r.header.Get("ETag"); got == "" || got != r.at("meta", "version") {
		t.Errorf("ETag %q is not the version %q", got, r.at("meta", "version"))
	}
	if got := r.header.Get("Content-Type"); got != "application/scim+json; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	r.has("User", "meta", "resourceType").has("", "groups").has("true", "active").has("Jensen", "name", "familyName")
	r.has(scim.EnterpriseURN, "schemas", 1).has("26118915", scim.EnterpriseURN, "manager", "value").has("", scim.EnterpriseURN, "manager", "displayName")
	s.do("GET", "/Users/"+id, "").want(200).has(r.at("meta"), "meta").has("701984", scim.EnterpriseURN, "employeeNumber")
	s.refused(s.do("POST", "/Users", `{`+userSchemas+`,"userName":"BJENSEN@EXAMPLE.COM"}`), 409, scim.CheckUniqueness)
}

func TestCreateRefusals_RFC7644_3_12(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *scim.Config) { c.Profile, c.Unknown = scim.Strict, scim.RefuseUnknown })
	for name, c := range map[string]struct {
		body   string
		status int
		check  scim.Check
	}{
		"no JSON":            {`{"userName"`, 400, scim.CheckInvalidSyntax},
		"a list":             {`[]`, 400, scim.CheckInvalidSyntax},
		"doubled key":        {`{` + userSchemas + `,"userName":"a","USERNAME":"b"}`, 400, scim.CheckInvalidSyntax},
		"not UTF-8":          {"{" + userSchemas + ",\"userName\":\"\xff\"}", 400, scim.CheckInvalidSyntax},
		"half a surrogate":   {`{` + userSchemas + `,"userName":"\ud800"}`, 400, scim.CheckInvalidSyntax},
		"deep":               {`{` + userSchemas + `,"x":` + strings.Repeat("[", 100) + `]}`, 400, scim.CheckInvalidSyntax},
		"no schemas":         {`{"userName":"a"}`, 400, scim.CheckInvalidValue},
		"other schemas":      {`{"schemas":["` + scim.GroupURN + `"],"userName":"a"}`, 400, scim.CheckInvalidValue},
		"no userName":        {`{` + userSchemas + `}`, 400, scim.CheckInvalidValue},
		"empty userName":     {`{` + userSchemas + `,"userName":""}`, 400, scim.CheckInvalidValue},
		"blank userName":     {`{` + userSchemas + `,"userName":"  "}`, 400, scim.CheckInvalidValue},
		"null userName":      {`{` + userSchemas + `,"userName":null}`, 400, scim.CheckInvalidValue},
		"number userName":    {`{` + userSchemas + `,"userName":1}`, 400, scim.CheckInvalidValue},
		"text boolean":       {`{` + userSchemas + `,"userName":"a","active":"False"}`, 400, scim.CheckInvalidValue},
		"text for complex":   {`{` + userSchemas + `,"userName":"a","name":"x"}`, 400, scim.CheckInvalidValue},
		"lone element":       {`{` + userSchemas + `,"userName":"a","emails":{"value":"x"}}`, 400, scim.CheckInvalidValue},
		"list for one":       {`{` + userSchemas + `,"userName":["a"]}`, 400, scim.CheckInvalidValue},
		"two primaries":      {`{` + userSchemas + `,"userName":"a","emails":[{"value":"x","primary":true},{"value":"y","primary":true}]}`, 400, scim.CheckInvalidValue},
		"bad binary":         {`{` + userSchemas + `,"userName":"a","x509Certificates":[{"value":"%"}]}`, 400, scim.CheckInvalidValue},
		"unknown attribute":  {`{` + userSchemas + `,"userName":"a","shoeSize":"43"}`, 400, scim.CheckInvalidSyntax},
		"dotted key":         {`{` + userSchemas + `,"userName":"a","name.givenName":"x"}`, 400, scim.CheckInvalidSyntax},
		"unknown schema":     {`{"schemas":["` + scim.UserURN + `","urn:x:y"],"userName":"a"}`, 400, scim.CheckInvalidValue},
		"text for extension": {`{` + userSchemas + `,"userName":"a","` + scim.EnterpriseURN + `":"x"}`, 400, scim.CheckInvalidValue},
		"too long":           {`{` + userSchemas + `,"userName":"` + strings.Repeat("a", 70_000) + `"}`, 413, scim.CheckTooLarge},
		"too large":          {`{` + userSchemas + `,"userName":"a"` + strings.Repeat(" ", 3<<20) + `}`, 413, scim.CheckTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.refused(s.do("POST", "/Users", c.body), c.status, c.check)
		})
	}
	s.t = t
	s.refused(s.do("POST", "/Users", `{}`, "Content-Type", "text/plain"), 415, scim.CheckMediaType)
	s.refused(s.do("POST", "/Users", `{}`, "Content-Type", ""), 415, scim.CheckMediaType)
	s.refused(s.do("POST", "/Users", `{}`, "Content-Encoding", "gzip"), 415, scim.CheckMediaType)
	s.do("POST", "/Users", `{`+userSchemas+`,"userName":"json"}`, "Content-Type", "application/json").want(201)
}

func TestAuthentication_RFC7644_2(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store := scim.NewMemoryStore(10)
	tokens, err := scim.NewTokens(store, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, func(c *scim.Config) { c.Authenticate, c.Tokens = nil, tokens })
	full, _, err := tokens.Issue(ctx, "acme", scim.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	read, tok, err := tokens.Issue(ctx, "acme", scim.TokenOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := tokens.Issue(ctx, "acme", scim.TokenOptions{}); err == nil {
		t.Fatal("a third token was issued")
	}
	for _, h := range []string{"", "Bearer", "Bearer ", "Bearer x", "Basic " + full, "Bearer " + full + " x"} {
		r := s.do("GET", "/Users", "", "Authorization", h)
		s.refused(r, 401, scim.CheckUnauthorized)
		r.has("401", "status")
		if !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%q: WWW-Authenticate %q", h, r.header.Get("WWW-Authenticate"))
		}
	}
	s.refused(s.do("GET", "/Users?access_token="+full, "", "Authorization", ""), 401, scim.CheckUnauthorized)
	body := `{` + userSchemas + `,"userName":"a"}`
	s.do("POST", "/Users", body, "Authorization", "bearer "+full).want(201)
	s.do("GET", "/Users", "", "Authorization", "Bearer "+read).want(200).has("1", "totalResults")
	s.refused(s.do("POST", "/Users", body, "Authorization", "Bearer "+read), 403, scim.CheckForbidden)
	if err := tokens.Revoke(ctx, "other", tok.ID); err == nil {
		t.Error("a token was revoked by another tenant")
	}
	if err := tokens.Revoke(ctx, "acme", tok.ID); err != nil {
		t.Fatal(err)
	}
	s.refused(s.do("GET", "/Users", "", "Authorization", "Bearer "+read), 401, scim.CheckUnauthorized)
	list, err := tokens.List(ctx, "acme")
	if err != nil || len(list) != 1 || list[0].LastUsed.IsZero() {
		t.Fatalf("tokens %v, %v", list, err)
	}
}

func TestTenants(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	u := s.user("anna", "")
	g := s.group("staff", u)
	other := []string{"Authorization", "Bearer other"}
	for _, path := range []string{"/Users/" + u, "/Groups/" + g} {
		s.refused(s.do("GET", path, "", other...), 404, scim.CheckNotFound)
		s.refused(s.do("DELETE", path, "", other...), 404, scim.CheckNotFound)
		s.refused(s.do("PATCH", path, patchBody(`{"op":"replace","path":"displayName","value":"x"}`), other...), 404, scim.CheckNotFound)
	}
	s.do("GET", "/Users", "", other...).want(200).has("0", "totalResults").has("[]", "Resources")
	s.do("POST", "/Users", `{`+userSchemas+`,"userName":"anna"}`, other...).want(201)
	s.refused(s.do("POST", "/Groups", `{"schemas":["`+scim.GroupURN+`"],"displayName":"x","members":[{"value":"`+u+`"}]}`, other...), 400, scim.CheckInvalidValue)
}

func TestVersions_RFC7644_3_14(t *testing.T) {
	t.Parallel()
	s := newServer(t, strict)
	u := s.user("anna", "")
	v1 := s.do("GET", "/Users/"+u, "").want(200).header.Get("ETag")
	if r := s.do("GET", "/Users/"+u, "", "If-None-Match", v1); r.status != 304 || r.text != "" {
		t.Fatalf("If-None-Match: %d %s", r.status, r.text)
	}
	title := patchBody(`{"op":"add","path":"title","value":"Dr"}`)
	v2 := s.do("PATCH", "/Users/"+u, title, "If-Match", v1).want(200).header.Get("ETag")
	if v1 == v2 {
		t.Fatal("the version did not change")
	}
	if v := s.do("PATCH", "/Users/"+u, title, "If-Match", "*").want(200).header.Get("ETag"); v != v2 {
		t.Error("a PATCH without effect changed the version")
	}
	for _, m := range []string{"PUT", "PATCH", "DELETE"} {
		body := title
		if m == "PUT" {
			body = `{` + userSchemas + `,"userName":"anna"}`
		}
		s.refused(s.do(m, "/Users/"+u, body, "If-Match", v1), 412, scim.CheckVersion)
	}
	s.do("GET", "/Users/"+u, "", "If-None-Match", v1).want(200)
	s.do("DELETE", "/Users/"+u, "", "If-Match", `"nonsense", `+v2).want(204)
	s.refused(s.do("GET", "/Users/"+u, ""), 404, scim.CheckNotFound)
}

func TestReplace_RFC7644_3_5_1(t *testing.T) {
	t.Parallel()
	s := newServer(t, strict)
	u := s.user("anna", `"title":"Dr","emails":[{"value":"a@x"}]`)
	g := s.group("staff", u)
	s.do("PATCH", "/Users/"+u, patchBody(`{"op":"replace","path":"active","value":false}`)).want(200)
	r := s.do("PUT", "/Users/"+u, `{`+userSchemas+`,"userName":"Anna","nickName":"Ann","id":"other","groups":[]}`).want(200)
	r.has(u, "id").has("Anna", "userName").has("Ann", "nickName").has("", "title").has("", "emails").has(g, "groups", 0, "value")
	r.has("false", "active") // leaving it out must not let anybody in
	s.refused(s.do("PUT", "/Users/nobody", `{`+userSchemas+`,"userName":"x"}`), 404, scim.CheckNotFound)
	s.user("bob", "")
	s.refused(s.do("PUT", "/Users/"+u, `{`+userSchemas+`,"userName":"BOB"}`), 409, scim.CheckUniqueness)
}

func TestProjection_RFC7644_3_9(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *scim.Config) {
		c.ChangePassword = true
	})
	u := s.user("anna", `"password":"secret","name":{"familyName":"A","givenName":"B"},"emails":[{"value":"a@x","type":"work"}],"`+scim.EnterpriseURN+`":{"department":"D","costCenter":"C"}`)
	for _, c := range []struct{ query, want string }{
		{"attributes=userName", `{"id":"ID","schemas":S,"userName":"anna"}`},
		{"attributes=USERNAME,name.familyName", `{"id":"ID","name":{"familyName":"A"},"schemas":S,"userName":"anna"}`},
		{"attributes=urn:ietf:params:scim:schemas:core:2.0:User:userName", `{"id":"ID","schemas":S,"userName":"anna"}`},
		{"attributes=emails.value", `{"emails":[{"value":"a@x"}],"id":"ID","schemas":S}`},
		{"attributes=" + scim.EnterpriseURN + ":department", `{"id":"ID","schemas":S,"` + scim.EnterpriseURN + `":{"department":"D"}}`},
		{"attributes=" + scim.EnterpriseURN, `{"id":"ID","schemas":S,"` + scim.EnterpriseURN + `":{"costCenter":"C","department":"D"}}`},
		{"attributes=password", `{"id":"ID","schemas":S}`},
		{"attributes=nonsense", `{"id":"ID","schemas":S}`},
		{"excludedAttributes=id,meta,name.givenName,emails,active," + scim.EnterpriseURN, `{"id":"ID","name":{"familyName":"A"},"schemas":S,"userName":"anna"}`},
	} {
		for _, r := range []*reply{s.do("GET", "/Users/"+u+"?"+c.query, ""), s.do("PATCH", "/Users/"+u+"?"+c.query, patchBody(`{"op":"add","path":"userName","value":"anna"}`))} {
			got := r.want(200).at()
			got = strings.ReplaceAll(strings.ReplaceAll(got, u, "ID"), `["`+scim.UserURN+`","`+scim.EnterpriseURN+`"]`, "S")
			if got != c.want {
				t.Errorf("%s:\n got %s\nwant %s", c.query, got, c.want)
			}
		}
	}
	if r := s.do("GET", "/Users/"+u, "").want(200); strings.Contains(r.text, "secret") || strings.Contains(r.text, "password") {
		t.Error("the password was returned")
	}
}

func TestQuery_RFC7644_3_4_2(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	a := s.user("Anna", `"title":"Dr","emails":[{"value":"a@x","type":"work","primary":true},{"value":"A@home","type":"home"}],"name":{"familyName":"Zed"},"externalId":"E1"`)
	b := s.user("bob", `"active":false,"emails":[{"value":"b@x","type":"home"}],"name":{"familyName":"Young"},"`+scim.EnterpriseURN+`":{"department":"Sales","manager":{"value":"`+a+`"}}`)
	g := s.group("staff", a)
	names := func(r *reply) string {
		var out []string
		for i := range 10 {
			if id := r.at("Resources", i, "id"); id != "" {
				out = append(out, map[string]string{a: "a", b: "b", g: "g"}[id])
			}
		}
		return strings.Join(out, "")
	}
	for _, c := range []struct{ filter, want string }{
		{`userName eq "anna"`, "a"},
		{`USERNAME EQ "BOB"`, "b"},
		{`urn:ietf:params:scim:schemas:core:2.0:User:userName eq "bob"`, "b"},
		{`userName ne "bob"`, "a"},
		{`externalId eq "E1"`, "a"},
		{`externalId eq "e1"`, ""},
		{`title pr`, "a"},
		{`not (title pr)`, "b"},
		{`title ne "Dr"`, "b"},
		{`title eq null`, "b"},
		{`not (userName eq "anna" or userName eq "bob")`, ""},
		{`userName co "N"`, "a"},
		{`userName sw "B"`, "b"},
		{`userName ew "OB"`, "b"},
		{`userName gt "anna"`, "b"},
		{`userName le "anna"`, "a"},
		{`active eq true`, "a"},
		{`active eq "False"`, "b"},
		{`emails eq "b@x"`, "b"},
		{`emails.value eq "A@X"`, "a"},
		{`emails co "home"`, "a"},
		{`emails pr`, "ab"},
		{`emails[type eq "work" and value co "@x"]`, "a"},
		{`emails[type eq "home" and value co "@x"]`, "b"},
		{`emails[type eq "work"].value eq "a@x"`, "a"},
		{`emails[primary eq true]`, "a"},
		{`emails[not (type eq "home")]`, "a"},
		{`emails.type ne "home"`, "a"},
		{`name.familyName eq "zed"`, "a"},
		{`meta.created gt "2020-01-01T00:00:00Z"`, "ab"},
		{`meta.lastModified lt "2020-01-01T00:00:00Z"`, ""},
		{`meta.resourceType eq "User"`, "ab"},
		{`schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`, "b"},
		{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "sales"`, "b"},
		{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq "` + a + `"`, "b"},
		{`groups.value eq "` + g + `"`, "a"},
		{`groups.display eq "STAFF"`, "a"},
		{`id eq "` + b + `" and (active eq false)`, "b"},
		{`userName eq "quote\"d"`, ""},
	} {
		r := s.do("GET", "/Users?filter="+escape(c.filter), "").want(200)
		if got := names(r); got != c.want {
			t.Errorf("%s finds %q, not %q", c.filter, got, c.want)
		}
	}
	for _, f := range []string{
		`userName`, `userName eq`, `userName eq anna`, `userName eq "anna`, `(userName eq "a"`, `userName eq "a")`, `userName zz "a"`,
		`nonsense eq "a"`, `userName.x eq "a"`, `password eq "a"`, `password pr`, `active gt true`, `active eq "maybe"`, `active co "t"`,
		`userName eq 1`, `userName co 1`, `meta.created eq "yesterday"`, `name eq "x"`, `emails[value eq "a"`, `emails[emails[value eq "a"]]`, `x509Certificates.value gt "a"`,
		`userName eq "a" nand userName eq "b"`, `not userName eq "a"`, `emails[nonsense eq "a"]`, `userName[value eq "a"]`, `urn:x:y:userName eq "a"`,
		strings.Repeat("(", 200_000), strings.Repeat("not (", 1000), strings.Repeat(`title pr or `, 1000) + `title pr`, "\x00", `)`,
	} {
		s.refused(s.do("GET", "/Users?filter="+escape(f), ""), statusOf(f), checkOf(f))
	}
	s.do("GET", "/Groups?filter="+escape(`id eq "`+g+`" and members eq "`+a+`"`)+"&excludedAttributes=members", "").want(200).has("1", "totalResults").has("", "Resources", 0, "members")
	s.do("GET", "/Groups?filter="+escape(`members.value eq "`+b+`"`), "").want(200).has("0", "totalResults")
	for _, c := range []struct{ query, want string }{
		{"sortBy=userName", "ab"},
		{"sortBy=userName&sortOrder=descending", "ba"},
		{"sortBy=name.familyName", "ba"},
		{"sortBy=title", "ab"},
		{"sortBy=title&sortOrder=descending", "ba"},
		{"sortBy=emails", "ab"},
		{"startIndex=2", "b"},
		{"startIndex=0&count=1", "a"},
		{"startIndex=3", ""},
		{"count=0", ""},
		{"count=-1", ""},
	} {
		r := s.do("GET", "/Users?"+c.query, "").want(200).has("2", "totalResults")
		if got := names(r); got != c.want {
			t.Errorf("%s gives %q, not %q", c.query, got, c.want)
		}
	}
	s.do("POST", "/Users/.search", `{"schemas":["`+scim.SearchURN+`"],"filter":"userName sw \"b\"","attributes":["userName"],"count":5}`).want(200).has("bob", "Resources", 0, "userName").has("", "Resources", 0, "emails")
	s.do("POST", "/.search", `{"schemas":["`+scim.SearchURN+`"],"filter":"displayName eq \"staff\" or userName eq \"bob\"","startIndex":2,"count":1}`).want(200).has("2", "totalResults").has(g, "Resources", 0, "id")
	s.do("GET", "/?filter="+escape(`meta.resourceType eq "Group"`), "").want(200).has("1", "totalResults")
	s.refused(s.do("GET", "/Users?sortBy=password", ""), 400, scim.CheckInvalidPath)
	s.refused(s.do("GET", "/Users?count=x", ""), 400, scim.CheckInvalidValue)
}

func statusOf(f string) int {
	if 3*len(f) > 32<<10 {
		return 413
	}
	return 400
}

func checkOf(f string) scim.Check {
	if 3*len(f) > 32<<10 {
		return scim.CheckTooLarge
	}
	return scim.CheckInvalidFilter
}

func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		const hex = "0123456789ABCDEF"
		b.WriteString("%" + string(hex[s[i]>>4]) + string(hex[s[i]&15]))
	}
	return b.String()
}

func TestCursors_RFC9865(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	for _, n := range []string{"a", "b", "c", "d", "e"} {
		s.user(n, "")
	}
	got, cursor := "", ""
	for range 5 {
		r := s.do("GET", "/Users?count=2&cursor="+cursor, "").want(200).has("", "startIndex")
		for i := range 2 {
			got += r.at("Resources", i, "userName")
		}
		if cursor = r.at("nextCursor"); cursor == "" {
			break
		}
	}
	if got != "abcde" {
		t.Errorf("pages give %q", got)
	}
	next := s.do("GET", "/Users?count=2&cursor", "").want(200).at("nextCursor")
	s.refused(s.do("GET", "/Users?cursor=nonsense", ""), 400, scim.CheckInvalidCursor)
	s.refused(s.do("GET", "/Users?sortBy=userName&cursor="+next, ""), 400, scim.CheckInvalidCursor)
	s.refused(s.do("GET", "/Users?cursor="+next, "", "Authorization", "Bearer other"), 400, scim.CheckInvalidCursor)
	s.refused(s.do("GET", "/Users?count=x&cursor", ""), 400, scim.CheckInvalidCount)
	s.refused(s.do("GET", "/Users?startIndex=2&cursor="+next, ""), 400, scim.CheckInvalidValue)
}

func TestRouting(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/Nothing", 404},
		{"GET", "/Users/x/y", 404},
		{"PUT", "/Users", 405},
		{"POST", "/Users/x", 405},
		{"GET", "/Bulk", 405},
		{"POST", "/Schemas", 405},
		{"GET", "/Me", 501},
		{"GET", "/Users/", 200},
		{"GET", "/users", 404},
		{"DELETE", "/", 405},
		{"GET", "/Users/%2e%2e", 404},
	} {
		if r := s.do(c.method, c.path, ""); r.status != c.status {
			t.Errorf("%s %s: %d, not %d", c.method, c.path, r.status, c.status)
		}
	}
}

func TestDiscovery_RFC7644_4(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *scim.Config) {
		c.Rules = []scim.AttributeRule{{Type: "User", Path: "roles", Rule: scim.Refuse}, {Type: "User", Path: "name.middleName", Rule: scim.Ignore}, {Type: "User", Path: "title", Rule: scim.MakeReadOnly}}
	})
	s.do("GET", "/ServiceProviderConfig", "").want(200).has("true", "patch", "supported").has("false", "changePassword", "supported").has("true", "pagination", "cursor").has("1000", "bulk", "maxOperations")
	s.do("GET", "/ResourceTypes", "").want(200).has("2", "totalResults").has("/Groups", "Resources", 1, "endpoint")
	s.do("GET", "/ResourceTypes/User", "").want(200).has(scim.EnterpriseURN, "schemaExtensions", 0, "schema")
	s.do("GET", "/Schemas", "").want(200).has("3", "totalResults")
	r := s.do("GET", "/Schemas/"+scim.UserURN, "").want(200).has("server", "attributes", 0, "uniqueness").has("string", "attributes", 0, "type")
	for _, gone := range []string{`"password"`, `"roles"`, `"middleName"`} {
		if strings.Contains(r.text, gone) {
			t.Errorf("the schema has %s", gone)
		}
	}
	s.refused(s.do("GET", "/Schemas?filter=x", ""), 403, scim.CheckForbidden)
	s.refused(s.do("POST", "/Users", `{`+userSchemas+`,"userName":"a","roles":[{"value":"admin"}]}`), 400, scim.CheckInvalidValue)
	u := s.user("b", `"password":"x","title":"Dr","name":{"middleName":"M","givenName":"G"}`)
	s.do("GET", "/Users/"+u, "").want(200).has("", "title").has(`{"givenName":"G"}`, "name")
	s.refused(s.do("PATCH", "/Users/"+u, patchBody(`{"op":"replace","path":"title","value":"x"}`)), 400, scim.CheckMutability)
	s.refused(s.do("PATCH", "/Users/"+u, patchBody(`{"op":"replace","path":"roles","value":[{"value":"x"}]}`)), 400, scim.CheckInvalidValue)
	s.do("PATCH", "/Users/"+u, patchBody(`{"op":"replace","path":"password","value":"x"}`)).want(200)
}

func TestMe_RFC7644_3_11(t *testing.T) {
	t.Parallel()
	var me string
	s := newServer(t, func(c *scim.Config) {
		c.Me = func(context.Context, scim.Caller) (string, error) { return me, nil }
	})
	me = s.user("anna", "")
	s.do("GET", "/Me", "").want(200).has("anna", "userName").has("https://app.example/scim/v2/Users/"+me, "meta", "location")
	s.do("PATCH", "/Me", patchBody(`{"op":"add","path":"title","value":"Dr"}`)).want(200).has("Dr", "title")
}
