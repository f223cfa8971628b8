// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"bytes"
	"errors"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// parseDocument reads a message. There is no second parser: what it returns
// is what signatures are computed over and what claims are read from.
func parseDocument(data []byte, lim xmltree.Limits) (*xmltree.Document, error) {
	doc, err := xmltree.Parse(data, lim)
	if err != nil {
		return nil, xmlError(err)
	}
	return doc, nil
}

func xmlError(err error) error {
	var e *xmltree.Error
	if errors.As(err, &e) && e.Check == xmltree.CheckContent {
		return refuse(CheckStructure, "%w", err)
	}
	return refuse(CheckXML, "%w", err)
}

func attr(n xmltree.Node, local string) string {
	v, _ := n.Attr(local)
	return v
}

func text(n xmltree.Node) (string, error) {
	s, err := n.Text()
	if err != nil {
		return "", xmlError(err)
	}
	return s, nil
}

// name is an element's name for messages.
func name(n xmltree.Node) string {
	s := n.Local()
	if len(s) > 64 {
		s = s[:64]
	}
	switch n.Space() {
	case nsSAML:
		return "saml:" + s
	case nsSAMLP:
		return "samlp:" + s
	case nsMD:
		return "md:" + s
	case nsDS:
		return "ds:" + s
	}
	return s
}

// innerXML returns what is in the element, in exclusive canonical form.
func innerXML(n xmltree.Node) (string, error) {
	var b bytes.Buffer
	if err := n.Canonical(&b, xmltree.Form{Exclusive: true}); err != nil {
		return "", xmlError(err)
	}
	s := b.Bytes()
	from, to, quoted := 0, bytes.LastIndexByte(s, '<'), false
	for from < to && (quoted || s[from] != '>') {
		if s[from] == '"' {
			quoted = !quoted
		}
		from++
	}
	if from >= to {
		return "", refuse(CheckStructure, "<%s> without content", name(n))
	}
	return string(s[from+1 : to]), nil
}

// checkExtensions parses what a caller puts into samlp:Extensions.
func checkExtensions(b []byte) error {
	doc, err := xmltree.Parse(append(append([]byte("<x>"), b...), "</x>"...), xmltree.Limits{})
	if err != nil {
		return refuse(CheckConfig, "Extensions: %w", err)
	}
	n := 0
	for c := range doc.Root().Children() {
		if c.Space() == "" || c.Space() == nsSAML || c.Space() == nsSAMLP {
			return refuse(CheckConfig, "extension <%s> needs a namespace of its own", name(c))
		}
		n++
	}
	if n == 0 || doc.Root().Mixed() {
		return refuse(CheckConfig, "Extensions are elements")
	}
	return nil
}
