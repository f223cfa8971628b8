// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package samlxsd_test holds what package saml sends against the OASIS schemas
// and against xmlsec1.
package samlxsd_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

const (
	samlDir    = "/usr/share/xml/opensaml/"
	toolingDir = "/usr/share/xml/xmltooling/"
)

const driver = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:import namespace="urn:oasis:names:tc:SAML:2.0:protocol" schemaLocation="` + samlDir + `saml-schema-protocol-2.0.xsd"/>
<xs:import namespace="urn:oasis:names:tc:SAML:2.0:metadata" schemaLocation="` + samlDir + `saml-schema-metadata-2.0.xsd"/>
<xs:import namespace="urn:oasis:names:tc:SAML:metadata:ui" schemaLocation="` + samlDir + `sstc-saml-metadata-ui-v1.0.xsd"/>
<xs:import namespace="urn:oasis:names:tc:SAML:metadata:attribute" schemaLocation="` + samlDir + `sstc-metadata-attr.xsd"/>
<xs:import namespace="http://www.w3.org/2009/xmlenc11#" schemaLocation="` + toolingDir + `xenc11-schema.xsd"/>
</xs:schema>`

const catalog = `<catalog xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">
<nextCatalog catalog="` + samlDir + `saml20-catalog.xml"/><nextCatalog catalog="` + toolingDir + `catalog.xml"/>
<system systemId="http://www.w3.org/TR/2002/REC-xmldsig-core-20020212/xmldsig-core-schema.xsd" uri="` + toolingDir + `xmldsig-core-schema.xsd"/>
<system systemId="http://www.w3.org/TR/2002/REC-xmlenc-core-20021210/xenc-schema.xsd" uri="` + toolingDir + `xenc-schema.xsd"/>
<system systemId="http://www.w3.org/2001/xml.xsd" uri="` + toolingDir + `xml.xsd"/>
</catalog>`

// messages are one of each that either role sends, by name.
func messages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	decode := func(name, value string) {
		x, err := samltest.Decode(value)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = x
	}
	st, peer := saml.NewMemoryStore(100), &saml.Peer{}
	var idp *saml.IdentityProvider
	var sp *samltest.SP
	network := network(func(r *http.Request) (http.Handler, string) {
		if r.URL.Path == "/sp-artifact" {
			return sp.ArtifactResolution(r.URL.String()), "AuthnRequest"
		}
		return idp.ArtifactResolution(), "Response"
	}, out)
	idp, err := saml.NewIdentityProvider(saml.IdPConfig{
		EntityID: "https://idp.test/metadata", SSO: "https://idp.test/sso", SLO: "https://idp.test/slo", SLOSOAP: "https://idp.test/soap",
		Keys: []saml.KeyPair{samltest.Key(), samltest.ECKey()}, Peers: saml.PeerList{peer}, Store: st, Participants: st,
		NameIDFormats: []string{saml.NameIDPersistent}, Artifact: "https://idp.test/idp-artifact", Client: network,
		DecryptionKeys: []saml.DecryptionKey{{Decrypter: samltest.Key().Signer.(*rsa.PrivateKey), Certificate: samltest.Key().Certificate}},
		Organization: &saml.Organization{
			Names: []saml.Localized{{Text: "E"}}, DisplayNames: []saml.Localized{{Text: "E"}}, URLs: []saml.Localized{{Text: "https://e.test"}},
		},
		Contacts: []saml.Contact{{Type: "support", Company: "E", GivenName: "A", SurName: "B", Emails: []string{"mailto:a@e.test"}, Phones: []string{"1"}}},
		UI: &saml.UIInfo{
			DisplayNames: []saml.Localized{{Text: "E"}}, Descriptions: []saml.Localized{{Text: "D"}}, InformationURLs: []saml.Localized{{Text: "https://e.test"}},
			PrivacyURLs: []saml.Localized{{Text: "https://e.test"}}, Logos: []saml.Logo{{URL: "https://e.test/l.png", Width: 1, Height: 2, Lang: "en"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	sp = samltest.NewSP(t, idp.Entity(), func(cfg *saml.SPConfig, c *saml.Connection) {
		c.Policy.SignRequests, c.Artifact, cfg.Client = true, "https://sp.test/sp-artifact", network
	})
	peer.Entity = sp.Entity()
	peer.Entity.SP.Services = []saml.AttributeService{{Index: 1, Default: true, Names: []saml.Localized{{Text: "All"}}, Requested: []saml.RequestedAttribute{
		{Attribute: saml.Attribute{Name: "mail", FriendlyName: "m", Format: saml.AttrBasic, Values: []string{"x"}}, Required: true},
	}}}
	peer.Entity.Attributes = saml.Attributes{{Name: "urn:x", Format: saml.AttrURI, Values: []string{"y"}}}
	for name, e := range map[string]*saml.Entity{"IdP metadata": idp.Entity(), "SP metadata": peer.Entity} {
		raw, err := e.Sign(samltest.Key())
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(raw)
	}
	login := sp.Start(saml.LoginOptions{
		Binding: saml.BindingPOST, ForceAuthn: true, Context: &saml.RequestedContext{ClassRefs: []string{saml.ContextPasswordProtected}, Comparison: "exact"},
		NameIDPolicy: &saml.NameIDPolicy{Format: saml.NameIDEmail, AllowCreate: true}, Subject: &saml.NameID{Value: "alice@example.test"},
		Extensions: []byte(`<x:a xmlns:x="urn:x"/>`), Scoping: []string{"https://idp.test/metadata"}, AttributeService: 2, ProviderName: "P",
	})
	decode("AuthnRequest", login.Value)
	respond := func(name string, change func(*saml.Peer), login *saml.Outgoing) *saml.Outgoing {
		req, err := idp.ParseRequest(samltest.Request(login))
		if err != nil {
			t.Fatal(err)
		}
		change(peer)
		form, err := idp.Respond(t.Context(), saml.ResponseParams{
			Request: req, NameID: samltest.Alice().NameID, AuthnInstant: time.Now(), AuthnContext: saml.ContextPasswordProtected, Session: "s",
			Attributes: samltest.Alice().Attributes, SessionNotOnOrAfter: time.Now().Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		decode(name, form.Value)
		return form
	}
	respond("encrypted Response", func(*saml.Peer) {}, sp.Start(saml.LoginOptions{}))
	form := respond("Response", func(p *saml.Peer) { p.NoEncryption = true }, login)
	a, err := sp.Receive(samltest.Form(form), login)
	if err != nil {
		t.Fatal(err)
	}
	req, err := idp.ParseRequest(samltest.Request(sp.Start(saml.LoginOptions{})))
	if err != nil {
		t.Fatal(err)
	}
	failed, err := idp.Fail(t.Context(), req, saml.Status{SubCode: saml.StatusNoPassive, Message: "no"})
	if err != nil {
		t.Fatal(err)
	}
	decode("error Response", failed.Value)
	byArtifact := sp.Start(saml.LoginOptions{Binding: saml.BindingArtifact, ByArtifact: true})
	if req, err = idp.ParseRequest(samltest.Request(byArtifact)); err != nil {
		t.Fatal(err)
	}
	answer, err := idp.Respond(t.Context(), saml.ResponseParams{Request: req, NameID: samltest.Alice().NameID, AuthnInstant: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sp.Bring(samltest.Request(answer), byArtifact); err != nil {
		t.Fatal(err)
	}
	logout, err := sp.Logout(t.Context(), a.Logout())
	if err != nil {
		t.Fatal(err)
	}
	decode("LogoutRequest", logout.Value)
	res, err := idp.HandleLogout(samltest.Request(logout), func(_ context.Context, _ []string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	decode("LogoutResponse", res.Reply.Value)
	return out
}

var soapBody = regexp.MustCompile(`(?s)<soap:Body>(.*)</soap:Body>`)

// network brings questions for artifacts to their services and keeps what goes
// by.
func network(service func(*http.Request) (http.Handler, string), out map[string]string) *http.Client {
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		question, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(question))
		w := httptest.NewRecorder()
		h, what := service(r)
		h.ServeHTTP(w, r)
		for name, x := range map[string][]byte{"ArtifactResolve for ": question, "ArtifactResponse with ": w.Body.Bytes()} {
			if m := soapBody.FindSubmatch(x); m != nil {
				out[name+what] = string(m[1])
			}
		}
		return w.Result(), nil
	})}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestSchemas holds every message and both kinds of metadata against the
// schemas.
func TestSchemas(t *testing.T) {
	t.Parallel()
	xmllint := peer.Command(t, "xmllint", "libxml2-utils")
	peer.Path(t, samlDir+"saml-schema-protocol-2.0.xsd", "opensaml-schemas")
	peer.Path(t, toolingDir+"xenc-schema.xsd", "xmltooling-schemas")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "driver.xsd"), driver)
	write(t, filepath.Join(dir, "catalog.xml"), catalog)
	for name, x := range messages(t) {
		t.Run(name, func(t *testing.T) {
			if out, err := validate(t, xmllint, dir, name, x); err != nil {
				t.Errorf("%s\n%s", out, x)
			}
		})
	}
	if _, err := validate(t, xmllint, dir, "control", `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>`); err == nil {
		t.Error("the control, which is not valid, passed")
	}
}

func validate(t *testing.T, xmllint, dir, name, x string) (string, error) {
	t.Helper()
	file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".xml")
	write(t, file, x)
	cmd := exec.CommandContext(t.Context(), xmllint, "--nonet", "--noout", "--schema", filepath.Join(dir, "driver.xsd"), file)
	cmd.Env = append(os.Environ(), "XML_CATALOG_FILES="+filepath.Join(dir, "catalog.xml"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestXMLSec has xmlsec1 verify what we sign and decrypt what we encrypt.
func TestXMLSec(t *testing.T) {
	t.Parallel()
	xmlsec := peer.Command(t, "xmlsec1", "xmlsec1")
	dir := t.TempDir()
	for name, k := range map[string]saml.KeyPair{"idp": samltest.Key(), "sp": samltest.SPKey()} {
		write(t, filepath.Join(dir, name+".pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Certificate.Raw})))
	}
	for name, root := range map[string]string{
		"Response": "urn:oasis:names:tc:SAML:2.0:protocol:Response", "encrypted Response": "urn:oasis:names:tc:SAML:2.0:protocol:Response",
		"AuthnRequest": "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest", "IdP metadata": "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor",
		"error Response":                   "urn:oasis:names:tc:SAML:2.0:protocol:Response",
		"ArtifactResolve for AuthnRequest": "urn:oasis:names:tc:SAML:2.0:protocol:ArtifactResolve", "ArtifactResolve for Response": "urn:oasis:names:tc:SAML:2.0:protocol:ArtifactResolve",
		"ArtifactResponse with AuthnRequest": "urn:oasis:names:tc:SAML:2.0:protocol:ArtifactResponse", "ArtifactResponse with Response": "urn:oasis:names:tc:SAML:2.0:protocol:ArtifactResponse",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "m.xml")
			write(t, file, messages(t)[name])
			key := "idp.pem"
			switch name {
			case "AuthnRequest", "ArtifactResolve for Response", "ArtifactResponse with AuthnRequest":
				key = "sp.pem"
			}
			cmd := exec.CommandContext(t.Context(), xmlsec, "--verify", "--enabled-key-data", "x509,rsa", "--trusted-pem", filepath.Join(dir, key),
				"--id-attr:ID", root, "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", file)
			if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("OK")) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
