// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Respond issues an assertion and returns the form that brings it to the
// service provider. Its Value is the base64 Response, which can be exchanged
// elsewhere too. A service provider that asks for an artifact gets one by
// redirect, and the Response when it asks for that. A request is answered
// once.
func (p *IdentityProvider) Respond(ctx context.Context, rp ResponseParams) (*Outgoing, error) {
	out, err := p.respond(ctx, rp)
	if err != nil {
		p.refused(ctx, err)
		return nil, err
	}
	return out, nil
}

func (p *IdentityProvider) respond(ctx context.Context, rp ResponseParams) (*Outgoing, error) {
	sp, irt, relay := rp.SP, "", rp.RelayState
	if rp.Request != nil {
		sp, irt, relay = rp.Request.SP, rp.Request.ID, rp.Request.RelayState
	}
	peer, err := p.peer(ctx, sp) // it may have been disabled since the request
	if err != nil {
		return nil, err
	}
	acs, err := responseACS(peer, rp, p.responseBindings())
	if err != nil {
		return nil, err
	}
	a := &issue{p: p, peer: peer, rp: rp, sp: sp, inResponseTo: irt, acs: acs.Location, now: p.cfg.Now()}
	if err := a.check(); err != nil {
		return nil, err
	}
	value, err := a.response()
	if err != nil {
		return nil, err
	}
	var out *Outgoing
	err = p.cfg.Store.InTx(ctx, func(ctx context.Context) error {
		var err error
		if out, err = p.send(ctx, sp, acs, a.responseID, value, relay); err != nil {
			return err
		}
		if rp.Request != nil {
			if err := p.spend(ctx, rp.Request); err != nil {
				return err
			}
		}
		return a.participate(ctx)
	})
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			return nil, err
		}
		return nil, refuse(CheckStore, "respond: %w", err)
	}
	out.AssertionID, out.SessionIndex, out.NotOnOrAfter = a.id, a.index, a.end
	emit(ctx, p.cfg.OnEvent, Event{Type: EventIssued, At: a.now, Peer: sp, ID: a.id})
	return out, nil
}

// responseACS is where the Response goes: the endpoint of the request, which
// metadata must still have, or the one that the caller names.
func responseACS(peer *Peer, rp ResponseParams, bindings []string) (Endpoint, error) {
	want := rp.ACS
	if rp.Request != nil {
		if rp.SP != "" || rp.ACS != "" || rp.RelayState != "" {
			return Endpoint{}, refuse(CheckConfig, "SP, ACS and RelayState come from the Request")
		}
		want = rp.Request.ACS.Location
		bindings = slices.DeleteFunc(slices.Clone(bindings), func(b string) bool { return b != rp.Request.ACS.Binding })
	} else if peer.NoIdPInitiated {
		return Endpoint{}, refuse(CheckUnsolicited, "%.200q takes no unsolicited Responses", peer.Entity.EntityID)
	}
	e, ok := defaultACS(peer.Entity.SP.ACS, bindings...)
	if want != "" {
		e, ok = located(peer.Entity.SP.ACS, want, bindings...)
	}
	if !ok {
		return e, refuse(CheckACS, "%.200q is no assertion consumer service of %.200q by %v", want, peer.Entity.EntityID, bindings)
	}
	if err := checkLocation(e.Location); err != nil {
		return e, refuse(CheckLocation, "%q: %w", e.Location, err)
	}
	return e, nil
}

// issue is one Response in the making.
type issue struct {
	p                *IdentityProvider
	peer             *Peer
	rp               ResponseParams
	sp, inResponseTo string
	acs              string
	now, end         time.Time
	id, responseID   string
	index            string
}

func (a *issue) check() error {
	rp := &a.rp
	if rp.NameID.Value == "" || len(rp.NameID.Value) > 1024 {
		return refuse(CheckConfig, "a NameID of %d bytes", len(rp.NameID.Value))
	}
	if rp.AuthnInstant.IsZero() || rp.AuthnInstant.After(a.now.Add(a.p.cfg.Skew)) {
		return refuse(CheckConfig, "AuthnInstant %v", rp.AuthnInstant)
	}
	if rp.Lifetime < 0 || rp.Lifetime > a.p.cfg.AssertionLifetime {
		return refuse(CheckConfig, "a Lifetime of %v is over %v", rp.Lifetime, a.p.cfg.AssertionLifetime)
	}
	if rp.Lifetime == 0 {
		rp.Lifetime = a.p.cfg.AssertionLifetime
	}
	if !rp.SessionNotOnOrAfter.IsZero() && !a.now.Before(rp.SessionNotOnOrAfter) {
		return refuse(CheckConfig, "the session ended at %v", rp.SessionNotOnOrAfter)
	}
	// Over the 80 bytes of Bindings 3.5.3: addresses in the AWS console are.
	if len(rp.RelayState) > maxRelayState {
		return refuse(CheckRelayState, "RelayState of %d bytes", len(rp.RelayState))
	}
	if a.peer.Release != nil {
		rp.Attributes = slices.DeleteFunc(slices.Clone(rp.Attributes), func(at Attribute) bool { return !slices.Contains(a.peer.Release, at.Name) })
	}
	for i, at := range rp.Attributes {
		if at.Name == "" {
			return refuse(CheckConfig, "Attributes[%d] has no name", i)
		}
	}
	if rp.AuthnContext == "" {
		rp.AuthnContext = ContextUnspecified
	}
	if len(rp.Audiences) == 0 {
		rp.Audiences = []string{a.sp}
	}
	if rp.NameID.Format == NameIDPersistent {
		if rp.NameID.NameQualifier == "" {
			rp.NameID.NameQualifier = a.p.cfg.EntityID
		}
		if rp.NameID.SPNameQualifier == "" {
			rp.NameID.SPNameQualifier = a.sp
		}
	}
	a.id, a.responseID, a.index = newID(), newID(), rp.SessionIndex
	if a.index == "" {
		a.index = newID()
	}
	a.end = a.now.Add(rp.Lifetime)
	if req := rp.Request; req != nil {
		return a.against(req)
	}
	return nil
}

// against refuses what contradicts the request, so that the application
// answers it with a status in place of a wrong assertion.
func (a *issue) against(req *Request) error {
	if pol := req.NameIDPolicy; pol != nil && pol.Format != "" && pol.Format != NameIDUnspecified && pol.Format != a.rp.NameID.Format {
		return refuse(CheckNameIDPolicy, "a NameID of format %q, %.200q was asked for", a.rp.NameID.Format, pol.Format)
	}
	if pol := req.NameIDPolicy; pol != nil && !sameQualifier(pol.SPNameQualifier, a.rp.NameID.SPNameQualifier, a.sp) {
		return refuse(CheckNameIDPolicy, "a NameID qualified by %q, %.200q was asked for", a.rp.NameID.SPNameQualifier, pol.SPNameQualifier)
	}
	if req.Subject != nil && (req.Subject.Value != a.rp.NameID.Value || req.Subject.Format != "" &&
		req.Subject.Format != NameIDUnspecified && req.Subject.Format != a.rp.NameID.Format) {
		return refuse(CheckSubject, "another person than was asked for")
	}
	if req.ForceAuthn && a.rp.AuthnInstant.Before(req.IssueInstant.Add(-a.p.cfg.Skew)) {
		return refuse(CheckForceAuthn, "authenticated at %v, asked to at %v", a.rp.AuthnInstant, req.IssueInstant)
	}
	if c := req.Context; c != nil && (c.Comparison == "" || c.Comparison == "exact") && !slices.Contains(c.ClassRefs, a.rp.AuthnContext) {
		return refuse(CheckAuthnContext, "authenticated by %q", a.rp.AuthnContext)
	}
	return nil
}

// participate makes the service provider a participant of the session.
func (a *issue) participate(ctx context.Context) error {
	if a.rp.Session == "" || a.p.cfg.Participants == nil || len(a.peer.Entity.SP.SLO) == 0 {
		return nil
	}
	end := a.rp.SessionNotOnOrAfter
	if end.IsZero() {
		end = a.now.Add(24 * time.Hour)
	}
	err := a.p.cfg.Participants.AddParticipant(ctx, Participant{
		Session: a.rp.Session, SP: a.sp, NameID: a.rp.NameID, NameKey: nameKey(a.rp.NameID, a.p.cfg.EntityID, a.sp), SessionIndex: a.index, Expires: end,
	}, a.now)
	if !errors.Is(err, ErrExists) {
		return err
	}
	// The application gives a session one index: it is this session's still.
	ps, err := a.p.cfg.Participants.Participants(ctx, a.rp.Session, a.now)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(ps, func(p Participant) bool { return p.SP == a.sp && p.SessionIndex == a.index }) {
		return refuse(CheckConfig, "SessionIndex %q is another session's", a.index)
	}
	return nil
}

// response writes, signs and encrypts. The parts are written in the order in
// which signatures cover them, from the inside out.
func (a *issue) response() ([]byte, error) {
	key := a.p.cfg.Keys[0]
	assertion, err := a.assertion()
	if err != nil {
		return nil, err
	}
	if a.peer.Sign != SignResponse || a.peer.Entity.SP.WantAssertionsSigned {
		if assertion, err = signWritten(assertion, a.id, key); err != nil {
			return nil, refuse(CheckConfig, "sign assertion: %w", err)
		}
	}
	if !a.peer.NoEncryption {
		if assertion, err = encryptAssertion(assertion, encryption(a.peer.Entity.SP.Keys), a.peer.EncryptionAlgorithm); err != nil {
			return nil, err
		}
	}
	return a.p.wrap(a.responseID, a.acs, a.inResponseTo, a.now, Status{Code: StatusSuccess}, assertion, a.peer.Sign != SignAssertion)
}

// wrap writes a Response around an assertion, if any.
func (p *IdentityProvider) wrap(id, acs, irt string, now time.Time, st Status, assertion []byte, sign bool) ([]byte, error) {
	w := &writer{b: make([]byte, 0, 1024+len(assertion))}
	w.head("samlp:Response", []string{
		"Destination", acs, "ID", id, "InResponseTo", irt, "IssueInstant", formatTime(now), "Version", "2.0",
	}, p.cfg.EntityID)
	w.status(st)
	w.raw(assertion)
	w.close("samlp:Response")
	if w.err != nil {
		return nil, refuse(CheckConfig, "%w", w.err)
	}
	if !sign {
		return w.b, nil
	}
	msg, err := signWritten(w.b, id, p.cfg.Keys[0])
	if err != nil {
		return nil, refuse(CheckConfig, "sign response: %w", err)
	}
	return msg, nil
}

// assertion writes the Assertion, which declares its namespaces itself.
func (a *issue) assertion() ([]byte, error) {
	rp := a.rp
	w := &writer{b: make([]byte, 0, 2048+attributesSize(rp.Attributes))}
	w.open("saml:Assertion", "xmlns:saml", nsSAML, "ID", a.id, "IssueInstant", formatTime(a.now), "Version", "2.0")
	w.leaf("saml:Issuer", a.p.cfg.EntityID)

	w.open("saml:Subject")
	w.nameID("saml:NameID", rp.NameID, false)
	w.open("saml:SubjectConfirmation", "Method", methodBearer)
	// No Address: peers compare it with what they see of the browser.
	w.open("saml:SubjectConfirmationData", "InResponseTo", a.inResponseTo, "NotOnOrAfter", formatTime(a.end), "Recipient", a.acs)
	w.close("saml:SubjectConfirmationData")
	w.close("saml:SubjectConfirmation")
	w.close("saml:Subject")

	w.open("saml:Conditions", "NotBefore", formatTime(a.now.Add(-a.p.cfg.Skew)), "NotOnOrAfter", formatTime(a.end))
	w.open("saml:AudienceRestriction")
	for _, aud := range rp.Audiences {
		w.leaf("saml:Audience", aud)
	}
	w.close("saml:AudienceRestriction")
	w.close("saml:Conditions")

	w.open("saml:AuthnStatement", "AuthnInstant", formatTime(rp.AuthnInstant), "SessionIndex", a.index,
		"SessionNotOnOrAfter", formatTime(rp.SessionNotOnOrAfter))
	w.open("saml:AuthnContext")
	w.leaf("saml:AuthnContextClassRef", rp.AuthnContext)
	w.close("saml:AuthnContext")
	w.close("saml:AuthnStatement")
	w.attributes(rp.Attributes)
	w.close("saml:Assertion")
	if w.err != nil {
		return nil, refuse(CheckConfig, "%w", w.err)
	}
	return w.b, nil
}

// attributesSize is about what attributes need in XML.
func attributesSize(as []Attribute) int {
	n := 0
	for _, a := range as {
		n += 160 + len(a.Name) + len(a.Format)
		for _, v := range a.Values {
			n += 64 + len(v)
		}
	}
	return n
}

// attributes writes an AttributeStatement. Attributes without values are left
// out: the schema allows them, peers trip over them.
func (w *writer) attributes(as []Attribute) {
	some := slices.ContainsFunc(as, func(a Attribute) bool { return len(a.Values) > 0 })
	if !some {
		return
	}
	w.open("saml:AttributeStatement")
	for _, a := range as {
		if len(a.Values) > 0 {
			w.attribute(a)
		}
	}
	w.close("saml:AttributeStatement")
}

func (w *writer) attribute(a Attribute, declare ...string) {
	w.open("saml:Attribute", append(declare, "FriendlyName", a.FriendlyName, "Name", a.Name, "NameFormat", a.Format)...)
	for _, v := range a.Values {
		w.leaf("saml:AttributeValue", v)
	}
	w.close("saml:Attribute")
}

// Fail answers a request with a status (Core 3.2.2.2), signed: the person is
// with the service provider again, which says what to do. A SubCode alone is
// completed with its usual top-level code.
func (p *IdentityProvider) Fail(ctx context.Context, req *Request, s Status) (*Outgoing, error) {
	if req == nil {
		return nil, refuse(CheckConfig, "no request to fail")
	}
	if s.Code == "" {
		s.Code = StatusResponder
		switch s.SubCode {
		case StatusInvalidNameID, StatusUnsupported:
			s.Code = StatusRequester
		}
	}
	if s.Code == StatusSuccess {
		return nil, refuse(CheckConfig, "a failure with status Success")
	}
	peer, err := p.peer(ctx, req.SP)
	if err != nil {
		return nil, err
	}
	acs, err := responseACS(peer, ResponseParams{Request: req}, p.responseBindings())
	if err != nil {
		return nil, err
	}
	now, id := p.cfg.Now(), newID()
	msg, err := p.wrap(id, acs.Location, req.ID, now, s, nil, true)
	if err != nil {
		return nil, err
	}
	var out *Outgoing
	err = p.cfg.Store.InTx(ctx, func(ctx context.Context) error {
		var err error
		if out, err = p.send(ctx, req.SP, acs, id, msg, req.RelayState); err != nil {
			return err
		}
		return p.spend(ctx, req)
	})
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			return nil, err
		}
		return nil, refuse(CheckStore, "fail: %w", err)
	}
	emit(ctx, p.cfg.OnEvent, Event{Type: EventFailed, At: now, Peer: req.SP, ID: id, Detail: s.Code + " " + s.SubCode})
	return out, nil
}
