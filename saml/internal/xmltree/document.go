// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmltree

// Document is a parsed document. It is immutable and safe for concurrent use.
type Document struct {
	src   string
	nodes []node // nodes[0] stands for the document, nodes[root] is the root
	attrs []attr
	decls []decl
	root  int32

	prefixes []string // by prefix id
	uris     []string // by URI id
	// The position of each prefix and URI in sorted order, so that canonical
	// ordering compares numbers however long the names are.
	prefixRank []int32
	uriRank    []int32
	uriPlain   []bool // it is its own canonical form

	ids        table
	identified []int32 // by the number of the ID: the node
}

// Ids that every document begins with.
const (
	prefixNone, uriNone int32 = 0, 0 // no prefix; no namespace
	prefixXML, uriXML   int32 = 1, 1
)

const (
	nsXML   = "http://www.w3.org/XML/1998/namespace"
	nsXMLNS = "http://www.w3.org/2000/xmlns/"
	nsDSig  = "http://www.w3.org/2000/09/xmldsig#"
)

type kind uint8

const (
	kindElement kind = iota
	kindText
	kindCDATA
	kindComment
)

// node is an element or a run of characters. Numbers rather than pointers
// keep it small and the garbage collector away.
type node struct {
	start, end          uint32 // of the whole: "<a>...</a>", "<!-- -->", text
	parent, first, next int32  // 0 is none
	prefix, uri         int32
	attr, decl          int32 // where its attributes and declarations begin
	nAttr, nDecl        uint16
	nPrefix, nLocal     uint16 // bytes; the name is at start+1
	kind                kind
	dirty               bool // its raw characters are not their canonical form
	open                bool // not an empty-element tag
}

type attr struct {
	name             uint32
	value, end       uint32 // within the quotes
	prefix, uri      int32
	nPrefix, nLocal  uint16
	dirty, canonical bool // value has references or white space; value may be written as it stands
}

type decl struct{ prefix, uri int32 }

func (d *Document) local(n *node) string {
	i := n.start + 1
	if n.nPrefix > 0 {
		i += uint32(n.nPrefix) + 1
	}
	return d.src[i : i+uint32(n.nLocal)]
}

func (d *Document) qname(n *node) string {
	l := uint32(n.nLocal)
	if n.nPrefix > 0 {
		l += uint32(n.nPrefix) + 1
	}
	return d.src[n.start+1 : n.start+1+l]
}

func (d *Document) attrLocal(a *attr) string {
	i := a.name
	if a.nPrefix > 0 {
		i += uint32(a.nPrefix) + 1
	}
	return d.src[i : i+uint32(a.nLocal)]
}

func (d *Document) attrName(a *attr) string {
	l := uint32(a.nLocal)
	if a.nPrefix > 0 {
		l += uint32(a.nPrefix) + 1
	}
	return d.src[a.name : a.name+l]
}

func (d *Document) attrValue(a *attr) string {
	raw := d.src[a.value:a.end]
	if a.dirty {
		return attributeValue(raw)
	}
	return raw
}

func (d *Document) attributes(n *node) []attr { return d.attrs[n.attr : n.attr+int32(n.nAttr)] }
func (d *Document) declarations(n *node) []decl {
	return d.decls[n.decl : n.decl+int32(n.nDecl)]
}

// Root returns the document's one root element.
func (d *Document) Root() Node { return Node{d: d, i: d.root, top: d.root} }

// ByID returns the element whose ID, Id or xml:id attribute has the value.
func (d *Document) ByID(id string) (Node, bool) { return d.Root().ByID(id) }
