// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/sts"
)

// condition is one wish on a role: KEY=VALUE, or ACCOUNT/ROLE with the two
// patterns, or the ARN of a role or of its session. Values are patterns with * and ?, which ignore case.
type condition struct {
	key           string // empty for ACCOUNT/ROLE
	account, role string
	value         string
}

// readCondition reads a condition. A key has no slash, so account/role=name is not
// one.
func readCondition(text string) (condition, error) {
	t := condition{account: text, role: "*"}
	if account, role, ok := readARN(text); ok {
		t.account, t.role = account, role
	} else if key, value, ok := strings.Cut(text, "="); ok && isLabelKey(key) {
		t = condition{key: key, value: value}
	} else if i := strings.LastIndexByte(text, '/'); i >= 0 {
		t.account, t.role = text[:i], text[i+1:]
	}
	for _, p := range []string{t.account, t.role, t.value} {
		if _, err := path.Match(p, ""); err != nil {
			return t, fail(exitUsage, err, "%q is no pattern.", p)
		}
	}
	return t, nil
}

// readARN reads arn:PARTITION:iam::ACCOUNT:role/PATH/ROLE, or
// arn:PARTITION:sts::ACCOUNT:assumed-role/ROLE/SESSION.
func readARN(text string) (account, role string, ok bool) {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || !isAccount(parts[4]) {
		return "", "", false
	}
	if name, of := strings.CutPrefix(parts[5], "role/"); of {
		return parts[4], name[strings.LastIndexByte(name, '/')+1:], true
	}
	name, of := strings.CutPrefix(parts[5], "assumed-role/")
	name, _, _ = strings.Cut(name, "/")
	return parts[4], name, of
}

// isLabelKey tells a key from the beginning of a pattern.
func isLabelKey(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_' || r == '.')
	})
}

func (t condition) matches(r role) bool {
	if t.key != "" {
		value, ok := r.facts()[t.key]
		return ok && glob(t.value, value)
	}
	return (glob(t.account, r.AccountID) || glob(t.account, r.AccountName) || glob(t.account, sts.ProfileName(r.AccountName))) && glob(t.role, r.Role)
}

// facts are what KEY=VALUE asks about: the account's labels, and what every
// listing has, which no label can hide.
func (r role) facts() map[string]string {
	out := maps.Clone(r.Labels)
	if out == nil {
		out = map[string]string{}
	}
	for key, value := range map[string]string{"account": r.AccountID, "name": r.AccountName, "email": r.Email, "role": r.Role, "portal": r.Portal} {
		out[key] = value
	}
	return out
}

// match returns the roles that all conditions are true of. A key that no
// account has is a mistake rather than no match.
func (a *app) match(texts ...string) ([]role, error) {
	portals, err := a.chosen()
	if err != nil {
		return nil, err
	}
	var terms []condition
	for _, text := range texts {
		t, err := readCondition(text)
		if err != nil {
			return nil, err
		}
		terms = append(terms, t)
	}
	all, err := a.roles(portals)
	if err != nil {
		return nil, err
	}
	for _, t := range terms {
		if t.key != "" && len(all) > 0 && !slices.ContainsFunc(all, func(r role) bool { _, ok := r.facts()[t.key]; return ok }) {
			return nil, fail(exitUsage, nil, "No account has a label %q. Give it one with: awscreds label ACCOUNT %s=VALUE", t.key, t.key)
		}
	}
	return slices.DeleteFunc(all, func(r role) bool {
		return slices.ContainsFunc(terms, func(t condition) bool { return !t.matches(r) })
	}), nil
}

// glob ignores case; a slash counts as any character.
func glob(pattern, s string) bool {
	flat := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "/", "_") }
	ok, err := path.Match(flat(pattern), flat(s))
	return err == nil && ok
}
