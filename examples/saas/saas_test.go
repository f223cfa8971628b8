// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
	"github.com/gatehouse-id/gatehouse/scim/scimtest"
)

// lab is the application with the tenants a and b, and one browser.
type lab struct {
	*testing.T
	app     *application
	url     string
	idps    map[string]*samltest.IdP
	client  *http.Client
	refused error
}

// newLab makes tenants with an identity provider each, or with the same one.
func newLab(t *testing.T, same bool) *lab {
	db, err := openDB("file:" + filepath.Join(t.TempDir(), "saas.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	a, b := samltest.NewIdP(t), samltest.NewIdP(t)
	if !same {
		b.EntityID, b.Key = "https://other.test/metadata", samltest.OtherKey()
	}
	jar, _ := cookiejar.New(nil)
	l := &lab{T: t, idps: map[string]*samltest.IdP{"a": a, "b": b}}
	l.client = &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), l.url) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.app.mux.ServeHTTP(w, r) }))
	t.Cleanup(srv.Close)
	l.url = srv.URL
	l.app, err = newApp(srv.URL, db, []tenant{{"a", "token-of-a", a.Entity()}, {"b", "token-of-b", b.Entity()}})
	if err != nil {
		t.Fatal(err)
	}
	l.app.onError = func(err error) { l.refused = err }
	return l
}

func (l *lab) do(method, path, token, body string) (int, string, http.Header) {
	l.Helper()
	req, err := http.NewRequest(method, l.url+path, strings.NewReader(body))
	if err != nil {
		l.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/scim+json")
	} else if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := l.client.Do(req)
	if err != nil {
		l.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		l.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

// create provisions a person and returns the ID.
func (l *lab) create(token, userName string) string {
	l.Helper()
	status, body, _ := l.do(http.MethodPost, "/scim/v2/Users", token, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+userName+`","externalId":"x1"}`)
	var u struct{ ID string }
	if err := json.Unmarshal([]byte(body), &u); err != nil || status != http.StatusCreated || u.ID == "" {
		l.Fatalf("create: %d %s", status, body)
	}
	return u.ID
}

func (l *lab) connection(tenant string) *saml.Connection {
	return &saml.Connection{EntityID: l.url + "/" + tenant + "/metadata", ACS: l.url + "/" + tenant + "/acs"}
}

// begin starts a login at the tenant and returns its request.
func (l *lab) begin(tenant string) *saml.Outgoing {
	l.Helper()
	status, body, header := l.do(http.MethodGet, "/"+tenant+"/login", "", "")
	if status != http.StatusSeeOther {
		l.Fatalf("login: %d %s", status, body)
	}
	_, login := l.idps[tenant].Login(header.Get("Location"))
	return login
}

// bring posts an answer at the tenant's consumer service.
func (l *lab) bring(tenant string, form url.Values) (int, string) {
	l.Helper()
	l.refused = nil
	status, body, _ := l.do(http.MethodPost, "/"+tenant+"/acs", "", form.Encode())
	return status, body
}

func TestSignInAndProvisioning(t *testing.T) {
	t.Parallel()
	l := newLab(t, false)
	// Nobody is let in who was not provisioned.
	login := l.begin("a")
	if status, _ := l.bring("a", l.idps["a"].Answer(l.connection("a"), login, samltest.Alice())); status != http.StatusForbidden || saml.CheckOf(l.refused) != saml.CheckCommit {
		t.Fatalf("a stranger: %d, %v", status, l.refused)
	}
	id := l.create("token-of-a", "Alice@Example.test")
	login = l.begin("a")
	if status, body := l.bring("a", l.idps["a"].Answer(l.connection("a"), login, samltest.Alice())); status != http.StatusOK || body != "Alice@Example.test of a\n" {
		t.Fatalf("sign-in: %d %q, %v", status, body, l.refused)
	}
	// The other tenant's client sees nothing of it.
	if status, body, _ := l.do(http.MethodGet, "/scim/v2/Users/"+id, "token-of-b", ""); status != http.StatusNotFound {
		t.Errorf("tenant b reads a's person: %d %s", status, body)
	}
	if status, _, _ := l.do(http.MethodGet, "/scim/v2/Users/"+id, "token-of-nobody", ""); status != http.StatusUnauthorized {
		t.Errorf("a bad token: %d", status)
	}
	if _, body, _ := l.do(http.MethodGet, "/scim/v2/Users?filter="+url.QueryEscape(`userName eq "alice@example.test"`), "token-of-a", ""); !strings.Contains(body, `"totalResults":1`) {
		t.Errorf("filter: %s", body)
	}
	// Deactivation ends the session and the next sign-in.
	status, body, _ := l.do(http.MethodPatch, "/scim/v2/Users/"+id, "token-of-a",
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}`)
	if status != http.StatusOK || !strings.Contains(body, `"active":false`) {
		t.Fatalf("deactivate: %d %s", status, body)
	}
	if status, body, _ := l.do(http.MethodGet, "/a/", "", ""); status != http.StatusUnauthorized {
		t.Errorf("the session outlives the deactivation: %d %s", status, body)
	}
	login = l.begin("a")
	if status, _ := l.bring("a", l.idps["a"].Answer(l.connection("a"), login, samltest.Alice())); status != http.StatusForbidden {
		t.Errorf("a deactivated person signs in: %d", status)
	}
}

// TestOtherTenant: what is for one tenant is refused at the other, also when
// both trust the same issuer and the same person exists at both.
func TestOtherTenant(t *testing.T) {
	t.Parallel()
	for _, same := range []bool{false, true} {
		l := newLab(t, same)
		l.create("token-of-a", "alice@example.test")
		l.create("token-of-b", "alice@example.test")
		for _, tt := range []struct {
			name  string
			login string
			conn  *saml.Connection
			want  saml.Check
		}{
			{"a's answer", "a", l.connection("a"), saml.CheckDestination},
			{"a's answer to b's request", "b", l.connection("a"), saml.CheckDestination},
			{"a's answer to b's request, sent to b", "b", &saml.Connection{EntityID: l.connection("a").EntityID, ACS: l.connection("b").ACS}, saml.CheckAudience},
			{"b's answer to a's request", "a", l.connection("b"), saml.CheckDestination},
		} {
			login := l.begin(tt.login)
			status, _ := l.bring("b", l.idps["a"].Answer(tt.conn, login, samltest.Alice()))
			want := tt.want
			if !same && tt.login == "b" {
				want = saml.CheckSignature
			}
			if status != http.StatusForbidden || saml.CheckOf(l.refused) != want {
				t.Errorf("same issuer %v, %s: %d, refused by %q, want %q: %v", same, tt.name, status, saml.CheckOf(l.refused), want, l.refused)
			}
		}
		login := l.begin("b")
		if status, body := l.bring("b", l.idps["b"].Answer(l.connection("b"), login, samltest.Alice())); status != http.StatusOK || body != "alice@example.test of b\n" {
			t.Errorf("the control: %d %q, %v", status, body, l.refused)
		}
	}
}

// TestStore: the adapter keeps the contract.
func TestStore(t *testing.T) {
	t.Parallel()
	scimtest.TestStore(t, func(t *testing.T) scimtest.Stores {
		db, err := openDB("file:" + filepath.Join(t.TempDir(), "store.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return scimtest.Stores{Users: people{db}}
	})
}
