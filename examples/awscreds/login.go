// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"runtime"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc/types"
	"github.com/mdp/qrterminal/v3"
)

type loginCmd struct {
	NoBrowser    bool   `help:"Only print the address."`
	PKCE         bool   `name:"pkce" help:"Sign in through a browser on this machine instead of by a code."`
	QR           bool   `help:"Print the address as a QR code too."`
	Share        bool   `help:"Also write the AWS CLI's token cache, in clear, so that the CLI and SDKs use this sign-in."`
	SAMLResponse string `help:"Use the SAML Response in a file, or - for standard input, instead of a portal." placeholder:"FILE"`
	STS          string `help:"STS endpoint for --saml-response, on loopback only." placeholder:"URL"`
	Role         string `help:"Role ARN for --saml-response; needed if the Response offers several."`
	Region       string `help:"Region for --saml-response." default:"us-east-1"`
}

// Run signs in.
func (c *loginCmd) Run(a *app) error {
	if c.SAMLResponse != "" {
		return c.bySAML(a)
	}
	p, err := a.one()
	if err != nil {
		return err
	}
	v, err := a.vault()
	if err != nil {
		return err
	}
	t, err := c.register(a, v, p)
	if err != nil {
		return err
	}
	if c.PKCE {
		err = c.byBrowser(a, p, t)
	} else {
		err = c.byDevice(a, p, t)
	}
	if err != nil {
		return err
	}
	if c.Share {
		if t.SharedWithFile, err = a.share(p, t); err != nil {
			return err
		}
	}
	if err := v.put(a.ctx, p.vaultName("token"), t); err != nil {
		return err
	}
	return a.print(map[string]any{"portal": p.Name, "expires_at": t.ExpiresAt.UTC().Format(time.RFC3339), "refreshes": t.RefreshToken != ""}, func(w io.Writer) {
		fmt.Fprintf(w, "Signed in at %s. Next: awscreds list\n", p.Name)
	})
}

// callback is registered without its port, which is chosen when it is needed
// (RFC 8252 7.3).
const callback = "http://127.0.0.1/oauth/callback"

// register returns a token that has the client's registration alone. A
// registration that lives is used again.
func (c *loginCmd) register(a *app, v *secrets, p portal) (*token, error) {
	if old, err := v.token(a.ctx, p); err == nil && a.now().Add(24*time.Hour).Before(old.ClientExpires) {
		return &token{ClientID: old.ClientID, ClientSecret: old.ClientSecret, ClientExpires: old.ClientExpires}, nil
	}
	out, err := p.oidc().RegisterClient(a.ctx, &ssooidc.RegisterClientInput{
		ClientName: aws.String("awscreds"), ClientType: aws.String("public"), Scopes: []string{"sso:account:access"},
		GrantTypes:   []string{"urn:ietf:params:oauth:grant-type:device_code", "authorization_code", "refresh_token"},
		RedirectUris: []string{callback}, IssuerUrl: &p.StartURL,
	})
	if err != nil {
		return nil, err
	}
	return &token{ClientID: aws.ToString(out.ClientId), ClientSecret: aws.ToString(out.ClientSecret), ClientExpires: time.Unix(out.ClientSecretExpiresAt, 0)}, nil
}

func (c *loginCmd) byDevice(a *app, p portal, t *token) error {
	d, err := p.oidc().StartDeviceAuthorization(a.ctx, &ssooidc.StartDeviceAuthorizationInput{ClientId: &t.ClientID, ClientSecret: &t.ClientSecret, StartUrl: &p.StartURL})
	if err != nil {
		return err
	}
	link := aws.ToString(d.VerificationUriComplete)
	if err := checkLink(p, link); err != nil {
		return err
	}
	a.say("Open %s", clean(link))
	a.say("and check that it shows the code %s", clean(aws.ToString(d.UserCode)))
	if c.QR {
		qrterminal.GenerateHalfBlock(link, qrterminal.M, a.err)
	}
	if !c.NoBrowser {
		if err := a.open(link); err != nil {
			a.say("No browser could be opened here; any other device will do.")
		}
	}
	return a.poll(p, t, d)
}

// poll waits for the approval (RFC 8628 3.5).
func (a *app) poll(p portal, t *token, d *ssooidc.StartDeviceAuthorizationOutput) error {
	interval := max(time.Duration(d.Interval)*time.Second, time.Second)
	ctx, cancel := context.WithTimeout(a.ctx, time.Duration(d.ExpiresIn)*time.Second)
	defer cancel()
	end := a.now().Add(time.Duration(d.ExpiresIn) * time.Second)
	a.say("Waiting for approval, %v at most.", time.Duration(d.ExpiresIn)*time.Second)
	client := p.oidc()
	for {
		if a.live {
			fmt.Fprintf(a.err, "\r%v left \x1b[K", end.Sub(a.now()).Round(time.Second))
		}
		out, err := client.CreateToken(ctx, &ssooidc.CreateTokenInput{
			ClientId: &t.ClientID, ClientSecret: &t.ClientSecret, DeviceCode: d.DeviceCode,
			GrantType: aws.String("urn:ietf:params:oauth:grant-type:device_code"),
		})
		if err == nil {
			if a.live {
				fmt.Fprint(a.err, "\r\x1b[K")
			}
			t.take(out, a.now())
			return nil
		}
		if _, ok := errors.AsType[*types.SlowDownException](err); ok {
			interval += 5 * time.Second
		} else if _, ok := errors.AsType[*types.AuthorizationPendingException](err); !ok {
			return err
		}
		select {
		case <-ctx.Done():
			if a.ctx.Err() != nil {
				return a.ctx.Err()
			}
			return fail(exitSignIn, nil, "Nobody approved the sign-in in time. Run: awscreds login")
		case <-time.After(interval):
		}
	}
}

// checkLink keeps a portal from having any program opened but a browser on
// itself.
func checkLink(p portal, link string) error {
	u, err := url.Parse(link)
	start, err2 := url.Parse(p.StartURL)
	if err != nil || err2 != nil || !secure(u) || u.User != nil || clean(link) != link ||
		p.Endpoint != "" && u.Hostname() != start.Hostname() {
		return fail(exitRefused, errors.Join(err, err2), "The portal wants to be opened at %q, which is not its own address.", link)
	}
	return nil
}

// byBrowser is the authorization code with PKCE (RFC 7636, RFC 8252).
func (c *loginCmd) byBrowser(a *app, p portal, t *token) error {
	if p.Endpoint == "" {
		return fail(exitUsage, nil, "Sign in at IAM Identity Center by device code, without --pkce.")
	}
	var lc net.ListenConfig
	l, err := lc.Listen(a.ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	redirect := fmt.Sprintf("http://%s/oauth/callback", l.Addr())
	state, verifier := random(), random()
	codes := make(chan url.Values, 1)
	srv := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if r.Method != http.MethodGet || r.URL.Path != "/oauth/callback" || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(state)) != 1 {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", "default-src 'none'")
		fmt.Fprintln(w, "Done. You can close this page.")
		select {
		case codes <- q:
		default:
		}
	})}
	go func() { _ = srv.Serve(l) }()
	defer srv.Close()
	challenge := sha256.Sum256([]byte(verifier))
	link := p.Endpoint + "/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {t.ClientID}, "redirect_uri": {redirect}, "state": {state},
		"code_challenge_method": {"S256"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])},
		"scopes": {"sso:account:access"},
	}.Encode()
	a.say("Open %s", link)
	if !c.NoBrowser {
		if err := a.open(link); err != nil {
			a.say("No browser could be opened: open the address on this machine, or sign in without --pkce.")
		}
	}
	ctx, cancel := context.WithTimeout(a.ctx, 10*time.Minute)
	defer cancel()
	select {
	case <-ctx.Done():
		return fail(exitSignIn, ctx.Err(), "Nobody approved the sign-in in time. Run: awscreds login")
	case q := <-codes:
		if q.Get("code") == "" {
			return fail(exitRefused, nil, "The sign-in was refused: %s", q.Get("error"))
		}
		out, err := p.oidc().CreateToken(a.ctx, &ssooidc.CreateTokenInput{
			ClientId: &t.ClientID, ClientSecret: &t.ClientSecret, GrantType: aws.String("authorization_code"),
			Code: aws.String(q.Get("code")), CodeVerifier: &verifier, RedirectUri: &redirect,
		})
		if err != nil {
			return err
		}
		t.take(out, a.now())
		return nil
	}
}

// random is 43 characters of base64url: a verifier by RFC 7636 4.1.
func random() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func openBrowser(link string) error {
	switch runtime.GOOS {
	case "darwin":
		return exec.Command("open", link).Start()
	case "windows":
		return exec.Command("rundll32", "url.dll,FileProtocolHandler", link).Start()
	}
	return exec.Command("xdg-open", link).Start()
}

type logoutCmd struct{}

// Run signs out at the portal and forgets everything of it.
func (logoutCmd) Run(a *app) error {
	list, err := a.chosen()
	if err != nil {
		return err
	}
	v, err := a.vault()
	if err != nil {
		return err
	}
	for _, p := range list {
		if err := a.logout(v, p); err != nil {
			return err
		}
	}
	return a.print(map[string]any{"signed_out": len(list)}, func(w io.Writer) { fmt.Fprintln(w, "Signed out.") })
}
