// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
)

// provisioner is a SCIM client with a token of one source.
type provisioner struct {
	t     *testing.T
	base  string
	token string
}

func newProvisioner(t *testing.T, s *portaltest.Server, source string) *provisioner {
	t.Helper()
	token, err := s.Portal.IssueSCIMToken(context.Background(), "", source, "test", 0)
	if err != nil {
		t.Fatal(err)
	}
	return &provisioner{t: t, base: s.URL + "/scim/v2", token: token}
}

func (p *provisioner) do(method, path, body string, status int) map[string]any {
	p.t.Helper()
	req, err := http.NewRequest(method, p.base+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Content-Type", "application/scim+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if resp.StatusCode != status {
		p.t.Fatalf("%s %s: %d, want %d: %s", method, path, resp.StatusCode, status, text)
	}
	var out map[string]any
	if len(bytes.TrimSpace(text)) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			p.t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return out
}

const oktaUser = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"okta.user@example.test","name":{"givenName":"Okta","familyName":"User"},
"emails":[{"primary":true,"value":"okta.user@example.test","type":"work"}],"displayName":"Okta User","locale":"en-US","externalId":"00ujl29u0le5T6Aj10h7","groups":[],"password":"1mz050nq","active":true}`

func TestSCIMAsOkta(t *testing.T) {
	s := portaltest.NewServer(t)
	okta := newProvisioner(t, s, portaltest.SourcePeople)
	if got := okta.do("GET", "/Users?count=1&startIndex=1", "", 200); got["totalResults"] != 2.0 {
		t.Errorf("people: %v", got["totalResults"])
	}
	if got := okta.do("GET", `/Users?filter=userName%20eq%20%22nobody%22&startIndex=1&count=100`, "", 200); got["totalResults"] != 0.0 {
		t.Errorf("unknown userName: %v", got)
	}
	user := okta.do("POST", "/Users", oktaUser, 201)
	id, _ := user["id"].(string)
	okta.do("POST", "/Users", oktaUser, 409)
	if got := okta.do("GET", `/Users?filter=userName%20eq%20%22OKTA.USER@example.test%22`, "", 200); got["totalResults"] != 1.0 {
		t.Errorf("userName is case-sensitive: %v", got)
	}
	okta.do("PUT", "/Users/"+id, strings.Replace(oktaUser, "Okta User", "Renamed User", 1), 200)
	p, err := s.Store.Person(context.Background(), id)
	if err != nil || p.DisplayName != "Renamed User" || p.SourceID != portaltest.SourcePeople || p.Email != "okta.user@example.test" {
		t.Fatalf("%+v, %v", p, err)
	}
	if _, err := s.Store.PasswordHash(context.Background(), id); err == nil {
		t.Error("the token set a password")
	}
	okta.do("PATCH", "/Users/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}`, 200)
	if p, _ := s.Store.Person(context.Background(), id); p.Active {
		t.Error("still active")
	}
	group := okta.do("POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Pushed","members":[]}`, 201)
	gid, _ := group["id"].(string)
	okta.do("PATCH", "/Groups/"+gid, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"id":"`+gid+`","displayName":"Pushed Group"}}]}`, 204)
	okta.do("PATCH", "/Groups/"+gid, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"`+id+`","display":"x"}]}]}`, 204)
	if got := okta.do("GET", "/Groups/"+gid, "", 200); len(got["members"].([]any)) != 1 || got["displayName"] != "Pushed Group" {
		t.Errorf("group: %v", got)
	}
	okta.do("PATCH", "/Groups/"+gid, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members[value eq \"`+id+`\"]"}]}`, 204)
	okta.do("DELETE", "/Groups/"+gid, "", 204)
	okta.do("GET", "/Groups/"+gid, "", 404)
}

func TestSCIMAsEntra(t *testing.T) {
	s := portaltest.NewServer(t)
	entra := newProvisioner(t, s, portaltest.SourcePeople)
	entra.base += "/" // Entra appends to the URL as it was typed
	user := entra.do("POST", "Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"externalId":"entra1",
		"userName":"Test_User@example.test","active":true,"emails":[{"primary":true,"type":"work","value":"test@example.test"}],"meta":{"resourceType":"User"},"name":{"formatted":"given family","familyName":"family","givenName":"given"},
		"roles":[],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Research"}}`, 201)
	id, _ := user["id"].(string)
	entra.do("GET", `Users?filter=externalId+eq+%22entra1%22`, "", 200)
	entra.do("PATCH", "Users/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"displayName","value":"New"},{"op":"Replace","path":"active","value":"False"}]}`, 200)
	p, err := s.Store.Person(context.Background(), id)
	if err != nil || p.Active || p.DisplayName != "New" || p.Attributes["department"] != "Research" {
		t.Fatalf("%+v, %v", p, err)
	}
	group := entra.do("POST", "Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"externalId":"g1","displayName":"Entra Group","meta":{"resourceType":"Group"}}`, 201)
	gid, _ := group["id"].(string)
	entra.do("PATCH", "Groups/"+gid, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Add","path":"members","value":[{"value":"`+id+`"}]}]}`, 204)
	entra.do("GET", "Groups?excludedAttributes=members&filter=displayName+eq+%22Entra%20Group%22", "", 200)
	entra.do("PATCH", "Groups/"+gid, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Remove","path":"members","value":[{"value":"`+id+`"}]}]}`, 204)
	if members, err := s.Store.Members(context.Background(), gid); err != nil || len(members) != 0 {
		t.Errorf("members %v, %v", members, err)
	}
}

// A token is bound to one source: it cannot see, match, change or shadow
// people and groups of another.
func TestSCIMTokenIsBoundToItsSource(t *testing.T) {
	s := portaltest.NewServer(t)
	ctx := context.Background()
	if err := s.Store.PutSource(ctx, &directory.Source{ID: "other", Kind: directory.BuiltIn, Name: "Other", Owner: directory.OwnerAdmin}); err != nil {
		t.Fatal(err)
	}
	other := newProvisioner(t, s, "other")
	alice := s.People["alice"].ID
	if got := other.do("GET", "/Users", "", 200); got["totalResults"] != 0.0 {
		t.Errorf("people of another source: %v", got)
	}
	other.do("GET", "/Users/"+alice, "", 404)
	other.do("PATCH", "/Users/"+alice, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}`, 404)
	other.do("DELETE", "/Users/"+alice, "", 404)
	other.do("GET", "/Groups/"+s.Group.ID, "", 404)
	other.do("DELETE", "/Groups/"+s.Group.ID, "", 404)
	// The administrator's login name, in another source: the newcomer is refused.
	other.do("POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ADMIN"}`, 409)
	group := other.do("POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Administrators"}`, 201)
	gid, _ := group["id"].(string)
	other.do("PATCH", "/Groups/"+gid, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"`+alice+`"}]}]}`, 400)
	if admin, err := s.Portal.Directory().IsAdministrator(ctx, alice); admin || err != nil {
		t.Errorf("administrator: %v, %v", admin, err)
	}
	other.token = "gh_scim_unknown"
	other.do("GET", "/Users", "", 401)
}

// active:true does not lift an administrator's block, and a deactivated person
// is out on the next request.
func TestSCIMActiveAndBlock(t *testing.T) {
	s := portaltest.NewServer(t)
	ctx := context.Background()
	scim := newProvisioner(t, s, portaltest.SourcePeople)
	alice := s.People["alice"].ID
	b := newBrowser(t, s, s.SignedIn(t, "alice"))
	set := func(active string) {
		scim.do("PATCH", "/Users/"+alice, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":`+active+`}]}`, 200)
	}
	b.get("/").expect(http.StatusOK, portaltest.AccountDev)
	set("false")
	b.get("/").expect(http.StatusOK, "Sign in")
	set("true")
	b.get("/").expect(http.StatusOK, "Sign in") // the session is gone for good
	if err := s.Portal.Directory().Block(ctx, "", alice, true); err != nil {
		t.Fatal(err)
	}
	set("false")
	set("true")
	if p, err := s.Store.Person(ctx, alice); err != nil || p.Enabled() {
		t.Errorf("the block was lifted: %+v, %v", p, err)
	}
}

// Every address of a person is bounded, because each is in an index.
func TestSCIMAddressTooLong(t *testing.T) {
	s := portaltest.NewServer(t)
	scim := newProvisioner(t, s, portaltest.SourcePeople)
	for field, email := range map[string]string{"value": `{"value":"%s@example.test","type":"home"}`, "type": `{"value":"a@example.test","type":"%s"}`} {
		t.Run(field, func(t *testing.T) {
			p := *scim
			p.t = t
			second := strings.Replace(email, "%s", strings.Repeat("x", 300), 1)
			answer := p.do("POST", "/Users", strings.Replace(oktaUser, `"type":"work"}]`, `"type":"work"},`+second+`]`, 1), http.StatusBadRequest)
			if answer["scimType"] != "invalidValue" || !strings.Contains(answer["detail"].(string), "longer than 256 bytes") {
				t.Errorf("refused with %v", answer)
			}
		})
	}
}

// What a group is called is bounded too, when it is made and later.
func TestSCIMGroupNameTooLong(t *testing.T) {
	scim := newProvisioner(t, portaltest.NewServer(t), portaltest.SourcePeople)
	group := func(name string) string {
		return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"` + name + `"}`
	}
	path := "/Groups/" + scim.do("POST", "/Groups", group("short"), http.StatusCreated)["id"].(string)
	for method, path := range map[string]string{"POST": "/Groups", "PUT": path} {
		answer := scim.do(method, path, group(strings.Repeat("x", 300)), http.StatusBadRequest)
		if answer["scimType"] != "invalidValue" || !strings.Contains(answer["detail"].(string), "longer than 256 bytes") {
			t.Errorf("%s refused with %v", method, answer)
		}
	}
}

// A userName that is deleted and made again is a new person, without what the
// old one had.
func TestRecycledUserName(t *testing.T) {
	s := portaltest.NewServer(t)
	scim := newProvisioner(t, s, portaltest.SourcePeople)
	old := s.People["alice"].ID
	b := newBrowser(t, s, s.SignedIn(t, "alice"))
	scim.do("DELETE", "/Users/"+old, "", 204)
	b.get("/").expect(http.StatusOK, "Sign in")
	user := scim.do("POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"alice"}`, 201)
	if user["id"] == old {
		t.Fatal("the id was used again")
	}
	id, _ := user["id"].(string)
	found, err := s.Portal.Access().Resolve(context.Background(), id)
	if err != nil || len(found) != 0 {
		t.Errorf("the new alice has %v, %v", found, err)
	}
	records, err := s.Portal.MFA().Records(context.Background(), mfaSubject(id))
	if err != nil || len(records) != 0 {
		t.Errorf("the new alice has factors %v, %v", records, err)
	}
}

func TestSCIMTokensRotate(t *testing.T) {
	s := portaltest.NewServer(t)
	first, second := newProvisioner(t, s, portaltest.SourcePeople), newProvisioner(t, s, portaltest.SourcePeople)
	if _, err := s.Portal.IssueSCIMToken(context.Background(), "", portaltest.SourcePeople, "third", 0); err == nil {
		t.Error("a third token was issued")
	}
	first.do("GET", "/Users", "", 200)
	second.do("GET", "/Users", "", 200)
	tokens, err := s.Portal.SCIMTokens(context.Background(), portaltest.SourcePeople)
	if err != nil || len(tokens) != 2 {
		t.Fatal(tokens, err)
	}
	if err := s.Portal.RevokeSCIMToken(context.Background(), "", portaltest.SourcePeople, tokens[0].ID); err != nil {
		t.Fatal(err)
	}
	first.do("GET", "/Users", "", 401)
	second.do("GET", "/Users", "", 200)
}
