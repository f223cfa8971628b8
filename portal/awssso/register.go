// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"net/http"
	"slices"
	"strings"
)

// Grant types on the wire.
const (
	grantDevice  = "urn:ietf:params:oauth:grant-type:device_code"
	grantCode    = "authorization_code"
	grantRefresh = "refresh_token"
)

// scopes are the ones that real clients ask for. All mean the same here: the
// accounts and roles of the person.
var scopes = []string{"sso:account:access", "sso-portal:*"}

type registerRequest struct {
	ClientName   string   `json:"clientName"`
	ClientType   string   `json:"clientType"`
	Scopes       []string `json:"scopes"`
	GrantTypes   []string `json:"grantTypes"`
	RedirectURIs []string `json:"redirectUris"`
	IssuerURL    string   `json:"issuerUrl"`
}

type registerResponse struct {
	ClientID              string `json:"clientId"`
	ClientSecret          string `json:"clientSecret"`
	ClientIDIssuedAt      int64  `json:"clientIdIssuedAt"`
	ClientSecretExpiresAt int64  `json:"clientSecretExpiresAt"`
	AuthorizationEndpoint string `json:"authorizationEndpoint"`
	TokenEndpoint         string `json:"tokenEndpoint"`
}

func (s *Server) registerClient(r *http.Request, c call) (any, error) {
	if err := s.limit(c); err != nil {
		return nil, err
	}
	var in registerRequest
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	reg, refused := s.readRegistration(in)
	if refused != nil {
		return nil, refused
	}
	state, err := s.cfg.Store.Client(r.Context(), "")
	if err != nil {
		return nil, err
	}
	now := s.cfg.Now()
	reg.Epoch, reg.Issued, reg.Expires = state.Epoch, now.Unix(), now.Add(s.cfg.RegistrationLifetime).Unix()
	id, secret := reg.issue(s.keys.clients, s.keys.secrets)
	if len(id) > maxClientID {
		return nil, refuse(CheckRedirect, "The redirect URIs are too long together.")
	}
	return registerResponse{
		ClientID: id, ClientSecret: secret, ClientIDIssuedAt: reg.Issued, ClientSecretExpiresAt: reg.Expires,
		AuthorizationEndpoint: s.cfg.APIURL + "/authorize", TokenEndpoint: s.cfg.APIURL + "/token",
	}, nil
}

func (s *Server) readRegistration(in registerRequest) (*client, *Error) {
	if in.ClientName == "" || len(in.ClientName) > 256 {
		return nil, refuse(CheckMetadata, "clientName is required, with at most 256 bytes.")
	}
	if in.ClientType != "public" {
		return nil, refuse(CheckMetadata, `clientType must be "public".`)
	}
	if in.IssuerURL != "" {
		if refused := s.checkStartURL(in.IssuerURL); refused != nil {
			return nil, refused
		}
	}
	reg := &client{Name: plain(in.ClientName)}
	for _, scope := range in.Scopes {
		if !slices.Contains(scopes, scope) {
			return nil, refuse(CheckScope, "There is no scope %q. Known ones: %s", plain(scope), strings.Join(scopes, ", "))
		}
		if !slices.Contains(reg.Scopes, scope) {
			reg.Scopes = append(reg.Scopes, scope)
		}
	}
	for _, grant := range in.GrantTypes {
		short, ok := map[string]string{grantDevice: shortDevice, "device_code": shortDevice, grantCode: shortCode, grantRefresh: shortRefresh}[grant]
		if !ok {
			return nil, refuse(CheckMetadata, "There is no grant type %q.", plain(grant))
		}
		if !slices.Contains(reg.Grants, short) {
			reg.Grants = append(reg.Grants, short)
		}
	}
	return reg, readRedirects(reg, in.RedirectURIs)
}

func readRedirects(reg *client, uris []string) *Error {
	if len(uris) > 8 {
		return refuse(CheckRedirect, "At most 8 redirect URIs.")
	}
	for _, uri := range uris {
		norm, ok := loopbackRedirect(uri)
		if !ok {
			return refuse(CheckRedirect, "A redirect URI must be http://127.0.0.1/PATH or http://[::1]/PATH, with any port.")
		}
		if !slices.Contains(reg.Redirects, norm) {
			reg.Redirects = append(reg.Redirects, norm)
		}
	}
	if slices.Contains(reg.Grants, shortCode) && len(reg.Redirects) == 0 {
		return refuse(CheckRedirect, "The grant authorization_code needs a redirect URI.")
	}
	return nil
}
