// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package ssp runs SimpleSAMLphp, from Debian's package, as the identity
// provider or the service provider of a test.
//
// [Start] serves it on loopback until the test ends. It checks every message
// that it gets against the OASIS schemas, and the signatures of all logout
// messages.
package ssp

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
	"github.com/gatehouse-id/gatehouse/internal/interop/samlpeers/daemon"
)

// Options say how both roles behave. The zero value signs everything, encrypts
// nothing and asks for nothing.
type Options struct {
	// Name tells servers of one test apart: each name has its own key pair.
	Name string
	// Peers are metadata documents of peers, taken as they are.
	Peers [][]byte

	IdP IdP
	SP  SP
}

// IdP is the role of the identity provider. Its only person is erika with the
// password secret, released as the NameID erika@corp.test.
type IdP struct {
	// Entity is the entity ID under which it speaks, if not its own.
	Entity string
	// RequireSigned refuses unsigned AuthnRequests, and says so in metadata.
	RequireSigned bool
	// POST offers single sign-on by POST alone, and logout too.
	POST bool
	// Artifact offers answers by artifact.
	Artifact bool
	// Encrypt encrypts assertions.
	Encrypt bool
	// UnsignedLogout leaves logout messages unsigned.
	UnsignedLogout bool
}

// SP is the role of the service provider, whose authentication source is
// default-sp.
type SP struct {
	// IdP is the entity ID of its identity provider.
	IdP string
	// NameID is the format of NameID to ask for, if any. SimpleSAMLphp's default
	// is transient.
	NameID string
	// UnsignedRequests leaves AuthnRequests unsigned.
	UnsignedRequests bool
	// RequireEncrypted refuses assertions in clear.
	RequireEncrypted bool
	// POST offers logout by POST alone.
	POST bool
	// UnsignedLogout leaves logout messages unsigned.
	UnsignedLogout bool
}

// Server is a running SimpleSAMLphp.
type Server struct {
	URL string
	dir string
}

// Start serves SimpleSAMLphp with the PHP command line's server.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	php := peer.Command(t, "php", "php-cli")
	www := peer.Path(t, "/usr/share/simplesamlphp/www", "simplesamlphp")
	s := &Server{dir: t.TempDir()}
	t.Cleanup(func() {
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(s.dir, "log", "ssp.log"))
			t.Logf("SimpleSAMLphp:\n%s", tail(string(text)))
		}
	})
	var err error
	for range 3 { // the port may be taken meanwhile
		port := daemon.FreePort(t)
		s.URL = fmt.Sprintf("http://localhost:%d", port)
		s.configure(t, o)
		if err = s.serve(t, php, www, port); err == nil {
			return s
		}
	}
	t.Fatal(err)
	return nil
}

func (s *Server) serve(t testing.TB, php, www string, port int) error {
	// The cache of compiled files would keep the configuration for two seconds.
	cmd := exec.Command(php, "-d", "opcache.revalidate_freq=0", "-d", "display_errors=stderr", "-d", "error_reporting=E_ALL & ~E_DEPRECATED",
		"-S", fmt.Sprintf("127.0.0.1:%d", port), "-t", www)
	cmd.Env = append(os.Environ(), "SIMPLESAMLPHP_CONFIG_DIR="+filepath.Join(s.dir, "config"), "PHP_CLI_SERVER_WORKERS=3")
	return daemon.Start(t, cmd, filepath.Join(s.dir, "php.log"), true, "Development Server")
}

func tail(s string) string { return s[max(0, len(s)-3000):] }

// AddPeer makes one more peer's metadata known; it is read at the next request.
func (s *Server) AddPeer(t testing.TB, metadata []byte) {
	t.Helper()
	const first = "['type' => 'flatfile']"
	path := filepath.Join(s.dir, "config", "config.php")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.dir, fmt.Sprintf("added%d.xml", strings.Count(string(text), "'type' => 'xml'")))
	if err := os.WriteFile(file, metadata, 0o644); err != nil {
		t.Fatal(err)
	}
	with := strings.Replace(string(text), first, first+", ['type' => 'xml', 'file' => '"+file+"']", 1)
	if err := os.WriteFile(path, []byte(with), 0o644); err != nil {
		t.Fatal(err)
	}
}

// IdPEntity is its entity ID as an identity provider.
func (s *Server) IdPEntity() string { return s.URL + "/idp" }

// SPEntity is its entity ID as a service provider.
func (s *Server) SPEntity() string { return s.URL + "/sp" }

// IdPMetadataURL is where its metadata as an identity provider is.
func (s *Server) IdPMetadataURL() string { return s.URL + "/saml2/idp/metadata.php" }

// SPMetadataURL is where its metadata as a service provider is.
func (s *Server) SPMetadataURL() string { return s.URL + "/module.php/saml/sp/metadata.php/default-sp" }

// IdPMetadata is its metadata as an identity provider.
func (s *Server) IdPMetadata(t testing.TB) []byte { return Fetch(t, s.IdPMetadataURL()) }

// SPMetadata is its metadata as a service provider.
func (s *Server) SPMetadata(t testing.TB) []byte { return Fetch(t, s.SPMetadataURL()) }

// Protected is a page of the service provider that tells who is signed in.
func (s *Server) Protected() string { return s.URL + "/module.php/core/authenticate.php?as=default-sp" }

// Logout begins logout at the service provider.
func (s *Server) Logout() string { return s.Protected() + "&logout" }

// Initiate begins at the identity provider.
func (s *Server) Initiate(sp, relay string) string {
	return s.URL + "/saml2/idp/SSOService.php?" + url.Values{"spentityid": {sp}, "RelayState": {relay}}.Encode()
}

// IdPLogout begins logout at the identity provider and ends at [Server.LoggedOut].
func (s *Server) IdPLogout() string {
	return s.URL + "/saml2/idp/SingleLogoutService.php?ReturnTo=" + url.QueryEscape(s.LoggedOut())
}

// LoggedOut is the page that says that logout is complete.
func (s *Server) LoggedOut() string { return s.URL + "/logout.php" }

// Fetch is what a GET of the address returns.
func Fetch(t testing.TB, address string) []byte {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %s", address, resp.Status, err, tail(string(b)))
	}
	return b
}
