// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
)

// denier keeps what it was asked to deny, and fails for one account.
type denier struct {
	mu    sync.Mutex
	fail  string
	roles map[string]string // role ARN to policy
	name  string
}

func (d *denier) Deny(_ context.Context, p access.DenyPolicy) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p.Account.ID == d.fail {
		return errors.New("AccessDenied")
	}
	d.roles[p.RoleARN], d.name = p.Policy, p.Name
	return nil
}

type denyPolicy struct {
	Statement []struct {
		Effect    string
		Condition map[string]map[string]any
	}
}

// One administrator ends everything of alice, sees what ended and what AWS may
// still run, and has the deny of her alone written to one account.
func TestRevokedEverywhere(t *testing.T) {
	d := &denier{fail: portaltest.AccountProd, roles: map[string]string{}}
	s := portaltest.NewServerWith(t, portaltest.Options{Config: func(c *portal.Config) { c.Denier = d }})
	alice, admin := newBrowser(t, s, s.SignedIn(t, "alice")), newBrowser(t, s, s.SignedIn(t, "admin"))
	id := s.People["alice"].ID
	path := "/admin/people/" + id + "/revoked"
	deny := func(account string) *browser { return admin.post(path+"/deny", url.Values{"account": {account}}) }
	admin.get(path).expect(http.StatusOK, "was revoked in the last 12 hours").lacks("aws:TokenIssueTime")
	deny(portaltest.AccountDev).expect(http.StatusUnprocessableEntity, "End all sessions first")

	alice.post("/console/open", url.Values{"account": {portaltest.AccountDev}, "role": {portaltest.PermissionSet}}).expect(http.StatusOK, "SAMLResponse")
	before := time.Now()
	admin.post("/admin/people/"+id+"/sessions/revoke", nil).expect(http.StatusOK, "1 browser session and 0 command-line sign-ins").
		expect(http.StatusOK, "May run until").expect(http.StatusOK, "Nothing signed in the last 12 hours").expect(http.StatusOK, "*:alice")
	alice.get("/").expect(http.StatusOK, "Sign in")

	deny(portaltest.AccountDev).expect(http.StatusOK, "Saved.")
	deny(portaltest.AccountProd).expect(http.StatusBadGateway, "AWS did not take the policy")
	deny("999999999999").expect(http.StatusUnprocessableEntity, "no access to this account")
	newBrowser(t, s, s.SignedIn(t, "bob")).post(path+"/deny", url.Values{"account": {portaltest.AccountDev}}).expect(http.StatusForbidden, "Only administrators")
	role := "arn:aws:iam::" + portaltest.AccountDev + ":role/" + portaltest.PermissionSet
	if len(d.roles) != 1 || d.roles[role] == "" || d.name != access.DenyName(id, "alice") {
		t.Fatalf("denied %v as %s", d.roles, d.name)
	}
	var policy denyPolicy
	if err := json.Unmarshal([]byte(d.roles[role]), &policy); err != nil {
		t.Fatal(err)
	}
	condition := policy.Statement[0].Condition
	until, err := time.Parse(time.RFC3339, fmt.Sprint(condition["DateLessThan"]["aws:TokenIssueTime"]))
	if err != nil || until.Sub(before) < access.MaxAssertionLife || until.Sub(before) > access.MaxAssertionLife+5*time.Minute {
		t.Errorf("until %v, %v", until, err)
	}
	if len(policy.Statement) != 1 || policy.Statement[0].Effect != "Deny" || fmt.Sprint(condition["StringLike"]["aws:userid"]) != "[*:alice]" {
		t.Errorf("policy %s", d.roles[role])
	}
	// Once she is renamed the policy denies what runs under the earlier name,
	// too. It does not replace one that denies other names.
	person, err := s.Store.Person(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	person.UserName = "alice.b"
	if err := s.Portal.Directory().UpdatePerson(context.Background(), "", "renamed", person); err != nil {
		t.Fatal(err)
	}
	first := d.name
	deny(portaltest.AccountDev).expect(http.StatusOK, "Saved.")
	if d.name == first || !strings.HasPrefix(d.name, "GatehouseRevoked-"+id+"-") || !strings.Contains(d.roles[role], `"*:alice",`) || !strings.Contains(d.roles[role], `"*:alice.b"`) {
		t.Errorf("renamed: %s takes the place of %s with %s", d.name, first, d.roles[role])
	}
	changes := map[string]int{}
	events, err := s.Portal.Audit().Events(context.Background(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Details["object"] == "deny" && e.Actor == s.People["admin"].ID && e.Person == id {
			changes[e.Details["change"]]++
		}
	}
	if changes["requested"] != 3 || changes["applied"] != 2 || changes["failed"] != 1 {
		t.Errorf("events %v", changes)
	}
}

// A role that was taken away before the revocation is listed for as long as
// its sessions may run, and an account with SourceIdentity is denied by it.
func TestRevokedAfterAccessWasLost(t *testing.T) {
	s := portaltest.NewServer(t)
	ctx := context.Background()
	alice, admin := newBrowser(t, s, s.SignedIn(t, "alice")), newBrowser(t, s, s.SignedIn(t, "admin"))
	id := s.People["alice"].ID
	account, err := s.Store.Account(ctx, portaltest.AccountDev)
	if err != nil {
		t.Fatal(err)
	}
	account.SourceIdentity = true
	if err := s.Store.PutAccount(ctx, account); err != nil {
		t.Fatal(err)
	}
	alice.post("/console/open", url.Values{"account": {portaltest.AccountDev}, "role": {portaltest.PermissionSet}}).expect(http.StatusOK, "SAMLResponse")
	if err := s.Store.DeleteAssignment(ctx, "a-"+portaltest.AccountDev); err != nil {
		t.Fatal(err)
	}
	admin.post("/admin/people/"+id+"/block", nil).expect(http.StatusOK, "Blocked").
		expect(http.StatusOK, "arn:aws:iam::"+portaltest.AccountDev+":role/"+portaltest.PermissionSet).expect(http.StatusOK, "aws:SourceIdentity").
		lacks("Deny in AWS") // no Denier
	admin.post("/admin/people/"+id+"/revoked/deny", url.Values{"account": {portaltest.AccountDev}}).expect(http.StatusUnprocessableEntity, "cannot write to AWS")
}

func TestWellKnownNamesSTS(t *testing.T) {
	for _, endpoint := range []string{"", "http://127.0.0.1:4567"} {
		s := portaltest.NewServerWith(t, portaltest.Options{Config: func(c *portal.Config) { c.STSEndpoint = endpoint }})
		resp, err := http.Get(s.URL + portal.PathWellKnown)
		if err != nil {
			t.Fatal(err)
		}
		var known map[string]string
		err = json.NewDecoder(resp.Body).Decode(&known)
		resp.Body.Close()
		if got, there := known["sts_endpoint"]; err != nil || got != endpoint || there != (endpoint != "") || !strings.HasPrefix(known["sso_endpoint"], s.URL) {
			t.Errorf("%v, %v", known, err)
		}
	}
}
