// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	_ "modernc.org/sqlite" // the database of this example

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/scim"
	"github.com/gatehouse-id/gatehouse/scim/filter"
)

// The application's own tables. SAML adds the column "subject", SCIM
// "external_id", "version" and the two times.
const schema = `
CREATE TABLE users (
	id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, email TEXT NOT NULL, email_key TEXT NOT NULL, name TEXT NOT NULL, active BOOLEAN NOT NULL,
	subject TEXT UNIQUE, external_id TEXT NOT NULL, version BIGINT NOT NULL, created BIGINT NOT NULL, modified BIGINT NOT NULL, UNIQUE (tenant, email_key));
CREATE TABLE sessions (id TEXT PRIMARY KEY, user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE, expires BIGINT NOT NULL);`

// tenant is a customer, with its identity provider and its SCIM token.
type tenant struct {
	Name, Token string
	IdP         *saml.Entity
}

// application serves each tenant under /NAME/. One service provider knows all
// of them; each has a connection, which is named like the tenant.
type application struct {
	base string
	db   *sql.DB
	mux  *http.ServeMux
	sp   *saml.ServiceProvider
	// onError, for tests, learns of refusals.
	onError func(error)
}

func openDB(file string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", file+"?_txlock=immediate&_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(schema); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func newApp(base string, db *sql.DB, tenants []tenant) (*application, error) {
	a := &application{base: base, db: db, mux: http.NewServeMux(), onError: func(error) {}}
	var connections saml.ConnectionList // with thousands of tenants, a saml.Connections over their table
	callers := map[[32]byte]scim.Caller{}
	for _, t := range tenants {
		at := base + "/" + t.Name
		connections = append(connections, &saml.Connection{ID: t.Name, EntityID: at + "/metadata", ACS: at + "/acs", Finish: at + "/finish", IdP: t.IdP})
		callers[sha256.Sum256([]byte(t.Token))] = scim.Caller{Tenant: t.Name, Actor: t.Name}
	}
	var err error
	a.sp, err = saml.NewServiceProvider(saml.SPConfig{
		Connections: connections, Store: saml.NewMemoryStore(10_000),
		OnError: func(w http.ResponseWriter, _ *http.Request, err error) { a.refuse(w, err) },
	})
	if err != nil {
		return nil, err
	}
	provisioning, err := scim.New(scim.Config{
		BaseURL: base + "/scim/v2", Users: people{db}, Unknown: scim.IgnoreUnknown,
		Authenticate: func(r *http.Request) (scim.Caller, error) {
			if c, ok := callers[sha256.Sum256([]byte(scim.Bearer(r)))]; ok {
				return c, nil
			}
			return scim.Caller{}, &scim.Error{Check: scim.CheckUnauthorized, Public: "the token is not valid"}
		},
	})
	if err != nil {
		return nil, err
	}
	a.mux.Handle("/scim/v2/", provisioning)
	a.mux.HandleFunc("GET /{tenant}/metadata", a.metadata)
	a.mux.HandleFunc("GET /{tenant}/login", a.login)
	a.mux.HandleFunc("POST /{tenant}/acs", a.acs)
	a.mux.HandleFunc("GET /{tenant}/finish", a.finish)
	a.mux.HandleFunc("GET /{tenant}/{$}", a.home)
	return a, nil
}

func (a *application) refuse(w http.ResponseWriter, err error) {
	a.onError(err)
	public := "The request could not be served."
	var e *saml.Error
	if errors.As(err, &e) {
		public = e.Public
	}
	http.Error(w, public, http.StatusForbidden)
}

func (a *application) metadata(w http.ResponseWriter, r *http.Request) {
	b, err := a.sp.Metadata(r.Context(), r.PathValue("tenant"))
	if err != nil {
		a.refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	_, _ = w.Write(b)
}

func (a *application) login(w http.ResponseWriter, r *http.Request) {
	out, err := a.sp.Login(r.Context(), r.PathValue("tenant"), saml.LoginOptions{})
	if err != nil {
		a.refuse(w, err)
		return
	}
	out.ServeHTTP(w, r)
}

// acs tells the service provider at whose address the Response arrived: one for
// another tenant is refused there, also if both trust the same issuer.
func (a *application) acs(w http.ResponseWriter, r *http.Request) {
	a.sp.ACS(a.base+"/"+r.PathValue("tenant")+"/acs").ServeHTTP(w, r)
}

// finish signs a person in whom SCIM or somebody else has put into the table.
// The assertion's connection, not the path, says whose person it is.
func (a *application) finish(w http.ResponseWriter, r *http.Request) {
	secret, tenant := rand.Text(), ""
	err := a.sp.Finish(r.Context(), r, func(ctx context.Context, as *saml.Assertion) error {
		tenant = as.Connection
		return a.begin(ctx, as, secret)
	})
	if err != nil {
		a.refuse(w, err)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "session-" + tenant, Value: secret, Path: "/" + tenant + "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/"+tenant+"/", http.StatusSeeOther)
}

// begin finds the person by the subject, the only safe account key, or at the
// first sign-in by the name that this tenant's directory gave, once.
func (a *application) begin(ctx context.Context, as *saml.Assertion, secret string) error {
	var id int64
	err := a.db.QueryRowContext(ctx, `UPDATE users SET subject = $1 WHERE tenant = $2 AND active AND (subject = $1 OR subject IS NULL AND email_key = $3) RETURNING id`,
		as.Subject().Key(), as.Connection, filter.Fold(as.NameID.Value)).Scan(&id)
	if err != nil {
		return fmt.Errorf("person %q of %s: %w", as.NameID.Value, as.Connection, err)
	}
	_, err = a.db.ExecContext(ctx, `INSERT INTO sessions (id, user_id, expires) VALUES ($1, $2, $3)`, hashed(secret), id, time.Now().Add(8*time.Hour).UnixMicro())
	return err
}

func hashed(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:])
}

// home reads the person with every request: deactivation ends sessions.
func (a *application) home(w http.ResponseWriter, r *http.Request) {
	tenant := r.PathValue("tenant")
	c, err := r.Cookie("session-" + tenant)
	if err != nil {
		http.Redirect(w, r, "/"+tenant+"/login", http.StatusSeeOther)
		return
	}
	var email string
	err = a.db.QueryRowContext(r.Context(), `SELECT u.email FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1 AND u.tenant = $2 AND u.active AND s.expires > $3`,
		hashed(c.Value), tenant, time.Now().UnixMicro()).Scan(&email)
	if err != nil {
		http.Error(w, "no session", http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintf(w, "%s of %s\n", email, tenant)
}
