// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
)

// What an administrator made in a source, provisioning of that source reads
// and does not change until it is handed over; a declarative file's is never
// handed over.
func TestProvisioningRespectsOwners(t *testing.T) {
	s := portaltest.NewServer(t)
	ctx := context.Background()
	scim := newProvisioner(t, s, portaltest.SourcePeople)
	admin := newBrowser(t, s, s.SignedIn(t, "admin"))

	admin.post("/admin/people", url.Values{"source": {portaltest.SourcePeople}, "username": {"dora"}, "name": {"Dora"}}).expect(http.StatusOK, "Hand over")
	dora := admin.url[strings.LastIndexByte(admin.url, '/')+1:]
	admin.post("/admin/groups", url.Values{"source": {portaltest.SourcePeople}, "name": {"Climbers"}}).expect(http.StatusOK, "Hand over")
	climbers := admin.url[strings.LastIndexByte(admin.url, '/')+1:]
	pushed, _ := scim.do("POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Pushed","members":[{"value":"`+dora+`"}]}`, 201)["id"].(string)
	if pushed == "" {
		t.Fatal("an administrator's person cannot be a member of a provisioned group")
	}

	const patch = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":`
	changes := []struct{ method, path, body string }{
		{"PUT", "/Users/" + dora, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"dora","active":true}`},
		{"PATCH", "/Users/" + dora, patch + `"replace","path":"active","value":false}]}`},
		{"PATCH", "/Users/" + dora, patch + `"replace","path":"emails","value":[{"value":"x@example.test","primary":true}]}]}`},
		{"PATCH", "/Groups/" + climbers, patch + `"add","path":"members","value":[{"value":"` + s.People["bob"].ID + `"}]}]}`},
		{"PATCH", "/Groups/" + climbers, patch + `"replace","path":"displayName","value":"Others"}]}`},
		{"DELETE", "/Groups/" + climbers, ""},
		{"DELETE", "/Users/" + dora, ""},
	}
	refused := func(who string) {
		t.Helper()
		for _, c := range changes {
			if got := scim.do(c.method, c.path, c.body, http.StatusBadRequest); got["scimType"] != "mutability" {
				t.Errorf("%s: %s %s: %v", who, c.method, c.path, got)
			}
		}
		if members, err := s.Store.Members(ctx, climbers); err != nil || len(members) != 0 {
			t.Errorf("%s: members %v, %v", who, members, err)
		}
	}
	own := func(owner string) {
		t.Helper()
		p, err := s.Store.Person(ctx, dora)
		if err != nil {
			t.Fatal(err)
		}
		g, err := s.Store.Group(ctx, climbers)
		if err != nil {
			t.Fatal(err)
		}
		p.Owner, g.Owner = owner, owner
		if err := s.Store.UpdatePerson(ctx, p, directory.FoldLogin(p.UserName)); err != nil {
			t.Fatal(err)
		}
		if err := s.Store.UpdateGroup(ctx, g); err != nil {
			t.Fatal(err)
		}
	}
	scim.do("GET", "/Users/"+dora, "", http.StatusOK)
	refused("the administrator's")

	own(directory.OwnerApply)
	refused("the file's")
	for _, path := range []string{"/admin/people/" + dora, "/admin/groups/" + climbers} {
		admin.get(path).expect(http.StatusOK, "apply").lacks("Hand over")
		admin.post(path+"/hand-over", nil).expect(http.StatusUnprocessableEntity, "declarative file")
	}
	refused("the file's after that")

	own(directory.OwnerAdmin)
	newBrowser(t, s, s.SignedIn(t, "alice")).post("/admin/people/"+dora+"/hand-over", nil).expect(http.StatusForbidden, "Only administrators")
	admin.post("/admin/people/"+dora+"/hand-over", nil).expect(http.StatusOK, "scim").lacks("Hand over")
	admin.post("/admin/groups/"+climbers+"/hand-over", nil).expect(http.StatusOK, "scim").lacks("Hand over")
	for _, c := range changes {
		want := http.StatusOK
		switch {
		case c.method == "DELETE", strings.HasPrefix(c.path, "/Groups"):
			want = http.StatusNoContent
		}
		scim.do(c.method, c.path, c.body, want)
	}
}
