// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// outgoing puts a message into the browser's hands. key nil sends it
// unsigned.
func outgoing(e Endpoint, location, field, id, relayState string, msg []byte, key *KeyPair) (*Outgoing, error) {
	if err := checkLocation(location); err != nil {
		return nil, refuse(CheckLocation, "%q: %w", location, err)
	}
	o := &Outgoing{ID: id, Binding: e.Binding, Destination: location, Field: field, RelayState: relayState}
	switch e.Binding {
	case BindingRedirect:
		u, err := redirectTo(location, field, msg, relayState, key)
		if err != nil {
			return nil, refuse(CheckConfig, "%w", err)
		}
		o.location = u
		o.Value = base64.StdEncoding.EncodeToString(msg)
	case BindingPOST:
		if key != nil {
			var err error
			if msg, err = signMessage(msg, *key); err != nil {
				return nil, refuse(CheckConfig, "sign: %w", err)
			}
		}
		o.Value = base64.StdEncoding.EncodeToString(msg)
	default:
		return nil, refuse(CheckBinding, "no way to send by %q", e.Binding)
	}
	return o, nil
}

// requestHead writes the start of a request or response message up to its
// Issuer. Attributes are in canonical order.
func requestHead(name string, kv []string, issuer string) *writer {
	w := &writer{b: make([]byte, 0, 1024)}
	w.head(name, kv, issuer)
	return w
}

func (w *writer) head(name string, kv []string, issuer string) {
	w.open(name, append([]string{"xmlns:samlp", nsSAMLP}, kv...)...)
	w.leaf("saml:Issuer", issuer, "xmlns:saml", nsSAML)
}

func (w *writer) nameID(name string, id NameID, declare bool) {
	ns := ""
	if declare {
		ns = nsSAML
	}
	w.leaf(name, id.Value, "xmlns:saml", ns, "Format", id.Format, "NameQualifier", id.NameQualifier,
		"SPNameQualifier", id.SPNameQualifier, "SPProvidedID", id.SPProvidedID)
}

// authnRequest writes what follows the Issuer.
func (w *writer) authnRequest(o LoginOptions) {
	if len(o.Extensions) > 0 {
		w.open("samlp:Extensions")
		w.raw(o.Extensions)
		w.close("samlp:Extensions")
	}
	if o.Subject != nil {
		w.open("saml:Subject", "xmlns:saml", nsSAML)
		w.nameID("saml:NameID", *o.Subject, false)
		w.close("saml:Subject")
	}
	if p := o.NameIDPolicy; p != nil {
		w.open("samlp:NameIDPolicy", "AllowCreate", boolAttr(p.AllowCreate), "Format", p.Format, "SPNameQualifier", p.SPNameQualifier)
		w.close("samlp:NameIDPolicy")
	}
	if c := o.Context; c != nil {
		w.open("samlp:RequestedAuthnContext", "Comparison", c.Comparison)
		for _, ref := range c.ClassRefs {
			w.leaf("saml:AuthnContextClassRef", ref, "xmlns:saml", nsSAML)
		}
		w.close("samlp:RequestedAuthnContext")
	}
	if len(o.Scoping) > 0 {
		w.open("samlp:Scoping")
		w.open("samlp:IDPList")
		for _, id := range o.Scoping {
			w.open("samlp:IDPEntry", "ProviderID", id)
			w.close("samlp:IDPEntry")
		}
		w.close("samlp:IDPList")
		w.close("samlp:Scoping")
	}
}

func (w *writer) status(s Status) {
	w.open("samlp:Status")
	w.open("samlp:StatusCode", "Value", s.Code)
	if s.SubCode != "" {
		w.open("samlp:StatusCode", "Value", s.SubCode)
		w.close("samlp:StatusCode")
	}
	w.close("samlp:StatusCode")
	if s.Message != "" {
		w.leaf("samlp:StatusMessage", s.Message)
	}
	w.close("samlp:Status")
}

// logoutRequest writes a LogoutRequest (Core 3.7.1).
func logoutRequest(id, destination, issuer string, now time.Time, name NameID, indexes []string) ([]byte, error) {
	w := requestHead("samlp:LogoutRequest", []string{
		"Destination", destination, "ID", id, "IssueInstant", formatTime(now),
		"NotOnOrAfter", formatTime(now.Add(5 * time.Minute)), "Reason", consentLogout, "Version", "2.0",
	}, issuer)
	w.nameID("saml:NameID", name, true)
	for _, i := range indexes {
		w.leaf("samlp:SessionIndex", i)
	}
	w.close("samlp:LogoutRequest")
	return w.b, w.err
}

func logoutResponse(id, destination, issuer, inResponseTo string, now time.Time, s Status) ([]byte, error) {
	w := requestHead("samlp:LogoutResponse", []string{
		"Destination", destination, "ID", id, "InResponseTo", inResponseTo, "IssueInstant", formatTime(now), "Version", "2.0",
	}, issuer)
	w.status(s)
	w.close("samlp:LogoutResponse")
	return w.b, w.err
}

// incoming is a message as it arrived.
type incoming struct {
	binding    string
	field      string
	xml        []byte
	relayState string
	query      *query // of the Redirect binding
}

// receive reads the SAML message of an HTTP request. deflated tolerates a
// POST message that was deflated.
func receive(r *http.Request, limit int, deflated bool) (*incoming, error) {
	switch r.Method {
	case http.MethodGet:
		q, err := parseQuery(r.URL.RawQuery, limit)
		if err != nil {
			return nil, err
		}
		return &incoming{binding: BindingRedirect, field: q.field, xml: q.message, relayState: q.relayState, query: q}, nil
	case http.MethodPost:
		return receivePOST(r, limit, deflated)
	}
	return nil, refuse(CheckInput, "method %.20q", r.Method)
}

func receivePOST(r *http.Request, limit int, deflated bool) (*incoming, error) {
	if ct, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(ct), "application/x-www-form-urlencoded") {
		return nil, refuse(CheckInput, "content type %.80q", ct)
	}
	if err := parseForm(r, limit); err != nil {
		return nil, err
	}
	in := &incoming{binding: BindingPOST, field: "SAMLRequest"}
	req, resp, rs := r.PostForm["SAMLRequest"], r.PostForm["SAMLResponse"], r.PostForm["RelayState"]
	if len(req)+len(resp) != 1 || len(rs) > 1 {
		return nil, refuse(CheckInput, "exactly one SAMLRequest or SAMLResponse is needed")
	}
	val := append(req, resp...)[0]
	if len(resp) == 1 {
		in.field = "SAMLResponse"
	}
	if len(rs) == 1 {
		in.relayState = rs[0]
	}
	if len(val)/4*3 > limit+limit/16 {
		return nil, refuse(CheckInput, "a message of %d base64 bytes", len(val))
	}
	var err error
	if in.xml, err = decodeBase64(val); err != nil {
		return nil, refuse(CheckInput, "the message is not base64")
	}
	if deflated && len(in.xml) > 0 && !looksLikeXML(in.xml) {
		if in.xml, err = inflate(in.xml, limit); err != nil {
			return nil, err
		}
	}
	if len(in.xml) > limit {
		return nil, refuse(CheckInput, "a message of %d bytes", len(in.xml))
	}
	return in, nil
}

func parseForm(r *http.Request, limit int) error {
	// base64 grows by a third, percent-encoding of it by little more.
	if r.PostForm == nil {
		r.Body = http.MaxBytesReader(nil, r.Body, int64(limit)*2+16<<10)
	}
	if err := r.ParseForm(); err != nil {
		return refuse(CheckInput, "the form cannot be read: %w", err)
	}
	return nil
}

func encodeMessage(b []byte) string {
	var s strings.Builder
	s.Grow(base64.StdEncoding.EncodedLen(len(b)))
	e := base64.NewEncoder(base64.StdEncoding, &s) // into the string itself
	_, _ = e.Write(b)
	_ = e.Close()
	return s.String()
}

func looksLikeXML(b []byte) bool {
	s := strings.TrimLeft(strings.TrimPrefix(string(b[:min(len(b), 64)]), "\ufeff"), " \t\r\n")
	return strings.HasPrefix(s, "<")
}

func parseTime(s string) (time.Time, error) {
	// xs:dateTime in UTC (Core 1.3.3); offsets occur and mean what they say.
	if len(s) > 64 {
		return time.Time{}, errors.New("not a time")
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a time", s)
	}
	return t.UTC(), nil
}

func parseBool(s string) (bool, error) {
	switch s {
	case "":
		return false, nil
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, fmt.Errorf("%.20q is not a boolean", s)
}

func parseIndex(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%.20q is not an index", s)
	}
	return int(n), nil
}
