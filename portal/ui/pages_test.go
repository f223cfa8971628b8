// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/ui"
)

// allPages is one of every page; TestEveryPageIsListed holds it complete.
var allPages = []ui.Page{
	ui.SignIn{},
	ui.Password{},
	ui.SecondFactor{},
	ui.ContinueAs{},
	ui.SignedOut{},
	ui.Redirect{},
	ui.EnrolTicket{},
	ui.NewPassword{},
	ui.EnrolChoice{},
	ui.EnrolTOTP{},
	ui.EnrolPasskey{},
	ui.RecoveryCodes{},
	ui.PortalHome{},
	ui.Applications{},
	ui.Explain{},
	ui.Credentials{},
	ui.ConsoleConfirm{},
	ui.SAMLPost{},
	ui.DeviceCode{},
	ui.DeviceApprove{},
	ui.Consent{},
	ui.Security{},
	ui.Message{},
	ui.AdminPeople{},
	ui.AdminPerson{},
	ui.AdminRevoked{},
	ui.AdminTicket{},
	ui.AdminGroups{},
	ui.AdminGroup{},
	ui.AdminAccounts{},
	ui.AdminAccount{},
	ui.AdminPermissionSets{},
	ui.AdminAssignments{},
	ui.AdminApplications{},
	ui.AdminApplication{},
	ui.AdminSources{},
	ui.AdminSource{},
	ui.AdminTokens{},
	ui.AdminTokenShown{},
	ui.AdminAudit{},
}

const destination = "https://sp.example/acs"

// filled is page with every string set to s, every flag set, and two entries
// in every list. The fields that choose a part of a page keep a known value.
func filled(page ui.Page, s string) ui.Page {
	v := reflect.New(reflect.TypeOf(page)).Elem()
	fill(v, s)
	switch p := v.Interface().(type) {
	case ui.SAMLPost:
		p.Destination, p.Onward = destination, nil
		return p
	case ui.Redirect:
		p.URL, p.Manual = destination, false
		return p
	case ui.Message:
		p.NoLink = false
		return p
	default:
		return p.(ui.Page)
	}
}

func fill(v reflect.Value, s string) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(now.Add(time.Hour)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(90)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), s)
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field, s)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), s)
		}
	}
}

// variants are the parts of pages that one field chooses.
func variants(s string) []ui.Page {
	pages := []ui.Page{}
	for _, p := range allPages {
		pages = append(pages, filled(p, s))
		switch p.(type) {
		case ui.SAMLPost, ui.Redirect: // need their destination
		default:
			pages = append(pages, p)
		}
	}
	for _, m := range []ui.Method{ui.MethodTOTP, ui.MethodPasskey, ui.MethodRecovery, ui.MethodMailCode} {
		p := filled(ui.SecondFactor{}, s).(ui.SecondFactor)
		p.Current = m
		pages = append(pages, p)
	}
	blocked := filled(ui.AdminPerson{}, s).(ui.AdminPerson)
	blocked.Person.State = ui.StateBlocked
	open := filled(ui.AdminTokens{}, s).(ui.AdminTokens)
	open.Tokens[0].Revoked = false
	chooser := filled(ui.ConsoleConfirm{}, s).(ui.ConsoleConfirm)
	chooser.Role = ""
	unknown := filled(ui.RecoveryCodes{}, s).(ui.RecoveryCodes)
	unknown.Codes = nil
	ended := filled(ui.Security{}, s).(ui.Security)
	ended.Sessions[0].Current = false
	nobody := filled(ui.Message{}, s).(ui.Message)
	nobody.Frame, nobody.Problem = nil, false
	return append(pages, blocked, open, chooser, unknown, ended, nobody)
}

func TestEveryPageIsListed(t *testing.T) {
	listed := map[string]bool{}
	for _, p := range allPages {
		listed[reflect.TypeOf(p).Name()] = true
	}
	for _, file := range sources(t) {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Name.Name != "view" || f.Recv == nil {
				continue
			}
			if name := f.Recv.List[0].Type.(*ast.Ident).Name; !listed[name] {
				t.Errorf("%s is not among allPages", name)
			}
		}
	}
}

func sources(t testing.TB) []*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// constants reads the values of the package's string constants whose names
// begin with prefix.
func constants(t testing.TB, prefix string) []string {
	t.Helper()
	var values []string
	for _, file := range sources(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, prefix) {
				return true
			}
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
				value, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, value)
			}
			return true
		})
	}
	if len(values) < 10 {
		t.Fatalf("only %d constants begin with %s", len(values), prefix)
	}
	return values
}

// Nothing that a person, a directory or a client typed becomes markup, a
// script address or an attribute of its own.
func TestHostileStrings(t *testing.T) {
	const marker = "pwned"
	hostile := `javascript:` + marker + `()//"'><script>` + marker + `()</script><img src=x onerror=` + marker + `()> onclick="` + marker + `" {{.}} </textarea></title>` + "\r\n\x00\u202e"
	u := newUI(t, "/sso")
	tags := regexp.MustCompile(`<[a-zA-Z!/][^>]*>`)
	values := regexp.MustCompile(`"[^"]*"`)
	scripted := regexp.MustCompile(`\s(href|action|formaction|src)="\s*javascript:`)
	for _, page := range variants(hostile) {
		w := render(t, u, page)
		if w.Code != http.StatusOK {
			t.Errorf("%T: status %d", page, w.Code)
			continue
		}
		body := w.Body.String()
		if strings.Count(body, "<script") != strings.Count(body, `<script src="/sso/static/`) || strings.Contains(body, "<img") {
			t.Errorf("%T: hostile text became an element", page)
		}
		for _, tag := range tags.FindAllString(body, -1) {
			bare := values.ReplaceAllString(tag, `""`)
			if strings.Contains(bare, marker) || strings.Contains(bare, " on") || strings.Contains(bare, " style") || scripted.MatchString(tag) {
				t.Errorf("%T: hostile text became an attribute: %s", page, tag)
			}
		}
	}
}

// Every link and form of every page leads to a path that paths.go names, below
// the base path; every field has a name that fields.go knows.
func TestLinksAndFields(t *testing.T) {
	const base = "/sso"
	u := newUI(t, base)
	mux := http.NewServeMux()
	for _, path := range constants(t, "Path") {
		mux.HandleFunc(base+path, func(http.ResponseWriter, *http.Request) {})
	}
	fields := constants(t, "Field")
	links := regexp.MustCompile(`(?:href|action|data-begin|data-finish|src)="([^"]*)"`)
	names := regexp.MustCompile(`<(?:input|select|textarea|button)[^>]*\sname="([^"]*)"`)
	for _, page := range variants("abc") {
		if reflect.ValueOf(page).IsZero() {
			continue // links without their ids
		}
		body := render(t, u, page).Body.String()
		for _, m := range links.FindAllStringSubmatch(body, -1) {
			link := html.UnescapeString(m[1])
			if link == destination || link == "abc" /* the caller's own */ || strings.HasPrefix(link, "#") {
				continue
			}
			r := httptest.NewRequest(http.MethodGet, link, nil)
			if _, pattern := mux.Handler(r); pattern == "" {
				t.Errorf("%T: no path for %s", page, link)
			}
		}
		for _, m := range names.FindAllStringSubmatch(body, -1) {
			if m[1] != "SAMLResponse" && m[1] != "RelayState" && m[1] != "abc" /* the caller's own */ && !slices.Contains(fields, m[1]) {
				t.Errorf("%T: field %s is not in fields.go", page, m[1])
			}
		}
	}
}

// What a page holds must be closed: a crude check of balance, since the
// standard library has no HTML parser.
func TestBalanced(t *testing.T) {
	u := newUI(t, "")
	void := []string{"meta", "link", "input", "br", "path"}
	tags := regexp.MustCompile(`<(/?)([a-z0-9]+)[^>]*>`)
	for _, page := range variants("abc") {
		var open []string
		for _, m := range tags.FindAllStringSubmatch(render(t, u, page).Body.String(), -1) {
			switch {
			case slices.Contains(void, m[2]):
			case m[1] == "":
				open = append(open, m[2])
			case len(open) == 0 || open[len(open)-1] != m[2]:
				t.Fatalf("%T: </%s> closes %v", page, m[2], open)
			default:
				open = open[:len(open)-1]
			}
		}
		if len(open) > 0 {
			t.Errorf("%T: %v stay open", page, open)
		}
	}
}
