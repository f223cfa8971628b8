// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/internal/dsig"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// question is a signed message to a peer by SOAP, whose answer is awaited.
type question struct {
	client           *http.Client
	location, issuer string
	key              KeyPair
	limit            int
	now              time.Time
	skew             time.Duration

	peer string // entityID
	keys []dsig.Key
	sha1 bool
}

// logout sends a LogoutRequest and returns its ID and what the peer answered,
// signed.
func (q question) logout(ctx context.Context, n NameID, indexes []string) (id string, st Status, err error) {
	id = newID()
	msg, err := logoutRequest(id, q.location, q.issuer, q.now, n, indexes)
	if err != nil {
		return id, st, refuse(CheckConfig, "%w", err)
	}
	if msg, err = signMessage(msg, q.key); err != nil {
		return id, st, refuse(CheckConfig, "sign: %w", err)
	}
	data, err := postSOAP(ctx, q.client, q.location, msg, q.limit)
	if err != nil {
		return id, st, err
	}
	m, err := readSOAP(data, "LogoutResponse")
	if err != nil {
		return id, st, err
	}
	if err := m.trust(&incoming{binding: BindingSOAP}, q.keys, q.sha1, q.peer, nil, q.now, q.skew); err != nil {
		return id, st, err
	}
	if m.inResponseTo != id {
		return id, st, refuse(CheckInResponseTo, "an answer to %.80q", m.inResponseTo)
	}
	st, err = readStatus(m.root.Child(nsSAMLP, "Status"))
	return id, st, err
}

// postSOAP sends a signed message and returns the answer.
func postSOAP(ctx context.Context, client *http.Client, location string, msg []byte, limit int) ([]byte, error) {
	if err := checkLocation(location); err != nil { // a client of the caller's may not look
		return nil, refuse(CheckLocation, "%q: %w", location, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, location, bytes.NewReader(wrapSOAP(msg)))
	if err != nil {
		return nil, refuse(CheckFetch, "%w", err)
	}
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	r.Header.Set("SOAPAction", "http://www.oasis-open.org/committees/security")
	resp, err := client.Do(r)
	if err != nil {
		return nil, refuse(CheckFetch, "%w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, refuse(CheckFetch, "%q answered %s", location, resp.Status)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	if err != nil || len(data) > limit {
		return nil, refuse(CheckFetch, "an answer that cannot be read or is over %d bytes", limit)
	}
	return data, nil
}

func isSOAP(r *http.Request) bool {
	ct, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	ct = strings.ToLower(strings.TrimSpace(ct))
	return ct == "text/xml" || ct == "application/soap+xml"
}

// readSOAP reads the one message in a SOAP 1.1 envelope (Bindings 3.2).
func readSOAP(data []byte, want string) (*message, error) {
	msg, err := soapMessage(data)
	if err != nil {
		return nil, err
	}
	return newMessage(msg, want)
}

func soapMessage(data []byte) (xmltree.Node, error) {
	doc, err := parseDocument(data, xmltree.Limits{Bytes: len(data) + 1})
	if err != nil {
		return xmltree.Node{}, err
	}
	env := doc.Root()
	var body xmltree.Node
	for c := range env.Named(nsSOAP, "Body") {
		if body.Exists() {
			return xmltree.Node{}, refuse(CheckStructure, "two SOAP bodies")
		}
		body = c
	}
	msg := body.First()
	if !env.Is(nsSOAP, "Envelope") || !msg.Exists() || msg.Next().Exists() {
		return xmltree.Node{}, refuse(CheckStructure, "no SOAP envelope with one message")
	}
	return msg, nil
}

func wrapSOAP(msg []byte) []byte {
	w := &writer{b: make([]byte, 0, len(msg)+256)}
	w.open("soap:Envelope", "xmlns:soap", nsSOAP)
	w.open("soap:Body")
	w.raw(msg)
	w.close("soap:Body")
	w.close("soap:Envelope")
	return w.b
}

// serveSOAP answers on the back channel. Whom we do not talk to is told so by
// the status (Bindings 3.2.3.3) and learns no reason.
func serveSOAP(w http.ResponseWriter, body []byte, err error) {
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		code := http.StatusForbidden
		if CheckOf(err) == CheckStore {
			code = http.StatusServiceUnavailable
		}
		http.Error(w, http.StatusText(code), code)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = w.Write(body) // the peer is gone if this fails
}
