// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package samltest

import (
	"regexp"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
)

// Break is one thing that is wrong with a Response, and nothing else is.
type Break struct {
	name  string
	check saml.Check
	apply func(f *Forge)
}

// String returns the name, such as "wrong audience".
func (b Break) String() string { return b.name }

// Check is what must refuse the Response.
func (b Break) Check() saml.Check { return b.check }

// Named returns the break with the name. It panics if there is none.
func Named(name string) Break {
	for _, b := range breaks {
		if b.name == name {
			return b
		}
	}
	panic("samltest: no break " + name)
}

// Breaks returns all of them. Each must be refused by a connection with the
// default policy that began a login; "replayed" is not among them: post one
// form twice.
func Breaks() []Break { return append([]Break(nil), breaks...) }

const evil = "mallory@example.test"

var breaks = []Break{
	{"unsigned", saml.CheckUnsigned, func(f *Forge) { f.SignAssertion, f.SignResponse = false, false }},
	{"signed with another key", saml.CheckSignature, func(f *Forge) { f.Key = OtherKey() }},
	{"changed after signing", saml.CheckSignature, func(f *Forge) {
		f.Finally = func(x string) string { return strings.Replace(x, esc(f.NameID.Value), evil, 1) }
	}},
	{"assertion changed after signing", saml.CheckSignature, func(f *Forge) {
		f.AfterSigning = func(x string) string { return strings.Replace(x, esc(f.NameID.Value), evil, 1) }
	}},
	{"signature removed from one of two assertions", saml.CheckStructure, func(f *Forge) {
		f.SignResponse = false
		f.Finally = func(x string) string {
			return strings.Replace(x, "</samlp:Status>", "</samlp:Status>"+forgedAssertion(x), 1)
		}
	}},
	{"wrapped", saml.CheckStructure, func(f *Forge) {
		f.SignResponse = false
		f.Finally = wrap
	}},
	{"comment in the NameID", saml.CheckSignature, func(f *Forge) {
		// Signed with comments removed by c14n, so the digest still holds for
		// another account's owner; what is read must be the whole text.
		f.BeforeSigning = func(x string) string { return strings.Replace(x, esc(f.NameID.Value), evil, 1) }
		f.AfterSigning = func(x string) string { return strings.Replace(x, evil, esc(f.NameID.Value)+"<!---->.evil", 1) }
	}},
	{"document type", saml.CheckXML, func(f *Forge) {
		f.Finally = func(x string) string { return `<!DOCTYPE x [<!ENTITY e "v">]>` + x }
	}},
	{"processing instruction", saml.CheckXML, func(f *Forge) { f.Finally = func(x string) string { return `<?evil?>` + x } }},
	{"trailing data", saml.CheckXML, func(f *Forge) { f.Finally = func(x string) string { return x + "<x/>" } }},
	{"wrong issuer", saml.CheckIssuer, func(f *Forge) { f.Issuer = "https://evil.test/metadata" }},
	{"wrong issuer of the assertion", saml.CheckIssuer, func(f *Forge) { f.AssertionIssuer = "https://evil.test/metadata" }},
	{"wrong destination", saml.CheckDestination, func(f *Forge) { f.Destination = "https://other.test/acs" }},
	{"no destination", saml.CheckDestination, func(f *Forge) { f.Destination = "" }},
	{"wrong recipient", saml.CheckRecipient, func(f *Forge) { f.Recipient = "https://other.test/acs" }},
	{"no recipient", saml.CheckRecipient, func(f *Forge) { f.Recipient = "" }},
	{"wrong audience", saml.CheckAudience, func(f *Forge) { f.Audiences = [][]string{{"https://other.test/metadata"}} }},
	{"no audience", saml.CheckAudience, func(f *Forge) { f.Audiences = nil }},
	{"a second restriction to others", saml.CheckAudience, func(f *Forge) {
		f.Audiences = append(f.Audiences, []string{"https://other.test/metadata"})
	}},
	{"unknown condition", saml.CheckCondition, func(f *Forge) { f.Conditions = `<x:Odd xmlns:x="urn:x"/>` }},
	{"unknown request", saml.CheckRequest, func(f *Forge) { f.InResponseTo, f.ConfirmInResponseTo = "_unknown", "_unknown" }},
	{"confirmation of another request", saml.CheckInResponseTo, func(f *Forge) { f.ConfirmInResponseTo = "_other" }},
	{"confirmation of no request", saml.CheckInResponseTo, func(f *Forge) { f.ConfirmInResponseTo = "" }},
	{"unsolicited", saml.CheckUnsolicited, func(f *Forge) { f.InResponseTo, f.ConfirmInResponseTo = "", "" }},
	{"wrong relay state", saml.CheckRelayState, func(f *Forge) { f.RelayState = "https://evil.test/" }},
	{"expired", saml.CheckTime, func(f *Forge) { f.NotOnOrAfter = f.IssueInstant.Add(-time.Hour) }},
	{"expired confirmation", saml.CheckTime, func(f *Forge) { f.ConfirmUntil = f.IssueInstant.Add(-time.Hour) }},
	{"confirmation without end", saml.CheckTime, func(f *Forge) { f.ConfirmUntil = time.Time{} }},
	{"not yet valid", saml.CheckTime, func(f *Forge) { f.NotBefore = f.IssueInstant.Add(time.Hour) }},
	{"ended session", saml.CheckTime, func(f *Forge) { f.SessionNotOnOrAfter = f.IssueInstant.Add(-time.Hour) }},
	{"old", saml.CheckIssueInstant, func(f *Forge) { f.IssueInstant = f.IssueInstant.Add(-time.Hour) }},
	{"from the future", saml.CheckIssueInstant, func(f *Forge) { f.IssueInstant = f.IssueInstant.Add(time.Hour) }},
	{"no issue instant", saml.CheckIssueInstant, func(f *Forge) { f.IssueInstant = time.Time{} }},
	{"version 1.1", saml.CheckVersion, func(f *Forge) { f.Version = "1.1" }},
	{"no assertion ID", saml.CheckStructure, func(f *Forge) { f.SignAssertion, f.AssertionID = false, "" }},
	{"no bearer confirmation", saml.CheckSubject, func(f *Forge) { f.Method = "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches" }},
	{"no NameID", saml.CheckSubject, func(f *Forge) { f.NameID.Value = "" }},
	{"authenticated in the future", saml.CheckAuthn, func(f *Forge) { f.AuthnInstant = f.IssueInstant.Add(time.Hour) }},
	{"denied", saml.CheckStatus, func(f *Forge) { f.Status, f.SubStatus = saml.StatusResponder, saml.StatusRequestDenied }},
}

var signatureElement = regexp.MustCompile(`(?s)<ds:Signature .*?</ds:Signature>`)

var assertionElement = regexp.MustCompile(`(?s)<saml:Assertion .*</saml:Assertion>`)

// forgedAssertion is the document's assertion without signature, for another
// person, under another ID.
func forgedAssertion(doc string) string {
	a := signatureElement.ReplaceAllString(assertionElement.FindString(doc), "")
	a = regexp.MustCompile(`<saml:NameID([^>]*)>[^<]*<`).ReplaceAllString(a, `<saml:NameID$1>`+evil+`<`)
	return regexp.MustCompile(`(<saml:Assertion [^>]*)ID="[^"]*"`).ReplaceAllString(a, `${1}ID="_forged"`)
}

// wrap puts the signed assertion into the extensions and a forged one into
// its place (XSW).
func wrap(doc string) string {
	signed := assertionElement.FindString(doc)
	doc = strings.Replace(doc, signed, forgedAssertion(doc), 1)
	return strings.Replace(doc, "<samlp:Status>", "<samlp:Extensions>"+signed+"</samlp:Extensions><samlp:Status>", 1)
}
