// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awsrole

import (
	"slices"
	"strings"
)

// Partition is one of AWS's separate clouds. Values come from [PartitionOf],
// [PartitionOfRegion] and [Partitions].
type Partition struct {
	ID          string // second field of every ARN: aws, aws-cn, aws-us-gov, aws-eusc
	Audience    string // what an assertion's AudienceRestriction names
	SignInHost  string // host of the partition-wide sign-in endpoint
	ConsoleHost string // host of the management console
	DNSSuffix   string // of service endpoints
	Region      string // where the partition-wide endpoints live
	regions     []string
}

// partitions holds AWS's published hosts. The audiences of aws-cn, aws-us-gov
// and aws-eusc come from documents and have not been tried; every partition
// also takes its sign-in URL as the audience, see [Partition.Audiences].
var partitions = []Partition{
	{
		ID: "aws", Audience: "urn:amazon:webservices",
		SignInHost: "signin.aws.amazon.com", ConsoleHost: "console.aws.amazon.com",
		DNSSuffix: "amazonaws.com", Region: "us-east-1",
		regions: []string{"us-", "eu-", "ap-", "sa-", "ca-", "me-", "af-", "il-", "mx-"},
	},
	{
		ID: "aws-cn", Audience: "urn:amazon:webservices:cn-north-1",
		SignInHost: "signin.amazonaws.cn", ConsoleHost: "console.amazonaws.cn",
		DNSSuffix: "amazonaws.com.cn", Region: "cn-north-1",
		regions: []string{"cn-"},
	},
	{
		ID: "aws-us-gov", Audience: "urn:amazon:webservices:govcloud",
		SignInHost: "signin.amazonaws-us-gov.com", ConsoleHost: "console.amazonaws-us-gov.com",
		DNSSuffix: "amazonaws.com", Region: "us-gov-west-1",
		regions: []string{"us-gov-"},
	},
	{
		ID: "aws-eusc", Audience: "urn:amazon:webservices",
		SignInHost: "signin.amazonaws-eusc.eu", ConsoleHost: "console.amazonaws-eusc.eu",
		DNSSuffix: "amazonaws.eu", Region: "eusc-de-east-1",
		regions: []string{"eusc-"},
	},
}

// Partitions returns all partitions that the package knows.
func Partitions() []Partition { return slices.Clone(partitions) }

// PartitionOf returns the partition with that id; "" is aws.
func PartitionOf(id string) (Partition, error) {
	if id == "" {
		id = "aws"
	}
	for _, p := range partitions {
		if p.ID == id {
			return p, nil
		}
	}
	return Partition{}, refuse(CheckPartition, "This AWS partition is not known.", "no partition %q", printable(id))
}

// PartitionOfRegion returns the partition that a region lies in.
func PartitionOfRegion(region string) (Partition, error) {
	if isRegion(region) {
		// The longest prefix decides: us-gov- before us-.
		for _, p := range slices.Backward(partitions) {
			if p.has(region) {
				return p, nil
			}
		}
	}
	return Partition{}, refuse(CheckPartition, "This AWS region is not known.", "no region %q", printable(region))
}

func (p Partition) has(region string) bool {
	return slices.ContainsFunc(p.regions, func(prefix string) bool { return strings.HasPrefix(region, prefix) }) &&
		(p.ID != "aws" || !strings.HasPrefix(region, "us-gov-"))
}

// ValidateRegion refuses what is no region of the partition; "" is none.
func (p Partition) ValidateRegion(region string) error {
	if !isRegion(region) || !p.has(region) {
		return refuse(CheckPartition, "This region is not in the account's AWS partition.", "%q is no region of %s", printable(region), p.ID)
	}
	return nil
}

// SignInURL is the sign-in endpoint to which a browser posts the Response, and
// the Recipient and Destination of it: that of the region, or the
// partition-wide one if region is empty.
func (p Partition) SignInURL(region string) (string, error) {
	host, err := p.regional(p.SignInHost, region)
	if err != nil {
		return "", err
	}
	return "https://" + host + "/saml", nil
}

// FederationURL is the endpoint that turns credentials into a console session.
func (p Partition) FederationURL(region string) (string, error) {
	host, err := p.regional(p.SignInHost, region)
	if err != nil {
		return "", err
	}
	return "https://" + host + "/federation", nil
}

// ConsoleURL is the console's home page, in the region unless it is empty.
func (p Partition) ConsoleURL(region string) (string, error) {
	host, err := p.regional(p.ConsoleHost, region)
	if err != nil {
		return "", err
	}
	if region == "" {
		return "https://" + host + "/", nil
	}
	return "https://" + host + "/console/home?region=" + region, nil
}

// Audiences are the values that AWS takes in an AudienceRestriction: the
// partition's URN and its sign-in URLs.
func (p Partition) Audiences() []string {
	return []string{p.Audience, "https://" + p.SignInHost + "/saml"}
}

// IsSignInURL tells whether u is one of the partition's sign-in endpoints,
// regional, partition-wide, or the one for encrypted assertions.
func (p Partition) IsSignInURL(u string) bool {
	rest, ok := strings.CutPrefix(u, "https://")
	if !ok {
		return false
	}
	host, path, _ := strings.Cut(rest, "/")
	if region, ok := strings.CutSuffix(host, "."+p.SignInHost); ok {
		if p.ValidateRegion(region) != nil {
			return false
		}
	} else if host != p.SignInHost {
		return false
	}
	if id, ok := strings.CutPrefix(path, "saml/acs/"); ok {
		return id != "" && !strings.ContainsFunc(id, func(r rune) bool { return !isWord(r) && r != '-' })
	}
	return path == "saml"
}

func (p Partition) regional(host, region string) (string, error) {
	if region == "" {
		return host, nil
	}
	if err := p.ValidateRegion(region); err != nil {
		return "", err
	}
	return region + "." + host, nil
}

// isRegion keeps what becomes part of a host name to letters, digits and
// single hyphens: xx-word-1, at most 32 characters.
func isRegion(s string) bool {
	parts := strings.Split(s, "-")
	if len(s) > 32 || len(parts) < 3 {
		return false
	}
	for i, part := range parts {
		last := i == len(parts)-1
		if part == "" || strings.ContainsFunc(part, func(r rune) bool {
			if last {
				return r < '0' || r > '9'
			}
			return r < 'a' || r > 'z'
		}) {
			return false
		}
	}
	return true
}

func isWord(r rune) bool {
	return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}
