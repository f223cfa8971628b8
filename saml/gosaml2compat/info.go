// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package gosaml2compat

import (
	"time"

	saml2 "github.com/russellhaering/gosaml2"
	"github.com/russellhaering/gosaml2/types"

	"github.com/gatehouse-id/gatehouse/saml"
)

// infoOf says in gosaml2's words what was verified. Everything in it is
// signed; what package saml has checked and does not keep is left out.
func infoOf(a *saml.Assertion, c *saml.Connection) *saml2.AssertionInfo {
	info := &saml2.AssertionInfo{
		NameID: a.NameID.Value, NameIDFormat: a.NameID.Format, Values: saml2.Values{}, WarningInfo: &saml2.WarningInfo{},
		SessionIndex: a.SessionIndex, AuthnInstant: moment(a.AuthnInstant), SessionNotOnOrAfter: moment(a.SessionNotOnOrAfter),
	}
	statement := &types.AttributeStatement{}
	for _, at := range a.Attributes {
		out := attribute(at)
		statement.Attributes = append(statement.Attributes, out)
		if same, ok := info.Values[at.Name]; ok { // of another NameFormat
			out.Values = append(same.Values[:len(same.Values):len(same.Values)], out.Values...)
		}
		info.Values[at.Name] = out
	}
	info.Assertions = []types.Assertion{{
		Version: "2.0", ID: a.ID, Issuer: &types.Issuer{Value: a.Issuer}, SignatureValidated: true, AttributeStatement: statement,
		Subject: &types.Subject{
			NameID: &types.NameID{Value: a.NameID.Value, Format: a.NameID.Format, NameQualifier: a.NameID.NameQualifier, SPNameQualifier: a.NameID.SPNameQualifier},
			SubjectConfirmation: &types.SubjectConfirmation{
				Method: saml2.SubjMethodBearer,
				SubjectConfirmationData: &types.SubjectConfirmationData{
					InResponseTo: a.RequestID, Recipient: c.ACS, NotOnOrAfter: a.NotOnOrAfter.UTC().Format(time.RFC3339Nano),
				},
			},
		},
		AuthnStatement: &types.AuthnStatement{
			SessionIndex: a.SessionIndex, AuthnInstant: info.AuthnInstant, SessionNotOnOrAfter: info.SessionNotOnOrAfter,
			AuthnContext: &types.AuthnContext{AuthnContextClassRef: &types.AuthnContextClassRef{Value: a.AuthnContext}},
		},
	}}
	return info
}

func attribute(at saml.Attribute) types.Attribute {
	out := types.Attribute{Name: at.Name, FriendlyName: at.FriendlyName, NameFormat: at.Format}
	for _, v := range at.Values {
		out.Values = append(out.Values, types.AttributeValue{Value: v})
	}
	return out
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
