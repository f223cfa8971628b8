// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awsrole

import (
	"net"
	"net/url"
	"strings"
)

// The three checks below keep an application's identity provider from signing
// anything that AWS could take for its own: they are wide on purpose, refusing
// look-alikes too.

// IsAWSAudience tells whether an entityID or audience is AWS's: any of the
// urn:amazon:webservices family, or a URL on an AWS sign-in host.
func IsAWSAudience(entityID string) bool {
	s := strings.ToLower(strings.TrimSpace(entityID))
	if strings.HasPrefix(s, "urn:amazon:webservices") {
		return true
	}
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && IsAWSSignInHost(u.Host)
}

// IsAWSSignInHost tells whether a host, with or without a port, is a sign-in
// host of any partition or below one.
func IsAWSSignInHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimRight(strings.ToLower(strings.TrimSpace(host)), ".")
	for _, p := range partitions {
		if host == p.SignInHost || strings.HasSuffix(host, "."+p.SignInHost) {
			return true
		}
	}
	return host == "signin.aws" || strings.HasSuffix(host, ".signin.aws")
}

// IsAWSAttribute tells whether an attribute's name lies in [Namespace], in any
// case and over http too.
func IsAWSAttribute(name string) bool {
	s := strings.ToLower(strings.TrimSpace(name))
	if rest, ok := strings.CutPrefix(s, "http://"); ok {
		s = "https://" + rest
	}
	return strings.HasPrefix(s, strings.ToLower(Namespace))
}
