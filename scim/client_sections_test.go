// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/scim"
)

// Sections that a client relies on, of the server in its strict profile.

func TestRetrieve_RFC7644_3_4_1(t *testing.T) {
	t.Parallel()
	s := newServer(t, strict)
	id := s.user("anna", `"displayName":"Anna"`)
	r := s.do("GET", "/Users/"+id, "").want(200).has(id, "id").has("Anna", "displayName").has(scim.UserURN, "schemas", 0)
	if got, want := r.header.Get("ETag"), r.at("meta", "version"); got == "" || got != want {
		t.Errorf("ETag %q, version %q", got, want)
	}
	if got := r.header.Get("Content-Type"); !strings.HasPrefix(got, "application/scim+json") {
		t.Error(got)
	}
	s.refused(s.do("GET", "/Users/unknown", ""), 404, scim.CheckNotFound)
	s.refused(s.do("GET", "/Groups/"+id, ""), 404, scim.CheckNotFound)
}

func TestDelete_RFC7644_3_6(t *testing.T) {
	t.Parallel()
	s := newServer(t, strict)
	id := s.user("anna", "")
	group := s.group("staff", id)
	s.refused(s.do("DELETE", "/Users/"+id, "", "If-Match", `W/"0"`), 412, scim.CheckVersion)
	if r := s.do("DELETE", "/Users/"+id, "").want(204); r.text != "" {
		t.Error(r.text)
	}
	// It is gone from everything, and its name is free for another person.
	for _, method := range []string{"GET", "DELETE"} {
		s.refused(s.do(method, "/Users/"+id, ""), 404, scim.CheckNotFound)
	}
	s.refused(s.do("PATCH", "/Users/"+id, patchBody(`{"op":"replace","path":"title","value":"x"}`)), 404, scim.CheckNotFound)
	s.do("GET", "/Users?filter="+escape(`userName eq "anna"`), "").want(200).has("0", "totalResults")
	s.do("GET", "/Groups/"+group, "").want(200).has("", "members")
	if again := s.user("anna", ""); again == id {
		t.Error("a person has the id of one who was deleted")
	}
}

func TestCommonAttributes_RFC7643_3_1(t *testing.T) {
	t.Parallel()
	s := newServer(t, strict)
	r := s.do("POST", "/Users", `{`+userSchemas+`,"id":"mine","externalId":"E-1","userName":"anna","meta":{"resourceType":"Group","created":"2000-01-01T00:00:00Z","location":"x","version":"y"}}`).want(201)
	id := r.at("id")
	if id == "" || id == "mine" {
		t.Error("the id is the client's")
	}
	r.has("E-1", "externalId").has("User", "meta", "resourceType").has("https://app.example/scim/v2/Users/"+id, "meta", "location")
	created, err := time.Parse(time.RFC3339Nano, r.at("meta", "created"))
	if err != nil || time.Since(created) > time.Hour {
		t.Error("meta.created is the client's:", created, err)
	}
	// externalId is case-exact.
	s.do("GET", "/Users?filter="+escape(`externalId eq "e-1"`), "").want(200).has("0", "totalResults")
	s.do("GET", "/Users?filter="+escape(`externalId eq "E-1"`), "").want(200).has("1", "totalResults")
	later := s.do("PATCH", "/Users/"+id, patchBody(`{"op":"replace","path":"title","value":"x"}`)).want(200)
	if later.at("meta", "version") == r.at("meta", "version") || later.at("meta", "created") != r.at("meta", "created") {
		t.Error(later.text)
	}
}

func TestMultiValued_RFC7643_2_4(t *testing.T) {
	t.Parallel()
	s := newServer(t, strict)
	// Of two primaries none is the one: RFC 7643 wants at most one.
	s.refused(s.do("POST", "/Users", `{`+userSchemas+`,"userName":"a","emails":[{"value":"a@x","primary":true},{"value":"b@x","primary":true}]}`), 400, scim.CheckInvalidValue)
	id := s.user("anna", `"emails":[{"value":"a@x","type":"work","primary":true},{"value":"b@x","type":"home"}]`)
	// A new primary takes the place of the old.
	s.do("PATCH", "/Users/"+id, patchBody(`{"op":"add","path":"emails","value":[{"value":"c@x","primary":true}]}`)).want(200).has("true", "emails", 2, "primary")
	r := s.do("GET", "/Users/"+id, "").want(200)
	if strings.Count(r.at("emails"), `"primary":true`) != 1 {
		t.Error(r.at("emails"))
	}
}

func TestEnterpriseUser_RFC7643_4_3(t *testing.T) {
	t.Parallel()
	s := newServer(t, strict)
	boss := s.user("boss", "")
	id := s.do("POST", "/Users", `{"schemas":["`+scim.UserURN+`","`+scim.EnterpriseURN+`"],"userName":"anna","`+scim.EnterpriseURN+`":{"employeeNumber":"7","department":"R&D","manager":{"value":"`+boss+`"}}}`).
		want(201).has("R&D", scim.EnterpriseURN, "department").has(boss, scim.EnterpriseURN, "manager", "value").has(scim.EnterpriseURN, "schemas", 1).at("id")
	s.do("GET", "/Users?filter="+escape(scim.EnterpriseURN+`:employeeNumber eq "7"`), "").want(200).has(id, "Resources", 0, "id")
	// The last attribute takes the schema with it.
	for _, name := range []string{"employeeNumber", "department", "manager"} {
		s.do("PATCH", "/Users/"+id, patchBody(`{"op":"remove","path":"`+scim.EnterpriseURN+`:`+name+`"}`)).want(200)
	}
	s.do("GET", "/Users/"+id, "").want(200).has("", scim.EnterpriseURN).has("", "schemas", 1)
}
