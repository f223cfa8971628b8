// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"strings"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

func (e *Entity) readEntityAttributes(ext xmltree.Node) error {
	for c := range ext.Child(nsMDAttr, "EntityAttributes").Named(nsSAML, "Attribute") {
		a, err := readAttribute(c)
		if err != nil {
			return err
		}
		e.Attributes = append(e.Attributes, a)
	}
	return nil
}

func readService(n xmltree.Node) (AttributeService, error) {
	s := AttributeService{Names: localized(n, nsMD, "ServiceName")}
	var err error
	if s.Index, err = parseIndex(attr(n, "index")); err != nil {
		return s, refuse(CheckMetadata, "AttributeConsumingService: %w", err)
	}
	if s.Default, err = parseBool(attr(n, "isDefault")); err != nil {
		return s, refuse(CheckMetadata, "isDefault: %w", err)
	}
	for c := range n.Named(nsMD, "RequestedAttribute") {
		a, err := readAttribute(c)
		if err != nil {
			return s, err
		}
		need, err := parseBool(attr(c, "isRequired"))
		if err != nil {
			return s, refuse(CheckMetadata, "isRequired: %w", err)
		}
		s.Requested = append(s.Requested, RequestedAttribute{a, need})
	}
	return s, nil
}

func readContact(n xmltree.Node) Contact {
	return Contact{
		Type: attr(n, "contactType"), Company: first(texts(n, "Company")), GivenName: first(texts(n, "GivenName")),
		SurName: first(texts(n, "SurName")), Emails: texts(n, "EmailAddress"), Phones: texts(n, "TelephoneNumber"),
	}
}

func readUI(n xmltree.Node) *UIInfo {
	u := n.Child(nsMD, "Extensions").Child(nsMDUI, "UIInfo")
	if !u.Exists() {
		return nil
	}
	ui := &UIInfo{
		DisplayNames: localized(u, nsMDUI, "DisplayName"), Descriptions: localized(u, nsMDUI, "Description"),
		InformationURLs: localized(u, nsMDUI, "InformationURL"), PrivacyURLs: localized(u, nsMDUI, "PrivacyStatementURL"),
	}
	for c := range u.Named(nsMDUI, "Logo") {
		s, err := c.Text()
		w, err1 := parseIndex(attr(c, "width"))
		h, err2 := parseIndex(attr(c, "height"))
		if s = strings.TrimSpace(s); err == nil && err1 == nil && err2 == nil && checkLocation(s) == nil {
			lang, _ := c.AttrNS(nsXML, "lang")
			ui.Logos = append(ui.Logos, Logo{URL: s, Lang: lang, Width: w, Height: h})
		}
	}
	return ui
}

// localized and texts read what is for people; what has other content than
// text is left out.
func localized(n xmltree.Node, space, local string) []Localized {
	var out []Localized
	for c := range n.Named(space, local) {
		if s, err := c.Text(); err == nil {
			lang, _ := c.AttrNS(nsXML, "lang")
			out = append(out, Localized{lang, strings.TrimSpace(s)})
		}
	}
	return out
}

func texts(n xmltree.Node, local string) []string {
	var out []string
	for c := range n.Named(nsMD, local) {
		if s, err := c.Text(); err == nil {
			out = append(out, strings.TrimSpace(s))
		}
	}
	return out
}

func first(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}
