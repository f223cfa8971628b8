// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// Logout returns what ServiceProvider.Logout needs of the session that the
// assertion began. Keep it with the session.
func (a *Assertion) Logout() LogoutStart {
	l := LogoutStart{Connection: a.Connection, Issuer: a.Issuer, NameID: a.NameID}
	if a.SessionIndex != "" {
		l.SessionIndexes = []string{a.SessionIndex}
	}
	return l
}

// nameKey is equal for NameIDs that mean one person to one service provider:
// qualifiers that were left out and those that repeat the default are the same
// (Core 8.3.7), and so are a missing Format and unspecified.
func nameKey(id NameID, idp, sp string) string {
	if id.Format == "" {
		id.Format = NameIDUnspecified
	}
	if id.NameQualifier == idp {
		id.NameQualifier = ""
	}
	if id.SPNameQualifier == sp {
		id.SPNameQualifier = ""
	}
	return hashKey("name", id.Value, id.Format, id.NameQualifier, id.SPNameQualifier)
}

// logoutMessage is a LogoutRequest or LogoutResponse.
type logoutMessage struct {
	*message
	in       *incoming
	soap     bool
	response bool
}

// receiveLogout reads a logout message by Redirect, POST or SOAP.
func receiveLogout(r *http.Request, limit int) (*logoutMessage, error) {
	if r.Method == http.MethodPost && isSOAP(r) {
		data, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
		if err != nil || len(data) > limit {
			return nil, refuse(CheckInput, "a SOAP message that cannot be read or is over %d bytes", limit)
		}
		m, err := readSOAP(data, "LogoutRequest")
		if err != nil {
			return nil, err
		}
		return &logoutMessage{message: m, in: &incoming{binding: BindingSOAP, xml: data}, soap: true}, nil
	}
	in, err := receive(r, limit, true)
	if err != nil {
		return nil, err
	}
	if len(in.relayState) > maxRelayState {
		return nil, refuse(CheckRelayState, "RelayState of %d bytes", len(in.relayState))
	}
	want := "LogoutRequest"
	if in.field == "SAMLResponse" {
		want = "LogoutResponse"
	}
	m, err := readMessage(in.xml, want)
	if err != nil {
		return nil, err
	}
	return &logoutMessage{message: m, in: in, response: want == "LogoutResponse"}, nil
}

// names reads the NameID and the sessions of a LogoutRequest that trust has
// passed. d reads an EncryptedID.
func (m *logoutMessage) names(ctx context.Context, d *decrypter) (id NameID, indexes []string, err error) {
	defer func() { d.settle(ctx, err) }()
	named := false
	for c := range m.root.Children() {
		switch {
		case c.Is(nsSAML, "NameID"), c.Is(nsSAML, "EncryptedID"):
			if named {
				return id, nil, refuse(CheckSubject, "two names")
			}
			named = true
			if id, err = d.nameID(ctx, c); err != nil {
				return id, nil, err
			}
		case c.Is(nsSAMLP, "SessionIndex"):
			s, err := text(c)
			if err != nil {
				return id, nil, err
			}
			if len(indexes) >= 1024 {
				return id, nil, refuse(CheckStructure, "more than 1,024 sessions")
			}
			indexes = append(indexes, s)
		}
	}
	if !named {
		return id, nil, refuse(CheckSubject, "a LogoutRequest without NameID")
	}
	return id, indexes, nil
}

func (m *logoutMessage) status() (Status, error) {
	return readStatus(m.root.Child(nsSAMLP, "Status"))
}

// once refuses a LogoutRequest that was taken before.
func once(ctx context.Context, st Store, now time.Time, skew time.Duration, owner string, m *logoutMessage) error {
	err := st.Put(ctx, Record{
		Kind: KindReplay, Key: hashKey("logout", owner, m.issuer, m.id), Connection: owner, Data: []byte{},
		Expires: m.issueInstant.Add(15*time.Minute + 2*skew),
	}, now)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrExists):
		return refuse(CheckReplay, "logout request %.80q has been used", m.id)
	}
	return refuse(CheckStore, "put: %w", err)
}

// logoutReply makes the answer, for the binding and ResponseLocation that the
// peer's metadata offers: the one it came by if possible.
func logoutReply(issuer string, key KeyPair, slo []Endpoint, m *logoutMessage, now time.Time, st Status) (*LogoutResult, error) {
	id := newID()
	if m.soap {
		msg, err := logoutResponse(id, "", issuer, m.id, now, st)
		if err != nil {
			return nil, refuse(CheckConfig, "%w", err)
		}
		if msg, err = signMessage(msg, key); err != nil {
			return nil, refuse(CheckConfig, "sign: %w", err)
		}
		return &LogoutResult{SOAP: wrapSOAP(msg), Status: st}, nil
	}
	e, ok := pick(slo, m.in.binding, BindingRedirect, BindingPOST)
	if !ok {
		return nil, refuse(CheckBinding, "%q offers no logout endpoint for an answer", m.issuer)
	}
	msg, err := logoutResponse(id, e.response(), issuer, m.id, now, st)
	if err != nil {
		return nil, refuse(CheckConfig, "%w", err)
	}
	// What was received is given back although it may be over 80 bytes.
	out, err := outgoing(e, e.response(), "SAMLResponse", id, m.in.relayState, msg, &key)
	if err != nil {
		return nil, err
	}
	return &LogoutResult{Reply: out, Status: st}, nil
}
