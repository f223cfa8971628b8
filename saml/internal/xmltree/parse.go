// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmltree

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Parse reads a whole document. It copies src.
func Parse(src []byte, lim Limits) (*Document, error) {
	return parse(src, nil, lim)
}

// ParseIn reads src, one element, as if it stood in place of a child of
// scope: prefixes that are in scope there resolve. Decrypted elements are read
// like this (XML Encryption 1.1 section 4.4). IDs are not compared with those
// of scope's document.
func ParseIn(src []byte, scope Node, lim Limits) (*Document, error) {
	return parse(src, scope.inScope(), lim)
}

// binding is a prefix and what it stands for.
type binding struct{ prefix, uri string }

type parser struct {
	s   string
	p   int
	d   *Document
	lim Limits

	prefixes, uris table
	current        []int32 // by prefix id: the URI id in scope, or -1
	hidden         []decl  // what declarations in scope have hidden, to restore
	open           []frame
	comments       int
	elements       int
	signatures     int
	lastPrefix     string
	lastID         int32
	seen           map[attrKey]struct{} // scratch of unique
}

// frame is an element that is open.
type frame struct {
	node, last int32 // last is its last child so far
	hidden     int   // len(parser.hidden) before it
}

func parse(src []byte, scope []binding, lim Limits) (*Document, error) {
	lim = lim.withDefaults()
	if len(src) > lim.Bytes {
		return nil, refuse(CheckLimit, 0, "%d bytes are more than %d", len(src), lim.Bytes)
	}
	if !utf8.Valid(src) {
		return nil, refuse(CheckEncoding, 0, "not UTF-8")
	}
	p := newParser(string(src), lim)
	for _, b := range scope {
		p.d.decls = append(p.d.decls, decl{p.prefixID(b.prefix), p.uriID(b.uri)})
		p.current[p.d.decls[len(p.d.decls)-1].prefix] = p.d.decls[len(p.d.decls)-1].uri
	}
	p.d.nodes[0].nDecl = uint16(len(scope))
	if err := p.document(); err != nil {
		return nil, err
	}
	p.d.prefixes, p.d.uris = p.prefixes.list, p.uris.list
	p.d.prefixRank = ranks(p.d.prefixes)
	p.d.uriRank = ranks(p.d.uris)
	p.d.uriPlain = make([]bool, len(p.d.uris))
	for i, uri := range p.d.uris {
		p.d.uriPlain[i] = strings.IndexByte(uri, '&') < 0 // isAbsolute has refused the others
	}
	return p.d, nil
}

func newParser(s string, lim Limits) *parser {
	tags, texts := shape(s)
	most := lim.Elements + lim.Comments
	d := &Document{
		src:   s,
		nodes: make([]node, 1, 2+min(tags, most)+min(texts, most)),
		attrs: make([]attr, 0, 4+min(tags, most)),
		decls: make([]decl, 0, 8),
	}
	p := &parser{
		s: s, d: d, lim: lim,
		prefixes: table{list: make([]string, 0, 8)},
		uris:     table{list: make([]string, 0, 8)},
		current:  make([]int32, 0, 8),
		hidden:   make([]decl, 0, 8),
		open:     make([]frame, 1, 16),
	}
	p.prefixID("")
	p.uriID("")
	p.prefixID("xml")
	p.uriID(nsXML)
	p.current[prefixNone], p.current[prefixXML] = uriNone, uriXML
	return p
}

// shape returns how many elements, comments and CDATA sections a document may
// have, and how many runs of text between them.
func shape(s string) (tags, texts int) {
	for i := 0; ; {
		n := strings.IndexByte(s[i:], '<')
		if n < 0 {
			return tags, texts
		}
		if n > 0 && s[i+n-1] != '>' {
			texts++
		}
		if i += n + 1; i < len(s) && s[i] != '/' {
			tags++
		}
	}
}

// ranks returns the position of each string among them in sorted order.
func ranks(s []string) []int32 {
	order := make([]int32, len(s))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(s[a], s[b]) })
	rank := make([]int32, len(s))
	for r, i := range order {
		rank[i] = int32(r)
	}
	return rank
}

func (p *parser) prefixID(s string) int32 {
	id, ok := p.prefixes.find(s)
	if !ok {
		id = p.prefixes.add(s)
		p.current = append(p.current, -1)
	}
	return id
}

func (p *parser) uriID(s string) int32 {
	id, ok := p.uris.find(s)
	if !ok {
		id = p.uris.add(s)
	}
	return id
}

func (p *parser) fail(c Check, format string, args ...any) *Error {
	return refuse(c, p.p, format, args...)
}

func (p *parser) at(s string) bool { return strings.HasPrefix(p.s[p.p:], s) }

func (p *parser) space() bool {
	from := p.p
	for p.p < len(p.s) && is(p.s[p.p], classSpace) {
		p.p++
	}
	return p.p > from
}

// document is [1] of XML 1.0: prolog element Misc*.
func (p *parser) document() error {
	if p.at("\uFEFF") {
		p.p += 3
	}
	if p.at("<?xml") && len(p.s) > p.p+5 && is(p.s[p.p+5], classSpace) {
		if err := p.declaration(); err != nil {
			return err
		}
	}
	for p.p < len(p.s) {
		c := p.s[p.p]
		switch {
		case c != '<':
			if err := p.text(); err != nil {
				return err
			}
		case p.p+1 >= len(p.s):
			return p.fail(CheckSyntax, "ends within a tag")
		default:
			if err := p.markup(p.s[p.p+1]); err != nil {
				return err
			}
		}
	}
	if len(p.open) > 1 {
		return p.fail(CheckSyntax, "ends within an element")
	}
	if p.d.root == 0 {
		return p.fail(CheckSyntax, "no root element")
	}
	return nil
}

func (p *parser) markup(c byte) error {
	switch c {
	case '/':
		return p.endTag()
	case '!':
		switch {
		case p.at("<!--"):
			return p.comment()
		case p.at("<![CDATA["):
			return p.cdata()
		case p.at("<!DOCTYPE"), p.at("<!ENTITY"), p.at("<!ATTLIST"), p.at("<!ELEMENT"), p.at("<!NOTATION"):
			return p.fail(CheckDoctype, "a document type declaration")
		}
		return p.fail(CheckSyntax, "not a comment, nor a CDATA section")
	case '?':
		return p.fail(CheckInstruction, "a processing instruction")
	}
	return p.startTag()
}

// declaration is XMLDecl, [23] of XML 1.0.
func (p *parser) declaration() error {
	end := strings.Index(p.s[p.p:min(len(p.s), p.p+256)], "?>")
	if end < 0 {
		return p.fail(CheckSyntax, "an XML declaration without end")
	}
	body := p.s[p.p+5 : p.p+end]
	for i, name := range []string{"version", "encoding", "standalone"} {
		value, rest, ok := pseudoAttribute(body, name)
		if !ok {
			if i == 0 {
				return p.fail(CheckSyntax, "an XML declaration without version")
			}
			continue
		}
		body = rest
		switch {
		case name == "version" && value != "1.0":
			return p.fail(CheckSyntax, "XML version %q", value)
		case name == "encoding" && !strings.EqualFold(value, "UTF-8"):
			return p.fail(CheckEncoding, "encoding %q", value)
		case name == "standalone" && value != "yes" && value != "no":
			return p.fail(CheckSyntax, "standalone %q", value)
		}
	}
	if !isSpace(body) {
		return p.fail(CheckSyntax, "an XML declaration with %q", body)
	}
	p.p += end + 2
	return nil
}

func pseudoAttribute(s, name string) (value, rest string, ok bool) {
	t := strings.TrimLeft(s, " \t\r\n")
	if len(t) == len(s) {
		return "", s, false
	}
	t, ok = strings.CutPrefix(t, name)
	if !ok {
		return "", s, false
	}
	t, ok = strings.CutPrefix(strings.TrimLeft(t, " \t\r\n"), "=")
	t = strings.TrimLeft(t, " \t\r\n")
	if !ok || t == "" || t[0] != '"' && t[0] != '\'' {
		return "", s, false
	}
	value, rest, ok = strings.Cut(t[1:], t[:1])
	return value, rest, ok
}

// add appends a child to the element that is open.
func (p *parser) add(n node) int32 {
	i := int32(len(p.d.nodes))
	top := &p.open[len(p.open)-1]
	n.parent = top.node
	p.d.nodes = append(p.d.nodes, n)
	if top.last == 0 {
		p.d.nodes[top.node].first = i
	} else {
		p.d.nodes[top.last].next = i
	}
	top.last = i
	return i
}

func (p *parser) text() error {
	from, s, i, dirty := p.p, p.s, p.p, false
loop:
	for {
		for i < len(s) && classes[s[i]]&classText != 0 {
			i++
		}
		if i == len(s) {
			break
		}
		switch c := s[i]; c {
		case '<':
			break loop
		case '\r':
			dirty = true
			i++
		case '>':
			if i-from >= 2 && s[i-1] == ']' && s[i-2] == ']' {
				return refuse(CheckSyntax, i, `"]]>" in text`)
			}
			dirty = true
			i++
		case '&':
			n, err := checkReference(s, i)
			if err != nil {
				return err
			}
			dirty = true
			i += n
		case 0xEF:
			if noncharacter(s[i:]) {
				return refuse(CheckSyntax, i, "a noncharacter")
			}
			i += 3
		default:
			return refuse(CheckSyntax, i, "a control character")
		}
	}
	p.p = i
	if len(p.open) == 1 {
		if !isSpace(s[from:i]) {
			return refuse(CheckSyntax, from, "text outside of the root element")
		}
		return nil
	}
	p.add(node{start: uint32(from), end: uint32(i), kind: kindText, dirty: dirty})
	return nil
}

func checkReference(s string, i int) (int, error) {
	if _, n := reference(s[i:]); n > 0 {
		return n, nil
	}
	if i+1 < len(s) && is(s[i+1], classFirst) {
		return 0, refuse(CheckDoctype, i, "a reference to an undeclared entity")
	}
	return 0, refuse(CheckSyntax, i, "not a character reference")
}

// countComment bounds comments and CDATA sections.
func (p *parser) countComment() error {
	if p.comments++; p.comments > p.lim.Comments {
		return p.fail(CheckLimit, "more than %d comments and CDATA sections", p.lim.Comments)
	}
	return nil
}

func (p *parser) comment() error {
	if err := p.countComment(); err != nil {
		return err
	}
	body := p.s[p.p+4:]
	n := strings.Index(body, "--")
	if n < 0 || n+2 >= len(body) || body[n+2] != '>' {
		return p.fail(CheckSyntax, `a comment without end, or with "--"`)
	}
	if err := p.checkChars(p.p+4, body[:n]); err != nil {
		return err
	}
	if len(p.open) > 1 {
		dirty := strings.IndexByte(body[:n], '\r') >= 0
		p.add(node{start: uint32(p.p), end: uint32(p.p + n + 7), kind: kindComment, dirty: dirty})
	}
	p.p += n + 7
	return nil
}

func (p *parser) cdata() error {
	if err := p.countComment(); err != nil {
		return err
	}
	if len(p.open) == 1 {
		return p.fail(CheckSyntax, "a CDATA section outside of the root element")
	}
	body := p.s[p.p+9:]
	n := strings.Index(body, "]]>")
	if n < 0 {
		return p.fail(CheckSyntax, "a CDATA section without end")
	}
	if err := p.checkChars(p.p+9, body[:n]); err != nil {
		return err
	}
	p.add(node{start: uint32(p.p), end: uint32(p.p + n + 12), kind: kindCDATA, dirty: true})
	p.p += n + 12
	return nil
}

func (p *parser) checkChars(offset int, s string) error {
	for i := range len(s) {
		if c := s[i]; !is(c, classChar) || c == 0xEF && noncharacter(s[i:]) {
			return refuse(CheckSyntax, offset+i, "not a character of XML")
		}
	}
	return nil
}

// ncName reads an NCName (Namespaces in XML 1.0 [4]).
func (p *parser) ncName() (n int, err error) {
	s, from, i := p.s, p.p, p.p
	for i < len(s) {
		if c := s[i]; c < utf8.RuneSelf {
			if classes[c]&className == 0 || i == from && classes[c]&classFirst == 0 {
				break
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if !isNameRune(r, i == from) {
			break
		}
		i += size
	}
	switch n = i - from; {
	case n == 0:
		return 0, p.fail(CheckSyntax, "a name is expected")
	case n > maxName:
		return 0, p.fail(CheckLimit, "a name of more than %d bytes", maxName)
	}
	p.p = i
	return n, nil
}

// qName reads a QName (Namespaces in XML 1.0 [7]).
func (p *parser) qName() (prefix, local uint16, err error) {
	n, err := p.ncName()
	if err != nil || p.p >= len(p.s) || p.s[p.p] != ':' {
		return 0, uint16(n), err
	}
	p.p++
	m, err := p.ncName()
	return uint16(n), uint16(m), err
}

func (p *parser) startTag() error {
	if p.elements++; p.elements > p.lim.Elements {
		return p.fail(CheckLimit, "more than %d elements", p.lim.Elements)
	}
	if len(p.open) > p.lim.Depth {
		return p.fail(CheckLimit, "more than %d levels", p.lim.Depth)
	}
	if len(p.open) == 1 && p.d.root != 0 {
		return p.fail(CheckSyntax, "a second root element")
	}
	n := node{start: uint32(p.p), attr: int32(len(p.d.attrs)), decl: int32(len(p.d.decls))}
	hidden := len(p.hidden)
	p.p++
	var err error
	if n.nPrefix, n.nLocal, err = p.qName(); err != nil {
		return err
	}
	if err := p.attributes(&n); err != nil {
		return err
	}
	n.open = p.s[p.p] == '>'
	p.p++
	if !n.open {
		p.p++
		n.end = uint32(p.p)
	}
	if err := p.resolve(&n); err != nil {
		return err
	}
	i := p.add(n)
	if p.d.root == 0 {
		p.d.root = i
	}
	if err := p.identify(i); err != nil {
		return err
	}
	if n.open {
		p.open = append(p.open, frame{node: i, hidden: hidden})
		return nil
	}
	p.restore(hidden)
	return nil
}

// attributes reads up to the ">" or "/>" of a start tag, which it leaves.
func (p *parser) attributes(n *node) error {
	for {
		space := p.space()
		if p.p >= len(p.s) {
			return p.fail(CheckSyntax, "ends within a tag")
		}
		switch c := p.s[p.p]; {
		case c == '>':
			return nil
		case c == '/':
			if !p.at("/>") {
				return p.fail(CheckSyntax, `"/" within a tag`)
			}
			return nil
		case !space:
			return p.fail(CheckSyntax, "white space is expected before an attribute")
		}
		if err := p.attribute(n); err != nil {
			return err
		}
	}
}

func (p *parser) attribute(n *node) error {
	a := attr{name: uint32(p.p)}
	var err error
	if a.nPrefix, a.nLocal, err = p.qName(); err != nil {
		return err
	}
	p.space()
	if p.p >= len(p.s) || p.s[p.p] != '=' {
		return p.fail(CheckSyntax, `"=" is expected`)
	}
	p.p++
	p.space()
	if err := p.value(&a); err != nil {
		return err
	}
	switch name := p.d.attrName(&a); {
	case name == "xmlns":
		return p.declare(n, "", &a)
	case a.nPrefix == 5 && strings.HasPrefix(name, "xmlns:"):
		return p.declare(n, name[6:], &a)
	}
	if int(n.nAttr) >= p.lim.Attributes || n.nAttr == 1<<16-1 {
		return p.fail(CheckLimit, "more than %d attributes", p.lim.Attributes)
	}
	n.nAttr++
	p.d.attrs = append(p.d.attrs, a)
	return nil
}

// value reads a quoted attribute value.
func (p *parser) value(a *attr) error {
	if p.p >= len(p.s) || p.s[p.p] != '"' && p.s[p.p] != '\'' {
		return p.fail(CheckSyntax, "a quoted value is expected")
	}
	quote := p.s[p.p]
	s, i := p.s, p.p+1
	a.value, a.canonical = uint32(i), true
	for {
		for i < len(s) && classes[s[i]]&classValue != 0 {
			i++
		}
		if i == len(s) {
			return p.fail(CheckSyntax, "a value without end")
		}
		switch c := s[i]; {
		case c == quote:
			a.end = uint32(i)
			p.p = i + 1
			return nil
		case c == '"':
			a.canonical = false
			i++
		case c == '\'':
			i++
		case c == '\t', c == '\n', c == '\r':
			a.canonical, a.dirty = false, true
			i++
		case c == '&':
			n, err := checkReference(s, i)
			if err != nil {
				return err
			}
			a.canonical, a.dirty = false, true
			i += n
		case c == 0xEF:
			if noncharacter(s[i:]) {
				return refuse(CheckSyntax, i, "a noncharacter")
			}
			i += 3
		default:
			return refuse(CheckSyntax, i, "a character that no value may have")
		}
	}
}

// declare brings a namespace declaration into scope.
func (p *parser) declare(n *node, prefix string, a *attr) error {
	if int(a.end-a.value) > maxName {
		return p.fail(CheckLimit, "a namespace name of more than %d bytes", maxName)
	}
	uri := p.d.attrValue(a)
	switch {
	case prefix == "xmlns", uri == nsXMLNS, (prefix == "xml") != (uri == nsXML):
		return p.fail(CheckNamespace, "a reserved prefix or namespace name is declared")
	case uri == "" && prefix != "":
		return p.fail(CheckNamespace, "prefix %q stands for nothing", prefix)
	case uri != "" && !isAbsolute(uri):
		return p.fail(CheckNamespace, "namespace name %q is relative", uri)
	}
	if len(p.hidden)+int(p.d.nodes[0].nDecl) >= p.lim.Namespaces {
		return p.fail(CheckLimit, "more than %d namespaces in scope", p.lim.Namespaces)
	}
	x := decl{p.prefixID(prefix), p.uriID(uri)}
	for _, other := range p.d.decls[n.decl:] {
		if other.prefix == x.prefix {
			return p.fail(CheckAttribute, "prefix %q is declared twice", prefix)
		}
	}
	p.hidden = append(p.hidden, decl{x.prefix, p.current[x.prefix]})
	p.current[x.prefix] = x.uri
	p.d.decls = append(p.d.decls, x)
	n.nDecl++
	return nil
}

// isAbsolute tells whether a URI begins with a scheme and has no character that
// no URI has (RFC 3986 sections 2 and 3.1).
func isAbsolute(uri string) bool {
	scheme, _, ok := strings.Cut(uri, ":")
	if !ok || scheme == "" || strings.ContainsAny(uri, " \t\r\n\x7f<>\"{}|\\^`") {
		return false
	}
	for i := range len(scheme) {
		switch c := scheme[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case i > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.'):
		default:
			return false
		}
	}
	return true
}

// restore ends the scope of declarations.
func (p *parser) restore(hidden int) {
	for i := len(p.hidden) - 1; i >= hidden; i-- {
		p.current[p.hidden[i].prefix] = p.hidden[i].uri
	}
	p.hidden = p.hidden[:hidden]
}

// resolve expands the prefixes of an element and its attributes.
func (p *parser) resolve(n *node) (err error) {
	prefix := p.s[n.start+1 : n.start+1+uint32(n.nPrefix)]
	if n.prefix, n.uri, err = p.expand(prefix); err != nil {
		return err
	}
	attrs := p.d.attributes(n)
	for i := range attrs {
		a := &attrs[i]
		if a.nPrefix == 0 {
			continue
		}
		if a.prefix, a.uri, err = p.expand(p.s[a.name : a.name+uint32(a.nPrefix)]); err != nil {
			return err
		}
	}
	if p.uris.list[n.uri] == nsDSig && p.d.local(n) == "Signature" {
		if p.signatures++; p.signatures > p.lim.Signatures {
			return p.fail(CheckLimit, "more than %d signatures", p.lim.Signatures)
		}
	}
	if len(attrs) > 1 {
		return p.unique(attrs)
	}
	return nil
}

func (p *parser) expand(prefix string) (id, uri int32, err error) {
	if prefix == "" {
		return prefixNone, p.current[prefixNone], nil
	}
	if prefix == p.lastPrefix {
		id = p.lastID
	} else {
		var ok bool
		if id, ok = p.prefixes.find(prefix); !ok {
			return 0, 0, p.fail(CheckNamespace, "prefix %q is not declared", prefix)
		}
		p.lastPrefix, p.lastID = prefix, id
	}
	if uri = p.current[id]; uri < 0 {
		return 0, 0, p.fail(CheckNamespace, "prefix %q is not declared", prefix)
	}
	return id, uri, nil
}

type attrKey struct {
	uri   int32
	local string
}

// unique refuses attributes of one expanded name.
func (p *parser) unique(attrs []attr) error {
	if len(attrs) > 16 {
		return p.uniqueMany(attrs)
	}
	for i := range attrs {
		for j := range i {
			if attrs[i].uri == attrs[j].uri && p.d.attrLocal(&attrs[i]) == p.d.attrLocal(&attrs[j]) {
				return p.fail(CheckAttribute, "attribute %q occurs twice", p.d.attrName(&attrs[i]))
			}
		}
	}
	return nil
}

func (p *parser) uniqueMany(attrs []attr) error {
	if p.seen == nil {
		p.seen = make(map[attrKey]struct{}, len(attrs))
	}
	clear(p.seen)
	for i := range attrs {
		k := attrKey{attrs[i].uri, p.d.attrLocal(&attrs[i])}
		if _, twice := p.seen[k]; twice {
			return p.fail(CheckAttribute, "attribute %q occurs twice", p.d.attrName(&attrs[i]))
		}
		p.seen[k] = struct{}{}
	}
	return nil
}

// identify records the element's IDs.
func (p *parser) identify(i int32) error {
	n := &p.d.nodes[i]
	for j := range p.d.attributes(n) {
		a := &p.d.attrs[int(n.attr)+j]
		if a.nLocal != 2 || !isID(a.uri, p.d.attrLocal(a)) {
			continue
		}
		id := p.d.attrValue(a)
		if id == "" {
			return p.fail(CheckID, "an empty ID")
		}
		if _, twice := p.d.ids.find(id); twice {
			return p.fail(CheckID, "ID %q occurs twice", id)
		}
		p.d.ids.add(id)
		p.d.identified = append(p.d.identified, i)
	}
	return nil
}

func isID(uri int32, local string) bool {
	switch uri {
	case uriNone:
		return local == "ID" || local == "Id"
	case uriXML:
		return local == "id"
	}
	return false
}

func (p *parser) endTag() error {
	if len(p.open) == 1 {
		return p.fail(CheckSyntax, "an end tag without start")
	}
	top := p.open[len(p.open)-1]
	n := &p.d.nodes[top.node]
	name := p.d.qname(n)
	p.p += 2
	if !strings.HasPrefix(p.s[p.p:], name) {
		return p.fail(CheckSyntax, "an end tag that is not that of %q", name)
	}
	p.p += len(name)
	p.space()
	if p.p >= len(p.s) || p.s[p.p] != '>' {
		return p.fail(CheckSyntax, "an end tag that is not that of %q", name)
	}
	p.p++
	n.end = uint32(p.p)
	p.open = p.open[:len(p.open)-1]
	p.restore(top.hidden)
	return nil
}
