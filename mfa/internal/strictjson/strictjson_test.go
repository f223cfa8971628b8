// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package strictjson_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/gatehouse-id/gatehouse/mfa/internal/strictjson"
)

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	type in struct {
		A string `json:"a"`
		B any    `json:"b"`
	}
	var v in
	if err := strictjson.Unmarshal([]byte(` {"a":"x","b":[{"c":1},{"c":2.5e3,"d":null}]} `), &v); err != nil || v.A != "x" {
		t.Errorf("%+v, %v", v, err)
	}
	for _, bad := range []string{
		``, `{`, `{}}`, `{}{}`, `{"a":"1","a":"2"}`, `{"a":"1","A":"2"}`, `{"b":{"c":1,"c":2}}`, `{"x":1}`, `[1]`, `{"a":1}`,
		`{"b":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, `nul`, `{"a":"x",}`, "{\"a\":\"\x01\"}",
	} {
		if err := strictjson.Unmarshal([]byte(bad), &in{}); err == nil {
			t.Errorf("%q: accepted", bad)
		}
	}
}

// Every name that encoding/json reads into a member counts as that member.
func TestTwice(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"answer", "ANSWER", "an\u017fwer", `\u0061nswer`, `an\u017Fwer`} {
		body := `{"` + name + `":"2"}`
		var v struct {
			Answer string `json:"answer"`
		}
		if err := strictjson.Unmarshal([]byte(body), &v); err != nil || v.Answer != "2" {
			t.Errorf("%s: %+v, %v", body, v, err)
		}
		body = `{"answer":"1","` + name + `":"2"}`
		if err := strictjson.Unmarshal([]byte(body), &v); err == nil || !strings.Contains(err.Error(), "given twice") {
			t.Errorf("%s: %v, want it to be given twice", body, err)
		}
	}
	for r := range unicode.MaxRune + 1 { // whatever folds, folds to one name
		if f := unicode.SimpleFold(r); f != r {
			if body := `{"` + string(r) + `":1,"` + string(f) + `":2}`; strictjson.Check([]byte(body)) == nil {
				t.Errorf("%s: accepted", body)
			}
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte(`{"a":[1,2,{"b":"c"}],"d":null}`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if strictjson.Check(b) == nil && !json.Valid(b) {
			t.Fatalf("%q is accepted and no JSON", b)
		}
	})
}
