// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/portal/portaltest"
)

// wire posts JSON to the portal's AWS wire, as a command line does.
func wire(t *testing.T, s *portaltest.Server, path string, body map[string]any) (int, map[string]any) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(s.URL+"/aws"+path, "application/json", bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, out
}

// commandLine signs a command line in by device code, approved in the browser,
// and returns a function that asks for tokens and the device code's answer.
func commandLine(t *testing.T, b *browser) (token func(fields map[string]any) (int, map[string]any), deviceCode, refreshToken string) {
	t.Helper()
	_, reg := wire(t, b.s, "/client/register", map[string]any{"clientName": "laptop <b>", "clientType": "public", "scopes": []string{"sso:account:access"}})
	token = func(fields map[string]any) (int, map[string]any) {
		t.Helper()
		fields["clientId"], fields["clientSecret"] = reg["clientId"], reg["clientSecret"]
		return wire(t, b.s, "/token", fields)
	}
	_, start := wire(t, b.s, "/device_authorization", map[string]any{"clientId": reg["clientId"], "clientSecret": reg["clientSecret"], "startUrl": b.s.Portal.StartURL()})
	code := start["userCode"].(string)
	b.post("/device", url.Values{"user_code": {code}, "via": {"link"}}).expect(http.StatusOK, "says it is “laptop b”").expect(http.StatusOK, "says it is “Go-http-client/1.1”")
	b.post("/device/approve", url.Values{"user_code": {code}, "decision": {"approve"}}).expect(http.StatusOK, "approved")
	deviceCode = start["deviceCode"].(string)
	status, got := token(map[string]any{"grantType": "urn:ietf:params:oauth:grant-type:device_code", "deviceCode": deviceCode})
	if status != http.StatusOK {
		t.Fatalf("token: %d %v", status, got)
	}
	return token, deviceCode, got["refreshToken"].(string)
}

// A refresh token that was replaced twice, or a code that was used before, ends
// the sign-in, and its person is told on both pages until they dismiss it.
func TestReuseIsToldToThePerson(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		reuse func(t *testing.T, token func(map[string]any) (int, map[string]any), deviceCode, refresh string) int
	}{
		"refresh token": {"A token of it that had been replaced was used again", func(t *testing.T, token func(map[string]any) (int, map[string]any), _, refresh string) int {
			next := refresh
			for range 2 {
				status, got := token(map[string]any{"grantType": "refresh_token", "refreshToken": next})
				if status != http.StatusOK {
					t.Fatalf("refresh: %d %v", status, got)
				}
				next = got["refreshToken"].(string)
			}
			status, _ := token(map[string]any{"grantType": "refresh_token", "refreshToken": refresh})
			return status
		}},
		"device code": {"Its code was used a second time", func(_ *testing.T, token func(map[string]any) (int, map[string]any), deviceCode, _ string) int {
			for range 2 { // telling of it again adds nothing
				token(map[string]any{"grantType": "urn:ietf:params:oauth:grant-type:device_code", "deviceCode": deviceCode})
			}
			status, _ := token(map[string]any{"grantType": "urn:ietf:params:oauth:grant-type:device_code", "deviceCode": deviceCode})
			return status
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := portaltest.NewServer(t)
			alice, bob := newBrowser(t, s, s.SignedIn(t, "alice")), newBrowser(t, s, s.SignedIn(t, "bob"))
			token, deviceCode, refresh := commandLine(t, alice)
			alice.get("/security").expect(http.StatusOK, "Security").lacks("was ended")
			if status := c.reuse(t, token, deviceCode, refresh); status != http.StatusBadRequest {
				t.Errorf("reuse: %d", status)
			}
			for _, page := range []string{"/", "/security"} {
				alice.get(page).expect(http.StatusOK, "A command-line sign-in was ended").expect(http.StatusOK, c.text).expect(http.StatusOK, "says it is “laptop b”")
				if n := strings.Count(alice.body, "A command-line sign-in was ended"); n != 1 {
					t.Errorf("%s: %d notices", page, n)
				}
				bob.get(page).expect(http.StatusOK, "</html>").lacks("was ended")
			}
			told, err := s.Store.NoticesOf(t.Context(), s.People["alice"].ID)
			if err != nil || len(told) != 1 {
				t.Fatalf("%v, %v", told, err)
			}
			dismiss := "/security/notices/" + told[0].ID + "/dismiss"
			alice.get(dismiss).expect(http.StatusNotFound, "")
			bob.post(dismiss, nil).expect(http.StatusNotFound, "")
			crossSite(t, alice, dismiss)
			alice.get("/").expect(http.StatusOK, "A command-line sign-in was ended")
			alice.post(dismiss, nil).expect(http.StatusOK, "Dismissed.").lacks("was ended")
			alice.get("/").expect(http.StatusOK, "Accounts").lacks("was ended")
		})
	}
}

// crossSite posts as another site would make the browser do.
func crossSite(t *testing.T, b *browser, path string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %s", resp.Status)
	}
}

// Command-line sign-ins stand among the sessions, and end by themselves or with
// the browser session that approved them.
func TestCommandLinesAmongTheSessions(t *testing.T) {
	s := portaltest.NewServer(t)
	alice, bob := newBrowser(t, s, s.SignedIn(t, "alice")), newBrowser(t, s, s.SignedIn(t, "bob"))
	elsewhere := newBrowser(t, s, s.SignedIn(t, "alice"))
	token, _, refresh := commandLine(t, alice)
	tokenOther, _, other := commandLine(t, elsewhere)
	works := func(token func(map[string]any) (int, map[string]any), refresh string) bool {
		t.Helper()
		status, _ := token(map[string]any{"grantType": "refresh_token", "refreshToken": refresh})
		return status == http.StatusOK
	}
	page := alice.get("/security").expect(http.StatusOK, "Says it is “laptop b”").body
	ids := regexp.MustCompile(`/security/sessions/(f-[\w-]+)/revoke`).FindAllStringSubmatch(page, -1)
	if len(ids) != 2 {
		t.Fatalf("%d command lines in\n%s", len(ids), page)
	}
	bob.get("/security").expect(http.StatusOK, "Security").lacks("laptop b")
	mine := ids[1][1] // newest first
	bob.post("/security/sessions/"+mine+"/revoke", nil).expect(http.StatusNotFound, "")
	alice.post("/security/sessions/"+mine+"/revoke", nil).expect(http.StatusOK, "The session was ended.")
	if n := strings.Count(alice.body, "laptop b"); n != 2 { // its name, and that of its button
		t.Errorf("%d mentions are left", n)
	}
	if works(token, refresh) || !works(tokenOther, other) {
		t.Error("not that sign-in alone has ended")
	}
	alice.post("/security/sessions/revoke", nil).expect(http.StatusOK, "The session was ended.").lacks("laptop b")
	if works(tokenOther, other) {
		t.Error("a sign-in of another browser refreshes")
	}
}
