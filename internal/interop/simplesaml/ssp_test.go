// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package simplesaml_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
	"github.com/gatehouse-id/gatehouse/internal/testkeys"
)

// ssp is a running SimpleSAMLphp.
type ssp struct {
	url string
	dir string
}

// start serves SimpleSAMLphp with the PHP command line's server. peers are
// metadata documents, taken as they are.
func start(t *testing.T, port int, idpEntity string, peers ...[]byte) *ssp {
	t.Helper()
	php := peer.Command(t, "php", "php-cli")
	www := peer.Path(t, "/usr/share/simplesamlphp/www", "simplesamlphp")
	s := &ssp{url: fmt.Sprintf("http://localhost:%d", port), dir: t.TempDir()}
	s.configure(t, idpEntity, peers)
	cmd := exec.Command(php, "-d", "display_errors=stderr", "-d", "error_reporting=E_ALL & ~E_DEPRECATED", "-S", fmt.Sprintf("127.0.0.1:%d", port), "-t", www)
	cmd.Env = append(os.Environ(), "SIMPLESAMLPHP_CONFIG_DIR="+filepath.Join(s.dir, "config"), "PHP_CLI_SERVER_WORKERS=3")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its workers end with it
	cmd.WaitDelay = 2 * time.Second
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(s.dir, "log", "ssp.log"))
			t.Logf("SimpleSAMLphp:\n%s", tail(string(text), 3000))
		}
	})
	deadline := time.Now().Add(30 * time.Second)
	for {
		conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
		if err == nil {
			_ = conn.Close()
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("php does not listen: %s", log.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// freePort is a port that was free a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

func (s *ssp) configure(t *testing.T, idpEntity string, peers [][]byte) {
	t.Helper()
	write := func(name, text string) {
		path := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"log", "data", "tmp", "cert"} {
		if err := os.MkdirAll(filepath.Join(s.dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	key := testkeys.RSA(t, "simplesamlphp")
	der, err := x509.MarshalPKCS8PrivateKey(key.Key)
	if err != nil {
		t.Fatal(err)
	}
	write("cert/ssp.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	write("cert/ssp.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: key.Certificate.Raw})))
	sources := "['type' => 'flatfile']"
	for i, p := range peers {
		name := fmt.Sprintf("peer%d.xml", i)
		write(name, string(p))
		sources += fmt.Sprintf(", ['type' => 'xml', 'file' => '%s']", filepath.Join(s.dir, name))
	}
	write("config/config.php", fmt.Sprintf(`<?php
$config = [
  'baseurlpath' => '%[1]s/', 'certdir' => '%[2]s/cert/', 'loggingdir' => '%[2]s/log/', 'datadir' => '%[2]s/data/', 'tempdir' => '%[2]s/tmp',
  'metadatadir' => '%[2]s/metadata', 'secretsalt' => 'interopinteropinterop', 'auth.adminpassword' => 'interop-admin', 'admin.checkforupdates' => false,
  'technicalcontact_name' => 'x', 'technicalcontact_email' => 'x@example.test', 'timezone' => 'UTC',
  'enable.saml20-idp' => true, 'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
  'session.cookie.secure' => false, 'session.cookie.samesite' => null, 'session.phpsession.cookiename' => 'SSP', 'session.authtoken.cookiename' => 'SSPAuthToken',
  'session.cookie.name' => 'SSPID', 'language.cookie.secure' => false,
  'store.type' => 'sql', 'store.sql.dsn' => 'sqlite:%[2]s/data/store.sq3',
  'logging.level' => 7, 'logging.handler' => 'file', 'logging.logfile' => 'ssp.log', 'debug' => ['saml' => true, 'backtraces' => true, 'validatexml' => true],
  'metadata.sources' => [%[3]s], 'trusted.url.domains' => ['localhost'], 'production' => true, 'showerrors' => true, 'errorreporting' => false,
  'authproc.idp' => [], 'authproc.sp' => [], 'language.available' => ['en'], 'language.default' => 'en', 'theme.use' => 'default',
];`, s.url, s.dir, sources))
	write("config/authsources.php", fmt.Sprintf(`<?php
$config = [
  'admin' => ['core:AdminPassword'],
  'default-sp' => ['saml:SP', 'entityID' => '%s/sp', 'idp' => '%s', 'privatekey' => 'ssp.pem', 'certificate' => 'ssp.crt', 'sign.authnrequest' => true, 'sign.logout' => true,
    'redirect.sign' => true, 'redirect.validate' => true, 'assertion.encryption' => false, 'NameIDPolicy' => null],
  'users' => ['exampleauth:UserPass', 'erika:secret' => ['uid' => ['erika@corp.test'], 'displayName' => ['Erika Mustermann'], 'groups' => ['one', 'two']]],
];`, s.url, idpEntity))
	write("metadata/saml20-idp-hosted.php", fmt.Sprintf(`<?php
$metadata['%s/idp'] = ['host' => '__DEFAULT__', 'privatekey' => 'ssp.pem', 'certificate' => 'ssp.crt', 'auth' => 'users', 'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  'saml20.sign.response' => true, 'saml20.sign.assertion' => true, 'redirect.sign' => true, 'validate.authnrequest' => true, 'sign.logout' => true,
  'authproc' => [10 => ['class' => 'saml:AttributeNameID', 'attribute' => 'uid', 'Format' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress']],
  'NameIDFormat' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress'];`, s.url))
	for _, name := range []string{"saml20-idp-remote", "saml20-sp-remote", "shib13-idp-hosted", "shib13-idp-remote", "shib13-sp-hosted", "shib13-sp-remote", "adfs-idp-hosted", "adfs-sp-remote", "wsfed-idp-remote", "wsfed-sp-hosted"} {
		write("metadata/"+name+".php", "<?php\n$metadata = [];\n")
	}
}

// idpMetadata is the metadata that SimpleSAMLphp publishes as an identity
// provider.
func (s *ssp) idpMetadata(t *testing.T) []byte { return fetch(t, s.url+"/saml2/idp/metadata.php") }

func (s *ssp) spMetadata(t *testing.T) []byte {
	return fetch(t, s.url+"/module.php/saml/sp/metadata.php/default-sp")
}

func fetch(t *testing.T, address string) []byte {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %s", address, resp.Status, err, tail(string(b), 1500))
	}
	return b
}

// browser is a person's browser: redirects, refreshes and forms.
type browser struct {
	t      *testing.T
	client *http.Client
	at     *url.URL
	status int
	body   string
	header http.Header
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, client: &http.Client{Jar: jar, Timeout: time.Minute}}
}

func (b *browser) get(address string) *browser {
	b.t.Helper()
	return b.do(http.MethodGet, address, nil)
}

func (b *browser) do(method, address string, form url.Values) *browser {
	b.t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.at, b.status, b.body, b.header = resp.Request.URL, resp.StatusCode, string(text), resp.Header
	if _, target, ok := strings.Cut(b.header.Get("Refresh"), "url="); ok {
		return b.get(target)
	}
	return b
}

var (
	formTag  = regexp.MustCompile(`(?s)<form[^>]*>.*?</form>`)
	action   = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
	inputTag = regexp.MustCompile(`<input[^>]*>`)
	nameOf   = regexp.MustCompile(`\sname="([^"]*)"`)
	valueOf  = regexp.MustCompile(`\svalue="([^"]*)"`)
)

// submit sends the first form that has the field, filled in.
func (b *browser) submit(field string, fill map[string]string) *browser {
	b.t.Helper()
	for _, f := range formTag.FindAllString(b.body, -1) {
		values := url.Values{}
		for _, in := range inputTag.FindAllString(f, -1) {
			if m := nameOf.FindStringSubmatch(in); m != nil {
				value := ""
				if v := valueOf.FindStringSubmatch(in); v != nil {
					value = html.UnescapeString(v[1])
				}
				values.Set(html.UnescapeString(m[1]), value)
			}
		}
		if _, ok := values[field]; !ok {
			continue
		}
		for k, v := range fill {
			values.Set(k, v)
		}
		target := b.at
		if m := action.FindStringSubmatch(f); m != nil {
			var err error
			if target, err = b.at.Parse(html.UnescapeString(m[1])); err != nil {
				b.t.Fatal(err)
			}
		}
		return b.do(http.MethodPost, target.String(), values)
	}
	b.t.Fatalf("%s (%d) has no form with %q:\n%s", b.at, b.status, field, tail(b.body, 3000))
	return b
}

func (b *browser) expect(text string) *browser {
	b.t.Helper()
	if b.status != http.StatusOK || !strings.Contains(b.body, text) {
		b.t.Fatalf("%s: status %d, no %q in:\n%s", b.at, b.status, text, tail(b.body, 3000))
	}
	return b
}

// addPeer makes one more peer's metadata known; it is read at the next request.
func (s *ssp) addPeer(t *testing.T, metadata []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, "added.xml"), metadata, 0o644); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.dir, "config", "config.php")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	with := strings.Replace(string(text), "['type' => 'flatfile']", "['type' => 'flatfile'], ['type' => 'xml', 'file' => '"+filepath.Join(s.dir, "added.xml")+"']", 1)
	if err := os.WriteFile(path, []byte(with), 0o644); err != nil {
		t.Fatal(err)
	}
}

func hasSAML(body string) bool { return samlField(body) != "" }

// samlField is the SAML message that the page carries, if any.
func samlField(body string) string {
	for _, f := range []string{"SAMLResponse", "SAMLRequest"} {
		if strings.Contains(body, `name="`+f+`"`) {
			return f
		}
	}
	return ""
}
