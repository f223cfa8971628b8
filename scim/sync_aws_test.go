// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-id/gatehouse/scim"
)

// identityCenter is IAM Identity Center's SCIM server as its documentation
// limits it: no startIndex, attributes or excludedAttributes, few filters, one
// value of each list, 100 members a request, groups that never say who is in
// them, no PUT of groups, no versions, and errors of its own shape. It shares
// nothing with the server of this package.
type identityCenter struct {
	config  string // the ServiceProviderConfig
	page    int    // most results
	totals  bool   // lists by position say the total of all; else that of the page
	every   int    // each so many requests are throttled; 0: none
	mu      sync.Mutex
	n, made int
	users   map[string]map[string]any
	groups  map[string]map[string]any
	in      map[string]map[string]bool // members by group
	order   []string
	refused []string // requests that broke a limit
}

func newIdentityCenter() *identityCenter {
	return &identityCenter{
		config: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],"patch":{"supported":true},"bulk":{"supported":false,"maxOperations":1,"maxPayloadSize":1048576},
			"filter":{"supported":true,"maxResults":50},"changePassword":{"supported":false},"sort":{"supported":false},"etag":{"supported":false},"authenticationSchemes":[]}`,
		page: 100, users: map[string]map[string]any{}, groups: map[string]map[string]any{}, in: map[string]map[string]bool{},
	}
}

// awsError is a refusal.
type awsError struct {
	status int
	detail string
}

func limit(format string, args ...any) *awsError { return &awsError{400, fmt.Sprintf(format, args...)} }

func (s *identityCenter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body := bodyOf(r)
	status, out, bad := s.serve(r, body)
	if bad != nil {
		if bad.status == 400 || bad.status == 405 {
			s.refused = append(s.refused, r.Method+" "+r.URL.String()+" "+body+": "+bad.detail)
		}
		const urn = "urn:ietf:params:scim:api:messages:2.0:Error"
		status, out = bad.status, map[string]any{
			"schema": []string{urn}, "schemas": []string{urn}, "detail": bad.detail, "status": strconv.Itoa(bad.status),
			"exceptionRequestId": fmt.Sprint("request-", s.n), "timeStamp": "2026-11-24 12:00:00.000",
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if out != nil {
		_ = json.NewEncoder(w).Encode(out)
	}
}

func (s *identityCenter) serve(r *http.Request, body string) (int, any, *awsError) {
	s.n++
	path, ok := strings.CutPrefix(r.URL.Path, "/TENANT/scim/v2/")
	switch {
	case !ok || r.Header.Get("Authorization") != "Bearer good":
		return 0, nil, &awsError{401, "UnauthorizedException"}
	case s.every > 0 && s.n%s.every == 0:
		return 0, nil, &awsError{429, "ThrottlingException"}
	case r.Header.Get("If-Match") != "":
		return 0, nil, limit("If-Match is not supported")
	case path == "ServiceProviderConfig" && r.Method == "GET":
		return 200, json.RawMessage(s.config), nil
	}
	var in map[string]any
	if body != "" {
		if err := json.Unmarshal([]byte(body), &in); err != nil {
			return 0, nil, limit("Request is unparsable, syntactically incorrect, or violates schema.")
		}
	}
	kind, id, one := strings.Cut(path, "/")
	all := map[string]map[string]map[string]any{"Users": s.users, "Groups": s.groups}[kind]
	switch {
	case all == nil:
		return 0, nil, &awsError{404, "no such endpoint"}
	case !one && r.Method == "GET":
		return s.list(r, kind, all)
	case !one && r.Method == "POST":
		return s.create(kind, all, in)
	case one && all[id] == nil:
		return 0, nil, &awsError{404, "ResourceNotFoundException"}
	case r.Method == "GET" && r.URL.RawQuery == "":
		return 200, all[id], nil
	case r.Method == "DELETE":
		delete(all, id)
		delete(s.in, id)
		for _, in := range s.in {
			delete(in, id)
		}
		return 204, nil, nil
	case kind == "Users" && r.Method == "PUT":
		if bad := checkAWSUser(in); bad != nil {
			return 0, nil, bad
		}
		in["id"] = id
		s.users[id] = in
		return 200, in, nil
	case kind == "Users" && r.Method == "PATCH":
		u, bad := patchAWSUser(s.users[id], in)
		if bad != nil {
			return 0, nil, bad
		}
		s.users[id] = u
		return 200, u, nil
	case kind == "Groups" && r.Method == "PATCH":
		if bad := s.patchGroup(id, in); bad != nil {
			return 0, nil, bad
		}
		return 204, nil, nil
	}
	return 0, nil, &awsError{405, "MethodNotAllowed"}
}

var awsCursor = regexp.MustCompile(`^[-a-zA-Z0-9+=/:_]*$`)

func (s *identityCenter) list(r *http.Request, kind string, all map[string]map[string]any) (int, any, *awsError) {
	q, count := r.URL.Query(), s.page
	for name := range q {
		if !slices.Contains([]string{"filter", "count", "cursor"}, name) {
			return 0, nil, limit("parameter %s is not supported", name)
		}
	}
	if q.Has("count") {
		n, err := strconv.Atoi(q.Get("count"))
		if err != nil || n < 1 || n > 100 {
			return 0, nil, limit("count %q is not between 1 and 100", q.Get("count"))
		}
		count = min(n, s.page)
	}
	if !awsCursor.MatchString(q.Get("cursor")) {
		return 0, nil, limit("cursor is malformed")
	}
	match, bad := s.filter(kind, q.Get("filter"))
	if bad != nil {
		return 0, nil, bad
	}
	var found []map[string]any
	for _, id := range s.order {
		if o := all[id]; o != nil && match(id, o) {
			found = append(found, o)
		}
	}
	total := len(found)
	from, _ := strconv.Atoi(strings.TrimPrefix(q.Get("cursor"), "c:"))
	found = found[min(from, len(found)):]
	more := len(found) > count
	found = found[:min(count, len(found))]
	out := map[string]any{"schemas": []string{scim.ListResponseURN}, "itemsPerPage": len(found), "Resources": append([]map[string]any{}, found...)}
	if !q.Has("cursor") {
		out["startIndex"], out["totalResults"] = 1, len(found)
		if s.totals {
			out["totalResults"] = total
		}
	} else if more {
		out["nextCursor"] = fmt.Sprint("c:", from+count)
	}
	return 200, out, nil
}

var awsFilters = map[string]*regexp.Regexp{
	"Users":  regexp.MustCompile(`^(?:(userName|externalId|groups\.value) eq "([^"]*)"|id eq "([^"]*)" and manager eq "([^"]*)")$`),
	"Groups": regexp.MustCompile(`^(?:(displayName|externalId|members\.value) eq "([^"]*)"|id eq "([^"]*)" and members eq "([^"]*)")$`),
}

func (s *identityCenter) filter(kind, text string) (func(id string, o map[string]any) bool, *awsError) {
	if text == "" {
		return func(string, map[string]any) bool { return true }, nil
	}
	m := awsFilters[kind].FindStringSubmatch(text)
	if m == nil {
		return nil, limit("filter %s is not supported", text)
	}
	return func(id string, o map[string]any) bool {
		switch m[1] {
		case "":
			return id == m[3] && s.in[id][m[4]]
		case "groups.value":
			return s.in[m[2]][id]
		case "members.value":
			return s.in[id][m[2]]
		}
		text, _ := o[m[1]].(string)
		return strings.EqualFold(text, m[2])
	}, nil
}

func (s *identityCenter) create(kind string, all map[string]map[string]any, in map[string]any) (int, any, *awsError) {
	name := "userName"
	var bad *awsError
	if kind == "Users" {
		bad = checkAWSUser(in)
	} else {
		name = "displayName"
		bad = s.checkMembers(in["members"])
	}
	switch {
	case bad != nil:
		return 0, nil, bad
	case in["id"] != nil || in["meta"] != nil || text(in, name) == "":
		return 0, nil, limit("id, meta or no %s", name)
	}
	for _, o := range all {
		if strings.EqualFold(text(o, name), text(in, name)) || text(in, "externalId") != "" && text(o, "externalId") == text(in, "externalId") {
			return 0, nil, &awsError{409, "Resource already exists."}
		}
	}
	s.made++
	id := fmt.Sprintf("%s-%d", kind, s.made)
	o := maps.Clone(in)
	o["id"], o["meta"] = id, map[string]any{"resourceType": strings.TrimSuffix(kind, "s"), "created": "2026-11-24T12:00:00Z"}
	if kind == "Groups" {
		s.in[id] = map[string]bool{}
		for _, m := range memberIDs(in["members"]) {
			s.in[id][m] = true
		}
		o["members"] = []any{}
	}
	all[id] = o
	s.order = append(s.order, id)
	return 201, o, nil
}

func text(o map[string]any, name string) string { s, _ := o[name].(string); return s }

func memberIDs(v any) (out []string) {
	list, _ := v.([]any)
	for _, m := range list {
		o, _ := m.(map[string]any)
		out = append(out, text(o, "value"))
	}
	return out
}

func (s *identityCenter) checkMembers(v any) *awsError {
	ids := memberIDs(v)
	if len(ids) > 100 {
		return limit("%d members", len(ids))
	}
	for _, id := range ids {
		if s.users[id] == nil {
			return limit("member %q is no user", id)
		}
	}
	return nil
}

func checkAWSUser(u map[string]any) *awsError {
	name, _ := u["name"].(map[string]any)
	for what, v := range map[string]string{"userName": text(u, "userName"), "displayName": text(u, "displayName"), "givenName": text(name, "givenName"), "familyName": text(name, "familyName")} {
		if v == "" {
			return limit("%s is required", what)
		}
	}
	for _, no := range []string{"password", "ims", "photos", "x509Certificates", "entitlements", "groups"} {
		if u[no] != nil {
			return limit("%s is not supported", no)
		}
	}
	for attr, v := range u {
		list, ok := v.([]any)
		if !ok || attr == "schemas" {
			continue
		}
		if len(list) > 1 {
			return limit("%s has more than one value", attr)
		}
		for _, e := range list {
			o, _ := e.(map[string]any)
			if o["display"] != nil || attr == "emails" && o["primary"] != true {
				return limit("%s has display, or is not primary", attr)
			}
		}
	}
	return nil
}

func patchAWSUser(old, in map[string]any) (map[string]any, *awsError) {
	b, _ := json.Marshal(old)
	var u map[string]any
	_ = json.Unmarshal(b, &u)
	ops, _ := in["Operations"].([]any)
	times := map[string]int{}
	for _, op := range ops {
		op, _ := op.(map[string]any)
		path, kind := text(op, "path"), text(op, "op")
		to, last := u, path
		times[path]++
		switch {
		case !slices.Contains([]string{"add", "remove", "replace"}, kind) || path == "" && kind == "remove":
			return nil, limit("op %q of path %q", kind, path)
		case (path == "userName" || path == "active") && (kind == "remove" || times[path] > 1):
			return nil, limit("%s: removed, or changed twice", path)
		case path == "":
			v, _ := op["value"].(map[string]any)
			maps.Copy(u, v)
			continue
		}
		if rest, ok := strings.CutPrefix(path, scim.EnterpriseURN+":"); ok {
			to, last = within(u, scim.EnterpriseURN), rest
		} else if first, rest, ok := strings.Cut(path, "."); ok {
			to, last = within(u, first), rest
		}
		if kind == "remove" {
			delete(to, last)
		} else {
			to[last] = op["value"]
		}
	}
	if len(ops) == 0 {
		return nil, limit("no operations")
	}
	return u, checkAWSUser(u)
}

func within(u map[string]any, name string) map[string]any {
	o, ok := u[name].(map[string]any)
	if !ok {
		o = map[string]any{}
		u[name] = o
	}
	return o
}

func (s *identityCenter) patchGroup(id string, in map[string]any) *awsError {
	ops, _ := in["Operations"].([]any)
	n := 0
	for _, op := range ops {
		op, _ := op.(map[string]any)
		path, kind := text(op, "path"), text(op, "op")
		switch {
		case path == "members" && kind != "replace" && op["value"] != nil:
			if bad := s.checkMembers(op["value"]); bad != nil {
				return bad
			}
			for _, m := range memberIDs(op["value"]) {
				n++
				if kind == "add" {
					s.in[id][m] = true
				} else {
					delete(s.in[id], m)
				}
			}
		case (path == "displayName" || path == "externalId") && kind == "replace":
			s.groups[id][path] = op["value"]
		default:
			return limit("op %q of path %q", kind, path)
		}
	}
	if n > 100 || len(ops) == 0 {
		return limit("%d members, %d operations", n, len(ops))
	}
	return nil
}

// over makes a client of the double.
func (s *identityCenter) over(t testing.TB, change func(*scim.ClientConfig)) *scim.Client {
	c, _ := clientOver(t, &wire{h: s}, func(c *scim.ClientConfig) {
		c.BaseURL = "https://scim.eu-west-1.amazonaws.com/TENANT/scim/v2/"
		if change != nil {
			change(c)
		}
	})
	if c.Profile() != scim.AWS {
		t.Fatal("the profile is not known by the name")
	}
	return c
}

func (s *identityCenter) noRefusals(t testing.TB) {
	t.Helper()
	for _, r := range s.refused {
		t.Error(r)
	}
}

// What the double refuses, it refuses; or the tests below say nothing.
func TestIdentityCenterHasLimits(t *testing.T) {
	t.Parallel()
	s := newIdentityCenter()
	good := `"userName":"ann","displayName":"Ann","name":{"givenName":"A","familyName":"B"}`
	ask := func(method, path, body string) int {
		r := httptest.NewRequest(method, "https://scim.eu-west-1.amazonaws.com/TENANT/scim/v2"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer good")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	if ask("POST", "/Users", `{`+good+`}`) != 201 || ask("POST", "/Groups", `{"displayName":"g","members":[{"value":"Users-1"}]}`) != 201 {
		t.Fatal(s.refused)
	}
	var many []string
	for range 101 {
		many = append(many, `{"value":"Users-1"}`)
	}
	for _, tc := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/Users?startIndex=2", "", 400},
		{"GET", "/Users?excludedAttributes=groups", "", 400},
		{"GET", "/Users?count=101", "", 400},
		{"GET", "/Users?cursor=%21", "", 400},
		{"GET", "/Users?filter=title+eq+%22x%22", "", 400},
		{"GET", "/Users?filter=userName+co+%22x%22", "", 400},
		{"POST", "/Users", `{"userName":"x","displayName":"X","name":{"givenName":"A"}}`, 400},
		{"POST", "/Users", `{"userName":"x","name":{"givenName":"A","familyName":"B"}}`, 400},
		{"POST", "/Users", strings.Replace(`{`+good+`,"emails":[{"value":"a@x"}]}`, "ann", "x", 1), 400},
		{"POST", "/Users", strings.Replace(`{`+good+`,"phoneNumbers":[{"value":"1"},{"value":"2"}]}`, "ann", "x", 1), 400},
		{"POST", "/Users", strings.Replace(`{`+good+`,"photos":[{"value":"1"}]}`, "ann", "x", 1), 400},
		{"POST", "/Users", `{` + good + `}`, 409},
		{"PATCH", "/Users/Users-1", `{"Operations":[{"op":"remove","path":"active"}]}`, 400},
		{"PATCH", "/Users/Users-1", `{"Operations":[{"op":"replace","path":"active","value":true},{"op":"replace","path":"active","value":false}]}`, 400},
		{"PATCH", "/Users/Users-1", `{"Operations":[{"op":"remove","path":"displayName"}]}`, 400},
		{"PUT", "/Groups/Groups-2", `{"displayName":"h"}`, 405},
		{"PATCH", "/Groups/Groups-2", `{"Operations":[{"op":"replace","path":"members","value":[]}]}`, 400},
		{"PATCH", "/Groups/Groups-2", `{"Operations":[{"op":"remove","path":"members"}]}`, 400},
		{"PATCH", "/Groups/Groups-2", `{"Operations":[{"op":"add","path":"members","value":[{"value":"Groups-2"}]}]}`, 400},
		{"PATCH", "/Groups/Groups-2", `{"Operations":[{"op":"add","path":"members","value":[` + strings.Join(many, ",") + `]}]}`, 400},
		{"POST", "/Groups", `{"displayName":"h","members":[` + strings.Join(many, ",") + `]}`, 400},
		{"GET", "/Users/nobody", "", 404},
	} {
		if got := ask(tc.method, tc.path, tc.body); got != tc.status {
			t.Errorf("%s %s %.100s: %d, want %d", tc.method, tc.path, tc.body, got, tc.status)
		}
	}
}

// Sync works within the limits, throttled or not, with pages of 50 or 100.
func TestSyncAWS(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		page, every int
		config      string
	}{{100, 0, ""}, {50, 0, ""}, {50, 5, ""}, {100, 0, `{"patch":{"supported":true},"filter":{"supported":true}}`}, {100, 3, `{}`}} {
		t.Run(fmt.Sprint(tc), func(t *testing.T) {
			t.Parallel()
			s := newIdentityCenter()
			s.page, s.every = tc.page, tc.every
			if tc.config != "" {
				s.config = tc.config
			}
			c := s.over(t, func(c *scim.ClientConfig) { c.Attempts = 20 })
			src := team(250)
			report(src, 0, 249)
			report(src, 249, 0)
			for _, u := range src.People {
				u.Emails = append(u.Emails, scim.Value{Value: "second@example.com", Type: "home"})
				u.Emails[0].Primary, u.Emails[0].Display = false, "x"
				u.Photos = []scim.Value{{Value: "https://example.com/p"}}
			}
			src.Teams = append(src.Teams, &scim.Group{Base: scim.Base{ID: "h"}, DisplayName: "Few", Members: src.Teams[0].Members[:3]})
			converge(t, newSync(t, src, c, nil), scim.ApplyOptions{})
			if len(s.users) != 250 || len(s.groups) != 2 {
				t.Fatal(len(s.users), len(s.groups))
			}
			src.Teams[0].Members, src.Teams[0].DisplayName = src.Teams[0].Members[:20], "Some"
			src.People[0].Title, src.People[1].Emails, src.People[2].UserName = "Lead", nil, "renamed@example.com"
			no := false
			src.People[3].Active = &no
			src.People = src.People[:245]
			report(src, 0, 1)
			p := converge(t, newSync(t, src, c, nil), scim.ApplyOptions{ConfirmRemovals: 225})
			if n := p.Counts(); n.RemoveMembers != 230 || n.Update != 3 || n.Deactivate != 6 || n.UpdateGroups != 1 {
				t.Fatal(p.Summary())
			}
			src.Teams = src.Teams[:1]
			p = converge(t, newSync(t, src, c, func(c *scim.SyncConfig) { c.Orphans = scim.DeleteOrphans }), scim.ApplyOptions{})
			if n := p.Counts(); n.Delete != 5 || n.DeleteGroups != 1 {
				t.Fatal(p.Summary())
			}
			// Identity Center as the source: who is in a group is found out there too.
			w, _ := clientServer(t)
			to, _ := clientOver(t, w, nil)
			p = converge(t, newSync(t, scim.ClientSource(c), to, nil), scim.ApplyOptions{})
			if n := p.Counts(); n.Create != 244 || n.AddMembers != 19 {
				t.Fatal(p.Summary())
			}
			s.noRefusals(t)
		})
	}
}

// What Identity Center cannot hold is named, and keeps nobody else out.
func TestSyncAWSProblems(t *testing.T) {
	t.Parallel()
	s := newIdentityCenter()
	c := s.over(t, nil)
	src := team(5)
	src.People[0].Name = nil
	src.People[1].DisplayName = ""
	src.Teams = append(src.Teams, &scim.Group{Base: scim.Base{ID: "h"}, DisplayName: "Outer", Members: []scim.Member{{Value: "g", Type: "Group"}, {Value: "4", Type: "User"}}})
	sync := newSync(t, src, c, nil)
	p := planOf(t, sync)
	if n := p.Counts(); n.Create != 3 || n.CreateGroups != 2 || n.AddMembers != 4 || len(p.Problems) != 3 {
		t.Fatal(p)
	}
	for _, want := range []string{"needs name.familyName", "needs displayName", "no groups in groups"} {
		if !strings.Contains(p.String(), want) {
			t.Errorf("%q is not in %s", want, p)
		}
	}
	if _, err := sync.Apply(t.Context(), p, scim.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	if p = planOf(t, sync); !p.Empty() || len(p.Problems) != 3 {
		t.Fatal(p)
	}
	s.noRefusals(t)
}

// A create whose answer was lost is adopted by the filters that there are.
func TestClientEnsureAWS(t *testing.T) {
	t.Parallel()
	s := newIdentityCenter()
	c := s.over(t, nil)
	u := &scim.User{Base: scim.Base{ExternalID: "1"}, UserName: "ann", DisplayName: "Ann", Name: &scim.Name{GivenName: "A", FamilyName: "B"}}
	for i := range 2 {
		if _, created, err := c.EnsureUser(t.Context(), u); err != nil || created != (i == 0) {
			t.Fatal(created, err)
		}
		if _, created, err := c.EnsureGroup(t.Context(), &scim.Group{DisplayName: "g"}); err != nil || created != (i == 0) {
			t.Fatal(created, err)
		}
	}
	s.noRefusals(t)
	_, err := c.Users().Create(t.Context(), &scim.User{UserName: "x"})
	wantCheck(t, err, scim.CheckInvalidSyntax)
	if !strings.Contains(err.Error(), "is required") || !strings.Contains(err.Error(), `(request "request-`) {
		t.Fatal(err)
	}
}

// Asked to read by index, where there is no startIndex, a client does not take
// the first page for all.
func TestClientIndexAWS(t *testing.T) {
	t.Parallel()
	for _, totals := range []bool{true, false} {
		s := newIdentityCenter()
		s.totals, s.page = totals, 50
		c := s.over(t, nil)
		if _, err := newSync(t, people(60), c, nil).Apply(t.Context(), planOf(t, newSync(t, people(60), c, nil)), scim.ApplyOptions{}); err != nil {
			t.Fatal(err)
		}
		var last error
		for _, err := range c.Users().All(t.Context(), scim.ListOptions{Paging: scim.PagingIndex, Size: 50}) {
			last = err
		}
		wantCheck(t, last, scim.CheckInvalidSyntax)
	}
}
