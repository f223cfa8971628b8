// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package filter is the filter language of SCIM (RFC 7644 section 3.4.2.2): a
// parser with bounds, a typed tree, evaluation, and a compiler to SQL.
//
// [Parse] reads a filter, [Match] evaluates one over any [Source], and [SQL]
// makes a WHERE clause with arguments from a map of columns; it returns an
// error for what the map does not have, never a condition that is wider.
package filter

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Op is a comparison operator.
type Op string

// The comparison operators of RFC 7644 table 3; "pr" is [Present].
const (
	Eq Op = "eq"
	Ne Op = "ne"
	Co Op = "co"
	Sw Op = "sw"
	Ew Op = "ew"
	Gt Op = "gt"
	Ge Op = "ge"
	Lt Op = "lt"
	Le Op = "le"
)

// Path names an attribute: [URN:]Name[.Sub].
type Path struct {
	URN  string
	Name string
	Sub  string
}

func (p Path) String() string {
	s := p.Name
	if p.URN != "" {
		s = p.URN + ":" + s
	}
	if p.Sub != "" {
		s += "." + p.Sub
	}
	return s
}

// Kind is the type of a [Value].
type Kind uint8

// The kinds of value.
const (
	Null Kind = iota
	Text
	Number
	Bool
	Time
)

// Value is a value that is compared. A zero Value is null.
type Value struct {
	Kind Kind
	Text string // text, or the digits of a number
	Bool bool
	Num  float64
	Time time.Time
}

// String renders the value as it stands in a filter.
func (v Value) String() string {
	switch v.Kind {
	case Text:
		return quote(v.Text)
	case Number:
		return v.Text
	case Bool:
		return strconv.FormatBool(v.Bool)
	case Time:
		return quote(v.Time.UTC().Format(time.RFC3339Nano))
	}
	return "null"
}

// TextValue makes a text value.
func TextValue(s string) Value { return Value{Kind: Text, Text: s} }

// BoolValue makes a boolean value.
func BoolValue(b bool) Value { return Value{Kind: Bool, Bool: b} }

// TimeValue makes a dateTime value.
func TimeValue(t time.Time) Value { return Value{Kind: Time, Time: t.UTC()} }

// NumberValue makes a number from its JSON digits; ok is false if they are not
// a number.
func NumberValue(digits string) (v Value, ok bool) {
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return Value{}, false
	}
	return Value{Kind: Number, Text: digits, Num: f}, true
}

// Expr is a node of a filter: [Compare], [Present], [And], [Or], [Not] or
// [Within]. Nodes are never changed after they are made.
type Expr interface {
	// String renders the filter so that parsing it gives the same tree.
	String() string
	expr()
}

// Compare is attribute op value. A multi-valued attribute matches when any of
// its values does. [Ne] also matches where there is no value.
type Compare struct {
	Path  Path
	Op    Op
	Value Value

	// CaseExact says that the text compares byte by byte. A parser cannot know;
	// whoever knows the schema sets it, as scim.Handler does before a Store
	// sees the filter.
	CaseExact bool
}

// Present is "attribute pr".
type Present struct{ Path Path }

// And matches when all terms do. It has two terms or more.
type And struct{ Terms []Expr }

// Or matches when any term does. It has two terms or more.
type Or struct{ Terms []Expr }

// Not matches when its term does not.
type Not struct{ Term Expr }

// Within is attribute[filter]: any one element of a multi-valued complex
// attribute matches the whole filter, whose paths are sub-attributes.
type Within struct {
	Path   Path
	Filter Expr
}

func (*Compare) expr() {}
func (*Present) expr() {}
func (*And) expr()     {}
func (*Or) expr()      {}
func (*Not) expr()     {}
func (*Within) expr()  {}

func (c *Compare) String() string {
	return c.Path.String() + " " + string(c.Op) + " " + c.Value.String()
}
func (p *Present) String() string { return p.Path.String() + " pr" }
func (a *And) String() string     { return join(a.Terms, " and ") }
func (o *Or) String() string      { return join(o.Terms, " or ") }
func (n *Not) String() string     { return "not (" + n.Term.String() + ")" }
func (w *Within) String() string  { return w.Path.String() + "[" + w.Filter.String() + "]" }

func join(terms []Expr, op string) string {
	var b strings.Builder
	for i, t := range terms {
		if i > 0 {
			b.WriteString(op)
		}
		switch t.(type) {
		case *And, *Or:
			b.WriteString("(" + t.String() + ")")
		default:
			b.WriteString(t.String())
		}
	}
	return b.String()
}

// quote renders a JSON string without escaping more than it must.
func quote(s string) string {
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20:
			const hex = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return string(append(b, '"'))
}

// Fold is the one case fold of this package: two texts have the same fold if
// and only if strings.EqualFold says that they are equal.
func Fold(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return strings.Map(foldRune, s)
		}
	}
	return s
}

func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	if least < utf8.RuneSelf {
		return foldRune(least)
	}
	return least
}
