// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scimtest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse-id/gatehouse/scim"
	"github.com/gatehouse-id/gatehouse/scim/scimtest"
)

func TestOwnServer(t *testing.T) {
	t.Parallel()
	for _, profile := range []scim.Profile{scim.Strict, scim.Auto} {
		s := memory()
		h, err := scim.New(scim.Config{
			BaseURL: "https://app.example/scim/v2", Users: s.Users, Groups: s.Groups, Profile: profile,
			Authenticate: func(r *http.Request) (scim.Caller, error) {
				if scim.Bearer(r) != "secret" {
					return scim.Caller{}, &scim.Error{Check: scim.CheckUnauthorized}
				}
				return scim.Caller{Tenant: "acme"}, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(h)
		defer srv.Close()
		t.Run(string(profile), func(t *testing.T) {
			scimtest.TestServer(t, scimtest.Server{BaseURL: srv.URL + "/scim/v2", Token: "secret"})
		})
	}
}
