// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa/mfasql"
	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/sqlstore"
	"github.com/gatehouse-id/gatehouse/saml/samlsql"
)

// settingSample marks a database as a sample for good: "marked" while it is
// being made, "seeded" after.
const settingSample = "sample"

// application is the running program.
type application struct {
	handler http.Handler
	portal  *portal.Portal
	sample  *Sample // nil unless this is the sample organisation
	data    string
	base    string
	sts     string // endpoint of the STS double, with the sample only
}

// start opens everything that serving needs. The sample organisation is made
// where it was asked for.
func start(ctx context.Context, g *Globals, s *serveCmd, store *sqlstore.Store, ln net.Listener, base *url.URL) (*application, error) {
	if s.Config != "" {
		if err := applyFile(ctx, g, store, s.Config, false, os.Stderr); err != nil {
			return nil, err
		}
	}
	sample, err := decideSample(ctx, g, store, ln, base)
	if err != nil {
		return nil, err
	}
	keys, err := loadKeys(g.Data, time.Now())
	if err != nil {
		return nil, err
	}
	org, err := loadOrganisation(ctx, store)
	if err != nil {
		return nil, err
	}
	c := org.config()
	c.BaseURL, c.Keys, c.Log = base.String(), keys, g.logger()
	port := ln.Addr().(*net.TCPAddr).Port
	c.AlternateHosts = []string{fmt.Sprintf("127.0.0.1:%d", port), fmt.Sprintf("[::1]:%d", port)}
	if err := stores(&c, store); err != nil {
		return nil, err
	}
	for _, p := range s.TrustedProxies {
		prefix, err := netip.ParsePrefix(p)
		if err != nil {
			return nil, fmt.Errorf("--trusted-proxies: %w", err)
		}
		c.TrustedProxies = append(c.TrustedProxies, prefix)
	}
	app := &application{data: g.Data, base: base.String()}
	if org.STS != nil && !sample {
		if c.Exchange, err = org.exchange(); err != nil {
			return nil, err
		}
	}
	if sample {
		err = app.startSample(ctx, c, store, port)
	} else {
		app.portal, err = portal.New(c)
	}
	if err != nil {
		return nil, err
	}
	app.handler = app.portal
	return app, nil
}

func stores(c *portal.Config, store *sqlstore.Store) (err error) {
	c.Store, c.SCIM, c.SSO, c.SAML = store, store, sqlstore.NewSSOStore(store.DB()), samlsql.New(store.DB())
	c.MFA, err = mfasql.New(store.DB())
	return err
}

// sampleAsked is the file by which the operator's wish for the sample outlives
// a kill, until the database is marked.
const sampleAsked = "sample.asked"

// askForSample notes that the operator wants the sample organisation: they
// serve where there is no database yet, and bring no organisation. What is
// refused here has made nothing.
func askForSample(ctx context.Context, g *Globals, s *serveCmd, ln net.Listener, base *url.URL) error {
	have, err := g.exists(ctx)
	if err != nil || have || s.Config != "" {
		return err
	}
	if err := sampleIsLocal(ln, base); err != nil {
		return err
	}
	if g.Database != "" {
		if err := foreignDatabase(ctx, g.Database); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(g.Data, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(g.Data, sampleAsked), nil, 0o600)
}

// decideSample marks an empty database as a sample if that was asked for. Any
// other empty database is somebody's who has yet to bring their organisation.
func decideSample(ctx context.Context, g *Globals, store *sqlstore.Store, ln net.Listener, base *url.URL) (bool, error) {
	mark, err := store.Setting(ctx, settingSample)
	if err != nil {
		return false, err
	}
	empty, err := store.Empty(ctx)
	if err != nil {
		return false, err
	}
	asked := filepath.Join(g.Data, sampleAsked)
	if mark == "" {
		if !empty {
			return false, nil
		}
		if _, err := os.Stat(asked); err != nil {
			return false, errors.New("the database holds no organisation; bring one with apply. The sample organisation is made only where there is no database yet")
		}
	}
	if err := sampleIsLocal(ln, base); err != nil {
		return false, err
	}
	if mark == "" {
		if err := store.PutSetting(ctx, settingSample, "marked"); err != nil {
			return false, err
		}
	}
	if err := os.Remove(asked); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, nil
}

// sampleIsLocal refuses to use the sample in any way but on this machine.
func sampleIsLocal(ln net.Listener, base *url.URL) error {
	switch {
	case !ln.Addr().(*net.TCPAddr).IP.IsLoopback():
		return fmt.Errorf("the sample organisation is served on a loopback address only, not on %s; bring your own organisation with apply", ln.Addr())
	case !loopback(base):
		return fmt.Errorf("the sample organisation has a loopback base URL only, not %s; bring your own organisation with apply", base)
	}
	return nil
}

func loopback(u *url.URL) bool {
	a, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && a.IsLoopback()
}

// portalSchema reports whether a PostgreSQL database has the schema of a portal.
func portalSchema(ctx context.Context, dsn string) (bool, error) {
	db, err := openPostgres(dsn)
	if err != nil {
		return false, err
	}
	defer db.Close()
	var n int
	err = db.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'portal_settings' AND table_schema = current_schema()").Scan(&n)
	return n > 0, err
}

func openPostgres(dsn string) (*sql.DB, error) {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, errors.New("the PostgreSQL connection string is malformed") // the driver's text may hold the password
	}
	return db, nil
}

// foreignDatabase refuses a PostgreSQL database that is somebody's, before the
// schema of a portal is made there.
func foreignDatabase(ctx context.Context, dsn string) error {
	db, err := openPostgres(dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	var n int
	err = db.QueryRowContext(ctx, `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
		AND table_name NOT LIKE 'portal\_%' AND table_name NOT LIKE 'mfa\_%' AND table_name NOT LIKE 'saml\_%' AND table_name NOT LIKE 'scim\_%' AND table_name <> 'goose_db_version'`).Scan(&n)
	if err == nil && n > 0 {
		err = errors.New("the PostgreSQL database is not empty; the sample organisation is made in an empty one only")
	}
	return err
}

// startSample runs the STS double beside the portal, and seeds the
// organisation once.
func (a *application) startSample(ctx context.Context, c portal.Config, store *sqlstore.Store, port int) (err error) {
	base := a.base
	double, err := startDouble(ctx, a.data, port+1)
	if err != nil {
		return err
	}
	a.sts = double.url
	c.Brand, c.RefuseForwarded, c.Exchange, c.STSEndpoint = sampleBrand, true, double.exchange, double.url
	if a.portal, err = portal.New(c); err != nil {
		return err
	}
	path := filepath.Join(a.data, "sample.json")
	mark, err := store.Setting(ctx, settingSample)
	if err != nil {
		return err
	}
	if mark == "seeded" {
		a.sample, err = readSample(path)
	} else {
		a.sample, err = seedFresh(ctx, a.portal, store, base)
	}
	if err != nil {
		return err
	}
	if err := double.trust(ctx, a.portal, store); err != nil {
		return err
	}
	a.sample.URL, a.sample.StartURL = base, a.portal.StartURL()
	a.sample.SSO.Endpoint, a.sample.SCIM.BaseURL, a.sample.STS.Endpoint = base+portal.PathSSO, base+portal.PathSCIM, a.sts
	if err := writeSample(path, a.sample); err != nil {
		return err
	}
	return store.PutSetting(ctx, settingSample, "seeded") // the passwords are safe on disk first
}

// seedFresh makes the sample organisation anew if a kill left it half made.
func seedFresh(ctx context.Context, p *portal.Portal, store *sqlstore.Store, base string) (*Sample, error) {
	err := store.InTx(ctx, func(ctx context.Context) error {
		tx, _ := store.TxFrom(ctx)
		for _, table := range []string{
			"portal_assignments", "portal_permission_sets", "portal_accounts", "portal_apps", "portal_administrators", "portal_members",
			"portal_groups", "portal_people", "portal_sources", "mfa_records", "mfa_tickets", "mfa_challenges", "portal_scim_tokens",
		} {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+table); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return seed(ctx, p, store, base)
}

func readSample(path string) (*Sample, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is gone, and with it the sample organisation's passwords; use another --data folder", path)
	}
	if err != nil {
		return nil, err
	}
	var s Sample
	return &s, json.Unmarshal(b, &s)
}

func writeSample(path string, s *Sample) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".sample-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(append(b, '\n'))
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

func (a *application) run(ctx context.Context) { a.portal.Run(ctx) }
