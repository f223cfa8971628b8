// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awsrole

import (
	"strings"
	"unicode/utf8"
)

// RolePair is one value of the Role attribute: a role and the SAML provider
// that it trusts, both of one account.
type RolePair struct {
	RoleARN     string
	ProviderARN string
}

// maxARN is the longest ARN that AssumeRoleWithSAML takes.
const maxARN = 2048

// ParseRolePair reads "roleARN,providerARN" in either order, as both are in
// use, with white space around each. An IAM role's name may contain commas, so
// the value is split only at a comma that an ARN follows.
func ParseRolePair(s string) (RolePair, error) {
	if len(s) > 2*maxARN+16 {
		return RolePair{}, refuse(CheckRole, publicRole, "a value of %d bytes", len(s))
	}
	first, second, ok := splitPair(strings.TrimSpace(s))
	if !ok {
		return RolePair{}, refuse(CheckRole, publicRole, "%q is not two ARNs", printable(s))
	}
	p := RolePair{RoleARN: first, ProviderARN: second}
	if a, ok := parseARN(first); ok && a.kind == kindProvider {
		p = RolePair{RoleARN: second, ProviderARN: first}
	}
	if err := p.Validate(); err != nil {
		return RolePair{}, err
	}
	return p, nil
}

const publicRole = "The role and the SAML provider do not belong together."

// splitPair cuts at the one comma that "arn:" follows.
func splitPair(s string) (first, second string, ok bool) {
	for i := range len(s) {
		if s[i] != ',' {
			continue
		}
		rest := strings.TrimLeft(s[i+1:], " \t\r\n")
		if !strings.HasPrefix(rest, "arn:") {
			continue
		}
		if ok {
			return "", "", false
		}
		first, second, ok = strings.TrimRight(s[:i], " \t\r\n"), rest, true
	}
	return first, second, ok
}

// String is the attribute value, role first as AWS's documentation has it.
func (p RolePair) String() string { return p.RoleARN + "," + p.ProviderARN }

// Validate reports what keeps the pair from being one role and one SAML provider
// of one account.
func (p RolePair) Validate() error {
	role, ok := parseARN(p.RoleARN)
	if !ok || role.kind != kindRole {
		return refuse(CheckRole, "This is not the ARN of an IAM role.", "%q is no role ARN", printable(p.RoleARN))
	}
	provider, ok := parseARN(p.ProviderARN)
	if !ok || provider.kind != kindProvider {
		return refuse(CheckRole, "This is not the ARN of an IAM SAML provider.", "%q is no SAML provider ARN", printable(p.ProviderARN))
	}
	if role.partition != provider.partition || role.account != provider.account {
		return refuse(CheckRole, publicRole, "%s and %s are of different accounts", p.RoleARN, p.ProviderARN)
	}
	return nil
}

// Account is the 12-digit account id, or "" if the role ARN is none.
func (p RolePair) Account() string {
	a, _ := parseARN(p.RoleARN)
	return a.account
}

// Partition is the partition of the role's ARN.
func (p RolePair) Partition() (Partition, error) {
	a, ok := parseARN(p.RoleARN)
	if !ok {
		return Partition{}, refuse(CheckRole, "This is not the ARN of an IAM role.", "%q is no role ARN", printable(p.RoleARN))
	}
	return PartitionOf(a.partition)
}

// RoleName is the role's name without its path, or "" if the ARN is none.
func (p RolePair) RoleName() string {
	a, _ := parseARN(p.RoleARN)
	return a.name
}

const (
	kindRole     = "role"
	kindProvider = "saml-provider"
)

type arn struct{ partition, account, kind, name string }

// parseARN reads arn:PARTITION:iam::ACCOUNT:KIND/[PATH/]NAME.
func parseARN(s string) (arn, bool) {
	if len(s) < 20 || len(s) > maxARN {
		return arn{}, false
	}
	f := strings.SplitN(s, ":", 6)
	if len(f) != 6 || f[0] != "arn" || f[2] != "iam" || f[3] != "" || !isAccount(f[4]) {
		return arn{}, false
	}
	if _, err := PartitionOf(f[1]); err != nil || f[1] == "" {
		return arn{}, false
	}
	kind, rest, ok := strings.Cut(f[5], "/")
	if !ok || !resourceOK(kind, rest) {
		return arn{}, false
	}
	return arn{partition: f[1], account: f[4], kind: kind, name: rest[strings.LastIndexByte(rest, '/')+1:]}, true
}

func resourceOK(kind, rest string) bool {
	name := rest[strings.LastIndexByte(rest, '/')+1:]
	path := rest[:len(rest)-len(name)]
	switch kind {
	case kindRole:
		// A path may hold any printable ASCII; one that would read as a
		// second ARN in a pair is refused, since the pair could not be split.
		return len(path) <= 512 && !strings.Contains(path, ",") && isPrintableASCII(path) && inSet(name, 1, 64, "+=,.@-")
	case kindProvider:
		return path == "" && inSet(name, 1, 128, "._-")
	}
	return false
}

func isAccount(s string) bool {
	return len(s) == 12 && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

func isPrintableASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// inSet tells whether s is min to max of [A-Za-z0-9_] and extra.
func inSet(s string, minLen, maxLen int, extra string) bool {
	return len(s) >= minLen && len(s) <= maxLen &&
		!strings.ContainsFunc(s, func(r rune) bool { return !isWord(r) && !strings.ContainsRune(extra, r) })
}

// printable shortens a hostile value for an error text; %q escapes the rest.
func printable(s string) string {
	const limit = 80
	if len(s) <= limit {
		return s
	}
	s = s[:limit]
	for !utf8.ValidString(s) && len(s) > limit-utf8.UTFMax {
		s = s[:len(s)-1]
	}
	return s + ".."
}
