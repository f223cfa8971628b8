// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/ui"
	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/awsrole"
)

func (p *Portal) buildAccess() (err error) {
	provider, err := saml.NewIdentityProvider(saml.IdPConfig{
		EntityID: p.url(PathAWSMetadata), SSO: p.url(pathAWSStart), Keys: keyPairs(p.c.Keys.AWS), Peers: access.Peers{},
		Store: p.c.SAML, AssertionLifetime: access.MaxAssertionLife, Now: p.now,
	})
	if err != nil {
		return err
	}
	p.awsIdP = provider
	p.handleMetadata(PathAWSMetadata, provider.Metadata)
	p.access, err = access.New(access.Config{
		Store: p.c.Store, Signer: provider, Record: p.audit.Record, Exchange: p.c.Exchange, Tags: p.c.Tags, Now: p.now,
	})
	return err
}

// AWSMetadata is the metadata that IAM's SAML providers are made of.
func (p *Portal) AWSMetadata() ([]byte, error) { return p.awsIdP.Metadata() }

// pathAWSStart stands in the AWS identity provider's metadata, which must name
// a sign-in service. AWS sends no requests: whoever comes here starts at the
// portal page.
const pathAWSStart = "/saml/aws/sso"

func keyPairs(keys []SigningKey) []saml.KeyPair {
	out := make([]saml.KeyPair, 0, len(keys))
	for _, k := range keys {
		out = append(out, saml.KeyPair{Signer: k.Signer, Certificate: k.Certificate})
	}
	return out
}

// handleMetadata serves metadata at a stable URL, ready for IAM and for
// applications.
func (p *Portal) handleMetadata(path string, metadata func() ([]byte, error)) {
	p.handle("GET", path, func(w http.ResponseWriter, _ *http.Request) error {
		b, err := metadata()
		if err != nil {
			return err
		}
		writeMetadata(w, b)
		return nil
	})
}

func writeMetadata(w http.ResponseWriter, b []byte) {
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	w.Header().Set("Content-Disposition", `inline; filename="metadata.xml"`)
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(b)
}

func (p *Portal) routeConsole() {
	p.person("GET", ui.PathConsole, p.consoleConfirm)
	p.person("POST", ui.PathConsoleOpen, p.consoleOpen)
	p.person("GET", ui.PathKeys, p.keysPage)
	p.person("POST", ui.PathKeys, p.keysReveal)
	p.handle("GET", pathAWSStart, func(w http.ResponseWriter, r *http.Request) error {
		p.redirect(w, r, p.paths.At(ui.PathHome))
		return nil
	})
}

// consoleConfirm is where deep links lead. It shows account, role and the full
// destination, and posts nothing by itself: the link may come from anybody.
func (p *Portal) consoleConfirm(w http.ResponseWriter, r *http.Request, c *current) error {
	q := r.URL.Query()
	found, err := p.access.ResolveAccount(r.Context(), c.person.ID, q.Get(ui.FieldAccountID))
	if err != nil {
		return err
	}
	page := ui.ConsoleConfirm{Frame: p.frame(r, c), Account: accountView(*found), Role: q.Get(ui.FieldRoleName), Destination: q.Get(ui.FieldDestination)}
	if page.Role != "" {
		if _, err := found.Role(page.Role); err != nil {
			return err
		}
	}
	status := http.StatusOK
	if page.Destination != "" {
		partition, err := awsrole.PartitionOf(found.Account.Partition)
		if err != nil {
			return err
		}
		if err := partition.ValidateDestination(page.Destination); err != nil {
			p.report(r, refuse(CheckInput, http.StatusBadRequest, "", err))
			page.Problem = "The link's destination is not a page of the AWS console, and was left out."
			page.Destination, status = "", http.StatusBadRequest
		}
	}
	p.ui.Render(w, status, page)
	return nil
}

// use is one wish of the signed-in person.
func use(c *current, account, role, destination string) access.Use {
	return access.Use{
		Person: c.person, AccountID: account, RoleName: role, Destination: destination,
		AuthTime: c.session.AuthTime, MFATime: c.session.MFATime, SessionEnds: c.session.Expires,
	}
}

// consoleOpen signs a Response and answers with the page that posts it to the
// account's sign-in endpoint.
func (p *Portal) consoleOpen(w http.ResponseWriter, r *http.Request, c *current) error {
	if err := form(w, r); err != nil {
		return err
	}
	account, role := r.PostFormValue(ui.FieldAccount), r.PostFormValue(ui.FieldRole)
	issued, err := p.access.Issue(r.Context(), use(c, account, role, r.PostFormValue(ui.FieldDestination)))
	if errors.Is(err, access.ErrNeedsMFA) {
		return p.factorFirst(w, r, c, p.paths.WithQuery(ui.PathConsole, ui.FieldAccountID, account, ui.FieldRoleName, role))
	}
	if err != nil {
		return awsInput(err)
	}
	partition, err := awsrole.PartitionOf(issued.Account.Partition)
	if err != nil {
		return err
	}
	p.ui.Render(w, http.StatusOK, ui.SAMLPost{
		Destination: issued.Outgoing.Destination, Param: issued.Outgoing.Field, Message: issued.Outgoing.Value, RelayState: issued.Outgoing.RelayState,
		To: "the AWS console", Onward: onward(partition, issued.Account.Region, issued.Outgoing.RelayState),
	})
	return nil
}

// onward are the hosts that AWS sign-in sends the form's submission on to.
func onward(partition awsrole.Partition, region, destination string) []string {
	out := []string{"https://" + partition.ConsoleHost, "https://" + region + "." + partition.ConsoleHost}
	if u, err := url.Parse(destination); err == nil && u.Scheme == "https" {
		out = append(out, "https://"+u.Host)
	}
	return out
}

// factorFirst asks for a second factor and leads back to a path.
func (p *Portal) factorFirst(w http.ResponseWriter, r *http.Request, c *current, back string) error {
	next, err := p.stepUp(w, r, c, back)
	if err != nil {
		return err
	}
	p.redirect(w, r, next)
	return nil
}

// awsInput turns what AWS would not take into a refusal.
func awsInput(err error) error {
	var refused *awsrole.Error
	if errors.As(err, &refused) {
		return refuse(CheckInput, http.StatusBadRequest, refused.Public, err)
	}
	return err
}

func (p *Portal) keysPage(w http.ResponseWriter, r *http.Request, c *current) error {
	return p.showKeys(w, r, c, http.StatusOK, nil, "")
}

func (p *Portal) showKeys(w http.ResponseWriter, r *http.Request, c *current, status int, keys *ui.Keys, problem string) error {
	found, err := p.access.ResolveAccount(r.Context(), c.person.ID, r.PathValue("account"))
	if err != nil {
		return err
	}
	role, err := found.Role(r.PathValue("role"))
	if err != nil {
		return err
	}
	p.ui.Render(w, status, ui.Credentials{
		Frame: p.frame(r, c), Account: accountView(*found), Role: role.PermissionSet.Name, Region: found.Account.Region,
		Keys: keys, Problem: problem, StartURL: p.StartURL(), SSORegion: p.c.Region,
	})
	return nil
}

// keysReveal gets credentials from STS and shows them, never cached.
func (p *Portal) keysReveal(w http.ResponseWriter, r *http.Request, c *current) error {
	account, role := r.PathValue("account"), r.PathValue("role")
	creds, err := p.access.Credentials(r.Context(), use(c, account, role, ""))
	var refused *access.ExchangeError
	switch {
	case errors.Is(err, access.ErrNeedsMFA):
		return p.factorFirst(w, r, c, r.URL.RequestURI())
	case errors.As(err, &refused):
		p.report(r, refuse(CheckSTS, http.StatusBadGateway, "", err))
		return p.showKeys(w, r, c, http.StatusBadGateway, nil, refused.Public)
	case err != nil:
		return awsInput(err)
	}
	if err := p.audit.Record(r.Context(), audit.Event{
		Type: audit.GetRoleCredentials, Actor: c.person.ID, Person: c.person.ID, Source: c.person.SourceID,
		Details: map[string]string{"account": account, "role": role, "flow": "browser"},
	}); err != nil {
		return err
	}
	return p.showKeys(w, r, c, http.StatusOK, &ui.Keys{
		AccessKeyID: creds.AccessKeyID, SecretAccessKey: creds.SecretAccessKey, SessionToken: creds.SessionToken, Expires: creds.Expiration,
	}, "")
}
