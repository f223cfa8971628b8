// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmltree

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Form is a canonical form of an element.
type Form struct {
	// Exclusive is Exclusive XML Canonicalization 1.0; else it is Canonical
	// XML 1.0, which takes namespaces and xml: attributes from around the
	// element.
	Exclusive bool
	// Comments are part of it.
	Comments bool
	// Prefixes are treated as the inclusive form does, in the exclusive one:
	// the InclusiveNamespaces PrefixList, in which "#default" stands for the
	// default namespace.
	Prefixes []string
}

// The canonical form may be this much larger than the document, so that what
// is repeated in it costs no more than what was sent.
const (
	canonicalFactor = 8
	canonicalSlack  = 64 << 10
)

// Canonical writes the canonical form of the element to w, without a child
// that the view leaves out. It refuses to write an unreasonable lot.
func (n Node) Canonical(w io.Writer, f Form) error {
	if n.d == nil {
		return refuse(CheckCanonical, 0, "no element")
	}
	c := canon{d: n.d, w: w, omit: n.omit, form: f, left: canonicalFactor*len(n.d.src) + canonicalSlack}
	c.rendered = make([]int32, len(n.d.prefixes), len(n.d.prefixes)+16)
	c.rendered[prefixXML] = uriXML
	if f.Exclusive && len(f.Prefixes) > 0 {
		c.inclusive = make([]bool, len(n.d.prefixes))
		for i, p := range n.d.prefixes {
			name := p
			if p == "" {
				name = "#default"
			}
			c.inclusive[i] = slices.Contains(f.Prefixes, name)
		}
	}
	c.apex(n.i)
	c.flush()
	return c.err
}

// canon writes one canonical form.
type canon struct {
	d    *Document
	w    io.Writer
	form Form
	omit int32
	err  error
	left int // bytes that may still be written

	buf [2048]byte // without a slice, so that writing needs no write barrier
	n   int

	inclusive []bool  // by prefix id: treated as the inclusive form does
	rendered  []int32 // by prefix id: the URI id that is in force in the output
	undo      []decl  // what rendered was, to restore

	shown []decl   // scratch: namespaces of one start tag
	order []uint64 // scratch: attributes of one start tag, sorted
}

func (c *canon) flush() {
	if c.err == nil && c.n > 0 {
		if c.left -= c.n; c.left < 0 {
			c.err = refuse(CheckCanonical, 0, "the canonical form is more than %d times the document", canonicalFactor)
		} else if _, err := c.w.Write(c.buf[:c.n]); err != nil {
			c.err = err
		}
	}
	c.n = 0
}

func (c *canon) write(s string) {
	for {
		n := copy(c.buf[c.n:], s)
		c.n += n
		if n == len(s) || c.err != nil {
			return
		}
		s = s[n:]
		c.flush()
	}
}

func (c *canon) byte(b byte) {
	if c.n == len(c.buf) {
		c.flush()
	}
	c.buf[c.n] = b
	c.n++
}

// apex writes the element that the form is of, with what it takes from around
// it.
func (c *canon) apex(i int32) {
	n := &c.d.nodes[i]
	c.shown = c.shown[:0]
	seen := make([]bool, len(c.d.prefixes))
	for j := i; ; j = c.d.nodes[j].parent {
		for _, x := range c.d.declarations(&c.d.nodes[j]) {
			if seen[x.prefix] {
				continue
			}
			seen[x.prefix] = true
			if c.always(x.prefix) {
				c.show(x)
			}
		}
		if j == 0 {
			break
		}
	}
	var inherited []attr
	if !c.form.Exclusive {
		inherited = c.d.inheritedXML(i)
	}
	c.element(i, n, inherited)
}

// inheritedXML returns the xml: attributes of the elements around i that i
// does not have itself (Canonical XML 1.0 section 2.4).
func (d *Document) inheritedXML(i int32) []attr {
	var all []attr
	have := func(local string) bool {
		for j := range all {
			if d.attrLocal(&all[j]) == local {
				return true
			}
		}
		return false
	}
	own := 0
	for j := i; j != 0; j = d.nodes[j].parent {
		attrs := d.attributes(&d.nodes[j])
		for k := range attrs {
			if attrs[k].uri == uriXML && !have(d.attrLocal(&attrs[k])) && len(all) < 64 {
				all = append(all, attrs[k])
			}
		}
		if j == i {
			own = len(all)
		}
	}
	return all[own:]
}

// always tells whether a namespace is written where it is declared, used or
// not.
func (c *canon) always(prefix int32) bool {
	return !c.form.Exclusive || c.inclusive != nil && c.inclusive[prefix]
}

// show lists a namespace for the start tag at hand unless it is in force.
func (c *canon) show(x decl) {
	if c.rendered[x.prefix] == x.uri {
		return
	}
	c.undo = append(c.undo, decl{x.prefix, c.rendered[x.prefix]})
	c.rendered[x.prefix] = x.uri
	c.shown = append(c.shown, x)
}

// element writes an element, whose namespaces from further out are in shown.
func (c *canon) element(i int32, n *node, inherited []attr) {
	undo := len(c.undo) - len(c.shown)
	for _, x := range c.d.declarations(n) {
		if c.always(x.prefix) {
			c.show(x)
		}
	}
	attrs := c.d.attributes(n)
	if c.form.Exclusive {
		c.show(decl{n.prefix, n.uri})
		for j := range attrs {
			if attrs[j].prefix != prefixNone {
				c.show(decl{attrs[j].prefix, attrs[j].uri})
			}
		}
	}
	name := c.d.qname(n)
	c.byte('<')
	c.write(name)
	c.namespaces()
	c.attributes(attrs, inherited)
	c.byte('>')
	for j := n.first; j != 0 && c.err == nil; j = c.d.nodes[j].next {
		if m := &c.d.nodes[j]; m.kind != kindElement {
			c.leaf(m)
		} else if j != c.omit {
			c.shown = c.shown[:0]
			c.element(j, m, nil)
		}
	}
	c.write("</")
	c.write(name)
	c.byte('>')
	for j := len(c.undo) - 1; j >= undo; j-- {
		c.rendered[c.undo[j].prefix] = c.undo[j].uri
	}
	c.undo = c.undo[:undo]
}

// namespaces writes what is in shown, sorted by prefix.
func (c *canon) namespaces() {
	if len(c.shown) > 1 {
		rank := c.d.prefixRank
		slices.SortFunc(c.shown, func(a, b decl) int { return int(rank[a.prefix] - rank[b.prefix]) })
	}
	for _, x := range c.shown {
		c.write(" xmlns")
		if x.prefix != prefixNone {
			c.byte(':')
			c.write(c.d.prefixes[x.prefix])
		}
		c.write(`="`)
		if uri := c.d.uris[x.uri]; c.d.uriPlain[x.uri] {
			c.write(uri)
		} else {
			c.escapeValue(uri)
		}
		c.byte('"')
	}
}

// attributes writes them sorted by namespace name, then local name.
func (c *canon) attributes(attrs, inherited []attr) {
	if len(inherited) > 0 {
		attrs = slices.Concat(attrs, inherited)
	}
	if c.sorted(attrs) {
		for i := range attrs {
			c.attribute(&attrs[i])
		}
		return
	}
	// What is sorted is the rank of the namespace, above the place in attrs.
	c.order = c.order[:0]
	for i := range attrs {
		c.order = append(c.order, uint64(c.d.uriRank[attrs[i].uri])<<32|uint64(i))
	}
	slices.SortFunc(c.order, func(a, b uint64) int {
		if r := cmp.Compare(a>>32, b>>32); r != 0 {
			return r
		}
		return strings.Compare(c.d.attrLocal(&attrs[uint32(a)]), c.d.attrLocal(&attrs[uint32(b)]))
	})
	for _, i := range c.order {
		c.attribute(&attrs[uint32(i)])
	}
}

func (c *canon) sorted(attrs []attr) bool {
	for i := 1; i < len(attrs); i++ {
		a, b := &attrs[i-1], &attrs[i]
		ra, rb := c.d.uriRank[a.uri], c.d.uriRank[b.uri]
		if ra > rb || ra == rb && c.d.attrLocal(a) > c.d.attrLocal(b) {
			return false
		}
	}
	return true
}

func (c *canon) attribute(a *attr) {
	c.byte(' ')
	c.write(c.d.attrName(a))
	c.write(`="`)
	if a.canonical {
		c.write(c.d.src[a.value:a.end])
	} else {
		c.escapeValue(c.d.attrValue(a))
	}
	c.byte('"')
}

func (c *canon) leaf(n *node) {
	raw := c.d.src[n.start:n.end]
	switch n.kind {
	case kindText:
		if n.dirty {
			c.text(raw)
		} else {
			c.write(raw)
		}
	case kindCDATA:
		c.escapeText(normalizeLines(raw[9 : len(raw)-3]))
	case kindComment:
		if !c.form.Comments {
			return
		}
		if n.dirty {
			raw = normalizeLines(raw)
		}
		c.write(raw)
	}
}

// text writes raw characters with references.
func (c *canon) text(raw string) {
	from := 0
	for i := 0; i < len(raw); {
		if classes[raw[i]]&classText != 0 || raw[i] == 0xEF {
			i++
			continue
		}
		c.write(raw[from:i])
		switch raw[i] {
		case '>':
			c.write("&gt;")
			i++
		case '\r':
			c.byte('\n')
			if i++; i < len(raw) && raw[i] == '\n' {
				i++
			}
		default: // '&'
			r, n := reference(raw[i:])
			c.rune(r)
			i += max(n, 1)
		}
		from = i
	}
	c.write(raw[from:])
}

// rune writes a character of text.
func (c *canon) rune(r rune) {
	switch r {
	case '&':
		c.write("&amp;")
	case '<':
		c.write("&lt;")
	case '>':
		c.write("&gt;")
	case '\r':
		c.write("&#xD;")
	default:
		var b [utf8.UTFMax]byte
		c.write(string(b[:utf8.EncodeRune(b[:], r)]))
	}
}

func (c *canon) escapeText(s string) {
	from := 0
	for i := range len(s) {
		var e string
		switch s[i] {
		case '&':
			e = "&amp;"
		case '<':
			e = "&lt;"
		case '>':
			e = "&gt;"
		case '\r':
			e = "&#xD;"
		default:
			continue
		}
		c.write(s[from:i])
		c.write(e)
		from = i + 1
	}
	c.write(s[from:])
}

func (c *canon) escapeValue(s string) {
	from := 0
	for i := range len(s) {
		if classes[s[i]]&classValue != 0 {
			continue
		}
		var e string
		switch s[i] {
		case '&':
			e = "&amp;"
		case '<':
			e = "&lt;"
		case '"':
			e = "&quot;"
		case '\t':
			e = "&#x9;"
		case '\n':
			e = "&#xA;"
		case '\r':
			e = "&#xD;"
		default:
			continue
		}
		c.write(s[from:i])
		c.write(e)
		from = i + 1
	}
	c.write(s[from:])
}

func normalizeLines(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return string(appendText(nil, s, true))
}
