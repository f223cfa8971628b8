// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package question_test

import (
	"encoding/json"
	"fmt"
	"log"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/question"
)

var questions = map[string]string{
	"pet": "Your first pet?", "street": "The street of your childhood?", "school": "Your first school?",
	"food": "A food you hate?", "boss": "Your first boss?", "car": "Your first car?",
}

func enrol(t *testing.T, f *question.Factor, answer string) (mfa.Enrolled, error) {
	t.Helper()
	b, err := f.BeginEnrol(t.Context(), mfa.EnrolRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var p question.Public
	if err := json.Unmarshal(b.Public, &p); err != nil || len(p.Questions) != 6 || p.Choose != 5 {
		t.Fatalf("%s, %v", b.Public, err)
	}
	return f.FinishEnrol(t.Context(), mfa.FinishEnrolRequest{State: b.State, Answer: []byte(answer)})
}

const five = `{"answers":{"pet":"Zoë-2","street":"Long Lane","school":"Greenhill","food":"Tripe","boss":"Mrs. O'Neil"}}`

func newFactor(t *testing.T) *question.Factor {
	t.Helper()
	f, err := question.New(question.Config{Questions: questions})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	f := newFactor(t)
	if !f.Info().Fallback {
		t.Error("questions are no fallback")
	}
	e, err := enrol(t, f, five)
	if err != nil || e.Proof || strings.Contains(string(e.Secret), "lane") {
		t.Fatalf("%+v, %v", e, err)
	}
	c := mfa.Credential{Record: mfa.Record{ID: "r"}, Secret: e.Secret}
	right := map[string]string{"pet": " zoë 2!", "street": "LONGLANE", "school": "green hill", "food": "tripe", "boss": "mrs oneil"}
	asked := func() []string {
		t.Helper()
		b, err := f.Begin(t.Context(), mfa.BeginRequest{Credentials: []mfa.Credential{c}})
		var p question.Public
		if err != nil || json.Unmarshal(b.Public, &p) != nil || len(p.Questions) != 3 {
			t.Fatalf("%s, %v", b.Public, err)
		}
		var ids []string
		for _, q := range p.Questions {
			ids = append(ids, q.ID)
		}
		return ids
	}
	answer := func(change func(map[string]string)) error {
		t.Helper()
		in := map[string]string{}
		for _, id := range asked() {
			in[id] = right[id]
		}
		change(in)
		b, _ := json.Marshal(map[string]any{"answers": in})
		v, err := f.Verify(t.Context(), mfa.VerifyRequest{Credentials: []mfa.Credential{c}, Answer: b})
		if err == nil {
			c.Secret = v.Secret
		}
		return err
	}
	before := asked()
	for what, change := range map[string]func(map[string]string){
		"one wrong":   func(m map[string]string) { m[before[0]] = "wrong" },
		"one missing": func(m map[string]string) { delete(m, before[1]) },
		"one more":    func(m map[string]string) { m["car"] = "x" },
		"none":        func(m map[string]string) { clear(m) },
	} {
		if err := answer(change); mfa.CheckOf(err) != mfa.CheckWrong {
			t.Errorf("%s: %v", what, err)
		}
	}
	if !slices.Equal(asked(), before) {
		t.Error("other questions are asked after a wrong answer")
	}
	for range 20 {
		if err := answer(func(map[string]string) {}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(asked(), before) {
			return
		}
	}
	t.Error("the same questions are always asked")
}

func TestEnrolRefuses(t *testing.T) {
	t.Parallel()
	f := newFactor(t)
	for what, in := range map[string]string{
		"nothing":  ``,
		"four":     strings.Replace(five, `,"boss":"Mrs. O'Neil"`, "", 1),
		"unknown":  strings.Replace(five, `"boss"`, `"x"`, 1),
		"short":    strings.Replace(five, "Tripe", "T - r", 1),
		"long":     strings.Replace(five, "Tripe", strings.Repeat("x", 101), 1),
		"same":     strings.Replace(five, "Tripe", "long-lane", 1),
		"question": strings.Replace(five, "Tripe", "hate", 1),
		"twice":    strings.Replace(five, `"pet"`, `"food"`, 1),
	} {
		if _, err := enrol(t, f, in); mfa.CheckOf(err) != mfa.CheckInput {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := f.Begin(t.Context(), mfa.BeginRequest{}); mfa.CheckOf(err) != mfa.CheckCredential {
		t.Errorf("no record: %v", err)
	}
	for what, c := range map[string]question.Config{
		"none": {}, "one": {Questions: questions, Ask: 1}, "many": {Questions: questions, Enrol: 7},
		"empty": {Questions: map[string]string{"a": "x", "b": "x", "c": "x", "d": "x", "": "x"}},
	} {
		if _, err := question.New(c); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte(five))
	q, err := question.New(question.Config{Questions: questions})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := q.FinishEnrol(t.Context(), mfa.FinishEnrolRequest{Answer: b})
		if err != nil {
			return
		}
		c := mfa.Credential{Secret: e.Secret}
		if _, err := q.Begin(t.Context(), mfa.BeginRequest{Credentials: []mfa.Credential{c}}); err != nil {
			t.Fatal(err)
		}
	})
}

// The factor counts only where a rule names it.
func ExampleNew() {
	f, err := question.New(question.Config{Questions: questions})
	if err != nil {
		log.Fatal(err)
	}
	policy, err := mfa.NewPolicy(mfa.PolicyConfig{})
	if err != nil {
		log.Fatal(err)
	}
	d := policy.Decide(mfa.Request{}, mfa.Standing{Factors: []mfa.Info{f.Info()}, Records: []mfa.Record{{Kind: question.Kind}}})
	fmt.Println(d.Outcome)
	// Output:
	// block
}
