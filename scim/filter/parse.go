// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits bound what [Parser] accepts. Zero fields mean the defaults.
type Limits struct {
	Length int // bytes; 8192
	Depth  int // nested parentheses, brackets and nots; 32
	Terms  int // comparisons; 256
}

func (l Limits) withDefaults() Limits {
	if l.Length <= 0 {
		l.Length = 8192
	}
	if l.Depth <= 0 {
		l.Depth = 32
	}
	if l.Terms <= 0 {
		l.Terms = 256
	}
	return l
}

// SyntaxError says where a filter or path cannot be read.
type SyntaxError struct {
	Offset int
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("filter: at byte %d: %s", e.Offset, e.Reason)
}

// Parse reads a filter within the default [Limits].
func Parse(s string) (Expr, error) { return ParseWithin(s, Limits{}) }

// ParseWithin reads a filter within the given limits, in linear time.
func ParseWithin(s string, l Limits) (Expr, error) {
	p := parser{s: s, l: l.withDefaults()}
	if len(s) > p.l.Length {
		return nil, &SyntaxError{p.l.Length, "the filter is too long"}
	}
	e, err := p.or(false)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.i < len(s) {
		return nil, p.fail("unexpected text behind the filter")
	}
	return e, nil
}

// ParsePath reads an attribute path such as "name.familyName", alone.
func ParsePath(s string) (Path, error) {
	p := parser{s: s, l: Limits{}.withDefaults()}
	if len(s) > p.l.Length {
		return Path{}, &SyntaxError{p.l.Length, "the path is too long"}
	}
	path, err := p.path()
	if err != nil {
		return Path{}, err
	}
	if p.i < len(s) {
		return Path{}, p.fail("unexpected text behind the path")
	}
	return path, nil
}

// ParseTarget reads the path of a PATCH operation (RFC 7644 section 3.5.2):
// attribute, attribute[filter] or attribute[filter].sub.
func ParseTarget(s string, l Limits) (attr Path, within Expr, sub string, err error) {
	p := parser{s: s, l: l.withDefaults()}
	if len(s) > p.l.Length {
		return attr, nil, "", &SyntaxError{p.l.Length, "the path is too long"}
	}
	if attr, err = p.path(); err != nil {
		return attr, nil, "", err
	}
	if p.i < len(s) && s[p.i] == '[' {
		if within, err = p.bracket(attr); err != nil {
			return attr, nil, "", err
		}
		if p.i < len(s) && s[p.i] == '.' {
			p.i++
			if sub, err = p.name(); err != nil {
				return attr, nil, "", err
			}
		}
	}
	if p.i < len(s) {
		return attr, nil, "", p.fail("unexpected text behind the path")
	}
	return attr, within, sub, nil
}

type parser struct {
	s     string
	i     int
	l     Limits
	depth int
	terms int
}

func (p *parser) fail(reason string) error { return &SyntaxError{p.i, reason} }

func (p *parser) space() {
	for p.i < len(p.s) && p.s[p.i] == ' ' {
		p.i++
	}
}

func (p *parser) enter() error {
	if p.depth++; p.depth > p.l.Depth {
		return p.fail("nested too deeply")
	}
	return nil
}

// or = and *(SP "or" SP and); "and" binds tighter.
func (p *parser) or(inner bool) (Expr, error) {
	return p.list("or", inner, func() (Expr, error) { return p.list("and", inner, func() (Expr, error) { return p.term(inner) }) })
}

func (p *parser) list(word string, _ bool, next func() (Expr, error)) (Expr, error) {
	first, err := next()
	if err != nil {
		return nil, err
	}
	terms := []Expr{first}
	for p.word(word) {
		t, err := next()
		if err != nil {
			return nil, err
		}
		terms = append(terms, t)
	}
	switch {
	case len(terms) == 1:
		return first, nil
	case word == "or":
		return &Or{terms}, nil
	}
	return &And{terms}, nil
}

// word consumes a logical operator that stands behind a space or a closing
// bracket and before a space or an opening parenthesis.
func (p *parser) word(w string) bool {
	i := p.i
	for i < len(p.s) && p.s[i] == ' ' {
		i++
	}
	end := i + len(w)
	if i == p.i && (i == 0 || p.s[i-1] != ')' && p.s[i-1] != ']') || end >= len(p.s) || !strings.EqualFold(p.s[i:end], w) ||
		p.s[end] != ' ' && p.s[end] != '(' {
		return false
	}
	p.i = end
	return true
}

func (p *parser) term(inner bool) (Expr, error) {
	p.space()
	if p.i < len(p.s) && p.s[p.i] == '(' {
		return p.group(inner)
	}
	start := p.i
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	if path.URN == "" && path.Sub == "" && strings.EqualFold(path.Name, "not") {
		p.space()
		if p.i < len(p.s) && p.s[p.i] == '(' {
			if err := p.enter(); err != nil {
				return nil, err
			}
			e, err := p.group(inner)
			p.depth--
			if err != nil {
				return nil, err
			}
			return &Not{e}, nil
		}
		p.i = start
		return nil, p.fail(`"not" needs a parenthesis`)
	}
	if p.terms++; p.terms > p.l.Terms {
		return nil, p.fail("too many comparisons")
	}
	if p.i < len(p.s) && p.s[p.i] == '[' {
		if inner {
			return nil, p.fail("a value filter inside a value filter")
		}
		w, err := p.bracket(path)
		if err != nil {
			return nil, err
		}
		if p.i < len(p.s) && p.s[p.i] == '.' {
			return p.bracketSub(path, w)
		}
		return &Within{path, w}, nil
	}
	return p.compare(path)
}

// bracketSub reads attribute[filter].sub op value, which clients send although
// the grammar has it for PATCH paths only; it means that one element matches
// both.
func (p *parser) bracketSub(path Path, within Expr) (Expr, error) {
	p.i++
	sub, err := p.name()
	if err != nil {
		return nil, err
	}
	c, err := p.compare(Path{Name: sub})
	if err != nil {
		return nil, err
	}
	return &Within{path, &And{[]Expr{within, c}}}, nil
}

func (p *parser) group(inner bool) (Expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	p.i++
	e, err := p.or(inner)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.i >= len(p.s) || p.s[p.i] != ')' {
		return nil, p.fail("a closing parenthesis is missing")
	}
	p.i++
	p.depth--
	return e, nil
}

func (p *parser) bracket(path Path) (Expr, error) {
	if path.Sub != "" {
		return nil, p.fail("a value filter on a sub-attribute")
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	p.i++
	e, err := p.or(true)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.i >= len(p.s) || p.s[p.i] != ']' {
		return nil, p.fail("a closing bracket is missing")
	}
	p.i++
	p.depth--
	return e, nil
}

func (p *parser) compare(path Path) (Expr, error) {
	if p.i >= len(p.s) || p.s[p.i] != ' ' {
		return nil, p.fail("an operator is missing")
	}
	p.space()
	start := p.i
	for p.i < len(p.s) && isAlpha(p.s[p.i]) {
		p.i++
	}
	op := Op(strings.ToLower(p.s[start:p.i]))
	switch op {
	case "pr":
		return &Present{path}, nil
	case Eq, Ne, Co, Sw, Ew, Gt, Ge, Lt, Le:
	default:
		p.i = start
		return nil, p.fail("not an operator")
	}
	if p.i >= len(p.s) || p.s[p.i] != ' ' {
		return nil, p.fail("a value is missing")
	}
	p.space()
	start = p.i
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	if !comparable(op, v.Kind) {
		p.i = start
		return nil, p.fail(`operator "` + string(op) + `" cannot be used with this value`)
	}
	return &Compare{Path: path, Op: op, Value: v}, nil
}

func comparable(op Op, k Kind) bool {
	switch op {
	case Eq, Ne:
		return true
	case Gt, Ge, Lt, Le:
		return k != Bool && k != Null
	}
	return k == Text
}

func (p *parser) path() (Path, error) {
	start := p.i
	colon, dot := -1, -1
	for p.i < len(p.s) {
		c := p.s[p.i]
		switch {
		case c == ':':
			colon, dot = p.i, -1
		case c == '.':
			if dot < 0 {
				dot = p.i
			} else if colon < 0 || !strings.HasPrefix(strings.ToLower(p.s[start:]), "urn:") {
				return Path{}, p.fail("more than one sub-attribute")
			}
		case isName(c):
		default:
			goto done
		}
		p.i++
	}
done:
	var out Path
	rest := p.s[start:p.i]
	if colon >= 0 {
		out.URN, rest = p.s[start:colon], p.s[colon+1:p.i]
		if len(out.URN) < 5 || !strings.EqualFold(out.URN[:4], "urn:") {
			p.i = start
			return Path{}, p.fail("a schema begins with urn:")
		}
	}
	name, sub, dotted := strings.Cut(rest, ".")
	if !validName(name) || dotted && !validName(sub) {
		p.i = start
		return Path{}, p.fail("an attribute name is expected")
	}
	out.Name, out.Sub = name, sub
	return out, nil
}

func (p *parser) name() (string, error) {
	start := p.i
	for p.i < len(p.s) && isName(p.s[p.i]) {
		p.i++
	}
	if !validName(p.s[start:p.i]) {
		p.i = start
		return "", p.fail("an attribute name is expected")
	}
	return p.s[start:p.i], nil
}

// validName is ATTRNAME, and "$ref", which RFC 7643 section 2.4 has beside it.
func validName(s string) bool {
	if s == "" || strings.EqualFold(s, "$ref") {
		return s != ""
	}
	return isAlpha(s[0]) && !strings.Contains(s, "$")
}

func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isName(c byte) bool {
	return isAlpha(c) || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '$'
}

func (p *parser) value() (Value, error) {
	if p.i >= len(p.s) {
		return Value{}, p.fail("a value is missing")
	}
	if p.s[p.i] == '"' {
		s, err := p.text()
		return Value{Kind: Text, Text: s}, err
	}
	start := p.i
	for p.i < len(p.s) && p.s[p.i] != ' ' && p.s[p.i] != ')' && p.s[p.i] != ']' {
		p.i++
	}
	word := p.s[start:p.i]
	switch strings.ToLower(word) {
	case "true", "false":
		return BoolValue(strings.EqualFold(word, "true")), nil
	case "null":
		return Value{}, nil
	}
	if isNumber(word) {
		if v, ok := NumberValue(word); ok {
			return v, nil
		}
	}
	p.i = start
	return Value{}, p.fail("not a value: text is written in double quotes")
}

// isNumber is the number of RFC 8259.
func isNumber(s string) bool {
	digits := func() bool {
		n := 0
		for n < len(s) && '0' <= s[n] && s[n] <= '9' {
			n++
		}
		s = s[n:]
		return n > 0
	}
	s = strings.TrimPrefix(s, "-")
	if strings.HasPrefix(s, "0") && len(s) > 1 && '0' <= s[1] && s[1] <= '9' || !digits() {
		return false
	}
	if strings.HasPrefix(s, ".") {
		if s = s[1:]; !digits() {
			return false
		}
	}
	if s != "" && s[0]|0x20 == 'e' {
		if s = s[1:]; s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if !digits() {
			return false
		}
	}
	return s == ""
}

// text reads a JSON string (RFC 8259 section 7).
func (p *parser) text() (string, error) {
	p.i++
	start := p.i
	for p.i < len(p.s) && p.s[p.i] != '"' && p.s[p.i] != '\\' && p.s[p.i] >= 0x20 {
		p.i++
	}
	var b []byte
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == '"':
			s := p.s[start:p.i]
			if b != nil {
				s = string(b)
			}
			p.i++
			if !utf8.ValidString(s) {
				return "", p.fail("text is not UTF-8")
			}
			return s, nil
		case c < 0x20:
			return "", p.fail("a control character in text")
		case c == '\\':
			if b == nil {
				b = append(make([]byte, 0, len(p.s)-start), p.s[start:p.i]...)
			}
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, r)
		default:
			if b != nil {
				b = append(b, c)
			}
			p.i++
		}
	}
	return "", p.fail("a closing quote is missing")
}

func (p *parser) escape() (rune, error) {
	if p.i+1 >= len(p.s) {
		return 0, p.fail("an unfinished escape")
	}
	c := p.s[p.i+1]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		p.i += 2
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	r, ok := p.hex(p.i)
	if !ok {
		return 0, p.fail("not an escape")
	}
	p.i += 6
	if r == 0 {
		return 0, p.fail("a NUL in text")
	}
	if utf16.IsSurrogate(r) {
		low, ok := p.hex(p.i)
		if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
			return 0, p.fail("half a surrogate pair")
		}
		p.i += 6
	}
	return r, nil
}

func (p *parser) hex(i int) (rune, bool) {
	if i+6 > len(p.s) || p.s[i] != '\\' || p.s[i+1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(p.s[i+2:i+6], 16, 16)
	return rune(n), err == nil
}
