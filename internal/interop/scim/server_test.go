// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-id/gatehouse/scim"
)

// handler serves both stores; the bearer token is the tenant.
func handler(t testing.TB, users scim.Store[scim.User], groups scim.Store[scim.Group], change func(*scim.Config)) http.Handler {
	t.Helper()
	c := scim.Config{
		BaseURL: "https://app.example/scim/v2", Users: users, Groups: groups,
		Authenticate: func(r *http.Request) (scim.Caller, error) {
			return scim.Caller{Tenant: scim.Bearer(r), Actor: "test"}, nil
		},
		OnError: func(r *http.Request, err *scim.Error) {
			if err.Status() >= 500 && r.Context().Err() == nil {
				t.Logf("%s %s: %v", r.Method, r.URL, err)
			}
		},
	}
	if change != nil {
		change(&c)
	}
	h, err := scim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func do(h http.Handler, method, path, body string) (int, map[string]any) {
	r := httptest.NewRequest(method, "https://app.example/scim/v2"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer acme")
	r.Header.Set("Content-Type", "application/scim+json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var out map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &out)
	return w.Code, out
}

func must(t testing.TB, h http.Handler, method, path, body string) map[string]any {
	t.Helper()
	code, out := do(h, method, path, body)
	if code >= 300 {
		t.Fatalf("%s %s: %d %v", method, path, code, out)
	}
	return out
}

// backends are handlers over every kind of store.
func backends(t *testing.T) map[string]http.Handler {
	out := map[string]http.Handler{}
	m := scim.NewMemoryStore(100_000)
	out["memory"] = handler(t, m.Users(), m.Groups(), nil)
	for name, open := range databases {
		if name == "postgres" && !hasPostgres(t) {
			continue
		}
		_, s := stores(t, open(t))
		out[name] = handler(t, s.Users, s.Groups, nil)
	}
	return out
}

func patch(ops string) string {
	return `{"schemas":["` + scim.PatchOpURN + `"],"Operations":[` + ops + `]}`
}

const userSchemas = `"schemas":["` + scim.UserURN + `"]`

func TestFiftyConcurrentPatches(t *testing.T) {
	for name, h := range backends(t) {
		t.Run(name, func(t *testing.T) {
			g := must(t, h, "POST", "/Groups", `{"schemas":["`+scim.GroupURN+`"],"displayName":"staff"}`)["id"].(string)
			var users []string
			for i := range 50 {
				users = append(users, must(t, h, "POST", "/Users", fmt.Sprintf(`{%s,"userName":"u%d"}`, userSchemas, i))["id"].(string))
			}
			codes := make([]int, 50)
			var wg sync.WaitGroup
			for i, u := range users {
				wg.Go(func() {
					op := `{"op":"add","path":"members","value":[{"value":"` + u + `"}]}`
					if i%2 == 0 { // loads the group
						op += `,{"op":"add","path":"externalId","value":"` + u + `"}`
					}
					codes[i], _ = do(h, "PATCH", "/Groups/"+g, patch(op))
				})
			}
			wg.Wait()
			members := fmt.Sprint(must(t, h, "GET", "/Groups/"+g, "")["members"])
			for i, u := range users {
				if codes[i] != 204 || !strings.Contains(members, u) {
					t.Errorf("member %d: %d", i, codes[i])
				}
			}
		})
	}
}

// The databases find what evaluating the filter over every resource finds.
func TestFiltersAgree(t *testing.T) {
	all := backends(t)
	people := []string{
		`"userName":"Anna","title":"Dr","name":{"familyName":"Zed","givenName":"Ann"},"emails":[{"value":"a@x","type":"work","primary":true},{"value":"A@home","type":"home"}],"externalId":"E1"`,
		`"userName":"bob","active":false,"emails":[{"value":"b@x","type":"home"}],"` + scim.EnterpriseURN + `":{"department":"Sales","manager":{"value":"m"}}`,
		`"userName":"carl","title":"dr","emails":[{"value":"a%x"},{"value":"c_x","type":"WORK"}],"roles":[{"value":"admin","primary":true}]`,
		`"userName":"Ébert","displayName":"é","title":"a\\b","` + scim.EnterpriseURN + `":{"department":"sales"}`,
		`"userName":"` + strings.Repeat("x", 300) + `1","nickName":"` + strings.Repeat("y", 300) + `"`,
		`"userName":"` + strings.Repeat("x", 200) + `2","nickName":"` + strings.Repeat("y", 301) + `","x509Certificates":[{"value":"QUJD"}]`,
	}
	for _, h := range all {
		var ids []string
		for _, p := range people {
			ids = append(ids, must(t, h, "POST", "/Users", `{`+userSchemas+`,`+p+`}`)["id"].(string))
		}
		inner := must(t, h, "POST", "/Groups", `{"schemas":["`+scim.GroupURN+`"],"displayName":"Inner","members":[{"value":"`+ids[0]+`"},{"value":"`+ids[1]+`"}]}`)["id"].(string)
		must(t, h, "POST", "/Groups", `{"schemas":["`+scim.GroupURN+`"],"displayName":"outer","members":[{"value":"`+inner+`"},{"value":"`+ids[2]+`"}]}`)
	}
	long := strings.Repeat("y", 300)
	texts := []string{"anna", "ANNA", "dr", "a", "x", "", "%", "_", "é", "É", "home", "work", "sales", `a\b`, "b@x", "E1", "admin", "m", long, long + "y", "y", "QUJD", "inner", "outer"}
	paths := []string{"userName", "title", "displayName", "nickName", "name.familyName", "externalId", "emails", "emails.value", "emails.type", "roles.value", scim.EnterpriseURN + ":department", scim.EnterpriseURN + ":manager", "x509Certificates.value"}
	subs := []string{"value", "type", "display"}
	ops := []string{"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"}
	quote := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	leaf := func(r *rapid.T, paths []string) string {
		path := rapid.SampledFrom(paths).Draw(r, "path")
		switch rapid.IntRange(0, 9).Draw(r, "kind") {
		case 0:
			return path + " pr"
		case 1:
			return path + " eq null"
		}
		op := rapid.SampledFrom(ops).Draw(r, "op")
		if strings.HasPrefix(path, "x509") && slices.Contains(ops[5:], op) {
			op = "eq"
		}
		return path + " " + op + " " + quote(rapid.SampledFrom(texts).Draw(r, "text"))
	}
	var expr func(r *rapid.T, depth int, within bool) string
	expr = func(r *rapid.T, depth int, within bool) string {
		n := rapid.IntRange(0, 9).Draw(r, "node")
		if depth == 0 {
			n = min(n, 4)
		}
		switch {
		case n <= 2 && within:
			return leaf(r, subs)
		case n == 3 && within:
			return "primary eq " + rapid.SampledFrom([]string{"true", "false"}).Draw(r, "bool")
		case n <= 2:
			return leaf(r, paths)
		case n == 3:
			return rapid.SampledFrom([]string{
				"active eq false", "active ne true", "meta.created gt \"2020-01-01T00:00:00Z\"", "schemas eq \"" + scim.EnterpriseURN + "\"", "emails.primary eq true", "emails.primary ne true",
				`groups.display eq "INNER"`, `groups.display eq "outer"`, `groups pr`, `meta.resourceType eq "User"`, `id pr`, `groups[display eq "inner"]`,
			}).Draw(r, "special")
		case n == 4 && !within:
			return "emails[" + expr(r, min(depth, 2), true) + "]"
		case n <= 6 && depth > 0:
			return "(" + expr(r, depth-1, within) + " and " + expr(r, depth-1, within) + ")"
		case n <= 8 && depth > 0:
			return "(" + expr(r, depth-1, within) + " or " + expr(r, depth-1, within) + ")"
		case depth > 0:
			return "not (" + expr(r, depth-1, within) + ")"
		}
		return leaf(r, subs)
	}
	rapid.Check(t, func(r *rapid.T) {
		f := expr(r, 3, false)
		if len(f) > 8000 {
			return
		}
		query := "/.search"
		body, _ := json.Marshal(map[string]any{"schemas": []string{scim.SearchURN}, "filter": f, "sortBy": rapid.SampledFrom([]string{"", "userName", "title", "emails"}).Draw(r, "sort")})
		want := ""
		for _, name := range []string{"memory", "sqlite", "postgres"} {
			h, ok := all[name]
			if !ok {
				continue
			}
			code, out := do(h, "POST", "/Users"+query, string(body))
			var found []string
			list, _ := out["Resources"].([]any)
			for _, u := range list {
				found = append(found, fmt.Sprintf("%.10s", u.(map[string]any)["userName"]))
			}
			got := fmt.Sprint(code, out["totalResults"], found)
			if name == "memory" {
				want = got
			} else if got != want && !strings.Contains(f, " ge ") && !strings.Contains(f, " gt ") && !strings.Contains(f, " le ") && !strings.Contains(f, " lt ") || got != want && !strings.Contains(f, long) {
				r.Fatalf("%s\n%s finds %s\nmemory finds %s", f, name, got, want)
			}
		}
	})
}

// A model of what a PATCH does to a few attributes agrees with a GET.
func TestPatchAgreesWithModel(t *testing.T) {
	all := backends(t)
	delete(all, "postgres") // TestFiltersAgree has shown that it finds the same
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		ids := map[string]string{}
		for name, h := range all {
			ids[name] = must(t, h, "POST", "/Users", fmt.Sprintf(`{%s,"userName":"u%d"}`, userSchemas, n))["id"].(string)
		}
		single := map[string]string{} // path -> value
		emails := map[string]string{} // type -> value
		var order []string            // of types
		for range rapid.IntRange(1, 4).Draw(r, "requests") {
			var ops []string
			for range rapid.IntRange(1, 4).Draw(r, "ops") {
				op := rapid.SampledFrom([]string{"add", "replace", "remove"}).Draw(r, "op")
				value := rapid.SampledFrom([]string{"x", "y", "ÿ\"\\"}).Draw(r, "value")
				q, _ := json.Marshal(value)
				if rapid.Bool().Draw(r, "email") {
					kind := rapid.SampledFrom([]string{"work", "home", "other"}).Draw(r, "type")
					path := `emails[type eq \"` + kind + `\"]`
					if op == "remove" {
						ops = append(ops, `{"op":"remove","path":"`+path+`"}`)
						delete(emails, kind)
						order = slices.DeleteFunc(order, func(k string) bool { return k == kind })
						continue
					}
					ops = append(ops, `{"op":"`+op+`","path":"`+path+`.value","value":`+string(q)+`}`)
					if emails[kind] == "" {
						order = append(order, kind)
					}
					emails[kind] = value
					continue
				}
				path := rapid.SampledFrom([]string{"title", "name.givenName", "name.familyName", scim.EnterpriseURN + ":department", scim.EnterpriseURN + ":manager.value"}).Draw(r, "path")
				if op == "remove" {
					ops = append(ops, `{"op":"remove","path":"`+path+`"}`)
					delete(single, path)
				} else {
					ops = append(ops, `{"op":"`+op+`","path":"`+path+`","value":`+string(q)+`}`)
					single[path] = value
				}
			}
			for name, h := range all {
				must(t, h, "PATCH", "/Users/"+ids[name], patch(strings.Join(ops, ",")))
			}
		}
		for name, h := range all {
			u := must(t, h, "GET", "/Users/"+ids[name], "")
			ext, _ := u[scim.EnterpriseURN].(map[string]any)
			parts, _ := u["name"].(map[string]any)
			manager, _ := ext["manager"].(map[string]any)
			for path, got := range map[string]any{
				"title": u["title"], "name.givenName": parts["givenName"], "name.familyName": parts["familyName"],
				scim.EnterpriseURN + ":department": ext["department"], scim.EnterpriseURN + ":manager.value": manager["value"],
			} {
				text, _ := got.(string)
				if text != single[path] {
					r.Fatalf("%s: %s is %q, not %q", name, path, text, single[path])
				}
			}
			list, _ := u["emails"].([]any)
			if len(list) != len(order) {
				r.Fatalf("%s: e-mails %v, not %v", name, list, order)
			}
			for i, e := range list {
				e := e.(map[string]any)
				if e["type"] != order[i] || e["value"] != emails[order[i]] {
					r.Fatalf("%s: e-mails %v, not %v of %v", name, list, order, emails)
				}
			}
			for _, kind := range []string{"work", "home", "other"} {
				want := 0
				if emails[kind] != "" {
					want = 1
				}
				f := url.QueryEscape(`id eq "` + ids[name] + `" and emails[type eq "` + kind + `"]`)
				if out := must(t, h, "GET", "/Users?filter="+f, ""); int(out["totalResults"].(float64)) != want {
					r.Fatalf("%s: the index of e-mails disagrees with the resource for %s", name, kind)
				}
			}
		}
	})
}

func hasPostgres(t *testing.T) (ok bool) {
	ok = true
	t.Run("postgres there", func(t *testing.T) {
		defer func() { ok = !t.Skipped() }()
		postgres(t)
	})
	return ok
}

// A group's name is in an index, and so one that is too long for that is the
// client's mistake, when it is made and later.
func TestLongGroupName(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			_, s := stores(t, open(t))
			h := handler(t, s.Users, s.Groups, nil)
			long := ""
			for len(long) < 1<<14 {
				long += rand.Text()
			}
			group := func(name string) string {
				return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"` + name + `"}`
			}
			if got := answered(t, h, "POST", "/Groups", group(long)); got != "400 invalidValue" {
				t.Errorf("POST: %s", got)
			}
			path := "/Groups/" + must(t, h, "POST", "/Groups", group(long[:1024]))["id"].(string)
			if got := answered(t, h, "PUT", path, group(long)); got != "400 invalidValue" {
				t.Errorf("PUT: %s", got)
			}
		})
	}
}
