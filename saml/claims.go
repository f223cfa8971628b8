// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"cmp"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// readSubject wants a NameID and one bearer confirmation that holds
// (Profiles 4.1.4.2); others may fail beside it.
func (a *assertionReader) readSubject() error {
	if !a.subject.Exists() {
		return refuse(CheckSubject, "an Assertion without Subject")
	}
	named, confirmed := false, false
	var reason error
	for c := range a.subject.Children() {
		switch {
		case c.Is(nsSAML, "NameID"), c.Is(nsSAML, "EncryptedID"):
			if named {
				return refuse(CheckSubject, "a Subject with two names")
			}
			named = true
			id, err := a.decrypter.nameID(a.ctx, c)
			if err != nil {
				return err
			}
			a.out.NameID = id
		case c.Is(nsSAML, "SubjectConfirmation"):
			if attr(c, "Method") != methodBearer {
				continue
			}
			end, err := a.confirm(c)
			if err != nil {
				reason = err
				continue
			}
			confirmed = true
			if end.After(a.out.NotOnOrAfter) {
				a.out.NotOnOrAfter = end
			}
		default:
			return refuse(CheckSubject, "<%s> in a Subject", name(c))
		}
	}
	if !named {
		return refuse(CheckSubject, "a Subject without NameID")
	}
	if !confirmed {
		if reason != nil {
			return reason
		}
		return refuse(CheckSubject, "a Subject without bearer confirmation")
	}
	return nil
}

func (a *assertionReader) confirm(e xmltree.Node) (time.Time, error) {
	var zero time.Time
	var data xmltree.Node
	for c := range e.Children() {
		if c.Is(nsSAML, "SubjectConfirmationData") {
			if data.Exists() {
				return zero, refuse(CheckSubject, "two SubjectConfirmationData")
			}
			data = c
		}
	}
	if !data.Exists() {
		return zero, refuse(CheckSubject, "a bearer confirmation without data")
	}
	if r := attr(data, "Recipient"); r != a.c.ACS {
		return zero, refuse(CheckRecipient, "Recipient %.200q is not %q", r, a.c.ACS)
	}
	irt, has := data.Attr("InResponseTo")
	if a.login == nil && has && !a.unbound {
		return zero, refuse(CheckInResponseTo, "an unsolicited assertion answers %.80q", irt)
	}
	if a.login != nil && irt != a.requestID() {
		return zero, refuse(CheckInResponseTo, "the assertion answers %.80q", irt)
	}
	if _, has := data.Attr("NotBefore"); has {
		return zero, refuse(CheckTime, "a bearer confirmation with NotBefore")
	}
	end, err := parseTime(attr(data, "NotOnOrAfter"))
	if err != nil {
		return zero, refuse(CheckTime, "SubjectConfirmationData NotOnOrAfter: %w", err)
	}
	if !a.now.Before(end.Add(a.sp.cfg.Skew)) {
		return zero, refuse(CheckTime, "the confirmation ended at %v", end)
	}
	if end.Sub(a.now) > 24*time.Hour {
		return zero, refuse(CheckTime, "a confirmation that lasts until %v", end)
	}
	if a.unbound {
		a.out.RequestID = irt
	}
	return end, nil
}

func (a *assertionReader) readConditions() error {
	if !a.condition.Exists() {
		return refuse(CheckAudience, "an Assertion without Conditions")
	}
	if err := a.window(a.condition); err != nil {
		return err
	}
	restricted := false
	for c := range a.condition.Children() {
		switch {
		case c.Is(nsSAML, "AudienceRestriction"):
			if err := a.audience(c); err != nil {
				return err
			}
			restricted = true
		case a.unbound && (c.Is(nsSAML, "OneTimeUse") || c.Is(nsSAML, "ProxyRestriction")):
			return refuse(CheckCondition, "condition <%s> cannot be kept by whoever asks for no request", name(c))
		case c.Is(nsSAML, "OneTimeUse"): // every assertion is used once here
		case c.Is(nsSAML, "ProxyRestriction"): // binds who issues further assertions
		default:
			return refuse(CheckCondition, "condition <%s> is not understood", name(c))
		}
	}
	if !restricted {
		return refuse(CheckAudience, "an Assertion for no audience in particular")
	}
	return nil
}

func (a *assertionReader) window(e xmltree.Node) error {
	if v, has := e.Attr("NotBefore"); has {
		t, err := parseTime(v)
		if err != nil {
			return refuse(CheckTime, "NotBefore: %w", err)
		}
		if a.now.Add(a.sp.cfg.Skew).Before(t) {
			return refuse(CheckTime, "not valid before %v", t)
		}
	}
	if v, has := e.Attr("NotOnOrAfter"); has {
		t, err := parseTime(v)
		if err != nil {
			return refuse(CheckTime, "NotOnOrAfter: %w", err)
		}
		if !a.now.Before(t.Add(a.sp.cfg.Skew)) {
			return refuse(CheckTime, "not valid since %v", t)
		}
	}
	return nil
}

// audience: one restriction is a disjunction, several are a conjunction
// (Core 2.5.1.4).
func (a *assertionReader) audience(e xmltree.Node) error {
	var last string
	for c := range e.Children() {
		if !c.Is(nsSAML, "Audience") {
			return refuse(CheckAudience, "<%s> in an AudienceRestriction", name(c))
		}
		v, err := text(c)
		if err != nil {
			return err
		}
		if v == a.c.EntityID || slices.Contains(a.c.Policy.ExtraAudiences, v) {
			return nil
		}
		last = v
	}
	return refuse(CheckAudience, "audience %.200q is not %q", last, a.c.EntityID)
}

func (a *assertionReader) readAuthn() error {
	if len(a.authn) == 0 {
		return refuse(CheckAuthn, "an Assertion without AuthnStatement")
	}
	for i, e := range a.authn {
		if err := a.authnStatement(e, i == 0); err != nil {
			return err
		}
	}
	return nil
}

// authnStatement reads the first statement; further ones may only shorten the
// session.
func (a *assertionReader) authnStatement(e xmltree.Node, first bool) error {
	at, err := parseTime(attr(e, "AuthnInstant"))
	if err != nil {
		return refuse(CheckAuthn, "AuthnInstant: %w", err)
	}
	if at.After(a.now.Add(a.sp.cfg.Skew)) {
		return refuse(CheckAuthn, "an authentication at %v, in the future", at)
	}
	if v, has := e.Attr("SessionNotOnOrAfter"); has {
		end, err := parseTime(v)
		if err != nil {
			return refuse(CheckTime, "SessionNotOnOrAfter: %w", err)
		}
		if !a.now.Before(end.Add(a.sp.cfg.Skew)) {
			return refuse(CheckTime, "the session ended at %v", end)
		}
		if a.out.SessionNotOnOrAfter.IsZero() || end.Before(a.out.SessionNotOnOrAfter) {
			a.out.SessionNotOnOrAfter = end
		}
	}
	if !first {
		return nil
	}
	a.out.AuthnInstant, a.out.SessionIndex = at, attr(e, "SessionIndex")
	for c := range e.Children() {
		if !c.Is(nsSAML, "AuthnContext") {
			continue
		}
		for x := range c.Children() {
			switch {
			case x.Is(nsSAML, "AuthnContextClassRef") && a.out.AuthnContext == "":
				a.out.AuthnContext, err = text(x)
			case x.Is(nsSAML, "AuthenticatingAuthority"):
				var s string
				s, err = text(x)
				a.out.Authorities = append(a.out.Authorities, s)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// againstRequest compares what came with what was asked for.
func (a *assertionReader) againstRequest() error {
	p := a.c.Policy
	format := a.out.NameID.Format
	if format == "" {
		format = NameIDUnspecified
	}
	if len(p.NameIDFormats) > 0 && !slices.Contains(p.NameIDFormats, format) {
		return refuse(CheckNameIDPolicy, "a NameID of format %.200q", format)
	}
	if p.MaxAuthnAge > 0 && a.now.Sub(a.out.AuthnInstant) > p.MaxAuthnAge+a.sp.cfg.Skew {
		return refuse(CheckForceAuthn, "authenticated at %v", a.out.AuthnInstant)
	}
	l := a.login
	if l == nil {
		return nil
	}
	if l.ForceAuthn && a.out.AuthnInstant.Before(l.IssuedAt.Add(-a.sp.cfg.Skew)) {
		return refuse(CheckForceAuthn, "authenticated at %v, asked to at %v", a.out.AuthnInstant, l.IssuedAt)
	}
	if c := l.Context; c != nil && (c.Comparison == "" || c.Comparison == "exact") && !slices.Contains(c.ClassRefs, a.out.AuthnContext) {
		return refuse(CheckAuthnContext, "authenticated by %.200q", a.out.AuthnContext)
	}
	if n := l.NameIDPolicy; n != nil && n.Format != "" && n.Format != NameIDUnspecified && n.Format != nameIDEncrypted && n.Format != format {
		return refuse(CheckNameIDPolicy, "a NameID of format %.200q, %q was asked for", format, n.Format)
	}
	if n := l.NameIDPolicy; n != nil && !sameQualifier(n.SPNameQualifier, a.out.NameID.SPNameQualifier, a.c.EntityID) {
		return refuse(CheckNameIDPolicy, "a NameID qualified by %.200q, %q was asked for", a.out.NameID.SPNameQualifier, n.SPNameQualifier)
	}
	if sub := l.Subject; sub != nil && (sub.Value != a.out.NameID.Value || sub.Format != "" && sub.Format != format) {
		return refuse(CheckSubject, "another person than was asked for")
	}
	return nil
}

// sameQualifier compares the SPNameQualifier of a policy, if it has one, with
// that of a NameID; left out it is the service provider's entityID
// (Core 3.4.1.1).
func sameQualifier(asked, got, sp string) bool {
	return asked == "" || asked == cmp.Or(got, sp)
}

func (a *assertionReader) requestID() string { return a.login.id }

func readNameID(e xmltree.Node) (NameID, error) {
	v, err := text(e)
	if err != nil {
		return NameID{}, err
	}
	if v == "" || len(v) > 1024 {
		return NameID{}, refuse(CheckSubject, "a NameID of %d bytes", len(v))
	}
	return NameID{
		Value: v, Format: attr(e, "Format"), NameQualifier: attr(e, "NameQualifier"),
		SPNameQualifier: attr(e, "SPNameQualifier"), SPProvidedID: attr(e, "SPProvidedID"),
	}, nil
}
