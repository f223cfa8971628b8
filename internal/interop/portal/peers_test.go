// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// launchExample builds and starts another of the examples.
func launchExample(t *testing.T, name string, args ...string) *process {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("go", "build", "-o", path, "github.com/gatehouse-id/gatehouse/examples/"+name).CombinedOutput(); err != nil {
		t.Fatalf("build examples/%s: %v\n%s", name, err, out)
	}
	p := &process{cmd: exec.Command(path, args...), out: newScreen(), ended: make(chan struct{})}
	p.cmd.Env = []string{"PATH=/nonexistent", "HOME=" + t.TempDir()}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	return p
}

// goOn does what a browser does with a page that leads on: it follows its
// Refresh, or posts the message that it holds.
func (p *person) goOn() *person {
	p.t.Helper()
	for range 10 {
		if _, target, ok := strings.Cut(p.header.Get("Refresh"), "url="); ok {
			p.open(target)
			continue
		}
		form := forms.FindStringSubmatch(p.shown)
		if form == nil || !strings.Contains(form[2], `name="SAMLResponse"`) && !strings.Contains(form[2], `name="SAMLRequest"`) {
			return p
		}
		p.post(html.UnescapeString(form[1]), fields(form[2]))
	}
	p.t.Fatalf("%s leads on for ever", p.url)
	return p
}

func fetchText(t *testing.T, address string) string {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v", address, resp.StatusCode, err)
	}
	return string(text)
}

// TestExamples puts three programs together: people of examples/idp sign in to
// the portal, and through it to examples/sp, and sign out again.
func TestExamples(t *testing.T) {
	t.Parallel()
	dir, data := t.TempDir(), t.TempDir()
	small := smallOrganisation + "mfa: {mode: never}\n"
	first := write(t, filepath.Join(dir, "first.yaml"), small)
	base := launch(t, "--data", data, "--listen", "127.0.0.1:0", "--config", first).await(t, `ready: (http\S+)`)[1]

	// The portal, the service provider and the identity provider, each made
	// known to the next.
	sp := launchExample(t, "sp", "--listen", "127.0.0.1:0", "--state", filepath.Join(dir, "sp"), "--sign",
		"--idp-metadata", base+"/saml/app/metadata").await(t, `Service provider (\S+)/metadata`)[1]
	idp := launchExample(t, "idp", "--listen", "127.0.0.1:0", "--state", filepath.Join(dir, "idp"),
		"--sp-metadata", base+"/saml/sp/metadata/corp").await(t, `Identity provider (\S+)/metadata`)[1]
	write(t, filepath.Join(dir, "idp.xml"), fetchText(t, idp+"/metadata"))
	write(t, filepath.Join(dir, "sp.xml"), fetchText(t, sp+"/metadata"))
	whole := strings.Replace(small, "name: People}\n", "name: People}\n  - {id: corp, kind: saml, name: Corp, domains: [example.test], metadata_file: idp.xml, allow_idp_initiated: true}\n", 1)
	whole = strings.Replace(whole, "user_name: ada}\n", `user_name: ada}
  - {source: corp, user_name: alice@example.test, email: alice@example.test, display_name: Alice}
`, 1)
	whole += fmt.Sprintf("applications:\n  - {name: Wiki, entity_id: %q, metadata_file: sp.xml, users: [alice@example.test], attributes: {name: displayName}, idp_initiated: true}\n", sp+"/metadata")
	if out, err := command(t, "apply", "--data", data, write(t, filepath.Join(dir, "whole.yaml"), whole)); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	// From the application through the portal to the identity provider, and back.
	alice := newPerson(t, base)
	alice.open(sp+"/login?relay=%2Fpage&binding=redirect").goOn().expect(http.StatusOK, "Sign in")
	alice.submit("username", "alice@example.test").goOn().expect(http.StatusOK, "Identity provider")
	alice.post(idp+"/sign-in", url.Values{"next": {alice.field("next")}, "username": {"alice"}, "password": {"alice-pw"}}).goOn()
	who := func(p *person) (nameID, relay string, attributes map[string][]string) {
		t.Helper()
		p.open(sp+"/whoami").expect(http.StatusOK, "nameid")
		var out struct {
			NameID     string              `json:"nameid"`
			Relay      string              `json:"relaystate"`
			Attributes map[string][]string `json:"attributes"`
		}
		if err := json.Unmarshal([]byte(p.shown), &out); err != nil {
			t.Fatal(err)
		}
		return out.NameID, out.Relay, out.Attributes
	}
	if nameID, relay, attributes := who(alice); nameID != "alice@example.test" || relay != "/page" || fmt.Sprint(attributes["name"]) != "[Alice]" {
		t.Errorf("the application sees %s, %s, %v", nameID, relay, attributes)
	}
	alice.open("/apps").expect(http.StatusOK, "Wiki")

	// Signing out of the application signs out of the portal.
	alice.open(sp+"/logout").goOn().expect(http.StatusOK, "logout status=urn:oasis:names:tc:SAML:2.0:status:Success")
	alice.open("/apps").expect(http.StatusOK, "Sign in")

	// The application takes POST too, and the identity provider still knows her.
	alice.open(sp+"/login?binding=post").goOn().expect(http.StatusOK, "Sign in")
	alice.submit("username", "alice@example.test").goOn()
	if nameID, _, _ := who(alice); nameID != "alice@example.test" {
		t.Errorf("by POST the application sees %s", nameID)
	}

	// The identity provider begins, and the person confirms.
	other := newPerson(t, base)
	other.open(idp+"/initiate?sp="+url.QueryEscape(base+"/saml/sp/metadata/corp")).expect(http.StatusOK, "Sign in first")
	other.post(idp+"/sign-in", url.Values{"next": {other.field("next")}, "username": {"alice"}, "password": {"alice-pw"}}).goOn().expect(http.StatusOK, "Continue as")
	other.submit("flow", "").expect(http.StatusOK, "Accounts")

	// Nobody is made up: bob is the identity provider's and not the portal's.
	bob := newPerson(t, base)
	bob.open("/").submit("username", "bob@example.test").goOn().expect(http.StatusOK, "Identity provider")
	bob.post(idp+"/sign-in", url.Values{"next": {bob.field("next")}, "username": {"bob"}, "password": {"bob-pw"}}).goOn().expect(http.StatusForbidden, "you have no account here")
}
