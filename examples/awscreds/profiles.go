// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/gatehouse-id/gatehouse/sts"
)

type profilesCmd struct {
	Prune    bool   `help:"Remove profiles of roles that are no longer yours."`
	DryRun   bool   `help:"Show what would change and write nothing."`
	SSO      bool   `name:"sso" help:"Write sso-session profiles for the AWS CLI and SDKs instead of ones that call awscreds; sign in with --share for them."`
	Template string `help:"Name of each profile; of .Account, .AccountID, .Role and .Portal." default:"{{.Account}}-{{.Role}}"`
	File     string `help:"The configuration file; by default AWS_CONFIG_FILE or ~/.aws/config." type:"path"`
}

type profilesResult struct {
	File      string   `json:"file"`
	Added     []string `json:"added"`
	Changed   []string `json:"changed"`
	Removed   []string `json:"removed"`
	Stale     []string `json:"stale"`
	Conflicts []string `json:"conflicts"`
	Written   bool     `json:"written"`
}

// Run writes the profiles of each portal into a block of its own.
func (c *profilesCmd) Run(a *app) error {
	tmpl, err := template.New("name").Option("missingkey=error").Parse(c.Template)
	if err != nil {
		return fail(exitUsage, err, "The template is wrong: %v", err)
	}
	file, err := c.file(a)
	if err != nil {
		return err
	}
	portals, err := a.chosen()
	if err != nil {
		return err
	}
	var results []profilesResult
	for _, p := range portals {
		rs, err := a.rolesOf(p)
		if err != nil {
			return err
		}
		want, err := c.sections(p, rs, tmpl)
		if err != nil {
			return err
		}
		m, err := sts.UpdateProfiles(a.ctx, file, p.Name, want, c.Prune, c.DryRun)
		if err != nil {
			return err
		}
		results = append(results, profilesResult{file, m.Added, m.Changed, m.Removed, m.Stale, m.Conflicts, m.Differs() && !c.DryRun})
		if !a.JSON {
			c.tell(a.out, p, m)
		}
	}
	if a.JSON {
		return a.print(results, nil)
	}
	return nil
}

func (c *profilesCmd) tell(w io.Writer, p portal, m *sts.Merge) {
	if c.DryRun && m.Differs() {
		fmt.Fprintln(w, m.Diff())
	}
	fmt.Fprintf(w, "%s: %d added, %d changed, %d removed, %d unchanged\n", p.Name, len(m.Added), len(m.Changed), len(m.Removed), len(m.Unchanged))
	if len(m.Stale) > 0 {
		fmt.Fprintf(w, "No longer yours: %s. Remove them with --prune.\n", strings.Join(m.Stale, ", "))
	}
	if len(m.Conflicts) > 0 {
		fmt.Fprintf(w, "Left alone, since you have them already: %s. Use another --template.\n", strings.Join(m.Conflicts, ", "))
	}
}

func (c *profilesCmd) file(a *app) (string, error) {
	if c.File != "" {
		return c.File, nil
	}
	if f := a.env("AWS_CONFIG_FILE"); f != "" {
		return f, nil
	}
	dir, err := a.awsDir()
	return filepath.Join(dir, "config"), err
}

func (c *profilesCmd) sections(p portal, rs []role, tmpl *template.Template) ([]sts.Section, error) {
	var out []sts.Section
	if c.SSO {
		out = append(out, sts.Section{Kind: "sso-session", Name: p.sessionName(), Settings: []sts.Setting{
			{Key: "sso_start_url", Value: p.StartURL}, {Key: "sso_region", Value: p.Region}, {Key: "sso_registration_scopes", Value: "sso:account:access"},
		}})
		if s := p.services(); s != nil {
			out = append(out, sts.Section{Kind: "services", Name: p.sessionName(), Settings: s})
		}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	taken := map[string]int{}
	for _, r := range rs {
		name, err := profileName(tmpl, r)
		if err != nil {
			return nil, err
		}
		if i, twice := taken[name]; twice {
			return nil, fail(exitUsage, nil, "Two roles would have the profile %q: %s in %s and %s in %s. Use a --template with {{.AccountID}}.", name, rs[i].Role, rs[i].AccountID, r.Role, r.AccountID)
		}
		taken[name] = len(taken)
		out = append(out, sts.Section{Kind: "profile", Name: name, Settings: c.settings(p, r, self)})
	}
	return out, nil
}

func (c *profilesCmd) settings(p portal, r role, self string) []sts.Setting {
	if !c.SSO {
		return []sts.Setting{
			{Key: "credential_process", Value: quoteArg(self) + " process --portal " + p.Name + " --account " + r.AccountID + " --role " + quoteArg(r.Role)},
			{Key: "region", Value: p.Region},
		}
	}
	out := []sts.Setting{
		{Key: "sso_session", Value: p.sessionName()},
		{Key: "sso_account_id", Value: r.AccountID},
		{Key: "sso_role_name", Value: r.Role},
		{Key: "region", Value: p.Region},
	}
	if p.services() != nil {
		out = append(out, sts.Setting{Key: "services", Value: p.sessionName()})
	}
	return out
}

// services points the CLI from 2.13 and the SDKs at the portal.
func (p portal) services() []sts.Setting {
	var out []sts.Setting
	if p.Endpoint != "" {
		for _, s := range []string{"sso", "sso_oidc"} {
			out = append(out, sts.Setting{Key: s, Nested: []sts.Setting{{Key: "endpoint_url", Value: p.Endpoint}}})
		}
	}
	if p.STS != "" {
		out = append(out, sts.Setting{Key: "sts", Nested: []sts.Setting{{Key: "endpoint_url", Value: p.STS}}})
	}
	return out
}

func profileName(tmpl *template.Template, r role) (string, error) {
	var b strings.Builder
	account := sts.ProfileName(r.AccountName)
	if account == "" {
		account = r.AccountID
	}
	err := tmpl.Execute(&b, map[string]string{"Account": account, "AccountID": r.AccountID, "Role": r.Role, "Portal": r.Portal})
	if err != nil {
		return "", fail(exitUsage, err, "The template is wrong: %v", err)
	}
	name := sts.ProfileName(b.String())
	if name == "" || name == "default" {
		return "", fail(exitUsage, nil, "The template makes no profile name for %s in %s.", r.Role, r.AccountID)
	}
	return name, nil
}

// quoteArg quotes for shlex and for Windows alike, if that is needed.
func quoteArg(s string) string {
	if strings.ContainsAny(s, " \t'") {
		return `"` + s + `"`
	}
	return s
}
