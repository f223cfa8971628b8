// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// TestAnsweredOnce: a request that arrives again gets another handle, and no
// second answer for as long as a handle lives.
func TestAnsweredOnce(t *testing.T) {
	t.Parallel()
	const life = 15 * time.Minute
	for _, tt := range []struct {
		name          string
		park          bool // before the second answer
		answer, again time.Duration
	}{
		{name: "parked twice", park: true},
		{name: "parked, then not"},
		{name: "the last handle's last moment", park: true, answer: time.Minute, again: 2*life - 2*time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			peer, begin := &saml.Peer{}, time.Now()
			now := begin
			clock := func() time.Time { return now }
			idp := newIdP(t, func(c *saml.IdPConfig) { c.Now = clock }, peer)
			sp := samltest.NewSP(t, idp.Entity(), func(c *saml.SPConfig, _ *saml.Connection) { c.Now = clock })
			peer.Entity = sp.Entity()
			out := sp.Start(saml.LoginOptions{})
			request := func(park bool) *saml.Request {
				req, err := idp.ParseRequest(samltest.Request(out))
				if err != nil {
					t.Fatal(err)
				}
				if park {
					handle, err := idp.Park(t.Context(), req)
					if err != nil {
						t.Fatal(err)
					}
					if req, err = idp.Resume(t.Context(), handle); err != nil {
						t.Fatal(err)
					}
				}
				return req
			}
			first := request(true)
			now = begin.Add(tt.answer)
			if _, err := idp.Respond(t.Context(), identity(first)); err != nil {
				t.Fatal(err)
			}
			if tt.again > 0 {
				now = begin.Add(life - time.Minute)
			}
			second := request(tt.park)
			now = begin.Add(max(tt.again, tt.answer))
			if _, err := idp.Respond(t.Context(), identity(second)); saml.CheckOf(err) != saml.CheckReplay {
				t.Errorf("a second answer: %v", err)
			}
			if _, err := idp.Fail(t.Context(), second, saml.Status{SubCode: saml.StatusRequestDenied}); saml.CheckOf(err) != saml.CheckReplay {
				t.Errorf("a second answer, a failure: %v", err)
			}
		})
	}
}

// TestParkedSize (duty 17): a request that is small on the wire does not
// become a large record.
func TestParkedSize(t *testing.T) {
	t.Parallel()
	peer := &saml.Peer{}
	idp := newIdP(t, nil, peer)
	sp := samltest.NewSP(t, idp.Entity(), nil)
	peer.Entity = sp.Entity()
	for _, tt := range []struct {
		size int
		want saml.Check
	}{{8 << 10, ""}, {16 << 10, saml.CheckInput}, {900 << 10, saml.CheckInput}} {
		out := sp.Start(saml.LoginOptions{ProviderName: strings.Repeat("a", tt.size)})
		if n := len(out.URL()); n > 12<<10 {
			t.Fatalf("a query of %d bytes", n)
		}
		req, err := idp.ParseRequest(samltest.Request(out))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := idp.Park(t.Context(), req); saml.CheckOf(err) != tt.want || (err == nil) != (tt.want == "") {
			t.Errorf("%d bytes: refused by %q, want %q: %v", tt.size, saml.CheckOf(err), tt.want, err)
		}
	}
}

// shuffled are connections that come in another order each time, as they may
// from a database.
type shuffled struct{ saml.ConnectionList }

func (l shuffled) ConnectionsByIssuer(ctx context.Context, endpoint, issuer string) ([]*saml.Connection, error) {
	slices.Reverse(l.ConnectionList)
	return l.ConnectionList.ConnectionsByIssuer(ctx, endpoint, issuer)
}

// TestLogoutReplayShared (duty 18): a LogoutRequest that is for several
// connections is taken once, whichever of them comes first.
func TestLogoutReplayShared(t *testing.T) {
	t.Parallel()
	peer := &saml.Peer{}
	idp := newIdP(t, nil, peer)
	sp := samltest.NewSP(t, idp.Entity(), func(cfg *saml.SPConfig, c *saml.Connection) {
		two := *c
		two.ID = "c2"
		cfg.Connections = shuffled{saml.ConnectionList{c, &two}}
	})
	peer.Entity = sp.Entity()
	rp := identity(nil)
	rp.SP = sp.Connection.EntityID
	if _, err := idp.Respond(t.Context(), rp); err != nil {
		t.Fatal(err)
	}
	res, err := idp.Logout(t.Context(), rp.Session, "")
	if err != nil || res.Reply == nil {
		t.Fatalf("%+v %v", res, err)
	}
	ended := map[string]int{}
	end := func(_ context.Context, n saml.LogoutNotice) error { ended[n.Connection]++; return nil }
	for i, want := range []saml.Check{"", saml.CheckReplay, saml.CheckReplay} {
		if _, err := sp.HandleLogout(samltest.Request(res.Reply), end); saml.CheckOf(err) != want || (err == nil) != (want == "") {
			t.Errorf("%d: refused by %q, want %q: %v", i, saml.CheckOf(err), want, err)
		}
	}
	if ended["c1"] != 1 || ended["c2"] != 1 {
		t.Errorf("ended %v", ended)
	}
}

// TestLogoutNotOffered: a message with an empty Destination is not for an
// endpoint that there is not.
func TestLogoutNotOffered(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		slo, soap string
		want      saml.Check
	}{
		{name: "control", slo: "https://idp.test/slo", soap: "https://idp.test/slo-soap", want: saml.CheckDestination},
		{name: "SOAP", slo: "https://idp.test/slo", want: saml.CheckBinding},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			peer := &saml.Peer{}
			idp := newIdP(t, func(c *saml.IdPConfig) { c.SLO, c.SLOSOAP = tt.slo, tt.soap }, peer)
			peer.Entity = samltest.NewSP(t, idp.Entity(), nil).Entity()
			x := sign(t, `<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_q" IssueInstant="`+time.Now().UTC().Format(time.RFC3339)+
				`" Version="2.0"><saml:Issuer `+assertNS+`>https://sp.test/metadata</saml:Issuer><saml:NameID `+assertNS+`>alice</saml:NameID></samlp:LogoutRequest>`, samltest.SPKey())
			r := httptest.NewRequest(http.MethodPost, "https://idp.test/any", strings.NewReader(envelope(x)))
			r.Header.Set("Content-Type", "text/xml")
			_, err := idp.HandleLogout(r, func(context.Context, []string) error { t.Error("a session ended"); return nil })
			if saml.CheckOf(err) != tt.want {
				t.Errorf("refused by %q, want %q: %v", saml.CheckOf(err), tt.want, err)
			}
		})
	}
}

// TestQuestionLocation (duty 23): what is asked over the back channel is asked
// at https or loopback addresses only, whatever client there is.
func TestQuestionLocation(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]saml.Check{
		"https://idp.test/artifact": saml.CheckFetch, "http://127.0.0.1:1/artifact": saml.CheckFetch,
		"http://10.0.0.1/artifact": saml.CheckLocation, "ftp://idp.test/artifact": saml.CheckLocation, "https://u:p@idp.test/": saml.CheckLocation,
	} {
		idp := samltest.NewIdP(t)
		entity := idp.Entity()
		entity.IdP.Artifact = []saml.Endpoint{{Binding: saml.BindingSOAP, Location: at, Index: 1}}
		asked := false
		sp := samltest.NewSP(t, entity, func(c *saml.SPConfig, _ *saml.Connection) {
			c.Client = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				asked = true
				return nil, http.ErrAbortHandler
			})}
		})
		out := sp.Start(saml.LoginOptions{ByArtifact: true})
		form := samltest.Form(out)
		form.Del(out.Field)
		form.Set("SAMLart", artifact(idp.EntityID, 1))
		_, err := sp.Receive(form, out)
		if saml.CheckOf(err) != want || asked != (want == saml.CheckFetch) {
			t.Errorf("%s: refused by %q, want %q: %v, asked %v", at, saml.CheckOf(err), want, err, asked)
		}
	}
}
