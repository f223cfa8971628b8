// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmltree

import (
	"encoding/base64"
	"iter"
	"strings"
)

// Node is a view of an element. The zero Node is no element: it has no name,
// no children and no attributes, so that chains of [Node.Child] need one test
// at their end.
//
// A view shows the elements below the one that it was made for, and nothing
// else: [Node.Parent] ends there, and a child that was left out by
// [Node.Without] is not seen from anywhere within.
type Node struct {
	d    *Document
	i    int32
	top  int32 // the highest element that is seen
	omit int32 // a child that is not seen; 0 is none
}

func (n Node) node() *node { return &n.d.nodes[n.i] }

func (n Node) at(i int32) Node {
	if i == 0 {
		return Node{}
	}
	n.i = i
	return n
}

// Exists reports whether n is an element.
func (n Node) Exists() bool { return n.d != nil }

// Same reports whether both are views of one element of one document.
func (n Node) Same(m Node) bool { return n.d == m.d && n.i == m.i }

// ByID returns the element in n, or n itself, whose ID, Id or xml:id attribute
// has the value.
func (n Node) ByID(id string) (Node, bool) {
	if n.d == nil {
		return Node{}, false
	}
	i, ok := n.d.ids.find(id)
	if !ok {
		return Node{}, false
	}
	m := n.at(n.d.identified[i])
	if !n.Contains(m) || n.omit != 0 && n.at(n.omit).Contains(m) {
		return Node{}, false
	}
	return m, true
}

// Offset returns where the element begins in its document.
func (n Node) Offset() int {
	if n.d == nil {
		return 0
	}
	return int(n.node().start)
}

// End returns where the element ends in its document.
func (n Node) End() int {
	if n.d == nil {
		return 0
	}
	return int(n.node().end)
}

// ContentOffset returns where the content of the element begins in its
// document, or -1 for an empty-element tag.
func (n Node) ContentOffset() int {
	if n.d == nil || !n.node().open {
		return -1
	}
	m := n.node()
	if m.first != 0 {
		return int(n.d.nodes[m.first].start)
	}
	// "</" and the name do not occur between the start tag and its end.
	return strings.LastIndex(n.d.src[m.start:m.end], "</") + int(m.start)
}

// Name returns the element's name as written, with its prefix.
func (n Node) Name() string {
	if n.d == nil {
		return ""
	}
	return n.d.qname(n.node())
}

// Space returns the element's namespace name.
func (n Node) Space() string {
	if n.d == nil {
		return ""
	}
	return n.d.uris[n.node().uri]
}

// Local returns the element's name without prefix.
func (n Node) Local() string {
	if n.d == nil {
		return ""
	}
	return n.d.local(n.node())
}

// Is reports whether the element has that name.
func (n Node) Is(space, local string) bool {
	return n.d != nil && n.d.local(n.node()) == local && n.d.uris[n.node().uri] == space
}

// Without returns a view of the element and what is in it, in which child, one
// of its children, is left out, also in the canonical form. Its Parent is no
// element.
func (n Node) Without(child Node) Node {
	if n.d == nil || child.d != n.d || child.node().parent != n.i {
		return Node{}
	}
	return Node{d: n.d, i: n.i, top: n.i, omit: child.i}
}

// Parent returns the element around n, or the zero Node at the top of the
// view.
func (n Node) Parent() Node {
	if n.d == nil || n.i == n.top {
		return Node{}
	}
	return n.at(n.node().parent)
}

// Contains reports whether m is n or within it.
func (n Node) Contains(m Node) bool {
	return n.d != nil && n.d == m.d && n.node().start <= m.node().start && m.node().end <= n.node().end
}

// element returns the first element that is seen from i on.
func (n Node) element(i int32) Node {
	for i != 0 && (n.d.nodes[i].kind != kindElement || i == n.omit) {
		i = n.d.nodes[i].next
	}
	return n.at(i)
}

// First returns the first child element, or the zero Node.
func (n Node) First() Node {
	if n.d == nil {
		return Node{}
	}
	return n.element(n.node().first)
}

// Next returns the next element with the same parent, or the zero Node.
func (n Node) Next() Node {
	if n.d == nil || n.i == n.top {
		return Node{}
	}
	return n.element(n.node().next)
}

// Children yields the child elements in order.
func (n Node) Children() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for c := n.First(); c.Exists(); c = c.Next() {
			if !yield(c) {
				return
			}
		}
	}
}

// Child returns the first child element with the name, or the zero Node.
func (n Node) Child(space, local string) Node {
	c := n.First()
	for c.Exists() && !c.Is(space, local) {
		c = c.Next()
	}
	return c
}

// Named yields the child elements with the name.
func (n Node) Named(space, local string) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for c := range n.Children() {
			if c.Is(space, local) && !yield(c) {
				return
			}
		}
	}
}

// Descendants yields the elements within n in document order, without n.
func (n Node) Descendants() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if n.d == nil {
			return
		}
		for i, end := n.i+1, n.node().end; int(i) < len(n.d.nodes) && n.d.nodes[i].start < end; {
			switch m := &n.d.nodes[i]; {
			case m.kind != kindElement:
				i++
			case i == n.omit:
				for omitted := m.end; int(i) < len(n.d.nodes) && n.d.nodes[i].start < omitted; i++ {
				}
			default:
				if !yield(n.at(i)) {
					return
				}
				i++
			}
		}
	}
}

// Attr returns the attribute of that name without namespace.
func (n Node) Attr(local string) (string, bool) { return n.AttrNS("", local) }

// AttrNS returns the attribute of that name.
func (n Node) AttrNS(space, local string) (string, bool) {
	if n.d == nil {
		return "", false
	}
	attrs := n.d.attributes(n.node())
	for i := range attrs {
		if a := &attrs[i]; n.d.attrLocal(a) == local && n.d.uris[a.uri] == space {
			return n.d.attrValue(a), true
		}
	}
	return "", false
}

// Attr is an attribute; namespace declarations are none.
type Attr struct{ Space, Local, Value string }

// Attrs yields the attributes as written.
func (n Node) Attrs() iter.Seq[Attr] {
	return func(yield func(Attr) bool) {
		if n.d == nil {
			return
		}
		attrs := n.d.attributes(n.node())
		for i := range attrs {
			a := &attrs[i]
			if !yield(Attr{n.d.uris[a.uri], n.d.attrLocal(a), n.d.attrValue(a)}) {
				return
			}
		}
	}
}

// inScope returns the namespaces that are in scope in the element.
func (n Node) inScope() []binding {
	if n.d == nil {
		return nil
	}
	var all []binding
	seen := map[int32]bool{}
	for i := n.i; ; i = n.d.nodes[i].parent {
		for _, x := range n.d.declarations(&n.d.nodes[i]) {
			if !seen[x.prefix] && x.prefix != prefixXML {
				seen[x.prefix] = true
				if x.uri != uriNone {
					all = append(all, binding{n.d.prefixes[x.prefix], n.d.uris[x.uri]})
				}
			}
		}
		if i == 0 {
			return all
		}
	}
}

// Text returns the characters in an element that has no child elements.
// Comments between them are passed over, so that what a signature covers is
// what is read.
func (n Node) Text() (string, error) {
	s, _, err := n.text()
	return s, err
}

// PlainText is Text of an element without comments and CDATA sections.
func (n Node) PlainText() (string, error) {
	s, plain, err := n.text()
	if err == nil && !plain {
		return "", refuse(CheckContent, n.Offset(), "a comment or CDATA section in %q", n.Local())
	}
	return s, err
}

func (n Node) text() (text string, plain bool, err error) {
	if n.d == nil {
		return "", false, refuse(CheckContent, 0, "no element")
	}
	first := n.node().first
	if first == 0 {
		return "", true, nil
	}
	if c := &n.d.nodes[first]; c.kind == kindText && !c.dirty && c.next == 0 {
		return n.d.src[c.start:c.end], true, nil
	}
	var b []byte
	plain = true
	for i := first; i != 0; i = n.d.nodes[i].next {
		c := &n.d.nodes[i]
		plain = plain && c.kind == kindText
		switch c.kind {
		case kindElement:
			return "", false, refuse(CheckContent, n.Offset(), "element %q in %q", n.d.local(c), n.Local())
		case kindText:
			b = appendText(b, n.d.src[c.start:c.end], false)
		case kindCDATA:
			b = appendText(b, n.d.src[c.start+9:c.end-3], true)
		}
	}
	return string(b), plain, nil
}

// Leaf reports whether the element has no child elements.
func (n Node) Leaf() bool { return !n.First().Exists() }

// Mixed reports whether the element has characters other than white space
// beside its child elements. White space may be written as references, as
// canonical forms have carriage returns.
func (n Node) Mixed() bool {
	if n.d == nil {
		return false
	}
	for i := n.node().first; i != 0; i = n.d.nodes[i].next {
		switch c := &n.d.nodes[i]; c.kind {
		case kindText:
			raw := n.d.src[c.start:c.end]
			if !isSpace(raw) && !(c.dirty && isSpace(string(appendText(nil, raw, false)))) {
				return true
			}
		case kindCDATA:
			return true
		}
	}
	return false
}

// Commented reports whether there is a comment in the element, at any depth.
func (n Node) Commented() bool {
	if n.d == nil {
		return false
	}
	end := n.node().end
	for i := n.i + 1; int(i) < len(n.d.nodes) && n.d.nodes[i].start < end; i++ {
		if n.d.nodes[i].kind == kindComment {
			return true
		}
	}
	return false
}

// Base64 decodes xs:base64Binary, in which white space is ignored.
func Base64(s string) ([]byte, error) {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		if !is(s[i], classSpace) {
			b = append(b, s[i])
		}
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(b)))
	n, err := base64.StdEncoding.Strict().Decode(out, b)
	return out[:n], err
}
