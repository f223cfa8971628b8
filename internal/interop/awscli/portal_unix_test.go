// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package awscli

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
)

// sample is what examples/portal writes about its sample organisation.
type sample struct {
	URL      string `json:"url"`
	StartURL string `json:"start_url"`
	Region   string `json:"region"`
	SSO      struct {
		Endpoint string `json:"endpoint"`
	} `json:"sso"`
	People []somebody `json:"people"`
}

type somebody struct {
	Username   string `json:"username"`
	Password   string `json:"password"`
	TOTPSecret string `json:"totp_secret"`
}

// process is one examples/portal.
type process struct {
	cmd *exec.Cmd
	out *screen
}

func startPortal(t *testing.T, binary string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(binary, args...), out: &screen{}}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	p.out.expect(t, `ready: (http://\S+)`)
	return p
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// freeAddress is one where nobody listens now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestPortal runs examples/portal as people do, and signs in with Debian's AWS
// CLI in the way that it prints. The portal is killed and started again between
// the start of the sign-in, its approval, and the use of the token.
func TestPortal(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the whole portal")
	}
	t.Parallel()
	aws := oldCLI(t)
	dir := t.TempDir()
	binary, data := filepath.Join(dir, "portal"), filepath.Join(dir, "data")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../../examples/portal").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	args := []string{"--data", data, "--listen", freeAddress(t)}
	server := startPortal(t, binary, args...)
	restart := func() {
		server.kill()
		server = startPortal(t, binary, args...)
	}
	s := readSample(t, data)
	i := slices.IndexFunc(s.People, func(p somebody) bool { return p.Username == "bob" })
	alice := s.People[slices.IndexFunc(s.People, func(p somebody) bool { return p.Username == "alice" })]
	t.Run("code", func(t *testing.T) { portalCode(t, s, alice) })
	bob := newPerson(t, s.URL)
	bob.signIn(s.People[i].Username, s.People[i].Password, s.People[i].TOTPSecret)

	c := &cli{t: t, path: aws, home: dir, env: []string{
		"HOME=" + dir, "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true", "PYTHONUNBUFFERED=1",
		"AWS_CONFIG_FILE=" + filepath.Join(data, "aws", "config"), "AWS_DATA_PATH=" + filepath.Join(data, "aws", "endpoints"),
	}}
	screen := &screen{}
	login := c.command(t.Context(), "sso", "login", "--no-browser", "--profile", "sample")
	login.Stdout, login.Stderr = screen, screen
	if err := login.Start(); err != nil {
		t.Fatal(err)
	}
	link := screen.expect(t, deviceLink)[1]
	signal(t, login, syscall.SIGSTOP) // it would poll into the void, and gives up at once
	restart()
	bob.approve(link, "approve")
	signal(t, login, syscall.SIGCONT)
	if err := login.Wait(); err != nil {
		t.Fatalf("login: %v\n%s", err, screen)
	}
	restart()

	token := c.cached()["accessToken"]
	call := func(args ...string) (string, string, error) {
		return c.run(append([]string{"sso", "--region", s.Region, "--output", "text"}, append(args, "--access-token", token)...)...)
	}
	accounts, errs, err := call("list-accounts", "--query", "accountList[].accountId")
	if err != nil || len(strings.Fields(accounts)) != 8 {
		t.Errorf("accounts: %v %s%s", err, accounts, errs)
	}
	account := regexp.MustCompile(`sso_account_id = (\d+)\nsso_role_name = (\S+)`).FindStringSubmatch(c.configAt(filepath.Join(data, "aws", "config")))
	roles, errs, err := call("list-account-roles", "--account-id", account[1], "--query", "roleList[].roleName")
	if err != nil || !slices.Contains(strings.Fields(roles), account[2]) {
		t.Errorf("roles: %v %s%s", err, roles, errs)
	}
	arn := c.must("sts", "get-caller-identity", "--profile", "sample", "--query", "Arn", "--output", "text")
	if want := "arn:aws:sts::" + account[1] + ":assumed-role/" + account[2] + "/bob"; strings.TrimSpace(arn) != want {
		t.Errorf("identity %s, want %s", arn, want)
	}
	if out, errs, err := call("get-role-credentials", "--account-id", account[1], "--role-name", "NotMine"); err == nil || !strings.Contains(errs, "No access: the role NotMine") {
		t.Errorf("another's role: %v %s%s", err, out, errs)
	}
	c.must("sso", "logout")
	if out, errs, err := call("list-accounts"); err == nil || !strings.Contains(errs, "UnauthorizedException") {
		t.Errorf("after logout: %v %s%s", err, out, errs)
	}
}

// portalCode signs in by authorization code with PKCE: the consent page asks,
// and the page after it sends the browser back to the program.
func portalCode(t *testing.T, s sample, who somebody) {
	p := newPerson(t, s.URL)
	p.signIn(who.Username, who.Password, who.TOTPSecret)
	endpoint := awssdk.String(s.SSO.Endpoint)
	oidc := ssooidc.New(ssooidc.Options{Region: s.Region, BaseEndpoint: endpoint})
	reg, err := oidc.RegisterClient(t.Context(), &ssooidc.RegisterClientInput{
		ClientName: awssdk.String("interop"), ClientType: awssdk.String("public"), Scopes: []string{"sso:account:access"},
		GrantTypes: []string{"authorization_code", "refresh_token"}, RedirectUris: []string{"http://127.0.0.1/oauth/callback"}, IssuerUrl: awssdk.String(s.StartURL),
	})
	if err != nil {
		t.Fatal(err)
	}
	const verifier = "0123456789012345678901234567890123456789012345678901234567890123"
	sum := sha256.Sum256([]byte(verifier))
	callback := "http://127.0.0.1:50505/oauth/callback"
	p.open(*reg.AuthorizationEndpoint + "?" + url.Values{
		"response_type": {"code"}, "client_id": {*reg.ClientId}, "redirect_uri": {callback}, "state": {"s"}, "code_challenge_method": {"S256"},
		"scopes": {"sso:account:access"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])},
	}.Encode())
	p.submit("decision", "approve")
	back := regexp.MustCompile(`href="(http://127\.0\.0\.1:50505/[^"]*)"`).FindStringSubmatch(p.shown)
	if back == nil {
		t.Fatalf("no way back in\n%s", p.shown)
	}
	answer := query(html.UnescapeString(back[1]))
	token, err := oidc.CreateToken(t.Context(), &ssooidc.CreateTokenInput{
		ClientId: reg.ClientId, ClientSecret: reg.ClientSecret, GrantType: awssdk.String("authorization_code"),
		Code: awssdk.String(answer.Get("code")), CodeVerifier: awssdk.String(verifier), RedirectUri: awssdk.String(callback),
	})
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := sso.New(sso.Options{Region: s.Region, BaseEndpoint: endpoint}).ListAccounts(t.Context(), &sso.ListAccountsInput{AccessToken: token.AccessToken})
	if err != nil || len(accounts.AccountList) == 0 || answer.Get("state") != "s" {
		t.Errorf("accounts: %v, %v", accounts, err)
	}
}

func signal(t *testing.T, cmd *exec.Cmd, s syscall.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func readSample(t *testing.T, data string) (s sample) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(data, "sample.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func (c *cli) configAt(path string) string {
	c.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}
