// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"net"
	"strings"
)

// partition holds the hosts that this package needs of an AWS partition.
// saml/awsrole has the same and more; the two packages stand alone on purpose,
// and a test compares them.
type partition struct{ id, prefix, signIn, console string }

// The longest prefix stands first.
var partitions = []partition{
	{"aws-us-gov", "us-gov-", "signin.amazonaws-us-gov.com", "console.amazonaws-us-gov.com"},
	{"aws-cn", "cn-", "signin.amazonaws.cn", "console.amazonaws.cn"},
	{"aws-eusc", "eusc-", "signin.amazonaws-eusc.eu", "console.amazonaws-eusc.eu"},
	{"aws", "", "signin.aws.amazon.com", "console.aws.amazon.com"},
}

func partitionOf(region string) partition {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.prefix) {
			return p
		}
	}
	return partition{}
}

// isRegion keeps what becomes part of a host name to xx-word-1.
func isRegion(s string) bool {
	parts := strings.Split(s, "-")
	if len(s) > 32 || len(parts) < 3 {
		return false
	}
	for i, part := range parts {
		lo, hi := 'a', 'z'
		if i == len(parts)-1 {
			lo, hi = '0', '9'
		}
		if part == "" || strings.ContainsFunc(part, func(r rune) bool { return r < lo || r > hi }) {
			return false
		}
	}
	return true
}

func isLoopbackHost(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
