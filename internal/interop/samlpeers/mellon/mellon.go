// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package mellon runs mod_auth_mellon in an Apache of its own, from Debian's
// packages, as the service provider of a test.
//
// [Start] serves it on loopback until the test ends. It needs no root.
package mellon

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
	"github.com/gatehouse-id/gatehouse/internal/interop/samlpeers/daemon"
)

const modules = "/usr/lib/apache2/modules/"

// Options say how the service provider behaves.
type Options struct {
	// IdP is the metadata of its identity provider, taken as it is.
	IdP []byte
	// UnsignedRequests leaves AuthnRequests unsigned, and says so in metadata.
	UnsignedRequests bool
	// NameID is the format of NameID to publish and ask for. Its default is
	// transient.
	NameID string
	// NoEncryption publishes no key for encryption.
	NoEncryption bool
}

// Server is a running Apache with mod_auth_mellon.
type Server struct {
	URL string
	// Metadata is what mellon_create_metadata made.
	Metadata []byte
	dir      string
}

// Start makes the service provider's keys and metadata and serves it.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	apache := peer.Command(t, "apache2", "apache2")
	peer.Path(t, modules+"mod_auth_mellon.so", "libapache2-mod-auth-mellon")
	peer.Command(t, "openssl", "openssl")
	s := &Server{dir: folder(t)}
	t.Cleanup(func() {
		if t.Failed() {
			text, _ := os.ReadFile(s.path("error.log"))
			t.Logf("mod_auth_mellon:\n%s", text[max(0, len(text)-3000):])
		}
	})
	var err error
	for range 3 { // the port may be taken meanwhile
		port := daemon.FreePort(t)
		s.URL = fmt.Sprintf("http://localhost:%d", port)
		s.files(t, o)
		s.write(t, "httpd.conf", s.config(port))
		cmd := exec.Command(apache, "-d", s.dir, "-f", s.path("httpd.conf"), "-DFOREGROUND")
		if err = daemon.Start(t, cmd, s.path("error.log"), false, "resuming normal operations"); err == nil {
			return s
		}
	}
	t.Fatal(err)
	return nil
}

// folder is one that the account, to which an Apache started by root changes,
// may read.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "mellon")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

func (s *Server) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.path(name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// pair is what mellon's own tool makes for a service provider at a URL.
type pair struct {
	key, cert, metadata string
}

// somewhere is the URL that the tool is told. All servers of a process share
// its key pair, which takes longer to make than a test.
const somewhere = "http://somewhere.test"

var made = sync.OnceValues(func() (p pair, err error) {
	dir, err := os.MkdirTemp("", "mellon")
	if err != nil {
		return p, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// In the folder of the servers, which a user's PATH lacks.
	cmd := exec.Command("mellon_create_metadata", somewhere+"/mellon/metadata", somewhere+"/mellon")
	if cmd.Err != nil {
		cmd = exec.Command("/usr/sbin/mellon_create_metadata", cmd.Args[1:]...)
	}
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return p, fmt.Errorf("%w: %s", err, out)
	}
	for suffix, content := range map[string]*string{"key": &p.key, "cert": &p.cert, "xml": &p.metadata} {
		files, err := filepath.Glob(filepath.Join(dir, "*."+suffix))
		if err != nil || len(files) != 1 {
			return p, fmt.Errorf("mellon_create_metadata made %v: %w", files, err)
		}
		text, err := os.ReadFile(files[0])
		if err != nil {
			return p, err
		}
		*content = string(text)
	}
	return p, nil
})

// files are what the configuration names.
func (s *Server) files(t testing.TB, o Options) {
	t.Helper()
	p, err := made()
	if err != nil {
		t.Fatal(err)
	}
	s.Metadata = []byte(o.change(strings.ReplaceAll(p.metadata, somewhere, s.URL)))
	for name, text := range map[string]string{
		"sp.key": p.key, "sp.crt": p.cert, "sp.xml": string(s.Metadata), "idp.xml": string(o.IdP),
		"www/index.html": "anybody", "www/secret/index.html": "the secret page",
	} {
		s.write(t, name, text)
	}
}

func (o Options) change(metadata string) string {
	if o.UnsignedRequests {
		metadata = strings.Replace(metadata, ` AuthnRequestsSigned="true"`, ` AuthnRequestsSigned="false"`, 1)
	}
	if o.NameID != "" {
		const after = "    <AssertionConsumerService "
		metadata = strings.Replace(metadata, after, "    <NameIDFormat>"+o.NameID+"</NameIDFormat>\n"+after, 1)
	}
	if o.NoEncryption {
		begin, end := strings.Index(metadata, `<KeyDescriptor use="encryption">`), strings.Index(metadata, `<KeyDescriptor use="signing">`)
		metadata = metadata[:begin] + metadata[end:]
	}
	return metadata
}

func (s *Server) config(port int) string {
	var b strings.Builder
	for _, m := range []string{"mpm_prefork", "authn_core", "authz_core", "authz_user", "dir", "headers", "auth_mellon"} {
		fmt.Fprintf(&b, "LoadModule %s_module %smod_%s.so\n", m, modules, m)
	}
	if os.Getuid() == 0 { // Apache does not serve as root
		b.WriteString("User www-data\nGroup www-data\n")
	}
	fmt.Fprintf(&b, `ServerName localhost
Listen 127.0.0.1:%[2]d
PidFile %[1]s/pid
ErrorLog %[1]s/error.log
LogLevel info auth_mellon:debug
DefaultRuntimeDir %[1]s
StartServers 2
MinSpareServers 1
MaxSpareServers 4
DocumentRoot %[1]s/www
DirectoryIndex index.html
<Location />
  MellonEnable info
  MellonVariable mellon
  MellonEndpointPath /mellon
  MellonSPPrivateKeyFile %[1]s/sp.key
  MellonSPCertFile %[1]s/sp.crt
  MellonSPMetadataFile %[1]s/sp.xml
  MellonIdPMetadataFile %[1]s/idp.xml
  MellonMergeEnvVars On
  MellonDefaultLoginPath /secret/
</Location>
<Location /secret>
  AuthType Mellon
  MellonEnable auth
  Require valid-user
  Header set X-User expr=%%{REMOTE_USER}
  Header set X-Uid %%{MELLON_uid}e
  Header set X-Mail %%{MELLON_mail}e
  Header set X-Groups %%{MELLON_groups}e
</Location>
`, s.dir, port)
	return b.String()
}

// Entity is its entity ID.
func (s *Server) Entity() string { return s.URL + "/mellon/metadata" }

// Protected is a page for people who are signed in. It has the text "the secret
// page", and headers X-User (the NameID), X-Uid, X-Mail and X-Groups.
func (s *Server) Protected() string { return s.URL + "/secret/" }

// Logout begins logout and ends at [Server.Open].
func (s *Server) Logout() string {
	return s.URL + "/mellon/logout?ReturnTo=" + url.QueryEscape(s.Open())
}

// Open is a page for anybody. It has the text "anybody".
func (s *Server) Open() string { return s.URL + "/" }
