// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// ClientConfig is what a person's AWS clients have to know of a portal.
type ClientConfig struct {
	// Session names the sso-session and the services section.
	Session  string
	StartURL string
	Region   string
	// SSOURL and OIDCURL are where [Server.API] is mounted. STSURL may be
	// empty for AWS's own.
	SSOURL, OIDCURL, STSURL string
	Profiles                []Profile
}

// Profile is one profile of a [ClientConfig].
type Profile struct {
	Name      string
	AccountID string
	Role      string
	Region    string // default: the session's
}

// ClientConfig returns what clients of this server have to know, without
// profiles.
func (s *Server) ClientConfig(session string) ClientConfig {
	return ClientConfig{
		Session: session, StartURL: s.cfg.StartURLs[0], Region: s.cfg.Region, SSOURL: s.cfg.APIURL, OIDCURL: s.cfg.APIURL,
	}
}

// Text is the text for ~/.aws/config. AWS CLI 2.13 and later, v1, boto3 and
// the Go SDK read the services section; older CLIs need [WriteEndpointRules]
// and AWS_DATA_PATH, and CLI 2.35.13 and later refuse to sign in at start URLs
// that are not AWS's. Names are reduced to letters, digits and "._-"; a value with a
// control character is an error.
func (c ClientConfig) Text() (string, error) {
	name := section(c.Session)
	if name == "" {
		return "", fmt.Errorf("awssso: sso-session name %q has no usable character", c.Session)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "[sso-session %s]\nsso_start_url = %s\nsso_region = %s\nsso_registration_scopes = %s\n", name, c.StartURL, c.Region, scopes[0])
	fmt.Fprintf(&b, "\n[services %s]\nsso =\n  endpoint_url = %s\nsso_oidc =\n  endpoint_url = %s\n", name, c.SSOURL, c.OIDCURL)
	if c.STSURL != "" {
		fmt.Fprintf(&b, "sts =\n  endpoint_url = %s\n", c.STSURL)
	}
	values := []string{c.StartURL, c.Region, c.SSOURL, c.OIDCURL, c.STSURL}
	for _, p := range c.Profiles {
		profile := section(p.Name)
		if profile == "" {
			return "", fmt.Errorf("awssso: profile name %q has no usable character", p.Name)
		}
		region := p.Region
		if region == "" {
			region = c.Region
		}
		fmt.Fprintf(&b, "\n[profile %s]\nsso_session = %s\nsso_account_id = %s\nsso_role_name = %s\nregion = %s\nservices = %s\n",
			profile, name, p.AccountID, p.Role, region, name)
		values = append(values, p.AccountID, p.Role, region)
	}
	for _, v := range values {
		if strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r == 0x7f || r >= 0x80 }) {
			return "", fmt.Errorf("awssso: %q does not belong into a configuration file", v)
		}
	}
	return b.String(), nil
}

func section(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
			return r
		default:
			return -1
		}
	}, name)
}

// WriteEndpointRules writes botocore endpoint rules below dir that lead every
// call of sso, sso-oidc and (unless stsURL is empty) sts to the given URLs.
// With AWS_DATA_PATH=dir they turn the AWS CLI before 2.13, which knows no
// services section, to a portal.
func WriteEndpointRules(dir, ssoURL, oidcURL, stsURL string) error {
	for path, target := range map[string]string{
		"sso/2019-06-10": ssoURL, "sso-oidc/2019-06-10": oidcURL, "sts/2011-06-15": stsURL,
	} {
		if target == "" && strings.HasPrefix(path, "sts/") {
			continue
		}
		if u, err := url.Parse(target); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return fmt.Errorf("awssso: endpoint %q is not an absolute http or https URL", target)
		}
		folder := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, "endpoint-rule-set-1.json"), endpointRules(target, strings.HasPrefix(path, "sts/")), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// endpointRules is a rule set whose only rule is one URL. The parameters are
// those that botocore fills in, whether or not a rule asks for them.
func endpointRules(target string, sts bool) []byte {
	type parameter struct {
		BuiltIn       string `json:"builtIn"`
		Required      bool   `json:"required"`
		Default       *bool  `json:"default,omitempty"`
		Documentation string `json:"documentation"`
		Type          string `json:"type"`
	}
	no := new(bool)
	params := map[string]parameter{
		"Region":       {"AWS::Region", false, nil, "The AWS region", "String"},
		"UseDualStack": {"AWS::UseDualStack", true, no, "Ignored", "Boolean"},
		"UseFIPS":      {"AWS::UseFIPS", true, no, "Ignored", "Boolean"},
		"Endpoint":     {"SDK::Endpoint", false, nil, "Ignored", "String"},
	}
	if sts {
		params["UseGlobalEndpoint"] = parameter{"AWS::STS::UseGlobalEndpoint", true, no, "Ignored", "Boolean"}
	}
	empty := map[string]any{}
	text, err := json.MarshalIndent(map[string]any{
		"version": "1.0", "parameters": params,
		"rules": []any{map[string]any{
			"conditions": []any{}, "type": "endpoint",
			"endpoint": map[string]any{"url": target, "properties": empty, "headers": empty},
		}},
	}, "", "  ")
	if err != nil {
		panic(err) // unreachable: strings and booleans
	}
	return append(text, '\n')
}
