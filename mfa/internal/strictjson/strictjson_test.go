// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package strictjson_test

import (
	"encoding/json"
	"strings"
	"testing"

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

func FuzzCheck(f *testing.F) {
	f.Add([]byte(`{"a":[1,2,{"b":"c"}],"d":null}`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if strictjson.Check(b) == nil && !json.Valid(b) {
			t.Fatalf("%q is accepted and no JSON", b)
		}
	})
}
