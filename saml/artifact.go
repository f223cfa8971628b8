// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"crypto/rand"
	"crypto/sha1" // Bindings 3.6.4 names it; it protects nothing
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

const (
	// artifactSize is that of the one type that SAML 2.0 defines: type,
	// endpoint index, SourceID, MessageHandle (Bindings 3.6.4).
	artifactSize = 2 + 2 + 20 + 20
	// artifactLifetime is the time from the redirect to the question.
	artifactLifetime = 2 * time.Minute
	// maxArtifactMessage leaves room in a Record for the seal.
	maxArtifactMessage = 1<<20 - 4<<10
)

// SourceID is how an artifact names the entity that issued it: by the SHA-1 of
// its entityID (Bindings 3.6.4).
func SourceID(entityID string) [20]byte { return sha1.Sum([]byte(entityID)) }

// artifact stands for a message that its issuer hands out on the back channel.
type artifact struct {
	index  int
	source [20]byte
	handle [20]byte // random: whoever has it has the message
}

func newArtifact(entityID string) artifact {
	a := artifact{source: SourceID(entityID)}
	rand.Read(a.handle[:])
	return a
}

func parseArtifact(s string) (artifact, error) {
	var a artifact
	raw, err := decodeBase64(s)
	if err != nil || len(raw) != artifactSize || binary.BigEndian.Uint16(raw) != 4 {
		return a, refuse(CheckInput, "not an artifact of type 4")
	}
	a.index = int(binary.BigEndian.Uint16(raw[2:]))
	copy(a.source[:], raw[4:])
	copy(a.handle[:], raw[24:])
	return a, nil
}

// String returns the artifact as it is sent.
func (a artifact) String() string {
	raw := binary.BigEndian.AppendUint16([]byte{0, 4}, uint16(a.index))
	raw = append(append(raw, a.source[:]...), a.handle[:]...)
	return base64.StdEncoding.EncodeToString(raw)
}

// outgoing makes the redirect that brings the artifact to the endpoint.
func (a artifact) outgoing(location, id, relayState string) *Outgoing {
	q := "SAMLart=" + url.QueryEscape(a.String())
	if relayState != "" {
		q += "&RelayState=" + url.QueryEscape(relayState)
	}
	return &Outgoing{
		ID: id, Binding: BindingArtifact, Destination: location, Field: "SAMLart", Value: a.String(), RelayState: relayState,
		location: withQuery(location, q),
	}
}

// endpoint finds the resolution service that the artifact names.
func (a artifact) endpoint(es []Endpoint) (string, error) {
	for _, e := range es {
		if e.Index == a.index && e.Binding == BindingSOAP {
			return e.Location, nil
		}
	}
	return "", refuse(CheckBinding, "metadata has no artifact resolution service %d", a.index)
}

// held is a message of ours that waits for its artifact to be resolved.
type held struct {
	To         string // entityID of the one peer that may have it
	Connection string // of a service provider's message
	Message    []byte `json:"-"`
}

func (a artifact) key(issuer string) string { return hashKey("message", issuer, string(a.handle[:])) }

func (a artifact) cipher() tokenCipher { return tokenCipher{"message", string(a.handle[:])} }

// hold keeps the message under a new artifact of the issuer, sealed: the store
// cannot read what it holds.
func hold(ctx context.Context, st Store, now time.Time, issuer string, h held) (artifact, error) {
	a := newArtifact(issuer)
	if len(h.Message) > maxArtifactMessage {
		return a, refuse(CheckConfig, "a message of %d bytes by artifact", len(h.Message))
	}
	head, err := json.Marshal(held{To: h.To, Connection: h.Connection})
	if err != nil {
		return a, refuse(CheckStore, "encode message: %w", err)
	}
	data, err := a.cipher().seal(append(append(head, '\n'), h.Message...))
	if err != nil {
		return a, refuse(CheckStore, "seal message: %w", err)
	}
	err = st.Put(ctx, Record{Kind: KindMessage, Key: a.key(issuer), Connection: h.Connection, Data: data, Expires: now.Add(artifactLifetime)}, now)
	if err != nil {
		return a, refuse(CheckStore, "put message: %w", err)
	}
	return a, nil
}

// release takes the message of an artifact out of the store: it is given once.
// An artifact that is not known is no error but nothing (Core 3.5.3).
func release(ctx context.Context, st Store, now time.Time, issuer, art string) (held, error) {
	var h held
	a, err := parseArtifact(art)
	if err != nil || a.source != SourceID(issuer) {
		return h, nil //nolint:nilerr // an artifact of somebody else is not known here
	}
	rec, err := st.Take(ctx, KindMessage, a.key(issuer), now)
	if errors.Is(err, ErrNotFound) {
		return h, nil
	}
	if err != nil {
		return h, refuse(CheckStore, "take message: %w", err)
	}
	plain, err := a.cipher().open(rec.Data)
	if err != nil {
		return h, refuse(CheckStore, "the message's record was changed: %w", err)
	}
	head, message, _ := strings.Cut(string(plain), "\n")
	if err := json.Unmarshal([]byte(head), &h); err != nil {
		return h, refuse(CheckStore, "decode message: %w", err)
	}
	h.Message = []byte(message)
	return h, nil
}

// receiveArtifact returns the artifact of a request by GET or POST, or "".
func receiveArtifact(r *http.Request, limit int) (art, relay string, err error) {
	var v url.Values
	switch r.Method {
	case http.MethodGet:
		if !strings.Contains(r.URL.RawQuery, "SAMLart=") {
			return "", "", nil
		}
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
	case len(v["SAMLart"]) > 1, len(v["RelayState"]) > 1, v.Has("SAMLResponse"), v.Has("SAMLRequest"):
		return "", "", refuse(CheckInput, "one artifact with one RelayState is needed")
	}
	return strings.Join(strings.Fields(v.Get("SAMLart")), ""), v.Get("RelayState"), nil
}

// resolve asks the artifact's issuer for it (Bindings 3.6.5) and returns the message that it
// stands for. Both sides sign: the question tells who may have the answer, and
// the answer that nobody stands between.
func (q question) resolve(ctx context.Context, a artifact) (xmltree.Node, error) {
	id := newID()
	w := requestHead("samlp:ArtifactResolve", []string{"Destination", q.location, "ID", id, "IssueInstant", formatTime(q.now), "Version", "2.0"}, q.issuer)
	w.leaf("samlp:Artifact", a.String())
	w.close("samlp:ArtifactResolve")
	if w.err != nil {
		return xmltree.Node{}, refuse(CheckConfig, "%w", w.err)
	}
	msg, err := signMessage(w.b, q.key)
	if err != nil {
		return xmltree.Node{}, refuse(CheckConfig, "sign: %w", err)
	}
	data, err := postSOAP(ctx, q.client, q.location, msg, q.limit)
	if err != nil {
		return xmltree.Node{}, err
	}
	root, err := soapMessage(data)
	if err != nil {
		return xmltree.Node{}, err
	}
	return q.answer(root, id)
}

// answer opens the ArtifactResponse to the question with the ID.
func (q question) answer(root xmltree.Node, id string) (message xmltree.Node, err error) {
	switch {
	case !root.Is(nsSAMLP, "ArtifactResponse"):
		return message, refuse(CheckStructure, "<%s> where an ArtifactResponse is expected", name(root))
	case attr(root, "Version") != "2.0":
		return message, refuse(CheckVersion, "version %.20q", attr(root, "Version"))
	case attr(root, "InResponseTo") != id:
		return message, refuse(CheckInResponseTo, "an answer to %.80q", attr(root, "InResponseTo"))
	}
	if root, err = verifyEnveloped(root, q.keys, q.sha1); err != nil {
		return message, err
	}
	at, err := parseTime(attr(root, "IssueInstant"))
	if err != nil || at.After(q.now.Add(q.skew)) || q.now.Sub(at) > 10*time.Minute+q.skew {
		return message, refuse(CheckIssueInstant, "an ArtifactResponse of %.40q", attr(root, "IssueInstant"))
	}
	for e := range root.Children() {
		switch {
		case e.Is(nsSAML, "Issuer"):
			issuer, err := readIssuer(e)
			if err != nil {
				return message, err
			}
			if issuer != q.peer {
				return message, refuse(CheckIssuer, "the answer's issuer %.200q is not %q", issuer, q.peer)
			}
		case e.Is(nsDS, "Signature"), e.Is(nsSAMLP, "Extensions"):
		case e.Is(nsSAMLP, "Status"):
			st, err := readStatus(e)
			if err != nil {
				return message, err
			}
			if st.Code != StatusSuccess {
				err := refuse(CheckStatus, "the peer answered %.200q", st.Code)
				err.Status = &st
				return message, err
			}
		case message.Exists():
			return message, refuse(CheckStructure, "two messages in an ArtifactResponse")
		default:
			message = e
		}
	}
	if !message.Exists() {
		return message, refuse(CheckRequest, "%.200q knows no message of that artifact", q.peer)
	}
	return message, nil
}

// resolveRequest is a peer's question for a message of ours.
type resolveRequest struct{ *message }

func receiveResolve(r *http.Request, limit int) (resolveRequest, error) {
	if r.Method != http.MethodPost || !isSOAP(r) {
		return resolveRequest{}, refuse(CheckInput, "artifacts are resolved by SOAP")
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	if err != nil || len(data) > limit {
		return resolveRequest{}, refuse(CheckInput, "a SOAP message that cannot be read or is over %d bytes", limit)
	}
	m, err := readSOAP(data, "ArtifactResolve")
	return resolveRequest{m}, err
}

func (m resolveRequest) artifact() (string, error) {
	art, err := text(m.root.Child(nsSAMLP, "Artifact"))
	return strings.TrimSpace(art), err
}

// reply writes the ArtifactResponse, which is empty if there is no message
// (Core 3.5.3).
func (m resolveRequest) reply(issuer string, key KeyPair, now time.Time, msg []byte) ([]byte, error) {
	w := requestHead("samlp:ArtifactResponse", []string{"ID", newID(), "InResponseTo", m.id, "IssueInstant", formatTime(now), "Version", "2.0"}, issuer)
	w.status(Status{Code: StatusSuccess})
	w.raw(msg)
	w.close("samlp:ArtifactResponse")
	if w.err != nil {
		return nil, refuse(CheckConfig, "%w", w.err)
	}
	signed, err := signMessage(w.b, key)
	if err != nil {
		return nil, refuse(CheckConfig, "sign: %w", err)
	}
	return wrapSOAP(signed), nil
}
