// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-id/gatehouse/internal/seal"
)

// tokenHeader carries the access token; its name has an underscore.
const tokenHeader = "X-Amz-Sso_bearer_token"

const (
	defaultPage = 100
	maxPage     = 1000
	maxCursor   = 1024
)

// grant verifies the access token of a portal operation, and that the session
// behind it lives.
func (s *Server) grant(r *http.Request) (Grant, error) {
	secret := r.Header.Get(tokenHeader)
	if secret == "" || len(secret) > maxToken {
		return Grant{}, refuse(CheckToken, publicToken)
	}
	now := s.cfg.Now()
	t, f, err := s.cfg.Store.Token(r.Context(), AccessToken, seal.Hash(purposeAccess, secret))
	switch {
	case errors.Is(err, ErrNotFound):
		return Grant{}, refuse(CheckToken, publicToken)
	case err != nil:
		return Grant{}, err
	case !f.Revoked.IsZero() || !now.Before(t.Expires) || !now.Before(f.Expires):
		return Grant{}, refuse(CheckToken, publicToken)
	}
	session, err := s.cfg.Sessions.Session(r.Context(), f.Approval.SessionID)
	switch {
	case errors.Is(err, ErrNoSession):
		return Grant{}, refuse(CheckSession, publicToken)
	case err != nil:
		return Grant{}, err
	case session.PersonID != f.Approval.PersonID || !now.Before(session.Expires):
		return Grant{}, refuse(CheckSession, publicToken)
	}
	return Grant{
		Session: session, Flow: f.Flow, AuthTime: f.Approval.AuthTime, AMR: slices.Clone(f.Approval.AMR), FamilyID: f.ID,
		client: f.ClientName,
	}, nil
}

type accountInfo struct {
	AccountID    string `json:"accountId"`
	AccountName  string `json:"accountName"`
	EmailAddress string `json:"emailAddress"`
	Environment  string `json:"environment,omitempty"` // not AWS's
}

type listAccountsResponse struct {
	AccountList []accountInfo `json:"accountList"`
	NextToken   *string       `json:"nextToken"`
}

func (s *Server) listAccounts(r *http.Request, _ call) (any, error) {
	g, err := s.grant(r)
	if err != nil {
		return nil, err
	}
	at, size, err := page(r)
	if err != nil {
		return nil, err
	}
	name, id, ok := strings.Cut(at, "\x00")
	if at != "" && !ok {
		return nil, refuse(CheckRequest, publicCursor)
	}
	// One more than asked tells whether there is a next page.
	found, err := s.accountsPage(r.Context(), g.Session.PersonID, name, id, size+1)
	if err != nil {
		return nil, err
	}
	out := listAccountsResponse{AccountList: make([]accountInfo, 0, len(found))}
	if len(found) > size {
		found = found[:size]
		out.NextToken = cursor(found[size-1].Name + "\x00" + found[size-1].ID)
	}
	for _, a := range found {
		out.AccountList = append(out.AccountList, accountInfo{a.ID, a.Name, a.Email, a.Environment})
	}
	return out, nil
}

// accountsPage asks for one page, or cuts it out of all.
func (s *Server) accountsPage(ctx context.Context, personID, name, id string, limit int) ([]Account, error) {
	if pager, ok := s.cfg.Access.(AccountPager); ok {
		return pager.AccountsPage(ctx, personID, name, id, limit)
	}
	all, err := s.cfg.Access.Accounts(ctx, personID)
	if err != nil {
		return nil, err
	}
	after := ""
	if id != "" {
		after = strings.ToLower(name) + "\x00" + id
	}
	return cut(all, after, limit, func(a Account) string { return strings.ToLower(a.Name) + "\x00" + a.ID }), nil
}

type roleInfo struct {
	RoleName  string `json:"roleName"`
	AccountID string `json:"accountId"`
}

type listRolesResponse struct {
	RoleList  []roleInfo `json:"roleList"`
	NextToken *string    `json:"nextToken"`
}

func (s *Server) listAccountRoles(r *http.Request, c call) (any, error) {
	g, err := s.grant(r)
	if err != nil {
		return nil, err
	}
	account, err := accountParam(r)
	if err != nil {
		return nil, err
	}
	at, size, err := page(r)
	if err != nil {
		return nil, err
	}
	roles, err := s.cfg.Access.Roles(r.Context(), g.Session.PersonID, account)
	if err != nil {
		return nil, err
	}
	if len(roles) == 0 {
		return nil, refuse(CheckRole, "No access: you have no role in account %s. Ask an administrator for an assignment, or choose another account.", account)
	}
	found := cut(roles, at, size+1, func(name string) string { return name })
	out := listRolesResponse{RoleList: make([]roleInfo, 0, len(found))}
	if len(found) > size {
		found = found[:size]
		out.NextToken = cursor(found[size-1])
	}
	for _, name := range found {
		out.RoleList = append(out.RoleList, roleInfo{name, account})
	}
	return out, nil
}

type roleCredentials struct {
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken"`
	Expiration      int64  `json:"expiration"` // milliseconds
}

type credentialsResponse struct {
	RoleCredentials roleCredentials `json:"roleCredentials"`
}

func (s *Server) getRoleCredentials(r *http.Request, c call) (any, error) {
	g, err := s.grant(r)
	if err != nil {
		return nil, err
	}
	account, err := accountParam(r)
	if err != nil {
		return nil, err
	}
	role, err := query(r, "role_name", 64)
	if err != nil {
		return nil, err
	}
	if role == "" || !isRoleName(role) {
		return nil, refuse(CheckRequest, "role_name is required, with letters, digits and _+=,.@- only.")
	}
	creds, err := s.cfg.Access.Credentials(r.Context(), g, account, role)
	refused := asRefusal(err)
	if errors.Is(err, ErrNoAccess) {
		if refused, err = s.notYours(r, g, account, role); err != nil {
			return nil, err
		}
	} else if err != nil && refused == nil {
		return nil, err
	}
	e := s.event(r, c, EventGetRoleCredentials, func(e *Event) {
		e.PersonID, e.SessionID, e.FamilyID, e.Flow, e.ClientName = g.Session.PersonID, g.Session.ID, g.FamilyID, g.Flow, g.client
		e.AccountID, e.RoleName = account, role
		if refused != nil {
			e.Check = refused.Check
		}
	})
	if err := s.record(r.Context(), e); err != nil {
		return nil, err // what is not recorded is not handed out
	}
	if refused != nil {
		return nil, refused
	}
	return credentialsResponse{roleCredentials{
		creds.AccessKeyID, creds.SecretAccessKey, creds.SessionToken, creds.Expiration.UnixMilli(),
	}}, nil
}

func asRefusal(err error) *Error {
	var e *Error
	errors.As(err, &e)
	return e
}

// notYours says what the person could do instead, and the same whether or not
// account and role exist.
func (s *Server) notYours(r *http.Request, g Grant, account, role string) (*Error, error) {
	roles, err := s.cfg.Access.Roles(r.Context(), g.Session.PersonID, account)
	if err != nil {
		return nil, err
	}
	if len(roles) == 0 {
		return refuse(CheckRole, "No access: you have no role in account %s. Ask an administrator for an assignment, or choose another account.", account), nil
	}
	slices.Sort(roles)
	more := ""
	if n := len(roles) - 10; n > 0 {
		roles, more = roles[:10], " and "+strconv.Itoa(n)+" more"
	}
	return refuse(CheckRole, "No access: the role %s in account %s is not yours. Your roles there: %s%s.", role, account, strings.Join(roles, ", "), more), nil
}

// logout ends the token's family, refresh tokens included. The browser session
// goes on.
func (s *Server) logout(r *http.Request, c call) (any, error) {
	g, err := s.grant(r)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Store.InTx(r.Context(), func(ctx context.Context) error {
		if _, err := s.cfg.Store.RevokeFamily(ctx, g.FamilyID, s.cfg.Now()); err != nil {
			return err
		}
		return s.cfg.OnEvent(ctx, s.event(r, c, EventLogout, func(e *Event) {
			e.PersonID, e.SessionID, e.FamilyID, e.Flow, e.ClientName = g.Session.PersonID, g.Session.ID, g.FamilyID, g.Flow, g.client
		}))
	})
}

func accountParam(r *http.Request) (string, error) {
	id, err := query(r, "account_id", 12)
	if err != nil {
		return "", err
	}
	if len(id) != 12 || strings.Trim(id, "0123456789") != "" {
		return "", refuse(CheckRequest, "account_id is required, with 12 digits.")
	}
	return id, nil
}

func isRoleName(name string) bool {
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_+=,.@-", r)) {
			return false
		}
	}
	return true
}

// page reads next_token and max_result.
func page(r *http.Request) (after string, size int, err error) {
	cursor, err := query(r, "next_token", maxCursor)
	if err != nil {
		return "", 0, err
	}
	if cursor != "" {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
		if err != nil || len(raw) < 2 || raw[0] != '1' {
			return "", 0, refuse(CheckRequest, publicCursor)
		}
		after = string(raw[1:])
	}
	number, err := query(r, "max_result", 8)
	if err != nil {
		return "", 0, err
	}
	if number == "" {
		return after, defaultPage, nil
	}
	size, err = strconv.Atoi(number)
	if err != nil || size < 1 || size > maxPage {
		return "", 0, refuse(CheckRequest, "max_result must be a number from 1 to %d.", maxPage)
	}
	return after, size, nil
}

const publicCursor = "next_token is not one of this list's."

// cursor is the place of the last item shown: items that come or go meanwhile
// neither repeat nor hide others. It grants nothing, so it is not signed.
func cursor(place string) *string {
	c := base64.RawURLEncoding.EncodeToString([]byte("1" + place))
	return &c
}

// cut returns at most limit items whose keys come after a key, in the order of
// the keys.
func cut[T any](items []T, after string, limit int, key func(T) string) []T {
	type keyed struct {
		key  string
		item T
	}
	all := make([]keyed, 0, len(items))
	for _, item := range items {
		if k := key(item); k > after {
			all = append(all, keyed{k, item})
		}
	}
	slices.SortFunc(all, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
	out := make([]T, 0, min(limit, len(all)))
	for _, k := range all[:min(limit, len(all))] {
		out = append(out, k.item)
	}
	return out
}
