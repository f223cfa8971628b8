// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/sqltx"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/scim"
)

// TokenStore keeps the SCIM tokens. scimsql implements it.
type TokenStore interface{ scim.TokenStore }

// buildSCIM mounts the provisioning endpoint. A token is bound to one source;
// it may not set passwords or roles.
func (p *Portal) buildSCIM() (err error) {
	if p.tokens, err = scim.NewTokens(p.c.SCIM, p.now); err != nil {
		return err
	}
	handler, err := scim.New(scim.Config{
		BaseURL: p.url(PathSCIM), Users: p.dir.SCIMUsers(), Groups: p.dir.SCIMGroups(), Authenticate: scimCaller,
		Rules: []scim.AttributeRule{{Type: "User", Path: "roles", Rule: scim.Ignore}}, OnError: p.scimError, Now: p.now,
	})
	if err != nil {
		return err
	}
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := p.tokens.Verify(r.Context(), scim.Bearer(r))
		ctx := context.WithValue(directory.WithActor(r.Context(), c.Actor), callerKey{}, verified{c, err})
		handler.ServeHTTP(w, r.WithContext(ctx))
	})
	p.mux.Handle(p.prefix+PathSCIM, serve)
	p.mux.Handle(p.prefix+PathSCIM+"/", serve)
	return nil
}

// verified is what the token of a request says; it is looked up once.
type verified struct {
	caller scim.Caller
	err    error
}

type callerKey struct{}

func scimCaller(r *http.Request) (scim.Caller, error) {
	v, ok := r.Context().Value(callerKey{}).(verified)
	if !ok {
		return scim.Caller{}, errors.New("portal: no caller")
	}
	if sqltx.IsBusy(v.err) {
		return scim.Caller{}, &scim.Error{Check: scim.CheckBusy, Public: "the portal is busy", Err: v.err, RetryAfter: 2 * time.Second}
	}
	return v.caller, v.err
}

// scimError records a refusal; that the database is busy is none.
func (p *Portal) scimError(r *http.Request, err *scim.Error) {
	if err.Check == scim.CheckBusy || err.Check == scim.CheckInternal {
		p.log.ErrorContext(r.Context(), "provisioning failed", "path", r.URL.Path, "correlation", audit.RequestFrom(r.Context()).Correlation, "error", err)
		return
	}
	e := audit.Event{Type: audit.InputRefused, Check: "scim-" + string(err.Check), Details: map[string]string{"path": strings.TrimPrefix(r.URL.Path, p.prefix)}}
	if c, cause := scimCaller(r); cause == nil {
		e.Actor, e.Source = "scim:"+c.Actor, c.Tenant
	}
	p.audit.Refuse(r.Context(), e)
}

// IssueSCIMToken returns a new token of a source, shown once. A source has two
// at a time. A lifetime of 0 is without end.
func (p *Portal) IssueSCIMToken(ctx context.Context, actor, sourceID, name string, lifetime time.Duration) (string, error) {
	if _, err := p.c.Store.Source(ctx, sourceID); err != nil {
		return "", err
	}
	var secret string
	err := p.c.Store.InTx(ctx, func(ctx context.Context) (err error) {
		var token scim.Token
		if secret, token, err = p.tokens.Issue(ctx, sourceID, scim.TokenOptions{Name: name, Lifetime: lifetime}); err != nil {
			return err
		}
		return p.audit.Record(ctx, audit.Event{Type: audit.AccessChanged, Actor: actor, Source: sourceID, Details: map[string]string{"object": "scim token", "id": token.ID, "change": "issued"}})
	})
	return secret, err
}

// RevokeSCIMToken ends a token with the next request.
func (p *Portal) RevokeSCIMToken(ctx context.Context, actor, sourceID, id string) error {
	return p.c.Store.InTx(ctx, func(ctx context.Context) error {
		if err := p.tokens.Revoke(ctx, sourceID, id); err != nil {
			return err
		}
		return p.audit.Record(ctx, audit.Event{Type: audit.AccessChanged, Actor: actor, Source: sourceID, Details: map[string]string{"object": "scim token", "id": id, "change": "revoked"}})
	})
}

// SCIMTokens are the tokens of a source, without their secrets.
func (p *Portal) SCIMTokens(ctx context.Context, sourceID string) ([]scim.Token, error) {
	return p.tokens.List(ctx, sourceID)
}
