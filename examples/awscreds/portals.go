// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/sts"
)

// portal is one place to sign in at.
type portal struct {
	Name     string `json:"name"`
	StartURL string `json:"start_url"`
	Region   string `json:"region"`
	// Endpoint serves sso-oidc and sso; empty for AWS's own.
	Endpoint string `json:"sso_endpoint,omitempty"`
	// STS is where credentials of this portal work; empty for AWS's own. Only
	// a sample portal on loopback has one.
	STS string `json:"sts_endpoint,omitempty"`
	// Labels are one's own, by account id and key.
	Labels map[string]map[string]string `json:"labels,omitempty"`
}

func (a *app) portalsFile() string { return filepath.Join(a.dir, "portals.json") }

func (a *app) portals() ([]portal, error) {
	b, err := os.ReadFile(a.portalsFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []portal
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, fail(exitUsage, err, "%s cannot be read. Correct or remove it.", a.portalsFile())
	}
	return out, nil
}

func (a *app) savePortals(list []portal) error {
	b, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return err
	}
	tmp := a.portalsFile() + ".new"
	if err := os.WriteFile(tmp, append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, a.portalsFile())
}

// chosen returns the portals that a command works on: the one of --portal, or
// all.
func (a *app) chosen() ([]portal, error) {
	list, err := a.portals()
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fail(exitUsage, nil, "There is no portal yet. Run: awscreds setup URL")
	}
	if a.Portal == "" {
		return list, nil
	}
	i := slices.IndexFunc(list, func(p portal) bool { return p.Name == a.Portal })
	if i < 0 {
		return nil, fail(exitUsage, nil, "There is no portal %q. Run: awscreds portals", a.Portal)
	}
	return list[i : i+1], nil
}

// one returns the portal of --portal, or the only one.
func (a *app) one() (portal, error) {
	list, err := a.chosen()
	if err != nil {
		return portal{}, err
	}
	if len(list) > 1 {
		return portal{}, fail(exitUsage, nil, "There are several portals. Say which one with --portal.")
	}
	return list[0], nil
}

type setupCmd struct {
	URL    string `arg:"" help:"Address of the portal, or start URL of IAM Identity Center."`
	Name   string `help:"Short name; by default from the address."`
	Region string `help:"Region; needed for IAM Identity Center only."`
	STS    string `help:"STS endpoint of a sample portal, on loopback; by default what it names." placeholder:"URL"`
}

// Run adds or replaces a portal.
func (c *setupCmd) Run(a *app) error {
	u, err := url.Parse(strings.TrimSpace(c.URL))
	if err != nil || u.Host == "" || u.User != nil || !secure(u) {
		return fail(exitUsage, err, "The portal's address must be https://.., or http:// on this machine.")
	}
	p, err := c.discover(a, u)
	if err != nil {
		return err
	}
	if c.STS != "" {
		p.STS = c.STS
		if s, err := url.Parse(c.STS); err != nil || !loopback(s.Hostname()) {
			return fail(exitUsage, err, "--sts must be on this machine.")
		}
	}
	if p.Name = c.Name; p.Name == "" {
		p.Name = strings.ToLower(strings.Split(u.Hostname(), ".")[0])
		if net.ParseIP(u.Hostname()) != nil {
			p.Name = "local"
		}
	}
	if p.Name == "" || p.Name != sts.ProfileName(p.Name) {
		return fail(exitUsage, nil, "The name %q may have letters, digits, dots, hyphens and underscores only.", p.Name)
	}
	list, err := a.portals()
	if err != nil {
		return err
	}
	for _, q := range list {
		if q.Name == p.Name {
			p.Labels = q.Labels
		}
	}
	list = slices.DeleteFunc(list, func(q portal) bool { return q.Name == p.Name })
	if err := a.savePortals(append(list, p)); err != nil {
		return err
	}
	next := "Next: awscreds login"
	if err := a.checkKey(); err != nil {
		next = "Not yet ready for awscreds login."
		defer a.say("awscreds: %s Then: awscreds login", clean(explain(err).text))
	}
	return a.print(p, func(w io.Writer) {
		fmt.Fprintf(w, "Portal %s: %s in %s. %s\n", p.Name, clean(p.StartURL), p.Region, next)
	})
}

// awsHosts end the start URLs of AWS's own portals.
var awsHosts = []string{".awsapps.com", ".app.aws", ".awsapps.cn", ".portal.amazonaws.com", ".amazonaws.eu"}

// discover reads the portal's description, which says where its endpoints are.
// They must lie on the host that was asked.
func (c *setupCmd) discover(a *app, u *url.URL) (portal, error) {
	if slices.ContainsFunc(awsHosts, func(s string) bool { return strings.HasSuffix(u.Hostname(), s) }) {
		if c.Region == "" {
			return portal{}, fail(exitUsage, nil, "Say in which region the instance of IAM Identity Center is: --region eu-central-1")
		}
		return portal{StartURL: c.URL, Region: c.Region}, checkRegion(c.Region)
	}
	at := *u
	at.Path = strings.TrimSuffix(at.Path, "/") + "/.well-known/gatehouse"
	at.RawQuery, at.Fragment = "", ""
	client := &http.Client{Timeout: 15 * time.Second, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > 3 || r.URL.Host != u.Host || !secure(r.URL) {
			return errors.New("a redirect to another host")
		}
		return nil
	}}
	req, err := http.NewRequestWithContext(a.ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return portal{}, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return portal{}, fail(exitUnavailable, err, "%s cannot be reached.", u.Host)
	}
	defer resp.Body.Close()
	var d struct {
		StartURL string `json:"start_url"`
		Region   string `json:"region"`
		Endpoint string `json:"sso_endpoint"`
		STS      string `json:"sts_endpoint"`
	}
	if resp.StatusCode != http.StatusOK || json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&d) != nil {
		return portal{}, fail(exitUsage, nil, "%s is no Gatehouse portal (status %d).", u.Host, resp.StatusCode)
	}
	for _, s := range []string{d.StartURL, d.Endpoint} {
		if e, err := url.Parse(s); err != nil || !secure(e) || e.Hostname() != u.Hostname() && !(loopback(e.Hostname()) && loopback(u.Hostname())) {
			return portal{}, fail(exitUsage, err, "The portal names an endpoint on another host, which is refused: %q", s)
		}
	}
	// Only a sample has an STS of its own, so both are on this machine.
	if s, err := url.Parse(d.STS); d.STS != "" && (err != nil || !secure(s) || !loopback(s.Hostname()) || !loopback(u.Hostname())) {
		return portal{}, fail(exitUsage, err, "The portal names an STS that is not on this machine, which is refused: %q", d.STS)
	}
	return portal{StartURL: d.StartURL, Region: d.Region, Endpoint: d.Endpoint, STS: d.STS}, checkRegion(d.Region)
}

func checkRegion(s string) error {
	if s == "" || s != sts.ProfileName(s) || strings.Count(s, "-") < 2 {
		return fail(exitUsage, nil, "%q is no AWS region.", s)
	}
	return nil
}

func secure(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

type portalsCmd struct{}

// Run lists the portals.
func (portalsCmd) Run(a *app) error {
	list, err := a.chosen()
	if err != nil {
		return err
	}
	return a.print(list, func(w io.Writer) {
		for _, p := range list {
			fmt.Fprintf(w, "%-20s %-15s %s\n", p.Name, p.Region, clean(p.StartURL))
		}
	})
}
