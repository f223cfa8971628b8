// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A sample portal names its STS, which is taken from loopback only.
func TestSetupTakesTheSampleSTS(t *testing.T) {
	w := newWorld(t)
	var srv *httptest.Server
	sts := ""
	srv = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(rw).Encode(map[string]string{"start_url": srv.URL + "/start/", "region": "us-east-1", "sso_endpoint": srv.URL + "/aws", "sts_endpoint": sts})
	}))
	t.Cleanup(srv.Close)
	for _, c := range []struct {
		endpoint string
		code     int
	}{
		{"", 0},
		{"http://127.0.0.1:4567", 0},
		{"https://sts.example.com", exitUsage},
		{"http://sts.example.com", exitUsage},
		{"ftp://127.0.0.1", exitUsage},
		{"%", exitUsage},
	} {
		sts = c.endpoint
		r := w.run("setup", srv.URL, "--name", "sample", "--json")
		if r.code != c.code {
			t.Errorf("%q: %d %s", c.endpoint, r.code, r.err)
			continue
		}
		var got portal
		if c.code == 0 && (json.Unmarshal([]byte(r.out), &got) != nil || got.STS != c.endpoint) {
			t.Errorf("%q: %s", c.endpoint, r.out)
		}
	}
}
