// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

func fullIdP(t testing.TB) *saml.IdentityProvider {
	return newIdP(t, func(c *saml.IdPConfig) {
		c.Keys = []saml.KeyPair{samltest.Key(), samltest.ECKey()}
		c.NameIDFormats = []string{saml.NameIDPersistent, saml.NameIDEmail}
		c.Artifact = "https://idp.test/artifact"
		c.Attributes = saml.Attributes{{Name: "urn:z", Format: saml.AttrURI, Values: []string{"1", "2"}}}
		c.Organization = &saml.Organization{
			Names: []saml.Localized{{Lang: "en", Text: "Example"}}, DisplayNames: []saml.Localized{{Lang: "en", Text: "Example & Co"}},
			URLs: []saml.Localized{{Lang: "en", Text: "https://example.test/"}},
		}
		c.Contacts = []saml.Contact{{Type: "technical", GivenName: "Ada", Emails: []string{"mailto:ada@example.test"}}}
		c.UI = &saml.UIInfo{
			DisplayNames: []saml.Localized{{Lang: "en", Text: "Sign-in"}},
			Logos:        []saml.Logo{{URL: "https://example.test/l.png", Width: 16, Height: 16}},
		}
	})
}

func TestMetadataRoundTrip(t *testing.T) {
	t.Parallel()
	idp := fullIdP(t)
	sp := samltest.NewSP(t, idp.Entity(), func(_ *saml.SPConfig, c *saml.Connection) {
		c.Policy.NameIDFormats = []string{saml.NameIDEmail}
		c.Policy.RequireSignedAssertion = true
		c.Artifact = "https://sp.test/artifact"
	})
	service := samltest.NewSP(t, idp.Entity(), func(cfg *saml.SPConfig, c *saml.Connection) {
		*c = *sp.Connection
		cfg.Attributes = saml.Attributes{{Name: "urn:x", Format: saml.AttrURI, Values: []string{"y"}}}
		cfg.Services = []saml.AttributeService{{Index: 1, Default: true, Names: []saml.Localized{{Lang: "en", Text: "All"}}, Requested: []saml.RequestedAttribute{
			{Attribute: saml.Attribute{Name: "mail", Format: saml.AttrBasic, Values: []string{}}, Required: true},
		}}}
	}).Entity()
	if len(service.SP.Services) != 1 || len(service.Attributes) != 1 || len(idp.Entity().Attributes) != 1 {
		t.Errorf("not published: %+v", service)
	}
	for name, e := range map[string]*saml.Entity{"IdP": idp.Entity(), "SP": service} {
		raw, err := e.Sign(samltest.Key())
		if err != nil {
			t.Fatal(err)
		}
		got, err := saml.ParseMetadata(raw, saml.MetadataOptions{Certificates: []*x509.Certificate{samltest.Key().Certificate}, EntityID: e.EntityID})
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, raw)
		}
		again, err := got.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		want, err := e.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if string(again) != string(want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, again, want)
		}
	}
}

const mdHead = `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://x.test/"`

func spXML(inside string) string {
	return mdHead + `><md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` + inside + `</md:SPSSODescriptor></md:EntityDescriptor>`
}

func acsXML(location string) string {
	return `<md:AssertionConsumerService index="0" Binding="` + saml.BindingPOST + `" Location="` + location + `"/>`
}

// TestMetadataRefusals (duties 8, 23, 25).
func TestMetadataRefusals(t *testing.T) {
	t.Parallel()
	key := samltest.Key()
	signed, err := samltest.NewIdP(t).Entity().Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	trust := saml.MetadataOptions{Certificates: []*x509.Certificate{key.Certificate}}
	for _, tt := range []struct {
		name, xml string
		o         saml.MetadataOptions
		want      saml.Check
	}{
		{"control", spXML(acsXML("https://x.test/acs")), saml.MetadataOptions{}, ""},
		{"control: order, comment, unknown binding, loopback", "<!-- c -->" + spXML(acsXML("http://127.0.0.1:8080/acs")+`<md:NameIDFormat>f</md:NameIDFormat><md:SingleLogoutService Binding="urn:x" Location="ftp://x"/>`), saml.MetadataOptions{}, ""},
		{"script", spXML(acsXML("javascript:alert(1)")), saml.MetadataOptions{}, saml.CheckLocation},
		{"data", spXML(acsXML("data:text/html,x")), saml.MetadataOptions{}, saml.CheckLocation},
		{"http", spXML(acsXML("http://x.test/acs")), saml.MetadataOptions{}, saml.CheckLocation},
		{"user", spXML(acsXML("https://a@x.test/acs")), saml.MetadataOptions{}, saml.CheckLocation},
		{"fragment", spXML(acsXML("https://x.test/acs#f")), saml.MetadataOptions{}, saml.CheckLocation},
		{"relative", spXML(acsXML("/acs")), saml.MetadataOptions{}, saml.CheckLocation},
		{"response location", spXML(`<md:SingleLogoutService Binding="` + saml.BindingPOST + `" Location="https://x.test/" ResponseLocation="javascript:x"/>`), saml.MetadataOptions{}, saml.CheckLocation},
		{"document type", "<!DOCTYPE x>" + spXML(""), saml.MetadataOptions{}, saml.CheckXML},
		{"another document", "<x/>", saml.MetadataOptions{}, saml.CheckMetadata},
		{"another entity", spXML(""), saml.MetadataOptions{EntityID: "https://y.test/"}, saml.CheckMetadata},
		{"no entityID", strings.Replace(spXML(""), `entityID="https://x.test/"`, "", 1), saml.MetadataOptions{}, saml.CheckMetadata},
		{"expired", mdHead + ` validUntil="2020-01-01T00:00:00Z"/>`, saml.MetadataOptions{}, saml.CheckExpired},
		{"validUntil that is none", mdHead + ` validUntil="soon"/>`, saml.MetadataOptions{}, saml.CheckMetadata},
		{"cacheDuration that is none", mdHead + ` cacheDuration="long"/>`, saml.MetadataOptions{}, saml.CheckMetadata},
		{"control: signed", string(signed), trust, ""},
		{"unsigned where a signature is a must", spXML(""), trust, saml.CheckUnsigned},
		{"changed after signing", strings.Replace(string(signed), "https://idp.test/sso", "https://evil.test/sso", 1), trust, saml.CheckSignature},
		{"signed by a stranger", string(signed), saml.MetadataOptions{Certificates: []*x509.Certificate{samltest.OtherKey().Certificate}}, saml.CheckSignature},
		{"signature on a part", `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">` + string(signed) + `</md:EntitiesDescriptor>`, trust, saml.CheckUnsigned},
		{"too long", spXML(""), saml.MetadataOptions{MaxBytes: 10}, saml.CheckXML},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := saml.ParseMetadata([]byte(tt.xml), tt.o)
			if saml.CheckOf(err) != tt.want || (err == nil) != (tt.want == "") {
				t.Errorf("refused by %q, want %q: %v", saml.CheckOf(err), tt.want, err)
			}
		})
	}
}

func TestAggregate(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" validUntil="2099-01-01T00:00:00Z"><md:EntitiesDescriptor>`)
	for i := range 3 {
		loc := "https://x.test/acs"
		if i == 1 {
			loc = "javascript:x"
		}
		b.WriteString(strings.Replace(spXML(acsXML(loc)), "https://x.test/\"", fmt.Sprintf("https://x%d.test/\"", i), 1))
	}
	b.WriteString(`</md:EntitiesDescriptor></md:EntitiesDescriptor>`)
	var got []string
	for e, err := range saml.ParseAggregate([]byte(b.String()), saml.MetadataOptions{}) {
		if err != nil {
			got = append(got, string(saml.CheckOf(err)))
			continue
		}
		got = append(got, e.EntityID)
		if e.ValidUntil.Year() != 2099 {
			t.Errorf("valid until %v", e.ValidUntil)
		}
	}
	if want := []string{"https://x0.test/", "location", "https://x2.test/"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	e, err := saml.ParseMetadata([]byte(b.String()), saml.MetadataOptions{EntityID: "https://x2.test/"})
	if err != nil || e.EntityID != "https://x2.test/" {
		t.Errorf("%v %v", e, err)
	}
}

// TestCheckUpdate (duty 25).
func TestCheckUpdate(t *testing.T) {
	t.Parallel()
	other := samltest.OtherKey().Certificate
	for _, tt := range []struct {
		name   string
		change func(e *saml.Entity)
		want   saml.Check
	}{
		{"control", func(*saml.Entity) {}, ""},
		{"control: an endpoint at the old host", func(e *saml.Entity) {
			e.IdP.SSO = append(e.IdP.SSO, saml.Endpoint{Binding: saml.BindingPOST, Location: "https://idp.test/other"})
		}, ""},
		{"control: a stronger demand", func(e *saml.Entity) { e.SP.WantAssertionsSigned = true }, ""},
		{"a new key", func(e *saml.Entity) {
			e.IdP.Keys = append(e.IdP.Keys, saml.Key{Certificate: other, PublicKey: other.PublicKey})
		}, saml.CheckRefresh},
		{"a key for both uses", func(e *saml.Entity) { e.IdP.Keys[0].Use = "" }, saml.CheckRefresh},
		{"a new host", func(e *saml.Entity) { e.SP.ACS[0].Location = "https://evil.test/acs" }, saml.CheckRefresh},
		{"a new host for answers", func(e *saml.Entity) { e.IdP.SLO[0].ResponseLocation = "https://evil.test/slo" }, saml.CheckRefresh},
		{"a new host for artifacts", func(e *saml.Entity) {
			e.SP.Artifact = []saml.Endpoint{{Binding: saml.BindingSOAP, Location: "https://evil.test/artifact"}}
		}, saml.CheckRefresh},
		{"another port", func(e *saml.Entity) { e.SP.ACS[0].Location = "https://sp.test:8443/acs" }, saml.CheckRefresh},
		{"requests unsigned", func(e *saml.Entity) { e.SP.AuthnRequestsSigned = false }, saml.CheckRefresh},
		{"no signing key", func(e *saml.Entity) { e.IdP.Keys = nil }, saml.CheckRefresh},
		{"no encryption", func(e *saml.Entity) { e.SP.Keys = e.SP.Keys[:1] }, saml.CheckRefresh},
		{"encryption by CBC", func(e *saml.Entity) { e.SP.Keys[1].Encryption = []string{aes128} }, saml.CheckRefresh},
		{"control: fewer algorithms", func(e *saml.Entity) { e.SP.Keys[1].Encryption = e.SP.Keys[1].Encryption[:1] }, ""},
		{"another name", func(e *saml.Entity) { e.EntityID = "https://evil.test/" }, saml.CheckRefresh},
		{"another role", func(e *saml.Entity) { e.IdP = nil }, saml.CheckRefresh},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			both := func() *saml.Entity {
				idp := samltest.NewIdP(t)
				e := idp.Entity()
				e.SP = samltest.NewSP(t, e, func(_ *saml.SPConfig, c *saml.Connection) { c.Policy.SignRequests = true }).Entity().SP
				return e
			}
			fetched := both()
			tt.change(fetched)
			if err := saml.CheckUpdate(both(), fetched); saml.CheckOf(err) != tt.want {
				t.Errorf("refused by %q, want %q: %v", saml.CheckOf(err), tt.want, err)
			}
		})
	}
}

// TestCheckUpdateClear (duty 25): a key that nothing can be encrypted for does
// not stand in for one that is gone.
func TestCheckUpdateClear(t *testing.T) {
	t.Parallel()
	keys := func(pairs ...saml.KeyPair) *saml.Entity {
		e := samltest.NewSP(t, samltest.NewIdP(t).Entity(), nil).Entity()
		e.SP.Keys = nil
		for _, p := range pairs {
			e.SP.Keys = append(e.SP.Keys, saml.Key{Certificate: p.Certificate, PublicKey: p.Certificate.PublicKey})
		}
		return e
	}
	if err := saml.CheckUpdate(keys(samltest.SPKey(), samltest.ECKey()), keys(samltest.SPKey())); err != nil {
		t.Errorf("the control: %v", err)
	}
	if err := saml.CheckUpdate(keys(samltest.SPKey(), samltest.ECKey()), keys(samltest.ECKey())); saml.CheckOf(err) != saml.CheckRefresh {
		t.Errorf("refused by %q, want %q: %v", saml.CheckOf(err), saml.CheckRefresh, err)
	}
}

// TestSource keeps the last good copy, whatever is served.
func TestSource(t *testing.T) {
	t.Parallel()
	idp := samltest.NewIdP(t)
	serve, code := idp.Metadata(), http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = w.Write(serve)
	}))
	defer srv.Close()
	var kept int
	var fail error
	src, err := saml.NewSource(saml.SourceConfig{
		URL: srv.URL + "/metadata", Entity: idp.Entity(),
		OnChange: func(context.Context, *saml.Entity, []byte) error { kept++; return fail },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := src.Refresh(t.Context()); err != nil || kept != 1 {
		t.Fatalf("%v, kept %d", err, kept)
	}
	good := src.Entity()
	for _, tt := range []struct {
		name  string
		spoil func()
		want  saml.Check
	}{
		{"an error page", func() { code = http.StatusInternalServerError }, saml.CheckFetch},
		{"no metadata", func() { code, serve = http.StatusOK, []byte("<html/>") }, saml.CheckMetadata},
		{"another entity", func() {
			serve = []byte(strings.ReplaceAll(string(idp.Metadata()), "idp.test/metadata", "evil.test/metadata"))
		}, saml.CheckMetadata},
		{"another key", func() {
			evil := samltest.NewIdP(t)
			evil.Key = samltest.OtherKey()
			serve = evil.Metadata()
		}, saml.CheckRefresh},
		{"a copy that cannot be kept", func() { serve, fail = idp.Metadata(), errors.New("disk full") }, saml.CheckStore},
	} {
		tt.spoil()
		if err := src.Refresh(t.Context()); saml.CheckOf(err) != tt.want {
			t.Errorf("%s: refused by %q, want %q: %v", tt.name, saml.CheckOf(err), tt.want, err)
		}
		if src.Entity() != good {
			t.Errorf("%s: the good copy is gone", tt.name)
		}
		if (src.Pending() != nil) != (tt.want == saml.CheckRefresh || tt.want == saml.CheckStore) {
			t.Errorf("%s: pending %v", tt.name, src.Pending())
		}
	}
}

// TestClientAddresses (duty 25): the address is looked at when it is dialled.
func TestClientAddresses(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "http://10.0.0.1/", http.StatusFound)
		}
	}))
	defer srv.Close()
	c := saml.NewClient()
	get := func(u string) error {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u, nil)
		if err != nil {
			return err
		}
		resp, err := c.Do(r)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
	if err := get(srv.URL); err != nil {
		t.Errorf("the control: %v", err)
	}
	for _, u := range []string{
		srv.URL + "/away", "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data", "https://[fd00::1]/", "https://[::ffff:10.0.0.1]/",
		"https://0.0.0.0/", "https://100.64.0.1/", "http://example.test/", "https://[64:ff9b::a00:1]/",
	} {
		if err := get(u); err == nil || !strings.Contains(err.Error(), "saml: ") {
			t.Errorf("%s: %v", u, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	now := time.Now()
	e := fullIdP(t).Entity()
	d := e.Describe(now)
	if d.EntityID != e.EntityID || d.Name != "Sign-in" || len(d.Keys) != 2 || d.Keys[0].Algorithm != "RSA 2048" || d.Keys[1].Algorithm != "ECDSA P-256" ||
		len(d.Keys[0].SHA256) != 64 || len(d.Warnings) != 0 || len(d.Endpoints) != 7 {
		t.Errorf("%+v", d)
	}
	e.ValidUntil = now.Add(time.Hour)
	e.IdP.Keys, e.IdP.SLO = nil, nil
	if d := e.Describe(now); len(d.Warnings) != 3 {
		t.Errorf("%q", d.Warnings)
	}
}

func TestMDQ(t *testing.T) {
	t.Parallel()
	if got, want := saml.MDQ("https://mdq.test/", "https://idp.test/a b"), "https://mdq.test/entities/https%3A%2F%2Fidp.test%2Fa%20b"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
