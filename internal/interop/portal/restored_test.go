// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/gatehouse-id/gatehouse/portal/app"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// TestRestoredEndsMessages: on PostgreSQL, too, a request that was in flight
// is not answered after a restore.
func TestRestoredEndsMessages(t *testing.T) {
	t.Parallel()
	dsn, _ := freshDatabase(t)
	s := portaltest.NewServerWith(t, portaltest.Options{Store: openPostgres(t, dsn)})
	fetch := func(url string) (status int, location string, body []byte) {
		t.Helper()
		resp, err := s.Client(t).Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, err = io.ReadAll(resp.Body); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Header.Get("Location"), body
	}
	_, _, metadata := fetch(s.URL + "/saml/app/metadata")
	idp, err := saml.ParseMetadata(metadata, saml.MetadataOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sp := samltest.NewSP(t, idp, nil)
	if _, err := s.Portal.Apps().RegisterEndpoint(t.Context(), "", app.App{Name: "Demo", EntityID: sp.Connection.EntityID}, sp.Connection.ACS); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what   string
		before func() error
		status int
	}{
		{"in flight", func() error { return nil }, http.StatusSeeOther},
		{"in flight at the restore", func() error { return s.Portal.Restored(t.Context(), "test") }, http.StatusBadRequest},
		{"in flight after it", func() error { return nil }, http.StatusSeeOther},
	} {
		_, parked, _ := fetch(sp.Start(saml.LoginOptions{}).URL())
		if err := c.before(); err != nil {
			t.Fatal(err)
		}
		if status, _, body := fetch(s.URL + parked); status != c.status {
			t.Errorf("a request %s: %d, want %d\n%s", c.what, status, c.status, body)
		}
	}
	events, err := s.Store.Events(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Check == "saml-request" {
			return
		}
	}
	t.Errorf("nothing was refused by saml-request: %+v", events)
}
