// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package question is security questions, the weakest of factors: answers are
// found in social networks, guessed, and told to whoever asks. NIST SP 800-63B
// does not accept them at all.
//
// It is here for organisations that must have it. It is off unless [New] makes
// it, a fallback that counts only where a rule names its kind, and never a
// reason not to have recovery codes. People are asked the same questions until
// they have answered them, so that nobody waits for the easy ones.
package question

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/internal/secret"
	"github.com/gatehouse-id/gatehouse/mfa/internal/strictjson"
)

// Kind is the factor's kind.
const Kind mfa.Kind = "question"

// Limits of answers, in characters after they are made comparable.
const (
	minAnswer = 3
	maxAnswer = 100
)

// Config is what a [Factor] is made of.
type Config struct {
	// Questions are to be chosen from, by ids that never change. Required.
	Questions map[string]string
	// Enrol is how many a person chooses and answers, 5 if zero.
	Enrol int
	// Ask is how many are asked, 3 if zero. All must be right.
	Ask int
}

// Factor implements [mfa.Enroller]. It is immutable.
type Factor struct{ cfg Config }

var _ mfa.Enroller = (*Factor)(nil)

// New returns the factor. Read the package's comment first.
func New(c Config) (*Factor, error) {
	if c.Enrol == 0 {
		c.Enrol = 5
	}
	if c.Ask == 0 {
		c.Ask = 3
	}
	if c.Ask < 2 || c.Enrol < c.Ask || len(c.Questions) < c.Enrol || len(c.Questions) > 100 {
		return nil, errors.New("question: Config wants 2 <= Ask <= Enrol <= len(Questions) <= 100")
	}
	questions := make(map[string]string, len(c.Questions))
	for id, text := range c.Questions {
		if id == "" || text == "" {
			return nil, errors.New("question: Config.Questions has an empty id or text")
		}
		questions[id] = text
	}
	c.Questions = questions
	return &Factor{cfg: c}, nil
}

// Info implements [mfa.Factor].
func (f *Factor) Info() mfa.Info {
	return mfa.Info{Kind: Kind, Strength: mfa.Any, Fallback: true, MaxRecords: 1}
}

// kept is what a record keeps, sealed.
type kept struct {
	Key     []byte            `json:"key"`
	Answers map[string][]byte `json:"answers"` // HMACs by question
	// Asked are the questions until they are answered.
	Asked []string `json:"asked"`
}

// Question is one to be answered.
type Question struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// Public is what the client is asked.
type Public struct {
	Questions []Question `json:"questions"`
	// Choose is how many are to be answered at an enrolment; all otherwise.
	Choose int `json:"choose,omitempty"`
}

// answers is what the client sends: texts by the questions' ids.
type answers struct {
	Answers map[string]string `json:"answers"`
}

func (f *Factor) public(ids []string, choose int) (json.RawMessage, error) {
	p := Public{Choose: choose}
	for _, id := range ids {
		p.Questions = append(p.Questions, Question{ID: id, Text: f.cfg.Questions[id]})
	}
	return json.Marshal(p)
}

// BeginEnrol implements [mfa.Enroller].
func (f *Factor) BeginEnrol(context.Context, mfa.EnrolRequest) (mfa.Begun, error) {
	ids := make([]string, 0, len(f.cfg.Questions))
	for id := range f.cfg.Questions {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	public, err := f.public(ids, f.cfg.Enrol)
	return mfa.Begun{Public: public}, err
}

// FinishEnrol implements [mfa.Enroller]: the answer is {"answers":{id:text}}.
func (f *Factor) FinishEnrol(_ context.Context, r mfa.FinishEnrolRequest) (mfa.Enrolled, error) {
	var in answers
	if err := strictjson.Unmarshal(r.Answer, &in); err != nil || len(in.Answers) != f.cfg.Enrol {
		return mfa.Enrolled{}, refuse(mfa.CheckInput, fmt.Sprintf("Answer %d of the questions.", f.cfg.Enrol), "malformed answers")
	}
	k := kept{Key: secret.NewKey(), Answers: map[string][]byte{}}
	seen := map[string]bool{}
	var ids []string
	for id, text := range in.Answers {
		a := alike(text)
		n := utf8.RuneCountInString(a)
		question, known := f.cfg.Questions[id]
		switch {
		case !known || n < minAnswer || n > maxAnswer:
			return mfa.Enrolled{}, refuse(mfa.CheckInput, "Every answer needs at least three letters or digits.", "an answer is unknown, too short or too long")
		case seen[a], strings.Contains(alike(question), a):
			return mfa.Enrolled{}, refuse(mfa.CheckInput, "Give answers that differ, and that are not in the question.", "an answer is there twice or in its question")
		}
		seen[a] = true
		ids = append(ids, id)
		k.Answers[id] = secret.MAC(k.Key, a)
	}
	slices.Sort(ids)
	var err error
	if k.Asked, err = pick(ids, f.cfg.Ask); err != nil {
		return mfa.Enrolled{}, err
	}
	b, err := json.Marshal(k)
	return mfa.Enrolled{Name: "Security questions", Secret: b, Strength: mfa.Any, Replace: true}, err
}

// alike is what people mean by the same answer: letters and digits, in
// one case.
func alike(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// pick returns n of ids at random.
func pick(ids []string, n int) ([]string, error) {
	ids = slices.Clone(ids)
	for i := range n {
		j, err := rand.Int(rand.Reader, big.NewInt(int64(len(ids)-i)))
		if err != nil {
			return nil, err
		}
		k := i + int(j.Int64())
		ids[i], ids[k] = ids[k], ids[i]
	}
	return ids[:n], nil
}

// Begin implements [mfa.Factor].
func (f *Factor) Begin(_ context.Context, r mfa.BeginRequest) (mfa.Begun, error) {
	if len(r.Credentials) == 0 {
		return mfa.Begun{}, refuse(mfa.CheckCredential, "You have not set this up.", "no record")
	}
	var k kept
	if err := json.Unmarshal(r.Credentials[0].Secret, &k); err != nil {
		return mfa.Begun{}, err
	}
	public, err := f.public(k.Asked, 0)
	return mfa.Begun{Public: public}, err
}

// Verify implements [mfa.Factor]: the answer is {"answers":{id:text}}, all of
// them right.
func (f *Factor) Verify(_ context.Context, r mfa.VerifyRequest) (mfa.Verified, error) {
	var in answers
	wellFormed := strictjson.Unmarshal(r.Answer, &in) == nil
	for _, c := range r.Credentials {
		var k kept
		if err := json.Unmarshal(c.Secret, &k); err != nil {
			return mfa.Verified{}, err
		}
		right := 1
		for _, id := range k.Asked { // all, whichever is wrong
			right &= subtle.ConstantTimeCompare(secret.MAC(k.Key, alike(in.Answers[id])), k.Answers[id])
		}
		if !wellFormed || right != 1 || len(k.Asked) == 0 || len(in.Answers) != len(k.Asked) {
			continue
		}
		ids := make([]string, 0, len(k.Answers))
		for id := range k.Answers {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		var err error
		if k.Asked, err = pick(ids, min(f.cfg.Ask, len(ids))); err != nil {
			return mfa.Verified{}, err
		}
		b, err := json.Marshal(k)
		return mfa.Verified{RecordID: c.ID, Secret: b, Strength: mfa.Any, AMR: []string{"kba"}}, err
	}
	return mfa.Verified{}, refuse(mfa.CheckWrong, mfa.PublicWrong, "an answer is wrong")
}

func refuse(c mfa.Check, public, cause string) *mfa.Error {
	return &mfa.Error{Check: c, Public: public, Err: errors.New(cause)}
}
