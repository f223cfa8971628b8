// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/gatehouse-id/gatehouse/scim"
)

func TestResourcesAsJSON(t *testing.T) {
	t.Parallel()
	off := false
	in := scim.User{
		Base: scim.Base{ExternalID: "e", Extra: map[string]json.RawMessage{"urn:x:y": json.RawMessage(`{"a":1}`)}}, UserName: "anna", Active: &off,
		Emails: []scim.Value{{Value: "a@x", Primary: true}}, Enterprise: &scim.EnterpriseUser{Manager: &scim.Manager{Value: "m"}},
	}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","` + scim.EnterpriseURN + `","urn:x:y"],"externalId":"e","userName":"anna","active":false,"emails":[{"value":"a@x","primary":true}],"` +
		scim.EnterpriseURN + `":{"manager":{"value":"m"}},"urn:x:y":{"a":1}}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
	var out scim.User
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(in, out) {
		t.Errorf("got %+v, want %+v", out, in)
	}
	var g scim.Group
	if err := json.Unmarshal([]byte(`{"DISPLAYNAME":"staff","members":null,"x":[1]}`), &g); err != nil || g.DisplayName != "staff" || string(g.Extra["x"]) != "[1]" {
		t.Errorf("got %+v, %v", g, err)
	}
	if err := json.Unmarshal([]byte(`{"userName":1,"active":"False"}`), &out); err != nil || out.UserName != "" || out.IsActive() {
		t.Errorf("got %+v, %v", out, err)
	}
	if err := json.Unmarshal([]byte(`[]`), &out); err == nil {
		t.Error("a list is no user")
	}
}
