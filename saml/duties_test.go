// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

var keyInfoRE = regexp.MustCompile(`(?s)<ds:KeyInfo>.*?</ds:KeyInfo>`)

func secondKey(_ *saml.SPConfig, c *saml.Connection) {
	o := samltest.OtherKey().Certificate
	c.IdP.IdP.Keys = append(c.IdP.IdP.Keys, saml.Key{Use: "signing", Certificate: o, PublicKey: o.PublicKey})
}

func withoutKeyInfo(f *samltest.Forge) {
	f.SignResponse = false
	f.Finally = func(x string) string { return keyInfoRE.ReplaceAllString(x, "") }
}

// TestMoreAttacks is the rest of the attack table: families whose documents
// are few.
func TestMoreAttacks(t *testing.T) {
	t.Parallel()
	runAttacks(t, map[string][]attack{
		"01 wrapping in what is encrypted": {
			{name: "control", change: func(f *samltest.Forge) { encrypted(f); f.SignResponse = false }},
			{name: "a clear assertion beside", want: saml.CheckStructure, change: func(f *samltest.Forge) {
				encrypted(f)
				f.SignResponse = false
				f.Finally = func(x string) string {
					return strings.Replace(x, "</samlp:Status>", `</samlp:Status><saml:Assertion ID="_e" Version="2.0"/>`, 1)
				}
			}},
			{name: "two encrypted ones", want: saml.CheckStructure, change: func(f *samltest.Forge) {
				encrypted(f)
				f.SignResponse = false
				f.Finally = func(x string) string {
					e := regexp.MustCompile(`(?s)<saml:EncryptedAssertion.*</saml:EncryptedAssertion>`).FindString(x)
					return strings.Replace(x, e, e+regexp.MustCompile(` Id="[^"]*"`).ReplaceAllString(e, ""), 1)
				}
			}},
			{name: "the signed one in the evil one's Advice", want: saml.CheckStructure, change: func(f *samltest.Forge) {
				encrypted(f)
				f.SignResponse = false
				f.AfterSigning = func(x string) string {
					return strings.Replace(evilTwin(x, "_evil"), "<saml:AuthnStatement", "<saml:Advice>"+x+"</saml:Advice><saml:AuthnStatement", 1)
				}
			}},
			{name: "a Response", want: saml.CheckStructure, change: func(f *samltest.Forge) {
				encrypted(f)
				f.SignResponse = false
				f.AfterSigning = func(x string) string {
					return `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">` + x + `</samlp:Response>`
				}
			}},
		},
		"11 several keys": {
			{name: "control: no KeyInfo", sp: secondKey, change: withoutKeyInfo},
			{name: "control: no KeyInfo, the second key", sp: secondKey, change: func(f *samltest.Forge) { withoutKeyInfo(f); f.Key = samltest.OtherKey() }},
			{name: "no KeyInfo, a third key", sp: secondKey, want: saml.CheckSignature, change: func(f *samltest.Forge) { withoutKeyInfo(f); f.Key = samltest.ECKey() }},
		},
		"12 failing open": {
			{name: "control: only the assertion is signed", change: func(f *samltest.Forge) { f.SignResponse = false }},
			{name: "a Response signature of no use beside a good one", want: saml.CheckSignature, change: finally(func(x string) string {
				return regexp.MustCompile(`<ds:SignatureValue>[^<]*`).ReplaceAllString(x, "<ds:SignatureValue>AAAA")
			})},
			{name: "an assertion signature of no use inside of a good one", want: saml.CheckSignature, change: func(f *samltest.Forge) {
				f.AfterSigning = func(x string) string {
					return regexp.MustCompile(`<ds:SignatureValue>[^<]*`).ReplaceAllString(x, "<ds:SignatureValue>AAAA")
				}
			}},
			{name: "an empty Signature", want: saml.CheckSignature, change: func(f *samltest.Forge) {
				f.SignResponse = false
				f.Finally = func(x string) string {
					return sigRE.ReplaceAllString(x, `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>`)
				}
			}},
		},
		"13 decryption keys": {
			{name: "control: the second key", change: func(f *samltest.Forge) { f.EncryptTo = samltest.OtherKey().Certificate }, sp: func(c *saml.SPConfig, _ *saml.Connection) {
				c.DecryptionKeys = append(c.DecryptionKeys, decryptionKey(samltest.OtherKey()))
			}},
		},
		"19 exact comparison": {
			{name: "control: no Destination where nothing signs for it", change: func(f *samltest.Forge) { f.SignResponse, f.Destination = false, "" }},
			{name: "destination with a slash", want: saml.CheckDestination, change: func(f *samltest.Forge) { f.Destination += "/" }},
			{name: "destination with a query", want: saml.CheckDestination, change: func(f *samltest.Forge) { f.Destination += "?x" }},
			{name: "recipient in another case", want: saml.CheckRecipient, change: func(f *samltest.Forge) { f.Recipient = "HTTPS://sp.test/acs" }},
			{name: "recipient with a port", want: saml.CheckRecipient, change: func(f *samltest.Forge) { f.Recipient = "https://sp.test:443/acs" }},
			{name: "audience by prefix", want: saml.CheckAudience, change: func(f *samltest.Forge) { f.Audiences = [][]string{{"https://sp.test/metadata/2"}} }},
			{name: "an empty audience", want: saml.CheckAudience, change: func(f *samltest.Forge) { f.Audiences = [][]string{{""}} }},
			{name: "issuer with white space", want: saml.CheckIssuer, change: func(f *samltest.Forge) { f.AssertionIssuer = " " + f.AssertionIssuer }},
			{name: "issuer of another format", want: saml.CheckIssuer, change: func(f *samltest.Forge) {
				f.BeforeSigning = replace("<saml:Issuer>", `<saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">`)
			}},
			{name: "qualified issuer", want: saml.CheckIssuer, change: func(f *samltest.Forge) {
				f.BeforeSigning = replace("<saml:Issuer>", `<saml:Issuer NameQualifier="https://evil.test">`)
			}},
			{name: "an empty InResponseTo", want: saml.CheckInResponseTo, change: finally(func(x string) string {
				return regexp.MustCompile(`InResponseTo="[^"]*"`).ReplaceAllString(x, `InResponseTo=""`)
			})},
		},
	})
}

// TestDisabled (duty 21): a connection that is disabled takes no unsolicited
// Response either, nor does an identity provider answer for one.
func TestDisabled(t *testing.T) {
	t.Parallel()
	idp := samltest.NewIdP(t)
	list := saml.ConnectionList{}
	sp := samltest.NewSP(t, idp.Entity(), func(cfg *saml.SPConfig, c *saml.Connection) {
		c.AllowIdPInitiated = true
		list = append(list, c)
		cfg.Connections = connections{&list}
	})
	if _, err := sp.Receive(idp.Answer(sp.Connection, nil, samltest.Alice()), nil); err != nil {
		t.Fatalf("the control: %v", err)
	}
	list = nil
	if _, err := sp.Receive(idp.Answer(sp.Connection, nil, samltest.Alice()), nil); saml.CheckOf(err) != saml.CheckConnection {
		t.Errorf("unsolicited: %v", err)
	}
	peers := saml.PeerList{{Entity: sp.Entity()}}
	p := newIdP(t, func(c *saml.IdPConfig) { c.Peers = &peers })
	out, err := samltest.NewSP(t, p.Entity(), nil).Login(t.Context(), "c1", saml.LoginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	req, err := p.ParseRequest(samltest.Request(out))
	if err != nil {
		t.Fatal(err)
	}
	peers = nil
	if _, err := p.Respond(t.Context(), identity(req)); saml.CheckOf(err) != saml.CheckPeer {
		t.Errorf("an answer to a disabled service provider: %v", err)
	}
	rp := identity(nil)
	rp.SP = req.SP
	if _, err := p.Respond(t.Context(), rp); saml.CheckOf(err) != saml.CheckPeer {
		t.Errorf("unsolicited to a disabled service provider: %v", err)
	}
}

// TestEdges (duties 18, 20): ends are exclusive, the skew of 90 s counts on both
// sides, and an assertion cannot be used again for as long as it would pass.
func TestEdges(t *testing.T) {
	t.Parallel()
	const skew, step = 90 * time.Second, time.Millisecond
	start := time.Now().UTC().Truncate(time.Second)
	for _, tt := range []struct {
		name   string
		change func(f *samltest.Forge)
		late   time.Duration
		want   saml.Check
	}{
		{"control: the last moment", nil, 5*time.Minute + skew - step, ""},
		{"NotOnOrAfter", nil, 5*time.Minute + skew, saml.CheckTime},
		{"control: the last moment of the confirmation", func(f *samltest.Forge) { f.NotOnOrAfter = start.Add(time.Hour) }, 5*time.Minute + skew - step, ""},
		{"NotOnOrAfter of the confirmation", func(f *samltest.Forge) { f.NotOnOrAfter = start.Add(time.Hour) }, 5*time.Minute + skew, saml.CheckTime},
		{"control: the first moment", func(f *samltest.Forge) { f.NotBefore = start.Add(skew) }, 0, ""},
		{"NotBefore", func(f *samltest.Forge) { f.NotBefore = start.Add(skew + step) }, 0, saml.CheckTime},
		{"control: the last moment of the session", func(f *samltest.Forge) { f.SessionNotOnOrAfter = start.Add(time.Minute) }, time.Minute + skew - step, ""},
		{"SessionNotOnOrAfter", func(f *samltest.Forge) { f.SessionNotOnOrAfter = start.Add(time.Minute) }, time.Minute + skew, saml.CheckTime},
		{"control: issued ahead", func(f *samltest.Forge) { f.IssueInstant = start.Add(skew) }, 0, ""},
		{"IssueInstant ahead", func(f *samltest.Forge) { f.IssueInstant = start.Add(skew + step) }, 0, saml.CheckIssueInstant},
		{"control: authenticated ahead", func(f *samltest.Forge) { f.AuthnInstant = start.Add(skew) }, 0, ""},
		{"AuthnInstant ahead", func(f *samltest.Forge) { f.AuthnInstant = start.Add(skew + step) }, 0, saml.CheckAuthn},
		{"a confirmation for days", func(f *samltest.Forge) { f.ConfirmUntil = start.Add(25 * time.Hour) }, 0, saml.CheckTime},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			now := start
			idp := samltest.NewIdP(t)
			idp.Now = func() time.Time { return now }
			sp := samltest.NewSP(t, idp.Entity(), func(cfg *saml.SPConfig, c *saml.Connection) { cfg.Now, c.AllowIdPInitiated = idp.Now, true })
			f := idp.Forge(sp.Connection, nil, samltest.Alice())
			if tt.change != nil {
				tt.change(f)
			}
			form, err := f.Form()
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" { // used once, it is of no use until it would not pass anyhow
				if _, err := sp.Receive(form, nil); err != nil {
					t.Fatal(err)
				}
			}
			now = start.Add(tt.late)
			want := tt.want
			if want == "" {
				want = saml.CheckReplay
			}
			if _, err = sp.Receive(form, nil); saml.CheckOf(err) != want {
				t.Errorf("refused by %q, want %q: %v", saml.CheckOf(err), want, err)
			}
		})
	}
}

// spy keeps whose the records were.
type spy struct {
	*saml.MemoryStore
	owners map[saml.Kind][]string
}

func (s *spy) Put(ctx context.Context, r saml.Record, now time.Time) error {
	s.owners[r.Kind] = append(s.owners[r.Kind], r.Connection)
	return s.MemoryStore.Put(ctx, r, now)
}

// TestConnectionIsNamed: the connection's ID is in every record and refusal.
func TestConnectionIsNamed(t *testing.T) {
	t.Parallel()
	st := &spy{saml.NewMemoryStore(1000), map[saml.Kind][]string{}}
	idp := samltest.NewIdP(t)
	entity := idp.Entity()
	entity.IdP.Artifact = []saml.Endpoint{{Binding: saml.BindingSOAP, Location: "https://idp.test/artifact"}}
	entity.IdP.SSO = append(entity.IdP.SSO, saml.Endpoint{Binding: saml.BindingArtifact, Location: idp.SSO})
	sp := samltest.NewSP(t, entity, func(cfg *saml.SPConfig, c *saml.Connection) {
		cfg.Store, c.Artifact = st, spArtifact
		cfg.Client = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") })}
	})
	named := func(what string, err error) {
		t.Helper()
		if e, ok := errors.AsType[*saml.Error](err); !ok || e.Connection != "c1" {
			t.Errorf("%s: the connection is not in %v", what, err)
		}
	}
	for _, b := range samltest.Breaks() {
		if slices.Contains([]saml.Check{saml.CheckXML, saml.CheckStructure, saml.CheckVersion, saml.CheckRequest}, b.Check()) || b.String() == "no issue instant" {
			continue // nothing says whose it is
		}
		out := sp.Start(saml.LoginOptions{})
		_, err := sp.Receive(idp.Answer(sp.Connection, out, samltest.Alice(), b), out)
		if b.String() == "unsolicited" && saml.CheckOf(err) != b.Check() {
			t.Fatal(err)
		}
		named(b.String(), err)
	}
	out := sp.Start(saml.LoginOptions{ByArtifact: true, Binding: saml.BindingArtifact})
	_, err := sp.Bring(httptest.NewRequest(http.MethodGet, sp.Connection.ACS+"?SAMLart="+strings.ReplaceAll(artifact(idp.EntityID, 0), "+", "%2B")+"&RelayState="+out.RelayState, nil), out)
	if saml.CheckOf(err) != saml.CheckFetch {
		t.Fatal(err)
	}
	named("an artifact", err)
	out = sp.Start(saml.LoginOptions{})
	f := idp.Forge(sp.Connection, out, samltest.Alice())
	encrypted(f)
	f.Encryption, f.AfterSigning = aes128, func(string) string { return "<broken" }
	form, err := f.Form()
	if err != nil {
		t.Fatal(err)
	}
	_, err = sp.Receive(form, out)
	named("a failed decryption", err)
	out = sp.Start(saml.LoginOptions{})
	if _, err = sp.Receive(idp.Answer(sp.Connection, out, samltest.Alice()), out); err != nil {
		t.Fatal(err)
	}
	bye, err := sp.Logout(t.Context(), saml.LogoutStart{Connection: "c1", Issuer: idp.EntityID, NameID: samltest.Alice().NameID})
	if err != nil {
		t.Fatal(err)
	}
	x, err := samltest.Decode(bye.Value)
	if err != nil {
		t.Fatal(err)
	}
	x = strings.NewReplacer("https://sp.test/metadata", idp.EntityID, idp.SLO, "https://sp.test/slo").Replace(x)
	_, err = sp.HandleLogout(postOf(t, &saml.Outgoing{Value: encode(x)}, same), noSessions)
	named("an unsigned logout", err)
	_, err = sp.HandleLogout(postOf(t, &saml.Outgoing{Value: encode(sign(t, x, samltest.Key()))}, same), func(context.Context, saml.LogoutNotice) error { return errors.New("down") })
	named("a logout that fails", err)
	for _, k := range []saml.Kind{saml.KindRequest, saml.KindReplay, saml.KindTicket, saml.KindLogout, saml.KindArtifact, saml.KindMessage, saml.KindFailure} {
		if len(st.owners[k]) == 0 || slices.ContainsFunc(st.owners[k], func(c string) bool { return c != "c1" }) {
			t.Errorf("records of kind %s are of %q", k, st.owners[k])
		}
	}
}

// TestRelease: an identity provider sends what may go to a service provider,
// whatever it is given, and says what is asked for.
func TestRelease(t *testing.T) {
	t.Parallel()
	peer := &saml.Peer{}
	idp := newIdP(t, nil, peer)
	sp := samltest.NewSP(t, idp.Entity(), nil)
	peer.Entity = sp.Entity()
	for _, tt := range []struct {
		release []string
		want    string
	}{{nil, "mail groups"}, {[]string{"groups", "other"}, "groups"}, {[]string{}, ""}} {
		peer.Release = tt.release
		out := sp.Start(saml.LoginOptions{})
		req, err := idp.ParseRequest(samltest.Request(out))
		if err != nil {
			t.Fatal(err)
		}
		form, err := idp.Respond(t.Context(), identity(req))
		if err != nil {
			t.Fatal(err)
		}
		a, err := sp.Receive(samltest.Form(form), out)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, at := range a.Attributes {
			got = append(got, at.Name)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("release %q: %q, want %q", tt.release, got, tt.want)
		}
	}
	service := func(index int, isDefault bool, name string) saml.AttributeService {
		return saml.AttributeService{Index: index, Default: isDefault, Requested: []saml.RequestedAttribute{{Attribute: saml.Attribute{Name: name}}}}
	}
	e := &saml.Entity{SP: &saml.SPRole{Services: []saml.AttributeService{service(0, false, "a"), service(4, true, "b")}}}
	for index, want := range map[int]string{-1: "b", 0: "a", 4: "b", 7: ""} {
		got := ""
		for _, r := range (&saml.Request{AttributeService: index}).Requested(e) {
			got += r.Name
		}
		if got != want {
			t.Errorf("service %d: %q, want %q", index, got, want)
		}
	}
	if r := (&saml.Request{AttributeService: -1}).Requested(&saml.Entity{}); r != nil {
		t.Errorf("%+v", r)
	}
}

// TestWantAssertionsSigned: what metadata asks for holds, whatever Peer.Sign
// says.
func TestWantAssertionsSigned(t *testing.T) {
	t.Parallel()
	peer := &saml.Peer{Sign: saml.SignResponse, NoEncryption: true}
	idp := newIdP(t, nil, peer)
	sp := samltest.NewSP(t, idp.Entity(), func(_ *saml.SPConfig, c *saml.Connection) { c.Policy.RequireSignedAssertion = true })
	peer.Entity = sp.Entity()
	for _, want := range []saml.Check{"", saml.CheckUnsigned} {
		out := sp.Start(saml.LoginOptions{})
		req, err := idp.ParseRequest(samltest.Request(out))
		if err != nil {
			t.Fatal(err)
		}
		form, err := idp.Respond(t.Context(), identity(req))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sp.Receive(samltest.Form(form), out); saml.CheckOf(err) != want {
			t.Errorf("refused by %q, want %q: %v", saml.CheckOf(err), want, err)
		}
		peer.Entity.SP.WantAssertionsSigned = false
	}
}

// TestSPNameQualifier: a NameID in another namespace than was asked for is
// neither sent nor taken.
func TestSPNameQualifier(t *testing.T) {
	t.Parallel()
	const group = "https://affiliation.test"
	signed := samltest.NewIdP(t)
	peer := &saml.Peer{}
	idp := newIdP(t, nil, peer)
	sp := samltest.NewSP(t, idp.Entity(), nil)
	peer.Entity = sp.Entity()
	for _, tt := range []struct {
		asked, got string
		want       saml.Check
	}{
		{"", "", ""},
		{"", group, ""},
		{"https://sp.test/metadata", "", ""},
		{group, group, ""},
		{group, "", saml.CheckNameIDPolicy},
		{group, "https://other.test", saml.CheckNameIDPolicy},
		{"https://sp.test/metadata", group, saml.CheckNameIDPolicy},
	} {
		out := sp.Start(saml.LoginOptions{NameIDPolicy: &saml.NameIDPolicy{SPNameQualifier: tt.asked}})
		req, err := idp.ParseRequest(samltest.Request(out))
		if err != nil {
			t.Fatal(err)
		}
		rp := identity(req)
		rp.NameID.SPNameQualifier = tt.got
		if _, err := idp.Respond(t.Context(), rp); saml.CheckOf(err) != tt.want {
			t.Errorf("sent %+v: %v", tt, err)
		}
		f := signed.Forge(sp.Connection, out, samltest.Alice())
		f.NameID.SPNameQualifier = tt.got
		form, err := f.Form()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sp.Receive(form, out); saml.CheckOf(err) != tt.want {
			t.Errorf("taken %+v: %v", tt, err)
		}
	}
}

// TestLogoutBySPSOAP ends a session at the identity provider without a browser.
func TestLogoutBySPSOAP(t *testing.T) {
	t.Parallel()
	var f *federation
	var answer func(x string) string
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		res, err := f.idp.HandleLogout(r, f.endIdP)
		if err != nil {
			return nil, err
		}
		w := httptest.NewRecorder()
		x := string(res.SOAP)
		if answer != nil {
			x = answer(x)
		}
		_, _ = w.WriteString(x)
		return w.Result(), nil
	})}
	for _, tt := range []struct {
		name   string
		n      int
		answer func(x string) string
		start  func(l *saml.LogoutStart)
		offer  bool
		want   saml.Check
		status string
	}{
		{name: "control", n: 1, offer: true},
		{name: "control: others are left", n: 2, offer: true, status: saml.StatusPartialLogout},
		{name: "control: nobody", n: 1, offer: true, start: func(l *saml.LogoutStart) { l.NameID.Value = "x" }, status: saml.StatusUnknownPrincipal},
		{name: "not offered", n: 1, want: saml.CheckBinding},
		{name: "unsigned answer", n: 1, offer: true, answer: func(x string) string { return sigRE.ReplaceAllString(x, "") }, want: saml.CheckUnsigned},
		{name: "changed answer", n: 1, offer: true, answer: replace("status:Success", "status:Responder"), want: saml.CheckSignature},
		{name: "answer to another", n: 1, offer: true, want: saml.CheckInResponseTo, answer: func(x string) string {
			x = regexp.MustCompile(`InResponseTo="`).ReplaceAllString(sigRE.ReplaceAllString(x, ""), `InResponseTo="x`)
			return envelope(sign(t, regexp.MustCompile(`(?s)<samlp:LogoutResponse.*</samlp:LogoutResponse>`).FindString(x), samltest.Key()))
		}},
		{name: "a session of another issuer", n: 1, offer: true, start: func(l *saml.LogoutStart) { l.Issuer = "https://other.test" }, want: saml.CheckConnection},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f = newFederation(t, tt.n, nil, nil)
			for _, sp := range f.sps {
				if !tt.offer {
					sp.Connection.IdP.IdP.SLO = sp.Connection.IdP.IdP.SLO[:2]
				}
			}
			answer = tt.answer
			sp := serviceWith(t, f.sps[0].Connection, client)
			l := f.as[0].Logout()
			if tt.start != nil {
				tt.start(&l)
			}
			res, err := sp.LogoutSOAP(t.Context(), l)
			if saml.CheckOf(err) != tt.want || (err == nil) != (tt.want == "") {
				t.Fatalf("refused by %q, want %q: %v", saml.CheckOf(err), tt.want, err)
			}
			if err == nil && (res.Status.SubCode != tt.status || res.Reply != nil || (len(f.ended) != 1) != (tt.start != nil)) {
				t.Errorf("%+v, ended %q", res, f.ended)
			}
		})
	}
}

func serviceWith(t *testing.T, c *saml.Connection, client *http.Client) *saml.ServiceProvider {
	t.Helper()
	s, err := saml.NewServiceProvider(saml.SPConfig{
		Connections: saml.ConnectionList{c}, Store: saml.NewMemoryStore(10), Keys: []saml.KeyPair{samltest.SPKey()}, Client: client,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLogoutResponseLocation: answers go to the binding and ResponseLocation
// that metadata offers.
func TestLogoutResponseLocation(t *testing.T) {
	t.Parallel()
	f := newFederation(t, 1, nil, nil)
	slo := func(binding, location, response string) []saml.Endpoint {
		return []saml.Endpoint{{Binding: binding, Location: location, ResponseLocation: response}}
	}
	for _, tt := range []struct {
		offer   []saml.Endpoint
		binding string
		to      string
	}{
		{slo(saml.BindingRedirect, "https://spa.test/slo", "https://spa.test/slo/answers"), saml.BindingRedirect, "https://spa.test/slo/answers"},
		{slo(saml.BindingPOST, "https://spa.test/slo", "https://spa.test/slo/answers"), saml.BindingPOST, "https://spa.test/slo/answers"},
		{slo(saml.BindingPOST, "https://spa.test/slo", ""), saml.BindingPOST, "https://spa.test/slo"},
	} {
		f.peers[0].Entity.SP.SLO = tt.offer
		out, err := f.sps[0].Logout(t.Context(), f.as[0].Logout()) // by Redirect
		if err != nil {
			t.Fatal(err)
		}
		res, err := f.idp.HandleLogout(samltest.Request(out), f.endIdP)
		if err != nil || res.Reply == nil {
			t.Fatalf("%+v %v", res, err)
		}
		if res.Reply.Binding != tt.binding || res.Reply.Destination != tt.to {
			t.Errorf("%+v: to %s by %s", tt.offer, res.Reply.Destination, res.Reply.Binding)
		}
	}
}
