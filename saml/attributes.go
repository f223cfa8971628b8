// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

func (a *assertionReader) readAttributes() error {
	n := 0
	for _, st := range a.attributes {
		for range st.Children() {
			n++
		}
	}
	a.out.Attributes = make(Attributes, 0, n)
	index := make(map[[2]string]int, n)
	for _, st := range a.attributes {
		for e := range st.Children() {
			if e.Is(nsSAML, "EncryptedAttribute") {
				var err error
				if e, err = a.decrypter.element(a.ctx, e, "Attribute"); err != nil {
					return err
				}
			}
			if !e.Is(nsSAML, "Attribute") {
				return refuse(CheckStructure, "<%s> in an AttributeStatement", name(e))
			}
			at, err := readAttribute(e)
			if err != nil {
				return err
			}
			k := [2]string{at.Name, at.Format}
			if i, ok := index[k]; ok {
				a.out.Attributes[i].Values = append(a.out.Attributes[i].Values, at.Values...)
				continue
			}
			index[k] = len(a.out.Attributes)
			a.out.Attributes = append(a.out.Attributes, at)
		}
	}
	return nil
}

func readAttribute(e xmltree.Node) (Attribute, error) {
	at := Attribute{Name: attr(e, "Name"), Format: attr(e, "NameFormat"), FriendlyName: attr(e, "FriendlyName")}
	if at.Name == "" {
		return at, refuse(CheckStructure, "an Attribute without Name")
	}
	if at.Format == AttrUnspecified {
		at.Format = ""
	}
	n := 0
	for range e.Children() {
		n++
	}
	at.Values = make([]string, 0, n)
	for v := range e.Children() {
		if !v.Is(nsSAML, "AttributeValue") {
			return at, refuse(CheckStructure, "<%s> in an Attribute", name(v))
		}
		s, err := attributeValue(v)
		if err != nil {
			return at, err
		}
		at.Values = append(at.Values, s)
	}
	return at, nil
}

// attributeValue returns a value's text. Of a value that holds elements it is
// their text if there is one NameID, which is what eduPersonTargetedID is,
// else the elements as they are in canonical form.
func attributeValue(v xmltree.Node) (string, error) {
	if v.Leaf() {
		return text(v)
	}
	var only xmltree.Node
	n := 0
	for c := range v.Children() {
		only = c
		n++
	}
	if n == 1 && only.Is(nsSAML, "NameID") && only.Leaf() {
		return text(only)
	}
	return innerXML(v)
}
