// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmldsig_test

import (
	"strings"
	"testing"

	"github.com/beevik/etree"
	goxmldsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"

	"github.com/gatehouse-id/gatehouse/saml/xmldsig"
)

func oracle(m method) goxmldsig.Canonicalizer {
	switch m.uri {
	case exclusive:
		return goxmldsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(m.prefixes)
	case exclusiveWith:
		return goxmldsig.MakeC14N10ExclusiveWithCommentsCanonicalizerWithPrefixList(m.prefixes)
	case inclusive:
		return goxmldsig.MakeC14N10RecCanonicalizer()
	}
	return goxmldsig.MakeC14N10WithCommentsCanonicalizer()
}

// theirForm is goxmldsig's canonical form of the element with the ID "x", with
// the namespaces around it as goxmldsig itself finds them when it verifies.
func theirForm(t testing.TB, doc string, m method) ([]byte, bool) {
	t.Helper()
	d := etree.NewDocument()
	if err := d.ReadFromString(doc); err != nil {
		return nil, false
	}
	el := d.FindElement("//[@ID='x']")
	if el == nil {
		return nil, false
	}
	if strings.HasPrefix(m.uri, exclusive) {
		// The exclusive form sees no parents: callers of goxmldsig detach the
		// element with the namespaces around it.
		ctx, err := etreeutils.NSBuildParentContext(el)
		if err != nil {
			return nil, false
		}
		if el, err = etreeutils.NSDetatch(ctx, el); err != nil {
			return nil, false
		}
	}
	b, err := oracle(m).Canonicalize(el)
	return b, err == nil
}

// difference tells why goxmldsig 1.6.1 has another form, or "". xmlsec1 has
// ours in each of these cases.
func difference(shape string, m method) string {
	switch {
	case shape == "attribute white space":
		return "encoding/xml does not normalise white space in attribute values (XML 1.0 section 3.3.3)"
	case shape == "comments" && strings.HasSuffix(m.uri, "WithComments"):
		return "goxmldsig keeps comments under a bare-name reference (XMLDSig section 4.4.3.3)"
	case shape == "within, xml attributes" && strings.HasPrefix(m.uri, inclusive):
		return "goxmldsig lets xml: attributes of ancestors replace the element's own (Canonical XML 1.0 section 2.4)"
	case (shape == "within, deep" || shape == "within, default undone") && strings.HasPrefix(m.uri, exclusive):
		return `goxmldsig writes xmlns="" where no default namespace is in force in the output (Exclusive XML Canonicalization section 3)`
	case shape != "within, xml attributes" && strings.Contains(shapes[shape], ` xmlns="u:d"`) && strings.Contains(m.prefixes, "#default"):
		return "goxmldsig does not know #default in a PrefixList (Exclusive XML Canonicalization section 2)"
	}
	return ""
}

// TestCanonicalGoxmldsig signs goxmldsig's canonical form of each shape: the
// signature verifies if ours is the same.
func TestCanonicalGoxmldsig(t *testing.T) {
	t.Parallel()
	for shapeName, shape := range shapes {
		for _, m := range methods {
			name := shapeName + "/" + strings.TrimPrefix(m.uri, "http://www.w3.org/") + " " + m.prefixes
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				canonical, ok := theirForm(t, place(shape, ""), m)
				if !ok {
					t.Fatal("goxmldsig has no canonical form")
				}
				doc := place(shape, signOver(t, m, "x", canonical))
				o := options()
				o.ID = "x"
				s, err := xmldsig.Verify([]byte(doc), o)
				why := difference(shapeName, m)
				switch {
				case why != "" && err == nil:
					t.Errorf("now the same, though: %s", why)
				case why == "" && err != nil:
					t.Errorf("%v\ngoxmldsig: %s", err, canonical)
				case err == nil && string(s.XML()) != string(canonical):
					t.Errorf("ours:      %s\ngoxmldsig: %s", s.XML(), canonical)
				}
			})
		}
	}
}

// TestSignedByXMLSec has xmlsec1 sign each shape with each method.
func TestSignedByXMLSec(t *testing.T) {
	t.Parallel()
	x := newXMLSec(t)
	for name, shape := range shapes {
		for _, m := range methods {
			if strings.HasSuffix(m.uri, "WithComments") && name != "comments" {
				continue // they differ by comments alone
			}
			if m.prefixes != "" && !strings.Contains(shape, "xmlns:b") && !strings.Contains(shape, "xmlns=") {
				continue // none of the list is there
			}
			t.Run(name+"/"+strings.TrimPrefix(m.uri, "http://www.w3.org/")+" "+m.prefixes, func(t *testing.T) {
				t.Parallel()
				doc := x.sign(t, []byte(place(shape, template(m, "x", "", ""))), idElement(shape))
				o := options()
				o.ID = "x"
				if _, err := xmldsig.Verify(doc, o); err != nil {
					t.Errorf("%v\n%s", err, doc)
				}
			})
		}
	}
}

// idElement is the name, as xmlsec1 wants it, of the element that has the ID.
func idElement(shape string) string {
	if strings.Contains(shape, "<a:x") || strings.Contains(shape, "<x ") {
		return "u:a:x"
	}
	return "u:a:r"
}

// TestVerifiedByXMLSec has xmlsec1 verify what Sign signs.
func TestVerifiedByXMLSec(t *testing.T) {
	t.Parallel()
	x := newXMLSec(t)
	for name, shape := range shapes {
		if strings.HasPrefix(name, "within") { // Sign signs roots
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc, err := xmldsig.Sign([]byte(place(shape, "")), xmldsig.SignOptions{Signer: signer().key, Certificate: signer().cert, Prefixes: []string{"xs"}})
			if err != nil {
				t.Fatal(err)
			}
			if err := x.verify(t, doc, idElement(shape)); err != nil {
				t.Errorf("%v\n%s", err, doc)
			}
			if s, err := xmldsig.Verify(doc, options()); err != nil || s.ID() != "x" {
				t.Errorf("our own: %v", err)
			}
		})
	}
}
