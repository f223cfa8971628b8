// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package filter_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/scim/filter"
	"github.com/gatehouse-id/gatehouse/scim/patch"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{`userName eq "bjensen"`, `userName eq "bjensen"`},
		{`USERNAME EQ "x"`, `USERNAME eq "x"`},
		{`a eq "x" or b eq "y" and c pr`, `a eq "x" or (b eq "y" and c pr)`},
		{`(a pr or b pr) and c pr`, `(a pr or b pr) and c pr`},
		{`not (a pr)`, `not (a pr)`},
		{`not(a pr)and(b pr)`, `not (a pr) and b pr`},
		{`emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp"]`, `emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp"]`},
		{`urn:ietf:params:scim:schemas:core:2.0:User:name.familyName sw "J"`, `urn:ietf:params:scim:schemas:core:2.0:User:name.familyName sw "J"`},
		{`a eq "q\"b\\\u00e9\ud83d\ude00"`, `a eq "q\"b\\é😀"`},
		{`a gt 1.5e3`, `a gt 1.5e3`},
		{`a eq TRUE`, `a eq true`},
		{`a eq null`, `a eq null`},
		{`emails[type eq "work"].value eq "x"`, `emails[type eq "work" and value eq "x"]`},
		{`members.$ref eq "x"`, `members.$ref eq "x"`},
	} {
		e, err := filter.Parse(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if got := e.String(); got != c.want {
			t.Errorf("%s is read as %s", c.in, got)
		}
		again, err := filter.Parse(e.String())
		if err != nil || !reflect.DeepEqual(e, again) {
			t.Errorf("%s does not stay the same: %v", e, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", " ", "a", "a eq", `a eq "`, `a eq "\x"`, `a eq "\ud800"`, `a eq "\u0000"`, "a eq 'x'", "a eq 01", "a eq 1.", "a eq .5", "a eq nan", `a eq "x"b pr`, `a eq "x" and`, `a eq "x" an b pr`,
		`and`, `(a pr`, `a pr)`, `a[b pr`, `a[b pr]]`, `a[b[c pr]]`, `a.b[c pr]`, `a.b.c pr`, `.a pr`, `1a pr`, `a:b pr`, `urn: pr`, `not a pr`, `not`, `a gt true`, `a co 1`, `a sw null`, "a eq \"\n\"", "a eq \"\xff\"",
		`a pr and(`, `$x pr`, `a$ref pr`, strings.Repeat("(", 33) + "a pr" + strings.Repeat(")", 33), strings.Repeat("a pr or ", 256) + "a pr", `a eq "` + strings.Repeat("x", 9000) + `"`,
	} {
		_, err := filter.Parse(s)
		var syntax *filter.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{{"ABC", "abc"}, {"É", "é"}, {"\u212a", "k"}, {"ſ", "S"}, {"ß", "ß"}, {"İ", "i"}, {"Σ", "ς"}} {
		if got, want := filter.Fold(pair[0]) == filter.Fold(pair[1]), strings.EqualFold(pair[0], pair[1]); got != want {
			t.Errorf("%q and %q fold alike: %v, EqualFold: %v", pair[0], pair[1], got, want)
		}
	}
}

func TestSQL(t *testing.T) {
	t.Parallel()
	columns := filter.Columns{
		"userName":       {Expr: "u.login", Folded: true},
		"title":          {Expr: "u.title"},
		"active":         {Expr: "u.active", Kind: filter.Bool},
		"meta.created":   {Expr: "u.created", Kind: filter.Time, Arg: func(v filter.Value) any { return v.Time.Unix() }},
		"emails":         {Exists: "SELECT 1 FROM emails e WHERE e.user_id = u.id AND"},
		"emails.value":   {Expr: "e.value"},
		"emails.type":    {Expr: "e.type"},
		"emails.primary": {Expr: "e.main", Kind: filter.Bool},
		"roles":          {In: "u.id", Exists: "SELECT r.user_id FROM roles r WHERE"},
		"roles.value":    {Expr: "r.value", Folded: true},
	}
	for _, c := range []struct {
		f    string
		want string
		args []any
	}{
		{`userName eq "ANNA"`, `(u.login = $3 AND u.login IS NOT NULL)`, []any{"anna"}},
		{`title sw "D"`, `(substr(lower(u.title), 1, length(CAST($3 AS TEXT))) = CAST($3 AS TEXT) AND u.title IS NOT NULL)`, []any{"d"}},
		{`active eq true and title pr`, `((u.active = $3 AND u.active IS NOT NULL) AND (u.title IS NOT NULL AND u.title <> ''))`, []any{true}},
		{`not (title eq null)`, `NOT NOT (u.title IS NOT NULL AND u.title <> '')`, nil},
		{`title ne "x"`, `((lower(u.title) <> $3) OR NOT (u.title IS NOT NULL))`, []any{"x"}},
		{`emails.value eq "a"`, `EXISTS (SELECT 1 FROM emails e WHERE e.user_id = u.id AND (lower(e.value) = $3 AND e.value IS NOT NULL))`, []any{"a"}},
		{`emails[type eq "work" and value eq "a"]`, `EXISTS (SELECT 1 FROM emails e WHERE e.user_id = u.id AND ((lower(e.type) = $3 AND e.type IS NOT NULL) AND (lower(e.value) = $4 AND e.value IS NOT NULL)))`, []any{"work", "a"}},
		{`emails pr`, `EXISTS (SELECT 1 FROM emails e WHERE e.user_id = u.id AND 1 = 1)`, nil},
		{`roles.value eq "A"`, `u.id IN (SELECT r.user_id FROM roles r WHERE (r.value = $3 AND r.value IS NOT NULL))`, []any{"a"}},
		{`roles[value sw "A"]`, `u.id IN (SELECT r.user_id FROM roles r WHERE (substr(r.value, 1, length(CAST($3 AS TEXT))) = CAST($3 AS TEXT) AND r.value IS NOT NULL))`, []any{"a"}},
		{`roles pr`, `u.id IN (SELECT r.user_id FROM roles r WHERE 1 = 1)`, nil},
	} {
		e, err := filter.Parse(c.f)
		if err != nil {
			t.Fatal(err)
		}
		got, args, err := filter.SQL(e, columns, 3)
		if err != nil || got != c.want || !reflect.DeepEqual(args, c.args) {
			t.Errorf("%s:\n got %s %v %v\nwant %s %v", c.f, got, args, err, c.want, c.args)
		}
	}
	if got, _, err := filter.SQL(&filter.Compare{Path: filter.Path{Name: "meta", Sub: "created"}, Op: filter.Gt, Value: filter.TimeValue(time.Unix(5, 0))}, columns, 1); err != nil || got != "(u.created > $1 AND u.created IS NOT NULL)" {
		t.Errorf("%s, %v", got, err)
	}
	for _, f := range []string{`nickName eq "x"`, `active eq "x"`, `title eq 1`, `emails[display eq "x"]`, `ims[type eq "x"]`, `a pr or title pr`, `ims pr`} {
		e, err := filter.Parse(f)
		if err != nil {
			t.Fatal(err)
		}
		var unmapped *filter.UnmappedError
		if s, _, err := filter.SQL(e, columns, 1); !errors.As(err, &unmapped) {
			t.Errorf("%s: %q, %v", f, s, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`userName eq "x"`, `a[b eq "c" and not (d pr)] or e.f gt 1.5e-3`, `urn:a:2.0:b:c.d eq null`, `((((`, `a eq "\ud83d\ude00"`, `emails[type eq "work"].value co "x"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := filter.Parse(s)
		if err != nil {
			return
		}
		if len(s) < 2000 {
			again, err := filter.Parse(e.String())
			if err != nil {
				t.Fatalf("%q is printed as %q, which is refused: %v", s, e, err)
			}
			if again.String() != e.String() {
				t.Fatalf("%q: %q becomes %q", s, e, again)
			}
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{`emails[type eq "work"].value`, `members`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value`, `a[b pr]`, `[`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := patch.ParsePath(s)
		if err != nil || len(s) > 2000 {
			return
		}
		again, err := patch.ParsePath(p.String())
		if err != nil || again.String() != p.String() {
			t.Fatalf("%q becomes %q, then %q, %v", s, p, again, err)
		}
	})
}
