// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"crypto/sha1" // Bindings 3.6.4 names it; it protects nothing
	"crypto/subtle"
	"encoding/binary"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// artifactSize is that of the one type that SAML 2.0 defines: type, endpoint
// index, source ID, message handle (Bindings 3.6.4).
const artifactSize = 2 + 2 + 20 + 20

// receiveArtifact returns the artifact of a request by GET or POST, or "".
func receiveArtifact(r *http.Request, limit int) (art, relay string, err error) {
	var v url.Values
	switch r.Method {
	case http.MethodGet:
		if len(r.URL.RawQuery) > 8<<10 {
			return "", "", refuse(CheckInput, "a query of %d bytes", len(r.URL.RawQuery))
		}
		if v, err = url.ParseQuery(r.URL.RawQuery); err != nil {
			return "", "", refuse(CheckInput, "the query cannot be read")
		}
	case http.MethodPost:
		if err := parseForm(r, limit); err != nil {
			return "", "", err
		}
		v = r.PostForm
	}
	switch {
	case len(v["SAMLart"]) == 0:
		return "", "", nil
	case len(v["SAMLart"]) > 1, len(v["RelayState"]) != 1, v.Has("SAMLResponse"), v.Has("SAMLRequest"):
		return "", "", refuse(CheckInput, "one artifact with the RelayState that was sent is needed")
	}
	return v.Get("SAMLart"), v.Get("RelayState"), nil
}

// resolve fetches the Response that an artifact stands for (Bindings 3.6.5).
// The RelayState, which only the login's browser has, tells the connection and
// is taken: nobody makes us ask twice. What is fetched is verified like what is
// posted.
func (s *ServiceProvider) resolve(ctx context.Context, art, relay, at string) (*response, error) {
	raw, err := decodeBase64(art)
	if err != nil || len(raw) != artifactSize || binary.BigEndian.Uint16(raw) != 4 {
		return nil, refuse(CheckInput, "not an artifact of type 4")
	}
	var id string
	if err := takeRecord(ctx, s.cfg.Store, s.cfg.Now(), KindArtifact, hashToken("artifact", relay), &id, CheckRequest); err != nil {
		return nil, err
	}
	c, err := s.connection(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := c.arrivedAt(at); err != nil {
		return nil, err
	}
	source := sha1.Sum([]byte(c.IdP.EntityID))
	if subtle.ConstantTimeCompare(raw[4:24], source[:]) != 1 {
		return nil, refuse(CheckIssuer, "an artifact of another identity provider than %q", c.IdP.EntityID)
	}
	index := int(binary.BigEndian.Uint16(raw[2:]))
	i := slices.IndexFunc(c.IdP.IdP.Artifact, func(e Endpoint) bool { return e.Index == index && e.Binding == BindingSOAP })
	if i < 0 {
		return nil, refuse(CheckBinding, "metadata has no artifact resolution service %d", index)
	}
	return s.ask(ctx, c, c.IdP.IdP.Artifact[i].Location, art)
}

func (s *ServiceProvider) ask(ctx context.Context, c *Connection, location, art string) (*response, error) {
	if len(s.cfg.Keys) == 0 {
		return nil, refuse(CheckConfig, "artifacts need a signing key")
	}
	id, now := newID(), s.cfg.Now()
	w := requestHead("samlp:ArtifactResolve", []string{"Destination", location, "ID", id, "IssueInstant", formatTime(now), "Version", "2.0"}, c.EntityID)
	w.leaf("samlp:Artifact", strings.Join(strings.Fields(art), ""))
	w.close("samlp:ArtifactResolve")
	if w.err != nil {
		return nil, refuse(CheckConfig, "%w", w.err)
	}
	msg, err := signMessage(w.b, s.cfg.Keys[0])
	if err != nil {
		return nil, refuse(CheckConfig, "sign: %w", err)
	}
	data, err := postSOAP(ctx, s.cfg.Client, location, msg, s.cfg.MaxMessage)
	if err != nil {
		return nil, err
	}
	return s.artifactResponse(ctx, data, c, id)
}

// artifactResponse opens an ArtifactResponse. Its own signature, if any, must
// verify; that of the Response or Assertion inside is a must as always.
func (s *ServiceProvider) artifactResponse(ctx context.Context, data []byte, c *Connection, id string) (*response, error) {
	root, err := soapMessage(data)
	if err != nil {
		return nil, err
	}
	switch {
	case !root.Is(nsSAMLP, "ArtifactResponse"):
		return nil, refuse(CheckStructure, "<%s> where an ArtifactResponse is expected", name(root))
	case attr(root, "InResponseTo") != id:
		return nil, refuse(CheckInResponseTo, "an answer to %.80q", attr(root, "InResponseTo"))
	}
	if root.Child(nsDS, "Signature").Exists() {
		if root, err = verifyEnveloped(root, c.peerKeys(s.cfg.Now()), c.Policy.InsecureAllowSHA1); err != nil {
			return nil, err
		}
	}
	var inner xmltree.Node
	for e := range root.Children() {
		switch {
		case e.Is(nsSAML, "Issuer"):
			issuer, err := readIssuer(e)
			if err != nil {
				return nil, err
			}
			if issuer != c.IdP.EntityID {
				return nil, refuse(CheckIssuer, "the answer's issuer %.200q is not %q", issuer, c.IdP.EntityID)
			}
		case e.Is(nsSAMLP, "Status"):
			st, err := readStatus(e)
			if err != nil {
				return nil, err
			}
			if st.Code != StatusSuccess {
				err := refuse(CheckStatus, "the identity provider answered %.200q", st.Code)
				err.Status = &st
				return nil, err
			}
		case e.Is(nsSAMLP, "Response"):
			if inner.Exists() {
				return nil, refuse(CheckStructure, "two Responses")
			}
			inner = e
		}
	}
	if !inner.Exists() {
		return nil, refuse(CheckRequest, "the identity provider knows no message of that artifact")
	}
	resp, err := newResponse(inner)
	if err != nil {
		return nil, err
	}
	if resp.inResponseTo == "" {
		return nil, refuse(CheckUnsolicited, "an unsolicited Response by artifact")
	}
	resp.artifact = true
	return resp, s.sameConnection(ctx, resp, c)
}

// sameConnection keeps the Response of one connection from answering the
// request of another: solicited looks at the request, this at who was asked.
func (s *ServiceProvider) sameConnection(ctx context.Context, resp *response, c *Connection) error {
	var l login
	if err := getRecord(ctx, s.cfg.Store, s.cfg.Now(), KindRequest, resp.inResponseTo, &l); err != nil {
		return err
	}
	if l.Connection != c.ID {
		return refuse(CheckConnection, "a Response to connection %q by %q", l.Connection, c.ID)
	}
	return nil
}
