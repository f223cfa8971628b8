// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// smallOrganisation is the least that apply takes.
const smallOrganisation = `sources:
  - {id: people, kind: builtin, name: People}
people:
  - {source: people, user_name: ada}
administrators: ["user:ada"]
`

const example = "../../../examples/portal/"

// TestExampleShowsEveryField: the example organisation is a reference, so it
// has all that the program reads.
func TestExampleShowsEveryField(t *testing.T) {
	t.Parallel()
	code, err := os.ReadFile(example + "organisation.go")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(example + "organisation.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tags := regexp.MustCompile("yaml:\"(\\w+)\"").FindAllStringSubmatch(string(code), -1)
	if len(tags) < 40 {
		t.Fatalf("%d fields only", len(tags))
	}
	for _, tag := range tags {
		if !regexp.MustCompile(`(?m)^ *(# )?(- )?` + tag[1] + `:`).Match(text) {
			t.Errorf("organisation.yaml does not show %s", tag[1])
		}
	}
}

// TestApply brings the example in: first as a dry run, then for good, then
// again, then changed.
func TestApply(t *testing.T) {
	t.Parallel()
	data, file := t.TempDir(), example+"organisation.yaml"
	apply := func(want string, args ...string) string {
		t.Helper()
		out, err := command(t, append([]string{"apply", "--data", data}, args...)...)
		if err != nil || !strings.Contains(out, want) {
			t.Fatalf("apply %v: %v, no %q in:\n%s", args, err, want, out)
		}
		return out
	}
	dry := apply("nothing was changed (dry run)", "--dry-run", file)
	for _, want := range []string{"+ source partners", "+ person ada", "+ account 210000000051 Shop Gov", "+ application https://wiki.acorn.example/saml", "~ settings"} {
		if !strings.Contains(dry, want+"\n") && !strings.Contains(dry, want+" ") {
			t.Errorf("no %q in:\n%s", want, dry)
		}
	}
	real := apply(" changes applied", file)
	if strings.Count(real, "\n") != strings.Count(dry, "\n") {
		t.Errorf("the dry run showed\n%s\nand the real one\n%s", dry, real)
	}
	if out := apply("nothing to change", file); out != "nothing to change\n" {
		t.Errorf("again: %s", out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.NewReplacer(
		"environment: dev", "environment: test",
		"users: [bert]", "users: []",
		"session_duration: 8h", "session_duration: 4h",
		"no_factor: enrol", "no_factor: block",
	).Replace(string(text))
	other := write(t, filepath.Join(t.TempDir(), "org.yaml"), changed)
	diff := apply("4 changes applied", other)
	for _, want := range []string{`~ account 210000000013 (Environment: "dev" -> "test")`, `SessionDuration: "8h0m0s" -> "4h0m0s"`, "- application assignment Ledger to user:bert\n", "~ settings"} {
		if !strings.Contains(diff, want) {
			t.Errorf("no %q in:\n%s", want, diff)
		}
	}
}

// TestApplyRefuses: a fault is named with file, line and field, all of them at
// once, and nothing is changed.
func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	file := write(t, filepath.Join(t.TempDir(), "org.yaml"), `sources:
  - {id: people, kind: builtin, name: People}
  - {id: People, kind: ldap, name: More}
people:
  - {source: people, user_name: ada}
  - {source: people, user_name: ADA}
administrators: ["user:ada"]
permission_sets:
  - name: "no spaces"
  - name: Developer
    session_duration: 13h
sts: {regions: [us-east-1]}
accounts:
  - id: "210000000011"
    name: Shop
    region: cn-north-1
    provider_arn: arn:aws:iam::210000000011:saml-provider/gatehouse
  - id: "210000000012"
    name: Data
    region: us-east-1
    provider_arn: arn:aws:iam::999999999999:saml-provider/gatehouse
  - id: "210000000013"
    name: Bank
    region: us-east-1
    sign_in_url: https://signin.example.com/saml
    provider_arn: arn:aws:iam::210000000013:saml-provider/gatehouse
applications:
  - entity_id: https://app.example/saml
mfa: {mode: sometimes}
audit_days: -5
`)
	out, err := command(t, "apply", "--data", data, file)
	if err == nil {
		t.Fatalf("applied:\n%s", out)
	}
	for _, want := range []string{
		":3: sources[1].id: ", ":3: sources[1].kind: ", ":6: people[1].user_name: ", ":9: permission_sets[0]", ":10: permission_sets[1]", ":16: accounts[0].region: ",
		":18: accounts[1]: access: account 210000000012: provider_arn: ", ":22: accounts[2]", ":28: applications[0]", ":29: mfa.mode: the modes are always, context, never and deny, not \"sometimes\"", ":30: audit_days: ",
	} {
		if !strings.Contains(out, file+want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	for name, c := range map[string]struct{ text, want string }{
		"unknown field":      {smallOrganisation + "colour: red\n", `:6: unknown field "colour"`},
		"not YAML":           {"sources: [", "L2.C1"},
		"wrong type":         {"sources: 3\n", ":1: cannot construct"},
		"nobody there":       {smallOrganisation + "assignments:\n  - {accounts: [\"210000000011\"], permission_sets: [X], users: [eve]}\n", ":7: assignments[0].users[0]: "},
		"no administrator":   {strings.Replace(smallOrganisation, `"user:ada"`, "", 1), ":5: administrators: "},
		"hostile":            {smallOrganisation + "applications:\n  - {name: x, entity_id: \"urn:amazon:webservices\", acs: \"https://app.example/acs\"}\n", ":7: applications[0]: "},
		"AWS's attribute":    {smallOrganisation + "applications:\n  - {name: x, entity_id: \"https://app.example\", acs: \"https://app.example/acs\", attributes: {\"https://aws.amazon.com/SAML/Attributes/Role\": email}}\n", ":7: applications[0]: "},
		"missing metadata":   {smallOrganisation + "applications:\n  - {name: x, entity_id: \"https://app.example\", metadata_file: none.xml}\n", ":7: applications[0].metadata_file: "},
		"metadata is no XML": {strings.Replace(smallOrganisation, "name: People}", "name: People}\n  - {id: idp, kind: saml, name: I, metadata: \"<a\"}", 1), ":3: sources[1].metadata: "},
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, filepath.Join(t.TempDir(), "org.yaml"), c.text)
			if out, err := command(t, "apply", "--data", data, file); err == nil || !strings.Contains(out, file) || !strings.Contains(out, c.want) {
				t.Errorf("%v, no %q in:\n%s", err, c.want, out)
			}
		})
	}
	// Nothing of all that is there.
	good := write(t, filepath.Join(t.TempDir(), "org.yaml"), smallOrganisation)
	if out, err := command(t, "apply", "--data", data, good); err != nil || !strings.Contains(out, "3 changes applied") && !strings.Contains(out, "4 changes applied") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestNothingIsMade: a command that is refused, and a dry run, leave no data
// folder, whose empty database the next start would make the sample's.
func TestNothingIsMade(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	good := write(t, filepath.Join(folder, "good.yaml"), smallOrganisation)
	for name, text := range map[string]string{
		"unknown.yaml": smallOrganisation + "colour: red\n",
		"nobody.yaml":  strings.Replace(smallOrganisation, "user:ada", "user:eve", 1),
	} {
		write(t, filepath.Join(folder, name), text)
	}
	data := filepath.Join(folder, "data")
	for _, c := range []struct {
		fails bool
		want  string
		args  []string
	}{
		{true, "there is no database " + data, []string{"restored", "--data", data}},
		{true, "there is no database " + data, []string{"recover", "--data", data, "--username", "ada"}},
		{true, `unknown field "colour"`, []string{"apply", "--data", data, filepath.Join(folder, "unknown.yaml")}},
		{true, `there is no "user:eve"`, []string{"apply", "--data", data, filepath.Join(folder, "nobody.yaml")}},
		{true, `there is no "user:eve"`, []string{"--data", data, "--listen", "127.0.0.1:0", "--config", filepath.Join(folder, "nobody.yaml")}},
		{true, `there is no "user:eve"`, []string{"apply", "--data", data, "--dry-run", filepath.Join(folder, "nobody.yaml")}},
		{false, "+ person ada", []string{"apply", "--data", data, "--dry-run", good}},
	} {
		if out, err := command(t, c.args...); (err != nil) != c.fails || !strings.Contains(out, c.want) {
			t.Errorf("%v: %v, no %q in:\n%s", c.args, err, c.want, out)
		}
		if _, err := os.Stat(data); !os.IsNotExist(err) {
			t.Fatalf("%v: the data folder is there (%v)", c.args, err)
		}
	}
}

// TestNoSchemaIsMade is the same with PostgreSQL.
func TestNoSchemaIsMade(t *testing.T) {
	t.Parallel()
	dsn, db := freshDatabase(t)
	file := write(t, filepath.Join(t.TempDir(), "org.yaml"), smallOrganisation)
	for want, args := range map[string][]string{
		"holds no portal":     {"restored"},
		"holds no portal; is": {"recover", "--username", "ada"},
		"nothing was changed": {"apply", "--dry-run", file},
	} {
		if out, _ := command(t, append(args, "--data", t.TempDir(), "--database", dsn)...); !strings.Contains(out, want) {
			t.Errorf("%v: no %q in:\n%s", args, want, out)
		}
	}
	var tables int
	err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public'").Scan(&tables)
	if err != nil || tables != 0 {
		t.Errorf("%d tables, %v", tables, err)
	}
}

// recoverAdmin runs portal recover and reads what it prints.
func recoverAdmin(t *testing.T, data, username string, more ...string) somebody {
	t.Helper()
	out, err := command(t, append([]string{"recover", "--data", data, "--username", username}, more...)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	who := somebody{Username: username}
	if m := regexp.MustCompile(`(?m)^  ([a-z0-9]{5}(?:-[a-z0-9]{5}){3})$`).FindStringSubmatch(out); m != nil {
		who.Password = m[1]
	}
	if m := regexp.MustCompile(`otpauth://totp/\S*[?&]secret=([A-Z2-7]+)`).FindStringSubmatch(out); m != nil {
		who.TOTPSecret = m[1]
	}
	if who.Password == "" {
		t.Fatalf("no password in:\n%s", out)
	}
	return who
}

// TestAppliedIsKept: neither SCIM nor an administrator changes what a file
// brought in, and the file takes over nothing of theirs.
func TestAppliedIsKept(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := launch(t, "--data", data, "--listen", "127.0.0.1:0", "--config", example+"organisation.yaml")
	base := p.await(t, `ready: (http\S+)`)[1]
	ada := newPerson(t, base)
	ada.signIn("/admin/tokens", recoverAdmin(t, data, "ada")).expect(http.StatusOK, "SCIM tokens")
	ada.post("/admin/tokens", url.Values{"name": {"Test"}, "source": {"staff"}}).expect(http.StatusOK, "It is not shown again")
	token := regexp.MustCompile(`id="token">([^<]+)<`).FindStringSubmatch(ada.shown)[1]
	c := &provisioner{t: t, base: base + "/scim/v2", token: token}

	find := func(kind, filter string) string {
		t.Helper()
		found, _ := c.do(http.StatusOK, http.MethodGet, "/"+kind+"?filter="+url.QueryEscape(filter), nil)["Resources"].([]any)
		if len(found) != 1 {
			t.Fatalf("%s: %d of them", filter, len(found))
		}
		resource, _ := found[0].(map[string]any)
		return fmt.Sprint(resource["id"])
	}
	bert, group := find("Users", `userName eq "bert"`), find("Groups", `displayName eq "Engineering"`)
	patch := func(op, path string, value any) map[string]any {
		return map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": []any{map[string]any{"op": op, "path": path, "value": value}}}
	}
	newcomer, _ := c.do(http.StatusCreated, http.MethodPost, "/Users", newUser("nina"))["id"].(string)
	for name, refused := range map[string]func() (int, http.Header, map[string]any, error){
		"replace person": func() (int, http.Header, map[string]any, error) {
			return c.try(http.MethodPut, "/Users/"+bert, newUser("bertha"))
		},
		"deactivate person": func() (int, http.Header, map[string]any, error) {
			return c.try(http.MethodPatch, "/Users/"+bert, patch("replace", "active", false))
		},
		"delete person": func() (int, http.Header, map[string]any, error) {
			return c.try(http.MethodDelete, "/Users/"+bert, nil)
		},
		"rename group": func() (int, http.Header, map[string]any, error) {
			return c.try(http.MethodPatch, "/Groups/"+group, patch("replace", "displayName", "Engineers"))
		},
		"add member": func() (int, http.Header, map[string]any, error) {
			return c.try(http.MethodPatch, "/Groups/"+group, patch("add", "members", []any{map[string]any{"value": newcomer}}))
		},
		"delete group": func() (int, http.Header, map[string]any, error) {
			return c.try(http.MethodDelete, "/Groups/"+group, nil)
		},
	} {
		status, _, answer, err := refused()
		if err != nil || status != http.StatusBadRequest || answer["scimType"] != "mutability" {
			t.Errorf("SCIM, %s: %d %v %v", name, status, answer, err)
		}
	}

	first := func(page, re string) string {
		t.Helper()
		m := regexp.MustCompile(re).FindStringSubmatch(ada.open(page).expect(http.StatusOK, "").shown)
		if m == nil {
			t.Fatalf("%s: no %s in\n%s", page, re, ada.shown)
		}
		return m[1]
	}
	app := first("/admin/applications", `href="/admin/applications/([^"]+)"`)
	set := first("/admin/assignments", `<option value="([^"]+)">Developer</option>`)
	for path, form := range map[string]url.Values{
		"/admin/groups/" + group + "/members":    {"action": {"add"}, "person": {newcomer}},
		"/admin/applications/" + app + "/remove": {},
		"/admin/applications/" + app:             {"principal": {"person:" + newcomer}, "action": {"add"}},
	} {
		if ada.post(path, form); ada.status < 400 || !strings.Contains(ada.shown, "kept by a source or by a declarative file") {
			t.Errorf("administrator, %s: %d\n%s", path, ada.status, ada.shown)
		}
	}
	if ada.open("/admin/assignments"); regexp.MustCompile(`/admin/assignments/[^"]+/remove`).MatchString(ada.shown) {
		t.Error("an applied assignment has a button to remove it")
	}
	// To assign by hand what the file assigns changes nothing about it.
	ada.post("/admin/assignments", url.Values{"principal": {"group:" + group}, "account": {"210000000011"}, "permission_set": {set}}).expect(http.StatusOK, "")
	if ada.open("/admin/assignments"); regexp.MustCompile(`/admin/assignments/[^"]+/remove`).MatchString(ada.shown) {
		t.Error("an applied assignment became the administrator's")
	}
	if out, err := command(t, "apply", "--data", data, example+"organisation.yaml"); err != nil || out != "nothing to change\n" {
		t.Errorf("after all that: %v\n%s", err, out)
	}

	c.do(http.StatusCreated, http.MethodPost, "/Groups", map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": "Pushed"})
	text, err := os.ReadFile(example + "organisation.yaml")
	if err != nil {
		t.Fatal(err)
	}
	greedy := strings.Replace(string(text), "\ngroups:\n", "\ngroups:\n  - {source: staff, name: Pushed, members: [bert]}\n", 1)
	greedy = strings.Replace(greedy, "\npeople:\n", "\npeople:\n  - {source: staff, user_name: nina}\n", 1)
	file := write(t, filepath.Join(t.TempDir(), "org.yaml"), greedy)
	out, err := command(t, "apply", "--data", data, file)
	if err == nil || !strings.Contains(out, `groups[0].name: exists and is kept by "scim"`) || !strings.Contains(out, `people[0]: exists and is kept by "scim"`) {
		t.Errorf("took over: %v\n%s", err, out)
	}
}

// TestRecover lets an administrator in again who has lost everything, and
// nobody else.
func TestRecover(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	_, s := serve(t, data)
	lost := newPerson(t, s.URL)
	lost.signIn("/admin/people", s.Admin).expect(http.StatusOK, "alice")
	for name, want := range map[string]string{"alice": "is not an administrator", "nobody": "there is nobody called"} {
		if out, err := command(t, "recover", "--data", data, "--username", name); err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	lost.open("/admin/people").expect(http.StatusOK, "alice")
	again := recoverAdmin(t, data, "admin", "--factors")
	lost.open("/admin/people").expect(http.StatusOK, "Sign in")
	lost.submit("username", "admin").submit("password", s.Admin.Password).expect(http.StatusForbidden, "do not match")
	p := newPerson(t, s.URL)
	p.signIn("/admin/audit.jsonl", again).expect(http.StatusOK, `"cli:recover"`)
	if strings.Contains(p.shown, again.Password) || strings.Contains(p.shown, again.TOTPSecret) {
		t.Error("a secret is in the audit log")
	}
}
