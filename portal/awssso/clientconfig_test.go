// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/gatehouse-id/gatehouse/portal/awssso"
)

func ExampleClientConfig() {
	text, err := awssso.ClientConfig{
		Session: "example", StartURL: "https://portal.example.com/", Region: "eu-central-1",
		SSOURL: "https://portal.example.com/aws", OIDCURL: "https://portal.example.com/aws",
		Profiles: []awssso.Profile{{Name: "Production/ReadOnly", AccountID: "111122223333", Role: "ReadOnly"}},
	}.Text()
	if err != nil {
		panic(err)
	}
	fmt.Print(text)
	// Output:
	// [sso-session example]
	// sso_start_url = https://portal.example.com/
	// sso_region = eu-central-1
	// sso_registration_scopes = sso:account:access
	//
	// [services example]
	// sso =
	//   endpoint_url = https://portal.example.com/aws
	// sso_oidc =
	//   endpoint_url = https://portal.example.com/aws
	//
	// [profile ProductionReadOnly]
	// sso_session = example
	// sso_account_id = 111122223333
	// sso_role_name = ReadOnly
	// region = eu-central-1
	// services = example
}

func TestClientConfigRefuses(t *testing.T) {
	t.Parallel()
	good := awssso.ClientConfig{Session: "s", StartURL: "https://p/", Region: "r", SSOURL: "https://p/aws", OIDCURL: "https://p/aws"}
	for name, change := range map[string]func(*awssso.ClientConfig){
		"no session":           func(c *awssso.ClientConfig) { c.Session = "]\n" },
		"no profile":           func(c *awssso.ClientConfig) { c.Profiles = []awssso.Profile{{Name: "\u202e"}} },
		"line break in region": func(c *awssso.ClientConfig) { c.Region = "r\ncredential_process = evil" },
		"space in role":        func(c *awssso.ClientConfig) { c.Profiles = []awssso.Profile{{Name: "p", Role: "a b"}} },
		"bidi in account":      func(c *awssso.ClientConfig) { c.Profiles = []awssso.Profile{{Name: "p", AccountID: "1\u202e"}} },
		"line break in URL":    func(c *awssso.ClientConfig) { c.STSURL = "https://p/\nx" },
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			change(&c)
			if text, err := c.Text(); err == nil {
				t.Errorf("accepted:\n%s", text)
			}
		})
	}
}

func TestWriteEndpointRules(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	for range 2 { // again, over its own files
		if err := awssso.WriteEndpointRules(dir, "http://127.0.0.1:8080/aws", "http://127.0.0.1:8080/aws", ""); err != nil {
			t.Fatal(err)
		}
	}
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) != 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil || !json.Valid(raw) {
			t.Errorf("%s: %s, %v", f, raw, err)
		}
	}
	for _, bad := range []string{"", "ftp://x", "/relative", "127.0.0.1:8080"} {
		if err := awssso.WriteEndpointRules(dir, bad, "http://127.0.0.1/aws", ""); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}
